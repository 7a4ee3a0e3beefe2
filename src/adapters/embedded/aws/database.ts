import { DatabaseSync } from 'node:sqlite';
import { frozen } from '../frozen.ts';
import { prepared } from '../statements.ts';

/*
 * The embedded AWS: settings, buckets with versions and uploads, log groups, schedules and identities of an organization, in a
 * SQLite file of its own. It knows nothing of exceptions or leases, so that it can disagree with us, as AWS can.
 * Where AWS's behaviour is not documented it takes the stricter reading.
 */

const SCHEMA = `
CREATE TABLE IF NOT EXISTS documents (name TEXT PRIMARY KEY, json TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS settings (
  account TEXT NOT NULL, region TEXT NOT NULL, logging TEXT, retention TEXT, PRIMARY KEY (account, region)
) STRICT;
CREATE TABLE IF NOT EXISTS settings_before (
  account TEXT NOT NULL, region TEXT NOT NULL, logging TEXT, written_at INTEGER NOT NULL, PRIMARY KEY (account, region)
) STRICT;
CREATE TABLE IF NOT EXISTS landing (
  id INTEGER PRIMARY KEY, account TEXT NOT NULL, region TEXT NOT NULL, logging TEXT NOT NULL, lands_at INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS buckets (
  name TEXT PRIMARY KEY, account TEXT NOT NULL, region TEXT NOT NULL, versioned INTEGER NOT NULL, object_lock INTEGER NOT NULL, kms_key TEXT
) STRICT;
CREATE TABLE IF NOT EXISTS versions (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, bucket TEXT NOT NULL, key TEXT NOT NULL, version_id TEXT NOT NULL,
  delete_marker INTEGER NOT NULL, body BLOB NOT NULL, UNIQUE (bucket, key, version_id)
) STRICT;
CREATE INDEX IF NOT EXISTS versions_by_key ON versions (bucket, key);
CREATE TABLE IF NOT EXISTS uploads (
  upload_id TEXT PRIMARY KEY, bucket TEXT NOT NULL, key TEXT NOT NULL, body BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS log_groups (
  account TEXT NOT NULL, region TEXT NOT NULL, name TEXT NOT NULL, kms_key TEXT, PRIMARY KEY (account, region, name)
) STRICT;
CREATE TABLE IF NOT EXISTS log_events (
  account TEXT NOT NULL, region TEXT NOT NULL, name TEXT NOT NULL, at INTEGER NOT NULL, message TEXT NOT NULL,
  stream TEXT NOT NULL DEFAULT 'aws/bedrock/modelinvocations', ingested INTEGER
) STRICT;
CREATE TABLE IF NOT EXISTS schedules (
  name TEXT PRIMARY KEY, next_at INTEGER NOT NULL, every_ms INTEGER, first_at INTEGER, target TEXT NOT NULL, payload TEXT NOT NULL, is_mute INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX IF NOT EXISTS schedules_by_time ON schedules (next_at) WHERE is_mute = 0;
CREATE TABLE IF NOT EXISTS faults (
  id INTEGER PRIMARY KEY, operation TEXT NOT NULL, kind TEXT NOT NULL, remaining INTEGER NOT NULL, delay_ms INTEGER NOT NULL DEFAULT 0,
  account TEXT, region TEXT
) STRICT;
`;

export function openAwsDatabase(file: string): DatabaseSync {
  const database = new DatabaseSync(file);
  // It plays AWS's part: it has to outlive a process that dies, not a machine that loses power, so it need not wait for the disk.
  // Deleted content must be gone from the file, not only from the tables: the canary search reads the raw bytes.
  database.exec(
    'PRAGMA locking_mode = EXCLUSIVE; PRAGMA secure_delete = ON; PRAGMA journal_mode = TRUNCATE; PRAGMA synchronous = OFF;',
  );
  database.exec(SCHEMA);
  // Made by an earlier version.
  if (
    !database
      .prepare('SELECT name FROM pragma_table_info(?)')
      .all('log_events')
      .some(({ name }) => name === 'stream')
  )
    database.exec(
      "ALTER TABLE log_events ADD COLUMN stream TEXT NOT NULL DEFAULT 'aws/bedrock/modelinvocations'; ALTER TABLE log_events ADD COLUMN ingested INTEGER;",
    );
  return database;
}

const documents = new WeakMap<DatabaseSync, Map<string, unknown>>();

/** The documents of a database that were read or written, so that an organization is not parsed at every look. */
function documentsOf(database: DatabaseSync): Map<string, unknown> {
  const known = documents.get(database) ?? new Map<string, unknown>();
  documents.set(database, known);
  return known;
}

export function readDocument<T>(database: DatabaseSync, name: string): T | undefined {
  const known = documentsOf(database);
  if (known.has(name)) return known.get(name) as T;
  const row = prepared(database, 'SELECT json FROM documents WHERE name = ?').get(name) as
    | { json: string }
    | undefined;
  if (row === undefined) return undefined;
  const value = frozen(JSON.parse(row.json) as T);
  known.set(name, value);
  return value;
}

export function writeDocument(database: DatabaseSync, name: string, value: unknown): void {
  documentsOf(database).delete(name);
  prepared(
    database,
    'INSERT INTO documents (name, json) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET json = excluded.json',
  ).run(name, JSON.stringify(value));
}

/** Runs `act` in one transaction; as a part of the one that is open, if any. */
export function inTransaction<T>(database: DatabaseSync, act: () => T): T {
  if (database.isTransaction) return act();
  prepared(database, 'BEGIN IMMEDIATE').run();
  try {
    const result = act();
    prepared(database, 'COMMIT').run();
    return result;
  } catch (error) {
    documents.delete(database);
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}
