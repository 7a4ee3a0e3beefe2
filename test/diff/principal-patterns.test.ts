import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { principalOutside } from '../../src/diff/principal-patterns.ts';
import { arnLike } from '../../src/iam/index.ts';

const role = (name: string, account = '*', partition = '*'): string =>
  `arn:${partition}:iam::${account}:role/${name}`;

const CASES: readonly (readonly [string, string, readonly string[], 'none' | 'found'])[] = [
  ['the same pattern', role('a'), [role('a')], 'none'],
  ['one inside a wider one', role('proviso/Enable'), [role('proviso/*')], 'none'],
  ['a wider one', role('proviso/*'), [role('proviso/Enable'), role('proviso/Disable')], 'found'],
  ['a star that stands for nothing', role('a'), [role('a*')], 'none'],
  ['one character more', role('a?'), [role('a')], 'found'],
  ['one account of all', role('a', '111122223333'), [role('a')], 'none'],
  ['all accounts but one', role('a'), [role('a', '111122223333')], 'found'],
  ['a beginning and an end together cover a middle only in part', role('x*'), [role('*y')], 'found'],
  ['two stars are one star', role('a**b'), [role('a*b')], 'none'],
  ['split by a question mark, covered by two patterns', role('a*'), [role('a'), role('a?*')], 'none'],
  ['split, and one case missing', role('a*'), [role('a'), role('a??*')], 'found'],
  [
    'accounts split by their first digit, all ten',
    role('a'),
    Array.from({ length: 10 }, (_, digit) => role('a', `${digit}*`)),
    'none',
  ],
  [
    'accounts split by their first digit, nine of ten',
    role('a'),
    Array.from({ length: 9 }, (_, digit) => role('a', `${digit}*`)),
    'found',
  ],
  ['an account of eleven digits is no account', role('a', '11112222333'), [], 'none'],
  ['a partition that AWS does not have', role('a', '*', 'azure'), [], 'none'],
  ['users and roles are not each other', 'arn:*:iam::*:user/a', [role('a')], 'found'],
];

describe('principals that one pattern names and others do not', () => {
  test.each(CASES)('%s', (_name, pattern, others, expected) => {
    const answer = principalOutside(pattern, others);
    expect(answer.kind).toBe(expected);
    if (answer.kind !== 'found') return;
    expect(arnLike(pattern, answer.arn)).toBe(true);
    expect(others.filter((other) => arnLike(other, answer.arn))).toEqual([]);
  });

  test('patterns too entangled for the budget are undecided, never “none”', () => {
    expect(principalOutside(role('*a*b*c*'), [role('*a*'), role('*b*'), role('*c')], 3)).toEqual({
      kind: 'undecided',
    });
  });

  /** Names over two letters and both wildcards: small enough that random names meet every distinction. */
  const pattern = fc
    .tuple(
      fc.constantFrom('*', '111122223333', '1*'),
      fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), minLength: 1, maxLength: 5 }),
    )
    .map(([account, name]) => role(name, account));
  const arn = fc
    .tuple(
      fc.constantFrom('111122223333', '123456789012', '999999999999'),
      fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 6 }),
    )
    .map(([account, name]) => role(name, account, 'aws'));

  test('`none` has no counterexample, and `found` is one', () => {
    fc.assert(
      fc.property(
        pattern,
        fc.array(pattern, { maxLength: 3 }),
        fc.array(arn, { minLength: 20, maxLength: 40 }),
        (wanted, others, arns) => {
          const answer = principalOutside(wanted, others);
          const isOutside = (each: string): boolean =>
            arnLike(wanted, each) && !others.some((other) => arnLike(other, each));
          if (answer.kind === 'found') expect(isOutside(answer.arn), answer.arn).toBe(true);
          else {
            expect(answer.kind).toBe('none');
            expect(arns.filter(isOutside)).toEqual([]);
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});
