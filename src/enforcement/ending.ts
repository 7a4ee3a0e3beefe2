import pMap from 'p-map';
import {
  type DurationMs,
  durationMs,
  type EpochMs,
  type EventActor,
  type ExceptionId,
  epochMs,
  formatDuration,
  formatInstant,
  HOUR,
  MINUTE,
  ok,
  SECOND,
} from '../core/index.ts';
import {
  allOffSince,
  amend,
  certificateStatement,
  durationOf,
  type ExceptionRecord,
  endOf,
  hasSeveralPlaces,
  holdOf,
  isFiltered,
  isHeld,
  isPastRetention,
  isTerminal,
  isUnsettled,
  type Listing,
  mayPurgeHeld,
  nextState,
  PLACES_AT_ONCE,
  type PlacedLease,
  placeText,
  reaches,
  readLeases,
  releasedVaults,
  requireException,
  sayingWhere,
  signStatement,
  storesContent,
} from '../exceptions/index.ts';
import { notedContest } from './contest.ts';
import { purgeRaw } from './drain.ts';
import { moveHeld } from './hold-vault.ts';
import { deleteKeyMaterial, describeKeyMaterial } from './key-material.ts';
import type { Services } from './ports.ts';
import { addCounts, isEmptyListing, list, NOTHING_MAY_GO, NOTHING_PURGED, purge } from './purge.ts';
import { readsOf } from './reads.ts';
import { allOf, reopen } from './reconcile.ts';
import { pullSecondLever, secondLeverDue } from './second-lever.ts';
import { isSuperseded, markEnding } from './start-ending.ts';
import { describeObserved, markForeign, type SwitchOffResult, switchOff } from './switch-off.ts';

/*
 * The steps of the ending workflow (workflows/prompt-storage-ending.asl.yml). Each is idempotent and says where to go next, so
 * the workflow holds no rules of its own.
 */

const ending: EventActor = { id: 'ending-workflow', kind: 'workflow' };

async function subjectOf(
  services: Services,
  id: ExceptionId,
): Promise<{ record: ExceptionRecord; leases: readonly PlacedLease[] }> {
  const { value: record } = await requireException(services.store, id);
  const leases = await readLeases(services.store, record);
  if (leases.length === 0) throw new Error(`exception \`${id}\` has no lease`);
  return { record, leases };
}

/** Step Functions drops the milliseconds of a Wait's timestamp: rounded up, or the wait would end before its instant. */
const waitText = (at: EpochMs): string => formatInstant(epochMs(Math.ceil(at / SECOND) * SECOND));

/** `done`: a person closed it meanwhile (or, when purging and listing, Legal holds it); nothing is written into a closed record. */
/** `filter`: after the quiet time the drain runs a last time, before the purge. */
export interface PutBaselineStep {
  readonly next: 'retry' | 'drain' | 'filter' | 'done';
  readonly at: string;
  /** Whole seconds until the next try, 30 to 300; a length, because the clock of whoever waits is another. 0: there is none. */
  readonly wait: number;
}

/** Baseline at every place, read back, and again until all are off and settled. A place that fails keeps no other from being switched off. */
export async function putBaselineStep(
  services: Services,
  id: ExceptionId,
  instant: EpochMs,
): Promise<PutBaselineStep> {
  await markEnding(services, id);
  const { record, leases } = await subjectOf(services, id);
  if (isTerminal(record.state)) return { next: 'done', at: waitText(services.clock.now()), wait: 0 };
  const next = isFiltered(record.request) ? 'filter' : 'drain';
  if (record.state !== 'ending')
    return { next, at: waitText(record.drainUntil ?? services.clock.now()), wait: 0 };
  const faults: unknown[] = [];
  const results: SwitchOffResult[] = [];
  // One that was settled meanwhile says so by itself; without any, the state is about to move on.
  const unsettled = leases.filter(({ lease }) => isUnsettled(lease));
  await pMap(
    unsettled.length === 0 ? leases.slice(0, 1) : unsettled,
    async ({ lease, ...place }) => {
      try {
        const result = await switchOff(services, place, lease, ending, instant);
        results.push(result);
        if (!result.isOff) await pullSecondLever(services, place, id, ending, services.clock.now());
      } catch (error) {
        faults.push(error);
      }
    },
    { concurrency: PLACES_AT_ONCE },
  );
  if (faults.length > 0) throw faults[0];
  const result = allOf(results);
  if (!result.isSettled) {
    const now = services.clock.now();
    // The second lever is pulled by this step too, and does not wait for a try that is far off.
    const dues = unsettled.map(({ lease }) => secondLeverDue(lease)).filter((due) => due > now);
    const wait = Math.max(30 * SECOND, Math.min(result.retryAt, ...dues) - now);
    return { next: 'retry', at: formatInstant(result.retryAt), wait: Math.ceil(wait / SECOND) };
  }
  const after = await requireException(services.store, id);
  return { next, at: waitText(after.value.drainUntil ?? services.clock.now()), wait: 0 };
}

export type PurgeStep = { readonly next: 'list' | 'off-again' | 'done' };

/** Purges after the quiet time. Goes back to switching off if the destination receives again. */
export async function purgeStep(services: Services, id: ExceptionId): Promise<PurgeStep> {
  if (await isClosed(services, id)) return { next: 'done' };
  if (await isOnAgain(services, id)) return { next: 'off-again' };
  const { record: begun, leases } = await subjectOf(services, id);
  await purgeRaw(services, id);
  const moved = await moveHeld(services, id, ending);
  let waits = false;
  let isUnderHold = false;
  let released: Pick<ExceptionRecord, 'holds'> = {};
  // Decided in the commit that begins the purge: a hold that comes first wins, one that comes later is told that it is late.
  await amend(services, id, (record) => {
    const hold = holdOf(record);
    isUnderHold = hold !== undefined;
    waits = hold !== undefined && (hold.at !== moved?.hold.at || !mayPurgeHeld(record));
    released = record;
    if (waits) return ok({ record });
    const purging = nextState(record.state, 'drained');
    return ok({ record: { ...record, state: purging.ok ? purging.value : record.state, emptyListings: [] } });
  });
  if (waits) return { next: 'done' };
  await services.recorder.record({
    type: 'purge.intended',
    actor: ending,
    subject: id,
    data: {
      says: isUnderHold
        ? 'deleting what was captured and is not on legal hold, or stands in its vault'
        : 'deleting everything that was captured',
    },
  });
  // Noted place by place: what was deleted is counted although the next place fails.
  for (const [index, { lease, ...place }] of leases.entries()) {
    const counts = await purge(
      services.destinations,
      place,
      lease.destination,
      releasedVaults(released, index),
      isUnderHold ? (moved?.mayDelete[index] ?? NOTHING_MAY_GO) : undefined,
    );
    const did = `deleted ${counts.versions} versions (${counts.bytes} bytes), ${counts.uploads} open uploads, ${counts.logGroups} log groups`;
    const says = sayingWhere(begun.request, place, did);
    await amend(services, id, (record) => {
      const purged = addCounts(record.purged ?? NOTHING_PURGED, counts);
      const events = [{ type: 'purge.done', actor: ending, subject: id, data: { ...counts, says } }];
      return ok({ record: { ...record, purged, purgedAt: services.clock.now() }, events });
    });
  }
  return { next: 'list' };
}

/** `early`: the second listing is not due yet by the clock here, although the wait is over (a slow clock): look again shortly. */
export type ListStep = {
  readonly next: 'wait' | 'early' | 'proven' | 'purge' | 'off-again' | 'superseded' | 'done';
  readonly at: string;
};

/**
 * INVARIANT (PURGE_PROVEN): two empty listings at least `secondListingAfter` apart, nothing found in between. A find restarts the
 * pair. Past the retention the purge is overdue, and the certificate will say so.
 *
 * @param execution - the name of the execution that asks; undefined of one that began with an earlier version
 * @returns `superseded` where another execution began the proof anew meanwhile: this one has nothing left to do
 */
export async function listStep(services: Services, id: ExceptionId, execution?: string): Promise<ListStep> {
  const { clock, destinations } = services;
  if (await isClosed(services, id)) return { next: 'done', at: formatInstant(clock.now()) };
  const begun = await requireException(services.store, id);
  if (isSuperseded(begun.value, execution)) return { next: 'superseded', at: formatInstant(clock.now()) };
  if (await isOnAgain(services, id)) return { next: 'off-again', at: formatInstant(clock.now()) };
  const { record, leases } = await subjectOf(services, id);
  // Found on again and switched off by another detector while this waited: the quiet time and the purge start over.
  if (record.state === 'draining') return { next: 'off-again', at: formatInstant(clock.now()) };
  const now = clock.now();
  if (isHeld(record) && !mayPurgeHeld(record)) return { next: 'done', at: formatInstant(now) };
  const gap = await gapOf(services);
  const first = record.emptyListings[0];
  if (first !== undefined && now < first.at + gap)
    return { next: 'early', at: waitText(epochMs(first.at + gap)) };

  const listing = await listEverywhere(destinations, record, leases, now);
  const isEmpty = isEmptyListing(listing);
  const isOverdue = isPastRetention(record, leases, now);
  const found = listing.versions + listing.deleteMarkers + listing.uploads + listing.logGroups;
  const says = `${isEmpty ? 'nothing' : `${found} things still`} listed at ${listing.locations.join(' and ')}${isOverdue ? '; the purge is overdue' : ''}`;
  await amend(services, id, (current) =>
    ok({
      events: [{ type: 'purge.listed', actor: ending, subject: id, data: { ...listing, isEmpty, says } }],
      record: {
        ...current,
        emptyListings: isEmpty ? [...current.emptyListings, listing] : [],
        ...(isOverdue ? { isPurgeOverdue: true } : {}),
      },
    }),
  );
  if (!isEmpty) return { next: 'purge', at: formatInstant(now) };
  return first === undefined
    ? { next: 'wait', at: waitText(epochMs(now + gap)) }
    : { next: 'proven', at: formatInstant(now) };
}

/** One look at every location of every place: only together do they prove anything. */
async function listEverywhere(
  destinations: Services['destinations'],
  record: ExceptionRecord,
  leases: readonly PlacedLease[],
  at: EpochMs,
): Promise<Listing> {
  const { request } = record;
  const sum: { -readonly [K in keyof Omit<Listing, 'at' | 'locations'>]: number } = {
    versions: 0,
    deleteMarkers: 0,
    uploads: 0,
    logGroups: 0,
  };
  const locations: string[] = [];
  for (const [index, { lease, ...place }] of leases.entries()) {
    const vaults = releasedVaults(record, index);
    const {
      at: _at,
      locations: there,
      ...counts
    } = await list(destinations, place, lease.destination, at, vaults);
    // A log group's name is its own in one account and Region only.
    locations.push(
      ...there.map((location) =>
        hasSeveralPlaces(request) ? `${location} (${placeText(place)})` : location,
      ),
    );
    for (const kind of Object.keys(sum) as (keyof typeof sum)[]) sum[kind] += counts[kind];
  }
  return { at, locations, ...sum };
}

/** How long after the second listing its result may still be certified. */
const LISTING_HOLDS = HOUR;

/** The guard of `close`: two empty listings, far enough apart, the last one fresh. */
function isProven({ emptyListings }: ExceptionRecord, gap: DurationMs, now: EpochMs): boolean {
  const [first, last] = [emptyListings[0], emptyListings.at(-1)];
  return (
    first !== undefined && last !== undefined && last.at >= first.at + gap && now <= last.at + LISTING_HOLDS
  );
}

const gapOf = async ({ policyInForce }: Services): Promise<DurationMs> =>
  durationOf((await policyInForce.current()).policy.exceptions.purge.secondListingAfter);

/** Signs the certificate and closes; a contested exception waits for a person instead. */
export async function closeStep(
  services: Services,
  id: ExceptionId,
): Promise<{ result: 'closed' | 'needs-signature' | 'list-again' | 'held' }> {
  const { record } = await subjectOf(services, id);
  if (isTerminal(record.state)) return { result: 'closed' };
  // The execution ends; the release, or the sweeper after it, starts the next one.
  if (isHeld(record)) return { result: 'held' };
  if (!isProven(record, await gapOf(services), services.clock.now())) return { result: 'list-again' };
  const closing = await closeWithCertificate(services, id, 'close', ending);
  if (closing === 'contested') {
    await services.recorder.record({
      type: 'exception.needs-signature',
      key: `needs-signature/${id}/${record.emptyListings[0]?.at ?? 0}`,
      actor: ending,
      subject: id,
      data: {
        says: 'our locations are listed empty, but somebody else’s setting stored content elsewhere during the lease; Legal or Security must close it with a reason',
      },
    });
    return { result: 'needs-signature' };
  }
  // The state may have changed since it was read: listing decides anew where to go.
  return { result: closing === 'closed' ? 'closed' : 'list-again' };
}

/** Marks the exception with what was seen while its table refused the mark. A record that cannot be read proves nothing: it is thrown. */
async function markNoted(services: Services, id: ExceptionId): Promise<void> {
  const { record, leases } = await subjectOf(services, id);
  if (isTerminal(record.state) || record.contested !== undefined) return;
  for (const { lease, ...place } of leases.filter((each) => each.lease.enabling !== undefined)) {
    const observed = await notedContest(services, place, id);
    if (observed !== undefined) await markForeign(services, place, lease, ending, observed);
  }
}

/**
 * Signs the certificate of what is closed, over everything that the exception and the record of events hold.
 *
 * @returns `refused` when the state refuses (`close-unproven` before content storage was read back as off); `contested`: somebody else's setting
 *   stored content during the lease, and it can only be closed without proof
 */
export async function closeWithCertificate(
  services: Services,
  id: ExceptionId,
  event: 'close' | 'close-unproven',
  actor: EventActor,
  reason?: string,
): Promise<'closed' | 'contested' | 'refused'> {
  await markNoted(services, id);
  const { record, leases } = await subjectOf(services, id);
  if (event === 'close' && record.contested !== undefined) return 'contested';
  const isOff = leases.every(({ lease }) => !isUnsettled(lease)) && allOffSince(leases) !== undefined;
  const closed = nextState(record.state, event);
  if (!closed.ok || isHeld(record) || (event === 'close-unproven' && !isOff)) return 'refused';
  const closedAt = services.clock.now();
  // INVARIANT (PURGE_PROVEN): a key goes only after the proof; what is closed without one may still need it.
  const keyMaterial = event === 'close' ? await deleteKeyMaterial(services, record, leases) : undefined;
  const keys = keyMaterial === undefined ? {} : { keyMaterial };
  const statement = certificateStatement(
    { ...record, ...keys, state: closed.value, ...(reason === undefined ? {} : { reason }) },
    leases,
    closedAt,
    actor.id,
    await readsOf(services, record),
  );
  const certificate = await signStatement(services.signer, statement);
  await services.certificates.save(id, certificate);
  let isClosed = false;
  const says = `${closed.value === 'closed' ? 'closed' : `closed without proof: ${reason ?? ''}`}; certificate ${certificate.statementHash.slice(0, 12)} signed`;
  const amended = await amend(services, id, (current) => {
    const next = nextState(current.state, event);
    isClosed = next.ok && !isHeld(current);
    // Found on again since it was read: the certificate that was saved is named by nothing.
    if (!next.ok || !isClosed) return ok({ record: current });
    return ok({
      events: [
        ...(keyMaterial ?? []).map((each) => ({
          type: each.scheduledAt === undefined ? 'key.kept' : 'key.deletion-scheduled',
          actor,
          subject: id,
          data: { ...each, says: `key ${describeKeyMaterial(each)}` },
        })),
        {
          type: `exception.${next.value}`,
          actor,
          subject: id,
          data: { certificate: certificate.statementHash, says },
        },
      ],
      record: {
        ...current,
        ...keys,
        state: next.value,
        ...(reason === undefined ? {} : { reason }),
        certificate: { hash: certificate.statementHash, keyId: certificate.signature.keyId },
      },
    });
  });
  return amended.ok && isClosed ? 'closed' : 'refused';
}

const isClosed = async (services: Services, id: ExceptionId): Promise<boolean> =>
  isTerminal((await requireException(services.store, id)).value.state);

/**
 * Whether a setting points at this exception's destination again; if so, its proof starts over. Every place is looked at before one that cannot be
 * read counts as a fault.
 */
async function isOnAgain(services: Services, id: ExceptionId): Promise<boolean> {
  const { record, leases } = await subjectOf(services, id);
  if (record.state === 'ending') return true;
  let isOn = false;
  let fault: string | undefined;
  for (const { lease, ...place } of leases.filter((each) => each.lease.enabling !== undefined)) {
    const observed = await services.settings.getInvocationLogging(place);
    if (observed.kind === 'unobservable')
      fault = sayingWhere(record.request, place, `the setting ${describeObserved(observed)}`);
    if (
      observed.kind !== 'observed' ||
      !storesContent(observed.value) ||
      !reaches(observed.value, lease.destination)
    )
      continue;
    await reopen(services, id, place, ending);
    isOn = true;
  }
  if (isOn) return true;
  if (fault !== undefined) throw new Error(`${fault}; a purge proves nothing while it may be on`);
  return false;
}

/** How long the exception was on beyond its lease, to the read-back, where it was longest; zero when it was in time. */
export function overdueOf(record: ExceptionRecord, leases: readonly PlacedLease[]): DurationMs {
  return durationMs(
    Math.max(
      0,
      ...leases.flatMap(({ lease }) => {
        const offAt = lease.offAt ?? record.offAt;
        return offAt === undefined || lease.enabling === undefined ? [] : [offAt - endOf(lease)];
      }),
    ),
  );
}

export const describeOverdue = (length: DurationMs): string =>
  length < MINUTE ? 'in time' : formatDuration(length);
