import { describe, expect, it } from 'vitest';
import { personBehind } from '../../src/api/index.ts';
import { principalId } from '../../src/core/index.ts';

const ROLE = 'AWSReservedSSO_ProvisoApprovals_0123456789abcdef';
const LENA = principalId('906764c7-1111');
const directory = {
  withUserName: async (name: string) =>
    name === 'lena' ? [LENA] : name === 'twin' ? [LENA, principalId('other')] : [],
};
const ours = { apiAccountId: '111111111111', accountId: '111111111111' };
const arn = (role: string, session: string, account = '111111111111') =>
  `arn:aws:sts::${account}:assumed-role/${role}/${session}`;

describe('the person behind signed credentials', () => {
  it('is the one user with the name of the session', async () => {
    expect(await personBehind({ ...ours, userArn: arn(ROLE, 'lena') }, [ROLE], directory)).toEqual({
      ok: true,
      value: { id: LENA, isAuthenticated: true },
    });
  });

  it.each([
    ['another account', { ...ours, accountId: '222222222222', userArn: arn(ROLE, 'lena', '222222222222') }],
    ['a role of the same name elsewhere', { ...ours, userArn: arn(ROLE, 'lena', '222222222222') }],
    ['a role that anybody may have made', { ...ours, userArn: arn('Developer', 'lena') }],
    ['a role whose name only begins alike', { ...ours, userArn: arn(`${ROLE}0`, 'lena') }],
    ['a user of IAM', { ...ours, userArn: 'arn:aws:iam::111111111111:user/lena' }],
    ['the root user', { ...ours, userArn: 'arn:aws:iam::111111111111:root' }],
    ['a federated user', { ...ours, userArn: 'arn:aws:sts::111111111111:federated-user/lena' }],
    ['a session in a session', { ...ours, userArn: arn(ROLE, 'x/lena') }],
    ['nobody of the Identity Store', { ...ours, userArn: arn(ROLE, 'stranger') }],
    ['a name that two users have', { ...ours, userArn: arn(ROLE, 'twin') }],
    ['an empty name', { ...ours, userArn: arn(ROLE, '') }],
  ])('is nobody for %s', async (_what, caller) => {
    const found = await personBehind(caller, [ROLE], directory);
    expect(found.ok ? 'somebody' : found.error.code).toBe('CALLER_UNKNOWN');
  });

  it('is nobody while no role is named', async () => {
    expect((await personBehind({ ...ours, userArn: arn(ROLE, 'lena') }, [], directory)).ok).toBe(false);
  });
});
