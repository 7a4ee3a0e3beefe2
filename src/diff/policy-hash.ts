import { hashOf, type Sha256Hex } from '../core/index.ts';
import type { Policy } from '../policy/index.ts';

const known = new WeakMap<Policy, Sha256Hex>();

/** As `parsePolicy` hashes; once per policy, since every example of a diff is judged under the same two. */
export function hashOfPolicy(policy: Policy): Sha256Hex {
  const hash = known.get(policy) ?? hashOf(policy);
  known.set(policy, hash);
  return hash;
}
