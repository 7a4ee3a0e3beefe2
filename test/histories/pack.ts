import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { gunzipSync, gzipSync } from 'node:zlib';

/*
 * A folder as one compressed file of JSON: texts as they are, SQLite databases as their own schema and rows, so that a recorded
 * state does not depend on the bytes of a database file.
 */

interface Database {
  readonly applicationId: number;
  /** The statements that made it, as SQLite keeps them. */
  readonly schema: readonly string[];
  readonly rows: Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>>;
}

interface Packed {
  readonly texts: Readonly<Record<string, string>>;
  readonly databases: Readonly<Record<string, Database>>;
}

/** Bytes have no JSON form; they are kept as base64 under this key. */
const BYTES = '$bytes';

function unloaded(file: string): Database {
  const database = new DatabaseSync(file, { readOnly: true });
  const made = database
    .prepare("SELECT name, type, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'")
    .all() as { name: string; type: string; sql: string }[];
  const rows: Record<string, Record<string, unknown>[]> = {};
  for (const { name } of made.filter(({ type }) => type === 'table'))
    rows[name] = database
      .prepare(`SELECT * FROM "${name}"`)
      .all()
      .map((row) =>
        Object.fromEntries(
          Object.entries(row).map(([column, value]) => [
            column,
            value instanceof Uint8Array ? { [BYTES]: Buffer.from(value).toString('base64') } : value,
          ]),
        ),
      );
  const applicationId = Number(database.prepare('PRAGMA application_id').get()?.['application_id']);
  database.close();
  return { applicationId, schema: made.map(({ sql }) => sql), rows };
}

function load(file: string, { applicationId, schema, rows }: Database): void {
  const database = new DatabaseSync(file);
  database.exec(`PRAGMA application_id = ${applicationId}`);
  for (const sql of schema) database.exec(sql);
  for (const [table, all] of Object.entries(rows)) {
    for (const row of all) {
      const columns = Object.keys(row);
      const values = Object.values(row).map((value): SQLInputValue => {
        const isBytes = typeof value === 'object' && value !== null;
        return isBytes
          ? Buffer.from(String((value as Record<string, unknown>)[BYTES]), 'base64')
          : (value as SQLInputValue);
      });
      const places = columns.map(() => '?').join();
      database.prepare(`INSERT INTO "${table}" (${columns.join()}) VALUES (${places})`).run(...values);
    }
  }
  database.close();
}

/** Keys stay with whoever made them: a recorded state makes a new one. */
const LEFT_OUT = /signing-key\.pem$|\.sqlite-(wal|shm|journal)$/;

/** Packs every file of `directory`; the databases in it must be closed. */
export function pack(directory: string, file: string): void {
  const texts: Record<string, string> = {};
  const databases: Record<string, Database> = {};
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || LEFT_OUT.test(entry.name)) continue;
    const path = join(entry.parentPath, entry.name);
    const name = path.slice(directory.length + 1);
    if (name.endsWith('.sqlite')) databases[name] = unloaded(path);
    else texts[name] = readFileSync(path, 'utf8');
  }
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, gzipSync(JSON.stringify({ texts, databases } satisfies Packed), { level: 9 }));
}

export function unpack(file: string, directory: string): void {
  const { texts, databases } = JSON.parse(gunzipSync(readFileSync(file)).toString()) as Packed;
  for (const [name, text] of Object.entries(texts)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), text);
  }
  for (const [name, database] of Object.entries(databases)) load(join(directory, name), database);
}
