import { compileControl, type Decidable } from './compile.ts';
import { evaluateWithEngine } from './json-rules-engine.ts';
import { type Judgements, judgeOf } from './judge.ts';
import type { FactSet, Verdict } from './types.ts';

/**
 * Most evaluations (controls times fact sets) that still go through json-rules-engine. It builds an engine for each and is
 * hundreds of times slower than the synchronous evaluator; for one finding nobody notices, for an organization they do.
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
  const rows = await evaluatorOf(controls)(factSets);
  return rows.map((row) => controls.map((_, index) => row.explain(index)));
}

/**
 * Judges fact sets by the controls it was made for, as {@link evaluateControls}; explanations are built when they are asked for.
 * @param expected - how many evaluations there will be over all calls, where the caller knows more than this one shows
 */
export type Evaluator = (factSets: readonly FactSet[], expected?: number) => Promise<readonly Judgements[]>;

/** The controls compiled once, for fact sets that come in parts. @throws {RulesError} as {@link evaluateControls} */
export function evaluatorOf(controls: readonly Decidable[]): Evaluator {
  const compiled = controls.map(compileControl);
  const judge = judgeOf(compiled);
  return async (factSets, expected = 0) => {
    if (Math.max(expected, compiled.length * factSets.length) > FEW_EVALUATIONS) return factSets.map(judge);
    const rows: Judgements[] = [];
    for (const facts of factSets) {
      const verdicts: Verdict[] = [];
      for (const control of compiled) verdicts.push(await evaluateWithEngine(control, facts));
      rows.push({ decisions: verdicts, explain: (control) => verdictAt(verdicts, control) });
    }
    return rows;
  };
}

/** Judges one fact set by one control, synchronously. @throws {RulesError} as {@link evaluateControls} */
export const evaluateControl = (control: Decidable, facts: FactSet): Verdict =>
  judgeOf([compileControl(control)])(facts).explain(0);

function verdictAt(verdicts: readonly Verdict[], control: number): Verdict {
  const verdict = verdicts[control];
  if (verdict === undefined) throw new RangeError(`there is no control ${control}`);
  return verdict;
}
