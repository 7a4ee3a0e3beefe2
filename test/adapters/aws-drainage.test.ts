import { Readable } from 'node:stream';
import { CopyObjectCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { sdkStreamMixin } from '@smithy/util-stream';
import { mockClient } from 'aws-sdk-client-mock';
import { afterEach, expect, it } from 'vitest';
import { awsDrainage } from '../../src/adapters/aws/drainage.ts';
import type { MemberRoles } from '../../src/adapters/aws/roles.ts';
import { accountId, epochMs, region } from '../../src/core/index.ts';

const PAIR = { accountId: accountId('222222222222'), region: region('eu-central-1') };
const s3 = mockClient(S3Client);
const acts = new Set<string>();
afterEach(() => {
  s3.reset();
  expect([...acts]).toEqual(['drain']);
  acts.clear();
});
const drainage = awsDrainage(
  {
    settingsFor: async (act: string) => {
      acts.add(act);
      return { region: PAIR.region, credentials: { accessKeyId: 'a', secretAccessKey: 'b' } };
    },
  } as unknown as MemberRoles,
  { now: () => epochMs(0) },
);
const named = (name: string, status: number) =>
  Object.assign(new Error(name), { name, $metadata: { httpStatusCode: status } });
const body = (text: string) => sdkStreamMixin(Readable.from([Buffer.from(text)]));
const OBJECT = { key: 'p/raw/a b.json.gz', versionId: 'v1', isDeleteMarker: false, bytes: 3 };
const UNDER = { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: 'k', BucketKeyEnabled: true };

it('reads exactly the version that was listed, and never one above the limit', async () => {
  s3.on(GetObjectCommand).resolves({ Body: body('abc') });
  expect(await drainage.readRaw(PAIR, 'b', OBJECT, 3)).toEqual(new Uint8Array(Buffer.from('abc')));
  expect(s3.commandCalls(GetObjectCommand)[0]?.args[0].input).toEqual({
    Bucket: 'b',
    Key: OBJECT.key,
    VersionId: 'v1',
    ExpectedBucketOwner: PAIR.accountId,
  });
  expect(await drainage.readRaw(PAIR, 'b', OBJECT, 2)).toBe('too-large');
  expect(s3.commandCalls(GetObjectCommand)).toHaveLength(1);
});

it('gone is an answer, denied is a fault', async () => {
  s3.on(GetObjectCommand).rejectsOnce(named('NoSuchVersion', 404)).rejects(named('AccessDenied', 403));
  expect(await drainage.readRaw(PAIR, 'b', OBJECT, 3)).toBeUndefined();
  await expect(drainage.readRaw(PAIR, 'b', OBJECT, 3)).rejects.toMatchObject({ code: 'access-denied' });
  s3.on(CopyObjectCommand).rejectsOnce(named('NoSuchKey', 404)).rejects(named('AccessDenied', 403));
  expect(await drainage.copyToVault(PAIR, 'b', OBJECT, 'p/vault/a', 'k')).toBe(false);
  await expect(drainage.copyToVault(PAIR, 'b', OBJECT, 'p/vault/a', 'k')).rejects.toMatchObject({
    code: 'access-denied',
  });
});

it('keeps under the exception’s own key, and copies within S3', async () => {
  s3.on(PutObjectCommand).resolves({});
  s3.on(CopyObjectCommand).resolves({});
  await drainage.writeVault(PAIR, 'b', 'p/vault/x.jsonl', Buffer.from('{}\n'), 'k');
  expect(s3.commandCalls(PutObjectCommand)[0]?.args[0].input).toMatchObject({
    Bucket: 'b',
    Key: 'p/vault/x.jsonl',
    ExpectedBucketOwner: PAIR.accountId,
    ...UNDER,
  });
  expect(await drainage.copyToVault(PAIR, 'b', OBJECT, 'p/vault/a', 'k')).toBe(true);
  expect(s3.commandCalls(CopyObjectCommand)[0]?.args[0].input).toMatchObject({
    CopySource: 'b/p%2Fraw%2Fa%20b.json.gz?versionId=v1',
    Key: 'p/vault/a',
    ExpectedSourceBucketOwner: PAIR.accountId,
    ...UNDER,
  });
});

it('of two that make the counting key at once, both get the one that stands', async () => {
  s3.on(GetObjectCommand)
    .rejectsOnce(named('NoSuchKey', 404))
    .resolves({ Body: body('theirs') });
  s3.on(PutObjectCommand).rejects(named('PreconditionFailed', 412));
  expect(await drainage.readOrMakeKey(PAIR, 'b', 'p/drain/key', 'ours', 'k')).toBe('theirs');
  expect(s3.commandCalls(PutObjectCommand)[0]?.args[0].input).toMatchObject({ IfNoneMatch: '*', ...UNDER });
});

it('a counting key that cannot be read is never made anew', async () => {
  s3.on(GetObjectCommand).rejects(named('AccessDenied', 403));
  await expect(drainage.readOrMakeKey(PAIR, 'b', 'p/drain/key', 'ours', 'k')).rejects.toMatchObject({
    code: 'access-denied',
  });
  expect(s3.commandCalls(PutObjectCommand)).toHaveLength(0);
});
