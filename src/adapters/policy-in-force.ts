import { formatProblem } from '../core/index.ts';
import type { AdoptedPolicy } from '../enforcement/index.ts';
import {
  NoPolicyInForce,
  POLICY_KEY,
  type PolicyInForce,
  type RecordStore,
  readRecord,
} from '../exceptions/index.ts';
import { type LoadedPolicy, parsePolicy } from '../policy/index.ts';

/** The policy that the state itself holds. Its text is parsed again only when its hash changes. */
export function policyInForceOf(store: RecordStore): PolicyInForce {
  let parsed: LoadedPolicy | undefined;
  return {
    async current() {
      const adopted = await readRecord<AdoptedPolicy>(store, POLICY_KEY);
      if (adopted === undefined) throw new NoPolicyInForce();
      if (parsed?.hash === adopted.value.hash) return parsed;
      const policy = parsePolicy(adopted.value.text, adopted.value.file);
      if (!policy.ok) throw new Error(policy.error.map(formatProblem).join('\n'));
      parsed = policy.value;
      return parsed;
    },
  };
}
