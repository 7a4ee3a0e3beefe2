import { type DurationMs, durationMs, type EpochMs, epochMs } from './brands.ts';
import { err, ok, type Result } from './result.ts';

export const SECOND = durationMs(1000);
export const MINUTE = durationMs(60_000);
export const HOUR = durationMs(3_600_000);
export const DAY = durationMs(86_400_000);

const UNITS: Record<string, number> = { s: SECOND, m: MINUTE, h: HOUR, d: DAY };
const DURATION = /^([0-9]{1,6})([smhd])$/;

/** Reads `90s`, `30m`, `12h` or `14d`. A number without a unit is refused: nobody should guess whether 14 means days. */
export function parseDuration(text: string): Result<DurationMs, string> {
  const match = DURATION.exec(text);
  if (/^[0-9]{7,}[smhd]$/.test(text)) return err('too far: at most 6 digits before the unit');
  const unit = UNITS[match?.[2] ?? ''];
  if (!match || unit === undefined)
    return err('expected a whole number with its unit, such as `14d`, `12h`, `30m` or `90s`');
  return ok(durationMs(Number(match[1]) * unit));
}

/** The shortest exact spelling that `parseDuration` reads back, to whole seconds (a remainder below one second is dropped). */
export function formatDuration(length: DurationMs): string {
  for (const unit of ['d', 'h', 'm'] as const) {
    const size = UNITS[unit] ?? 1;
    if (length >= size && length % size === 0) return `${length / size}${unit}`;
  }
  return `${Math.floor(length / SECOND)}s`;
}

const INSTANT = /^([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(\.[0-9]{3})?Z$/;

/**
 * Reads an absolute UTC instant with seconds, `2026-11-21T09:00:00Z`. Date-only, local and offset times are refused:
 * an end that depends on a time zone is an end nobody agreed on. So are dates that do not exist (February 30th).
 */
export function parseInstant(text: string): Result<EpochMs, string> {
  const expected = 'expected an absolute UTC instant with seconds, such as `2026-12-01T09:00:00Z`';
  if (!INSTANT.test(text)) return err(expected);
  const value = Date.parse(text);
  // Date.parse accepts some non-dates by rolling over, February 30th and 24:00; a round trip shows it.
  const mayRollOver = text.slice(8, 10) > '28' || text.slice(11, 13) === '24';
  if (Number.isNaN(value) || (mayRollOver && !new Date(value).toISOString().startsWith(text.slice(0, 19))))
    return err(`${expected}; this date does not exist`);
  return ok(epochMs(value));
}

/** `2026-12-01T09:00:00Z`; milliseconds appear only when there are any. */
export function formatInstant(at: EpochMs): string {
  // A report of a million findings names few instants, each many times in a row.
  if (at !== formatted.at) {
    const text = new Date(at).toISOString();
    formatted = { at, text: text.endsWith('.000Z') ? `${text.slice(0, 19)}Z` : text };
  }
  return formatted.text;
}
let formatted: { readonly at: number; readonly text: string } = { at: Number.NaN, text: '' };

/** The next whole minute at or after `at`: schedules fire by the minute and are rounded up, never down. */
export const ceilToMinute = (at: EpochMs): EpochMs => epochMs(Math.ceil(at / MINUTE) * MINUTE);
