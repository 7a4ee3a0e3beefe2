import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { FactName } from '../../src/policy/index.ts';
import { compileControl } from '../../src/rules/compile.ts';
import { judgeOf } from '../../src/rules/evaluate.ts';
import type { FactSet, Truth } from '../../src/rules/index.ts';
import { evaluateWithEngine } from '../../src/rules/json-rules-engine.ts';
import { condition, denied, factSet } from './arbitraries.ts';

const control = fc.record(
  { id: fc.constant('CP-01'), when: condition, require: condition },
  { requiredKeys: ['id', 'require'] },
);

describe('the two evaluators', () => {
  test('give identical verdicts, every condition of the explanation included', async () => {
    const seen = new Set<string>();
    await fc.assert(
      fc.asyncProperty(control, factSet, async (generated, facts) => {
        const compiled = compileControl(generated);
        const fast = judgeOf(compiled)(facts);
        expect(await evaluateWithEngine(compiled, facts)).toEqual(fast);
        seen.add(fast.outcome);
      }),
      { numRuns: 4000 },
    );
    // A generator that only ever gives one outcome would prove nothing.
    expect([...seen].sort()).toEqual(['compliant', 'indeterminate', 'non-compliant', 'not-applicable']);
  }, 120_000);

  test('never decide more when evidence is taken away, and never contradict what they said before', () => {
    fc.assert(
      fc.property(control, factSet, fc.func(fc.boolean()), (generated, facts, isDenied) => {
        const compiled = compileControl(generated);
        const before = judgeOf(compiled)(facts);
        const after = judgeOf(compiled)(withDenied(facts, isDenied));
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
      expect(concurrent[index]).toEqual(judgeOf(compileControl(generated))(facts));
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
