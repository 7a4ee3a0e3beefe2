import {
  type ActionMatch,
  type CompiledPolicy,
  type CompiledStatement,
  coversResources,
  type RequestResource,
  resourceTruth,
} from './compile.ts';
import { evaluateCondition } from './conditions.ts';
import type { RequestContext } from './context.ts';
import { matchPrincipal, type RequestPrincipal } from './principals.ts';
import { and, or, type Truth } from './truth.ts';

/** A statement that counted, as a person would look it up. */
export interface DecidingStatement {
  readonly policy: string;
  /** 0-based place in its document. */
  readonly index: number;
  readonly sid?: string;
  readonly effect: 'Allow' | 'Deny';
  /** What matched the action: `bedrock:*`, or `NotAction iam:*, sts:*`. */
  readonly actions: string;
  /** What must hold for the statement to apply, in words; empty: it applies. */
  readonly onlyIf: readonly string[];
}

export type CannotDecideReason = 'damaged-document' | 'missing-document' | 'guardrails-unobservable';

/** Evidence that is not there or cannot be read: it may allow or deny anything. */
export interface Obstacle {
  readonly reason: CannotDecideReason;
  /** What could not be read, in words. */
  readonly detail: string;
}

/** Policies that count as one: an Allow in any of them allows, a Deny in any of them denies. */
export interface PolicyLayer {
  /** For a person, after "do not allow it" or "allows it": `the service control policies of ou-ab12`. */
  readonly name: string;
  readonly policies: readonly CompiledPolicy[];
  readonly unreadable: readonly Obstacle[];
}

export interface ResourceLayer extends PolicyLayer {
  /** The account of the resource; undefined: not known whose it is, and then everybody may be of its account. */
  readonly accountId: string | undefined;
  /** Trust policies and key policies: without their Allow nothing else allows, not even within the account. */
  readonly mustAllow: boolean;
}

/** Everything that decides about one request. */
export interface ApplicablePolicies {
  /** The policies of the one who asks; absent for the services of AWS, which have none. */
  readonly identity?: PolicyLayer;
  readonly boundary?: PolicyLayer;
  readonly session?: PolicyLayer;
  /** One layer for each level from the root down to the account; each must allow. Empty: none reach the principal. */
  readonly serviceControl: readonly PolicyLayer[];
  /** As `serviceControl`, of the account that owns the resource. */
  readonly resourceControl: readonly PolicyLayer[];
  readonly resource?: ResourceLayer;
}

export interface AccessRequest {
  /** `service:Action`, in any case. */
  readonly action: string;
  readonly resource: RequestResource;
  readonly principal: RequestPrincipal;
  readonly context: RequestContext;
}

export type PermissionDecision = {
  readonly action: string;
  /** Allows and denies that count; for `denied` the denies alone, and none where nothing allows. */
  readonly statements: readonly DecidingStatement[];
} & (
  | { readonly kind: 'allowed' | 'conditionally-allowed' }
  | {
      readonly kind: 'denied';
      /** Why, in words: `a statement denies it`, `no identity policy allows it`. */
      readonly because: string;
    }
  | ({ readonly kind: 'cannot-decide' } & Obstacle)
);

/** A statement that may apply: `truth` is never `false`. */
interface Applicable {
  readonly match: ActionMatch;
  readonly policy: string;
  readonly truth: Truth;
  readonly onlyIf: readonly string[];
  /** How a resource policy names the principal; `direct` where there is no `Principal` element. */
  readonly grant: 'direct' | 'role' | 'account';
}

/** What one layer says of a request. */
interface LayerAnswer {
  readonly allows: readonly Applicable[];
  readonly denies: readonly Applicable[];
  readonly isUnreadable: boolean;
}

/**
 * Decides a request as AWS documents it: an explicit Deny anywhere; then the resource control policies and the service control policies, of
 * which every level must allow; then the resource policy and the identity policies, with the boundary and the session policy
 * around them.
 *
 * Three-valued throughout: what is not known of the request, or not understood of a policy, makes a statement neither apply nor not apply,
 * and the answer `conditionally-allowed` at worst, never `denied` (INVARIANT: unknown is never green). Evidence that is missing makes it
 * `cannot-decide`, unless what is there decides alone.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html
 */
export function evaluateRequest(asked: AccessRequest, policies: ApplicablePolicies): PermissionDecision {
  const request = inSession(asked, policies);
  const { action } = request;
  const answers = new Map<PolicyLayer, LayerAnswer>();
  const layers = layersOf(policies);
  for (const layer of layers) answers.set(layer, askLayer(layer, request, layer === policies.resource));

  const certainDenies: Applicable[] = [];
  for (const { denies } of answers.values())
    for (const deny of denies) if (deny.truth === 'true') certainDenies.push(deny);
  if (certainDenies.length > 0)
    return {
      kind: 'denied',
      action,
      statements: certainDenies.map(describeApplicable),
      because: 'a statement denies it',
    };

  dropCovered(answers);
  const isAllowedBy = (layer: PolicyLayer | undefined): Truth =>
    layer === undefined ? 'true' : allowTruth(answers.get(layer));
  const permission = permissionTruth(request, policies, answers, isAllowedBy);
  const steps: readonly (readonly [Truth, string])[] = [
    ...policies.resourceControl.map((layer) => [isAllowedBy(layer), refusal(layer)] as const),
    ...policies.serviceControl.map((layer) => [isAllowedBy(layer), refusal(layer)] as const),
    permission,
  ];
  const refused = steps.find(([truth]) => truth === 'false');
  if (refused !== undefined) return { kind: 'denied', action, statements: [], because: refused[1] };

  const statements = explain(policies, answers);
  const mayBeDenied = [...answers.values()].some(
    ({ denies, isUnreadable }) => denies.length > 0 || isUnreadable,
  );
  if (!mayBeDenied && steps.every(([truth]) => truth === 'true'))
    return { kind: 'allowed', action, statements };
  const obstacle = layers.find(({ unreadable }) => unreadable.length > 0)?.unreadable[0];
  return obstacle === undefined
    ? { kind: 'conditionally-allowed', action, statements }
    : { kind: 'cannot-decide', action, statements, ...obstacle };
}

/** Only a federated session of a user has a session policy. */
const inSession = (request: AccessRequest, { session }: ApplicablePolicies): AccessRequest =>
  session === undefined || request.principal.kind !== 'user'
    ? request
    : { ...request, principal: { ...request.principal, isFederated: true } };

const refusal = ({ name }: PolicyLayer): string => `${name} do not allow it`;

function layersOf(policies: ApplicablePolicies): readonly PolicyLayer[] {
  const layers: PolicyLayer[] = [];
  for (const layer of [policies.identity, policies.boundary, policies.session, policies.resource])
    if (layer !== undefined) layers.push(layer);
  layers.push(...policies.serviceControl, ...policies.resourceControl);
  return layers;
}

function allowTruth(answer: LayerAnswer | undefined, grants?: readonly Applicable['grant'][]): Truth {
  if (answer === undefined) return 'false';
  let result: Truth = answer.isUnreadable ? 'unknown' : 'false';
  for (const { truth, grant } of answer.allows) {
    if (grants !== undefined && !grants.includes(grant)) continue;
    if (truth === 'true') return 'true';
    result = 'unknown';
  }
  return result;
}

/** Resource policy, identity policies, boundary and session policy together, and why not where they do not allow. */
function permissionTruth(
  { principal }: AccessRequest,
  { identity, boundary, session, resource }: ApplicablePolicies,
  answers: ReadonlyMap<PolicyLayer, LayerAnswer>,
  isAllowedBy: (layer: PolicyLayer | undefined) => Truth,
): readonly [Truth, string] {
  const granted = (...grants: readonly Applicable['grant'][]): Truth =>
    resource === undefined ? 'false' : allowTruth(answers.get(resource), grants);
  if (identity === undefined)
    return [
      granted('direct', 'role', 'account'),
      resource === undefined ? 'nothing allows it' : refusal(resource),
    ];

  const isRoot = principal.kind === 'root';
  const own = isRoot ? 'true' : isAllowedBy(identity);
  const limits = and(isAllowedBy(boundary), isAllowedBy(session));
  const within = and(own, limits);
  const isSameAccount =
    resource?.accountId === undefined ||
    !('accountId' in principal) ||
    principal.accountId === resource.accountId;
  if (!isSameAccount) {
    const theirs = granted('direct', 'role', 'account');
    return [
      and(theirs, within),
      theirs === 'false' ? refusal(resource) : ownRefusal(own, identity, boundary, session, isAllowedBy),
    ];
  }
  const byResource = or(granted('direct'), and(granted('role'), limits));
  const truth =
    resource?.mustAllow === true ? or(byResource, and(granted('account'), within)) : or(within, byResource);
  const isMissingTheirs = resource?.mustAllow === true && granted('direct', 'role', 'account') === 'false';
  return [
    truth,
    isMissingTheirs ? refusal(resource) : ownRefusal(own, identity, boundary, session, isAllowedBy),
  ];
}

function ownRefusal(
  own: Truth,
  identity: PolicyLayer,
  boundary: PolicyLayer | undefined,
  session: PolicyLayer | undefined,
  isAllowedBy: (layer: PolicyLayer | undefined) => Truth,
): string {
  if (own === 'false') return refusal(identity);
  if (boundary !== undefined && isAllowedBy(boundary) === 'false')
    return `${boundary.name} does not allow it`;
  if (session !== undefined && isAllowedBy(session) === 'false') return `${session.name} does not allow it`;
  return refusal(identity);
}

function askLayer(layer: PolicyLayer, request: AccessRequest, isResourcePolicy: boolean): LayerAnswer {
  const allows: Applicable[] = [];
  const denies: Applicable[] = [];
  for (const policy of layer.policies)
    for (const match of policy.concerning(request.action)) {
      const applicable = applicability(match, policy.name, request, isResourcePolicy);
      if (applicable === undefined) continue;
      if (match.statement.source.effect === 'Allow') allows.push(applicable);
      else denies.push(applicable);
    }
  return { allows, denies, isUnreadable: layer.unreadable.length > 0 };
}

/** Undefined: the statement does not apply. */
function applicability(
  match: ActionMatch,
  policy: string,
  request: AccessRequest,
  isResourcePolicy: boolean,
): Applicable | undefined {
  const { statement } = match;
  const who = isResourcePolicy ? principalTruth(statement, request.principal) : NOBODY_NAMED;
  if (who.truth === 'false') return undefined;
  const resource = resourceTruth(statement, request.resource, request.context);
  if (resource === 'false') return undefined;
  const onlyIf: string[] = [];
  if (who.truth === 'unknown') onlyIf.push('the one who asks is among the principals it names');
  if (resource === 'unknown') onlyIf.push(resourceWords(statement));
  for (const condition of statement.conditions) {
    const truth = evaluateCondition(condition, request.context);
    if (truth === 'false') return undefined;
    if (truth === 'unknown') onlyIf.push(condition.words);
  }
  return { match, policy, truth: onlyIf.length === 0 ? 'true' : 'unknown', onlyIf, grant: who.grant };
}

const NOBODY_NAMED = { truth: 'true', grant: 'direct' } as const;

function principalTruth(
  { source: { principals, effect } }: CompiledStatement,
  principal: RequestPrincipal,
): { readonly truth: Truth; readonly grant: Applicable['grant'] } {
  // A resource policy without a Principal element is not one that AWS stores.
  if (principals === undefined) return { truth: 'unknown', grant: 'direct' };
  const match = matchPrincipal(principals.entries, principal);
  if (principals.kind === 'NotPrincipal')
    // Whom NotPrincipal spares depends on the role, its session and its account being listed together.
    return match === 'no' ? { truth: 'true', grant: 'direct' } : { truth: 'unknown', grant: 'direct' };
  if (match === 'no') return { truth: 'false', grant: 'direct' };
  if (match === 'unknown') return { truth: 'unknown', grant: 'direct' };
  return { truth: 'true', grant: effect === 'Deny' ? 'direct' : match };
}

const MAX_RESOURCES = 5;

function resourceWords({ source: { resources } }: CompiledStatement): string {
  const patterns = resources?.patterns ?? [];
  const more = patterns.length - MAX_RESOURCES;
  const shown = patterns.slice(0, MAX_RESOURCES).join(', ') + (more > 0 ? ` and ${more} more` : '');
  return `the resource is ${resources?.kind === 'NotResource' ? 'not ' : ''}among ${shown}`;
}

/**
 * Takes out every Allow whose resources a Deny covers that depends on nothing but the resource: whatever the resource is, that Allow does
 * not get through. Only so can a question about "any resource" still be answered with a denial.
 */
function dropCovered(answers: Map<PolicyLayer, LayerAnswer>): void {
  const denies = [...answers.values()].flatMap((answer) =>
    answer.denies.filter(
      ({ onlyIf, match: { statement } }) =>
        onlyIf.length === 1 &&
        statement.source.resources !== undefined &&
        onlyIf[0] === resourceWords(statement),
    ),
  );
  if (denies.length === 0) return;
  for (const [layer, answer] of answers) {
    const allows = answer.allows.filter(
      ({ match: { statement } }) =>
        !denies.some(({ match: deny }) => coversResources(deny.statement, statement)),
    );
    if (allows.length < answer.allows.length) answers.set(layer, { ...answer, allows });
  }
}

/** Every Allow and Deny that counts, without the blanket Allows of the control policies, which say nothing. */
function explain(
  { serviceControl, resourceControl }: ApplicablePolicies,
  answers: ReadonlyMap<PolicyLayer, LayerAnswer>,
): readonly DecidingStatement[] {
  const controls = new Set([...serviceControl, ...resourceControl]);
  const statements: DecidingStatement[] = [];
  for (const [layer, { allows, denies }] of answers)
    for (const applicable of [...allows, ...denies])
      if (!controls.has(layer) || !applicable.match.statement.isUnlimited)
        statements.push(describeApplicable(applicable));
  return statements;
}

function describeApplicable({ match: { statement, by }, policy, onlyIf }: Applicable): DecidingStatement {
  const { index, effect, sid } = statement.source;
  return { policy, index, ...(sid === undefined ? {} : { sid }), effect, actions: by, onlyIf };
}
