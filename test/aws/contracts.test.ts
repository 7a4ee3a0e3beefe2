import {
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  PutLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { DeleteTableCommand, DynamoDBClient, QueryCommand } from '@aws-sdk/client-dynamodb';
import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { CreateScheduleGroupCommand, SchedulerClient } from '@aws-sdk/client-scheduler';
import { CreateStateMachineCommand, SFNClient } from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, describe, vi } from 'vitest';
import { s3Certificates } from '../../src/adapters/aws/certificates.ts';
import { awsDestinations } from '../../src/adapters/aws/destinations.ts';
import { identityStoreDirectory } from '../../src/adapters/aws/directory.ts';
import { awsDrainage } from '../../src/adapters/aws/drainage.ts';
import { awsExecutions } from '../../src/adapters/aws/executions.ts';
import { homeSettings } from '../../src/adapters/aws/home-settings.ts';
import { bedrockSettings } from '../../src/adapters/aws/prompt-storage.ts';
import { dynamoRecordStore } from '../../src/adapters/aws/record-store.ts';
import { dynamoHistory, dynamoRecorder } from '../../src/adapters/aws/recorder.ts';
import { memberRoles } from '../../src/adapters/aws/roles.ts';
import { awsSchedules } from '../../src/adapters/aws/schedules.ts';
import { kmsSigner } from '../../src/adapters/aws/signing-key.ts';
import { awsVaultCopies } from '../../src/adapters/aws/vault-copies.ts';
import { type AccountId, region } from '../../src/core/index.ts';
import type { SignedCertificate } from '../../src/exceptions/index.ts';
import { systemClock } from '../../src/runtime/index.ts';
import { certificatesContract } from '../contracts/certificate-store.ts';
import { destinationsContract } from '../contracts/destinations.ts';
import { directoryContract, PEOPLE } from '../contracts/directory.ts';
import { drainageContract } from '../contracts/drainage.ts';
import { executionsContract } from '../contracts/executions.ts';
import { historyContract } from '../contracts/history.ts';
import { idempotencyContract } from '../contracts/idempotency.ts';
import { settingsContract } from '../contracts/prompt-storage-settings.ts';
import { recordStoreContract } from '../contracts/record-store.ts';
import { type RecordedInOrder, recorderContract } from '../contracts/recorder.ts';
import { schedulesContract } from '../contracts/schedules.ts';
import { signerContract } from '../contracts/signer.ts';
import { vaultCopiesContract } from '../contracts/vault-copies.ts';
import {
  CERTIFICATES,
  createContentBucket,
  createMember,
  createPeople,
  createSigningKey,
  createTables,
  EVENTS,
  functionArn,
  IDENTITY_STORE,
  logsIn,
  RECORDS,
  SCHEDULE_GROUP,
  s3In,
} from './governance.ts';
import { MOTO_ACCOUNT, motoEnvironment, startMoto } from './moto.ts';

/*
 * The contracts of the ports on AWS's adapters, over HTTP against moto's server; test/contracts/embedded.test.ts runs the same on one
 * machine. What moto does otherwise than AWS stands as a gap, with its reason.
 */

const moto = await startMoto();
afterAll(() => moto?.stop());

const REGION = region('us-east-1');
const FRANKFURT = region('eu-central-1');
const home = homeSettings(REGION, 1);
const machineArn = (name: string) => `arn:aws:states:${REGION}:${MOTO_ACCOUNT}:stateMachine:${name}`;
let buckets = 0;

describe.skipIf(moto === undefined)('on moto', () => {
  let member: AccountId;
  let key: string;
  let groups: Record<string, string[]>;
  let signingKey: string;

  beforeAll(async () => {
    if (moto === undefined) return;
    for (const [name, value] of Object.entries(motoEnvironment(moto.url))) vi.stubEnv(name, value);
    member = await createMember();
    key = `arn:aws:kms:us-east-1:${member}:key/0f0f0f0f-1111-2222-3333-444444444444`;
    await createTables();
    ({ groups } = await createPeople(PEOPLE));
    signingKey = await createSigningKey();
    await new SchedulerClient({}).send(new CreateScheduleGroupCommand({ Name: SCHEDULE_GROUP }));
    await new S3Client({ forcePathStyle: true }).send(new CreateBucketCommand({ Bucket: CERTIFICATES }));
    for (const name of ['exception', 'ending']) {
      await new SFNClient({}).send(
        new CreateStateMachineCommand({
          name,
          definition: JSON.stringify({
            StartAt: 'Wait',
            States: { Wait: { Type: 'Wait', Seconds: 999, End: true } },
          }),
          roleArn: `arn:aws:iam::${MOTO_ACCOUNT}:role/proviso-states`,
        }),
      );
    }
  });
  afterAll(() => {
    vi.unstubAllEnvs();
  });
  const roles = () => memberRoles({ clock: systemClock, homeRegion: REGION, maxAttempts: 1 });

  describe('the record store on DynamoDB', () => {
    recordStoreContract(async () => dynamoRecordStore(home, RECORDS));
  });

  async function emptyTables(): Promise<DynamoDBClient> {
    const dynamo = new DynamoDBClient({});
    for (const TableName of [RECORDS, EVENTS]) await dynamo.send(new DeleteTableCommand({ TableName }));
    await createTables();
    return dynamo;
  }

  describe('idempotency keys on DynamoDB', () => {
    idempotencyContract(async () => dynamoRecordStore(home, RECORDS));
  });

  describe('the history on DynamoDB', () => {
    historyContract(async () => {
      await emptyTables();
      return { recorder: dynamoRecorder(home, EVENTS, systemClock), history: dynamoHistory(home, EVENTS) };
    });
  });

  describe('the recorder on DynamoDB', () => {
    recorderContract(async () => {
      const dynamo = await emptyTables();
      return {
        open: async () => dynamoRecorder(home, EVENTS, systemClock),
        events: async () => {
          const { Items = [] } = await dynamo.send(
            new QueryCommand({
              TableName: EVENTS,
              KeyConditionExpression: 'pk = :pk',
              ExpressionAttributeValues: { ':pk': { S: 'event' } },
            }),
          );
          return Items.map(({ event }) => JSON.parse(event?.S ?? '') as RecordedInOrder);
        },
      };
    });
  });

  describe('the settings of Bedrock', () => {
    settingsContract(async () => {
      const settings = bedrockSettings(roles(), systemClock);
      const pairs = [
        { accountId: member, region: REGION },
        { accountId: member, region: FRANKFURT },
      ] as const;
      for (const pair of pairs) await settings.deleteInvocationLogging(pair);
      return { settings, pairs, buckets: ['here', 'there'] };
    });
  });

  describe('the storage of S3 and CloudWatch Logs', () => {
    destinationsContract(async () => {
      const versioned = `versioned-${++buckets}`;
      const plain = `plain-${buckets}`;
      await createContentBucket(member, versioned, key);
      await createContentBucket(member, plain, key, false);
      const s3 = await s3In(member);
      return {
        destinations: awsDestinations(roles(), systemClock),
        pair: { accountId: member, region: REGION },
        elsewhere: { accountId: member, region: FRANKFURT },
        versioned,
        plain,
        kmsKeyArn: key,
        put: async (Bucket, Key, Body) => {
          await s3.send(new PutObjectCommand({ Bucket, Key, Body }));
        },
        remove: async (Bucket, Key) => {
          await s3.send(new DeleteObjectCommand({ Bucket, Key }));
        },
        startUpload: async (Bucket, Key) => {
          await s3.send(new CreateMultipartUploadCommand({ Bucket, Key }));
        },
      };
    }, [
      {
        reason: 'moto answers 500 when such a key is put',
        tests: ['keys that XML cannot carry come back and go as they are'],
      },
    ]);
  });

  const contentSubject = async () => {
    const [versioned, plain] = [`versioned-${++buckets}`, `plain-${buckets}`];
    await createContentBucket(member, versioned, key);
    await createContentBucket(member, plain, key, false);
    const s3 = await s3In(member);
    return {
      pair: { accountId: member, region: REGION },
      versioned,
      plain,
      kmsKeyArn: key,
      put: async (Bucket: string, Key: string, Body: string) => {
        await s3.send(new PutObjectCommand({ Bucket, Key, Body }));
      },
      read: async (Bucket: string, Key: string) => {
        const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
        return (await Body?.transformToString()) ?? '';
      },
    };
  };

  describe('the drainage on S3', () => {
    drainageContract(async () => ({
      ...(await contentSubject()),
      drainage: awsDrainage(roles(), systemClock),
    }));
  });

  describe('copying into vaults on S3', () => {
    vaultCopiesContract(async () => {
      const vault = `vault-${buckets}`;
      await createContentBucket(member, vault, key, false);
      return {
        ...(await contentSubject()),
        vault,
        copies: awsVaultCopies(roles(), systemClock),
        now: systemClock.now(),
        logGroup: async (events) => {
          const logs = await logsIn(member);
          const logGroupName = `/incidents/ex-${++buckets}`;
          await logs.send(new CreateLogGroupCommand({ logGroupName }));
          for (const [logStreamName, own] of Map.groupBy(events, ({ streamName }) => streamName)) {
            await logs.send(new CreateLogStreamCommand({ logGroupName, logStreamName }));
            const logEvents = own.map(({ at, message }) => ({ timestamp: at, message }));
            await logs.send(new PutLogEventsCommand({ logGroupName, logStreamName, logEvents }));
          }
          return logGroupName;
        },
      };
    });
  });

  describe('EventBridge Scheduler', () => {
    schedulesContract(async () =>
      awsSchedules(home, {
        groupName: SCHEDULE_GROUP,
        targetArn: functionArn('deadMansSwitch'),
        roleArn: `arn:aws:iam::${MOTO_ACCOUNT}:role/proviso-scheduler`,
        deadLetterArn: `arn:aws:sqs:us-east-1:${MOTO_ACCOUNT}:dead`,
      }),
    );
  });

  describe('Step Functions', () => {
    executionsContract(
      async () => awsExecutions(home, { exception: machineArn('exception'), ending: machineArn('ending') }),
      [
        {
          reason:
            'moto without its interpreter accepts every token; test/aws/exception-path.test.ts has real ones',
          tests: ['a token that nobody waits for is gone'],
        },
      ],
    );
  });

  describe('KMS', () => {
    signerContract(
      async () => kmsSigner(home, signingKey),
      [
        {
          reason: 'moto hashes the digest once more',
          tests: ['the signature verifies with the public key it comes with, for exactly these bytes'],
        },
      ],
    );
  });

  describe('the certificates on S3', () => {
    certificatesContract(async () => ({
      store: s3Certificates(home, CERTIFICATES),
      read: async (exceptionId) => {
        const s3 = new S3Client({ forcePathStyle: true });
        const { Contents = [] } = await s3.send(
          new ListObjectsV2Command({ Bucket: CERTIFICATES, Prefix: `certificates/${exceptionId}-` }),
        );
        return Promise.all(
          Contents.map(async ({ Key }) => {
            const { Body } = await s3.send(new GetObjectCommand({ Bucket: CERTIFICATES, Key }));
            return JSON.parse((await Body?.transformToString()) ?? '') as SignedCertificate;
          }),
        );
      },
    }));
  });

  describe('the Identity Store', () => {
    directoryContract(async () => ({
      directory: identityStoreDirectory(home, { identityStoreId: IDENTITY_STORE, groupsByRole: groups }),
    }));
  });
});
