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

/** The few policies this process met last, by file and text: parsing one takes longer than everything else that reads it. */
const met = new Map<string, LoadedPolicy>();
const MET = 8;

/** The policy that the state itself holds. Its text is parsed again only when it changes. */
export function policyInForceOf(store: RecordStore): PolicyInForce {
  let parsed: LoadedPolicy | undefined;
  return {
    async current() {
      const adopted = await readRecord<AdoptedPolicy>(store, POLICY_KEY);
      if (adopted === undefined) throw new NoPolicyInForce();
      if (parsed?.hash === adopted.value.hash) return parsed;
      const { file, text } = adopted.value;
      const name = `${file}\n${text}`;
      parsed = met.get(name);
      if (parsed !== undefined) return parsed;
      const policy = parsePolicy(text, file);
      if (!policy.ok) throw new Error(policy.error.map(formatProblem).join('\n'));
      parsed = policy.value;
      if (met.size >= MET) met.clear();
      met.set(name, parsed);
      return parsed;
    },
  };
}
