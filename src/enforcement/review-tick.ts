import {
  type EpochMs,
  type EventActor,
  type ExceptionId,
  formatInstant,
  parseInstant,
} from '../core/index.ts';
import {
  abandon,
  isActive,
  isAttempted,
  placesOf,
  readLeases,
  requireException,
  revokeLease,
} from '../exceptions/index.ts';
import { nextTick, removeLeftovers } from './enable.ts';
import type { Services } from './ports.ts';
import { reconcilePair } from './reconcile.ts';
import { startEnding } from './start-ending.ts';

const workflow: EventActor = { id: 'workflow', kind: 'workflow' };

/** The trigger's own instant counts where it is later than the clock here: a slow clock must not keep anything on. */
function laterOf(clock: EpochMs, waitedUntil: string | undefined): EpochMs {
  const waited = waitedUntil === undefined ? undefined : parseInstant(waitedUntil);
  return waited?.ok && waited.value > clock ? waited.value : clock;
}

/** Looks at a live exception again, at least as often as the policy says, and says until when to wait. */
export async function reviewTick(
  services: Services,
  id: ExceptionId,
  waitedUntil: string,
): Promise<{ next: 'wait' | 'end'; at: string }> {
  const { value: record } = await requireException(services.store, id);
  const now = laterOf(services.clock.now(), waitedUntil);
  const faults: unknown[] = [];
  for (const { accountId, region } of placesOf(record.request))
    await reconcilePair(services, { accountId, region }, workflow, now).catch((error: unknown) =>
      faults.push(error),
    );
  // A place that could not be looked at is tried again, and then ends the exception; the others were looked at all the same.
  if (faults.length > 0) throw faults[0];
  const leases = await readLeases(services.store, record);
  const [first] = leases;
  if (first === undefined || !leases.every(({ lease }) => isActive(lease, now)))
    return { next: 'end', at: formatInstant(now) };
  const at = await nextTick(services, first.lease, now);
  await services.recorder.record({
    type: 'exception.reviewed',
    actor: workflow,
    subject: id,
    data: { nextAt: at, says: `looked at again: on, as approved; next at ${formatInstant(at)}` },
  });
  return { next: 'wait', at: formatInstant(at) };
}

/**
 * The workflow's last step, reached at the lease's end and from every error after enabling. A lease that would still be active
 * (an early stop) is revoked first: an execution that ends early ends its lease.
 *
 * @param waitedUntil - the absolute time the workflow waited for; with a slow clock here it still counts
 */
export async function beginEnding(
  services: Services,
  id: ExceptionId,
  waitedUntil: string | undefined,
): Promise<{ ending: string }> {
  const clock = services.clock.now();
  const instant = laterOf(clock, waitedUntil);
  const { value: record } = await requireException(services.store, id);
  const leases = await readLeases(services.store, record);
  if (!isAttempted(leases)) {
    await abandonUnenabled(services, id, 'the workflow ended before anything was enabled');
    return { ending: 'not-needed' };
  }
  if (leases.some(({ lease }) => isActive(lease, instant))) {
    await revokeLease(services, id, workflow, 'the workflow ends early', clock);
  }
  return { ending: await startEnding(services, id, workflow, instant) };
}

/** An error before enabling: nothing was switched, the window is given back. */
export async function abandonUnenabled(services: Services, id: ExceptionId, reason: string): Promise<void> {
  const ended = await abandon(services, id, 'expire', reason, workflow, `nothing was enabled: ${reason}`);
  if (ended.ok) await removeLeftovers(services, ended.value.record);
}
