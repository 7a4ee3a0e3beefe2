import { formatProblem } from '../core/index.ts';
import { comparePolicies, isLoosening } from '../diff/index.ts';
import type { AdoptedPolicy } from '../enforcement/index.ts';
import type { Refusal } from '../exceptions/index.ts';
import { type LoadedPolicy, parsePolicy } from '../policy/index.ts';
import {
  type ChangeRecord,
  type ChangeSigner,
  type ChangeSigners,
  judgeChange,
  needsApproval,
  type PolicyChangeHashes,
  parseChangeSigners,
} from '../review/index.ts';

const refused = (message: string): Refusal => ({ code: 'CHANGE_NOT_APPROVED', message });

/**
 * The gate of `policy diff --fail-on loosening`, for a policy that arrives through the API: a loosening of the policy in force, and a change
 * of who may sign, pass only with the signatures of every body that the policy in force names in `review.reviewers`. Role
 * `policy-owner` alone suffices for everything else, and for the first policy of all, which loosens nothing.
 *
 * @param before - the policy in force, with the signers that were adopted with it
 * @param signers - that are to be in force from now on; undefined: those that are
 * @returns why it is refused, undefined if it may pass
 */
export function changeRefusal(
  before: Pick<AdoptedPolicy, 'text' | 'file' | 'signers'>,
  next: LoadedPolicy,
  signers: ChangeSigners | undefined,
  record: ChangeRecord,
): Refusal | undefined {
  const old = parsePolicy(before.text, before.file);
  if (!old.ok)
    throw new Error(`the policy in force cannot be read: ${old.error.map(formatProblem).join('; ')}`);
  const inForce = signersInForce(before);
  const diff = comparePolicies({ policy: old.value }, { policy: next });
  if (!diff.ok) return refused(`${diff.error.message}; the API does not replace one by the other`);
  const change = {
    policyId: old.value.policy.metadata.id,
    oldHash: old.value.hash,
    newHash: next.hash,
    oldSigners: inForce?.hash ?? null,
    newSigners: (signers ?? inForce)?.hash ?? null,
  };
  const because = needsApproval(diff.value.changes.some(isLoosening), change);
  if (because === undefined) return undefined;
  const missing = missingBodies(change, diff.value.reviewers, inForce?.signers ?? [], record);
  if (missing.length === 0) return undefined;
  const what = diff.value.changes
    .filter(isLoosening)
    .slice(0, 3)
    .map(({ says }) => says);
  return refused(
    [
      `${because} of the policy in force needs the approval of ${missing.map((body) => `\`${body}\``).join(', ')}`,
      ...(what.length === 0 ? [] : [`it loosens: ${what.join('; ')}`]),
      inForce === undefined
        ? 'no signers were adopted with the policy in force, so nobody can approve it here'
        : 'collect them with `proviso policy review approve-change` and send the record as `approvals`',
    ].join('. '),
  );
}

const signersInForce = ({ signers }: Pick<AdoptedPolicy, 'signers'>): ChangeSigners | undefined => {
  if (signers === undefined) return undefined;
  const read = parseChangeSigners(signers.text, signers.file);
  // They were read before they were adopted.
  if (!read.ok)
    throw new Error(`the signers in force cannot be read: ${read.error.map(formatProblem).join('; ')}`);
  return read.value;
};

/**
 * The bodies whose word is missing. The state keeps no cases, and approvals are over those of a repository too: what is counted are the words
 * of all for the same cases, whichever these are.
 */
function missingBodies(
  change: Omit<PolicyChangeHashes, 'oldCases' | 'newCases'>,
  reviewers: Parameters<typeof judgeChange>[1],
  signers: readonly ChangeSigner[],
  record: ChangeRecord,
): readonly string[] {
  const cases = new Map(
    [{ oldCases: null, newCases: null }, ...record.approvals].map(({ oldCases, newCases }) => [
      `${oldCases} ${newCases}`,
      { oldCases, newCases },
    ]),
  );
  const verdicts = [...cases.values()].map((pair) =>
    judgeChange({ ...change, ...pair }, reviewers, signers, record).missing.map(({ body }) => body),
  );
  return verdicts.reduce((least, each) => (each.length < least.length ? each : least));
}
