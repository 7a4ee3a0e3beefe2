import {
  type DurationMs,
  durationMs,
  type EpochMs,
  type EventActor,
  type ExceptionId,
  epochMs,
  formatDuration,
  formatInstant,
  MINUTE,
  ok,
  SECOND,
} from '../core/index.ts';
import {
  amend,
  certificateStatement,
  durationOf,
  type ExceptionRecord,
  endOf,
  isWithin,
  type Lease,
  leaseOf,
  nextState,
  readLeaseRow,
  requireException,
  signStatement,
  storesContent,
} from '../exceptions/index.ts';
import type { Pair, Services } from './ports.ts';
import { isEmptyListing, list, purge } from './purge.ts';
import { reopen } from './reconcile.ts';
import { markEnding } from './start-ending.ts';
import { describeObserved, switchOff } from './switch-off.ts';

/*
 * The steps of the ending workflow (workflows/prompt-storage-ending.asl.yml). Each is idempotent and says where to go next, so
 * the workflow holds no rules of its own.
 */

const ending: EventActor = { id: 'ending-workflow', kind: 'workflow' };

async function subjectOf(
  services: Services,
  id: ExceptionId,
): Promise<{ record: ExceptionRecord; lease: Lease; pair: Pair }> {
  const { value: record } = await requireException(services.store, id);
  const pair = { accountId: record.request.accountId, region: record.request.region };
  const lease = leaseOf((await readLeaseRow(services.store, pair.accountId, pair.region))?.value, id);
  if (lease === undefined) throw new Error(`exception \`${id}\` has no lease`);
  return { record, lease, pair };
}

/** Step Functions drops the milliseconds of a Wait's timestamp: rounded up, or the wait would end before its instant. */
const waitText = (at: EpochMs): string => formatInstant(epochMs(Math.ceil(at / SECOND) * SECOND));

export type PutBaselineStep = { readonly next: 'retry' | 'drain'; readonly at: string };

/** Baseline, read back, and again until it is off and settled. */
export async function putBaselineStep(
  services: Services,
  id: ExceptionId,
  instant: EpochMs,
): Promise<PutBaselineStep> {
  await markEnding(services, id);
  const { record, lease, pair } = await subjectOf(services, id);
  if (record.state !== 'ending')
    return { next: 'drain', at: waitText(record.drainUntil ?? services.clock.now()) };
  const result = await switchOff(services, pair, lease, ending, instant);
  if (!result.isSettled) return { next: 'retry', at: formatInstant(result.retryAt) };
  const after = await requireException(services.store, id);
  return { next: 'drain', at: waitText(after.value.drainUntil ?? services.clock.now()) };
}

export type PurgeStep = { readonly next: 'list' | 'off-again' };

/** Purges after the quiet time. Goes back to switching off if the destination receives again. */
export async function purgeStep(services: Services, id: ExceptionId): Promise<PurgeStep> {
  if (await isOnAgain(services, id)) return { next: 'off-again' };
  const { lease, pair } = await subjectOf(services, id);
  await amend(services, id, (record) => {
    const purging = nextState(record.state, 'drained');
    return ok({ record: { ...record, state: purging.ok ? purging.value : record.state, emptyListings: [] } });
  });
  await services.recorder.record({
    type: 'purge.intended',
    actor: ending,
    subject: id,
    data: { says: 'deleting everything that was captured' },
  });
  const counts = await purge(services.destinations, pair, lease.destination);
  const says = `deleted ${counts.versions} versions (${counts.bytes} bytes), ${counts.uploads} open uploads, ${counts.logGroups} log groups`;
  await amend(services, id, (record) => {
    const before = record.purged ?? { versions: 0, bytes: 0, uploads: 0, logGroups: 0 };
    const purged = {
      versions: before.versions + counts.versions,
      bytes: before.bytes + counts.bytes,
      uploads: before.uploads + counts.uploads,
      logGroups: before.logGroups + counts.logGroups,
    };
    const events = [{ type: 'purge.done', actor: ending, subject: id, data: { ...counts, says } }];
    return ok({ record: { ...record, purged }, events });
  });
  return { next: 'list' };
}

export type ListStep = { readonly next: 'wait' | 'proven' | 'purge' | 'off-again'; readonly at: string };

/**
 * INVARIANT (PURGE_PROVEN): two empty listings at least `secondListingAfter` apart, nothing found in between. A find restarts the
 * pair. Past the retention the purge is overdue, and the certificate will say so.
 */
export async function listStep(services: Services, id: ExceptionId): Promise<ListStep> {
  const { clock, policyInForce, destinations } = services;
  if (await isOnAgain(services, id)) return { next: 'off-again', at: formatInstant(clock.now()) };
  const { record, lease, pair } = await subjectOf(services, id);
  const now = clock.now();
  const { policy } = await policyInForce.current();
  const gap = durationOf(policy.exceptions.purge.secondListingAfter);
  const first = record.emptyListings[0];
  if (first !== undefined && now < first.at + gap)
    return { next: 'wait', at: waitText(epochMs(first.at + gap)) };

  const listing = await list(destinations, pair, lease.destination, now);
  const isEmpty = isEmptyListing(listing);
  const isOverdue = isPastRetention(record, lease, now);
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

/** The clock of a record runs from the attempt to enable: content can be there although the answer to the Put was lost. */
export function isPastRetention(record: ExceptionRecord, lease: Lease, now: EpochMs): boolean {
  const since = record.enabledAt ?? lease.enabling?.at;
  return since !== undefined && now > since + record.request.retention;
}

/** Signs the certificate and closes; a contested exception waits for a person instead. */
export async function closeStep(
  services: Services,
  id: ExceptionId,
): Promise<{ result: 'closed' | 'needs-signature' }> {
  const { record } = await subjectOf(services, id);
  if (record.state === 'closed' || record.state === 'closed-unproven') return { result: 'closed' };
  if (record.contested !== undefined) {
    await services.recorder.record({
      type: 'exception.needs-signature',
      actor: ending,
      subject: id,
      data: {
        says: 'our locations are listed empty, but somebody else’s setting stored content elsewhere during the lease; Legal or Security must close it with a reason',
      },
    });
    return { result: 'needs-signature' };
  }
  await closeWithCertificate(services, id, 'close', ending);
  return { result: 'closed' };
}

/** @returns false when the state refuses (`close-unproven` before content storage was read back as off) */
export async function closeWithCertificate(
  services: Services,
  id: ExceptionId,
  event: 'close' | 'close-unproven',
  actor: EventActor,
  reason?: string,
): Promise<boolean> {
  const { record, lease } = await subjectOf(services, id);
  const closed = nextState(record.state, event);
  if (!closed.ok || (event === 'close-unproven' && lease.offAt === undefined)) return false;
  const closedAt = services.clock.now();
  const statement = certificateStatement(
    { ...record, state: closed.value, ...(reason === undefined ? {} : { reason }) },
    lease,
    closedAt,
    actor.id,
  );
  const certificate = await signStatement(services.signer, statement);
  await services.certificates.save(id, certificate);
  let isClosed = false;
  const says = `${closed.value === 'closed' ? 'closed' : `closed without proof: ${reason ?? ''}`}; certificate ${certificate.statementHash.slice(0, 12)} signed`;
  const amended = await amend(services, id, (current) => {
    const next = nextState(current.state, event);
    isClosed = next.ok;
    // Found on again since it was read: the certificate that was saved is named by nothing.
    if (!next.ok) return ok({ record: current });
    return ok({
      events: [
        {
          type: `exception.${next.value}`,
          actor,
          subject: id,
          data: { certificate: certificate.statementHash, says },
        },
      ],
      record: {
        ...current,
        state: next.value,
        ...(reason === undefined ? {} : { reason }),
        certificate: { hash: certificate.statementHash, keyId: certificate.signature.keyId },
      },
    });
  });
  return amended.ok && isClosed;
}

/** Whether the setting points at this exception's destination again; if so, its proof starts over. Unreadable counts as a fault. */
async function isOnAgain(services: Services, id: ExceptionId): Promise<boolean> {
  const { record, lease, pair } = await subjectOf(services, id);
  if (record.state === 'ending') return true;
  const observed = await services.settings.getInvocationLogging(pair);
  if (observed.kind === 'unobservable')
    throw new Error(`the setting ${describeObserved(observed)}; a purge proves nothing while it may be on`);
  if (
    observed.kind === 'absent' ||
    !storesContent(observed.value) ||
    !isWithin(observed.value, lease.configuration)
  )
    return false;
  await reopen(services, id, ending);
  return true;
}

/** How long an exception was on beyond its lease, to the read-back; zero when it was in time. */
export function overdueOf(record: ExceptionRecord, lease: Lease): DurationMs {
  return durationMs(record.offAt === undefined ? 0 : Math.max(0, record.offAt - endOf(lease)));
}

export const describeOverdue = (length: DurationMs): string =>
  length < MINUTE ? 'in time' : formatDuration(length);
