import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { accountId, epochMs, type Region, region } from '../../src/core/index.ts';
import {
  type AccountPart,
  encodeAccount,
  encodeHead,
  type IamEvidence,
  type IamRole,
  type LoggingConfiguration,
  type ManagedPolicy,
  type Observation,
  SNAPSHOT_SCHEMA_VERSION,
  type SnapshotHead,
  type UnobservableReason,
} from '../../src/evidence/index.ts';
import { accountSections, organizationSections, regionSections } from './organization-sections.ts';

/*
 * An organization of any size, for the benchmarks. The same size and seed give the same bytes. What it is made of:
 *
 * | what | how it is spread |
 * |---|---|
 * | units | 20 below the root, accounts among them in turn |
 * | service control policies | a Region fence on the root, a guard of the logging settings on every second unit, full access everywhere |
 * | accounts | 1 in 50 SUSPENDED (nothing was read there), 1 in 100 whose IAM was denied |
 * | account and Region | of 200: 180 nothing configured and retention `none`; 8 metadata only; 4 text into a bucket; 4 with an inherited retention mode; 4 denied |
 * | roles | of 200: 120 of services with an inline policy of the account's own ARNs; 60 of Identity Center with a managed policy of AWS; 14 of applications that read S3 and may invoke models; 4 assumable by the whole account; 2 administrators with a boundary |
 * | users | 2 in every account, 1 of 10 with an active access key, 1 of 50 with a Bedrock API key |
 * | managed policies | 6 of AWS, the same in all accounts, and 4 of each account |
 *
 * The further evidence, which most controls ask about, is in organization-sections.ts.
 */

export const GENERATED_AT = epochMs(Date.parse('2026-11-20T08:00:00Z'));

export const SEVENTEEN_REGIONS: readonly Region[] = [
  'ap-northeast-1',
  'ap-northeast-2',
  'ap-northeast-3',
  'ap-south-1',
  'ap-southeast-1',
  'ap-southeast-2',
  'ca-central-1',
  'eu-central-1',
  'eu-north-1',
  'eu-west-1',
  'eu-west-2',
  'eu-west-3',
  'sa-east-1',
  'us-east-1',
  'us-east-2',
  'us-west-1',
  'us-west-2',
].map(region);

export interface OrganizationSize {
  readonly accounts: number;
  readonly roles: number;
  readonly regions: readonly Region[];
}

const observed = <T>(value: T, call: string): Observation<T> => ({
  kind: 'observed',
  value,
  at: GENERATED_AT,
  source: { call },
});
const unobservable = (reason: UnobservableReason, call: string): Observation<never> => ({
  kind: 'unobservable',
  reason,
  detail:
    reason === 'access-denied' ? 'AccessDeniedException' : 'the account is SUSPENDED and was not called',
  source: { call },
});

const document = (...statements: readonly object[]): string =>
  JSON.stringify({ Version: '2012-10-17', Statement: statements });
const EVERYTHING = document({ Effect: 'Allow', Action: '*', Resource: '*' });

const UNITS = 20;
const idOf = (index: number) => accountId(String(100_000_000_000 + index));
const stateOf = (index: number) => (index % 50 === 49 ? 'SUSPENDED' : 'ACTIVE');

export function generatedHead({ accounts, regions }: OrganizationSize): SnapshotHead {
  const unitOf = (index: number) => `ou-bnch-unit${String(index % UNITS).padStart(4, '0')}`;
  const units = Array.from({ length: UNITS }, (_, index) => ({
    id: unitOf(index),
    name: `Unit ${index}`,
    parentId: 'r-bnch',
  }));
  const members = Array.from({ length: accounts }, (_, index) => ({
    id: idOf(index),
    name: `account-${index}`,
    state: stateOf(index),
    parentId: index === 0 ? 'r-bnch' : unitOf(index),
  }));
  return {
    schemaVersion: SNAPSHOT_SCHEMA_VERSION,
    takenAt: GENERATED_AT,
    regions,
    organization: {
      id: 'o-benchmark01',
      managementAccountId: idOf(0),
      units: [{ id: 'r-bnch', name: 'Root' }, ...units],
      accounts: members,
      serviceControlPolicies: observed(
        [
          { id: 'p-FullAWSAccess', name: 'FullAWSAccess', document: EVERYTHING },
          {
            id: 'p-fence',
            name: 'RegionFence',
            document: document({
              Effect: 'Deny',
              NotAction: ['iam:*', 'organizations:*', 'sts:*'],
              Resource: '*',
              Condition: { StringNotEquals: { 'aws:RequestedRegion': regions } },
            }),
          },
          {
            id: 'p-guard',
            name: 'LoggingGuard',
            document: document({
              Effect: 'Deny',
              Action: ['bedrock:PutModelInvocationLoggingConfiguration', 'bedrock:PutAccountDataRetention'],
              Resource: '*',
              Condition: { ArnNotLike: { 'aws:PrincipalArn': 'arn:aws:iam::*:role/proviso/*' } },
            }),
          },
        ],
        'organizations:ListPolicies + organizations:DescribePolicy',
      ),
      attachments: observed(
        [
          { targetId: 'r-bnch', policyIds: ['p-FullAWSAccess', 'p-fence'] },
          ...units.map(({ id }, index) => ({
            targetId: id,
            policyIds: index % 2 === 0 ? ['p-FullAWSAccess', 'p-guard'] : ['p-FullAWSAccess'],
          })),
          ...members.map(({ id }) => ({ targetId: id, policyIds: ['p-FullAWSAccess'] })),
        ],
        'organizations:ListPolicies + organizations:ListTargetsForPolicy',
      ),
      delegatedAdministrators: observed([], 'organizations:ListDelegatedAdministrators'),
      sections: organizationSections(idOf(0), GENERATED_AT),
    },
  };
}

const FLAGS = ['text', 'image', 'embedding', 'video', 'audio'] as const;
const flags = (on: readonly string[]): LoggingConfiguration =>
  Object.fromEntries(FLAGS.map((name) => [`${name}DataDeliveryEnabled`, on.includes(name)]));

const LOGGING = 'bedrock:GetModelInvocationLoggingConfiguration';
const RETENTION = 'bedrock:GetAccountDataRetention';
const IAM = 'iam:GetAccountAuthorizationDetails';

export function generatedAccount(index: number, size: OrganizationSize): AccountPart {
  const id = idOf(index);
  const isClosed = stateOf(index) === 'SUSPENDED';
  return {
    evidence: {
      accountId: id,
      iam: isClosed
        ? unobservable('not-collected', IAM)
        : index % 100 === 33
          ? unobservable('access-denied', IAM)
          : observed(iamOf(index, size), IAM),
      ...(isClosed
        ? {}
        : { sections: accountSections({ accountId: id, at: GENERATED_AT, index }, size.regions) }),
    },
    regions: size.regions.map((name, at) => {
      const place = (index * size.regions.length + at) % 200;
      const isDenied = place >= 196;
      const closed = isClosed
        ? ('not-collected' as const)
        : isDenied
          ? ('access-denied' as const)
          : undefined;
      const bucketName = place < 180 || place >= 192 ? undefined : `prompts-${id}-${name}`;
      return {
        accountId: id,
        region: name,
        invocationLogging:
          closed !== undefined
            ? unobservable(closed, LOGGING)
            : bucketName === undefined
              ? { kind: 'absent', at: GENERATED_AT, source: { call: LOGGING } }
              : observed(
                  {
                    ...flags(place < 188 ? [] : ['text']),
                    s3Config: { bucketName, keyPrefix: 'bedrock' },
                  },
                  LOGGING,
                ),
        dataRetention:
          closed !== undefined
            ? unobservable(closed, RETENTION)
            : observed({ mode: place >= 192 ? 'inherit' : 'none' }, RETENTION),
        ...(closed !== undefined
          ? {}
          : {
              sections: regionSections(
                { accountId: id, region: name, at: GENERATED_AT, place, index, bucketName },
                idOf(0),
              ),
            }),
      };
    }),
  };
}

const AWS_POLICIES: readonly ManagedPolicy[] = [
  ['AdministratorAccess', document({ Effect: 'Allow', Action: '*', Resource: '*' })],
  [
    'ReadOnlyAccess',
    document({
      Effect: 'Allow',
      Action: ['s3:Get*', 's3:List*', 'ec2:Describe*', 'bedrock:Get*', 'bedrock:List*', 'logs:Get*'],
      Resource: '*',
    }),
  ],
  [
    'PowerUserAccess',
    document({ Effect: 'Allow', NotAction: ['iam:*', 'organizations:*', 'account:*'], Resource: '*' }),
  ],
  ['AmazonBedrockFullAccess', document({ Effect: 'Allow', Action: ['bedrock:*'], Resource: '*' })],
  [
    'AWSLambdaBasicExecutionRole',
    document({
      Effect: 'Allow',
      Action: ['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:PutLogEvents'],
      Resource: '*',
    }),
  ],
  [
    'ViewOnlyAccess',
    document({ Effect: 'Allow', Action: ['ec2:Describe*', 's3:ListAllMyBuckets'], Resource: '*' }),
  ],
].map(([name = '', text = '']) => ({ arn: `arn:aws:iam::aws:policy/${name}`, name, document: text }));
const aws = (name: string) => ({ arn: `arn:aws:iam::aws:policy/${name}`, name });

function iamOf(index: number, { roles }: OrganizationSize): IamEvidence {
  const id = idOf(index);
  const local = Array.from(
    { length: 4 },
    (_, at): ManagedPolicy => ({
      arn: `arn:aws:iam::${id}:policy/Team${at}`,
      name: `Team${at}`,
      document: document(
        {
          Effect: 'Allow',
          Action: ['s3:GetObject', 's3:PutObject'],
          Resource: `arn:aws:s3:::team-${at}-${id}/*`,
        },
        { Effect: 'Allow', Action: 'kms:Decrypt', Resource: `arn:aws:kms:*:${id}:key/*` },
      ),
    }),
  );
  return {
    users: Array.from({ length: 2 }, (_, at) => {
      const number = index * 2 + at;
      return {
        arn: `arn:aws:iam::${id}:user/user${at}`,
        name: `user${at}`,
        groups: [],
        inlinePolicies: [],
        attachedPolicies: [aws('ViewOnlyAccess')],
        accessKeys: observed(
          number % 10 === 0
            ? [{ id: `AKIA${String(number).padStart(16, '0')}`, status: 'Active', createdAt: GENERATED_AT }]
            : [],
          'iam:ListAccessKeys',
        ),
        serviceSpecificCredentials: observed(
          number % 50 === 0
            ? [
                {
                  id: `ACCA${number}`,
                  serviceName: 'bedrock.amazonaws.com',
                  status: 'Active',
                  createdAt: GENERATED_AT,
                },
              ]
            : [],
          'iam:ListServiceSpecificCredentials',
        ),
      };
    }),
    groups: [],
    roles: Array.from({ length: roles }, (_, at) => roleOf(id, at)),
    managedPolicies: [...AWS_POLICIES, ...local],
  };
}

const trusted = (principal: object, action = 'sts:AssumeRole', more: object = {}) =>
  document({ Effect: 'Allow', Principal: principal, Action: action, ...more });

function roleOf(id: string, at: number): IamRole {
  const place = at % 200;
  const role = (name: string, path: string, rest: Omit<IamRole, 'arn' | 'name' | 'path'>): IamRole => ({
    arn: `arn:aws:iam::${id}:role${path}${name}`,
    name,
    path,
    ...rest,
  });
  if (place < 120)
    return role(`Service${at}`, '/service/', {
      assumeRolePolicyDocument: trusted({ Service: 'lambda.amazonaws.com' }),
      inlinePolicies: [
        {
          name: 'Work',
          document: document(
            {
              Effect: 'Allow',
              Action: ['dynamodb:GetItem', 'dynamodb:PutItem'],
              Resource: `arn:aws:dynamodb:*:${id}:table/table${at}`,
            },
            { Effect: 'Allow', Action: 'sqs:SendMessage', Resource: `arn:aws:sqs:*:${id}:queue${at}` },
          ),
        },
      ],
      attachedPolicies: [aws('AWSLambdaBasicExecutionRole')],
    });
  if (place < 180)
    return role(
      `AWSReservedSSO_Set${at % 7}_${String(at).padStart(16, '0')}`,
      '/aws-reserved/sso.amazonaws.com/eu-west-1/',
      {
        assumeRolePolicyDocument: trusted(
          { Federated: `arn:aws:iam::${id}:saml-provider/AWSSSO_0123456789abcdef_DO_NOT_DELETE` },
          'sts:AssumeRoleWithSAML',
          { Condition: { StringEquals: { 'SAML:aud': 'https://signin.aws.amazon.com/saml' } } },
        ),
        inlinePolicies: [],
        attachedPolicies: [aws(at % 20 === 0 ? 'PowerUserAccess' : 'ReadOnlyAccess')],
      },
    );
  if (place < 194)
    return role(`App${at}`, '/app/', {
      assumeRolePolicyDocument: trusted({ Service: 'ecs-tasks.amazonaws.com' }),
      inlinePolicies: [
        {
          name: 'Models',
          document: document({
            Effect: 'Allow',
            Action: ['bedrock:InvokeModel', 'bedrock:InvokeModelWithResponseStream'],
            Resource: '*',
          }),
        },
      ],
      attachedPolicies: [{ arn: `arn:aws:iam::${id}:policy/Team${at % 4}`, name: `Team${at % 4}` }],
    });
  if (place < 198)
    return role(`Shared${at}`, '/', {
      assumeRolePolicyDocument: trusted({ AWS: `arn:aws:iam::${id}:root` }),
      inlinePolicies: [],
      attachedPolicies: [aws('AmazonBedrockFullAccess')],
    });
  return role(`Admin${at}`, '/', {
    assumeRolePolicyDocument: trusted({ AWS: `arn:aws:iam::${id}:root` }),
    inlinePolicies: [],
    attachedPolicies: [aws('AdministratorAccess')],
    permissionsBoundaryArn: 'arn:aws:iam::aws:policy/PowerUserAccess',
  });
}

/** Writes the snapshot of such an organization, account by account. @returns how many bytes */
export function writeOrganization(dir: string, size: OrganizationSize): number {
  let bytes = 0;
  const write = (files: ReadonlyMap<string, string>) => {
    for (const [path, text] of files) {
      mkdirSync(dirname(join(dir, path)), { recursive: true });
      writeFileSync(join(dir, path), text);
      bytes += text.length;
    }
  };
  const head = generatedHead(size);
  write(encodeHead(head));
  for (let index = 0; index < size.accounts; index++)
    write(encodeAccount(head.schemaVersion, generatedAccount(index, size)));
  return bytes;
}
