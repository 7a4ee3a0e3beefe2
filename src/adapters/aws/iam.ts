import {
  type AttachedPolicy as AwsAttachedPolicy,
  GetAccountAuthorizationDetailsCommand,
  type GetAccountAuthorizationDetailsCommandOutput,
  IAMClient,
  ListAccessKeysCommand,
  ListServiceSpecificCredentialsCommand,
  type ManagedPolicyDetail,
  type PolicyDetail,
  type ServiceSpecificCredentialMetadata,
  type UserDetail,
} from '@aws-sdk/client-iam';
import pMap from 'p-map';
import { type AccountId, type Clock, type EpochMs, epochMs } from '../../core/index.ts';
import type {
  AccessKey,
  AccountSource,
  AttachedPolicy,
  IamEvidence,
  IamUser,
  ManagedPolicy,
  Observation,
  PolicyDocumentEntry,
  ServiceSpecificCredential,
} from '../../evidence/index.ts';
import type { AccountAccess } from './account-access.ts';
import { clientOf } from './clients.ts';
import { abortable, MalformedAnswer, observe, required } from './observe.ts';
import { allPages, iamNext } from './pages.ts';

const BEDROCK_API_KEYS = 'bedrock.amazonaws.com';
/** Users of one account whose access keys are listed at the same time; ListAccessKeys has no form for all users. */
const USER_CONCURRENCY = 4;
const PAGE_SIZE = 1000;

/**
 * IAM of an account: GetAccountAuthorizationDetails (all pages, all filters, so that AWS managed policies used as boundaries resolve), one
 * ListServiceSpecificCredentials for all users, and ListAccessKeys per user. Without users neither key call is made.
 * No operation used here can return a secret.
 */
export function iamAccountSource(access: AccountAccess, clock: Clock): AccountSource {
  return {
    readIam: (accountId, { signal } = {}) =>
      observe(clock, { call: 'iam:GetAccountAuthorizationDetails', accountId }, async () => {
        const client = clientOf(IAMClient, await access.settingsFor(accountId));
        const reader = { client, clock, accountId, signal };
        return evidenceFrom(await authorizationDetails(reader), reader);
      }),
  };
}

interface Reader {
  readonly client: IAMClient;
  readonly clock: Clock;
  readonly accountId: AccountId;
  readonly signal: AbortSignal | undefined;
}

const authorizationDetails = ({ client, signal }: Reader) =>
  allPages<GetAccountAuthorizationDetailsCommandOutput>(async (token) => {
    const page = await client.send(
      new GetAccountAuthorizationDetailsCommand({
        Filter: ['User', 'Role', 'Group', 'LocalManagedPolicy', 'AWSManagedPolicy'],
        MaxItems: PAGE_SIZE,
        Marker: token,
      }),
      abortable(signal),
    );
    return { items: [page], next: iamNext(page) };
  });

async function evidenceFrom(
  pages: readonly GetAccountAuthorizationDetailsCommandOutput[],
  reader: Reader,
): Promise<IamEvidence> {
  const userDetails = pages.flatMap((page) => page.UserDetailList ?? []);
  const users = await usersFrom(userDetails, reader);
  const groups = pages
    .flatMap((page) => page.GroupDetailList ?? [])
    .map((group) => ({
      arn: required(group.Arn, 'GroupDetailList.Arn'),
      name: required(group.GroupName, 'GroupDetailList.GroupName'),
      inlinePolicies: entries(group.GroupPolicyList),
      attachedPolicies: attached(group.AttachedManagedPolicies),
    }));
  const roles = pages
    .flatMap((page) => page.RoleDetailList ?? [])
    .map((role) => ({
      arn: required(role.Arn, 'RoleDetailList.Arn'),
      name: required(role.RoleName, 'RoleDetailList.RoleName'),
      path: role.Path ?? '/',
      assumeRolePolicyDocument: decoded(
        required(role.AssumeRolePolicyDocument, 'RoleDetailList.AssumeRolePolicyDocument'),
      ),
      inlinePolicies: entries(role.RolePolicyList),
      attachedPolicies: attached(role.AttachedManagedPolicies),
      ...boundary(role.PermissionsBoundary),
    }));

  const used = new Set([
    ...[...users, ...groups, ...roles].flatMap(({ attachedPolicies }) =>
      attachedPolicies.map(({ arn }) => arn),
    ),
    ...[...users, ...roles].flatMap(({ permissionsBoundaryArn }) => permissionsBoundaryArn ?? []),
  ]);
  const managedPolicies = pages
    .flatMap((page) => page.Policies ?? [])
    .filter((policy) => policy.Arn !== undefined && used.has(policy.Arn))
    .map(managedPolicy);
  return { users, groups, roles, managedPolicies };
}

async function usersFrom(details: readonly UserDetail[], reader: Reader): Promise<readonly IamUser[]> {
  if (details.length === 0) return [];
  const credentials = await bedrockCredentials(reader);
  return pMap(
    details,
    async (user): Promise<IamUser> => {
      const name = required(user.UserName, 'UserDetailList.UserName');
      return {
        arn: required(user.Arn, 'UserDetailList.Arn'),
        name,
        groups: user.GroupList ?? [],
        inlinePolicies: entries(user.UserPolicyList),
        attachedPolicies: attached(user.AttachedManagedPolicies),
        ...boundary(user.PermissionsBoundary),
        accessKeys: await accessKeys(name, reader),
        serviceSpecificCredentials: ofUser(credentials, name),
      };
    },
    { concurrency: USER_CONCURRENCY },
  );
}

const accessKeys = (userName: string, { client, clock, accountId, signal }: Reader) =>
  observe<readonly AccessKey[]>(clock, { call: 'iam:ListAccessKeys', accountId }, async () => {
    const keys = await allPages(async (token) => {
      const page = await client.send(
        new ListAccessKeysCommand({ UserName: userName, Marker: token }),
        abortable(signal),
      );
      return { items: page.AccessKeyMetadata, next: iamNext(page) };
    });
    return keys.map((key) => ({
      id: required(key.AccessKeyId, 'AccessKeyMetadata.AccessKeyId'),
      status: required(key.Status, 'AccessKeyMetadata.Status'),
      createdAt: instant(key.CreateDate, 'AccessKeyMetadata.CreateDate'),
    }));
  });

type Credentials = Observation<readonly ServiceSpecificCredentialMetadata[]>;

const bedrockCredentials = ({ client, clock, accountId, signal }: Reader): Promise<Credentials> =>
  observe(clock, { call: 'iam:ListServiceSpecificCredentials', accountId }, () =>
    allPages(async (token) => {
      const page = await client.send(
        new ListServiceSpecificCredentialsCommand({
          AllUsers: true,
          ServiceName: BEDROCK_API_KEYS,
          Marker: token,
        }),
        abortable(signal),
      );
      return { items: page.ServiceSpecificCredentials, next: iamNext(page) };
    }),
  );

function ofUser(all: Credentials, userName: string): Observation<readonly ServiceSpecificCredential[]> {
  if (all.kind !== 'observed') return all;
  try {
    const value = all.value
      .filter((credential) => credential.UserName === userName)
      .map((credential) => ({
        id: required(credential.ServiceSpecificCredentialId, 'ServiceSpecificCredentialId'),
        serviceName: required(credential.ServiceName, 'ServiceName'),
        status: required(credential.Status, 'Status'),
        createdAt: instant(credential.CreateDate, 'CreateDate'),
        ...(credential.ExpirationDate === undefined
          ? {}
          : { expiresAt: instant(credential.ExpirationDate, 'ExpirationDate') }),
      }));
    return { kind: 'observed', value, at: all.at, source: all.source };
  } catch (error) {
    if (!(error instanceof MalformedAnswer)) throw error;
    return { kind: 'unobservable', reason: 'malformed', detail: error.message, source: all.source };
  }
}

const entries = (policies: readonly PolicyDetail[] | undefined): readonly PolicyDocumentEntry[] =>
  (policies ?? []).map((policy) => ({
    name: required(policy.PolicyName, 'PolicyName'),
    document: decoded(required(policy.PolicyDocument, 'PolicyDocument')),
  }));

const attached = (policies: readonly AwsAttachedPolicy[] | undefined): readonly AttachedPolicy[] =>
  (policies ?? []).map((policy) => ({
    arn: required(policy.PolicyArn, 'AttachedManagedPolicies.PolicyArn'),
    name: required(policy.PolicyName, 'AttachedManagedPolicies.PolicyName'),
  }));

/** A boundary that AWS mentions without its ARN still is one: dropping it would show the principal as unbounded. */
const boundary = (
  of: { readonly PermissionsBoundaryArn?: string | undefined } | undefined,
): { readonly permissionsBoundaryArn?: string } =>
  of === undefined
    ? {}
    : { permissionsBoundaryArn: required(of.PermissionsBoundaryArn, 'PermissionsBoundaryArn') };

function managedPolicy(policy: ManagedPolicyDetail): ManagedPolicy {
  const versions = policy.PolicyVersionList ?? [];
  const version =
    versions.find((candidate) => candidate.VersionId === policy.DefaultVersionId) ??
    versions.find((candidate) => candidate.IsDefaultVersion === true);
  const arn = required(policy.Arn, 'Policies.Arn');
  return {
    arn,
    // The name is the ARN's last part; moto's server gives only the ARN.
    name: policy.PolicyName || arn.slice(arn.lastIndexOf('/') + 1),
    document: decoded(required(version?.Document, 'Policies.PolicyVersionList.Document')),
  };
}

/** IAM sends policy documents URL-encoded (RFC 3986). Decoded here, once; text that is not valid encoding stays as it came. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function instant(value: Date | undefined, field: string): EpochMs {
  const at = value instanceof Date ? value.getTime() : Number.NaN;
  if (Number.isNaN(at)) throw new MalformedAnswer(`${field} is not a time`);
  return epochMs(at);
}
