import { type AccountId, accountId, isAccountId, type Region } from '../core/index.ts';
import type { Access, KnownPrincipal } from './access.ts';
import { MODEL_INVOCATIONS } from './actions.ts';
import { withKeys } from './context.ts';
import { strongestOf } from './decide.ts';
import type { Certainty } from './paths.ts';

/** Whether nobody but some subjects can invoke a model somewhere. Both lists empty: nobody can, and that is decided. */
export interface InvokersBeside {
  /** Others who can, each in words. */
  readonly others: readonly string[];
  /** What keeps it from being decided, each in words: a condition, a policy that is not there, an account that was not looked at. */
  readonly undecided: readonly string[];
}

/**
 * Who in an account can invoke a model beside `subjects`: users, roles and the root user, by their policies, boundaries and the control
 * policies above them. A Bedrock API key acts as its IAM user or session, so it is that principal. A role that is no subject does not
 * count where nobody but subjects can get into it, over any number of roles in between.
 *
 * INVARIANT (unknown is never green): conditions that are not decided, missing documents and accounts whose identities are not in `access`
 * are `undecided`, never silence. What somebody could grant themselves later is not looked at.
 *
 * @param subjects - ARNs of users, roles and assumed-role sessions; of a role that is named by one session alone, other sessions are others
 */
export function invokersBeside(
  access: Access,
  place: { readonly accountId: AccountId; readonly region: Region },
  subjects: readonly string[],
): InvokersBeside {
  const found = { others: [] as string[], undecided: [] as string[] };
  const add = (certainty: Certainty, words: string): void => {
    if (certainty === 'allowed') found.others.push(words);
    else found.undecided.push(`${words} (${UNDECIDED[certainty]})`);
  };
  if (!access.isSeen(place.accountId))
    found.undecided.push(`the users and roles of account ${place.accountId} (they could not be seen)`);
  for (const principal of access.principals) {
    if (principal.accountId !== place.accountId || principal.type === 'group') continue;
    const subject = strongestSubject(subjects, principal);
    if (subject === 'whole') continue;
    const decision = strongestOf(
      MODEL_INVOCATIONS.map((action) => decideIn(access, principal, action, place)),
    );
    if (decision === 'denied') continue;
    if (principal.type !== 'role') {
      add(decision, principal.type === 'root' ? 'the root user' : `user \`${principal.name}\``);
      continue;
    }
    if (subject === 'session')
      found.undecided.push(
        `role \`${principal.name}\` is a subject under one session name alone, and can be assumed under others`,
      );
    else
      for (const { who, isCertain } of entrants(access, principal, subjects))
        add(
          isCertain ? decision : decision === 'allowed' ? 'conditionally-allowed' : decision,
          `role \`${principal.name}\`, for ${who}`,
        );
  }
  return found;
}

const UNDECIDED = {
  'conditionally-allowed': 'under conditions that cannot be decided',
  'cannot-decide': 'a policy of theirs could not be read',
} as const satisfies Record<Exclude<Certainty, 'allowed'>, string>;

const decideIn = (
  access: Access,
  principal: KnownPrincipal,
  action: string,
  { region }: { readonly region: Region },
) =>
  access.decide(principal, action, {
    context: withKeys(access.contextOf(principal, action), { 'aws:RequestedRegion': region }),
  });

/** How a principal is meant by a subject's ARN: as a whole, or a role by one of its sessions. A session's ARN leaves the role's path out. */
export function subjectMatch(subject: string, principal: string): 'whole' | 'session' | undefined {
  if (subject === principal) return 'whole';
  const [, account, role] = /^arn:[^:]+:sts::([0-9]{12}):assumed-role\/([^/]+)\//.exec(subject) ?? [];
  const isSession =
    role !== undefined &&
    principal.split(':')[4] === account &&
    principal.includes(':role/') &&
    principal.split('/').at(-1) === role;
  return isSession ? 'session' : undefined;
}

function strongestSubject(
  subjects: readonly string[],
  { arn }: KnownPrincipal,
): ReturnType<typeof subjectMatch> {
  const matches = subjects.map((subject) => subjectMatch(subject, arn));
  return matches.includes('whole') ? 'whole' : matches.includes('session') ? 'session' : undefined;
}

interface Entrant {
  readonly who: string;
  /** Every step on the way is allowed outright. */
  readonly isCertain: boolean;
}

/** Those at the beginning of every way into a role who are no subjects; certain ways first. A circle of roles that nobody enters is none. */
function entrants(access: Access, target: KnownPrincipal, subjects: readonly string[]): readonly Entrant[] {
  const found = new Map<string, Entrant>();
  const seen = new Map<KnownPrincipal, boolean>();
  const queue: { readonly role: KnownPrincipal; readonly isCertain: boolean }[] = [
    { role: target, isCertain: true },
  ];
  const note = (who: string, isCertain: boolean): void => {
    if (found.get(who)?.isCertain !== true) found.set(who, { who, isCertain });
  };
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const { role, isCertain } = next;
    const before = seen.get(role);
    if (before === true || before === isCertain) continue;
    seen.set(role, isCertain);
    const outsiders = access.outsiders(role);
    for (const who of outsiders) note(who, isCertain);
    const trust = role.trust;
    if (trust === undefined || trust.unreadable.length > 0) note('whoever its trust policy lets in', false);
    for (const account of trustedAccounts(role))
      if (!access.isSeen(account) && !outsiders.some((who) => who.includes(account)))
        note(`principals of account ${account}, which was not looked at`, false);
    for (const caller of access.principals) {
      if (caller === role || (caller.type !== 'user' && caller.type !== 'role')) continue;
      const subject = strongestSubject(subjects, caller);
      if (subject === 'whole') continue;
      const { kind } = access.decideAssume(caller, role);
      if (kind === 'denied') continue;
      const onward = isCertain && kind === 'allowed' && subject === undefined;
      if (caller.type === 'role') queue.push({ role: caller, isCertain: onward });
      else note(`user \`${caller.name}\` of ${caller.accountId}`, onward);
    }
  }
  return [...found.values()];
}

/** Accounts that an Allow of the trust policy names; those outside the organization are told by `outsiders`. */
const trustedAccounts = ({ trust }: KnownPrincipal): readonly AccountId[] => [
  ...new Set(
    (trust?.policies ?? [])
      .flatMap(({ document }) => document.statements)
      .flatMap(({ effect, principals }) =>
        effect === 'Allow' && principals?.kind === 'Principal' ? principals.entries : [],
      )
      .filter(({ type }) => type === 'AWS')
      .map(({ value }) => (/^[0-9]{12}$/.test(value) ? value : (value.split(':')[4] ?? '')))
      .filter(isAccountId)
      .map(accountId),
  ),
];
