import { type AccountId, isAccountId } from '../core/index.ts';
import type {
  AccountEvidence,
  IamEvidence,
  IamRole,
  IamUser,
  Organization,
  RegionEvidence,
} from '../evidence/index.ts';
import { type Holder, holdersOf } from './assignments.ts';
import type { RequestResource } from './compile.ts';
import { known, type RequestContext } from './context.ts';
import { contextOfPrincipal, type DecisionContext, decideIdentity, levelsOf } from './decide.ts';
import {
  type Destination,
  destinationsOf,
  placesNotSeen,
  resourceLayer,
  withDocuments,
} from './destinations.ts';
import { evaluateRequest, type PermissionDecision, type ResourceLayer } from './evaluate.ts';
import { accountOf, accountPolicies, type IdentityPolicies, rootPolicies } from './identity.ts';
import { layerOf, type PolicyReader, readPolicy, rememberingReader } from './layers.ts';
import type { PrincipalEntry } from './policy-document.ts';
import {
  type Guardrails,
  isResourceControlled,
  NO_GUARDRAILS,
  resourceControlOf,
  SERVICE_LINKED_PATH,
  serviceControlOf,
} from './service-control.ts';

/** What questions about an organization's permissions are answered from; a snapshot is one. */
export interface AccessEvidence {
  readonly organization: Organization;
  readonly accounts: readonly AccountEvidence[];
  /** Of these, the policies that buckets, keys and log groups hold themselves (section `destinationPolicies`). */
  readonly accountRegions?: readonly RegionEvidence[];
}

/** A principal of the organization with everything that limits it. */
export interface KnownPrincipal {
  readonly type: 'user' | 'group' | 'role' | 'root';
  readonly arn: string;
  readonly name: string;
  readonly accountId: AccountId;
  readonly accountName: string;
  readonly policies: IdentityPolicies;
  readonly guardrails: Guardrails;
  /** Of a user: the names of its groups. */
  readonly groups: readonly string[];
  /** Of a role of IAM Identity Center: the groups and users that its permission set is given to in the account; absent where none was seen. */
  readonly givenTo?: readonly Holder[];
  /** Of such a role: why nobody knows to whom it is given. */
  readonly givenToUnseen?: string;
  /** Of a role: who may assume it. */
  readonly trust?: ResourceLayer;
}

/** The principals of an organization, and what can be asked about each. */
export interface Access {
  /** By ARN. */
  readonly principals: readonly KnownPrincipal[];
  /** Accounts whose principals are not known, each with the reason in words. */
  readonly notSeen: readonly string[];
  /** Whether the users, groups and roles of the account are known. */
  isSeen(accountId: string): boolean;
  /** Whether the control policies over resources were collected. */
  readonly hasResourceControl: boolean;
  readonly organizationId: string;
  /** The places that content goes to and their keys, by ARN, with the policies that they hold themselves. */
  readonly destinations: readonly Destination[];
  /** Where further places may be, in words. */
  readonly placesNotSeen: readonly string[];
  /** Whether the organization has this account. */
  isOfOrganization(accountId: string): boolean;
  /** What is above the resources of an account for `action`; nothing where it was not collected (`hasResourceControl`). */
  resourceControlOver(accountId: string, action: string): Guardrails;
  /** Those with this ARN, or with this name in any account. */
  find(nameOrArn: string): readonly KnownPrincipal[];
  /** @param more - a resource, further context; default: any resource, and only the context that follows from the principal */
  decide(principal: KnownPrincipal, action: string, more?: Partial<DecisionContext>): PermissionDecision;
  /** What follows from the principal of a request for `action`; everything else is unknown. */
  contextOf(principal: KnownPrincipal, action: string): RequestContext;
  /** Whether `from` may assume `role` with `sts:AssumeRole`, across accounts too. */
  decideAssume(from: KnownPrincipal, role: KnownPrincipal): PermissionDecision;
  /** Whether an entry of a trust policy lets in somebody who is not a principal of the organization, and in words who. */
  outsiders(role: KnownPrincipal): readonly string[];
}

export function accessOf({ organization, accounts, accountRegions = [] }: AccessEvidence): Access {
  const guardrailsOf = serviceControlOf(organization);
  const read = rememberingReader();
  const nameOf = new Map(organization.accounts.map(({ id, name }) => [id, name]));
  const notSeen: string[] = [];
  const principals: KnownPrincipal[] = [];
  const seen = new Set<AccountId>();
  const withIdentities = new Set<string>();
  const resourceControl = resourceControlOf(organization);
  const resourcePolicies = new Map<string, ResourceLayer>();
  for (const { accountId, iam, resourcePolicies: held, sections } of accounts) {
    seen.add(accountId);
    if (held?.kind === 'observed')
      for (const policy of held.value)
        resourcePolicies.set(policy.resourceArn, resourceLayer(policy, accountId));
    const account = { accountId, accountName: nameOf.get(accountId) ?? accountId };
    const guardrails = guardrailsOf(accountId);
    if (iam.kind !== 'observed') {
      const why = iam.kind === 'absent' ? 'absent' : (iam.detail ?? iam.reason);
      notSeen.push(`the users, groups and roles of account ${account.accountName} (${accountId}): ${why}`);
      principals.push(rootUser('aws', account, guardrails));
    } else {
      withIdentities.add(accountId);
      principals.push(...principalsOf(iam.value, account, guardrails, read, sections));
    }
  }
  const destinations = destinationsOf(accountRegions, accounts, resourcePolicies);
  const withGrants = new Set<string>();
  for (const { resourceArn, layer, kind, grantsNotSeen } of destinations) {
    resourcePolicies.set(resourceArn, layer);
    if (kind === 'key' && grantsNotSeen === undefined) withGrants.add(resourceArn);
  }
  for (const { id, name } of organization.accounts)
    if (!seen.has(id))
      notSeen.push(`the users, groups and roles of account ${name} (${id}): not in the snapshot`);
  principals.sort((one, other) => (one.arn < other.arn ? -1 : one.arn > other.arn ? 1 : 0));

  const contexts = new WeakMap<KnownPrincipal, RequestContext>();
  const ownContext = (principal: KnownPrincipal): RequestContext => {
    const before = contexts.get(principal);
    if (before !== undefined) return before;
    const context = contextOfPrincipal(principal.policies.principal, organization.id);
    contexts.set(principal, context);
    return context;
  };
  /** The policy of the resource itself and what is above its account, as far as they were collected. */
  const resourceSide = (
    resource: RequestResource | undefined,
    action: string,
    given: ResourceLayer | undefined,
  ): Partial<DecisionContext> => {
    if (resource === undefined || (typeof resource === 'object' && resource.kind === 'any')) return {};
    const arn = typeof resource === 'string' ? resource : resource.prefix;
    const policy = given ?? resourcePolicies.get(holderOf(arn));
    const owner = policy?.accountId ?? accountOf(arn);
    const isControlled = resourceControl !== undefined && isResourceControlled(action) && isAccountId(owner);
    return {
      ...(policy === undefined ? {} : { resourcePolicy: policy }),
      ...(isControlled ? { resourceGuardrails: resourceControl(owner) } : {}),
    };
  };
  const knownAccounts = new Set(organization.accounts.map(({ id }) => String(id)));
  return {
    organizationId: organization.id,
    destinations,
    placesNotSeen: placesNotSeen(organization, accountRegions),
    isOfOrganization: (accountId) => knownAccounts.has(accountId),
    resourceControlOver: (accountId, action) =>
      (isAccountId(accountId) && isResourceControlled(action) ? resourceControl?.(accountId) : undefined) ??
      NO_GUARDRAILS,
    principals,
    notSeen,
    isSeen: (accountId) => withIdentities.has(accountId),
    hasResourceControl: resourceControl !== undefined,
    find: (nameOrArn) =>
      principals.filter(({ arn, name }) => (nameOrArn.startsWith('arn:') ? arn : name) === nameOrArn),
    decide: (principal, action, more = {}) => {
      const given = {
        guardrails: principal.guardrails,
        ...resourceSide(more.resource, action, more.resourcePolicy),
        context: contextForAction(ownContext(principal), action),
        ...more,
      };
      const decision = decideIdentity(principal.policies, action, given);
      const key = given.resourcePolicy;
      if (decision.kind !== 'denied' || key === undefined || typeof more.resource !== 'string')
        return decision;
      if (!key.mustAllow || withGrants.has(more.resource)) return decision;
      // A grant lets in past the key policy. Where it could change nothing, the denial stands.
      const atMost = decideIdentity(principal.policies, action, {
        ...given,
        resourcePolicy: withDocuments(key, [ANY_GRANT]),
      });
      if (atMost.kind === 'denied') return decision;
      return {
        kind: 'cannot-decide',
        action,
        statements: [],
        reason: 'missing-document',
        detail: `not in the evidence: the grants of \`${more.resource}\`, which may let it in`,
      };
    },
    contextOf: (principal, action) => contextForAction(ownContext(principal), action),
    decideAssume: (from, role) =>
      evaluateRequest(
        {
          action: ASSUME_ROLE,
          resource: role.arn,
          principal: from.policies.principal,
          context: ownContext(from),
        },
        {
          identity: from.policies.identity,
          ...(from.policies.boundary === undefined ? {} : { boundary: from.policies.boundary }),
          serviceControl: levelsOf(from.guardrails),
          resourceControl: levelsOf(resourceControl?.(role.accountId) ?? NO_GUARDRAILS),
          ...(role.trust === undefined ? {} : { resource: role.trust }),
        },
      ),
    outsiders: (role) => outsidersOf(role, knownAccounts),
  };
}

export const ASSUME_ROLE = 'sts:AssumeRole';

/** Passing a role is only asked about in order to give it to Bedrock, as log role or for jobs. */
function contextForAction(context: RequestContext, action: string): RequestContext {
  if (action.toLowerCase() !== 'iam:passrole') return context;
  const service = known('bedrock.amazonaws.com');
  return {
    lookup: (key) => (key.toLowerCase() === 'iam:passedtoservice' ? service : context.lookup(key)),
  };
}

/** An object's bucket, a log stream's group; every other resource holds its own policy. */
function holderOf(resource: string): string {
  const parts = resource.split(':');
  if (parts[2] === 's3') return resource.split('/')[0] ?? resource;
  if (parts[2] === 'logs') return parts.slice(0, 7).join(':');
  return resource;
}

/** The most that grants nobody saw could allow. */
const ANY_GRANT = readPolicy(
  'a grant',
  '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*"}}',
  'resource',
);

type Account = Pick<KnownPrincipal, 'accountId' | 'accountName'>;

function principalsOf(
  iam: IamEvidence,
  account: Account,
  guardrails: Guardrails,
  read: PolicyReader,
  sections: AccountEvidence['sections'],
): readonly KnownPrincipal[] {
  const policies = accountPolicies(iam, read);
  const partition = [...iam.users, ...iam.roles][0]?.arn.split(':')[1] ?? 'aws';
  const shared = { ...account, guardrails, groups: [] };
  return [
    ...iam.users.map(
      (user: IamUser): KnownPrincipal => ({
        ...shared,
        type: 'user',
        arn: user.arn,
        name: user.name,
        policies: policies.ofUser(user),
        groups: user.groups,
      }),
    ),
    ...iam.groups.map(
      (group): KnownPrincipal => ({
        ...shared,
        type: 'group',
        arn: group.arn,
        name: group.name,
        policies: policies.ofGroup(group),
      }),
    ),
    ...iam.roles.map(
      (role: IamRole): KnownPrincipal => ({
        ...shared,
        type: 'role',
        arn: role.arn,
        name: role.name,
        policies: policies.ofRole(role),
        // Service control policies do not reach service-linked roles.
        guardrails: role.path.startsWith(SERVICE_LINKED_PATH) ? NO_GUARDRAILS : guardrails,
        trust: trustOf(role, account.accountId, read),
        ...givenTo(role, sections),
      }),
    ),
    rootUser(partition, account, guardrails),
  ];
}

function givenTo(
  role: IamRole,
  sections: AccountEvidence['sections'],
): Pick<KnownPrincipal, 'givenTo' | 'givenToUnseen'> {
  const found = holdersOf(role, sections);
  if (found === undefined) return {};
  if (found.unseen !== undefined) return { givenToUnseen: found.unseen };
  return found.holders.length === 0 ? {} : { givenTo: found.holders };
}

function trustOf(role: IamRole, accountId: AccountId, read: PolicyReader): ResourceLayer {
  const name = `the trust policy of role \`${role.name}\``;
  return {
    ...layerOf(name, [read(name, role.assumeRolePolicyDocument, 'trust')]),
    accountId,
    mustAllow: true,
  };
}

/** Every account has one, and identity policies do not limit it. */
function rootUser(partition: string, account: Account, guardrails: Guardrails): KnownPrincipal {
  const policies = rootPolicies(partition, account.accountId);
  return {
    ...account,
    type: 'root',
    arn: policies.principal.arn,
    name: 'root',
    groups: [],
    guardrails,
    policies,
  };
}

/** Those whom the trust policy lets in and who stand in no account of the organization. */
function outsidersOf({ trust }: KnownPrincipal, accounts: ReadonlySet<string>): readonly string[] {
  const found = new Set<string>();
  for (const { document } of trust?.policies ?? [])
    for (const { effect, principals } of document.statements) {
      if (effect !== 'Allow' || principals === undefined) continue;
      if (principals.kind === 'NotPrincipal') found.add('everybody but a few, also outside the organization');
      else
        for (const entry of principals.entries) {
          const words = outsider(entry, accounts);
          if (words !== undefined) found.add(words);
        }
    }
  return [...found];
}

function outsider({ type, value }: PrincipalEntry, accounts: ReadonlySet<string>): string | undefined {
  if (type === 'Service') return `the service ${value}`;
  if (type === 'Federated') return `whomever ${value} vouches for`;
  if (type === 'CanonicalUser') return `the canonical user ${value}`;
  if (value === '*') return 'everybody, also outside the organization';
  const account = /^[0-9]{12}$/.test(value) ? value : value.split(':')[4];
  if (account === undefined) return `the principal with the id ${value}`;
  return accounts.has(account) ? undefined : `${value}, outside the organization`;
}
