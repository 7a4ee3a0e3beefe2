import { canonicalJson, type EpochMs, type ExceptionId } from '../core/index.ts';
import type { LoggingConfiguration, Observation } from '../evidence/index.ts';
import {
  type BaselineConfiguration,
  desired,
  type ExceptionRecord,
  factsAt,
  isTerminal,
  isUnsettled,
  isWithin,
  type Lease,
  type LeaseRow,
  reaches,
  storesContent,
} from '../exceptions/index.ts';

/** What to do about one account and Region. Reconciliation only tightens: no plan ever turns content storage on. */
export type PairPlan =
  | {
      readonly kind: 'leave';
      readonly why: 'as-desired' | 'enabling';
    }
  | { readonly kind: 'leave'; readonly why: 'unreadable-during-lease'; readonly lease: Lease }
  /** Somebody else's setting stores content. `after`: the last lease that ended there, whose end left nothing on. */
  | { readonly kind: 'leave'; readonly why: 'not-ours'; readonly after?: Lease }
  /** Content storage must go (or be seen gone): the lease is over, revoked, or its proof was disturbed. */
  | { readonly kind: 'switch-off'; readonly lease: Lease; readonly why: 'over' | 'found-again' }
  /** The metadata-only baseline could not be put when the lease ended; content storage is off since. */
  | { readonly kind: 'restore-baseline'; readonly lease: Lease; readonly baseline: MetadataOnly }
  /**
   * Somebody else changed what we manage while the lease was active: revoke it, then switch off. `isElsewhere`: what was seen
   * can have stored content where we do not look, so the purge can no longer be proven.
   */
  | {
      readonly kind: 'contested';
      readonly lease: Lease;
      readonly isElsewhere: boolean;
      readonly says: string;
    };

type MetadataOnly = Extract<BaselineConfiguration, { kind: 'metadata-only' }>;

export interface PairState {
  readonly row: LeaseRow | undefined;
  /** The exceptions of the row's leases. */
  readonly records: ReadonlyMap<ExceptionId, ExceptionRecord>;
  readonly observed: Observation<LoggingConfiguration>;
  /** What others were seen to have set during the lease that is active, by a process that could not mark the exception with it. */
  readonly noted?: string | undefined;
  /** For switching off: the later of the clock and the trigger's own instant. */
  readonly now: EpochMs;
}

/** Decides by the one equation. Pure; every detector calls it. */
export function planPair({ row, records, observed, noted, now }: PairState): PairPlan {
  const unsettled = row?.leases.filter(isUnsettled) ?? [];
  const baseline: BaselineConfiguration = unsettled[0]?.baseline ?? { kind: 'none' };
  const want = desired(row, baseline, now);

  const over = unsettled.find((lease) => want.kind !== 'lease' || want.lease !== lease);
  if (over) return { kind: 'switch-off', lease: over, why: 'over' };

  // A lease that has not been enabled explains nothing that is on: what is seen then is judged as without it.
  if (want.kind === 'lease' && want.lease.enabling !== undefined) {
    const record = records.get(want.lease.exceptionId);
    // What was read back right after our own Put is ours, also where AWS leaves flags out of its answer.
    const during = record && row && factsAt(record, row).settingDuring;
    // Of several places one may be on, and read back, before the next is enabled.
    const isConfirmed = record?.state === 'active' || during !== undefined;
    if (noted !== undefined)
      return {
        kind: 'contested',
        lease: want.lease,
        isElsewhere: true,
        says: 'somebody else’s logging configuration was in place, beyond what was approved',
      };
    if (observed.kind === 'unobservable')
      return { kind: 'leave', why: 'unreadable-during-lease', lease: want.lease };
    const seen = observed.kind === 'observed' ? observed.value : undefined;
    const isOurs = seen !== undefined && during != null && canonicalJson(seen) === canonicalJson(during);
    if (!isOurs && !isWithin(seen, want.configuration)) {
      return {
        kind: 'contested',
        lease: want.lease,
        isElsewhere: true,
        says: 'somebody else’s logging configuration is in place, beyond what was approved',
      };
    }
    // Tightened by others is left alone; switched off by others means the approval no longer describes what happens.
    if (isConfirmed && !storesContent(seen)) {
      return {
        kind: 'contested',
        lease: want.lease,
        isElsewhere: false,
        says: 'somebody else switched content storage off',
      };
    }
    return { kind: 'leave', why: isConfirmed ? 'as-desired' : 'enabling' };
  }

  if (observed.kind === 'observed' && storesContent(observed.value)) {
    const disturbed = row?.leases.find(
      (lease) =>
        lease.offAt !== undefined &&
        !isTerminal(records.get(lease.exceptionId)?.state ?? 'closed') &&
        reaches(observed.value, lease.destination),
    );
    if (disturbed) return { kind: 'switch-off', lease: disturbed, why: 'found-again' };
    const after = row?.leases.findLast(({ offAt }) => offAt !== undefined);
    return { kind: 'leave', why: 'not-ours', ...(after === undefined ? {} : { after }) };
  }
  if (observed.kind === 'absent') {
    for (const lease of row?.leases ?? []) {
      const record = records.get(lease.exceptionId);
      const isMissing = record && row && factsAt(record, row).isBaselineMissing === true;
      if (lease.baseline.kind === 'metadata-only' && isMissing)
        return { kind: 'restore-baseline', lease, baseline: lease.baseline };
    }
  }
  return { kind: 'leave', why: want.kind === 'lease' ? 'enabling' : 'as-desired' };
}
