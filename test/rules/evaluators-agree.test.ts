import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { FactName } from '../../src/policy/index.ts';
import { type CompiledControl, compileControl } from '../../src/rules/compile.ts';
import { decisionGraph } from '../../src/rules/decision-graph.ts';
import type { FactSet, Truth, Verdict } from '../../src/rules/index.ts';
import { evaluateWithEngine } from '../../src/rules/json-rules-engine.ts';
import { judgeOf } from '../../src/rules/judge.ts';
import { condition, denied, factSet, leaf, observed } from './arbitraries.ts';

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

  test('agree on controls with so many conditions that deciding them is not laid out before', async () => {
    const flat = fc.array(condition, { minLength: 65, maxLength: 70 }).map((parts) => ({ all: parts }));
    const groups = fc
      .array(fc.array(leaf, { minLength: 7, maxLength: 7 }), { minLength: 9, maxLength: 9 })
      .map((all) => ({ all: all.map((any) => ({ any })) }));
    const laidOut = new Set<boolean>();
    await fc.assert(
      fc.asyncProperty(
        fc.record({ id: fc.constant('CP-01'), require: fc.oneof(flat, groups) }),
        factSet,
        async (generated, facts) => {
          const compiled = compileControl(generated);
          laidOut.add(decisionGraph(compiled, () => 0) !== undefined);
          const judged = judgeOf([compiled])(facts);
          const engine = await evaluateWithEngine(compiled, facts);
          expect(judged.explain(0)).toEqual(engine);
          const { outcome, decidingClause } = engine;
          expect(judged.decisions[0]).toEqual({ outcome, decidingClause });
        },
      ),
      { numRuns: 20 },
    );
    expect([...laidOut]).toEqual([false]);
  });

  test('build a part that two controls have in common once, and of another place or condition another', () => {
    const active = { fact: 'account.state', op: 'equal', value: 'ACTIVE' } as const;
    const none = { fact: 'dataRetention.mode', op: 'equal', value: 'none' } as const;
    const judged = judgeOf(
      [
        { id: 'CP-01', require: { all: [active, none] } },
        { id: 'CP-02', require: { all: [active, { not: none }] } },
        { id: 'CP-03', require: { any: [active, none] } },
      ].map(compileControl),
    )({ 'account.state': observed('ACTIVE'), 'dataRetention.mode': observed('none') });
    const [one, two, three] = [0, 1, 2].map((index) => {
      const { require } = judged.explain(index);
      return require?.kind === 'all' || require?.kind === 'any' ? require.parts : [];
    });
    expect(one?.[0]).toBe(two?.[0]);
    expect(three?.[0]).toEqual({ ...one?.[0], path: 'require.any[0]' });
    expect(two?.[1]).toMatchObject({ kind: 'not', truth: 'false', part: { truth: 'true' } });
    expect(judged.explain(1).require).toEqual(judged.explain(1).require);
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
