import {
  CloudFormationClient,
  DescribeStacksCommand,
  paginateListStackResources,
  type StackResourceSummary,
} from '@aws-sdk/client-cloudformation';
import {
  CloudWatchClient,
  DescribeAlarmsCommand,
  GetMetricStatisticsCommand,
  type Statistic,
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
import { type Clock, DAY, epochMs, parseInstant } from '../../core/index.ts';
import { type Deployment, type Seen, SILENCE_MS } from '../../doctor/index.ts';
import { awsCallError } from './call.ts';
import { type HomeSettings, s3Addressing } from './home-settings.ts';
import { errorName, isDenied, MalformedAnswer, required } from './observe.ts';
import { allPages } from './pages.ts';

export interface DeploymentToSee {
  readonly stackName: string;
  readonly settings: HomeSettings;
  readonly clock: Clock;
  readonly version: string;
  /** Asked at the stack's output `ApiAddress`. */
  readonly health: (address: string) => Promise<Deployment['api']>;
}

const NOT_THERE =
  /^(ResourceNotFoundException|StateMachineDoesNotExist|TableNotFoundException|NoSuchKey|NoSuchBucket|NoSuchOrganizationConfigRuleException)$/;

/** @param action - IAM spelling of what the call needs */
async function look<T>(action: string, act: () => Promise<T | undefined>): Promise<Seen<T>> {
  try {
    const value = await act();
    return value === undefined ? { kind: 'absent' } : { kind: 'seen', value };
  } catch (error) {
    const name = errorName(error);
    if (NOT_THERE.test(name)) return { kind: 'absent' };
    return {
      kind: 'unseen',
      because: awsCallError(action, error).message,
      ...(isDenied(name) ? { permission: action } : {}),
    };
  }
}

/** Only reads, in the governance account, with whatever credentials the SDK finds. Every refusal is an observation of its own. */
export async function seeDeployment(options: DeploymentToSee): Promise<Deployment> {
  const { settings, stackName, clock, version } = options;
  const cloudFormation = new CloudFormationClient(settings);
  const described = await look('cloudformation:DescribeStacks', async () => {
    try {
      const { Stacks } = await cloudFormation.send(new DescribeStacksCommand({ StackName: stackName }));
      return Stacks?.[0];
    } catch (error) {
      // CloudFormation has no error of its own for a stack that is not there.
      if (errorName(error) === 'ValidationError' && /does not exist/.test(String(error))) return undefined;
      throw error;
    }
  });
  const listed = await look('cloudformation:ListStackResources', async () => {
    const found: StackResourceSummary[] = [];
    for await (const page of paginateListStackResources({ client: cloudFormation }, { StackName: stackName }))
      found.push(...(page.StackResourceSummaries ?? []));
    return found;
  });
  const resources = listed.kind === 'seen' ? listed.value : [];
  const output = (name: string): string | undefined =>
    described.kind === 'seen'
      ? described.value.Outputs?.find(({ OutputKey }) => OutputKey === name)?.OutputValue
      : undefined;
  const idOf = (logical: string): string | undefined =>
    resources.find(({ LogicalResourceId }) => LogicalResourceId === logical)?.PhysicalResourceId;
  const unlisted = (what: string): Seen<never> => ({
    kind: 'unseen',
    because: `the stack does not say its ${what}`,
  });
  /** Everything of a type, by logical id. */
  const each = async <T>(type: string, see: (id: string, logical: string) => Promise<Seen<T>>) =>
    Promise.all(
      resources
        .filter(({ ResourceType }) => ResourceType === type)
        .map(async ({ LogicalResourceId: name = '?', PhysicalResourceId: id }) => ({
          name,
          seen: id === undefined ? ({ kind: 'absent' } as const) : await see(id, name),
        })),
    );

  const now = clock.now();
  const watch = new CloudWatchClient(settings);
  const metric = (
    Namespace: string,
    MetricName: string,
    dimensions: Readonly<Record<string, string>>,
    statistic: Statistic & ('Sum' | 'Maximum'),
    overMs: number,
    /** What no data point means: nothing happened, or nothing is known. */
    none: number | undefined,
  ): Promise<Seen<number>> =>
    look('cloudwatch:GetMetricStatistics', async () => {
      const { Datapoints } = await watch.send(
        new GetMetricStatisticsCommand({
          Namespace,
          MetricName,
          Dimensions: Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value })),
          StartTime: new Date(now - overMs),
          EndTime: new Date(now),
          Period: overMs / 1000,
          Statistics: [statistic],
        }),
      );
      const values = (Datapoints ?? []).map((point) => required(point[statistic], statistic));
      if (values.length === 0) return none;
      return statistic === 'Sum' ? values.reduce((sum, value) => sum + value, 0) : Math.max(...values);
    }).then((seen) =>
      seen.kind === 'absent' ? { kind: 'unseen', because: 'no data point in that time' } : seen,
    );

  const service = { service: stackName };
  const dynamo = new DynamoDBClient(settings);
  const lambda = new LambdaClient(settings);
  const scheduler = new SchedulerClient(settings);
  const events = new EventBridgeClient(settings);
  const machines = new SFNClient(settings);
  const config = new ConfigServiceClient(settings);
  const rule = idOf('StorageEventRule');
  const configFunction = idOf('ConfigSettingsLambdaFunction');
  const evidence = output('EvidenceBucketName');
  const address = output('ApiAddress');

  return {
    now,
    version,
    stack:
      described.kind !== 'seen'
        ? described
        : {
            kind: 'seen',
            value: {
              status: described.value.StackStatus ?? 'UNKNOWN',
              ...(output('Version') === undefined ? {} : { version: output('Version') as string }),
            },
          },
    clockAheadMs: await clockAhead(settings, clock),
    tables: await each('AWS::DynamoDB::Table', (TableName) =>
      look('dynamodb:DescribeTable', async () => {
        const { Table } = await dynamo.send(new DescribeTableCommand({ TableName }));
        const table = required(Table, 'Table');
        const backups = await look('dynamodb:DescribeContinuousBackups', () =>
          dynamo.send(new DescribeContinuousBackupsCommand({ TableName })),
        );
        return { table, backups };
      }).then((seen) => {
        if (seen.kind !== 'seen') return seen;
        const { table, backups } = seen.value;
        if (backups.kind === 'unseen') return backups;
        const recovery =
          backups.kind === 'absent'
            ? undefined
            : backups.value.ContinuousBackupsDescription?.PointInTimeRecoveryDescription;
        return {
          kind: 'seen' as const,
          value: {
            status: table.TableStatus ?? 'UNKNOWN',
            isProtected: table.DeletionProtectionEnabled === true,
            hasRecovery: recovery?.PointInTimeRecoveryStatus === 'ENABLED',
            hasOwnKey: table.SSEDescription?.SSEType === 'KMS' && table.SSEDescription.Status === 'ENABLED',
          },
        };
      }),
    ),
    machines: await each('AWS::StepFunctions::StateMachine', (stateMachineArn) =>
      look('states:DescribeStateMachine', async () => {
        const { status } = await machines.send(new DescribeStateMachineCommand({ stateMachineArn }));
        return { status: status ?? 'UNKNOWN' };
      }),
    ),
    functions: await each('AWS::Lambda::Alias', (FunctionName) =>
      look('lambda:GetFunctionConfiguration', async () => {
        const found = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
        return { state: found.State ?? 'UNKNOWN', lastUpdate: found.LastUpdateStatus ?? 'UNKNOWN' };
      }),
    ),
    schedules: await each('AWS::Scheduler::Schedule', (Name) =>
      look('scheduler:GetSchedule', async () => {
        const { State } = await scheduler.send(
          new GetScheduleCommand({ Name, GroupName: idOf('ScheduleGroup') }),
        );
        return { state: State ?? 'UNKNOWN' };
      }),
    ),
    sweepsFinished: await metric('Proviso', 'SweepsFinished', service, 'Sum', SILENCE_MS, 0),
    sweepFaults: await metric('Proviso', 'SweepFaults', service, 'Sum', SILENCE_MS, undefined),
    overdueMinutes: await metric('Proviso', 'OverdueMinutes', service, 'Maximum', SILENCE_MS, undefined),
    // CloudFormation's id of a rule on a bus of one's own is `bus|rule`.
    eventRules: await each('AWS::Events::Rule', (id) =>
      look('events:DescribeRule', async () => {
        const [bus, name] = id.includes('|') ? id.split('|') : [undefined, id];
        const { State } = await events.send(
          new DescribeRuleCommand({ Name: name, ...(bus === undefined ? {} : { EventBusName: bus }) }),
        );
        return { state: State ?? 'UNKNOWN' };
      }),
    ),
    eventsArrived:
      rule === undefined
        ? unlisted('event rule')
        : // The dimensions of the metric for a rule on a bus of one's own. [unverified: rule-metric-dimensions]
          await metric(
            'AWS/Events',
            'MatchedEvents',
            {
              ...(rule.includes('|') ? { EventBusName: rule.split('|')[0] as string } : {}),
              RuleName: rule.split('|').at(-1) as string,
            },
            'Sum',
            DAY,
            0,
          ),
    alarms: await each('AWS::CloudWatch::Alarm', (name) =>
      look('cloudwatch:DescribeAlarms', async () => {
        const { MetricAlarms } = await watch.send(new DescribeAlarmsCommand({ AlarmNames: [name] }));
        const alarm = MetricAlarms?.[0];
        return alarm === undefined
          ? undefined
          : {
              state: alarm.StateValue ?? 'UNKNOWN',
              isActing: alarm.ActionsEnabled !== false && (alarm.AlarmActions ?? []).length > 0,
              description: alarm.AlarmDescription ?? '',
            };
      }),
    ),
    configInvocations:
      configFunction === undefined
        ? unlisted('function of AWS Config')
        : await metric('AWS/Lambda', 'Invocations', { FunctionName: configFunction }, 'Sum', DAY, 0),
    organizationRules: await look('config:DescribeOrganizationConfigRuleStatuses', async () => {
      const found = await allPages(async (token) => {
        const page = await config.send(
          new DescribeOrganizationConfigRuleStatusesCommand(token === undefined ? {} : { NextToken: token }),
        );
        return { items: page.OrganizationConfigRuleStatuses, next: page.NextToken };
      });
      return found
        .filter(({ OrganizationConfigRuleName: name }) => name?.startsWith('proviso-') === true)
        .map(({ OrganizationConfigRuleName: name = '?', OrganizationRuleStatus: status }) => ({
          name,
          status: status ?? 'UNKNOWN',
        }));
    }),
    latestScan: evidence === undefined ? unlisted('evidence bucket') : await latestScan(settings, evidence),
    api: address === undefined ? unlisted('API') : await options.health(address),
  };
}

/** By the Date header of an answer of AWS, against the middle of the call. */
async function clockAhead(settings: HomeSettings, clock: Clock): Promise<Seen<number>> {
  const sts = new STSClient(settings);
  let ahead: number | undefined;
  sts.middlewareStack.add(
    (next) => async (args) => {
      const before = clock.now();
      const result = await next(args);
      const { headers } = result.response as { readonly headers?: Readonly<Record<string, string>> };
      const date = Date.parse(headers?.['date'] ?? '');
      // The header has whole seconds: the middle of its second.
      if (!Number.isNaN(date)) ahead = Math.round((before + clock.now()) / 2 - (date + 500));
      return result;
    },
    { step: 'deserialize', name: 'dateHeader' },
  );
  const seen = await look('sts:GetCallerIdentity', () => sts.send(new GetCallerIdentityCommand({})));
  if (seen.kind === 'unseen') return seen;
  return ahead === undefined
    ? { kind: 'unseen', because: 'AWS’s answer had no date' }
    : { kind: 'seen', value: ahead };
}

function latestScan(settings: HomeSettings, Bucket: string): Promise<Deployment['latestScan']> {
  const s3 = new S3Client({ ...settings, ...s3Addressing() });
  return look('s3:GetObject', async () => {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: 'reports/latest.json' }));
    const text = await required(Body, 'Body').transformToString();
    const { scan } = JSON.parse(text) as { readonly scan?: Readonly<Record<string, unknown>> };
    const finishedAt = parseInstant(String(scan?.['finishedAt']));
    const notScanned = scan?.['notScanned'];
    if (!finishedAt.ok || !Array.isArray(notScanned)) throw new MalformedAnswer('reports/latest.json');
    return { finishedAt: epochMs(finishedAt.value), notScanned: notScanned.map(String) };
  });
}
