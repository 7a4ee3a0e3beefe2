import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Recent } from '../../src/core/index.ts';

const KEPT = 4;
const key = fc.nat({ max: 12 });
const command = fc.oneof(
  fc.record({ kind: fc.constant('set' as const), key, value: fc.integer() }),
  fc.record({ kind: fc.constant('get' as const), key }),
  fc.record({ kind: fc.constant('delete' as const), key }),
);

describe('what was used last', () => {
  test('is never another value than the last that was set, and the last few are always there', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
        const recent = new Recent<number, number>(KEPT);
        const all = new Map<number, number>();
        let used: number[] = [];
        for (const each of commands) {
          used = used.filter((other) => other !== each.key);
          if (each.kind === 'delete') {
            recent.delete(each.key);
            all.delete(each.key);
          } else if (each.kind === 'set') {
            recent.set(each.key, each.value);
            all.set(each.key, each.value);
          } else {
            const found = recent.get(each.key);
            if (found !== undefined) expect(found).toBe(all.get(each.key));
          }
          if (all.has(each.key)) used.unshift(each.key);
          // A key that had been forgotten is not back because it was asked for.
          if (each.kind === 'get' && recent.get(each.key) === undefined) used.shift();
          for (const last of used.slice(0, 1)) expect(recent.get(last)).toBe(all.get(last));
        }
      }),
    );
  });

  test('never holds more than twice what it keeps', () => {
    const recent = new Recent<number, number>(KEPT);
    for (let n = 0; n < 100; n++) recent.set(n, n);
    const held = Array.from({ length: 100 }, (_, n) => recent.get(n)).filter((n) => n !== undefined);
    expect(held.length).toBeGreaterThanOrEqual(KEPT);
    expect(held.length).toBeLessThanOrEqual(2 * KEPT);
    expect(held).toContain(99);
  });
});
