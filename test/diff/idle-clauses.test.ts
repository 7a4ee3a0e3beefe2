import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { findIdleClauses } from '../../src/diff/index.ts';
import type { Condition } from '../../src/policy/index.ts';
import { run } from '../cli/harness.ts';
import { edited, POLICY_TEXT } from '../policy/shipped.ts';
import { conditionCorpus } from './corpus.ts';
import { controlOf, SHIPPED } from './policies.ts';

const isNone: Condition = { fact: 'dataRetention.mode', op: 'equal', value: 'none' };
const isDefault: Condition = { fact: 'dataRetention.mode', op: 'equal', value: 'default' };
const isOn: Condition = { fact: 'invocationLogging.isConfigured', op: 'equal', value: true };
const isActive: Condition = { fact: 'account.state', op: 'equal', value: 'ACTIVE' };

const CASES: readonly (readonly [
  string,
  { when?: Condition; require: Condition },
  readonly (readonly [string, string?])[],
])[] = [
  [
    'a clause that stands twice',
    { require: { all: [isNone, isOn, isNone] } },
    [
      ['clause-never-decides', 'require.all[0]'],
      ['clause-never-decides', 'require.all[2]'],
    ],
  ],
  [
    'a clause that another one rules out',
    { require: { any: [isOn, { all: [isNone, isDefault, isOn] }] } },
    [
      ['clause-never-decides', 'require.any[1].all[0]'],
      ['clause-never-decides', 'require.any[1].all[1]'],
      ['clause-never-decides', 'require.any[1].all[2]'],
    ],
  ],
  [
    'a requirement that nothing meets',
    { require: { all: [isNone, isDefault] } },
    [['always-violated', 'require']],
  ],
  [
    'a requirement that everything meets',
    { require: { any: [isNone, { not: isNone }] } },
    [['never-violated']],
  ],
  [
    'an applicability that nothing has',
    { when: { all: [isNone, isDefault] }, require: isOn },
    [['never-violated']],
  ],
  [
    'clauses that all matter',
    { when: isActive, require: { any: [isNone, { all: [isOn, { not: isDefault }] }] } },
    [],
  ],
];

describe('clauses that do nothing', () => {
  test.each(CASES)('%s', (_name, { when, require }, expected) => {
    const control = controlOf('account-region', require, when === undefined ? {} : { when });
    expect(
      findIdleClauses([control]).map(({ code, clause }) => (clause === undefined ? [code] : [code, clause])),
    ).toEqual(expected);
  });

  test('the shipped policy has none', () => {
    expect(findIdleClauses(SHIPPED.controls)).toEqual([]);
  });

  test('a tree in which no fact stands twice has none', () => {
    const controls = conditionCorpus(3, 60).map(({ subject, old }) =>
      controlOf(subject, old.require, old.when === undefined ? {} : { when: old.when }),
    );
    expect(controls.flatMap((control) => findIdleClauses([control]))).toEqual([]);
  });

  test('a control over the budget is said to be undecided', () => {
    expect(
      findIdleClauses([controlOf('account-region', { all: [isNone, isOn, isActive] })], 5),
    ).toMatchObject([{ code: 'not-decided', controlId: 'CP-90' }]);
  });

  test('`policy validate` warns of them, with their place, and stays at exit code 0', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'proviso-idle-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const isNoneText = '{ fact: dataRetention.mode, op: equal, value: none }';
    const text = edited(
      POLICY_TEXT,
      `require: ${isNoneText}`,
      `require: { all: [${isNoneText}, { fact: dataRetention.mode, op: in, value: [none] }] }`,
    );
    writeFileSync(join(folder, 'idle.yaml'), text);
    const validate = (...more: string[]) =>
      run(['policy', 'validate', 'idle.yaml', ...more], { cwd: folder });
    const { exitCode, stdout } = await validate();
    expect(exitCode).toBe(0);
    expect(stdout).toContain('warning: idle.yaml:');
    expect(stdout).toContain('CP-03: require.all[1] can never decide');
    const json = await validate('--format', 'json');
    expect(JSON.parse(json.stdout)).toMatchObject({
      isValid: true,
      files: [{ warnings: [{ code: 'clause-never-decides' }, { code: 'clause-never-decides' }] }],
    });
  });
});
