import type { DatabaseSync } from 'node:sqlite';
import type { ConditionalWrite, RecordStore, StoredRecord } from '../../exceptions/index.ts';
import { gather, type Settled, settle } from '../../runtime/index.ts';
import { inTransaction } from './aws/database.ts';
import { frozen } from './frozen.ts';
import { prepared } from './statements.ts';

const SCHEMA = `
CREATE TABLE IF NOT EXISTS rs_records (key TEXT PRIMARY KEY, version INTEGER NOT NULL, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
`;

/** How many parsed records are kept, so that memory stays flat however many there are. */
const KEPT = 4096;

interface Row {
  readonly key: string;
  readonly version: number;
  readonly value: string;
}

/**
 * The record store on SQLite: one table, versioned conditional updates, one transaction per commit. One store per database.
 *
 * @param isGathered - commits of one turn of the event loop share one transaction, each of them whole or not at all
 */
export function sqliteRecordStore(
  database: DatabaseSync,
  faults?: <T>(operation: 'dynamodb:GetItem' | 'dynamodb:TransactWriteItems', act: () => T) => T,
  isGathered = false,
): RecordStore {
  database.exec(SCHEMA);
  const under = faults ?? ((_operation, act) => act());
  // This process is the only writer, so what was read or written last is what stands there.
  const known = new Map<string, StoredRecord>();
  // The keys below a prefix, until one is added; none is ever removed.
  const keysBelow = new Map<string, readonly string[]>();
  const readKeys = (prefix: string): readonly string[] => {
    const rows = prepared(database, 'SELECT key FROM rs_records WHERE key >= ? AND key < ? ORDER BY key').all(
      prefix,
      `${prefix}\u{10ffff}`,
    ) as unknown as Pick<Row, 'key'>[];
    const keys = rows.map(({ key }) => key);
    keysBelow.set(prefix, keys);
    return keys;
  };
  const parse = ({ key, version, value }: Row): StoredRecord => ({
    key,
    version,
    value: frozen(JSON.parse(value)),
  });
  const readRow = (key: string): StoredRecord | undefined => {
    const row = prepared(database, 'SELECT key, version, value FROM rs_records WHERE key = ?').get(key);
    if (row === undefined) return undefined;
    const record = parse(row as unknown as Row);
    if (known.size >= KEPT) known.clear();
    known.set(key, record);
    return record;
  };
  const commitAll = (batch: readonly Writes[]): readonly Settled<'committed' | 'conflict'>[] => {
    try {
      return inTransaction(database, () =>
        batch.map((writes) =>
          settle(() => under('dynamodb:TransactWriteItems', () => asPart(database, writes))),
        ),
      );
    } finally {
      for (const { key, expectedVersion } of batch.flat()) {
        known.delete(key);
        if (expectedVersion === 0) keysBelow.clear();
      }
    }
  };
  return {
    async read(key) {
      return under('dynamodb:GetItem', () => known.get(key) ?? readRow(key));
    },
    async readTogether(keys) {
      return under('dynamodb:GetItem', () => keys.map((key) => known.get(key) ?? readRow(key)));
    },
    async list(prefix) {
      const keys = under('dynamodb:GetItem', () => keysBelow.get(prefix) ?? readKeys(prefix));
      return keys.flatMap((key) => known.get(key) ?? readRow(key) ?? []);
    },
    commit: isGathered ? gather(commitAll) : async (writes) => unwrap(commitAll([writes])[0]),
  };
}

type Writes = readonly ConditionalWrite[];

function unwrap<R>(outcome: Settled<R> | undefined): R {
  if (outcome?.ok === true) return outcome.value;
  throw outcome?.error;
}

/** @returns false when a version is not the expected one; the caller undoes what was written before it */
function writeAll(database: DatabaseSync, writes: Writes): boolean {
  return writes.every(({ key, expectedVersion, value }) => {
    const text = JSON.stringify(value);
    const changed =
      expectedVersion === 0
        ? prepared(
            database,
            'INSERT INTO rs_records (key, version, value) VALUES (?, 1, ?) ON CONFLICT (key) DO NOTHING',
          ).run(key, text)
        : prepared(
            database,
            'UPDATE rs_records SET version = version + 1, value = ? WHERE key = ? AND version = ?',
          ).run(text, key, expectedVersion);
    return Number(changed.changes) === 1;
  });
}

/** One commit as a part of the open transaction: whole, or undone. */
function asPart(database: DatabaseSync, writes: Writes): 'committed' | 'conflict' {
  prepared(database, 'SAVEPOINT writes').run();
  let isWritten = false;
  try {
    isWritten = writeAll(database, writes);
    return isWritten ? 'committed' : 'conflict';
  } finally {
    if (!isWritten) prepared(database, 'ROLLBACK TO writes').run();
    prepared(database, 'RELEASE writes').run();
  }
}
