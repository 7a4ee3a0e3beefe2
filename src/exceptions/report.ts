import { type DomainEvent, type EpochMs, type EventActor, epochMs, formatInstant } from '../core/index.ts';
import { endOf } from './lease.ts';
import { isHeld } from './lifecycle.ts';
import { type AccountRegion, allOffSince, enablingSince, type PlacedLease, placesOf } from './places.ts';
import { type Forwarding, type ReaderKind, type ReadsSeen, type ReadTally, readsSeen } from './reads.ts';
import { describeHold, overdueMinutes } from './standing.ts';
import type { FilterCounts } from './topology.ts';
import type { Decision, ExceptionRecord } from './types.ts';

/** Half-open. */
export interface Period {
  readonly name: string;
  readonly from: EpochMs;
  readonly to: EpochMs;
}

/** A calendar quarter in UTC: `2026Q4`. */
export function quarterOf(name: string): Period | undefined {
  const match = /^([0-9]{4})Q([1-4])$/.exec(name);
  if (match === null) return undefined;
  const [year, month] = [Number(match[1]), (Number(match[2]) - 1) * 3];
  return { name, from: epochMs(Date.UTC(year, month)), to: epochMs(Date.UTC(year, month + 3)) };
}

export const quarterNameOf = (at: EpochMs): string => {
  const date = new Date(at);
  return `${date.getUTCFullYear()}Q${Math.floor(date.getUTCMonth() / 3) + 1}`;
};

export interface ReportedException {
  readonly id: string;
  readonly reference: string;
  /** The first place; `places` has them all. */
  readonly accountId: string;
  readonly region: string;
  readonly places: readonly AccountRegion[];
  readonly state: ExceptionRecord['state'];
  readonly requestedBy: string;
  readonly requestedAt: EpochMs;
  readonly decisions: readonly Pick<Decision, 'principalId' | 'role' | 'decision' | 'at'>[];
  /** Enabling was attempted: content storage counts as on from here, to the read-back. */
  readonly onFrom?: EpochMs;
  readonly offAt?: EpochMs;
  /** Within the period, as are the overdue ones; from the first place on to the last off, so places do not add up. */
  readonly minutesOn: number;
  readonly overdueMinutes: number;
  readonly isBreakGlass: boolean;
  readonly isBreach: boolean;
  readonly isContested: boolean;
  readonly isHeld: boolean;
  /** Legal holds, each in words with its age or its end. */
  readonly holds: readonly string[];
  /** Of one that is filtered: what the drain did, over its whole life. */
  readonly filtered?: FilterCounts;
  /** Reads of what it captured, of days in the period. */
  readonly reads: ReadsSeen;
}

/** Something that did no harm this time, or was refused: it could have. */
export interface NearMiss {
  readonly kind: keyof typeof NEAR_MISSES;
  readonly at: EpochMs;
  readonly subject: string;
  readonly says: string;
}

export interface ExceptionReport {
  readonly period: Period;
  readonly madeAt: EpochMs;
  readonly exceptions: readonly ReportedException[];
  readonly totals: {
    readonly requested: number;
    readonly refusedAtOnce: number;
    readonly enabled: number;
    readonly minutesOn: number;
    readonly overdueMinutes: number;
    readonly breakGlass: number;
    readonly breaches: number;
    readonly contested: number;
    /** On legal hold when the report was made. */
    readonly held: number;
  };
  readonly nearMisses: readonly NearMiss[];
  /** Of all that were on: `null` where reads of none were forwarded, which is not zero. */
  readonly reads: Readonly<Record<ReaderKind, number>> | null;
  /** Exceptions that were on and of which not every read was forwarded. */
  readonly readsMissing: readonly string[];
}

/** Which recorded events count, by type. `ending.started` counts where another than the workflow was first. */
export const NEAR_MISSES = {
  'exception.decision-refused': 'a decision was refused',
  'exception.act-refused': 'an act was refused',
  'exception.contested': 'somebody else changed the setting during a lease',
  'exception.found-again': 'content storage was found on again',
  'exception.robot': 'an automation kept switching content storage on again',
  'exception.overdue': 'content storage was on for longer than it should',
  'exception.read-by-other': 'somebody who is no named reader read what was captured',
  'exception.purge-overdue': 'the purge was not proven in time',
  'exception.break-glass-breach': 'break-glass was not confirmed',
  'enforcement.unreadable': 'the setting could not be read back',
  'ending.started': 'another detector than the workflow ended it',
  'filter.dropped': 'what was delivered could not be filtered',
  'filter.purged-unread': 'what was delivered was purged before it was filtered',
  'sweep.faults': 'the sweep met faults',
  'notification.failed': 'nobody could be told',
} as const;

/** The types of event that a report looks at; it needs no others. */
export const REPORTED_EVENTS: readonly string[] = [...Object.keys(NEAR_MISSES), 'exception.request-refused'];

type At = DomainEvent & { readonly at: EpochMs };

/** What happened under exceptions in a period. Pure: the same records and events give the same report. */
export function reportOf(
  exceptions: readonly {
    readonly record: ExceptionRecord;
    readonly leases: readonly PlacedLease[];
    readonly tally?: ReadTally | undefined;
    readonly forwarding: readonly (Forwarding | undefined)[];
  }[],
  events: readonly At[],
  period: Period,
  now: EpochMs,
): ExceptionReport {
  const isIn = (at: EpochMs) => period.from <= at && at < period.to;
  const reported = exceptions
    .map(({ record, leases, tally, forwarding }) => {
      const reported = reportedOf(record, leases, period, now);
      const { onFrom } = reported;
      const to = epochMs(Math.min(period.to, record.emptyListings[0]?.at ?? now, now));
      const from = onFrom === undefined ? undefined : epochMs(Math.max(onFrom, period.from));
      const on = from === undefined || from >= to ? undefined : { from, to };
      return { ...reported, reads: readsSeen(tally, forwarding, on, period), wasThere: on !== undefined };
    })
    .filter(
      (each) =>
        isIn(each.requestedAt) ||
        each.minutesOn > 0 ||
        each.overdueMinutes > 0 ||
        each.isHeld ||
        each.reads.rows.length > 0,
    )
    .toSorted((a, b) => a.requestedAt - b.requestedAt || (a.id < b.id ? -1 : 1));
  const inPeriod = events.filter(({ at }) => isIn(at));
  const sum = (of: (each: ReportedException) => number) =>
    reported.reduce((total, each) => total + of(each), 0);
  return {
    period,
    madeAt: now,
    exceptions: reported.map(({ wasThere: _wasThere, ...each }) => each),
    totals: {
      requested: reported.filter(({ requestedAt }) => isIn(requestedAt)).length,
      refusedAtOnce: inPeriod.filter(({ type }) => type === 'exception.request-refused').length,
      enabled: reported.filter(({ minutesOn }) => minutesOn > 0).length,
      minutesOn: sum(({ minutesOn }) => minutesOn),
      overdueMinutes: sum((each) => each.overdueMinutes),
      breakGlass: reported.filter(({ isBreakGlass, onFrom }) => isBreakGlass && onFrom !== undefined).length,
      breaches: reported.filter(({ isBreach }) => isBreach).length,
      contested: reported.filter(({ isContested }) => isContested).length,
      held: reported.filter(({ isHeld }) => isHeld).length,
    },
    nearMisses: inPeriod.flatMap((event) => nearMissOf(event) ?? []),
    ...readsOfAll(reported),
  };
}

function readsOfAll(
  reported: readonly { readonly id: string; readonly reads: ReadsSeen; readonly wasThere: boolean }[],
): Pick<ExceptionReport, 'reads' | 'readsMissing'> {
  const counted = reported.flatMap(({ reads }) => reads.reads ?? []);
  const sum = (kind: ReaderKind) => counted.reduce((total, each) => total + each[kind], 0);
  return {
    reads:
      counted.length === 0
        ? null
        : { reader: sum('reader'), proviso: sum('proviso'), vault: sum('vault'), other: sum('other') },
    readsMissing: reported
      .filter(({ reads, wasThere }) => wasThere && reads.forwarded !== 'whole')
      .map(({ id }) => id),
  };
}

/** The workflow at its end, and a person who revokes: nothing was missed. */
const EXPECTED_ENDERS: ReadonlySet<EventActor['kind']> = new Set([
  'workflow',
  'person',
  'person-unauthenticated',
]);

function nearMissOf({ type, at, subject, actor, data }: At): NearMiss | undefined {
  if (!Object.hasOwn(NEAR_MISSES, type) || (type === 'ending.started' && EXPECTED_ENDERS.has(actor.kind)))
    return undefined;
  const kind = type as keyof typeof NEAR_MISSES;
  return { kind, at, subject, says: typeof data['says'] === 'string' ? data['says'] : NEAR_MISSES[kind] };
}

function reportedOf(
  record: ExceptionRecord,
  leases: readonly PlacedLease[],
  period: Period,
  now: EpochMs,
): Omit<ReportedException, 'reads'> {
  const { request } = record;
  const onFrom = enablingSince(leases);
  // Of leases that the rows no longer keep, the record still has the times.
  const from = onFrom ?? record.enabledAt;
  const offAt = allOffSince(leases) ?? (leases.length === 0 ? record.offAt : undefined);
  const ends = leases.map(({ lease }) => endOf(lease));
  const clipped = (start: EpochMs, end: EpochMs) =>
    overdueMinutes(epochMs(Math.max(start, period.from)), epochMs(Math.min(end, period.to, now)));
  return {
    id: record.id,
    reference: request.reference,
    accountId: request.accountId,
    region: request.region,
    places: placesOf(request).map(({ accountId, region }) => ({ accountId, region })),
    state: record.state,
    requestedBy: record.requesterId,
    requestedAt: record.submittedAt,
    decisions: record.decisions.map(({ principalId, role, decision, at }) => ({
      principalId,
      role,
      decision,
      at,
    })),
    ...(from === undefined ? {} : { onFrom: from }),
    ...(offAt === undefined ? {} : { offAt }),
    minutesOn: from === undefined ? 0 : clipped(from, offAt ?? now),
    overdueMinutes:
      from === undefined ? 0 : clipped(epochMs(Math.min(request.endsAt, ...ends)), offAt ?? now),
    isBreakGlass: request.breakGlass !== undefined,
    isBreach: record.breach !== undefined,
    isContested: record.contested !== undefined,
    isHeld: isHeld(record),
    holds: (record.holds ?? []).map((hold) =>
      hold.released === undefined
        ? describeHold(hold, now)
        : `was on legal hold from ${formatInstant(hold.at)} to ${formatInstant(hold.released.at)}, by ${hold.by}${hold.reference === undefined ? '' : ` (${hold.reference})`}`,
    ),
    ...(record.filtered === undefined ? {} : { filtered: record.filtered }),
  };
}

/** `90 min`, `26 h 5 min`. */
export const minutesText = (minutes: number): string => {
  const perHour = 60;
  const hours = Math.floor(minutes / perHour);
  return hours === 0 ? `${minutes} min` : `${hours} h ${minutes % perHour} min`;
};

export const DECISION_WORDS = { approve: 'approved', reject: 'REJECTED', 'take-back': 'taken back' } as const;
