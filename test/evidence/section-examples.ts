import type { SectionLevel, SectionName, SectionValue } from '../../src/evidence/index.ts';
import { AT } from './snapshots.ts';

/** One value of every section: a section without an example does not compile. */
export const SECTION_EXAMPLES: {
  readonly [L in SectionLevel]: { readonly [N in SectionName<L>]: SectionValue<L, N> };
} = {
  'account-region': {
    bedrockSessions: [{ id: 's-1', status: 'ENDED', createdAt: AT, lastUpdatedAt: AT }],
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
  },
  account: {
    permissionSetAssignments: [
      { permissionSetName: 'BedrockDeveloper', principalType: 'GROUP', principalId: 'g-1' },
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
