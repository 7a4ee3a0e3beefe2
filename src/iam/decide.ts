import { ANY_RESOURCE, type RequestResource } from './compile.ts';
import { ABSENT, contextOf, known, type RequestContext, UNKNOWN } from './context.ts';
import {
  evaluateRequest,
  type PermissionDecision,
  type PolicyLayer,
  type ResourceLayer,
} from './evaluate.ts';
import type { IdentityPolicies } from './identity.ts';
import type { RequestPrincipal } from './principals.ts';
import { type Guardrails, NO_GUARDRAILS } from './service-control.ts';

export interface DecisionContext {
  /** What limits the principal's account from above. */
  readonly guardrails: Guardrails;
  /** Default: any resource; the question is then whether the action can be done at all. */
  readonly resource?: RequestResource;
  /** What is known of the request; default: of whom it comes from, and nothing else. */
  readonly context?: RequestContext;
  readonly organizationId?: string;
  /** A policy passed with the session. Default: none, since it could only take away. */
  readonly session?: PolicyLayer;
  /** The policy of the resource, where it has one. */
  readonly resourcePolicy?: ResourceLayer;
  /** Over the account of the resource; default: none. */
  readonly resourceGuardrails?: Guardrails;
}

/**
 * Decides whether a principal may do `action`: over its identity policies, its boundary and the control policies above its account.
 *
 * A certain Deny decides alone, whatever cannot be read. A document that is damaged or missing makes the answer "cannot decide" where it
 * could matter, and so do control policies that could not be listed.
 */
export function decideIdentity(
  { principal, identity, boundary }: IdentityPolicies,
  action: string,
  given: DecisionContext,
): PermissionDecision {
  return evaluateRequest(
    {
      action,
      resource: given.resource ?? ANY_RESOURCE,
      principal,
      context: given.context ?? contextOfPrincipal(principal, given.organizationId),
    },
    {
      identity,
      ...(boundary === undefined ? {} : { boundary }),
      ...(given.session === undefined ? {} : { session: given.session }),
      ...(given.resourcePolicy === undefined ? {} : { resource: given.resourcePolicy }),
      serviceControl: levelsOf(given.guardrails),
      resourceControl: levelsOf(given.resourceGuardrails ?? NO_GUARDRAILS),
    },
  );
}

/** Control policies that could not be listed are a level that may deny anything. */
export const levelsOf = (guardrails: Guardrails): readonly PolicyLayer[] =>
  guardrails.kind === 'levels'
    ? guardrails.levels
    : [
        {
          name: 'the control policies',
          policies: [],
          unreadable: [{ reason: 'guardrails-unobservable', detail: guardrails.detail }],
        },
      ];

/**
 * The condition keys whose value follows from who asks, whatever the request. All others are unknown, also tags, MFA, addresses and times.
 * `aws:SecureTransport` is true: whoever asks can choose TLS, and the endpoints of Bedrock offer nothing else.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
 */
export function contextOfPrincipal(principal: RequestPrincipal, organizationId?: string): RequestContext {
  const transport = { 'aws:SecureTransport': known('true') };
  if (principal.kind === 'service')
    return contextOf({
      ...transport,
      'aws:PrincipalIsAWSService': known('true'),
      'aws:PrincipalServiceName': known(principal.name),
    });
  if (principal.kind === 'federated') return contextOf(transport);
  const { arn, accountId, kind } = principal;
  return contextOf({
    ...transport,
    'aws:PrincipalIsAWSService': known('false'),
    'aws:PrincipalServiceName': ABSENT,
    'aws:PrincipalServiceNamesList': ABSENT,
    'aws:PrincipalAccount': accountId === '' ? UNKNOWN : known(accountId),
    ...(organizationId === undefined ? {} : { 'aws:PrincipalOrgID': known(organizationId) }),
    'aws:PrincipalArn': kind === 'group' ? UNKNOWN : known(arn),
    'aws:PrincipalType': known(PRINCIPAL_TYPES[kind]),
    // The name in the path-less form that AWS documents; a role's sessions have none.
    'aws:username':
      kind === 'user' ? known(arn.slice(arn.lastIndexOf('/') + 1)) : kind === 'group' ? UNKNOWN : ABSENT,
  });
}

const PRINCIPAL_TYPES = { user: 'User', group: 'User', role: 'AssumedRole', root: 'Account' } as const;

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
  const request = context.context ?? contextOfPrincipal(identity.principal, context.organizationId);
  const decisions = actions.map((action) =>
    decideIdentity(identity, action, { ...context, context: request }),
  );
  return { kind: strongestOf(decisions), decisions };
}

/**
 * Whether nothing that the principal holds allows any of `actions`, and all of it could be read: {@link decideAnyOf} then says `denied`
 * whatever the resource, conditions, boundary and control policies are, so that most principals of an organization need not be asked
 * further. Only for questions without a policy of the resource, which could allow by itself.
 */
export const holdsNoAllow = (
  { principal, identity }: IdentityPolicies,
  actions: readonly string[],
): boolean =>
  // No identity policy limits the root user.
  principal.kind !== 'root' &&
  identity.unreadable.length === 0 &&
  identity.policies.every((policy) =>
    actions.every((action) =>
      policy.concerning(action).every(({ statement }) => statement.source.effect === 'Deny'),
    ),
  );

export function strongestOf(decisions: readonly PermissionDecision[]): PermissionDecision['kind'] {
  const strength = Math.max(...decisions.map(({ kind }) => STRENGTH.indexOf(kind)));
  return STRENGTH[strength] ?? 'denied';
}
