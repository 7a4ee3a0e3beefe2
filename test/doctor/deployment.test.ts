import { Readable } from 'node:stream';
import {
  CloudFormationClient,
  DescribeStacksCommand,
  ListStackResourcesCommand,
} from '@aws-sdk/client-cloudformation';
import {
  CloudWatchClient,
  DescribeAlarmsCommand,
  GetMetricStatisticsCommand,
} from '@aws-sdk/client-cloudwatch';
import {
  ConfigServiceClient,
  DescribeOrganizationConfigRuleStatusesCommand,
} from '@aws-sdk/client-config-service';
import {
  DescribeContinuousBackupsCommand,
  DescribeTableCommand,
  DynamoDBClient,
} from '@aws-sdk/client-dynamodb';
import { DescribeRuleCommand, EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { GetFunctionConfigurationCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { GetScheduleCommand, SchedulerClient } from '@aws-sdk/client-scheduler';
import { DescribeStateMachineCommand, SFNClient } from '@aws-sdk/client-sfn';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { sdkStreamMixin } from '@smithy/util-stream';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, it } from 'vitest';
import { seeDeployment } from '../../src/adapters/aws/deployment.ts';
import { homeSettings } from '../../src/adapters/aws/home-settings.ts';
import { epochMs, HOUR } from '../../src/core/index.ts';
import { type Deployment, deploymentChecks, doctorExitCode, type Seen } from '../../src/doctor/index.ts';

const NOW = epochMs(Date.UTC(2026, 10, 21, 9));
const seen = <T>(value: T): Seen<T> => ({ kind: 'seen', value });
const one = <T>(value: T) => [{ name: 'One', seen: seen(value) }];

const HEALTHY: Deployment = {
  now: NOW,
  version: '0.1.0',
  stack: seen({ status: 'UPDATE_COMPLETE', version: '0.1.0' }),
  clockAheadMs: seen(-700),
  tables: one({ status: 'ACTIVE', isProtected: true, hasRecovery: true, hasOwnKey: true }),
  machines: one({ status: 'ACTIVE' }),
  functions: one({ state: 'Active', lastUpdate: 'Successful' }),
  schedules: one({ state: 'ENABLED' }),
  sweepsFinished: seen(3),
  sweepFaults: seen(0),
  overdueMinutes: seen(0),
  eventRules: one({ state: 'ENABLED' }),
  eventsArrived: seen(4),
  alarms: one({ state: 'OK', isActing: true, description: 'docs/runbooks/sweep.md' }),
  configInvocations: seen(72),
  organizationRules: seen([{ name: 'proviso-settings', status: 'CREATE_SUCCESSFUL' }]),
  latestScan: seen({ finishedAt: epochMs(NOW - 6 * HOUR), notScanned: [] }),
  api: seen({ version: '0.1.0', hasPolicy: true }),
};
const FIELDS = Object.keys(HEALTHY).filter(
  (name) => !['now', 'version'].includes(name),
) as (keyof Deployment)[];
const instead = (field: keyof Deployment, what: Seen<never>): Deployment => ({
  ...HEALTHY,
  [field]: Array.isArray(HEALTHY[field]) ? [{ name: 'One', seen: what }] : what,
});

describe('the judgement of a deployment', () => {
  it('is fine when everything is, and then only', () => {
    const checks = deploymentChecks(HEALTHY);
    expect(checks.filter(({ outcome }) => outcome !== 'ok')).toEqual([]);
    expect(doctorExitCode(checks)).toBe(0);
    expect(doctorExitCode([])).toBe(3);
  });

  it.each(FIELDS)(
    'never takes `%s` for fine when it could not be seen, is absent, or was not listed',
    (field) => {
      const denied = deploymentChecks(
        instead(field, { kind: 'unseen', because: 'refused', permission: 'a:B' }),
      );
      expect(doctorExitCode(denied)).toBe(3);
      expect(denied.find(({ outcome }) => outcome === 'cannot-tell')?.todo).toContain('`a:B`');
      expect(doctorExitCode(deploymentChecks(instead(field, { kind: 'absent' })))).toBe(1);
      if (Array.isArray(HEALTHY[field]))
        expect(doctorExitCode(deploymentChecks({ ...HEALTHY, [field]: [] }))).toBe(3);
    },
  );

  it.each<[string, Partial<Deployment>, 1 | 3]>([
    [
      'a stack that rolled back',
      { stack: seen({ status: 'UPDATE_ROLLBACK_COMPLETE', version: '0.1.0' }) },
      1,
    ],
    ['another version', { stack: seen({ status: 'CREATE_COMPLETE', version: '0.0.9' }) }, 1],
    ['no version', { stack: seen({ status: 'CREATE_COMPLETE' }) }, 3],
    ['a clock that is late', { clockAheadMs: seen(-6000) }, 1],
    [
      'a table without protection',
      { tables: one({ status: 'ACTIVE', isProtected: false, hasRecovery: true, hasOwnKey: true }) },
      1,
    ],
    ['a machine that is deleted', { machines: one({ status: 'DELETING' }) }, 1],
    ['a function that failed', { functions: one({ state: 'Failed', lastUpdate: 'Successful' }) }, 1],
    ['a schedule that is off', { schedules: one({ state: 'DISABLED' }) }, 1],
    ['no sweep', { sweepsFinished: seen(0) }, 1],
    ['faults of sweeps', { sweepFaults: seen(2) }, 1],
    ['overdue minutes', { overdueMinutes: seen(1) }, 1],
    ['a rule that is off', { eventRules: one({ state: 'DISABLED' }) }, 1],
    ['no event, which may be a quiet day', { eventsArrived: seen(0) }, 3],
    ['an alarm', { alarms: one({ state: 'ALARM', isActing: true, description: '' }) }, 1],
    ['an alarm that calls nobody', { alarms: one({ state: 'OK', isActing: false, description: '' }) }, 1],
    [
      'an alarm without data',
      { alarms: one({ state: 'INSUFFICIENT_DATA', isActing: true, description: '' }) },
      3,
    ],
    ['a Config that never asks', { configInvocations: seen(0) }, 1],
    [
      'a Config rule that failed',
      { organizationRules: seen([{ name: 'proviso-settings', status: 'CREATE_FAILED' }]) },
      1,
    ],
    ['no Config rule', { organizationRules: seen([]) }, 1],
    ['an old scan', { latestScan: seen({ finishedAt: epochMs(NOW - 27 * HOUR), notScanned: [] }) }, 1],
    ['a scan that left one out', { latestScan: seen({ finishedAt: NOW, notScanned: ['111111111111'] }) }, 1],
    ['an API of another version', { api: seen({ version: '0.0.9', hasPolicy: true }) }, 1],
    ['an API without a policy', { api: seen({ version: '0.1.0', hasPolicy: false }) }, 1],
  ])('tells %s, what it means and what to do', (_name, change, exit) => {
    const checks = deploymentChecks({ ...HEALTHY, ...change });
    expect(doctorExitCode(checks)).toBe(exit);
    const [told, ...others] = checks.filter(({ outcome }) => outcome !== 'ok');
    expect(others).toEqual([]);
    expect(told).toMatchObject({ means: expect.any(String), todo: expect.any(String) });
  });
});

const clients = {
  cloudFormation: mockClient(CloudFormationClient),
  watch: mockClient(CloudWatchClient),
  config: mockClient(ConfigServiceClient),
  dynamo: mockClient(DynamoDBClient),
  events: mockClient(EventBridgeClient),
  lambda: mockClient(LambdaClient),
  s3: mockClient(S3Client),
  scheduler: mockClient(SchedulerClient),
  machines: mockClient(SFNClient),
  sts: mockClient(STSClient),
};
const RESOURCES: readonly (readonly [string, string, string])[] = [
  ['RecordsTable', 'AWS::DynamoDB::Table', 'records'],
  ['ExceptionMachine', 'AWS::StepFunctions::StateMachine', 'arn:aws:states:::stateMachine:x'],
  ['SweepLive', 'AWS::Lambda::Alias', 'arn:aws:lambda:::function:sweep:live'],
  ['SweepSchedule', 'AWS::Scheduler::Schedule', 'sweep'],
  ['ScheduleGroup', 'AWS::Scheduler::ScheduleGroup', 'group'],
  ['StorageEventRule', 'AWS::Events::Rule', 'bus|rule'],
  ['SilenceAlarm', 'AWS::CloudWatch::Alarm', 'silence'],
  ['ConfigSettingsLambdaFunction', 'AWS::Lambda::Function', 'settings'],
];

const look = () =>
  seeDeployment({
    stackName: 'proviso-prod',
    settings: homeSettings('us-east-1', 1),
    clock: { now: () => NOW },
    version: '0.1.0',
    health: async () => seen({ version: '0.1.0', hasPolicy: true }),
  });

describe('looking at AWS', () => {
  beforeEach(() => {
    for (const client of Object.values(clients)) client.reset();
    clients.cloudFormation.on(DescribeStacksCommand).resolves({
      Stacks: [
        {
          StackName: 'proviso-prod',
          CreationTime: new Date(0),
          StackStatus: 'CREATE_COMPLETE',
          Outputs: [
            { OutputKey: 'Version', OutputValue: '0.1.0' },
            { OutputKey: 'ApiAddress', OutputValue: 'https://api.example.com' },
            { OutputKey: 'EvidenceBucketName', OutputValue: 'evidence' },
          ],
        },
      ],
    });
    clients.cloudFormation.on(ListStackResourcesCommand).resolves({
      StackResourceSummaries: RESOURCES.map(([LogicalResourceId, ResourceType, PhysicalResourceId]) => ({
        LogicalResourceId,
        ResourceType,
        PhysicalResourceId,
        LastUpdatedTimestamp: new Date(0),
        ResourceStatus: 'CREATE_COMPLETE',
      })),
    });
    const metric = clients.watch.on(GetMetricStatisticsCommand);
    metric.resolves({ Datapoints: [{ Sum: 0, Maximum: 0 }] });
    for (const MetricName of ['SweepsFinished', 'MatchedEvents', 'Invocations'])
      clients.watch
        .on(GetMetricStatisticsCommand, { MetricName })
        .resolves({ Datapoints: [{ Sum: 2 }, { Sum: 3 }] });
    clients.watch.on(DescribeAlarmsCommand).resolves({
      MetricAlarms: [
        { StateValue: 'OK', ActionsEnabled: true, AlarmActions: ['arn'], AlarmDescription: 'x' },
      ],
    });
    clients.config.on(DescribeOrganizationConfigRuleStatusesCommand).resolves({
      OrganizationConfigRuleStatuses: [
        { OrganizationConfigRuleName: 'proviso-settings', OrganizationRuleStatus: 'CREATE_SUCCESSFUL' },
        { OrganizationConfigRuleName: 'somebodys', OrganizationRuleStatus: 'CREATE_FAILED' },
      ],
    });
    clients.dynamo.on(DescribeTableCommand).resolves({
      Table: {
        TableStatus: 'ACTIVE',
        DeletionProtectionEnabled: true,
        SSEDescription: { Status: 'ENABLED', SSEType: 'KMS' },
      },
    });
    clients.dynamo.on(DescribeContinuousBackupsCommand).resolves({
      ContinuousBackupsDescription: {
        ContinuousBackupsStatus: 'ENABLED',
        PointInTimeRecoveryDescription: { PointInTimeRecoveryStatus: 'ENABLED' },
      },
    });
    clients.events.on(DescribeRuleCommand).resolves({ State: 'ENABLED' });
    clients.lambda
      .on(GetFunctionConfigurationCommand)
      .resolves({ State: 'Active', LastUpdateStatus: 'Successful' });
    clients.scheduler.on(GetScheduleCommand).resolves({ State: 'ENABLED' });
    clients.machines.on(DescribeStateMachineCommand).resolves({
      stateMachineArn: 'x',
      name: 'x',
      definition: '{}',
      roleArn: 'x',
      type: 'STANDARD',
      creationDate: new Date(0),
      status: 'ACTIVE',
    });
    clients.sts.on(GetCallerIdentityCommand).resolves({ Account: '111111111111' });
    clients.s3.on(GetObjectCommand).callsFake(() => ({
      Body: sdkStreamMixin(
        Readable.from([JSON.stringify({ scan: { finishedAt: '2026-11-21T03:00:00Z', notScanned: [] } })]),
      ),
    }));
  });

  it('sees what is there, by the stack’s own ids', async () => {
    const checks = deploymentChecks(await look());
    // The fake sends no Date header, and that is not taken for a right clock.
    expect(checks.filter(({ outcome }) => outcome !== 'ok').map(({ id }) => id)).toEqual(['clock']);
    expect(clients.events.commandCalls(DescribeRuleCommand)[0]?.args[0].input).toEqual({
      Name: 'rule',
      EventBusName: 'bus',
    });
    expect(clients.scheduler.commandCalls(GetScheduleCommand)[0]?.args[0].input.GroupName).toBe('group');
  });

  it('tells every refused call with the permission that it needs, and none as fine', async () => {
    for (const [name, client] of Object.entries(clients))
      if (name !== 'cloudFormation')
        client.rejects(Object.assign(new Error('no'), { name: 'AccessDeniedException' }));
    for (const client of [clients.watch, clients.dynamo, clients.s3]) client.reset();
    for (const client of [clients.watch, clients.dynamo, clients.s3])
      client.rejects(Object.assign(new Error('no'), { name: 'AccessDeniedException' }));
    for (const [client, command] of [
      [clients.config, DescribeOrganizationConfigRuleStatusesCommand],
      [clients.events, DescribeRuleCommand],
      [clients.lambda, GetFunctionConfigurationCommand],
      [clients.scheduler, GetScheduleCommand],
      [clients.machines, DescribeStateMachineCommand],
      [clients.sts, GetCallerIdentityCommand],
    ] as const)
      (client as { on(of: unknown): { rejects(error: Error): void } })
        .on(command)
        .rejects(Object.assign(new Error('no'), { name: 'AccessDeniedException' }));
    const checks = deploymentChecks(await look());
    expect(checks.filter(({ outcome }) => outcome === 'ok').map(({ id }) => id)).toEqual([
      'stack',
      'version',
      'API',
    ]);
    expect(checks.filter(({ outcome }) => outcome === 'not-ok')).toEqual([]);
    const asked = new Set(
      checks.flatMap(({ todo }) => /allow `([a-z0-9:A-Z-]+)`/.exec(todo ?? '')?.[1] ?? []),
    );
    expect([...asked].sort()).toEqual([
      'cloudwatch:DescribeAlarms',
      'cloudwatch:GetMetricStatistics',
      'config:DescribeOrganizationConfigRuleStatuses',
      'dynamodb:DescribeTable',
      'events:DescribeRule',
      'lambda:GetFunctionConfiguration',
      's3:GetObject',
      'scheduler:GetSchedule',
      'states:DescribeStateMachine',
      'sts:GetCallerIdentity',
    ]);
  });

  it('says that a stack is not there, and knows nothing of its parts', async () => {
    const gone = Object.assign(new Error('Stack with id proviso-prod does not exist'), {
      name: 'ValidationError',
    });
    clients.cloudFormation.on(DescribeStacksCommand).rejects(gone);
    clients.cloudFormation.on(ListStackResourcesCommand).rejects(gone);
    const checks = deploymentChecks(await look());
    expect(checks.find(({ id }) => id === 'stack')).toMatchObject({
      outcome: 'not-ok',
      found: 'it is not there',
    });
    expect(checks.find(({ id }) => id === 'tables')?.outcome).toBe('cannot-tell');
    expect(checks.find(({ id }) => id === 'API')?.outcome).toBe('cannot-tell');
  });

  it('does not take a missing figure for zero', async () => {
    clients.watch.on(GetMetricStatisticsCommand).resolves({ Datapoints: [] });
    for (const MetricName of ['SweepsFinished', 'MatchedEvents', 'Invocations'])
      clients.watch.on(GetMetricStatisticsCommand, { MetricName }).resolves({ Datapoints: [] });
    const outcome = Object.fromEntries(
      deploymentChecks(await look()).map((check) => [check.id, check.outcome]),
    );
    expect(outcome).toMatchObject({
      sweeps: 'not-ok',
      overdue: 'cannot-tell',
      'roles, by the sweeps': 'cannot-tell',
      'events arriving': 'cannot-tell',
      'Config rules reporting': 'not-ok',
    });
  });
});
