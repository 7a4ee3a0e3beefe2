import {
  BackupClient,
  GetBackupSelectionCommand,
  ListBackupPlansCommand,
  ListBackupSelectionsCommand,
} from '@aws-sdk/client-backup';
import {
  CloudTrailClient,
  DescribeTrailsCommand,
  GetEventSelectorsCommand,
  GetTrailStatusCommand,
} from '@aws-sdk/client-cloudtrail';
import {
  CloudWatchLogsClient,
  DescribeAccountPoliciesCommand,
  DescribeExportTasksCommand,
  DescribeLogGroupsCommand,
  DescribeSubscriptionFiltersCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { DescribeKeyCommand, GetKeyPolicyCommand, KMSClient, ListGrantsCommand } from '@aws-sdk/client-kms';
import {
  GetBucketLifecycleConfigurationCommand,
  GetBucketOwnershipControlsCommand,
  GetBucketPolicyCommand,
  GetBucketReplicationCommand,
  GetBucketTaggingCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { mockClient } from 'aws-sdk-client-mock';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { accountInspection } from '../../src/adapters/aws/inspection.ts';
import type { MemberRoles } from '../../src/adapters/aws/roles.ts';
import { accountId, epochMs, region } from '../../src/core/index.ts';

/* Answers in the shapes of the SDK's types: what each means to preflight. None was seen on AWS. */

const PAIR = { accountId: accountId('222222222222'), region: region('eu-central-1') };
const clock = { now: () => epochMs(0) };
const [s3, kms, logs, trail, backup] = [
  mockClient(S3Client),
  mockClient(KMSClient),
  mockClient(CloudWatchLogsClient),
  mockClient(CloudTrailClient),
  mockClient(BackupClient),
];
const roles = {
  settingsFor: async () => ({ region: PAIR.region, credentials: { accessKeyId: 'a', secretAccessKey: 'b' } }),
} as unknown as MemberRoles;
const inspection = accountInspection(roles, { readIam: async () => DENIED }, clock);
const DENIED = { kind: 'unobservable', reason: 'access-denied' } as const;
const named = (name: string) => Object.assign(new Error(name), { name, $metadata: {} });

beforeEach(() => {
  s3.on(GetBucketPolicyCommand).resolves({ Policy: '{}' });
  s3.on(GetBucketOwnershipControlsCommand).resolves({
    OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
  });
  s3.on(GetBucketLifecycleConfigurationCommand).resolves({ Rules: [] });
  s3.on(GetBucketReplicationCommand).rejects(named('ReplicationConfigurationNotFoundError'));
  s3.on(GetBucketTaggingCommand).rejects(named('NoSuchTagSet'));
  backup.on(ListBackupPlansCommand).resolves({ BackupPlansList: [] });
  trail.on(DescribeTrailsCommand).resolves({ trailList: [{ Name: 't', TrailARN: 'arn:t' }] });
  trail.on(GetTrailStatusCommand).resolves({ IsLogging: true });
  trail.on(GetEventSelectorsCommand).resolves({});
  logs.on(DescribeSubscriptionFiltersCommand).resolves({ subscriptionFilters: [] });
  logs.on(DescribeAccountPoliciesCommand).resolves({ accountPolicies: [] });
  logs.on(DescribeExportTasksCommand).resolves({ exportTasks: [] });
  logs.on(DescribeLogGroupsCommand).resolves({ logGroups: [{ logGroupName: '/g', retentionInDays: 7 }] });
});
afterEach(() => {
  for (const mock of [s3, kms, logs, trail, backup]) mock.reset();
});

describe('a bucket', () => {
  it('shows what is configured, asked of its owner', async () => {
    const seen = await inspection.inspectBucket(PAIR, 'b');
    expect(seen).toMatchObject({
      policy: { kind: 'observed', value: '{}' },
      ownership: { value: 'BucketOwnerEnforced' },
      lifecycle: { value: [] },
      copies: { value: [] },
      backups: { value: [] },
      tags: { kind: 'absent' },
      trails: { value: [{ name: 't', isLogging: true, dataEvents: [] }] },
    });
    for (const call of s3.calls())
      expect(call.args[0].input).toMatchObject({ Bucket: 'b', ExpectedBucketOwner: PAIR.accountId });
  });

  it('without policy, ownership controls and lifecycle shows positive absence; a refusal is unknown', async () => {
    s3.on(GetBucketPolicyCommand).rejects(named('NoSuchBucketPolicy'));
    s3.on(GetBucketOwnershipControlsCommand).rejects(named('OwnershipControlsNotFoundError'));
    s3.on(GetBucketLifecycleConfigurationCommand).rejects(named('NoSuchLifecycleConfiguration'));
    s3.on(GetBucketReplicationCommand).rejects(named('AccessDenied'));
    expect(await inspection.inspectBucket(PAIR, 'b')).toMatchObject({
      policy: { kind: 'absent' },
      ownership: { kind: 'absent' },
      lifecycle: { kind: 'absent' },
      copies: { kind: 'unobservable', reason: 'access-denied' },
    });
  });

  it('counts only lifecycle rules that cover everything under their prefix', async () => {
    s3.on(GetBucketLifecycleConfigurationCommand).resolves({
      Rules: [
        { Status: 'Enabled', Filter: { Prefix: 'p/' }, Expiration: { Days: 7 } },
        { Status: 'Enabled', Filter: { Tag: { Key: 'a', Value: 'b' } }, Expiration: { Days: 1 } },
        {
          Status: 'Enabled',
          Filter: { And: { Prefix: 'p/', ObjectSizeGreaterThan: 1 } },
          Expiration: { Days: 1 },
        },
        {
          Status: 'Disabled',
          NoncurrentVersionExpiration: { NoncurrentDays: 2 },
          Expiration: { ExpiredObjectDeleteMarker: true },
        },
        {
          Status: 'Enabled',
          Filter: {},
          NoncurrentVersionExpiration: { NoncurrentDays: 2, NewerNoncurrentVersions: 5 },
        },
      ],
    });
    // A rule over some objects has no days to count on, and is there all the same: in a vault it must not be.
    expect((await inspection.inspectBucket(PAIR, 'b')).lifecycle).toMatchObject({
      value: [
        { isEnabled: true, prefix: 'p/', expirationDays: 7 },
        { isEnabled: true, prefix: '', isPartial: true },
        { isEnabled: true, prefix: 'p/', isPartial: true },
        { isEnabled: false, prefix: '', noncurrentDays: 2 },
        { isEnabled: true, prefix: '', isPartial: true },
      ],
    });
    const { lifecycle } = await inspection.inspectBucket(PAIR, 'b');
    expect(lifecycle.kind === 'observed' && lifecycle.value[1]).not.toHaveProperty('expirationDays');
  });

  it('shows the selections of every plan of AWS Backup, page by page, and its tags', async () => {
    s3.on(GetBucketTaggingCommand).resolves({ TagSet: [{ Key: 'backup', Value: 'daily' }] });
    backup
      .on(ListBackupPlansCommand)
      .resolvesOnce({ BackupPlansList: [{ BackupPlanId: 'p1', BackupPlanName: 'nightly' }], NextToken: 'n' })
      .resolves({ BackupPlansList: [{ BackupPlanId: 'p2' }] });
    backup
      .on(ListBackupSelectionsCommand, { BackupPlanId: 'p1' })
      .resolvesOnce({ BackupSelectionsList: [{ SelectionId: 's1' }], NextToken: 'n' })
      .resolves({ BackupSelectionsList: [{ SelectionId: 's2' }] });
    backup.on(ListBackupSelectionsCommand, { BackupPlanId: 'p2' }).resolves({ BackupSelectionsList: [] });
    const IamRoleArn = 'arn:aws:iam::222222222222:role/Backup';
    backup.on(GetBackupSelectionCommand, { BackupPlanId: 'p1', SelectionId: 's1' }).resolves({
      BackupSelection: {
        SelectionName: 'tagged',
        IamRoleArn,
        ListOfTags: [{ ConditionType: 'STRINGEQUALS', ConditionKey: 'backup', ConditionValue: 'daily' }],
      },
    });
    backup.on(GetBackupSelectionCommand, { BackupPlanId: 'p1', SelectionId: 's2' }).resolves({
      BackupSelection: {
        SelectionName: 'buckets',
        IamRoleArn,
        Resources: ['arn:aws:s3:::*'],
        NotResources: ['arn:aws:s3:::logs'],
        Conditions: {
          StringNotLike: [{ ConditionKey: 'aws:ResourceTag/stage', ConditionValue: 'dev*' }],
        },
      },
    });
    expect(await inspection.inspectBucket(PAIR, 'b')).toMatchObject({
      tags: { value: { backup: 'daily' } },
      backups: {
        value: [
          {
            plan: 'nightly',
            selection: 'tagged',
            resources: [],
            notResources: [],
            anyTag: [{ key: 'backup', value: 'daily' }],
            conditions: [],
          },
          {
            plan: 'nightly',
            selection: 'buckets',
            resources: ['arn:aws:s3:::*'],
            notResources: ['arn:aws:s3:::logs'],
            anyTag: [],
            conditions: [{ operator: 'StringNotLike', key: 'stage', value: 'dev*' }],
          },
        ],
      },
    });
  });

  it.each([
    ['plans', () => backup.on(ListBackupPlansCommand).rejects(named('AccessDeniedException'))],
    [
      'one selection',
      () => {
        backup.on(ListBackupPlansCommand).resolves({ BackupPlansList: [{ BackupPlanId: 'p' }] });
        backup.on(ListBackupSelectionsCommand).resolves({ BackupSelectionsList: [{ SelectionId: 's' }] });
        backup.on(GetBackupSelectionCommand).rejects(named('AccessDeniedException'));
      },
    ],
  ])('whose %s of AWS Backup may not be read has unknown copies', async (_, refuse) => {
    refuse();
    expect((await inspection.inspectBucket(PAIR, 'b')).backups).toMatchObject({
      kind: 'unobservable',
      reason: 'access-denied',
    });
  });

  it('names where it is replicated to, unless the rule is disabled', async () => {
    s3.on(GetBucketReplicationCommand).resolves({
      ReplicationConfiguration: {
        Role: 'r',
        Rules: [
          { Status: 'Enabled', Destination: { Bucket: 'arn:aws:s3:::far' } },
          { Status: 'Disabled', Destination: { Bucket: 'arn:aws:s3:::off' } },
        ],
      },
    });
    expect((await inspection.inspectBucket(PAIR, 'b')).copies).toMatchObject({
      value: ['it is replicated to arn:aws:s3:::far'],
    });
  });

  const data = [
    { Field: 'eventCategory', Equals: ['Data'] },
    { Field: 'resources.type', Equals: ['AWS::S3::Object'] },
  ];
  test.each<[string, object, unknown]>([
    [
      'every object',
      { AdvancedEventSelectors: [{ FieldSelectors: data }] },
      [{ includesReads: true, arnPrefixes: 'all' }],
    ],
    [
      'writes only',
      { AdvancedEventSelectors: [{ FieldSelectors: [...data, { Field: 'readOnly', Equals: ['false'] }] }] },
      [{ includesReads: false, arnPrefixes: 'all' }],
    ],
    [
      'one bucket',
      {
        AdvancedEventSelectors: [
          { FieldSelectors: [...data, { Field: 'resources.ARN', StartsWith: ['arn:aws:s3:::b/'] }] },
        ],
      },
      [{ includesReads: true, arnPrefixes: ['arn:aws:s3:::b/'] }],
    ],
    [
      'all but one bucket, which is not relied on',
      {
        AdvancedEventSelectors: [
          { FieldSelectors: [...data, { Field: 'resources.ARN', NotStartsWith: ['arn:aws:s3:::b/'] }] },
        ],
      },
      [],
    ],
    [
      'one kind of event, which is not relied on',
      {
        AdvancedEventSelectors: [
          { FieldSelectors: [...data, { Field: 'eventName', Equals: ['PutObject'] }] },
        ],
      },
      [],
    ],
    [
      'every bucket of another partition',
      {
        EventSelectors: [
          {
            ReadWriteType: 'All',
            DataResources: [{ Type: 'AWS::S3::Object', Values: ['arn:aws-us-gov:s3:::'] }],
          },
        ],
      },
      [{ includesReads: true, arnPrefixes: 'all' }],
    ],
    ['management events', { EventSelectors: [{ ReadWriteType: 'All', DataResources: [] }] }, []],
    [
      'every bucket by the old form',
      {
        EventSelectors: [
          { ReadWriteType: 'ReadOnly', DataResources: [{ Type: 'AWS::S3::Object', Values: ['arn:aws:s3'] }] },
        ],
      },
      [{ includesReads: true, arnPrefixes: 'all' }],
    ],
  ])('a trail of %s', async (_name, selectors, dataEvents) => {
    trail.on(GetEventSelectorsCommand).resolves(selectors);
    expect((await inspection.inspectBucket(PAIR, 'b')).trails).toMatchObject({ value: [{ dataEvents }] });
  });
});

describe('a log group', () => {
  it('shows its retention and protection, and is absent when only a longer name is there', async () => {
    expect((await inspection.inspectLogGroup(PAIR, '/g')).settings).toMatchObject({
      value: { retentionDays: 7, isProtected: false },
    });
    expect((await inspection.inspectLogGroup(PAIR, '/')).settings).toMatchObject({ kind: 'absent' });
  });

  it('names everything that takes its events elsewhere', async () => {
    logs
      .on(DescribeSubscriptionFiltersCommand)
      .resolves({ subscriptionFilters: [{ filterName: 'f', destinationArn: 'arn:d' }] });
    logs.on(DescribeAccountPoliciesCommand).resolves({
      accountPolicies: [
        { policyName: 'all' },
        { policyName: 'not-us', selectionCriteria: 'LogGroupName NOT IN ["/other", "/g"]' },
        { policyName: 'us', selectionCriteria: 'LogGroupName NOT IN ["/g/longer"]' },
      ],
    });
    logs.on(DescribeExportTasksCommand).resolves({
      exportTasks: [
        { logGroupName: '/g', status: { code: 'RUNNING' }, destination: 'bucket' },
        { logGroupName: '/g', status: { code: 'COMPLETED' }, destination: 'earlier' },
        { logGroupName: '/other', status: { code: 'RUNNING' }, destination: 'theirs' },
      ],
    });
    expect((await inspection.inspectLogGroup(PAIR, '/g')).copies).toMatchObject({
      value: [
        'subscription filter f sends it to arn:d',
        'the account’s subscription policy all sends it elsewhere',
        'the account’s subscription policy us sends it elsewhere',
        'an export task copies it to bucket',
      ],
    });
  });
});

describe('a key', () => {
  it('shows its state, its policy and who holds a grant that reads or writes', async () => {
    kms.on(DescribeKeyCommand).resolves({ KeyMetadata: { KeyId: 'k', KeyState: 'PendingDeletion' } });
    kms.on(GetKeyPolicyCommand).resolves({ Policy: '{}' });
    kms
      .on(ListGrantsCommand)
      .resolvesOnce({
        Truncated: true,
        NextMarker: 'm',
        Grants: [{ GranteePrincipal: 'one', Operations: ['Decrypt'] }],
      })
      .resolves({
        Grants: [
          { GranteePrincipal: 'two', Operations: ['DescribeKey'] },
          { GranteePrincipal: 'three', Operations: ['GenerateDataKey'] },
        ],
      });
    expect(await inspection.inspectKey(PAIR, 'k')).toMatchObject({
      isEnabled: { value: false },
      policy: { value: '{}' },
      grants: { value: ['one', 'three'] },
    });
  });

  it('that cannot be looked at is unknown', async () => {
    kms.rejects(named('AccessDeniedException'));
    expect(await inspection.inspectKey(PAIR, 'k')).toMatchObject({
      isEnabled: DENIED,
      policy: DENIED,
      grants: DENIED,
    });
  });
});
