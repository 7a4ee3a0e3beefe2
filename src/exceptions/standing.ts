import { type EpochMs, epochMs, formatInstant, MINUTE } from '../core/index.ts';
import { pendingDecision } from './decide.ts';
import { endOf } from './lease.ts';
import { isTerminal } from './lifecycle.ts';
import type { ExceptionRecord, Lease } from './types.ts';

/** How an exception stands at an instant: what is on where, until when, what is late. */
export interface Standing {
  readonly id: string;
  readonly reference: string;
  readonly state: ExceptionRecord['state'];
  readonly accountId: string;
  readonly region: string;
  /** Enabling was attempted and AWS was not read back as off since: taken as on. */
  readonly isOn: boolean;
  /** When content storage must be off; of one that is not on yet, when it would have to be. */
  readonly until: EpochMs;
  /** Minutes begun since content storage should have been off, to the read-back or to now. */
  readonly overdueMinutes: number;
  /** By when what was captured must be proven gone; only once something can have been captured. */
  readonly goneBy?: EpochMs;
  readonly waitsFor?: { readonly roles: readonly string[]; readonly until: EpochMs };
  /** What a person must look at. */
  readonly marks: readonly string[];
}

export function standingOf(record: ExceptionRecord, lease: Lease | undefined, now: EpochMs): Standing {
  const { request } = record;
  const until = lease === undefined ? request.endsAt : endOf(lease);
  const enabling = lease?.enabling;
  const pending = pendingDecision(record);
  return {
    id: record.id,
    reference: request.reference,
    state: record.state,
    accountId: request.accountId,
    region: request.region,
    isOn: enabling !== undefined && lease?.offAt === undefined,
    until,
    overdueMinutes: enabling === undefined ? 0 : overdueMinutes(until, lease?.offAt ?? now),
    ...(enabling === undefined ? {} : { goneBy: epochMs(enabling.at + request.retention) }),
    ...(pending === undefined ? {} : { waitsFor: { roles: pending.missing, until: pending.until } }),
    marks: marksOf(record),
  };
}

/** Whole minutes begun between two instants, never negative. */
export const overdueMinutes = (from: EpochMs, to: EpochMs): number =>
  Math.max(0, Math.ceil((to - from) / MINUTE));

const marksOf = (record: ExceptionRecord): readonly string[] => [
  ...(record.request.breakGlass === undefined ? [] : ['break-glass']),
  ...(record.breach === undefined
    ? []
    : [
        `breach: not confirmed by ${record.breach.missing.join(', ')} until ${formatInstant(record.request.endsAt)}`,
      ]),
  ...(record.contested === undefined ? [] : ['contested: somebody else’s setting was found']),
  ...(record.foreignSetting === undefined
    ? []
    : [
        `somebody else’s setting stores content there since ${formatInstant(record.foreignSetting.at)}: ${record.foreignSetting.observed}`,
      ]),
  ...(record.isPurgeOverdue === true && !isTerminal(record.state)
    ? ['the purge is not proven within the retention']
    : []),
  ...(record.isBaselineMissing === true
    ? ['the baseline could not be put; nothing is configured instead']
    : []),
  ...(record.flagged === undefined ? [] : [record.flagged]),
];

/** The clock of a record runs from the attempt to enable: content can be there although the answer to the Put was lost. */
export function isPastRetention(record: ExceptionRecord, lease: Lease, now: EpochMs): boolean {
  const since = record.enabledAt ?? lease.enabling?.at;
  return since !== undefined && now > since + record.request.retention;
}
