import type { DatabaseSync } from 'node:sqlite';

/** SQLite's `synchronous` that a log of writes ahead does not wait for at each commit. */
const NORMAL = 1;

/**
 * Runs one small write without waiting for the disk, in the caller's transaction where one is open. In a database with a write-ahead
 * log it outlives the process at once, and is on disk no later than what is committed next. It may be lost with the machine's power
 * where nothing was committed after it: for what only later commits rely on.
 */
export function unsynced<T>(database: DatabaseSync, write: () => T): T {
  if (database.isTransaction) return write();
  const level = Number(database.prepare('PRAGMA synchronous').get()?.['synchronous']);
  if (level <= NORMAL) return write();
  database.exec(`PRAGMA synchronous = ${NORMAL}`);
  try {
    return write();
  } finally {
    database.exec(`PRAGMA synchronous = ${level}`);
  }
}
