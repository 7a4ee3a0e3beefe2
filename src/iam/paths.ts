import type { Access, KnownPrincipal } from './access.ts';
import type { PermissionDecision } from './evaluate.ts';

export type Certainty = Exclude<PermissionDecision['kind'], 'denied'>;

/** One role assumed by the principal before it. */
export interface PathStep {
  readonly role: KnownPrincipal;
  readonly decision: PermissionDecision;
}

/** How a principal gets to a role that may do something: by the fewest roles in between. */
export interface AccessPath {
  readonly from: KnownPrincipal;
  /** Not empty; the last role is the one that may. */
  readonly steps: readonly PathStep[];
  /** The weakest of the steps and of what the last role may do. */
  readonly certainty: Certainty;
}

/** Roles assumed one after the other; AWS sets no limit, and sessions get no longer by it. */
export const MAX_STEPS = 6;

/**
 * Finds for each user and role the shortest way to a role among `targets` by `sts:AssumeRole`, certain ways before uncertain ones.
 * Goes backwards from the targets, each principal once, so that cycles of roles end and the work is bounded by principals times the roles
 * that lead somewhere.
 *
 * @param targets - roles with how certain it is that they may do what is asked about
 */
export const pathsTo = (
  access: Access,
  targets: ReadonlyMap<KnownPrincipal, Certainty>,
): readonly AccessPath[] => pathFinder(access)(targets);

/** `pathsTo` for many questions of one organization: who may assume a role is decided once. */
export function pathFinder(
  access: Access,
): (targets: ReadonlyMap<KnownPrincipal, Certainty>) => readonly AccessPath[] {
  const callers = access.principals.filter(({ type }) => type === 'user' || type === 'role');
  const index = callersByTrust(callers);
  const edges = new Map<KnownPrincipal, readonly (readonly [KnownPrincipal, PermissionDecision])[]>();
  /** Who may assume the role, each with the decision; asked once for each role. */
  const edgesInto = (role: KnownPrincipal) => {
    const before = edges.get(role);
    if (before !== undefined) return before;
    const found = index(role)
      .filter((caller) => caller !== role)
      .map((caller) => [caller, access.decideAssume(caller, role)] as const)
      .filter(([, { kind }]) => kind !== 'denied');
    edges.set(role, found);
    return found;
  };
  return (targets) => search(targets, edgesInto);
}

function search(
  targets: ReadonlyMap<KnownPrincipal, Certainty>,
  edgesInto: (role: KnownPrincipal) => readonly (readonly [KnownPrincipal, PermissionDecision])[],
): readonly AccessPath[] {
  const paths = new Map<KnownPrincipal, AccessPath>();
  for (const isCertain of [true, false]) {
    const reached = new Map<KnownPrincipal, AccessPath | Certainty>(
      [...targets].filter(([, certainty]) => !isCertain || certainty === 'allowed'),
    );
    let level = [...reached.keys()];
    for (let step = 0; step < MAX_STEPS && level.length > 0; step++) {
      const next: KnownPrincipal[] = [];
      for (const role of level) {
        if (role.type !== 'role') continue;
        const onward = reached.get(role);
        for (const [caller, decision] of edgesInto(role)) {
          if (reached.has(caller) || decision.kind === 'denied') continue;
          if (isCertain && decision.kind !== 'allowed') continue;
          const rest = typeof onward === 'object' ? onward.steps : [];
          const after = typeof onward === 'object' ? onward.certainty : (onward ?? 'allowed');
          const path: AccessPath = {
            from: caller,
            steps: [{ role, decision }, ...rest],
            certainty: weaker(decision.kind, after),
          };
          reached.set(caller, path);
          if (!paths.has(caller)) paths.set(caller, path);
          next.push(caller);
        }
      }
      level = next;
    }
  }
  return [...paths.values()].sort((one, other) => (one.from.arn < other.from.arn ? -1 : 1));
}

/** From the strongest. */
const CERTAINTY = [
  'allowed',
  'conditionally-allowed',
  'cannot-decide',
] as const satisfies readonly Certainty[];
export const weaker = (one: Certainty, other: Certainty): Certainty =>
  CERTAINTY[Math.max(CERTAINTY.indexOf(one), CERTAINTY.indexOf(other))] ?? 'cannot-decide';

/** The principals that a role's trust policy could mean: most name one ARN or one account, and nobody else need be asked. */
function callersByTrust(
  callers: readonly KnownPrincipal[],
): (role: KnownPrincipal) => readonly KnownPrincipal[] {
  const byAccount = Map.groupBy(callers, ({ accountId }) => String(accountId));
  return ({ trust }) => {
    if (trust === undefined) return [];
    if (trust.unreadable.length > 0) return callers;
    const accounts = new Set<string>();
    for (const { document } of trust.policies)
      for (const { effect, principals } of document.statements) {
        if (effect !== 'Allow' || principals === undefined) continue;
        if (principals.kind === 'NotPrincipal') return callers;
        for (const { type, value } of principals.entries) {
          if (type !== 'AWS') continue;
          const account = /^[0-9]{12}$/.test(value) ? value : value.split(':')[4];
          if (account === undefined) return callers;
          accounts.add(account);
        }
      }
    return [...accounts].flatMap((account) => byAccount.get(account) ?? []);
  };
}
