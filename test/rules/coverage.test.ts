import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { epochMs } from '../../src/core/index.ts';
import {
  type CaseFact,
  type Condition,
  type PolicyCase,
  type PolicyCases,
  parsePolicyCases,
} from '../../src/policy/index.ts';
import {
  coverCases,
  evaluateControl,
  findFacts,
  MAX_COMBINATIONS,
  mutantsOf,
  mutatePolicy,
  suggestCases,
  suggestionsText,
} from '../../src/rules/index.ts';
import { CASES_TEXT, shippedPolicy } from '../policy/shipped.ts';
import { condition, factSet } from './arbitraries.ts';
import { policyWith } from './policies.ts';

const NOW = epochMs(1_790_000_000_000);
const ACTIVE: Condition = { fact: 'account.state', op: 'equal', value: 'ACTIVE' };
const NONE: Condition = { fact: 'dataRetention.mode', op: 'equal', value: 'none' };
const OFF: Condition = { fact: 'invocationLogging.isConfigured', op: 'equal', value: false };

const seen = (value: string | number | boolean): CaseFact => ({ kind: 'observed', value });
const casesOf = (...cases: readonly Omit<PolicyCase, 'line'>[]): PolicyCases => ({
  policy: 'test',
  now: NOW,
  cases: cases.map((each) => ({ ...each, line: 1 })),
  file: 'test.cases.yaml',
});
const one = (require: Condition, when?: Condition) =>
  policyWith([{ id: 'CP-03', subject: 'account-region', require, ...(when === undefined ? {} : { when }) }])
    .policy;
const example = (
  facts: PolicyCase['facts'],
  outcome: PolicyCase['expect']['outcome'],
  clause: string,
): Omit<PolicyCase, 'line'> => ({
  name: `${outcome} by ${clause}: ${JSON.stringify(facts)}`,
  control: 'CP-03',
  facts,
  expect: { outcome, clause },
});
function shippedCases(): PolicyCases {
  const cases = parsePolicyCases(CASES_TEXT, 'prompt-storage.cases.yaml', shippedPolicy().policy);
  if (!cases.ok) throw new Error(JSON.stringify(cases.error));
  return cases.value;
}
const control = (require: Condition, when?: Condition) =>
  when === undefined ? { id: 'CP-03', require } : { id: 'CP-03', require, when };

describe('coverage', () => {
  const policy = one({ all: [NONE, OFF] }, ACTIVE);
  const passing = example(
    {
      'account.state': seen('ACTIVE'),
      'dataRetention.mode': seen('none'),
      'invocationLogging.isConfigured': seen(false),
    },
    'compliant',
    'require.all[0]',
  );

  test.each([
    [
      'no case exercises nothing',
      casesOf(),
      { when: ['true', 'false'], 'require.all[0]': ['true', 'false'], 'require.all[1]': ['true', 'false'] },
      0,
    ],
    [
      'a passing case exercises one direction of each clause',
      casesOf(passing),
      { when: ['false'], 'require.all[0]': ['false'], 'require.all[1]': ['false'] },
      50,
    ],
    [
      'a case that fails counts for nothing',
      casesOf({ ...passing, expect: { outcome: 'non-compliant', clause: 'require.all[0]' } }),
      { when: ['true', 'false'], 'require.all[0]': ['true', 'false'], 'require.all[1]': ['true', 'false'] },
      0,
    ],
    [
      'where the control does not apply, only `when` is exercised',
      casesOf(
        example(
          { 'account.state': seen('CLOSED'), 'dataRetention.mode': seen('none') },
          'not-applicable',
          'when',
        ),
      ),
      { when: ['true'], 'require.all[0]': ['true', 'false'], 'require.all[1]': ['true', 'false'] },
      16,
    ],
  ])('%s', (_name, cases, missing, percent) => {
    const report = coverCases(policy, cases);
    expect(Object.fromEntries(report.clauses.map((each) => [each.clause, each.missing]))).toEqual(missing);
    expect(report.percent).toBe(percent);
  });

  test('what was seen and what decided are told apart', () => {
    const failing = example(
      {
        'account.state': seen('ACTIVE'),
        'dataRetention.mode': seen('default'),
        'invocationLogging.isConfigured': seen(false),
      },
      'non-compliant',
      'require.all[0]',
    );
    const [, , second] = coverCases(policy, casesOf(failing)).clauses;
    expect(second).toMatchObject({ clause: 'require.all[1]', byTruth: { true: { seen: 1, decided: 0 } } });
  });
});

describe('the mistakes that are tried', () => {
  const changes = (require: Condition, when?: Condition) =>
    mutantsOf(control(require, when)).map(({ clause, change }) => `${clause}: ${change}`);

  test.each<[string, Condition, Condition | undefined, readonly string[]]>([
    [
      'of a comparison with an open text: the opposite, and another text',
      NONE,
      undefined,
      ['require: `notEqual` for `equal`', 'require: `not-none` for `none`'],
    ],
    [
      'of a comparison with a closed list of values: each of the others',
      { fact: 'invocationLogging.textDataDelivery', op: 'equal', value: 'disabled' },
      undefined,
      [
        'require: `notEqual` for `equal`',
        'require: `enabled` for `disabled`',
        'require: `unset` for `disabled`',
      ],
    ],
    [
      'of a bound: the opposite, and the bound moved by one in every way',
      { fact: 'principal.activeAccessKeys', op: 'lessThan', value: 2 },
      undefined,
      [
        'require: `greaterThanInclusive` for `lessThan`',
        'require: `lessThanInclusive` for `lessThan`',
        'require: `1` for `2`',
        'require: `3` for `2`',
      ],
    ],
    [
      'of a conjunction: `any`, and each part left out',
      { all: [NONE, OFF] },
      undefined,
      [
        'require: `any` for `all`',
        'require.all[0]: left out',
        'require.all[1]: left out',
        'require.all[0]: `notEqual` for `equal`',
        'require.all[0]: `not-none` for `none`',
        'require.all[1]: `notEqual` for `equal`',
      ],
    ],
    [
      'of a negation and a `when`: both left out',
      { not: OFF },
      { fact: 'account.state', op: 'in', value: ['ACTIVE', 'CLOSED'] },
      [
        'when: `when` left out',
        'when: `notIn` for `in`',
        'when: `[CLOSED]` for `[ACTIVE, CLOSED]`',
        'when: `[ACTIVE]` for `[ACTIVE, CLOSED]`',
        'require: `not` left out',
        // The opposite inside a negation is another tree, although it means the same as `not` left out.
        'require.not: `notEqual` for `equal`',
      ],
    ],
  ])('%s', (_name, require, when, expected) => {
    expect(changes(require, when)).toEqual(expected);
  });

  test('none stands twice, and none is the original', () => {
    for (const each of shippedPolicy().policy.controls) {
      const trees = mutantsOf(each).map((mutant) => JSON.stringify(mutant.control));
      expect(new Set(trees).size).toBe(trees.length);
      const { id, when, require } = each;
      expect(trees).not.toContain(
        JSON.stringify(when === undefined ? { id, require } : { id, when, require }),
      );
    }
  });
});

describe('mutants', () => {
  test('one that no case notices is shown with facts for which the outcome differs', () => {
    const policy = one(NONE, ACTIVE);
    const { results, score } = mutatePolicy(
      policy,
      casesOf(
        example(
          { 'account.state': seen('ACTIVE'), 'dataRetention.mode': seen('none') },
          'compliant',
          'require',
        ),
      ),
    );
    const fates = Object.fromEntries(results.map(({ mutant, fate }) => [mutant.change, fate]));
    expect(fates['`notEqual` for `equal`']).toMatchObject({ kind: 'noticed' });
    expect(fates['`when` left out']).toMatchObject({ kind: 'survives' });
    expect(score).toBeLessThan(100);
  });

  test('one that changes nothing is proven so, and does not count', () => {
    const policy = policyWith([
      {
        id: 'CP-03',
        subject: 'principal',
        require: {
          any: [
            { fact: 'principal.activeAccessKeys', op: 'lessThan', value: 2 },
            { fact: 'principal.activeAccessKeys', op: 'lessThan', value: 3 },
          ],
        },
      },
    ]).policy;
    const { results, counts } = mutatePolicy(policy, casesOf());
    const equivalent = results.filter(({ fate }) => fate.kind === 'equivalent').map(({ mutant }) => mutant);
    expect(equivalent.map(({ clause, change }) => `${clause}: ${change}`)).toEqual([
      'require.any[0]: left out',
      'require.any[0]: `lessThanInclusive` for `lessThan`',
      'require.any[0]: `1` for `2`',
      'require.any[0]: `3` for `2`',
    ]);
    expect(counts.equivalent).toBe(4);
  });

  test('a control with too many combinations is undecided, which is not noticed', () => {
    const flags = ['text', 'image', 'embedding', 'video', 'audio'].flatMap((kind): Condition[] => [
      {
        fact: `invocationLogging.${kind}DataDelivery` as 'invocationLogging.textDataDelivery',
        op: 'equal',
        value: 'disabled',
      },
      {
        fact: `invocationLogging.${kind}DataDelivery` as 'invocationLogging.textDataDelivery',
        op: 'equal',
        value: 'unset',
      },
    ]);
    const more: Condition[] = [
      ACTIVE,
      NONE,
      OFF,
      { fact: 'account.isManagementAccount', op: 'equal', value: true },
      { fact: 'storage.baseline', op: 'equal', value: 'none' },
      { fact: 'invocationLogging.s3Bucket', op: 'present', value: true },
      { fact: 'invocationLogging.cloudWatchLogGroup', op: 'present', value: true },
      { fact: 'invocationLogging.largeDataBucket', op: 'present', value: true },
    ];
    const { counts, score } = mutatePolicy(one({ any: [...flags, ...more] }), casesOf());
    expect(counts.undecided).toBeGreaterThan(0);
    expect(counts.survives + counts.equivalent + counts.noticed).toBe(0);
    expect(score).toBe(0);
    expect(4 ** 5 * 3 ** 8).toBeGreaterThan(MAX_COMBINATIONS);
  });
});

describe('the search over all fact sets', () => {
  test('whatever facts a condition meets, the search meets facts that it answers alike', () => {
    fc.assert(
      fc.property(condition, factSet, (require, facts) => {
        const asked = control(require);
        const { outcome } = evaluateControl(asked, facts);
        const search = findFacts([asked], NOW, (each) => evaluateControl(asked, each).outcome === outcome);
        expect(search.kind).not.toBe('none');
      }),
      { numRuns: 500 },
    );
  });
});

describe('the shipped policy', () => {
  test('has every clause exercised in both directions', () => {
    const { clauses, percent } = coverCases(shippedPolicy().policy, shippedCases());
    expect(clauses.filter(({ missing }) => missing.length > 0)).toEqual([]);
    expect(percent).toBe(100);
  });

  test('lets no mistake go unnoticed', () => {
    const { results, counts, score } = mutatePolicy(shippedPolicy().policy, shippedCases());
    expect(
      results
        .filter(({ fate }) => fate.kind !== 'noticed' && fate.kind !== 'equivalent')
        .map(({ mutant }) => `${mutant.controlId} ${mutant.clause}: ${mutant.change}`),
    ).toEqual([]);
    expect(score).toBe(100);
    expect(counts.noticed).toBeGreaterThan(100);
  });

  test('lacks no case', () => {
    expect(suggestCases(shippedPolicy().policy, shippedCases())).toEqual({ cases: [], impossible: [] });
  });
});

describe('suggested cases', () => {
  /** The shipped cases without every third one, which surely leaves gaps. */
  const thinned = (): PolicyCases => {
    const cases = shippedCases();
    return { ...cases, cases: cases.cases.filter((_, index) => index % 3 !== 0) };
  };

  test('as the YAML they are written in, they close every gap', () => {
    const { policy } = shippedPolicy();
    const cases = thinned();
    expect(mutatePolicy(policy, cases).score).toBeLessThan(100);
    const text = suggestionsText(suggestCases(policy, cases));
    const file = `kind: PolicyCases\nschemaVersion: 1\npolicy: prompt-storage\nnow: 2026-11-21T09:00:00Z\ncases:\n${text}`;
    const read = parsePolicyCases(file, 'suggested.yaml', policy);
    if (!read.ok) throw new Error(JSON.stringify(read.error, undefined, 2));
    const together = { ...cases, cases: [...cases.cases, ...read.value.cases] };
    expect(mutatePolicy(policy, together)).toMatchObject({ score: 100, counts: { survives: 0 } });
    expect(coverCases(policy, together).percent).toBe(100);
  });

  test('state no fact that is not needed', () => {
    const { cases } = suggestCases(one(NONE, ACTIVE), casesOf());
    expect(cases.map(({ case: each }) => [each.name, Object.keys(each.facts).length])).toEqual([
      [
        'CP-03 is non-compliant where the state of the account is `ACTIVE`, the account data-retention mode is `something-else`',
        2,
      ],
      [
        'CP-03 is compliant where the state of the account is `ACTIVE`, the account data-retention mode is `none`',
        2,
      ],
      ['CP-03 is indeterminate where nothing is known', 0],
      ['CP-03 is not-applicable where the state of the account is `CLOSED`', 1],
    ]);
  });

  test('say what no case can show', () => {
    const never: Condition = { all: [NONE, { not: NONE }] };
    expect(suggestCases(one(never), casesOf()).impossible).toContain('CP-03 can never be compliant');
  });

  test('text from the policy cannot break out of its line', () => {
    const hostile = one({
      fact: 'dataRetention.mode',
      op: 'equal',
      value: 'a\n  - name: injected\n"\'`: {}#',
    });
    const text = suggestionsText(suggestCases(hostile, casesOf()));
    expect(text.split('\n').filter((line) => line.startsWith('  - name: injected'))).toEqual([]);
    const file = `kind: PolicyCases\nschemaVersion: 1\npolicy: test\nnow: 2026-11-21T09:00:00Z\ncases:\n${text}`;
    expect(parsePolicyCases(file, 'suggested.yaml', hostile).ok).toBe(true);
  });
});
