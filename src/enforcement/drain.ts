import {
  canonicalJson,
  type EpochMs,
  type EventActor,
  type ExceptionId,
  epochMs,
  MINUTE,
  ok,
  sha256Hex,
} from '../core/index.ts';
import {
  amend,
  ConflictError,
  countsText,
  type ExceptionRecord,
  encode,
  type FilterCounts,
  type FilterPlaces,
  filterPlaces,
  isFiltered,
  isHeld,
  isTerminal,
  type Lease,
  leaseOf,
  listLeaseRows,
  NO_COUNTS,
  placesOf,
  placeText,
  readException,
  readLeaseRow,
  readRecord,
  requireException,
} from '../exceptions/index.ts';
import { type FilteredBatch, filterBatch, keyedHash, MOST_UNZIPPED_BYTES } from '../filter/index.ts';
import type { ObjectVersion, Pair, Services } from './ports.ts';
import { isContent } from './purge.ts';

/*
 * The drain of `filter-and-purge` exceptions (docs/filter-and-purge.md). A run reads what Bedrock delivered, batch by batch and in memory, writes
 * what is in scope to the vault, notes what it did in one commit, and only then deletes the raw versions. So a death at any point loses nothing
 * in scope and counts nothing twice: what was noted and still lies there is deleted by the next run without being read again.
 */

const drainer: EventActor = { id: 'drain', kind: 'workflow' };

/** What one run takes at most; the next one takes the rest. */
const MOST_BATCHES = 200;
/** What is remembered of objects between two runs; more than this waits for a later one. */
const MOST_REMEMBERED = 1_000;
/** Identities that are told apart when counting; all beyond count as one. */
const MOST_IDENTITIES = 2_000;
/** A large body that no record has named for so long is nobody's in scope. Records and bodies are delivered apart. [unverified: bodies-apart] */
export const BODY_WAITS = 30 * MINUTE;
const ATTEMPTS = 3;

/** What is kept between runs. Nobody is named in it: identities are hashed under a key that is purged with the exception. */
interface DrainState {
  readonly counts: FilterCounts;
  /** Records by keyed hash of the identity; gone once the purge has begun. */
  readonly others: Readonly<Record<string, number>>;
  /** Hashes of raw versions that are done with; a run that died may have left them. */
  readonly done: readonly string[];
  /** Hashes of the keys of large bodies in scope that were not there yet. */
  readonly awaited: readonly string[];
  /** Hashes of the keys of large bodies that no record has named, and since when. */
  readonly unnamed: Readonly<Record<string, EpochMs>>;
}

const EMPTY: DrainState = { counts: NO_COUNTS, others: {}, done: [], awaited: [], unnamed: {} };
const drainKey = (id: ExceptionId, { accountId, region }: Pair): string =>
  `drain/${id}/${accountId}/${region}`;

/** Runs the drain of every exception under which something can be delivered. One's fault never keeps another waiting. */
export async function drainAll(
  services: Services,
): Promise<{ readonly drained: number; readonly faults: readonly string[] }> {
  const ids = new Set<ExceptionId>();
  for (const { value: row } of await listLeaseRows(services.store))
    for (const { exceptionId, enabling, configuration } of row.leases)
      if (enabling !== undefined && configuration.s3Config?.keyPrefix?.endsWith('/raw/') === true)
        ids.add(exceptionId);
  const faults: string[] = [];
  for (const id of ids) {
    try {
      await drainOrDrop(services, id);
    } catch (error) {
      faults.push(`${id}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return { drained: ids.size - faults.length, faults };
}

/**
 * While a legal hold keeps the ending waiting, nobody else comes to what is raw: after the quiet time it is filtered a last time, and where that
 * fails it is deleted unread.
 */
async function drainOrDrop(services: Services, id: ExceptionId): Promise<void> {
  const record = (await readException(services.store, id))?.value;
  const isLast =
    record !== undefined &&
    isHeld(record) &&
    record.state === 'draining' &&
    services.clock.now() >= (record.drainUntil ?? Number.POSITIVE_INFINITY);
  try {
    await drain(services, id, isLast ? 'last' : 'meanwhile');
  } catch (error) {
    if (!isLast) throw error;
    for (const { place, places } of await subjectsOf(services, id)) {
      const listed = await services.drainage.listRaw(place, places.bucketName, places.raw);
      const versions = listed.filter(isContent);
      if (versions.length > 0) await services.drainage.deleteRaw(place, places.bucketName, versions);
      await tellUnread(services, id, place, versions.length);
    }
  }
}

/**
 * One run for one exception, at all of its places. Idempotent; does nothing once its purge has begun.
 *
 * @param when - `last`: off was read back and the quiet time is over, so that large bodies nobody named are not waited for
 * @throws AwsCallError, ConflictError: nothing is lost, the next run does it again
 */
export async function drain(
  services: Services,
  id: ExceptionId,
  when: 'meanwhile' | 'last',
): Promise<{
  /** `more`: raw batches are left that nobody has read yet. */
  readonly next: 'more' | 'done';
}> {
  const subjects = await subjectsOf(services, id);
  let isMore = false;
  const faults: unknown[] = [];
  // A place that fails keeps no other from being filtered.
  for (const subject of subjects) {
    try {
      isMore = (await drainPlace(services, subject, when)) === 'more' || isMore;
    } catch (error) {
      faults.push(error);
    }
  }
  if (subjects.length > 0) await tell(services, id, subjects);
  if (faults.length > 0) throw faults[0];
  return { next: isMore ? 'more' : 'done' };
}

interface Subject {
  readonly record: ExceptionRecord;
  readonly lease: Lease;
  readonly place: Pair;
  readonly places: FilterPlaces;
}

/** The places at which something can have been delivered and the purge has not begun. */
async function subjectsOf({ store }: Services, id: ExceptionId): Promise<readonly Subject[]> {
  const record = (await readException(store, id))?.value;
  if (record === undefined || !isFiltered(record.request)) return [];
  if (isTerminal(record.state) || record.state === 'purging') return [];
  const subjects: Subject[] = [];
  for (const { accountId, region } of placesOf(record.request)) {
    const lease = leaseOf((await readLeaseRow(store, accountId, region))?.value, id);
    const places = lease === undefined ? undefined : filterPlaces(lease.destination);
    if (lease?.enabling !== undefined && places !== undefined)
      subjects.push({ record, lease, place: { accountId, region }, places });
  }
  return subjects;
}

async function drainPlace(
  services: Services,
  subject: Subject,
  when: 'meanwhile' | 'last',
): Promise<'more' | 'done'> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const result = await run(services, subject, when);
    if (result !== 'conflict') return result;
  }
  throw new ConflictError(drainKey(subject.record.id, subject.place));
}

async function run(
  services: Services,
  subject: Subject,
  when: 'meanwhile' | 'last',
): Promise<'more' | 'done' | 'conflict'> {
  const { store, drainage, clock } = services;
  const { place, places, record } = subject;
  const noted = drainKey(record.id, place);
  // Read before listing: what another run noted since then is found by the conflict.
  const stored = await readRecord<DrainState>(store, noted);
  const before = stored?.value ?? EMPTY;
  const listed = (await drainage.listRaw(place, places.bucketName, places.raw)).filter(isContent);
  const done = new Set(before.done);
  const left = listed.filter((version) => !done.has(hashOfVersion(version)));
  const bodies = left.filter(({ key, isDeleteMarker }) => !isDeleteMarker && isBody(key));
  const batches = left.filter(({ key, isDeleteMarker }) => !isDeleteMarker && !isBody(key));
  const work = new Work(services, subject, before, bodies);
  let next: 'more' | 'done' = 'done';
  for (const [index, batch] of batches.entries()) {
    if (index >= MOST_BATCHES || done.size + work.finished.length >= MOST_REMEMBERED) {
      next = 'more';
      break;
    }
    await work.filterOne(batch);
  }
  await work.settleBodies(clock.now(), when);
  // A delete marker has no content, and hides a version that might.
  const finished = [...work.finished, ...left.filter(({ isDeleteMarker }) => isDeleteMarker)];
  const remembered = listed.filter((version) => done.has(hashOfVersion(version)));
  const gone = [...remembered, ...finished];
  const after: DrainState = { ...work.state, done: gone.slice(0, MOST_REMEMBERED).map(hashOfVersion) };
  if (canonicalJson(after) !== canonicalJson(before)) {
    const value = encode(after);
    const written = await store.commit([{ key: noted, expectedVersion: stored?.version ?? 0, value }]);
    if (written === 'conflict') return 'conflict';
  }
  if (gone.length > 0) await drainage.deleteRaw(place, places.bucketName, gone);
  return next;
}

/** The totals of all places into the exception's own record, as they are noted: telling them twice changes nothing. */
async function tell(services: Services, id: ExceptionId, subjects: readonly Subject[]): Promise<void> {
  const counts: Record<keyof FilterCounts, number> = { ...NO_COUNTS };
  for (const { place } of subjects) {
    const noted = await readRecord<DrainState>(services.store, drainKey(id, place));
    for (const [name, count] of Object.entries(noted?.value.counts ?? NO_COUNTS))
      counts[name as keyof FilterCounts] += count;
  }
  if (progress(counts) <= progress(subjects[0]?.record.filtered)) return;
  await amend(services, id, (record) => {
    const known = record.filtered;
    // An older run that comes late must not turn the figures back.
    if (progress(known) >= progress(counts)) return ok({ record });
    const dropped = counts.droppedBatches - (known?.droppedBatches ?? 0);
    const says = `${dropped} of what Bedrock delivered could not be filtered (damaged, over 100 MB unzipped or over 10,000 records) and was deleted unread; records of subjects may be lost with it. So far: ${countsText(counts)}`;
    return ok({
      record: { ...record, filtered: counts },
      ...(dropped > 0
        ? { events: [{ type: 'filter.dropped', actor: drainer, subject: id, data: { ...counts, says } }] }
        : {}),
    });
  });
}

/** What one run does, in memory until it is noted. */
class Work {
  readonly finished: ObjectVersion[] = [];
  state: DrainState;
  readonly #services: Services;
  readonly #subject: Subject;
  readonly #bodies: Map<string, ObjectVersion>;
  #key: string | undefined;

  constructor(services: Services, subject: Subject, before: DrainState, bodies: readonly ObjectVersion[]) {
    this.#services = services;
    this.#subject = subject;
    this.state = before;
    this.#bodies = new Map(bodies.map((body) => [body.key, body]));
  }

  async filterOne(version: ObjectVersion): Promise<void> {
    const { drainage, metadata } = this.#services;
    const { record, lease, place, places } = this.#subject;
    const { request } = record;
    const bytes = await drainage.readRaw(place, places.bucketName, version, MOST_UNZIPPED_BYTES);
    // Another run was faster; what it did is noted there, and this run's note will meet a conflict.
    if (bytes === undefined) return;
    const batch: FilteredBatch =
      bytes === 'too-large' ? { outcome: 'dropped', because: 'too-large' } : filterBatch(bytes, request);
    this.finished.push(version);
    if (batch.outcome === 'dropped') {
      this.#count({ droppedBatches: 1 });
      return;
    }
    const name = hashOfVersion(version);
    if (batch.kept.length > 0) {
      const key = `${places.vault}${version.key.slice(places.raw.length).replace(/\.json(\.gz)?$/, '')}-${name}.jsonl`;
      const text = `${batch.kept.join('\n')}\n`;
      await drainage.writeVault(
        place,
        places.bucketName,
        key,
        Buffer.from(text),
        lease.destination.kmsKeyArn,
      );
    }
    // Nobody kept metadata where the baseline keeps none: an exception does not begin to.
    if (lease.baseline.kind === 'metadata-only' && batch.metadata.length > 0)
      await metadata.pass(`${place.accountId}/${place.region}/${record.id}/${name}`, batch.metadata);
    await this.#countOthers(batch.others);
    const { leftOut } = batch;
    this.#count({
      batches: 1,
      kept: batch.kept.length,
      others: leftOut.others,
      otherModel: leftOut['other-model'],
      otherModality: leftOut['other-modality'],
      withoutIdentity: leftOut['without-identity'],
      unparsable: leftOut.unparsable,
      duplicates: leftOut.duplicate,
    });
    for (const address of batch.otherBodies) this.#deleteBody(this.#bodyKey(address));
    for (const address of batch.keptBodies) await this.#keepBody(this.#bodyKey(address));
  }

  /** What no batch of this run named: awaited by an earlier one, or nobody's for too long. */
  async settleBodies(now: EpochMs, when: 'meanwhile' | 'last'): Promise<void> {
    const awaited = new Set(this.state.awaited);
    const unnamed: Record<string, EpochMs> = {};
    for (const key of [...this.#bodies.keys()]) {
      const hash = hashOfKey(key);
      if (awaited.has(hash)) {
        await this.#keepBody(key);
        continue;
      }
      const since = Object.hasOwn(this.state.unnamed, hash) ? (this.state.unnamed[hash] ?? now) : now;
      if (when === 'last' || now - since >= BODY_WAITS) this.#deleteBody(key);
      else if (Object.keys(unnamed).length < MOST_REMEMBERED) unnamed[hash] = epochMs(since);
    }
    this.state = { ...this.state, unnamed };
  }

  /** Only what lies where Bedrock delivers for this exception; an address elsewhere is not followed. */
  #bodyKey(address: string): string | undefined {
    const { places } = this.#subject;
    const root = `s3://${places.bucketName}/`;
    const key = address.startsWith(root) ? address.slice(root.length) : '';
    return key.startsWith(places.raw) && isBody(key) ? key : undefined;
  }

  async #keepBody(key: string | undefined): Promise<void> {
    if (key === undefined) return;
    const { place, places, lease } = this.#subject;
    const body = this.#bodies.get(key);
    const hash = hashOfKey(key);
    const others = this.state.awaited.filter((each) => each !== hash);
    if (body === undefined) {
      this.state = { ...this.state, awaited: [...others, hash].slice(-MOST_REMEMBERED) };
      return;
    }
    const to = `${places.vault}${key.slice(places.raw.length)}`;
    const isThere = await this.#services.drainage.copyToVault(
      place,
      places.bucketName,
      body,
      to,
      lease.destination.kmsKeyArn,
    );
    this.#bodies.delete(key);
    this.state = { ...this.state, awaited: others };
    if (!isThere) return;
    this.finished.push(body);
    this.#count({ keptBodies: 1 });
  }

  #deleteBody(key: string | undefined): void {
    const body = key === undefined ? undefined : this.#bodies.get(key);
    if (body === undefined) return;
    this.#bodies.delete(body.key);
    this.finished.push(body);
    this.#count({ deletedBodies: 1 });
  }

  async #countOthers(found: ReadonlyMap<string, number>): Promise<void> {
    if (found.size === 0) return;
    const others = { ...this.state.others };
    this.#key ??= await keyOf(this.#services, this.#subject);
    for (const [identity, count] of found) {
      const hash = keyedHash(this.#key, identity);
      const isNew = !Object.hasOwn(others, hash);
      const name = isNew && Object.keys(others).length >= MOST_IDENTITIES ? 'more' : hash;
      others[name] = (others[name] ?? 0) + count;
    }
    this.state = { ...this.state, others };
    this.state = {
      ...this.state,
      counts: { ...this.state.counts, otherIdentities: Object.keys(others).length },
    };
  }

  #count(more: Partial<FilterCounts>): void {
    const counts: Record<keyof FilterCounts, number> = { ...this.state.counts };
    for (const [name, count] of Object.entries(more)) counts[name as keyof FilterCounts] += count;
    this.state = { ...this.state, counts };
  }
}

/** Made once, below the exception's own prefix and under its own key, so that it is purged and proven gone like everything there. */
async function keyOf({ drainage, ids }: Services, { place, places, lease }: Subject): Promise<string> {
  const { kmsKeyArn } = lease.destination;
  return drainage.readOrMakeKey(place, places.bucketName, places.key, ids.next(52), kmsKeyArn);
}

/** `data/` beside the batches of an hour. [known from readers of it, not documented in this detail] */
const isBody = (key: string): boolean => /\/data\/[^/]+$/.test(key);
const hashOfKey = (key: string): string => sha256Hex(key).slice(0, 16);
const hashOfVersion = ({ key, versionId }: ObjectVersion): string =>
  sha256Hex(`${versionId} ${key}`).slice(0, 16);

/**
 * What was delivered and never filtered, and the hashes of others: gone, whatever the drain says and whoever holds the exception. A legal
 * hold keeps what was captured of the subjects, never what lies in the raw prefix.
 */
export async function purgeRaw(services: Services, id: ExceptionId): Promise<void> {
  const { destinations, store } = services;
  const { value: record } = await requireException(store, id);
  if (!isFiltered(record.request)) return;
  for (const { destination, ...place } of placesOf(record.request)) {
    const places = filterPlaces(destination);
    if (places === undefined) continue;
    const { bucketName, raw } = places;
    const versions = (await destinations.listVersions(place, bucketName, raw)).filter(isContent);
    const uploads = await destinations.listUploads(place, bucketName, raw);
    if (uploads.length > 0) await destinations.abortUploads(place, bucketName, uploads);
    if (versions.length > 0) await destinations.deleteVersions(place, bucketName, versions);
    await tellUnread(services, id, place, versions.length);
    const noted = drainKey(id, place);
    const stored = await readRecord<DrainState>(store, noted);
    if (stored === undefined || Object.keys(stored.value.others).length === 0) continue;
    // A run that is faster has nothing left to count; the next purge forgets what it noted.
    const value = encode({ ...stored.value, others: {} });
    await store.commit([{ key: noted, expectedVersion: stored.version, value }]);
  }
}

async function tellUnread(
  { recorder }: Services,
  id: ExceptionId,
  place: Pair,
  versions: number,
): Promise<void> {
  if (versions === 0) return;
  const says = `${versions} raw versions in ${placeText(place)} that were never filtered were deleted unread; records of subjects may be lost with them`;
  await recorder.record({
    type: 'filter.purged-unread',
    actor: drainer,
    subject: id,
    data: { versions, says },
  });
}

const progress = (counts: FilterCounts | undefined): number =>
  counts === undefined
    ? 0
    : counts.batches + counts.droppedBatches + counts.keptBodies + counts.deletedBodies;
