import {
  type DomainEvent,
  type EpochMs,
  err,
  ok,
  type PrincipalId,
  type Recorder,
  type Result,
  type Sha256Hex,
} from '../core/index.ts';
import type { Person, RecordStore } from '../exceptions/index.ts';
import type { ReviewRefusal } from './errors.ts';
import { amendReview } from './records.ts';
import { missingBodies, openObjections } from './standing.ts';
import type { DossierHashes, ReviewRecord } from './types.ts';

interface Act {
  readonly store: RecordStore;
  readonly recorder: Recorder;
  readonly principalId: PrincipalId;
  readonly people: readonly Person[];
  readonly now: EpochMs;
}

export interface SignInput extends Act {
  readonly body: string;
  /** What the signer says they read: the dossier's hash, whole or its first 12 digits or more. */
  readonly dossierHash: string;
  /** The documents as they stand now where the dossier is kept. */
  readonly documents: DossierHashes;
  /** The policy in force now. */
  readonly policyHash: Sha256Hex;
}

/**
 * Signs the open review for one body. Each body is signed for by somebody who holds the role of its name, and nobody signs for two.
 * INVARIANT (one person, one body): a quorum of four bodies is four people, whatever roles they hold.
 */
export function signReview(input: SignInput): Promise<Result<ReviewRecord, ReviewRefusal>> {
  const { principalId, body, now } = input;
  return act(input, 'signed', `signature by ${principalId} for ${body}`, (review) => {
    const refusal =
      memberRefusal(review, input) ?? documentRefusal(review, input) ?? signatureRefusal(review, input);
    if (refusal !== undefined) return err(refusal);
    const signature = { body, principalId, at: now, dossierHash: review.dossierHash };
    return ok(completed({ ...review, signatures: [...review.signatures, signature] }, now));
  });
}

/** Objects for one body. What the body had signed before counts no longer; it signs again once the objection is answered. */
export function objectToReview(
  input: Act & { readonly body: string; readonly reason: string },
): Promise<Result<ReviewRecord, ReviewRefusal>> {
  const { principalId, body, reason, now } = input;
  return act(input, 'objected', `objection by ${principalId} for ${body}: ${reason}`, (review) => {
    const refusal = memberRefusal(review, input);
    if (refusal !== undefined) return err(refusal);
    const objection = { number: review.objections.length + 1, body, principalId, at: now, reason };
    return ok({
      ...review,
      signatures: review.signatures.filter((signature) => signature.body !== body),
      withdrawn: [...review.withdrawn, ...review.signatures.filter((signature) => signature.body === body)],
      objections: [...review.objections, objection],
    });
  });
}

/** Answers an objection, for somebody else to read and then sign or object again. */
export function answerObjection(
  input: Act & { readonly number: number; readonly text: string },
): Promise<Result<ReviewRecord, ReviewRefusal>> {
  const { principalId, number, text, now } = input;
  return act(input, 'answered', `answer by ${principalId} to objection ${number}: ${text}`, (review) => {
    const refusal = answerRefusal(review, input);
    if (refusal !== undefined) return err(refusal);
    const objections = review.objections.map((each) =>
      each.number === number ? { ...each, answer: { principalId, at: now, text } } : each,
    );
    return ok(completed({ ...review, objections }, now));
  });
}

/** Complete as soon as every body has signed and no objection is open. */
function completed(review: ReviewRecord, now: EpochMs): ReviewRecord {
  const isComplete = missingBodies(review).length === 0 && openObjections(review).length === 0;
  return isComplete ? { ...review, completedAt: now } : review;
}

async function act(
  { store, recorder, principalId, now }: Act,
  what: 'signed' | 'objected' | 'answered',
  says: string,
  change: (review: ReviewRecord) => Result<ReviewRecord, ReviewRefusal>,
): Promise<Result<ReviewRecord, ReviewRefusal>> {
  const actor = { id: principalId, kind: 'person-unauthenticated' as const };
  const changed = await amendReview({ store, recorder }, now, (before) => {
    const after = change(before);
    if (!after.ok) return after;
    const review = after.value;
    const event = {
      type: `review.${what}`,
      actor,
      subject: review.id,
      data: { dossierHash: review.dossierHash, says },
    };
    return ok({
      review,
      events: review.completedAt === undefined ? [event] : [event, completion(review, actor)],
    });
  });
  if (!changed.ok)
    await recorder.record({
      type: 'review.act-refused',
      actor,
      subject: 'review',
      data: { ...changed.error, says: `${says}, refused: ${changed.error.message}` },
    });
  return changed;
}

const completion = (review: ReviewRecord, actor: DomainEvent['actor']): DomainEvent => ({
  type: 'review.completed',
  actor,
  subject: review.id,
  data: {
    dossierHash: review.dossierHash,
    policyHash: review.policyHash,
    signatures: review.signatures,
    says: `review of policy ${review.policyId} ${review.policyVersion} is complete`,
  },
});

function memberRefusal(
  review: ReviewRecord,
  { principalId, body, people }: Act & { readonly body: string },
): ReviewRefusal | undefined {
  const unknown = unknownPerson(principalId, people);
  if (unknown !== undefined) return unknown;
  if (!review.bodies.some((each) => each.body === body))
    return {
      code: 'BODY_NOT_NAMED',
      message: `the policy names ${review.bodies.map((each) => each.body).join(', ')}, not \`${body}\``,
    };
  if (!people.some(({ id, roles }) => id === principalId && roles.includes(body)))
    return { code: 'ROLE_NOT_HELD', message: `\`${principalId}\` does not hold the role \`${body}\`` };
  const earlier = [...review.signatures, ...review.withdrawn, ...review.objections].find(
    (each) => each.principalId === principalId && each.body !== body,
  );
  if (earlier !== undefined)
    return {
      code: 'ALREADY_SIGNED',
      message: `\`${principalId}\` has acted for ${earlier.body} in this review; every body needs a different person`,
    };
  return undefined;
}

const unknownPerson = (id: PrincipalId, people: readonly Person[]): ReviewRefusal | undefined =>
  people.some((person) => person.id === id && person.isActive)
    ? undefined
    : { code: 'UNKNOWN_PERSON', message: `\`${id}\` is not an active person of the people file` };

function documentRefusal(
  review: ReviewRecord,
  { dossierHash, documents, policyHash }: SignInput,
): ReviewRefusal | undefined {
  if (policyHash !== review.policyHash)
    return {
      code: 'POLICY_CHANGED',
      message: `the dossier is about policy ${review.policyHash.slice(0, 12)}, and ${policyHash.slice(0, 12)} is in force now; open a new review`,
    };
  if (documents.markdown !== review.documents.markdown || documents.html !== review.documents.html)
    return {
      code: 'DOSSIER_CHANGED',
      message: 'a document of the dossier is not as it was written; restore it, or open a new review',
    };
  if (dossierHash.length < 12 || !review.dossierHash.startsWith(dossierHash))
    return {
      code: 'HASH_MISMATCH',
      message: `\`${dossierHash}\` is not the dossier of review ${review.id}; read it and sign the hash that \`proviso policy review status\` prints`,
    };
  return undefined;
}

function signatureRefusal(review: ReviewRecord, { body }: SignInput): ReviewRefusal | undefined {
  const signed = review.signatures.find((signature) => signature.body === body);
  if (signed !== undefined)
    return {
      code: 'ALREADY_SIGNED',
      message: `${body} was signed for by \`${signed.principalId}\``,
    };
  const own = openObjections(review).find((objection) => objection.body === body);
  if (own !== undefined)
    return {
      code: 'OBJECTION_OPEN',
      message: `${body} has objected (${own.number}) and nobody has answered yet; a signature beside an open objection would say two things`,
    };
  return undefined;
}

function answerRefusal(
  review: ReviewRecord,
  { principalId, people, number }: Act & { readonly number: number },
): ReviewRefusal | undefined {
  const unknown = unknownPerson(principalId, people);
  if (unknown !== undefined) return unknown;
  const objection = openObjections(review).find((each) => each.number === number);
  if (objection === undefined)
    return {
      code: 'NOTHING_TO_ANSWER',
      message: `review ${review.id} has no open objection ${number}`,
    };
  if (objection.principalId === principalId)
    return {
      code: 'OWN_OBJECTION',
      message: `objection ${number} is \`${principalId}\`’s own; somebody else answers it`,
    };
  const roles = people.find(({ id }) => id === principalId)?.roles ?? [];
  const isEntitled =
    principalId === review.startedBy || review.bodies.some(({ body }) => roles.includes(body));
  if (!isEntitled)
    return {
      code: 'NOT_ENTITLED',
      message: `\`${principalId}\` belongs to no body of the review and did not open it`,
    };
  return undefined;
}
