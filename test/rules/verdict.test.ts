import { describe, expect, test } from 'vitest';
import { type Condition, FACT_NAMES } from '../../src/policy/index.ts';
import { decidingLeaves, evaluateControl, type FactSet, type Outcome } from '../../src/rules/index.ts';
import { absent, denied, observed } from './arbitraries.ts';

/** Leaves with a known truth value: `T` true, `F` false, `U` unknown, over three different facts. */
const T: Condition = { fact: 'account.isManagementAccount', op: 'equal', value: true };
const F: Condition = { fact: 'account.isManagementAccount', op: 'equal', value: false };
const U: Condition = { fact: 'dataRetention.mode', op: 'equal', value: 'none' };
const FACTS: FactSet = { 'account.isManagementAccount': observed(true), 'dataRetention.mode': denied };

const ROWS: readonly (readonly [string, Condition | undefined, Condition, Outcome, string])[] = [
  ['a single leaf that holds', undefined, T, 'compliant', 'require'],
  ['a single leaf that does not hold', undefined, F, 'non-compliant', 'require'],
  ['a single leaf without evidence', undefined, U, 'indeterminate', 'require'],
  ['a true all is decided by its first part', undefined, { all: [T, T] }, 'compliant', 'require.all[0]'],
  [
    'a false all by its first false part, unknown or not before',
    undefined,
    { all: [T, U, F, F] },
    'non-compliant',
    'require.all[2]',
  ],
  [
    'an unknown all by its first unknown part',
    undefined,
    { all: [T, U, U] },
    'indeterminate',
    'require.all[1]',
  ],
  [
    'a true any by its first true part, unknown or not before',
    undefined,
    { any: [U, F, T, T] },
    'compliant',
    'require.any[2]',
  ],
  ['an unknown any by its first unknown part', undefined, { any: [F, U] }, 'indeterminate', 'require.any[1]'],
  ['a false any by its first part', undefined, { any: [F, F] }, 'non-compliant', 'require.any[0]'],
  ['a not by its part', undefined, { not: F }, 'compliant', 'require.not'],
  ['a not over missing evidence does not pass', undefined, { not: U }, 'indeterminate', 'require.not'],
  [
    'a not over a tree descends into it',
    undefined,
    { not: { all: [T, F] } },
    'compliant',
    'require.not.all[1]',
  ],
  ['nested any in all', undefined, { any: [F, { all: [T, F] }] }, 'non-compliant', 'require.any[0]'],
  [
    'a deep clause has its whole path',
    undefined,
    { any: [F, { all: [{ not: F }, T] }] },
    'compliant',
    'require.any[1].all[0].not',
  ],
  [
    'a double negation is the same question',
    undefined,
    { not: { not: U } },
    'indeterminate',
    'require.not.not',
  ],
  [
    'when does not hold: not applicable, by the clause in when',
    { all: [T, F] },
    F,
    'not-applicable',
    'when.all[1]',
  ],
  ['when has no evidence: indeterminate, even if require holds', U, T, 'indeterminate', 'when'],
  ['when has no evidence: indeterminate, even if require fails', U, F, 'indeterminate', 'when'],
  ['when holds: require decides', T, F, 'non-compliant', 'require'],
  ['when holds: require without evidence', T, U, 'indeterminate', 'require'],
];

describe('a verdict', () => {
  test.each(ROWS)('%s', (_name, when, require, outcome, clause) => {
    const verdict = evaluateControl({ id: 'CP-01', when, require }, FACTS);
    expect([verdict.outcome, verdict.decidingClause]).toEqual([outcome, clause]);
  });

  test('explains every condition, also those that did not matter', () => {
    const { require } = evaluateControl({ id: 'CP-01', require: { any: [T, { all: [F, U] }] } }, FACTS);
    expect(require).toMatchObject({
      kind: 'any',
      truth: 'true',
      parts: [
        { truth: 'true', observation: observed(true) },
        {
          kind: 'all',
          truth: 'false',
          parts: [{ truth: 'false' }, { truth: 'unknown', observation: denied }],
        },
      ],
    });
  });

  test('explains require where when makes it not applicable', () => {
    expect(evaluateControl({ id: 'CP-01', when: F, require: T }, FACTS).require?.truth).toBe('true');
  });

  test('names every leaf that helped to decide, and no other', () => {
    const { require } = evaluateControl({ id: 'CP-01', require: { all: [T, F, { any: [F, F] }, U] } }, FACTS);
    expect(require && decidingLeaves(require).map((leaf) => leaf.path)).toEqual([
      'require.all[1]',
      'require.all[2].any[0]',
      'require.all[2].any[1]',
    ]);
  });
});

describe('present', () => {
  const bucket = 'invocationLogging.largeDataBucket';
  test.each([
    ['holds of a value', observed('b1'), true, 'compliant'],
    ['does not hold of an absent fact', absent, true, 'non-compliant'],
    ['asked as false, holds of an absent fact', absent, false, 'compliant'],
    ['asked as false, does not hold of a value', observed('b1'), false, 'non-compliant'],
    ['is unknown where the call was denied', denied, true, 'indeterminate'],
    ['asked as false, is unknown where the call was denied', denied, false, 'indeterminate'],
  ] as const)('%s', (_name, observation, value, outcome) => {
    const control = { id: 'CP-01', require: { fact: bucket, op: 'present', value } as const };
    expect(evaluateControl(control, { [bucket]: observation }).outcome).toBe(outcome);
  });
});

describe('operators compare by type', () => {
  const keys = 'principal.activeAccessKeys';
  const mode = 'dataRetention.mode';
  test.each([
    ['in finds the value', mode, 'in', ['none', 'x'], observed('none'), 'compliant'],
    ['in does not find it', mode, 'in', ['x'], observed('none'), 'non-compliant'],
    ['notIn', mode, 'notIn', ['x'], observed('none'), 'compliant'],
    [
      'in a list with another type decides nothing',
      mode,
      'in',
      ['none', 1],
      observed('none'),
      'indeterminate',
    ],
    ['equal is exact about case', mode, 'equal', 'none', observed('None'), 'non-compliant'],
    [
      'equal with a value of another type decides nothing',
      mode,
      'equal',
      true,
      observed('true'),
      'indeterminate',
    ],
    ['lessThan', keys, 'lessThan', 2, observed(1), 'compliant'],
    ['lessThan at the boundary', keys, 'lessThan', 2, observed(2), 'non-compliant'],
    ['lessThanInclusive at the boundary', keys, 'lessThanInclusive', 2, observed(2), 'compliant'],
    ['greaterThan at the boundary', keys, 'greaterThan', 2, observed(2), 'non-compliant'],
    ['greaterThanInclusive at the boundary', keys, 'greaterThanInclusive', 2, observed(2), 'compliant'],
    ['an order against a text decides nothing', keys, 'lessThan', '2', observed(1), 'indeterminate'],
    [
      'an infinite value decides nothing',
      keys,
      'greaterThan',
      2,
      observed(Number.POSITIVE_INFINITY),
      'indeterminate',
    ],
  ] as const)('%s', (_name, fact, op, value, observation, outcome) => {
    const control = { id: 'CP-01', require: { fact, op, value } };
    expect(evaluateControl(control, { [fact]: observation }).outcome).toBe(outcome);
  });
});

test('no fact is called like something that every object inherits, which a plain look-up would find', () => {
  expect(FACT_NAMES.filter((name) => name in {})).toEqual([]);
});
