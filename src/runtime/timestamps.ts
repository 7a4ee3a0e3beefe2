const TIMESTAMP = /^([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]{1,9})?Z$/;

/**
 * Reads an RFC 3339 instant in UTC as epoch milliseconds; fractions of a second are kept to the millisecond.
 * Offsets other than `Z` and dates that do not exist give `undefined`.
 */
export function parseTimestamp(text: string): number | undefined {
  const match = TIMESTAMP.exec(text);
  if (!match) return undefined;
  const whole = Date.parse(`${match[1]}Z`);
  // Date.parse rolls some impossible dates over; a round trip shows it.
  if (Number.isNaN(whole) || new Date(whole).toISOString().slice(0, 19) !== match[1]) return undefined;
  return whole + Math.floor(Number(`0${match[2] ?? ''}`) * 1000);
}

/**
 * When a Wait until `text` ends. Step Functions drops the milliseconds of the timestamp, so a Wait may end up to 999 ms early.
 * @see https://docs.aws.amazon.com/step-functions/latest/dg/state-wait.html
 */
export function waitUntil(text: string): number | undefined {
  const at = parseTimestamp(text);
  return at === undefined ? undefined : Math.floor(at / 1000) * 1000;
}
