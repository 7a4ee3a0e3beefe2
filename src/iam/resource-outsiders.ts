import type { Access } from './access.ts';
import { contextOf, known, type RequestContext, UNKNOWN } from './context.ts';
import { contextOfPrincipal, levelsOf } from './decide.ts';
import type { Destination } from './destinations.ts';
import {
  evaluateRequest,
  type PermissionDecision,
  type PolicyLayer,
  type ResourceLayer,
} from './evaluate.ts';
import { EVERYTHING, layerOf } from './layers.ts';
import type { PrincipalEntry } from './policy-document.ts';
import type { RequestPrincipal } from './principals.ts';

/** Somebody whom a resource policy or grant names and whose own policies are not in the evidence. */
export interface NamedOutsider {
  /** ``the service `x.amazonaws.com` ``, `everybody, also outside the organization`. */
  readonly words: string;
  readonly principal: RequestPrincipal;
  readonly context: RequestContext;
  /** What its own policies say, as far as that is known. */
  readonly identity?: PolicyLayer;
}

/** Whom a policy that speaks of who asks may mean by us: the accounts that are inside. */
export interface Inside {
  /** Undefined: an organization is no boundary here, so whatever a policy says of one may be about somebody outside. */
  readonly organizationId?: string;
  isInside(accountId: string): boolean;
}

/** No account and no organization has these; whatever lets them in lets in strangers. */
export const STRANGER = '000000000000';
const STRANGE_ORGANIZATION = 'o-0000000000';
const NOBODY = 'nobody-that-a-policy-names';

/** A role of the account that no policy can have by its name. */
export const unnamedRoleOf = (accountId: string, partition: string) =>
  ({ kind: 'role', arn: `arn:${partition}:iam::${accountId}:role/${NOBODY}`, accountId }) as const;

/**
 * Those whom an Allow of the layer names and who are no principal of the organization that the evidence knows: services, identity providers,
 * other accounts, accounts of the organization whose principals were not seen, everybody.
 *
 * What a condition asks of them is unknown, with one exception: where all that the layer's conditions say of a key that tells who asks
 * (`aws:PrincipalOrgID`, `aws:PrincipalAccount`, `aws:PrincipalArn` and the like) names the organization itself, somebody outside has another value.
 *
 * @param partition - of the resource; nobody of another partition is let in
 */
export function outsidersNamed(
  layer: ResourceLayer,
  access: Access,
  partition: string,
): readonly NamedOutsider[] {
  const strangeRole = unnamedRoleOf(STRANGER, partition);
  const found = new Map<string, NamedOutsider>();
  const add = (words: string, principal: RequestPrincipal): void => {
    if (!found.has(words))
      found.set(words, {
        words,
        principal,
        context: contextOfOutsider(principal, layer, {
          organizationId: access.organizationId,
          isInside: (accountId) => access.isOfOrganization(accountId),
        }),
        ...identityOf(principal, access),
      });
  };
  for (const { document } of layer.policies)
    for (const { effect, principals } of document.statements) {
      if (effect !== 'Allow' || principals === undefined) continue;
      if (principals.kind === 'NotPrincipal') add(EVERYBODY, strangeRole);
      else
        for (const entry of principals.entries) {
          const other = outsiderOf(entry, access, strangeRole);
          if (other !== undefined) add(...other);
        }
    }
  return [...found.values()];
}

function identityOf(principal: RequestPrincipal, access: Access): { readonly identity?: PolicyLayer } {
  // Services have none; an identity provider is let in by the resource alone.
  if (principal.kind === 'service' || principal.kind === 'federated') return {};
  // Somebody of an account outside brings whatever permission of his own he likes.
  if (!access.isOfOrganization(principal.accountId)) return { identity: EVERYTHING };
  return { identity: layerOf('its policies', [], [`the policies of \`${principal.arn}\``]) };
}

/** Whether an outsider may do `action` to one of the destination's resources, if whoever it answers to lets it. */
export function decideOutsider(
  { principal, context, identity }: NamedOutsider,
  action: string,
  { layer, resources }: Pick<Destination, 'layer' | 'resources'>,
  access: Access,
): readonly PermissionDecision[] {
  const guardrails = access.resourceControlOver(layer.accountId ?? '', action);
  return resources.map((resource) =>
    evaluateRequest(
      { action, resource, principal, context },
      {
        ...(identity === undefined ? {} : { identity }),
        resource: layer,
        serviceControl: [],
        resourceControl: levelsOf(guardrails),
      },
    ),
  );
}

const EVERYBODY = 'everybody, also outside the organization';

function outsiderOf(
  { type, value }: PrincipalEntry,
  access: Access,
  strangeRole: ReturnType<typeof unnamedRoleOf>,
): readonly [string, RequestPrincipal] | undefined {
  if (type === 'Service') return [`the service \`${value}\``, { kind: 'service', name: value }];
  if (type === 'Federated')
    return [`whomever \`${value}\` vouches for`, { kind: 'federated', provider: value }];
  if (type === 'CanonicalUser') return [`the canonical user \`${value}\``, strangeRole];
  if (value === '*') return [EVERYBODY, strangeRole];
  const account = /^[0-9]{12}$/.test(value) ? value : value.split(':')[4];
  // An id of somebody who was deleted, or not: the evaluator cannot say whom it names.
  if (account === undefined || !/^[0-9]{12}$/.test(account))
    return [`the principal \`${value}\``, strangeRole];
  const isUser = value.includes(':user/');
  const isSession = value.includes(':assumed-role/');
  const isOne = isUser || isSession || value.includes(':role/');
  // Those who were seen are asked one by one, the sessions of a role with their role.
  if (access.isSeen(account) && (!isOne || isSession || access.find(value).length > 0)) return undefined;
  const where = !access.isOfOrganization(account)
    ? 'outside the organization'
    : access.isSeen(account)
      ? 'whom nobody saw in its account'
      : 'of an account whose users and roles were not seen';
  return [
    `\`${value}\`, ${where}`,
    isOne
      ? {
          kind: isUser ? 'user' : 'role',
          arn: value,
          accountId: account,
          ...(isSession ? { sessionArn: value } : {}),
        }
      : unnamedRoleOf(account, strangeRole.arn.split(':')[1] ?? ''),
  ];
}

const ACCOUNT_OF_ARN = /^arn:[^:*?$]+:(?:iam|sts)::([0-9]{12}):/;

/**
 * What a request by somebody outside holds. A key that tells who asks is known only where everything that the layer says of it is about others
 * than this one: whoever is let in may have the very value that the policy names.
 */
export function contextOfOutsider(
  principal: RequestPrincipal,
  layer: ResourceLayer,
  inside: Inside,
): RequestContext {
  const own = contextOfPrincipal(principal);
  if (!('accountId' in principal) || principal.accountId === undefined || principal.kind === 'federated')
    return own;
  const { accountId } = principal;
  const isStranger = accountId === STRANGER;
  const isInside = inside.isInside(accountId);
  const valuesOf = (key: string): readonly string[] =>
    layer.policies.flatMap(({ document }) =>
      document.statements.flatMap(({ conditions }) =>
        conditions.flatMap((condition) => (condition.key.toLowerCase() === key ? condition.values : [])),
      ),
    );
  /** `value` where all that the layer says of the key is about others than this one. */
  const unless = (key: string, isOther: (value: string) => boolean, value: string) =>
    valuesOf(key).every(isOther) ? known(value) : UNKNOWN;
  const ours = inside.organizationId;
  const isOtherAccount = (account: string | undefined): boolean =>
    account !== undefined && (isStranger ? inside.isInside(account) : account !== accountId);
  const account = (key: string) =>
    isStranger ? unless(key, (value) => isOtherAccount(value), STRANGER) : known(accountId);
  // An id instead of an ARN names somebody, and does not tell the name.
  const isOne = principal.arn.startsWith('arn:') && !principal.arn.endsWith(`/${NOBODY}`);
  const told = contextOf({
    'aws:principalorgid':
      isInside && ours !== undefined
        ? known(ours)
        : unless('aws:principalorgid', (value) => value === ours, STRANGE_ORGANIZATION),
    'aws:principalorgpaths': isInside
      ? UNKNOWN
      : unless(
          'aws:principalorgpaths',
          (value) => ours !== undefined && value.startsWith(`${ours}/`),
          `${STRANGE_ORGANIZATION}/r-0000/`,
        ),
    'aws:principalaccount': account('aws:principalaccount'),
    'kms:calleraccount': account('kms:calleraccount'),
    'aws:principalarn': isOne
      ? own.lookup('aws:PrincipalArn')
      : unless('aws:principalarn', (value) => isOtherAccount(ACCOUNT_OF_ARN.exec(value)?.[1]), principal.arn),
    ...(isOne ? {} : { 'aws:principaltype': UNKNOWN, 'aws:username': UNKNOWN }),
  });
  const keys = new Set([
    'aws:principalorgid',
    'aws:principalorgpaths',
    'aws:principalaccount',
    'kms:calleraccount',
    'aws:principalarn',
    ...(isOne ? [] : ['aws:principaltype', 'aws:username']),
  ]);
  return { lookup: (key) => (keys.has(key.toLowerCase()) ? told : own).lookup(key) };
}
