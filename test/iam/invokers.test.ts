import { describe, expect, test } from 'vitest';
import { region } from '../../src/core/index.ts';
import type { IamEvidence } from '../../src/evidence/index.ts';
import { type AccessEvidence, accessOf, invokersBeside } from '../../src/iam/index.ts';
import { observed, organization } from '../evidence/snapshots.ts';
import { allow, documentOf, MFA } from './documents.ts';
import { ASSUME_ALL, estate, group, ONE, role, roleArn, TWO, trusting, user } from './estates.ts';

const INVOKE = allow('bedrock:InvokeModel');
const SUBJECT = roleArn('subject');
const PLACE = { accountId: ONE, region: region('us-east-1') };
const OWN = trusting({ AWS: `arn:aws:iam::${ONE}:root` });
const SERVICE = trusting({ Service: 'lambda.amazonaws.com' });

/** A control policy over account one that denies invocation to whom `condition` lets through, else to everybody. */
const denied = (more: object = {}) => ({
  serviceControlPolicies: observed([
    {
      id: 'p-1',
      name: 'Fence',
      document: documentOf([
        allow('*'),
        {
          Effect: 'Deny',
          Action: ['bedrock:InvokeModel*', 'bedrock:CreateModelInvocationJob', 'bedrock-mantle:*'],
          Resource: '*',
          ...more,
        },
      ]),
    },
  ]),
  attachments: observed(
    ['r-ex01', 'ou-ex01-product01', ONE, TWO, organization().managementAccountId].map((targetId) => ({
      targetId,
      policyIds: targetId === ONE ? ['p-1'] : ['p-FullAWSAccess'],
    })),
  ),
});
/** Everybody but the subject. */
const FENCE = denied({ Condition: { ArnNotEquals: { 'aws:PrincipalArn': SUBJECT } } });
/** The root user alone. */
const NO_ROOT = denied({ Condition: { ArnEquals: { 'aws:PrincipalArn': `arn:aws:iam::${ONE}:root` } } });

const ask = (evidence: AccessEvidence, subjects: readonly string[] = [SUBJECT]) =>
  invokersBeside(accessOf(evidence), PLACE, subjects);
const NOBODY = { others: [], undecided: [] };
const subject = role('subject', OWN, [INVOKE]);

describe('who can invoke a model beside the subjects', () => {
  test.each<
    readonly [string, Partial<IamEvidence>, { others: readonly string[]; undecided: readonly string[] }]
  >([
    ['nobody', { roles: [subject] }, NOBODY],
    [
      'a user, by a policy of its own; a group is its users',
      { roles: [subject], users: [user('u', [], ['g'])], groups: [group('g', [INVOKE])] },
      { others: ['user `u`'], undecided: [] },
    ],
    [
      'a user under a condition is not decided',
      { users: [user('u', [{ ...INVOKE, Condition: MFA }])] },
      { others: [], undecided: ['user `u` (under conditions that cannot be decided)'] },
    ],
    [
      'a user whose group is not in the evidence is not decided',
      { users: [user('u', [], ['gone'])] },
      { others: [], undecided: ['user `u` (a policy of theirs could not be read)'] },
    ],
    [
      'a role that a service assumes',
      { roles: [subject, role('function', SERVICE, [INVOKE])] },
      { others: ['role `function`, for the service lambda.amazonaws.com'], undecided: [] },
    ],
    ['a role that nobody can assume is nobody', { roles: [role('r', OWN, [INVOKE])] }, NOBODY],
    [
      'a role that a user can assume, and one behind another',
      {
        users: [user('u', [allow('sts:AssumeRole', { Resource: roleArn('between') })])],
        roles: [
          role('between', OWN, [allow('sts:AssumeRole', { Resource: roleArn('r') })]),
          role('r', OWN, [INVOKE]),
        ],
      },
      { others: [`role \`r\`, for user \`u\` of ${ONE}`], undecided: [] },
    ],
    [
      'a role that only the subjects can get into, through another role, is the subjects',
      {
        roles: [
          role('subject', OWN, [INVOKE, allow('sts:AssumeRole', { Resource: roleArn('between') })]),
          role('between', OWN, [allow('sts:AssumeRole', { Resource: roleArn('r') })]),
          role('r', OWN, [INVOKE]),
        ],
      },
      NOBODY,
    ],
    [
      'two roles that only assume each other are nobody',
      { roles: [role('a', OWN, [INVOKE, ASSUME_ALL]), role('b', OWN, [ASSUME_ALL])] },
      NOBODY,
    ],
    [
      'a way in under a condition is not decided',
      {
        users: [user('u', [ASSUME_ALL])],
        roles: [role('r', trusting({ AWS: `arn:aws:iam::${ONE}:root` }, { Condition: MFA }), [INVOKE])],
      },
      {
        others: [],
        undecided: [`role \`r\`, for user \`u\` of ${ONE} (under conditions that cannot be decided)`],
      },
    ],
    [
      'a role that an outsider is let into',
      { roles: [role('r', trusting({ AWS: '999988887777' }), [INVOKE])] },
      { others: ['role `r`, for 999988887777, outside the organization'], undecided: [] },
    ],
  ])('%s', (_name, iam, expected) => {
    expect(ask(estate(iam, {}, NO_ROOT))).toEqual(expected);
  });

  test('the root user, whom only a control policy keeps out', () => {
    expect(ask(estate({ roles: [subject] }))).toEqual({ others: ['the root user'], undecided: [] });
    expect(ask(estate({ roles: [subject] }, {}, FENCE))).toEqual(NOBODY);
  });

  test('a control policy that names the subjects keeps everybody else out, whatever they are granted', () => {
    const many = { users: [user('u', [allow('*')])], roles: [subject, role('f', SERVICE, [allow('*')])] };
    expect(ask(estate(many, {}, FENCE))).toEqual(NOBODY);
  });

  test('a control policy for another Region keeps nobody out of this one', () => {
    const elsewhere = denied({ Condition: { StringNotEquals: { 'aws:RequestedRegion': 'us-east-1' } } });
    expect(ask(estate({}, {}, elsewhere)).others).toEqual(['the root user']);
    const here = denied({ Condition: { StringEquals: { 'aws:RequestedRegion': 'us-east-1' } } });
    expect(ask(estate({}, {}, here))).toEqual(NOBODY);
  });

  test('a role that is a subject by one session alone is not decided: it has other sessions', () => {
    const session = `arn:aws:sts::${ONE}:assumed-role/subject/sam`;
    const { others, undecided } = ask(estate({ roles: [subject] }, {}, NO_ROOT), [session]);
    expect(others).toEqual([]);
    expect(undecided).toEqual([
      'role `subject` is a subject under one session name alone, and can be assumed under others',
    ]);
  });

  test('a role of another account gets in where it is trusted; where that account was not looked at, it is not decided', () => {
    const target = role('r', trusting({ AWS: TWO }), [INVOKE]);
    const guest = role('guest', SERVICE, [ASSUME_ALL], { account: TWO });
    const both = estate({ roles: [target] }, { roles: [guest] }, NO_ROOT);
    expect(ask(both)).toEqual({
      others: ['role `r`, for the service lambda.amazonaws.com'],
      undecided: [],
    });
    const alone = { ...both, accounts: both.accounts.filter(({ accountId }) => accountId === ONE) };
    expect(ask(alone)).toEqual({
      others: [],
      undecided: [
        `role \`r\`, for principals of account ${TWO}, which was not looked at (under conditions that cannot be decided)`,
      ],
    });
  });

  test('an account whose identities could not be seen is never nobody', () => {
    const base = estate({}, {}, NO_ROOT);
    const iam = { kind: 'unobservable', reason: 'access-denied' } as const;
    expect(ask({ ...base, accounts: [{ accountId: ONE, iam }] })).toEqual({
      others: [],
      undecided: [`the users and roles of account ${ONE} (they could not be seen)`],
    });
  });
});
