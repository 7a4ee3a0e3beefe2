import { DAY, type EpochMs } from '../core/index.ts';
import { matchesSubject } from './subjects.ts';
import type { Attestation, AttestationStanding, ListedAttestation } from './types.ts';

/**
 * Controls that nobody's word can cover. CP-01 is the policy itself: content is stored under an approved exception or not at all, so it
 * is refused here by name, whatever a policy says of it.
 */
export const NEVER_ATTESTED: readonly string[] = ['CP-01'];

/** How long before its end an attestation is listed as about to expire: 30 days, time enough to get a signature. */
export const EXPIRES_SOON = 30 * DAY;

/** `validUntil` is exclusive, as every end is: at that instant it has expired. */
export function standingAt({ signedAt, validUntil }: Attestation, now: EpochMs): AttestationStanding {
  if (now < signedAt) return 'not-yet';
  if (now >= validUntil) return 'expired';
  return validUntil - now <= EXPIRES_SOON ? 'expiring' : 'current';
}

/**
 * The attestation that covers a control's finding about `subject` at `now`: of several the one that holds longest, then the first by
 * id, so that the order of files does not matter. Expired, future and forbidden ones cover nothing.
 */
export function attestationFor(
  attestations: readonly Attestation[],
  control: string,
  subject: string,
  now: EpochMs,
): Attestation | undefined {
  if (NEVER_ATTESTED.includes(control)) return undefined;
  return attestations
    .filter(
      (each) =>
        each.control === control &&
        isInForce(each, now) &&
        each.subjects.some((pattern) => matchesSubject(pattern, subject)),
    )
    .toSorted((left, right) => right.validUntil - left.validUntil || (left.id < right.id ? -1 : 1))[0];
}

const isInForce = (attestation: Attestation, now: EpochMs): boolean => {
  const standing = standingAt(attestation, now);
  return standing === 'current' || standing === 'expiring';
};

const ORDER = { expired: 0, expiring: 1, 'not-yet': 2, current: 3 } as const satisfies Record<
  AttestationStanding,
  number
>;

/** Every attestation with its standing: what needs somebody first, then by end and id. */
export const listAttestations = (
  attestations: readonly Attestation[],
  now: EpochMs,
): readonly ListedAttestation[] =>
  attestations
    .map((attestation) => ({ attestation, standing: standingAt(attestation, now) }))
    .toSorted(
      (left, right) =>
        ORDER[left.standing] - ORDER[right.standing] ||
        left.attestation.validUntil - right.attestation.validUntil ||
        (left.attestation.id < right.attestation.id ? -1 : 1),
    );
