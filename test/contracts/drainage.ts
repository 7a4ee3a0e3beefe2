import { beforeEach, expect } from 'vitest';
import type { Drainage, ObjectVersion, Pair } from '../../src/enforcement/index.ts';
import { contractCases, type Gap } from './contract.ts';

export interface DrainageSubject {
  readonly drainage: Drainage;
  readonly pair: Pair;
  /** Keeps versions; empty. */
  readonly versioned: string;
  /** Keeps none; empty. */
  readonly plain: string;
  readonly kmsKeyArn: string;
  put(bucket: string, key: string, body: string): Promise<void>;
  /** Of the youngest version. */
  read(bucket: string, key: string): Promise<string>;
}

const AWKWARD = ['raw/a b', 'raw/a+b', 'raw/ü%41', "raw/'()!*", 'raw/&<>"', 'raw/data/x?y=z#1.json.gz'];
const MOST = 1_000_000;
const NOWHERE = 'there-is-no-such-bucket';

/** What the raw prefix and the vault of a filtered exception do. */
export function drainageContract(make: () => Promise<DrainageSubject>, gaps: readonly Gap[] = []): void {
  const test = contractCases(gaps);
  let subject: DrainageSubject;
  beforeEach(async () => {
    subject = await make();
  });
  const listed = (bucket = subject.versioned) => subject.drainage.listRaw(subject.pair, bucket, 'raw/');
  const textOf = async (version: ObjectVersion | undefined, bucket = subject.versioned) => {
    if (version === undefined) throw new Error('nothing is listed');
    const body = await subject.drainage.readRaw(subject.pair, bucket, version, MOST);
    return body instanceof Uint8Array ? Buffer.from(body).toString('utf8') : body;
  };

  test('reads exactly the version that was listed, older ones too', async () => {
    const { versioned, put } = subject;
    await put(versioned, 'raw/a', 'one');
    await put(versioned, 'raw/a', 'three');
    await put(versioned, 'vault/a', 'not raw');
    const versions = await listed();
    expect(versions.map(({ key, bytes }) => `${key} ${bytes}`).sort()).toEqual(['raw/a 3', 'raw/a 5']);
    expect((await Promise.all(versions.map((version) => textOf(version)))).sort()).toEqual(['one', 'three']);
  });

  test('reads what stands in a bucket without versions', async () => {
    await subject.put(subject.plain, 'raw/a', 'one');
    const [version] = await listed(subject.plain);
    expect(await textOf(version, subject.plain)).toBe('one');
  });

  test('reads keys that need care', async () => {
    for (const key of AWKWARD) await subject.put(subject.versioned, key, key);
    const versions = await listed();
    expect(versions.map(({ key }) => key).sort()).toEqual([...AWKWARD].sort());
    for (const version of versions) expect(await textOf(version)).toBe(version.key);
  });

  test('leaves unread what is larger than asked for, by one byte', async () => {
    const { drainage, pair, versioned, put } = subject;
    await put(versioned, 'raw/a', 'three');
    const [version] = await listed();
    if (version === undefined) throw new Error('nothing is listed');
    expect(await drainage.readRaw(pair, versioned, version, 4)).toBe('too-large');
    expect(await drainage.readRaw(pair, versioned, version, 5)).toBeInstanceOf(Uint8Array);
  });

  test('what is gone meanwhile is gone, and no fault', async () => {
    const { drainage, pair, versioned, put, kmsKeyArn } = subject;
    await put(versioned, 'raw/a', 'one');
    await put(versioned, 'raw/a', 'two');
    const [youngest, older] = await listed();
    if (youngest === undefined || older === undefined) throw new Error('nothing is listed');
    await drainage.deleteRaw(pair, versioned, [older]);
    expect(await textOf(older)).toBeUndefined();
    expect(await drainage.copyToVault(pair, versioned, older, 'vault/a', kmsKeyArn)).toBe(false);
    expect(await listed()).toEqual([youngest]);
    expect(await textOf(youngest)).toBe('two');
  });

  test('what is written into the vault replaces what an earlier run wrote there', async () => {
    const { drainage, pair, versioned, kmsKeyArn, read } = subject;
    for (const text of ['first', 'second'])
      await drainage.writeVault(pair, versioned, 'vault/a.ndjson', Buffer.from(text), kmsKeyArn);
    expect(await read(versioned, 'vault/a.ndjson')).toBe('second');
    expect(await listed()).toEqual([]);
  });

  test('copies exactly the version it is given, whatever its key', async () => {
    const { drainage, pair, versioned, kmsKeyArn, put, read } = subject;
    await put(versioned, 'raw/a', 'one');
    const [older] = await listed();
    await put(versioned, 'raw/a', 'two');
    if (older === undefined) throw new Error('nothing is listed');
    expect(await drainage.copyToVault(pair, versioned, older, 'vault/a', kmsKeyArn)).toBe(true);
    expect(await read(versioned, 'vault/a')).toBe('one');
    for (const key of AWKWARD) await put(versioned, key, key);
    for (const version of (await listed()).filter(({ key }) => AWKWARD.includes(key))) {
      const to = version.key.replace('raw/', 'vault/');
      expect(await drainage.copyToVault(pair, versioned, version, to, kmsKeyArn)).toBe(true);
      expect(await read(versioned, to)).toBe(version.key);
    }
  });

  test('a key that is made stays what it was made as', async () => {
    const { drainage, pair, versioned, kmsKeyArn } = subject;
    const make = (fresh: string) => drainage.readOrMakeKey(pair, versioned, 'key', fresh, kmsKeyArn);
    expect(await make('first')).toBe('first');
    expect(await make('second')).toBe('first');
  });

  test('of keys that are made at once there is one', async () => {
    const { drainage, pair, versioned, kmsKeyArn } = subject;
    const made = await Promise.all(
      ['a', 'b', 'c', 'd'].map((fresh) => drainage.readOrMakeKey(pair, versioned, 'key', fresh, kmsKeyArn)),
    );
    expect(new Set(made).size).toBe(1);
  });

  test('a bucket that cannot be listed is a fault and never empty', async () => {
    const { drainage, pair, kmsKeyArn } = subject;
    const missing = { name: 'Aws.not-found' };
    await expect(listed(NOWHERE)).rejects.toMatchObject(missing);
    await expect(
      drainage.writeVault(pair, NOWHERE, 'vault/a', Buffer.from('x'), kmsKeyArn),
    ).rejects.toMatchObject(missing);
    await expect(drainage.readOrMakeKey(pair, NOWHERE, 'key', 'x', kmsKeyArn)).rejects.toMatchObject(missing);
  });
}
