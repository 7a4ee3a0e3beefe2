import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CloudFormationClient,
  CreateStackCommand,
  DescribeStackResourcesCommand,
  DescribeStacksCommand,
  UpdateStackCommand,
} from '@aws-sdk/client-cloudformation';
import { GetRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { functionName, handlerNames } from '../../scripts/bundle.ts';
import { seeDeployment } from '../../src/adapters/aws/deployment.ts';
import { homeSettings } from '../../src/adapters/aws/home-settings.ts';
import { deploymentChecks, doctorExitCode } from '../../src/doctor/index.ts';
import { systemClock } from '../../src/runtime/index.ts';
import { packagedTemplate } from '../deployment/packaged.ts';
import { type Moto, motoEnvironment, startMoto } from './moto.ts';

/*
 * The three templates deployed into moto's CloudFormation, in the order of docs/deploy.md, each of them twice. moto makes what it knows and
 * skips the rest without a word; the list below says which types it skips, so that a type it learns, or loses, shows here.
 */

const ROOT = join(import.meta.dirname, '../..');
const moto = await startMoto();

/** moto takes these into a stack and makes nothing; what they do is only linted. */
const SKIPPED_BY_MOTO = [
  'AWS::ApiGatewayV2::Api',
  'AWS::ApiGatewayV2::Integration',
  'AWS::ApiGatewayV2::Route',
  'AWS::ApiGatewayV2::Stage',
  'AWS::CloudWatch::Alarm',
  'AWS::Events::EventBus',
  'AWS::Events::EventBusPolicy',
  'AWS::Lambda::Alias',
  'AWS::Lambda::EventInvokeConfig',
  'AWS::Lambda::Version',
  'AWS::S3::BucketPolicy',
  'AWS::SQS::QueuePolicy',
  'AWS::Scheduler::Schedule',
  'AWS::Scheduler::ScheduleGroup',
];

describe.skipIf(moto === undefined)('the templates in moto’s CloudFormation', () => {
  let client: CloudFormationClient;
  let iam: IAMClient;
  const work = mkdtempSync(join(tmpdir(), 'proviso-templates-'));
  beforeAll(() => {
    Object.assign(process.env, motoEnvironment((moto as Moto).url));
    client = new CloudFormationClient({ region: 'us-east-1', maxAttempts: 1 });
    iam = new IAMClient({ region: 'us-east-1' });
  });
  afterAll(async () => {
    rmSync(work, { recursive: true, force: true });
    await moto?.stop();
  });

  /** Deploys, deploys again, and gives the types of what moto really made, by how often. */
  async function deployTwice(
    StackName: string,
    TemplateBody: string,
    parameters: Readonly<Record<string, string>>,
  ): Promise<{ readonly made: readonly string[]; readonly resources: ReadonlyMap<string, string> }> {
    const stack = {
      StackName,
      TemplateBody,
      Parameters: Object.entries(parameters).map(([ParameterKey, ParameterValue]) => ({
        ParameterKey,
        ParameterValue,
      })),
      Capabilities: ['CAPABILITY_NAMED_IAM' as const],
    };
    const status = async () =>
      (await client.send(new DescribeStacksCommand({ StackName }))).Stacks?.[0]?.StackStatus;
    const resources = async () =>
      ((await client.send(new DescribeStackResourcesCommand({ StackName }))).StackResources ?? [])
        // What moto does not know has neither type nor id.
        .filter(
          ({ ResourceType, PhysicalResourceId }) =>
            ResourceType !== undefined && PhysicalResourceId !== undefined,
        )
        .map(({ LogicalResourceId = '', PhysicalResourceId = '', ResourceType = '' }) => ({
          id: LogicalResourceId,
          physical: PhysicalResourceId,
          type: ResourceType,
        }));
    await client.send(new CreateStackCommand(stack));
    expect(await status()).toBe('CREATE_COMPLETE');
    const first = await resources();
    await client.send(new UpdateStackCommand(stack));
    expect(await status()).toBe('UPDATE_COMPLETE');
    expect(await resources()).toEqual(first);
    return {
      made: [...new Set(first.map(({ type }) => type))].sort(),
      resources: new Map(first.map(({ id, physical }) => [id, physical])),
    };
  }

  it('2. member accounts: a role for each act, the same again when deployed twice', async () => {
    const { made, resources } = await deployTwice(
      'proviso-member',
      readFileSync(join(ROOT, 'templates/member-account.yml'), 'utf8'),
      { GovernanceAccountId: '123456789012', ExternalId: 'a-secret-handshake' },
    );
    expect(made).toContain('AWS::IAM::Role');
    const { Role } = await iam.send(new GetRoleCommand({ RoleName: resources.get('EnableRole') ?? '' }));
    const trust = JSON.parse(decodeURIComponent(Role?.AssumeRolePolicyDocument ?? '')) as {
      Statement: { Condition: Record<string, Record<string, unknown>> }[];
    };
    expect(Role?.Path).toBe('/proviso/');
    expect(trust.Statement[0]?.Condition).toMatchObject({
      StringEquals: { 'sts:ExternalId': 'a-secret-handshake' },
      ArnEquals: {
        'aws:PrincipalArn': expect.arrayContaining([expect.stringContaining('enableContentStorage')]),
      },
    });
  });

  it('3. the governance account: every function with its role, and the machines', async () => {
    const { Outputs: _outputs, ...parsed } = packagedTemplate<{
      Resources: Record<string, { Type: string; Properties: Record<string, unknown> }>;
      Outputs: unknown;
    }>(work);
    // moto falls over an output of what it does not make, a rule of a bus that is not the default one, and whatever names an alias.
    for (const [name, { Type, Properties }] of Object.entries(parsed.Resources)) {
      if (Type === 'AWS::Lambda::Permission') delete parsed.Resources[name];
      if (Type === 'AWS::Events::Rule') for (const key of ['EventBusName', 'Targets']) delete Properties[key];
    }
    const template = JSON.stringify(parsed);
    const declared = [...new Set(Object.values(parsed.Resources).map(({ Type }) => Type))].sort();
    const { made, resources } = await deployTwice('proviso-prod', template, {});
    expect(declared.filter((type) => !made.includes(type))).toEqual(SKIPPED_BY_MOTO);
    for (const name of handlerNames().map(functionName))
      expect(resources.has(`${name.charAt(0).toUpperCase()}${name.slice(1)}LambdaFunction`), name).toBe(true);
  });

  it('6. doctor looks at it: what moto made is told as it is, and what it did not make is unknown, never ok', async () => {
    const seen = await seeDeployment({
      stackName: 'proviso-prod',
      settings: homeSettings('us-east-1', 1),
      clock: systemClock,
      version: '0.0.0-test',
      health: async () => ({ kind: 'unseen', because: 'not asked here' }),
    });
    expect(seen.stack).toMatchObject({ kind: 'seen', value: { status: 'UPDATE_COMPLETE' } });
    expect(seen.tables).toHaveLength(2);
    for (const { name, seen: table } of seen.tables)
      expect(table, name).toMatchObject({ kind: 'seen', value: { status: 'ACTIVE', isProtected: true } });
    expect(seen.machines).toHaveLength(3);
    for (const { name, seen: machine } of seen.machines)
      expect(machine, name).toEqual({ kind: 'seen', value: { status: 'ACTIVE' } });
    expect(seen.eventRules.length).toBeGreaterThan(0);
    for (const { name, seen: rule } of seen.eventRules)
      expect(rule, name).toEqual({
        kind: 'seen',
        // Reads of log groups come to such a rule alone.
        value: {
          state: /ReadEventRule/.test(name) ? 'ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS' : 'ENABLED',
        },
      });
    expect(seen.sweepsFinished).toEqual({ kind: 'seen', value: 0 });
    const checks = deploymentChecks(seen);
    const outcome = (id: string) =>
      checks.filter((check) => check.id.startsWith(id)).map((check) => check.outcome);
    expect(outcome('stack')).toEqual(['ok']);
    expect(new Set(outcome('machine '))).toEqual(new Set(['ok']));
    // No sweep ever ran, and moto makes neither alarms nor schedules.
    expect(outcome('sweeps')).not.toContain('ok');
    expect(outcome('alarms')).toEqual(['cannot-tell']);
    expect(outcome('schedules')).toEqual(['cannot-tell']);
    expect(doctorExitCode(checks)).toBe(1);
  });

  it('5. a destination', async () => {
    const { made } = await deployTwice(
      'proviso-destination',
      // moto looks for the tags of a key under the names of another API and falls over these.
      readFileSync(join(ROOT, 'templates/exception-destination.yml'), 'utf8').replace(
        /^ {6}Tags:\n( {8}- Key: .*\n {10}Value: .*\n)+(?= {6}KeyPolicy:)/m,
        '',
      ),
      {
        ContentName: 'incident-7',
        ExpiresAt: '2026-12-01T09:00:00Z',
        ReadableUntil: '2026-12-04T09:00:00Z',
        ReaderArns: 'arn:aws:iam::123456789012:role/IncidentReader',
      },
    );
    expect(made).toEqual(expect.arrayContaining(['AWS::KMS::Key', 'AWS::S3::Bucket']));
  });
});
