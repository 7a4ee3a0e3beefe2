import fc from 'fast-check';
import { expect, test } from 'vitest';
import { frozen, frozenCopy } from '../../../src/adapters/embedded/frozen.ts';

const isFrozenThrough = (value: unknown): boolean =>
  typeof value !== 'object' ||
  value === null ||
  (Object.isFrozen(value) && Object.values(value).every(isFrozenThrough));

test('a frozen copy is what its JSON text reads as, to its depth', () => {
  const valueArb = fc.anything({
    withDate: true,
    withNullPrototype: true,
    withUnboxedUndefined: true,
    values: [fc.jsonValue(), fc.constantFrom(undefined, -0, Number.NaN, new Date(0), () => 0)],
  } as fc.ObjectConstraints);
  fc.assert(
    fc.property(valueArb, (value) => {
      const text = JSON.stringify(value) as string | undefined;
      const copy = frozenCopy(value);
      expect(copy).toStrictEqual(text === undefined ? undefined : JSON.parse(text));
      expect(isFrozenThrough(copy)).toBe(true);
    }),
    { numRuns: 500 },
  );
});

test('what somebody else froze is copied, what stands where it stood is shared', () => {
  const mutable = { n: 1 };
  const theirs = Object.freeze({ mutable, gone: undefined });
  const copy = frozenCopy(theirs);
  mutable.n = 2;
  expect(copy).toStrictEqual({ mutable: { n: 1 } });

  const before = frozen({ deep: { n: 1 }, list: [{ n: 2 }] });
  const { deep, list } = before;
  const changed = frozenCopy({ deep, list: [...list, deep], n: 3 }, before) as Record<string, unknown>;
  expect(changed).toStrictEqual({ deep: { n: 1 }, list: [{ n: 2 }, { n: 1 }], n: 3 });
  expect(changed['deep']).toBe(deep);
  expect((changed['list'] as unknown[])[0]).toBe(list[0]);
  expect(isFrozenThrough(changed)).toBe(true);
});

test('a field that would set the prototype stays a field', () => {
  const copy = frozenCopy(JSON.parse('{"__proto__":{"admin":true}}')) as object;
  expect(Object.keys(copy)).toEqual(['__proto__']);
  expect('admin' in copy).toBe(false);
});
