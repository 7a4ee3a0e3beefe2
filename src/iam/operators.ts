import { type AddressRange, isInRange, parseRange } from './address.ts';
import { parseConditionDate } from './instant.ts';
import { type Glob, globMatchesText, splitGlob, textOf } from './template.ts';

/** Whether a value of the request matches a value of the policy; `not-understood` where either is not of the operator's type. */
export type Match = boolean | 'not-understood';

/** How one operator compares; negated ones share the comparison of their positive twin. */
export interface Operator {
  readonly compare: (value: string, expected: Glob) => Match;
  readonly isNegated: boolean;
  /** Whether `*` and `?` in the policy's value stand for others. */
  readonly hasWildcards: boolean;
  /** Whether policy variables are documented for the operator. */
  readonly hasVariables: boolean;
  /** Between key and values, in a sentence. */
  readonly words: string;
}

const ARN_PARTS = 6;

const stringEquals = (value: string, expected: Glob): Match => value === textOf(expected);
const stringEqualsIgnoreCase = (value: string, expected: Glob): Match =>
  value.toLowerCase() === textOf(expected).toLowerCase();
const stringLike = (value: string, expected: Glob): Match => globMatchesText(expected, value);

/**
 * Part by part, so that a wildcard does not cross a colon except in the last of the six parts. A pattern with fewer parts is not an
 * ARN; what AWS makes of it is not documented.
 */
function arnLike(value: string, expected: Glob): Match {
  const patterns = splitGlob(expected, ARN_PARTS);
  if (patterns.length < ARN_PARTS) return 'not-understood';
  const parts = value.split(':');
  if (parts.length < ARN_PARTS) return false;
  const sixth = parts.slice(ARN_PARTS - 1).join(':');
  return patterns.every((pattern, index) =>
    globMatchesText(pattern, index === ARN_PARTS - 1 ? sixth : (parts[index] ?? '')),
  );
}

const NUMBER = /^[+-]?[0-9]{1,300}(\.[0-9]{1,300})?$/;

/** Compares what both sides parse to; a side that does not parse is not understood. */
const ordered =
  <T>(parse: (text: string) => T | undefined, holds: (value: T, expected: T) => boolean) =>
  (value: string, expected: Glob): Match => {
    const left = parse(value);
    const right = parse(textOf(expected));
    return left === undefined || right === undefined ? 'not-understood' : holds(left, right);
  };

const parseNumber = (text: string): number | undefined => (NUMBER.test(text) ? Number(text) : undefined);
const number = (holds: (value: number, expected: number) => boolean) => ordered(parseNumber, holds);
const date = (holds: (value: number, expected: number) => boolean) => ordered(parseConditionDate, holds);

const parseBoolean = (text: string): boolean | undefined => {
  const lower = text.toLowerCase();
  return lower === 'true' ? true : lower === 'false' ? false : undefined;
};
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const parseBase64 = (text: string): string | undefined => (BASE64.test(text) ? text : undefined);

const ipAddress = ordered<AddressRange>(parseRange, isInRange);
const equal = <T>(value: T, expected: T): boolean => value === expected;

const plain = { isNegated: false, hasWildcards: false, hasVariables: false } as const;
const text = { ...plain, hasVariables: true } as const;
const pattern = { ...text, hasWildcards: true } as const;
const negated = { isNegated: true } as const;

/**
 * The condition operators, as AWS spells them; `Null` is not among them, since it asks about the key and not about its value.
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
 */
export const OPERATORS: ReadonlyMap<string, Operator> = new Map<string, Operator>([
  ['StringEquals', { ...text, compare: stringEquals, words: 'is' }],
  ['StringNotEquals', { ...text, ...negated, compare: stringEquals, words: 'is not' }],
  ['StringEqualsIgnoreCase', { ...text, compare: stringEqualsIgnoreCase, words: 'is (in any case)' }],
  [
    'StringNotEqualsIgnoreCase',
    { ...text, ...negated, compare: stringEqualsIgnoreCase, words: 'is not (in any case)' },
  ],
  ['StringLike', { ...pattern, compare: stringLike, words: 'is like' }],
  ['StringNotLike', { ...pattern, ...negated, compare: stringLike, words: 'is not like' }],
  ['ArnEquals', { ...pattern, compare: arnLike, words: 'is like' }],
  ['ArnLike', { ...pattern, compare: arnLike, words: 'is like' }],
  ['ArnNotEquals', { ...pattern, ...negated, compare: arnLike, words: 'is not like' }],
  ['ArnNotLike', { ...pattern, ...negated, compare: arnLike, words: 'is not like' }],
  ['NumericEquals', { ...plain, compare: number(equal), words: 'is' }],
  ['NumericNotEquals', { ...plain, ...negated, compare: number(equal), words: 'is not' }],
  ['NumericLessThan', { ...plain, compare: number((a, b) => a < b), words: 'is less than' }],
  ['NumericLessThanEquals', { ...plain, compare: number((a, b) => a <= b), words: 'is at most' }],
  ['NumericGreaterThan', { ...plain, compare: number((a, b) => a > b), words: 'is more than' }],
  ['NumericGreaterThanEquals', { ...plain, compare: number((a, b) => a >= b), words: 'is at least' }],
  ['DateEquals', { ...plain, compare: date(equal), words: 'is' }],
  ['DateNotEquals', { ...plain, ...negated, compare: date(equal), words: 'is not' }],
  ['DateLessThan', { ...plain, compare: date((a, b) => a < b), words: 'is before' }],
  ['DateLessThanEquals', { ...plain, compare: date((a, b) => a <= b), words: 'is not after' }],
  ['DateGreaterThan', { ...plain, compare: date((a, b) => a > b), words: 'is after' }],
  ['DateGreaterThanEquals', { ...plain, compare: date((a, b) => a >= b), words: 'is not before' }],
  ['Bool', { ...plain, compare: ordered(parseBoolean, equal), words: 'is' }],
  ['BinaryEquals', { ...plain, compare: ordered(parseBase64, equal), words: 'is' }],
  ['IpAddress', { ...plain, compare: ipAddress, words: 'is in' }],
  ['NotIpAddress', { ...plain, ...negated, compare: ipAddress, words: 'is not in' }],
]);
