import {
  BedrockClient,
  GetAccountDataRetentionCommand,
  GetModelInvocationLoggingConfigurationCommand,
} from '@aws-sdk/client-bedrock';
import {
  GetAccountAuthorizationDetailsCommand,
  IAMClient,
  ListAccessKeysCommand,
  ListServiceSpecificCredentialsCommand,
} from '@aws-sdk/client-iam';
import {
  DescribeOrganizationCommand,
  DescribePolicyCommand,
  ListAccountsCommand,
  ListAccountsForParentCommand,
  ListDelegatedAdministratorsCommand,
  ListOrganizationalUnitsForParentCommand,
  ListParentsCommand,
  ListPoliciesCommand,
  ListRootsCommand,
  ListTargetsForPolicyCommand,
  OrganizationsClient,
} from '@aws-sdk/client-organizations';
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { mockClient } from 'aws-sdk-client-mock';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { awsEvidenceSources } from '../../src/adapters/aws/index.ts';
import { accountId, type EpochMs, epochMs, region } from '../../src/core/index.ts';
import { collectSnapshot, decodeSnapshot, encodeSnapshot } from '../../src/evidence/index.ts';

const organizations = mockClient(OrganizationsClient);
const bedrock = mockClient(BedrockClient);
const iam = mockClient(IAMClient);
const sts = mockClient(STSClient);

const CALLER = accountId('111111111111');
const MEMBER = accountId('222222222222');
const FRANKFURT = region('eu-central-1');
const START = Date.parse('2026-11-20T08:00:00Z');

let now: EpochMs;
const sources = () =>
  awsEvidenceSources({ clock: { now: () => now }, homeRegion: region('us-east-1'), maxAttempts: 1 });

/** What the SDK throws: a name, a message full of things that must not be kept, and the status. */
function awsError(name: string, status = 400): Error {
  const error = new Error(`User: arn:aws:sts::111111111111:assumed-role/CANARY is not authorized`);
  return Object.assign(error, { name, $metadata: { httpStatusCode: status } });
}

const session = () => ({
  Credentials: {
    AccessKeyId: 'ASIATEST',
    SecretAccessKey: 'CANARY-SECRET',
    SessionToken: 'CANARY-TOKEN',
    Expiration: new Date(now + 3600_000),
  },
});

beforeEach(() => {
  now = epochMs(START);
  sts
    .on(GetCallerIdentityCommand)
    .resolves({ Account: CALLER, Arn: 'arn:aws:iam::111111111111:user/collector' });
  sts.on(AssumeRoleCommand).callsFake(session);
});
afterEach(() => {
  for (const mock of [organizations, bedrock, iam, sts]) mock.reset();
});

describe('invocation logging', () => {
  const read = async (answer: unknown) => {
    bedrock.on(GetModelInvocationLoggingConfigurationCommand).resolves(answer as object);
    return sources().readInvocationLogging(MEMBER, FRANKFURT);
  };

  it.each<[string, unknown]>([
    ['no loggingConfig', {}],
    ['null', { loggingConfig: null }],
    ['an empty object', { loggingConfig: {} }],
    ['nothing but nulls', { loggingConfig: { s3Config: null, textDataDeliveryEnabled: null } }],
  ])('%s means that nothing is configured', async (_name, answer) => {
    expect(await read(answer)).toEqual({
      kind: 'absent',
      at: START,
      source: {
        call: 'bedrock:GetModelInvocationLoggingConfiguration',
        accountId: MEMBER,
        region: FRANKFURT,
      },
    });
  });

  it('an omitted flag stays omitted', async () => {
    const loggingConfig = {
      s3Config: { bucketName: 'b', keyPrefix: null },
      textDataDeliveryEnabled: false,
      audioDataDeliveryEnabled: null,
    };
    expect(await read({ loggingConfig })).toMatchObject({
      kind: 'observed',
      value: { s3Config: { bucketName: 'b' }, textDataDeliveryEnabled: false },
    });
    expect(await read({ loggingConfig })).not.toHaveProperty('value.audioDataDeliveryEnabled');
  });

  it.each<[string, unknown]>([
    ['a list', []],
    ['a text', 'off'],
    ['a flag as text', { textDataDeliveryEnabled: 'false' }],
    ['a destination as text', { s3Config: 'bucket' }],
    ['a flag this version does not know', { documentDataDeliveryEnabled: true }],
  ])('%s is malformed, not off', async (_name, loggingConfig) => {
    expect(await read({ loggingConfig })).toMatchObject({ kind: 'unobservable', reason: 'malformed' });
  });
});

describe('data retention', () => {
  it.each<[string, unknown, object]>([
    ['a mode', { mode: 'none', updatedAt: new Date(0) }, { kind: 'observed', value: { mode: 'none' } }],
    [
      'a mode of the future',
      { mode: 'none_but_cached' },
      { kind: 'observed', value: { mode: 'none_but_cached' } },
    ],
    ['no mode', {}, { kind: 'unobservable', reason: 'malformed' }],
    ['a null mode', { mode: null }, { kind: 'unobservable', reason: 'malformed' }],
    ['an empty mode', { mode: '' }, { kind: 'unobservable', reason: 'malformed' }],
  ])('%s', async (_name, answer, expected) => {
    bedrock.on(GetAccountDataRetentionCommand).resolves(answer as object);
    const seen = await sources().readDataRetention(MEMBER, FRANKFURT);
    expect(seen).toMatchObject(expected);
    expect(JSON.stringify(seen)).not.toContain('updatedAt');
  });
});

describe('errors of AWS', () => {
  it.each<[string, number, string]>([
    ['AccessDeniedException', 403, 'access-denied'],
    ['AccessDenied', 403, 'access-denied'],
    ['UnauthorizedOperation', 403, 'access-denied'],
    ['ThrottlingException', 400, 'throttled'],
    ['TooManyRequestsException', 429, 'throttled'],
    ['SomethingNew', 429, 'throttled'],
    ['InternalServerException', 500, 'failed'],
    ['UnrecognizedClientException', 403, 'failed'],
    ['SyntaxError', 500, 'failed'],
  ])('%s (%i) is %s, and only its name is kept', async (name, status, reason) => {
    bedrock.on(GetModelInvocationLoggingConfigurationCommand).rejects(awsError(name, status));
    const seen = await sources().readInvocationLogging(MEMBER, FRANKFURT);
    expect(seen).toMatchObject({ kind: 'unobservable', reason, detail: name });
    expect(JSON.stringify(seen)).not.toContain('CANARY');
  });

  it('a name that is not one is not kept', async () => {
    bedrock.on(GetModelInvocationLoggingConfigurationCommand).rejects(awsError('the prompt was: secret'));
    expect(await sources().readInvocationLogging(MEMBER, FRANKFURT)).toMatchObject({
      reason: 'failed',
      detail: 'UnknownError',
    });
  });
});

describe('access to accounts', () => {
  beforeEach(() => {
    bedrock.on(GetModelInvocationLoggingConfigurationCommand).resolves({});
    bedrock.on(GetAccountDataRetentionCommand).resolves({ mode: 'none' });
  });

  it('assumes the role once for all Regions of an account, under a name that CloudTrail shows', async () => {
    const aws = sources();
    await Promise.all([
      aws.readInvocationLogging(MEMBER, FRANKFURT),
      aws.readInvocationLogging(MEMBER, region('us-east-1')),
      aws.readDataRetention(MEMBER, FRANKFURT),
    ]);
    expect(sts.commandCalls(AssumeRoleCommand).map(({ args }) => args[0].input)).toEqual([
      {
        RoleArn: `arn:aws:iam::${MEMBER}:role/proviso/ProvisoCollect`,
        RoleSessionName: 'proviso-collect',
        DurationSeconds: 3600,
      },
    ]);
    expect(sts.commandCalls(GetCallerIdentityCommand)).toHaveLength(1);
    const clients = bedrock.calls().map(({ thisValue }) => thisValue as BedrockClient);
    expect(await Promise.all(clients.map((client) => client.config.region()))).toEqual([
      'eu-central-1',
      'us-east-1',
      'eu-central-1',
    ]);
    expect(await clients[0]?.config.credentials()).toMatchObject({ accessKeyId: 'ASIATEST' });
  });

  it('uses its own credentials in its own account', async () => {
    await sources().readInvocationLogging(CALLER, FRANKFURT);
    expect(sts.commandCalls(AssumeRoleCommand)).toHaveLength(0);
  });

  it('names the role in the partition of the caller', async () => {
    sts
      .on(GetCallerIdentityCommand)
      .resolves({ Account: CALLER, Arn: 'arn:aws-cn:iam::111111111111:user/c' });
    await awsEvidenceSources({
      clock: { now: () => now },
      roleName: 'Audit',
      externalId: 'x1',
    }).readInvocationLogging(MEMBER, FRANKFURT);
    expect(sts.commandCalls(AssumeRoleCommand)[0]?.args[0].input).toMatchObject({
      RoleArn: `arn:aws-cn:iam::${MEMBER}:role/Audit`,
      ExternalId: 'x1',
    });
  });

  it('renews a session before it expires', async () => {
    const aws = sources();
    await aws.readInvocationLogging(MEMBER, FRANKFURT);
    now = epochMs(START + 54 * 60_000);
    await aws.readInvocationLogging(MEMBER, FRANKFURT);
    expect(sts.commandCalls(AssumeRoleCommand)).toHaveLength(1);
    now = epochMs(START + 56 * 60_000);
    await aws.readInvocationLogging(MEMBER, FRANKFURT);
    expect(sts.commandCalls(AssumeRoleCommand)).toHaveLength(2);
  });

  it('a refused role is the reason for every fact of the account, asked once and again after a minute', async () => {
    sts.on(AssumeRoleCommand).rejects(awsError('AccessDenied', 403));
    const aws = sources();
    const denied = {
      kind: 'unobservable',
      reason: 'access-denied',
      detail: 'AccessDenied',
      source: { call: 'sts:AssumeRole', accountId: MEMBER },
    };
    expect(await aws.readIam(MEMBER)).toEqual(denied);
    expect(await aws.readInvocationLogging(MEMBER, FRANKFURT)).toEqual(denied);
    expect(await aws.readDataRetention(MEMBER, FRANKFURT)).toEqual(denied);
    expect(sts.commandCalls(AssumeRoleCommand)).toHaveLength(1);
    expect(bedrock.calls()).toHaveLength(0);
    now = epochMs(START + 61_000);
    await aws.readInvocationLogging(MEMBER, FRANKFURT);
    expect(sts.commandCalls(AssumeRoleCommand)).toHaveLength(2);
  });

  it('without an identity nothing is known, and the next read tries again', async () => {
    sts.on(GetCallerIdentityCommand).rejectsOnce(awsError('ExpiredToken', 403));
    const aws = sources();
    expect(await aws.readDataRetention(MEMBER, FRANKFURT)).toMatchObject({
      kind: 'unobservable',
      reason: 'failed',
      detail: 'ExpiredToken',
      source: { call: 'sts:GetCallerIdentity' },
    });
  });

  it('credentials that AWS gives without an end are malformed', async () => {
    sts.on(AssumeRoleCommand).resolves({ Credentials: { ...session().Credentials, Expiration: undefined } });
    expect(await sources().readDataRetention(MEMBER, FRANKFURT)).toMatchObject({ reason: 'malformed' });
  });
});

const policyText = '{"Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::100%/*"}]}';
const encoded = encodeURIComponent(policyText);

function iamPages() {
  iam
    .on(GetAccountAuthorizationDetailsCommand)
    .resolves({
      UserDetailList: [
        {
          Arn: 'arn:aws:iam::222222222222:user/b',
          UserName: 'b',
          GroupList: ['g'],
          UserPolicyList: [{ PolicyName: 'p', PolicyDocument: encoded }],
        },
      ],
      GroupDetailList: [
        {
          Arn: 'arn:aws:iam::222222222222:group/g',
          GroupName: 'g',
          AttachedManagedPolicies: [{ PolicyArn: 'arn:used', PolicyName: 'used' }],
        },
      ],
      Policies: [
        {
          Arn: 'arn:used',
          PolicyName: 'used',
          DefaultVersionId: 'v2',
          PolicyVersionList: [
            { VersionId: 'v1', Document: 'old' },
            { VersionId: 'v2', Document: encoded },
          ],
        },
        {
          Arn: 'arn:boundary',
          PolicyName: 'boundary',
          DefaultVersionId: 'v1',
          PolicyVersionList: [{ VersionId: 'v1', Document: encoded }],
        },
        { Arn: 'arn:nobody', PolicyName: 'nobody', DefaultVersionId: 'v1', PolicyVersionList: [] },
      ],
    })
    .on(GetAccountAuthorizationDetailsCommand, { Marker: undefined })
    .resolves({
      IsTruncated: true,
      Marker: 'more',
      UserDetailList: [
        {
          Arn: 'arn:aws:iam::222222222222:user/a',
          UserName: 'a',
          PermissionsBoundary: { PermissionsBoundaryArn: 'arn:boundary' },
        },
      ],
      RoleDetailList: [
        {
          Arn: 'arn:aws:iam::222222222222:role/x/r',
          RoleName: 'r',
          Path: '/x/',
          AssumeRolePolicyDocument: encoded,
        },
      ],
    });
  iam.on(ListAccessKeysCommand).resolves({ AccessKeyMetadata: [] });
  iam
    .on(ListAccessKeysCommand, { UserName: 'a', Marker: undefined })
    .resolves({
      IsTruncated: true,
      Marker: 'k2',
      AccessKeyMetadata: [{ AccessKeyId: 'AKIA1', Status: 'Active', CreateDate: new Date(START) }],
    })
    .on(ListAccessKeysCommand, { UserName: 'a', Marker: 'k2' })
    .resolves({
      AccessKeyMetadata: [{ AccessKeyId: 'AKIA2', Status: 'Inactive', CreateDate: new Date(START) }],
    });
  iam.on(ListServiceSpecificCredentialsCommand).resolves({
    ServiceSpecificCredentials: [
      {
        UserName: 'b',
        ServiceUserName: 'CANARY',
        Status: 'Active',
        CreateDate: new Date(START),
        ServiceSpecificCredentialId: 'ACCA1',
        ServiceName: 'bedrock.amazonaws.com',
      },
    ],
  });
}

describe('IAM', () => {
  it('reads every page, decodes documents once and keeps only policies that are used', async () => {
    iamPages();
    const seen = await sources().readIam(MEMBER);
    const empty = { inlinePolicies: [], attachedPolicies: [] };
    const source = { call: 'iam:ListAccessKeys', accountId: MEMBER };
    const credentials = { call: 'iam:ListServiceSpecificCredentials', accountId: MEMBER };
    const observed = (value: unknown, from: object) => ({ kind: 'observed', at: START, source: from, value });
    expect(seen).toEqual({
      kind: 'observed',
      at: START,
      source: { call: 'iam:GetAccountAuthorizationDetails', accountId: MEMBER },
      value: {
        users: [
          {
            ...empty,
            arn: 'arn:aws:iam::222222222222:user/a',
            name: 'a',
            groups: [],
            permissionsBoundaryArn: 'arn:boundary',
            accessKeys: observed(
              [
                { id: 'AKIA1', status: 'Active', createdAt: START },
                { id: 'AKIA2', status: 'Inactive', createdAt: START },
              ],
              source,
            ),
            serviceSpecificCredentials: observed([], credentials),
          },
          {
            ...empty,
            arn: 'arn:aws:iam::222222222222:user/b',
            name: 'b',
            groups: ['g'],
            inlinePolicies: [{ name: 'p', document: policyText }],
            accessKeys: observed([], source),
            serviceSpecificCredentials: observed(
              [{ id: 'ACCA1', serviceName: 'bedrock.amazonaws.com', status: 'Active', createdAt: START }],
              credentials,
            ),
          },
        ],
        groups: [
          {
            ...empty,
            arn: 'arn:aws:iam::222222222222:group/g',
            name: 'g',
            attachedPolicies: [{ arn: 'arn:used', name: 'used' }],
          },
        ],
        roles: [
          {
            ...empty,
            arn: 'arn:aws:iam::222222222222:role/x/r',
            name: 'r',
            path: '/x/',
            assumeRolePolicyDocument: policyText,
          },
        ],
        managedPolicies: [
          { arn: 'arn:used', name: 'used', document: policyText },
          { arn: 'arn:boundary', name: 'boundary', document: policyText },
        ],
      },
    });
    expect(iam.commandCalls(GetAccountAuthorizationDetailsCommand)[0]?.args[0].input.Filter).toEqual([
      'User',
      'Role',
      'Group',
      'LocalManagedPolicy',
      'AWSManagedPolicy',
    ]);
  });

  it('denied access keys leave the rest of IAM standing', async () => {
    iamPages();
    iam
      .on(ListAccessKeysCommand, { UserName: 'a', Marker: undefined })
      .rejects(awsError('AccessDenied', 403));
    iam.on(ListServiceSpecificCredentialsCommand).rejects(awsError('Throttling'));
    const seen = await sources().readIam(MEMBER);
    expect(seen).toMatchObject({
      kind: 'observed',
      value: {
        users: [
          {
            name: 'a',
            accessKeys: { kind: 'unobservable', reason: 'access-denied' },
            serviceSpecificCredentials: { kind: 'unobservable', reason: 'throttled' },
          },
          { name: 'b', accessKeys: { kind: 'observed', value: [] } },
        ],
      },
    });
  });

  it('a page that fails makes all of IAM unobservable: half a list would look clean', async () => {
    iamPages();
    iam.on(GetAccountAuthorizationDetailsCommand).callsFake((input: { Marker?: string }) => {
      if (input.Marker === 'more') throw awsError('Throttling');
      return { IsTruncated: true, Marker: 'more' };
    });
    expect(await sources().readIam(MEMBER)).toMatchObject({ kind: 'unobservable', reason: 'throttled' });
  });

  it.each<[string, object]>([
    ['a user without a name', { UserDetailList: [{ Arn: 'a' }] }],
    ['a role without a trust policy', { RoleDetailList: [{ Arn: 'a', RoleName: 'r' }] }],
    ['a boundary without an ARN', { UserDetailList: [{ Arn: 'a', UserName: 'u', PermissionsBoundary: {} }] }],
    ['more without a marker', { IsTruncated: true }],
    ['the same marker for ever', { IsTruncated: true, Marker: 'again' }],
  ])('%s is malformed', async (_name, page) => {
    iam.on(GetAccountAuthorizationDetailsCommand).resolves(page);
    iam.on(ListAccessKeysCommand).resolves({});
    iam.on(ListServiceSpecificCredentialsCommand).resolves({});
    expect(await sources().readIam(MEMBER)).toMatchObject({ kind: 'unobservable', reason: 'malformed' });
  });
});

/** Root, unit A below it, unit B below A; the caller in the root, MEMBER in B. Every list starts with an empty page. */
function smallOrganization() {
  const emptyFirst = (items: object) => (input: { NextToken?: string }) =>
    input.NextToken === undefined ? { NextToken: 't1' } : input.NextToken === 't1' ? { ...items } : {};
  const units: Record<string, object[]> = {
    'r-ex01': [{ Id: 'ou-ex01-aaaaaaaa', Name: 'A' }],
    'ou-ex01-aaaaaaaa': [{ Id: 'ou-ex01-bbbbbbbb', Name: 'B' }],
  };
  const caller = {
    Id: CALLER,
    Name: 'management',
    Email: 'canary@example.com',
    State: 'ACTIVE',
    Status: 'SUSPENDED',
  };
  const other = { Id: MEMBER, Name: 'member', Email: 'canary@example.com', Status: 'SUSPENDED' };
  const held: Record<string, object[]> = { 'r-ex01': [caller], 'ou-ex01-bbbbbbbb': [other] };
  organizations.on(DescribeOrganizationCommand).resolves({
    Organization: { Id: 'o-ex', MasterAccountId: CALLER, MasterAccountEmail: 'canary@example.com' },
  });
  organizations.on(ListRootsCommand).callsFake(emptyFirst({ Roots: [{ Id: 'r-ex01', Name: 'Root' }] }));
  organizations
    .on(ListOrganizationalUnitsForParentCommand)
    .callsFake((input: { ParentId: string; NextToken?: string }) =>
      emptyFirst({ OrganizationalUnits: units[input.ParentId] ?? [] })(input),
    );
  organizations
    .on(ListAccountsForParentCommand)
    .callsFake((input: { ParentId: string; NextToken?: string }) =>
      emptyFirst({ Accounts: held[input.ParentId] ?? [] })(input),
    );
  organizations.on(ListAccountsCommand).callsFake(emptyFirst({ Accounts: [caller, other] }));
  organizations.on(ListPoliciesCommand).callsFake((input: { Filter: string; NextToken?: string }) => {
    const name = input.Filter === 'SERVICE_CONTROL_POLICY' ? 'FullAWSAccess' : 'RCPFullAWSAccess';
    return emptyFirst({ Policies: [{ Id: `p-${name}`, Name: name }] })(input);
  });
  organizations.on(DescribePolicyCommand).resolves({ Policy: { Content: '{"a":"100%25"}' } });
  organizations
    .on(ListTargetsForPolicyCommand)
    .callsFake(emptyFirst({ Targets: [{ TargetId: 'r-ex01' }, { TargetId: MEMBER }] }));
  organizations
    .on(ListDelegatedAdministratorsCommand)
    .callsFake(emptyFirst({ DelegatedAdministrators: [{ Id: MEMBER, Email: 'canary@example.com' }] }));
  return { held };
}

describe('the organization', () => {
  it('is read whole, through empty pages, without e-mail addresses', async () => {
    smallOrganization();
    const seen = await sources().readOrganization();
    expect(seen).toMatchObject({
      kind: 'observed',
      value: {
        id: 'o-ex',
        managementAccountId: CALLER,
        units: [
          { id: 'r-ex01', name: 'Root' },
          { id: 'ou-ex01-aaaaaaaa', name: 'A', parentId: 'r-ex01' },
          { id: 'ou-ex01-bbbbbbbb', name: 'B', parentId: 'ou-ex01-aaaaaaaa' },
        ],
        // State wins over Status, which is being retired; where there is no State, Status speaks.
        accounts: [
          { id: CALLER, name: 'management', state: 'ACTIVE', parentId: 'r-ex01' },
          { id: MEMBER, name: 'member', state: 'SUSPENDED', parentId: 'ou-ex01-bbbbbbbb' },
        ],
        // Not URL-encoded, unlike IAM's, and so not decoded.
        serviceControlPolicies: {
          kind: 'observed',
          value: [{ id: 'p-FullAWSAccess', document: '{"a":"100%25"}' }],
        },
        attachments: {
          kind: 'observed',
          value: [
            { targetId: 'r-ex01', policyIds: ['p-FullAWSAccess'] },
            { targetId: 'ou-ex01-aaaaaaaa', policyIds: [] },
            { targetId: 'ou-ex01-bbbbbbbb', policyIds: [] },
            { targetId: CALLER, policyIds: [] },
            { targetId: MEMBER, policyIds: ['p-FullAWSAccess'] },
          ],
        },
        delegatedAdministrators: { kind: 'observed', value: [MEMBER] },
        resourceControlPolicies: { kind: 'observed', value: [{ id: 'p-RCPFullAWSAccess' }] },
        resourceControlAttachments: {
          kind: 'observed',
          value: [{ targetId: 'r-ex01', policyIds: ['p-RCPFullAWSAccess'] }, {}, {}, {}, {}],
        },
      },
    });
    expect(JSON.stringify(seen)).not.toContain('canary@');
    for (const call of organizations.commandCalls(ListAccountsCommand))
      expect(call.args[0].input.MaxResults).toBe(20);
  });

  it('an account that moved while the units were read is asked for by name and not lost', async () => {
    const { held } = smallOrganization();
    held['ou-ex01-bbbbbbbb'] = [];
    organizations
      .on(ListParentsCommand, { ChildId: MEMBER })
      .resolves({ Parents: [{ Id: 'ou-ex01-aaaaaaaa' }] });
    expect(await sources().readOrganization()).toMatchObject({
      value: { accounts: [{ id: CALLER }, { id: MEMBER, parentId: 'ou-ex01-aaaaaaaa' }] },
    });
  });

  it('denied policies and administrators leave the tree standing', async () => {
    smallOrganization();
    organizations.on(DescribePolicyCommand).rejects(awsError('AccessDeniedException', 403));
    organizations.on(ListDelegatedAdministratorsCommand).rejects(awsError('AccessDeniedException', 403));
    const denied = { kind: 'unobservable', reason: 'access-denied' };
    expect(await sources().readOrganization()).toMatchObject({
      kind: 'observed',
      value: {
        serviceControlPolicies: denied,
        attachments: { kind: 'observed' },
        delegatedAdministrators: denied,
      },
    });
  });

  it('no organization is absent', async () => {
    organizations.on(DescribeOrganizationCommand).rejects(awsError('AWSOrganizationsNotInUseException'));
    expect(await sources().readOrganization()).toMatchObject({ kind: 'absent' });
  });

  it('a tree that may not be read is not an organization without accounts', async () => {
    smallOrganization();
    organizations.on(ListAccountsForParentCommand).rejects(awsError('AccessDeniedException', 403));
    expect(await sources().readOrganization()).toMatchObject({
      kind: 'unobservable',
      reason: 'access-denied',
    });
  });
});

describe('a whole snapshot', () => {
  /*
   * The documented minimum (docs/permissions.md, "How many calls"): per account one AssumeRole, one page of authorization details, with users
   * one listing of credentials and one of keys per user; per account and Region one call for each of the two settings.
   */
  it('makes the fewest calls: two per account and Region, and IAM once per account', async () => {
    const { held } = smallOrganization();
    held['ou-ex01-bbbbbbbb'] = [{ Id: MEMBER, Name: 'member', State: 'ACTIVE' }];
    iam.on(GetAccountAuthorizationDetailsCommand).resolves({
      UserDetailList: [
        { Arn: 'arn:a', UserName: 'a' },
        { Arn: 'arn:b', UserName: 'b' },
      ],
    });
    iam.on(ListAccessKeysCommand).resolves({});
    iam.on(ListServiceSpecificCredentialsCommand).resolves({});
    bedrock.on(GetModelInvocationLoggingConfigurationCommand).resolves({});
    bedrock.on(GetAccountDataRetentionCommand).resolves({ mode: 'none' });
    const regions = [FRANKFURT, region('us-east-1'), region('eu-west-1')];
    const settingsAndIam = {
      ...sources(),
      sections: { 'account-region': {}, account: {}, organization: {} },
    };
    const taken = await collectSnapshot(settingsAndIam, { regions, takenAt: now });

    const accounts = 2;
    expect(bedrock.commandCalls(GetModelInvocationLoggingConfigurationCommand)).toHaveLength(accounts * 3);
    expect(bedrock.commandCalls(GetAccountDataRetentionCommand)).toHaveLength(accounts * 3);
    expect(iam.commandCalls(GetAccountAuthorizationDetailsCommand)).toHaveLength(accounts);
    expect(iam.commandCalls(ListServiceSpecificCredentialsCommand)).toHaveLength(accounts);
    expect(iam.commandCalls(ListAccessKeysCommand)).toHaveLength(accounts * 2);
    expect(sts.commandCalls(AssumeRoleCommand)).toHaveLength(1);
    expect(sts.commandCalls(GetCallerIdentityCommand)).toHaveLength(1);

    if (!taken.ok) throw taken.error;
    const files = encodeSnapshot(taken.value);
    expect([...files.values()].join('')).not.toMatch(/CANARY|canary@/);
    expect(decodeSnapshot(files)).toEqual({ ok: true, value: taken.value });
  });
});
