import { type AccountId, type EpochMs, epochMs, formatInstant, HOUR } from '../core/index.ts';
import { vaultsOf } from './lifecycle.ts';
import { type AccountRegion, type PlacedLease, placesOf } from './places.ts';
import type { ExceptionRecord } from './types.ts';

/*
 * Who read what was captured, as CloudTrail told it and EventBridge forwarded it: counted by caller, place and day, never what was read. Both deliver on a
 * best-effort basis, so a count is a least number; where nothing shows that reads were forwarded, there is none.
 */

/** One call that brings content to its caller, of which AWS's event says no error. */
export interface ContentRead {
  /** Of EventBridge: what it delivers twice has it twice. */
  readonly id: string;
  readonly at: EpochMs;
  readonly place: AccountRegion;
  /** ARN of the caller, of an assumed role with its session; empty where the event has none. */
  readonly by: string;
  /** ARN of the role behind the session, with its path. */
  readonly role?: string;
  /** `GetObject`, `FilterLogEvents`. */
  readonly call: string;
  readonly of:
    | { readonly bucketName: string; readonly key: string }
    | { readonly logGroups: readonly string[] };
}

/** `proviso`: the drain and the hold, by roles of ours. `vault`: at Legal's vault; whom Legal named there is not known here. */
export const READER_KINDS = ['reader', 'proviso', 'vault', 'other'] as const;
export type ReaderKind = (typeof READER_KINDS)[number];

/** Reads by one caller at one place on one day (UTC). */
export interface ReadRow {
  readonly day: string;
  readonly by: string;
  readonly kind: ReaderKind;
  readonly place: string;
  readonly reads: number;
  readonly first: EpochMs;
  readonly last: EpochMs;
}

export interface ReadTally {
  readonly rows: readonly ReadRow[];
  /** Reads by callers beyond the rows that are kept, by kind. */
  readonly more?: Readonly<Partial<Record<ReaderKind, number>>>;
  /** Of the last events that were counted. */
  readonly ids: readonly string[];
}

export const NO_READS: ReadTally = { rows: [], ids: [] };
const MOST_ROWS = 200;
const REMEMBERED = 256;

export const readsKey = (id: string): string => `reads/${id}`;
export const forwardingKey = ({ accountId, region }: AccountRegion): string =>
  `forwarding/${accountId}/${region}`;

/** Where an exception's content was read; undefined where it is none of its places. */
export function placeOfRead(
  record: ExceptionRecord,
  read: Pick<ContentRead, 'place' | 'of'>,
  leases: readonly PlacedLease[],
): { readonly place: string; readonly isVault: boolean } | undefined {
  const { of, place } = read;
  const isHere = (each: AccountRegion) => each.accountId === place.accountId && each.region === place.region;
  const index = placesOf(record.request).findIndex(isHere);
  const destination = leases.find(isHere)?.lease.destination;
  if ('logGroups' in of) {
    if (destination?.kind !== 'cloudwatch-logs') return undefined;
    const { logGroupName } = destination;
    return of.logGroups.includes(logGroupName)
      ? { place: `log group ${logGroupName}`, isVault: false }
      : undefined;
  }
  const isBelow = (bucketName: string, keyPrefix: string) =>
    of.bucketName === bucketName && of.key.startsWith(keyPrefix);
  const at = (bucketName: string, keyPrefix: string, isVault: boolean) => ({
    place: `s3://${bucketName}/${keyPrefix}`,
    isVault,
  });
  if (destination?.kind === 's3' && isBelow(destination.bucketName, destination.keyPrefix))
    return at(destination.bucketName, destination.keyPrefix, false);
  const vault = (record.holds ?? [])
    .flatMap((hold) => vaultsOf(hold)[index] ?? [])
    .find(({ bucketName, keyPrefix }) => isBelow(bucketName, keyPrefix));
  return vault === undefined ? undefined : at(vault.bucketName, vault.keyPrefix, true);
}

const SESSION = /^arn:[^:]+:sts::([0-9]{12}):assumed-role\/([^/]+)\//;
const ROLE = /^arn:[^:]+:iam::([0-9]{12}):role\/(?:.*\/)?([^/]+)$/;
const OWN_READERS = ['ProvisoDrain', 'ProvisoHold'];

/** Who read, for whoever asks whether they may: the named readers, roles of ours, somebody at Legal's vault, or another. */
export function kindOfReader(
  { by, role }: Pick<ContentRead, 'by' | 'role'>,
  readers: readonly string[],
  accountId: AccountId,
  isVault: boolean,
): ReaderKind {
  const [, account, name] = SESSION.exec(by) ?? [];
  const isOwn = name !== undefined && account === accountId && OWN_READERS.includes(name);
  if (isOwn && (role === undefined || /:role\/proviso\/[^/]+$/.test(role))) return 'proviso';
  if (isVault) return 'vault';
  const isNamed = readers.some((reader) => {
    if (reader === by || reader === role) return true;
    // Without the role's own ARN its path is not known, and the name in the account is all there is to compare.
    const [, ofAccount, ofName] = ROLE.exec(reader) ?? [];
    return role === undefined && ofName !== undefined && ofName === name && ofAccount === account;
  });
  return isNamed ? 'reader' : 'other';
}

const dayOf = (at: EpochMs): string => formatInstant(at).slice(0, 10);

/** @returns undefined where this event was counted already */
export function addRead(
  tally: ReadTally,
  read: Pick<ContentRead, 'id' | 'at' | 'by'>,
  kind: ReaderKind,
  place: string,
): ReadTally | undefined {
  if (tally.ids.includes(read.id)) return undefined;
  const ids = [...tally.ids, read.id].slice(-REMEMBERED);
  const day = dayOf(read.at);
  const by = read.by === '' ? 'a caller without an ARN' : read.by;
  const index = tally.rows.findIndex(
    (row) => row.day === day && row.by === by && row.kind === kind && row.place === place,
  );
  const row = tally.rows[index];
  if (row === undefined && tally.rows.length >= MOST_ROWS)
    return { ...tally, ids, more: { ...tally.more, [kind]: (tally.more?.[kind] ?? 0) + 1 } };
  const next: ReadRow =
    row === undefined
      ? { day, by, kind, place, reads: 1, first: read.at, last: read.at }
      : {
          ...row,
          reads: row.reads + 1,
          first: epochMs(Math.min(row.first, read.at)),
          last: epochMs(Math.max(row.last, read.at)),
        };
  return { ...tally, ids, rows: row === undefined ? [...tally.rows, next] : tally.rows.with(index, next) };
}

/** When signs of forwarding came from an account and Region, without a gap; youngest last. */
export interface Forwarding {
  readonly spans: readonly { readonly from: EpochMs; readonly to: EpochMs }[];
}
/** A sign comes every 6 hours; two may be missing. */
const SILENCE = 19 * HOUR;
const MOST_SPANS = 40;

export function addSign({ spans }: Forwarding, at: EpochMs): Forwarding {
  const last = spans.at(-1);
  if (last !== undefined && at <= last.to) return { spans };
  return last !== undefined && at - last.to <= SILENCE
    ? { spans: spans.with(-1, { ...last, to: at }) }
    : { spans: [...spans, { from: at, to: at }].slice(-MOST_SPANS) };
}

/** Whether reads of these places were forwarded in `[from, to)`: all the time at every place, at some time at some, or never. */
export function forwarded(
  places: readonly (Forwarding | undefined)[],
  from: EpochMs,
  to: EpochMs,
): 'whole' | 'part' | 'not' {
  const kinds = places.map((forwarding) => {
    const spans = forwarding?.spans ?? [];
    if (spans.some((span) => span.from <= from && span.to + SILENCE >= to)) return 'whole';
    return spans.some((span) => span.from < to && span.to + SILENCE > from) ? 'part' : 'not';
  });
  const [first] = kinds;
  return first !== undefined && kinds.every((kind) => kind === first) ? first : 'part';
}

/** Reads of one exception, as a report, `show` and the certificate say them. */
export interface ReadsSeen {
  readonly forwarded: 'whole' | 'part' | 'not';
  /** `null`: not counted, which is not zero. */
  readonly reads: Readonly<Record<ReaderKind, number>> | null;
  readonly rows: readonly ReadRow[];
  readonly says: string;
}

const KIND_WORDS: Readonly<Record<ReaderKind, string>> = {
  reader: 'named reader',
  proviso: 'role of Proviso',
  vault: 'at Legal’s vault',
  other: 'NO NAMED READER',
};
const MOST_CALLERS = 20;

/** A line for each caller, all days and places together; who is no named reader comes first. */
export function readCallers(
  rows: readonly Pick<ReadRow, 'by' | 'kind' | 'reads' | 'day'>[],
): readonly string[] {
  const callers = [...Map.groupBy(rows, ({ by, kind }) => `${kind}/${by}`).values()]
    .flatMap((own) => {
      const [first] = own;
      if (first === undefined) return [];
      const days = own.map(({ day }) => day).toSorted();
      return [
        { ...first, reads: own.reduce((sum, { reads }) => sum + reads, 0), from: days[0], to: days.at(-1) },
      ];
    })
    .toSorted(
      (a, b) =>
        Number(b.kind === 'other') - Number(a.kind === 'other') ||
        b.reads - a.reads ||
        (a.by < b.by ? -1 : 1),
    );
  const shown = callers
    .slice(0, MOST_CALLERS)
    .map(
      ({ by, kind, reads, from, to }) =>
        `${by} (${KIND_WORDS[kind]}): ${reads}, ${from === to ? `on ${from}` : `from ${from} to ${to}`}`,
    );
  const left = callers.length - shown.length;
  return left === 0 ? shown : [...shown, `and ${left} callers more`];
}

export const CANNOT_BE_SEEN =
  'calls of which CloudTrail or EventBridge delivered no event, results of a query read again, and copies that readers made';

/**
 * @param period - counts days that begin in it; left out, all
 * @param on - from the attempt to enable to when nothing was left there
 */
export function readsSeen(
  tally: ReadTally | undefined,
  forwarding: readonly (Forwarding | undefined)[],
  on: { readonly from: EpochMs; readonly to: EpochMs } | undefined,
  period?: { readonly from: EpochMs; readonly to: EpochMs },
): ReadsSeen {
  const rows = (tally?.rows ?? []).filter(
    ({ day }) => period === undefined || (Date.parse(day) >= period.from && Date.parse(day) < period.to),
  );
  const was = on === undefined ? 'not' : forwarded(forwarding, on.from, on.to);
  if (was === 'not' && rows.length === 0)
    return {
      forwarded: was,
      reads: null,
      rows,
      says: on === undefined ? 'it was never on' : 'not counted: nothing shows that reads were forwarded',
    };
  const reads = { reader: 0, proviso: 0, vault: 0, other: 0 };
  for (const { kind, reads: some } of rows) reads[kind] += some;
  // Of what is beyond the rows no day is known: it counts where all is asked, and is named elsewhere.
  if (period === undefined) for (const kind of READER_KINDS) reads[kind] += tally?.more?.[kind] ?? 0;
  const undated =
    period === undefined ? 0 : READER_KINDS.reduce((sum, kind) => sum + (tally?.more?.[kind] ?? 0), 0);
  const gap = [
    was === 'whole' ? '' : '; not at every time and place were reads forwarded, so there may be more',
    undated === 0
      ? ''
      : `; ${undated} more, of callers beyond ${MOST_ROWS} rows, have no day and are not among these`,
  ].join('');
  return {
    forwarded: was,
    reads,
    rows,
    says: `${reads.reader} by named readers, ${reads.other} by others, ${reads.vault} at Legal’s vault, ${reads.proviso} by roles of Proviso${gap}`,
  };
}
