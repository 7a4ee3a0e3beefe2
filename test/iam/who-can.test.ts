import { describe, expect, test } from 'vitest';
import type { IamEvidence, SectionObservations } from '../../src/evidence/index.ts';
import {
  type AccessEvidence,
  accessOf,
  describePath,
  MAX_STEPS,
  type WhoCan,
  whoCan,
} from '../../src/iam/index.ts';
import { observed, organization } from '../evidence/snapshots.ts';
import { ALLOW_ALL, allow, deny, documentOf, MFA } from './documents.ts';
import { ASSUME_ALL, CHANGE, estate, group, ONE, role, roleArn, TWO, trusting, user } from './estates.ts';

const SERVICE = trusting({ Service: 'ec2.amazonaws.com' });
const ask = (evidence: AccessEvidence): WhoCan => whoCan(accessOf(evidence), 'change-storage');
const sentences = (evidence: AccessEvidence): readonly string[] =>
  ask(evidence).paths.map((path) => `${describePath(path, 'change storage')}: ${path.certainty}`);
const direct = (evidence: AccessEvidence): readonly string[] =>
  ask(evidence).principals.map(({ principal, certainty }) => `${principal.name}: ${certainty}`);

describe('who can change storage', () => {
  test.each<readonly [string, Partial<IamEvidence>, readonly string[]]>([
    ['a role by its own policy', { roles: [role('r', SERVICE, [CHANGE])] }, ['r: allowed']],
    ['a user by its own policy', { users: [user('u', [CHANGE])] }, ['u: allowed']],
    [
      'a user by its group, and the group itself',
      { users: [user('u', [], ['g'])], groups: [group('g', [CHANGE])] },
      ['g: allowed', 'u: allowed'],
    ],
    [
      'under a condition',
      { users: [user('u', [{ ...CHANGE, Condition: MFA }])] },
      ['u: conditionally-allowed'],
    ],
    ['nobody else', { users: [user('u', [allow('s3:*')])], roles: [role('r', SERVICE)] }, []],
    [
      'one whose group is not in the evidence cannot be decided',
      { users: [user('u', [], ['gone'])] },
      ['u: cannot-decide'],
    ],
  ])('%s', (_name, iam, expected) => {
    expect(direct(estate(iam))).toEqual(expected);
  });

  test('root users may unless a control policy above them says no, which no service-linked role hears', () => {
    const fenced = estate(
      {},
      {},
      {
        serviceControlPolicies: observed([
          {
            id: 'p-1',
            name: 'Fence',
            document: documentOf([ALLOW_ALL, deny(['bedrock:*', 'bedrock-mantle:*'])]),
          },
        ]),
        attachments: observed(
          ['r-ex01', 'ou-ex01-product01', ONE, TWO, organization().managementAccountId].map((targetId) => ({
            targetId,
            policyIds: targetId === ONE ? ['p-1'] : ['p-FullAWSAccess'],
          })),
        ),
      },
    );
    const linked = role('linked', SERVICE, [CHANGE], { path: '/aws-service-role/x.amazonaws.com/' });
    const plain = role('plain', SERVICE, [CHANGE]);
    expect(
      direct({ ...estate({ roles: [linked, plain] }), organization: fenced.organization }),
      'service-linked roles are out of its reach',
    ).toEqual(['linked: allowed']);
    expect(ask(fenced).roots.map(({ principal }) => principal.accountName)).toEqual(['management', 'two']);
  });

  test('an account whose IAM could not be read is said, and its root user still counts', () => {
    const base = estate({});
    const iam = { kind: 'unobservable', reason: 'access-denied' } as const;
    const evidence = { ...base, accounts: [{ accountId: ONE, iam }] };
    const found = ask(evidence);
    expect(found.notSeen).toEqual([
      `the users, groups and roles of account one (${ONE}): access-denied`,
      'the users, groups and roles of account management (111111111111): not in the snapshot',
      `the users, groups and roles of account two (${TWO}): not in the snapshot`,
    ]);
    expect(found.roots.map(({ principal }) => principal.accountId)).toEqual([ONE]);
  });

  test('a role trusted by outsiders says by whom', () => {
    const roles = [
      role('a', SERVICE, [CHANGE]),
      role('b', trusting({ AWS: '999999999999' }), [CHANGE]),
      role('c', trusting('*'), [CHANGE]),
      role('d', trusting({ AWS: TWO }), [CHANGE]),
    ];
    expect(ask(estate({ roles })).outsiders.map(({ role: of, who }) => [of.name, who])).toEqual([
      ['a', ['the service ec2.amazonaws.com']],
      ['b', ['999999999999, outside the organization']],
      ['c', ['everybody, also outside the organization']],
    ]);
  });

  test('passing a role is asked about Bedrock as the receiver', () => {
    const pass = (service: string) =>
      role(`to-${service}`, SERVICE, [
        allow('iam:PassRole', { Condition: { StringEquals: { 'iam:PassedToService': service } } }),
      ]);
    const roles = [pass('bedrock.amazonaws.com'), pass('ec2.amazonaws.com')];
    expect(
      whoCan(accessOf(estate({ roles })), 'weaken-limits').principals.map(({ principal }) => principal.name),
    ).toEqual(['to-bedrock.amazonaws.com']);
  });
});

describe('roles of IAM Identity Center', () => {
  const SET = 'AWSReservedSSO_Developer_0123456789abcdef';
  const saml = documentOf({
    Effect: 'Allow',
    Principal: { Federated: `arn:aws:iam::${ONE}:saml-provider/AWSSSO_x` },
    Action: 'sts:AssumeRoleWithSAML',
  });
  const inCenter = { path: '/aws-reserved/sso.amazonaws.com/eu-central-1/' };
  const evidence = (more: { readonly path?: string } = inCenter): AccessEvidence => {
    const base = estate({
      roles: [role(SET, saml, [ASSUME_ALL], more), role('keeper', trusting({ AWS: ONE }), [CHANGE])],
    });
    const permissionSetAssignments = observed([
      { permissionSetName: 'Developer', principalType: 'GROUP', principalId: 'g-1', groupName: 'Developers' },
      { permissionSetName: 'Developer', principalType: 'GROUP', principalId: 'g-2' },
      { permissionSetName: 'Developer', principalType: 'USER', principalId: 'u-1' },
      { permissionSetName: 'Auditor', principalType: 'GROUP', principalId: 'g-3', groupName: 'Auditors' },
    ]);
    const accounts = base.accounts.map((account) =>
      account.accountId === ONE ? { ...account, sections: { permissionSetAssignments } } : account,
    );
    return { ...base, accounts };
  };

  const withPeople = (assignedPeople: SectionObservations<'account'>['assignedPeople']): AccessEvidence => {
    const base = evidence();
    const accounts = base.accounts.map((account) =>
      account.sections === undefined
        ? account
        : { ...account, sections: { ...account.sections, assignedPeople } },
    );
    return { ...base, accounts };
  };
  const denied = { kind: 'unobservable', reason: 'access-denied', detail: 'AccessDeniedException' } as const;
  const REST = `may assume, by IAM Identity Center, role \`${SET}\` of one, which may assume role \`keeper\`, which may change storage: allowed`;

  test('the groups and users that a permission set is given to stand before its role', () => {
    expect(sentences(evidence())).toEqual([
      `whoever is in group \`Developers\`, whose members were not read, and whoever is in group \`g-2\`, whose members were not read, and user \`u-1\` ${REST}`,
    ]);
  });

  test('the members of these groups are named, each in its group; who was not read is said, and is not nobody', () => {
    const found = withPeople(
      observed([
        {
          principalId: 'g-1',
          people: observed([
            { userId: 'u-2', userName: 'ada' },
            { userId: 'u-3', status: 'DISABLED' },
          ]),
        },
        { principalId: 'g-2', people: denied },
        { principalId: 'u-1', people: observed([{ userId: 'u-1', userName: 'kim' }]) },
      ]),
    );
    expect(sentences(found)).toEqual([
      `user \`ada\` in group \`Developers\` and user \`u-3\` (disabled) in group \`Developers\` and whoever is in group \`g-2\`, whose members were not read, and user \`kim\` ${REST}`,
    ]);
    expect(ask(found).notSeen).toContain('the members of group `g-2`: AccessDeniedException');
    expect(ask(found).notSeen.join()).not.toContain('Developers');
  });

  test('a group without members is said to have none, and of a large one a few are named', () => {
    const many = Array.from({ length: 9 }, (_, index) => ({ userId: `u-${index}` }));
    const [sentence] = sentences(
      withPeople(
        observed([
          { principalId: 'g-1', people: observed([]) },
          { principalId: 'g-2', people: observed(many) },
        ]),
      ),
    );
    expect(sentence).toMatch(/^nobody yet in group `Developers` and user `u-0` in group `g-2` and /);
    expect(sentence).toContain(' and user `u-4` in group `g-2` and 4 more in group `g-2` and user `u-1` may');
  });

  test.each([
    [
      'the people of the account were denied',
      withPeople(denied),
      'the members of group `Developers`: AccessDeniedException',
    ],
    [
      'they were never asked for',
      evidence(),
      'the members of group `Developers`: the evidence has no section `assignedPeople`',
    ],
    [
      'a group is missing among them',
      withPeople(observed([])),
      'the members of group `g-2`: the evidence does not name them',
    ],
  ])('where %s, the answer says so', (_name, from, expected) => {
    expect(ask(from).notSeen).toContain(expected);
  });

  test('where the assignments were not read, nobody knows to whom such a role is given', () => {
    const base = evidence();
    const accounts = base.accounts.map(({ sections: _, ...account }) => account);
    expect(ask({ ...base, accounts }).notSeen).toContain(
      `to whom IAM Identity Center gives role \`${SET}\` of one: the evidence has no section \`permissionSetAssignments\``,
    );
  });

  test('a role that only has the name of one was given to nobody', () => {
    expect(sentences(evidence({ path: '/' }))[0]).toMatch(/^role /);
  });
});

describe('paths by assuming roles', () => {
  const target = (trust: string) => role('target', trust, [CHANGE]);

  test.each<readonly [string, AccessEvidence, readonly string[]]>([
    [
      'a user in a group whose policy lets it assume a role that trusts the account',
      estate({
        users: [user('ada', [], ['ops'])],
        groups: [group('ops', [allow('sts:AssumeRole', { Resource: roleArn('target') })])],
        roles: [target(trusting({ AWS: ONE }))],
      }),
      ['user `ada` in group `ops` of one may assume role `target`, which may change storage: allowed'],
    ],
    [
      'a user without a permission to assume',
      estate({ users: [user('ada')], roles: [target(trusting({ AWS: ONE }))] }),
      [],
    ],
    [
      'a user that the trust policy names needs none within the account',
      estate({ users: [user('ada')], roles: [target(trusting({ AWS: `arn:aws:iam::${ONE}:user/ada` }))] }),
      ['user `ada` of one may assume role `target`, which may change storage: allowed'],
    ],
    [
      'a permission to assume without the trust',
      estate({ users: [user('ada', [ASSUME_ALL])], roles: [target(SERVICE)] }),
      [],
    ],
    [
      'over a role in between',
      estate({
        users: [user('ada', [ASSUME_ALL])],
        roles: [
          role('middle', trusting({ AWS: `arn:aws:iam::${ONE}:user/ada` })),
          target(trusting({ AWS: roleArn('middle') })),
        ],
      }),
      [
        'role `middle` of one may assume role `target`, which may change storage: allowed',
        'user `ada` of one may assume role `middle`, which may assume role `target`, which may change storage: allowed',
      ],
    ],
    [
      'across accounts, where both sides must allow',
      estate(
        { users: [user('ada', [ASSUME_ALL]), user('bob')], roles: [] },
        { roles: [role('target', trusting({ AWS: ONE }), [CHANGE], { account: TWO })] },
      ),
      ['user `ada` of one may assume role `target` of two, which may change storage: allowed'],
    ],
    [
      'a condition on the way makes the path conditional',
      estate({
        users: [user('ada', [ASSUME_ALL])],
        roles: [target(trusting({ AWS: ONE }, { Condition: { StringEquals: { 'sts:ExternalId': 'x' } } }))],
      }),
      ['user `ada` of one may assume role `target`, which may change storage: conditionally-allowed'],
    ],
    [
      'a condition of the role at the end makes the path conditional',
      estate({
        users: [user('ada', [ASSUME_ALL])],
        roles: [role('target', trusting({ AWS: ONE }), [{ ...CHANGE, Condition: MFA }])],
      }),
      ['user `ada` of one may assume role `target`, which may change storage: conditionally-allowed'],
    ],
    [
      'a longer way that is certain is preferred to a short one that is not',
      estate({
        users: [user('ada', [ASSUME_ALL])],
        roles: [
          role('middle', trusting({ AWS: `arn:aws:iam::${ONE}:user/ada` })),
          role(
            'target',
            documentOf([
              { Effect: 'Allow', Principal: { AWS: roleArn('middle') }, Action: 'sts:AssumeRole' },
              {
                Effect: 'Allow',
                Principal: { AWS: `arn:aws:iam::${ONE}:user/ada` },
                Action: 'sts:AssumeRole',
                Condition: { StringEquals: { 'sts:ExternalId': 'x' } },
              },
            ]),
            [CHANGE],
          ),
        ],
      }),
      [
        'role `middle` of one may assume role `target`, which may change storage: allowed',
        'user `ada` of one may assume role `middle`, which may assume role `target`, which may change storage: allowed',
      ],
    ],
    [
      'a damaged trust policy leaves it open for everybody',
      estate({ users: [user('ada', [ASSUME_ALL])], roles: [role('target', '{', [CHANGE])] }),
      ['user `ada` of one may assume role `target`, which may change storage: cannot-decide'],
    ],
    [
      'a role that everybody may assume',
      estate({ users: [user('ada')], roles: [target(trusting('*'))] }),
      ['user `ada` of one may assume role `target`, which may change storage: allowed'],
    ],
    [
      'a boundary keeps a user from assuming',
      estate({
        users: [{ ...user('ada', [ASSUME_ALL]), permissionsBoundaryArn: 'arn:b' }],
        managedPolicies: [{ arn: 'arn:b', name: 'b', document: documentOf(allow('s3:*')) }],
        roles: [target(trusting({ AWS: ONE }))],
      }),
      [],
    ],
    [
      'a service-linked role is assumed by its service alone',
      estate({
        users: [user('ada', [ASSUME_ALL])],
        roles: [role('linked', SERVICE, [CHANGE], { path: '/aws-service-role/x.amazonaws.com/' })],
      }),
      [],
    ],
  ])('%s', (_name, evidence, expected) => {
    expect(sentences(evidence)).toEqual(expected);
  });

  test('a ring of roles that trust each other ends, and each is named once', () => {
    const names = ['a', 'b', 'c', 'd'];
    const roles = names.map((name, index) =>
      role(
        name,
        trusting({ AWS: roleArn(names[(index + 1) % names.length] ?? '') }),
        name === 'a' ? [CHANGE] : [],
      ),
    );
    expect(ask(estate({ roles })).paths.map(({ from, steps }) => [from.name, steps.length])).toEqual([
      ['b', 1],
      ['c', 2],
      ['d', 3],
    ]);
  });

  test('a role that trusts itself is no path', () => {
    expect(sentences(estate({ roles: [target(trusting({ AWS: roleArn('target') }))] }))).toEqual([]);
  });

  test('chains are followed as far as the bound and no further', () => {
    const roles = Array.from({ length: MAX_STEPS + 3 }, (_, index) =>
      role(`r${index}`, trusting({ AWS: roleArn(`r${index + 1}`) }), index === 0 ? [CHANGE] : []),
    );
    expect(ask(estate({ roles })).paths.map(({ from }) => from.name)).toEqual(
      Array.from({ length: MAX_STEPS }, (_, index) => `r${index + 1}`),
    );
  });

  test('a thousand roles that all trust their account are done with in good time', () => {
    const roles = Array.from({ length: 1000 }, (_, index) =>
      role(`r${index}`, trusting({ AWS: ONE }), index % 10 === 0 ? [CHANGE, ASSUME_ALL] : []),
    );
    const start = performance.now();
    expect(ask(estate({ roles, users: [user('ada', [ASSUME_ALL])] })).paths).toHaveLength(1);
    expect(performance.now() - start).toBeLessThan(5000);
  });
});
