import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Region } from '../../src/core/index.ts';
import { withDenial } from '../../src/enforcement/second-lever.ts';
import { documentFromJson, documentToJson } from '../../src/evidence/policy-text.ts';
import {
  ABSENT,
  type KnownEvent,
  matchEventPattern,
  matchesWildcard,
} from '../../src/rules/event-pattern.ts';
import { matchMetricFilter } from '../../src/rules/metric-filter.ts';
import { HOSTILE } from '../iam/hostile-patterns.ts';

/*
 * Text that AWS lets people choose, read by the rules: whatever it is, an answer and never an exception, and work in proportion to its
 * length. Policy documents: test/iam/hostile.test.ts; snapshot files: test/evidence; events of AWS Config: test/compliance; CloudTrail
 * events: test/enforcement/detect.test.ts.
 */

const TRUTHS = ['true', 'false', 'unknown'];
const deep = (open: string, core: string, close: string, levels = 20_000) =>
  open.repeat(levels) + core + close.repeat(levels);
/** Well within the second that a loaded machine may take for nothing. */
const SOON_MS = 1500;
const soon = <T>(work: () => T): T => {
  const start = process.cpuUsage();
  const result = work();
  const { user, system } = process.cpuUsage(start);
  expect((user + system) / 1000).toBeLessThan(SOON_MS);
  return result;
};

const words = fc.constantFrom(
  'source',
  'detail',
  'eventName',
  'errorCode',
  'aws.bedrock',
  'exists',
  'prefix',
  'suffix',
  'wildcard',
  'anything-but',
  'equals-ignore-case',
  '$or',
  '__proto__',
  'constructor',
  '*',
  'Put*',
  '',
);
const json = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 7 },
    words,
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.array(fc.tuple(words, tie('value')), { maxLength: 3 }).map((entries) => Object.fromEntries(entries)),
  ),
})).value;
const text = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  json.map((value) => JSON.stringify(value)),
);

describe('event patterns', () => {
  const event: KnownEvent = {
    source: 'aws.bedrock',
    detail: { eventName: 'PutAccountDataRetention', readOnly: false, errorCode: ABSENT },
  };

  test('whatever it is given, it answers', () => {
    fc.assert(
      fc.property(text, (pattern) => {
        expect(TRUTHS).toContain(matchEventPattern(pattern, event));
      }),
      { numRuns: 2000 },
    );
  });

  test('what is known never contradicts what less is known of', () => {
    fc.assert(
      fc.property(text, (pattern) => {
        const less = matchEventPattern(pattern, { source: 'aws.bedrock' });
        if (less !== 'unknown') expect(matchEventPattern(pattern, event)).toBe(less);
      }),
      { numRuns: 2000 },
    );
  });

  test.each([
    ['below a field that is there', deep('{"detail":', '[1]', '}')],
    ['below a leaf', `{"source":${deep('{"a":', '[1]', '}')}}`],
    ['below a field that is absent', `{"detail":{"errorCode":${deep('{"a":', '[1]', '}')}}}`],
    ['in $or', deep('{"$or":[', '{}', ']}')],
    ['in a filter', `{"source":[${deep('{"anything-but":[', '1', ']}')}]}`],
    ['in lists', `{"source":${deep('[', '1', ']')}}`],
  ])('nested 20,000 levels deep %s: not known', (_name, pattern) => {
    expect(soon(() => matchEventPattern(pattern, event))).toBe('unknown');
  });

  test('100,000 values in one list', () => {
    const pattern = JSON.stringify({ source: Array.from({ length: 100_000 }, (_, index) => `aws.${index}`) });
    expect(soon(() => matchEventPattern(pattern, event))).toBe('false');
  });

  test.each(HOSTILE)('a wildcard, %s', (_name, make) => {
    const [pattern, value] = make(5_000);
    expect(soon(() => matchesWildcard(pattern, value))).toBe(false);
  });
});

describe('metric filters', () => {
  const fields = { eventName: 'PutAccountDataRetention', readOnly: false, errorCode: null, count: 4 };
  const tokens = fc
    .array(
      fc.constantFrom(
        '$.eventName',
        '$.errorCode',
        '$.a[0].b',
        '=',
        '!=',
        '<',
        '&&',
        '||',
        '(',
        ')',
        'NOT',
        'EXISTS',
        'IS',
        'NULL',
        'TRUE',
        '"Put*"',
        'Put*',
        '4',
        '%x%',
        '"',
        '\\',
      ),
      { maxLength: 14 },
    )
    .map((parts) => `{ ${parts.join(' ')} }`);

  test('whatever it is given, it answers', () => {
    fc.assert(
      fc.property(fc.oneof(tokens, text), (pattern) => {
        expect(TRUTHS).toContain(matchMetricFilter(pattern, fields));
      }),
      { numRuns: 3000 },
    );
  });

  test.each([
    ['parentheses', `{ ${deep('(', '$.a = 1', ')', 1500)} }`],
    ['white space', `{${' '.repeat(4000)}%}`],
    ['a text that never closes', `{ $.a = "${'\\"'.repeat(2000)} }`],
    ['a long selector', `{ $.${'a[1]'.repeat(900)} ! }`],
    ['a million characters', `{ ${'$.a = 1 || '.repeat(100_000)} }`],
  ])('%s', (_name, pattern) => {
    expect(soon(() => matchMetricFilter(pattern, fields))).toBe('unknown');
  });
});

describe('policy documents that are passed on', () => {
  test('into a snapshot file and back: the same document, letter for letter where it is no plain JSON', () => {
    fc.assert(
      fc.property(text, (document) => {
        const kept = documentToJson(document);
        expect(documentFromJson(kept)).toBe(typeof kept === 'string' ? document : JSON.stringify(kept));
      }),
      { numRuns: 2000 },
    );
    const nested = deep('{"a":', '1', '}');
    expect(soon(() => documentToJson(nested))).toBe(nested);
  });

  test('under the second lever every bucket policy ends with the denial', () => {
    const denies = (policy: string): void => {
      const { Statement } = JSON.parse(withDenial(policy, 'bucket', 'AWSLogs/x/', 'us-east-1' as Region)) as {
        readonly Statement: readonly { readonly Sid?: unknown; readonly Effect?: unknown }[];
      };
      expect(Statement.at(-1)).toMatchObject({ Sid: 'ProvisoSecondLever', Effect: 'Deny' });
    };
    fc.assert(fc.property(text, denies), { numRuns: 1000 });
    denies(`{"Version":"2012-10-17","Statement":[{"Condition":${deep('{"a":', '1', '}')}}]}`);
  });
});
