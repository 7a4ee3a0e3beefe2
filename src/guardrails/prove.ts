import type { Organization, PolicyAttachment, ServiceControlPolicy } from '../evidence/index.ts';
import {
  type Access,
  type AccessEvidence,
  accessOf,
  arnLike,
  type ContextValue,
  contextOf,
  evaluateRequest,
  type KnownPrincipal,
  known,
  layerOf,
  type PermissionDecision,
  readPolicy,
} from '../iam/index.ts';
import type { LoadedPolicy } from '../policy/index.ts';
import {
  ACCOUNT_LOG_POLICIES,
  fenceKeepers,
  type GuardrailDocument,
  type GuardrailOptions,
  KEY_TAG,
  PURGE,
  provisionersOf,
  ROLE_WRITES,
  SECOND_LEVER,
  trustedNames,
  USER_WRITES,
} from './documents.ts';

/** One question, and what the guardrails must make of the answer. */
interface Question {
  readonly what: string;
  readonly action: string;
  readonly context: Readonly<Record<string, ContextValue>>;
  /** Denied to everybody but these; `all`: to everybody; `none`: left as it is. */
  readonly denies:
    | 'others-than-administrators'
    | 'others-than-keepers'
    | 'others-than-provisioners'
    | 'all'
    | 'none';
  /** ARN patterns it is asked of, in the principal's own account; absent: of anything. */
  readonly on?: readonly string[];
}

const QUESTIONS: readonly Question[] = [
  {
    what: 'switch invocation logging on, or lead it elsewhere',
    action: 'bedrock:PutModelInvocationLoggingConfiguration',
    context: {},
    denies: 'others-than-administrators',
  },
  ...ACCOUNT_LOG_POLICIES.map(
    (action): Question => ({
      what: `${action.includes('Delete') ? 'take away' : 'set'} a log policy for every log group of an account`,
      action,
      context: {},
      denies: 'others-than-keepers',
    }),
  ),
  // The disable path: always open to whoever has it.
  {
    what: 'switch invocation logging off',
    action: 'bedrock:DeleteModelInvocationLoggingConfiguration',
    context: {},
    denies: 'none',
  },
  {
    what: 'set the data-retention mode to `none`',
    action: 'bedrock:PutAccountDataRetention',
    context: { 'bedrock:DataRetentionMode': known('none') },
    denies: 'none',
  },
  ...['default', 'inherit', 'aws_review', 'provider_data_share'].map(
    (mode): Question => ({
      what: `set the data-retention mode to \`${mode}\``,
      action: 'bedrock:PutAccountDataRetention',
      context: { 'bedrock:DataRetentionMode': known(mode) },
      denies: 'all',
    }),
  ),
  {
    what: 'make a mantle project with a mode of its own',
    action: 'bedrock-mantle:CreateProject',
    context: { 'bedrock-mantle:DataRetentionMode': known('default') },
    denies: 'all',
  },
  {
    what: 'set the mantle account mode to `default`',
    action: 'bedrock-mantle:PutAccountDataRetention',
    context: { 'bedrock-mantle:DataRetentionMode': known('default') },
    denies: 'all',
  },
];

/** The names that the documents trust, as questions: who can make, change or hand over a principal of such a name. */
const nameQuestions = (names: readonly string[]): readonly Question[] =>
  (
    [
      ['iam:CreateRole', 'make a role of a trusted name'],
      ['iam:UpdateAssumeRolePolicy', 'change who may be a trusted role'],
      ['iam:PutRolePolicy', 'change what a trusted role may do'],
      ['iam:PassRole', 'hand a trusted role to a service'],
    ] as const
  ).map(([action, what]) => ({
    what,
    action,
    context: {},
    denies: 'others-than-provisioners',
    on: names.filter((name) => !name.split(':')[5]?.startsWith('user/')),
  }));

export interface ProofLine {
  readonly what: string;
  readonly action: string;
  /** Principals under the target who can, conditionally or outright, or of whom it is not known. */
  readonly before: number;
  readonly after: number;
  /** What is not as it must be, in words; empty: proven. */
  readonly faults: readonly string[];
}

export interface Proof {
  readonly lines: readonly ProofLine[];
  /** What the snapshot does not show, in words: the proof says nothing of it. */
  readonly notSeen: readonly string[];
  readonly holds: boolean;
}

const can = ({ kind }: PermissionDecision): boolean => kind !== 'denied';

/** The organization as if the documents were attached at `target`. */
export function attached(
  organization: Organization,
  documents: readonly GuardrailDocument[],
  target: string,
): Organization {
  const scps = documents.filter(({ type }) => type === 'SERVICE_CONTROL_POLICY');
  const policies = organization.serviceControlPolicies;
  const attachments = organization.attachments;
  if (policies.kind !== 'observed' || attachments.kind !== 'observed') return organization;
  const idOf = ({ name }: GuardrailDocument) => `p-${name}`;
  const more: readonly ServiceControlPolicy[] = scps.map((document) => ({
    id: idOf(document),
    name: document.name,
    document: document.text,
  }));
  const value: readonly PolicyAttachment[] = attachments.value.map((each) =>
    each.targetId === target ? { ...each, policyIds: [...each.policyIds, ...scps.map(idOf)] } : each,
  );
  return {
    ...organization,
    serviceControlPolicies: { ...policies, value: [...policies.value, ...more] },
    attachments: { ...attachments, value },
  };
}

/**
 * Decides every question for every principal of the accounts below the target, before and after, with our own IAM evaluator: who must still
 * can, who must not any more cannot, and switching off is as open as it was.
 */
export function prove(
  evidence: AccessEvidence,
  documents: readonly GuardrailDocument[],
  loaded: LoadedPolicy,
  options: GuardrailOptions,
  target: string,
  accounts: ReadonlySet<string>,
): Proof {
  const before = accessOf(evidence);
  const after = accessOf({ ...evidence, organization: attached(evidence.organization, documents, target) });
  const named = {
    'others-than-administrators': loaded.policy.storage.administrators.map(({ principal }) => principal),
    'others-than-keepers': fenceKeepers(loaded, options),
    'others-than-provisioners': provisionersOf(options),
    all: [],
    none: ['*'],
  } as const satisfies Record<Question['denies'], readonly string[]>;
  const mustNot = ({ arn }: KnownPrincipal, { denies }: Question) =>
    denies !== 'none' && !named[denies].some((pattern) => arnLike(pattern, arn));
  // A group has no ARN that a request could come from; its users are asked.
  const asked = (access: Access) =>
    access.principals.filter(({ accountId, type }) => type !== 'group' && accounts.has(accountId));
  const decided = (
    access: Access,
    principal: KnownPrincipal,
    { action, context }: Question,
    on: string | undefined,
  ) => {
    const own = access.contextOf(principal, action);
    const given = contextOf(context);
    return access.decide(principal, action, {
      ...(on === undefined ? {} : { resource: instanceOf(on, principal.accountId) }),
      context: {
        lookup: (key) => {
          const value = given.lookup(key);
          return value.kind === 'unknown' ? own.lookup(key) : value;
        },
      },
    });
  };
  const isAble = (
    access: Access,
    principal: KnownPrincipal,
    question: Question,
  ): PermissionDecision | undefined =>
    (question.on ?? [undefined]).map((on) => decided(access, principal, question, on)).find(can);
  const names = trustedNames(loaded, options);
  const lines = [...QUESTIONS, ...nameQuestions(names)].map((question): ProofLine => {
    const could = asked(before).filter((principal) => isAble(before, principal, question) !== undefined);
    const wasAble = new Set(could.map(({ arn }) => arn));
    const faults: string[] = [];
    let still = 0;
    for (const principal of asked(after)) {
      const able = isAble(after, principal, question);
      if (able !== undefined) still += 1;
      const isBarred = mustNot(principal, question);
      if (isBarred && able !== undefined) faults.push(`${principal.arn} still can (${able.kind})`);
      if (!isBarred && wasAble.has(principal.arn) && able === undefined)
        faults.push(`${principal.arn} could before and cannot any more`);
    }
    return { what: question.what, action: question.action, before: could.length, after: still, faults };
  });
  const all = [...lines, ...nameLines(documents, names), ...fenceLines(documents, loaded.policy, options)];
  const { attachments, serviceControlPolicies } = evidence.organization;
  const notSeen = [
    ...before.notSeen,
    // Nobody was asked, so nothing was proven.
    ...(accounts.size === 0 ? [`accounts below ${target}: there is none`] : []),
    ...(attachments.kind === 'observed' && serviceControlPolicies.kind === 'observed'
      ? []
      : ['which service control policies are attached: not in the snapshot']),
  ];
  return { lines: all, notSeen, holds: all.every(({ faults }) => faults.length === 0) };
}

const EVERYTHING = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}';
const EVERYBODY =
  '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}';

/** An ARN that a pattern matches, in one account. */
const instanceOf = (pattern: string, accountId: string): string => {
  const [, , service, region, account, ...name] = pattern.split(':');
  return [
    'arn',
    'aws',
    service,
    region,
    account === '*' ? accountId : account,
    name.join(':').replaceAll('*', 'x'),
  ].join(':');
};

/**
 * The names, tried by principals that no snapshot need hold: an administrator of a member account to whom its own policies give everything,
 * and the role of StackSets. Every action is asked of every name.
 */
function nameLines(documents: readonly GuardrailDocument[], names: readonly string[]): readonly ProofLine[] {
  const account = '222222222222';
  const everything = readPolicy('FullAWSAccess', EVERYTHING, 'control');
  const level = layerOf('the service control policies', [
    everything,
    ...documents
      .filter(({ type }) => type === 'SERVICE_CONTROL_POLICY')
      .map(({ name, text }) => readPolicy(name, text, 'control')),
  ]);
  const ask = (arn: string, action: string, resource: string) =>
    evaluateRequest(
      {
        action,
        resource,
        principal: { kind: 'role', arn, accountId: account },
        context: contextOf({ 'aws:PrincipalArn': known(arn) }, 'absent'),
      },
      {
        identity: layerOf('its policies', [readPolicy('all', EVERYTHING, 'identity')]),
        serviceControl: [level],
        resourceControl: [],
      },
    );
  const administrator = `arn:aws:iam::${account}:role/AccountAdministrator`;
  const stackSets = `arn:aws:iam::${account}:role/stacksets-exec-x`;
  const asked = names.flatMap((name) => {
    const isUser = name.split(':')[5]?.startsWith('user/') === true;
    return (isUser ? USER_WRITES : ROLE_WRITES).map((action) => [action, instanceOf(name, account)] as const);
  });
  const other = ROLE_WRITES.map((action) => [action, `arn:aws:iam::${account}:role/application`] as const);
  const line = (
    what: string,
    arn: string,
    questions: readonly (readonly [action: string, resource: string])[],
    must: boolean,
  ): ProofLine => {
    const able = questions.filter(([action, resource]) => can(ask(arn, action, resource)));
    const wrong = questions.filter((question) => able.includes(question) !== must);
    return {
      what,
      action: 'iam:*',
      before: 1,
      after: Number(able.length > 0),
      faults: wrong.map(([action, resource]) => `${action} on ${resource} is ${must ? 'denied' : 'open'}`),
    };
  };
  return [
    line('an account’s own administrator takes or changes a trusted name', administrator, asked, false),
    line('CloudFormation StackSets makes the trusted roles', stackSets, asked, true),
    line('an account’s own administrator makes any other role', administrator, other, true),
  ];
}

/**
 * The fence, tried on a bucket to which everything else gives everybody everything: what is denied there, the fence denies. Snapshots need
 * not hold the buckets, nor the resource control policies that are attached already, so it is decided by itself.
 */
function fenceLines(
  documents: readonly GuardrailDocument[],
  policy: LoadedPolicy['policy'],
  { organizationId, contentBuckets, contentLogGroups }: GuardrailOptions,
): readonly ProofLine[] {
  const fence = layerOf('the resource control policies', [
    readPolicy('RCPFullAWSAccess', EVERYTHING.replace('"Action"', '"Principal":"*","Action"'), 'control'),
    ...documents
      .filter(({ type }) => type === 'RESOURCE_CONTROL_POLICY')
      .map(({ name, text }) => readPolicy(name, text, 'control')),
  ]);
  const bucket = `arn:aws:s3:::${contentBuckets.replaceAll('*', 'x')}`;
  const key = 'arn:aws:kms:us-east-1:333333333333:key/content';
  const otherKey = 'arn:aws:kms:us-east-1:333333333333:key/other';
  const logGroup = `arn:aws:logs:us-east-1:333333333333:log-group:${contentLogGroups}/ex-x`;
  const keepers = {
    administrator: policy.storage.administrators[0]?.principal ?? '',
    'second lever': SECOND_LEVER,
    purge: PURGE,
  };
  const ask = (
    who: 'outsider' | 'insider' | 'bedrock' | keyof typeof keepers,
    action: string,
    resource: string,
  ) => {
    const pattern = who in keepers ? keepers[who as keyof typeof keepers] : undefined;
    const arn =
      pattern === undefined
        ? 'arn:aws:iam::222222222222:role/Somebody'
        : pattern.replace('arn:*', 'arn:aws').replaceAll('*', '111111111111');
    const principal =
      who === 'bedrock'
        ? ({ kind: 'service', name: 'bedrock.amazonaws.com' } as const)
        : ({ kind: 'role', arn, accountId: arn.split(':')[4] ?? '' } as const);
    const ofResource: Readonly<Record<string, ContextValue>> =
      resource === key ? { [KEY_TAG.key]: known(KEY_TAG.value) } : {};
    const context =
      who === 'bedrock'
        ? contextOf({ ...ofResource, 'aws:PrincipalIsAWSService': known('true') }, 'absent')
        : contextOf(
            {
              ...ofResource,
              'aws:PrincipalIsAWSService': known('false'),
              'aws:PrincipalArn': known(arn),
              'aws:PrincipalOrgID': known(who === 'outsider' ? 'o-somebodyelse' : organizationId),
            },
            'absent',
          );
    return evaluateRequest(
      { action, resource, principal, context },
      {
        ...(who === 'bedrock'
          ? {}
          : { identity: layerOf('its policies', [readPolicy('all', EVERYTHING, 'identity')]) }),
        serviceControl: [],
        resourceControl: [fence],
        resource: {
          ...layerOf('the bucket policy', [readPolicy('the bucket policy', EVERYBODY, 'resource')]),
          accountId: '333333333333',
          mustAllow: false,
        },
      },
    );
  };
  const cases = [
    ['somebody outside the organization reads content', 'outsider', 's3:GetObject', `${bucket}/k`, false],
    ['Bedrock delivers content', 'bedrock', 's3:PutObject', `${bucket}/k`, true],
    ['somebody inside changes a store’s policy', 'insider', 's3:PutBucketPolicy', bucket, false],
    ['an administrator changes a store’s policy', 'administrator', 's3:PutBucketPolicy', bucket, true],
    ['the second lever denies a store', 'second lever', 's3:PutBucketPolicy', bucket, true],
    [
      'somebody inside changes how long a log group keeps content',
      'insider',
      'logs:PutRetentionPolicy',
      logGroup,
      false,
    ],
    ['the purge role makes a log group that forgets', 'purge', 'logs:PutRetentionPolicy', logGroup, true],
    [
      'somebody inside stores content under another key',
      'insider',
      's3:PutEncryptionConfiguration',
      bucket,
      false,
    ],
    ['somebody inside opens a store by its access lists', 'insider', 's3:PutBucketAcl', bucket, false],
    [
      'somebody inside opens an object by its access list',
      'insider',
      's3:PutObjectAcl',
      `${bucket}/k`,
      false,
    ],
    [
      'somebody inside gives objects to other owners',
      'insider',
      's3:PutBucketOwnershipControls',
      bucket,
      false,
    ],
    ['somebody inside takes a log group’s key away', 'insider', 'logs:DisassociateKmsKey', logGroup, false],
    ['somebody inside changes who may use a key of content', 'insider', 'kms:PutKeyPolicy', key, false],
    ['somebody inside disables a key of content', 'insider', 'kms:DisableKey', key, false],
    ['somebody inside has a key of content deleted', 'insider', 'kms:ScheduleKeyDeletion', key, false],
    ['somebody inside takes the tag off a key of content', 'insider', 'kms:UntagResource', key, false],
    ['somebody inside disables a key of their own', 'insider', 'kms:DisableKey', otherKey, true],
    ['the second lever disables a key of content', 'second lever', 'kms:DisableKey', key, true],
    ['Bedrock uses a key of content', 'bedrock', 'kms:GenerateDataKey', key, true],
    [
      'somebody inside, whom the store’s own policy lets in, reads content',
      'insider',
      's3:GetObject',
      `${bucket}/k`,
      true,
    ],
    ['somebody inside deletes content', 'insider', 's3:DeleteObject', `${bucket}/k`, true],
  ] as const;
  return cases.map(([what, who, action, resource, must]) => {
    const isAble = can(ask(who, action, resource));
    return {
      what,
      action,
      before: 1,
      after: Number(isAble),
      faults: isAble === must ? [] : [must ? 'the fence denies it' : 'the fence lets it through'],
    };
  });
}
