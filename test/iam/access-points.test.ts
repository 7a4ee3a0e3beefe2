import { describe, expect, test } from 'vitest';
import { region } from '../../src/core/index.ts';
import type {
  AccessPoint,
  ContentBucket,
  IamEvidence,
  MultiRegionAccessPoint,
  Observation,
  RegionEvidence,
} from '../../src/evidence/index.ts';
import { accessOf, contentReaders } from '../../src/iam/index.ts';
import { absent, FRANKFURT, observed } from '../evidence/snapshots.ts';
import { ALLOW_ALL, allow, deny, documentOf, type StatementJson } from './documents.ts';
import { estate, ONE, role, TWO, trusting, user } from './estates.ts';

/*
 * A request through an access point needs the access point and the bucket (S3 User Guide, "Configuring IAM policies for using access points"); the bucket
 * is told which access point it is by three condition keys. Nothing here was compared with AWS.
 */

const IRELAND = region('eu-west-1');
const BUCKET = 'arn:aws:s3:::prompts';
const POINT = `arn:aws:s3:eu-central-1:${ONE}:accesspoint/readers`;
const STRANGER = '444444444444';
const DENIED: Observation<never> = { kind: 'unobservable', reason: 'access-denied', detail: 'AccessDenied' };
const EC2 = trusting({ Service: 'ec2.amazonaws.com' });

const policy = (...statements: readonly StatementJson[]): Observation<string> =>
  observed(documentOf(statements));
const through = (name: string, arn = POINT): StatementJson =>
  allow('s3:GetObject', { Principal: { AWS: principal(name) }, Resource: `${arn}/object/*` });
const principal = (name: string): string => (name === '*' ? '*' : `arn:aws:iam::${ONE}:user/${name}`);
/** What AWS's page proposes for a bucket that leaves everything to the access points of its account. */
const leftTo = (condition: object = { StringEquals: { 's3:DataAccessPointAccount': ONE } }): StatementJson =>
  allow('*', { Principal: '*', Resource: [BUCKET, `${BUCKET}/*`], Condition: condition });

const point = (held: Observation<string>, more: Partial<AccessPoint> = {}): AccessPoint => ({
  arn: POINT,
  name: 'readers',
  bucketName: 'prompts',
  bucketAccountId: ONE,
  networkOrigin: 'Internet',
  policy: held,
  ...more,
});

interface Case {
  readonly bucket?: Observation<string>;
  readonly points?: Observation<readonly AccessPoint[]>;
  readonly ofTwo?: Observation<readonly AccessPoint[]>;
  readonly multiRegion?: Observation<readonly MultiRegionAccessPoint[]>;
  readonly one?: Partial<IamEvidence>;
  readonly two?: Partial<IamEvidence>;
  /** Regions that account ONE can use, in words; null: nobody listed them. */
  readonly usable?: readonly string[] | null;
  /** Of account ONE, in Ireland; undefined: not in the snapshot. */
  readonly ireland?: Observation<readonly AccessPoint[]>;
}

const pair = (
  accountId: RegionEvidence['accountId'],
  sections: RegionEvidence['sections'] = {},
  region = FRANKFURT,
): RegionEvidence => ({
  accountId,
  region,
  invocationLogging: absent(),
  dataRetention: absent(),
  sections,
});

function readers({
  bucket = policy(leftTo()),
  points = observed([]),
  ofTwo,
  multiRegion,
  one,
  two,
  ...more
}: Case) {
  const { usable = [FRANKFURT], ireland } = more;
  const base = estate(one ?? {}, two ?? {});
  const destination: ContentBucket = {
    kind: 's3',
    bucketName: 'prompts',
    usedBy: [],
    versioning: absent(),
    lifecycle: absent(),
    objectLock: absent(),
    encryption: absent(),
    ownership: observed('BucketOwnerEnforced'),
    replication: absent(),
    backups: absent(),
  };
  const [found] = contentReaders(
    accessOf({
      ...base,
      accounts: base.accounts.map((account) => ({
        ...account,
        sections: {
          ...account.sections,
          ...(account.accountId !== ONE
            ? {}
            : {
                regions:
                  usable === null
                    ? DENIED
                    : observed(usable.map((each) => ({ region: each, optStatus: 'ENABLED' }))),
              }),
          multiRegionAccessPoints: account.accountId === ONE ? (multiRegion ?? absent()) : absent(),
        },
      })),
      accountRegions: [
        pair(ONE, {
          destinations: observed([destination]),
          destinationPolicies: observed([{ resourceArn: BUCKET, policy: bucket }]),
          keyGrants: observed([]),
          accessPoints: points,
        }),
        pair(TWO, { accessPoints: ofTwo ?? observed([]) }),
        ...(ireland === undefined ? [] : [pair(ONE, { accessPoints: ireland }, IRELAND)]),
      ],
    }),
  );
  if (found === undefined) throw new Error('the bucket was meant');
  return found;
}
const names = (given: Case): readonly string[] => {
  const { principals, others } = readers(given);
  return [
    ...principals.map(({ principal: { name }, certainty }) => `${name}: ${certainty}`),
    ...others.map(({ words, certainty }) => `${words}: ${certainty}`),
  ];
};

const bob = user('bob');
const ada = user('ada', [allow('s3:GetObject', { Resource: `${POINT}/object/*` })]);
const EVERYBODY = 'everybody, also outside the organization';
const OF_TWO = `arn:aws:s3:eu-central-1:${TWO}:accesspoint/x`;

describe('a bucket that leaves it to the access points of its account', () => {
  test.each<readonly [string, Case, readonly string[]]>([
    ['of which there are none, lets nobody in', { one: { users: [bob, ada] } }, []],
    [
      'lets in whom an access point names, and nobody else',
      { points: observed([point(policy(through('bob')))]), one: { users: [bob, user('carl')] } },
      ['bob: allowed'],
    ],
    [
      'lets in whose own policies name an access point without a policy',
      { points: observed([point(absent())]), one: { users: [ada, bob] } },
      ['ada: allowed'],
    ],
    [
      'lets in everybody whom an access point lets in, also outside the organization',
      { points: observed([point(policy(through('*')))]) },
      [`${EVERYBODY}: allowed`],
    ],
    [
      'lets in an account outside that an access point alone names',
      {
        points: observed([
          point(
            policy(allow('s3:GetObject', { Principal: { AWS: STRANGER }, Resource: `${POINT}/object/*` })),
          ),
        ]),
      },
      [`\`${STRANGER}\`, outside the organization: allowed`],
    ],
    [
      'keeps out whom the access point denies',
      {
        points: observed([
          point(policy(through('*'), deny('s3:*', { Principal: '*', Resource: `${POINT}/object/*` }))),
        ]),
        one: { users: [user('eve', [ALLOW_ALL])] },
      },
      // An administrator reads past it, by the bucket's own name.
      ['eve: allowed'],
    ],
    [
      'lets in through an access point of a VPC under the condition that the request comes from there',
      {
        points: observed([point(policy(through('bob')), { networkOrigin: 'VPC', vpcId: 'vpc-1' })]),
        one: { users: [bob] },
      },
      ['bob: conditionally-allowed'],
    ],
    [
      'does not let in through an access point of another account',
      {
        ofTwo: observed([
          point(policy(through('bob', OF_TWO)), {
            arn: OF_TWO,
            name: 'x',
          }),
        ]),
        one: { users: [bob] },
      },
      [],
    ],
    [
      'lets in through an access point in front of another bucket nobody',
      {
        points: observed([point(policy(through('bob')), { bucketName: 'pictures' })]),
        one: { users: [bob] },
      },
      [],
    ],
    [
      'lets in through a Multi-Region Access Point too',
      {
        multiRegion: observed([
          {
            arn: `arn:aws:s3::${ONE}:accesspoint/a.mrap`,
            name: 'everywhere',
            bucketNames: ['pictures', 'prompts'],
            policy: policy(through('bob', `arn:aws:s3::${ONE}:accesspoint/a.mrap`)),
          },
        ]),
        one: { users: [bob] },
      },
      ['bob: allowed'],
    ],
  ])('%s', (_name, given, expected) => {
    expect(names(given)).toEqual(expected);
    expect(readers(given).notSeen).toEqual([]);
  });

  test.each<readonly [string, Case, string]>([
    [
      'the list was denied',
      { points: DENIED },
      `the access points of account ${ONE} could not be listed: AccessDenied; whom they let in is not known`,
    ],
    [
      'those of several Regions were denied',
      { multiRegion: DENIED },
      `the access points of account ${ONE} could not be listed: AccessDenied; whom they let in is not known`,
    ],
  ])('where %s, everybody is let in under that condition, and it is said', (_name, given, said) => {
    expect(names({ ...given, one: { users: [bob] } })).toEqual([
      'bob: conditionally-allowed',
      `${EVERYBODY}: conditionally-allowed`,
    ]);
    expect(readers(given).notSeen).toEqual([said]);
  });

  test('an access point whose policy was denied keeps everything undecided, never nobody', () => {
    const given = { points: observed([point(DENIED)]), one: { users: [bob] } };
    expect(names(given)).toEqual(['bob: cannot-decide', `${EVERYBODY}: cannot-decide`]);
    expect(readers(given).notSeen).toEqual([
      'the policy of access point `readers` could not be read: AccessDenied; whom they let in is not known',
    ]);
  });

  test('the deciding statements are those of the access point and of the bucket', () => {
    const found = readers({ points: observed([point(policy(through('bob')))]), one: { users: [bob] } });
    expect(found.principals[0]?.decisions[0]?.statements.map(({ policy: where }) => where)).toEqual([
      'the policy of access point `readers`',
      `the policy of \`${BUCKET}\``,
    ]);
  });
});

describe('other bucket policies', () => {
  const TO_TWO = allow('s3:GetObject', { Principal: { AWS: TWO }, Resource: `${BUCKET}/*` });
  const reader = role('reader', EC2, [allow('s3:GetObject')], { account: TWO });
  test.each<readonly [string, Case, readonly string[]]>([
    [
      'without a word of access points let in the same people whatever is in front of them',
      {
        bucket: policy(TO_TWO),
        points: observed([point(policy(through('bob')))]),
        one: { users: [bob] },
        two: { roles: [reader] },
      },
      ['reader: allowed'],
    ],
    [
      'that let in through any access point leave a condition, since anybody may make one',
      { bucket: policy(leftTo({ Null: { 's3:DataAccessPointArn': 'false' } })), one: { users: [bob] } },
      ['bob: conditionally-allowed', `${EVERYBODY}: conditionally-allowed`],
    ],
    [
      'that name access points of an account outside leave a condition',
      { bucket: policy(leftTo({ StringEquals: { 's3:DataAccessPointAccount': STRANGER } })) },
      [`${EVERYBODY}: conditionally-allowed`],
    ],
    [
      'that name an ARN with a star for the account leave a condition',
      { bucket: policy(leftTo({ ArnLike: { 's3:DataAccessPointArn': 'arn:aws:s3:*:*:accesspoint/*' } })) },
      [`${EVERYBODY}: conditionally-allowed`],
    ],
    [
      'that name the ARN of one access point let in through it, and through no other',
      {
        bucket: policy(leftTo({ ArnEquals: { 's3:DataAccessPointArn': POINT } })),
        points: observed([
          point(policy(through('bob'))),
          point(policy(through('carl', `${POINT}2`)), { arn: `${POINT}2`, name: 'readers2' }),
        ]),
        one: { users: [bob, user('carl')] },
      },
      ['bob: allowed'],
    ],
    [
      'that deny all but access points, of which there are none, keep out an administrator',
      {
        bucket: policy(
          deny('s3:GetObject*', {
            Principal: '*',
            Resource: `${BUCKET}/*`,
            Condition: { StringNotEquals: { 's3:DataAccessPointAccount': ONE } },
          }),
        ),
        one: { users: [user('eve', [ALLOW_ALL])] },
      },
      [],
    ],
    [
      'whose one way is an access point leave open which ARN the own policies must name',
      {
        bucket: policy(
          deny('s3:GetObject*', {
            Principal: '*',
            Resource: `${BUCKET}/*`,
            Condition: { StringNotEquals: { 's3:DataAccessPointAccount': ONE } },
          }),
        ),
        points: observed([point(absent())]),
        one: { users: [ada, bob] },
      },
      ['ada: cannot-decide'],
    ],
  ])('%s', (_name, given, expected) => {
    expect(names(given)).toEqual(expected);
  });

  test('an access point of another partition lets nobody in from this one', () => {
    const given = { points: observed([point(policy(through('bob')))]), one: { users: [bob] } };
    expect(
      names({
        ...given,
        bucket: policy(
          leftTo({ ArnLike: { 's3:DataAccessPointArn': `arn:aws-cn:s3:*:${ONE}:accesspoint/*` } }),
        ),
      }),
    ).toEqual([]);
  });
});

describe('an account whose access points nobody listed', () => {
  const said = (why: string) =>
    `the access points of account ${ONE} could not be listed: ${why}; whom they let in is not known`;
  const own = (name: string, Resource: string, more: StatementJson = {}) =>
    user(name, [allow('s3:GetObject', { Resource, ...more })]);
  const one = {
    users: [
      ada,
      own('any', 'arn:aws:s3:eu-????????-1:*:accesspoint/*'),
      own('ireland', `arn:aws:s3:eu-w*t-1:${ONE}:accesspoint/re*`),
      own('several', `arn:aws:s3::${ONE}:accesspoint/a.mrap/*`),
      own('account', `arn:aws:s3:eu-central-1:${ONE}:*`),
      own('else', `arn:aws:s3:eu-central-1:${TWO}:accesspoint/*`),
      own('other', 'arn:aws:s3:::pictures/*'),
      bob,
    ],
  };
  const UNDECIDED = ['account', 'ada'].map((name) => `${name}: cannot-decide`);
  const CARL = `\`${principal('carl')}\`, whom nobody saw in its account: cannot-decide`;
  const OTHERS = policy(
    allow('s3:GetObject', { Principal: { AWS: principal('carl') }, Resource: `${BUCKET}/*` }),
  );

  test.each<readonly [string, Case, readonly string[], readonly string[]]>([
    ['that has none, has nobody', { bucket: absent() }, [], []],
    [
      'leaves undecided whose own policies name one',
      { bucket: absent(), points: DENIED },
      UNDECIDED,
      [said('AccessDenied')],
    ],
    [
      'whatever the bucket says of somebody else',
      { bucket: OTHERS, points: DENIED },
      [...UNDECIDED, CARL],
      [said('AccessDenied')],
    ],
    [
      'unless the bucket denies everybody',
      { bucket: policy(deny('s3:*', { Principal: '*', Resource: [BUCKET, `${BUCKET}/*`] })), points: DENIED },
      [],
      [said('AccessDenied')],
    ],
    [
      'also where only those of several Regions were denied',
      { bucket: absent(), multiRegion: DENIED },
      ['several: cannot-decide'],
      [said('AccessDenied')],
    ],
    [
      'also where a Region is not in the snapshot, in which nothing names the bucket',
      { bucket: absent(), usable: [FRANKFURT, IRELAND] },
      ['ireland: cannot-decide'],
      [said('not in the snapshot: eu-west-1')],
    ],
    [
      'also where which Regions it can use was not seen',
      { bucket: absent(), usable: null },
      ['any: cannot-decide', 'ireland: cannot-decide'],
      [said('which Regions it can use was not seen')],
    ],
  ])('%s', (_name, given, expected, notSeen) => {
    expect(names({ one, ...given })).toEqual(expected);
    expect(readers({ one, ...given }).notSeen).toEqual(notSeen);
  });

  const inIreland = `arn:aws:s3:eu-west-1:${ONE}:accesspoint/readers`;
  const there = observed([point(policy(through('bob', inIreland)), { arn: inIreland })]);
  const usable = [FRANKFURT, IRELAND];
  test.each<readonly [string, Case, readonly string[], readonly string[]]>([
    ['was seen', { usable, ireland: there }, ['bob: allowed'], []],
    [
      'was denied',
      { usable, ireland: DENIED },
      ['bob: conditionally-allowed', `${EVERYBODY}: conditionally-allowed`],
      [said('AccessDenied')],
    ],
    [
      'is not in the snapshot',
      { usable },
      ['bob: conditionally-allowed', `${EVERYBODY}: conditionally-allowed`],
      [said('not in the snapshot: eu-west-1')],
    ],
  ])('a bucket may lie in another Region than names it, which %s', (_name, given, expected, notSeen) => {
    const found = { ...given, one: { users: [bob] } };
    expect(names(found)).toEqual(expected);
    expect(readers(found).notSeen).toEqual(notSeen);
  });
});

test('whom an access point alone names is asked too, where the bucket policy could not be read', () => {
  const mallory = role('mallory', EC2, [ALLOW_ALL], { account: TWO });
  const named = allow('s3:GetObject', { Principal: { AWS: mallory.arn }, Resource: `${POINT}/object/*` });
  expect(
    names({ bucket: DENIED, points: observed([point(policy(named))]), two: { roles: [mallory] } }),
  ).toEqual(['mallory: cannot-decide']);
});
