/** What an attestation is refused for, beside what any document can be refused for. Codes are stable; none is helped by a retry. */
export const ATTESTATION_PROBLEMS = {
  'attestation-shape': 'a field is missing, unknown or not what it should be',
  'attestation-too-long': 'it would hold for more than 12 months',
  'attestation-backwards': 'it ends before it was signed',
  'attestation-not-allowed': 'the control cannot be attested',
  'attestation-too-wide': 'a subject pattern does not name the account it is about',
  'attestation-duplicate': 'the id stands in two files',
  'attestation-unknown-control': 'the policy has no such control',
} as const;
export type AttestationProblemCode = keyof typeof ATTESTATION_PROBLEMS;
