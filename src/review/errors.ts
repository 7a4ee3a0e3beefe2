/** Why a well-formed act of a review was refused. Recorded; nothing else changes; exit code 1. */
export const REVIEW_REFUSALS = {
  NO_REVIEW: 'no review is open',
  UNKNOWN_PERSON: 'the person who acts is not in the people file, or has left',
  BODY_NOT_NAMED: 'the policy does not name this body as reviewer',
  ROLE_NOT_HELD: 'the person does not belong to the body',
  ALREADY_SIGNED: 'the body has signed already, or the person has acted for another body',
  HASH_MISMATCH: 'what is signed is not the dossier of the open review',
  DOSSIER_CHANGED: 'a document of the dossier is not as it was written',
  POLICY_CHANGED: 'another policy is in force than the dossier describes',
  OBJECTION_OPEN: 'an objection has no answer yet',
  NOTHING_TO_ANSWER: 'there is no such objection, or it has an answer',
  OWN_OBJECTION: 'an objection is answered by somebody else',
  NOT_ENTITLED: 'the person belongs to no body of the review',
} as const;
export type ReviewRefusalCode = keyof typeof REVIEW_REFUSALS;

export interface ReviewRefusal {
  readonly code: ReviewRefusalCode;
  /** For the person who acted: what happened, what to do. */
  readonly message: string;
}
