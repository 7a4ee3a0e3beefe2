import { describe, expect, test } from 'vitest';
import { sessionAttribution } from '../../src/iam/index.ts';
import { documentOf, type StatementJson } from './documents.ts';

const assume = (principal: unknown, more: StatementJson = {}): StatementJson => ({
  Effect: 'Allow',
  Action: 'sts:AssumeRole',
  Principal: principal,
  ...more,
});
const bound = (value: unknown, operator = 'StringEquals'): StatementJson => ({
  Condition: { [operator]: { 'sts:RoleSessionName': value } },
});
/** A policy variable as IAM spells it. */
const variable = (name: string) => `\${${name}}`;
const SERVICE = assume({ Service: 'lambda.amazonaws.com' });
const ACCOUNT = { AWS: 'arn:aws:iam::111122223333:root' };
const SAML_PROVIDER = { Federated: 'arn:aws:iam::111122223333:saml-provider/AWSSSO_1a2b_DO_NOT_DELETE' };
const SAML = assume(SAML_PROVIDER, {
  Action: ['sts:AssumeRoleWithSAML', 'sts:TagSession'],
  Condition: { StringEquals: { 'SAML:aud': 'https://signin.aws.amazon.com/saml' } },
});
const OIDC = { Federated: 'arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com' };

const ORDINARY = { name: 'app', path: '/' };
const IDENTITY_CENTER = {
  name: 'AWSReservedSSO_Developers_0123456789abcdef',
  path: '/aws-reserved/sso.amazonaws.com/eu-central-1/',
};

/*
 * Rules: IAM Identity Center User Guide, "Referencing permission sets" (the reserved path, without a Region segment where the
 * instance is in us-east-1); IAM User Guide, "AWS global and STS condition keys", `sts:RoleSessionName`, and "Policy variables".
 */
const ROWS: readonly (readonly [string, { name: string; path: string }, readonly StatementJson[], string])[] =
  [
    ['a role of IAM Identity Center', IDENTITY_CENTER, [SAML], 'identity-center'],
    [
      'a role of IAM Identity Center in us-east-1',
      { ...IDENTITY_CENTER, path: '/aws-reserved/sso.amazonaws.com/' },
      [SAML],
      'identity-center',
    ],
    ['the reserved name on another path', { ...IDENTITY_CENTER, path: '/' }, [SAML], 'caller-asserted'],
    ['the reserved path with another name', { ...IDENTITY_CENTER, name: 'app' }, [SAML], 'caller-asserted'],
    [
      'a reserved role that also trusts an account',
      IDENTITY_CENTER,
      [SAML, assume(ACCOUNT)],
      'caller-asserted',
    ],
    ['a service', ORDINARY, [SERVICE], 'service-only'],
    [
      'two services',
      ORDINARY,
      [assume({ Service: ['ec2.amazonaws.com', 'lambda.amazonaws.com'] })],
      'service-only',
    ],
    ['nobody', ORDINARY, [], 'service-only'],
    [
      'nobody, since tagging alone lets nobody in',
      ORDINARY,
      [assume(ACCOUNT, { Action: 'sts:TagSession' })],
      'service-only',
    ],
    [
      'a service and an account in one statement',
      ORDINARY,
      [assume({ Service: 'lambda.amazonaws.com', ...ACCOUNT })],
      'caller-asserted',
    ],
    ['a service and an account in two', ORDINARY, [SERVICE, assume(ACCOUNT)], 'caller-asserted'],
    ['an account', ORDINARY, [assume(ACCOUNT)], 'caller-asserted'],
    ['anybody', ORDINARY, [assume('*')], 'caller-asserted'],
    [
      'anybody but one',
      ORDINARY,
      [{ Effect: 'Allow', Action: 'sts:*', NotPrincipal: ACCOUNT }],
      'caller-asserted',
    ],
    [
      'an account, by a wildcard action',
      ORDINARY,
      [assume(ACCOUNT, { Action: 'STS:assume*' })],
      'caller-asserted',
    ],
    [
      'an account, by everything but something',
      ORDINARY,
      [{ Effect: 'Allow', NotAction: 's3:*', Principal: ACCOUNT }],
      'caller-asserted',
    ],
    [
      'the name of the IAM user',
      ORDINARY,
      [assume(ACCOUNT, bound(variable('aws:username')))],
      'session-name-bound',
    ],
    [
      'the name of the IAM user, with StringLike',
      ORDINARY,
      [assume(ACCOUNT, bound(variable('aws:username'), 'StringLike'))],
      'session-name-bound',
    ],
    [
      'the name of the IAM user, with fixed text',
      ORDINARY,
      [assume(ACCOUNT, bound(`dev-${variable('aws:username')}`))],
      'session-name-bound',
    ],
    [
      'the name of the IAM user, and a star',
      ORDINARY,
      [assume(ACCOUNT, bound(`${variable('aws:username')}*`, 'StringLike'))],
      'caller-asserted',
    ],
    [
      'the name of the IAM user, or anything',
      ORDINARY,
      [assume(ACCOUNT, bound([variable('aws:username'), '*'], 'StringLike'))],
      'caller-asserted',
    ],
    [
      'the name of the IAM user, if there is a session name',
      ORDINARY,
      [assume(ACCOUNT, bound(variable('aws:username'), 'StringEqualsIfExists'))],
      'caller-asserted',
    ],
    [
      'anything but the name of the IAM user',
      ORDINARY,
      [assume(ACCOUNT, bound(variable('aws:username'), 'StringNotEquals'))],
      'caller-asserted',
    ],
    [
      'a variable with a default',
      ORDINARY,
      [assume(ACCOUNT, bound(variable("aws:PrincipalTag/user, 'x'")))],
      'caller-asserted',
    ],
    [
      'a tag of the principal',
      ORDINARY,
      [assume(ACCOUNT, bound(variable('aws:PrincipalTag/employee')))],
      'session-name-bound',
    ],
    [
      'a tag of the request, which the caller chooses',
      ORDINARY,
      [assume(ACCOUNT, bound(variable('aws:RequestTag/employee')))],
      'caller-asserted',
    ],
    [
      'a source identity, which the caller chooses',
      ORDINARY,
      [assume(ACCOUNT, bound(variable('sts:SourceIdentity')))],
      'caller-asserted',
    ],
    ['a fixed name that all share', ORDINARY, [assume(ACCOUNT, bound('shared'))], 'caller-asserted'],
    [
      'a SAML subject',
      ORDINARY,
      [assume(SAML_PROVIDER, { Action: 'sts:AssumeRoleWithSAML', ...bound(variable('saml:sub')) })],
      'session-name-bound',
    ],
    [
      'a SAML audience, the same for all',
      ORDINARY,
      [assume(SAML_PROVIDER, { Action: 'sts:AssumeRoleWithSAML', ...bound(variable('saml:aud')) })],
      'caller-asserted',
    ],
    [
      'an OIDC subject',
      ORDINARY,
      [
        assume(OIDC, {
          Action: 'sts:AssumeRoleWithWebIdentity',
          ...bound(variable('token.actions.githubusercontent.com:sub')),
        }),
      ],
      'session-name-bound',
    ],
    [
      'a federated provider without a bound name',
      ORDINARY,
      [assume(OIDC, { Action: 'sts:AssumeRoleWithWebIdentity' })],
      'caller-asserted',
    ],
    [
      'a service beside a bound name',
      ORDINARY,
      [SERVICE, assume(ACCOUNT, bound(variable('aws:username')))],
      'session-name-bound',
    ],
    [
      'one statement bound and one not',
      ORDINARY,
      [assume(ACCOUNT, bound(variable('aws:username'))), assume(ACCOUNT)],
      'caller-asserted',
    ],
    [
      'the condition key in another case',
      ORDINARY,
      [assume(ACCOUNT, { Condition: { StringEquals: { 'STS:rolesessionname': variable('aws:username') } } })],
      'session-name-bound',
    ],
  ];

describe('sessions of a role that trusts', () => {
  test.each(ROWS)('%s', (_name, role, statements, expected) => {
    const attribution = sessionAttribution({ ...role, assumeRolePolicyDocument: documentOf(statements) });
    expect(attribution).toEqual({ ok: true, value: expected });
  });

  test('a bound name in the old policy language, which takes variables literally', () => {
    const document = JSON.stringify({
      Version: '2008-10-17',
      Statement: [assume(ACCOUNT, bound(variable('aws:username')))],
    });
    expect(sessionAttribution({ ...ORDINARY, assumeRolePolicyDocument: document })).toEqual({
      ok: true,
      value: 'caller-asserted',
    });
  });

  test('nobody knows whom: a damaged trust policy is a problem, not an answer', () => {
    const read = sessionAttribution({ ...IDENTITY_CENTER, assumeRolePolicyDocument: '{"Statement":' });
    expect(read.ok ? undefined : read.error.code).toBe('not-json');
  });
});
