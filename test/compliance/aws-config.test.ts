import {
  BedrockClient,
  GetAccountDataRetentionCommand,
  GetModelInvocationLoggingConfigurationCommand,
} from '@aws-sdk/client-bedrock';
import {
  ConfigServiceClient,
  GetResourceConfigHistoryCommand,
  PutEvaluationsCommand,
} from '@aws-sdk/client-config-service';
import { DynamoDBClient, TransactGetItemsCommand } from '@aws-sdk/client-dynamodb';
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { mockClient } from 'aws-sdk-client-mock';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { handle } from '../../handlers/config-settings.ts';
import { configReports } from '../../src/adapters/aws/compliance-reports.ts';
import { homeSettings } from '../../src/adapters/aws/home-settings.ts';
import { bedrockRetention, bedrockSettings } from '../../src/adapters/aws/prompt-storage.ts';
import { dynamoRecordStore } from '../../src/adapters/aws/record-store.ts';
import { memberRoles } from '../../src/adapters/aws/roles.ts';
import { scheduledConfigEvent } from '../../src/adapters/embedded/aws/index.ts';
import { policyInForceOf } from '../../src/adapters/policy-in-force.ts';
import { accountId, epochMs, formatInstant, region } from '../../src/core/index.ts';
import type { Evaluation, Services } from '../../src/enforcement/index.ts';
import { encode } from '../../src/exceptions/index.ts';
import { loadPolicy, POLICY_TEXT } from '../simulation/harness.ts';

/*
 * What moto does not have: PutEvaluations with a real token, FailedEvaluations, GetResourceConfigHistory of what it does not record, and
 * the count of calls. Answers have the shapes of the SDK's types; none was recorded from an account.
 */

const [bedrock, config, dynamo, sts] = [
  mockClient(BedrockClient),
  mockClient(ConfigServiceClient),
  mockClient(DynamoDBClient),
  mockClient(STSClient),
];
const clock = { now: () => epochMs(Date.parse('2026-11-21T09:00:00Z')) };
const PAIR = { accountId: accountId('222222222222'), region: region('eu-central-1') };
const roles = () => memberRoles({ clock, homeRegion: region('us-east-1'), maxAttempts: 1, partition: 'aws' });

beforeEach(() => {
  sts
    .on(GetCallerIdentityCommand)
    .resolves({ Account: '111111111111', Arn: 'arn:aws:sts::111111111111:assumed-role/f/f' });
  sts.on(AssumeRoleCommand).callsFake(() => ({
    Credentials: {
      AccessKeyId: 'ASIATEST',
      SecretAccessKey: 's',
      SessionToken: 't',
      Expiration: new Date(clock.now() + 3_600_000),
    },
  }));
});
afterEach(() => {
  for (const mock of [bedrock, config, dynamo, sts]) mock.reset();
});

const evaluation = (id: number): Evaluation => ({
  resourceType: 'AWS::S3::Bucket',
  resourceId: `bucket-${id}`,
  compliance: 'NON_COMPLIANT',
  annotation: 'because',
  at: clock.now(),
});
const sent = () =>
  config.commandCalls(PutEvaluationsCommand).map(({ args }) => ({
    count: args[0].input.Evaluations?.length,
    isTest: args[0].input.TestMode,
  }));

describe('PutEvaluations', () => {
  it('goes to the rule’s account and Region by the evaluating role, in batches of 100', async () => {
    config.on(PutEvaluationsCommand).resolves({ FailedEvaluations: [] });
    const all = Array.from({ length: 205 }, (_, index) => evaluation(index));
    await configReports(roles()).put(PAIR, all, { resultToken: 'token', isTest: false });
    expect(sent()).toEqual([100, 100, 5].map((count) => ({ count, isTest: undefined })));
    expect(sts.commandCalls(AssumeRoleCommand)[0]?.args[0].input.RoleArn).toBe(
      'arn:aws:iam::222222222222:role/proviso/ProvisoEvaluate',
    );
    const client = config.commandCalls(PutEvaluationsCommand)[0]?.thisValue as ConfigServiceClient;
    expect(await client.config.region()).toBe('eu-central-1');
    const first = config.commandCalls(PutEvaluationsCommand)[0]?.args[0].input;
    expect(first?.Evaluations?.[0]).toEqual({
      ComplianceResourceType: 'AWS::S3::Bucket',
      ComplianceResourceId: 'bucket-0',
      ComplianceType: 'NON_COMPLIANT',
      Annotation: 'because',
      OrderingTimestamp: new Date(clock.now()),
    });
  });

  it('sends again what was given back, and fails when it stays', async () => {
    config
      .on(PutEvaluationsCommand)
      .callsFakeOnce(({ Evaluations }: { Evaluations: object[] }) => ({
        FailedEvaluations: Evaluations.slice(0, 2),
      }))
      .resolves({});
    await configReports(roles()).put(PAIR, [1, 2, 3].map(evaluation), {
      resultToken: 'token',
      isTest: false,
    });
    expect(sent().map(({ count }) => count)).toEqual([3, 2]);
    config.reset();
    config
      .on(PutEvaluationsCommand)
      .callsFake(({ Evaluations }: { Evaluations: object[] }) => ({ FailedEvaluations: Evaluations }));
    await expect(
      configReports(roles()).put(PAIR, [evaluation(1)], { resultToken: 'token', isTest: false }),
    ).rejects.toMatchObject({ code: 'failed' });
    expect(sent()).toHaveLength(3);
  });

  it('says TestMode where the token is a test’s', async () => {
    config.on(PutEvaluationsCommand).resolves({});
    await configReports(roles()).put(PAIR, [evaluation(1)], { resultToken: 'TESTMODE', isTest: true });
    expect(sent()).toEqual([{ count: 1, isTest: true }]);
  });

  it.each([
    ['InvalidResultTokenException', 'validation'],
    ['AccessDeniedException', 'access-denied'],
    ['NoSuchConfigRuleException', 'not-found'],
  ])('%s is a fault that names the call', async (name, code) => {
    config
      .on(PutEvaluationsCommand)
      .rejects(Object.assign(new Error('secret text'), { name, $metadata: { httpStatusCode: 400 } }));
    const put = configReports(roles()).put(PAIR, [evaluation(1)], { resultToken: 'token', isTest: false });
    await expect(put).rejects.toMatchObject({
      code,
      message: expect.stringContaining('config:PutEvaluations') as string,
    });
    await expect(put).rejects.not.toThrow(/secret/);
  });
});

describe('GetResourceConfigHistory', () => {
  it('asks for the item of the time that the event names', async () => {
    config.on(GetResourceConfigHistoryCommand).resolves({
      configurationItems: [{ configurationItemStatus: 'OK', arn: 'arn:aws:s3:::b', resourceName: 'b' }],
    });
    expect(await configReports(roles()).resourceAt(PAIR, 'AWS::S3::Bucket', 'b', clock.now())).toEqual({
      isDeleted: false,
      arn: 'arn:aws:s3:::b',
      name: 'b',
    });
    expect(config.commandCalls(GetResourceConfigHistoryCommand)[0]?.args[0].input).toEqual({
      resourceType: 'AWS::S3::Bucket',
      resourceId: 'b',
      laterTime: new Date(clock.now()),
      limit: 1,
    });
  });
  it('what was never discovered is not there', async () => {
    config.on(GetResourceConfigHistoryCommand).rejects(
      Object.assign(new Error('x'), {
        name: 'ResourceNotDiscoveredException',
        $metadata: { httpStatusCode: 400 },
      }),
    );
    expect(
      await configReports(roles()).resourceAt(PAIR, 'AWS::S3::Bucket', 'b', clock.now()),
    ).toBeUndefined();
  });
});

describe('one evaluation of the two settings', () => {
  it('takes six calls of AWS, cold, and four in a container that has its sessions', async () => {
    const item = (key: string, value: object) => {
      const [pk = '', ...rest] = key.split('/');
      return {
        Item: {
          pk: { S: pk },
          sk: { S: rest.join('/') },
          version: { N: '1' },
          value: { S: JSON.stringify(encode(value)) },
        },
      };
    };
    const policy = loadPolicy();
    dynamo.on(TransactGetItemsCommand).resolves({
      Responses: [
        item('policy/in-force', {
          hash: policy.hash,
          file: policy.file,
          text: POLICY_TEXT,
          adoptedBy: 'sam',
        }),
        {},
        item(`account/${PAIR.accountId}`, {
          organizationId: 'o-example123',
          managementAccountId: '111111111111',
          account: { id: PAIR.accountId, name: 'dev', state: 'ACTIVE', parentId: 'r-ex01' },
          units: [{ id: 'r-ex01', name: 'Root' }],
          readAt: clock.now() - 3_600_000,
        }),
        {},
      ],
    });
    bedrock.on(GetModelInvocationLoggingConfigurationCommand).resolves({});
    bedrock.on(GetAccountDataRetentionCommand).resolves({ mode: 'none' });
    config.on(PutEvaluationsCommand).resolves({});
    const store = dynamoRecordStore(homeSettings('us-east-1', 1), 'records');
    const member = roles();
    const services = {
      clock,
      store,
      policyInForce: policyInForceOf(store),
      settings: bedrockSettings(member, clock),
      retention: bedrockRetention(member, clock),
      reports: configReports(member),
    } as unknown as Services;
    const event = scheduledConfigEvent({ ...PAIR, time: formatInstant(clock.now()) });
    const count = () => [bedrock, config, dynamo, sts].reduce((sum, mock) => sum + mock.calls().length, 0);
    expect(await handle(event, services)).toMatchObject({
      compliance: 'COMPLIANT',
      annotation: 'CP-01, CP-03',
    });
    expect(count()).toBeLessThanOrEqual(6);
    const cold = count();
    await handle(event, services);
    expect(count() - cold).toBe(4);
  });
});
