import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LATEST_REPORT } from '../src/scan/index.ts';
import { bundleHandlers, stateMachine } from './bundle.ts';
import { ACTS, type Act, type DeployedFunction, FUNCTIONS } from './permissions.ts';

/*
 * The parts of the governance template that follow from tables and workflow files: a role for every function, the two state machines
 * and their roles. `npm run package` writes them to dist/deployment/generated.json, which serverless.yml includes.
 */

type Json = Readonly<Record<string, unknown>>;

/** Filled in by osls, where everything else with a dollar sign is CloudFormation's. */
const PREFIX = `\${self:service}-\${sls:stage}`;
const machineArn = (name: string): Json => ({
  'Fn::Sub': `arn:\${AWS::Partition}:states:\${AWS::Region}:\${AWS::AccountId}:stateMachine:${PREFIX}-${name}`,
});
const executionsOf = (name: string): Json => ({
  'Fn::Sub': `arn:\${AWS::Partition}:states:\${AWS::Region}:\${AWS::AccountId}:execution:${PREFIX}-${name}:*`,
});
const memberRole = (name: string): Json => ({
  'Fn::Sub': `arn:\${AWS::Partition}:iam::*:role/proviso/${name}`,
});

/** Listing is allowed on a bucket, everything else on what is in it. */
const inBucket = (bucket: string, keys: string, action: string): Json =>
  action === 's3:ListBucket' ? { 'Fn::GetAtt': [bucket, 'Arn'] } : { 'Fn::Sub': `\${${bucket}.Arn}/${keys}` };

/** Which resource an action of an act is about. */
function resourceOf(resource: string, action: string): unknown {
  switch (resource) {
    case 'records':
      return { 'Fn::GetAtt': ['RecordsTable', 'Arn'] };
    case 'events':
      return { 'Fn::GetAtt': ['EventsTable', 'Arn'] };
    case 'schedules':
      return {
        'Fn::Sub': `arn:\${AWS::Partition}:scheduler:\${AWS::Region}:\${AWS::AccountId}:schedule/${PREFIX}/off-ex-*`,
      };
    case 'machines':
      return action === 'states:DescribeExecution'
        ? [executionsOf('exception'), executionsOf('ending')]
        : [machineArn('exception'), machineArn('ending')];
    case 'signingKey':
      return { 'Fn::GetAtt': ['SigningKey', 'Arn'] };
    case 'notificationBus':
      return { 'Fn::GetAtt': ['NotificationBus', 'Arn'] };
    case 'evidence':
      return inBucket('EvidenceBucket', '*', action);
    case 'latestReport':
      return inBucket('EvidenceBucket', LATEST_REPORT, action);
    case 'certificates':
      return inBucket('CertificateBucket', 'certificates/*', action);
    case '*':
      return '*';
    default:
      if (resource.startsWith('role/')) return memberRole(resource.slice('role/'.length));
      throw new Error(`the resource \`${resource}\` is not known`);
  }
}

/** Statements for the acts, one for each resource, actions in order. */
function statementsOf(acts: readonly Act[]): readonly Json[] {
  const statements = new Map<string, { actions: Set<string>; resource: unknown }>();
  const allow = (action: string, resource: unknown): void => {
    const key = JSON.stringify(resource);
    const statement = statements.get(key) ?? { actions: new Set(), resource };
    statements.set(key, statement);
    statement.actions.add(action);
  };
  let passesSchedulerRole = false;
  for (const act of acts) {
    const { resource, actions } = ACTS[act];
    for (const action of actions) allow(action, resourceOf(resource, action));
    passesSchedulerRole ||= 'passes' in ACTS[act];
  }
  return [
    ...[...statements.values()].map(({ actions, resource }) => ({
      Effect: 'Allow',
      Action: [...actions].sort(),
      Resource: resource,
    })),
    ...(passesSchedulerRole
      ? [
          {
            Effect: 'Allow',
            Action: ['iam:PassRole'],
            Resource: { 'Fn::GetAtt': ['SchedulerRole', 'Arn'] },
            Condition: { StringEquals: { 'iam:PassedToService': 'scheduler.amazonaws.com' } },
          },
        ]
      : []),
  ];
}

/** Lambda sends a failed asynchronous invocation with the function's own role. */
const FAILURE_QUEUES: Readonly<Partial<Record<DeployedFunction, string>>> = {
  deadMansSwitch: 'SwitchDeadLetters',
  storageEvent: 'EventDeadLetters',
  sweep: 'SweepDeadLetters',
  drainContent: 'SweepDeadLetters',
};

/** Traces: names of functions and states, times and faults; X-Ray knows no resource. */
const tracing = (...more: readonly string[]): Json => ({
  Effect: 'Allow',
  Action: ['xray:PutTelemetryRecords', 'xray:PutTraceSegments', ...more].sort(),
  Resource: '*',
});

export const logicalRole = (name: string): string => `${name.charAt(0).toUpperCase()}${name.slice(1)}Role`;

const trustOf = (service: string, condition: Json = {}): Json => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { Service: service }, Action: 'sts:AssumeRole', ...condition }],
});

function functionRole(name: DeployedFunction): Json {
  const logs = {
    'Fn::Sub': `arn:\${AWS::Partition}:logs:\${AWS::Region}:\${AWS::AccountId}:log-group:/aws/lambda/${PREFIX}-${name}:*`,
  };
  const queue = FAILURE_QUEUES[name];
  return {
    Type: 'AWS::IAM::Role',
    Properties: {
      // Named, because the member accounts' roles trust it by this name.
      RoleName: `${PREFIX}-${name}`,
      Path: '/proviso/',
      AssumeRolePolicyDocument: trustOf('lambda.amazonaws.com'),
      Policies: [
        {
          PolicyName: name,
          PolicyDocument: {
            Version: '2012-10-17',
            Statement: [
              { Effect: 'Allow', Action: ['logs:CreateLogStream', 'logs:PutLogEvents'], Resource: logs },
              tracing(),
              ...statementsOf(FUNCTIONS[name]),
              ...(queue === undefined
                ? []
                : [
                    {
                      Effect: 'Allow',
                      Action: ['sqs:SendMessage'],
                      Resource: { 'Fn::GetAtt': [queue, 'Arn'] },
                    },
                  ]),
            ],
          },
        },
      ],
    },
  };
}

/** `ListContentLambdaFunction`, as osls calls the resource of `listContent`. */
const logicalFunction = (name: string): string =>
  `${name.charAt(0).toUpperCase()}${name.slice(1)}LambdaFunction`;

function machine(name: 'exception' | 'ending' | 'scan', file: string, more: readonly Json[] = []): Json {
  const { definition, functions } = stateMachine(file);
  const role = `${logicalRole(`${name}Machine`)}`;
  return {
    [role]: {
      Type: 'AWS::IAM::Role',
      Properties: {
        RoleName: `${PREFIX}-${name}-machine`,
        Path: '/proviso/',
        AssumeRolePolicyDocument: trustOf('states.amazonaws.com', {
          Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
        }),
        Policies: [
          {
            PolicyName: name,
            PolicyDocument: {
              Version: '2012-10-17',
              Statement: [
                {
                  Effect: 'Allow',
                  Action: ['lambda:InvokeFunction'],
                  // Versions: a running execution calls those that were current when it began.
                  Resource: functions.map((each) => ({
                    'Fn::Sub': `arn:\${AWS::Partition}:lambda:\${AWS::Region}:\${AWS::AccountId}:function:${PREFIX}-${each}:*`,
                  })),
                },
                {
                  Effect: 'Allow',
                  // The vended log delivery of Step Functions knows no resource.
                  Action: [
                    'logs:CreateLogDelivery',
                    'logs:DeleteLogDelivery',
                    'logs:DescribeLogGroups',
                    'logs:DescribeResourcePolicies',
                    'logs:GetLogDelivery',
                    'logs:ListLogDeliveries',
                    'logs:PutResourcePolicy',
                    'logs:UpdateLogDelivery',
                  ],
                  Resource: '*',
                },
                tracing('xray:GetSamplingRules', 'xray:GetSamplingTargets'),
                ...more,
              ],
            },
          },
        ],
      },
    },
    [`${name.charAt(0).toUpperCase()}${name.slice(1)}Machine`]: {
      Type: 'AWS::StepFunctions::StateMachine',
      Properties: {
        StateMachineName: `${PREFIX}-${name}`,
        StateMachineType: 'STANDARD',
        RoleArn: { 'Fn::GetAtt': [role, 'Arn'] },
        // The workflows are written for the partition `aws`, which the runtime and moto know.
        DefinitionString: JSON.stringify(definition).replaceAll('"arn:aws:', `"arn:\${Partition}:`),
        DefinitionSubstitutions: {
          Partition: { Ref: 'AWS::Partition' },
          ...Object.fromEntries(
            functions.map((each) => [each, { 'Fn::GetAtt': [logicalFunction(each), 'Arn'] }]),
          ),
        },
        TracingConfiguration: { Enabled: true },
        LoggingConfiguration: {
          Level: 'ERROR',
          // Inputs and outputs hold ids only, and stay out of the logs all the same.
          IncludeExecutionData: false,
          Destinations: [
            { CloudWatchLogsLogGroup: { LogGroupArn: { 'Fn::GetAtt': ['WorkflowLogs', 'Arn'] } } },
          ],
        },
      },
    },
  };
}

export function generatedResources(): Json {
  const roles = (Object.keys(FUNCTIONS) as DeployedFunction[]).map((name) => [
    logicalRole(name),
    functionRole(name),
  ]);
  return {
    Resources: {
      ...Object.fromEntries(roles),
      ...machine('exception', 'workflows/prompt-storage-exception.asl.yml'),
      ...machine('ending', 'workflows/prompt-storage-ending.asl.yml'),
      // The children of a Distributed Map are executions that the machine starts itself.
      ...machine('scan', 'deploy/organization-scan.asl.yml', [
        { Effect: 'Allow', Action: ['states:StartExecution'], Resource: machineArn('scan') },
        {
          Effect: 'Allow',
          Action: ['states:DescribeExecution', 'states:StopExecution'],
          Resource: {
            'Fn::Sub': `arn:\${AWS::Partition}:states:\${AWS::Region}:\${AWS::AccountId}:execution:${PREFIX}-scan*:*`,
          },
        },
      ]),
    },
  };
}

if (import.meta.main) {
  const dist = join(import.meta.dirname, '..', 'dist');
  const bundled = await bundleHandlers(join(dist, 'functions'));
  mkdirSync(join(dist, 'deployment'), { recursive: true });
  writeFileSync(
    join(dist, 'deployment', 'generated.json'),
    `${JSON.stringify(generatedResources(), undefined, 2)}\n`,
  );
  console.info(`bundled ${bundled.length} functions; roles and state machines are in dist/deployment`);
}
