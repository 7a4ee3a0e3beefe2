import { canonicalJson, err, ok, type Result } from '../core/index.ts';
import type { LoadedPolicy } from '../policy/index.ts';
import { type Deniable, leavesOf } from '../policy/index.ts';

/*
 * Service and resource control policies that make the policy's "nobody else" true before anybody looks. Deny statements alone: what they
 * leave open, the accounts' own policies decide. Proviso attaches nothing.
 */

/**
 * Limits of AWS Organizations ("Quotas and service limits"). Service control policies may have 10,240 characters by now; 5,120 is the size
 * that every organization takes. White space counts, so documents are minified.
 */
export const GUARDRAIL_LIMITS = { scpCharacters: 5_120, rcpCharacters: 5_120, attached: 5 } as const;

export type GuardrailType = 'SERVICE_CONTROL_POLICY' | 'RESOURCE_CONTROL_POLICY';

export interface GuardrailOptions {
  /** ARN patterns that deploy the destinations of exceptions, and so may set their bucket and key policies. */
  readonly deployers: readonly string[];
  /** ARN patterns that make the roles trusted by name, beside `STACK_SETS`. */
  readonly provisioners: readonly string[];
  readonly organizationId: string;
  /** Name patterns of the templates: where content may lie. */
  readonly contentBuckets: string;
  readonly contentLogGroups: string;
}

export interface Statement {
  readonly Sid: string;
  readonly Effect: 'Deny';
  readonly Principal?: '*';
  readonly Action: readonly string[];
  readonly Resource: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

export interface GuardrailDocument {
  readonly name: string;
  readonly type: GuardrailType;
  readonly statements: readonly Statement[];
  /** Minified JSON, as it is to be stored. */
  readonly text: string;
}

/** Storage is switched on or led elsewhere by these; the Delete is missing on purpose: switching off stays open to whoever may. */
export const STORAGE_PUTS = ['bedrock:PutModelInvocationLoggingConfiguration'] as const;

/** What the policy denies to everybody by its word, or by a control that asks that there is none. */
function denies({ policy }: LoadedPolicy, what: Deniable): boolean {
  if (policy.storage.denied?.includes(what) === true) return true;
  return (
    what === 'long-term-api-keys' &&
    policy.controls.some(({ require }) =>
      leavesOf(require, 'require').some(({ leaf }) => leaf.fact === 'principal.activeBedrockApiKeys'),
    )
  );
}

/** Statements of the service control policies, each about one thing. */
export function scpStatements(policy: LoadedPolicy, options: GuardrailOptions): readonly Statement[] {
  const administrators = administratorsOf(policy);
  const noMantle = denies(policy, 'bedrock-mantle');
  const not = (key: string) => ({ StringNotEquals: { [key]: 'none' } });
  return [
    {
      Sid: 'OnlyAdministratorsSwitchOn',
      Effect: 'Deny',
      Action: STORAGE_PUTS,
      Resource: '*',
      Condition: { ArnNotLike: { 'aws:PrincipalArn': administrators } },
    },
    // For everybody, administrators too: no mode but `none` is ever right. Setting `none` stays open.
    {
      Sid: 'OnlyModeNone',
      Effect: 'Deny',
      Action: ['bedrock:PutAccountDataRetention'],
      Resource: '*',
      Condition: not('bedrock:DataRetentionMode'),
    },
    ...(noMantle
      ? [{ Sid: 'NoMantle', Effect: 'Deny' as const, Action: ['bedrock-mantle:*'], Resource: '*' }]
      : [
          {
            Sid: 'OnlyModeNoneOnMantle',
            Effect: 'Deny' as const,
            Action: ['bedrock-mantle:PutAccountDataRetention', 'bedrock-mantle:CreateProject'],
            Resource: '*',
            Condition: not('bedrock-mantle:DataRetentionMode'),
          },
          // An update that names no mode changes none.
          {
            Sid: 'NoOtherModeOfProjects',
            Effect: 'Deny' as const,
            Action: ['bedrock-mantle:UpdateProject'],
            Resource: '*',
            Condition: { StringNotEqualsIfExists: { 'bedrock-mantle:DataRetentionMode': 'none' } },
          },
        ]),
    ...(denies(policy, 'batch-inference')
      ? [
          {
            Sid: 'NoBatch',
            Effect: 'Deny' as const,
            Action: ['bedrock:CreateModelInvocationJob'],
            Resource: '*',
          },
        ]
      : []),
    ...(denies(policy, 'long-term-api-keys')
      ? [
          {
            Sid: 'NoLongTermApiKeys',
            Effect: 'Deny' as const,
            Action: ['iam:CreateServiceSpecificCredential'],
            Resource: '*',
            Condition: {
              StringLike: {
                'iam:ServiceSpecificCredentialServiceName': [
                  'bedrock.amazonaws.com',
                  'bedrock-*.amazonaws.com',
                ],
              },
            },
          },
          {
            Sid: 'NoUseOfLongTermApiKeys',
            Effect: 'Deny' as const,
            Action: ['bedrock:CallWithBearerToken'],
            Resource: '*',
            // The value's spelling. [unverified: long-term-token]
            Condition: { StringEquals: { 'bedrock:BearerTokenType': 'LONG_TERM' } },
          },
          ...(noMantle
            ? []
            : [
                {
                  Sid: 'NoUseOfLongTermApiKeysOnMantle',
                  Effect: 'Deny' as const,
                  Action: ['bedrock-mantle:CallWithBearerToken'],
                  Resource: '*',
                  Condition: { StringEquals: { 'bedrock-mantle:BearerTokenType': 'LONG_TERM' } },
                },
              ]),
        ]
      : []),
    ...nameStatements(policy, options),
    // An account's own log policies copy or mask every log group at once, and no resource control policy stands before them.
    {
      Sid: 'NobodyCopiesEveryLogGroup',
      Effect: 'Deny',
      Action: ACCOUNT_LOG_POLICIES,
      Resource: '*',
      Condition: { ArnNotLike: { 'aws:PrincipalArn': fenceKeepers(policy, options) } },
    },
  ];
}

/** Roles of templates/member-account.yml that change stores and are no storage administrators: they switch nothing on. */
export const PURGE = 'arn:*:iam::*:role/proviso/ProvisoPurge';
export const SECOND_LEVER = 'arn:*:iam::*:role/proviso/ProvisoSecondLever';

/**
 * The role that CloudFormation makes in every member account of a service-managed StackSet, and through which it makes ours. The name is
 * AWS's; no page of AWS promises it [unverified: stack-sets-role-name].
 */
export const STACK_SETS = 'arn:*:iam::*:role/stacksets-exec-*';

const administratorsOf = ({ policy }: LoadedPolicy): readonly string[] =>
  policy.storage.administrators.map(({ principal }) => principal);

/** Who may make, change and hand over the principals that are trusted by name. */
export const provisionersOf = ({ provisioners }: GuardrailOptions): readonly string[] => [
  ...new Set([STACK_SETS, ...provisioners]),
];

/** Who may change the stores of content. */
export const fenceKeepers = (policy: LoadedPolicy, options: GuardrailOptions): readonly string[] => [
  ...administratorsOf(policy),
  // Creates and deletes the exceptions' log groups.
  PURGE,
  // Denies the bucket when switching off keeps failing: a fence that stopped it would keep content readable.
  SECOND_LEVER,
  ...options.deployers,
];

/** Every pattern that a generated document exempts: a name that anybody can take is no limit. */
export const trustedNames = (policy: LoadedPolicy, options: GuardrailOptions): readonly string[] => [
  ...new Set([...fenceKeepers(policy, options), ...provisionersOf(options)]),
];

export const ACCOUNT_LOG_POLICIES = ['logs:PutAccountPolicy', 'logs:DeleteAccountPolicy'] as const;

/**
 * What makes a role of a given name, changes who may be it or what it may do, takes it away or hands it to a service. Of the Service
 * Authorization Reference every action that writes a role, except those of service-linked roles, which AWS keeps from everybody else.
 */
export const ROLE_WRITES = [
  'iam:AttachRolePolicy',
  'iam:CreateRole',
  'iam:DeleteRole',
  'iam:DeleteRolePermissionsBoundary',
  'iam:DeleteRolePolicy',
  'iam:DetachRolePolicy',
  'iam:PassRole',
  'iam:PutRolePermissionsBoundary',
  'iam:PutRolePolicy',
  'iam:TagRole',
  'iam:UntagRole',
  'iam:UpdateAssumeRolePolicy',
  'iam:UpdateRole',
  'iam:UpdateRoleDescription',
] as const;

/** The same of users: also what gives somebody else their credentials. */
export const USER_WRITES = [
  'iam:AttachUserPolicy',
  'iam:CreateAccessKey',
  'iam:CreateLoginProfile',
  'iam:CreateServiceSpecificCredential',
  'iam:CreateUser',
  'iam:DeactivateMFADevice',
  'iam:DeleteUserPermissionsBoundary',
  'iam:PutUserPermissionsBoundary',
  'iam:PutUserPolicy',
  'iam:ResetServiceSpecificCredential',
  'iam:UpdateAccessKey',
  'iam:UpdateLoginProfile',
  'iam:UpdateServiceSpecificCredential',
  'iam:UpdateUser',
  'iam:UploadSSHPublicKey',
  'iam:UploadSigningCertificate',
] as const;

const isUser = (pattern: string): boolean => pattern.split(':')[5]?.startsWith('user/') === true;

/**
 * Nobody but the provisioners makes, changes or hands over a principal that the other statements trust by its name; the provisioners' own
 * names are on the list, so that nobody can pose as one. Roles of Identity Center need nothing: AWS lets nobody change them, and its
 * service-linked role is outside control policies.
 */
function nameStatements(policy: LoadedPolicy, options: GuardrailOptions): readonly Statement[] {
  const names = trustedNames(policy, options);
  const statement = (sid: string, actions: readonly string[], resources: readonly string[]): Statement[] =>
    resources.length === 0
      ? []
      : [
          {
            Sid: sid,
            Effect: 'Deny',
            Action: actions,
            Resource: resources,
            Condition: { ArnNotLike: { 'aws:PrincipalArn': provisionersOf(options) } },
          },
        ];
  return [
    ...statement(
      'NobodyMakesTheTrustedRoles',
      ROLE_WRITES,
      names.filter((name) => !isUser(name)),
    ),
    ...statement('NobodyBecomesTheTrustedUsers', USER_WRITES, names.filter(isUser)),
  ];
}

/** What weakens a bucket or a log group with content in it: who reads, under which key, for how long, and what is copied away. */
export const STORE_WEAKENINGS = [
  's3:PutBucketPolicy',
  's3:DeleteBucketPolicy',
  's3:PutBucketAcl',
  's3:PutObjectAcl',
  's3:PutObjectVersionAcl',
  's3:PutBucketOwnershipControls',
  's3:PutBucketPublicAccessBlock',
  's3:PutEncryptionConfiguration',
  's3:PutLifecycleConfiguration',
  's3:PutReplicationConfiguration',
  's3:PutBucketVersioning',
  's3:PutBucketObjectLockConfiguration',
  'logs:AssociateKmsKey',
  'logs:DisassociateKmsKey',
  'logs:PutSubscriptionFilter',
  'logs:PutRetentionPolicy',
  'logs:DeleteRetentionPolicy',
  'logs:CreateExportTask',
  'logs:PutLogGroupDeletionProtection',
] as const;

/** What hands a key of content to others or takes it away. */
export const KEY_WEAKENINGS = [
  'kms:CreateGrant',
  'kms:DisableKey',
  'kms:PutKeyPolicy',
  'kms:ScheduleKeyDeletion',
  'kms:TagResource',
  'kms:UntagResource',
] as const;

/** The tag of the keys of templates/exception-destination.yml: a key's ARN says nothing about what lies under it. */
export const KEY_TAG = { key: 'aws:ResourceTag/proviso', value: 'exception-content' } as const;

/** Bedrock knows no resource control policies; the stores of its logs and their keys do. */
export function rcpStatements(policy: LoadedPolicy, options: GuardrailOptions): readonly Statement[] {
  const notKeepers = {
    ArnNotLikeIfExists: { 'aws:PrincipalArn': fenceKeepers(policy, options) },
    BoolIfExists: { 'aws:PrincipalIsAWSService': 'false' },
  };
  const bucket = `arn:*:s3:::${options.contentBuckets}`;
  const group = `arn:*:logs:*:*:log-group:${options.contentLogGroups}/*`;
  return [
    {
      Sid: 'ContentStaysInside',
      Effect: 'Deny',
      Principal: '*',
      Action: ['s3:*', 'logs:*'],
      Resource: [bucket, `${bucket}/*`, group],
      Condition: {
        StringNotEqualsIfExists: { 'aws:PrincipalOrgID': options.organizationId },
        // Bedrock itself delivers here.
        BoolIfExists: { 'aws:PrincipalIsAWSService': 'false' },
      },
    },
    {
      Sid: 'NobodyWeakensTheStores',
      Effect: 'Deny',
      Principal: '*',
      Action: STORE_WEAKENINGS,
      Resource: [bucket, `${bucket}/*`, group],
      Condition: notKeepers,
    },
    {
      Sid: 'NobodyTakesTheKeys',
      Effect: 'Deny',
      Principal: '*',
      Action: KEY_WEAKENINGS,
      Resource: '*',
      Condition: { StringEquals: { [KEY_TAG.key]: KEY_TAG.value }, ...notKeepers },
    },
  ];
}

/** Everything on the management side that the policy asks for, in as few documents as fit. */
export function guardrailDocuments(
  policy: LoadedPolicy,
  options: GuardrailOptions,
): Result<readonly GuardrailDocument[], readonly string[]> {
  const scps = packed(
    'proviso-scp',
    'SERVICE_CONTROL_POLICY',
    scpStatements(policy, options),
    GUARDRAIL_LIMITS.scpCharacters,
  );
  const rcps = packed(
    'proviso-rcp',
    'RESOURCE_CONTROL_POLICY',
    rcpStatements(policy, options),
    GUARDRAIL_LIMITS.rcpCharacters,
  );
  const problems = [scps, rcps].flatMap((result) => (result.ok ? [] : result.error));
  if (problems.length > 0 || !scps.ok || !rcps.ok) return err(problems);
  return ok([...scps.value, ...rcps.value]);
}

const textOf = (statements: readonly Statement[]): string =>
  JSON.stringify({ Version: '2012-10-17', Statement: statements });

/** A statement is never cut in two: half of a Deny is another Deny. */
function packed(
  name: string,
  type: GuardrailType,
  statements: readonly Statement[],
  limit: number,
): Result<readonly GuardrailDocument[], readonly string[]> {
  const tooLong = statements.filter((statement) => textOf([statement]).length > limit);
  if (tooLong.length > 0)
    return err(
      tooLong.map(
        (statement) =>
          `statement \`${statement.Sid}\` needs ${textOf([statement]).length} characters alone; a ${type} has ${limit}`,
      ),
    );
  const bins: Statement[][] = [];
  for (const statement of statements) {
    const last = bins.at(-1);
    if (last !== undefined && textOf([...last, statement]).length <= limit) last.push(statement);
    else bins.push([statement]);
  }
  return ok(
    bins.map((bin, index) => ({
      name: bins.length === 1 ? name : `${name}-${index + 1}`,
      type,
      statements: bin,
      text: textOf(bin),
    })),
  );
}

/** Whether two texts are the same policy, whatever their white space and the order of members. */
export function isSameDocument(left: string, right: string): boolean {
  try {
    return canonicalJson(JSON.parse(left)) === canonicalJson(JSON.parse(right));
  } catch {
    return false;
  }
}
