import {
  durationMs,
  type EpochMs,
  epochMs,
  formatDuration,
  formatInstant,
  HOUR,
  MINUTE,
} from '../core/index.ts';
import { pendingDecision } from './decide.ts';
import { endOf } from './lease.ts';
import { holdOf, isTerminal, vaultsText } from './lifecycle.ts';
import {
  type AccountRegion,
  enablingSince,
  factsAt,
  isSamePlace,
  type PlacedLease,
  placesOf,
  sayingWhere,
} from './places.ts';
import type { FilterCounts } from './topology.ts';
import type { ExceptionRecord, HeldContent, LegalHold, PlaceFacts } from './types.ts';

/** How an exception stands at an instant: what is on where, until when, what is late. */
export interface Standing {
  readonly id: string;
  readonly reference: string;
  readonly state: ExceptionRecord['state'];
  /** The first place; `places` has them all. */
  readonly accountId: string;
  readonly region: string;
  readonly places: readonly StandingPlace[];
  /** Somewhere. */
  readonly isOn: boolean;
  /** When content storage must be off; of one that is not on yet, when it would have to be. */
  readonly until: EpochMs;
  /** Of the place that is, or was, overdue longest. */
  readonly overdueMinutes: number;
  /** By when what was captured must be proven gone; only once something can have been captured. */
  readonly goneBy?: EpochMs;
  readonly waitsFor?: { readonly roles: readonly string[]; readonly until: EpochMs };
  /** Of one that is filtered: what the drain did so far. */
  readonly filtered?: FilterCounts;
  /** What a person must look at. */
  readonly marks: readonly string[];
}

export interface StandingPlace extends AccountRegion {
  /** Enabling was attempted and AWS was not read back as off since: taken as on. */
  readonly isOn: boolean;
  /** Minutes begun since content storage should have been off, to the read-back or to now. */
  readonly overdueMinutes: number;
}

/** @param leases - none where no window is reserved, or where its rows have let go of them */
export function standingOf(record: ExceptionRecord, leases: readonly PlacedLease[], now: EpochMs): Standing {
  const { request } = record;
  const [lease] = leases.map((placed) => placed.lease);
  const since = enablingSince(leases);
  const pending = pendingDecision(record);
  const places = placesOf(request).map(({ accountId, region }): StandingPlace => {
    const placed = leases.find((each) => isSamePlace(each, { accountId, region }))?.lease;
    const isAttempted = placed?.enabling !== undefined;
    return {
      accountId,
      region,
      isOn: isAttempted && placed.offAt === undefined,
      overdueMinutes: isAttempted ? overdueMinutes(endOf(placed), placed.offAt ?? now) : 0,
    };
  });
  return {
    id: record.id,
    reference: request.reference,
    state: record.state,
    accountId: request.accountId,
    region: request.region,
    places,
    isOn: places.some(({ isOn }) => isOn),
    until: lease === undefined ? request.endsAt : endOf(lease),
    overdueMinutes: Math.max(...places.map((place) => place.overdueMinutes)),
    ...(since === undefined ? {} : { goneBy: epochMs(since + request.retention) }),
    ...(pending === undefined ? {} : { waitsFor: { roles: pending.missing, until: pending.until } }),
    ...(record.filtered === undefined ? {} : { filtered: record.filtered }),
    marks: marksOf(record, now),
  };
}

/** Whole minutes begun between two instants, never negative. */
export const overdueMinutes = (from: EpochMs, to: EpochMs): number =>
  Math.max(0, Math.ceil((to - from) / MINUTE));

/** `12 versions, with 340 log events`. */
export const movedText = ({ versions, logEvents }: HeldContent): string =>
  `${versions} versions${logEvents === undefined ? '' : `, with ${logEvents.events} log events`}`;

/** A hold in words, with its age. */
export const describeHold = (hold: LegalHold, now: EpochMs): string => {
  const { at, by, reference, vault, moved, stuck } = hold;
  const age = formatDuration(durationMs(Math.max(HOUR, Math.floor((now - at) / HOUR) * HOUR)));
  const place =
    vault === undefined
      ? 'nothing is moved, the purge waits'
      : `${moved === undefined ? 'nothing yet' : movedText(moved)} in ${vaultsText(hold)}`;
  return `on legal hold for ${age}, by ${by}${reference === undefined ? '' : ` (${reference})`}: ${place}${stuck === undefined ? '' : `; STUCK: ${stuck.why}`}`;
};

const marksOf = (record: ExceptionRecord, now: EpochMs): readonly string[] => [
  ...[holdOf(record)].flatMap((hold) => (hold === undefined ? [] : [describeHold(hold, now)])),
  ...(record.request.breakGlass === undefined ? [] : ['break-glass']),
  ...(record.breach === undefined
    ? []
    : [
        `breach: not confirmed by ${record.breach.missing.join(', ')} until ${formatInstant(record.request.endsAt)}`,
      ]),
  ...(record.contested === undefined ? [] : ['contested: somebody else’s setting was found']),
  ...(record.isPurgeOverdue === true && !isTerminal(record.state)
    ? ['the purge is not proven within the retention']
    : []),
  ...placesOf(record.request).flatMap((place) =>
    marksAt(factsAt(record, place)).map((mark) => sayingWhere(record.request, place, mark)),
  ),
  ...(record.flagged === undefined ? [] : [record.flagged]),
];

const marksAt = ({ foreignSetting, isBaselineMissing }: PlaceFacts): readonly string[] => [
  ...(foreignSetting === undefined
    ? []
    : [
        `somebody else’s setting stores content there since ${formatInstant(foreignSetting.at)}: ${foreignSetting.observed}`,
      ]),
  ...(isBaselineMissing === true ? ['the baseline could not be put; nothing is configured instead'] : []),
];

/** The clock of a record runs from the attempt to enable: content can be there although the answer to the Put was lost. */
export function isPastRetention(
  record: ExceptionRecord,
  leases: readonly PlacedLease[],
  now: EpochMs,
): boolean {
  const since = record.enabledAt ?? enablingSince(leases);
  return since !== undefined && now > since + record.request.retention;
}
