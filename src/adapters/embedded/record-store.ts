import type { DatabaseSync } from 'node:sqlite';
import { Recent } from '../../core/index.ts';
import type { ConditionalWrite, RecordStore, StoredRecord } from '../../exceptions/index.ts';
import { gather, type Settled, settle } from '../../runtime/index.ts';
import { inTransaction } from './aws/database.ts';
import { frozen } from './frozen.ts';
import { prepared } from './statements.ts';

const SCHEMA = `
CREATE TABLE IF NOT EXISTS rs_records (key TEXT PRIMARY KEY, version INTEGER NOT NULL, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
`;

/** How many parsed records are kept at least: ten thousand live leases and their exceptions. */
const KEPT = 20_480;

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
  const known = new Recent<string, StoredRecord>(KEPT);
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
  const keep = (row: Row): StoredRecord => {
    const record = parse(row);
    known.set(row.key, record);
    return record;
  };
  const readRow = (key: string): StoredRecord | undefined => {
    const row = prepared(database, 'SELECT key, version, value FROM rs_records WHERE key = ?').get(key);
    if (row === undefined) return undefined;
    return keep(row as unknown as Row);
  };
  const commitAll = (
    batch: readonly (readonly TextWrite[])[],
  ): readonly Settled<'committed' | 'conflict'>[] => {
    let outcomes: readonly Settled<'committed' | 'conflict'>[] = [];
    try {
      outcomes = inTransaction(database, () =>
        batch.map((writes) =>
          settle(() => under('dynamodb:TransactWriteItems', () => asPart(database, writes))),
        ),
      );
      return outcomes;
    } finally {
      for (const [index, writes] of batch.entries()) {
        const outcome = outcomes[index];
        const isCommitted = outcome?.ok === true && outcome.value === 'committed';
        for (const { key, expectedVersion, text } of writes) {
          if (expectedVersion === 0) keysBelow.clear();
          // Of anything else, a failed commit that was written among it, the next reading says what stands.
          if (isCommitted) keep({ key, version: expectedVersion + 1, value: text });
          else known.delete(key);
        }
      }
    }
  };
  const commit = isGathered
    ? gather(commitAll)
    : async (writes: readonly TextWrite[]) => unwrap(commitAll([writes])[0]);
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
    commit: async (writes) => commit(writes.map(textOf)),
  };
}

/** A write with its value as the JSON text that is stored. */
interface TextWrite extends Omit<ConditionalWrite, 'value'> {
  readonly text: string;
}

const textOf = ({ key, expectedVersion, value }: ConditionalWrite): TextWrite => ({
  key,
  expectedVersion,
  text: JSON.stringify(value),
});

function unwrap<R>(outcome: Settled<R> | undefined): R {
  if (outcome?.ok === true) return outcome.value;
  throw outcome?.error;
}

/** @returns false when a version is not the expected one; the caller undoes what was written before it */
function writeAll(database: DatabaseSync, writes: readonly TextWrite[]): boolean {
  return writes.every(({ key, expectedVersion, text }) => {
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
function asPart(database: DatabaseSync, writes: readonly TextWrite[]): 'committed' | 'conflict' {
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
