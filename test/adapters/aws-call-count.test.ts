import { BedrockClient } from '@aws-sdk/client-bedrock';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import {
  actionsOf,
  CALLS,
  type CallCount,
  homePermissions,
  rolePermissions,
} from '../../scripts/collect-permissions.ts';
import { awsEvidenceSources } from '../../src/adapters/aws/index.ts';
import { epochMs, region } from '../../src/core/index.ts';
import { collectSnapshot } from '../../src/evidence/index.ts';

/*
 * Every call of a whole collection, counted against the documented minimum. The fake answers stand where the SDK would send, below every
 * client there is, so a call that nobody thought of is counted too.
 */

const OWN = '111111111111';
const CLOSED = '444444444444';
const REGIONS = ['us-east-1', 'eu-central-1'];
const START = Date.parse('2026-11-20T08:00:00Z');

interface Sizes {
  readonly members: number;
  readonly units: number;
  readonly policies: number;
  readonly users: number;
  readonly trails: number;
  readonly rules: number;
  readonly sets: number;
  readonly exports: number;
  /** Projects, agents, memories, evaluation jobs; a bucket for each job; a log group for the settings, and a delivery. */
  readonly stores: number;
}
const many = <T>(count: number, make: (index: number) => T): readonly T[] =>
  Array.from({ length: count }, (_each, index) => make(index));
const memberIds = ({ members }: Sizes) => many(members, (index) => String(222222222222 + index));

/** Of the one group. */
const MEMBERS = ['u-1', 'u-2'];

/** What AWS answers, by operation; the input decides where it has to. */
function answersOf(sizes: Sizes): Readonly<Record<string, (input: Record<string, unknown>) => object>> {
  const ids = [OWN, ...memberIds(sizes), CLOSED];
  const accounts = ids.map((Id) => ({ Id, Name: `a${Id}`, State: Id === CLOSED ? 'SUSPENDED' : 'ACTIVE' }));
  return {
    GetCallerIdentity: () => ({ Account: OWN, Arn: `arn:aws:iam::${OWN}:user/collector` }),
    AssumeRole: ({ RoleArn }) => ({
      Credentials: {
        AccessKeyId: String(RoleArn).split(':')[4],
        SecretAccessKey: 'secret',
        SessionToken: 'token',
        Expiration: new Date(START + 3_600_000),
      },
    }),
    DescribeOrganization: () => ({ Organization: { Id: 'o-1', MasterAccountId: OWN } }),
    ListRoots: () => ({ Roots: [{ Id: 'r-1', Name: 'Root' }] }),
    ListOrganizationalUnitsForParent: ({ ParentId }) => ({
      OrganizationalUnits:
        ParentId === 'r-1'
          ? many(sizes.units - 1, (index) => ({ Id: `ou-${index}`, Name: `u${index}` }))
          : [],
    }),
    ListAccountsForParent: ({ ParentId }) => ({ Accounts: ParentId === 'r-1' ? accounts : [] }),
    ListAccounts: () => ({ Accounts: accounts }),
    ListPolicies: ({ Filter }) => ({
      Policies:
        Filter === 'SERVICE_CONTROL_POLICY'
          ? many(sizes.policies, (index) => ({ Id: `p-${index}`, Name: `p${index}` }))
          : [],
    }),
    // The second is in nobody's list of Regions but the account's own.
    ListRegions: () => ({
      Regions: [
        ...REGIONS.map((RegionName) => ({ RegionName, RegionOptStatus: 'ENABLED_BY_DEFAULT' })),
        { RegionName: 'me-south-1', RegionOptStatus: 'DISABLED' },
      ],
    }),
    DescribePolicy: () => ({ Policy: { Content: '{}' } }),
    ListTargetsForPolicy: () => ({ Targets: [] }),
    ListDelegatedAdministrators: () => ({ DelegatedAdministrators: [] }),
    DescribeEffectivePolicy: () => ({ EffectivePolicy: { PolicyContent: '{}' } }),
    ListInstances: () => ({
      Instances: [{ InstanceArn: 'arn:aws:sso:::instance/i', IdentityStoreId: 'd-1' }],
    }),
    ListPermissionSetsProvisionedToAccount: () => ({
      PermissionSets: many(sizes.sets, (index) => `arn:aws:sso:::permissionSet/i/${index}`),
    }),
    DescribePermissionSet: () => ({ PermissionSet: { Name: 'Reader' } }),
    ListAccountAssignments: () => ({ AccountAssignments: [{ PrincipalType: 'GROUP', PrincipalId: 'g' }] }),
    DescribeGroup: () => ({ DisplayName: 'Readers' }),
    ListGroupMemberships: () => ({
      GroupMemberships: MEMBERS.map((UserId) => ({ MemberId: { UserId } })),
    }),
    DescribeUser: () => ({ UserName: 'ada@example.com' }),
    ListExports: () => ({
      Exports: many(sizes.exports, (index) => ({ ExportArn: `arn:e${index}`, ExportName: `e${index}` })),
    }),
    GetExport: () => ({ Export: { DataQuery: { TableConfigurations: {} } } }),
    GetAccountAuthorizationDetails: () => ({
      UserDetailList: many(sizes.users, (index) => ({ Arn: `arn:user/u${index}`, UserName: `u${index}` })),
    }),
    GetAccountDataRetention: () => ({ mode: 'none' }),
    GetModelInvocationLoggingConfiguration: () =>
      sizes.stores === 0
        ? {}
        : { loggingConfig: { cloudWatchConfig: { logGroupName: '/prompts', roleArn: 'arn:role' } } },
    ListPrompts: () => ({ promptSummaries: [] }),
    ListAgents: () => ({
      agentSummaries: many(sizes.stores, (index) => ({ agentId: `a${index}`, agentName: 'agent' })),
    }),
    GetAgent: () => ({ agent: {} }),
    ListMemories: () => ({ memories: many(sizes.stores, (index) => ({ id: `m${index}` })) }),
    ListInferenceProfiles: () => ({
      inferenceProfileSummaries: many(sizes.stores, (index) => ({ inferenceProfileArn: `arn:p${index}` })),
    }),
    ListProvisionedModelThroughputs: () => ({ provisionedModelSummaries: [] }),
    ListKnowledgeBases: () => ({ knowledgeBaseSummaries: [] }),
    GetMemory: () => ({ memory: { arn: 'arn:memory', status: 'ACTIVE' } }),
    ListEvaluationJobs: () => ({
      jobSummaries: many(sizes.stores, (index) => ({ jobArn: `arn:j${index}` })),
    }),
    GetEvaluationJob: ({ jobIdentifier }) => ({
      status: 'Completed',
      creationTime: new Date(START),
      outputDataConfig: { s3Uri: `s3://bucket-${String(jobIdentifier).slice(-1)}/out/` },
    }),
    DescribeLogGroups: ({ logGroupNamePrefix, logGroupNamePattern }) => ({
      logGroups:
        logGroupNamePrefix === '/prompts'
          ? [{ logGroupName: '/prompts', kmsKeyId: 'arn:k' }]
          : logGroupNamePattern === 'bedrock' && sizes.stores > 0
            ? [{ logGroupName: '/bedrock' }]
            : [],
    }),
    DescribeDeliverySources: () => ({
      deliverySources:
        sizes.stores === 0
          ? []
          : [{ name: 's', service: 'bedrock', resourceArns: ['arn:kb'], logType: 'APPLICATION_LOGS' }],
    }),
    DescribeDeliveries: () => ({ deliveries: [] }),
    ListGrants: () => ({ Grants: [] }),
    DescribeKey: () => ({ KeyMetadata: { KeyManager: 'CUSTOMER' } }),
    ListAccessPoints: () => ({
      // Before each bucket one, and one before a bucket that nothing goes to.
      AccessPointList: many(sizes.stores + 1, (index) => ({
        Name: `ap${index}`,
        Bucket: index === sizes.stores ? 'pictures' : `bucket-${index}`,
        NetworkOrigin: 'Internet',
      })),
    }),
    ListMultiRegionAccessPoints: () => ({
      AccessPoints: many(sizes.stores, (index) => ({ Name: `m${index}`, Alias: `m${index}.mrap` })),
    }),
    ListSessions: () => ({ sessionSummaries: [] }),
    DescribeTrails: () => ({
      trailList: many(sizes.trails, (index) => ({ TrailARN: `arn:trail/${index}`, HomeRegion: 'us-east-1' })),
    }),
    ListDashboards: () => ({
      DashboardEntries: many(sizes.rules, (index) => ({ DashboardName: `d${index}` })),
    }),
    GetDashboard: () => ({ DashboardBody: '{}' }),
    ListMetricStreams: () => ({ Entries: many(sizes.rules, (index) => ({ Name: `s${index}` })) }),
    GetTrailStatus: () => ({ IsLogging: true }),
    ListRules: () => ({
      // The last is a schedule.
      Rules: many(sizes.rules + 1, (index) => ({
        Name: `r${index}`,
        State: 'ENABLED',
        ...(index === sizes.rules ? {} : { EventPattern: '{}' }),
      })),
    }),
  };
}

/** The searches for log groups of Bedrock and AgentCore by name. */
const NAME_SEARCHES = 2;

const timesOf = (times: CallCount['times'], sizes: Sizes, isOwn: boolean): number =>
  ({
    one: 1,
    two: 2,
    none: 0,
    units: sizes.units,
    accountPages: 1,
    policies: sizes.policies,
    permissionSets: sizes.sets,
    groups: sizes.sets > 0 ? 1 : 0,
    people: sizes.sets > 0 ? MEMBERS.length : 0,
    exports: sizes.exports,
    notOwn: isOwn ? 0 : 1,
    ifUsers: sizes.users > 0 ? 1 : 0,
    users: sizes.users,
    setsInAccount: sizes.sets,
    dashboards: sizes.rules,
    streams: sizes.rules,
    trails: sizes.trails,
    patternRules: sizes.rules,
    projects: sizes.stores,
    agents: sizes.stores,
    memories: sizes.stores,
    // The agents, and as many profiles.
    tagged: 2 * sizes.stores,
    evaluations: sizes.stores,
    buckets: sizes.stores,
    accessPoints: sizes.stores,
    multiRegionAccessPoints: sizes.stores,
    // That of the settings, and one that its name gives away.
    logGroups: sizes.stores > 0 ? 2 : 0,
    ifLogGroups: sizes.stores > 0 ? 1 : 0,
    // The log group is under a key; no bucket is.
    keys: sizes.stores > 0 ? 1 : 0,
    groupsAndSearches: NAME_SEARCHES + (sizes.stores > 0 ? 2 : 0),
    ifDeliveries: sizes.stores > 0 ? 1 : 0,
  })[times];

/** What the requests that are signed without a client are told, by path. */
function mantleAnswer(
  path: string,
  { stores }: Sizes,
): { readonly operation: string; readonly body: object } {
  const data_retention = { mode: 'none' };
  if (path === '/v1/data_retention') return { operation: 'GetAccountDataRetention', body: data_retention };
  if (path === '/v1/organization/projects')
    return { operation: 'ListProjects', body: { data: many(stores, (index) => ({ id: `p${index}` })) } };
  return { operation: 'GetProject', body: { id: 'p', data_retention } };
}

/** IAM's prefix where it is not the service's name in lower case. */
const PREFIX: Readonly<Record<string, string>> = {
  'Bedrock Agent': 'bedrock',
  'Bedrock Runtime': 'bedrock',
  'Bedrock Agent Runtime': 'bedrock',
  'Bedrock AgentCore Control': 'bedrock-agentcore',
  'CloudWatch Logs': 'logs',
  EventBridge: 'events',
  'SSO Admin': 'sso',
  'Cost Explorer': 'ce',
  'BCM Data Exports': 'bcm-data-exports',
  'S3 Control': 's3',
};

/** IAM's name where it is not the operation's. */
const ACTION: Readonly<Record<string, string>> = {
  's3:GetBucketLifecycleConfiguration': 's3:GetLifecycleConfiguration',
  's3:GetBucketEncryption': 's3:GetEncryptionConfiguration',
  's3:GetBucketReplication': 's3:GetReplicationConfiguration',
  's3:GetObjectLockConfiguration': 's3:GetBucketObjectLockConfiguration',
};

interface Sent {
  readonly config: {
    readonly serviceId: string;
    readonly region: () => Promise<string>;
    readonly credentials: () => Promise<{ readonly accessKeyId: string }>;
  };
}
/** Of every client: the class that they all extend. */
const base = Object.getPrototypeOf(BedrockClient.prototype) as { send: unknown };
const realSend = base.send;

beforeEach(() => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', OWN);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
});
afterEach(() => {
  base.send = realSend;
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
});

/** Collects, and counts by action and by account, Region and action. */
async function counted(sizes: Sizes) {
  const counts = new Map<string, number>();
  const answers = answersOf(sizes);
  const count = (account: string, name: string, action: string) => {
    for (const key of [action, `${account} ${name} ${action}`]) counts.set(key, (counts.get(key) ?? 0) + 1);
  };
  vi.stubGlobal('fetch', async (url: string, { headers }: { readonly headers: Record<string, string> }) => {
    const [, account = '', name = ''] =
      /Credential=([0-9]+)\/[0-9]+\/([a-z0-9-]+)\//.exec(headers['authorization'] ?? '') ?? [];
    const { operation, body } = mantleAnswer(new URL(url).pathname, sizes);
    count(account, name, `bedrock-mantle:${operation}`);
    return new Response(JSON.stringify(body));
  });
  base.send = async function (this: Sent, command: { readonly input: Record<string, unknown> }) {
    const operation = command.constructor.name.replace(/Command$/, '');
    const { serviceId } = this.config;
    const named = `${PREFIX[serviceId] ?? serviceId.toLowerCase()}:${operation}`;
    const { accessKeyId } = await this.config.credentials();
    count(accessKeyId, await this.config.region(), ACTION[named] ?? named);
    return answers[operation]?.(command.input) ?? {};
  };
  const sources = awsEvidenceSources({
    clock: { now: () => epochMs(START) },
    homeRegion: region('us-east-1'),
    maxAttempts: 1,
  });
  const taken = await collectSnapshot(sources, {
    regions: REGIONS.slice(0, 1).map(region),
    takenAt: epochMs(START),
  });
  sources.close();
  expect(taken).toMatchObject({ ok: true });
  return counts;
}

const SMALL: Sizes = {
  members: 1,
  units: 1,
  policies: 0,
  users: 0,
  trails: 0,
  rules: 0,
  sets: 0,
  exports: 0,
  stores: 0,
};
const LARGE: Sizes = {
  members: 4,
  units: 3,
  policies: 3,
  users: 2,
  trails: 2,
  rules: 3,
  sets: 2,
  exports: 2,
  stores: 2,
};

it.each([
  ['nothing in the accounts', SMALL],
  ['something of everything', LARGE],
])('makes the documented minimum of calls, with %s', async (_name, sizes) => {
  const counts = await counted(sizes);
  const callable = [OWN, ...memberIds(sizes)];
  const expected: Record<string, number> = {};
  const actual: Record<string, number> = {};
  for (const { action, per, times } of CALLS) {
    const places =
      per === 'organization' ? [OWN] : per === 'account' ? callable : callable.flatMap((id) => [id, id]);
    // An action may stand in two rows.
    expected[action] =
      (expected[action] ?? 0) + places.reduce((sum, id) => sum + timesOf(times, sizes, id === OWN), 0);
    actual[action] = counts.get(action) ?? 0;
    if (per === 'account-region')
      for (const place of callable.flatMap((id) => REGIONS.map((name) => `${id} ${name} ${action}`))) {
        expected[place] = (expected[place] ?? 0) + timesOf(times, sizes, false);
        actual[place] = counts.get(place) ?? 0;
      }
  }
  expect(actual).toEqual(expected);
});

it('every call that is made may be made by the documented roles, and the suspended account is not called', async () => {
  const counts = await counted(LARGE);
  const allowed = new Set(actionsOf([...homePermissions(), ...rolePermissions()]));
  const documented = new Set(CALLS.map(({ action }) => action));
  const missing = [...allowed].filter((action) => !documented.has(action));
  expect(missing, 'add a row for it to CALLS in scripts/collect-permissions.ts').toEqual([]);
  const unread = CALLS.filter(({ action, times }) => times !== 'none' && !counts.has(action));
  expect(unread).toEqual([]);
  const made = [...counts.keys()].filter((key) => !key.includes(' '));
  expect(made.filter((action) => !allowed.has(action))).toEqual([]);
  expect([...counts.keys()].filter((key) => key.startsWith(CLOSED))).toEqual([]);
});
