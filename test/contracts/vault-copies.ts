import { beforeEach, expect } from 'vitest';
import type { LogEvent, ObjectVersion, Pair, VaultCopies } from '../../src/enforcement/index.ts';
import { contractCases, type Gap } from './contract.ts';

export interface VaultCopiesSubject {
  readonly copies: VaultCopies;
  readonly pair: Pair;
  /** Keeps versions; empty. */
  readonly versioned: string;
  /** Keeps none; empty. */
  readonly plain: string;
  /** The vault, another bucket of the pair; empty. */
  readonly vault: string;
  readonly kmsKeyArn: string;
  put(bucket: string, key: string, body: string): Promise<void>;
  /** Of the youngest version. */
  read(bucket: string, key: string): Promise<string>;
  /** Now, in milliseconds: CloudWatch Logs takes no event that is older than 14 days or 2 hours ahead. */
  readonly now: number;
  /** A log group with these events, each in its stream. @returns its name */
  logGroup(
    events: readonly { readonly streamName: string; readonly at: number; readonly message: string }[],
  ): Promise<string>;
}

const AWKWARD = ['p/a b', 'p/a+b', 'p/ü%41', "p/'()!*", 'p/&<>"', 'p/data/x?y=z#1.json.gz'];
const NOWHERE = 'there-is-no-such-bucket';

/** What copying into Legal's vault does. */
export function vaultCopiesContract(
  make: () => Promise<VaultCopiesSubject>,
  gaps: readonly Gap[] = [],
): void {
  const test = contractCases(gaps);
  let subject: VaultCopiesSubject;
  beforeEach(async () => {
    subject = await make();
  });
  const copy = (bucketName: string, version: ObjectVersion, key: string, to = subject.vault) =>
    subject.copies.copyVersion(
      subject.pair,
      { bucketName, version },
      { bucketName: to, key, kmsKeyArn: subject.kmsKeyArn },
    );
  const inVault = () => subject.copies.listVersions(subject.pair, subject.vault, 'legal/');

  test('copies every version that was listed, each with its bytes', async () => {
    const { copies, pair, versioned, put, read } = subject;
    await put(versioned, 'p/a', 'one');
    await put(versioned, 'p/a', 'three');
    const versions = await copies.listVersions(pair, versioned, 'p/');
    expect(versions).toHaveLength(2);
    for (const version of versions) await copy(versioned, version, `legal/${version.versionId}/p/a`);
    for (const { versionId, bytes } of versions) {
      const text = await read(subject.vault, `legal/${versionId}/p/a`);
      expect(text).toBe(bytes === 3 ? 'one' : 'three');
    }
    expect((await inVault()).map(({ bytes }) => bytes).sort()).toEqual([3, 5]);
  });

  test('copies what stands in a bucket without versions', async () => {
    const { copies, pair, plain, put, read, vault } = subject;
    await put(plain, 'p/a', 'one');
    const [version] = await copies.listVersions(pair, plain, 'p/');
    if (version === undefined) throw new Error('nothing is listed');
    await copy(plain, version, 'legal/null/p/a');
    expect(await read(vault, 'legal/null/p/a')).toBe('one');
  });

  test('copies keys that need care', async () => {
    const { copies, pair, versioned, put, read, vault } = subject;
    for (const key of AWKWARD) await put(versioned, key, key);
    for (const version of await copies.listVersions(pair, versioned, 'p/')) {
      await copy(versioned, version, `legal/${version.key}`);
      expect(await read(vault, `legal/${version.key}`)).toBe(version.key);
    }
    expect((await inVault()).map(({ key }) => key).sort()).toEqual(
      AWKWARD.map((key) => `legal/${key}`).sort(),
    );
  });

  test('copying again is no fault, and what is youngest there is what was copied', async () => {
    const { copies, pair, versioned, put, read, vault } = subject;
    await put(versioned, 'p/a', 'one');
    const [version] = await copies.listVersions(pair, versioned, 'p/');
    if (version === undefined) throw new Error('nothing is listed');
    await copy(versioned, version, 'legal/a');
    await copy(versioned, version, 'legal/a');
    expect(await read(vault, 'legal/a')).toBe('one');
    expect(new Set((await inVault()).map(({ bytes }) => bytes))).toEqual(new Set([3]));
  });

  test('a version that is gone, and a bucket that is not there, are faults', async () => {
    const { copies, pair, versioned, put } = subject;
    await put(versioned, 'p/a', 'one');
    const [version] = await copies.listVersions(pair, versioned, 'p/');
    if (version === undefined) throw new Error('nothing is listed');
    const gone = { ...version, key: 'p/gone' };
    await expect(copy(versioned, gone, 'legal/a')).rejects.toMatchObject({
      name: expect.stringMatching(/^Aws\./),
    });
    await expect(copy(versioned, version, 'legal/a', NOWHERE)).rejects.toMatchObject({
      name: expect.stringMatching(/^Aws\./),
    });
    await expect(copies.listVersions(pair, NOWHERE, '')).rejects.toMatchObject({ name: 'Aws.not-found' });
    expect(await inVault()).toEqual([]);
  });

  const eventsOf = async (
    name: string,
    window: { readonly from: number; readonly to?: number } = { from: 0 },
  ): Promise<readonly LogEvent[]> => {
    const events: LogEvent[] = [];
    let token: string | undefined;
    do {
      const page = await subject.copies.readEvents(subject.pair, name, window, token);
      if (page === undefined) throw new Error('there is no such log group');
      events.push(...page.events);
      token = page.next;
    } while (token !== undefined);
    return events;
  };

  test('reads every event of a log group in pages, of every stream, with its own id', async () => {
    const { now } = subject;
    const all = Array.from({ length: 120 }, (_, index) => ({
      streamName: index % 3 === 0 ? 'other/stream' : 'aws/bedrock/modelinvocations',
      at: now - 60_000 + index,
      message: `{"n":${index},"text":"ü\\n\u2028"}`,
    }));
    const events = await eventsOf(await subject.logGroup(all));
    expect(
      events
        .map(({ streamName, timestamp, message }) => ({ streamName, at: timestamp, message }))
        .toSorted((a, b) => a.at - b.at),
    ).toEqual(all);
    expect(new Set(events.map(({ eventId }) => eventId)).size).toBe(all.length);
    for (const { ingestionTime } of events) expect(ingestionTime).toBeGreaterThan(now - 3_600_000);
  });

  test('reads a window of a log group, its end exclusive', async () => {
    const { now } = subject;
    const at = (offset: number) => ({ streamName: 's', at: now + offset, message: String(offset) });
    const name = await subject.logGroup([at(-3), at(-2), at(-1), at(0)]);
    const messages = async (from: number, to?: number) =>
      (await eventsOf(name, { from: now + from, ...(to === undefined ? {} : { to: now + to }) }))
        .map(({ message }) => message)
        .toSorted();
    expect(await messages(-3, -1)).toEqual(['-2', '-3']);
    expect(await messages(-1)).toEqual(['-1', '0']);
    expect(await messages(5, 9)).toEqual([]);
  });

  test('a log group that is not there has no events, which is not the same as none', async () => {
    expect(await subject.copies.readEvents(subject.pair, '/not/there', { from: 0 })).toBeUndefined();
  });

  test('writes an object into the vault and reads it back byte by byte', async () => {
    const { copies, pair, vault, kmsKeyArn } = subject;
    const key = 'legal/ex-1/events/aws%2Fbedrock/2026-11-20T10Z/1-abc.ndjson';
    expect(await copies.readPart(pair, vault, key)).toBeUndefined();
    for (const body of ['{"a":"ü"}\n', 'other'])
      await copies.writePart(pair, { bucketName: vault, key, kmsKeyArn }, Buffer.from(body));
    expect(Buffer.from((await copies.readPart(pair, vault, key)) ?? []).toString()).toBe('other');
    expect((await inVault()).map((each) => each.key)).toEqual([key]);
    await expect(
      copies.writePart(pair, { bucketName: NOWHERE, key, kmsKeyArn }, Buffer.from('x')),
    ).rejects.toMatchObject({ name: 'Aws.not-found' });
    await expect(copies.readPart(pair, NOWHERE, key)).rejects.toMatchObject({ name: 'Aws.not-found' });
  });
}
