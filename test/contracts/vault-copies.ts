import { beforeEach, expect } from 'vitest';
import type { ObjectVersion, Pair, VaultCopies } from '../../src/enforcement/index.ts';
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
}
