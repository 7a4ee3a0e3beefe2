import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { canonicalJson, type EpochMs, epochMs } from '../../../core/index.ts';
import type { OneTimeSchedule, Schedules } from '../../../enforcement/index.ts';
import { AwsCallError } from '../../../exceptions/index.ts';
import { prepared } from '../statements.ts';
import { withFaults } from './faults.ts';

interface ScheduleRow {
  readonly name: string;
  readonly next_at: number;
  readonly every_ms: number | null;
  readonly first_at: number | null;
  readonly target: string;
  readonly payload: string;
}

const GIVES_UP_AFTER = 24 * 3_600_000;

export interface DueSchedule {
  readonly name: string;
  readonly target: string;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly at: EpochMs;
}

/** EventBridge Scheduler. Stricter than AWS: times that are not whole minutes are refused. One-time schedules vanish after firing. */
export function embeddedSchedules(database: DatabaseSync): Schedules & EmbeddedSchedules {
  // One process has the database: when the next fires, and what was due last, is known until a schedule is written.
  let firing: { readonly next: number | undefined } | undefined;
  const taken = new Map<string, ScheduleRow>();
  const rowOf = (name: string) =>
    taken.get(name) ??
    (prepared(database, 'SELECT * FROM schedules WHERE name = ?').get(name) as ScheduleRow | undefined);
  const nextFiring = (): number | undefined => {
    if (firing === undefined) {
      const row = prepared(database, 'SELECT min(next_at) AS at FROM schedules WHERE is_mute = 0').get() as {
        at: number | null;
      };
      firing = { next: row.at ?? undefined };
    }
    return firing.next;
  };
  const write = (sql: string, ...values: SQLInputValue[]): number => {
    firing = undefined;
    taken.clear();
    return Number(prepared(database, sql).run(...values).changes);
  };
  return {
    async create(schedule) {
      if (schedule.at % 60_000 !== 0)
        throw new AwsCallError(
          'validation',
          `the schedule \`${schedule.name}\` is not at a whole minute`,
          false,
        );
      withFaults(database, 'scheduler:CreateSchedule', {}, () => {
        const before = rowOf(schedule.name);
        const payload = canonicalJson(schedule.payload);
        if (before !== undefined) {
          if (
            before.payload === payload &&
            before.next_at === schedule.at &&
            before.target === schedule.target
          )
            return;
          throw new AwsCallError(
            'validation',
            `ConflictException: a schedule \`${schedule.name}\` with other content exists`,
            false,
          );
        }
        write(
          'INSERT INTO schedules (name, next_at, target, payload) VALUES (?, ?, ?, ?)',
          schedule.name,
          schedule.at,
          schedule.target,
          payload,
        );
      });
    },
    async get(name) {
      const row = rowOf(name);
      if (row === undefined || row.target !== 'deadMansSwitch') return undefined;
      return {
        name,
        at: epochMs(row.next_at),
        target: row.target,
        payload: JSON.parse(row.payload) as OneTimeSchedule['payload'],
      };
    },
    async delete(name) {
      withFaults(database, 'scheduler:DeleteSchedule', {}, () =>
        write('DELETE FROM schedules WHERE name = ?', name),
      );
    },
    createRate(name, target, everyMs, from, payload = {}) {
      write(
        'INSERT OR IGNORE INTO schedules (name, next_at, every_ms, target, payload) VALUES (?, ?, ?, ?, ?)',
        name,
        from + everyMs,
        everyMs,
        target,
        JSON.stringify(payload),
      );
    },
    deliverOnce(name, target, payload, at) {
      write(
        'INSERT INTO schedules (name, next_at, target, payload) VALUES (?, ?, ?, ?)',
        name,
        at,
        target,
        JSON.stringify(payload),
      );
    },
    nextDueAt() {
      const next = nextFiring();
      return next === undefined ? undefined : epochMs(next);
    },
    takeDue(now) {
      const next = nextFiring();
      if (next === undefined || next > now) return [];
      const rows = prepared(
        database,
        'SELECT * FROM schedules WHERE next_at <= ? AND is_mute = 0 ORDER BY next_at, name',
      ).all(now) as unknown as ScheduleRow[];
      for (const row of rows) taken.set(row.name, row);
      return rows.map((row) => ({
        name: row.name,
        target: row.target,
        payload: JSON.parse(row.payload) as DueSchedule['payload'],
        at: epochMs(row.next_at),
      }));
    },
    fired(name, now) {
      const row = rowOf(name);
      if (row === undefined) return;
      if (row.every_ms === null) {
        write('DELETE FROM schedules WHERE name = ?', name);
        return;
      }
      const missed = Math.max(1, Math.ceil((now - row.next_at + 1) / row.every_ms));
      write('UPDATE schedules SET next_at = ? WHERE name = ?', row.next_at + missed * row.every_ms, name);
    },
    failed(name, now) {
      const row = rowOf(name);
      if (row === undefined) return;
      const first = row.first_at ?? row.next_at;
      // EventBridge Scheduler gives up after 24 hours; a rate simply comes round again.
      if (row.every_ms !== null || now - first >= GIVES_UP_AFTER) return this.fired(name, now);
      write('UPDATE schedules SET next_at = ?, first_at = ? WHERE name = ?', now + 60_000, first, name);
    },
    setMute(target, isMute) {
      return write('UPDATE schedules SET is_mute = ? WHERE target = ?', isMute ? 1 : 0, target);
    },
    postpone(target, byMs) {
      return byMs === 'for ever'
        ? write('DELETE FROM schedules WHERE target = ? AND every_ms IS NULL', target)
        : write(
            'UPDATE schedules SET next_at = next_at + ? WHERE target = ? AND every_ms IS NULL',
            byMs,
            target,
          );
    },
    loseNext(target) {
      write('UPDATE schedules SET next_at = next_at + every_ms WHERE target = ?', target);
      const row = prepared(database, 'SELECT min(next_at) AS at FROM schedules WHERE target = ?').get(target);
      return epochMs(Number(row?.['at']));
    },
  };
}

export interface EmbeddedSchedules {
  createRate(
    name: string,
    target: string,
    everyMs: number,
    from: EpochMs,
    payload?: Readonly<Record<string, unknown>>,
  ): void;
  /** Not a schedule of ours: something that AWS brings to a function once. */
  deliverOnce(name: string, target: string, payload: Readonly<Record<string, unknown>>, at: EpochMs): void;
  nextDueAt(): EpochMs | undefined;
  /** Due schedules, oldest first; each is to be reported with `fired` after its target was invoked, so a crash fires it again. */
  takeDue(now: EpochMs): readonly DueSchedule[];
  fired(name: string, now: EpochMs): void;
  /** Its target failed: a one-time schedule is tried again for 24 hours. */
  failed(name: string, now: EpochMs): void;
  /** A fault: schedules of this target no longer fire. @returns how many */
  setMute(target: string, isMute: boolean): number;
  /** A fault: what is on its way to this target once comes later, or never. @returns how many */
  postpone(target: string, byMs: number | 'for ever'): number;
  /** A fault: the next firing of a rate never arrives. @returns when the one after it is due */
  loseNext(target: string): EpochMs;
}
