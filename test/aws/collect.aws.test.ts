import { BedrockClient, PutModelInvocationLoggingConfigurationCommand } from '@aws-sdk/client-bedrock';
import {
  AttachUserPolicyCommand,
  CreateAccessKeyCommand,
  CreatePolicyCommand as CreateManagedPolicyCommand,
  CreateRoleCommand,
  CreateUserCommand,
  IAMClient,
  PutUserPolicyCommand,
} from '@aws-sdk/client-iam';
import {
  CreateGroupCommand,
  CreateGroupMembershipCommand,
  CreateUserCommand as CreatePersonCommand,
  IdentitystoreClient,
} from '@aws-sdk/client-identitystore';
import {
  AttachPolicyCommand,
  CreateAccountCommand,
  CreateOrganizationalUnitCommand,
  CreateOrganizationCommand,
  CreatePolicyCommand,
  EnablePolicyTypeCommand,
  ListRootsCommand,
  MoveAccountCommand,
  OrganizationsClient,
} from '@aws-sdk/client-organizations';
import {
  CreateAccountAssignmentCommand,
  CreatePermissionSetCommand,
  ListInstancesCommand,
  ProvisionPermissionSetCommand,
  SSOAdminClient,
} from '@aws-sdk/client-sso-admin';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { awsEvidenceSources } from '../../src/adapters/aws/index.ts';
import { accountId, epochMs, region } from '../../src/core/index.ts';
import {
  type AccountEvidence,
  collectSnapshot,
  decodeSnapshot,
  encodeSnapshot,
  type Snapshot,
} from '../../src/evidence/index.ts';
import { MOTO_ACCOUNT, motoEnvironment, startMoto } from './moto.ts';

/*
 * The collectors with the real SDK clients over HTTP, against moto's server: no AWS account is touched.
 *
 * Where moto 5 departs from AWS, and what it means here:
 * - GetAccountDataRetention and ListServiceSpecificCredentials are not implemented (HTTP 500): the facts must be `failed`.
 * - Nothing configured is answered by `{"loggingConfig":{}}`: must be `absent` as on AWS.
 * - Managed policies in the authorization details come without their name: it is taken from the ARN.
 * - A role need not exist to be assumed, and nothing is ever denied: denial is covered by test/adapters/aws-evidence.test.ts.
 * - ListAccounts never cuts a page at 20: paging too is covered there.
 * - Assigning a permission set does not provision it: that is a call of its own here.
 */

const moto = await startMoto();
afterAll(() => moto?.stop());

const FRANKFURT = region('eu-central-1');
const VIRGINIA = region('us-east-1');
const document = (...Statement: object[]) => JSON.stringify({ Version: '2012-10-17', Statement });
const INVOKE = document({ Effect: 'Allow', Action: 'bedrock:InvokeModel', Resource: 'arn:aws:s3:::a b%/*' });
const TRUST = document({ Effect: 'Allow', Principal: { AWS: '*' }, Action: 'sts:AssumeRole' });
const DENY = document({ Effect: 'Deny', Action: 'bedrock:Put*', Resource: '*' });

async function build() {
  const organizations = new OrganizationsClient({ region: 'us-east-1' });
  await organizations.send(new CreateOrganizationCommand({ FeatureSet: 'ALL' }));
  const { Roots } = await organizations.send(new ListRootsCommand({}));
  const rootId = Roots?.[0]?.Id;
  const { OrganizationalUnit: unit } = await organizations.send(
    new CreateOrganizationalUnitCommand({ ParentId: rootId, Name: 'Product' }),
  );
  const { OrganizationalUnit: below } = await organizations.send(
    new CreateOrganizationalUnitCommand({ ParentId: unit?.Id, Name: 'Search' }),
  );
  const members: string[] = [];
  for (const [name, parent] of [
    ['assistant', unit?.Id],
    ['search', below?.Id],
  ]) {
    const { CreateAccountStatus } = await organizations.send(
      new CreateAccountCommand({ AccountName: name, Email: `${name}@canary.example.com` }),
    );
    const id = CreateAccountStatus?.AccountId ?? '';
    members.push(id);
    await organizations.send(
      new MoveAccountCommand({ AccountId: id, SourceParentId: rootId, DestinationParentId: parent }),
    );
  }
  await organizations.send(
    new EnablePolicyTypeCommand({ RootId: rootId, PolicyType: 'SERVICE_CONTROL_POLICY' }),
  );
  const { Policy } = await organizations.send(
    new CreatePolicyCommand({
      Name: 'Deny',
      Description: 'd',
      Type: 'SERVICE_CONTROL_POLICY',
      Content: DENY,
    }),
  );
  await organizations.send(
    new AttachPolicyCommand({ PolicyId: Policy?.PolicySummary?.Id, TargetId: below?.Id }),
  );

  const [assistant = '', search = ''] = members;
  const session = await new STSClient({ region: 'us-east-1' }).send(
    new AssumeRoleCommand({ RoleArn: `arn:aws:iam::${assistant}:role/setup`, RoleSessionName: 'setup' }),
  );
  const credentials = {
    accessKeyId: session.Credentials?.AccessKeyId ?? '',
    secretAccessKey: session.Credentials?.SecretAccessKey ?? '',
    sessionToken: session.Credentials?.SessionToken ?? '',
  };
  await new BedrockClient({ region: FRANKFURT, credentials }).send(
    new PutModelInvocationLoggingConfigurationCommand({
      loggingConfig: {
        s3Config: { bucketName: 'assistant-debug', keyPrefix: 'x/' },
        textDataDeliveryEnabled: true,
        imageDataDeliveryEnabled: false,
      },
    }),
  );
  const iam = new IAMClient({ region: 'us-east-1', credentials });
  await iam.send(new CreateUserCommand({ UserName: 'ci' }));
  await iam.send(new PutUserPolicyCommand({ UserName: 'ci', PolicyName: 'Invoke', PolicyDocument: INVOKE }));
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: 'ci' }));
  const used = await iam.send(new CreateManagedPolicyCommand({ PolicyName: 'Used', PolicyDocument: INVOKE }));
  await iam.send(new CreateManagedPolicyCommand({ PolicyName: 'Unused', PolicyDocument: INVOKE }));
  await iam.send(new AttachUserPolicyCommand({ UserName: 'ci', PolicyArn: used.Policy?.Arn }));
  await iam.send(
    new CreateRoleCommand({
      RoleName: 'Shared',
      Path: '/team/',
      AssumeRolePolicyDocument: TRUST,
      PermissionsBoundary: used.Policy?.Arn,
    }),
  );
  const center = new SSOAdminClient({ region: 'us-east-1' });
  const { Instances } = await center.send(new ListInstancesCommand({}));
  const [{ InstanceArn, IdentityStoreId } = {}] = Instances ?? [];
  const { PermissionSet } = await center.send(
    new CreatePermissionSetCommand({ InstanceArn, Name: 'Developer' }),
  );
  const store = new IdentitystoreClient({ region: 'us-east-1' });
  const { GroupId } = await store.send(
    new CreateGroupCommand({ IdentityStoreId, DisplayName: 'Developers' }),
  );
  const { UserId } = await store.send(
    new CreatePersonCommand({
      IdentityStoreId,
      UserName: 'ada@canary.example.com',
      DisplayName: 'Ada',
      Name: { GivenName: 'Ada', FamilyName: 'Example' },
    }),
  );
  await store.send(
    new CreateGroupMembershipCommand({ IdentityStoreId, GroupId, MemberId: { UserId: UserId ?? '' } }),
  );
  await center.send(
    new CreateAccountAssignmentCommand({
      InstanceArn,
      TargetId: assistant,
      TargetType: 'AWS_ACCOUNT',
      PermissionSetArn: PermissionSet?.PermissionSetArn,
      PrincipalType: 'GROUP',
      PrincipalId: GroupId,
    }),
  );
  await center.send(
    new ProvisionPermissionSetCommand({
      InstanceArn,
      TargetId: assistant,
      TargetType: 'AWS_ACCOUNT',
      PermissionSetArn: PermissionSet?.PermissionSetArn,
    }),
  );
  return {
    groupId: GroupId,
    userId: UserId,
    rootId,
    unitId: unit?.Id,
    belowId: below?.Id,
    policyId: Policy?.PolicySummary?.Id,
    assistant: accountId(assistant),
    search: accountId(search),
    key: AccessKey,
  };
}

describe.skipIf(moto === undefined)('a snapshot of an organization that moto plays', () => {
  let built: Awaited<ReturnType<typeof build>>;
  let snapshot: Snapshot;

  beforeAll(async () => {
    if (moto === undefined) return;
    for (const [name, value] of Object.entries(motoEnvironment(moto.url))) vi.stubEnv(name, value);
    built = await build();
    const aws = awsEvidenceSources({ maxAttempts: 1 });
    const taken = await collectSnapshot(aws, {
      regions: [VIRGINIA, FRANKFURT],
      takenAt: epochMs(Date.parse('2026-11-20T08:00:00Z')),
    });
    aws.close();
    if (!taken.ok) throw taken.error;
    snapshot = taken.value;
  });
  afterAll(() => {
    vi.unstubAllEnvs();
  });

  const iamOf = (id: string): AccountEvidence['iam'] | undefined =>
    snapshot.accounts.find((account) => account.accountId === id)?.iam;

  it('shows the tree, the accounts where they stand and the policies on their targets', () => {
    const { organization } = snapshot;
    expect(organization.managementAccountId).toBe(MOTO_ACCOUNT);
    expect(organization.units).toEqual([
      { id: built.rootId, name: 'Root' },
      { id: built.unitId, name: 'Product', parentId: built.rootId },
      { id: built.belowId, name: 'Search', parentId: built.unitId },
    ]);
    expect(organization.accounts.map(({ id, state, parentId }) => [id, state, parentId])).toEqual([
      [MOTO_ACCOUNT, 'ACTIVE', built.rootId],
      [built.assistant, 'ACTIVE', built.unitId],
      [built.search, 'ACTIVE', built.belowId],
    ]);
    expect(organization.serviceControlPolicies).toMatchObject({
      kind: 'observed',
      value: expect.arrayContaining([{ id: built.policyId, name: 'Deny', document: DENY }]),
    });
    expect(organization.attachments).toMatchObject({
      kind: 'observed',
      value: expect.arrayContaining([
        { targetId: built.belowId, policyIds: expect.arrayContaining([built.policyId]) },
        { targetId: built.unitId, policyIds: expect.not.arrayContaining([built.policyId]) },
      ]),
    });
    expect(organization.delegatedAdministrators).toMatchObject({ kind: 'observed', value: [] });
  });

  it('finds logging in the one member and Region that has it, through the assumed role', () => {
    expect(
      snapshot.accountRegions.map(({ accountId: id, region: name, invocationLogging }) => [
        id,
        name,
        invocationLogging.kind,
      ]),
    ).toEqual([
      [MOTO_ACCOUNT, VIRGINIA, 'absent'],
      [MOTO_ACCOUNT, FRANKFURT, 'absent'],
      [built.assistant, VIRGINIA, 'absent'],
      [built.assistant, FRANKFURT, 'observed'],
      [built.search, VIRGINIA, 'absent'],
      [built.search, FRANKFURT, 'absent'],
    ]);
    expect(snapshot.accountRegions[3]?.invocationLogging).toMatchObject({
      value: {
        s3Config: { bucketName: 'assistant-debug', keyPrefix: 'x/' },
        textDataDeliveryEnabled: true,
        imageDataDeliveryEnabled: false,
      },
    });
    expect(snapshot.accountRegions[3]).not.toHaveProperty('invocationLogging.value.audioDataDeliveryEnabled');
  });

  it('shows IAM of the member with decoded documents, key ids and no key', () => {
    expect(iamOf(built.assistant)).toMatchObject({
      kind: 'observed',
      value: {
        users: [
          {
            name: 'ci',
            inlinePolicies: [{ name: 'Invoke', document: INVOKE }],
            attachedPolicies: [{ name: 'Used' }],
            accessKeys: { kind: 'observed', value: [{ id: built.key?.AccessKeyId, status: 'Active' }] },
          },
        ],
        // Beside the role that Organizations itself puts into an account it creates.
        roles: expect.arrayContaining([
          expect.objectContaining({
            name: 'Shared',
            path: '/team/',
            assumeRolePolicyDocument: TRUST,
            permissionsBoundaryArn: `arn:aws:iam::${built.assistant}:policy/Used`,
          }),
        ]),
        managedPolicies: [{ name: 'Used', document: INVOKE }],
      },
    });
    expect(iamOf(built.search)).toMatchObject({ kind: 'observed', value: { users: [] } });
  });

  it('names who is in the group that holds a permission set, without the address in the user name', () => {
    const sections = snapshot.accounts.find(({ accountId: id }) => id === built.assistant)?.sections;
    expect(sections?.permissionSetAssignments).toMatchObject({
      kind: 'observed',
      value: [{ permissionSetName: 'Developer', principalId: built.groupId, groupName: 'Developers' }],
    });
    expect(sections?.assignedPeople).toMatchObject({
      kind: 'observed',
      value: [
        {
          principalId: built.groupId,
          people: { kind: 'observed', value: [{ userId: built.userId, userName: 'ada' }] },
        },
      ],
    });
  });

  it('says `failed` where moto has no answer, and never that there is nothing', () => {
    for (const pair of snapshot.accountRegions)
      expect(pair.dataRetention).toMatchObject({ kind: 'unobservable', reason: 'failed' });
    expect(iamOf(built.assistant)).toMatchObject({
      value: { users: [{ serviceSpecificCredentials: { kind: 'unobservable', reason: 'failed' } }] },
    });
  });

  it('goes through files unchanged, without a secret or an address', () => {
    const files = encodeSnapshot(snapshot);
    const text = [...files.values()].join('');
    expect(built.key?.SecretAccessKey).toBeTruthy();
    expect(text).not.toContain(built.key?.SecretAccessKey);
    expect(text).not.toContain('canary.example.com');
    const read = decodeSnapshot(files);
    expect(read.ok && encodeSnapshot(read.value)).toEqual(files);
  });
});
