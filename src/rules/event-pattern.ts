import { allOf, anyOf } from './truth.ts';
import type { Truth } from './types.ts';

/** What is known of an event: a value, `ABSENT` for what AWS does not send, and nothing for what may be there. */
export interface KnownEvent {
  readonly [field: string]: string | number | boolean | null | typeof ABSENT | KnownEvent;
}
export const ABSENT: unique symbol = Symbol('absent');

/** Deeper than AWS accepts; a pattern from a snapshot may be anything. */
const MAX_DEPTH = 20;

/**
 * Whether an event pattern of EventBridge matches an event of which some fields are known.
 *
 * Conservative: a filter that is not understood, and a field that is not known, make the answer `unknown`, never `true`.
 * @param pattern - JSON text
 * @see https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
 */
export function matchEventPattern(pattern: string, event: KnownEvent): Truth {
  let json: unknown;
  try {
    json = JSON.parse(pattern);
  } catch {
    return 'unknown';
  }
  return isObject(json) ? matchObject(json, event, 0) : 'unknown';
}

function matchObject(
  pattern: Readonly<Record<string, unknown>>,
  event: KnownEvent | undefined,
  depth: number,
): Truth {
  if (depth > MAX_DEPTH) return 'unknown';
  let result: Truth = 'true';
  for (const [field, wanted] of Object.entries(pattern)) {
    const value = event !== undefined && Object.hasOwn(event, field) ? event[field] : undefined;
    const truth =
      field === '$or'
        ? matchOr(wanted, event, depth)
        : Array.isArray(wanted)
          ? anyOf(wanted.map((filter) => matchValue(filter, value)))
          : isObject(wanted)
            ? value === ABSENT || isLeaf(value)
              ? onAbsent(wanted)
              : matchObject(wanted, value, depth + 1)
            : 'unknown';
    result = allOf([result, truth]);
    if (result === 'false') return result;
  }
  return result;
}

/** Nothing is there: only `exists: false` could match below, and that is not looked for. */
const onAbsent = (wanted: Readonly<Record<string, unknown>>): Truth => {
  try {
    return JSON.stringify(wanted).includes('"exists"') ? 'unknown' : 'false';
  } catch {
    // Nested too deeply to print; `JSON.parse` reads any depth.
    return 'unknown';
  }
};

function matchOr(wanted: unknown, event: KnownEvent | undefined, depth: number): Truth {
  if (!Array.isArray(wanted)) return 'unknown';
  return anyOf(
    wanted.map((each: unknown) => (isObject(each) ? matchObject(each, event, depth + 1) : 'unknown')),
  );
}

type Value = KnownEvent[string] | undefined;
const isLeaf = (value: Value): value is string | number | boolean | null =>
  value === null || ['string', 'number', 'boolean'].includes(typeof value);

function matchValue(filter: unknown, value: Value): Truth {
  if (value === undefined) return 'unknown';
  if (!isObject(filter)) {
    if (filter !== null && typeof filter === 'object') return 'unknown';
    return truthOf(value === filter);
  }
  const [entry, ...more] = Object.entries(filter);
  if (entry === undefined || more.length > 0) return 'unknown';
  const [operator, operand] = entry;
  if (operator === 'exists')
    return typeof operand === 'boolean' ? truthOf((value !== ABSENT) === operand) : 'unknown';
  // Every other filter needs a value to look at.
  if (value === ABSENT) return 'false';
  switch (operator) {
    case 'prefix':
    case 'suffix': {
      if (typeof operand !== 'string') return 'unknown';
      if (typeof value !== 'string') return 'false';
      return truthOf(operator === 'prefix' ? value.startsWith(operand) : value.endsWith(operand));
    }
    case 'equals-ignore-case':
      return typeof operand === 'string' && typeof value === 'string'
        ? truthOf(value.toLowerCase() === operand.toLowerCase())
        : 'unknown';
    case 'wildcard':
      return typeof operand === 'string' && typeof value === 'string' && !operand.includes('\\')
        ? truthOf(matchesWildcard(operand, value))
        : 'unknown';
    case 'anything-but': {
      const refused = Array.isArray(operand) ? operand : [operand];
      return refused.some((each) => typeof each === 'object' && each !== null)
        ? 'unknown'
        : truthOf(!refused.includes(value));
    }
    default:
      return 'unknown';
  }
}

/** `*` stands for any run of characters. Linear in the length of the text for each `*`: greedy parts never go back. */
export function matchesWildcard(pattern: string, text: string): boolean {
  const [first = '', ...parts] = pattern.split('*');
  if (parts.length === 0) return pattern === text;
  if (!text.startsWith(first)) return false;
  const last = parts.pop() ?? '';
  let at = first.length;
  for (const part of parts) {
    const found = text.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return text.length - last.length >= at && text.endsWith(last);
}

const truthOf = (is: boolean): Truth => (is ? 'true' : 'false');
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
