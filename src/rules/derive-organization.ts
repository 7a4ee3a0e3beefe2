import type { EpochMs } from '../core/index.ts';
import type { Organization } from '../evidence/index.ts';
import type { FactName } from '../policy/index.ts';
import { type DerivedFact, unobservableFact } from './derived-fact.ts';
import type { ReviewEvidence } from './types.ts';

export interface OrganizationInput {
  readonly organization: Organization;
  readonly takenAt: EpochMs;
  /** What the record of reviews says. Undefined: the check was given none. */
  readonly review: ReviewEvidence | undefined;
}

/** Facts about the organization as a whole: from its own sections, and from the records of a state. */
export const ORGANIZATION_FACTS = {
  'policyReview.standing': ({ review }: OrganizationInput): DerivedFact =>
    review === undefined
      ? unobservableFact({ kind: 'unobservable', reason: 'not-collected' }, 'the record of reviews')
      : { observation: review.standing, evidence: review.evidence },
} as const satisfies Partial<Record<FactName, (input: OrganizationInput) => DerivedFact>>;
