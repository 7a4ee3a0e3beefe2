import fc from 'fast-check';
import { epochMs } from '../../src/core/index.ts';
import type { Observation } from '../../src/evidence/index.ts';
import {
  type Condition,
  type ConditionValue,
  FACT_NAMES,
  type FactName,
  type FactValue,
  factDefinition,
  OPERATOR_NAMES,
} from '../../src/policy/index.ts';
import type { FactSet } from '../../src/rules/index.ts';

const AT = epochMs(1_790_000_000_000);
const SOURCE = { call: 'test:Generated' } as const;

export const observed = (value: FactValue): Observation<FactValue> => ({
  kind: 'observed',
  value,
  at: AT,
  source: SOURCE,
});
export const absent: Observation<FactValue> = { kind: 'absent', at: AT, source: SOURCE };
export const denied: Observation<FactValue> = { kind: 'unobservable', reason: 'access-denied' };

const reason = fc.constantFrom(
  'access-denied',
  'throttled',
  'not-collected',
  'malformed',
  'failed',
  'not-evaluated',
);

/** Values of the fact's own type and list, mostly; now and then something else entirely. */
function factValue(name: FactName): fc.Arbitrary<FactValue> {
  const { type, values } = factDefinition(name);
  const right: fc.Arbitrary<FactValue> =
    type === 'boolean'
      ? fc.boolean()
      : type === 'number'
        ? fc.integer({ min: 0, max: 4 })
        : type === 'string-list'
          ? fc.subarray(['a', 'b', 'c'])
          : fc.constantFrom(...(values ?? ['none', 'default', 'ACTIVE', 'b1', '']));
  return fc.oneof(
    { weight: 8, arbitrary: right },
    {
      weight: 1,
      arbitrary: fc.constantFrom<FactValue>(true, 'none', '9', 9, Number.NaN, Number.POSITIVE_INFINITY, [
        'a',
      ]),
    },
  );
}

export const observation = (name: FactName): fc.Arbitrary<Observation<FactValue>> =>
  fc.oneof(
    { weight: 4, arbitrary: factValue(name).map(observed) },
    { weight: 1, arbitrary: fc.constant(absent) },
    { weight: 1, arbitrary: reason.map((why) => ({ kind: 'unobservable' as const, reason: why })) },
  );

/** Every fact, some of them missing. */
export const factSet: fc.Arbitrary<FactSet> = fc.record(
  Object.fromEntries(FACT_NAMES.map((name) => [name, observation(name)])),
  { requiredKeys: [] },
);

export const leaf: fc.Arbitrary<Condition> = fc.constantFrom(...FACT_NAMES).chain((fact) => {
  const one = factValue(fact).map((value) => value as ConditionValue);
  const list = fc.array(
    one.filter((value): value is string | number => typeof value === 'string' || typeof value === 'number'),
    { minLength: 1, maxLength: 3 },
  );
  return fc.record({
    fact: fc.constant(fact),
    op: fc.constantFrom(...OPERATOR_NAMES),
    value: fc.oneof<fc.Arbitrary<ConditionValue>[]>(
      one,
      fc.boolean(),
      list.map((items) => items as ConditionValue),
    ),
  });
});

/** Trees up to four levels deep, negations included; leaves may compare what does not fit. */
export const condition: fc.Arbitrary<Condition> = fc.letrec<{ tree: Condition }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    { weight: 3, arbitrary: leaf },
    { weight: 2, arbitrary: fc.array(tie('tree'), { minLength: 1, maxLength: 3 }).map((all) => ({ all })) },
    { weight: 2, arbitrary: fc.array(tie('tree'), { minLength: 1, maxLength: 3 }).map((any) => ({ any })) },
    { weight: 2, arbitrary: tie('tree').map((not) => ({ not })) },
  ),
})).tree;
