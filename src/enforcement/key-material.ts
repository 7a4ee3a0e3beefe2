import { formatInstant, isExceptionId } from '../core/index.ts';
import {
  AwsCallError,
  type ExceptionRecord,
  type KeyMaterial,
  type PlacedLease,
} from '../exceptions/index.ts';
import type { KeyEvidence, Services } from './ports.ts';

/** On the key of a destination, by templates/exception-destination.yml: the exception that it was made for. */
export const KEY_TAG = 'proviso-exception';

/** The shortest that AWS KMS allows (*AWS Key Management Service Developer Guide*, Deleting AWS KMS keys). */
export const KEY_WAITING_DAYS = 7;

/** Whose key it is by its tag; `undefined` where it says nothing. */
export const ownerOf = (tags: KeyEvidence['tags']): string | undefined => {
  const owner = tags.kind === 'observed' ? tags.value[KEY_TAG] : undefined;
  return owner !== undefined && isExceptionId(owner) ? owner : undefined;
};

/**
 * After the proof: the key of each place is scheduled for deletion, by the second lever's role, if its tag says that it was made for this exception
 * and for nothing else. Whatever keeps it from being deleted is a sentence for the certificate, and closes nothing out. Idempotent.
 */
export async function deleteKeyMaterial(
  services: Services,
  { id }: Pick<ExceptionRecord, 'id'>,
  leases: readonly PlacedLease[],
): Promise<readonly KeyMaterial[]> {
  const done: KeyMaterial[] = [];
  for (const { lease, ...place } of leases) {
    const { kmsKeyArn } = lease.destination;
    if (done.some((each) => each.kmsKeyArn === kmsKeyArn)) continue;
    const because = await refusalOf(services, id, place, kmsKeyArn);
    if (because !== undefined) {
      done.push({ kmsKeyArn, because });
      continue;
    }
    try {
      await services.secondLever.scheduleKeyDeletion(place, kmsKeyArn, KEY_WAITING_DAYS);
      done.push({ kmsKeyArn, scheduledAt: services.clock.now(), waitingDays: KEY_WAITING_DAYS });
    } catch (error) {
      if (!(error instanceof AwsCallError)) throw error;
      done.push({ kmsKeyArn, because: `AWS did not schedule it (${error.code})` });
    }
  }
  return done;
}

async function refusalOf(
  { inspection }: Services,
  id: ExceptionRecord['id'],
  place: Parameters<Services['inspection']['inspectKey']>[0],
  kmsKeyArn: string,
): Promise<string | undefined> {
  return keptBecause(id, (await inspection.inspectKey(place, kmsKeyArn)).tags);
}

/** Why a key with these tags is not deleted at the end; undefined: it is this exception's. */
export function keptBecause(id: ExceptionRecord['id'], tags: KeyEvidence['tags']): string | undefined {
  if (tags.kind === 'unobservable')
    return `its tags could not be read (${tags.detail ?? tags.reason}), so it may be shared`;
  const owner = ownerOf(tags);
  if (owner === id) return undefined;
  return owner === undefined
    ? `it is not tagged with this exception (${KEY_TAG}), so it may be shared`
    : `its tag says that it is the key of ${owner}`;
}

export const describeKeyMaterial = ({ kmsKeyArn, scheduledAt, waitingDays, because }: KeyMaterial): string =>
  scheduledAt === undefined
    ? `${kmsKeyArn}: not deleted, because ${because ?? 'nobody asked'}`
    : `${kmsKeyArn}: scheduled for deletion at ${formatInstant(scheduledAt)}, after ${waitingDays ?? KEY_WAITING_DAYS} days`;
