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
import { type GuardrailDocument, type GuardrailOptions, PURGE, SECOND_LEVER } from './documents.ts';

/** One question, and what the guardrails must make of the answer. */
interface Question {
  readonly what: string;
  readonly action: string;
  readonly context: Readonly<Record<string, ContextValue>>;
  /** `others`: denied to everybody whom the policy does not name; `all`: to everybody; `none`: left as it is. */
  readonly denies: 'others' | 'all' | 'none';
}

const QUESTIONS: readonly Question[] = [
  {
    what: 'switch invocation logging on, or lead it elsewhere',
    action: 'bedrock:PutModelInvocationLoggingConfiguration',
    context: {},
    denies: 'others',
  },
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
  { policy }: LoadedPolicy,
  options: GuardrailOptions,
  target: string,
  accounts: ReadonlySet<string>,
): Proof {
  const before = accessOf(evidence);
  const after = accessOf({ ...evidence, organization: attached(evidence.organization, documents, target) });
  const isNamed = ({ arn }: KnownPrincipal) =>
    policy.storage.administrators.some(({ principal }) => arnLike(principal, arn));
  // A group has no ARN that a request could come from; its users are asked.
  const asked = (access: Access) =>
    access.principals.filter(({ accountId, type }) => type !== 'group' && accounts.has(accountId));
  const decided = (access: Access, principal: KnownPrincipal, { action, context }: Question) => {
    const own = access.contextOf(principal, action);
    const given = contextOf(context);
    return access.decide(principal, action, {
      context: {
        lookup: (key) => {
          const value = given.lookup(key);
          return value.kind === 'unknown' ? own.lookup(key) : value;
        },
      },
    });
  };
  const lines = QUESTIONS.map((question): ProofLine => {
    const could = asked(before).filter((principal) => can(decided(before, principal, question)));
    const wasAble = new Set(could.map(({ arn }) => arn));
    const faults: string[] = [];
    let still = 0;
    for (const principal of asked(after)) {
      const decision = decided(after, principal, question);
      if (can(decision)) still += 1;
      const mustNot = question.denies === 'all' || (question.denies === 'others' && !isNamed(principal));
      if (mustNot && can(decision)) faults.push(`${principal.arn} still can (${decision.kind})`);
      if (!mustNot && wasAble.has(principal.arn) && !can(decision))
        faults.push(`${principal.arn} could before and cannot any more`);
    }
    return { what: question.what, action: question.action, before: could.length, after: still, faults };
  });
  const all = [...lines, ...fenceLines(documents, policy, options)];
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
    const context =
      who === 'bedrock'
        ? contextOf({ 'aws:PrincipalIsAWSService': known('true') }, 'absent')
        : contextOf(
            {
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
