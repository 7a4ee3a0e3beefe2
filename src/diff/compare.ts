import { canonicalJson, err, ok, type Result } from '../core/index.ts';
import type { LoadedPolicy, Policy, PolicyCases } from '../policy/index.ts';
import { compareCases } from './compare-cases.ts';
import { compareControls } from './compare-controls.ts';
import { compareExceptions } from './compare-exceptions.ts';
import { compareMetadata, compareReview, compareSources, compareStatements } from './compare-frame.ts';
import { compareStorage } from './compare-storage.ts';
import { type Change, DIRECTIONS, type PolicyDiff, type PolicyIdentity } from './types.ts';

/** One side of a comparison. */
export interface PolicySide {
  readonly policy: LoadedPolicy;
  /** The cases beside it; undefined where there are none. */
  readonly cases?: PolicyCases | undefined;
}

export type NotComparable = {
  readonly code: 'DIFFERENT_POLICIES' | 'DIFFERENT_LANGUAGES';
  readonly message: string;
  readonly remedy: string;
};

export interface CompareOptions {
  /** Most nodes for one comparison of conditions; more, and it is not decided. */
  readonly budget?: number;
}

/** What compares each part of a policy. A part that the language gains does not compile until it has a line here. */
const PARTS = {
  kind: () => [],
  schemaVersion: () => [],
  metadata: compareMetadata,
  sources: compareSources,
  // Compared apart, because what was renamed is needed for them.
  statements: () => [],
  storage: compareStorage,
  controls: () => [],
  exceptions: compareExceptions,
  review: compareReview,
} as const satisfies Record<keyof Policy, (old: Policy, next: Policy) => readonly Change[]>;

/**
 * Everything that differs between two versions of one policy, with its direction and, for each loosening and tightening, an example
 * that the real evaluators confirm. Deterministic: the same two policies always give the same answer.
 *
 * @returns the refusal if the two are not versions of one policy, or are written in different versions of the language
 */
export function comparePolicies(
  old: PolicySide,
  next: PolicySide,
  options: CompareOptions = {},
): Result<PolicyDiff, NotComparable> {
  const [before, after] = [old.policy.policy, next.policy.policy];
  const refusal = whyNotComparable(before, after);
  if (refusal !== undefined) return err(refusal);
  const controls = compareControls(before.controls, after.controls, options.budget);
  const found = [
    ...PARTS.storage(before, after),
    ...controls.changes,
    ...PARTS.exceptions(before, after),
    ...PARTS.review(before, after),
    ...PARTS.metadata(before, after),
    ...PARTS.sources(before, after),
    ...compareStatements(before, after, controls.renamed),
    ...compareCases(old.cases, next.cases, controls),
  ];
  const changes = DIRECTIONS.flatMap((direction) => found.filter((change) => change.direction === direction));
  // What differs and nobody noticed would pass as nothing at all.
  if (changes.length === 0 && canonicalJson(before) !== canonicalJson(after))
    throw new Error('the policies differ and no comparison noticed');
  return ok({
    policyId: after.metadata.id,
    old: identityOf(old.policy),
    new: identityOf(next.policy),
    changes,
    counts: countChanges(changes),
    reviewers: before.review.reviewers,
    renamedControls: controls.renamed,
  });
}

/** Whether a change needs the approvals of a loosening: it loosens, it does so among other things, or nobody could decide. */
export const isLoosening = ({ direction, isDecided }: Change): boolean =>
  !isDecided || direction === 'loosening' || direction === 'both';

function whyNotComparable(old: Policy, next: Policy): NotComparable | undefined {
  if (old.schemaVersion !== next.schemaVersion)
    return {
      code: 'DIFFERENT_LANGUAGES',
      message: `the policies are written in versions \`${old.schemaVersion}\` and \`${next.schemaVersion}\` of the language`,
      remedy: 'write both in the same version',
    };
  if (old.metadata.id !== next.metadata.id)
    return {
      code: 'DIFFERENT_POLICIES',
      message: `\`${old.metadata.id}\` and \`${next.metadata.id}\` are two policies, not two versions of one`,
      remedy: 'compare versions with the same `metadata.id`',
    };
  return undefined;
}

const identityOf = ({ policy, hash, file }: LoadedPolicy): PolicyIdentity => ({
  version: policy.metadata.version,
  hash,
  file,
});

function countChanges(changes: readonly Change[]): PolicyDiff['counts'] {
  const counts = { loosening: 0, both: 0, tightening: 0, neutral: 0, text: 0, notDecided: 0 };
  for (const { direction, isDecided } of changes) counts[isDecided ? direction : 'notDecided'] += 1;
  return counts;
}
