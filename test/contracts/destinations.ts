import { beforeEach, expect } from 'vitest';
import type { Destinations, Pair } from '../../src/enforcement/index.ts';
import { contractCases, type Gap } from './contract.ts';

export interface DestinationsSubject {
  readonly destinations: Destinations;
  readonly pair: Pair;
  /** The pair's account in another Region. */
  readonly elsewhere: Pair;
  /** Keeps versions, encrypts with `kmsKeyArn`; empty. */
  readonly versioned: string;
  /** Keeps none; empty. */
  readonly plain: string;
  readonly kmsKeyArn: string;
  put(bucket: string, key: string, body: string): Promise<void>;
  /** In a versioned bucket: adds a marker. */
  remove(bucket: string, key: string): Promise<void>;
  startUpload(bucket: string, key: string): Promise<void>;
}

const AWKWARD = ['p/a b', 'p/a+b', 'p/ü%41', "p/'()!*", 'p/&<>"', 'p/data/x.json.gz'];
/** Characters that XML 1.0 has no way to write. */
const NOT_IN_XML = ['p/new\nline', 'p/bell\u0007'];

/** What S3 and CloudWatch Logs do as places for content. */
export function destinationsContract(
  make: () => Promise<DestinationsSubject>,
  gaps: readonly Gap[] = [],
): void {
  const test = contractCases(gaps);
  let subject: DestinationsSubject;
  beforeEach(async () => {
    subject = await make();
  });

  test('the facts of a bucket are what was set', async () => {
    const { destinations, pair, versioned, plain, kmsKeyArn } = subject;
    expect(await destinations.describeBucket(pair, versioned)).toMatchObject({
      kind: 'observed',
      value: { isInSameAccountAndRegion: true, isVersioned: true, hasObjectLock: false, kmsKeyArn },
    });
    expect(await destinations.describeBucket(pair, plain)).toMatchObject({ value: { isVersioned: false } });
  });

  test('a bucket that does not exist is absent', async () => {
    expect(await subject.destinations.describeBucket(subject.pair, 'there-is-no-such-bucket')).toMatchObject({
      kind: 'absent',
    });
  });

  test('a bucket of another Region is not seen as one of this Region', async () => {
    const seen = await subject.destinations.describeBucket(subject.elsewhere, subject.versioned);
    expect(seen).not.toMatchObject({ value: { isInSameAccountAndRegion: true } });
  });

  test('lists every version and delete marker below the prefix, with its size', async () => {
    const { destinations, pair, versioned, put, remove } = subject;
    await put(versioned, 'p/a', 'one');
    await put(versioned, 'p/a', 'three');
    await put(versioned, 'p/empty', '');
    await put(versioned, 'pa/other', 'not ours');
    await remove(versioned, 'p/a');
    const listed = await destinations.listVersions(pair, versioned, 'p/');
    expect(
      listed.map(({ key, isDeleteMarker, bytes }) => `${key} ${isDeleteMarker ? 'marker' : bytes}`).sort(),
    ).toEqual(['p/a 3', 'p/a 5', 'p/a marker', 'p/empty 0']);
    expect(new Set(listed.map(({ key, versionId }) => `${key} ${versionId}`)).size).toBe(4);
  });

  test('deletes exactly the versions it is given', async () => {
    const { destinations, pair, versioned, put } = subject;
    await put(versioned, 'p/a', 'one');
    await put(versioned, 'p/a', 'two');
    await put(versioned, 'q/b', 'kept');
    const [one, ...others] = await destinations.listVersions(pair, versioned, 'p/');
    await destinations.deleteVersions(pair, versioned, one === undefined ? [] : [one]);
    expect(await destinations.listVersions(pair, versioned, 'p/')).toEqual(others);
    await destinations.deleteVersions(pair, versioned, others);
    // Somebody may have been faster: deleting what is gone is no fault.
    await destinations.deleteVersions(pair, versioned, others);
    expect(await destinations.listVersions(pair, versioned, 'p/')).toEqual([]);
    expect(await destinations.listVersions(pair, versioned, 'q/')).toHaveLength(1);
  });

  test('a bucket without versions is listed and emptied too', async () => {
    const { destinations, pair, plain, put } = subject;
    await put(plain, 'p/a', 'one');
    const listed = await destinations.listVersions(pair, plain, 'p/');
    expect(listed).toMatchObject([{ key: 'p/a', isDeleteMarker: false, bytes: 3 }]);
    await destinations.deleteVersions(pair, plain, listed);
    expect(await destinations.listVersions(pair, plain, '')).toEqual([]);
  });

  test('keys that need care come back and go as they are', async () => {
    const { destinations, pair, versioned, put } = subject;
    for (const key of AWKWARD) await put(versioned, key, 'x');
    const listed = await destinations.listVersions(pair, versioned, 'p/');
    expect(listed.map(({ key }) => key).sort()).toEqual([...AWKWARD].sort());
    await destinations.deleteVersions(pair, versioned, listed);
    expect(await destinations.listVersions(pair, versioned, 'p/')).toEqual([]);
  });

  test('keys that XML cannot carry come back and go as they are', async () => {
    const { destinations, pair, versioned, put } = subject;
    for (const key of NOT_IN_XML) await put(versioned, key, 'x');
    const listed = await destinations.listVersions(pair, versioned, 'p/');
    expect(listed.map(({ key }) => key).sort()).toEqual([...NOT_IN_XML].sort());
    await destinations.deleteVersions(pair, versioned, listed);
    expect(await destinations.listVersions(pair, versioned, 'p/')).toEqual([]);
  });

  test('more than a thousand versions are listed and deleted completely', async () => {
    const { destinations, pair, versioned, put } = subject;
    for (let index = 0; index < 1005; index += 15)
      await Promise.all(Array.from({ length: 15 }, (_, more) => put(versioned, `p/${index + more}`, 'x')));
    const listed = await destinations.listVersions(pair, versioned, 'p/');
    expect(new Set(listed.map(({ key }) => key)).size).toBe(1005);
    await destinations.deleteVersions(pair, versioned, listed);
    expect(await destinations.listVersions(pair, versioned, 'p/')).toEqual([]);
  });

  test('open uploads below the prefix are listed and aborted', async () => {
    const { destinations, pair, versioned, startUpload } = subject;
    for (const key of ['p/a', 'p/a', 'q/b']) await startUpload(versioned, key);
    const uploads = await destinations.listUploads(pair, versioned, 'p/');
    expect(uploads.map(({ key }) => key)).toEqual(['p/a', 'p/a']);
    await destinations.abortUploads(pair, versioned, uploads);
    expect(await destinations.listUploads(pair, versioned, 'p/')).toEqual([]);
    expect(await destinations.listUploads(pair, versioned, '')).toHaveLength(1);
  });

  test('an upload that is gone already is no fault', async () => {
    const { destinations, pair, versioned, startUpload } = subject;
    await startUpload(versioned, 'p/a');
    const uploads = await destinations.listUploads(pair, versioned, 'p/');
    await destinations.abortUploads(pair, versioned, uploads);
    await destinations.abortUploads(pair, versioned, uploads);
  });

  test('a bucket that cannot be listed is a fault and never empty', async () => {
    const { destinations, pair } = subject;
    const missing = { name: 'Aws.not-found', mayHaveHappened: false };
    await expect(destinations.listVersions(pair, 'there-is-no-such-bucket', '')).rejects.toMatchObject(
      missing,
    );
    await expect(destinations.listUploads(pair, 'there-is-no-such-bucket', '')).rejects.toMatchObject(
      missing,
    );
  });

  test('a log group is there after it was made, once or twice', async () => {
    const { destinations, pair, kmsKeyArn } = subject;
    const name = '/proviso/content/ex-111111111111';
    await destinations.createLogGroup(pair, name, kmsKeyArn, 7);
    await destinations.createLogGroup(pair, name, kmsKeyArn, 7);
    expect(await destinations.hasLogGroup(pair, name)).toBe(true);
    await destinations.deleteLogGroup(pair, name);
  });

  test('a log group is gone after it was deleted, once or twice', async () => {
    const { destinations, pair, kmsKeyArn } = subject;
    const name = '/proviso/content/ex-222222222222';
    await destinations.createLogGroup(pair, name, kmsKeyArn, 7);
    await destinations.deleteLogGroup(pair, name);
    await destinations.deleteLogGroup(pair, name);
    expect(await destinations.hasLogGroup(pair, name)).toBe(false);
  });

  test('a log group whose name only begins alike is another one', async () => {
    const { destinations, pair, kmsKeyArn } = subject;
    await destinations.createLogGroup(pair, '/proviso/content/ex-333333333333', kmsKeyArn, 7);
    expect(await destinations.hasLogGroup(pair, '/proviso/content/ex-3333')).toBe(false);
    await destinations.deleteLogGroup(pair, '/proviso/content/ex-333333333333');
  });
}
