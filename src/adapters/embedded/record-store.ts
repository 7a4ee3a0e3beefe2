import type { DatabaseSync } from 'node:sqlite';
import type { ConditionalWrite, RecordStore, StoredRecord } from '../../exceptions/index.ts';
import { prepared } from './statements.ts';

const SCHEMA = `
CREATE TABLE IF NOT EXISTS rs_records (key TEXT PRIMARY KEY, version INTEGER NOT NULL, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
`;

/** How many parsed records are kept, so that memory stays flat however many there are. */
const KEPT = 4096;

/** Readers share what was parsed, so nobody may change it. */
function frozen(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const part of Object.values(value)) frozen(part);
  return Object.freeze(value);
}

interface Row {
  readonly key: string;
  readonly version: number;
  readonly value: string;
}

/** The record store on SQLite: one table, versioned conditional updates, one transaction per commit. One store per database. */
export function sqliteRecordStore(
  database: DatabaseSync,
  faults?: <T>(operation: 'dynamodb:GetItem' | 'dynamodb:TransactWriteItems', act: () => T) => T,
): RecordStore {
  database.exec(SCHEMA);
  const under = faults ?? ((_operation, act) => act());
  // This process is the only writer, so what was read or written last is what stands there.
  const known = new Map<string, StoredRecord>();
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
  return {
    async read(key) {
      return under('dynamodb:GetItem', () => known.get(key) ?? readRow(key));
    },
    async list(prefix) {
      const keys = under('dynamodb:GetItem', () =>
        prepared(database, 'SELECT key FROM rs_records WHERE key >= ? AND key < ? ORDER BY key').all(
          prefix,
          `${prefix}\u{10ffff}`,
        ),
      ) as unknown as Pick<Row, 'key'>[];
      return keys.flatMap(({ key }) => known.get(key) ?? readRow(key) ?? []);
    },
    async commit(writes) {
      return under('dynamodb:TransactWriteItems', () => {
        for (const { key } of writes) known.delete(key);
        return commit(database, writes);
      });
    },
  };
}

function commit(database: DatabaseSync, writes: readonly ConditionalWrite[]): 'committed' | 'conflict' {
  database.exec('BEGIN IMMEDIATE');
  try {
    for (const { key, expectedVersion, value } of writes) {
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
      if (Number(changed.changes) !== 1) {
        database.exec('ROLLBACK');
        return 'conflict';
      }
    }
    database.exec('COMMIT');
    return 'committed';
  } catch (error) {
    database.exec('ROLLBACK');
    throw error;
  }
}
