import type { EpochMs } from '../core/index.ts';

/**
 * A person's signed word about what no call of AWS can show, or about a violation that somebody answers for. It covers findings of one
 * control, for the subjects it names, until it ends.
 */
export interface Attestation {
  /** Unique in its folder, `legacy-runner-keys`. */
  readonly id: string;
  readonly document: SignedDocument;
  readonly signer: Signer;
  readonly control: string;
  /** Patterns of subjects (see subjects.ts), at least one. */
  readonly subjects: readonly string[];
  readonly signedAt: EpochMs;
  /** Exclusive: at this instant it covers nothing any more. At most 12 months after `signedAt`. */
  readonly validUntil: EpochMs;
  /** The file it stands in, as shown in problems. */
  readonly file: string;
}

export interface SignedDocument {
  readonly title: string;
  /** Where people find it: a number in a register, an address. */
  readonly reference: string;
  /** Of the signed bytes, where there are some: 64 hexadecimal digits. */
  readonly sha256?: string | undefined;
}

export interface Signer {
  readonly id: string;
  /** In which capacity, `Head of Security`. */
  readonly title: string;
}

/** Where an attestation stands at some time. `expiring` still covers. */
export type AttestationStanding = 'not-yet' | 'current' | 'expiring' | 'expired';

export interface ListedAttestation {
  /** What a report says of it; the file is for problems. */
  readonly attestation: Omit<Attestation, 'file'>;
  readonly standing: AttestationStanding;
}
