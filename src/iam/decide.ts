import { assertNever } from '../core/index.ts';
import { actionMatches } from './glob.ts';
import type { IdentityPolicies } from './identity.ts';
import type { PolicyDocument, Statement } from './policy-document.ts';
import type { Guardrails } from './service-control.ts';

/** A statement that counted, as a person would look it up. */
export interface DecidingStatement {
  readonly policy: string;
  /** 0-based place in its document. */
  readonly index: number;
  readonly sid?: string;
  readonly effect: 'Allow' | 'Deny';
  /** What matched the action: `bedrock:*`, or `NotAction iam:*, sts:*`. */
  readonly actions: string;
  /** Why the statement may or may not apply; empty: it applies. */
  readonly onlyIf: readonly string[];
}

export type CannotDecideReason =
  | 'damaged-document'
  | 'missing-document'
  | 'permissions-boundary'
  | 'service-control-policy'
  | 'guardrails-unobservable';

export type PermissionDecision = {
  readonly action: string;
  /** Allows and denies that match; for `denied` the denies alone, and none where nothing allows. */
  readonly statements: readonly DecidingStatement[];
} & (
  | { readonly kind: 'allowed' | 'conditionally-allowed' | 'denied' }
  | {
      readonly kind: 'cannot-decide';
      readonly reason: CannotDecideReason;
      /** What could not be read or is not evaluated, in words. */
      readonly detail: string;
    }
);

export interface DecisionContext {
  /** What limits the principal's account from above. */
  readonly guardrails: Guardrails;
}

/**
 * Decides whether a principal's identity policies let it do `action`, on whatever resource.
 *
 * A certain Deny decides alone, whatever cannot be read. Then, in this order: a damaged or missing document makes the answer
 * "cannot decide", since it may allow or deny; without an Allow the action is denied; with one, a permissions boundary or
 * a service control policy that this version does not evaluate might still stop it, so "cannot decide" too. A statement
 * with a condition, or with a resource narrower than everything, may or may not apply: as an Allow it allows conditionally, as
 * a Deny it only makes an Allow conditional.
 *
 * Session policies and resource policies are not considered: the first can only take away, and the governed settings have no
 * resource policy.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html
 */
export function decideIdentity(
  identity: IdentityPolicies,
  action: string,
  context: DecisionContext,
): PermissionDecision {
  const matches = identity.policies.flatMap(({ name, document }) =>
    document.ok ? matching(document.value, action, name) : [],
  );
  const denies = matches.filter(({ effect }) => effect === 'Deny');
  const certainDenies = denies.filter(({ onlyIf }) => onlyIf.length === 0);
  if (certainDenies.length > 0) return { kind: 'denied', action, statements: certainDenies };

  const unreadable = findUnreadable(identity);
  if (unreadable !== undefined) return { kind: 'cannot-decide', action, statements: matches, ...unreadable };

  const allows = matches.filter(({ effect }) => effect === 'Allow');
  if (allows.length === 0) return { kind: 'denied', action, statements: [] };
  const limit = findLimit(identity, context.guardrails);
  if (limit !== undefined) return { kind: 'cannot-decide', action, statements: matches, ...limit };
  const isCertain = denies.length === 0 && allows.some(({ onlyIf }) => onlyIf.length === 0);
  return { kind: isCertain ? 'allowed' : 'conditionally-allowed', action, statements: matches };
}

type Obstacle = { readonly reason: CannotDecideReason; readonly detail: string };

function findUnreadable({ policies, missing }: IdentityPolicies): Obstacle | undefined {
  for (const { name, document } of policies) {
    if (!document.ok)
      return { reason: 'damaged-document', detail: `${name} cannot be read: ${document.error.message}` };
    const misplaced = findMisplaced(document.value);
    if (misplaced !== undefined)
      return { reason: 'damaged-document', detail: `${name} cannot be read: ${misplaced}` };
  }
  if (missing.length > 0)
    return { reason: 'missing-document', detail: `not in the evidence: ${missing.join('; ')}` };
  return undefined;
}

/** Elements that belong to other kinds of policy: AWS would not have stored such a document. */
function findMisplaced({ statements }: PolicyDocument): string | undefined {
  for (const { index, principals, resources } of statements) {
    if (principals !== undefined)
      return `Statement[${index}] names a principal, which an identity policy cannot`;
    if (resources === undefined) return `Statement[${index}] has neither Resource nor NotResource`;
  }
  return undefined;
}

function findLimit(identity: IdentityPolicies, guardrails: Guardrails): Obstacle | undefined {
  if (identity.permissionsBoundaryArn !== undefined)
    return {
      reason: 'permissions-boundary',
      detail: `the permissions boundary \`${identity.permissionsBoundaryArn}\` might still stop it; boundaries are not evaluated`,
    };
  switch (guardrails.kind) {
    case 'none':
      return undefined;
    case 'not-evaluated':
      return {
        reason: 'service-control-policy',
        detail: `a service control policy might still stop it, and they are not evaluated: ${guardrails.policies.join(', ')}`,
      };
    case 'unobservable':
      return { reason: 'guardrails-unobservable', detail: guardrails.detail };
    default:
      return assertNever(guardrails, 'guardrails');
  }
}

/** The statements that could apply to the action, each with what it depends on. */
function matching(document: PolicyDocument, action: string, policy: string): readonly DecidingStatement[] {
  return document.statements.flatMap((statement) => {
    const actions = matchedActions(statement, action);
    const resources = resourceLimit(statement);
    if (actions === undefined || resources === 'never') return [];
    const onlyIf = [
      ...(resources === undefined ? [] : [resources]),
      ...statement.conditions.map(({ operator, key }) => `${operator} ${key}`.trim()),
    ];
    const { index, effect, sid } = statement;
    return [{ policy, index, ...(sid === undefined ? {} : { sid }), effect, actions, onlyIf }];
  });
}

function matchedActions({ actions: { kind, patterns } }: Statement, action: string): string | undefined {
  if (kind === 'Action') return patterns.find((pattern) => actionMatches(pattern, action));
  return patterns.some((pattern) => actionMatches(pattern, action))
    ? undefined
    : `NotAction ${patterns.join(', ')}`;
}

/**
 * What the statement's resource element leaves open: nothing if it covers everything; `never` if it covers nothing; otherwise
 * its text. The settings actions have no resource types, so AWS asks about the resource `*`; whether a narrower pattern then
 * matches is not documented for each of them, and it must not become a denial here.
 */
function resourceLimit({ resources }: Statement): string | 'never' | undefined {
  if (resources === undefined) return undefined;
  const coversAll = resources.patterns.some((pattern) => /^\*+$/.test(pattern));
  if (resources.kind === 'Resource')
    return coversAll ? undefined : `the resource is among ${resources.patterns.join(', ')}`;
  return coversAll ? 'never' : `the resource is not among ${resources.patterns.join(', ')}`;
}

/** The strongest of several decisions; what a principal can do is the most it can do. */
const STRENGTH = [
  'denied',
  'conditionally-allowed',
  'cannot-decide',
  'allowed',
] as const satisfies readonly PermissionDecision['kind'][];

/**
 * Decides whether the principal can do at least one of `actions` (not empty).
 * `cannot-decide` outweighs `conditionally-allowed`: the undecided action may be allowed outright.
 */
export function decideAnyOf(
  identity: IdentityPolicies,
  actions: readonly string[],
  context: DecisionContext,
): { readonly kind: PermissionDecision['kind']; readonly decisions: readonly PermissionDecision[] } {
  const decisions = actions.map((action) => decideIdentity(identity, action, context));
  const strength = Math.max(...decisions.map(({ kind }) => STRENGTH.indexOf(kind)));
  return { kind: STRENGTH[strength] ?? 'denied', decisions };
}
