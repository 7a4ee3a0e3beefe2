import type { DatabaseSync } from 'node:sqlite';
import type { ConditionalWrite, RecordStore, StoredRecord } from '../../exceptions/index.ts';

const SCHEMA = `
CREATE TABLE IF NOT EXISTS rs_records (key TEXT PRIMARY KEY, version INTEGER NOT NULL, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
`;

interface Row {
  readonly key: string;
  readonly version: number;
  readonly value: string;
}

/** The record store on SQLite: one table, versioned conditional updates, one transaction per commit. */
export function sqliteRecordStore(
  database: DatabaseSync,
  faults?: <T>(operation: 'dynamodb:GetItem' | 'dynamodb:TransactWriteItems', act: () => T) => T,
): RecordStore {
  database.exec(SCHEMA);
  const under = faults ?? ((_operation, act) => act());
  const toRecord = (row: Row): StoredRecord => ({
    key: row.key,
    version: row.version,
    value: JSON.parse(row.value) as unknown,
  });
  return {
    async read(key) {
      const row = under('dynamodb:GetItem', () =>
        database.prepare('SELECT * FROM rs_records WHERE key = ?').get(key),
      ) as Row | undefined;
      return row && toRecord(row);
    },
    async list(prefix) {
      const rows = under('dynamodb:GetItem', () =>
        database
          .prepare('SELECT * FROM rs_records WHERE key >= ? AND key < ? ORDER BY key')
          .all(prefix, `${prefix}\u{10ffff}`),
      ) as unknown as Row[];
      return rows.map(toRecord);
    },
    async commit(writes) {
      return under('dynamodb:TransactWriteItems', () => commit(database, writes));
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
          ? database
              .prepare(
                'INSERT INTO rs_records (key, version, value) VALUES (?, 1, ?) ON CONFLICT (key) DO NOTHING',
              )
              .run(key, text)
          : database
              .prepare('UPDATE rs_records SET version = version + 1, value = ? WHERE key = ? AND version = ?')
              .run(text, key, expectedVersion);
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
