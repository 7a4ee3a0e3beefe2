import { err, ok, type PrincipalId, type Result } from '../core/index.ts';
import type { Proven } from './app.ts';
import type { Failure } from './failures.ts';

/** Who has a user name, by their immutable ids: none, one, or, where names are not unique, several. */
export interface CallerDirectory {
  withUserName(userName: string): Promise<readonly PrincipalId[]>;
}

/** What API Gateway tells of a signed call (`requestContext.authorizer.iam`), and of itself. */
export interface SignedCaller {
  /** Of the API. */
  readonly apiAccountId: string;
  /** Of the caller's credentials. */
  readonly accountId: string;
  /** `arn:aws:sts::111111111111:assumed-role/AWSReservedSSO_ProvisoApprovals_0123456789abcdef/lena@example.com`. */
  readonly userArn: string;
}

/**
 * The one person behind signed credentials. Only sessions of the named roles of the API's own account count: Identity Center makes them for
 * permission sets, trusts nobody else with them, and gives each session the user name. In any other role the session name is whatever
 * its caller chose. A role name exists once in an account, so nobody can make another one of that name.
 * [unverified: session-name-is-user]
 */
export async function personBehind(
  { apiAccountId, accountId, userArn }: SignedCaller,
  roles: readonly string[],
  directory: CallerDirectory,
): Promise<Result<Proven, Failure>> {
  const refuse = (message: string): Result<never, Failure> =>
    err({
      code: 'CALLER_UNKNOWN',
      message,
      remedy: 'sign in through IAM Identity Center with a permission set that was made for this API',
    });
  const session =
    /^arn:aws[a-z-]*:sts::([0-9]{12}):assumed-role\/([\w+=,.@-]{1,64})\/([\w+=,.@-]{2,64})$/.exec(userArn);
  if (session === null) return refuse('the caller is no session of a role');
  const [, account = '', role = '', userName = ''] = session;
  if (accountId !== apiAccountId || account !== apiAccountId)
    return refuse('the caller is of another account');
  if (!roles.includes(role)) return refuse('the caller’s role is none that people of this API have');
  const [person, ...others] = await directory.withUserName(userName);
  if (person === undefined || others.length > 0)
    return refuse(
      `the caller is ${person === undefined ? 'no user' : 'more than one user'} of the Identity Store`,
    );
  return ok({ id: person, isAuthenticated: true });
}
