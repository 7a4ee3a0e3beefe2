import { SURFACE_FACTS } from './facts-surfaces.ts';

/**
 * The facts a policy may ask about: the vocabulary between lawyers and evidence. `src/rules` derives every one of them from a
 * snapshot (a compile-time check there keeps the two lists equal); the loader refuses any other name and any operator or value
 * that does not fit the fact's type.
 */
export const SUBJECTS = ['account-region', 'principal', 'account', 'organization'] as const;
export type Subject = (typeof SUBJECTS)[number];

export type FactType = 'boolean' | 'string' | 'number' | 'string-list';
export type FactValue = boolean | string | number | readonly string[];

export interface FactDefinition {
  readonly subjects: readonly Subject[];
  readonly type: FactType;
  /** The closed list of values a `string` fact can have. Absent: AWS may add values, so any text may be compared. */
  readonly values?: readonly string[];
  readonly meaning: string;
  /** The AWS call (or the policy) it comes from. */
  readonly from: string;
  /** It stands in the records of a state and in no snapshot: a check without them does not ask the controls that need it. */
  readonly isRecord?: true;
}

const ACCOUNT = ['account-region', 'principal', 'account'] as const satisfies readonly Subject[];
export const REVIEW_STANDINGS = ['complete', 'due', 'overdue'] as const;
/** How the review of the policy stands; `due` is still in time. */
export type ReviewStanding = (typeof REVIEW_STANDINGS)[number];
const FLAG_VALUES = ['enabled', 'disabled', 'unset'] as const;
const LOGGING_CALL = 'bedrock:GetModelInvocationLoggingConfiguration';
const IAM_CALL = 'iam:GetAccountAuthorizationDetails';
const CONTROL_POLICY_CALLS = 'organizations:ListTargetsForPolicy + organizations:DescribePolicy';
const PERMISSION_CALLS = `${IAM_CALL} + ${CONTROL_POLICY_CALLS}`;
const PERMISSION_VALUES = ['allowed', 'conditionally-allowed', 'denied'] as const;

const flag = (content: string): FactDefinition => ({
  subjects: ['account-region'],
  type: 'string',
  values: FLAG_VALUES,
  meaning: `whether invocation logging delivers ${content}; \`unset\` means the configuration omits the flag, which AWS is believed to read as enabled; absent when nothing is configured`,
  from: LOGGING_CALL,
});

const exceptionCount = (meaning: string): FactDefinition & { readonly isRecord: true } => ({
  subjects: ['organization'],
  type: 'number',
  meaning,
  from: 'the record of exceptions',
  isRecord: true,
});

export const FACTS = {
  'account.state': {
    subjects: ACCOUNT,
    type: 'string',
    meaning:
      'state of the account in the organization: PENDING_ACTIVATION, ACTIVE, SUSPENDED, PENDING_CLOSURE or CLOSED',
    from: 'organizations:ListAccounts',
  },
  'account.isManagementAccount': {
    subjects: ACCOUNT,
    type: 'boolean',
    meaning:
      'whether this is the organization’s management account, which no service control policy restricts',
    from: 'organizations:DescribeOrganization',
  },
  'account.regionsNotAsked': {
    subjects: ['account'],
    type: 'number',
    meaning:
      'Regions outside `storage.scope.regions` that the account can use and the collection did not ask: 0, or not known. Where there are some, or the list was not seen, it is missing evidence, with their names',
    from: 'account:ListRegions',
  },
  'region.unusable': {
    subjects: ['account-region'],
    type: 'string',
    values: ['not-opted-in', 'not-offered', 'denied-to-everybody'],
    meaning:
      'why nobody can send a prompt to Bedrock in this Region: the account has not opted in to it, AWS does not offer Bedrock there, or control policies deny every such call to everybody; absent where nothing proves that. What was set or stored there before is not in it',
    from: 'account:ListRegions + organizations:ListTargetsForPolicy + organizations:DescribePolicy',
  },
  'storage.baseline': {
    subjects: ['account-region'],
    type: 'string',
    values: ['none', 'metadata-only'],
    meaning: 'the baseline this policy sets for the account, overrides included',
    from: 'this policy',
  },
  'invocationLogging.isConfigured': {
    subjects: ['account-region'],
    type: 'boolean',
    meaning: 'whether model invocation logging has a configuration at all',
    from: LOGGING_CALL,
  },
  'invocationLogging.textDataDelivery': flag('text'),
  'invocationLogging.imageDataDelivery': flag('images'),
  'invocationLogging.embeddingDataDelivery': flag('embeddings'),
  'invocationLogging.videoDataDelivery': flag('video'),
  'invocationLogging.audioDataDelivery': flag('audio'),
  'invocationLogging.largeDataBucket': {
    subjects: ['account-region'],
    type: 'string',
    meaning:
      'bucket for bodies too large for a CloudWatch log event; absent when none is named (an empty name is none)',
    from: LOGGING_CALL,
  },
  'invocationLogging.cloudWatchLogGroup': {
    subjects: ['account-region'],
    type: 'string',
    meaning: 'log group that receives records; absent when none is named (an empty name is none)',
    from: LOGGING_CALL,
  },
  'invocationLogging.s3Bucket': {
    subjects: ['account-region'],
    type: 'string',
    meaning: 'bucket that receives records; absent when none is named (an empty name is none)',
    from: LOGGING_CALL,
  },
  'dataRetention.mode': {
    subjects: ['account-region'],
    type: 'string',
    meaning:
      'account data-retention mode: none, default, aws_review, provider_data_share, inherit, or one AWS adds later',
    from: 'bedrock:GetAccountDataRetention',
  },
  'principal.type': {
    subjects: ['principal'],
    type: 'string',
    values: ['user', 'group', 'role'],
    meaning: 'what kind of IAM principal it is',
    from: IAM_CALL,
  },
  'principal.isStorageAdministrator': {
    subjects: ['principal'],
    type: 'boolean',
    meaning: 'whether the policy’s list `storage.administrators` names it',
    from: 'this policy',
  },
  'principal.promptStorageChange': {
    subjects: ['principal'],
    type: 'string',
    values: PERMISSION_VALUES,
    meaning:
      'whether it can change where or whether prompts are stored: by its identity policies, within its permissions boundary and the service control policies above its account',
    from: PERMISSION_CALLS,
  },
  'principal.modelInvocation': {
    subjects: ['principal'],
    type: 'string',
    values: PERMISSION_VALUES,
    meaning:
      'whether it can invoke a Bedrock model: by its identity policies, within its permissions boundary and the service control policies above its account',
    from: PERMISSION_CALLS,
  },
  'principal.unknownActions': {
    subjects: ['principal'],
    type: 'number',
    meaning:
      'number of action patterns in its own policies that name no action AWS has, so that they grant and deny nothing, such as `bedrock:Converse`; services outside the pinned catalogue are not judged',
    from: IAM_CALL,
  },
  'principal.activeAccessKeys': {
    subjects: ['principal'],
    type: 'number',
    meaning: 'number of access keys that are not inactive; absent for anything but a user',
    from: 'iam:ListAccessKeys',
  },
  'principal.activeBedrockApiKeys': {
    subjects: ['principal'],
    type: 'number',
    meaning: 'number of long-term Bedrock API keys that are not inactive; absent for anything but a user',
    from: 'iam:ListServiceSpecificCredentials',
  },
  'principal.sessionAttribution': {
    subjects: ['principal'],
    type: 'string',
    values: ['identity-center', 'session-name-bound', 'service-only', 'caller-asserted'],
    meaning:
      'how a session of the role tells its person: set by IAM Identity Center; bound to `sts:RoleSessionName` by the trust policy; assumable by AWS services only; or chosen freely by the caller; absent for anything but a role',
    from: IAM_CALL,
  },
  'dataRetention.lock': {
    subjects: ['account'],
    type: 'string',
    values: ['locked', 'conditional', 'open'],
    meaning:
      'whether service control policies deny every retention mode but `none`, known or not, to everybody in every governed Region: by `bedrock:PutAccountDataRetention`, and by PutAccountDataRetention, CreateProject and UpdateProject of `bedrock-mantle`; `conditional`: only under conditions, such as exempted principals',
    from: CONTROL_POLICY_CALLS,
  },
  'mantle.inference': {
    subjects: ['account'],
    type: 'string',
    values: PERMISSION_VALUES,
    meaning:
      'the most that anybody in the account can do: use models of `bedrock-mantle` in a governed Region',
    from: PERMISSION_CALLS,
  },
  'mantle.metering': {
    subjects: ['account'],
    type: 'string',
    values: ['metered', 'unmetered'],
    meaning:
      'whether, in every governed Region, a trail records all `AWS::BedrockMantle::Project` data events and an alarm on `AWS/BedrockMantle` `Inferences` tells somebody',
    from: 'cloudtrail:GetEventSelectors + cloudwatch:DescribeAlarms',
  },
  'forcedRetentionModels.invocation': {
    subjects: ['account'],
    type: 'string',
    values: PERMISSION_VALUES,
    meaning:
      'the most that anybody in the account can do: invoke a model that AWS names as keeping all of its traffic, in a governed Region',
    from: PERMISSION_CALLS,
  },
  'aiServicesOptOut.default': {
    subjects: ['account'],
    type: 'string',
    meaning:
      'what the AI services opt-out policy in effect says of services that it does not name: `optOut`, `optIn`, or what AWS adds later; `unset` when nothing says it',
    from: 'organizations:DescribeEffectivePolicy',
  },
  'identityCenter.userAssignments': {
    subjects: ['account'],
    type: 'number',
    meaning:
      'number of assignments of IAM Identity Center to single users instead of groups, of permission sets that can invoke a model; one whose role is not in the evidence counts',
    from: 'sso:ListAccountAssignments',
  },
  'trail.managementEvents': {
    subjects: ['account'],
    type: 'string',
    values: ['read-and-write', 'incomplete', 'none'],
    meaning:
      'whether trails that are logging record read and write management events of Bedrock in every governed Region',
    from: 'cloudtrail:DescribeTrails + cloudtrail:GetTrailStatus + cloudtrail:GetEventSelectors',
  },
  'changeAlarms.unwatchedCalls': {
    subjects: ['account'],
    type: 'number',
    meaning:
      'number of calls that start, hide or prolong storage, each in each governed Region, of which no enabled event rule with a target tells anybody, nor a metric filter with an alarm on the log group of a trail that records them',
    from: 'events:ListRules + events:ListTargetsByRule + logs:DescribeMetricFilters + cloudwatch:DescribeAlarms + cloudtrail:DescribeTrails',
  },
  'throttling.alarm': {
    subjects: ['account'],
    type: 'string',
    values: ['native', 'metric-filter', 'none'],
    meaning:
      'what tells of throttling in every governed Region: an alarm on the metric `InvocationThrottles`; only a metric filter on log records, which may not be written for throttled calls; or nothing',
    from: 'cloudwatch:DescribeAlarms + logs:DescribeMetricFilters',
  },
  'bedrockMetrics.unknownNames': {
    subjects: ['account'],
    type: 'number',
    meaning:
      'number of metrics and dimensions that alarms and metric streams of the governed Regions, and dashboards, ask for and `AWS/Bedrock` does not have',
    from: 'cloudwatch:DescribeAlarms + cloudwatch:GetDashboard + cloudwatch:GetMetricStream',
  },
  'costAllocationTags.missing': {
    subjects: ['organization'],
    type: 'number',
    meaning: 'how many of the tags Project, Team and Environment are not active as cost allocation tags',
    from: 'ce:ListCostAllocationTags',
  },
  'costExport.carriesPrincipals': {
    subjects: ['organization'],
    type: 'boolean',
    meaning:
      'whether a healthy export of the Cost and Usage Report 2.0 carries the IAM principal of each line (`INCLUDE_IAM_PRINCIPAL_DATA`)',
    from: 'bcm-data-exports:GetExport',
  },
  'policyReview.standing': {
    subjects: ['organization'],
    type: 'string',
    values: REVIEW_STANDINGS,
    meaning:
      'how the review of this policy stands by its own `review.every`: complete; due (none yet, or soon again, and still in time); or overdue (too long ago, or a major change of the platform was declared since)',
    from: 'the record of reviews',
    isRecord: true,
  },
  'exceptions.enabled': exceptionCount(
    'number of exceptions under which enabling was attempted: those that live, and those that ended within `review.every`; the other facts of exceptions are about these',
  ),
  'exceptions.beyondLimits': exceptionCount(
    'number of live exceptions that are on for longer, or keep content for longer, than `exceptions.limits` allows',
  ),
  'exceptions.unapproved': exceptionCount(
    'number of exceptions enabled before every approval was there, or opened by break-glass and not confirmed by its end',
  ),
  'exceptions.unscoped': exceptionCount(
    'number of exceptions that leave open whose prompts, which models or which modalities are meant',
  ),
  'exceptions.unreviewed': exceptionCount(
    'number of live exceptions that nobody looked at for longer than `exceptions.review.every` and an hour',
  ),
  'exceptions.leftOn': exceptionCount(
    'number of exceptions past their end of which content storage was not read back as off',
  ),
  'exceptions.unproven': exceptionCount(
    'number of exceptions of which the purge was not proven within their retention, or that were closed without proof or without a certificate',
  ),
  ...SURFACE_FACTS,
} as const satisfies Record<string, FactDefinition>;

export type FactName = keyof typeof FACTS;
export const FACT_NAMES = Object.keys(FACTS) as readonly FactName[];
export const isFactName = (name: string): name is FactName => Object.hasOwn(FACTS, name);
export const factDefinition = (name: FactName): FactDefinition => FACTS[name];
export const factsOf = (subject: Subject): readonly FactName[] =>
  FACT_NAMES.filter((name) => factDefinition(name).subjects.includes(subject));
