import { type AccountId, type ExceptionId, err, ok, type Region, type Result } from '../core/index.ts';
import { ConflictError, type Refusal } from './errors.ts';
import type { RecordStore } from './ports.ts';
import type { ExceptionRecord, LeaseRow } from './types.ts';

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

function decode<T>(key: string, stored: unknown): T {
  const format = (stored as { format?: unknown } | null)?.format;
  if (format !== RECORD_FORMAT)
    throw new Error(
      `record \`${key}\` has format \`${String(format)}\`; this version reads ${RECORD_FORMAT}`,
    );
  const { format: _format, ...value } = stored as Record<string, unknown>;
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

const ATTEMPTS = 8;

/** What a change wants written; `row` only where the lease changes too. */
export interface Change {
  readonly record: ExceptionRecord;
  readonly row?: LeaseRow;
}

/**
 * Reads an exception and its lease row, lets `change` decide, and writes both in one commit; starts over when somebody else was
 * faster. `change` returning the same objects writes nothing.
 *
 * @throws ConflictError after 8 lost attempts
 */
export async function amend(
  store: RecordStore,
  id: ExceptionId,
  change: (record: ExceptionRecord, row: LeaseRow | undefined) => Result<Change, Refusal>,
): Promise<Result<Change, Refusal>> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const record = await readException(store, id);
    if (!record)
      return err({
        code: 'UNKNOWN_EXCEPTION',
        message: `there is no exception \`${id}\`; \`proviso exception list\` shows them`,
      });
    const { accountId, region } = record.value.request;
    const row = await readLeaseRow(store, accountId, region);
    const changed = change(record.value, row?.value);
    if (!changed.ok) return changed;
    const writes = [];
    if (changed.value.record !== record.value) {
      writes.push({
        key: exceptionKey(id),
        expectedVersion: record.version,
        value: encode(changed.value.record),
      });
    }
    if (changed.value.row !== undefined && changed.value.row !== row?.value) {
      writes.push({
        key: leaseKey(accountId, region),
        expectedVersion: row?.version ?? 0,
        value: encode(changed.value.row),
      });
    }
    if (writes.length === 0 || (await store.commit(writes)) === 'committed') return ok(changed.value);
  }
  throw new ConflictError(exceptionKey(id));
}

/** The lease of an exception in its pair's row. */
export const leaseOf = (row: LeaseRow | undefined, id: ExceptionId) =>
  row?.leases.find((lease) => lease.exceptionId === id);

/** The row with one lease replaced. */
export function withLease(row: LeaseRow, lease: LeaseRow['leases'][number]): LeaseRow {
  return {
    ...row,
    leases: row.leases.map((other) => (other.exceptionId === lease.exceptionId ? lease : other)),
  };
}
