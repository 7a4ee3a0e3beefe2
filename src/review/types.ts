import type { EpochMs, PrincipalId, Sha256Hex } from '../core/index.ts';
import type { ToldEvent } from '../exceptions/index.ts';

/** A body that the policy names as reviewer. */
export interface ReviewBody {
  readonly body: string;
  readonly title: string;
}

/** One body's word that it has read exactly this dossier and stands by the policy. */
export interface ReviewSignature {
  readonly body: string;
  readonly principalId: PrincipalId;
  readonly at: EpochMs;
  readonly dossierHash: Sha256Hex;
}

/** A body's reason not to go on. It blocks the review until somebody else answers it and the body then signs. */
export interface Objection {
  /** From 1, in the order in which they were raised. */
  readonly number: number;
  readonly body: string;
  readonly principalId: PrincipalId;
  readonly at: EpochMs;
  readonly reason: string;
  readonly answer?: { readonly principalId: PrincipalId; readonly at: EpochMs; readonly text: string };
}

/** Hashes of the two forms of the dossier, byte for byte as they were written. */
export interface DossierHashes {
  readonly markdown: Sha256Hex;
  readonly html: Sha256Hex;
}

/** One review of the policy, from the dossier to the last signature. */
export interface ReviewRecord {
  readonly id: string;
  readonly policyId: string;
  readonly policyVersion: string;
  readonly policyHash: Sha256Hex;
  /** The policy as it was in force, so that the next review can say what has changed since. */
  readonly policyText: string;
  readonly startedAt: EpochMs;
  readonly startedBy: PrincipalId;
  readonly bodies: readonly ReviewBody[];
  readonly documents: DossierHashes;
  /** What is signed: see `dossierHashOf`. */
  readonly dossierHash: Sha256Hex;
  /** Bedrock's actions as this version knew them, so that the next review can say which are new. */
  readonly awsActions: KnownActions;
  /** Declared changes of the platform that the dossier tells of, by id. */
  readonly changes: readonly string[];
  readonly signatures: readonly ReviewSignature[];
  /** Signatures that an objection of the same body took back. */
  readonly withdrawn: readonly ReviewSignature[];
  readonly objections: readonly Objection[];
  /** When the last body had signed and no objection was open. */
  readonly completedAt?: EpochMs;
  /** A later review took its place before it was complete. */
  readonly supersededAt?: EpochMs;
  /** The events of the last change, written with it, so that a process that dies before it tells them loses none. */
  readonly outbox?: readonly ToldEvent[];
}

/** A list of AWS actions, and the day it is of. */
export interface KnownActions {
  readonly asOf: string;
  readonly actions: readonly string[];
}

/** A major change of the platform, said by a person: the policy must be looked at before its year is over. */
export interface DeclaredChange {
  readonly id: string;
  readonly text: string;
  readonly at: EpochMs;
  readonly by: PrincipalId;
  readonly outbox?: readonly ToldEvent[];
}
