import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SECTIONS, type Section, type SectionLevel } from '../src/evidence/index.ts';

/*
 * The smallest role that `proviso collect` needs: from the calls below and from the `actions` of every section. Run
 * `node scripts/collect-permissions.ts` to write them into docs/permissions.md, docs/snapshot.md and templates/member-account.yml; tests hold that both are
 * current, and that the list is exactly what the collectors can call.
 */

const ROOT = join(import.meta.dirname, '..');
export const PERMISSIONS_PAGE = 'docs/permissions.md';
export const SNAPSHOT_PAGE = 'docs/snapshot.md';
export const MEMBER_TEMPLATE = 'templates/member-account.yml';

export interface PermissionRow {
  /** The evidence it is for, as the snapshot names it. */
  readonly evidence: string;
  /** IAM's own name of the action. */
  readonly action: string;
  readonly why: string;
}

const row = (evidence: string, action: string, why: string): PermissionRow => ({ evidence, action, why });

const HOME_CALLS: readonly PermissionRow[] = [
  row(
    'organization',
    'organizations:DescribeOrganization',
    'the organization’s id and its management account, which no service control policy restricts',
  ),
  row('organization', 'organizations:ListRoots', 'where the tree begins'),
  row('organization', 'organizations:ListOrganizationalUnitsForParent', 'the units'),
  row('organization', 'organizations:ListAccountsForParent', 'which account stands where'),
  row('organization', 'organizations:ListAccounts', 'which accounts exist: the authority'),
  row(
    'organization',
    'organizations:ListParents',
    'only for an account that moved while the units were read',
  ),
  row(
    'organization',
    'organizations:ListPolicies',
    'the service control policies and the resource control policies',
  ),
  row('organization', 'organizations:DescribePolicy', 'their documents'),
  row('organization', 'organizations:ListTargetsForPolicy', 'what they are attached to'),
  row('organization', 'organizations:ListDelegatedAdministrators', 'who else may act for the organization'),
  row('access', 'sts:AssumeRole', 'on `arn:aws:iam::*:role/proviso/ProvisoCollect` only'),
  row('access', 'sts:GetCallerIdentity', 'which account is our own; AWS grants it to everybody'),
];

const ROLE_CALLS: readonly PermissionRow[] = [
  row(
    'invocationLogging',
    'bedrock:GetModelInvocationLoggingConfiguration',
    'whether prompts are stored, where, and which kinds',
  ),
  row('dataRetention', 'bedrock:GetAccountDataRetention', 'the account’s data-retention mode'),
  row('iam', 'iam:GetAccountAuthorizationDetails', 'who may change those settings, and who may call models'),
  row('iam', 'iam:ListAccessKeys', 'static keys: their ids and status'),
  row('iam', 'iam:ListServiceSpecificCredentials', 'long-term Bedrock API keys: their ids and status'),
];

const sectionRows = (isWanted: (section: Section<unknown>) => boolean): readonly PermissionRow[] =>
  LEVELS.flatMap((level) =>
    Object.entries<Section<unknown>>(SECTIONS[level])
      .filter(([, section]) => isWanted(section))
      .flatMap(([name, { actions }]) =>
        Object.entries(actions).map(([action, why]) => row(name, action, why)),
      ),
  );

const LEVELS: readonly SectionLevel[] = ['account', 'account-region', 'organization'];
const isAtHome = ({ level, isAskedAtHome }: Section<unknown>): boolean =>
  level === 'organization' || isAskedAtHome === true;

/** What the collector itself must be allowed, in the management account or a delegated administrator. */
export const homePermissions = (): readonly PermissionRow[] => [
  ...HOME_CALLS,
  ...sectionRows((section) => section.optIn === undefined && isAtHome(section)),
];
/** What `ProvisoCollect` must be allowed in every account. */
export const rolePermissions = (): readonly PermissionRow[] => [
  ...ROLE_CALLS,
  ...sectionRows((section) => section.optIn === undefined && !isAtHome(section)),
];
/** What only an opt-in section needs; not part of the role. */
export const optInPermissions = (): readonly PermissionRow[] =>
  sectionRows(({ optIn }) => optIn !== undefined);

/** Each action once, in the order of the rows. */
export const actionsOf = (rows: readonly PermissionRow[]): readonly string[] => [
  ...new Set(rows.map(({ action }) => action)),
];

/** What the number of calls follows from, as docs/permissions.md says it. */
export const CALL_COUNTS = {
  one: '1',
  two: '2: one for each kind of control policy',
  none: '0, and one for an account that moved meanwhile',
  units: 'one for each unit, the root included',
  accountPages: 'one for every 20 accounts',
  policies: 'one for each control policy',
  permissionSets: 'one for each permission set, once for all accounts of a collection',
  groups: 'one for each group that holds a permission set, once for all accounts of a collection',
  people:
    'one for each member of such a group, and each user who holds a permission set, once for all accounts of a collection',
  exports: 'one for each export',
  notOwn: '1, none in the collector’s own account',
  ifUsers: '1 where there are users',
  users: 'one for each user',
  setsInAccount: 'one for each permission set that is in use there',
  dashboards: 'one for each dashboard',
  trails: 'one for each trail that the Region shows',
  streams: 'one for each metric stream',
  patternRules: 'one for each rule that has an event pattern',
  projects: 'one for each project whose mode the list does not say',
  agents: 'one for each agent',
  memories: 'one for each memory',
  tagged: 'one for each application inference profile, provisioned throughput, agent and knowledge base',
  evaluations: 'one for each evaluation job',
  buckets: 'one for each bucket that content goes to',
  accessPoints:
    'one for each access point in front of such a bucket, or in front of a bucket of another account',
  multiRegionAccessPoints: 'one for each Multi-Region Access Point',
  logGroups: 'one for each log group that content goes to',
  ifLogGroups: '1 where content goes to a log group',
  keys: 'one for each key of these buckets and log groups',
  groupsAndSearches: '2 searches by name, and one for each log group that content goes to',
  ifDeliveries: '1 where a delivery source is Bedrock’s or AgentCore’s',
} as const;

export interface CallCount {
  readonly action: string;
  readonly per: SectionLevel;
  readonly times: keyof typeof CALL_COUNTS;
}
const call = (per: SectionLevel, times: CallCount['times'], ...actions: readonly string[]) =>
  actions.map((action): CallCount => ({ action, per, times }));

/**
 * The fewest calls that give the facts where every answer fits into one page; test/adapters/aws-call-count.test.ts counts them. An action that
 * is not here is shown as not counted.
 */
export const CALLS: readonly CallCount[] = [
  ...call('organization', 'one', 'sts:GetCallerIdentity', 'organizations:DescribeOrganization'),
  ...call('organization', 'one', 'organizations:ListRoots', 'organizations:ListDelegatedAdministrators'),
  ...call('organization', 'units', 'organizations:ListOrganizationalUnitsForParent'),
  ...call('organization', 'units', 'organizations:ListAccountsForParent'),
  ...call('organization', 'accountPages', 'organizations:ListAccounts'),
  ...call('organization', 'none', 'organizations:ListParents'),
  ...call('organization', 'two', 'organizations:ListPolicies'),
  ...call('organization', 'policies', 'organizations:DescribePolicy', 'organizations:ListTargetsForPolicy'),
  ...call('organization', 'one', 'sso:ListInstances', 'ce:ListCostAllocationTags'),
  ...call('organization', 'permissionSets', 'sso:DescribePermissionSet'),
  ...call('organization', 'groups', 'identitystore:DescribeGroup', 'identitystore:ListGroupMemberships'),
  ...call('organization', 'people', 'identitystore:DescribeUser'),
  ...call('organization', 'one', 'bcm-data-exports:ListExports'),
  ...call('organization', 'exports', 'bcm-data-exports:GetExport'),
  ...call('account', 'notOwn', 'sts:AssumeRole'),
  ...call('account', 'one', 'iam:GetAccountAuthorizationDetails'),
  ...call('account', 'ifUsers', 'iam:ListServiceSpecificCredentials'),
  ...call('account', 'users', 'iam:ListAccessKeys'),
  ...call('account', 'one', 'sso:ListPermissionSetsProvisionedToAccount'),
  ...call('account', 'setsInAccount', 'sso:ListAccountAssignments'),
  ...call('account', 'one', 'organizations:DescribeEffectivePolicy'),
  ...call('account', 'one', 'cloudwatch:ListDashboards'),
  ...call('account', 'dashboards', 'cloudwatch:GetDashboard'),
  ...call('account', 'one', 'account:ListRegions', 's3:ListMultiRegionAccessPoints'),
  ...call('account', 'multiRegionAccessPoints', 's3:GetMultiRegionAccessPointPolicy'),
  ...call('account-region', 'one', 'bedrock:GetModelInvocationLoggingConfiguration'),
  ...call('account-region', 'one', 'bedrock:GetAccountDataRetention', 'bedrock:ListSessions'),
  ...call('account-region', 'one', 'cloudtrail:DescribeTrails'),
  ...call('account-region', 'trails', 'cloudtrail:GetTrailStatus', 'cloudtrail:GetEventSelectors'),
  ...call('account-region', 'one', 'events:ListRules'),
  ...call('account-region', 'patternRules', 'events:ListTargetsByRule'),
  ...call('account-region', 'one', 'logs:DescribeMetricFilters', 'cloudwatch:DescribeAlarms'),
  ...call('account-region', 'one', 'cloudwatch:ListMetricStreams'),
  ...call('account-region', 'streams', 'cloudwatch:GetMetricStream'),
  ...call('account-region', 'one', 'bedrock-mantle:GetAccountDataRetention', 'bedrock-mantle:ListProjects'),
  ...call('account-region', 'projects', 'bedrock-mantle:GetProject'),
  ...call('account-region', 'one', 'bedrock:ListPrompts', 'bedrock:ListAgents'),
  ...call('account-region', 'agents', 'bedrock:GetAgent'),
  ...call('account-region', 'one', 'bedrock-agentcore:ListMemories'),
  ...call('account-region', 'memories', 'bedrock-agentcore:GetMemory'),
  ...call('account-region', 'one', 'bedrock:ListInferenceProfiles', 'bedrock:ListKnowledgeBases'),
  ...call('account-region', 'one', 'bedrock:ListProvisionedModelThroughputs'),
  ...call('account-region', 'tagged', 'bedrock:ListTagsForResource'),
  ...call('account-region', 'one', 'bedrock:ListModelInvocationJobs', 'bedrock:ListAsyncInvokes'),
  ...call('account-region', 'one', 'bedrock:ListEvaluationJobs'),
  ...call('account-region', 'evaluations', 'bedrock:GetEvaluationJob'),
  ...call('account-region', 'one', 'logs:DescribeDeliverySources'),
  ...call('account-region', 'ifDeliveries', 'logs:DescribeDeliveries', 'logs:DescribeDeliveryDestinations'),
  ...call('account-region', 'groupsAndSearches', 'logs:DescribeLogGroups'),
  ...call('account-region', 'logGroups', 'logs:DescribeSubscriptionFilters'),
  ...call('account-region', 'ifLogGroups', 'logs:DescribeAccountPolicies', 'logs:DescribeExportTasks'),
  ...call('account-region', 'ifLogGroups', 'logs:DescribeResourcePolicies'),
  ...call('account-region', 'buckets', 's3:GetBucketVersioning', 's3:GetLifecycleConfiguration'),
  ...call(
    'account-region',
    'buckets',
    's3:GetBucketObjectLockConfiguration',
    's3:GetEncryptionConfiguration',
  ),
  ...call('account-region', 'buckets', 's3:GetBucketOwnershipControls', 's3:GetReplicationConfiguration'),
  ...call('account-region', 'buckets', 'backup:ListRecoveryPointsByResource'),
  ...call('account-region', 'buckets', 's3:GetBucketPolicy'),
  ...call('account-region', 'logGroups', 'logs:DescribeResourcePolicies'),
  ...call('account-region', 'keys', 'kms:GetKeyPolicy', 'kms:ListGrants', 'kms:DescribeKey'),
  ...call('account-region', 'one', 's3:ListAccessPoints'),
  ...call('account-region', 'accessPoints', 's3:GetAccessPointPolicy'),
];

const callTable = (): string => {
  const counted = new Set(CALLS.map(({ action }) => action));
  const others = actionsOf([...homePermissions(), ...rolePermissions(), ...optInPermissions()]).filter(
    (action) => !counted.has(action),
  );
  const per = { organization: 'organization', account: 'account', 'account-region': 'account and Region' };
  return [
    '| for each | call | times |',
    '|---|---|---|',
    ...CALLS.map((each) => `| ${per[each.per]} | \`${each.action}\` | ${CALL_COUNTS[each.times]} |`),
    ...(others.length === 0
      ? []
      : ['', `Only when asked for, and not counted: ${others.map((action) => `\`${action}\``).join(', ')}.`]),
  ].join('\n');
};

const table = (rows: readonly PermissionRow[]): string =>
  [
    '| evidence | action | why |',
    '|---|---|---|',
    ...rows.map(({ evidence, action, why }) => `| \`${evidence}\` | \`${action}\` | ${why} |`),
  ].join('\n');

const rolePolicy = (): string => {
  const Statement = [
    { Sid: 'ProvisoCollect', Effect: 'Allow', Action: actionsOf(rolePermissions()), Resource: '*' },
  ];
  return ['```json', JSON.stringify({ Version: '2012-10-17', Statement }, null, 2), '```'].join('\n');
};

/** Replaces what stands between `<!-- name -->` and `<!-- /name -->`. */
function filled(page: string, name: string, text: string): string {
  const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from === -1 || to === -1) throw new Error(`the page has no place called ${name}`);
  return `${page.slice(0, from + begin.length)}\n${text}\n${page.slice(to)}`;
}

export const permissionsPage = (page: string): string =>
  [
    ['home', table(homePermissions())] as const,
    ['role', table(rolePermissions())] as const,
    ['policy', rolePolicy()] as const,
    ['calls', callTable()] as const,
    ['opt-in', optInPermissions().length === 0 ? 'Nothing at present.' : table(optInPermissions())] as const,
  ].reduce((text, [name, content]) => filled(text, name, content), page);

export const snapshotPage = (page: string): string =>
  filled(
    page,
    'sections',
    [
      '| section | of | holds |',
      '|---|---|---|',
      ...(Object.keys(SECTIONS) as SectionLevel[]).flatMap((level) =>
        Object.entries<Section<unknown>>(SECTIONS[level]).map(
          ([name, { meaning, optIn }]) =>
            `| \`${name}\` | ${level} | ${meaning}${optIn === undefined ? '' : `; only when asked for: ${optIn}`} |`,
        ),
      ),
    ].join('\n'),
  );

const TEMPLATE_ACTIONS = /( {14}- Sid: ReadSettingsAndIdentities\n.+\n {16}Action:\n)((?: {18}- .+\n)+)/;

export function memberTemplate(template: string): string {
  if (!TEMPLATE_ACTIONS.test(template))
    throw new Error(`${MEMBER_TEMPLATE} has no statement ReadSettingsAndIdentities`);
  const actions = actionsOf(rolePermissions())
    .map((action) => `                  - ${action}\n`)
    .join('');
  return template.replace(TEMPLATE_ACTIONS, (_all, head: string) => `${head}${actions}`);
}

if (process.argv[1] === import.meta.filename) {
  for (const [file, write] of [
    [PERMISSIONS_PAGE, permissionsPage],
    [SNAPSHOT_PAGE, snapshotPage],
    [MEMBER_TEMPLATE, memberTemplate],
  ] as const) {
    const path = join(ROOT, file);
    writeFileSync(path, write(readFileSync(path, 'utf8')));
  }
}
