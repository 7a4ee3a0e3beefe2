import type { AccountId } from '../../src/core/index.ts';
import { accountId } from '../../src/core/index.ts';
import type { IamEvidence, IamGroup, IamRole, IamUser } from '../../src/evidence/index.ts';
import type { AccessEvidence } from '../../src/iam/index.ts';
import { FRANKFURT, noIam, observed, organization } from '../evidence/snapshots.ts';
import { allow, documentOf, type StatementJson } from './documents.ts';

export const ONE = accountId('222222222222');
export const TWO = accountId('333333333333');

export const trusting = (principal: unknown, more: StatementJson = {}): string =>
  documentOf({ Effect: 'Allow', Principal: principal, Action: 'sts:AssumeRole', ...more });

const inline = (statements: readonly StatementJson[]) =>
  statements.length === 0 ? [] : [{ name: 'p', document: documentOf(statements) }];

export const roleArn = (name: string, account: AccountId = ONE): string =>
  `arn:aws:iam::${account}:role/${name}`;
export const role = (
  name: string,
  trust: string,
  statements: readonly StatementJson[] = [],
  more: Partial<IamRole> & { readonly account?: AccountId } = {},
): IamRole => {
  const { account = ONE, ...rest } = more;
  return {
    arn: roleArn(name, account),
    name,
    path: '/',
    assumeRolePolicyDocument: trust,
    inlinePolicies: inline(statements),
    attachedPolicies: [],
    ...rest,
  };
};
export const user = (
  name: string,
  statements: readonly StatementJson[] = [],
  groups: readonly string[] = [],
): IamUser => ({
  arn: `arn:aws:iam::${ONE}:user/${name}`,
  name,
  inlinePolicies: inline(statements),
  attachedPolicies: [],
  groups,
  accessKeys: observed([]),
  serviceSpecificCredentials: observed([]),
});
export const group = (name: string, statements: readonly StatementJson[]): IamGroup => ({
  arn: `arn:aws:iam::${ONE}:group/${name}`,
  name,
  inlinePolicies: inline(statements),
  attachedPolicies: [],
});

/** Every account can use one Region. */
const sections = {
  regions: observed([{ region: FRANKFURT, optStatus: 'ENABLED_BY_DEFAULT' }]),
  multiRegionAccessPoints: observed([]),
};

/** Two accounts in an organization whose management account is a third. */
export function estate(
  one: Partial<IamEvidence>,
  two: Partial<IamEvidence> = {},
  more: Parameters<typeof organization>[0] = {},
): AccessEvidence {
  const base = organization();
  const accounts = [
    ...base.accounts.filter(({ id }) => id !== ONE),
    { id: ONE, name: 'one', state: 'ACTIVE', parentId: 'ou-ex01-product01' },
    { id: TWO, name: 'two', state: 'ACTIVE', parentId: 'ou-ex01-product01' },
  ];
  return {
    organization: organization({ accounts, ...more }),
    accounts: [
      { accountId: base.managementAccountId, iam: observed(noIam), sections },
      { accountId: ONE, iam: observed({ ...noIam, ...one }), sections },
      { accountId: TWO, iam: observed({ ...noIam, ...two }), sections },
    ],
  };
}

export const ASSUME_ALL = allow('sts:AssumeRole');
export const CHANGE = allow('bedrock:PutModelInvocationLoggingConfiguration');
