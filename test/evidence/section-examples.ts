import type { SectionLevel, SectionName, SectionValue } from '../../src/evidence/index.ts';
import { AT, absent, observed } from './snapshots.ts';

const JOB = { arn: 'arn:j', status: 'Completed', submittedAt: AT, outputS3Uri: 's3://b/out/' };

/** One value of every section: a section without an example does not compile. */
export const SECTION_EXAMPLES: {
  readonly [L in SectionLevel]: { readonly [N in SectionName<L>]: SectionValue<L, N> };
} = {
  'account-region': {
    mantleRetention: {
      accountMode: 'none',
      projects: [{ id: 'proj_1', mode: 'inherit', isArchived: false }],
    },
    bedrockSessions: [{ id: 's-1', status: 'ENDED', createdAt: AT, lastUpdatedAt: AT }],
    storedPrompts: [{ arn: 'arn:p', name: 'greeting', version: 'DRAFT', updatedAt: AT }],
    agentMemory: [
      { agentId: 'A1', name: 'helper', memoryTypes: ['SESSION_SUMMARY'], storageDays: 30, keyArn: 'arn:k' },
    ],
    agentCoreMemories: [{ arn: 'arn:m', status: 'ACTIVE', eventExpiryDays: 90 }],
    costResources: [
      {
        arn: 'arn:aws:bedrock:eu-central-1:222222222222:agent/A1',
        kind: 'agent',
        tagKeys: observed(['Project', 'Team']),
      },
      {
        arn: 'arn:aws:bedrock:eu-central-1:222222222222:knowledge-base/K1',
        kind: 'knowledge-base',
        tagKeys: { kind: 'unobservable', reason: 'access-denied' },
      },
    ],
    batchJobs: [JOB],
    evaluationJobs: [JOB],
    asyncInvocations: [{ ...JOB, keyArn: 'arn:k' }],
    logDeliveries: [
      {
        id: 'd',
        service: 'bedrock',
        logType: 'APPLICATION_LOGS',
        resourceArns: ['arn:kb'],
        destinationArn: 'arn:lg',
      },
    ],
    contentLogGroups: ['/aws/bedrock/modelinvocations'],
    logGroupContent: [{ logGroup: '/aws/bedrock/modelinvocations', hits: 3 }],
    destinations: [
      {
        kind: 's3',
        bucketName: 'b',
        usedBy: ['batchJobs'],
        versioning: observed('Enabled'),
        lifecycle: observed([
          {
            id: 'expire',
            status: 'Enabled',
            prefix: '',
            tags: [{ key: 'a', value: 'b' }],
            expirationDays: 7,
            expirationDate: AT,
            noncurrentVersionExpirationDays: 1,
          },
        ]),
        objectLock: observed({ defaultMode: 'COMPLIANCE', defaultDays: 30 }),
        encryption: absent(),
        replication: { kind: 'unobservable', reason: 'access-denied' },
        backups: absent(),
      },
      {
        kind: 'cloudwatch-logs',
        logGroupName: 'g',
        usedBy: ['invocationLogging'],
        retentionInDays: observed(14),
        retentionPolicyName: absent(),
        deletionProtection: observed(false),
        keyArn: observed('arn:k'),
        subscriptions: observed([{ name: 'f', destinationArn: 'arn:firehose', level: 'account' }]),
        exportTasks: absent(),
      },
    ],
    destinationPolicies: [
      { resourceArn: 'arn:aws:s3:::b', policy: observed('{"Version":"2012-10-17","Statement":[]}') },
      { resourceArn: 'arn:aws:kms:eu-central-1:111111111111:key/k', policy: absent() },
    ],
    logsResourcePolicies: [{ name: 'Others', document: '{"Version":"2012-10-17","Statement":[]}' }],
    keyGrants: [
      {
        keyArn: 'arn:aws:kms:eu-central-1:111111111111:key/k',
        grants: observed([
          {
            id: 'g',
            grantee: 'arn:aws:iam::111111111111:role/r',
            operations: ['Decrypt'],
            isConstrained: false,
          },
        ]),
        manager: observed('CUSTOMER'),
      },
      {
        keyArn: 'arn:aws:kms:eu-central-1:111111111111:key/unseen',
        grants: { kind: 'unobservable', reason: 'access-denied' },
      },
    ],
    accessPoints: [
      {
        arn: 'arn:aws:s3:eu-central-1:111111111111:accesspoint/readers',
        name: 'readers',
        bucketName: 'b',
        bucketAccountId: '111111111111',
        networkOrigin: 'VPC',
        vpcId: 'vpc-1',
        policy: observed('{"Version":"2012-10-17","Statement":[]}'),
      },
      {
        arn: 'arn:aws:s3:eu-central-1:111111111111:accesspoint/open',
        name: 'open',
        bucketName: 'b',
        networkOrigin: 'Internet',
        policy: absent(),
      },
    ],
    trails: [
      {
        arn: 'arn:aws:cloudtrail:us-east-1:111111111111:trail/org',
        homeRegion: 'us-east-1',
        isMultiRegion: true,
        isOrganizationTrail: true,
        includesGlobalServiceEvents: true,
        isLogging: true,
        selectors: {
          basic: [
            {
              readWriteType: 'All',
              includeManagementEvents: true,
              excludedSources: ['kms.amazonaws.com'],
              dataResources: [{ type: 'AWS::S3::Object', values: ['arn:aws:s3'] }],
            },
          ],
          advanced: [[{ field: 'eventCategory', equals: ['Management'] }]],
        },
      },
      {
        arn: 'arn:aws:cloudtrail:us-east-1:111111111111:trail/unseen',
        homeRegion: 'us-east-1',
        isMultiRegion: false,
        isOrganizationTrail: false,
        includesGlobalServiceEvents: false,
        isLogging: null,
        selectors: null,
      },
    ],
    eventRules: [{ name: 'r', state: 'ENABLED', eventPattern: '{}', targets: ['arn:aws:sns:x'] }],
    metricFilters: [
      { name: 'f', logGroupName: 'trail', pattern: '', metrics: [{ namespace: 'Audit', name: 'Changes' }] },
    ],
    metricAlarms: [
      {
        name: 'a',
        isTelling: true,
        metrics: [{ namespace: 'AWS/Bedrock', name: 'Invocations', dimensions: ['ModelId'] }],
      },
    ],
    metricStreams: [
      {
        name: 's',
        state: 'running',
        includes: [{ namespace: 'AWS/Bedrock', names: ['Invocations'] }],
        excludes: [],
      },
    ],
  },
  account: {
    regions: [{ region: 'ap-east-1', optStatus: 'DISABLED' }],
    multiRegionAccessPoints: [
      {
        arn: 'arn:aws:s3::111111111111:accesspoint/a.mrap',
        name: 'everywhere',
        bucketNames: ['b', 'c'],
        policy: { kind: 'unobservable', reason: 'access-denied' },
      },
    ],
    permissionSetAssignments: [
      {
        permissionSetName: 'BedrockDeveloper',
        principalType: 'GROUP',
        principalId: 'g-1',
        groupName: 'Developers',
      },
    ],
    assignedPeople: [
      {
        principalId: 'g-1',
        people: observed([{ userId: 'u-1', userName: 'ada', status: 'ENABLED' }, { userId: 'u-2' }]),
      },
    ],
    dashboards: [
      {
        name: 'd',
        metrics: [{ namespace: 'AWS/Bedrock', name: 'Invocations', dimensions: ['ModelId'] }],
        hasUnreadNames: false,
      },
    ],
    aiServicesOptOut: { policy: '{"services":{"default":{"opt_out_policy":"optOut"}}}' },
  },
  organization: {
    costAllocationTags: [{ key: 'Project', type: 'UserDefined', status: 'Active' }],
    costExports: [
      {
        arn: 'arn:aws:bcm-data-exports:us-east-1:111111111111:export/e',
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
  },
};
