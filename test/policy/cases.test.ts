import { describe, expect, it } from 'vitest';
import type { UnobservableReason } from '../../src/evidence/index.ts';
import {
  CASE_UNOBSERVABLE_REASONS,
  type CaseUnobservableReason,
  clausePaths,
  POLICY_PROBLEMS,
  parsePolicyCases,
} from '../../src/policy/index.ts';
import { CASES_TEXT, edited, shippedPolicy, unmarked } from './shipped.ts';

const { policy } = shippedPolicy();

/** Both directions, so that a reason added on one side is a type error here. */
const SAME_REASONS: [UnobservableReason, CaseUnobservableReason] extends [
  CaseUnobservableReason,
  UnobservableReason,
]
  ? true
  : never = true;

function shippedCases() {
  const parsed = parsePolicyCases(CASES_TEXT, 'prompt-storage.cases.yaml', policy);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error, undefined, 2));
  return parsed.value;
}

describe('the shipped cases', () => {
  const { cases, now } = shippedCases();

  it('are read with their instant, their lines and their three kinds of fact', () => {
    expect(SAME_REASONS).toBe(true);
    expect(CASE_UNOBSERVABLE_REASONS).toContain('access-denied');
    expect(now).toBe(Date.UTC(2026, 10, 21, 9));
    const first = cases[0];
    expect(first?.facts['invocationLogging.isConfigured']).toEqual({ kind: 'observed', value: false });
    expect(first?.facts['invocationLogging.s3Bucket']).toEqual({ kind: 'absent' });
    expect(CASES_TEXT.split('\n')[(first?.line ?? 0) - 1]).toContain(first?.name);
    const denied = cases.find(({ name }) => name === 'a denied read of the mode is not mode none');
    expect(denied?.facts['dataRetention.mode']).toEqual({ kind: 'unobservable', reason: 'access-denied' });
  });

  it.each(policy.controls.map(({ id, when }) => [id, when !== undefined] as const))(
    'show %s firing, passing, without evidence, and where it does not apply',
    (id, hasWhen) => {
      const outcomes = new Set(
        cases.filter(({ control }) => control === id).map(({ expect: { outcome } }) => outcome),
      );
      const wanted = ['compliant', 'non-compliant', 'indeterminate', ...(hasWhen ? ['not-applicable'] : [])];
      expect([...outcomes].toSorted()).toEqual(wanted.toSorted());
    },
  );

  it('name only clauses that their controls have', () => {
    for (const { control, expect: expected } of cases) {
      const found = policy.controls.find(({ id }) => id === control);
      if (!found) throw new Error(control);
      const paths = [
        ...(found.when ? clausePaths(found.when, 'when') : []),
        ...clausePaths(found.require, 'require'),
      ];
      expect(paths).toContain(expected.clause);
    }
  });
});

const FILE = `kind: PolicyCases
schemaVersion: 1
policy: prompt-storage
now: 2026-11-21T09:00:00Z
cases:
  - name: one
    control: RB-02
    facts:
      account.state: ACTIVE
      principal.type: user
      principal.activeBedrockApiKeys: 1
    expect: { outcome: non-compliant, clause: require }
`;

const refusals: readonly (readonly [
  name: string,
  find: string,
  replace: string,
  code: string,
  path: string,
])[] = [
  ['a policy given as cases', 'kind: PolicyCases', 'kind: «Policy', 'wrong-kind', 'kind'],
  ['cases of another policy', 'policy: prompt-storage', 'policy: «other', 'wrong-policy', 'policy'],
  ['a now without time', '2026-11-21T09:00:00Z', '«2026-11-21', 'not-an-instant', 'now'],
  ['no now at all', 'now: 2026-11-21T09:00:00Z\n', '', 'missing-key', 'now'],
  ['no cases', FILE.slice(FILE.indexOf('cases:')), '«cases: []\n', 'list-too-short', 'cases'],
  [
    'a control that the policy does not have',
    'control: RB-02',
    'control: «RB-20',
    'unknown-control',
    'cases[0].control',
  ],
  [
    'a fact that does not exist',
    'principal.type: user',
    '«principal.kind: user',
    'unknown-key',
    'cases[0].facts.principal.kind',
  ],
  [
    'a fact of another subject',
    'principal.type: user',
    '«dataRetention.mode: none',
    'fact-not-for-subject',
    'cases[0].facts.dataRetention.mode',
  ],
  [
    'a text for a number',
    'activeBedrockApiKeys: 1',
    "activeBedrockApiKeys: «'1'",
    'wrong-type',
    'cases[0].facts.principal.activeBedrockApiKeys',
  ],
  [
    'a value the fact can never have',
    'principal.type: user',
    'principal.type: «person',
    'value-not-known',
    'cases[0].facts.principal.type',
  ],
  [
    'a reason that does not exist',
    'activeBedrockApiKeys: 1',
    'activeBedrockApiKeys: { unobservable: «denied }',
    'value-not-allowed',
    'cases[0].facts.principal.activeBedrockApiKeys.unobservable',
  ],
  [
    'a misspelt kind of no evidence',
    'activeBedrockApiKeys: 1',
    'activeBedrockApiKeys: { «unobservabl: throttled }',
    'unknown-key',
    'cases[0].facts.principal.activeBedrockApiKeys.unobservabl',
  ],
  [
    'absent and not absent',
    'activeBedrockApiKeys: 1',
    'activeBedrockApiKeys: { absent: «false }',
    'value-not-allowed',
    'cases[0].facts.principal.activeBedrockApiKeys.absent',
  ],
  ['an unknown key', 'control: RB-02', 'control: RB-02\n    «skip: true', 'unknown-key', 'cases[0].skip'],
  [
    'an outcome that does not exist',
    'outcome: non-compliant',
    'outcome: «failed',
    'value-not-allowed',
    'cases[0].expect.outcome',
  ],
  [
    'an expectation without clause',
    '    expect: { outcome: non-compliant, clause: require }',
    '    «expect: { outcome: non-compliant }',
    'missing-key',
    'cases[0].expect.clause',
  ],
  [
    'a clause that the control does not have',
    'clause: require }',
    "clause: «'require.all[0]' }",
    'unknown-clause',
    'cases[0].expect.clause',
  ],
  [
    'a clause that combines and compares nothing',
    'clause: require }',
    'clause: «when }',
    'unknown-clause',
    'cases[0].expect.clause',
  ],
  [
    'a clause that cannot decide the outcome',
    'clause: require }',
    "clause: «'when.all[0]' }",
    'clause-not-for-outcome',
    'cases[0].expect.clause',
  ],
  [
    'a not-applicable decided by the requirement',
    'outcome: non-compliant, clause: require',
    'outcome: not-applicable, clause: «require',
    'clause-not-for-outcome',
    'cases[0].expect.clause',
  ],
  [
    'two cases of one name',
    FILE.slice(FILE.indexOf('  - name')),
    `${FILE.slice(FILE.indexOf('  - name'))}${FILE.slice(FILE.indexOf('  - name')).replace('one', '«one')}`,
    'duplicate-entry',
    'cases[1].name',
  ],
];

describe('a file of cases is refused for', () => {
  it.each(refusals)('%s', (_name, find, replace, code, path) => {
    const { text, line, column } = unmarked(edited(FILE, find, replace));
    const parsed = parsePolicyCases(
      replace.includes('«') ? text : edited(FILE, find, replace),
      'c.yaml',
      policy,
    );
    const problems = parsed.ok ? [] : parsed.error;
    expect(problems.map((problem) => `${problem.code} ${problem.path}`)).toEqual([`${code} ${path}`]);
    expect(Object.keys(POLICY_PROBLEMS)).toContain(code);
    if (replace.includes('«')) expect(problems[0]).toMatchObject({ line, column });
  });

  it('a not-applicable outcome of a control that always applies', () => {
    const always = { ...policy, controls: policy.controls.map(({ when: _when, ...control }) => control) };
    const text = edited(FILE, 'outcome: non-compliant', 'outcome: not-applicable');
    const parsed = parsePolicyCases(text, 'c.yaml', always);
    expect(parsed.ok ? [] : parsed.error.map(({ code, path }) => `${code} ${path}`)).toContain(
      'clause-not-for-outcome cases[0].expect.outcome',
    );
  });

  it('everything that is wrong with it at once', () => {
    const text = [
      ['policy: prompt-storage', 'policy: other'],
      ['control: RB-02', 'control: RB-02\n    skip: true'],
      ['principal.type: user', 'principal.type: person'],
      ['outcome: non-compliant', 'outcome: failed'],
    ].reduce((sofar, [find = '', replace = '']) => edited(sofar, find, replace), FILE);
    const parsed = parsePolicyCases(text, 'c.yaml', policy);
    expect(parsed.ok ? [] : parsed.error.map(({ code }) => code)).toEqual([
      'wrong-policy',
      'unknown-key',
      'value-not-known',
      'value-not-allowed',
    ]);
  });
});
