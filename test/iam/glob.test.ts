import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { actionMatches, arnLike, globMatches } from '../../src/iam/index.ts';
import { counting, HOSTILE } from './hostile-patterns.ts';

describe('a glob', () => {
  test.each([
    ['equal text', 'abc', 'abc', true],
    ['other text', 'abc', 'abd', false],
    ['a star for nothing', 'ab*', 'ab', true],
    ['a star for much', 'a*z', 'abcdefz', true],
    ['a star that must give back', 'a*bc', 'abcbc', true],
    ['a question mark for one', 'a?c', 'abc', true],
    ['a question mark is not for none', 'ab?', 'ab', false],
    ['a star and a question mark', '*?', '', false],
    ['the empty pattern matches the empty text only', '', 'a', false],
    ['a star matches the empty text', '*', '', true],
    ['the whole text counts, not a part', 'b', 'abc', false],
    ['characters of regular expressions are plain', 'a.c', 'abc', false],
    ['a star in the text is a character like others', 'a*', 'a*b', true],
  ])('%s', (_name, pattern, text, matches) => {
    expect(globMatches(pattern, text)).toBe(matches);
  });

  test('agrees with a regular expression on every short text', () => {
    const short = (alphabet: string) => fc.string({ unit: fc.constantFrom(...alphabet), maxLength: 7 });
    fc.assert(
      fc.property(short('ab*?'), short('ab'), (pattern, text) => {
        const source = pattern.replaceAll('*', '.*').replaceAll('?', '.');
        expect(globMatches(pattern, text)).toBe(new RegExp(`^${source}$`).test(text));
      }),
      { numRuns: 3000 },
    );
  });

  test('a hostile pattern takes no longer than its length times the text', () => {
    // A backtracking matcher would need about 10^30 steps here.
    expect(globMatches(`${'a*'.repeat(5_000)}b`, 'a'.repeat(10_000))).toBe(false);
  }, 2_000);
});

describe('an action pattern', () => {
  test.each([
    ['in any case', 'BEDROCK:putmodelinvocationloggingconfiguration', true],
    ['with a star', 'bedrock:Put*', true],
    ['with stars on both sides', '*:*Logging*', true],
    ['with question marks', 'bedrock:??tModelInvocationLoggingConfiguration', true],
    ['of another service', 's3:*', false],
    ['of the sister service', 'bedrock-mantle:*', false],
    ['with a star before the colon takes in the sister service too', 'bedrock*', true],
    ['that only starts the same', 'bedrock:PutModelInvocationLogging', false],
  ])('%s', (_name, pattern, matches) => {
    expect(actionMatches(pattern, 'bedrock:PutModelInvocationLoggingConfiguration')).toBe(matches);
  });
});

/** IAM User Guide, "IAM JSON policy elements: Condition operators", Amazon Resource Name condition operators. */
describe('an ARN pattern', () => {
  const role = 'arn:aws:iam::111122223333:role/proviso/ProvisoEnable';
  test.each([
    ['the same ARN', role, role, true],
    ['any account', 'arn:aws:iam::*:role/proviso/ProvisoEnable', role, true],
    ['any partition', 'arn:*:iam::*:role/proviso/ProvisoEnable', role, true],
    ['another name', 'arn:*:iam::*:role/proviso/ProvisoDisable', role, false],
    ['another path', 'arn:*:iam::*:role/ProvisoEnable', role, false],
    ['a star in the last segment crosses slashes', 'arn:*:iam::*:role/*', role, true],
    [
      'a star in an earlier segment does not cross colons',
      'arn:aws:iam:*:role/proviso/ProvisoEnable',
      role,
      false,
    ],
    ['one star for everything is not an ARN pattern', '*', role, false],
    [
      'a star in the last segment crosses colons there',
      'arn:aws:iam::*:role/a*b',
      'arn:aws:iam::1:role/a:b',
      true,
    ],
    ['case counts', 'arn:*:iam::*:role/proviso/provisoenable', role, false],
  ])('%s', (_name, pattern, arn, matches) => {
    expect(arnLike(pattern, arn)).toBe(matches);
  });
});

describe('the steps of a glob', () => {
  const stepsOf = (pattern: string, text: string): number => {
    const counter = { steps: 0 };
    globMatches(counting(pattern, counter), counting(text, counter));
    return counter.steps;
  };

  test.each(HOSTILE)(
    '%s: at most |pattern| x |text|, and four times as many for twice the size',
    (_name, make) => {
      const steps = [32, 64, 128, 256].map((size) => {
        const [pattern, text] = make(size);
        const taken = stepsOf(pattern, text);
        expect(taken).toBeGreaterThanOrEqual(size);
        expect(taken).toBeLessThanOrEqual(4 * (pattern.length + 1) * (text.length + 1));
        return taken;
      });
      for (const [index, taken] of steps.entries())
        if (index > 0) expect(taken / (steps[index - 1] ?? 1)).toBeLessThan(4.5);
    },
  );

  test('any short pattern and text', () => {
    const short = (alphabet: string) => fc.string({ unit: fc.constantFrom(...alphabet), maxLength: 30 });
    fc.assert(
      fc.property(short('ab*?'), short('ab'), (pattern, text) => {
        expect(stepsOf(pattern, text)).toBeLessThanOrEqual(4 * (pattern.length + 1) * (text.length + 1));
      }),
    );
  });
});
