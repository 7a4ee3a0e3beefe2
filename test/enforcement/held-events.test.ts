import { expect, it } from 'vitest';
import { deployTemplate } from '../../src/adapters/embedded/aws/stacks.ts';
import { accountId, type EpochMs, epochMs, region, sha256Hex } from '../../src/core/index.ts';
import {
  heldObjects,
  listingHash,
  moveEvents,
  parsePartKey,
  partsOf,
  readPart,
  sliceOf,
} from '../../src/enforcement/held-events.ts';
import type { LogEvent, VaultCopies } from '../../src/enforcement/index.ts';

const HOUR = 3_600_000;
const START = Date.parse('2026-11-20T10:00:00Z');
const PAIR = { accountId: accountId('222222222222'), region: region('us-east-1') };
const VAULT = {
  bucketName: 'v',
  keyPrefix: 'legal/ex-1/',
  kmsKeyArn: 'arn:aws:kms:us-east-1:222222222222:key/v',
};
const event = (eventId: string, timestamp = START, more: Partial<LogEvent> = {}): LogEvent => ({
  eventId,
  streamName: 'aws/bedrock/modelinvocations',
  timestamp,
  ingestionTime: timestamp + 5,
  message: `message ${eventId}`,
  ...more,
});

it('an object holds one stream’s events of one hour, and its key names how many and the hash of its bytes', () => {
  const parts = partsOf([
    event('1'),
    event('2', START + HOUR),
    event('3', START + 1),
    event('4', START, { streamName: 'a/ü:*' }),
  ]);
  expect(parts.map(({ key }) => key.replace(/[0-9a-f]{64}/, 'HASH'))).toEqual([
    'events/aws%2Fbedrock%2Fmodelinvocations/2026-11-20T10Z/2-HASH.ndjson',
    'events/aws%2Fbedrock%2Fmodelinvocations/2026-11-20T11Z/1-HASH.ndjson',
    'events/a%2F%C3%BC%3A*/2026-11-20T10Z/1-HASH.ndjson',
  ]);
  const [first] = parts;
  expect(Buffer.from(first?.body ?? []).toString()).toBe(
    `{"stream":"aws/bedrock/modelinvocations","timestamp":${START},"ingestionTime":${START + 5},"eventId":"1","message":"message 1"}\n` +
      `{"stream":"aws/bedrock/modelinvocations","timestamp":${START + 1},"ingestionTime":${START + 6},"eventId":"3","message":"message 3"}\n`,
  );
  for (const { key, body, sha256, events } of parts) {
    expect(parsePartKey(key)).toMatchObject({ events, sha256 });
    expect(sha256Hex(body)).toBe(sha256);
  }
});

it('an object ends before it is too large, and a single event that is larger stands alone, whole', () => {
  const large = event('2', START, { message: 'x'.repeat(500) });
  const parts = partsOf([event('1'), large, event('3'), event('4')], 300);
  expect(parts.map(({ events }) => events)).toEqual([1, 1, 2]);
  expect(Buffer.from(parts[1]?.body ?? []).toString()).toContain('x'.repeat(500));
});

it('a stream of any name has a key that S3 takes, and no two streams the same', () => {
  const long = (end: string) => sliceOf({ streamName: `${'ü'.repeat(500)}${end}`, timestamp: START });
  expect(Buffer.byteLength(long('a'))).toBeLessThan(100);
  expect(long('a')).not.toBe(long('b'));
  expect(sliceOf({ streamName: '\ud800', timestamp: START })).toContain('2026-11-20T10Z');
});

it('a message of any text comes back as it was, on one line', () => {
  const message = 'a\nb\u2028"\\\u0000\ud800 ü';
  const [part] = partsOf([event('1', START, { message })]);
  const text = Buffer.from(part?.body ?? []).toString();
  expect(text.split('\n')).toHaveLength(2);
  expect((JSON.parse(text) as { message: string }).message).toBe(message);
});

it.each([
  'events/s/2026-11-20T10Z/1-abc.ndjson',
  `events/s/2026-11-20T10Z/0-${'a'.repeat(64)}.ndjson`,
  `v1/AWSLogs/2026-11-20T10Z/1-${'a'.repeat(64)}.ndjson`,
  `events/s/t/u/1-${'a'.repeat(64)}.ndjson`,
  '',
])('`%s` is no object of ours', (key) => expect(parsePartKey(key)).toBeUndefined());

it('an object that was changed counts for nothing', () => {
  const [part] = partsOf([event('1'), event('2')]);
  if (part === undefined) throw new Error('no part');
  expect(readPart(part.body, part.sha256)).toEqual(['1', '2']);
  expect(readPart(Buffer.from(part.body).fill(65, 0, 1), part.sha256)).toBeUndefined();
});

it('the hash of a listing is of keys and sizes, in whatever order and however often they were listed', () => {
  const keys = partsOf([event('1'), event('2', START + HOUR)]).map(({ key }) => `${VAULT.keyPrefix}${key}`);
  const listed = [...keys, 'legal/ex-1/v1/other'].map((key) => ({
    key,
    versionId: 'null',
    isDeleteMarker: false,
    bytes: 9,
  }));
  const one = heldObjects(VAULT, listed);
  const other = heldObjects(VAULT, [...listed.toReversed(), ...listed]);
  expect(one.objects).toHaveLength(2);
  expect(listingHash([other])).toBe(listingHash([one]));
  expect(
    listingHash([
      heldObjects(
        VAULT,
        listed.map((each) => ({ ...each, bytes: 8 })),
      ),
    ]),
  ).not.toBe(listingHash([one]));
});

interface Bounds {
  readonly clock?: () => number;
  readonly deadline?: number;
  readonly note?: Parameters<typeof moveEvents>[6];
}

/** A log group of so many events in every hour, each page one event, and a vault in memory. */
function group(hours: number, each: number) {
  const events = Array.from({ length: hours * each }, (_, index) =>
    event(String(index), START + Math.floor(index / each) * HOUR + (index % each)),
  );
  const vault = new Map<string, Uint8Array>();
  let pages = 0;
  const copies: VaultCopies = {
    listVersions: async () =>
      [...vault].map(([key, { length }]) => ({
        key,
        versionId: 'null',
        isDeleteMarker: false,
        bytes: length,
      })),
    copyVersion: () => Promise.reject(new Error('nothing is copied')),
    readEvents: async (_pair, _name, { from, to = Infinity }, token = '0') => {
      pages += 1;
      const own = events.filter(({ timestamp }) => timestamp >= from && timestamp < to);
      const at = Number(token);
      return { events: own.slice(at, at + 1), ...(at + 1 < own.length ? { next: String(at + 1) } : {}) };
    },
    writePart: async (_pair, { key }, body) => void vault.set(key, body),
    readPart: async (_pair, _bucket, key) => vault.get(key),
  };
  const lease = {
    exceptionId: 'ex-1',
    startsAt: epochMs(START),
    expiresAt: epochMs(START + hours * HOUR),
    enabling: { at: epochMs(START), until: epochMs(START) },
    destination: { kind: 'cloudwatch-logs', logGroupName: '/g/ex-1', roleArn: 'r', kmsKeyArn: 'k' },
  };
  const look = (
    now: number,
    reading: Parameters<typeof moveEvents>[3],
    drainUntil?: number,
    port: VaultCopies = copies,
    { clock = () => now, deadline = Infinity, note = async () => {} }: Bounds = {},
  ) =>
    moveEvents(
      { vaultCopies: port, clock: { now: () => epochMs(clock()) } },
      { ...PAIR, lease } as never,
      VAULT,
      reading,
      drainUntil === undefined ? undefined : epochMs(drainUntil),
      deadline as EpochMs,
      note,
    );
  return {
    look,
    copies,
    events,
    kept: () => [...vault].reduce((sum, [key]) => sum + (parsePartKey(key.slice(11))?.events ?? 0), 0),
    pages: () => pages,
  };
}

it('a large log group is read over several looks, and may go only after all of it was', async () => {
  const { look, events, kept, pages } = group(30, 50);
  const end = START + 40 * HOUR;
  let reading: Parameters<typeof moveEvents>[3];
  let looks = 0;
  for (;;) {
    looks += 1;
    const before = pages();
    const came = await look(end, reading, end);
    reading = came.reading;
    expect(came.mayDelete).toBe(came.isWhole);
    if (came.isWhole) break;
    expect(pages() - before).toBeLessThanOrEqual(400);
  }
  expect(looks).toBeGreaterThan(2);
  expect(kept()).toBe(events.length);
  expect(reading?.checked).toBeUndefined();
});

it('one hour that is more than a look reads is read in shorter stretches, over several looks, and each comes further', async () => {
  const { look, events, kept, pages } = group(1, 2000);
  const end = START + 40 * HOUR;
  let reading: Parameters<typeof moveEvents>[3];
  let looks = 0;
  for (;;) {
    looks += 1;
    const before = pages();
    const came = await look(end, reading, end);
    reading = came.reading;
    expect(pages() - before).toBeLessThanOrEqual(400);
    expect(came.mayDelete).toBe(came.isWhole);
    if (came.isWhole || looks > 40) break;
  }
  expect(looks).toBeGreaterThan(4);
  expect(looks).toBeLessThan(40);
  expect(kept()).toBe(events.length);
  expect(reading).toEqual({});
});

it('a look ends by its deadline, wherever it is, and notes where it has come to', async () => {
  const { look, copies, events, kept } = group(3, 20);
  const end = START + 9 * HOUR;
  let at = end;
  const slow: VaultCopies = {
    ...copies,
    readEvents: (pair, name, window, token) => {
      at += 10_000;
      return copies.readEvents(pair, name, window, token);
    },
  };
  const noted: number[] = [];
  let reading: Parameters<typeof moveEvents>[3];
  let looks = 0;
  for (; looks < 60; looks++) {
    const began = at;
    const came = await look(end, reading, end, slow, {
      clock: () => at,
      deadline: began + 120_000,
      note: async ({ checked }) => void noted.push(checked?.until ?? 0),
    });
    reading = came.reading;
    expect(at - began).toBeLessThanOrEqual(120_000);
    if (came.isWhole) break;
    expect(came).toMatchObject({ mayDelete: false });
  }
  expect(looks).toBeLessThan(60);
  expect(kept()).toBe(events.length);
  expect(noted.length).toBeGreaterThan(2);
  expect(noted).toEqual(noted.toSorted((a, b) => a - b));
});

it('one millisecond is read whole, whatever the deadline', async () => {
  const { look } = group(1, 1);
  const checked = { drainUntil: epochMs(START + 9 * HOUR), until: epochMs(START) };
  let clock = START + 9 * HOUR;
  const reading = { checked, step: 1 };
  const came = await look(clock, reading, checked.drainUntil, undefined, {
    clock: () => clock++,
    deadline: clock + 3,
  });
  expect(came.reading?.checked?.until).toBeGreaterThan(START);
});

it('before the quiet time is over a look reads the last hours alone, and never says that the log group may go', async () => {
  const { look, pages } = group(5, 10);
  const first = await look(START + 5 * HOUR, undefined);
  expect(first).toMatchObject({
    isWhole: true,
    mayDelete: false,
    reading: { settledUntil: START + 4 * HOUR },
  });
  const before = pages();
  expect(await look(START + 5 * HOUR, first.reading, START + 9 * HOUR)).toMatchObject({ mayDelete: false });
  expect(pages() - before).toBeLessThan(15);
});

it('a quiet time that began anew reads from the first event on again', async () => {
  const { look, pages } = group(3, 10);
  const end = START + 9 * HOUR;
  const checked = { drainUntil: epochMs(end), until: epochMs(end) };
  await look(end, { checked }, end);
  const few = pages();
  await look(end, { checked: { ...checked, drainUntil: epochMs(end - HOUR) } }, end);
  expect(pages() - few).toBeGreaterThan(few + 20);
});

it('a fault keeps what was read before it, and a token that comes twice is one', async () => {
  const { look, copies } = group(4, 5);
  let calls = 0;
  const now = START + 9 * HOUR;
  const stuttering: VaultCopies = {
    ...copies,
    readEvents: async (pair, name, window, token) =>
      ++calls > 12 ? { events: [], next: 'again' } : copies.readEvents(pair, name, window, token),
  };
  const came = await look(now, undefined, now, stuttering);
  expect(came).toMatchObject({ isWhole: false, mayDelete: false, fault: expect.stringContaining('twice') });
  expect(came.reading?.checked?.until).toBe(START + 2 * HOUR);
  expect(await look(now, came.reading, now)).toMatchObject({ isWhole: true, mayDelete: true });
});

it.each([
  ['', '2026-12-01T00:00:00Z'],
  ['2027-03-01T00:00:00Z', '2027-03-01T00:00:00Z'],
])('with HeldUntil `%s` the key lets CloudWatch Logs decrypt until %s', (HeldUntil, until) => {
  const { ContentKey } = deployTemplate('exception-destination', {
    ...PAIR,
    parameters: {
      ContentName: 'c',
      ExpiresAt: '2026-12-01T00:00:00Z',
      HeldUntil,
      ReaderArns: [],
    },
    attributes: new Proxy({}, { get: (_, name) => `made:${String(name)}` }),
  });
  if (ContentKey === undefined) throw new Error('no key');
  const { KeyPolicy } = ContentKey.properties as {
    KeyPolicy: { Statement: { Sid: string; Condition?: object }[] };
  };
  const { Statement } = KeyPolicy;
  expect(Statement.find(({ Sid }) => Sid === 'LogsDecryptForReaders')?.Condition).toMatchObject({
    DateLessThan: { 'aws:CurrentTime': until },
  });
  // Nothing new is written then, whoever is held.
  expect(Statement.find(({ Sid }) => Sid === 'LogsEncryptUntilTheEnd')?.Condition).toMatchObject({
    DateLessThan: { 'aws:CurrentTime': '2026-12-01T00:00:00Z' },
  });
});
