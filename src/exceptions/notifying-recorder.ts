import { type Clock, isExceptionId, Recent, type Recorder } from '../core/index.ts';
import { mayBeTold, notificationOf } from './notifications.ts';
import { plannedChanges } from './planned-changes.ts';
import type { Notifier, PolicyInForce, RecordStore } from './ports.ts';
import { readException, readLeases } from './records.ts';
import type { ExceptionRecord } from './types.ts';

/** Read anew at every event: what is recorded and who is told may be replaced behind it, as tests do. */
export interface Told {
  readonly store: RecordStore;
  readonly policyInForce: PolicyInForce;
  readonly notifier: Notifier;
  readonly clock: Clock;
}

/** How many keys are remembered at least; of what is forgotten, recorder and notifier themselves know that it was told. */
const KEPT = 10_240;

/**
 * A recorder that also tells people what they must know. An event from an outbox whose notification fails is told again with the outbox; of
 * any other the failure is recorded and goes no further, because nothing may wait for a channel (OFF_NEEDS_NOTHING). An outbox is told again with
 * the next change, and what goes on at every sweep: what this process recorded and told under a key is not asked about a second time.
 */
export function notifyingRecorder(recorder: Recorder, told: () => Told): Recorder {
  const done = new Recent<string, true>(KEPT);
  return {
    async record(event) {
      const { key } = event;
      if (key !== undefined && done.get(key) === true) return;
      await recorder.record(event);
      try {
        if (mayBeTold(event.type)) await tell(event, told());
        if (key !== undefined) done.set(key, true);
      } catch (error) {
        if (event.key !== undefined && event.at !== undefined) throw error;
        const why = error instanceof Error ? error.message : String(error);
        await recorder.record({
          type: 'notification.failed',
          actor: event.actor,
          subject: event.subject,
          data: { of: event.type, says: `nobody could be told of ${event.type}: ${why}` },
        });
      }
    },
  };
}

async function tell(event: Parameters<Recorder['record']>[0], services: Told): Promise<void> {
  const { store, notifier, clock } = services;
  const record = isExceptionId(event.subject)
    ? (await readException(store, event.subject))?.value
    : undefined;
  const notification = notificationOf(event, record, event.at ?? clock.now());
  if (notification === undefined) return;
  const changes = record && CHANGES_PLANS.has(event.type) ? await plannedOf(record, services) : [];
  await notifier.notify(changes.length === 0 ? notification : { ...notification, plannedChanges: changes });
}

/** After these, what a monitor of CloudTrail has to expect is another. */
const CHANGES_PLANS: ReadonlySet<string> = new Set(['lease.reserved', 'exception.active', 'lease.revoked']);

async function plannedOf(
  record: ExceptionRecord,
  { store, policyInForce }: Told,
): Promise<ReturnType<typeof plannedChanges>> {
  return plannedChanges(record, await readLeases(store, record), await policyInForce.current());
}
