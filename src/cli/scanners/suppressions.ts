import { type AccountId, DAY, type EpochMs, epochMs, formatInstant, type Region } from '../../core/index.ts';
import type { Snapshot } from '../../evidence/index.ts';
import { isActive, type Lease, type LeaseRow } from '../../exceptions/index.ts';
import { unitPath } from '../../iam/index.ts';
import { type Baseline, type LoadedPolicy, STRICTNESS, storageFor } from '../../policy/index.ts';
import { OPPOSING_CHECKS, type OpposingCheck, type Scanner } from './opposing.ts';

/** One check that another scanner is told to pass over, in one place, for a reason, until some time. */
export interface Suppression {
  readonly check: string;
  readonly accountId: AccountId;
  readonly region: Region;
  /** A bucket or a log group by its name; without one the account and Region as a whole. */
  readonly resource?: { readonly kind: 'bucket' | 'log-group'; readonly name: string };
  readonly reason: string;
  /** Exclusive. */
  readonly until: EpochMs;
}

export interface SuppressionSet {
  readonly suppressions: readonly Suppression[];
  readonly asOf: EpochMs;
  /** When the whole set has to be made again: what is in force can change then, or 30 days have passed. */
  readonly validUntil: EpochMs;
}

/** A suppression that nobody renews must not outlive a change of the policy for long. */
const LONGEST = 30 * DAY;

export interface SuppressionRequest {
  readonly scanner: Scanner;
  readonly snapshot: Snapshot;
  readonly policy: LoadedPolicy;
  readonly leases: readonly LeaseRow[];
  readonly now: EpochMs;
}

/**
 * Exactly the checks of `scanner` that oppose the policy in force at `now`, by account, Region, check and resource.
 *
 * Where an exception is live, the checks that its logging meets are not suppressed, so that they notice when it is off again. What such an exception's bucket or log group must not have is suppressed for it alone, until it ends.
 */
export function suppressionsFor(request: SuppressionRequest): SuppressionSet {
  const { scanner, snapshot, policy, leases, now } = request;
  const checks = OPPOSING_CHECKS.filter((check) => check.scanner === scanner);
  const live = liveLeases(leases, now);
  const validUntil = nextChange(leases, now);
  const whole = checks.filter(({ scope }) => scope === 'account-region');
  const places = snapshot.organization.accounts.flatMap(({ id, parentId }) => {
    const baseline = baselineOf(policy, unitPath(snapshot.organization, parentId));
    return policy.policy.storage.scope.regions.flatMap((region) => {
      const lease = live.find((each) => each.accountId === id && each.region === region)?.lease;
      return whole
        .filter((check) => check.opposes(policy.policy, baseline))
        .filter((check) => lease === undefined || !isOn(lease) || check.isMetUnder?.(lease) !== true)
        .map(
          (check): Suppression => ({
            check: check.check,
            accountId: id,
            region,
            reason: reasonOf(check, policy),
            until: validUntil,
          }),
        );
    });
  });
  const destinations = live.flatMap(({ accountId, region, lease }) =>
    checks
      .filter((check) => check.opposes(policy.policy, lease.baseline.kind))
      .flatMap((check): readonly Suppression[] => {
        const resource = resourceOf(check, lease);
        const reason = `${reasonOf(check, policy)}; exception ${lease.exceptionId} until ${formatInstant(lease.expiresAt)}`;
        const until = epochMs(Math.min(validUntil, lease.expiresAt));
        return resource === undefined
          ? []
          : [{ check: check.check, accountId, region, resource, reason, until }];
      }),
  );
  return { suppressions: [...places, ...destinations].toSorted(inOrder), asOf: now, validUntil };
}

interface LiveLease {
  readonly accountId: AccountId;
  readonly region: Region;
  readonly lease: Lease;
}

const liveLeases = (rows: readonly LeaseRow[], now: EpochMs): readonly LiveLease[] =>
  rows.flatMap(({ accountId, region, leases }) =>
    leases.filter((lease) => isActive(lease, now)).map((lease) => ({ accountId, region, lease })),
  );

/** Enabled by us and not switched off again: only then is its logging there to meet anything. */
const isOn = ({ enabling, offAt }: Lease): boolean => enabling !== undefined && offAt === undefined;

/** The first instant after `now` at which an exception begins or ends, at most 30 days away. */
function nextChange(rows: readonly LeaseRow[], now: EpochMs): EpochMs {
  const instants = rows
    .flatMap(({ leases }) => leases.flatMap(({ startsAt, expiresAt }) => [startsAt, expiresAt]))
    .filter((at) => at > now);
  return epochMs(Math.min(now + LONGEST, ...instants));
}

/** An account whose way to the root is not known may be under any override: the strictest there is holds. */
const baselineOf = (loaded: LoadedPolicy, path: readonly string[] | undefined): Baseline => {
  if (path !== undefined) return storageFor(loaded.policy, path).baseline;
  const { baseline, overrides } = loaded.policy.storage;
  return [baseline, ...overrides.flatMap((override) => override.baseline ?? [])].reduce((left, right) =>
    STRICTNESS.baseline[right] > STRICTNESS.baseline[left] ? right : left,
  );
};

function resourceOf({ scope }: OpposingCheck, { destination }: Lease): Suppression['resource'] {
  if (scope === 'exception-bucket' && destination.kind === 's3')
    return { kind: 'bucket', name: destination.bucketName };
  if (scope === 'exception-log-group' && destination.kind === 'cloudwatch-logs')
    return { kind: 'log-group', name: destination.logGroupName };
  return undefined;
}

/** Why, and by which clause of which policy. */
function reasonOf({ because, scope }: OpposingCheck, { policy, hash }: LoadedPolicy): string {
  const sources =
    scope === 'account-region'
      ? (policy.controls.find(({ id }) => id === 'CP-01')?.source ?? [])
      : policy.exceptions.source;
  const titles = new Map(policy.sources.map(({ id, title }) => [id, title]));
  const clause = sources[0];
  const cited =
    clause === undefined ? '' : `; ${titles.get(clause.document) ?? clause.document}, ${clause.section}`;
  return `${because}${cited} (policy ${policy.metadata.id} ${policy.metadata.version}, ${hash.slice(0, 12)})`;
}

const keyOf = ({ accountId, check, region, resource }: Suppression): string =>
  JSON.stringify([accountId, check, region, resource?.name ?? '']);
const inOrder = (left: Suppression, right: Suppression): number => (keyOf(left) < keyOf(right) ? -1 : 1);
