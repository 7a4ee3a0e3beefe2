import {
  GetAccessPointPolicyCommand,
  GetMultiRegionAccessPointPolicyCommand,
  ListAccessPointsCommand,
  ListMultiRegionAccessPointsCommand,
  S3ControlClient,
} from '@aws-sdk/client-s3-control';
import { mockClient } from 'aws-sdk-client-mock';
import { afterEach, describe, expect, it } from 'vitest';
import { accessPointReaders, multiRegionAccessPointReaders } from '../../src/adapters/aws/access-points.ts';
import type { RegionEvidence } from '../../src/evidence/index.ts';
import { SECTION_EXAMPLES } from '../evidence/section-examples.ts';
import { AT, absent, FRANKFURT, MEMBER, observed } from '../evidence/snapshots.ts';

/* Answers have the shape of the SDK's own types. No AWS account was asked. */

const control = mockClient(S3ControlClient);
afterEach(() => control.reset());

const clock = { now: () => AT };
const asked: (string | undefined)[] = [];
const access = (home: string = FRANKFURT) =>
  ({
    settingsFor: async (_account: string, region?: string) => {
      asked.push(region);
      return {
        region: region ?? home,
        maxAttempts: 1,
        retryMode: 'adaptive' as const,
        credentials: async () => ({ accessKeyId: 'AKIATEST', secretAccessKey: 'CANARY-SECRET' }),
      };
    },
  }) as never;
const named = (name: string): Error => Object.assign(new Error('CANARY'), { name });
const POLICY = '{"Version":"2012-10-17","Statement":[]}';
const OTHER = '999999999999';

const [bucket] = SECTION_EXAMPLES['account-region'].destinations;
if (bucket?.kind !== 's3') throw new Error('the first example is no bucket');
const place = (destinations: RegionEvidence['sections'] = {}): RegionEvidence => ({
  accountId: MEMBER,
  region: FRANKFURT,
  invocationLogging: absent(),
  dataRetention: observed({ mode: 'none' }),
  sections: destinations,
});
const writing = place({ destinations: observed([bucket]) });
const listed = (Name: string, Bucket: string, more: object = {}) => ({
  Name,
  Bucket,
  NetworkOrigin: 'Internet' as const,
  BucketAccountId: MEMBER,
  AccessPointArn: `arn:aws:s3:${FRANKFURT}:${MEMBER}:accesspoint/${Name}`,
  ...more,
});

describe('access points of an account and Region', () => {
  const read = accessPointReaders(access(), clock).accessPoints;

  it('every page; the policy of those before a bucket that content goes to, or a bucket of another account', async () => {
    control
      .on(ListAccessPointsCommand, { AccountId: MEMBER })
      .resolves({ AccessPointList: [listed('one', 'b'), listed('own', 'pictures')], NextToken: 'more' });
    control.on(ListAccessPointsCommand, { NextToken: 'more' }).resolves({
      AccessPointList: [
        listed('two', 'theirs', { BucketAccountId: OTHER }),
        listed('three', 'b', { NetworkOrigin: 'VPC', VpcConfiguration: { VpcId: 'vpc-1' } }),
        listed('four', 'b'),
      ],
    });
    control.on(GetAccessPointPolicyCommand, { Name: 'one' }).resolves({ Policy: POLICY });
    control.on(GetAccessPointPolicyCommand, { Name: 'two' }).resolves({ Policy: POLICY });
    control.on(GetAccessPointPolicyCommand, { Name: 'three' }).rejects(named('NoSuchAccessPointPolicy'));
    control.on(GetAccessPointPolicyCommand, { Name: 'four' }).rejects(named('AccessDenied'));
    const found = await read(writing);
    expect(found).toMatchObject({
      kind: 'observed',
      value: [
        { name: 'one', bucketName: 'b', policy: { kind: 'observed', value: POLICY } },
        { name: 'own', bucketName: 'pictures', policy: { kind: 'unobservable', reason: 'not-collected' } },
        { name: 'two', bucketName: 'theirs', bucketAccountId: OTHER, policy: { kind: 'observed' } },
        { name: 'three', networkOrigin: 'VPC', vpcId: 'vpc-1', policy: { kind: 'absent' } },
        { name: 'four', policy: { kind: 'unobservable', reason: 'access-denied' } },
      ],
    });
    expect(JSON.stringify(found)).not.toContain('CANARY');
  });

  it('lists them all the same where nobody knows which buckets content goes to', async () => {
    control.on(ListAccessPointsCommand).resolves({ AccessPointList: [listed('one', 'b')] });
    const denied = { kind: 'unobservable', reason: 'access-denied', detail: 'AccessDenied' } as const;
    expect(await read(place({ destinations: denied }))).toMatchObject({
      value: [{ name: 'one', policy: denied }],
    });
    expect(control.commandCalls(GetAccessPointPolicyCommand)).toHaveLength(0);
  });

  it.each([
    ['a refusal is no list', named('AccessDenied'), { kind: 'unobservable', reason: 'access-denied' }],
    [
      'a Region where S3 has no name has none',
      Object.assign(named('Error'), { code: 'ENOTFOUND' }),
      { kind: 'absent' },
    ],
  ])('%s', async (_name, error, expected) => {
    control.on(ListAccessPointsCommand).rejects(error);
    expect(await read(writing)).toMatchObject(expected);
  });

  it('an access point without its bucket is a malformed answer', async () => {
    control
      .on(ListAccessPointsCommand)
      .resolves({ AccessPointList: [{ ...listed('one', 'b'), Bucket: undefined }] });
    expect(await read(writing)).toMatchObject({ kind: 'unobservable', reason: 'malformed' });
  });
});

describe('Multi-Region Access Points of an account', () => {
  const read = multiRegionAccessPointReaders(access(), clock).multiRegionAccessPoints;
  const account = { accountId: MEMBER } as Parameters<typeof read>[0];

  it('are asked for in the one Region that answers, with the policy in force and not the proposed one', async () => {
    asked.length = 0;
    control.on(ListMultiRegionAccessPointsCommand).resolves({
      AccessPoints: [
        { Name: 'everywhere', Alias: 'a.mrap', Regions: [{ Bucket: 'b' }, { Bucket: 'c' }] },
        { Name: 'new', Alias: 'n.mrap', Regions: [{ Bucket: 'b' }] },
      ],
    });
    control
      .on(GetMultiRegionAccessPointPolicyCommand, { Name: 'everywhere' })
      .resolves({ Policy: { Established: { Policy: POLICY }, Proposed: { Policy: '{}' } } });
    control
      .on(GetMultiRegionAccessPointPolicyCommand, { Name: 'new' })
      .resolves({ Policy: { Proposed: { Policy: POLICY } } });
    expect(await read(account)).toMatchObject({
      value: [
        {
          arn: `arn:aws:s3::${MEMBER}:accesspoint/a.mrap`,
          bucketNames: ['b', 'c'],
          policy: { kind: 'observed', value: POLICY },
        },
        { name: 'new', policy: { kind: 'absent' } },
      ],
    });
    expect(asked).toEqual([undefined, 'us-west-2']);
  });

  it('a refusal is no list', async () => {
    control.on(ListMultiRegionAccessPointsCommand).rejects(named('AccessDenied'));
    expect(await read(account)).toMatchObject({ kind: 'unobservable', reason: 'access-denied' });
  });

  it('other partitions have none, and nobody is asked', async () => {
    const reader = multiRegionAccessPointReaders(access('cn-north-1'), clock).multiRegionAccessPoints;
    expect(await reader(account)).toMatchObject({ kind: 'absent' });
    expect(control.calls()).toHaveLength(0);
  });
});
