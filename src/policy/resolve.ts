import type { Baseline, Policy } from './schema.ts';

export type Enforcement = Policy['storage']['enforcement'];

/** What the policy sets for one account. */
export interface ResolvedStorage {
  readonly baseline: Baseline;
  readonly dataRetentionMode: 'none';
  readonly enforcement: Enforcement;
}

/** How strict each value is: the higher number wins. `none` stores nothing, `metadata-only` stores who and how much. */
export const STRICTNESS = {
  baseline: { 'metadata-only': 0, none: 1 },
  enforcement: { observe: 0, enforce: 1 },
} as const satisfies {
  readonly baseline: Record<Baseline, number>;
  readonly enforcement: Record<Enforcement, number>;
};

const stricterBaseline = (left: Baseline, right: Baseline): Baseline =>
  STRICTNESS.baseline[right] > STRICTNESS.baseline[left] ? right : left;
const stricterEnforcement = (left: Enforcement, right: Enforcement): Enforcement =>
  STRICTNESS.enforcement[right] > STRICTNESS.enforcement[left] ? right : left;

/**
 * What holds for an account: the top level of the policy, tightened by every override on the account's way to the root.
 * The order of the units does not matter, and no override can loosen (the loader refuses one that would; a nested override
 * that is looser than its parent's changes nothing here).
 *
 * @param unitPath - ids from the root (`r-…`) down to the unit that holds the account; one that is not known to the caller
 *   must not be left out silently, because what is left out cannot tighten
 */
export function storageFor(policy: Policy, unitPath: readonly string[]): ResolvedStorage {
  let { baseline, enforcement } = policy.storage;
  for (const override of policy.storage.overrides) {
    if (!unitPath.includes(override.organizationalUnit)) continue;
    if (override.baseline !== undefined) baseline = stricterBaseline(baseline, override.baseline);
    if (override.enforcement !== undefined)
      enforcement = stricterEnforcement(enforcement, override.enforcement);
  }
  return { baseline, dataRetentionMode: policy.storage.dataRetentionMode, enforcement };
}
