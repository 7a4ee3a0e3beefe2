import type { EpochMs } from '../core/index.ts';
import type { Policy, PolicyCase, PolicyCases } from '../policy/index.ts';
import { compileControl, type Decidable } from './compile.ts';
import { judgeOf } from './judge.ts';
import { type Mutant, mutantsOf } from './mutants.ts';
import { findFacts } from './regions.ts';
import { factsOfCase } from './run-cases.ts';
import type { Decision, FactSet, Outcome } from './types.ts';

/** What became of one mutant. */
export type Fate =
  /** A case has another outcome under the mutant: `by` is its sentence. */
  | { readonly kind: 'noticed'; readonly by: string }
  /** No case notices, and `witness` shows that it matters: the outcomes before and after differ. */
  | {
      readonly kind: 'survives';
      readonly witness: FactSet;
      readonly before: Outcome;
      readonly after: Outcome;
    }
  /** Proven over all fact sets: the mutant decides as the original does, so no case could notice. */
  | { readonly kind: 'equivalent' }
  /** Too many combinations to try; counts as surviving. */
  | { readonly kind: 'undecided'; readonly combinations: number };

export interface MutantResult {
  readonly mutant: Mutant;
  readonly fate: Fate;
}

export interface MutationReport {
  /** Controls in the policy's order, mutants in the order of their clauses. */
  readonly results: readonly MutantResult[];
  readonly counts: Readonly<Record<Fate['kind'], number>>;
  /** Noticed mutants of those that a case could notice, in percent, rounded down; 100 where there are none. */
  readonly score: number;
}

/**
 * Puts one mistake after the other into a policy's controls and asks whether a case notices: whether some outcome changes. The
 * deciding clause is not looked at, since leaving a clause out renames those after it. Only cases that pass are asked.
 */
export function mutatePolicy(policy: Policy, { cases, now }: PolicyCases): MutationReport {
  const results = policy.controls.flatMap((control) => {
    const own = cases.filter((each) => each.control === control.id);
    const passing = own.filter((each) => isPassing(control, each, now));
    return mutantsOf(control).map((mutant) => ({ mutant, fate: fateOf(control, mutant, passing, now) }));
  });
  const counts = { noticed: 0, survives: 0, equivalent: 0, undecided: 0 };
  for (const { fate } of results) counts[fate.kind] += 1;
  const noticeable = results.length - counts.equivalent;
  return { results, counts, score: noticeable === 0 ? 100 : Math.floor((100 * counts.noticed) / noticeable) };
}

function isPassing(control: Decidable, each: PolicyCase, now: EpochMs): boolean {
  const decision = decisionBy(control)(factsOfCase(each, now));
  return decision.outcome === each.expect.outcome && decision.decidingClause === each.expect.clause;
}

function decisionBy(control: Decidable): (facts: FactSet) => Decision {
  const judge = judgeOf([compileControl(control)]);
  return (facts) => {
    const [decision] = judge(facts).decisions;
    if (decision === undefined) throw new Error(`control \`${control.id}\` was not judged`);
    return decision;
  };
}

function fateOf(original: Decidable, mutant: Mutant, passing: readonly PolicyCase[], now: EpochMs): Fate {
  const [before, after] = [decisionBy(original), decisionBy(mutant.control)];
  const noticing = passing.find((each) => after(factsOfCase(each, now)).outcome !== each.expect.outcome);
  if (noticing !== undefined) return { kind: 'noticed', by: noticing.name };
  const outcomes = (facts: FactSet): readonly [Outcome, Outcome] => [
    before(facts).outcome,
    after(facts).outcome,
  ];
  const search = findFacts([original, mutant.control], now, (facts) => {
    const [one, other] = outcomes(facts);
    return one !== other;
  });
  switch (search.kind) {
    case 'none':
      return { kind: 'equivalent' };
    case 'too-many':
      return { kind: 'undecided', combinations: search.combinations };
    case 'found': {
      const [one, other] = outcomes(search.facts);
      return { kind: 'survives', witness: search.facts, before: one, after: other };
    }
  }
}
