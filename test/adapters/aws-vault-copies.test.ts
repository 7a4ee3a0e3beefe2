import { CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { CopyObjectCommand, ListObjectVersionsCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { mockClient } from 'aws-sdk-client-mock';
import { afterEach, expect, it } from 'vitest';
import type { MemberRoles } from '../../src/adapters/aws/roles.ts';
import { awsVaultCopies } from '../../src/adapters/aws/vault-copies.ts';
import { accountId, region } from '../../src/core/index.ts';
import { systemClock } from '../../src/runtime/index.ts';

const PAIR = { accountId: accountId('222222222222'), region: region('eu-central-1') };
const KEY = 'arn:aws:kms:eu-central-1:222222222222:key/v';
const s3 = mockClient(S3Client);
const logs = mockClient(CloudWatchLogsClient);
afterEach(() => {
  s3.reset();
  logs.reset();
});
const acts: string[] = [];
const roles = {
  settingsFor: async (act: string) => {
    acts.push(act);
    return { region: PAIR.region, credentials: { accessKeyId: 'a', secretAccessKey: 'b' } };
  },
} as unknown as MemberRoles;
const copies = awsVaultCopies(roles, systemClock);
const version = (key: string, versionId: string) => ({ key, versionId, isDeleteMarker: false, bytes: 3 });
const to = { bucketName: 'vault', key: 'ex-1/v1/a b', kmsKeyArn: KEY };

it('copies exactly one version within S3, under the vault’s key, between buckets of this account, by its own role', async () => {
  s3.on(CopyObjectCommand).resolves({ CopySourceVersionId: 'v1', SSEKMSKeyId: KEY });
  await copies.copyVersion(PAIR, { bucketName: 'b', version: version('p/a b+ü', 'v1') }, to);
  expect(s3.commandCalls(CopyObjectCommand)[0]?.args[0].input).toEqual({
    Bucket: 'vault',
    Key: 'ex-1/v1/a b',
    CopySource: 'b/p/a%20b%2B%C3%BC?versionId=v1',
    ExpectedBucketOwner: PAIR.accountId,
    ExpectedSourceBucketOwner: PAIR.accountId,
    ServerSideEncryption: 'aws:kms',
    SSEKMSKeyId: KEY,
  });
  expect(acts).toEqual(['hold']);
});

it('of a bucket without versions names none, and notices when S3 copied another one', async () => {
  s3.on(CopyObjectCommand).resolvesOnce({}).resolves({ CopySourceVersionId: 'younger' });
  const from = { bucketName: 'b', version: version('p/a', 'null') };
  await copies.copyVersion(PAIR, from, to);
  expect(s3.commandCalls(CopyObjectCommand)[0]?.args[0].input.CopySource).toBe('b/p/a');
  await expect(copies.copyVersion(PAIR, from, to)).rejects.toMatchObject({ code: 'failed' });
});

it('notices another key, and translates refusals', async () => {
  s3.on(CopyObjectCommand)
    .resolvesOnce({ CopySourceVersionId: 'v1', SSEKMSKeyId: 'arn:aws:kms:eu-central-1:222222222222:key/o' })
    .rejects(Object.assign(new Error('no'), { name: 'AccessDenied', $metadata: { httpStatusCode: 403 } }));
  const from = { bucketName: 'b', version: version('p/a', 'v1') };
  await expect(copies.copyVersion(PAIR, from, to)).rejects.toMatchObject({ code: 'failed' });
  await expect(copies.copyVersion(PAIR, from, to)).rejects.toMatchObject({ code: 'access-denied' });
});

it('lists the vault completely, or not at all', async () => {
  s3.on(ListObjectVersionsCommand)
    .resolvesOnce({
      IsTruncated: true,
      NextKeyMarker: 'k1',
      Versions: [{ Key: 'k1', VersionId: 'v', Size: 1 }],
    })
    .resolvesOnce({ Versions: [{ Key: 'k2', VersionId: 'v', Size: 2 }] })
    .resolves({ IsTruncated: true });
  expect(await copies.listVersions(PAIR, 'vault', 'ex-1/')).toHaveLength(2);
  await expect(copies.listVersions(PAIR, 'vault', 'ex-1/')).rejects.toThrow();
});

it('reads a page of events by the hold role, an empty one with its token too, and takes no event without its fields', async () => {
  const page = (page: object) => logs.on(FilterLogEventsCommand).resolves(page);
  page({ events: [], nextToken: 't' });
  acts.length = 0;
  expect(await copies.readEvents(PAIR, '/g/ex-1', { from: 5, to: 9 })).toEqual({ events: [], next: 't' });
  expect(acts).toEqual(['hold']);
  expect(logs.commandCalls(FilterLogEventsCommand)[0]?.args[0].input).toEqual({
    logGroupName: '/g/ex-1',
    // Without it a data protection policy masks what is copied, and the original is deleted.
    unmask: true,
    startTime: 5,
    endTime: 8,
  });
  const event = { eventId: '1', logStreamName: 's', timestamp: 6, ingestionTime: 7, message: 'm' };
  page({ events: [event] });
  expect(await copies.readEvents(PAIR, '/g/ex-1', { from: 0 }, 't')).toEqual({
    events: [{ eventId: '1', streamName: 's', timestamp: 6, ingestionTime: 7, message: 'm' }],
  });
  for (const spoilt of [
    { eventId: undefined },
    { timestamp: -1 },
    { ingestionTime: 1e18 },
    { logStreamName: '' },
  ]) {
    page({ events: [{ ...event, ...spoilt }] });
    await expect(copies.readEvents(PAIR, '/g/ex-1', { from: 0 })).rejects.toMatchObject({ code: 'failed' });
  }
});

it('tells a log group that is gone from one that is denied', async () => {
  const named = (name: string) =>
    Object.assign(new Error('no'), { name, $metadata: { httpStatusCode: 400 } });
  logs
    .on(FilterLogEventsCommand)
    .rejectsOnce(named('ResourceNotFoundException'))
    .rejectsOnce(named('AccessDeniedException'))
    .rejects(named('ThrottlingException'));
  expect(await copies.readEvents(PAIR, '/g', { from: 0 })).toBeUndefined();
  await expect(copies.readEvents(PAIR, '/g', { from: 0 })).rejects.toMatchObject({ code: 'access-denied' });
  await expect(copies.readEvents(PAIR, '/g', { from: 0 })).rejects.toMatchObject({ code: 'throttled' });
});

it('writes an object under the vault’s key, into a bucket of this account alone', async () => {
  s3.on(PutObjectCommand).resolves({});
  await copies.writePart(PAIR, { bucketName: 'vault', key: 'k', kmsKeyArn: KEY }, Buffer.from('x'));
  expect(s3.commandCalls(PutObjectCommand)[0]?.args[0].input).toMatchObject({
    Bucket: 'vault',
    ExpectedBucketOwner: PAIR.accountId,
    ServerSideEncryption: 'aws:kms',
    SSEKMSKeyId: KEY,
  });
});
