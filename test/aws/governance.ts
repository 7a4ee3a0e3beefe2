import {
  CloudTrailClient,
  CreateTrailCommand,
  PutEventSelectorsCommand,
  StartLoggingCommand,
} from '@aws-sdk/client-cloudtrail';
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { CreateRoleCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import {
  CreateGroupCommand,
  CreateGroupMembershipCommand,
  CreateUserCommand,
  IdentitystoreClient,
} from '@aws-sdk/client-identitystore';
import { CreateKeyCommand, KMSClient, PutKeyPolicyCommand } from '@aws-sdk/client-kms';
import {
  AttachPolicyCommand,
  CreateAccountCommand,
  CreateOrganizationCommand,
  CreatePolicyCommand,
  EnablePolicyTypeCommand,
  ListRootsCommand,
  OrganizationsClient,
} from '@aws-sdk/client-organizations';
import {
  CreateBucketCommand,
  PutBucketEncryptionCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketOwnershipControlsCommand,
  PutBucketPolicyCommand,
  PutBucketVersioningCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { CreateScheduleGroupCommand, SchedulerClient } from '@aws-sdk/client-scheduler';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { deployTemplate } from '../../src/adapters/embedded/aws/index.ts';
import { type AccountId, accountId } from '../../src/core/index.ts';
import { MOTO_ACCOUNT } from './moto.ts';

/*
 * What serverless.yml and the member account's template make, in moto, by the calls of an operator.
 */

const REGION = 'us-east-1';
export const IDENTITY_STORE = 'd-9067642ac7';
export const CERTIFICATES = 'proviso-certificates';
export const EVIDENCE = 'proviso-evidence';
export const RECORDS = 'proviso-records';
export const EVENTS = 'proviso-events';
export const SCHEDULE_GROUP = 'proviso';
export const functionArn = (name: string): string =>
  `arn:aws:lambda:${REGION}:${MOTO_ACCOUNT}:function:${name}`;
const machineArn = (name: string) => `arn:aws:states:${REGION}:${MOTO_ACCOUNT}:stateMachine:${name}`;

export async function createTables(): Promise<void> {
  const dynamo = new DynamoDBClient({ region: REGION });
  const create = (TableName: string, sortKey: 'S' | 'N') =>
    dynamo.send(
      new CreateTableCommand({
        TableName,
        BillingMode: 'PAY_PER_REQUEST',
        KeySchema: [
          { AttributeName: 'pk', KeyType: 'HASH' },
          { AttributeName: 'sk', KeyType: 'RANGE' },
        ],
        AttributeDefinitions: [
          { AttributeName: 'pk', AttributeType: 'S' },
          { AttributeName: 'sk', AttributeType: sortKey },
        ],
      }),
    );
  await create(RECORDS, 'S');
  await create(EVENTS, 'N');
}

export async function createSigningKey(): Promise<string> {
  const { KeyMetadata } = await new KMSClient({ region: REGION }).send(
    new CreateKeyCommand({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' }),
  );
  return KeyMetadata?.Arn ?? '';
}

export interface PersonToCreate {
  readonly name: string;
  readonly roles: readonly string[];
}

/** @returns the immutable user ids by name, and the group ids by role */
export async function createPeople(people: readonly PersonToCreate[]) {
  const identity = new IdentitystoreClient({ region: REGION });
  const IdentityStoreId = IDENTITY_STORE;
  const groups: Record<string, string[]> = {};
  const users: Record<string, string> = {};
  for (const { name, roles } of people) {
    const { UserId = '' } = await identity.send(
      new CreateUserCommand({
        IdentityStoreId,
        UserName: name,
        DisplayName: name,
        Name: { GivenName: name, FamilyName: 'Example' },
      }),
    );
    users[name] = UserId;
    for (const role of roles) {
      if (groups[role] === undefined) {
        const { GroupId = '' } = await identity.send(
          new CreateGroupCommand({ IdentityStoreId, DisplayName: role }),
        );
        groups[role] = [GroupId];
      }
      await identity.send(
        new CreateGroupMembershipCommand({ IdentityStoreId, GroupId: groups[role][0], MemberId: { UserId } }),
      );
    }
  }
  return { users, groups };
}

/** The one principal of the account for incidents that may invoke a model there. */
export const RESPONDER = 'IncidentResponder';

/** An organization with one account for incidents, in which a control policy lets the responder alone invoke models. */
export async function createMember(): Promise<AccountId> {
  const organizations = new OrganizationsClient({ region: REGION });
  await organizations.send(new CreateOrganizationCommand({ FeatureSet: 'ALL' }));
  const { Roots: [root] = [] } = await organizations.send(new ListRootsCommand({}));
  await organizations.send(
    new EnablePolicyTypeCommand({ RootId: root?.Id, PolicyType: 'SERVICE_CONTROL_POLICY' }),
  );
  const { CreateAccountStatus } = await organizations.send(
    new CreateAccountCommand({ AccountName: 'incidents', Email: 'incidents@example.com' }),
  );
  const member = accountId(CreateAccountStatus?.AccountId ?? '');
  const { Policy } = await organizations.send(
    new CreatePolicyCommand({
      Type: 'SERVICE_CONTROL_POLICY',
      Name: 'only-the-responder-invokes',
      Description: 'in the account for incidents',
      Content: JSON.stringify({
        Version: '2012-10-17',
        Statement: [
          {
            Effect: 'Deny',
            Action: ['bedrock:*', 'bedrock-mantle:*'],
            Resource: '*',
            Condition: {
              ArnNotLike: {
                'aws:PrincipalArn': [
                  `arn:aws:iam::${member}:role/${RESPONDER}`,
                  'arn:aws:iam::*:role/proviso/*',
                ],
              },
            },
          },
        ],
      }),
    }),
  );
  await organizations.send(
    new AttachPolicyCommand({ PolicyId: Policy?.PolicySummary?.Id, TargetId: member }),
  );
  return member;
}

/** Credentials of somebody in the account. */
export async function credentialsIn(account: AccountId) {
  const { Credentials } = await new STSClient({ region: REGION }).send(
    new AssumeRoleCommand({ RoleArn: `arn:aws:iam::${account}:role/operator`, RoleSessionName: 'operator' }),
  );
  return {
    accessKeyId: Credentials?.AccessKeyId ?? '',
    secretAccessKey: Credentials?.SecretAccessKey ?? '',
    sessionToken: Credentials?.SessionToken ?? '',
  };
}

/** A client of S3 that acts in the account, past every port of ours. */
export const s3In = async (account: AccountId): Promise<S3Client> =>
  new S3Client({ region: REGION, credentials: await credentialsIn(account), forcePathStyle: true });

/** As `s3In`, of CloudWatch Logs. */
export const logsIn = async (account: AccountId): Promise<CloudWatchLogsClient> =>
  new CloudWatchLogsClient({ region: REGION, credentials: await credentialsIn(account) });

export async function createContentBucket(
  account: AccountId,
  Bucket: string,
  kmsKeyArn: string,
  isVersioned = true,
): Promise<void> {
  const s3 = await s3In(account);
  await s3.send(new CreateBucketCommand({ Bucket }));
  if (isVersioned)
    await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }));
  await s3.send(
    new PutBucketEncryptionCommand({
      Bucket,
      ServerSideEncryptionConfiguration: {
        Rules: [
          { ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: kmsKeyArn } },
        ],
      },
    }),
  );
}

export async function createGovernance(people: readonly PersonToCreate[]) {
  await createTables();
  for (const Bucket of [CERTIFICATES, EVIDENCE])
    await new S3Client({ region: REGION, forcePathStyle: true }).send(new CreateBucketCommand({ Bucket }));
  await new SchedulerClient({ region: REGION }).send(
    new CreateScheduleGroupCommand({ Name: SCHEDULE_GROUP }),
  );
  const { users, groups } = await createPeople(people);
  const environment: Readonly<Record<string, string>> = {
    AWS_REGION: REGION,
    PROVISO_RECORDS_TABLE: RECORDS,
    PROVISO_EVENTS_TABLE: EVENTS,
    PROVISO_CERTIFICATE_BUCKET: CERTIFICATES,
    PROVISO_EVIDENCE_BUCKET: EVIDENCE,
    // The bus that every account has.
    PROVISO_EVENT_BUS: 'default',
    PROVISO_SIGNING_KEY_ARN: await createSigningKey(),
    PROVISO_EXCEPTION_MACHINE_ARN: machineArn('proviso-exception'),
    PROVISO_ENDING_MACHINE_ARN: machineArn('proviso-ending'),
    PROVISO_SCHEDULE_GROUP: SCHEDULE_GROUP,
    PROVISO_SWITCH_FUNCTION_ARN: functionArn('deadMansSwitch'),
    PROVISO_SCHEDULER_ROLE_ARN: `arn:aws:iam::${MOTO_ACCOUNT}:role/proviso-scheduler`,
    PROVISO_SWITCH_DEAD_LETTER_ARN: `arn:aws:sqs:${REGION}:${MOTO_ACCOUNT}:proviso-switch-dead-letters`,
    PROVISO_IDENTITY_STORE_ID: IDENTITY_STORE,
    PROVISO_ROLE_GROUPS: JSON.stringify(groups),
  };
  return { environment, users };
}

/** What templates/member-account.yml and an organization's trail make in the account, as far as preflight looks. */
export async function createMemberStack(account: AccountId): Promise<void> {
  const credentials = await credentialsIn(account);
  const resources = deployTemplate('member-account', {
    accountId: account,
    region: REGION,
    parameters: { GovernanceAccountId: MOTO_ACCOUNT, ContentBuckets: 'incident-*' },
    attributes: {},
  });
  const iam = new IAMClient({ region: REGION, credentials });
  // Those that preflight asks for what they may.
  for (const [resource, RoleName] of [
    ['DisableRole', 'ProvisoDisable'],
    ['SecondLeverRole', 'ProvisoSecondLever'],
  ] as const) {
    const role = resources[resource]?.properties as {
      readonly AssumeRolePolicyDocument: unknown;
      readonly Policies: readonly { readonly PolicyName: string; readonly PolicyDocument: unknown }[];
    };
    await iam.send(
      new CreateRoleCommand({
        RoleName,
        Path: '/proviso/',
        AssumeRolePolicyDocument: JSON.stringify(role.AssumeRolePolicyDocument),
      }),
    );
    for (const { PolicyName, PolicyDocument } of role.Policies)
      await iam.send(
        new PutRolePolicyCommand({ RoleName, PolicyName, PolicyDocument: JSON.stringify(PolicyDocument) }),
      );
  }
  const s3 = await s3In(account);
  const S3BucketName = 'trail-of-the-account';
  await s3.send(new CreateBucketCommand({ Bucket: S3BucketName }));
  const trails = new CloudTrailClient({ region: REGION, credentials });
  const trail = { Name: 'account', TrailName: 'account' };
  await trails.send(new CreateTrailCommand({ ...trail, S3BucketName }));
  await trails.send(
    new PutEventSelectorsCommand({
      ...trail,
      EventSelectors: [
        {
          ReadWriteType: 'All',
          IncludeManagementEvents: true,
          DataResources: [{ Type: 'AWS::S3::Object', Values: ['arn:aws:s3'] }],
        },
      ],
    }),
  );
  await trails.send(new StartLoggingCommand(trail));
}

/** A key in the account. @returns its ARN */
export async function createContentKey(account: AccountId): Promise<string> {
  const { KeyMetadata } = await new KMSClient({
    region: REGION,
    credentials: await credentialsIn(account),
  }).send(new CreateKeyCommand({ Tags: [{ TagKey: 'proviso', TagValue: 'exception-content' }] }));
  return KeyMetadata?.Arn ?? '';
}

/** templates/exception-destination.yml over a bucket and a key that are there. */
export async function deployDestination(
  account: AccountId,
  Bucket: string,
  kmsKeyArn: string,
  { expiresAt, readers }: { readonly expiresAt: string; readonly readers: readonly string[] },
): Promise<void> {
  const resources = deployTemplate('exception-destination', {
    accountId: account,
    region: REGION,
    parameters: { ContentName: 'moto', KeyPrefix: 'content/', ExpiresAt: expiresAt, ReaderArns: readers },
    attributes: {
      'ContentKey.Arn': kmsKeyArn,
      ContentBucket: Bucket,
      'ContentBucket.Arn': `arn:aws:s3:::${Bucket}`,
    },
  });
  const document = (name: string, field: 'KeyPolicy' | 'PolicyDocument') =>
    JSON.stringify((resources[name]?.properties as Record<string, unknown> | undefined)?.[field]);
  const s3 = await s3In(account);
  // moto answers 500 to every object call on a bucket whose policy has denials with conditions; here the key policy alone ends reading.
  const policy = JSON.parse(document('ContentBucketPolicy', 'PolicyDocument')) as {
    readonly Statement: readonly { readonly Effect: string; readonly Sid: string }[];
  };
  const Statement = policy.Statement.filter(({ Sid }) => Sid === 'BedrockWritesUntilTheEnd');
  await s3.send(new PutBucketPolicyCommand({ Bucket, Policy: JSON.stringify({ ...policy, Statement }) }));
  await s3.send(
    new PutBucketOwnershipControlsCommand({
      Bucket,
      OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
    }),
  );
  await s3.send(
    new PutBucketLifecycleConfigurationCommand({
      Bucket,
      LifecycleConfiguration: {
        Rules: [
          {
            ID: 'backstop',
            Status: 'Enabled',
            Filter: { Prefix: '' },
            Expiration: { Days: 11 },
            NoncurrentVersionExpiration: { NoncurrentDays: 1 },
          },
        ],
      },
    }),
  );
  await new KMSClient({ region: REGION, credentials: await credentialsIn(account) }).send(
    new PutKeyPolicyCommand({
      KeyId: kmsKeyArn,
      PolicyName: 'default',
      Policy: document('ContentKey', 'KeyPolicy'),
    }),
  );
}
