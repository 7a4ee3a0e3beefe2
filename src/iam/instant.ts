import { Recent } from '../core/index.ts';

/** The forms of W3C's note on dates that AWS documents; a time of day needs its zone. */
const W3C =
  /^([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2})(?:T([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,9}))?)?(Z|[+-][0-9]{2}:[0-9]{2}))?)?)?$/;
const EPOCH_SECONDS = /^[0-9]{5,12}$/;

/** The same few instants are compared over and over. */
const read = new Recent<string, { readonly date: number | undefined }>(256);

/**
 * Reads the value of a date condition, in epoch milliseconds: ISO 8601 as W3C narrows it, or whole seconds since 1970.
 * @returns undefined for anything else, also for a date that the calendar does not have
 */
export function parseConditionDate(text: string): number | undefined {
  if (text.length > LONGEST) return undefined;
  const before = read.get(text);
  if (before !== undefined) return before.date;
  const date = readDate(text);
  read.set(text, { date });
  return date;
}

/** With nine digits of a second and a zone it has 35 characters. */
const LONGEST = 40;

function readDate(text: string): number | undefined {
  if (EPOCH_SECONDS.test(text)) return Number(text) * 1000;
  const match = W3C.exec(text);
  if (match === null) return undefined;
  const [
    ,
    year,
    month = '01',
    day = '01',
    hour = '00',
    minute = '00',
    second = '00',
    fraction = '',
    zone = 'Z',
  ] = match;
  const date = Date.parse(
    `${year}-${month}-${day}T${hour}:${minute}:${second}.${fraction.padEnd(3, '0').slice(0, 3)}${zone}`,
  );
  if (Number.isNaN(date)) return undefined;
  // Date.parse takes 30 February for 1 March.
  const asWritten = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
  return asWritten.getUTCMonth() === Number(month) - 1 && asWritten.getUTCDate() === Number(day)
    ? date
    : undefined;
}
