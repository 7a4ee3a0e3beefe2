import type { LiveCheck } from './live-checks.ts';

/*
 * What only a real account can show. Every row of the tables “Unverified” of docs/ is here, word for word, and every remark
 * `[unverified: id]` in docs and code names one of these; a test compares them both ways.
 */

const of =
  (page: string) =>
  (
    id: string,
    claim: string,
    otherwise: string,
    read: readonly string[],
    write: readonly string[] = [],
  ): LiveCheck => ({ id, page, claim, otherwise, read, write });
const deploy = of('deploy.md');
const guardrails = of('guardrails.md');
const exceptions = of('exceptions.md');
const filter = of('filter-and-purge.md');
const iam = of('iam.md');

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
    'identity-center-delegation',
    'that the governance account, as delegated administrator of IAM Identity Center, is answered about users, groups and assignments, those of the management account too',
    'the directory must be read by a role in the management account; evidence of assignments stays unknown',
    [
      'aws organizations list-delegated-administrators --service-principal sso.amazonaws.com',
      'aws identitystore list-users --identity-store-id "$PROVISO_IDENTITY_STORE_ID" --max-results 1 # in the governance account',
      'aws sso-admin list-instances # in the governance account',
    ],
  ),
  deploy(
    'organizations-delegation',
    'that the resource-based delegation of Organizations admits all eleven actions',
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
  deploy(
    'stack-sets-activation',
    'that `activate-organizations-access` and the delegation to `member.org.stacksets.cloudformation.amazonaws.com` are all that StackSets need',
    'activate trusted access in the console of StackSets, as the management account',
    [
      'aws cloudformation describe-organizations-access',
      'aws organizations list-delegated-administrators --service-principal member.org.stacksets.cloudformation.amazonaws.com',
    ],
  ),
  exceptions(
    'key-deletion-twice',
    "what AWS KMS answers when a key's deletion was scheduled already",
    'the second try of closing reports a fault until its words are known',
    [calls('ScheduleKeyDeletion')],
    ['aws kms schedule-key-deletion --key-id "$TEST_KEY" --pending-window-in-days 7 # twice'],
  ),
  exceptions(
    'vault-copies',
    'that S3 copies from the destination into a vault with another key under these policies, and a version `null` as it is',
    'a hold with a vault is STUCK, and its purge waits; Legal copies by hand',
    ['aws s3api list-object-versions --bucket "$VAULT_BUCKET" --max-items 5'],
    [
      'deploy templates/hold-vault.yml beside a destination of a test account and put its exception on hold with --vault; the count of the hold is that of the listing',
    ],
  ),
  exceptions(
    'held-events',
    'that `FilterLogEvents` shows every event of a log group within an hour of its ingestion, and gives each an `eventId` that stays the same',
    'an event that is never shown is not moved, and goes with its log group; an id that changes makes duplicates in the vault',
    [
      'aws logs filter-log-events --log-group-name "$CONTENT_LOG_GROUP" --max-items 20 --query "events[].[eventId,ingestionTime,timestamp]"',
    ],
    [
      'make calls under an exception whose destination is a log group, put it on hold with --vault; the count of the hold is that of the calls, and asking twice gives the same ids',
    ],
  ),
  exceptions(
    'held-clear-text',
    'that `FilterLogEvents` with `unmask` gives clear text under a data protection policy, and is refused, not masked, without `logs:Unmask`',
    'what is moved from a masked log group is masked, and the clear text goes with the group; nothing may be moved then where a policy masks',
    [
      'aws logs filter-log-events --log-group-name "$CONTENT_LOG_GROUP" --unmask --max-items 20 --query "events[].message"',
    ],
    [
      'put a data protection policy that masks e-mail addresses on a test log group, write an address into it, and ask with --unmask as a role with logs:Unmask (clear text) and as one without it (must be AccessDeniedException)',
    ],
  ),
  exceptions(
    'log-reads-in-events',
    'that EventBridge gives `FilterLogEvents`, `GetLogEvents`, `StartQuery` and `StartLiveTail` to a rule in this state, on the default bus and forwarded on another, with the log group among the request parameters',
    'reads of log groups are missing from the count, which says nothing of it',
    ['aws logs filter-log-events --log-group-name "$CONTENT_LOG_GROUP" --max-items 1'],
    [
      'read the log group of an exception in a test account with CountReads=yes in each of the four ways; exception show counts four',
    ],
  ),
  exceptions(
    'read-signs',
    'that a rule with a schedule can send its event to a bus of another account',
    'reads are “not counted” although they are forwarded',
    ['aws events describe-rule --name ProvisoReadsForwarded'],
    [
      'deploy templates/member-events.yml with CountReads=yes, wait 6 hours, and see what exception show says of the reads',
    ],
  ),
  exceptions(
    'cloudtrail-names',
    "that CloudTrail's records of Put and Delete carry these names, and how late they are",
    'the other party is not named; nothing else depends on it',
    [calls('PutModelInvocationLoggingConfiguration'), calls('DeleteModelInvocationLoggingConfiguration')],
    ['change the setting at a known time, and ask until it is shown'],
  ),
  exceptions(
    'second-lever-quiet',
    'that a delivery to a denied bucket, or under a disabled key, fails without touching inference, and how soon a disabled key is refused everywhere',
    'the second lever must not be pulled by itself',
    ['aws cloudwatch list-metrics --namespace AWS/Bedrock'],
    [
      'aws kms disable-key --key-id "$CONTENT_KEY" # while a test exception is on',
      'aws bedrock-runtime converse --model-id "$MODEL" --messages \'[{"role":"user","content":[{"text":"test"}]}]\' # must answer, every minute for ten',
    ],
  ),
  exceptions(
    'late-delivery',
    'how late a record may be delivered after switching off',
    "the policy's `drain` (shipped: 1 hour) must grow",
    ['aws s3api list-objects-v2 --bucket "$CONTENT_BUCKET" --max-items 20'],
    ['call a model until the end of a test exception, and compare the times of the objects with that end'],
  ),
  exceptions(
    'mantle-or-batch-recorded',
    'whether `bedrock-mantle` or a batch job is ever recorded by invocation logging',
    'what is not captured says too much; who else can invoke counts both already',
    ['aws s3api list-objects-v2 --bucket "$CONTENT_BUCKET" --max-items 20'],
    [
      'during a test exception run one batch job, one asynchronous and one bidirectional call, and one call of bedrock-mantle, and look for each',
    ],
  ),
  filter(
    'batch-form',
    'the form of batches and of the names of large bodies (known from readers of them)',
    'what cannot be read is deleted unread and counted, so records in scope are lost',
    ['aws s3api list-objects-v2 --bucket "$CONTENT_BUCKET" --max-items 20'],
    [
      'call a model with 1 KB and with 200 KB during a test exception, and compare the objects with docs/filter-and-purge.md',
    ],
  ),
  filter(
    'bodies-apart',
    'that bodies and records come within half an hour of each other',
    'a body of a subject that comes earlier than that is deleted',
    ['aws s3api list-objects-v2 --bucket "$CONTENT_BUCKET" --max-items 20'],
    [
      'call a model with 200 KB during a test exception a hundred times, and compare the times of bodies and batches',
    ],
  ),
  filter(
    'copy-under-key',
    "whether Bedrock's objects can be copied under the exception's key by `CopyObject` up to its 5 GB",
    'large bodies in scope stay raw, and the purge deletes them',
    [calls('CopyObject')],
    ['call a model with 200 KB as a subject of a filtered test exception: the body appears below vault/'],
  ),
  filter(
    'image-flags',
    'what image flags leave in a record of text',
    'a policy that allows text alone may let through what a record quotes',
    [LOGGING],
    ['call a model with text and an image while only text is delivered, and read the record'],
  ),
  of('scanners.md')(
    'scanner-formats',
    'that a running Prowler, Checkov and Security Hub take the mutelist, the skips and the rules as their published grammars say',
    'findings of theirs that this policy wants stay open',
    ['aws configservice describe-config-rules --max-items 5'],
    [
      'write them with proviso export, run the scanner with them, and see that what is named is muted and nothing else',
    ],
  ),
  of('scanners.md')(
    'hub-log-group-arn',
    'how Security Hub writes the ARN of a log group',
    'the rules match by prefix, which may be too much or nothing',
    ['aws logs describe-log-groups --max-items 3 # compare with the findings of Security Hub for them'],
  ),
  of('policy-diff.md')(
    'github-workflow',
    'that the example workflow runs on GitHub as it is',
    'the gate does not hold there until it is mended; the tests run the steps that decide, on a repository of their own',
    [
      'proviso doctor --live-checks # nothing of AWS: copy examples/github-actions to a repository and open a pull request that loosens',
    ],
  ),
  of('controls/CP-01.md')(
    'omitted-flags',
    'what an omitted data-delivery flag means',
    'if it means off, CP-01 finds too much; if on, as it is read now, nothing changes',
    [LOGGING],
    [
      'put a configuration without the five flags in a test account, read it back, and call a model with text and an image',
    ],
  ),
  of('controls/CP-04.md')(
    'mantle-requests',
    'that the requests to `bedrock-mantle`, signed by hand, have the paths and shapes of the Projects API',
    'CP-04 stays indeterminate until the adapter has the right ones',
    [
      'aws cloudtrail lookup-events --lookup-attributes AttributeKey=EventSource,AttributeValue=bedrock-mantle.amazonaws.com --max-results 5',
    ],
    [
      'proviso collect --out live-check, then proviso check --snapshot live-check --control CP-04: nothing is unobservable as malformed',
    ],
  ),
  of('controls/CP-04.md')(
    'one-retention-mode',
    'whether the mode of `bedrock-mantle` and that of Bedrock are one value',
    'if they are one, CP-04 repeats CP-03 for the account; if not, enforcement must also set the other',
    ['aws bedrock get-account-data-retention'],
    [
      'aws bedrock put-account-data-retention --mode none # in a test account, then collect and compare both modes',
    ],
  ),
  of('controls/CP-05.md')(
    'retention-condition-keys',
    'that AWS enforces the two condition keys of the retention mode as documented',
    'the control policies do not hold other modes off; enforcement and the sweeps do, later',
    [calls('PutAccountDataRetention')],
    ['aws bedrock put-account-data-retention --mode default # under the control policy: expect AccessDenied'],
  ),
  of('controls/CP-06.md')(
    'retaining-models',
    'which models keep traffic, for how long, and their ids',
    'src/rules/retaining-models.json changes, and with it CP-06',
    ["aws bedrock list-foundation-models --query 'modelSummaries[].modelId'"],
    ['call each model of the list under retention mode `none`: those that keep traffic are refused'],
  ),
  of('controls/PT-4.md')(
    'throttled-calls-logged',
    'whether a throttled call leaves a record, and in which field',
    'PT-4 accepts another pattern, or the metric alone',
    [
      'aws logs filter-log-events --log-group-name "$INVOCATION_LOG_GROUP" --filter-pattern ThrottlingException --max-items 3',
    ],
    ['call a model above its quota in a test account with metadata-only logging'],
  ),
  of('snapshot.md')(
    'service-linked-roles',
    "that Bedrock's own service-linked roles send no prompts",
    'a Region closed by a control policy is open to them, and its controls stay indeterminate',
    ['aws iam list-roles --path-prefix /aws-service-role/bedrock.amazonaws.com/'],
  ),
  of('permissions.md')(
    'closed-regions',
    'that a Region that is not opted in, is denied to everybody or is not offered answers as docs/permissions.md says, and a service without an endpoint by NXDOMAIN',
    'these Regions stay indeterminate instead of absent',
    ['aws account list-regions'],
    ['proviso collect --out live-check in an account with such Regions, and compare'],
  ),
  of('notifications.md')(
    'notification-rules',
    'that the rules, the transformer and the chat channel of docs/notifications.md deliver what they are given',
    'the texts of the rules change; the events do not',
    ['aws events list-rules --event-bus-name "$STACK"'],
    ['deploy them in a test account and ask for an exception there'],
  ),
  iam(
    'bidirectional-action',
    'whether `bedrock:InvokeModel` authorizes the bidirectional stream',
    'the name goes from the list of spellings, and the action has its own question',
    [calls('InvokeModelWithBidirectionalStream')],
    ['open a bidirectional stream as a role that is allowed bedrock:InvokeModel alone'],
  ),
  iam(
    'log-group-arn-forms',
    'which form of the ARN of a log group AWS compares, by action',
    'the stronger answer, which counts now, may be too strong',
    [
      'aws iam simulate-principal-policy --policy-source-arn "$TEST_ROLE" --action-names logs:GetLogEvents logs:DeleteLogGroup --resource-arns "$TEST_LOG_GROUP" "$TEST_LOG_GROUP:*"',
    ],
  ),
  iam(
    'grant-boundary',
    'whether a permissions boundary limits a grant of a key to a role',
    'a reader by grant is missed, or named although kept out',
    ['aws kms list-grants --key-id "$CONTENT_KEY"'],
    [
      'aws kms create-grant --key-id "$TEST_KEY" --grantee-principal "$BOUNDED_ROLE" --operations Decrypt # then decrypt as that role',
    ],
  ),
  iam(
    'logs-forwards-kms',
    'whether CloudWatch Logs decrypts for a reader whom the key keeps out',
    'readers are listed whom the key keeps out; nobody is left out',
    ['aws logs describe-log-groups --max-items 3'],
    [
      'aws logs get-log-events --log-group-name "$TEST_LOG_GROUP" --log-stream-name "$TEST_STREAM" # as a role that the key denies',
    ],
  ),
  iam(
    'access-point-needs-bucket',
    'that an access point lets in nobody whom its bucket keeps out',
    'readers by an access point are missed: its policy alone must be enough in the evaluator',
    ['aws s3api get-bucket-policy --bucket "$TEST_BUCKET"'],
    [
      'aws s3api get-object --bucket "$TEST_ACCESS_POINT_ARN" --key test /dev/null # as a role that the access point allows and the bucket does not: denied',
    ],
  ),
  iam(
    'access-point-identity-arn',
    'that nobody knows which ARN own policies must name for a request through an access point',
    'the evaluator asks for the right one and decides where it says `cannot-decide` today',
    ['aws s3api get-bucket-policy --bucket "$TEST_BUCKET"'],
    [
      'aws s3api get-object --bucket "$TEST_ACCESS_POINT_ARN" --key test /dev/null # as a role of the bucket’s account whose policy names objects of the access point alone, then of the bucket alone; neither resource names the role',
    ],
  ),
  iam(
    'evaluator-against-aws',
    'that our evaluator decides as AWS does',
    'the case becomes one of test/iam/corpus/, and the evaluator changes',
    [
      'aws iam simulate-principal-policy --policy-source-arn "$TEST_ROLE" --action-names bedrock:InvokeModel bedrock:PutModelInvocationLoggingConfiguration # compare with proviso iam explain',
    ],
  ),
  of('operations.md')(
    'rule-metric-dimensions',
    "that the metric of a rule on a bus of one's own has the dimensions `EventBusName` and `RuleName`",
    'doctor cannot tell whether events arrive, or sees none where some do',
    ['aws cloudwatch list-metrics --namespace AWS/Events --metric-name MatchedEvents'],
  ),
  of('operations.md')(
    'metrics-and-traces',
    'that CloudWatch reads the metric lines of the logs as written, and what X-Ray shows',
    'no figure reaches the alarms: SilenceAlarm rings within 45 minutes',
    [
      'aws cloudwatch list-metrics --namespace Proviso',
      'aws lambda get-function-configuration --function-name "$STACK-sweep"',
    ],
  ),
  of('status.md')(
    'session-name-is-user',
    'that the session name of a permission set is the user name, letter by letter',
    'callers are refused; the caller must be found by another attribute',
    [
      'aws sts get-caller-identity # as a person, through the permission set of the API',
      'aws identitystore list-users --identity-store-id "$IDENTITY_STORE" --max-items 5',
    ],
  ),
  of('status.md')(
    'other-partitions',
    'that everything works in `aws-us-gov`, where Bedrock is, as it does in `aws`',
    'what differs is a condition with a host name (`kms:ViaService`), a service principal, or a Region list',
    ['aws sts get-caller-identity # the ARN names the partition'],
    [
      'deploy there with --partition aws-us-gov for proviso config generate, and run one exception in a test account',
    ],
  ),
  of('exceptions.md')(
    'destination-facts',
    'that what preflight reads of a destination has the shapes of recorded answers and of moto',
    'a fact is unobservable as malformed, and the exception waits and expires',
    [
      'aws s3api get-bucket-ownership-controls --bucket "$CONTENT_BUCKET"',
      'aws s3api get-bucket-lifecycle-configuration --bucket "$CONTENT_BUCKET"',
      'aws kms get-key-policy --key-id "$CONTENT_KEY"',
    ],
    ['run one exception in a test account: its preflight names everything that it could not read'],
  ),
  of('exceptions.md')(
    'organization-backup-plans',
    "that the plans that the organization's backup policies make in an account are listed with its own",
    'a copy by such a plan is not seen before content is stored',
    ['aws backup list-backup-plans # in an account with a backup policy above it'],
  ),
];
