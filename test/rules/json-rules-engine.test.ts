import { Engine, type TopLevelCondition } from 'json-rules-engine';
import { describe, expect, test } from 'vitest';
import type { Observation } from '../../src/evidence/index.ts';
import type { Condition, FactValue } from '../../src/policy/index.ts';
import { compileControl } from '../../src/rules/compile.ts';
import { evaluateControl, evaluateControls, type FactSet, RulesError } from '../../src/rules/index.ts';
import { createSafeEngine, evaluateWithEngine } from '../../src/rules/json-rules-engine.ts';
import { absent, denied, observed } from './arbitraries.ts';

/*
 * The left half of each row is what json-rules-engine 7.3.1 does with awkward facts when used directly, recorded so that an
 * upgrade that changes it is noticed. The right half is the same question asked through `src/rules`.
 */
interface Row {
  readonly name: string;
  readonly raw: { readonly conditions: TopLevelCondition; readonly facts: Record<string, unknown> };
  readonly rawResult: 'fires' | 'does not fire' | RegExp;
  readonly ours: { readonly require: Condition; readonly facts: FactSet };
  readonly outcome: 'indeterminate' | 'compliant' | 'non-compliant' | RegExp;
}

const raw = (
  operator: string,
  value: unknown,
  facts: Record<string, unknown>,
  path?: string,
): Row['raw'] => ({
  conditions: { all: [{ fact: 'f', operator, value, ...(path === undefined ? {} : { path }) }] },
  facts,
});
const negated = (operator: string, value: unknown, facts: Record<string, unknown>): Row['raw'] => ({
  conditions: { all: [{ not: { fact: 'f', operator, value } }] },
  facts,
});

/** An observation that breaks the compiler's promise, as one read from a damaged file might. */
const misshapen = (value: unknown): Observation<FactValue> => observed(value as FactValue);

const ROWS: readonly Row[] = [
  {
    name: 'a fact that was not supplied',
    raw: raw('equal', 'none', {}),
    rawResult: /Undefined fact/,
    ours: { require: { fact: 'dataRetention.mode', op: 'equal', value: 'none' }, facts: {} },
    outcome: 'indeterminate',
  },
  {
    name: 'an operator that does not exist',
    raw: raw('equalish', 'none', { f: 'none' }),
    rawResult: /Unknown operator/,
    ours: { require: { fact: 'dataRetention.mode', op: 'equalish' as 'equal', value: 'none' }, facts: {} },
    outcome: /there is no operator `equalish`/,
  },
  {
    name: 'notEqual at a path that is missing',
    raw: raw('notEqual', 'public', { f: {} }, '$.b'),
    rawResult: 'fires',
    ours: {
      require: { fact: 'dataRetention.mode', op: 'notEqual', value: 'default', path: '$.b' } as Condition,
      facts: { 'dataRetention.mode': absent },
    },
    outcome: /expected `fact`, `op` and `value`, found `fact,op,path,value`/,
  },
  {
    name: 'notEqual over a fact that is absent',
    raw: raw('notEqual', 'public', { f: {} }, '$.b'),
    rawResult: 'fires',
    ours: {
      require: { fact: 'dataRetention.mode', op: 'notEqual', value: 'default' },
      facts: { 'dataRetention.mode': absent },
    },
    outcome: 'indeterminate',
  },
  {
    name: 'notIn over a fact that is absent',
    raw: raw('notIn', ['public'], { f: {} }, '$.b'),
    rawResult: 'fires',
    ours: {
      require: { fact: 'dataRetention.mode', op: 'notIn', value: ['default'] },
      facts: { 'dataRetention.mode': absent },
    },
    outcome: 'indeterminate',
  },
  {
    name: 'notEqual over undefined',
    raw: raw('notEqual', 'public', { f: undefined }),
    rawResult: 'fires',
    ours: {
      require: { fact: 'dataRetention.mode', op: 'notEqual', value: 'default' },
      facts: { 'dataRetention.mode': misshapen(undefined) },
    },
    outcome: 'indeterminate',
  },
  {
    name: 'notEqual over null',
    raw: raw('notEqual', 'public', { f: null }),
    rawResult: 'fires',
    ours: {
      require: { fact: 'dataRetention.mode', op: 'notEqual', value: 'default' },
      facts: { 'dataRetention.mode': misshapen(null) },
    },
    outcome: 'indeterminate',
  },
  {
    name: 'not lessThan over the text AccessDenied',
    raw: negated('lessThan', 30, { f: 'AccessDenied' }),
    rawResult: 'fires',
    ours: {
      require: { not: { fact: 'principal.activeAccessKeys', op: 'lessThan', value: 1 } },
      facts: { 'principal.activeAccessKeys': misshapen('AccessDenied') },
    },
    outcome: 'indeterminate',
  },
  {
    name: 'not over a call that was denied',
    raw: negated('equal', 'enabled', { f: undefined }),
    rawResult: 'fires',
    ours: {
      require: { not: { fact: 'invocationLogging.textDataDelivery', op: 'equal', value: 'enabled' } },
      facts: { 'invocationLogging.textDataDelivery': denied },
    },
    outcome: 'indeterminate',
  },
  {
    name: 'not contains over a text that is not a list',
    raw: negated('contains', 'x', { f: 'abc' }),
    rawResult: 'fires',
    ours: {
      require: { not: { fact: 'dataRetention.mode', op: 'contains', value: 'x' } },
      facts: { 'dataRetention.mode': observed('abc') },
    },
    outcome: 'indeterminate',
  },
  {
    name: 'an empty all',
    raw: { conditions: { all: [] }, facts: {} },
    rawResult: 'fires',
    ours: { require: { all: [] }, facts: {} },
    outcome: /an empty `all` decides nothing/,
  },
  {
    name: 'an empty any',
    raw: { conditions: { any: [] }, facts: {} },
    rawResult: 'fires',
    ours: { require: { any: [] }, facts: {} },
    outcome: /an empty `any` decides nothing/,
  },
  {
    name: 'a number compared with a text of digits',
    raw: raw('lessThanInclusive', 10, { f: '9' }),
    rawResult: 'fires',
    ours: {
      require: { fact: 'principal.activeAccessKeys', op: 'lessThanInclusive', value: 10 },
      facts: { 'principal.activeAccessKeys': misshapen('9') },
    },
    outcome: 'indeterminate',
  },
  {
    name: 'a path on a scalar',
    raw: raw('equal', 's', { f: 's' }, '$.b'),
    rawResult: 'fires',
    ours: {
      require: { fact: 'dataRetention.mode', op: 'equal', value: 's', path: '$.b' } as Condition,
      facts: { 'dataRetention.mode': observed('s') },
    },
    outcome: /found `fact,op,path,value`/,
  },
  {
    name: 'a priority, which would leave conditions out of the explanation',
    raw: {
      conditions: {
        all: [
          { fact: 'f', operator: 'equal', value: 1, priority: 2 },
          { fact: 'g', operator: 'equal', value: 1 },
        ],
      },
      facts: { f: 0, g: 1 },
    },
    rawResult: 'does not fire',
    ours: {
      require: { fact: 'dataRetention.mode', op: 'equal', value: 'none', priority: 2 } as Condition,
      facts: {},
    },
    outcome: /found `fact,op,priority,value`/,
  },
  {
    name: 'not a number',
    raw: negated('lessThan', 30, { f: Number.NaN }),
    rawResult: 'fires',
    ours: {
      require: { not: { fact: 'principal.activeAccessKeys', op: 'lessThan', value: 1 } },
      facts: { 'principal.activeAccessKeys': observed(Number.NaN) },
    },
    outcome: 'indeterminate',
  },
  {
    name: 'a value that names another fact',
    raw: raw('equal', { fact: 'f' }, { f: 'anything' }),
    rawResult: 'fires',
    ours: {
      require: {
        fact: 'dataRetention.mode',
        op: 'equal',
        value: { fact: 'dataRetention.mode' } as unknown as string,
      },
      facts: { 'dataRetention.mode': observed('anything') },
    },
    outcome: /takes no object/,
  },
  {
    name: 'a value outside the closed list of a fact',
    raw: raw('notEqual', 'enabled', { f: 'ENABLED' }),
    rawResult: 'fires',
    ours: {
      require: { fact: 'invocationLogging.textDataDelivery', op: 'notEqual', value: 'enabled' },
      facts: { 'invocationLogging.textDataDelivery': observed('ENABLED') },
    },
    outcome: 'indeterminate',
  },
];

async function runRaw({ conditions, facts }: Row['raw']): Promise<string> {
  const engine = new Engine();
  engine.addRule({ conditions, event: { type: 'compliant' } });
  const { events } = await engine.run(facts);
  return events.length > 0 ? 'fires' : 'does not fire';
}

describe.each(ROWS)('$name', ({ raw, rawResult, ours, outcome }) => {
  test('json-rules-engine alone still does what we guard against', async () => {
    if (rawResult instanceof RegExp) await expect(runRaw(raw)).rejects.toThrow(rawResult);
    else expect(await runRaw(raw)).toBe(rawResult);
  });

  test('ours decides by the evidence or refuses', async () => {
    const control = { id: 'CP-01', require: ours.require };
    if (outcome instanceof RegExp) {
      expect(() => evaluateControl(control, ours.facts)).toThrow(outcome);
      expect(() => evaluateControl(control, ours.facts)).toThrow(RulesError);
      await expect(evaluateControls([control], [ours.facts])).rejects.toThrow(outcome);
      return;
    }
    expect(evaluateControl(control, ours.facts).outcome).toBe(outcome);
    expect((await evaluateWithEngine(compileControl(control), ours.facts)).outcome).toBe(outcome);
  });
});

describe('the engine we build', () => {
  test.each([
    'equal',
    'notEqual',
    'in',
    'notIn',
    'contains',
    'doesNotContain',
    'lessThan',
    'lessThanInclusive',
    'greaterThan',
    'greaterThanInclusive',
    'not:equal',
    'someFact:equal',
    'swap:equal?pessimistic',
    'not:equal?optimistic',
  ])('cannot reach `%s`', async (operator) => {
    const engine = createSafeEngine();
    engine.addRule({ conditions: { all: [{ fact: 'f', operator, value: 'x' }] }, event: { type: 'e' } });
    await expect(engine.run({ f: 'y' })).rejects.toThrow(/Unknown operator/);
  });

  test('the raw engine skips a condition of lower priority, so its explanation is partial', async () => {
    const engine = new Engine();
    engine.addRule({
      conditions: {
        all: [
          { fact: 'f', operator: 'equal', value: 1, priority: 2 },
          { fact: 'g', operator: 'equal', value: 1 },
        ],
      },
      event: { type: 'e' },
    });
    const { failureResults } = await engine.run({ f: 0, g: 1 });
    const conditions = failureResults[0]?.conditions;
    expect(
      conditions !== undefined && 'all' in conditions ? conditions.all[1] : undefined,
    ).not.toHaveProperty('factResult');
  });

  test('the raw engine, shared by staggered runs, loses results', async () => {
    const engine = new Engine();
    engine.addRule({
      conditions: { all: [{ fact: 'f', operator: 'equal', value: 1 }] },
      event: { type: 'e' },
    });
    const counts = await Promise.all(
      Array.from({ length: 64 }, async (_, index) => {
        for (let turn = 0; turn < index; turn++) await Promise.resolve();
        return (await engine.run({ f: 1 })).events.length;
      }),
    );
    expect(counts.filter((count) => count === 0).length).toBeGreaterThan(0);
  });
});
