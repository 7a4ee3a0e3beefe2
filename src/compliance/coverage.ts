import type { EpochMs } from '../core/index.ts';
import type { AccountPart, RegionEvidence, Snapshot } from '../evidence/index.ts';
import { isActive, isWithin, type LeaseRow } from '../exceptions/index.ts';
import type { Coverage, SubjectRef } from '../rules/index.ts';

/**
 * Which live exception covers a subject at `now`: the active lease of its account and Region, and only while what is observed
 * there stores nothing more, nowhere else, than that lease grants. A lease does not cover somebody else's bucket, nothing that was
 * not seen, and nothing before it was enabled: what is on then is somebody else's.
 */
export function coverageOf(
  snapshot: Pick<Snapshot, 'accountRegions'>,
  rows: readonly LeaseRow[],
  now: EpochMs,
): (subject: SubjectRef) => Coverage | undefined {
  const { see, coverage } = coverageBy(rows, now);
  see(snapshot.accountRegions);
  return coverage;
}

/** As {@link coverageOf}, where the accounts come one by one: `see` an account before asking about it. */
export function coverageBy(
  rows: readonly LeaseRow[],
  now: EpochMs,
): {
  readonly see: (regions: AccountPart['regions']) => void;
  readonly coverage: (subject: SubjectRef) => Coverage | undefined;
} {
  const leases = new Map(rows.map((row) => [pairOf(row), row.leases]));
  const observed = new Map<string, RegionEvidence['invocationLogging']>();
  return {
    see: (regions) => {
      for (const each of regions)
        if (leases.has(pairOf(each))) observed.set(pairOf(each), each.invocationLogging);
    },
    coverage: (subject) => {
      if (subject.kind !== 'account-region') return undefined;
      const lease = leases
        .get(pairOf(subject))
        ?.find(
          (candidate) =>
            isActive(candidate, now) && candidate.enabling !== undefined && candidate.offAt === undefined,
        );
      const logging = observed.get(pairOf(subject));
      if (lease === undefined || logging === undefined || logging.kind === 'unobservable') return undefined;
      const configuration = logging.kind === 'observed' ? logging.value : undefined;
      return isWithin(configuration, lease.configuration)
        ? { kind: 'exception', exceptionId: lease.exceptionId, until: lease.expiresAt }
        : undefined;
    },
  };
}

const pairOf = ({ accountId, region }: { readonly accountId: string; readonly region: string }): string =>
  `${accountId}/${region}`;
