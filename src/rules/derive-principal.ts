import type { EpochMs } from '../core/index.ts';
import type {
  FactSource,
  IamGroup,
  IamRole,
  IamUser,
  Observation,
  UnobservableReason,
} from '../evidence/index.ts';
import {
  arnLike,
  type CannotDecideReason,
  decideAnyOf,
  type Guardrails,
  holdsNoAllow,
  type IdentityPolicies,
  MODEL_INVOCATIONS,
  NO_GUARDRAILS,
  PROMPT_STORAGE_CHANGES,
  SERVICE_LINKED_PATH,
  type SessionAttribution,
  sessionAttribution,
  unknownActionWarning,
} from '../iam/index.ts';
import type { FactName } from '../policy/index.ts';
import {
  type AccountInput,
  absentFact,
  type DerivedFact,
  observedFact,
  quoted,
  THIS_POLICY,
  unobservableFact,
} from './derived-fact.ts';
import { describeDecision } from './describe-decision.ts';

export type Principal =
  | { readonly type: 'user'; readonly user: IamUser }
  | { readonly type: 'group'; readonly group: IamGroup }
  | { readonly type: 'role'; readonly role: IamRole };

export interface PrincipalInput extends AccountInput {
  readonly arn: string;
  readonly principal: Principal;
  readonly identity: IdentityPolicies;
  /** When and with which call the account's IAM was read. */
  readonly seen: { readonly at: EpochMs; readonly source: FactSource };
}

/** Facts of one user, group or role. */
export const PRINCIPAL_FACTS = {
  'principal.type': ({ principal, seen }: PrincipalInput): DerivedFact =>
    observedFact(principal.type, seen, `it is a ${principal.type}`),

  'principal.isStorageAdministrator': ({ policy, arn, takenAt }: PrincipalInput): DerivedFact => {
    const named = policy.storage.administrators.find(({ principal }) => arnLike(principal, arn));
    return observedFact(
      named !== undefined,
      { at: takenAt, source: THIS_POLICY },
      named === undefined
        ? '`storage.administrators` of the policy does not name it'
        : `\`storage.administrators\` of the policy names it: ${quoted(named.principal)} (${named.reason})`,
    );
  },

  'principal.promptStorageChange': (input: PrincipalInput): DerivedFact =>
    permissionFact(input, PROMPT_STORAGE_CHANGES, 'change prompt storage'),
  'principal.modelInvocation': (input: PrincipalInput): DerivedFact =>
    permissionFact(input, MODEL_INVOCATIONS, 'invoke a model'),

  'principal.unknownActions': (input: PrincipalInput): DerivedFact => unknownActionsFact(input),

  'principal.activeAccessKeys': ({ principal, seen }: PrincipalInput): DerivedFact =>
    principal.type === 'user'
      ? countFact(principal.user.accessKeys, 'access key')
      : absentFact(seen, `a ${principal.type} has no access keys`),

  'principal.activeBedrockApiKeys': ({ principal, seen }: PrincipalInput): DerivedFact =>
    principal.type === 'user'
      ? countFact(
          principal.user.serviceSpecificCredentials,
          'Bedrock API key',
          ({ serviceName }) => serviceName === BEDROCK,
        )
      : absentFact(seen, `a ${principal.type} has no Bedrock API keys`),

  'principal.sessionAttribution': ({ principal, seen }: PrincipalInput): DerivedFact => {
    if (principal.type !== 'role') return absentFact(seen, `a ${principal.type} has no sessions of a role`);
    const attribution = sessionAttribution(principal.role);
    return attribution.ok
      ? observedFact(attribution.value, seen, ATTRIBUTION_WORDS[attribution.value])
      : unobservableFact(
          {
            kind: 'unobservable',
            reason: 'malformed',
            detail: attribution.error.message,
            source: seen.source,
          },
          'its trust policy',
        );
  },
} as const satisfies Partial<Record<FactName, (input: PrincipalInput) => DerivedFact>>;

/** `ServiceName` of the service-specific credentials that are long-term Bedrock API keys. */
const BEDROCK = 'bedrock.amazonaws.com';

const ATTRIBUTION_WORDS = {
  'identity-center': 'IAM Identity Center makes its sessions and names them after its user',
  'session-name-bound': 'its trust policy ties the session name to the caller',
  'service-only': 'only AWS services can assume it',
  'caller-asserted': 'whoever assumes it chooses the session name freely',
} as const satisfies Record<SessionAttribution, string>;

function permissionFact(input: PrincipalInput, actions: readonly string[], toDo: string): DerivedFact {
  const guardrails = guardrailsOver(input);
  const { organizationId } = input;
  const decide = () => decideAnyOf(input.identity, actions, { guardrails, organizationId });
  // In words only for whom it is shown: most principals of an organization are fine.
  if (holdsNoAllow(input.identity, actions))
    return withEvidence(observedFact('denied', input.seen).observation, () =>
      describeDecision('denied', decide().decisions, toDo),
    );
  const { kind, decisions } = decide();
  const words = () => describeDecision(kind, decisions, toDo);
  if (kind !== 'cannot-decide') return withEvidence(observedFact(kind, input.seen).observation, words);
  const undecided = decisions.find((decision) => decision.kind === 'cannot-decide');
  const reason = undecided === undefined ? 'not-evaluated' : unobservableReason(undecided.reason, guardrails);
  return withEvidence(
    {
      kind: 'unobservable',
      reason,
      ...(undecided === undefined ? {} : { detail: undecided.detail }),
      source: input.seen.source,
    },
    words,
  );
}

const withEvidence = (
  observation: DerivedFact['observation'],
  words: () => readonly string[],
): DerivedFact => ({
  observation,
  get evidence() {
    return words();
  },
});

/**
 * Of the policies that its owners wrote for it: those of its groups are told at the group, and AWS answers for AWS's own.
 * The runbook itself asks for two actions that do not exist.
 */
function unknownActionsFact({ principal, identity, seen }: PrincipalInput): DerivedFact {
  const holder = holderOf(principal);
  const own = new Set([
    ...holder.inlinePolicies.map(({ name }) => `inline policy \`${name}\``),
    ...holder.attachedPolicies
      .filter(({ arn }) => !AWS_MANAGED.test(arn))
      .map(({ name }) => `managed policy \`${name}\``),
  ]);
  const found = identity.identity.policies
    .filter(({ name }) => own.has(name))
    .flatMap(({ name, document }) =>
      document.statements.flatMap(({ index, actions }) =>
        actions.patterns.flatMap((pattern) => {
          const warning = unknownActionWarning(pattern);
          return warning === undefined ? [] : [{ pattern, line: `${name} Statement[${index}]: ${warning}` }];
        }),
      ),
    );
  const [obstacle] = identity.identity.unreadable;
  if (found.length > 0) {
    const patterns = new Set(found.map(({ pattern }) => pattern));
    return observedFact(patterns.size, seen, ...new Set(found.map(({ line }) => line)));
  }
  if (obstacle !== undefined && obstacle.reason !== 'guardrails-unobservable')
    return unobservableFact(
      {
        kind: 'unobservable',
        reason: REASONS[obstacle.reason],
        detail: obstacle.detail,
        source: seen.source,
      },
      'one of its policies',
    );
  return observedFact(0, seen, 'its policies name only actions that AWS has');
}

const AWS_MANAGED = /^arn:[^:]+:iam::aws:policy\//;

const holderOf = (of: Principal): IamUser | IamGroup | IamRole =>
  of.type === 'user' ? of.user : of.type === 'group' ? of.group : of.role;

/** Service control policies do not restrict service-linked roles. */
function guardrailsOver({ principal, guardrails }: PrincipalInput): Guardrails {
  const isServiceLinked = principal.type === 'role' && principal.role.path.startsWith(SERVICE_LINKED_PATH);
  return isServiceLinked ? NO_GUARDRAILS : guardrails;
}

function unobservableReason(reason: CannotDecideReason, guardrails: Guardrails): UnobservableReason {
  if (reason === 'guardrails-unobservable')
    return guardrails.kind === 'unobservable' ? guardrails.reason : 'not-evaluated';
  return REASONS[reason];
}

const REASONS = {
  'damaged-document': 'malformed',
  'missing-document': 'not-collected',
} as const satisfies Record<Exclude<CannotDecideReason, 'guardrails-unobservable'>, UnobservableReason>;

interface Credential {
  readonly id: string;
  readonly status: string;
}

/** Counts what AWS does not call inactive or expired: a status that AWS adds later counts. */
function countFact<T extends Credential>(
  credentials: Observation<readonly T[]>,
  what: string,
  isCounted: (credential: T) => boolean = () => true,
): DerivedFact {
  if (credentials.kind === 'unobservable') return unobservableFact(credentials, `its ${what}s`);
  const all = credentials.kind === 'absent' ? [] : credentials.value.filter(isCounted);
  const active = all.filter(({ status }) => status !== 'Inactive' && status !== 'Expired');
  const lines = active.map(({ id, status }) => `${what} ${quoted(id)} is ${quoted(status)}`);
  return observedFact(
    active.length,
    credentials,
    ...(lines.length > 0 ? lines : [`it has no active ${what}`]),
  );
}
