/*
 * What each function may do on AWS, and why nothing more: serverless.yml takes its roles from here, templates/member-account.yml its
 * trust. test/deployment/permissions.test.ts holds both directions: every action is a call that the adapters make, and every act that
 * a function does in the simulated exception path is in its row.
 */

/** What a function does through the ports, as far as permissions tell it apart. */
export const ACTS = {
  'store.read': { resource: 'records', actions: ['dynamodb:GetItem'] },
  'store.list': { resource: 'records', actions: ['dynamodb:Query'] },
  // TransactGetItems has no action of its own either.
  'store.readTogether': { resource: 'records', actions: ['dynamodb:GetItem'] },
  // TransactWriteItems has no action of its own: each Put in it needs this one.
  'store.commit': { resource: 'records', actions: ['dynamodb:PutItem'] },
  'recorder.record': { resource: 'events', actions: ['dynamodb:PutItem', 'dynamodb:Query'] },
  'notifier.notify': { resource: 'notificationBus', actions: ['events:PutEvents'] },
  'directory.people': {
    resource: '*',
    actions: ['identitystore:ListGroupMemberships', 'identitystore:ListUsers'],
  },
  'organizationView.organization': {
    resource: '*',
    actions: [
      'organizations:DescribeOrganization',
      'organizations:DescribePolicy',
      'organizations:ListAccounts',
      'organizations:ListAccountsForParent',
      'organizations:ListDelegatedAdministrators',
      'organizations:ListOrganizationalUnitsForParent',
      'organizations:ListParents',
      'organizations:ListPolicies',
      'organizations:ListRoots',
      'organizations:ListTargetsForPolicy',
    ],
  },
  // Only the scan; billing is not here: to a member account it shows nothing, or only what is the account's own.
  'governance.ofAccounts': {
    resource: '*',
    actions: [
      'identitystore:DescribeGroup',
      'identitystore:DescribeUser',
      'identitystore:ListGroupMemberships',
      'organizations:DescribeEffectivePolicy',
      'sso:DescribePermissionSet',
      'sso:ListAccountAssignments',
      'sso:ListInstances',
      'sso:ListPermissionSetsProvisionedToAccount',
    ],
  },
  'schedules.create': {
    resource: 'schedules',
    actions: ['scheduler:CreateSchedule', 'scheduler:GetSchedule'],
    passes: 'schedulerRole',
  },
  'schedules.get': { resource: 'schedules', actions: ['scheduler:GetSchedule'] },
  'schedules.delete': { resource: 'schedules', actions: ['scheduler:DeleteSchedule'] },
  'executions.start': {
    resource: 'machines',
    actions: ['states:DescribeExecution', 'states:StartExecution'],
  },
  'executions.status': { resource: 'machines', actions: ['states:DescribeExecution'] },
  'executions.wake': { resource: 'machines', actions: ['states:SendTaskSuccess'] },
  'signer.sign': { resource: 'signingKey', actions: ['kms:GetPublicKey', 'kms:Sign'] },
  'certificates.save': { resource: 'certificates', actions: ['s3:PutObject'] },
  // Without s3:ListBucket S3 answers 403 for what does not exist, and denied is not absent.
  'certificates.read': { resource: 'certificates', actions: ['s3:GetObject', 's3:ListBucket'] },
  'archive.put': { resource: 'evidence', actions: ['s3:PutObject'] },
  'archive.get': { resource: 'evidence', actions: ['s3:GetObject', 's3:ListBucket'] },
  'history.about': { resource: 'events', actions: ['dynamodb:Query'] },
  'history.during': { resource: 'events', actions: ['dynamodb:Query'] },
  'history.told': { resource: 'events', actions: ['dynamodb:GetItem'] },
  'callers.withUserName': { resource: '*', actions: ['identitystore:ListUsers'] },
  'checks.latest': { resource: 'latestReport', actions: ['s3:GetObject', 's3:ListBucket'] },
  'as collect': { resource: 'role/ProvisoCollect', actions: ['sts:AssumeRole'] },
  'as enable': { resource: 'role/ProvisoEnable', actions: ['sts:AssumeRole'] },
  'as disable': { resource: 'role/ProvisoDisable', actions: ['sts:AssumeRole'] },
  'as evaluate': { resource: 'role/ProvisoEvaluate', actions: ['sts:AssumeRole'] },
  'as second-lever': { resource: 'role/ProvisoSecondLever', actions: ['sts:AssumeRole'] },
  'as drain': { resource: 'role/ProvisoDrain', actions: ['sts:AssumeRole'] },
  'as hold': { resource: 'role/ProvisoHold', actions: ['sts:AssumeRole'] },
  'as purge': { resource: 'role/ProvisoPurge', actions: ['sts:AssumeRole'] },
} as const satisfies Record<
  string,
  { readonly resource: string; readonly actions: readonly string[]; readonly passes?: string }
>;
export type Act = keyof typeof ACTS;

const READ = ['store.read', 'recorder.record'] as const;
const WRITE = [...READ, 'store.commit'] as const;
/** Changes an exception: it tells people of it, and of what an earlier function could not tell. */
const CHANGE = [...WRITE, 'notifier.notify'] as const;
/** Off and read back; the ending started; the switch of a lease that is off removed. */
const SWITCH_OFF = [
  ...CHANGE,
  'as collect',
  'as disable',
  'schedules.delete',
  'executions.start',
  'executions.status',
] as const;

/** Looks at an account and Region whose lease may be live: what could not be marked then stands in the events. */
const RECONCILE = [...SWITCH_OFF, 'history.told'] as const;

/** Every function of serverless.yml and what it does. */
export const FUNCTIONS = {
  // What people do: ask, decide, revoke (which switches off before it answers), close without proof, read.
  api: [
    ...SWITCH_OFF,
    'store.list',
    'executions.wake',
    'directory.people',
    'organizationView.organization',
    'signer.sign',
    'certificates.save',
    'certificates.read',
    'history.about',
    'history.during',
    'history.told',
    'callers.withUserName',
    'checks.latest',
  ],
  openApprovals: ['store.read'],
  requestApproval: [...WRITE, 'executions.wake'],
  tallyApprovals: CHANGE,
  reserveWindow: CHANGE,
  preflight: [...CHANGE, 'directory.people', 'organizationView.organization', 'as collect', 'as purge'],
  armDeadMansSwitch: [...READ, 'schedules.create', 'schedules.get'],
  // Every minute, and once more by the ending. The one function that reads what was captured, in memory.
  drainContent: [...CHANGE, 'store.list', 'as drain', 'archive.put'],
  // It switches off again when a revocation came in while it enabled.
  enableContentStorage: [...CHANGE, 'as enable', 'as collect', 'as disable'],
  confirmEnabled: [...CHANGE, 'as collect'],
  reviewTick: RECONCILE,
  beginEnding: [...CHANGE, 'executions.start', 'executions.status'],
  giveBackWindow: [...CHANGE, 'schedules.delete'],
  putBaseline: [...CHANGE, 'as collect', 'as disable', 'as second-lever', 'schedules.delete'],
  purgeContent: [...CHANGE, 'as collect', 'as hold', 'as purge'],
  listContent: [...CHANGE, 'as collect', 'as purge'],
  closeException: [
    ...CHANGE,
    'as collect',
    'as second-lever',
    'signer.sign',
    'certificates.save',
    'history.told',
  ],
  deadMansSwitch: RECONCILE,
  configResources: ['store.read', 'organizationView.organization', 'as collect', 'as evaluate'],
  // The scan of the organization.
  beginScan: ['store.read', 'organizationView.organization', 'archive.put'],
  scanAccount: ['store.read', 'governance.ofAccounts', 'as collect', 'archive.get', 'archive.put'],
  finishScan: ['store.read', 'archive.get', 'archive.put'],
  // Detector 4.
  configSettings: [...RECONCILE, 'store.readTogether', 'organizationView.organization', 'as evaluate'],
  storageEvent: [...RECONCILE, 'store.list', 'executions.wake', 'organizationView.organization'],
  sweep: [
    ...RECONCILE,
    'as second-lever',
    'as hold',
    'store.list',
    'executions.wake',
    'directory.people',
    'organizationView.organization',
  ],
} as const satisfies Record<string, readonly Act[]>;
export type DeployedFunction = keyof typeof FUNCTIONS;

/** The functions that may assume a member account's role: what its trust policy names. */
export const assumersOf = (
  role: 'Collect' | 'Enable' | 'Disable' | 'Evaluate' | 'Purge' | 'Drain' | 'Hold' | 'SecondLever',
): readonly DeployedFunction[] =>
  (Object.keys(FUNCTIONS) as DeployedFunction[])
    .filter((name) =>
      (FUNCTIONS[name] as readonly Act[]).includes(
        `as ${role === 'SecondLever' ? 'second-lever' : role.toLowerCase()}` as Act,
      ),
    )
    .sort();
