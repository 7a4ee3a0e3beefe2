/*
 * What only a real account can show, with how to try it. Every row of the tables “Unverified on AWS” of docs/ is here, word for word, and
 * no other of those pages; a test compares them both ways.
 */

export interface LiveCheck {
  /** Kebab-case. */
  readonly id: string;
  /** Where in docs/ it stands. */
  readonly page: string;
  /** Begins with what is not known: “that …”, “whether …”. */
  readonly claim: string;
  /** What the other answer would change. */
  readonly otherwise: string;
  /** Commands of the AWS CLI that only read. */
  readonly read: readonly string[];
  /** Steps that change something, for a test account; the script has them as comments. */
  readonly write: readonly string[];
}

const deploy = (
  id: string,
  claim: string,
  otherwise: string,
  read: readonly string[],
  write: readonly string[] = [],
): LiveCheck => ({ id, page: 'deploy.md', claim, otherwise, read, write });
const guardrails = (
  id: string,
  claim: string,
  otherwise: string,
  read: readonly string[],
  write: readonly string[] = [],
): LiveCheck => ({ id, page: 'guardrails.md', claim, otherwise, read, write });

const LOGGING = 'aws bedrock get-model-invocation-logging-configuration';
const calls = (name: string): string =>
  `aws cloudtrail lookup-events --lookup-attributes AttributeKey=EventName,AttributeValue=${name} --max-results 5`;

export const LIVE_CHECKS: readonly LiveCheck[] = [
  deploy(
    'date-conditions-deny-quietly',
    "that deliveries refused by the destination's `DateLessThan` conditions fail quietly and never touch inference",
    "the template's conditions must go; the other detectors stay",
    [LOGGING],
    [
      'deploy templates/exception-destination.yml with ExpiresAt two minutes ahead, and switch logging to it',
      'aws bedrock-runtime converse --model-id "$MODEL" --messages \'[{"role":"user","content":[{"text":"test"}]}]\' # before and after ExpiresAt: both must answer',
      'aws s3api list-objects-v2 --bucket "$CONTENT_BUCKET" # nothing newer than ExpiresAt',
    ],
  ),
  deploy(
    'put-accepts-prefix-policy',
    'that Put accepts a destination whose policy allows only below `ex-*/`',
    'the `Resource` of the bucket policy must name the id, so it is deployed after the request',
    ['aws s3api get-bucket-policy --bucket "$CONTENT_BUCKET"'],
    [
      'aws bedrock put-model-invocation-logging-configuration --logging-config file://destination-below-ex.json # answers without ValidationException',
    ],
  ),
  deploy(
    'member-reads-organization-trail',
    'whether a member account may call `GetEventSelectors` on the trail of its organization',
    "exceptions into buckets wait and expire; a trail of the account's own is needed",
    ['aws cloudtrail get-event-selectors --trail-name "$ORGANIZATION_TRAIL_ARN" # in a member account'],
  ),
  deploy(
    'log-group-with-key',
    'whether creating a log group with a key needs more than `logs:CreateLogGroup` for the caller',
    'add it to `ProvisoPurge`',
    [calls('CreateLogGroup')],
    [
      'aws logs create-log-group --log-group-name proviso-live-check --kms-key-id "$KEY_ARN" # as ProvisoPurge',
    ],
  ),
  deploy(
    'delete-null-version',
    'whether deleting the version `null` needs `s3:DeleteObject` beside `s3:DeleteObjectVersion`',
    'drop the one that is not needed',
    ['aws s3api list-object-versions --bucket "$CONTENT_BUCKET" --max-items 5'],
    [
      'aws s3api delete-object --bucket "$CONTENT_BUCKET" --key ex-live-check/a --version-id null # with each permission alone',
    ],
  ),
  deploy(
    'passrole-on-put',
    'whether `iam:PassRole` is checked when Bedrock is given a log role',
    'drop it from `ProvisoEnable`',
    [calls('PutModelInvocationLoggingConfiguration')],
    [
      'aws bedrock put-model-invocation-logging-configuration --logging-config file://to-log-group.json # as a role without iam:PassRole',
    ],
  ),
  deploy(
    'user-status',
    "that a user's `UserStatus` shows every way of leaving",
    'leave the removal from the groups as the rule',
    [
      'aws identitystore describe-user --identity-store-id "$IDENTITY_STORE" --user-id "$DISABLED_USER" # after disabling in Identity Center, and at the external provider',
    ],
  ),
  deploy(
    'service-credentials-on-star',
    'that `ListServiceSpecificCredentials` works on `*` for all users',
    'see [Permissions](permissions.md)',
    ['aws iam list-service-specific-credentials --all-users # as ProvisoCollect'],
  ),
  deploy(
    'late-put',
    'how long a slow Put can still land after its client gave up',
    'the 30 s of `enabling(until)` must grow',
    [calls('PutModelInvocationLoggingConfiguration')],
    [
      'put with --cli-read-timeout 1 repeatedly, and compare the times of CloudTrail with those of the client',
    ],
  ),
  deploy(
    'config-rule-region',
    "that a custom rule's function must be in the rule's Region",
    'if not, the forwarders of `templates/config-region.yml` are not needed',
    ['aws configservice describe-config-rules --region "$OTHER_REGION"'],
    [
      'aws configservice put-config-rule --region "$OTHER_REGION" --config-rule file://rule-with-function-elsewhere.json # expect InvalidParameterValueException',
    ],
  ),
  deploy(
    'config-rule-arn',
    "that an organization rule's `configRuleArn` names the member account",
    'the functions refuse its events; take the account from the event alone',
    [
      "aws configservice describe-config-rules --query 'ConfigRules[].ConfigRuleArn' # in a member account",
      'aws logs filter-log-events --log-group-name "/aws/lambda/$STACK-configSettings" --filter-pattern fault --max-items 5',
    ],
  ),
  deploy(
    'config-invoke-condition',
    "a condition on `lambda:InvokeFunction` that admits the organization's Config alone",
    'until then whoever can name the function can make it look, and only look, in an account of the organization',
    ['aws lambda get-policy --function-name "$STACK-configSettings"'],
    [
      'add aws:SourceOrgID to the function’s permission in a test stack, and see whether AWS Config still reports',
    ],
  ),
  deploy(
    'forwarded-origin',
    'that EventBridge keeps `account` and `region` of the origin when a rule forwards across accounts and Regions',
    'the handler takes `detail.recipientAccountId` and `detail.awsRegion` instead',
    ['aws logs filter-log-events --log-group-name "/aws/lambda/$STACK-storageEvent" --max-items 5'],
    ['a rule on the bus with a log group as its target, then a change in another account and Region'],
  ),
  deploy(
    'bus-principal-arn',
    "that `aws:PrincipalArn` on the bus's policy is the forwarding rule's role",
    "drop that condition; the organization's stays",
    [
      'aws events describe-event-bus --name "$STACK-accounts"',
      'proviso doctor --stack "$STACK" # events arriving',
    ],
    ['tag a role in a governed account, and run the two commands above again'],
  ),
  deploy(
    'mantle-event-names',
    'event names of `bedrock-mantle.amazonaws.com` for the account mode',
    'the sweeper and the Config rule see it, later',
    [
      'aws cloudtrail lookup-events --lookup-attributes AttributeKey=EventSource,AttributeValue=bedrock-mantle.amazonaws.com --max-results 20',
    ],
  ),
  deploy(
    'organizations-delegation',
    'that the resource-based delegation of Organizations admits all ten actions',
    'collect the organization from the management account instead',
    [
      'aws organizations describe-resource-policy # in the management account',
      'aws organizations list-accounts',
      'aws organizations list-policies --filter SERVICE_CONTROL_POLICY',
      'aws organizations list-delegated-administrators',
    ],
  ),
  guardrails(
    'long-term-token',
    'that `bedrock:BearerTokenType` of a long-term key is `LONG_TERM`',
    'the use of such keys is not denied; creating them is',
    [calls('CallWithBearerToken')],
    ['call a model with a long-term key in a test account that has the control policy: expect AccessDenied'],
  ),
  guardrails(
    'credential-service-name',
    'that `iam:ServiceSpecificCredentialServiceName` of a Bedrock key is `bedrock.amazonaws.com`',
    'creating them is not denied; RB-02 finds them',
    [calls('CreateServiceSpecificCredential')],
    [
      'aws iam create-service-specific-credential --user-name "$TEST_USER" --service-name bedrock.amazonaws.com # under the control policy: expect AccessDenied',
    ],
  ),
  guardrails(
    'create-project-mode',
    'that CreateProject sends `bedrock-mantle:DataRetentionMode` when it names `none`',
    'creating projects is denied altogether',
    [calls('CreateProject')],
    ['create a project with mode `none` under the control policy: expect that it is made'],
  ),
  guardrails(
    'log-group-arn-in-rcp',
    'that log groups in a resource control policy match without the `:*`',
    'add it',
    [calls('DeleteLogGroup')],
    [
      'aws logs delete-log-group --log-group-name "$FENCED_TEST_GROUP" # under the policy: expect AccessDenied',
    ],
  ),
  guardrails(
    'delivery-is-service',
    'that deliveries of Bedrock count as a service of AWS (`aws:PrincipalIsAWSService`)',
    'deliveries are denied; nothing is stored',
    [LOGGING, 'aws s3api list-objects-v2 --bucket "$CONTENT_BUCKET" --max-items 5'],
    ['attach the policy to a test account during an exception, and see whether objects still arrive'],
  ),
  guardrails(
    'stack-sets-role-name',
    'that CloudFormation’s role in a member account is named `stacksets-exec-…`, and that its calls come under that name',
    'the StackSet cannot change the roles: name its role with `--provisioner`',
    [
      `aws iam list-roles --query "Roles[?starts_with(RoleName, 'stacksets-exec-')].Arn"`,
      calls('UpdateAssumeRolePolicy'),
    ],
    [
      'update the StackSet of the member accounts in a test account under the control policy: expect that it succeeds',
    ],
  ),
  guardrails(
    'role-arn-with-path',
    'that IAM’s calls on a role are matched by the role’s ARN with its path',
    'the names are not protected, or more than these',
    [calls('CreateRole')],
    [
      'aws iam create-role --path /proviso/ --role-name ProvisoEnable --assume-role-policy-document file://trust.json # as a test account’s administrator, under the control policy: expect AccessDenied',
    ],
  ),
  guardrails(
    'key-tag-in-rcp',
    'that `aws:ResourceTag` of a key is seen by a resource control policy',
    'the keys are not fenced; their own policies are',
    [calls('DisableKey')],
    ['aws kms disable-key --key-id "$TAGGED_TEST_KEY" # under the policy: expect AccessDenied'],
  ),
  guardrails(
    'keys-without-grants',
    'that S3, CloudWatch Logs and Bedrock use the keys as services of AWS, without grants',
    'deliveries and reads fail: take `kms:CreateGrant` out',
    ['aws kms list-grants --key-id "$CONTENT_KEY"'],
    ['attach the policy to a test account during an exception, and see whether objects still arrive'],
  ),
];

/** For a person. */
export const liveChecksMarkdown = (checks: readonly LiveCheck[]): string =>
  [
    '# What only a real account can show',
    '',
    ...checks.flatMap(({ id, page, claim, otherwise, read, write }) => [
      `## ${id}`,
      '',
      `Not known: ${claim} (docs/${page}). If it is otherwise: ${otherwise}.`,
      '',
      '```sh',
      ...read,
      ...write.map((step) => `# changes something: ${step}`),
      '```',
      '',
    ]),
  ].join('\n');

/** It only reads; what changes something is a comment. It goes on after a refused call, which is an answer too. */
export const liveChecksScript = (checks: readonly LiveCheck[]): string => {
  const variables = [
    ...new Set(
      checks.flatMap(({ read }) =>
        read.flatMap((command) => [...command.matchAll(/\$([A-Z_]+)/g)].map((match) => match[1] ?? '')),
      ),
    ),
  ].sort();
  return [
    '#!/bin/sh',
    '# What only a real account can show. This only reads; lines that begin with `# write:` change something: uncomment them in a test account.',
    'set -u',
    ...variables.map((name) => `: "\${${name}:?set ${name}, or delete the checks that use it}"`),
    ...checks.flatMap(({ id, page, claim, otherwise, read, write }) => [
      '',
      `# ${id} (docs/${page})`,
      `# Not known: ${claim}`,
      `# If it is otherwise: ${otherwise}`,
      `echo '== ${id}'`,
      ...read,
      ...write.map((step) => `# write: ${step}`),
    ]),
    '',
  ].join('\n');
};
