import type { AccountId, EpochMs, Region } from '../../src/core/index.ts';
import type {
  ContentBucket,
  DestinationPolicy,
  GrantsOfKey,
  Observation,
  OutputJob,
  SectionObservations,
  Trail,
} from '../../src/evidence/index.ts';

/*
 * The further evidence of the generated organization: what a collection sees beside IAM, invocation logging and the retention mode.
 *
 * | where | how it is spread |
 * |---|---|
 * | every account and Region that answers | one organization trail of management events, multi-Region; a default project of `bedrock-mantle` that inherits `none`; no log group with content, no metric filter or stream |
 * | account and Region, of 200 | 10 with one stored prompt, 1 with a session, 5 with an agent, of which 1 remembers 30 days, 1 with a memory of AgentCore, 10 with an inference profile, of which 2 without a tag, 2 with a batch job, 1 with an asynchronous invocation, 1 with a delivery of vended logs, 2 with a project of `bedrock-mantle` that retains |
 * | alarms | of 20 accounts 18 have the event rule and the alarm on throttling in every Region, 2 in none |
 * | destinations | the bucket of every logging configuration and every job, each with a customer's key: half of them delete after 14 days, half never |
 * | account | two permission sets given to groups, in 1 of 20 accounts also one to a user; opted out of the use of content for AI services in 3 of 4; all 17 Regions opted in; a dashboard with Bedrock's metrics in 9 of 10 |
 * | organization | three cost allocation tags, two of them active; one export of billing with IAM principals |
 *
 * Not generated: access points, policies of CloudWatch Logs for a whole account, counts of content in log groups.
 */

/** Where something was seen, and when. */
export interface Place {
  readonly accountId: AccountId;
  readonly at: EpochMs;
}
export interface RegionPlace extends Place {
  readonly region: Region;
  /** 0 to 199. */
  readonly place: number;
  /** The account's number in the organization. */
  readonly index: number;
  /** The bucket that invocation logging writes to. */
  readonly bucketName?: string | undefined;
}

const seenAs =
  (at: EpochMs, where: { readonly accountId?: AccountId; readonly region?: Region }) =>
  <T>(value: T, call: string): Observation<T> => ({
    kind: 'observed',
    value,
    at,
    source: { call, ...where },
  });
const noneAs =
  (at: EpochMs, where: { readonly accountId?: AccountId; readonly region?: Region }) =>
  (call: string): Observation<never> => ({ kind: 'absent', at, source: { call, ...where } });

const EVENT_PATTERN = JSON.stringify({
  'detail-type': ['AWS API Call via CloudTrail'],
  detail: {
    eventSource: [
      'bedrock.amazonaws.com',
      'cloudtrail.amazonaws.com',
      'kms.amazonaws.com',
      'iam.amazonaws.com',
    ],
    eventName: [
      'PutModelInvocationLoggingConfiguration',
      'DeleteModelInvocationLoggingConfiguration',
      'PutAccountDataRetention',
      'UpdateGuardrail',
      'StopLogging',
      'DeleteTrail',
      'ScheduleKeyDeletion',
      'CreateServiceSpecificCredential',
    ],
    errorCode: [{ exists: false }],
  },
});

export function regionSections(
  place: RegionPlace,
  managementAccountId: AccountId,
): SectionObservations<'account-region'> {
  const { accountId, region, at, index, place: of200 } = place;
  const seen = seenAs(at, { accountId, region });
  const arn = (service: string, rest: string) => `arn:aws:${service}:${region}:${accountId}:${rest}`;
  const job = (kind: string): OutputJob => ({
    arn: arn('bedrock', `${kind}/job${of200}`),
    status: 'Completed',
    submittedAt: at,
    outputS3Uri: `s3://outputs-${accountId}-${region}/${kind}`,
  });
  const batchJobs = of200 === 20 || of200 === 120 ? [job('model-invocation-job')] : [];
  const asyncInvocations = of200 === 70 ? [job('async-invoke')] : [];
  const agents = of200 % 40 === 1 ? [{ agentId: `AGENT${of200}`, name: `agent${of200}` }] : [];
  const profiles = of200 % 20 === 3 ? [`inference${of200}`] : [];
  const buckets = [
    ...(place.bucketName === undefined
      ? []
      : [{ bucketName: place.bucketName, usedBy: ['invocationLogging'] }]),
    ...[...batchJobs, ...asyncInvocations].map(() => ({
      bucketName: `outputs-${accountId}-${region}`,
      usedBy: [batchJobs.length > 0 ? 'batchJobs' : 'asyncInvocations'],
    })),
  ];
  const keyArn = arn('kms', 'key/11111111-2222-4333-8444-555555555555');
  const isAlarmed = index % 20 < 18;
  return {
    mantleRetention: seen(
      {
        accountMode: 'none',
        projects: [
          { id: 'default', mode: 'inherit', isArchived: false },
          ...(of200 === 30 || of200 === 130 ? [{ id: 'research', mode: 'default', isArchived: false }] : []),
        ],
      },
      'bedrock-mantle:GetAccountDataRetention + bedrock-mantle:ListProjects + bedrock-mantle:GetProject',
    ),
    bedrockSessions: seen(
      of200 === 40 ? [{ id: 'session-1', status: 'ENDED', createdAt: at, lastUpdatedAt: at }] : [],
      'bedrock:ListSessions',
    ),
    storedPrompts: seen(
      of200 % 20 === 5
        ? [{ arn: arn('bedrock', 'prompt/PROMPT0001'), name: 'greeting', version: 'DRAFT', updatedAt: at }]
        : [],
      'bedrock:ListPrompts',
    ),
    agentMemory: seen(
      agents.map((agent) => ({
        ...agent,
        ...(of200 === 41 ? { memoryTypes: ['SESSION_SUMMARY'], storageDays: 30 } : { memoryTypes: [] }),
      })),
      'bedrock:ListAgents + bedrock:GetAgent',
    ),
    agentCoreMemories: seen(
      of200 === 60
        ? [{ arn: arn('bedrock-agentcore', 'memory/support'), status: 'ACTIVE', eventExpiryDays: 90 }]
        : [],
      'bedrock-agentcore:ListMemories + bedrock-agentcore:GetMemory',
    ),
    costResources: seen(
      [
        ...agents.map(({ agentId }) => ({ arn: arn('bedrock', `agent/${agentId}`), kind: 'agent' as const })),
        ...profiles.map((name) => ({
          arn: arn('bedrock', `application-inference-profile/${name}`),
          kind: 'application-inference-profile' as const,
        })),
      ].map((resource) => ({
        ...resource,
        tagKeys: seen(
          of200 === 83 || of200 === 183 ? [] : ['Environment', 'Project', 'Team'],
          'bedrock:ListTagsForResource',
        ),
      })),
      'bedrock:ListTagsForResource',
    ),
    batchJobs: seen(batchJobs, 'bedrock:ListModelInvocationJobs'),
    evaluationJobs: seen([], 'bedrock:ListEvaluationJobs + bedrock:GetEvaluationJob'),
    asyncInvocations: seen(asyncInvocations, 'bedrock:ListAsyncInvokes'),
    logDeliveries: seen(
      of200 === 80
        ? [
            {
              id: 'delivery1',
              service: 'bedrock',
              logType: 'APPLICATION_LOGS',
              resourceArns: [arn('bedrock', 'knowledge-base/KB00000001')],
              destinationArn: `arn:aws:s3:::deliveries-${accountId}-${region}`,
            },
          ]
        : [],
      'logs:DescribeDeliveries + logs:DescribeDeliverySources + logs:DescribeDeliveryDestinations',
    ),
    contentLogGroups: seen([], 'logs:DescribeLogGroups'),
    trails: seen([organizationTrail(managementAccountId)], 'cloudtrail:DescribeTrails'),
    eventRules: seen(
      isAlarmed
        ? [
            {
              name: 'prompt-storage-changes',
              state: 'ENABLED',
              eventPattern: EVENT_PATTERN,
              targets: [arn('sns', 'security-alarms')],
            },
          ]
        : [],
      'events:ListRules',
    ),
    metricFilters: seen([], 'logs:DescribeMetricFilters'),
    metricAlarms: seen(
      isAlarmed
        ? [
            {
              name: 'bedrock-throttling',
              isTelling: true,
              metrics: [{ namespace: 'AWS/Bedrock', name: 'InvocationThrottles', dimensions: [] }],
            },
          ]
        : [],
      'cloudwatch:DescribeAlarms',
    ),
    metricStreams: seen([], 'cloudwatch:GetMetricStream'),
    destinations: seen(
      buckets.map((named) => bucketOf(named, place, keyArn)),
      's3:GetBucketVersioning + logs:DescribeLogGroups',
    ),
    ...policiesOf(
      buckets.map(({ bucketName }) => bucketName),
      place,
      keyArn,
    ),
  };
}

const organizationTrail = (managementAccountId: AccountId): Trail => ({
  arn: `arn:aws:cloudtrail:us-east-1:${managementAccountId}:trail/organization`,
  homeRegion: 'us-east-1',
  isMultiRegion: true,
  isOrganizationTrail: true,
  includesGlobalServiceEvents: true,
  isLogging: true,
  selectors: { advanced: [[{ field: 'eventCategory', equals: ['Management'] }]] },
});

function bucketOf(
  { bucketName, usedBy }: { readonly bucketName: string; readonly usedBy: readonly string[] },
  { accountId, region, at, place }: RegionPlace,
  keyArn: string,
): ContentBucket {
  const seen = seenAs(at, { accountId, region });
  const none = noneAs(at, { accountId, region });
  return {
    kind: 's3',
    bucketName,
    usedBy,
    versioning: none('s3:GetBucketVersioning'),
    lifecycle: seen(
      place % 2 === 0 ? [{ id: 'gone', status: 'Enabled', prefix: '', tags: [], expirationDays: 14 }] : [],
      's3:GetLifecycleConfiguration',
    ),
    objectLock: none('s3:GetBucketObjectLockConfiguration'),
    encryption: seen({ algorithm: 'aws:kms', keyArn }, 's3:GetEncryptionConfiguration'),
    ownership: seen('BucketOwnerEnforced', 's3:GetBucketOwnershipControls'),
    replication: seen([], 's3:GetReplicationConfiguration'),
    backups: seen([], 'backup:ListRecoveryPointsByResource'),
  };
}

function policiesOf(
  buckets: readonly string[],
  { accountId, region, at }: RegionPlace,
  keyArn: string,
): Pick<SectionObservations<'account-region'>, 'destinationPolicies' | 'keyGrants'> {
  const seen = seenAs(at, { accountId, region });
  const document = (statement: object) => JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
  const policies = buckets.map(
    (name): DestinationPolicy => ({
      resourceArn: `arn:aws:s3:::${name}`,
      policy: seen(
        document({
          Effect: 'Allow',
          Principal: { Service: 'bedrock.amazonaws.com' },
          Action: 's3:PutObject',
          Resource: `arn:aws:s3:::${name}/*`,
          Condition: { StringEquals: { 'aws:SourceAccount': accountId } },
        }),
        's3:GetBucketPolicy',
      ),
    }),
  );
  const ofKey: DestinationPolicy = {
    resourceArn: keyArn,
    policy: seen(
      document({
        Effect: 'Allow',
        Principal: { AWS: `arn:aws:iam::${accountId}:root` },
        Action: 'kms:*',
        Resource: '*',
      }),
      'kms:GetKeyPolicy',
    ),
  };
  const grants: GrantsOfKey = {
    keyArn,
    grants: seen([], 'kms:ListGrants'),
    manager: seen('CUSTOMER', 'kms:DescribeKey'),
  };
  return {
    destinationPolicies: seen(
      buckets.length === 0 ? [] : [...policies, ofKey],
      's3:GetBucketPolicy + kms:GetKeyPolicy + logs:DescribeResourcePolicies',
    ),
    keyGrants: seen(buckets.length === 0 ? [] : [grants], 'kms:ListGrants'),
  };
}

export function accountSections(
  { accountId, at, index }: Place & { readonly index: number },
  regions: readonly Region[],
): SectionObservations<'account'> {
  const seen = seenAs(at, { accountId });
  const idOf = (kind: 'a' | '9', number: number) =>
    `906700000a-00000000-0000-4000-${kind}000-${String(number).padStart(12, '0')}`;
  const groups = ['ReadOnlyAccess', 'PowerUserAccess'].map((permissionSetName, number) => ({
    permissionSetName,
    principalType: 'GROUP',
    principalId: idOf('a', number),
    groupName: `Everybody ${number}`,
  }));
  const alone =
    index % 20 === 7
      ? [{ permissionSetName: 'PowerUserAccess', principalType: 'USER', principalId: idOf('9', index) }]
      : [];
  const person = (number: number) => ({
    userId: idOf('9', number),
    userName: `person${number}`,
    status: 'ENABLED',
  });
  return {
    permissionSetAssignments: seen([...groups, ...alone], 'sso:ListAccountAssignments'),
    assignedPeople: seen(
      [...groups, ...alone].map(({ principalId, principalType }) => ({
        principalId,
        people: seen(
          principalType === 'USER' ? [person(index)] : [1, 2, 3].map(person),
          'identitystore:ListGroupMemberships',
        ),
      })),
      'identitystore:ListGroupMemberships',
    ),
    aiServicesOptOut:
      index % 4 === 3
        ? noneAs(at, { accountId })('organizations:DescribeEffectivePolicy')
        : seen(
            { policy: JSON.stringify({ services: { default: { opt_out_policy: 'optOut' } } }) },
            'organizations:DescribeEffectivePolicy',
          ),
    dashboards: seen(
      index % 10 === 9
        ? []
        : [
            {
              name: 'bedrock',
              metrics: ['Invocations', 'InputTokenCount', 'OutputTokenCount', 'InvocationThrottles'].map(
                (name) => ({
                  namespace: 'AWS/Bedrock',
                  name,
                  dimensions: ['ModelId'],
                }),
              ),
              hasUnreadNames: false,
            },
          ],
      'cloudwatch:GetDashboard',
    ),
    regions: seen(
      regions.map((region) => ({ region, optStatus: 'ENABLED_BY_DEFAULT' })),
      'account:ListRegions',
    ),
  };
}

export function organizationSections(
  managementAccountId: AccountId,
  at: EpochMs,
): SectionObservations<'organization'> {
  const seen = seenAs(at, {});
  const tag = (key: string, status: string) => ({ key, type: 'UserDefined', status });
  return {
    costAllocationTags: seen(
      [tag('Environment', 'Inactive'), tag('Project', 'Active'), tag('Team', 'Active')],
      'ce:ListCostAllocationTags',
    ),
    costExports: seen(
      [
        {
          arn: `arn:aws:bcm-data-exports:us-east-1:${managementAccountId}:export/principals`,
          name: 'principals',
          status: 'HEALTHY',
          tables: [
            {
              table: 'COST_AND_USAGE_REPORT',
              settings: [
                { name: 'TIME_GRANULARITY', value: 'DAILY' },
                { name: 'INCLUDE_IAM_PRINCIPAL_DATA', value: 'TRUE' },
              ],
            },
          ],
        },
      ],
      'bcm-data-exports:GetExport',
    ),
  };
}
