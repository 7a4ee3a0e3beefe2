import { formatProblem } from '../core/index.ts';
import type { AdoptedPolicy } from '../enforcement/index.ts';
import {
  decodeRecord,
  NoPolicyInForce,
  POLICY_KEY,
  type PolicyInForce,
  type RecordStore,
} from '../exceptions/index.ts';
import { type LoadedPolicy, parsePolicy } from '../policy/index.ts';

/** The few policies this process met last, by file and text: parsing one takes longer than everything else that reads it. */
const met = new Map<string, LoadedPolicy>();
const MET = 8;

/** The policy that the state itself holds. Its text is parsed again only when it changes. */
export function policyInForceOf(store: RecordStore): PolicyInForce {
  let parsed: LoadedPolicy | undefined;
  const of: PolicyInForce['of'] = (stored) => {
    if (stored === undefined) throw new NoPolicyInForce();
    const { hash, file, text } = decodeRecord<AdoptedPolicy>(stored);
    if (parsed?.hash === hash) return parsed;
    const name = `${file}\n${text}`;
    parsed = met.get(name);
    if (parsed !== undefined) return parsed;
    const policy = parsePolicy(text, file);
    if (!policy.ok) throw new Error(policy.error.map(formatProblem).join('\n'));
    parsed = policy.value;
    if (met.size >= MET) met.clear();
    met.set(name, parsed);
    return parsed;
  };
  return { of, current: async () => of(await store.read(POLICY_KEY)) };
}
