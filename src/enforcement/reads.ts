import type { EventActor, ExceptionId } from '../core/index.ts';
import {
  addRead,
  addSign,
  ConflictError,
  type ContentRead,
  type ExceptionRecord,
  enablingSince,
  encode,
  type Forwarding,
  forwardingKey,
  kindOfReader,
  leasesOf,
  NO_READS,
  placeOfRead,
  placesOf,
  type ReadsSeen,
  type ReadTally,
  readException,
  readLeaseRow,
  readLeases,
  readRecord,
  readsKey,
  readsSeen,
} from '../exceptions/index.ts';
import type { Pair, Services } from './ports.ts';

const actor: EventActor = { id: 'event-rule', kind: 'event-rule' };
/** Reads come in storms, and every one is a write of the same row. */
const ATTEMPTS = 12;

export type Counted = { readonly result: 'counted' | 'duplicate' | 'elsewhere' | 'sign' };

/** Changes a row of its own: nothing that switches off waits for it. @throws ConflictError after so many lost races; the event comes again */
async function change<T extends object>(
  { store }: Pick<Services, 'store'>,
  key: string,
  next: (before: T | undefined) => T | undefined,
): Promise<boolean> {
  for (let attempt = 1; ; attempt++) {
    const before = await readRecord<T>(store, key);
    const value = next(before?.value);
    if (value === undefined) return false;
    const written = await store.commit([
      { key, expectedVersion: before?.version ?? 0, value: encode(value) },
    ]);
    if (written === 'committed') return true;
    if (attempt === ATTEMPTS) throw new ConflictError(key);
  }
}

/**
 * Counts one read on the exception whose content it was. By somebody who is no named reader it is a near-miss, and people are told, once a day for each
 * caller. Safe to repeat.
 */
export async function noteRead(services: Services, read: ContentRead): Promise<Counted> {
  const row = await readLeaseRow(services.store, read.place.accountId, read.place.region);
  for (const id of new Set((row?.value.leases ?? []).map(({ exceptionId }) => exceptionId))) {
    const record = (await readException(services.store, id))?.value;
    if (record === undefined) continue;
    const found = placeOfRead(record, read, leasesOf([row?.value], id));
    if (found === undefined) continue;
    const kind = kindOfReader(read, record.request.readers, read.place.accountId, found.isVault);
    // Told before it is counted: who dies in between tells it again under the same name.
    if (kind === 'other') await tellOther(services, id, read, found.place);
    const isNew = await change<ReadTally>(services, readsKey(id), (tally = NO_READS) =>
      addRead(tally, read, kind, found.place),
    );
    return { result: isNew ? 'counted' : 'duplicate' };
  }
  return { result: 'elsewhere' };
}

async function tellOther(
  services: Services,
  id: ExceptionId,
  { at, by, call }: ContentRead,
  place: string,
): Promise<void> {
  const day = new Date(at).toISOString().slice(0, 10);
  const who = by === '' ? 'a caller without an ARN' : by;
  const key = `read-by-other/${id}/${day}/${who}`;
  if (await services.history.told(key)) return;
  await services.recorder.record({
    type: 'exception.read-by-other',
    key,
    actor,
    subject: id,
    data: {
      by: who,
      call,
      place,
      says: `${who}, who is no named reader, read what was captured at ${place} (${call}) on ${day}; further reads of that day are counted, not told`,
    },
  });
}

/** An account and Region showed that its events arrive. */
export async function noteForwarding(services: Services, pair: Pair): Promise<Counted> {
  const now = services.clock.now();
  await change<Forwarding>(services, forwardingKey(pair), (before = { spans: [] }) => addSign(before, now));
  return { result: 'sign' };
}

/** Reads of one exception, all its life. */
export async function readsOf(
  { store, clock }: Pick<Services, 'store' | 'clock'>,
  record: ExceptionRecord,
): Promise<ReadsSeen> {
  const from = enablingSince(await readLeases(store, record)) ?? record.enabledAt;
  const tally = (await readRecord<ReadTally>(store, readsKey(record.id)))?.value;
  const forwarding = await Promise.all(
    placesOf(record.request).map(
      async (place) => (await readRecord<Forwarding>(store, forwardingKey(place)))?.value,
    ),
  );
  const to = record.emptyListings[0]?.at ?? clock.now();
  return readsSeen(tally, forwarding, from === undefined ? undefined : { from, to });
}
