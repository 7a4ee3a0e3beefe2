import { type ExceptionId, err, formatInstant, ok, type Result } from '../core/index.ts';
import { readsOf, unknownException } from '../enforcement/index.ts';
import {
  approvalSubject,
  decodeRecord,
  describeHold,
  type ExceptionRecord,
  type ExceptionReport,
  type Forwarding,
  forwardingKey,
  hasSeveralPlaces,
  holdOf,
  isTerminal,
  type Lease,
  leaseKey,
  leasesOf,
  listExceptions,
  listLeaseRows,
  type PlacedLease,
  placesOf,
  type ReadsSeen,
  type ReadTally,
  type RecordStore,
  readException,
  readLeases,
  readsKey,
  type Standing,
} from '../exceptions/index.ts';
import type { Failure } from './failures.ts';
import type { ApiServices } from './ports.ts';

/** An exception as it stands: what approvers read, with the hash of exactly that; `null` where the policy in force was not judged for it. */
export interface ExceptionView {
  readonly exception: Omit<ExceptionRecord, 'outbox'> & { readonly subjectHash: string | null };
  /** Of the first place. */
  readonly lease?: Lease;
  /** Of every further place, with its account and Region. */
  readonly furtherLeases?: readonly PlacedLease[];
  readonly policyHash: string;
  /** Who read what was captured, as far as it was forwarded. */
  readonly reads: ReadsSeen;
}

export interface ExceptionRow {
  readonly id: ExceptionId;
  readonly state: ExceptionRecord['state'];
  readonly account: string;
  readonly region: string;
  readonly furtherPlaces?: readonly { readonly account: string; readonly region: string }[];
  readonly until: string;
  readonly reference: string;
  /** On legal hold: since when, in words. */
  readonly hold?: string;
  /** Nothing more happens by itself: only a person can close it. */
  readonly needsSignature: boolean;
}

type Reading = Pick<ApiServices, 'store' | 'policyInForce' | 'clock'>;

export async function viewOf(services: Reading, id: ExceptionId): Promise<Result<ExceptionView, Failure>> {
  const found = await readException(services.store, id);
  if (found === undefined) return err(unknownException(id));
  const { outbox: _outbox, ...record } = found.value;
  const [first, ...furtherLeases] = await readLeases(services.store, record);
  const { hash } = await services.policyInForce.current();
  return ok({
    exception: { ...record, subjectHash: approvalSubject(record, hash) ?? null },
    ...(first === undefined ? {} : { lease: first.lease }),
    ...(furtherLeases.length === 0 ? {} : { furtherLeases }),
    policyHash: hash,
    reads: await readsOf(services, record),
  });
}

/** Newest last. */
export async function listOf(
  { store, clock }: Pick<ApiServices, 'store' | 'clock'>,
  isShown: (record: ExceptionRecord) => boolean = () => true,
): Promise<readonly ExceptionRow[]> {
  return (await listExceptions(store))
    .map(({ value }) => value)
    .filter(isShown)
    .sort((a, b) => a.submittedAt - b.submittedAt || (a.id < b.id ? -1 : 1))
    .map((record) => {
      const hold = holdOf(record);
      return {
        id: record.id,
        state: record.state,
        account: record.request.accountId,
        region: record.request.region,
        ...(hasSeveralPlaces(record.request)
          ? {
              furtherPlaces: placesOf(record.request)
                .slice(1)
                .map((place) => ({ account: place.accountId, region: place.region })),
            }
          : {}),
        until: formatInstant(record.request.endsAt),
        reference: record.request.reference,
        ...(hold === undefined ? {} : { hold: describeHold(hold, clock.now()) }),
        needsSignature: needsSignature(record),
      };
    });
}

/** What was stored under somebody else’s setting is theirs, and only a person can close over it. */
const needsSignature = ({ state, contested, emptyListings }: ExceptionRecord): boolean =>
  contested !== undefined && emptyListings.length > 1 && !isTerminal(state);

export interface Overviewed {
  readonly record: ExceptionRecord;
  readonly leases: readonly PlacedLease[];
  readonly tally?: ReadTally | undefined;
  /** Of its places, in their order. */
  readonly forwarding: readonly (Forwarding | undefined)[];
}

/** Every exception with its leases, in the order in which they were asked for. */
export async function allExceptions(store: RecordStore): Promise<readonly Overviewed[]> {
  const records = (await listExceptions(store)).map(({ value }) => value);
  const rows = new Map(
    (await listLeaseRows(store)).map(({ value }) => [leaseKey(value.accountId, value.region), value]),
  );
  const counted = new Map(
    [...(await store.list('reads/')), ...(await store.list('forwarding/'))].map((stored) => [
      stored.key,
      stored,
    ]),
  );
  const decoded = <T>(key: string): T | undefined => {
    const stored = counted.get(key);
    return stored && decodeRecord<T>(stored);
  };
  return records
    .sort((a, b) => a.submittedAt - b.submittedAt || (a.id < b.id ? -1 : 1))
    .map((record) => ({
      record,
      tally: decoded<ReadTally>(readsKey(record.id)),
      forwarding: placesOf(record.request).map((place) => decoded<Forwarding>(forwardingKey(place))),
      leases: leasesOf(
        placesOf(record.request).map(({ accountId, region }) => rows.get(leaseKey(accountId, region))),
        record.id,
      ),
    }));
}

/** How an exception stands, with instants as UTC text. */
export type StandingView = ReturnType<typeof standingViewOf>;
export const standingViewOf = ({ until, goneBy, waitsFor, ...rest }: Standing) => ({
  ...rest,
  until: formatInstant(until),
  ...(goneBy === undefined ? {} : { goneBy: formatInstant(goneBy) }),
  ...(waitsFor === undefined
    ? {}
    : { waitsFor: { roles: waitsFor.roles, until: formatInstant(waitsFor.until) } }),
});

/** A report, with instants as UTC text. */
export type ReportView = ReturnType<typeof reportViewOf>;
export const reportViewOf = ({ period, madeAt, exceptions, nearMisses, ...rest }: ExceptionReport) => ({
  ...rest,
  period: { name: period.name, from: formatInstant(period.from), to: formatInstant(period.to) },
  madeAt: formatInstant(madeAt),
  exceptions: exceptions.map(({ requestedAt, onFrom, offAt, decisions, ...each }) => ({
    ...each,
    requestedAt: formatInstant(requestedAt),
    ...(onFrom === undefined ? {} : { onFrom: formatInstant(onFrom) }),
    ...(offAt === undefined ? {} : { offAt: formatInstant(offAt) }),
    decisions: decisions.map((decision) => ({ ...decision, at: formatInstant(decision.at) })),
    reads: {
      ...each.reads,
      rows: each.reads.rows.map((row) => ({
        ...row,
        first: formatInstant(row.first),
        last: formatInstant(row.last),
      })),
    },
  })),
  nearMisses: nearMisses.map((each) => ({ ...each, at: formatInstant(each.at) })),
});
