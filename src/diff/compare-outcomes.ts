import { type Decidable, evaluateControl, type Outcome } from '../rules/index.ts';
import { OverBudget } from './decision-diagram.ts';
import { OUTCOMES, OutcomeSpace, pairOf } from './outcome-function.ts';
import { factSetOf } from './regions.ts';
import type { ExampleFact } from './types.ts';

/** Facts for which two controls say different things. */
export interface OutcomeExample {
  readonly facts: readonly ExampleFact[];
  readonly old: Outcome;
  readonly new: Outcome;
}

export type OutcomeComparison =
  /** The space is larger than the budget. */
  | { readonly kind: 'undecided' }
  | {
      readonly kind: 'decided';
      readonly loosens?: OutcomeExample;
      readonly tightens?: OutcomeExample;
      /** Compliant for one and not applicable for the other: no violation comes or goes. */
      readonly rewords?: OutcomeExample;
    };

/**
 * Moves down the order compliant < indeterminate < non-compliant, and out of a control's reach, the gravest first. Of these the first
 * one that occurs is the one shown: a violation that vanishes says more than an unknown that does.
 */
const LOOSER = [
  ['non-compliant', 'compliant'],
  ['non-compliant', 'not-applicable'],
  ['non-compliant', 'indeterminate'],
  ['indeterminate', 'compliant'],
  ['indeterminate', 'not-applicable'],
] as const satisfies readonly (readonly [Outcome, Outcome])[];

const SAME_VERDICT = [
  ['compliant', 'not-applicable'],
  ['not-applicable', 'compliant'],
] as const satisfies readonly (readonly [Outcome, Outcome])[];

/** Whether a step from `old` to `next` loosens, tightens, or does neither. */
export function directionOf(old: Outcome, next: Outcome): 'loosening' | 'tightening' | 'neither' {
  const moves = (from: Outcome, to: Outcome): boolean =>
    LOOSER.some(([left, right]) => left === from && right === to);
  if (moves(old, next)) return 'loosening';
  return moves(next, old) ? 'tightening' : 'neither';
}

/**
 * Decides over the whole finite abstraction whether some facts come off better, or worse, under `next` than under `old`.
 * Each example has the fewest facts that its step from outcome to outcome can have, and was replayed through the evaluator
 * before it is returned.
 */
export function compareOutcomes(old: Decidable, next: Decidable, budget?: number): OutcomeComparison {
  try {
    const space = new OutcomeSpace([old, next], budget);
    const pairs = space.pair(space.outcomeOf(old), space.outcomeOf(next));
    const values = space.valuesOf(pairs);
    const first = (steps: readonly (readonly [Outcome, Outcome])[]): OutcomeExample | undefined => {
      const step = steps.find(([from, to]) => values.has(pairOf(from, to)));
      const facts = step && space.exampleOf(pairs, pairOf(...step));
      if (step === undefined || facts === undefined) return undefined;
      const example = { facts, old: step[0], new: step[1] };
      replay(example, old, next);
      return example;
    };
    const loosens = first(LOOSER);
    const tightens = first(LOOSER.map(([from, to]) => [to, from] as const));
    const rewords = first(SAME_VERDICT);
    return {
      kind: 'decided',
      ...(loosens === undefined ? {} : { loosens }),
      ...(tightens === undefined ? {} : { tightens }),
      ...(rewords === undefined ? {} : { rewords }),
    };
  } catch (error) {
    if (error instanceof OverBudget) return { kind: 'undecided' };
    throw error;
  }
}

export type ReachedOutcome =
  | { readonly kind: 'undecided' }
  | { readonly kind: 'decided'; readonly facts?: readonly ExampleFact[]; readonly outcome?: Outcome };

/** The smallest example for which the control has the first of `wanted` that it ever has; none if it has none of them. */
export function reach(control: Decidable, wanted: readonly Outcome[], budget?: number): ReachedOutcome {
  try {
    const space = new OutcomeSpace([control], budget);
    const node = space.outcomeOf(control);
    const values = space.valuesOf(node);
    const outcome = wanted.find((each) => values.has(OUTCOMES.indexOf(each)));
    const facts = outcome && space.exampleOf(node, OUTCOMES.indexOf(outcome));
    if (outcome === undefined || facts === undefined) return { kind: 'decided' };
    replay({ facts, old: outcome, new: outcome }, control, control);
    return { kind: 'decided', facts, outcome };
  } catch (error) {
    if (error instanceof OverBudget) return { kind: 'undecided' };
    throw error;
  }
}

/** A witness that the evaluator does not confirm would be a fault of the comparison, and must never be shown. */
function replay(example: OutcomeExample, old: Decidable, next: Decidable): void {
  const facts = factSetOf(example.facts);
  const said = [evaluateControl(old, facts).outcome, evaluateControl(next, facts).outcome];
  if (said[0] !== example.old || said[1] !== example.new)
    throw new Error(
      `the example says ${example.old} and ${example.new}, the evaluator ${said.join(' and ')}: ${JSON.stringify(example.facts)}`,
    );
}
