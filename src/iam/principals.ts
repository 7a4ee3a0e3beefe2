import type { PrincipalEntry } from './policy-document.ts';

/** Who makes a request, as far as `Principal` elements can tell. */
export type RequestPrincipal =
  | {
      readonly kind: 'user' | 'role' | 'root';
      readonly arn: string;
      readonly accountId: string;
      /** The session of a role, where one is asked about: its `sts` ARN. */
      readonly sessionArn?: string;
      /** Of a user: a federated session of it is meant, under a name that is not known. */
      readonly isFederated?: boolean;
    }
  /** Not a principal of its own: any user in it; its ARN can stand in no policy. */
  | { readonly kind: 'group'; readonly arn: string; readonly accountId: string }
  | { readonly kind: 'service'; readonly name: string }
  | { readonly kind: 'federated'; readonly provider: string; readonly accountId?: string };

/**
 * How an entry of a `Principal` element names the one who asks.
 * - `direct`: everybody, a user, or a session: an Allow is then final within the account, whatever boundary and session policy leave out
 * - `role`: a role, or the user of a federated session: its sessions stay limited by boundary and session policy
 * - `account`: the whole account: it only hands the decision on to the account's own policies
 * - `unknown`: it may name it
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html "Session policies"
 */
export type PrincipalMatch = 'direct' | 'role' | 'account' | 'unknown' | 'no';

/** From the strongest; an entry of another kind can only add to what one entry gives. */
const STRENGTH = ['direct', 'role', 'account', 'unknown', 'no'] as const satisfies readonly PrincipalMatch[];

/** The strongest way in which the entries name `principal`. */
export function matchPrincipal(
  entries: readonly PrincipalEntry[],
  principal: RequestPrincipal,
): PrincipalMatch {
  let strongest = STRENGTH.length - 1;
  for (const entry of entries)
    strongest = Math.min(strongest, STRENGTH.indexOf(matchEntry(entry, principal)));
  return STRENGTH[strongest] ?? 'no';
}

const ACCOUNT_ROOT = /^arn:[^:]+:iam::([0-9]{12}):root$/;
const USER_OR_ROLE = /^arn:[^:]+:(iam|sts)::[0-9]{12}:(user|role|assumed-role|federated-user)\/[^*?]+$/;
const FEDERATED_USER = /^arn:[^:]+:sts::([0-9]{12}):federated-user\/[^*?]+$/;

function matchEntry({ type, value }: PrincipalEntry, principal: RequestPrincipal): PrincipalMatch {
  if (type === 'Service') return principal.kind === 'service' && principal.name === value ? 'direct' : 'no';
  if (type === 'Federated')
    return principal.kind === 'federated' && principal.provider === value ? 'direct' : 'no';
  // The canonical ids of accounts are not in the evidence.
  if (type === 'CanonicalUser') return principal.kind === 'service' ? 'no' : 'unknown';
  if (value === '*') return 'direct';
  if (principal.kind === 'service' || principal.kind === 'federated') return 'no';
  const account = ACCOUNT_ROOT.exec(value)?.[1] ?? (/^[0-9]{12}$/.test(value) ? value : undefined);
  if (account !== undefined) return account === principal.accountId ? 'account' : 'no';
  if (principal.kind === 'group')
    return USER_OR_ROLE.test(value) && !value.includes(':user/') ? 'no' : 'unknown';
  if (value === principal.arn)
    return principal.kind === 'role' || principal.isFederated === true ? 'role' : 'direct';
  if (principal.kind === 'role') return matchSession(value, principal);
  if (principal.isFederated === true && FEDERATED_USER.exec(value)?.[1] === principal.accountId)
    return 'unknown';
  // Ids such as AIDA... stand where a principal was deleted; a wildcard inside an ARN is no principal at all. Neither is certain.
  return USER_OR_ROLE.test(value) ? 'no' : 'unknown';
}

/** `arn:aws:sts::<account>:assumed-role/<name>/<session>` has the role's name without its path. */
function matchSession(
  value: string,
  principal: RequestPrincipal & { readonly kind: 'user' | 'role' | 'root' },
): PrincipalMatch {
  if (principal.sessionArn !== undefined && value === principal.sessionArn) return 'direct';
  const match = /^arn:[^:]+:sts::([0-9]{12}):assumed-role\/([^/]+)\/(.+)$/.exec(value);
  if (match === null) return USER_OR_ROLE.test(value) ? 'no' : 'unknown';
  const [, account, name] = match;
  const isThisRole = account === principal.accountId && principal.arn.endsWith(`/${name}`);
  // One session of the role is named; whether it is the one that asks is open, unless we know the session.
  return isThisRole && principal.sessionArn === undefined ? 'unknown' : 'no';
}
