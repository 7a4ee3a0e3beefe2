import type { EpochMs } from '../core/index.ts';
import type { Observation } from '../evidence/index.ts';
import type { CaseFact, ClausePath, FactValue, Policy, PolicyCase, PolicyCases } from '../policy/index.ts';
import { RulesError } from './errors.ts';
import { evaluateControls } from './evaluate.ts';
import type { FactSet, Outcome, Verdict } from './types.ts';

export interface CaseResult {
  readonly case: PolicyCase;
  readonly hasPassed: boolean;
  readonly actual: { readonly outcome: Outcome; readonly clause: ClausePath };
  /** With the explanation, for whoever asks why a case failed. */
  readonly verdict: Verdict;
}

/** What every control needs a case for. A control that no case makes fire may never fire; nobody would know. */
export const NEEDED_CASES = ['fires', 'passes', 'missing-evidence'] as const;
export type NeededCase = (typeof NEEDED_CASES)[number];

export interface CaseCoverage {
  readonly controlId: string;
  /** Cases of this control that passed. */
  readonly cases: number;
  /** Empty: the control is covered. */
  readonly missing: readonly NeededCase[];
}

export interface CasesReport {
  readonly results: readonly CaseResult[];
  /** One per control of the policy, in its order. */
  readonly coverage: readonly CaseCoverage[];
  /** Whether every case passed and no control lacks one. */
  readonly hasPassed: boolean;
}

/** The outcome that shows each needed case. */
export const SHOWN_BY = {
  fires: 'non-compliant',
  passes: 'compliant',
  'missing-evidence': 'indeterminate',
} as const satisfies Record<NeededCase, Outcome>;

/**
 * Runs a policy's cases. A case passes only if outcome *and* deciding clause are what it expects: the right answer for the
 * wrong reason is a failure. Only cases that passed count towards coverage.
 *
 * @param cases - parsed for this `policy`
 * @throws {RulesError} `UNKNOWN_CONTROL` if a case names a control that the policy does not have
 */
export async function runCases(cases: PolicyCases, policy: Policy): Promise<CasesReport> {
  const results: CaseResult[] = [];
  for (const each of cases.cases) results.push(await runCase(each, policy, cases.now));
  const coverage = policy.controls.map(({ id }) => coverageOf(id, results));
  const hasPassed =
    results.every((result) => result.hasPassed) && coverage.every(({ missing }) => missing.length === 0);
  return { results, coverage, hasPassed };
}

async function runCase(each: PolicyCase, policy: Policy, now: EpochMs): Promise<CaseResult> {
  const control = policy.controls.find(({ id }) => id === each.control);
  if (control === undefined)
    throw new RulesError('UNKNOWN_CONTROL', `case \`${each.name}\` is of a control that the policy lacks`);
  const verdict = (await evaluateControls([control], [factsOfCase(each, now)]))[0]?.[0];
  if (verdict === undefined) throw new Error(`case \`${each.name}\` has no verdict`);
  const { outcome, decidingClause: clause } = verdict;
  const hasPassed = outcome === each.expect.outcome && clause === each.expect.clause;
  return { case: each, hasPassed, actual: { outcome, clause }, verdict };
}

/** What a case states, as facts: what it leaves out was not collected. */
export const factsOfCase = ({ facts }: Pick<PolicyCase, 'facts'>, now: EpochMs): FactSet =>
  Object.fromEntries(Object.entries(facts).map(([name, fact]) => [name, observationOf(fact, now)]));

function observationOf(fact: CaseFact, at: EpochMs): Observation<FactValue> {
  const source = { call: 'this case' };
  return fact.kind === 'unobservable' ? { ...fact, source } : { ...fact, at, source };
}

function coverageOf(controlId: string, results: readonly CaseResult[]): CaseCoverage {
  const outcomes = results
    .filter((result) => result.hasPassed && result.case.control === controlId)
    .map(({ actual }) => actual.outcome);
  const missing = NEEDED_CASES.filter((needed) => !outcomes.includes(SHOWN_BY[needed]));
  return { controlId, cases: outcomes.length, missing };
}
