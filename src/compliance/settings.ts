import { type EpochMs, type EventActor, epochMs, HOUR } from '../core/index.ts';
import {
  type Evaluation,
  enforcePair,
  keepsContent,
  type Pair,
  reconcilePair,
  type Services,
} from '../enforcement/index.ts';
import {
  type DataRetention,
  type LoggingConfiguration,
  type MemberAccount,
  type Observation,
  type Organization,
  type OrganizationalUnit,
  SNAPSHOT_SCHEMA_VERSION,
  type Snapshot,
} from '../evidence/index.ts';
import {
  decodeRecord,
  encode,
  isActive,
  isUnsettled,
  isWithin,
  type LeaseRow,
  leaseKey,
  POLICY_KEY,
  type StoredRecord,
  storesContent,
} from '../exceptions/index.ts';
import { type Control, type FactName, type LoadedPolicy, leavesOf, storageFor } from '../policy/index.ts';
import { checkSnapshot } from '../rules/index.ts';
import { coverageOf } from './coverage.ts';
import { annotation, evaluationOf } from './evaluation.ts';

const actor: EventActor = { id: 'config-rule', kind: 'config-rule' };

/** AWS Config has no type for the settings: they are reported on the account itself. */
export const ACCOUNT_TYPE = 'AWS::::Account';

/** An account's place in the tree, kept so that an evaluation need not read the organization. */
interface KnownAccount {
  readonly organizationId: string;
  readonly managementAccountId: Organization['managementAccountId'];
  readonly account: MemberAccount;
  /** From the root down. */
  readonly units: readonly OrganizationalUnit[];
  readonly readAt: EpochMs;
}
const KNOWN_FOR_MS = 24 * HOUR;
const accountKey = ({ accountId }: Pair): string => `account/${accountId}`;
const ORGANIZATION_EVENTS = 'seen/organization';

/** What one evaluation knows before it asks AWS about the settings. */
interface Known {
  readonly policy: LoadedPolicy;
  readonly known: KnownAccount;
}

/** Facts that follow from the two settings, the account and the policy: what a periodic rule can ask without reading anything else. */
const isOfSettings = (fact: FactName): boolean =>
  /^(account|region|storage|invocationLogging|dataRetention)\./.test(fact);

/** The controls that the two settings decide alone. */
export const settingControls = ({ policy }: LoadedPolicy): readonly Control[] =>
  policy.controls.filter(
    ({ subject, when, require }) =>
      subject === 'account-region' &&
      [...(when === undefined ? [] : leavesOf(when, 'when')), ...leavesOf(require, 'require')].every(
        ({ leaf }) => isOfSettings(leaf.fact),
      ),
  );

/** Somebody outside the organization invoked the function, or the account left. Nothing is read there and nothing reported. */
export class NotAMember extends Error {
  constructor(pair: Pair) {
    super(`account ${pair.accountId} is not in the organization`);
    this.name = 'NotAMember';
  }
}

/**
 * Evaluates the two settings of one account and Region, as the policy in force sees them now, and is detector 4: what should not be on is
 * switched off first, by the functions that every detector calls, and what is then there is reported.
 *
 * Calls, where nothing has to be switched off: one transaction on the table, AssumeRole, the two Gets (and, to report, AssumeRole and
 * PutEvaluations): six. The account's place in the tree is read from the organization once a day, and after an event of the organization.
 *
 * @param at - the notification's own time, which orders the answers
 * @returns the evaluation, and with it why switching off failed
 */
export async function evaluateSettings(
  services: Services,
  pair: Pair,
  at: EpochMs,
): Promise<{ readonly evaluation: Evaluation; readonly fault?: Error }> {
  const resource = { resourceType: ACCOUNT_TYPE, resourceId: pair.accountId };
  const read = await readRecords(services, pair);
  const { row } = read;
  // INVARIANT (OFF_NEEDS_NOTHING): what a lease left on ends without a policy, without the organization, and in any Region.
  const endLease = async (): Promise<unknown> =>
    row?.leases.some(isUnsettled) === true
      ? reconcilePair(services, pair, actor, services.clock.now())
      : undefined;
  let judgedBy: Known;
  try {
    judgedBy = await knownOf(services, pair, read);
  } catch (error) {
    // The first failure is the one that is told; ending tells of its own.
    await endLease().catch(() => undefined);
    throw error;
  }
  const { policy, known } = judgedBy;
  if (!policy.policy.storage.scope.regions.includes(pair.region)) {
    await endLease();
    return {
      evaluation: {
        ...resource,
        at,
        compliance: 'NOT_APPLICABLE',
        annotation: annotation(`the policy does not govern ${pair.region}`),
      },
    };
  }
  let seen = await observe(services, pair);
  let fault: Error | undefined;
  try {
    if (await act(services, pair, policy, row, known, seen)) seen = await observe(services, pair);
  } catch (error) {
    // What is on is reported as it is; that it could not be switched off must not silence the report.
    fault = error instanceof Error ? error : new Error(String(error));
    seen = await observe(services, pair);
  }
  const now = services.clock.now();
  const rows = row === undefined ? [] : [row];
  const snapshot = snapshotOf(pair, known, seen, now);
  const report = await checkSnapshot({
    snapshot,
    policy: onlyHere(policy, pair),
    now,
    coverage: coverageOf(snapshot, rows, now),
  });
  const findings = report.findings.filter(
    ({ subject }) =>
      subject.kind === 'account-region' &&
      subject.accountId === pair.accountId &&
      subject.region === pair.region,
  );
  return { evaluation: evaluationOf(findings, resource, at), ...(fault === undefined ? {} : { fault }) };
}

/** The policy as far as it judges the two settings there: what it says of other Regions would be judged to be thrown away. */
function onlyHere(loaded: LoadedPolicy, { region }: Pair): LoadedPolicy {
  const { storage } = loaded.policy;
  const policy = {
    ...loaded.policy,
    storage: { ...storage, scope: { ...storage.scope, regions: [region] } },
    controls: [...settingControls(loaded)],
  };
  return { ...loaded, policy };
}

interface Seen {
  readonly logging: Observation<LoggingConfiguration>;
  readonly retention: Observation<DataRetention>;
}

const observe = async ({ settings, retention }: Services, pair: Pair): Promise<Seen> => ({
  logging: await settings.getInvocationLogging(pair),
  retention: await retention.getDataRetention(pair),
});

/** @returns whether anything may have changed */
async function act(
  services: Services,
  pair: Pair,
  { policy }: LoadedPolicy,
  row: LeaseRow | undefined,
  { units }: KnownAccount,
  { logging, retention }: Seen,
): Promise<boolean> {
  const now = services.clock.now();
  const lease = row?.leases.find((candidate) => isActive(candidate, now));
  const isLeftOver =
    row?.leases.some((each) => each.enabling !== undefined && each.offAt === undefined && each !== lease) ??
    false;
  const isUnexplained =
    logging.kind === 'observed' &&
    storesContent(logging.value) &&
    (lease?.enabling === undefined || !isWithin(logging.value, lease.configuration));
  const isSwitchedOff = lease?.enabling !== undefined && logging.kind === 'absent';
  const storage = storageFor(
    policy,
    units.map(({ id }) => id),
  );
  const isDrift =
    storage.enforcement === 'enforce' &&
    (isUnexplained || (retention.kind === 'observed' && keepsContent('data-retention', retention.value)));
  if (isLeftOver || (isUnexplained && row !== undefined) || isSwitchedOff)
    await reconcilePair(services, pair, actor, now);
  if (isDrift) await enforcePair(services, { ...pair, ...storage }, { actor, pace: 'own' });
  return isLeftOver || isUnexplained || isSwitchedOff || isDrift;
}

/** One read of the table. */
async function readRecords({ store }: Services, pair: Pair) {
  const [policy, row, account, events] = await store.readTogether([
    POLICY_KEY,
    leaseKey(pair.accountId, pair.region),
    accountKey(pair),
    ORGANIZATION_EVENTS,
  ]);
  return { policy, row: row === undefined ? undefined : decodeRecord<LeaseRow>(row), account, events };
}

async function knownOf(
  services: Services,
  pair: Pair,
  { policy, account, events }: Awaited<ReturnType<typeof readRecords>>,
): Promise<Known> {
  const known = account === undefined ? undefined : decodeRecord<KnownAccount>(account);
  const changedAt = events === undefined ? 0 : (decodeRecord<{ lookedAt?: EpochMs }>(events).lookedAt ?? 0);
  const now = services.clock.now();
  const isFresh = known !== undefined && now - known.readAt < KNOWN_FOR_MS && known.readAt > changedAt;
  return {
    policy: services.policyInForce.of(policy),
    known: isFresh ? known : await readAccount(services, pair, account),
  };
}

async function readAccount(
  services: Services,
  pair: Pair,
  before: StoredRecord | undefined,
): Promise<KnownAccount> {
  const organization = await services.organizationView.organization();
  const account = organization.accounts.find(({ id }) => id === pair.accountId);
  if (account === undefined) throw new NotAMember(pair);
  const parents = new Map(organization.units.map((unit) => [unit.id, unit]));
  const units: OrganizationalUnit[] = [];
  for (
    let at = parents.get(account.parentId);
    at !== undefined && !units.includes(at);
    at = parents.get(at.parentId ?? '')
  )
    units.unshift(at);
  const { id: organizationId, managementAccountId } = organization;
  const known = {
    organizationId,
    managementAccountId,
    account,
    units,
    readAt: epochMs(services.clock.now()),
  };
  // Somebody else kept it at the same moment: as good.
  await services.store.commit([
    { key: accountKey(pair), expectedVersion: before?.version ?? 0, value: encode(known) },
  ]);
  return known;
}

/** One account, one Region, the two settings: what the rules of the whole organization take. */
function snapshotOf(
  pair: Pair,
  { organizationId, managementAccountId, account, units }: KnownAccount,
  { logging, retention }: Seen,
  now: EpochMs,
): Snapshot {
  const notAsked = { kind: 'unobservable', reason: 'not-collected' } as const;
  return {
    schemaVersion: SNAPSHOT_SCHEMA_VERSION,
    takenAt: now,
    organization: {
      id: organizationId,
      managementAccountId,
      units,
      accounts: [account],
      serviceControlPolicies: notAsked,
      attachments: notAsked,
      delegatedAdministrators: notAsked,
    },
    regions: [pair.region],
    accounts: [],
    accountRegions: [{ ...pair, invocationLogging: logging, dataRetention: retention }],
  };
}
