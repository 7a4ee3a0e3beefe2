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
import { hasSeveralPlaces, type LeaseRows, leasesOf, placesOf, placesText } from './places.ts';
import { amend, type Books, type Change } from './records.ts';
import { durationOf } from './request.ts';
import { deliveryPrefix } from './topology.ts';
import type {
  CompleteLoggingConfiguration,
  Destination,
  ExceptionRecord,
  ExceptionRequest,
  Lease,
} from './types.ts';

const FLAG_OF: Record<Modality, (typeof DATA_DELIVERY_FLAGS)[number]> = {
  text: 'textDataDeliveryEnabled',
  image: 'imageDataDeliveryEnabled',
  embedding: 'embeddingDataDeliveryEnabled',
  video: 'videoDataDeliveryEnabled',
  audio: 'audioDataDeliveryEnabled',
};

/** Exactly what the enable step puts: the asked kinds on, every other flag explicitly off, one destination. */
export function configurationOf(
  request: Pick<ExceptionRequest, 'modalities' | 'topology'>,
  destination: Destination,
): CompleteLoggingConfiguration {
  const on = new Set(request.modalities.map((modality) => FLAG_OF[modality]));
  const isOn = (flag: (typeof DATA_DELIVERY_FLAGS)[number]) => on.has(flag);
  const flags = {
    textDataDeliveryEnabled: isOn('textDataDeliveryEnabled'),
    imageDataDeliveryEnabled: isOn('imageDataDeliveryEnabled'),
    embeddingDataDeliveryEnabled: isOn('embeddingDataDeliveryEnabled'),
    videoDataDeliveryEnabled: isOn('videoDataDeliveryEnabled'),
    audioDataDeliveryEnabled: isOn('audioDataDeliveryEnabled'),
  };
  return destination.kind === 's3'
    ? {
        ...flags,
        s3Config: {
          bucketName: destination.bucketName,
          keyPrefix: deliveryPrefix(request, destination),
        },
      }
    : {
        ...flags,
        cloudWatchConfig: { logGroupName: destination.logGroupName, roleArn: destination.roleArn },
      };
}

/**
 * Reserves the windows of all places or none: overlap and cap of each are checked in the same conditional write that adds every lease, so two
 * exceptions approved at one moment cannot both have a window, and none ever has only some of its own. Doing it again changes nothing.
 */
export function reserve(
  books: Books,
  id: ExceptionId,
  policy: LoadedPolicy,
  now: EpochMs,
  actor: EventActor,
): Promise<Result<Change, Refusal>> {
  return amend(books, id, (record, rows) => {
    const { request } = record;
    if (leasesOf(rows, id).length > 0) {
      // Asked again under a new policy: the windows stayed reserved meanwhile.
      const again = nextState(record.state, 'reserve');
      return ok({ record: again.ok ? { ...record, state: again.value } : record });
    }
    const failed = windowConditions({ request, policy, rows, now }).filter(({ holds }) => holds !== 'met');
    if (failed.length > 0)
      return err({ code: 'WINDOW_TAKEN', message: failed.map(({ says }) => says).join('; ') });
    const scheduled = nextState(record.state, 'reserve');
    if (!scheduled.ok) return err(scheduled.error);
    // What can no longer count to any window goes: a row must not outgrow its table.
    const keepFrom = now - 2 * durationOf(policy.policy.exceptions.limits.leasedTime.within);
    const says = `${hasSeveralPlaces(request) ? 'windows' : 'window'} reserved in ${placesText(request)}: ${formatInstant(request.startsAt)} to ${formatInstant(request.endsAt)}`;
    return ok({
      record: { ...record, state: scheduled.value },
      rows: withReserved(record, rows, keepFrom, now),
      events: [{ type: 'lease.reserved', actor, subject: id, data: { says } }],
    });
  });
}

function withReserved(
  { id, request }: Pick<ExceptionRecord, 'id' | 'request'>,
  rows: LeaseRows,
  keepFrom: number,
  now: EpochMs,
): LeaseRows {
  return placesOf(request).map(({ accountId, region, destination }, index) => {
    const lease: Lease = {
      exceptionId: id,
      startsAt: request.startsAt,
      expiresAt: request.endsAt,
      configuration: configurationOf(request, destination),
      baseline: { kind: 'none' },
      destination,
    };
    const live = (rows[index]?.leases ?? []).filter(
      ({ offAt, released, startsAt }) => (offAt ?? (released ? startsAt : now)) > keepFrom,
    );
    return { accountId, region, leases: [...live, lease].sort((a, b) => a.startsAt - b.startsAt) };
  });
}
