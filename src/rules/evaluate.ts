import { assertNever } from '../core/index.ts';
import { type ClauseNode, type CompiledControl, compileControl, type Decidable } from './compile.ts';
import { evaluateWithEngine } from './json-rules-engine.ts';
import { observationOf } from './observation.ts';
import { compare } from './operators.ts';
import { allOf, anyOf, notOf } from './truth.ts';
import type { Explanation, FactSet, Verdict } from './types.ts';
import { verdictOf } from './verdict.ts';

/**
 * Most evaluations (controls times fact sets) that still go through json-rules-engine. It builds an engine for each and is
 * some fifty times slower than the synchronous evaluator below; for one finding nobody notices, for an organization they do.
 */
export const FEW_EVALUATIONS = 64;

export type { Decidable } from './compile.ts';

/**
 * Judges every fact set by every control; the answer is `[factSet][control]`, in the order given.
 * Which of the two evaluators runs is decided here and nowhere else: they give identical verdicts, explanations included
 * (proven by property in the tests), so callers need not know.
 *
 * @throws {RulesError} `CONDITION_REFUSED` for a tree the policy loader would have refused
 */
export async function evaluateControls(
  controls: readonly Decidable[],
  factSets: readonly FactSet[],
): Promise<readonly (readonly Verdict[])[]> {
  return evaluatorOf(controls)(factSets);
}

/**
 * Judges fact sets by the controls it was made for, as {@link evaluateControls}.
 * @param expected - how many evaluations there will be over all calls, where the caller knows more than this one shows
 */
export type Evaluator = (
  factSets: readonly FactSet[],
  expected?: number,
) => Promise<readonly (readonly Verdict[])[]>;

/** The controls compiled once, for fact sets that come in parts. @throws {RulesError} as {@link evaluateControls} */
export function evaluatorOf(controls: readonly Decidable[]): Evaluator {
  const compiled = controls.map(compileControl);
  return async (factSets, expected = 0) => {
    if (Math.max(expected, compiled.length * factSets.length) > FEW_EVALUATIONS)
      return factSets.map((facts) => compiled.map((control) => evaluateCompiled(control, facts)));
    const verdicts: Verdict[][] = [];
    for (const facts of factSets) {
      const row: Verdict[] = [];
      for (const control of compiled) row.push(await evaluateWithEngine(control, facts));
      verdicts.push(row);
    }
    return verdicts;
  };
}

/** Judges one fact set by one control, synchronously. @throws {RulesError} as {@link evaluateControls} */
export const evaluateControl = (control: Decidable, facts: FactSet): Verdict =>
  evaluateCompiled(compileControl(control), facts);

/** As {@link evaluateControl}, for a control that is already compiled. Every condition is evaluated, also where one decides. */
export function evaluateCompiled(control: CompiledControl, facts: FactSet): Verdict {
  const require = explain(control.require, facts);
  return control.when === undefined
    ? verdictOf(undefined, require)
    : verdictOf(explain(control.when, facts), require);
}

function explain(node: ClauseNode, facts: FactSet): Explanation {
  switch (node.kind) {
    case 'leaf': {
      const { fact, op, value } = node.comparison;
      const observation = observationOf(facts, fact);
      return {
        kind: 'leaf',
        path: node.path,
        truth: compare(node.comparison, observation),
        fact,
        op,
        value,
        observation,
      };
    }
    case 'not': {
      const part = explain(node.part, facts);
      return { kind: 'not', path: node.path, truth: notOf(part.truth), part };
    }
    case 'all':
    case 'any': {
      const parts = node.parts.map((part) => explain(part, facts));
      const truths = parts.map((part) => part.truth);
      return {
        kind: node.kind,
        path: node.path,
        truth: node.kind === 'all' ? allOf(truths) : anyOf(truths),
        parts,
      };
    }
    default:
      return assertNever(node, 'condition');
  }
}
