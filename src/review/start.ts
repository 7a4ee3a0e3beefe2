import {
  type EpochMs,
  err,
  type Ids,
  ok,
  type PrincipalId,
  type Recorder,
  type Result,
} from '../core/index.ts';
import { ConflictError, encode, type Person, type RecordStore, readRecord } from '../exceptions/index.ts';
import type { LoadedPolicy } from '../policy/index.ts';
import type { ReviewRefusal } from './errors.ts';
import {
  changeKey,
  dossierHashOf,
  LATEST_KEY,
  listDeclaredChanges,
  readLatest,
  reviewKey,
  toldEvents,
} from './records.ts';
import { openObjections } from './standing.ts';
import type { DeclaredChange, DossierHashes, KnownActions, ReviewRecord } from './types.ts';

export interface ReviewServices {
  readonly store: RecordStore;
  readonly recorder: Recorder;
  readonly ids: Ids;
}

/** Names a review before its dossier is written, since the dossier says which review it belongs to. */
export const newReviewId = (ids: Ids): string => `rv-${ids.next(8)}`;

export interface StartInput {
  readonly id: string;
  /** The policy in force, and its text. */
  readonly policy: LoadedPolicy;
  readonly policyText: string;
  readonly documents: DossierHashes;
  readonly awsActions: KnownActions;
  readonly by: PrincipalId;
  readonly people: readonly Person[];
  readonly now: EpochMs;
}

/** Whether a review may be opened now: asked before a dossier is made, and again when it is recorded. */
export async function mayStart(
  store: RecordStore,
  by: PrincipalId,
  people: readonly Person[],
): Promise<ReviewRefusal | undefined> {
  if (!people.some((person) => person.id === by && person.isActive))
    return {
      code: 'UNKNOWN_PERSON',
      message: `\`${by}\` is not an active person of the people file`,
    };
  const latest = await readLatest(store);
  const before = latest && (await readRecord<ReviewRecord>(store, reviewKey(latest.value.id)))?.value;
  if (before === undefined || before.completedAt !== undefined) return undefined;
  const [objection] = openObjections(before);
  if (objection === undefined) return undefined;
  return {
    code: 'OBJECTION_OPEN',
    message: `review ${before.id} has an objection without an answer (${objection.number}, by ${objection.body}); a new review would bury it: answer it first`,
  };
}

/**
 * Opens a review over a dossier that has been written. One that is open takes its leave: it was of an older dossier, and its signatures
 * count for nothing. It cannot while an objection is open, because a new review would bury that.
 */
export async function startReview(
  { store, recorder }: Pick<ReviewServices, 'store' | 'recorder'>,
  input: StartInput,
): Promise<Result<ReviewRecord, ReviewRefusal>> {
  const { id, policy, policyText, documents, awsActions, by, people, now } = input;
  const actor = { id: by, kind: 'person-unauthenticated' as const };
  const refusal = await mayStart(store, by, people);
  if (refusal !== undefined) {
    await recorder.record({
      type: 'review.start-refused',
      actor,
      subject: id,
      data: { ...refusal, says: `review by ${by} refused: ${refusal.message}` },
    });
    return err(refusal);
  }
  const latest = await readLatest(store);
  const before = latest && (await readRecord<ReviewRecord>(store, reviewKey(latest.value.id)));
  const isOpen = before?.value.completedAt === undefined && before?.value.supersededAt === undefined;
  const { metadata, review: policyReview } = policy.policy;
  const record: ReviewRecord = {
    id,
    policyId: metadata.id,
    policyVersion: metadata.version,
    policyHash: policy.hash,
    policyText,
    startedAt: now,
    startedBy: by,
    bodies: policyReview.reviewers,
    documents,
    dossierHash: dossierHashOf(policy.hash, documents),
    awsActions,
    changes: (await listDeclaredChanges(store)).map((change) => change.id),
    signatures: [],
    withdrawn: [],
    objections: [],
  };
  const instead = before !== undefined && isOpen ? before : undefined;
  const outbox = toldEvents(
    [
      {
        type: 'review.started',
        actor,
        subject: id,
        data: {
          policyHash: policy.hash,
          dossierHash: record.dossierHash,
          bodies: record.bodies.map(({ body }) => body),
          ...(instead === undefined ? {} : { instead: instead.value.id }),
          says: `review of policy ${metadata.id} ${metadata.version} opened by ${by}; to sign: ${record.bodies.map(({ body }) => body).join(', ')}`,
        },
      },
    ],
    id,
    1,
    now,
  );
  const written = await store.commit([
    { key: LATEST_KEY, expectedVersion: latest?.version ?? 0, value: encode({ id }) },
    { key: reviewKey(id), expectedVersion: 0, value: encode({ ...record, outbox }) },
    ...(instead === undefined
      ? []
      : [
          {
            key: reviewKey(instead.value.id),
            expectedVersion: instead.version,
            value: encode({ ...instead.value, supersededAt: now }),
          },
        ]),
  ]);
  if (written === 'conflict') throw new ConflictError(LATEST_KEY);
  for (const event of outbox) await recorder.record(event);
  return ok(record);
}

/** Records a major change of the platform. From now on the review is overdue, until one that tells of it is complete. */
export async function declareChange(
  { store, recorder, ids }: ReviewServices,
  input: {
    readonly text: string;
    readonly by: PrincipalId;
    readonly people: readonly Person[];
    readonly now: EpochMs;
  },
): Promise<Result<DeclaredChange, ReviewRefusal>> {
  const { text, by, people, now } = input;
  const actor = { id: by, kind: 'person-unauthenticated' as const };
  if (!people.some((person) => person.id === by && person.isActive)) {
    const refusal: ReviewRefusal = {
      code: 'UNKNOWN_PERSON',
      message: `\`${by}\` is not an active person of the people file`,
    };
    await recorder.record({
      type: 'review.change-refused',
      actor,
      subject: 'policy',
      data: { ...refusal, says: `declaration by ${by} refused: ${refusal.message}` },
    });
    return err(refusal);
  }
  const change: DeclaredChange = { id: `pc-${ids.next(8)}`, text, at: now, by };
  const outbox = toldEvents(
    [
      {
        type: 'review.change-declared',
        actor,
        subject: change.id,
        data: { text, says: `major change of the platform declared by ${by}: ${text}` },
      },
    ],
    change.id,
    1,
    now,
  );
  const written = await store.commit([
    { key: changeKey(change.id), expectedVersion: 0, value: encode({ ...change, outbox }) },
  ]);
  if (written === 'conflict') throw new ConflictError(changeKey(change.id));
  for (const event of outbox) await recorder.record(event);
  return ok(change);
}
