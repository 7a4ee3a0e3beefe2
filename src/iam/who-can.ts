import type { Access, KnownPrincipal } from './access.ts';
import { ACTION_SETS, type ActionSetName } from './actions.ts';
import { peopleWords } from './assignments.ts';
import { type CapablePrincipal, contentReaders, type DestinationReaders } from './content-readers.ts';
import { strongestOf } from './decide.ts';
import type { PermissionDecision } from './evaluate.ts';
import { type AccessPath, pathsTo } from './paths.ts';

export interface WhoCan {
  readonly set: ActionSetName;
  /** What is asked about, in words, after "may". */
  readonly words: string;
  readonly actions: readonly string[];
  /** Users, groups and roles by their own policies. */
  readonly principals: readonly CapablePrincipal[];
  /** Accounts' root users, which only control policies limit. */
  readonly roots: readonly CapablePrincipal[];
  /** Those who may not themselves and get there by assuming roles. */
  readonly paths: readonly AccessPath[];
  /** Roles that may, and whom they trust besides the principals of the organization. */
  readonly outsiders: readonly { readonly role: KnownPrincipal; readonly who: readonly string[] }[];
  /** Of `read-content`: the same for each place that content goes to, with what the place itself says. */
  readonly destinations: readonly DestinationReaders[];
  /** What could not be seen, in words; empty: everything was. */
  readonly notSeen: readonly string[];
}

/**
 * Who in the organization may do at least one of a set of actions, directly or by assuming roles.
 *
 * @param isAsked - which principals are reported; roles of other accounts are still followed on the way
 */
export function whoCan(
  access: Access,
  set: ActionSetName,
  isAsked: (principal: KnownPrincipal) => boolean = () => true,
): WhoCan {
  const { actions, words } = ACTION_SETS[set];
  const capable: CapablePrincipal[] = [];
  for (const principal of access.principals) {
    const decisions = actions.map((action) => access.decide(principal, action));
    const kind = strongestOf(decisions);
    if (kind === 'denied') continue;
    capable.push({
      principal,
      certainty: kind,
      decisions: decisions.filter((decision) => decision.kind !== 'denied'),
    });
  }
  const roles = capable.filter(({ principal }) => principal.type === 'role');
  const targets = new Map(roles.map(({ principal, certainty }) => [principal, certainty] as const));
  const asked = capable.filter(({ principal }) => isAsked(principal));
  const needsResourcePolicies = set === 'read-content' || set === 'weaken-limits';
  const paths = pathsTo(access, targets).filter(({ from }) => isAsked(from));
  const destinations = set === 'read-content' ? contentReaders(access, isAsked) : [];
  const named = [{ principals: asked, paths }, ...destinations].flatMap((each) => [
    ...each.principals.map(({ principal }) => principal),
    ...each.paths.map(({ from }) => from),
  ]);
  return {
    set,
    words,
    actions,
    principals: asked.filter(({ principal }) => principal.type !== 'root'),
    roots: asked.filter(({ principal }) => principal.type === 'root'),
    paths,
    outsiders: roles
      .filter(({ principal }) => isAsked(principal))
      .map(({ principal }) => ({ role: principal, who: access.outsiders(principal) }))
      .filter(({ who }) => who.length > 0),
    destinations,
    notSeen: [
      ...access.notSeen,
      ...peopleNotSeen(named),
      ...(set === 'read-content' ? access.placesNotSeen : []),
      ...(needsResourcePolicies ? [RESOURCE_POLICIES_NOT_SEEN[set]] : []),
      ...(needsResourcePolicies && !access.hasResourceControl ? [RESOURCE_CONTROL_NOT_SEEN] : []),
    ],
  };
}

const RESOURCE_POLICIES_NOT_SEEN = {
  'read-content':
    'the policies of other buckets, keys and log groups than those asked one by one, in which content may lie too: they may let others in, and may keep these out',
  'weaken-limits':
    'the policies of buckets, keys and log groups, which the question about any of them leaves aside: they may let others in, and may keep these out',
} as const;
const RESOURCE_CONTROL_NOT_SEEN = 'the resource control policies: not collected; they may keep these out';

/** `user x in group y may assume role z, which may ...`: a path in one sentence, without its conditions. */
export function describePath({ from, steps }: AccessPath, words: string): string {
  const groups = groupsBehind(from, steps[0]?.decision);
  const who = `${holdersBehind(from)}${from.type} \`${from.name}\`${groups.map((group) => ` in group \`${group}\``).join('')} of ${from.accountName}`;
  const chain = steps
    .map(({ role }, index) => {
      const where =
        role.accountId === (steps[index - 1]?.role ?? from).accountId ? '' : ` of ${role.accountName}`;
      return `may assume role \`${role.name}\`${where}`;
    })
    .join(', which ');
  return `${who}${from.givenTo === undefined ? ' ' : ', which '}${chain}, which may ${words}`;
}

/** Who gets into a role of IAM Identity Center, before it is named. */
const holdersBehind = ({ givenTo }: KnownPrincipal): string =>
  givenTo === undefined
    ? ''
    : `${givenTo.flatMap(peopleWords).join(' and ')} may assume, by IAM Identity Center, `;

/** Of the roles of IAM Identity Center in the answer: whom nobody knows behind them. */
function peopleNotSeen(roles: readonly KnownPrincipal[]): readonly string[] {
  const notSeen = roles.flatMap(({ name, accountName, givenTo = [], givenToUnseen }) => [
    ...(givenToUnseen === undefined
      ? []
      : [`to whom IAM Identity Center gives role \`${name}\` of ${accountName}: ${givenToUnseen}`]),
    ...givenTo.flatMap(({ words, principalType, notRead }) =>
      notRead === undefined || principalType === 'USER' ? [] : [`the members of ${words}: ${notRead}`],
    ),
  ]);
  return [...new Set(notSeen)];
}

/** The groups whose policies gave the permission. */
function groupsBehind(from: KnownPrincipal, decision: PermissionDecision | undefined): readonly string[] {
  const policies = decision?.statements.map(({ policy }) => policy) ?? [];
  return from.groups.filter((group) => policies.some((policy) => policy.endsWith(` of group \`${group}\``)));
}
