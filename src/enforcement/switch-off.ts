import {
  durationMs,
  type EpochMs,
  type EventActor,
  type ExceptionId,
  epochMs,
  formatDuration,
  formatInstant,
  MINUTE,
  ok,
} from '../core/index.ts';
import type { LoggingConfiguration, Observation } from '../evidence/index.ts';
import {
  AwsCallError,
  amend,
  type BaselineConfiguration,
  durationOf,
  type ExceptionRecord,
  type Lease,
  leaseOf,
  nextState,
  storesContent,
  withLease,
} from '../exceptions/index.ts';
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

/** Sweeps and steps look again this often until it is off. */
const RETRY = MINUTE;

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
  const { settings, recorder, clock } = services;
  const subject = lease.exceptionId;
  const intended = recorder.record({
    type: 'enforcement.intended',
    actor,
    subject,
    data: {
      ...pair,
      baseline: lease.baseline.kind,
      says: `${actor.id}: returning ${pair.accountId}, ${pair.region} to the baseline (${lease.baseline.kind})`,
    },
  });
  // A record that cannot be written is said below; it does not keep content storage on.
  await intended.catch(() => undefined);
  const { failure, isBaselineMissing } = await putBaseline(services, pair, lease.baseline);
  await intended;
  const observed = await settings.getInvocationLogging(pair);
  const isOff =
    observed.kind !== 'unobservable' &&
    !storesContent(observed.kind === 'observed' ? observed.value : undefined);
  const now = clock.now();
  await recorder.record({
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
    await recordOverdue(services, subject, actor, now);
    return {
      isOff,
      isSettled: false,
      retryAt: epochMs(now + RETRY),
      says: readBackSays(isOff, observed, failure),
    };
  }
  return settle(services, subject, actor, instant, isBaselineMissing);
}

/** Metadata-only is put where the lease carries it; if that fails, nothing at all is still better than content. */
async function putBaseline(
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

const nameOf = (error: unknown): string =>
  error instanceof AwsCallError ? error.code : error instanceof Error ? error.name : 'unknown';

/** Notes that it is off, once no Put of ours can land any more; moves the exception on to draining in the same commit. */
async function settle(
  services: Services,
  id: ExceptionId,
  actor: EventActor,
  instant: EpochMs,
  isBaselineMissing: boolean,
): Promise<SwitchOffResult> {
  const { policyInForce, schedules, clock } = services;
  const now = clock.now();
  const { policy } = await policyInForce.current();
  const drain = durationOf(policy.exceptions.purge.drain);
  let lands: EpochMs | undefined;
  let isNew = false;
  const changed = await amend(services, id, (record, row) => {
    const lease = leaseOf(row, id);
    lands = undefined;
    isNew = false;
    if (row === undefined || lease === undefined) return ok({ record });
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
    return ok({
      record: {
        ...record,
        state: drained.value,
        offAt,
        drainUntil: epochMs(offAt + drain),
        emptyListings: [],
        ...(isBaselineMissing ? { isBaselineMissing } : {}),
      },
      row: withLease(row, { ...lease, offAt }),
      events: [
        {
          type: 'exception.off',
          actor,
          subject: id,
          data: { offAt, says: `content storage is off, read back from AWS by ${actor.id}` },
        },
      ],
    });
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
    await schedules.delete(scheduleName(id)).catch(() => undefined);
  }
  return { isOff: true, isSettled: true, retryAt: now, says: 'off and read back' };
}

export const scheduleName = (id: ExceptionId): string => `off-${id}`;

/** Overdue is measured against the lease's own end, and said with every failed attempt until it is off. */
async function recordOverdue(
  services: Services,
  id: ExceptionId,
  actor: EventActor,
  now: EpochMs,
): Promise<void> {
  const changed = await amend(services, id, (record) =>
    ok({ record: record.overdue === undefined ? { ...record, overdue: { firstSeenAt: now } } : record }),
  );
  if (!changed.ok) return;
  const since = overdueSince(changed.value.record, now);
  await services.recorder.record({
    type: 'exception.overdue',
    actor,
    subject: id,
    data: {
      overdueMs: now - since,
      says: `content storage is not off ${formatDuration(durationMs(Math.ceil((now - since) / 1000) * 1000))} after it should be; trying again`,
    },
  });
}

const overdueSince = (record: ExceptionRecord, now: EpochMs): EpochMs =>
  now >= record.request.endsAt ? record.request.endsAt : (record.overdue?.firstSeenAt ?? now);

/** Names of destinations and the kinds of content: never content itself. */
export function describeObserved(observed: Observation<LoggingConfiguration>): string {
  if (observed.kind === 'unobservable') return `cannot be read (${observed.reason})`;
  if (observed.kind === 'absent') return 'not configured';
  const { value } = observed;
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
