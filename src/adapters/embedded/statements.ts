import type { DatabaseSync, StatementSync } from 'node:sqlite';

const known = new WeakMap<DatabaseSync, Map<string, StatementSync>>();

/** The statement of `sql`, compiled once per database: compiling costs more than most of these statements do. */
export function prepared(database: DatabaseSync, sql: string): StatementSync {
  let statements = known.get(database);
  if (statements === undefined) {
    statements = new Map();
    known.set(database, statements);
  }
  let statement = statements.get(sql);
  if (statement === undefined) {
    statement = database.prepare(sql);
    statements.set(sql, statement);
  }
  return statement;
}
