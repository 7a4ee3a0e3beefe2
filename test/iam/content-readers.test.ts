import { describe, expect, test } from 'vitest';
import type { AccountId } from '../../src/core/index.ts';
import type {
  AccessPoint,
  ContentBucket,
  IamEvidence,
  KeyGrant,
  LogsResourcePolicy,
  Observation,
  RegionEvidence,
} from '../../src/evidence/index.ts';
import { accessOf, contentReaders, type DestinationReaders, whoCan } from '../../src/iam/index.ts';
import { absent, FRANKFURT, observed, organization } from '../evidence/snapshots.ts';
import { ALLOW_ALL, allow, deny, documentOf, type StatementJson } from './documents.ts';
import { ASSUME_ALL, estate, group, ONE, role, roleArn, TWO, trusting, user } from './estates.ts';

const BUCKET = 'arn:aws:s3:::prompts';
const GROUP = `arn:aws:logs:eu-central-1:${ONE}:log-group:/bedrock/x`;
const KEY = `arn:aws:kms:eu-central-1:${ONE}:key/1`;
const STRANGER = '444444444444';
const OURS = organization().id;
const SERVICE = trusting({ Service: 'ec2.amazonaws.com' });
const DENIED: Observation<never> = {
  kind: 'unobservable',
  reason: 'access-denied',
  detail: 'AccessDenied',
  source: { call: 's3:GetBucketPolicy' },
};
const read = (more: StatementJson = {}) => allow('s3:GetObject', { Resource: `${BUCKET}/*`, ...more });
const policy = (...statements: StatementJson[]): Observation<string> => observed(documentOf(statements));

interface Case {
  readonly arn?: string;
  readonly policy: Observation<string>;
  readonly one?: Partial<IamEvidence>;
  readonly two?: Partial<IamEvidence>;
  readonly grants?: Observation<readonly KeyGrant[]>;
  readonly org?: Parameters<typeof estate>[2];
  /** What the account that is no owner could see of it. */
  readonly byTwo?: Observation<string>;
  /** The policies of CloudWatch Logs for the whole account. */
  readonly accountWide?: Observation<readonly LogsResourcePolicy[]>;
  /** Default: none. */
  readonly accessPoints?: Observation<readonly AccessPoint[]>;
}

const NOT_ASKED = { kind: 'unobservable', reason: 'not-collected' } as const;
const ENFORCED = observed('BucketOwnerEnforced');
/** The bucket as section `destinations` describes it. */
const described = (
  encryption: ContentBucket['encryption'] = absent(),
  ownership: ContentBucket['ownership'] = ENFORCED,
): ContentBucket => ({
  kind: 's3',
  bucketName: 'prompts',
  usedBy: [],
  versioning: NOT_ASKED,
  lifecycle: NOT_ASKED,
  objectLock: NOT_ASKED,
  encryption,
  ...(ownership === undefined ? {} : { ownership }),
  replication: NOT_ASKED,
  backups: NOT_ASKED,
});

const pairOf = (
  accountId: AccountId,
  resourceArn: string,
  held: Observation<string>,
  grants: Observation<readonly KeyGrant[]> = observed([]),
  logsResourcePolicies: Observation<readonly LogsResourcePolicy[]> = observed([]),
  accessPoints: Observation<readonly AccessPoint[]> = observed([]),
): RegionEvidence => ({
  accountId,
  region: FRANKFURT,
  invocationLogging: absent(),
  dataRetention: absent(),
  sections: {
    ...(resourceArn === BUCKET ? { destinations: observed([described()]) } : {}),
    destinationPolicies: observed([{ resourceArn, policy: held }]),
    logsResourcePolicies,
    accessPoints,
    keyGrants: resourceArn === KEY ? observed([{ keyArn: KEY, grants }]) : observed([]),
  },
});

function readers({ arn = BUCKET, policy: held, one = {}, two = {}, grants, org, byTwo, ...whole }: Case) {
  const { accountWide, accessPoints } = whole;
  const access = accessOf({
    ...estate(one, two, org),
    accountRegions: [
      ...(byTwo === undefined ? [] : [pairOf(TWO, arn, byTwo)]),
      pairOf(ONE, arn, held, grants, accountWide, accessPoints),
    ],
  });
  const [found, more] = contentReaders(access);
  if (found === undefined || more !== undefined) throw new Error('one place was meant');
  return found;
}
const names = ({ principals, others }: DestinationReaders): readonly string[] => [
  ...principals.map(({ principal, certainty }) => `${principal.name}: ${certainty}`),
  ...others.map(({ words, certainty }) => `${words}: ${certainty}`),
];

const ada = user('ada', [read()]);
const bob = user('bob');

describe('who can read a bucket', () => {
  test.each<readonly [string, Case, readonly string[]]>([
    [
      'its own account by identity policies',
      { policy: absent(), one: { users: [ada, bob] } },
      ['ada: allowed'],
    ],
    [
      'whom its policy names needs no identity policy',
      { policy: policy(read({ Principal: { AWS: `arn:aws:iam::${ONE}:user/bob` } })), one: { users: [bob] } },
      ['bob: allowed'],
    ],
    [
      'a Deny of its policy keeps an administrator out',
      {
        policy: policy(deny('s3:*', { Principal: '*', Resource: `${BUCKET}/*` })),
        one: { users: [user('eve', [ALLOW_ALL])] },
      },
      [],
    ],
    [
      'a Deny over a part of it is a condition, and so is an Allow over a part',
      {
        policy: policy(deny('s3:*', { Principal: '*', Resource: `${BUCKET}/secret/*` })),
        one: { users: [ada] },
      },
      ['ada: conditionally-allowed'],
    ],
    [
      'an Allow over one prefix is a condition',
      { policy: absent(), one: { users: [user('part', [read({ Resource: `${BUCKET}/a/*` })])] } },
      ['part: conditionally-allowed'],
    ],
    [
      'an Allow over another bucket whose name begins alike is none',
      { policy: absent(), one: { users: [user('other', [read({ Resource: `${BUCKET}-2/*` })])] } },
      [],
    ],
    [
      'another account of the organization needs both sides',
      {
        policy: policy(read({ Principal: { AWS: TWO } })),
        two: {
          roles: [
            role('reader', SERVICE, [read()], { account: TWO }),
            role('idle', SERVICE, [], { account: TWO }),
          ],
        },
      },
      ['reader: allowed'],
    ],
    [
      'without a policy no other account gets in, whatever it allows itself',
      { policy: absent(), two: { roles: [role('reader', SERVICE, [ALLOW_ALL], { account: TWO })] } },
      [],
    ],
    [
      'a group is listed for what its own policies allow, not for the users that a policy names',
      {
        policy: policy(read({ Principal: { AWS: `arn:aws:iam::${ONE}:user/bob` } })),
        one: { users: [bob], groups: [group('idle', []), group('ops', [read()])] },
      },
      ['ops: allowed', 'bob: allowed'],
    ],
    [
      'an account outside the organization',
      { policy: policy(read({ Principal: { AWS: STRANGER } })) },
      [`\`${STRANGER}\`, outside the organization: allowed`],
    ],
    [
      'everybody',
      { policy: policy(read({ Principal: '*' })) },
      ['everybody, also outside the organization: allowed'],
    ],
    [
      'everybody of the organization is nobody outside',
      {
        policy: policy(read({ Principal: '*', Condition: { StringEquals: { 'aws:PrincipalOrgID': OURS } } })),
        one: { users: [bob] },
      },
      ['bob: allowed'],
    ],
    [
      'another organization beside ours may hold somebody',
      {
        policy: policy(
          read({
            Principal: '*',
            Condition: { StringEquals: { 'aws:PrincipalOrgID': [OURS, 'o-partner001'] } },
          }),
        ),
      },
      ['everybody, also outside the organization: conditionally-allowed'],
    ],
    [
      'everybody whose account a condition names, outside the organization',
      {
        policy: policy(
          read({ Principal: '*', Condition: { StringEquals: { 'aws:PrincipalAccount': STRANGER } } }),
        ),
      },
      ['everybody, also outside the organization: conditionally-allowed'],
    ],
    [
      'a role of a seen account that nobody saw cannot be decided',
      { policy: policy(read({ Principal: { AWS: roleArn('gone') } })) },
      [`\`${roleArn('gone')}\`, whom nobody saw in its account: cannot-decide`],
    ],
    [
      'a service that may only write is none',
      {
        policy: policy(
          allow('s3:PutObject', { Principal: { Service: 'bedrock.amazonaws.com' }, Resource: `${BUCKET}/*` }),
        ),
      },
      [],
    ],
    [
      'a service that may read',
      { policy: policy(read({ Principal: { Service: 'macie.amazonaws.com' } })) },
      ['the service `macie.amazonaws.com`: allowed'],
    ],
  ])('%s', (_name, given, expected) => {
    expect(names(readers(given))).toEqual(expected);
  });

  test.each([
    ['denied', DENIED, 'AccessDenied'],
    [
      'not collected',
      { kind: 'unobservable', reason: 'not-collected' } as Observation<never>,
      'not-collected',
    ],
  ])('a policy that was %s allows nobody for certain and denies nobody', (_name, held, why) => {
    const found = readers({ policy: held, one: { users: [ada, bob] } });
    expect(names(found), 'those for whom something seen speaks').toEqual(['ada: cannot-decide']);
    expect(found.notSeen).toEqual([
      `the policy of bucket \`prompts\` could not be read: ${why}; whom it lets in and keeps out is not known`,
    ]);
    expect(found.destination.accountId, 'whose it is is not known').toBeUndefined();
    expect(found.roots.map(({ certainty }) => certainty)).toEqual(['cannot-decide']);
  });

  test('a damaged policy is one that could not be read', () => {
    const found = readers({ policy: observed('{'), one: { users: [ada] } });
    expect(names(found)).toEqual(['ada: cannot-decide']);
    expect(found.notSeen.join()).toContain('cannot be read');
  });

  test('the account that is told the policy is its own; another that names it takes nothing away', () => {
    const found = readers({ policy: absent(), byTwo: DENIED, one: { users: [ada] } });
    expect(found.destination.accountId).toBe(ONE);
    expect(names(found)).toEqual(['ada: allowed']);
    expect(found.notSeen).toEqual([]);
    expect(found.destination.namedIn).toHaveLength(2);
  });

  test('a resource control policy reaches those whom the bucket lets in', () => {
    const everywhere = ['r-ex01', 'ou-ex01-product01', ONE, TWO, organization().managementAccountId];
    const org = {
      resourceControlPolicies: observed([
        { id: 'p-r', name: 'Perimeter', document: documentOf(deny('s3:*', { Principal: '*' })) },
      ]),
      resourceControlAttachments: observed(
        everywhere.map((targetId) => ({ targetId, policyIds: ['p-RCPFullAWSAccess', 'p-r'] })),
      ),
    };
    expect(names(readers({ policy: policy(read({ Principal: '*' })), org, one: { users: [ada] } }))).toEqual(
      [],
    );
  });

  test('who gets there by assuming a role is named with the way', () => {
    const found = readers({
      policy: policy(read({ Principal: { AWS: roleArn('reader') } })),
      one: {
        users: [user('carl', [ASSUME_ALL])],
        roles: [role('reader', trusting({ AWS: ONE }))],
      },
    });
    expect(found.paths.map(({ from, certainty }) => [from.name, certainty])).toEqual([['carl', 'allowed']]);
  });
});

describe('access lists and access points of a bucket', () => {
  const notSeen = (ownership?: ContentBucket['ownership']) => {
    const pair = pairOf(ONE, BUCKET, absent());
    const buckets = ownership === undefined ? { ...described() } : described(absent(), ownership);
    if (ownership === undefined) delete (buckets as { ownership?: unknown }).ownership;
    const accountRegions = [{ ...pair, sections: { ...pair.sections, destinations: observed([buckets]) } }];
    return contentReaders(accessOf({ ...estate({}), accountRegions }))[0]?.notSeen;
  };

  test.each<readonly [string, ContentBucket['ownership'], readonly string[]]>([
    ['count for nothing where the bucket’s owner is enforced', ENFORCED, []],
    [
      'may let others in where Object Ownership leaves them in force',
      observed('ObjectWriter'),
      [
        'access lists count in bucket `prompts` (Object Ownership ObjectWriter), and those of its objects are not collected; they may let others in',
      ],
    ],
    [
      'may let others in where it was never set',
      absent(),
      [
        'access lists count in bucket `prompts` (Object Ownership is not set), and those of its objects are not collected; they may let others in',
      ],
    ],
    [
      'are not known where it was denied',
      DENIED,
      [
        'whether access lists count in bucket `prompts` could not be read: AccessDenied; they may let others in',
      ],
    ],
    [
      'are not known in evidence from before it was asked',
      undefined,
      [
        'whether access lists count in bucket `prompts` could not be read: nobody asked; they may let others in',
      ],
    ],
  ])('access lists %s', (_name, ownership, expected) => {
    expect(notSeen(ownership)).toEqual(expected);
  });

  test('a bucket that leaves it to access points lets in under that condition, and never plainly nobody', () => {
    const found = readers({
      policy: policy(
        allow('*', {
          Principal: '*',
          Resource: [BUCKET, `${BUCKET}/*`],
          Condition: { StringEquals: { 's3:DataAccessPointAccount': ONE } },
        }),
      ),
      one: { users: [bob] },
      accessPoints: DENIED,
    });
    expect(names(found)).toEqual([
      'bob: conditionally-allowed',
      'everybody, also outside the organization: conditionally-allowed',
    ]);
  });
});

describe('log groups and keys', () => {
  test.each([GROUP, `${GROUP}:*`, `${GROUP}:log-stream:*`, 'arn:aws:logs:*:*:log-group:/bedrock/*'])(
    'a policy may name a log group as %s',
    (Resource) => {
      const users = [user('ada', [allow('logs:FilterLogEvents', { Resource })])];
      expect(names(readers({ arn: GROUP, policy: absent(), one: { users } }))).toHaveLength(1);
    },
  );

  const stranger = `arn:aws:iam::${STRANGER}:role/x`;
  const wide = (Resource: string): LogsResourcePolicy => ({
    name: 'Others',
    document: documentOf([allow('logs:FilterLogEvents', { Resource, Principal: { AWS: stranger } })]),
  });
  test.each<readonly [string, Observation<readonly LogsResourcePolicy[]>, readonly string[]]>([
    [
      'let in by name',
      observed([wide(`${GROUP}:*`)]),
      [`\`${stranger}\`, outside the organization: allowed`],
    ],
    ['let in by a star', observed([wide('*')]), [`\`${stranger}\`, outside the organization: allowed`]],
    ['say nothing of another group', observed([wide(`${GROUP}y:*`)]), []],
    ['are beside the group’s own', observed([]), []],
  ])('policies of CloudWatch Logs for the whole account %s', (_name, accountWide, expected) => {
    const found = readers({ arn: GROUP, policy: absent(), one: { users: [bob] }, accountWide });
    expect(names(found)).toEqual(expected);
    expect(found.notSeen).toEqual([]);
  });

  test.each<readonly [string, Observation<readonly LogsResourcePolicy[]>]>([
    ['refused', DENIED],
    ['not asked', absent()],
    ['not JSON', observed([{ name: 'Others', document: '{' }])],
  ])('are not taken for none when they were %s', (_name, accountWide) => {
    const ada = user('ada', [allow('logs:FilterLogEvents', { Resource: '*' })]);
    const found = readers({ arn: GROUP, policy: absent(), one: { users: [ada, bob] }, accountWide });
    expect(names(found)).toContain('ada: cannot-decide');
  });

  const admin = user('eve', [ALLOW_ALL]);
  const toBob = policy(allow('kms:*', { Principal: { AWS: `arn:aws:iam::${ONE}:user/bob` } }));
  const grant = (grantee: string): KeyGrant => ({
    id: 'g1',
    grantee,
    operations: ['Decrypt'],
    isConstrained: false,
  });
  test.each<readonly [string, Partial<Case>, readonly string[]]>([
    ['whom the key policy names', {}, ['bob: allowed']],
    [
      'whom a grant names, outside the organization too',
      { grants: observed([grant(`arn:aws:iam::${ONE}:user/eve`), grant(`arn:aws:iam::${STRANGER}:role/x`)]) },
      [
        'bob: allowed',
        'eve: allowed',
        `\`arn:aws:iam::${STRANGER}:role/x\`, outside the organization: allowed`,
      ],
    ],
  ])('of a key: %s', (_name, more, expected) => {
    const found = readers({ arn: KEY, policy: toBob, one: { users: [bob, admin] }, ...more });
    expect(names(found)).toEqual(expected);
    expect(found.notSeen).toEqual([]);
  });

  test('grants that could not be read are said, and take nothing from those who may', () => {
    const found = readers({ arn: KEY, policy: toBob, one: { users: [bob, admin] }, grants: DENIED });
    expect(names(found)).toEqual(['bob: allowed']);
    expect(found.notSeen).toEqual([
      `the grants of key \`${KEY}\` could not be read: AccessDenied; whom they let in is not known`,
    ]);
  });

  test('a key that AWS does not know has a policy all the same', () => {
    expect(names(readers({ arn: KEY, policy: absent(), one: { users: [admin] } }))).toEqual([
      'eve: cannot-decide',
    ]);
  });
});

describe('a bucket under a key is read by those who may use both', () => {
  const keyPolicy = (...statements: readonly StatementJson[]) => policy(...statements);
  const decrypt = (more: StatementJson = {}) => allow('kms:Decrypt', { Resource: KEY, ...more });
  const byName = (name: string, more: StatementJson = {}) =>
    allow('kms:*', { Principal: { AWS: `arn:aws:iam::${ONE}:user/${name}` }, ...more });
  const TO_ACCOUNT = allow('kms:*', { Principal: { AWS: `arn:aws:iam::${ONE}:root` } });
  interface Keyed {
    readonly key: Observation<string>;
    readonly bucket?: Observation<string>;
    readonly one: Partial<IamEvidence>;
    readonly grants?: Observation<readonly KeyGrant[]>;
    readonly encryption?: Observation<{ readonly algorithm: string; readonly keyArn?: string }>;
  }
  function bucketOf({ key, bucket = absent(), one, grants = observed([]), encryption }: Keyed) {
    const pair = pairOf(ONE, BUCKET, bucket);
    const sections = {
      destinations: observed([described(encryption ?? observed({ algorithm: 'aws:kms', keyArn: KEY }))]),
      destinationPolicies: observed([
        { resourceArn: BUCKET, policy: bucket },
        { resourceArn: KEY, policy: key },
      ]),
      accessPoints: observed([]),
      keyGrants: observed([{ keyArn: KEY, grants }]),
    };
    const access = accessOf({ ...estate(one), accountRegions: [{ ...pair, sections }] });
    const found = contentReaders(access).find(({ destination }) => destination.kind === 'bucket');
    if (found === undefined) throw new Error('a bucket was meant');
    return {
      found,
      answer: {
        both: names(found),
        withoutKey: found.withoutKey.flatMap(({ principal }) =>
          principal.type === 'root' ? [] : [principal.name],
        ),
      },
    };
  }
  const both = user('both', [read(), decrypt()]);

  test.each<readonly [string, Keyed, readonly string[], readonly string[]]>([
    [
      'by their own policies where the key policy leaves it to the account',
      { key: keyPolicy(TO_ACCOUNT), one: { users: [ada, both] } },
      ['both: allowed'],
      ['ada'],
    ],
    [
      'by the key policy, which names one of them',
      { key: keyPolicy(byName('ada')), one: { users: [ada, both] } },
      ['ada: allowed'],
      ['both'],
    ],
    [
      'by a grant of the key',
      {
        key: keyPolicy(byName('nobody')),
        grants: observed([
          {
            id: 'g1',
            grantee: `arn:aws:iam::${ONE}:user/ada`,
            operations: ['Decrypt'],
            isConstrained: false,
          },
        ]),
        one: { users: [ada] },
      },
      ['ada: allowed'],
      [],
    ],
    [
      'under a condition of either',
      {
        key: keyPolicy(byName('ada', { Condition: { Bool: { 'aws:MultiFactorAuthPresent': 'true' } } })),
        one: { users: [ada] },
      },
      ['ada: conditionally-allowed'],
      [],
    ],
    [
      'through S3 in the Region of the key, which a key policy may ask for',
      {
        key: keyPolicy(
          byName('ada', {
            Condition: {
              StringEquals: { 'kms:ViaService': 's3.eu-central-1.amazonaws.com', 'kms:CallerAccount': ONE },
            },
          }),
          byName('both', {
            Condition: { StringEquals: { 'kms:ViaService': 'logs.eu-central-1.amazonaws.com' } },
          }),
        ),
        one: { users: [ada, both] },
      },
      ['ada: allowed'],
      ['both'],
    ],
    ['a key alone opens no bucket', { key: keyPolicy(byName('bob')), one: { users: [bob] } }, [], []],
    [
      'a key policy that could not be read denies nobody',
      { key: DENIED, one: { users: [ada] } },
      ['ada: cannot-decide'],
      [],
    ],
    [
      'grants that could not be read deny nobody either',
      { key: keyPolicy(byName('nobody')), grants: DENIED, one: { users: [ada] } },
      ['ada: cannot-decide'],
      [],
    ],
    [
      'somebody outside whom the bucket lets in and the key does not name cannot be decided',
      { key: keyPolicy(TO_ACCOUNT), bucket: policy(read({ Principal: { AWS: STRANGER } })), one: {} },
      [`\`${STRANGER}\`, outside the organization: cannot-decide`],
      [],
    ],
  ])('%s', (_name, given, expected, withoutKey) => {
    expect(bucketOf(given).answer).toEqual({ both: expected, withoutKey });
  });

  test('and where the encryption could not be read, that they may need a key is said', () => {
    const { found, answer } = bucketOf({ key: DENIED, encryption: DENIED, one: { users: [ada] } });
    expect(answer.both).toEqual(['ada: allowed']);
    expect(found.notSeen).toEqual([
      'the encryption of bucket `prompts` could not be read: AccessDenied; who reads its objects may need a key too',
    ]);
  });
});

test('places that settings name are asked about without a section that describes them', () => {
  const accountRegions = [
    {
      ...pairOf(ONE, BUCKET, absent()),
      sections: {},
      invocationLogging: observed({
        textDataDeliveryEnabled: true,
        cloudWatchConfig: { logGroupName: '/bedrock/x', roleArn: roleArn('log') },
      }),
    } as RegionEvidence,
  ];
  const found = whoCan(accessOf({ ...estate({}), accountRegions }), 'read-content');
  expect(found.destinations.map(({ destination }) => destination.resourceArn)).toEqual([GROUP]);
  expect(found.destinations[0]?.notSeen.join()).toContain('could not be read: the evidence has no section');
  expect(found.notSeen.join('\n')).toContain(
    `where content of one (${ONE}) goes in ${FRANKFURT} (batchJobs, evaluationJobs, asyncInvocations, logDeliveries, contentLogGroups): the evidence has no such section`,
  );
  expect(found.notSeen).toContain(`where content of two (${TWO}) goes: not in the snapshot`);
});
