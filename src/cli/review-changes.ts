import { comparePolicies, type Witness } from '../diff/index.ts';
import { type LoadedPolicy, parsePolicy } from '../policy/index.ts';
import type { Learnt, PolicyChange, ReviewRecord } from '../review/index.ts';

/** What the policy in force says otherwise than the one that was signed last, as `policy diff` tells it. */
export function changesSince(
  before: ReviewRecord | undefined,
  policy: LoadedPolicy,
): Learnt<readonly PolicyChange[]> {
  if (before === undefined) return { kind: 'not-available', because: 'no review is complete' };
  const old = parsePolicy(before.policyText, `the policy of review ${before.id}`);
  if (!old.ok)
    return {
      kind: 'not-available',
      because: `this version cannot read the policy of review \`${before.id}\` any more`,
    };
  const compared = comparePolicies({ policy: old.value }, { policy });
  if (!compared.ok) return { kind: 'not-available', because: compared.error.message };
  return {
    kind: 'known',
    value: compared.value.changes.map(({ direction, isDecided, path, says, loosens, tightens }) => ({
      direction,
      isDecided,
      path,
      says,
      examples: [loosens, tightens].filter((witness) => witness !== undefined).map(exampleOf),
    })),
  };
}

const exampleOf = ({ given, old, new: now }: Witness): string =>
  `Given ${given.join(', ')}: the old policy says ${old}; the new one says ${now}.`;
