import { describe, expect, test } from 'vitest';
import { region } from '../../src/core/index.ts';
import type {
  IamEvidence,
  IamRole,
  IamUser,
  LoggingConfiguration,
  Observation,
  Snapshot,
} from '../../src/evidence/index.ts';
import {
  FACT_NAMES,
  type FactName,
  type FactValue,
  factDefinition,
  SUBJECTS,
} from '../../src/policy/index.ts';
import { DERIVATIONS, DERIVED_FACTS } from '../../src/rules/derive.ts';
import { deriveFacts, type SubjectFacts } from '../../src/rules/index.ts';
import {
  AT,
  absent,
  FRANKFURT,
  MEMBER,
  noIam,
  observed,
  organization,
  snapshot,
} from '../evidence/snapshots.ts';
import { allow, documentOf } from '../iam/documents.ts';
import { policyWith, type StorageJson } from './policies.ts';

const DENIED = { kind: 'unobservable', reason: 'access-denied', detail: 'AccessDenied' } as const;

const subjectsOf = (taken: Snapshot, storage: StorageJson = {}) =>
  deriveFacts(
    taken,
    policyWith(
      [
        {
          id: 'CP-01',
          subject: 'account-region',
          require: { fact: 'account.state', op: 'equal', value: 'ACTIVE' },
        },
      ],
      storage,
    ),
  );

const inMember = (list: readonly SubjectFacts[]) =>
  list.filter(({ subject }) => subject.accountId === MEMBER);

/** `value`, `absent`, or `unobservable <reason>`: what a test compares. */
function seen(subject: SubjectFacts | undefined, fact: FactName): FactValue {
  const observation = subject?.facts[fact];
  if (observation === undefined) return 'missing';
  if (observation.kind === 'observed') return observation.value;
  return observation.kind === 'absent' ? 'absent' : `unobservable ${observation.reason}`;
}

describe('the catalogue and the derivations', () => {
  test('name the same facts', () => {
    expect([...DERIVED_FACTS].sort()).toEqual([...FACT_NAMES].sort());
  });

  test.each(SUBJECTS)('agree on the facts of %s', (subject) => {
    expect(Object.keys(DERIVATIONS[subject]).sort()).toEqual(
      FACT_NAMES.filter((name) => factDefinition(name).subjects.includes(subject)).sort(),
    );
  });

  test('agree on the type and the closed values of every fact', () => {
    const iam: IamEvidence = { ...noIam, users: [user()], roles: [role()], groups: [group()] };
    const { 'account-region': regions, principal } = subjectsOf(withIam(observed(iam)));
    for (const { facts } of [...regions, ...principal]) {
      for (const [name, observation] of Object.entries(facts) as [FactName, Observation<FactValue>][]) {
        if (observation.kind !== 'observed') continue;
        const { type, values } = factDefinition(name);
        expect(typeof observation.value, name).toBe(type);
        if (values !== undefined) expect(values, name).toContain(observation.value);
      }
    }
  });
});

function logging(invocationLogging: Observation<LoggingConfiguration>): SubjectFacts | undefined {
  const base = snapshot();
  const accountRegions = base.accountRegions.map((evidence) => ({ ...evidence, invocationLogging }));
  return inMember(subjectsOf({ ...base, accountRegions })['account-region'])[0];
}

describe('facts of invocation logging', () => {
  const CONFIGURED = 'invocationLogging.isConfigured';
  const TEXT = 'invocationLogging.textDataDelivery';
  const LARGE = 'invocationLogging.largeDataBucket';
  const GROUP = 'invocationLogging.cloudWatchLogGroup';
  const BUCKET = 'invocationLogging.s3Bucket';
  const large = (bucketName: string): LoggingConfiguration => ({
    cloudWatchConfig: { logGroupName: 'g', largeDataDeliveryS3Config: { bucketName } },
  });
  const ROWS: readonly (readonly [string, Observation<LoggingConfiguration>, FactName, FactValue])[] = [
    ['no configuration is not configured', absent(), CONFIGURED, false],
    ['an empty configuration is not configured', observed({}), CONFIGURED, false],
    [
      'a configuration with undefined members is not configured',
      observed({ s3Config: undefined }),
      CONFIGURED,
      false,
    ],
    [
      'a configuration of one flag is configured',
      observed({ textDataDeliveryEnabled: false }),
      CONFIGURED,
      true,
    ],
    ['an empty destination is configured', observed({ s3Config: {} }), CONFIGURED, true],
    ['a denied call is neither', DENIED, CONFIGURED, 'unobservable access-denied'],
    ['a flag that is true', observed({ textDataDeliveryEnabled: true }), TEXT, 'enabled'],
    ['a flag that is false', observed({ textDataDeliveryEnabled: false }), TEXT, 'disabled'],
    ['a flag that is omitted', observed({ s3Config: { bucketName: 'b' } }), TEXT, 'unset'],
    ['a flag without configuration', absent(), TEXT, 'absent'],
    ['a flag of an empty configuration', observed({}), TEXT, 'absent'],
    ['a flag of a denied call', DENIED, TEXT, 'unobservable access-denied'],
    ['a large-data bucket', observed(large('big')), LARGE, 'big'],
    ['a large-data bucket with an empty name is none', observed(large('')), LARGE, 'absent'],
    ['no large-data bucket', observed({ s3Config: { bucketName: 'b' } }), LARGE, 'absent'],
    ['a large-data bucket of a denied call', DENIED, LARGE, 'unobservable access-denied'],
    ['a log group', observed(large('big')), GROUP, 'g'],
    [
      'a log group with an empty name is none',
      observed({ cloudWatchConfig: { logGroupName: '' } }),
      GROUP,
      'absent',
    ],
    ['a bucket', observed({ s3Config: { bucketName: 'b', keyPrefix: '' } }), BUCKET, 'b'],
    ['a bucket with an empty name is none', observed({ s3Config: { bucketName: '' } }), BUCKET, 'absent'],
  ];
  test.each(ROWS)('%s', (_name, observation, fact, expected) => {
    expect(seen(logging(observation), fact)).toEqual(expected);
  });

  test('each of the five flags is read from its own member', () => {
    const facts = ['text', 'image', 'embedding', 'video', 'audio'] as const;
    for (const name of facts) {
      const subject = logging(observed({ [`${name}DataDeliveryEnabled`]: true }));
      expect(
        facts.filter((other) => seen(subject, `invocationLogging.${other}DataDelivery`) === 'enabled'),
      ).toEqual([name]);
    }
  });

  test('keep the time and the call at which they were seen', () => {
    expect(logging(absent())?.facts[CONFIGURED]).toEqual({
      kind: 'observed',
      value: false,
      at: AT,
      source: { call: 'test:Call' },
    });
  });
});

describe('facts of an account and Region', () => {
  test('exist for every governed Region, also one that the snapshot did not ask', () => {
    const regions = inMember(
      subjectsOf(snapshot(), { regions: ['eu-central-1', 'us-east-1'] })['account-region'],
    );
    expect(regions.map(({ subject }) => 'region' in subject && subject.region)).toEqual([
      'eu-central-1',
      'us-east-1',
    ]);
    expect(seen(regions[1], 'invocationLogging.isConfigured')).toBe('unobservable not-collected');
    expect(seen(regions[1], 'dataRetention.mode')).toBe('unobservable not-collected');
    expect(seen(regions[1], 'account.state')).toBe('ACTIVE');
  });

  test('are there for every Region that was asked, governed or not', () => {
    const regions = subjectsOf(snapshot({ regions: [FRANKFURT, region('us-east-1')] }))['account-region'];
    expect(regions).toHaveLength(4);
  });

  test('keep a data-retention mode that nobody knows yet as AWS spells it', () => {
    const base = snapshot();
    const accountRegions = base.accountRegions.map((each) => ({
      ...each,
      dataRetention: observed({ mode: 'training' }),
    }));
    expect(seen(subjectsOf({ ...base, accountRegions })['account-region'][0], 'dataRetention.mode')).toBe(
      'training',
    );
  });

  test('take the baseline from the unit’s override', () => {
    const overrides = [{ organizationalUnit: 'ou-ex01-product01', reason: 'stricter', baseline: 'none' }];
    const all = subjectsOf(snapshot(), { baseline: 'metadata-only', overrides })['account-region'];
    expect(all.map((subject) => [subject.accountName, seen(subject, 'storage.baseline')])).toEqual([
      ['management', 'metadata-only'],
      ['member', 'none'],
    ]);
  });

  test('do not know the baseline where the tree has a gap', () => {
    const units = [{ id: 'ou-ex01-product01', name: 'Product', parentId: 'r-gone' }];
    const all = subjectsOf(snapshot({ organization: organization({ units }) }))['account-region'];
    expect(all.map((subject) => seen(subject, 'storage.baseline'))).toEqual([
      'unobservable malformed',
      'unobservable malformed',
    ]);
  });
});

const INVOKE = documentOf(allow('bedrock:InvokeModel'));
const CHANGE = documentOf(allow('bedrock:Put*'));

const user = (more: Partial<IamUser> = {}): IamUser => ({
  arn: `arn:aws:iam::${MEMBER}:user/u`,
  name: 'u',
  inlinePolicies: [{ name: 'p', document: INVOKE }],
  attachedPolicies: [],
  groups: [],
  accessKeys: observed([]),
  serviceSpecificCredentials: observed([]),
  ...more,
});
const role = (more: Partial<IamRole> = {}): IamRole => ({
  arn: `arn:aws:iam::${MEMBER}:role/r`,
  name: 'r',
  path: '/',
  assumeRolePolicyDocument: documentOf({
    Effect: 'Allow',
    Action: 'sts:AssumeRole',
    Principal: { Service: 'ec2.amazonaws.com' },
  }),
  inlinePolicies: [{ name: 'p', document: CHANGE }],
  attachedPolicies: [],
  ...more,
});
const group = () => ({
  arn: `arn:aws:iam::${MEMBER}:group/g`,
  name: 'g',
  inlinePolicies: [],
  attachedPolicies: [{ arn: 'arn:aws:iam::aws:policy/Bedrock', name: 'Bedrock' }],
});
const BEDROCK = {
  arn: 'arn:aws:iam::aws:policy/Bedrock',
  name: 'Bedrock',
  document: documentOf(allow('bedrock:*')),
};

const withIam = (iam: Observation<IamEvidence>, more: Partial<Snapshot> = {}): Snapshot => {
  const base = snapshot(more);
  return {
    ...base,
    accounts: base.accounts.map((account) => (account.accountId === MEMBER ? { ...account, iam } : account)),
  };
};
const only = (
  iam: Partial<IamEvidence>,
  more: Partial<Snapshot> = {},
  storage: StorageJson = {},
): SubjectFacts | undefined =>
  inMember(subjectsOf(withIam(observed({ ...noIam, ...iam }), more), storage).principal)[0];
const key = (status: string, serviceName = 'bedrock.amazonaws.com') => ({
  id: 'K',
  status,
  createdAt: AT,
  serviceName,
});
const scp = (document: string) =>
  organization({
    serviceControlPolicies: observed([{ id: 'p-1', name: 'Fence', document }]),
    attachments: observed(
      [...organization().units, ...organization().accounts].map(({ id }) => ({
        targetId: id,
        policyIds: id === 'r-ex01' ? ['p-FullAWSAccess', 'p-1'] : ['p-FullAWSAccess'],
      })),
    ),
  });
const FENCE = scp(documentOf({ Effect: 'Deny', Action: ['bedrock:*', 'bedrock-mantle:*'], Resource: '*' }));

describe('facts of a principal', () => {
  const STORAGE = 'principal.promptStorageChange';
  const INVOCATION = 'principal.modelInvocation';
  const KEYS = 'principal.activeAccessKeys';
  const API_KEYS = 'principal.activeBedrockApiKeys';
  const SESSIONS = 'principal.sessionAttribution';
  const ADMINISTRATOR = 'principal.isStorageAdministrator';
  const administrators = [{ principal: 'arn:*:iam::*:role/r', reason: 'test' }];
  const ROWS: readonly (readonly [string, SubjectFacts | undefined, FactName, FactValue])[] = [
    ['a user', only({ users: [user()] }), 'principal.type', 'user'],
    ['a role', only({ roles: [role()] }), 'principal.type', 'role'],
    ['a group', only({ groups: [group()], managedPolicies: [BEDROCK] }), 'principal.type', 'group'],
    ['a user who may invoke', only({ users: [user()] }), INVOCATION, 'allowed'],
    ['a user who may not change storage', only({ users: [user()] }), STORAGE, 'denied'],
    ['a role that may change storage', only({ roles: [role()] }), STORAGE, 'allowed'],
    [
      'a user in a group that is not in the evidence',
      only({ users: [user({ groups: ['gone'] })] }),
      STORAGE,
      'unobservable not-collected',
    ],
    [
      'a managed policy that is not in the evidence',
      only({ groups: [group()] }),
      STORAGE,
      'unobservable not-collected',
    ],
    [
      'a damaged inline policy',
      only({ users: [user({ inlinePolicies: [{ name: 'p', document: '{' }] })] }),
      STORAGE,
      'unobservable malformed',
    ],
    [
      'a permissions boundary that is not in the evidence, over an allow',
      only({ roles: [role({ permissionsBoundaryArn: 'arn:b' })] }),
      STORAGE,
      'unobservable not-collected',
    ],
    [
      'a permissions boundary that does not allow it',
      only({
        roles: [role({ permissionsBoundaryArn: 'arn:b' })],
        managedPolicies: [{ arn: 'arn:b', name: 'b', document: documentOf(allow('s3:*')) }],
      }),
      STORAGE,
      'denied',
    ],
    [
      'a permissions boundary that allows it too',
      only({
        roles: [role({ permissionsBoundaryArn: 'arn:b' })],
        managedPolicies: [{ arn: 'arn:b', name: 'b', document: documentOf(allow('bedrock:*')) }],
      }),
      STORAGE,
      'allowed',
    ],
    [
      'a permissions boundary over nothing',
      only({ users: [user({ permissionsBoundaryArn: 'arn:b' })] }),
      STORAGE,
      'denied',
    ],
    [
      'a service control policy that denies it',
      only({ roles: [role()] }, { organization: FENCE }),
      STORAGE,
      'denied',
    ],
    [
      'a service control policy that spares the role by its ARN',
      only(
        { roles: [role()] },
        {
          organization: scp(
            documentOf({
              Effect: 'Deny',
              Action: '*',
              Resource: '*',
              Condition: { ArnNotLike: { 'aws:PrincipalArn': 'arn:aws:iam::*:role/r' } },
            }),
          ),
        },
      ),
      STORAGE,
      'allowed',
    ],
    [
      'a service control policy for other Regions',
      only(
        { roles: [role()] },
        {
          organization: scp(
            documentOf({
              Effect: 'Deny',
              Action: '*',
              Resource: '*',
              Condition: { StringNotEquals: { 'aws:RequestedRegion': 'eu-central-1' } },
            }),
          ),
        },
      ),
      STORAGE,
      'conditionally-allowed',
    ],
    [
      'a service control policy that cannot be read',
      only({ roles: [role()] }, { organization: scp('{') }),
      STORAGE,
      'unobservable malformed',
    ],
    [
      'a service control policy over nothing',
      only({ users: [user()] }, { organization: FENCE }),
      STORAGE,
      'denied',
    ],
    [
      'a service control policy over a service-linked role',
      only({ roles: [role({ path: '/aws-service-role/x.amazonaws.com/' })] }, { organization: FENCE }),
      STORAGE,
      'allowed',
    ],
    [
      'attachments that were denied',
      only({ roles: [role()] }, { organization: organization({ attachments: DENIED }) }),
      STORAGE,
      'unobservable access-denied',
    ],
    ['no access keys', only({ users: [user()] }), KEYS, 0],
    ['positively no access keys', only({ users: [user({ accessKeys: absent() })] }), KEYS, 0],
    [
      'one active access key of two',
      only({ users: [user({ accessKeys: observed([key('Active'), key('Inactive')]) })] }),
      KEYS,
      1,
    ],
    [
      'an access key of a status that nobody knows yet',
      only({ users: [user({ accessKeys: observed([key('Dormant')]) })] }),
      KEYS,
      1,
    ],
    [
      'access keys that could not be listed',
      only({ users: [user({ accessKeys: DENIED })] }),
      KEYS,
      'unobservable access-denied',
    ],
    ['access keys of a role', only({ roles: [role()] }), KEYS, 'absent'],
    [
      'a Bedrock API key',
      only({ users: [user({ serviceSpecificCredentials: observed([key('Active')]) })] }),
      API_KEYS,
      1,
    ],
    [
      'an expired Bedrock API key',
      only({ users: [user({ serviceSpecificCredentials: observed([key('Expired')]) })] }),
      API_KEYS,
      0,
    ],
    [
      'a credential of another service',
      only({
        users: [user({ serviceSpecificCredentials: observed([key('Active', 'codecommit.amazonaws.com')]) })],
      }),
      API_KEYS,
      0,
    ],
    ['sessions of a role for services', only({ roles: [role()] }), SESSIONS, 'service-only'],
    ['sessions of a user', only({ users: [user()] }), SESSIONS, 'absent'],
    [
      'sessions under a damaged trust policy',
      only({ roles: [role({ assumeRolePolicyDocument: '' })] }),
      SESSIONS,
      'unobservable malformed',
    ],
    ['a storage administrator', only({ roles: [role()] }, {}, { administrators }), ADMINISTRATOR, true],
    [
      'a user of the name of an administrator role',
      only({ users: [user({ name: 'r' })] }, {}, { administrators }),
      ADMINISTRATOR,
      false,
    ],
  ];
  test.each(ROWS)('%s', (_name, subject, fact, expected) => {
    expect(seen(subject, fact)).toEqual(expected);
  });

  test('a user inherits what its groups may, and the line says from which', () => {
    const iam = { users: [user({ groups: ['g'] })], groups: [group()], managedPolicies: [BEDROCK] };
    const found = inMember(subjectsOf(withIam(observed({ ...noIam, ...iam }))).principal).at(-1);
    expect(seen(found, STORAGE)).toBe('allowed');
    expect(found?.evidenceOf(STORAGE)?.[1]).toMatch(
      /^managed policy `Bedrock` of group `g`, Statement\[0\], allows by `bedrock:\*`: /,
    );
  });

  test.each([
    ['was denied', DENIED, 'unobservable access-denied'],
    ['is said to be absent, which cannot be', absent<IamEvidence>(), 'unobservable malformed'],
  ])('an account whose IAM %s is one subject of which only the account is known', (_name, iam, expected) => {
    const subjects = inMember(subjectsOf(withIam(iam)).principal);
    expect(subjects.map(({ subject }) => subject)).toEqual([{ kind: 'principals', accountId: MEMBER }]);
    for (const name of FACT_NAMES.filter((each) => factDefinition(each).subjects.includes('principal')))
      expect(seen(subjects[0], name), name).toEqual(
        { 'account.state': 'ACTIVE', 'account.isManagementAccount': false }[name as string] ?? expected,
      );
  });

  test('an account that is not in the snapshot at all is not collected', () => {
    const subjects = inMember(subjectsOf({ ...snapshot(), accounts: [] }).principal);
    expect(seen(subjects[0], STORAGE)).toBe('unobservable not-collected');
  });

  test('a document of thousands of statements does not bury the reader', () => {
    const statements = Array.from({ length: 3000 }, () => allow('bedrock:Put*'));
    const crowded = user({ inlinePolicies: [{ name: 'p', document: documentOf(statements) }] });
    const lines = only({ users: [crowded] })?.evidenceOf(STORAGE) ?? [];
    expect(lines).toHaveLength(22);
    expect(lines.at(-1)).toBe('and 2980 more statements');
  });

  const UNKNOWN_ACTIONS = 'principal.unknownActions';
  const naming = (...actions: string[]) => [{ name: 'p', document: documentOf(allow(actions)) }];

  test('a policy that names bedrock:Converse is told which action authorizes the call', () => {
    const found = only({
      users: [user({ inlinePolicies: naming('bedrock:InvokeModel', 'bedrock:Converse', 'bedrock:Conv*') })],
    });
    expect(found?.facts[UNKNOWN_ACTIONS]).toMatchObject({ value: 2 });
    expect(found?.evidenceOf(UNKNOWN_ACTIONS)?.[0]).toMatch(
      /^inline policy `p` Statement\[0\]: `bedrock:Converse` is not an action of AWS .*`bedrock:InvokeModel` authorizes Converse$/,
    );
  });

  test('policies that name only what AWS has name nothing else, and a damaged one may', () => {
    const good = user({ inlinePolicies: naming('bedrock:Invoke*', 'nosuchservice:Thing') });
    expect(seen(only({ users: [good] }), UNKNOWN_ACTIONS)).toBe(0);
    const damaged = user({ inlinePolicies: [{ name: 'p', document: '{' }] });
    expect(seen(only({ users: [damaged] }), UNKNOWN_ACTIONS)).toBe('unobservable malformed');
  });

  test('an unknown action in a group is told at the group and not at each of its users', () => {
    const iam = {
      users: [user({ inlinePolicies: [], groups: ['g'] })],
      groups: [{ ...group(), attachedPolicies: [], inlinePolicies: naming('bedrock:Converse') }],
    };
    const subjects = inMember(subjectsOf(withIam(observed({ ...noIam, ...iam }))).principal);
    expect(subjects.map((each) => seen(each, UNKNOWN_ACTIONS))).toEqual([1, 0]);
  });

  test('AWS answers for the actions of its own policies', () => {
    const arn = 'arn:aws:iam::aws:policy/Old';
    const found = only({
      users: [user({ inlinePolicies: [], attachedPolicies: [{ arn, name: 'Old' }] })],
      managedPolicies: [{ arn, name: 'Old', document: documentOf(allow('bedrock:Converse')) }],
    });
    expect(seen(found, UNKNOWN_ACTIONS)).toBe(0);
  });

  test('a name that steers a terminal does not', () => {
    const hostile = user({ inlinePolicies: [{ name: 'x\u001b[2J', document: CHANGE }] });
    expect(
      only({ users: [hostile] })
        ?.evidenceOf(STORAGE)
        ?.join(),
    ).not.toMatch(/\u001b/);
  });
});
