import {
  type EpochMs,
  type EventActor,
  type ExceptionId,
  err,
  formatInstant,
  ok,
  type Result,
} from '../core/index.ts';
import type { DATA_DELIVERY_FLAGS } from '../evidence/index.ts';
import type { LoadedPolicy, Modality } from '../policy/index.ts';
import type { Refusal } from './errors.ts';
import { windowConditions } from './judge.ts';
import { nextState } from './lifecycle.ts';
import { amend, type Books, type Change, leaseOf } from './records.ts';
import { durationOf } from './request.ts';
import type { CompleteLoggingConfiguration, ExceptionRecord, Lease } from './types.ts';

const FLAG_OF: Record<Modality, (typeof DATA_DELIVERY_FLAGS)[number]> = {
  text: 'textDataDeliveryEnabled',
  image: 'imageDataDeliveryEnabled',
  embedding: 'embeddingDataDeliveryEnabled',
  video: 'videoDataDeliveryEnabled',
  audio: 'audioDataDeliveryEnabled',
};

/** Exactly what the enable step puts: the asked kinds on, every other flag explicitly off, one destination. */
export function configurationOf({ request }: ExceptionRecord): CompleteLoggingConfiguration {
  const on = new Set(request.modalities.map((modality) => FLAG_OF[modality]));
  const isOn = (flag: (typeof DATA_DELIVERY_FLAGS)[number]) => on.has(flag);
  const flags = {
    textDataDeliveryEnabled: isOn('textDataDeliveryEnabled'),
    imageDataDeliveryEnabled: isOn('imageDataDeliveryEnabled'),
    embeddingDataDeliveryEnabled: isOn('embeddingDataDeliveryEnabled'),
    videoDataDeliveryEnabled: isOn('videoDataDeliveryEnabled'),
    audioDataDeliveryEnabled: isOn('audioDataDeliveryEnabled'),
  };
  const { destination } = request;
  return destination.kind === 's3'
    ? { ...flags, s3Config: { bucketName: destination.bucketName, keyPrefix: destination.keyPrefix } }
    : {
        ...flags,
        cloudWatchConfig: { logGroupName: destination.logGroupName, roleArn: destination.roleArn },
      };
}

/**
 * Reserves the window: overlap and cap are checked in the same conditional write that adds the lease, so two exceptions approved
 * at one moment cannot both have it. Doing it again changes nothing.
 */
export function reserve(
  books: Books,
  id: ExceptionId,
  policy: LoadedPolicy,
  now: EpochMs,
  actor: EventActor,
): Promise<Result<Change, Refusal>> {
  return amend(books, id, (record, row) => {
    if (leaseOf(row, id)) {
      // Asked again under a new policy: the window stayed reserved meanwhile.
      const again = nextState(record.state, 'reserve');
      return ok({ record: again.ok ? { ...record, state: again.value } : record });
    }
    const failed = windowConditions({ request: record.request, policy, row, now }).filter(
      ({ holds }) => holds !== 'met',
    );
    if (failed.length > 0)
      return err({ code: 'WINDOW_TAKEN', message: failed.map(({ says }) => says).join('; ') });
    const scheduled = nextState(record.state, 'reserve');
    if (!scheduled.ok) return err(scheduled.error);
    const lease: Lease = {
      exceptionId: id,
      startsAt: record.request.startsAt,
      expiresAt: record.request.endsAt,
      configuration: configurationOf(record),
      baseline: { kind: 'none' },
      destination: record.request.destination,
    };
    const { accountId, region } = record.request;
    // What can no longer count to any window goes: the row must not outgrow its table.
    const keepFrom = now - 2 * durationOf(policy.policy.exceptions.limits.leasedTime.within);
    const live = (row?.leases ?? []).filter(
      ({ offAt, released, startsAt }) => (offAt ?? (released ? startsAt : now)) > keepFrom,
    );
    const leases = [...live, lease].sort((a, b) => a.startsAt - b.startsAt);
    const says = `window reserved in ${accountId}, ${region}: ${formatInstant(lease.startsAt)} to ${formatInstant(lease.expiresAt)}`;
    return ok({
      record: { ...record, state: scheduled.value },
      row: { accountId, region, leases },
      events: [{ type: 'lease.reserved', actor, subject: id, data: { says } }],
    });
  });
}
