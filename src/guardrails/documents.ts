import { canonicalJson, err, ok, type Result } from '../core/index.ts';
import type { LoadedPolicy } from '../policy/index.ts';
import { leavesOf } from '../policy/index.ts';

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
  /** Deny every call of the `bedrock-mantle` endpoint: for an organization that does not use it. */
  readonly denyMantle: boolean;
  /** Deny batch inference, whose input and output lie in buckets. */
  readonly denyBatch: boolean;
  /** ARN patterns that deploy the destinations of exceptions, and so may set their bucket and key policies. */
  readonly deployers: readonly string[];
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

/** Whether a control of the policy asks that there are no long-term API keys. */
const forbidsApiKeys = ({ policy }: LoadedPolicy): boolean =>
  policy.controls.some(({ require }) =>
    leavesOf(require, 'require').some(({ leaf }) => leaf.fact === 'principal.activeBedrockApiKeys'),
  );

/** Statements of the service control policies, each about one thing. */
export function scpStatements(policy: LoadedPolicy, options: GuardrailOptions): readonly Statement[] {
  const administrators = policy.policy.storage.administrators.map(({ principal }) => principal);
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
    ...(options.denyMantle
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
    ...(options.denyBatch
      ? [
          {
            Sid: 'NoBatch',
            Effect: 'Deny' as const,
            Action: ['bedrock:CreateModelInvocationJob'],
            Resource: '*',
          },
        ]
      : []),
    ...(forbidsApiKeys(policy)
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
            // [unverified on AWS: the value's spelling]
            Condition: { StringEquals: { 'bedrock:BearerTokenType': 'LONG_TERM' } },
          },
          ...(options.denyMantle
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
  ];
}

/** Roles of templates/member-account.yml that change stores and are no storage administrators: they switch nothing on. */
export const PURGE = 'arn:*:iam::*:role/proviso/ProvisoPurge';
export const SECOND_LEVER = 'arn:*:iam::*:role/proviso/ProvisoSecondLever';

/** Bedrock knows no resource control policies; the stores of its logs do. */
export function rcpStatements(policy: LoadedPolicy, options: GuardrailOptions): readonly Statement[] {
  const fenceKeepers = [
    ...policy.policy.storage.administrators.map(({ principal }) => principal),
    // Creates and deletes the exceptions' log groups.
    PURGE,
    // Denies the bucket when switching off keeps failing: a fence that stopped it would keep content readable.
    SECOND_LEVER,
    ...options.deployers,
  ];
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
      Action: [
        's3:PutBucketPolicy',
        's3:DeleteBucketPolicy',
        's3:PutLifecycleConfiguration',
        's3:PutReplicationConfiguration',
        's3:PutBucketVersioning',
        's3:PutBucketObjectLockConfiguration',
        'logs:PutSubscriptionFilter',
        'logs:PutRetentionPolicy',
        'logs:DeleteRetentionPolicy',
        'logs:CreateExportTask',
        'logs:PutLogGroupDeletionProtection',
      ],
      Resource: [bucket, group],
      Condition: {
        ArnNotLikeIfExists: { 'aws:PrincipalArn': fenceKeepers },
        BoolIfExists: { 'aws:PrincipalIsAWSService': 'false' },
      },
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
