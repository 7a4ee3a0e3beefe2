import { assertNever } from '../core/index.ts';
import { type ClauseNode, type CompiledControl, compileControl, type Decidable } from './compile.ts';
import { evaluateWithEngine } from './json-rules-engine.ts';
import { observationOf } from './observation.ts';
import { comparatorOf } from './operators.ts';
import { notOf } from './truth.ts';
import type { Explanation, FactSet, Truth, Verdict } from './types.ts';
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
  const judges = compiled.map(judgeOf);
  return async (factSets, expected = 0) => {
    if (Math.max(expected, compiled.length * factSets.length) > FEW_EVALUATIONS)
      return factSets.map((facts) => judges.map((judge) => judge(facts)));
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
  judgeOf(compileControl(control))(facts);

/** What one control says of a fact set. Every condition is evaluated, also where one decides. */
export type Judge = (facts: FactSet) => Verdict;

/** The synchronous evaluator: a control made into a function once, for many fact sets. */
export function judgeOf(control: CompiledControl): Judge {
  const require = explainerOf(control.require);
  if (control.when === undefined) return (facts) => verdictOf(undefined, require(facts));
  const when = explainerOf(control.when);
  return (facts) => verdictOf(when(facts), require(facts));
}

type Explainer = (facts: FactSet) => Explanation;

function explainerOf(node: ClauseNode): Explainer {
  const { path } = node;
  switch (node.kind) {
    case 'leaf': {
      const { fact, op, value } = node.comparison;
      const compare = comparatorOf(node.comparison);
      return (facts) => {
        const observation = observationOf(facts, fact);
        return { kind: 'leaf', path, truth: compare(observation), fact, op, value, observation };
      };
    }
    case 'not': {
      const part = explainerOf(node.part);
      return (facts) => {
        const explained = part(facts);
        return { kind: 'not', path, truth: notOf(explained.truth), part: explained };
      };
    }
    case 'all':
    case 'any': {
      const explainers = node.parts.map(explainerOf);
      const { kind } = node;
      // Kleene logic: one of these decides alone, otherwise one unknown leaves it open.
      const decisive = kind === 'all' ? 'false' : 'true';
      const otherwise = kind === 'all' ? 'true' : 'false';
      return (facts) => {
        const parts: Explanation[] = [];
        let truth: Truth = otherwise;
        for (const explain of explainers) {
          const part = explain(facts);
          parts.push(part);
          if (part.truth === decisive) truth = decisive;
          else if (part.truth === 'unknown' && truth !== decisive) truth = 'unknown';
        }
        return { kind, path, truth, parts };
      };
    }
    default:
      return assertNever(node, 'condition');
  }
}
