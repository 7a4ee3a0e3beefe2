import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { type Clock, type EpochMs, epochMs, formatInstant } from '../core/index.ts';
import { RuntimeMisuse } from './errors.ts';
import { unsynced } from './unsynced.ts';

/**
 * A clock whose time stands in the database (table `rt_clock`) and moves only when told to, and only forward. Every advance is
 * committed before `advanceTo` returns, so a reopened simulation goes on at the instant it had reached.
 */
export class SimulatedClock implements Clock {
  readonly #database: DatabaseSync;
  readonly #move: StatementSync;
  #now: EpochMs;

  /** @param start - the first instant of a new simulation; an existing one keeps its own */
  constructor(database: DatabaseSync, start: EpochMs) {
    this.#database = database;
    database.exec(
      'CREATE TABLE IF NOT EXISTS rt_clock (id INTEGER PRIMARY KEY CHECK (id = 1), now INTEGER NOT NULL)',
    );
    database.prepare('INSERT OR IGNORE INTO rt_clock VALUES (1, ?)').run(start);
    this.#move = database.prepare('UPDATE rt_clock SET now = ?');
    this.#now = epochMs(Number(database.prepare('SELECT now FROM rt_clock').get()?.now));
  }

  now(): EpochMs {
    return this.#now;
  }

  /** @throws {RuntimeMisuse} when `to` is before the clock's own time: leases and schedules rely on time that never runs back */
  advanceTo(to: EpochMs): void {
    if (!Number.isSafeInteger(to)) throw new RuntimeMisuse(`\`${to}\` is not a time in whole milliseconds`);
    if (to < this.#now)
      throw new RuntimeMisuse(
        `the simulated clock stands at \`${formatInstant(this.#now)}\` and cannot go back to \`${formatInstant(to)}\``,
      );
    unsynced(this.#database, () => this.#move.run(to));
    this.#now = to;
  }
}
