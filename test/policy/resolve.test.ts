import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Policy, STRICTNESS, storageFor } from '../../src/policy/index.ts';
import { shippedPolicy } from './shipped.ts';

type Storage = Policy['storage'];
const ROOT = 'r-ab12';
const OUTER = 'ou-ab12-outer000';
const INNER = 'ou-ab12-inner000';
const OTHER = 'ou-ab12-other000';

const policyWith = (storage: Partial<Storage>): Policy => {
  const { policy } = shippedPolicy();
  return { ...policy, storage: { ...policy.storage, ...storage } };
};

describe('what the policy sets for an account', () => {
  const loose = { baseline: 'metadata-only', enforcement: 'observe' } as const;
  const tables: readonly (readonly [string, Storage['overrides'], readonly string[], string, string])[] = [
    ['is the top level without overrides', [], [ROOT, OUTER], 'metadata-only', 'observe'],
    [
      'is tightened by its own unit',
      [{ organizationalUnit: OUTER, reason: 'x', baseline: 'none' }],
      [ROOT, OUTER],
      'none',
      'observe',
    ],
    [
      'is tightened by a unit above',
      [{ organizationalUnit: OUTER, reason: 'x', enforcement: 'enforce' }],
      [ROOT, OUTER, INNER],
      'metadata-only',
      'enforce',
    ],
    [
      'is tightened by the root',
      [{ organizationalUnit: ROOT, reason: 'x', baseline: 'none' }],
      [ROOT],
      'none',
      'observe',
    ],
    [
      'is not touched by a unit beside',
      [{ organizationalUnit: OTHER, reason: 'x', baseline: 'none' }],
      [ROOT, OUTER],
      'metadata-only',
      'observe',
    ],
    [
      'joins what several units tighten',
      [
        { organizationalUnit: OUTER, reason: 'x', baseline: 'none' },
        { organizationalUnit: INNER, reason: 'x', enforcement: 'enforce' },
      ],
      [ROOT, OUTER, INNER],
      'none',
      'enforce',
    ],
    [
      'cannot be loosened below a stricter unit',
      [
        { organizationalUnit: OUTER, reason: 'x', baseline: 'none' },
        { organizationalUnit: INNER, reason: 'x', baseline: 'metadata-only' },
      ],
      [ROOT, OUTER, INNER],
      'none',
      'observe',
    ],
  ];
  it.each(tables)('%s', (_name, overrides, path, baseline, enforcement) => {
    expect(storageFor(policyWith({ ...loose, overrides }), path)).toEqual({
      baseline,
      enforcement,
      dataRetentionMode: 'none',
    });
  });

  const units = [ROOT, OUTER, INNER, OTHER];
  const baseline = fc.constantFrom('none' as const, 'metadata-only' as const);
  const enforcement = fc.constantFrom('observe' as const, 'enforce' as const);
  const overrides = fc.array(
    fc.record({
      organizationalUnit: fc.constantFrom(...units),
      reason: fc.constant('x'),
      baseline,
      enforcement,
    }),
    { maxLength: 6 },
  );

  it('is never looser than the top level, grows stricter down the tree, and does not depend on order', () => {
    fc.assert(
      fc.property(baseline, enforcement, overrides, fc.subarray(units), (top, mode, list, path) => {
        const policy = policyWith({ baseline: top, enforcement: mode, overrides: list });
        const above = storageFor(policy, path.slice(0, -1));
        const here = storageFor(policy, path);
        for (const outer of [{ baseline: top, enforcement: mode }, above]) {
          expect(STRICTNESS.baseline[here.baseline]).toBeGreaterThanOrEqual(
            STRICTNESS.baseline[outer.baseline],
          );
          expect(STRICTNESS.enforcement[here.enforcement]).toBeGreaterThanOrEqual(
            STRICTNESS.enforcement[outer.enforcement],
          );
        }
        const turned = policyWith({ baseline: top, enforcement: mode, overrides: list.toReversed() });
        expect(storageFor(turned, path.toReversed())).toEqual(here);
      }),
    );
  });
});
