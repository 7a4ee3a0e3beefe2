import { createHmac } from 'node:crypto';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Ids } from '../core/index.ts';
import { unsynced } from './unsynced.ts';

const ALPHABET = '0123456789abcdefghijklmnopqrstuvwxyz';
/** The largest multiple of 36 in a byte; larger bytes are dropped so that every character is equally likely. */
const FAIR = 252;

/**
 * Ids of a simulation: the same seed gives the same ids in the same order. Seed and counter stand in the database (table `rt_ids`), in
 * the caller's transaction where one is open, so a reopened simulation goes on and an undone step gives its ids back.
 * Unguessable only to those who do not know the seed: never for a real state.
 */
export class SeededIds implements Ids {
  readonly #database: DatabaseSync;
  readonly #count: StatementSync;
  readonly #seed: string;

  /** @param seed - of a new simulation; an existing one keeps its own */
  constructor(database: DatabaseSync, seed: string) {
    this.#database = database;
    database.exec(
      'CREATE TABLE IF NOT EXISTS rt_ids (id INTEGER PRIMARY KEY CHECK (id = 1), seed TEXT NOT NULL, used INTEGER NOT NULL)',
    );
    database.prepare('INSERT OR IGNORE INTO rt_ids VALUES (1, ?, 0)').run(seed);
    this.#count = database.prepare('UPDATE rt_ids SET used = used + 1 RETURNING used');
    this.#seed = String(database.prepare('SELECT seed FROM rt_ids').get()?.seed);
  }

  next(length: number): string {
    const used = Number(unsynced(this.#database, () => this.#count.get())?.used);
    let text = '';
    for (let block = 0; text.length < length; block++) {
      for (const byte of createHmac('sha256', this.#seed).update(`${used}/${block}`).digest()) {
        if (byte < FAIR && text.length < length) text += ALPHABET[byte % ALPHABET.length];
      }
    }
    return text;
  }
}
