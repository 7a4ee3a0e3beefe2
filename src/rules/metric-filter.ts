import { matchesWildcard } from './event-pattern.ts';
import { allOf, anyOf } from './truth.ts';
import type { Truth } from './types.ts';

/** What is known of a log event, by selector: `eventName`, `detail.x`. Null: the field is not there. */
export type KnownFields = Readonly<Record<string, string | number | boolean | null>>;

/** AWS allows 1,024 characters; a snapshot may hold anything. */
const MAX_LENGTH = 4096;
const MAX_DEPTH = 50;

/**
 * Whether a metric filter pattern for JSON log events matches an event of which some fields are known.
 *
 * Understands `{ ... }` with `&&`, `||`, parentheses, `=`, `!=`, numbers, texts with `*`, `IS NULL`, `IS TRUE`, `IS FALSE` and
 * `NOT EXISTS`. Everything else, and a field that is not known, is `unknown`, never `true`. The empty pattern matches everything.
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
 */
export function matchMetricFilter(pattern: string, event: KnownFields): Truth {
  const text = pattern.trim();
  if (text === '') return 'true';
  if (!text.startsWith('{') || !text.endsWith('}') || text.length > MAX_LENGTH) return 'unknown';
  const tokens = tokensOf(text.slice(1, -1));
  if (tokens === undefined) return 'unknown';
  const reader = { tokens, at: 0, event };
  const truth = readOr(reader, 0);
  return truth === undefined || reader.at < tokens.length ? 'unknown' : truth;
}

interface Token {
  readonly kind: 'selector' | 'text' | 'word' | 'symbol';
  readonly value: string;
}
interface Reader {
  readonly tokens: readonly Token[];
  at: number;
  readonly event: KnownFields;
}

const TOKEN =
  /\s*(?:(?<symbol>&&|\|\||!=|<=|>=|[()=<>])|\$\.(?<selector>[\w.]+(?:\[\d+\][\w.]*)*)|"(?<text>(?:[^"\\]|\\.)*)"|(?<word>[^\s()&|=!<>"$%{}]+))/y;

function tokensOf(text: string): readonly Token[] | undefined {
  const tokens: Token[] = [];
  const rest = text.trimEnd();
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < rest.length) {
    const groups = TOKEN.exec(rest)?.groups;
    if (groups === undefined) return undefined;
    const [kind, value] = Object.entries(groups).find(([, found]) => found !== undefined) ?? [];
    if (kind === undefined || value === undefined) return undefined;
    tokens.push({ kind: kind as Token['kind'], value });
  }
  return tokens;
}

const isSymbol = ({ tokens, at }: Reader, value: string): boolean =>
  tokens[at]?.kind === 'symbol' && tokens[at]?.value === value;

function readOr(reader: Reader, depth: number): Truth | undefined {
  let result = readAnd(reader, depth);
  while (result !== undefined && isSymbol(reader, '||')) {
    reader.at += 1;
    const next = readAnd(reader, depth);
    result = next === undefined ? undefined : anyOf([result, next]);
  }
  return result;
}

function readAnd(reader: Reader, depth: number): Truth | undefined {
  let result = readTerm(reader, depth);
  while (result !== undefined && isSymbol(reader, '&&')) {
    reader.at += 1;
    const next = readTerm(reader, depth);
    result = next === undefined ? undefined : allOf([result, next]);
  }
  return result;
}

function readTerm(reader: Reader, depth: number): Truth | undefined {
  if (depth > MAX_DEPTH) return undefined;
  if (isSymbol(reader, '(')) {
    reader.at += 1;
    const inner = readOr(reader, depth + 1);
    if (!isSymbol(reader, ')')) return undefined;
    reader.at += 1;
    return inner;
  }
  const selector = reader.tokens[reader.at];
  if (selector?.kind !== 'selector') return undefined;
  reader.at += 1;
  return readComparison(reader, selector.value);
}

function readComparison(reader: Reader, selector: string): Truth | undefined {
  const { tokens, event } = reader;
  const [operator, operand] = [tokens[reader.at], tokens[reader.at + 1]];
  if (operator === undefined || operand === undefined || operand.kind === 'selector') return undefined;
  reader.at += 2;
  const known = Object.hasOwn(event, selector);
  const value = event[selector];
  if (operator.kind === 'word') {
    const words = `${operator.value} ${operand.value}`.toUpperCase();
    if (!known || value === undefined) return 'unknown';
    if (words === 'NOT EXISTS') return truthOf(value === null);
    // A field that is not there is not said to be NULL.
    if (words === 'IS NULL') return value === null ? 'unknown' : 'false';
    if (words === 'IS TRUE') return truthOf(value === true);
    if (words === 'IS FALSE') return truthOf(value === false);
    return undefined;
  }
  if (operand.kind === 'symbol') return undefined;
  if (operator.value !== '=' && operator.value !== '!=') return 'unknown';
  if (!known || value === undefined) return 'unknown';
  // What `!=` makes of a field that is not there is not documented.
  if (value === null) return operator.value === '=' ? 'false' : 'unknown';
  const isEqual = equals(operand, value);
  return truthOf(operator.value === '=' ? isEqual : !isEqual);
}

/** A number in quotes is a text: `"429"` and `429` are two things. */
function equals({ kind, value: wanted }: Token, value: string | number | boolean): boolean {
  if (typeof value === 'boolean') return false;
  if (typeof value === 'number') return kind === 'word' && Number(wanted) === value;
  return kind === 'word' && wanted.trim() !== '' && !Number.isNaN(Number(wanted))
    ? false
    : matchesWildcard(wanted, value);
}

const truthOf = (is: boolean): Truth => (is ? 'true' : 'false');
