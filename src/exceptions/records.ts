import {
  type AccountId,
  type Clock,
  type DomainEvent,
  type EventActor,
  type ExceptionId,
  err,
  type Recorder,
  type Region,
  type Result,
} from '../core/index.ts';
import { ConflictError, type Refusal } from './errors.ts';
import { type LeaseRows, leasesOf, type PlacedLease, type PlacedRequest, placesOf } from './places.ts';
import type { ConditionalWrite, RecordStore, StoredRecord } from './ports.ts';
import type { ExceptionRecord, LeaseRow, ToldEvent } from './types.ts';

/*
 * Keys and shapes of what the store holds. The store is ours alone (one writer on one machine, one table in AWS), so values are
 * checked for their format version and then trusted.
 */

export const RECORD_FORMAT = 1;

export const exceptionKey = (id: ExceptionId): string => `exception/${id}`;
export const leaseKey = (accountId: AccountId, region: Region): string => `lease/${accountId}/${region}`;
export const waitKey = (id: ExceptionId, role: string): string => `wait/${id}/${role}`;
export const POLICY_KEY = 'policy/in-force';

export interface Versioned<T> {
  readonly value: T;
  readonly version: number;
}

export const encode = (value: object): unknown => ({ format: RECORD_FORMAT, ...value });

/** @throws Error when the record has another format: an older or newer version wrote it */
export const decodeRecord = <T>({ key, value }: StoredRecord): T => decode(key, value);

/** What a stored value that cannot change was decoded to: a store that keeps its values gives the same one again. */
const decoded = new WeakMap<object, unknown>();

function decode<T>(key: string, stored: unknown): T {
  const known = typeof stored === 'object' && stored !== null ? decoded.get(stored) : undefined;
  if (known !== undefined) return known as T;
  const format = (stored as { format?: unknown } | null)?.format;
  if (format !== RECORD_FORMAT)
    throw new Error(
      `record \`${key}\` has format \`${String(format)}\`; this version reads ${RECORD_FORMAT}`,
    );
  const { format: _format, ...value } = stored as Record<string, unknown>;
  if (Object.isFrozen(stored)) decoded.set(stored as object, Object.freeze(value));
  return value as T;
}

export async function readRecord<T>(store: RecordStore, key: string): Promise<Versioned<T> | undefined> {
  const stored = await store.read(key);
  return stored && { value: decode<T>(key, stored.value), version: stored.version };
}

export async function listRecords<T>(store: RecordStore, prefix: string): Promise<readonly Versioned<T>[]> {
  const all = await store.list(prefix);
  return all.map((stored) => ({ value: decode<T>(stored.key, stored.value), version: stored.version }));
}

export const readException = (
  store: RecordStore,
  id: ExceptionId,
): Promise<Versioned<ExceptionRecord> | undefined> => readRecord(store, exceptionKey(id));
export const readLeaseRow = (
  store: RecordStore,
  accountId: AccountId,
  region: Region,
): Promise<Versioned<LeaseRow> | undefined> => readRecord(store, leaseKey(accountId, region));

/** The rows of a request's places, in their order, as they stood at one moment. */
export async function readLeaseRows(
  store: RecordStore,
  request: PlacedRequest,
): Promise<readonly (Versioned<LeaseRow> | undefined)[]> {
  const places = placesOf(request);
  const [first] = places;
  if (places.length === 1) return [await readLeaseRow(store, first.accountId, first.region)];
  const found = await store.readTogether(places.map(({ accountId, region }) => leaseKey(accountId, region)));
  return found.map(
    (stored) => stored && { value: decode<LeaseRow>(stored.key, stored.value), version: stored.version },
  );
}

/** The leases of an exception, one for every place once its windows are reserved. */
export async function readLeases(
  store: RecordStore,
  { id, request }: Pick<ExceptionRecord, 'id' | 'request'>,
): Promise<readonly PlacedLease[]> {
  return leasesOf(
    (await readLeaseRows(store, request)).map((row) => row?.value),
    id,
  );
}
export const listExceptions = (store: RecordStore): Promise<readonly Versioned<ExceptionRecord>[]> =>
  listRecords(store, 'exception/');
export const listLeaseRows = (store: RecordStore): Promise<readonly Versioned<LeaseRow>[]> =>
  listRecords(store, 'lease/');

/** @throws Error when the id is unknown: for steps that only ever run for an existing exception. */
export async function requireException(
  store: RecordStore,
  id: ExceptionId,
): Promise<Versioned<ExceptionRecord>> {
  const found = await readException(store, id);
  if (!found) throw new Error(`exception \`${id}\` is not in the store`);
  return found;
}

const ATTEMPTS = 12;

/** Where a change is written, and where it is told. */
export interface Books {
  readonly store: RecordStore;
  readonly recorder: Recorder;
  readonly clock: Clock;
  /** Only where a person calls. */
  readonly call?: Call;
}

/** How a person reached us. */
export interface Call {
  /** Whether AWS said who calls; on one machine nobody proves who they are, and the record says so. */
  readonly isAuthenticated: boolean;
  readonly correlationId?: string;
}

/** The person who acts, as the record names them. */
export const personActor = ({ call }: Pick<Books, 'call'>, id: string): EventActor => ({
  id,
  kind: call?.isAuthenticated === true ? 'person' : 'person-unauthenticated',
});

/** What a change wants written; `rows` only where a lease changes too, in the order of the places; `events` for what happened. */
export interface Change {
  readonly record: ExceptionRecord;
  readonly rows?: LeaseRows;
  readonly events?: readonly DomainEvent[];
}

/**
 * Reads an exception and the lease rows of all its places, lets `change` decide, and writes all in one commit together with the events that tell of
 * it; starts over when somebody else was faster. The events are recorded after the commit; if this process dies in between, the
 * next change or sweep records them. `change` returning the same objects and no events writes nothing.
 *
 * @throws ConflictError after 12 lost attempts
 */
export async function amend(
  books: Books,
  id: ExceptionId,
  change: (record: ExceptionRecord, rows: LeaseRows) => Result<Change, Refusal>,
): Promise<Result<Change, Refusal>> {
  const { store, recorder } = books;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const stored = await readException(store, id);
    if (!stored)
      return err({
        code: 'UNKNOWN_EXCEPTION',
        message: `there is no exception \`${id}\`; \`proviso exception list\` shows them`,
      });
    const { outbox = [], ...record } = stored.value;
    const read = await readLeaseRows(store, record.request);
    const rows = read.map((row) => row?.value);
    const changed = change(record, rows);
    if (!changed.ok) return changed;
    const events = toldEvents(books, id, stored.version + 1, changed.value.events ?? []);
    const written = changed.value.rows ?? rows;
    const isRowNew = written.some((row, index) => row !== rows[index]);
    if (changed.value.record === record && !isRowNew && events.length === 0) return changed;
    // What an earlier process left untold goes first; a recorder that fails now keeps it for later and holds nothing up.
    const untold = await tell(recorder, outbox);
    const pending = [...untold, ...events];
    // Rows are written even where only the record changes: the change was decided by all of them, so all must still be what was read.
    const writes = [
      {
        key: exceptionKey(id),
        expectedVersion: stored.version,
        value: encode(
          pending.length === 0 ? changed.value.record : { ...changed.value.record, outbox: pending },
        ),
      },
      ...written.flatMap((row, index) =>
        row === undefined
          ? []
          : [
              {
                key: leaseKey(row.accountId, row.region),
                expectedVersion: read[index]?.version ?? 0,
                value: encode(row),
              },
            ],
      ),
    ];
    if ((await store.commit(writes)) === 'conflict') continue;
    // What cannot be told now stays in the outbox: a failing record must not keep anything on (OFF_NEEDS_NOTHING).
    await tell(recorder, events);
    return changed;
  }
  throw new ConflictError(exceptionKey(id));
}

/** Writes a new exception with the events that tell of it, and what must stand with it. */
export async function createException(
  books: Books,
  record: ExceptionRecord,
  events: readonly DomainEvent[],
  others: readonly ConditionalWrite[],
): Promise<'committed' | 'conflict'> {
  const told = toldEvents(books, record.id, 1, events);
  const value = encode({ ...record, outbox: told });
  const written = await books.store.commit([
    { key: exceptionKey(record.id), expectedVersion: 0, value },
    ...others,
  ]);
  if (written === 'conflict') return written;
  await tell(books.recorder, told);
  return written;
}

/** Tells what a process that died left in an exception's outbox, and empties it. Somebody else's change meanwhile does the same. */
export async function emptyOutbox(books: Books, id: ExceptionId): Promise<void> {
  const stored = await readException(books.store, id);
  const { outbox = [], ...record } = stored?.value ?? {};
  if (stored === undefined || outbox.length === 0) return;
  for (const event of outbox) await books.recorder.record(event);
  await books.store.commit([
    { key: exceptionKey(id), expectedVersion: stored.version, value: encode(record) },
  ]);
}

const toldEvents = (
  { clock }: Books,
  id: ExceptionId,
  version: number,
  events: readonly DomainEvent[],
): ToldEvent[] =>
  events.map((event, index) => ({ key: `${id}/${version}/${index}`, ...event, at: clock.now() }));

/** @returns the events that could not be told, from the first failure on: their order is kept */
async function tell(recorder: Recorder, events: readonly ToldEvent[]): Promise<readonly ToldEvent[]> {
  for (const [index, event] of events.entries()) {
    try {
      await recorder.record(event);
    } catch {
      return events.slice(index);
    }
  }
  return [];
}
