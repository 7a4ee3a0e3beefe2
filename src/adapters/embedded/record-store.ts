import type { DatabaseSync } from 'node:sqlite';
import { Recent } from '../../core/index.ts';
import type { ConditionalWrite, RecordStore, StoredRecord } from '../../exceptions/index.ts';
import { gather, type Settled, settle } from '../../runtime/index.ts';
import { inTransaction } from './aws/database.ts';
import { frozen, frozenCopy } from './frozen.ts';
import { prepared } from './statements.ts';

// With row ids a record is rewritten where it stands. A state that was made earlier keeps its table without them: the same statements do
// there, and cost more.
const SCHEMA = `
CREATE TABLE IF NOT EXISTS rs_records (key TEXT NOT NULL PRIMARY KEY, version INTEGER NOT NULL, value TEXT NOT NULL) STRICT;
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
  const keep = (record: StoredRecord): StoredRecord => {
    known.set(record.key, record);
    return record;
  };
  const readRow = (key: string): StoredRecord | undefined => {
    const row = prepared(database, 'SELECT key, version, value FROM rs_records WHERE key = ?').get(key) as
      | Row
      | undefined;
    return row && keep({ key, version: row.version, value: frozen(JSON.parse(row.value)) });
  };
  const versionOf = (key: string): number => known.get(key)?.version ?? readVersion(database, key);
  const commitAll = (
    batch: readonly (readonly JsonWrite[])[],
  ): readonly Settled<'committed' | 'conflict'>[] => {
    // What the commits of the batch write, by key: each key is written once, as the last of them leaves it.
    const pending = new Map<string, PendingWrite>();
    const take = (writes: readonly JsonWrite[]): 'committed' | 'conflict' => {
      const mine = new Map<string, PendingWrite>();
      for (const write of writes) {
        const before = mine.get(write.key) ?? pending.get(write.key);
        const stood = before === undefined ? versionOf(write.key) : before.stood;
        const version = before === undefined ? stood : before.version;
        if (version !== write.expectedVersion) return 'conflict';
        mine.set(write.key, { stood, version: version + 1, write });
      }
      for (const [key, write] of mine) pending.set(key, write);
      return 'committed';
    };
    const outcomes = inTransaction(database, () => {
      const settled = batch.map((writes) =>
        settle(() => under('dynamodb:TransactWriteItems', () => take(writes))),
      );
      for (const write of pending.values()) writeRow(database, write);
      return settled;
    });
    for (const [key, { stood, version, write }] of pending) {
      if (stood === 0) keysBelow.clear();
      keep({ key, version, value: write.value });
    }
    return outcomes;
  };
  const commit = isGathered
    ? gather(commitAll)
    : async (writes: readonly JsonWrite[]) => unwrap(commitAll([writes])[0]);
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
    commit: async (writes) => commit(writes.map((write) => jsonOf(write, known.get(write.key)?.value))),
  };
}

/** A write with its value as the JSON text that is stored, and as what reading that text gives. */
interface JsonWrite extends ConditionalWrite {
  readonly text: string;
}

interface PendingWrite {
  /** The version in the table, 0 where there is none, and the one that will be there. */
  readonly stood: number;
  readonly version: number;
  readonly write: JsonWrite;
}

const jsonOf = ({ key, expectedVersion, value }: ConditionalWrite, before: unknown): JsonWrite => ({
  key,
  expectedVersion,
  text: JSON.stringify(value),
  value: frozenCopy(value, before),
});

function unwrap<R>(outcome: Settled<R> | undefined): R {
  if (outcome?.ok === true) return outcome.value;
  throw outcome?.error;
}

function readVersion(database: DatabaseSync, key: string): number {
  return Number(
    prepared(database, 'SELECT version FROM rs_records WHERE key = ?').get(key)?.['version'] ?? 0,
  );
}

function writeRow(database: DatabaseSync, { stood, version, write: { key, text } }: PendingWrite): void {
  const { changes } =
    stood === 0
      ? prepared(database, 'INSERT INTO rs_records (version, value, key) VALUES (?, ?, ?)').run(
          version,
          text,
          key,
        )
      : prepared(database, 'UPDATE rs_records SET version = ?, value = ? WHERE key = ? AND version = ?').run(
          version,
          text,
          key,
          stood,
        );
  if (Number(changes) !== 1) throw new Error(`somebody else has written the record \`${key}\``);
}
