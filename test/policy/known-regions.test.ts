import { describe, expect, it } from 'vitest';
import { isRegion } from '../../src/core/index.ts';
import { KNOWN_REGIONS, unknownRegions } from '../../src/policy/index.ts';
import { shippedPolicy } from './shipped.ts';

describe('a governed Region that AWS is not known to have', () => {
  it.each([
    ['us-esat-1', 'us-east-1'],
    ['eu-centrl-1', 'eu-central-1'],
    ['ap-southest-2', 'ap-southeast-2'],
  ])('%s was probably meant to be %s', (region, meant) => {
    const [first, ...more] = unknownRegions(['us-east-1', region]);
    expect(more).toEqual([]);
    expect(first).toMatchObject({ index: 1, code: 'unknown-region' });
    expect(first?.message).toContain(`\`${region}\``);
    expect(first?.remedy).toContain(`did you mean \`${meant}\`?`);
  });

  it('may be new: it is told without a guess where none is near', () => {
    expect(unknownRegions(['zz-farawaynorth-12'])[0]?.remedy).toMatch(/^check the code; if it is newer/);
  });

  it('is none of the list, and none of the shipped policy', () => {
    expect(KNOWN_REGIONS.every(isRegion)).toBe(true);
    expect(KNOWN_REGIONS).toEqual([...new Set(KNOWN_REGIONS)].sort());
    expect(unknownRegions(KNOWN_REGIONS)).toEqual([]);
    expect(unknownRegions(shippedPolicy().policy.storage.scope.regions)).toEqual([]);
  });
});
