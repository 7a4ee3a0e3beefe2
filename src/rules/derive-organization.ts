import type { FactName } from '../policy/index.ts';
import type { DerivedFact } from './derived-fact.ts';
import type { ReviewEvidence } from './types.ts';

/** Facts about how the organization governs the policy. They come from the records of a state, not from AWS. */
export const ORGANIZATION_FACTS = {
  'policyReview.standing': ({ standing, evidence }: ReviewEvidence): DerivedFact => ({
    observation: standing,
    evidence,
  }),
} as const satisfies Partial<Record<FactName, (input: ReviewEvidence) => DerivedFact>>;
