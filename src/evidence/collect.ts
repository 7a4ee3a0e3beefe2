import pMap from 'p-map';
import * as z from 'zod';
import { type EpochMs, err, isRegion, ok, type Region, type Result } from '../core/index.ts';
import type { AccountPart, SnapshotHead } from './account-part.ts';
import { EvidenceError } from './errors.ts';
import type { EvidenceSources, ReadOptions, SectionPlaces, SectionReader } from './ports.ts';
import { describeIssue } from './schema-parts.ts';
import {
  type Section,
  type SectionLevel,
  type SectionName,
  type SectionObservations,
  sectionDefinition,
  sectionNames,
  sectionOf,
  usableRegions,
} from './sections/index.ts';
import {
  type AccountEvidence,
  type MemberAccount,
  type Observation,
  type RegionEvidence,
  SNAPSHOT_SCHEMA_VERSION,
  type Snapshot,
} from './types.ts';

export interface CollectOptions {
  /** The Regions to ask in every account; at least one, duplicates are asked once. */
  readonly regions: readonly Region[];
  /**
   * Ask no others. Without it every account is also asked in the Regions that it can use, by its own section `regions`: content may be
   * stored wherever an account can call Bedrock, whatever list a policy has.
   */
  readonly onlyTheseRegions?: boolean | undefined;
  /** The snapshot's time, by the collector's clock, before the first call. */
  readonly takenAt: EpochMs;
  /** How many accounts' IAM or account-Regions are read at the same time; default 12. */
  readonly concurrency?: number;
  /** Sections that are read only when asked for (`optIn`), by name. */
  readonly optIn?: readonly string[];
  readonly signal?: AbortSignal | undefined;
}

const DEFAULT_CONCURRENCY = 12;

/** AWS closes the door of these; asking would give an access-denied that says nothing about the account. */
const NOT_CALLABLE: ReadonlySet<string> = new Set(['SUSPENDED', 'CLOSED']);

/**
 * Takes a snapshot: the organization first, then every account with its IAM, then both settings once per account and Region.
 *
 * An account that cannot be read does not stop the others and is never left out: its observations say why
 * (`access-denied`, `throttled`, `failed`), and a suspended or closed account is not called at all (`not-collected`). The result is in
 * the organization's order, whatever the order of the answers.
 *
 * @returns the snapshot, or an error only when there is none to take: the organization could not be read, there are no Regions, or
 *   `options.signal` was aborted
 */
export async function collectSnapshot(
  sources: EvidenceSources,
  options: CollectOptions,
): Promise<Result<Snapshot, EvidenceError>> {
  const head = await collectHead(sources, options);
  if (!head.ok) return head;
  const asked = askedOf(sources, options);
  const atOnce = { concurrency: options.concurrency ?? DEFAULT_CONCURRENCY, signal: options.signal };
  try {
    const accounts = await pMap(
      head.value.organization.accounts,
      async (account) => ({ account, evidence: await readAccount(account, asked) }),
      atOnce,
    );
    const accountRegions = await pMap(
      accounts.flatMap(({ account, evidence }) =>
        regionsToAsk(head.value, evidence, options).map((region) => ({ account, region })),
      ),
      ({ account, region }) => readRegion(account, region, asked),
      atOnce,
    );
    return ok({ ...head.value, accounts: accounts.map(({ evidence }) => evidence), accountRegions });
  } catch (error) {
    // p-map rejects as soon as the signal aborts, so no answer cut short by the abort can get into a snapshot.
    if (options.signal?.aborted) return err(aborted());
    throw error;
  }
}

/** The organization alone, with its sections: what a snapshot is the head of. Errors as {@link collectSnapshot}. */
export async function collectHead(
  sources: EvidenceSources,
  options: Pick<CollectOptions, 'regions' | 'takenAt' | 'optIn' | 'signal'>,
): Promise<Result<SnapshotHead, EvidenceError>> {
  const regions = [...new Set(options.regions)];
  if (regions.length === 0)
    return err(
      new EvidenceError(
        'no-regions',
        'no Region was given, so nothing would be checked',
        'name the governed Regions',
        false,
      ),
    );
  if (options.signal?.aborted) return err(aborted());
  const asked = askedOf(sources, options);
  const organization = await guarded('organizations:DescribeOrganization', () =>
    sources.readOrganization(asked.read),
  );
  if (options.signal?.aborted) return err(aborted());
  if (organization.kind !== 'observed') return err(unreadable(organization));
  const sections = await readSections('organization', organization.value, asked);
  if (options.signal?.aborted) return err(aborted());
  return ok({
    schemaVersion: SNAPSHOT_SCHEMA_VERSION,
    takenAt: options.takenAt,
    organization: { ...organization.value, ...sections },
    regions,
  });
}

/**
 * One account of `head`, whole: its own evidence and every Region. What could not be read says why; this never rejects for it.
 * @throws the reason of `options.signal` when that is aborted, so that half an account is never taken for one
 */
export async function collectAccount(
  sources: EvidenceSources,
  head: SnapshotHead,
  account: MemberAccount,
  options: Pick<CollectOptions, 'optIn' | 'signal' | 'concurrency' | 'onlyTheseRegions'> = {},
): Promise<AccountPart> {
  const asked = askedOf(sources, options);
  const evidence = await readAccount(account, asked);
  const regions = await pMap(
    regionsToAsk(head, evidence, options),
    (region) => readRegion(account, region, asked),
    { concurrency: options.concurrency ?? DEFAULT_CONCURRENCY, signal: options.signal },
  );
  options.signal?.throwIfAborted();
  return { evidence, regions };
}

/** Those of the head first, in its order, then what else the account can use, sorted. Where its list was not seen, those of the head alone. */
function regionsToAsk(
  { regions }: SnapshotHead,
  { sections }: AccountEvidence,
  { onlyTheseRegions }: Pick<CollectOptions, 'onlyTheseRegions'>,
): readonly Region[] {
  if (onlyTheseRegions === true) return regions;
  const usable = usableRegions(sectionOf(sections, 'regions')).filter(isRegion);
  return [...new Set([...regions, ...usable.toSorted()])];
}

const askedOf = (
  sources: EvidenceSources,
  { optIn, signal }: Pick<CollectOptions, 'optIn' | 'signal'>,
): Asked => ({
  sources,
  read: { signal },
  optIn: new Set(optIn ?? []),
});

interface Asked {
  readonly sources: EvidenceSources;
  readonly read: ReadOptions;
  readonly optIn: ReadonlySet<string>;
}

async function readAccount(account: MemberAccount, asked: Asked): Promise<AccountEvidence> {
  const skipped = skippedOf(account);
  const iam =
    skipped ??
    (await guarded('iam:GetAccountAuthorizationDetails', () =>
      asked.sources.readIam(account.id, asked.read),
    ));
  const evidence: AccountEvidence = { accountId: account.id, iam };
  return { ...evidence, ...(await readSections('account', evidence, asked, skipped)) };
}

async function readRegion(account: MemberAccount, region: Region, asked: Asked): Promise<RegionEvidence> {
  const { sources, read } = asked;
  const skipped = skippedOf(account);
  const invocationLogging =
    skipped ??
    (await guarded('bedrock:GetModelInvocationLoggingConfiguration', () =>
      sources.readInvocationLogging(account.id, region, read),
    ));
  const dataRetention =
    skipped ??
    (await guarded('bedrock:GetAccountDataRetention', () =>
      sources.readDataRetention(account.id, region, read),
    ));
  const evidence: RegionEvidence = { accountId: account.id, region, invocationLogging, dataRetention };
  return { ...evidence, ...(await readSections('account-region', evidence, asked, skipped)) };
}

/**
 * Every section of a level that the sources can read, one after the other, each with what was seen before it. A section without a reader,
 * and an opt-in one that nobody asked for, is left out: not collected.
 */
async function readSections<L extends SectionLevel>(
  level: L,
  place: SectionPlaces[L],
  { sources, read, optIn }: Asked,
  skipped?: Unobservable,
): Promise<{ readonly sections?: SectionObservations<L> }> {
  const seen: Record<string, Observation<unknown>> = {};
  for (const name of sectionNames(level)) {
    const definition = sectionDefinition(level, name);
    const reader = sources.sections[level][name] as SectionReader<L, SectionName<L>> | undefined;
    if (
      reader === undefined ||
      (definition.optIn !== undefined && !optIn.has(name) && sources.readsOptIn !== true)
    )
      continue;
    const call = Object.keys(definition.actions).join(' + ');
    seen[name] =
      skipped ??
      checked(definition, await guarded(call, () => reader({ ...place, sections: { ...seen } }, read)));
  }
  return Object.keys(seen).length === 0 ? {} : { sections: seen as SectionObservations<L> };
}

/** What a reader gives must be what a file can hold: anything else could not be read back, and may be what nobody looked at. */
function checked(definition: Section<unknown>, observation: Observation<unknown>): Observation<unknown> {
  if (observation.kind !== 'observed') return observation;
  try {
    z.encode(definition.value, observation.value);
    return observation;
  } catch (error) {
    return {
      kind: 'unobservable',
      reason: 'malformed',
      detail: error instanceof z.core.$ZodError ? describeIssue(error) : 'the value has another shape',
      source: observation.source,
    };
  }
}

type Unobservable = Extract<Observation<never>, { kind: 'unobservable' }>;

const skippedOf = ({ state }: MemberAccount): Unobservable | undefined =>
  NOT_CALLABLE.has(state)
    ? {
        kind: 'unobservable',
        reason: 'not-collected',
        detail: `the account is ${state} and was not called`,
      }
    : undefined;

/** Ports promise never to reject; if one does, that is still one observation and not the end of the snapshot. */
async function guarded<T>(call: string, read: () => Promise<Observation<T>>): Promise<Observation<T>> {
  try {
    return await read();
  } catch {
    return {
      kind: 'unobservable',
      reason: 'failed',
      detail: 'the collector itself failed',
      source: { call },
    };
  }
}

const aborted = (): EvidenceError =>
  new EvidenceError(
    'collection-aborted',
    'the collection was stopped before it was complete',
    'collect again; nothing was written',
    true,
  );

function unreadable(observation: Exclude<Observation<unknown>, { kind: 'observed' }>): EvidenceError {
  if (observation.kind === 'absent')
    return new EvidenceError(
      'organization-unreadable',
      'this account is not in an organization',
      'collect from the management account of the organization or from a delegated administrator',
      false,
    );
  const call = observation.source?.call ?? 'organizations:DescribeOrganization';
  const detail = observation.detail === undefined ? '' : ` (${observation.detail})`;
  return new EvidenceError(
    'organization-unreadable',
    `the organization could not be read: ${observation.reason} at \`${call}\`${detail}`,
    observation.reason === 'access-denied'
      ? 'collect from the management account or a delegated administrator, with the permissions of docs/permissions.md'
      : 'check the credentials, the Region and the connection, then collect again',
    observation.reason === 'throttled' || observation.reason === 'failed',
  );
}
