import { describe, expect, test } from 'vitest';
import { decodeSnapshot, encodeSnapshot, type KeyGrant, type Observation } from '../../src/evidence/index.ts';
import { accessOf } from '../../src/iam/index.ts';
import { absent, FRANKFURT, MANAGEMENT, observed, organization, snapshot } from '../evidence/snapshots.ts';
import { ALLOW_ALL, allow, deny, documentOf } from './documents.ts';
import { CHANGE, estate, ONE, role, TWO, trusting, user } from './estates.ts';

const BUCKET = 'arn:aws:s3:::prompts';
const OBJECT = `${BUCKET}/2026/x`;
const KEY = `arn:aws:kms:eu-central-1:${ONE}:key/1`;
const everywhere = (policyIds: readonly string[]) =>
  observed(
    ['r-ex01', 'ou-ex01-product01', ONE, TWO, MANAGEMENT].map((targetId) => ({ targetId, policyIds })),
  );

/** A user of account ONE and policies of resources there. */
function decide(
  policies: readonly { readonly resourceArn: string; readonly document: string }[],
  statements: Parameters<typeof user>[1],
  action: string,
  resource: string,
  rcp?: string,
  grants: Observation<readonly KeyGrant[]> | 'nobody asked' = observed([]),
) {
  const base = estate(
    { users: [user('ada', statements)] },
    {},
    rcp === undefined
      ? {}
      : {
          resourceControlPolicies: observed([{ id: 'p-r', name: 'Perimeter', document: rcp }]),
          resourceControlAttachments: everywhere(['p-RCPFullAWSAccess', 'p-r']),
        },
  );
  const accounts = base.accounts.map((account) =>
    account.accountId === ONE ? { ...account, resourcePolicies: observed(policies) } : account,
  );
  const sections = grants === 'nobody asked' ? {} : { keyGrants: observed([{ keyArn: KEY, grants }]) };
  const accountRegions = [
    {
      accountId: ONE,
      region: FRANKFURT,
      invocationLogging: absent<never>(),
      dataRetention: absent<never>(),
      sections,
    },
  ];
  const access = accessOf({ ...base, accounts, accountRegions });
  const [ada] = access.find('ada');
  if (ada === undefined) throw new Error('ada is not there');
  return access.decide(ada, action, { resource });
}

describe('policies of resources in the evidence', () => {
  const bucket = (statement: object) => [{ resourceArn: BUCKET, document: documentOf({ ...statement }) }];
  test.each([
    [
      'a bucket policy lets a user in',
      bucket(
        allow('s3:GetObject', {
          Principal: { AWS: `arn:aws:iam::${ONE}:user/ada` },
          Resource: `${BUCKET}/*`,
        }),
      ),
      [],
      's3:GetObject',
      OBJECT,
      'allowed',
    ],
    [
      'a bucket policy keeps an administrator out',
      bucket(deny('s3:GetObject', { Principal: '*' })),
      [ALLOW_ALL],
      's3:GetObject',
      OBJECT,
      'denied',
    ],
    [
      'another bucket is not concerned',
      bucket(deny('s3:GetObject', { Principal: '*' })),
      [ALLOW_ALL],
      's3:GetObject',
      'arn:aws:s3:::prompts-2/x',
      'allowed',
    ],
    [
      'a key policy that does not name the account keeps an administrator out',
      [
        {
          resourceArn: KEY,
          document: documentOf(allow('kms:*', { Principal: { AWS: `arn:aws:iam::${ONE}:user/bob` } })),
        },
      ],
      [ALLOW_ALL],
      'kms:Decrypt',
      KEY,
      'denied',
    ],
  ])('%s', (_name, policies, statements, action, resource, expected) => {
    expect(decide(policies, statements, action, resource).kind).toBe(expected);
  });

  describe('grants of a key', () => {
    const toBob = [
      {
        resourceArn: KEY,
        document: documentOf(allow('kms:*', { Principal: { AWS: `arn:aws:iam::${ONE}:user/bob` } })),
      },
    ];
    const denying = [
      { resourceArn: KEY, document: documentOf(deny('kms:*', { Principal: '*', Resource: '*' })) },
    ];
    const grant = (more: Partial<KeyGrant> = {}): Observation<readonly KeyGrant[]> =>
      observed([
        {
          id: 'g1',
          grantee: `arn:aws:iam::${ONE}:user/ada`,
          operations: ['Decrypt'],
          isConstrained: false,
          ...more,
        },
      ]);
    const DENIED = { kind: 'unobservable', reason: 'access-denied' } as const;

    test.each<[string, typeof toBob, Observation<readonly KeyGrant[]> | 'nobody asked', string]>([
      ['a grant lets in past key policy and identity policies', toBob, grant(), 'allowed'],
      ['a grant of another operation does not', toBob, grant({ operations: ['Encrypt'] }), 'denied'],
      [
        'a grant to somebody else does not',
        toBob,
        grant({ grantee: `arn:aws:iam::${ONE}:user/eve` }),
        'denied',
      ],
      ['a grant to a service does not', toBob, grant({ grantee: 'rds.amazonaws.com' }), 'denied'],
      [
        'a grant for some contexts alone is a condition',
        toBob,
        grant({ isConstrained: true }),
        'conditionally-allowed',
      ],
      ['a Deny of the key policy beats a grant', denying, grant(), 'denied'],
      ['grants that nobody collected leave it open', toBob, 'nobody asked', 'cannot-decide'],
      ['so do grants that were refused', toBob, DENIED, 'cannot-decide'],
      ['but not what the key policy denies', denying, DENIED, 'denied'],
    ])('%s', (_name, policies, grants, expected) => {
      expect(decide(policies, [], 'kms:Decrypt', KEY, undefined, grants).kind).toBe(expected);
    });

    test('the grant that decided is named', () => {
      const decision = decide(toBob, [], 'kms:Decrypt', KEY, undefined, grant());
      expect(decision.statements.map(({ policy }) => policy)).toEqual([`grant \`g1\` of \`${KEY}\``]);
    });
  });

  test('a resource control policy reaches a key of the account, and Bedrock not', () => {
    const rcp = documentOf(deny(['kms:*', 'bedrock:*'], { Principal: '*' }));
    expect(decide([], [ALLOW_ALL], 'kms:Decrypt', KEY, rcp).kind).toBe('denied');
    expect(
      decide([], [ALLOW_ALL], 'bedrock:GetPrompt', `arn:aws:bedrock:eu-central-1:${ONE}:prompt/1`, rcp).kind,
    ).toBe('allowed');
  });

  test('a resource control policy on sts keeps a role from being assumed', () => {
    const evidence = estate(
      { users: [user('ada', [ALLOW_ALL])], roles: [role('target', trusting({ AWS: ONE }), [CHANGE])] },
      {},
      {
        resourceControlPolicies: observed([
          { id: 'p-r', name: 'Perimeter', document: documentOf(deny('sts:AssumeRole', { Principal: '*' })) },
        ]),
        resourceControlAttachments: everywhere(['p-RCPFullAWSAccess', 'p-r']),
      },
    );
    const access = accessOf(evidence);
    const [ada, target] = [access.find('ada')[0], access.find('target')[0]];
    expect(ada && target && access.decideAssume(ada, target).kind).toBe('denied');
  });
});

describe('the optional sections of a snapshot', () => {
  test('come back as they went in', () => {
    const base = snapshot({
      organization: organization({
        resourceControlPolicies: observed([
          { id: 'p-r', name: 'Perimeter', document: documentOf(ALLOW_ALL) },
        ]),
        resourceControlAttachments: observed([{ targetId: 'r-ex01', policyIds: ['p-r'] }]),
      }),
    });
    const accounts = base.accounts.map((account) => ({
      ...account,
      resourcePolicies: observed([{ resourceArn: BUCKET, document: documentOf(ALLOW_ALL) }]),
    }));
    const whole = { ...base, accounts };
    expect(decodeSnapshot(encodeSnapshot(whole))).toEqual({ ok: true, value: whole });
  });

  test('may be missing, as in snapshots from before there were any', () => {
    const files = encodeSnapshot(snapshot());
    expect([...files.values()].join()).not.toMatch(/resourcePolicies|resourceControl/);
    expect(decodeSnapshot(files)).toEqual({ ok: true, value: snapshot() });
  });
});

test('the policies of destinations count like those of an account', () => {
  const base = estate({ users: [user('ada', [])] }, {}, {});
  const document = documentOf(
    allow('s3:GetObject', { Principal: { AWS: `arn:aws:iam::${ONE}:user/ada` }, Resource: `${BUCKET}/*` }),
  );
  const decided = (sections: object) => {
    const access = accessOf({
      ...base,
      accountRegions: [
        {
          accountId: ONE,
          region: FRANKFURT,
          invocationLogging: absent(),
          dataRetention: absent(),
          sections,
        },
      ],
    });
    const [ada] = access.find('ada');
    if (ada === undefined) throw new Error('ada is not there');
    return access.decide(ada, 's3:GetObject', { resource: OBJECT }).kind;
  };
  const held = (policy: object) => ({ destinationPolicies: observed([{ resourceArn: BUCKET, policy }]) });
  expect(decided(held(observed(document)))).toBe('allowed');
  expect(decided({})).toBe('denied');
});
