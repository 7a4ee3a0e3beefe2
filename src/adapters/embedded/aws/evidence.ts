import type { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../../../core/index.ts';
import type { PromptStorageSettings } from '../../../enforcement/index.ts';
import {
  type DataRetention,
  type EvidenceSources,
  type IamEvidence,
  type Observation,
  type Organization,
  type SectionLevel,
  type SectionName,
  type SectionObservations,
  type SectionPlaces,
  type SectionReaders,
  type SectionSource,
  type Snapshot,
  sectionNames,
  sectionOf,
} from '../../../evidence/index.ts';
import { prepared } from '../statements.ts';
import { inTransaction, readDocument, writeDocument } from './database.ts';
import { ownDestinationSections } from './own-destinations.ts';

type Unobservable = Extract<Observation<never>, { kind: 'unobservable' }>;

/** What the embedded AWS refuses to show, by `account/region` or `account`: seeded from the snapshot's own refusals. */
type Refusals = Readonly<Record<string, Unobservable>>;

const ORGANIZATION = 'organization';
const REFUSALS = 'refusals';
const iamName = (accountId: string) => `iam/${accountId}`;

/** Takes over an organization, its identities and its settings from a snapshot, so that a simulation starts from a real estate. */
export function seedFromSnapshot(database: DatabaseSync, snapshot: Snapshot): void {
  inTransaction(database, () => {
    writeDocument(database, ORGANIZATION, snapshot.organization);
    const refusals: Record<string, Unobservable> = {};
    for (const { accountId, iam } of snapshot.accounts) {
      if (iam.kind === 'unobservable') refusals[accountId] = iam;
      else writeDocument(database, iamName(accountId), iam.kind === 'observed' ? iam.value : null);
    }
    const setting = prepared(
      database,
      'INSERT INTO settings (account, region, logging, retention) VALUES (?, ?, ?, ?)',
    );
    const bucket = prepared(
      database,
      'INSERT OR IGNORE INTO buckets (name, account, region, versioned, object_lock) VALUES (?, ?, ?, 1, 0)',
    );
    const logGroup = prepared(
      database,
      'INSERT OR IGNORE INTO log_groups (account, region, name) VALUES (?, ?, ?)',
    );
    for (const { accountId, region, invocationLogging, dataRetention } of snapshot.accountRegions) {
      if (invocationLogging.kind === 'unobservable')
        refusals[`${accountId}/${region}/logging`] = invocationLogging;
      if (dataRetention.kind === 'unobservable') refusals[`${accountId}/${region}/retention`] = dataRetention;
      const logging = invocationLogging.kind === 'observed' ? invocationLogging.value : undefined;
      setting.run(
        accountId,
        region,
        logging === undefined ? null : JSON.stringify(logging),
        dataRetention.kind === 'observed' ? JSON.stringify(dataRetention.value) : null,
      );
      for (const name of [
        logging?.s3Config?.bucketName,
        logging?.cloudWatchConfig?.largeDataDeliveryS3Config?.bucketName,
      ]) {
        if (name) bucket.run(name, accountId, region);
      }
      if (logging?.cloudWatchConfig?.logGroupName)
        logGroup.run(accountId, region, logging.cloudWatchConfig.logGroupName);
    }
    writeDocument(database, REFUSALS, refusals);
    const { organization, accounts, accountRegions } = snapshot;
    seedSections(database, 'organization', organization, organization.sections);
    for (const account of accounts) seedSections(database, 'account', account, account.sections);
    for (const pair of accountRegions) seedSections(database, 'account-region', pair, pair.sections);
  });
}

const sectionKey = (level: SectionLevel, place: SectionPlaces[SectionLevel]): string =>
  [
    'sections',
    level,
    ...('accountId' in place ? [place.accountId] : []),
    ...('region' in place ? [place.region] : []),
  ].join('/');

/** As the snapshot has them: the embedded AWS has no sessions or jobs of its own, it shows those of the estate that it took over. */
function seedSections<L extends SectionLevel>(
  database: DatabaseSync,
  level: L,
  place: SectionPlaces[L],
  sections: SectionObservations<L> | undefined,
): void {
  if (sections !== undefined) writeDocument(database, sectionKey(level, place), sections);
}

function embeddedSections(database: DatabaseSync, clock: Clock): SectionSource['sections'] {
  const readersOf = <L extends SectionLevel>(level: L): SectionReaders<L> =>
    Object.fromEntries(
      sectionNames(level).map((name) => [
        name,
        async (place: SectionPlaces[L]) => {
          const held = readDocument<SectionObservations<L>>(database, sectionKey(level, place));
          const seen: Observation<unknown> = sectionOf<L, SectionName<L>>(held, name);
          return seen.kind === 'unobservable' ? seen : { ...seen, at: clock.now() };
        },
      ]),
    ) as SectionReaders<L>;
  const taken = readersOf('account-region');
  return {
    'account-region': { ...taken, ...ownDestinationSections(database, clock, taken) },
    account: readersOf('account'),
    organization: readersOf('organization'),
  };
}

export function embeddedOrganization(database: DatabaseSync): Organization {
  const organization = readDocument<Organization>(database, ORGANIZATION);
  if (organization === undefined)
    throw new Error('the embedded AWS holds no organization; create the state from a snapshot');
  return organization;
}

const FORMER = 'organization-before';

/** Somebody changes the organization. A stale reading shows what it was before. */
export function writeOrganization(database: DatabaseSync, organization: Organization): void {
  writeDocument(database, FORMER, embeddedOrganization(database));
  writeDocument(database, ORGANIZATION, organization);
}

export const formerOrganization = (database: DatabaseSync): Organization =>
  readDocument<Organization>(database, FORMER) ?? embeddedOrganization(database);

/** The collectors' ports over the embedded AWS, live: what a check sees here is what the workflow did here. */
export function embeddedEvidence(
  database: DatabaseSync,
  clock: Clock,
  settings: PromptStorageSettings,
): EvidenceSources {
  const refusalOf = (key: string): Unobservable | undefined =>
    readDocument<Refusals>(database, REFUSALS)?.[key];
  return {
    readsOptIn: true,
    sections: embeddedSections(database, clock),
    async readOrganization() {
      return {
        kind: 'observed',
        value: embeddedOrganization(database),
        at: clock.now(),
        source: { call: 'organizations:DescribeOrganization' },
      };
    },
    async readIam(accountId) {
      const refusal = refusalOf(accountId);
      if (refusal) return refusal;
      const source = { call: 'iam:GetAccountAuthorizationDetails', accountId };
      const value = readDocument<IamEvidence | null>(database, iamName(accountId));
      return value
        ? { kind: 'observed', value, at: clock.now(), source }
        : { kind: 'absent', at: clock.now(), source };
    },
    async readInvocationLogging(accountId, region) {
      return (
        refusalOf(`${accountId}/${region}/logging`) ?? settings.getInvocationLogging({ accountId, region })
      );
    },
    async readDataRetention(accountId, region) {
      const refusal = refusalOf(`${accountId}/${region}/retention`);
      if (refusal) return refusal;
      const row = prepared(database, 'SELECT retention FROM settings WHERE account = ? AND region = ?').get(
        accountId,
        region,
      ) as { retention: string | null } | undefined;
      const source = { call: 'bedrock:GetAccountDataRetention', accountId, region };
      return row?.retention == null
        ? { kind: 'absent', at: clock.now(), source }
        : { kind: 'observed', value: JSON.parse(row.retention) as DataRetention, at: clock.now(), source };
    },
  };
}
