import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import {
  type Clock,
  canonicalJson,
  type DomainEvent,
  formatInstant,
  type History,
  parseInstant,
  type RecordedEvent,
  type Recorder,
} from '../../core/index.ts';
import { gather, type Settled } from '../../runtime/index.ts';

export interface EventFile extends Recorder {
  events(): readonly RecordedEvent[];
  /** The event with this key. */
  told(key: string): RecordedEvent | undefined;
  close(): void;
}

/** The record, read by subject, by time and by key. */
export const eventHistory = (file: Pick<EventFile, 'events' | 'told'>): History => ({
  about: async (subject) => file.events().filter((event) => event.subject === subject),
  during: async ({ from, to }, types) =>
    file.events().filter(({ at, type }) => from <= at && at < to && types.includes(type)),
  told: async (key) => file.told(key),
});

/**
 * The recorder of one machine: an append-only file, one event a line, synced before `record` returns. A torn last line was never
 * acknowledged and is cut off on opening; anything else that does not read is a damaged record and stops the program.
 *
 * @param isGathered - events of one turn of the event loop share one write and one sync
 * @throws Error naming the line, when a line in the middle is damaged or a number is missing
 */
export function openEventFile(file: string, clock: Clock, isGathered = false): EventFile {
  let text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const end = text.lastIndexOf('\n') + 1;
  if (end < text.length) {
    truncateSync(file, Buffer.byteLength(text.slice(0, end)));
    text = text.slice(0, end);
  }
  const before = parseEvents(text, file);
  const descriptor = openSync(file, 'a', 0o600);
  const keys = new Set(before.flatMap(({ key }) => key ?? []));
  let recorded = before.length;
  // Held from the first time somebody reads them: a process that only records need not remember what it recorded.
  let read: RecordedEvent[] | undefined;
  const recordAll = (batch: readonly DomainEvent[]): readonly Settled<void>[] => {
    const fresh: RecordedEvent[] = [];
    const met = new Set<string>();
    for (const event of batch) {
      if (event.key !== undefined && (keys.has(event.key) || met.has(event.key))) continue;
      if (event.key !== undefined) met.add(event.key);
      fresh.push({ seq: recorded + fresh.length + 1, at: clock.now(), ...event });
    }
    const lines = fresh.map((event) => `${canonicalJson({ ...event, at: formatInstant(event.at) })}\n`);
    if (lines.length > 0) append(descriptor, Buffer.from(lines.join('')), file);
    recorded += fresh.length;
    read?.push(...fresh);
    for (const { key } of fresh) if (key !== undefined) keys.add(key);
    return batch.map(() => ({ ok: true, value: undefined }));
  };
  const events = (): readonly RecordedEvent[] => {
    read ??= parseEvents(readFileSync(file, 'utf8'), file);
    return read;
  };
  return {
    record: isGathered ? gather(recordAll) : async (event) => void recordAll([event]),
    events,
    // Asked at every look at a live lease, and nearly always in vain.
    told: (key) => (keys.has(key) ? events().find((event) => event.key === key) : undefined),
    close: () => closeSync(descriptor),
  };
}

/** Writes lines whole or not at all: a full disk must not leave half an event that counts as recorded. */
function append(descriptor: number, line: Buffer, file: string): void {
  const before = fstatSync(descriptor).size;
  try {
    for (let written = 0; written < line.length; ) written += writeSync(descriptor, line, written);
    fsyncSync(descriptor);
  } catch (error) {
    truncateSync(file, before);
    throw error;
  }
}

function parseEvents(text: string, file: string): RecordedEvent[] {
  return text
    .split('\n')
    .slice(0, -1)
    .map((line, index) => {
      const damaged = (why: string) =>
        new Error(`${file}:${index + 1}: ${why}; the record must not be edited`);
      let parsed: Record<string, unknown>;
      try {
        parsed = JSON.parse(line) as Record<string, unknown>;
      } catch {
        throw damaged('this line of the record is not JSON');
      }
      const at = parseInstant(String(parsed['at']));
      if (parsed['seq'] !== index + 1) throw damaged(`event ${index + 1} is missing or out of order`);
      if (!at.ok) throw damaged('this event has no time');
      return { ...(parsed as unknown as RecordedEvent), at: at.value };
    });
}
