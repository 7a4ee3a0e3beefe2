import { type DomainEvent, isExceptionId, type Recorder } from '../core/index.ts';
import type { RecordStore, StoredRecord } from './ports.ts';

/**
 * The same store and recorder, such that every event about an exception carries the correlation id of the call that asked for it. The id
 * is learned from records that are read or written anyway: nothing is read for it, so nothing waits for it, and an event that is told
 * while the table cannot be read goes without (INVARIANT OFF_NEEDS_NOTHING).
 *
 * @param onLearned - called when one exception's record was read: for logs
 */
export function correlating(
  { store, recorder }: { readonly store: RecordStore; readonly recorder: Recorder },
  onLearned: (correlationId: string) => void = () => undefined,
): { readonly store: RecordStore; readonly recorder: Recorder } {
  const ids = new Map<string, string>();
  const learn = ({ key, value }: Pick<StoredRecord, 'key' | 'value'>): string | undefined => {
    if (!key.startsWith('exception/')) return undefined;
    const id = (value as { readonly correlationId?: unknown } | null)?.correlationId;
    if (typeof id !== 'string') return undefined;
    ids.set(key.slice('exception/'.length), id);
    return id;
  };
  return {
    store: {
      async read(key) {
        const found = await store.read(key);
        const id = found && learn(found);
        if (id !== undefined) onLearned(id);
        return found;
      },
      async readTogether(keys) {
        const found = await store.readTogether(keys);
        for (const each of found) if (each !== undefined) learn(each);
        return found;
      },
      async list(prefix) {
        const found = await store.list(prefix);
        for (const each of found) learn(each);
        return found;
      },
      commit(writes) {
        for (const each of writes) learn(each);
        return store.commit(writes);
      },
    },
    recorder: {
      record: (event) => recorder.record(withId(event, ids)),
    },
  };
}

function withId(event: DomainEvent, ids: ReadonlyMap<string, string>): DomainEvent {
  if (event.correlationId !== undefined || !isExceptionId(event.subject)) return event;
  const correlationId = ids.get(event.subject);
  return correlationId === undefined ? event : { ...event, correlationId };
}
