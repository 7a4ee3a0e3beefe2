import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { compileControl } from '../src/rules/compile.ts';
import { evaluateWithEngine } from '../src/rules/json-rules-engine.ts';
import { judgeOf } from '../src/rules/judge.ts';
import { condition, factSet } from '../test/rules/arbitraries.ts';
import { measure, type Suite } from './measure.ts';

/** Controls and fact sets as the property test generates them; that one runs a few thousand. */
const CASES = 100_000;
const control = fc.record(
  { id: fc.constant('CP-01'), when: condition, require: condition },
  { requiredKeys: ['id', 'require'] },
);

/** @throws at the first case on which the two differ */
async function equalCases(): Promise<number> {
  let equal = 0;
  await fc.assert(
    fc.asyncProperty(control, factSet, async (generated, facts) => {
      const compiled = compileControl(generated);
      const judged = judgeOf([compiled])(facts);
      const engine = await evaluateWithEngine(compiled, facts);
      const { outcome, decidingClause } = engine;
      if (!isDeepStrictEqual(engine, judged.explain(0))) return false;
      if (!isDeepStrictEqual({ outcome, decidingClause }, judged.decisions[0])) return false;
      equal += 1;
      return true;
    }),
    { numRuns: CASES, seed: 20_261_121 },
  );
  return equal;
}

export const suite: Suite = {
  name: 'rules-equality',
  async run() {
    let found = 0;
    return [
      await measure(
        'generated cases on which the synchronous evaluator and the json-rules-engine path are equal',
        'cases',
        1,
        async () => {
          if (found === 0) found = await equalCases();
          return found;
        },
        `of ${CASES}, verdict, deciding clause and the whole explanation`,
      ),
    ];
  },
};
