import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { FactName } from '../../src/policy/index.ts';
import { type CompiledControl, compileControl } from '../../src/rules/compile.ts';
import type { FactSet, Truth, Verdict } from '../../src/rules/index.ts';
import { evaluateWithEngine } from '../../src/rules/json-rules-engine.ts';
import { judgeOf } from '../../src/rules/judge.ts';
import { condition, denied, factSet } from './arbitraries.ts';

const control = fc.record(
  { id: fc.constant('CP-01'), when: condition, require: condition },
  { requiredKeys: ['id', 'require'] },
);

const explain = (compiled: CompiledControl, facts: FactSet): Verdict => judgeOf([compiled])(facts).explain(0);

describe('the two evaluators', () => {
  test('give identical verdicts, every condition of the explanation included', async () => {
    const seen = new Set<string>();
    await fc.assert(
      fc.asyncProperty(control, factSet, async (generated, facts) => {
        const compiled = compileControl(generated);
        const judged = judgeOf([compiled])(facts);
        const fast = judged.explain(0);
        expect(await evaluateWithEngine(compiled, facts)).toEqual(fast);
        // Decided without the tree, and without asking what no longer matters: the same.
        const { outcome, decidingClause } = fast;
        expect(judged.decisions[0]).toEqual({ outcome, decidingClause });
        seen.add(fast.outcome);
      }),
      { numRuns: 4000 },
    );
    // A generator that only ever gives one outcome would prove nothing.
    expect([...seen].sort()).toEqual(['compliant', 'indeterminate', 'non-compliant', 'not-applicable']);
  }, 120_000);

  test('judge several controls together as each alone, whatever comparisons they share', () => {
    fc.assert(
      fc.property(fc.array(control, { minLength: 2, maxLength: 5 }), factSet, (generated, facts) => {
        const compiled = [...generated, ...generated.slice(0, 1)].map(compileControl);
        const together = judgeOf(compiled)(facts);
        for (const [index, each] of compiled.entries()) {
          const alone = explain(each, facts);
          expect(together.explain(index)).toEqual(alone);
          const { outcome, decidingClause } = alone;
          expect(together.decisions[index]).toEqual({ outcome, decidingClause });
        }
      }),
      { numRuns: 500 },
    );
  });

  test('never decide more when evidence is taken away, and never contradict what they said before', () => {
    fc.assert(
      fc.property(control, factSet, fc.func(fc.boolean()), (generated, facts, isDenied) => {
        const compiled = compileControl(generated);
        const before = explain(compiled, facts);
        const after = explain(compiled, withDenied(facts, isDenied));
        expectNotMoreCertain(before.require?.truth, after.require?.truth);
        expectNotMoreCertain(before.when?.truth, after.when?.truth);
        if (before.outcome === 'indeterminate' || before.outcome === 'non-compliant')
          expect(after.outcome).not.toBe('compliant');
      }),
      { numRuns: 4000 },
    );
  }, 120_000);

  test('answer 64 staggered evaluations at the same time as they answer each alone', async () => {
    const sample = fc.sample(fc.tuple(control, factSet), { numRuns: 64, seed: 7 });
    const concurrent = await Promise.all(
      sample.map(async ([generated, facts], index) => {
        for (let turn = 0; turn < index % 7; turn++) await Promise.resolve();
        return evaluateWithEngine(compileControl(generated), facts);
      }),
    );
    for (const [index, [generated, facts]] of sample.entries())
      expect(concurrent[index]).toEqual(explain(compileControl(generated), facts));
  });
});

function withDenied(facts: FactSet, isDenied: (name: string) => boolean): FactSet {
  const entries = Object.entries(facts) as [FactName, FactSet[FactName]][];
  return Object.fromEntries(
    entries.map(([name, observation]) => [name, isDenied(name) ? denied : observation]),
  );
}

function expectNotMoreCertain(before: Truth | undefined, after: Truth | undefined): void {
  if (after !== 'unknown') expect(after).toBe(before);
}
