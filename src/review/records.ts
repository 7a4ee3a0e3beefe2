import {
  type DomainEvent,
  type EpochMs,
  err,
  hashOf,
  ok,
  type Recorder,
  type Result,
  type Sha256Hex,
} from '../core/index.ts';
import {
  ConflictError,
  encode,
  listRecords,
  type RecordStore,
  readRecord,
  type ToldEvent,
  type Versioned,
} from '../exceptions/index.ts';
import type { ReviewRefusal } from './errors.ts';
import type { DeclaredChange, DossierHashes, ReviewRecord } from './types.ts';

/*
 * What the state keeps of reviews: one record for each review and each declared change, and one that names the review that is open or
 * was the last. The latter is written with every start, so that two people cannot open two reviews at once.
 */

export const reviewKey = (id: string): string => `review/record/${id}`;
export const changeKey = (id: string): string => `review/change/${id}`;
export const LATEST_KEY = 'review/latest';

/** Exactly these two documents about exactly this policy. */
export const dossierHashOf = (policyHash: Sha256Hex, documents: DossierHashes): Sha256Hex =>
  hashOf({ policyHash, ...documents });

/** All reviews, oldest first. */
export async function listReviews(store: RecordStore): Promise<readonly ReviewRecord[]> {
  const all = await listRecords<ReviewRecord>(store, 'review/record/');
  return all
    .map(({ value }) => value)
    .sort((left, right) => left.startedAt - right.startedAt || (left.id < right.id ? -1 : 1));
}

/** All declared changes of the platform, oldest first. */
export async function listDeclaredChanges(store: RecordStore): Promise<readonly DeclaredChange[]> {
  const all = await listRecords<DeclaredChange>(store, 'review/change/');
  return all
    .map(({ value }) => value)
    .sort((left, right) => left.at - right.at || (left.id < right.id ? -1 : 1));
}

export interface Latest {
  readonly id: string;
}
export const readLatest = (store: RecordStore): Promise<Versioned<Latest> | undefined> =>
  readRecord<Latest>(store, LATEST_KEY);

/** Neither complete nor superseded: it can be signed, objected to and answered. */
export const isOpen = ({ completedAt, supersededAt }: ReviewRecord): boolean =>
  completedAt === undefined && supersededAt === undefined;

export async function readOpenReview(store: RecordStore): Promise<Versioned<ReviewRecord> | undefined> {
  const latest = await readLatest(store);
  if (latest === undefined) return undefined;
  const review = await readRecord<ReviewRecord>(store, reviewKey(latest.value.id));
  return review !== undefined && isOpen(review.value) ? review : undefined;
}

/** Where a change is written, and where it is told. */
export interface ReviewBooks {
  readonly store: RecordStore;
  readonly recorder: Recorder;
}

/** Events with their keys: told twice, they are recorded once. */
export const toldEvents = (
  events: readonly DomainEvent[],
  subject: string,
  version: number,
  at: EpochMs,
): readonly ToldEvent[] =>
  events.map((event, index) => ({ ...event, key: `${subject}/${version}/${index}`, at }));

/** Tells what a process that died after its commit had not told. Whoever reads reviews calls it first. */
export async function tellReviews({ store, recorder }: ReviewBooks): Promise<void> {
  const records = [...(await listReviews(store)), ...(await listDeclaredChanges(store))];
  for (const { outbox = [] } of records) for (const event of outbox) await recorder.record(event);
}

const ATTEMPTS = 8;

/** What an act makes of a review, and what happened. */
export interface ReviewChange {
  readonly review: ReviewRecord;
  readonly events: readonly DomainEvent[];
}

/**
 * Lets `change` decide on the open review, writes what it returns together with the events that tell of it, and then tells them; starts
 * over when somebody else was faster. INVARIANT (NOTHING_LOST): a death between commit and telling leaves the events in the outbox.
 *
 * @throws ConflictError after 8 lost attempts
 */
export async function amendReview(
  { store, recorder }: ReviewBooks,
  at: EpochMs,
  change: (review: ReviewRecord) => Result<ReviewChange, ReviewRefusal>,
): Promise<Result<ReviewRecord, ReviewRefusal>> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const open = await readOpenReview(store);
    if (open === undefined)
      return err({
        code: 'NO_REVIEW',
        message: 'no review is open; `proviso policy review start` opens one',
      });
    const changed = change(open.value);
    if (!changed.ok) return changed;
    const { review, events } = changed.value;
    for (const event of open.value.outbox ?? []) await recorder.record(event);
    const outbox = toldEvents(events, review.id, open.version + 1, at);
    const written = await store.commit([
      { key: reviewKey(review.id), expectedVersion: open.version, value: encode({ ...review, outbox }) },
    ]);
    if (written === 'conflict') continue;
    for (const event of outbox) await recorder.record(event);
    return ok(review);
  }
  throw new ConflictError('review');
}
