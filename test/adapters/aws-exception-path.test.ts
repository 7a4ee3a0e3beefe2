import { createHash, generateKeyPairSync, sign, verify } from 'node:crypto';
import {
  BedrockClient,
  DeleteModelInvocationLoggingConfigurationCommand,
  GetAccountDataRetentionCommand,
  PutAccountDataRetentionCommand,
  PutModelInvocationLoggingConfigurationCommand,
} from '@aws-sdk/client-bedrock';
import {
  DynamoDBClient,
  QueryCommand,
  TransactionCanceledException,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb';
import {
  IdentitystoreClient,
  ListGroupMembershipsCommand,
  ListUsersCommand,
} from '@aws-sdk/client-identitystore';
import { GetPublicKeyCommand, KMSClient, SignCommand } from '@aws-sdk/client-kms';
import {
  DeleteObjectCommand,
  DeleteObjectsCommand,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { CreateScheduleCommand, GetScheduleCommand, SchedulerClient } from '@aws-sdk/client-scheduler';
import { SendTaskSuccessCommand, SFNClient } from '@aws-sdk/client-sfn';
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { mockClient } from 'aws-sdk-client-mock';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { contentBuckets } from '../../src/adapters/aws/buckets.ts';
import { awsCallError } from '../../src/adapters/aws/call.ts';
import { identityStoreDirectory } from '../../src/adapters/aws/directory.ts';
import { awsExecutions } from '../../src/adapters/aws/executions.ts';
import { homeSettings } from '../../src/adapters/aws/home-settings.ts';
import { EarlierCallFailed } from '../../src/adapters/aws/observe.ts';
import { bedrockRetention, bedrockSettings } from '../../src/adapters/aws/prompt-storage.ts';
import { dynamoRecordStore } from '../../src/adapters/aws/record-store.ts';
import { dynamoRecorder } from '../../src/adapters/aws/recorder.ts';
import { type MemberRoles, memberRoles } from '../../src/adapters/aws/roles.ts';
import { awsSchedules } from '../../src/adapters/aws/schedules.ts';
import { kmsSigner } from '../../src/adapters/aws/signing-key.ts';
import { readEnvironment, VARIABLES } from '../../src/adapters/environment.ts';
import { accountId, epochMs, region } from '../../src/core/index.ts';
import type { ObjectVersion, OneTimeSchedule } from '../../src/enforcement/index.ts';
import { AwsCallError, type CompleteLoggingConfiguration } from '../../src/exceptions/index.ts';

/* What moto does not show: errors, refusals, pages, and what exactly goes over the wire. Answers have the shapes of the SDK's types. */

const [bedrock, dynamo, identity, kms, s3, scheduler, states, sts] = [
  mockClient(BedrockClient),
  mockClient(DynamoDBClient),
  mockClient(IdentitystoreClient),
  mockClient(KMSClient),
  mockClient(S3Client),
  mockClient(SchedulerClient),
  mockClient(SFNClient),
  mockClient(STSClient),
];
afterEach(() => {
  for (const mock of [bedrock, dynamo, identity, kms, s3, scheduler, states, sts]) mock.reset();
});

const home = homeSettings('us-east-1', 1);
const clock = { now: () => epochMs(Date.parse('2026-11-21T09:00:00Z')) };
const GOVERNANCE = accountId('111111111111');
const PAIR = { accountId: accountId('222222222222'), region: region('eu-central-1') };

beforeEach(() => {
  sts
    .on(GetCallerIdentityCommand)
    .resolves({ Account: GOVERNANCE, Arn: `arn:aws:sts::${GOVERNANCE}:assumed-role/f/f` });
  sts.on(AssumeRoleCommand).callsFake(() => ({
    Credentials: {
      AccessKeyId: 'ASIATEST',
      SecretAccessKey: 'secret',
      SessionToken: 'token',
      Expiration: new Date(clock.now() + 3_600_000),
    },
  }));
});
const roles = () => memberRoles({ clock, homeRegion: region('us-east-1'), maxAttempts: 1 });
const rolesAssumed = () =>
  sts.commandCalls(AssumeRoleCommand).map(({ args }) => args[0].input.RoleArn?.split('/').at(-1));

function awsError(name: string, status?: number, attempts = 1): Error {
  const error = new Error('User arn:aws:sts::111111111111:assumed-role/CANARY is not authorized');
  return Object.assign(error, {
    name,
    $metadata: { ...(status === undefined ? {} : { httpStatusCode: status }), attempts },
  });
}

describe('an error of AWS becomes ours', () => {
  it.each<[string, unknown, AwsCallError['code'], boolean]>([
    ['a refusal changed nothing', awsError('AccessDeniedException', 403), 'access-denied', false],
    ['throttling changed nothing', awsError('ThrottlingException', 400), 'throttled', false],
    ['429 is throttling under any name', awsError('Odd', 429), 'throttled', false],
    ['a malformed request changed nothing', awsError('ValidationException', 400), 'validation', false],
    ['something missing', awsError('NoSuchBucket', 404), 'not-found', false],
    ['a fault of theirs may have happened', awsError('InternalServerException', 500), 'failed', true],
    ['no answer may have happened', awsError('TimeoutError'), 'timeout', true],
    ['an aborted call may have happened', awsError('AbortError'), 'timeout', true],
    [
      'a broken connection may have happened',
      Object.assign(new Error(), { code: 'ECONNRESET' }),
      'failed',
      true,
    ],
    [
      'nobody there: it was never sent',
      Object.assign(new Error(), { code: 'ECONNREFUSED' }),
      'failed',
      false,
    ],
    [
      'a refusal after an earlier attempt of the SDK',
      awsError('AccessDenied', 403, 2),
      'access-denied',
      true,
    ],
    [
      'the role could not be assumed: the call was never made',
      new EarlierCallFailed({ call: 'sts:AssumeRole' }, awsError('TimeoutError')),
      'timeout',
      false,
    ],
    ['something that is no error', 'boom', 'failed', true],
  ])('%s', (_name, error, code, mayHaveHappened) => {
    const ours = awsCallError('s3:DeleteObjects', error);
    expect(ours).toMatchObject({ code, mayHaveHappened, name: `Aws.${code}` });
    expect(ours.message).toContain('s3:DeleteObjects');
    expect(ours.message).not.toContain('CANARY');
  });
});

describe('prompt storage', () => {
  const configuration = (text: boolean): CompleteLoggingConfiguration => ({
    s3Config: { bucketName: 'b', keyPrefix: 'p/' },
    textDataDeliveryEnabled: text,
    imageDataDeliveryEnabled: false,
    embeddingDataDeliveryEnabled: false,
    videoDataDeliveryEnabled: false,
    audioDataDeliveryEnabled: false,
  });

  it('content is put by the enabling role, in the Region of the pair, once', async () => {
    bedrock.on(PutModelInvocationLoggingConfigurationCommand).resolves({});
    await bedrockSettings(roles(), clock).putInvocationLogging(PAIR, configuration(true), 10_000);
    expect(rolesAssumed()).toEqual(['ProvisoEnable']);
    const [call] = bedrock.commandCalls(PutModelInvocationLoggingConfigurationCommand);
    expect(call?.args[0].input).toEqual({ loggingConfig: configuration(true) });
    const client = call?.thisValue as BedrockClient;
    expect(await client.config.region()).toBe('eu-central-1');
    expect(await client.config.maxAttempts()).toBe(1);
  });

  it('a metadata-only baseline is put by the disabling role', async () => {
    bedrock.on(PutModelInvocationLoggingConfigurationCommand).resolves({});
    await bedrockSettings(roles(), clock).putInvocationLogging(PAIR, configuration(false), 10_000);
    expect(rolesAssumed()).toEqual(['ProvisoDisable']);
  });

  it('deleting takes the disabling role, also in the governance account itself', async () => {
    bedrock.on(DeleteModelInvocationLoggingConfigurationCommand).resolves({});
    await bedrockSettings(roles(), clock).deleteInvocationLogging({ ...PAIR, accountId: GOVERNANCE });
    expect(rolesAssumed()).toEqual(['ProvisoDisable']);
  });

  it('the retention mode is only ever set to `none`, by the disabling role, and read by the collecting one', async () => {
    bedrock.on(PutAccountDataRetentionCommand).resolves({ mode: 'none' });
    bedrock.on(GetAccountDataRetentionCommand).resolves({ mode: 'none' });
    const retention = bedrockRetention(roles(), clock);
    await retention.setDataRetentionToNone(PAIR);
    expect(await retention.getDataRetention(PAIR)).toMatchObject({
      kind: 'observed',
      value: { mode: 'none' },
    });
    expect(rolesAssumed()).toEqual(['ProvisoDisable', 'ProvisoCollect']);
    const [call] = bedrock.commandCalls(PutAccountDataRetentionCommand);
    expect(call?.args[0].input).toEqual({ mode: 'none' });
    const client = call?.thisValue as BedrockClient;
    expect(await client.config.maxAttempts()).toBe(1);
  });

  it('an answer without a mode is not `none`', async () => {
    bedrock.on(GetAccountDataRetentionCommand).resolves({} as never);
    expect(await bedrockRetention(roles(), clock).getDataRetention(PAIR)).toMatchObject({
      kind: 'unobservable',
    });
  });

  it('credentials that come after the time is up lead to no Put at all', async () => {
    const slow: MemberRoles = {
      settingsFor: async (act, pair) => {
        await new Promise((resolve) => setTimeout(resolve, 40));
        return roles().settingsFor(act, pair);
      },
      close: () => undefined,
    };
    await expect(
      bedrockSettings(slow, clock).putInvocationLogging(PAIR, configuration(true), 10),
    ).rejects.toMatchObject({ code: 'timeout', mayHaveHappened: false });
    expect(bedrock.commandCalls(PutModelInvocationLoggingConfigurationCommand)).toHaveLength(0);
  });

  it('a destination without its name is refused here', async () => {
    const nameless = { ...configuration(true), s3Config: { keyPrefix: 'p/' } };
    await expect(
      bedrockSettings(roles(), clock).putInvocationLogging(PAIR, nameless, 10),
    ).rejects.toMatchObject({
      code: 'validation',
      mayHaveHappened: false,
    });
  });
});

describe('content buckets', () => {
  const buckets = () => contentBuckets(roles(), clock);
  const version = (key: string): ObjectVersion => ({ key, versionId: 'v', isDeleteMarker: false, bytes: 1 });

  it('a listing reads every page, markers decoded, and decodes only what S3 encoded', async () => {
    s3.on(ListObjectVersionsCommand)
      .resolvesOnce({
        EncodingType: 'url',
        IsTruncated: true,
        NextKeyMarker: 'p/a+b%2Bc',
        NextVersionIdMarker: 'v1',
        Versions: [{ Key: 'p/a+b%2Bc%0A', VersionId: 'v1', Size: 7 }],
      })
      .resolvesOnce({
        Versions: [{ Key: 'p/a+b', Size: 0 }],
        DeleteMarkers: [{ Key: 'p/gone', VersionId: 'v2' }],
      });
    expect(await buckets().listVersions(PAIR, 'b', 'p/')).toEqual([
      { key: 'p/a b+c\n', versionId: 'v1', isDeleteMarker: false, bytes: 7 },
      { key: 'p/a+b', versionId: 'null', isDeleteMarker: false, bytes: 0 },
      { key: 'p/gone', versionId: 'v2', isDeleteMarker: true, bytes: 0 },
    ]);
    const inputs = s3.commandCalls(ListObjectVersionsCommand).map(({ args }) => args[0].input);
    expect(inputs[1]).toMatchObject({
      KeyMarker: 'p/a b+c',
      VersionIdMarker: 'v1',
      ExpectedBucketOwner: PAIR.accountId,
    });
  });

  it.each([
    ['more without saying where', { IsTruncated: true }],
    ['a version without its key', { Versions: [{ Size: 1 }] }],
    ['a version without its size', { Versions: [{ Key: 'a' }] }],
  ])('%s is a fault, not a shorter list', async (_name, answer) => {
    s3.on(ListObjectVersionsCommand).resolves(answer);
    await expect(buckets().listVersions(PAIR, 'b', '')).rejects.toBeInstanceOf(AwsCallError);
  });

  it('a marker that comes twice ends in a fault, not in a loop', async () => {
    s3.on(ListMultipartUploadsCommand).resolves({
      IsTruncated: true,
      NextKeyMarker: 'a',
      NextUploadIdMarker: 'u',
    });
    await expect(buckets().listUploads(PAIR, 'b', '')).rejects.toMatchObject({ code: 'failed' });
  });

  it('deletes by thousands', async () => {
    s3.on(DeleteObjectsCommand).resolves({});
    await buckets().deleteVersions(
      PAIR,
      'b',
      Array.from({ length: 2001 }, (_, index) => version(`p/${index}`)),
    );
    const sizes = s3
      .commandCalls(DeleteObjectsCommand)
      .map(({ args }) => args[0].input.Delete?.Objects?.length);
    expect(sizes).toEqual([1000, 1000, 1]);
  });

  it('a key that XML cannot hold is deleted by a call of its own', async () => {
    s3.on(DeleteObjectsCommand).resolves({});
    s3.on(DeleteObjectCommand).resolves({});
    await buckets().deleteVersions(PAIR, 'b', [version('p/a'), version('p/\u0007')]);
    expect(s3.commandCalls(DeleteObjectsCommand)[0]?.args[0].input.Delete?.Objects).toEqual([
      { Key: 'p/a', VersionId: 'v' },
    ]);
    expect(s3.commandCalls(DeleteObjectCommand)[0]?.args[0].input).toMatchObject({
      Key: 'p/\u0007',
      VersionId: 'v',
    });
  });

  it.each([
    ['AccessDenied', 'access-denied'],
    ['InternalError', 'failed'],
    ['a <text> of somebody’s', 'failed'],
  ])('an answer of 200 with a version kept (%s) is a fault', async (Code, code) => {
    s3.on(DeleteObjectsCommand).resolves({ Errors: [{ Key: 'p/secret', Code }] });
    const deleted = buckets().deleteVersions(PAIR, 'b', [version('p/secret')]);
    await expect(deleted).rejects.toMatchObject({ code, mayHaveHappened: true });
    await expect(deleted).rejects.not.toThrow(/secret|text/);
  });

  it('a version that is gone already is no fault', async () => {
    s3.on(DeleteObjectsCommand).resolves({ Errors: [{ Key: 'p/a', Code: 'NoSuchVersion' }] });
    await buckets().deleteVersions(PAIR, 'b', [version('p/a')]);
  });
});

describe('the record store', () => {
  const cancelled = (...codes: string[]) =>
    new TransactionCanceledException({
      message: 'cancelled',
      $metadata: { httpStatusCode: 400, attempts: 1 },
      CancellationReasons: codes.map((Code) => ({ Code })),
    });
  const commit = () =>
    dynamoRecordStore(home, 't').commit([{ key: 'lease/a', expectedVersion: 1, value: {} }]);

  it.each([
    [['ConditionalCheckFailed']],
    [['None', 'ConditionalCheckFailed']],
    [['TransactionConflict', 'None']],
  ])('cancelled for %s is a conflict', async (codes) => {
    dynamo.on(TransactWriteItemsCommand).rejects(cancelled(...codes));
    expect(await commit()).toBe('conflict');
  });

  it.each([[['ThrottlingError']], [['ConditionalCheckFailed', 'ProvisionedThroughputExceeded']], [['None']]])(
    'cancelled for %s is a fault',
    async (codes) => {
      dynamo.on(TransactWriteItemsCommand).rejects(cancelled(...codes));
      await expect(commit()).rejects.toBeInstanceOf(AwsCallError);
    },
  );

  it('refuses a key or a prefix that names no kind: that would be a scan', async () => {
    const store = dynamoRecordStore(home, 't');
    await expect(store.list('exc')).rejects.toThrow(/names no kind/);
    await expect(store.read('/x')).rejects.toThrow(/names no kind/);
    expect(dynamo.calls()).toHaveLength(0);
  });

  it('reads consistently, page after page', async () => {
    const item = (sk: string) => ({
      pk: { S: 'lease' },
      sk: { S: sk },
      version: { N: '1' },
      value: { S: '{}' },
    });
    dynamo
      .on(QueryCommand)
      .resolvesOnce({ Items: [item('a')], LastEvaluatedKey: { pk: { S: 'lease' }, sk: { S: 'a' } } })
      .resolvesOnce({ Items: [item('b')] });
    expect((await dynamoRecordStore(home, 't').list('lease/')).map(({ key }) => key)).toEqual([
      'lease/a',
      'lease/b',
    ]);
    const inputs = dynamo.commandCalls(QueryCommand).map(({ args }) => args[0].input);
    expect(inputs).toMatchObject([{ ConsistentRead: true }, { ExclusiveStartKey: { sk: { S: 'a' } } }]);
  });
});

describe('the recorder', () => {
  const event = { type: 'a', actor: { id: 'w', kind: 'workflow' }, subject: 's', data: {} } as const;
  const cancelled = (...codes: string[]) =>
    new TransactionCanceledException({
      message: 'cancelled',
      $metadata: { httpStatusCode: 400 },
      CancellationReasons: codes.map((Code) => ({ Code })),
    });
  const writes = () => dynamo.commandCalls(TransactWriteItemsCommand).map(({ args }) => args[0].input);
  const numbers = () => writes().map(({ TransactItems }) => TransactItems?.[0]?.Put?.Item?.['sk']?.N);

  it.each([['ConditionalCheckFailed'], ['TransactionConflict']])(
    'a number that somebody else took (%s) is left to them',
    async (code) => {
      dynamo
        .on(QueryCommand)
        .resolvesOnce({ Items: [] })
        .resolvesOnce({ Items: [{ sk: { N: '1' } }] });
      dynamo.on(TransactWriteItemsCommand).rejectsOnce(cancelled(code)).resolvesOnce({});
      await dynamoRecorder(home, 't', clock).record(event);
      expect(numbers()).toEqual(['1', '2']);
    },
  );

  it('an event that was told before is left as it is', async () => {
    dynamo.on(QueryCommand).resolves({ Items: [{ sk: { N: '41' } }] });
    dynamo.on(TransactWriteItemsCommand).rejects(cancelled('None', 'ConditionalCheckFailed'));
    await dynamoRecorder(home, 't', clock).record({ ...event, key: 'k' });
    expect(numbers()).toEqual(['42']);
  });

  it('anything else is a fault', async () => {
    dynamo.on(QueryCommand).resolves({ Items: [] });
    dynamo.on(TransactWriteItemsCommand).rejects(cancelled('ThrottlingError'));
    await expect(dynamoRecorder(home, 't', clock).record(event)).rejects.toBeInstanceOf(AwsCallError);
    expect(writes()).toHaveLength(1);
  });
});

describe('schedules', () => {
  const settings = {
    groupName: 'proviso-prod',
    targetArn: 'arn:aws:lambda:us-east-1:111111111111:function:proviso-prod-deadMansSwitch',
    roleArn: 'arn:aws:iam::111111111111:role/proviso/proviso-prod-scheduler',
    deadLetterArn: 'arn:aws:sqs:us-east-1:111111111111:dead',
  };
  const schedule: OneTimeSchedule = {
    name: 'off-ex-000000000000',
    at: epochMs(Date.parse('2026-12-01T09:30:00Z')),
    target: 'deadMansSwitch',
    payload: { exceptionId: 'ex-000000000000' },
  };
  const kept = {
    ScheduleExpression: 'at(2026-12-01T09:30:00)',
    ScheduleExpressionTimezone: 'UTC',
    State: 'ENABLED',
    FlexibleTimeWindow: { Mode: 'OFF' },
    Target: {
      Arn: settings.targetArn,
      RoleArn: settings.roleArn,
      Input: '{"exceptionId":"ex-000000000000"}',
      DeadLetterConfig: { Arn: settings.deadLetterArn },
    },
  } as const;
  const schedules = () => awsSchedules(home, settings);

  it('are created in UTC, without a flexible window, with every retry and a queue', async () => {
    scheduler.on(CreateScheduleCommand).resolves({});
    await schedules().create(schedule);
    const input = scheduler.commandCalls(CreateScheduleCommand)[0]?.args[0].input;
    expect(input).toMatchObject({
      ...{ Name: schedule.name, GroupName: 'proviso-prod', ActionAfterCompletion: 'DELETE' },
      ScheduleExpression: kept.ScheduleExpression,
      ScheduleExpressionTimezone: 'UTC',
      FlexibleTimeWindow: { Mode: 'OFF' },
      Target: {
        ...kept.Target,
        RetryPolicy: { MaximumRetryAttempts: 185, MaximumEventAgeInSeconds: 86_400 },
      },
    });
    expect(input?.ClientToken).toMatch(/^[0-9a-f]{64}$/);
  });

  it.each<[string, object]>([
    ['disabled', { State: 'DISABLED' }],
    ['flexible', { FlexibleTimeWindow: { Mode: 'FLEXIBLE', MaximumWindowInMinutes: 15 } }],
    ['in another time zone', { ScheduleExpressionTimezone: 'Europe/Berlin' }],
    ['aimed elsewhere', { Target: { ...kept.Target, Arn: 'arn:aws:sqs:us-east-1:111111111111:q' } }],
    ['with another role', { Target: { ...kept.Target, RoleArn: 'arn:aws:iam::111111111111:role/x' } }],
    ['without its queue', { Target: { ...kept.Target, DeadLetterConfig: undefined } }],
    ['repeating', { ScheduleExpression: 'rate(1 minute)' }],
    ['without a payload', { Target: { ...kept.Target, Input: undefined } }],
  ])('one that is %s does not count as armed', async (_name, change) => {
    scheduler
      .on(GetScheduleCommand)
      .resolvesOnce(kept)
      .resolvesOnce({ ...kept, ...change });
    expect(await schedules().get(schedule.name)).toEqual(schedule);
    await expect(schedules().get(schedule.name)).rejects.toBeInstanceOf(AwsCallError);
  });
});

describe('task tokens', () => {
  it.each(['TaskTimedOut', 'TaskDoesNotExist', 'InvalidToken'])(
    '%s means that nobody waits',
    async (name) => {
      states.on(SendTaskSuccessCommand).rejects(awsError(name, 400));
      expect(await awsExecutions(home, { exception: 'a', ending: 'b' }).wake('token')).toBe('gone');
    },
  );
  it('a refusal is not an answer', async () => {
    states.on(SendTaskSuccessCommand).rejects(awsError('AccessDeniedException', 400));
    await expect(awsExecutions(home, { exception: 'a', ending: 'b' }).wake('token')).rejects.toMatchObject({
      code: 'access-denied',
    });
  });
});

describe('the signer', () => {
  it('gives KMS the digest, so that statements may be long, and what comes back verifies over the statement', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const statement = Buffer.alloc(9_000, 'statement');
    kms.on(GetPublicKeyCommand).resolves({ PublicKey: publicKey.export({ type: 'spki', format: 'der' }) });
    kms
      .on(SignCommand)
      .callsFake((input: { Message: Uint8Array; MessageType: string; SigningAlgorithm: string }) => {
        expect(input).toMatchObject({ MessageType: 'DIGEST', SigningAlgorithm: 'ECDSA_SHA_256' });
        expect(Buffer.from(input.Message)).toEqual(createHash('sha256').update(statement).digest());
        return { KeyId: 'arn:key', Signature: sign('sha256', statement, privateKey) };
      });
    const signer = kmsSigner(home, 'arn:key');
    const signature = await signer.sign(statement);
    expect(signature).toMatchObject({ keyId: 'arn:key', algorithm: 'ECDSA_SHA_256' });
    expect(verify('sha256', statement, signature.publicKey, Buffer.from(signature.signature, 'base64'))).toBe(
      true,
    );
    await signer.sign(statement);
    expect(kms.commandCalls(GetPublicKeyCommand)).toHaveLength(1);
  });
});

describe('the directory', () => {
  it('reads every page, counts members of either group once, and takes the right from whoever is disabled', async () => {
    identity
      .on(ListUsersCommand)
      .resolvesOnce({
        Users: [{ UserId: 'u-1', DisplayName: 'Lena', IdentityStoreId: 'd' }],
        NextToken: 'more',
      })
      .resolvesOnce({
        Users: [
          { UserId: 'u-2', UserName: 'omar', IdentityStoreId: 'd', UserStatus: 'DISABLED' },
          { UserId: 'u-3', UserName: 'sam', IdentityStoreId: 'd', UserStatus: 'ENABLED' },
        ],
      });
    identity.on(ListGroupMembershipsCommand).callsFake(({ GroupId }: { GroupId: string }) => ({
      GroupMemberships: (GroupId === 'g-exec' ? ['u-2'] : ['u-1', 'u-2']).map((UserId) => ({
        MemberId: { UserId },
      })),
    }));
    const directory = identityStoreDirectory(home, {
      identityStoreId: 'd',
      groupsByRole: { legal: ['g-legal', 'g-counsel'], executive: ['g-exec'] },
    });
    expect(await directory.people()).toEqual([
      { id: 'u-1', name: 'Lena', roles: ['legal'], isActive: true },
      { id: 'u-2', name: 'omar', roles: ['executive', 'legal'], isActive: false },
      { id: 'u-3', name: 'sam', roles: [], isActive: true },
    ]);
  });

  it('without one of the groups there is no directory: a missing member would look like one who left', async () => {
    identity.on(ListUsersCommand).resolves({ Users: [] });
    identity.on(ListGroupMembershipsCommand).rejects(awsError('AccessDeniedException', 400));
    const directory = identityStoreDirectory(home, { identityStoreId: 'd', groupsByRole: { legal: ['g'] } });
    await expect(directory.people()).rejects.toMatchObject({ code: 'access-denied' });
  });
});

describe('the environment of a function', () => {
  it('names everything that is missing at once, and what it is for', () => {
    expect(() => readEnvironment({})).toThrow(
      expect.objectContaining({
        name: 'ConfigurationError',
        message: expect.stringMatching(
          new RegExp(
            Object.keys(VARIABLES)
              .map((name) => `\`${name}\` is missing \\([^)]+`)
              .join('[\\s\\S]*'),
          ),
        ) as string,
      }),
    );
  });

  it('never repeats a value', () => {
    const all = Object.fromEntries(Object.keys(VARIABLES).map((name) => [name, 'CANARY value']));
    expect(() => readEnvironment(all)).toThrow(/malformed/);
    expect(() => readEnvironment(all)).not.toThrow(/CANARY/);
  });
});
