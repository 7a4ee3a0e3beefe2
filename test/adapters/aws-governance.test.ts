import { BCMDataExportsClient, GetExportCommand, ListExportsCommand } from '@aws-sdk/client-bcm-data-exports';
import {
  CloudTrailClient,
  DescribeTrailsCommand,
  GetEventSelectorsCommand,
  GetTrailStatusCommand,
} from '@aws-sdk/client-cloudtrail';
import {
  CloudWatchClient,
  DescribeAlarmsCommand,
  GetDashboardCommand,
  GetMetricStreamCommand,
  ListDashboardsCommand,
  ListMetricStreamsCommand,
} from '@aws-sdk/client-cloudwatch';
import { CloudWatchLogsClient, DescribeMetricFiltersCommand } from '@aws-sdk/client-cloudwatch-logs';
import { CostExplorerClient, ListCostAllocationTagsCommand } from '@aws-sdk/client-cost-explorer';
import { EventBridgeClient, ListRulesCommand, ListTargetsByRuleCommand } from '@aws-sdk/client-eventbridge';
import {
  DescribeGroupCommand,
  DescribeUserCommand,
  IdentitystoreClient,
  ListGroupMembershipsCommand,
} from '@aws-sdk/client-identitystore';
import { DescribeEffectivePolicyCommand, OrganizationsClient } from '@aws-sdk/client-organizations';
import {
  DescribePermissionSetCommand,
  ListAccountAssignmentsCommand,
  ListInstancesCommand,
  ListPermissionSetsProvisionedToAccountCommand,
  SSOAdminClient,
} from '@aws-sdk/client-sso-admin';
import { mockClient } from 'aws-sdk-client-mock';
import { afterEach, describe, expect, it } from 'vitest';
import type { ClientSettings } from '../../src/adapters/aws/account-access.ts';
import { auditReaders } from '../../src/adapters/aws/audit.ts';
import { dashboardReaders, metricStreamReaders, metricsOf } from '../../src/adapters/aws/dashboards.ts';
import {
  accountGovernanceReaders,
  organizationGovernanceReaders,
} from '../../src/adapters/aws/governance.ts';
import { AT, FRANKFURT, MEMBER, snapshot, organization as tree } from '../evidence/snapshots.ts';

const mocks = {
  trail: mockClient(CloudTrailClient),
  watch: mockClient(CloudWatchClient),
  logs: mockClient(CloudWatchLogsClient),
  events: mockClient(EventBridgeClient),
  organizations: mockClient(OrganizationsClient),
  sso: mockClient(SSOAdminClient),
  store: mockClient(IdentitystoreClient),
  costs: mockClient(CostExplorerClient),
  exports: mockClient(BCMDataExportsClient),
};
afterEach(() => {
  for (const mock of Object.values(mocks)) mock.reset();
});

const settings = {
  region: 'eu-central-1',
  maxAttempts: 1,
  retryMode: 'adaptive',
  requestHandler: {},
} as unknown as ClientSettings;
const clock = { now: () => AT };
const access = { settingsFor: async () => settings, homeSettings: () => settings };
const refused = (name: string) =>
  Object.assign(new Error('CANARY'), { name, $metadata: { httpStatusCode: 400 } });

const place = () => {
  const found = snapshot().accountRegions.find(({ accountId }) => accountId === MEMBER);
  if (found === undefined) throw new Error('no place');
  return found;
};
const account = () => {
  const found = snapshot().accounts.find(({ accountId }) => accountId === MEMBER);
  if (found === undefined) throw new Error('no account');
  return found;
};
const inRegion = auditReaders(access, clock);
const inAccount = accountGovernanceReaders(access, clock);
const ofOrganization = organizationGovernanceReaders(access, clock);
const ARN = 'arn:aws:cloudtrail:us-east-1:111111111111:trail/org';

describe('trails', () => {
  it('reads each with its state and selectors, in AWS’s shapes', async () => {
    mocks.trail.on(DescribeTrailsCommand).resolves({
      trailList: [
        {
          TrailARN: ARN,
          HomeRegion: 'us-east-1',
          IsMultiRegionTrail: true,
          IsOrganizationTrail: true,
          IncludeGlobalServiceEvents: true,
          CloudWatchLogsLogGroupArn: 'arn:aws:logs:us-east-1:111111111111:log-group:trail:*',
        },
      ],
    });
    mocks.trail
      .on(GetTrailStatusCommand)
      .resolves({ IsLogging: true, LatestCloudWatchLogsDeliveryError: 'Access denied' });
    mocks.trail.on(GetEventSelectorsCommand).resolves({
      AdvancedEventSelectors: [
        { Name: 'CANARY', FieldSelectors: [{ Field: 'eventCategory', Equals: ['Management'] }] },
      ],
    });
    expect(await inRegion.trails(place())).toEqual({
      kind: 'observed',
      at: AT,
      source: { call: 'cloudtrail:DescribeTrails', accountId: MEMBER, region: FRANKFURT },
      value: [
        {
          arn: ARN,
          homeRegion: 'us-east-1',
          isMultiRegion: true,
          isOrganizationTrail: true,
          includesGlobalServiceEvents: true,
          isLogging: true,
          selectors: { advanced: [[{ field: 'eventCategory', equals: ['Management'] }]] },
          logGroupArn: 'arn:aws:logs:us-east-1:111111111111:log-group:trail:*',
          logGroupError: 'Access denied',
        },
      ],
    });
    expect(mocks.trail.commandCalls(DescribeTrailsCommand)[0]?.args[0].input).toEqual({
      includeShadowTrails: true,
    });
  });

  it('keeps a trail whose selectors a member account is not shown, as unknown', async () => {
    mocks.trail
      .on(DescribeTrailsCommand)
      .resolves({ trailList: [{ TrailARN: ARN, HomeRegion: 'us-east-1' }] });
    mocks.trail.on(GetTrailStatusCommand).rejects(refused('AccessDeniedException'));
    mocks.trail.on(GetEventSelectorsCommand).rejects(refused('AccessDeniedException'));
    expect(await inRegion.trails(place())).toMatchObject({
      value: [{ arn: ARN, isLogging: null, selectors: null, logGroupArn: null }],
    });
  });

  it('gives classic selectors the defaults that AWS documents', async () => {
    mocks.trail
      .on(DescribeTrailsCommand)
      .resolves({ trailList: [{ TrailARN: ARN, HomeRegion: 'us-east-1' }] });
    mocks.trail.on(GetTrailStatusCommand).resolves({ IsLogging: false });
    mocks.trail.on(GetEventSelectorsCommand).resolves({ EventSelectors: [{}], AdvancedEventSelectors: [] });
    expect(await inRegion.trails(place())).toMatchObject({
      value: [
        {
          isLogging: false,
          selectors: {
            basic: [
              { readWriteType: 'All', includeManagementEvents: true, excludedSources: [], dataResources: [] },
            ],
          },
        },
      ],
    });
  });
});

describe('rules, filters and alarms', () => {
  it('reads every page of rules and their targets, and leaves schedules out', async () => {
    mocks.events
      .on(ListRulesCommand, {})
      .resolves({
        Rules: [{ Name: 'tick', State: 'ENABLED', ScheduleExpression: 'rate(1 hour)' }],
        NextToken: 'n',
      })
      .on(ListRulesCommand, { NextToken: 'n' })
      .resolves({
        Rules: [{ Name: 'changes', State: 'ENABLED', EventPattern: '{"source":["aws.bedrock"]}' }],
      });
    mocks.events.on(ListTargetsByRuleCommand).resolves({ Targets: [{ Id: '1', Arn: 'arn:aws:sns:x' }] });
    expect(await inRegion.eventRules(place())).toMatchObject({
      kind: 'observed',
      value: [
        {
          name: 'changes',
          state: 'ENABLED',
          eventPattern: '{"source":["aws.bedrock"]}',
          targets: ['arn:aws:sns:x'],
        },
      ],
    });
  });

  it('is unobservable when the targets of one rule are refused: half a list would look quiet', async () => {
    mocks.events
      .on(ListRulesCommand)
      .resolves({ Rules: [{ Name: 'changes', State: 'ENABLED', EventPattern: '{}' }] });
    mocks.events.on(ListTargetsByRuleCommand).rejects(refused('AccessDeniedException'));
    expect(await inRegion.eventRules(place())).toMatchObject({
      kind: 'unobservable',
      reason: 'access-denied',
    });
  });

  it('reads metric filters, and alarms with the metrics inside metric math', async () => {
    mocks.logs.on(DescribeMetricFiltersCommand).resolves({
      metricFilters: [
        {
          filterName: 'f',
          logGroupName: 'g',
          filterPattern: '{ $.a = 1 }',
          metricTransformations: [{ metricNamespace: 'N', metricName: 'M', metricValue: '1' }],
        },
      ],
    });
    mocks.watch.on(DescribeAlarmsCommand).resolves({
      MetricAlarms: [
        {
          AlarmName: 'plain',
          ActionsEnabled: true,
          AlarmActions: ['arn'],
          Namespace: 'AWS/Bedrock',
          MetricName: 'Invocations',
          Dimensions: [{ Name: 'ModelId', Value: 'CANARY' }],
        },
        {
          AlarmName: 'math',
          ActionsEnabled: false,
          AlarmActions: ['arn'],
          Metrics: [
            { Id: 'e', Expression: 'a+b' },
            { Id: 'a', MetricStat: { Metric: { Namespace: 'N', MetricName: 'M' }, Period: 60, Stat: 'Sum' } },
          ],
        },
      ],
    });
    expect(await inRegion.metricFilters(place())).toMatchObject({
      value: [
        { name: 'f', logGroupName: 'g', pattern: '{ $.a = 1 }', metrics: [{ namespace: 'N', name: 'M' }] },
      ],
    });
    expect(await inRegion.metricAlarms(place())).toMatchObject({
      value: [
        {
          name: 'plain',
          isTelling: true,
          metrics: [{ namespace: 'AWS/Bedrock', name: 'Invocations', dimensions: ['ModelId'] }],
        },
        { name: 'math', isTelling: false, metrics: [{ namespace: 'N', name: 'M', dimensions: [] }] },
      ],
    });
  });
});

describe('dashboards and metric streams', () => {
  it('reads every page of dashboards, and of each no more than its metrics', async () => {
    mocks.watch
      .on(ListDashboardsCommand, {})
      .resolves({ DashboardEntries: [{ DashboardName: 'one' }], NextToken: 'n' })
      .on(ListDashboardsCommand, { NextToken: 'n' })
      .resolves({ DashboardEntries: [{ DashboardName: 'two' }] });
    mocks.watch.on(GetDashboardCommand).resolves({
      DashboardBody: JSON.stringify({
        widgets: [
          { type: 'text', properties: { markdown: 'CANARY AWS/Bedrock' } },
          {
            type: 'metric',
            properties: { title: 'CANARY', metrics: [['AWS/Bedrock', 'TotalTokens', 'ModelId', 'CANARY']] },
          },
        ],
      }),
    });
    const seen = await dashboardReaders(access, clock).dashboards(account());
    const metrics = [{ namespace: 'AWS/Bedrock', name: 'TotalTokens', dimensions: ['ModelId'] }];
    expect(seen).toMatchObject({
      kind: 'observed',
      value: [
        { name: 'one', metrics, hasUnreadNames: false },
        { name: 'two', metrics, hasUnreadNames: false },
      ],
    });
    expect(JSON.stringify(seen)).not.toContain('CANARY');
    mocks.watch.on(GetDashboardCommand).rejects(refused('AccessDenied'));
    expect(await dashboardReaders(access, clock).dashboards(account())).toMatchObject({
      kind: 'unobservable',
    });
  });

  const widget = (...metrics: readonly unknown[]) =>
    JSON.stringify({ widgets: [{ type: 'metric', properties: { metrics } }] });
  const B = 'AWS/Bedrock';
  it.each<[string, string, readonly string[], boolean]>([
    [
      'rows',
      widget([B, 'Invocations'], [B, 'InputTokenCount', 'ModelId', 'm', { stat: 'Sum' }]),
      ['Invocations', 'InputTokenCount ModelId'],
      false,
    ],
    [
      'full stops for what the row before had',
      widget([B, 'Invocations', 'ModelId', 'm'], ['.', 'Latency', '.', 'n']),
      ['Invocations ModelId', 'Latency ModelId'],
      false,
    ],
    [
      'dots for all of it but the last',
      widget([B, 'Errors', 'ModelId', 'm'], ['...', 'n', { stat: 'Sum' }]),
      ['Errors ModelId'],
      false,
    ],
    [
      'math on rows',
      widget([{ expression: 'm1+m2', label: 'x' }], [B, 'Invocations']),
      ['Invocations'],
      false,
    ],
    ['a search', widget([{ expression: `SEARCH('{${B},ModelId} MetricName="InputTokens"')` }]), [], true],
    ['a full stop with nothing before', widget(['.', 'Latency', B, 'x']), [], true],
    [
      'an explorer',
      JSON.stringify({
        widgets: [{ type: 'explorer', properties: { metrics: { metricName: 'x', resourceType: B } } }],
      }),
      [],
      true,
    ],
    ['a body that is not JSON', `{ ${B}`, [], true],
    ['a body of something else', '[]', [], false],
  ])('reads %s', (_name, body, names, hasUnreadNames) => {
    const read = metricsOf(body);
    expect(read.metrics.map(({ name, dimensions }) => [name, ...dimensions].join(' '))).toEqual(names);
    expect(read.hasUnreadNames).toBe(hasUnreadNames);
  });

  it('reads the filters of a stream', async () => {
    mocks.watch.on(ListMetricStreamsCommand).resolves({ Entries: [{ Name: 's' }] });
    mocks.watch.on(GetMetricStreamCommand).resolves({
      State: 'running',
      IncludeFilters: [{ Namespace: B, MetricNames: ['InputTokens'] }, { Namespace: 'AWS/EC2' }],
    });
    expect(await metricStreamReaders(access, clock).metricStreams(place())).toMatchObject({
      value: [
        {
          name: 's',
          state: 'running',
          includes: [
            { namespace: B, names: ['InputTokens'] },
            { namespace: 'AWS/EC2', names: [] },
          ],
          excludes: [],
        },
      ],
    });
  });
});

describe('what the organization’s services know', () => {
  const INSTANCE = 'arn:aws:sso:::instance/ssoins-1';
  const SET = 'arn:aws:sso:::permissionSet/ssoins-1/ps-1';

  it('reads the assignments of an account, and asks each name once', async () => {
    mocks.sso.on(ListInstancesCommand).resolves({ Instances: [{ InstanceArn: INSTANCE }] });
    mocks.sso.on(ListPermissionSetsProvisionedToAccountCommand).resolves({ PermissionSets: [SET] });
    mocks.sso.on(DescribePermissionSetCommand).resolves({ PermissionSet: { Name: 'BedrockDeveloper' } });
    mocks.sso
      .on(ListAccountAssignmentsCommand)
      .resolves({ AccountAssignments: [{ PrincipalType: 'USER', PrincipalId: 'u-1' }] });
    const readers = accountGovernanceReaders(access, clock);
    const expected = {
      value: [{ permissionSetName: 'BedrockDeveloper', principalType: 'USER', principalId: 'u-1' }],
    };
    expect(await readers.permissionSetAssignments(account())).toMatchObject(expected);
    expect(await readers.permissionSetAssignments(account())).toMatchObject(expected);
    expect(mocks.sso.commandCalls(DescribePermissionSetCommand)).toHaveLength(1);
    expect(mocks.sso.commandCalls(ListInstancesCommand)).toHaveLength(1);
  });

  it('names groups and not users, each group once; a name that is refused hides no assignment', async () => {
    mocks.sso
      .on(ListInstancesCommand)
      .resolves({ Instances: [{ InstanceArn: INSTANCE, IdentityStoreId: 'd-1' }] });
    mocks.sso.on(ListPermissionSetsProvisionedToAccountCommand).resolves({ PermissionSets: [SET] });
    mocks.sso.on(DescribePermissionSetCommand).resolves({ PermissionSet: { Name: 'BedrockDeveloper' } });
    mocks.sso.on(ListAccountAssignmentsCommand).resolves({
      AccountAssignments: [
        { PrincipalType: 'GROUP', PrincipalId: 'g-1' },
        { PrincipalType: 'GROUP', PrincipalId: 'g-2' },
        { PrincipalType: 'USER', PrincipalId: 'u-1' },
      ],
    });
    mocks.store
      .on(DescribeGroupCommand, { IdentityStoreId: 'd-1', GroupId: 'g-1' })
      .resolves({ GroupId: 'g-1', IdentityStoreId: 'd-1', DisplayName: 'Developers' })
      .on(DescribeGroupCommand, { GroupId: 'g-2' })
      .rejects(refused('AccessDeniedException'));
    const readers = accountGovernanceReaders(access, clock);
    const set = { permissionSetName: 'BedrockDeveloper' };
    for (const _account of [1, 2])
      expect((await readers.permissionSetAssignments(account())) as unknown).toMatchObject({
        value: [
          { ...set, principalType: 'GROUP', principalId: 'g-1', groupName: 'Developers' },
          { ...set, principalType: 'GROUP', principalId: 'g-2' },
          { ...set, principalType: 'USER', principalId: 'u-1' },
        ],
      });
    expect(mocks.store.commandCalls(DescribeGroupCommand)).toHaveLength(2);
  });

  describe('who is behind the assignments', () => {
    const assigned = (...principals: readonly (readonly [string, string])[]) => {
      mocks.sso
        .on(ListInstancesCommand)
        .resolves({ Instances: [{ InstanceArn: INSTANCE, IdentityStoreId: 'd-1' }] });
      mocks.sso.on(ListPermissionSetsProvisionedToAccountCommand).resolves({ PermissionSets: [SET] });
      mocks.sso.on(DescribePermissionSetCommand).resolves({ PermissionSet: { Name: 'Developer' } });
      mocks.store
        .on(DescribeGroupCommand)
        .resolves({ GroupId: undefined, IdentityStoreId: 'd-1', DisplayName: 'Developers' });
      mocks.sso.on(ListAccountAssignmentsCommand).resolves({
        AccountAssignments: principals.map(([PrincipalType, PrincipalId]) => ({
          PrincipalType: PrincipalType as 'GROUP',
          PrincipalId,
        })),
      });
    };
    const read = async (readers: ReturnType<typeof accountGovernanceReaders>) => {
      const permissionSetAssignments = await readers.permissionSetAssignments(account());
      return readers.assignedPeople({ ...account(), sections: { permissionSetAssignments } });
    };

    it('is read over every page, each group and person once for all accounts, without e-mail addresses', async () => {
      assigned(['GROUP', 'g-1'], ['USER', 'u-1']);
      mocks.store
        .on(ListGroupMembershipsCommand, { IdentityStoreId: 'd-1', GroupId: 'g-1', MaxResults: 100 })
        .resolvesOnce({
          GroupMemberships: [{ IdentityStoreId: 'd-1', MemberId: { UserId: 'u-1' } }],
          NextToken: 'n',
        })
        .resolves({ GroupMemberships: [{ IdentityStoreId: 'd-1', MemberId: { UserId: 'u-2' } }] });
      mocks.store
        .on(DescribeUserCommand, { IdentityStoreId: 'd-1', UserId: 'u-1' })
        .resolves({
          UserId: 'u-1',
          IdentityStoreId: 'd-1',
          UserName: 'ada@example.com',
          UserStatus: 'ENABLED',
          DisplayName: 'CANARY',
        })
        .on(DescribeUserCommand, { UserId: 'u-2' })
        .rejects(refused('AccessDeniedException'));
      const readers = accountGovernanceReaders(access, clock);
      const ada = { userId: 'u-1', userName: 'ada', status: 'ENABLED' };
      const expected = {
        kind: 'observed',
        value: [
          { principalId: 'g-1', people: { kind: 'observed', value: [ada, { userId: 'u-2' }] } },
          { principalId: 'u-1', people: { kind: 'observed', value: [ada] } },
        ],
      };
      const first: unknown = await read(readers);
      expect(first).toMatchObject(expected);
      expect((await read(readers)) as unknown).toMatchObject(expected);
      expect(JSON.stringify(first)).not.toMatch(/CANARY|example\.com/);
      expect(mocks.store.commandCalls(ListGroupMembershipsCommand)).toHaveLength(2);
      expect(mocks.store.commandCalls(DescribeUserCommand)).toHaveLength(2);
    });

    it.each([
      ['the members were denied', refused('AccessDeniedException'), 'access-denied'],
      [
        'a member is of a kind that nobody knows',
        [{ IdentityStoreId: 'd-1', MemberId: { $unknown: ['x', 1] } }],
        'malformed',
      ],
    ] as const)('is unknown for a group alone where %s', async (_name, answer, reason) => {
      assigned(['GROUP', 'g-1'], ['GROUP', 'g-2']);
      mocks.store.on(ListGroupMembershipsCommand).resolves({ GroupMemberships: [] });
      const ofOne = mocks.store.on(ListGroupMembershipsCommand, { GroupId: 'g-1' });
      if (answer instanceof Error) ofOne.rejects(answer);
      else ofOne.resolves({ GroupMemberships: [...answer] as never });
      expect((await read(accountGovernanceReaders(access, clock))) as unknown).toMatchObject({
        kind: 'observed',
        value: [
          { principalId: 'g-1', people: { kind: 'unobservable', reason } },
          { principalId: 'g-2', people: { kind: 'observed', value: [] } },
        ],
      });
    });

    it('is as unknown as the assignments, and asks nobody then', async () => {
      mocks.sso.on(ListInstancesCommand).rejects(refused('AccessDeniedException'));
      expect(await read(accountGovernanceReaders(access, clock))).toMatchObject({
        kind: 'unobservable',
        reason: 'access-denied',
        source: { call: 'sso:ListAccountAssignments' },
      });
      expect(mocks.store.calls()).toHaveLength(0);
    });
  });

  it('does not take a Region without Identity Center for an organization without assignments', async () => {
    mocks.sso.on(ListInstancesCommand).resolves({ Instances: [] });
    expect(await accountGovernanceReaders(access, clock).permissionSetAssignments(account())).toMatchObject({
      kind: 'unobservable',
      reason: 'malformed',
    });
  });

  it('reads the opt-out policy in effect; none in effect is an answer, a refusal is not', async () => {
    mocks.organizations
      .on(DescribeEffectivePolicyCommand)
      .resolvesOnce({ EffectivePolicy: { PolicyContent: '{}' } })
      .rejectsOnce(refused('EffectivePolicyNotFoundException'))
      .rejects(refused('AccessDeniedException'));
    const ask = () => inAccount.aiServicesOptOut(account());
    expect(await ask()).toMatchObject({ kind: 'observed', value: { policy: '{}' } });
    expect(await ask()).toMatchObject({ kind: 'absent' });
    expect(await ask()).toMatchObject({ kind: 'unobservable', reason: 'access-denied' });
    expect(mocks.organizations.commandCalls(DescribeEffectivePolicyCommand)[0]?.args[0].input).toEqual({
      PolicyType: 'AISERVICES_OPT_OUT_POLICY',
      TargetId: MEMBER,
    });
  });

  it('reads cost allocation tags, and the tables of every export', async () => {
    mocks.costs
      .on(ListCostAllocationTagsCommand)
      .resolves({ CostAllocationTags: [{ TagKey: 'Project', Type: 'UserDefined', Status: 'Active' }] });
    mocks.exports.on(ListExportsCommand).resolves({
      Exports: [{ ExportArn: 'arn:e', ExportName: 'e', ExportStatus: { StatusCode: 'HEALTHY' } }],
    });
    mocks.exports.on(GetExportCommand).resolves({
      Export: {
        Name: 'e',
        DataQuery: {
          QueryStatement: 'SELECT CANARY',
          TableConfigurations: { COST_AND_USAGE_REPORT: { INCLUDE_IAM_PRINCIPAL_DATA: 'TRUE' } },
        },
        DestinationConfigurations: undefined,
        RefreshCadence: undefined,
      },
    });
    expect(await ofOrganization.costAllocationTags(tree())).toMatchObject({
      value: [{ key: 'Project', type: 'UserDefined', status: 'Active' }],
    });
    expect(await ofOrganization.costExports(tree())).toMatchObject({
      value: [
        {
          arn: 'arn:e',
          name: 'e',
          status: 'HEALTHY',
          tables: [
            {
              table: 'COST_AND_USAGE_REPORT',
              settings: [{ name: 'INCLUDE_IAM_PRINCIPAL_DATA', value: 'TRUE' }],
            },
          ],
        },
      ],
    });
  });
});
