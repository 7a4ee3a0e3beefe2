import {
  DAY,
  type DomainEvent,
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
import type { LoggingConfiguration, Observation } from '../evidence/index.ts';
import {
  AwsCallError,
  allOffSince,
  amend,
  type BaselineConfiguration,
  durationOf,
  type ExceptionRecord,
  endOf,
  factsAt,
  hasSeveralPlaces,
  isNamedAfter,
  isOwnPut,
  isSamePlace,
  isUnsettled,
  isWithin,
  type Lease,
  type LeaseRows,
  leaseOf,
  leasesOf,
  nextState,
  type PlaceFacts,
  placesText,
  placeText,
  readException,
  readLeaseRow,
  sayingWhere,
  storesContent,
  withContest,
  withFacts,
  withInterference,
  withLeases,
} from '../exceptions/index.ts';
import { noteContest } from './contest.ts';
import type { Pair, Services } from './ports.ts';

export interface SwitchOffResult {
  /** Read back from AWS; false also when reading was refused: unknown is not off. */
  readonly isOff: boolean;
  /** Off, and no Put of ours can still land. */
  readonly isSettled: boolean;
  /** When to look again, if not settled. */
  readonly retryAt: EpochMs;
  readonly says: string;
}

/**
 * Between two tries while AWS refuses, at least and at most. The most is what can pass after AWS refuses no more; with it an execution's history
 * (25,000 events, *Service quotas* of AWS Step Functions) lasts for a week and not for a day.
 */
const FIRST_RETRY = durationMs(30 * SECOND);
const LAST_RETRY = durationMs(5 * MINUTE);

/** Until the next try, after switching off has failed for so long: a quarter of that, so that for ever costs little and a short refusal stays short. */
export const backoff = (failingFor: number): DurationMs =>
  durationMs(Math.min(LAST_RETRY, Math.max(FIRST_RETRY, Math.ceil(failingFor / 4))));

/**
 * Puts the pair back to its baseline and reads back. Idempotent; has no precondition (INVARIANT OFF_NEEDS_NOTHING).
 * Intent is recorded before, the result after; a crash in between leaves the open intent for the next detector.
 */
export async function switchOff(
  services: Services,
  pair: Pair,
  lease: Pick<Lease, 'exceptionId' | 'baseline'>,
  actor: EventActor,
  instant: EpochMs,
): Promise<SwitchOffResult> {
  const { settings, clock } = services;
  const subject = lease.exceptionId;
  const read = await presentLease(services, pair, subject);
  const present = read === 'unreadable' ? undefined : read;
  if (present?.offAt !== undefined)
    return { isOff: true, isSettled: true, retryAt: clock.now(), says: 'off since earlier; nothing to do' };
  // The intent of a failure that goes on is on record; each attempt is told no more often than the failure itself.
  const isQuiet = !isToldAgain(await overdueOf(services, pair, subject), clock.now());
  // Looked at first: putting the baseline would wipe out the only trace of somebody else's content.
  const before = await settings.getInvocationLogging(pair);
  if (!isQuiet)
    await keepEvent(services, subject, {
      type: 'enforcement.intended',
      actor,
      subject,
      data: {
        ...pair,
        baseline: lease.baseline.kind,
        says: `${actor.id}: returning ${pair.accountId}, ${pair.region} to the baseline (${lease.baseline.kind})`,
      },
    });
  await noteForeign(services, pair, present, before, actor);
  const noting = read === 'unreadable' ? noteUnleased(services, pair, subject, before, actor) : undefined;
  const { failure, isBaselineMissing } = await putBaseline(services, pair, lease.baseline);
  const observed = await settings.getInvocationLogging(pair);
  const seen = observed.kind === 'observed' ? observed.value : undefined;
  const isOff = readsAsOff(observed, lease.baseline, failure);
  const now = clock.now();
  if (!isQuiet || isOff)
    await keepEvent(services, subject, {
      type: 'enforcement.read-back',
      actor,
      subject,
      data: {
        ...pair,
        isOff,
        ...(failure ? { failure } : {}),
        observed: describeObserved(observed),
        says: readBackSays(isOff, observed, failure),
      },
    });
  if (!isOff) {
    const since = await recordOverdue(services, pair, subject, actor, now);
    return {
      isOff,
      isSettled: false,
      retryAt: epochMs(now + backoff(now - since)),
      says: readBackSays(isOff, observed, failure),
    };
  }
  // It is off. What was seen and could not be kept is told by the failure.
  const lost = await noting;
  if (lost !== undefined) throw lost;
  return settle(services, pair, subject, actor, instant, {
    settingAfter: seen ?? null,
    ...(isBaselineMissing ? { isBaselineMissing } : {}),
  });
}

/** Since when switching off fails; unknown where the table cannot be read, and then everything is told. */
async function overdueOf(services: Services, pair: Pair, id: ExceptionId): Promise<PlaceFacts['overdue']> {
  try {
    const record = (await readException(services.store, id))?.value;
    return record && factsAt(record, pair).overdue;
  } catch {
    return undefined;
  }
}

/** The lease as it stands. A table that cannot be read is no reason to keep anything on, and no lease is another answer than none known. */
async function presentLease(
  services: Services,
  pair: Pair,
  id: ExceptionId,
): Promise<Lease | undefined | 'unreadable'> {
  try {
    return leaseOf((await readLeaseRow(services.store, pair.accountId, pair.region))?.value, id);
  } catch {
    return 'unreadable';
  }
}

/**
 * Records an event; if the recorder fails, the event waits in the exception's outbox. A record that cannot be written at all does
 * not keep content storage on: the next attempt writes events of its own.
 */
export async function keepEvent(services: Services, id: ExceptionId, event: DomainEvent): Promise<void> {
  try {
    await services.recorder.record(event);
  } catch {
    await amend(services, id, (record) => ok({ record, events: [event] })).catch(() => undefined);
  }
}

/**
 * Content that somebody else's setting stored while the lease was ours to end stands where we do not look: the exception is marked,
 * and can then be closed only without proof (PURGE_PROVEN).
 */
async function noteForeign(
  services: Services,
  pair: Pair,
  lease: Lease | undefined,
  before: Observation<LoggingConfiguration>,
  actor: EventActor,
): Promise<void> {
  if (lease?.enabling === undefined || before.kind !== 'observed') return;
  if (isWithin(before.value, lease.configuration) || isOwnPut(before.value, lease.configuration)) return;
  const observed = describeObserved(before);
  // Neither a table nor a record that refuses keeps anything on (OFF_NEEDS_NOTHING).
  await markForeign(services, pair, lease, actor, observed).catch(() =>
    noteContest(services, pair, lease.exceptionId, actor, observed).catch(() => undefined),
  );
}

/**
 * As `noteForeign`, for whoever cannot read the lease: whose content it is, is told by the exception's id alone. A following exception's setting
 * is noted too, which asks for a signature too many. Begun before the baseline is put and waited for after it: the table that failed is not all
 * that can fail, and nothing that switches off waits for a record (OFF_NEEDS_NOTHING).
 *
 * @param before - what was set before the baseline is put
 * @returns what kept it from being noted; undefined: noted, or nothing to note
 */
export async function noteUnleased(
  services: Services,
  pair: Pair,
  id: ExceptionId,
  before: Observation<LoggingConfiguration>,
  actor: EventActor,
): Promise<unknown> {
  if (before.kind !== 'observed' || !storesContent(before.value) || isNamedAfter(before.value, id))
    return undefined;
  return noteContest(services, pair, id, actor, describeObserved(before)).catch(
    (error: unknown) => error ?? new Error('unknown'),
  );
}

/** Marks the exception with what others had set there, unless it is marked. */
export async function markForeign(
  services: Services,
  pair: Pair,
  lease: Pick<Lease, 'exceptionId' | 'startsAt' | 'enabling'>,
  actor: EventActor,
  observed: string,
): Promise<void> {
  const subject = lease.exceptionId;
  const since = lease.enabling?.at ?? lease.startsAt;
  const { accountId, region } = pair;
  const says = `somebody else’s setting was found at the end (${observed}); what it stored elsewhere is theirs`;
  const data = { accountId, region, observed, says };
  const event = { type: 'exception.contested', actor, subject, data };
  await amend(services, subject, (record) =>
    ok(
      record.contested === undefined
        ? {
            record: withInterference(
              withContest(record, {
                at: services.clock.now(),
                observed: sayingWhere(record.request, pair, observed),
              }),
              { ...placeIn(record, pair), foundAt: services.clock.now(), found: 'changed', since },
            ),
            events: [event],
          }
        : { record },
    ),
  );
}

/** Where somebody else's change was found, as `Interference` keeps it. */
export const placeIn = (
  { request }: Pick<ExceptionRecord, 'request'>,
  { accountId, region }: Pair,
): { readonly place?: Pair } =>
  isSamePlace(request, { accountId, region }) ? {} : { place: { accountId, region } };

/** Metadata-only is put where the lease carries it; if that fails, nothing at all is still better than content. */
export async function putBaseline(
  { settings }: Services,
  pair: Pair,
  baseline: BaselineConfiguration,
): Promise<{ readonly failure?: string; readonly isBaselineMissing: boolean }> {
  try {
    if (baseline.kind === 'metadata-only') {
      try {
        await settings.putInvocationLogging(pair, baseline.configuration, 10_000);
        return { isBaselineMissing: false };
      } catch (error) {
        await settings.deleteInvocationLogging(pair);
        return {
          isBaselineMissing: true,
          failure: `the metadata-only baseline could not be put (${nameOf(error)}); the configuration was deleted instead`,
        };
      }
    }
    await settings.deleteInvocationLogging(pair);
    return { isBaselineMissing: false };
  } catch (error) {
    return { failure: nameOf(error), isBaselineMissing: baseline.kind === 'metadata-only' };
  }
}

/**
 * Whether what AWS shows after `putBaseline` is off. Unknown is not off. A metadata-only baseline that was just put may read back with
 * flags left out.
 */
export function readsAsOff(
  observed: Observation<LoggingConfiguration>,
  baseline: BaselineConfiguration,
  failure: string | undefined,
): boolean {
  if (observed.kind !== 'observed') return observed.kind === 'absent';
  const isOwnBaseline =
    failure === undefined &&
    baseline.kind === 'metadata-only' &&
    isOwnPut(observed.value, baseline.configuration);
  return isOwnBaseline || !storesContent(observed.value);
}

const nameOf = (error: unknown): string =>
  error instanceof AwsCallError ? error.code : error instanceof Error ? error.name : 'unknown';

/**
 * Notes that the place is off, once no Put of ours can land there any more. With the last place the exception moves on to draining in the same
 * commit; until then it is ending.
 */
async function settle(
  services: Services,
  pair: Pair,
  id: ExceptionId,
  actor: EventActor,
  instant: EpochMs,
  after: Pick<PlaceFacts, 'settingAfter' | 'isBaselineMissing'>,
): Promise<SwitchOffResult> {
  const { policyInForce, schedules, clock } = services;
  const now = clock.now();
  // INVARIANT (OFF_NEEDS_NOTHING): a policy that cannot be read holds nothing up; the purge then waits for a whole day.
  const drain = await policyInForce.current().then(
    ({ policy }) => durationOf(policy.exceptions.purge.drain),
    () => DAY,
  );
  let lands: EpochMs | undefined;
  let isNew = false;
  const changed = await amend(services, id, (record, rows) => {
    const lease = leasesOf(rows, id).find((placed) => isSamePlace(placed, pair))?.lease;
    lands = undefined;
    isNew = false;
    if (lease === undefined) return ok({ record });
    // INVARIANT (NO_SILENT_ON): a Put sent before `until` may still arrive; off is not believed before that.
    if (lease.enabling !== undefined && now <= lease.enabling.until) {
      lands = lease.enabling.until;
      return ok({ record });
    }
    const toEnding = nextState(record.state, 'end');
    const ending = toEnding.ok ? toEnding.value : record.state;
    const drained = nextState(ending, 'off');
    if (!drained.ok) return ok({ record });
    isNew = true;
    const offAt = now > instant ? now : instant;
    const settled = withFacts(record, pair, ({ overdue: _overdue, ...facts }) => ({ ...facts, ...after }));
    const nextRows = withLeases(releaseUnattempted(rows, id), id, (other, place) =>
      isSamePlace(place, pair) ? { ...other, offAt } : other,
    );
    const left = leasesOf(nextRows, id).filter((placed) => isUnsettled(placed.lease));
    const allOffAt = allOffSince(leasesOf(nextRows, id)) ?? offAt;
    const where = hasSeveralPlaces(record.request) ? ` in ${placesText(record.request)}` : '';
    return ok(
      left.length > 0
        ? {
            record: { ...settled, state: ending, emptyListings: [] },
            rows: nextRows,
            events: [
              {
                type: 'lease.off',
                actor,
                subject: id,
                data: {
                  ...pairOf(pair),
                  offAt,
                  says: `content storage is off in ${placeText(pair)}, read back from AWS by ${actor.id}; not yet in ${left.map(placeText).join('; ')}`,
                },
              },
            ],
          }
        : {
            record: {
              ...settled,
              state: drained.value,
              offAt: allOffAt,
              drainUntil: epochMs(allOffAt + drain),
              emptyListings: [],
            },
            rows: nextRows,
            events: [
              {
                type: 'exception.off',
                actor,
                subject: id,
                data: {
                  offAt: allOffAt,
                  says: `content storage is off${where}, read back from AWS by ${actor.id}`,
                },
              },
            ],
          },
    );
  });
  if (!changed.ok) throw new Error(changed.error.message);
  if (lands !== undefined) {
    return {
      isOff: true,
      isSettled: false,
      retryAt: epochMs(lands + 1000),
      says: `off, but a slow enabling call could still land until ${formatInstant(lands)}`,
    };
  }
  if (isNew) {
    // A schedule that fires later would find nothing to do; removing it is tidiness, not safety.
    const name = scheduleName(changed.value.record, pair);
    await schedules.delete(name).catch(() => undefined);
  }
  return { isOff: true, isSettled: true, retryAt: now, says: 'off and read back' };
}

/** Where another place failed before it, nothing was ever attempted there: the window goes back. */
export const releaseUnattempted = (rows: LeaseRows, id: ExceptionId): LeaseRows =>
  withLeases(rows, id, (lease) =>
    lease.enabling === undefined && lease.offAt === undefined && lease.released !== true
      ? { ...lease, released: true }
      : lease,
  );

const pairOf = ({ accountId, region }: Pair): Pair => ({ accountId, region });

/** The name of the dead man's switch of one place. At most 64 characters, by Scheduler's own limit. */
export const scheduleName = (
  { id, request }: Pick<ExceptionRecord, 'id' | 'request'>,
  { accountId, region }: Pair,
): string => (isSamePlace(request, { accountId, region }) ? `off-${id}` : `off-${id}-${accountId}-${region}`);

/** The longest time between two tellings of the same failure; the sweeper's own pace. */
const TELL_AT_MOST_EVERY = 15 * MINUTE;

/** A failure that goes on is told after a minute, then after twice the time so far, and at least every quarter of an hour (or `atLeastEvery`). */
export function isToldAgain(
  told: PlaceFacts['overdue'],
  now: EpochMs,
  atLeastEvery: number = TELL_AT_MOST_EVERY,
): boolean {
  if (told === undefined) return true;
  const last = told.toldAt ?? told.firstSeenAt;
  return now - last >= Math.min(atLeastEvery, Math.max(MINUTE, last - told.firstSeenAt));
}

/**
 * Overdue is measured against the lease's own end or revocation. Trying goes on at its own pace, however seldom it is told.
 *
 * @returns since when it fails
 */
async function recordOverdue(
  services: Services,
  pair: Pair,
  id: ExceptionId,
  actor: EventActor,
  now: EpochMs,
): Promise<EpochMs> {
  let since = now;
  await amend(services, id, (record, rows) => {
    const { overdue } = factsAt(record, pair);
    since = overdue?.firstSeenAt ?? now;
    if (!isToldAgain(overdue, now)) return ok({ record });
    const lease = leasesOf(rows, id).find((placed) => isSamePlace(placed, pair))?.lease;
    const overdueMs = Math.max(0, now - (lease === undefined ? now : endOf(lease)));
    const late = formatDuration(durationMs(Math.ceil(overdueMs / 1000) * 1000));
    const where = hasSeveralPlaces(record.request) ? ` in ${placeText(pair)}` : '';
    const says = `content storage${where} is not off ${late} after it should be; trying again`;
    return ok({
      record: withFacts(record, pair, (facts) => ({
        ...facts,
        overdue: { firstSeenAt: since, toldAt: now },
      })),
      events: [{ type: 'exception.overdue', actor, subject: id, data: { overdueMs, says } }],
    });
  });
  return since;
}

/** Names of destinations and the kinds of content: never content itself. */
export function describeObserved(observed: Observation<LoggingConfiguration>): string {
  if (observed.kind === 'unobservable') return `cannot be read (${observed.reason})`;
  return observed.kind === 'absent' ? 'not configured' : describeConfiguration(observed.value);
}

/** A configuration in words: which content, and where to. */
export function describeConfiguration(value: LoggingConfiguration): string {
  const flags = (['text', 'image', 'embedding', 'video', 'audio'] as const).filter(
    (kind) => value[`${kind}DataDeliveryEnabled`] !== false,
  );
  const places = [
    value.s3Config?.bucketName ? `s3://${value.s3Config.bucketName}/${value.s3Config.keyPrefix ?? ''}` : '',
    value.cloudWatchConfig?.logGroupName ? `log group ${value.cloudWatchConfig.logGroupName}` : '',
    value.cloudWatchConfig?.largeDataDeliveryS3Config?.bucketName
      ? `large data to s3://${value.cloudWatchConfig.largeDataDeliveryS3Config.bucketName}`
      : '',
  ].filter((place) => place !== '');
  return `${flags.length === 0 ? 'metadata only' : `content: ${flags.join(', ')}`}${places.length === 0 ? '' : ` to ${places.join(' and ')}`}`;
}

function readBackSays(
  isOff: boolean,
  observed: Observation<LoggingConfiguration>,
  failure: string | undefined,
): string {
  const seen = `read back: ${describeObserved(observed)}`;
  if (failure !== undefined) return `${seen}; ${isOff ? '' : 'still on; '}${failure}`;
  return isOff ? seen : `${seen}; still on`;
}
