import type { EpochMs } from '../core/index.ts';
import type { Snapshot } from '../evidence/index.ts';
import { isActive, isWithin, type LeaseRow } from '../exceptions/index.ts';
import type { Coverage, SubjectRef } from '../rules/index.ts';

/**
 * Which live exception covers a subject at `now`: the active lease of its account and Region, and only while what is observed
 * there stores nothing more, nowhere else, than that lease grants. A lease does not cover somebody else's bucket, nothing that was
 * not seen, and nothing before it was enabled: what is on then is somebody else's.
 */
export function coverageOf(
  snapshot: Snapshot,
  rows: readonly LeaseRow[],
  now: EpochMs,
): (subject: SubjectRef) => Coverage | undefined {
  const pairs = new Map(rows.map((row) => [`${row.accountId}/${row.region}`, row.leases]));
  const observed = new Map(
    snapshot.accountRegions.map((pair) => [`${pair.accountId}/${pair.region}`, pair.invocationLogging]),
  );
  return (subject) => {
    if (subject.kind !== 'account-region') return undefined;
    const pair = `${subject.accountId}/${subject.region}`;
    const lease = pairs
      .get(pair)
      ?.find(
        (candidate) =>
          isActive(candidate, now) && candidate.enabling !== undefined && candidate.offAt === undefined,
      );
    const logging = observed.get(pair);
    if (lease === undefined || logging === undefined || logging.kind === 'unobservable') return undefined;
    const configuration = logging.kind === 'observed' ? logging.value : undefined;
    return isWithin(configuration, lease.configuration)
      ? { kind: 'exception', exceptionId: lease.exceptionId, until: lease.expiresAt }
      : undefined;
  };
}
