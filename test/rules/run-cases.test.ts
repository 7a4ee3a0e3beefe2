import { describe, expect, test } from 'vitest';
import { epochMs } from '../../src/core/index.ts';
import type { CaseFact, PolicyCase, PolicyCases } from '../../src/policy/index.ts';
import { RulesError, runCases } from '../../src/rules/index.ts';
import { policyWith } from './policies.ts';

const MODE = 'dataRetention.mode';
const policy = policyWith([
  { id: 'CP-03', subject: 'account-region', require: { fact: MODE, op: 'equal', value: 'none' } },
  { id: 'CP-04', subject: 'account-region', require: { fact: MODE, op: 'present', value: true } },
]).policy;

const caseOf = (
  control: string,
  fact: CaseFact | undefined,
  outcome: PolicyCase['expect']['outcome'],
  clause = 'require',
): PolicyCase => ({
  name: `${control} is ${outcome} by ${clause}`,
  control,
  facts: fact === undefined ? {} : { [MODE]: fact },
  expect: { outcome, clause },
  line: 1,
});
const cases = (...list: readonly PolicyCase[]): PolicyCases => ({
  policy: 'test',
  now: epochMs(1_790_000_000_000),
  cases: list,
  file: 'test.cases.yaml',
});
const value = (text: string): CaseFact => ({ kind: 'observed', value: text });

const COMPLETE = [
  caseOf('CP-03', value('none'), 'compliant'),
  caseOf('CP-03', value('default'), 'non-compliant'),
  caseOf('CP-03', undefined, 'indeterminate'),
  caseOf('CP-04', value('none'), 'compliant'),
  caseOf('CP-04', { kind: 'absent' }, 'non-compliant'),
  caseOf('CP-04', { kind: 'unobservable', reason: 'access-denied' }, 'indeterminate'),
];

describe('cases of a policy', () => {
  test('all hold, and every control has one that fires, one that passes and one without evidence', async () => {
    const report = await runCases(cases(...COMPLETE), policy);
    expect(report.hasPassed).toBe(true);
    expect(report.coverage).toEqual([
      { controlId: 'CP-03', cases: 3, missing: [] },
      { controlId: 'CP-04', cases: 3, missing: [] },
    ]);
  });

  test.each([
    ['fires', 'non-compliant'],
    ['passes', 'compliant'],
    ['missing-evidence', 'indeterminate'],
  ] as const)('a control without a case that shows `%s` fails', async (needed, outcome) => {
    const kept = COMPLETE.filter((each) => each.control !== 'CP-03' || each.expect.outcome !== outcome);
    const report = await runCases(cases(...kept), policy);
    expect(report.hasPassed).toBe(false);
    expect(report.coverage[0]?.missing).toEqual([needed]);
    expect(report.results.every(({ hasPassed }) => hasPassed)).toBe(true);
  });

  test('a wrong outcome fails, tells what happened, and covers nothing', async () => {
    const report = await runCases(cases(caseOf('CP-03', value('default'), 'compliant')), policy);
    expect(report.results[0]).toMatchObject({
      hasPassed: false,
      actual: { outcome: 'non-compliant', clause: 'require' },
    });
    expect(report.coverage[0]?.missing).toEqual(['fires', 'passes', 'missing-evidence']);
  });

  test('the right outcome for the wrong reason fails', async () => {
    const report = await runCases(
      cases(caseOf('CP-03', value('none'), 'compliant', 'require.all[1]')),
      policy,
    );
    expect(report.results[0]).toMatchObject({ hasPassed: false, actual: { clause: 'require' } });
  });

  test('a case of a control that the policy lacks is a bug', async () => {
    await expect(runCases(cases(caseOf('XX-1', undefined, 'compliant')), policy)).rejects.toThrow(RulesError);
  });
});
