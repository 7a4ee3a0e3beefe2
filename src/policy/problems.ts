import type { z } from 'zod';
import {
  type DocumentPath,
  epochMs,
  formatInstant,
  type Problem,
  parseInstant,
  type SourceDocument,
} from '../core/index.ts';
import type { PolicyProblemCode } from './errors.ts';
import { nearest } from './nearest.ts';
import { CONDITION_BRANCHES, DURATION_PATTERN, INSTANT_PATTERN } from './schema.ts';
import { lookupOf, type SchemaLookup } from './schema-lookup.ts';

type Issue = z.core.$ZodIssue;

/** A problem before it is placed in the text. */
interface Fault {
  readonly path: DocumentPath;
  readonly code: PolicyProblemCode;
  readonly message: string;
  readonly remedy: string;
  readonly at?: 'key' | 'value';
  /** For an unknown key: the key it was probably meant to be. */
  readonly meant?: string;
}

const MAX_PROBLEMS = 500;

/**
 * Tells what a schema refused in the words of the person who wrote the document, each fault at its place.
 * Of a union only the alternative that was meant is told.
 *
 * @param schema - gives the known keys and the meaning of fields for the remedies; without it they are shorter
 * @returns at least one problem, in the order of the text
 */
export function problemsOf(
  document: SourceDocument,
  error: z.ZodError,
  schema?: z.ZodType,
): readonly Problem[] {
  const lookup: SchemaLookup = schema === undefined ? () => ({ keys: [], values: [] }) : lookupOf(schema);
  const faults = withoutEchoes(error.issues.flatMap((issue) => faultsOf(issue, document, [], lookup)));
  const problems = faults
    .slice(0, MAX_PROBLEMS)
    .map(({ path, code, message, remedy, at }) => document.problemAt(path, code, message, remedy, at));
  if (faults.length > MAX_PROBLEMS) {
    problems.push(
      document.problemAt(
        [],
        'too-many-problems' satisfies PolicyProblemCode,
        `the file has ${faults.length - MAX_PROBLEMS} faults more`,
        'correct those that are listed first',
      ),
    );
  }
  return inTextOrder(problems);
}

/** By place, then as found; the same fault at the same place once. */
export function inTextOrder(problems: readonly Problem[]): readonly Problem[] {
  const seen = new Set<string>();
  return problems
    .filter(({ line, column, code, path, message }) => {
      const key = JSON.stringify([line, column, code, path, message]);
      return !seen.has(key) && seen.add(key);
    })
    .toSorted((left, right) => left.line - right.line || left.column - right.column);
}

/** A typo in a key is one fault, not a missing key and an unknown one. */
function withoutEchoes(faults: readonly Fault[]): readonly Fault[] {
  const meant = new Set(
    faults
      .filter((fault) => fault.meant !== undefined)
      .map((fault) => JSON.stringify([...fault.path.slice(0, -1), fault.meant])),
  );
  return faults.filter((fault) => fault.code !== 'missing-key' || !meant.has(JSON.stringify(fault.path)));
}

function faultsOf(
  issue: Issue,
  root: SourceDocument,
  base: DocumentPath,
  lookup: SchemaLookup,
): readonly Fault[] {
  const path: DocumentPath = [...base, ...issue.path.filter((step) => typeof step !== 'symbol')];
  const value = valueAt(root.value, path);
  const place = lookup(path);
  const says = place.description === undefined ? '' : `: ${place.description}`;
  const one = (code: PolicyProblemCode, message: string, remedy: string): readonly Fault[] => [
    { path, code, message, remedy },
  ];
  if (issue.code !== 'unrecognized_keys' && value === undefined) return missing(path, place.description);

  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownKey(path, key, place.keys));
    case 'invalid_type': {
      if (place.pattern === DURATION_PATTERN)
        return one(
          'not-a-duration',
          `${quote(value)} is not a length of time with its unit`,
          'write a whole number with its unit, such as `14d`, `12h`, `30m` or `90s`',
        );
      if (place.pattern === INSTANT_PATTERN)
        return one(
          'not-an-instant',
          `${quote(value)} is not an instant`,
          'write an absolute UTC instant with seconds, such as `2026-12-01T09:00:00Z`',
        );
      const isUnquoted =
        issue.expected === 'string' && (typeof value === 'number' || typeof value === 'boolean');
      return one(
        'wrong-type',
        value === null
          ? `there is no value; expected ${typeWords(issue.expected)}`
          : `expected ${typeWords(issue.expected)}, found ${describeValue(value, root.writtenAt(path))}`,
        isUnquoted ? 'put it in quotes' : `write ${typeWords(issue.expected)}${says}`,
      );
    }
    case 'invalid_value':
      return [notAllowed(path, value, issue.values.map(String))];
    case 'too_small':
    case 'too_big':
      return [outOfBounds(issue, path, value, says)];
    case 'invalid_union':
      return place.definition === 'Condition'
        ? conditionFaults(issue.errors, value, root, path, lookup)
        : unionFaults(issue, value, root, path, lookup);
    case 'invalid_format':
    case 'custom': {
      const expected = /^[A-Z]/.test(issue.message) ? 'this does not have the expected form' : issue.message;
      if (place.pattern === DURATION_PATTERN)
        return one('not-a-duration', `${quote(value)} is not a length of time: ${expected}`, 'write it so');
      if (place.pattern === INSTANT_PATTERN)
        return one('not-an-instant', `${quote(value)} is not an instant: ${expected}`, inUtc(value));
      const isAscii = issue.code === 'invalid_format' || issue.message.includes('ASCII');
      const strange = isAscii ? strangeLetter(value) : '';
      return one('wrong-form', `${quote(value)}: ${expected}${strange}`, `write it in that form${says}`);
    }
    case 'not_multiple_of':
    case 'invalid_key':
    case 'invalid_element':
      return one('wrong-form', `${quote(value)} is not what is expected here`, `correct it${says}`);
  }
}

/** What looks like a letter of a to z and is none does not show in the text. */
function strangeLetter(value: unknown): string {
  const letter = typeof value === 'string' ? /[^\u0000-\u007f]/u.exec(value)?.[0] : undefined;
  const code = letter?.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0');
  return letter === undefined ? '' : `; \`${letter}\` (U+${code ?? ''}) in it is no letter of a to z`;
}

const WITH_OFFSET = /^([^T]*T[0-9]{2}:[0-9]{2})(:[0-9.]+)?[+-][0-9]{2}:?[0-9]{2}$/;

/** The same instant as it must be written, where the text names its offset and a date that exists: `Date.parse` takes February 30th for March 2nd. */
function inUtc(value: unknown): string {
  const [, local = '', seconds = ':00'] = (typeof value === 'string' ? WITH_OFFSET.exec(value) : null) ?? [];
  const at = parseInstant(`${local}${seconds}Z`).ok ? Date.parse(String(value)) : Number.NaN;
  const utc = Number.isNaN(at) ? '' : formatInstant(epochMs(at));
  // Before the year 0 and after 9999 there is no such spelling.
  return parseInstant(utc).ok ? `write \`${utc}\`, which is the same instant` : 'write it so';
}

function missing(path: DocumentPath, description: string | undefined): readonly Fault[] {
  const key = path.at(-1);
  if (key === undefined || typeof key === 'number')
    return [
      {
        path,
        code: 'missing-key',
        message: 'there is nothing here',
        remedy: 'write the entry, or remove its line',
      },
    ];
  return [
    {
      path,
      code: 'missing-key',
      message: `\`${key}\` is missing`,
      remedy: `add \`${key}:\`${description === undefined ? '' : ` (${description})`}`,
    },
  ];
}

function unknownKey(path: DocumentPath, key: string, known: readonly string[]): Fault {
  const meant = nearest(key, known);
  const keys =
    known.length === 0 ? '' : `; the keys here are ${known.map((name) => `\`${name}\``).join(', ')}`;
  return {
    path: [...path, key],
    code: 'unknown-key',
    message: `there is no key ${quote(key)} here`,
    remedy:
      meant === undefined ? `remove it${keys}` : `did you mean \`${meant}\`?${keys.replace('; t', ' T')}`,
    at: 'key',
    ...(meant === undefined ? {} : { meant }),
  };
}

function notAllowed(path: DocumentPath, value: unknown, values: readonly string[]): Fault {
  const list = values.map((each) => `\`${each}\``).join(', ');
  const field = path.at(-1);
  if (path.length === 1 && field === 'kind')
    return {
      path,
      code: 'wrong-kind',
      message: `this is a ${quote(value)}, expected ${list}`,
      remedy: `give a file of kind ${list}, or correct \`kind\``,
    };
  if (path.length === 1 && field === 'schemaVersion')
    return {
      path,
      code: 'unsupported-version',
      message: `version ${quote(value)} of the language is not supported`,
      remedy: `write \`schemaVersion: ${values.join()}\`, or use a version of Proviso that reads it`,
    };
  const code =
    field === 'fact' ? 'unknown-fact' : field === 'op' ? 'unknown-operator' : ('value-not-allowed' as const);
  const what = {
    'unknown-fact': 'a fact',
    'unknown-operator': 'an operator',
    'value-not-allowed': 'allowed here',
  };
  const meant = typeof value === 'string' ? nearest(value, values) : undefined;
  const fewest = values.length === 1 ? list : `one of ${list}`;
  return {
    path,
    code,
    message: `${quote(value)} is not ${what[code]}`,
    remedy: meant === undefined ? `write ${fewest}` : `did you mean \`${meant}\`?`,
  };
}

function outOfBounds(
  issue: Issue & { readonly code: 'too_small' | 'too_big' },
  path: DocumentPath,
  value: unknown,
  says: string,
): Fault {
  const isSmall = issue.code === 'too_small';
  const bound = Number(isSmall ? issue.minimum : issue.maximum);
  if (Array.isArray(value)) {
    const field = path.at(-1);
    if (value.length === 0 && (field === 'all' || field === 'any'))
      return {
        path,
        code: 'condition-empty',
        message: `an empty \`${field}\` decides nothing`,
        remedy: 'list at least one condition',
      };
    return {
      path,
      code: isSmall ? 'list-too-short' : 'list-too-long',
      message:
        value.length === 0
          ? 'the list is empty'
          : `the list has ${value.length} entries, ${bounded(isSmall, bound)}`,
      remedy: `list ${isSmall ? 'at least' : 'at most'} ${bound}${says}`,
    };
  }
  if (typeof value === 'string')
    return isSmall
      ? { path, code: 'empty-text', message: 'the text is empty', remedy: `write something${says}` }
      : {
          path,
          code: 'text-too-long',
          message: `the text has ${value.length} characters, ${bounded(isSmall, bound)}`,
          remedy: 'shorten it',
        };
  return {
    path,
    code: 'out-of-range',
    message: `${quote(value)} is out of range, ${bounded(isSmall, bound)}`,
    remedy: `write a number of ${isSmall ? 'at least' : 'at most'} ${bound}${says}`,
  };
}

const bounded = (isSmall: boolean, bound: number): string =>
  `expected ${isSmall ? 'at least' : 'at most'} ${bound}`;

/** Tells about the alternative that was meant: the one whose key is there. */
function conditionFaults(
  branches: readonly (readonly Issue[])[],
  value: unknown,
  root: SourceDocument,
  path: DocumentPath,
  lookup: SchemaLookup,
): readonly Fault[] {
  const forms = '`all:`, `any:`, `not:`, or `fact:` with `op:` and `value:`';
  if (!isMapping(value))
    return [
      {
        path,
        code: 'wrong-type',
        message: `expected a condition, found ${describeValue(value, root.writtenAt(path))}`,
        remedy: `write a mapping with ${forms}`,
      },
    ];
  const keys = Object.keys(value);
  const present = CONDITION_BRANCHES.filter((key) => Object.hasOwn(value, key));
  const [first, second] = present;
  if (first !== undefined && second !== undefined) {
    const ambiguous: Fault = {
      path: [...path, second],
      code: 'condition-ambiguous',
      message: `${present.map((key) => `\`${key}\``).join(' and ')} stand side by side in one condition`,
      remedy: 'put one inside the other, or make two entries of an `all:` or `any:` list',
      at: 'key',
    };
    const inner = present.flatMap((key) =>
      (branches[CONDITION_BRANCHES.indexOf(key)] ?? [])
        .filter((issue) => issue.code !== 'unrecognized_keys')
        .flatMap((issue) => faultsOf(issue, root, path, lookup)),
    );
    return [ambiguous, ...inner];
  }
  const isLeaf = first === undefined && (keys.includes('op') || keys.includes('value'));
  const meant = isLeaf ? 'fact' : first;
  if (meant === undefined) {
    const [key] = keys;
    return key === undefined
      ? [{ path, code: 'condition-empty', message: 'the condition says nothing', remedy: `write ${forms}` }]
      : keys.map((each) => unknownKey(path, each, CONDITION_BRANCHES));
  }
  const own = meant === 'fact' ? ['fact', 'op', 'value'] : [meant];
  return (branches[CONDITION_BRANCHES.indexOf(meant)] ?? []).flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => unknownKey(path, key, own))
      : faultsOf(issue, root, path, lookup),
  );
}

/** Tells about the alternative whose type fits; where none does, what would. */
function unionFaults(
  issue: Issue & { readonly code: 'invalid_union' },
  value: unknown,
  root: SourceDocument,
  path: DocumentPath,
  lookup: SchemaLookup,
): readonly Fault[] {
  const [meant] = issue.errors
    .filter(
      (branch) =>
        !branch.some(
          (each) => each.path.length === 0 && (each.code === 'invalid_type' || each.code === 'invalid_union'),
        ),
    )
    .map((branch) => withoutEchoes(branch.flatMap((each) => faultsOf(each, root, path, lookup))))
    // The alternative with the fewest faults is the one that was meant.
    .toSorted((left, right) => left.length - right.length);
  if (meant !== undefined && meant.length > 0) return meant;
  const { description: says, values } = lookup(path);
  if (issue.errors.length === 0 && values.length > 0) return [notAllowed(path, value, values)];
  const types = [...new Set(issue.errors.flatMap(expectedTypes))];
  return [
    {
      path,
      code: types.length === 0 ? 'value-not-allowed' : 'wrong-type',
      message:
        types.length === 0
          ? `${quote(value)} is not allowed here`
          : `expected ${types.map(typeWords).join(' or ')}, found ${describeValue(value, root.writtenAt(path))}`,
      remedy: says === undefined ? 'correct the value' : `correct the value: ${says}`,
    },
  ];
}

const expectedTypes = (branch: readonly Issue[]): readonly string[] =>
  branch.flatMap((each) =>
    each.path.length > 0
      ? []
      : each.code === 'invalid_type'
        ? [each.expected]
        : each.code === 'invalid_union'
          ? each.errors.flatMap(expectedTypes)
          : [],
  );

export const isMapping = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What stands at `path`; nothing where the path leads out of the document. */
export function valueAt(root: unknown, path: DocumentPath): unknown {
  let value = root;
  for (const step of path) {
    if (typeof step === 'number') value = Array.isArray(value) ? value[step] : undefined;
    else value = isMapping(value) && Object.hasOwn(value, step) ? value[step] : undefined;
  }
  return value;
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: '`true` or `false`',
  array: 'a list',
  object: 'a mapping',
  record: 'a mapping',
};
const typeWords = (type: string): string => TYPE_WORDS[type] ?? type;

/** @param written - how a number stands in the text: `1.0` and not `1` */
export function describeValue(value: unknown, written?: string): string {
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  if (typeof value === 'string') return `the text ${quote(value)}`;
  return quote(typeof value === 'number' ? (written ?? value) : value);
}

/** User input in backticks, cut to a length that leaves room for the message. */
export function quote(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
  const line = text.replace(/\s+/g, ' ');
  return `\`${line.length > 60 ? `${line.slice(0, 57)}...` : line}\``;
}
