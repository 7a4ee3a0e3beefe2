import {
  type EpochMs,
  type EventActor,
  type ExceptionId,
  epochMs,
  formatInstant,
  HOUR,
  SECOND,
  type Sha256Hex,
  sha256Hex,
} from '../core/index.ts';
import { AwsCallError, type HeldReading, type HoldVault, type PlacedLease } from '../exceptions/index.ts';
import type { LogEvent, ObjectVersion, Pair, Services, VaultCopies } from './ports.ts';

/*
 * What is on legal hold in a log group: its events are read and written as objects into Legal's vault. An object is one stream's events of one hour or
 * a part of them, as NDJSON; its key names how many there are and the SHA-256 of its bytes. Objects are only ever added: an event counts as kept when an
 * object that was read back and still has the hash of its key holds it, so whoever dies, or comes twice, loses nothing and overwrites nothing.
 */

type LogsPlace = Extract<PlacedLease['lease']['destination'], { kind: 'cloudwatch-logs' }>;

/** Of one object, unless a single event is larger: CloudWatch Logs takes no event beyond 1 MB. */
const PART_BYTES = 4 * 1024 * 1024;
/** Events come in late and with the time of the call: what is younger than this is read again by the next look. */
const LATENESS = HOUR;
/** Pages of up to 1 MB that one look reads before it leaves the rest to the next one. */
const MOST_PAGES = 400;
/** A stretch that a look did not get through is begun again by the next one, this much shorter; after each that it got through, twice as long again. */
const NARROWER = 8;
/** `PutLogEvents` takes no event that is further in the future. */
const EARLINESS = 2 * HOUR;
/** How often a look under way notes where it is: killed, it loses that much. */
const NOTED_EVERY = 30 * SECOND;
/** A name of a stream that is longer when encoded goes into keys by its hash: a key has room for 1,024 bytes. */
const MOST_NAME = 200;
const NAME_HASH = 32;

/** One event, as it stands in an object. */
export const heldLine = ({ streamName, timestamp, ingestionTime, eventId, message }: LogEvent): string =>
  JSON.stringify({ stream: streamName, timestamp, ingestionTime, eventId, message });

/** `events/<stream>/<hour>/`, below the vault's prefix. The whole name of a stream stands in every line. */
export function sliceOf({ streamName, timestamp }: Pick<LogEvent, 'streamName' | 'timestamp'>): string {
  const encoded = encodeURIComponent(streamName.toWellFormed());
  const name = encoded.length <= MOST_NAME ? encoded : `sha256-${sha256Hex(streamName).slice(0, NAME_HASH)}`;
  return `events/${name}/${isoHour(timestamp)}/`;
}

/** `2026-11-20T10Z`. */
const isoHour = (at: number): string => `${formatInstant(epochMs(at)).slice(0, 13)}Z`;

export interface HeldPart {
  /** Below the vault's prefix. */
  readonly key: string;
  readonly events: number;
  readonly sha256: Sha256Hex;
  readonly body: Uint8Array;
}

/** Objects for events that are kept nowhere yet, each of one stream and hour. */
export function partsOf(events: readonly LogEvent[], most = PART_BYTES): readonly HeldPart[] {
  const slices = Map.groupBy(events, sliceOf);
  return [...slices].flatMap(([slice, own]) => {
    const parts: Buffer[][] = [];
    let size = 0;
    for (const event of own) {
      const line = Buffer.from(`${heldLine(event)}\n`);
      const part = parts.at(-1);
      if (part === undefined || size + line.length > most) {
        parts.push([line]);
        size = line.length;
      } else {
        part.push(line);
        size += line.length;
      }
    }
    return parts.map((lines) => {
      const body = Buffer.concat(lines);
      const sha256 = sha256Hex(body);
      return { key: `${slice}${lines.length}-${sha256}.ndjson`, events: lines.length, sha256, body };
    });
  });
}

const PART_KEY = /^(events\/[^/]{1,400}\/[^/]{1,40}\/)([1-9][0-9]{0,8})-([0-9a-f]{64})\.ndjson$/;

/** What a key below the vault's prefix says of its object; undefined of what is no object of ours. */
export function parsePartKey(
  key: string,
): { readonly slice: string; readonly events: number; readonly sha256: string } | undefined {
  const [, slice, events, sha256] = PART_KEY.exec(key) ?? [];
  return slice === undefined || sha256 === undefined ? undefined : { slice, events: Number(events), sha256 };
}

/** The ids of an object's events; undefined where it is not what its key says. */
export function readPart(body: Uint8Array, sha256: string): readonly string[] | undefined {
  if (sha256Hex(body) !== sha256) return undefined;
  // What has this hash was written by `partsOf`.
  return Buffer.from(body)
    .toString('utf8')
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { readonly eventId: string }).eventId);
}

/** What one look came to. */
export interface EventsLook {
  /** Every event that the log group showed is kept. */
  readonly isWhole: boolean;
  /** It began after late deliveries were waited for and read from the first event on: the log group may be deleted. */
  readonly mayDelete: boolean;
  readonly reading: HeldReading | undefined;
  /** There is no such log group any more. */
  readonly isGone?: true;
  /** Why it did not come to its end. What was done until then counts. */
  readonly fault?: string;
}

/**
 * Brings what is new in a log group into its vault. Until the quiet time is over, from the last hour that was finished on; after it once more from the
 * first event on, over several looks where there is much, so that what came late with an early time is found too. One millisecond is read whole
 * whatever the bounds say, so every look comes further.
 *
 * @param reading - where the last look came to
 * @param drainUntil - the end of the quiet time, once it is known
 * @param deadline - by the clock; what is not read by then is left to the next look
 * @param note - keeps where a look under way has come to
 */
export async function moveEvents(
  services: Pick<Services, 'vaultCopies' | 'clock'>,
  { lease, ...pair }: PlacedLease & { readonly lease: { readonly destination: LogsPlace } },
  vault: HoldVault,
  reading: HeldReading | undefined,
  drainUntil: EpochMs | undefined,
  deadline: EpochMs,
  note: (reading: HeldReading) => Promise<void>,
): Promise<EventsLook> {
  const { vaultCopies, clock } = services;
  const now = clock.now();
  const isLast = drainUntil !== undefined && now >= drainUntil;
  // A proof that begins anew has a quiet time of its own, and reads from the first event on again.
  const checked = reading?.checked?.drainUntil === drainUntil ? reading?.checked?.until : undefined;
  const from = isLast ? checked : reading?.settledUntil;
  let until = from;
  let step = reading?.step;
  const came = (): HeldReading | undefined => {
    const { step: _step, ...before } = reading ?? {};
    const next = step === undefined ? before : { ...before, step };
    if (until !== undefined)
      return isLast ? { ...next, checked: { drainUntil, until } } : { ...next, settledUntil: until };
    return reading === undefined && step === undefined ? undefined : next;
  };
  let notedAt = now;
  let pages = 0;
  const isOver = () => pages >= MOST_PAGES || clock.now() >= deadline;
  try {
    const kept = new KeptEvents(vaultCopies, pair, vault, await listParts(vaultCopies, pair, vault));
    const readEvents = explained(vaultCopies, drainUntil !== undefined);
    const windows = windowsFrom(from, floorHour(lease.enabling?.at ?? now), now, () => step);
    let isGone = false;
    for (const window of windows) {
      if (pages > 0 && isOver()) return { isWhole: false, mayDelete: false, reading: came() };
      const width = (window.to ?? now + EARLINESS) - window.from;
      const read = await readWindow(readEvents, pair, lease.destination.logGroupName, window, kept, () => {
        pages += 1;
        return width > 1 && isOver();
      });
      if (read === 'absent') {
        isGone = true;
        break;
      }
      if (read === 'unfinished') {
        step = Math.max(1, Math.floor(width / NARROWER));
        return { isWhole: false, mayDelete: false, reading: came() };
      }
      if (step !== undefined) step *= 2;
      if (step !== undefined && step > now) step = undefined;
      if (window.to === undefined || window.to % HOUR === 0) kept.forget();
      if (window.to === undefined || !(isLast || window.to <= now - LATENESS)) continue;
      until = epochMs(window.to);
      const reached = came();
      if (reached === undefined || clock.now() < notedAt + NOTED_EVERY) continue;
      notedAt = clock.now();
      await note(reached);
    }
    step = undefined;
    // The next look at what is whole begins again: a purge follows at once, or something was in its way.
    const { checked: _checked, ...rest } = came() ?? {};
    return {
      isWhole: true,
      mayDelete: isLast,
      reading: isLast ? rest : came(),
      ...(isGone ? { isGone } : {}),
    };
  } catch (error) {
    if (!(error instanceof AwsCallError)) throw error;
    return { isWhole: false, mayDelete: false, reading: came(), fault: error.message };
  }
}

/**
 * AWS does not say which right is missing. Clear text needs one of its own, and where it is refused nothing is kept: a masked copy would be all that is left.
 *
 * @param isAfterEnd - the quiet time is known, which it is from when it was off on
 */
const explained =
  ({ readEvents }: VaultCopies, isAfterEnd: boolean): VaultCopies['readEvents'] =>
  async (...args) => {
    try {
      return await readEvents(...args);
    } catch (error) {
      if (!(error instanceof AwsCallError) || error.code !== 'access-denied') throw error;
      const remedy =
        '; ProvisoHold needs logs:FilterLogEvents and logs:Unmask: deploy templates/member-account.yml again, and see that no control policy denies them';
      const key = isAfterEnd
        ? '; after the end the exception’s key lets nobody read its log group: deploy templates/exception-destination.yml again with HeldUntil'
        : '';
      throw new AwsCallError(error.code, `${error.message}${remedy}${key}`, error.mayHaveHappened);
    }
  };

const floorHour = (at: number): number => Math.floor(at / HOUR) * HOUR;

interface Window {
  readonly from: number;
  /** Exclusive; left out: to the end. */
  readonly to?: number;
}

/**
 * Hours, with everything before the first and after the last: an event has the time that its writer gave it.
 * @param step - asked before each: no stretch is longer
 */
function* windowsFrom(
  from: number | undefined,
  first: number,
  now: number,
  step: () => number | undefined,
): Generator<Window> {
  for (let at = from ?? 0; ; ) {
    const natural = at < first ? first : at < floorHour(now) ? floorHour(at) + HOUR : undefined;
    const most = step() ?? Infinity;
    const to = at + most < (natural ?? now + EARLINESS) ? at + most : natural;
    if (to === undefined) return yield { from: at };
    yield { from: at, to };
    at = to;
  }
}

/** @param isOver - asked after each page: whether the rest is left to the next look */
async function readWindow(
  readEvents: VaultCopies['readEvents'],
  pair: Pair,
  logGroupName: string,
  window: Window,
  kept: KeptEvents,
  isOver: () => boolean,
): Promise<'whole' | 'unfinished' | 'absent'> {
  const seen = new Set<string>();
  let token: string | undefined;
  for (;;) {
    const page = await readEvents(pair, logGroupName, window, token);
    if (page === undefined) return 'absent';
    await kept.keep(page.events);
    const mustStop = isOver();
    // An empty page says nothing about the next.
    token = page.next;
    if (token === undefined) return 'whole';
    if (mustStop) return 'unfinished';
    if (seen.has(token))
      throw new AwsCallError('failed', 'logs:FilterLogEvents gave the same page token twice', false);
    seen.add(token);
  }
}

/** Objects in the vault by stream and hour. */
type Parts = Map<string, { readonly key: string; readonly sha256: string }[]>;

async function listParts(copies: VaultCopies, pair: Pair, vault: HoldVault): Promise<Parts> {
  const parts: Parts = new Map();
  const listed = await copies.listVersions(pair, vault.bucketName, `${vault.keyPrefix}events/`);
  for (const { key, isDeleteMarker } of listed) {
    const part = isDeleteMarker ? undefined : parsePartKey(key.slice(vault.keyPrefix.length));
    if (part === undefined) continue;
    const own = parts.get(part.slice) ?? [];
    if (!own.some((each) => each.key === key)) own.push({ key, sha256: part.sha256 });
    parts.set(part.slice, own);
  }
  return parts;
}

/** What stands in the vault, by the ids of events that were read there. Remembers the hours that were looked at last. */
class KeptEvents {
  readonly #copies: VaultCopies;
  readonly #pair: Pair;
  readonly #vault: HoldVault;
  readonly #parts: Parts;
  readonly #ids = new Map<string, Set<string>>();

  constructor(copies: VaultCopies, pair: Pair, vault: HoldVault, parts: Parts) {
    this.#copies = copies;
    this.#pair = pair;
    this.#vault = vault;
    this.#parts = parts;
  }

  forget(): void {
    this.#ids.clear();
  }

  /** Writes what is not there yet, and reads it back. */
  async keep(events: readonly LogEvent[]): Promise<void> {
    const missing: LogEvent[] = [];
    for (const event of events) {
      const slice = sliceOf(event);
      const ids = this.#ids.get(slice) ?? (await this.#read(slice));
      this.#ids.set(slice, ids);
      if (!ids.has(event.eventId)) missing.push(event);
    }
    for (const part of partsOf(missing)) {
      const { bucketName, keyPrefix, kmsKeyArn } = this.#vault;
      const key = `${keyPrefix}${part.key}`;
      await this.#copies.writePart(this.#pair, { bucketName, key, kmsKeyArn }, part.body);
      const back = await this.#copies.readPart(this.#pair, bucketName, key);
      const ids = back === undefined ? undefined : readPart(back, part.sha256);
      if (ids === undefined)
        throw new AwsCallError('failed', `what was written to ${key} does not read back as it was`, true);
      const slice = parsePartKey(part.key)?.slice ?? '';
      for (const id of ids) this.#ids.get(slice)?.add(id);
      this.#parts.set(slice, [...(this.#parts.get(slice) ?? []), { key, sha256: part.sha256 }]);
    }
  }

  /** An object that is not what its key says counts for nothing: its events are written again. */
  async #read(slice: string): Promise<Set<string>> {
    const ids = new Set<string>();
    for (const { key, sha256 } of this.#parts.get(slice) ?? []) {
      const body = await this.#copies.readPart(this.#pair, this.#vault.bucketName, key);
      for (const id of (body === undefined ? undefined : readPart(body, sha256)) ?? []) ids.add(id);
    }
    return ids;
  }
}

/** Objects of a vault that hold events, as the record of events names them. */
export interface HeldObjects {
  readonly bucketName: string;
  readonly objects: readonly { readonly key: string; readonly events: number; readonly bytes: number }[];
}

/** From one listing of a vault. */
export function heldObjects(vault: HoldVault, listed: readonly ObjectVersion[]): HeldObjects {
  const objects = new Map<string, HeldObjects['objects'][number]>();
  for (const { key, bytes, isDeleteMarker } of listed) {
    const part = isDeleteMarker ? undefined : parsePartKey(key.slice(vault.keyPrefix.length));
    if (part !== undefined) objects.set(key, { key, events: part.events, bytes });
  }
  return {
    bucketName: vault.bucketName,
    objects: [...objects.values()].toSorted((a, b) => (a.key < b.key ? -1 : 1)),
  };
}

/** Over the lines `s3://bucket/key bytes`, sorted; a key names the hash of its object. */
export const listingHash = (vaults: readonly HeldObjects[]): Sha256Hex =>
  sha256Hex(
    vaults
      .flatMap(({ bucketName, objects }) =>
        objects.map(({ key, bytes }) => `s3://${bucketName}/${key} ${bytes}\n`),
      )
      .toSorted()
      .join(''),
  );

/** Objects that one entry of the record names. */
const IN_ONE_ENTRY = 100;

/** Says in the record which objects hold the events, each with its hash and count; told twice, it is recorded once. */
export async function recordObjects(
  services: Pick<Services, 'recorder'>,
  id: ExceptionId,
  actor: EventActor,
  heldAt: EpochMs,
  vaults: readonly HeldObjects[],
): Promise<void> {
  const listing = listingHash(vaults);
  for (const { bucketName, objects } of vaults) {
    for (let from = 0; from < objects.length; from += IN_ONE_ENTRY) {
      const some = objects.slice(from, from + IN_ONE_ENTRY);
      const events = some.reduce((sum, each) => sum + each.events, 0);
      await services.recorder.record({
        type: 'hold.events-kept',
        key: `hold.events-kept/${id}/${heldAt}/${listing}/${bucketName}/${from}`,
        actor,
        subject: id,
        data: {
          bucketName,
          listing,
          objects: some,
          says: `${some.length} objects of s3://${bucketName} hold ${events} log events by their keys, which name the number of an object’s events and the SHA-256 of its bytes; each that Proviso wrote was read back (held since ${formatInstant(heldAt)})`,
        },
      });
    }
  }
}
