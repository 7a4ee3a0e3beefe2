import { type AccountId, partitionOfRegion, type Region } from '../core/index.ts';
import type { IamEvidence, IamRole, Observation } from '../evidence/index.ts';
import {
  ANY_RESOURCE,
  accountPolicies,
  contextOf,
  contextOfPrincipal,
  decideAnyOf,
  EVERYTHING,
  evaluateRequest,
  type Guardrails,
  holdsNoAllow,
  type IdentityPolicies,
  known,
  levelsOf,
  NO_GUARDRAILS,
  type PermissionDecision,
  type PolicyReader,
  type RequestContext,
  type RequestResource,
  rootPolicies,
  SERVICE_LINKED_PATH,
  strongestOf,
} from '../iam/index.ts';

/** One question about what can be done from an account. */
export interface ReachQuestion {
  /** Any of them is enough; not empty. */
  readonly actions: readonly string[];
  readonly region: Region;
  readonly resource?: RequestResource;
  /** Condition keys of the request that are known. */
  readonly keys?: Readonly<Record<string, string>>;
}

export interface Reached {
  readonly kind: PermissionDecision['kind'];
  readonly decisions: readonly PermissionDecision[];
  /** ARN of the first principal that can; absent where the control policies alone decided. */
  readonly who?: string;
}

/** Where the principals of an account could not be listed, and the control policies do not decide alone. */
export type ReachAnswer = Reached | (Observation<never> & { readonly kind: 'unobservable' });

/** What can be done from one account, whoever in it asks. */
export interface AccountReach {
  /**
   * What the control policies leave open to somebody whose own policies allow everything. Service-linked roles are not asked: control
   * policies do not reach them, and nobody chooses what they do.
   */
  underControlPolicies(question: ReachQuestion): Reached;
  /**
   * The most that any user or role of the account, or its root user, can do. No identity policy limits the root user, and nothing above
   * the management account does: what the control policies leave open to it is open, whoever else is in the account. `denied` by the
   * control policies alone, and `allowed` to the root user, need no list of principals.
   * @see https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html
   */
  byAnyone(question: ReachQuestion): ReachAnswer;
}

/** @param iam - of the account, as observed; asked only where the control policies do not decide alone */
export function accountReach(
  accountId: AccountId,
  guardrails: Guardrails,
  organizationId: string,
  iam: Observation<IamEvidence>,
  read: PolicyReader,
): AccountReach {
  let principals: readonly (readonly [IdentityPolicies, Guardrails])[] | undefined;
  const listed = (evidence: IamEvidence) => {
    if (principals !== undefined) return principals;
    const policies = accountPolicies(evidence, read);
    principals = [
      ...evidence.roles.map((role) => [policies.ofRole(role), over(role, guardrails)] as const),
      ...evidence.users.map((user) => [policies.ofUser(user), guardrails] as const),
    ];
    return principals;
  };

  const underControlPolicies = ({ actions, region, resource, keys }: ReachQuestion): Reached => {
    // Nobody in particular: what hangs on who asks stays open, and so does not lock.
    const context = contextOf({
      ...fixedKeys(region, keys),
      'aws:SecureTransport': known('true'),
      'aws:PrincipalIsAWSService': known('false'),
      'aws:PrincipalAccount': known(accountId),
      'aws:PrincipalOrgID': known(organizationId),
    });
    const decisions = actions.map((action) =>
      evaluateRequest(
        {
          action,
          resource: resource ?? ANY_RESOURCE,
          principal: {
            kind: 'role',
            arn: `arn:${partitionOfRegion(region)}:iam::${accountId}:role/*`,
            accountId,
          },
          context,
        },
        { identity: EVERYTHING, serviceControl: levelsOf(guardrails), resourceControl: [] },
      ),
    );
    return { kind: strongestOf(decisions), decisions };
  };

  return {
    underControlPolicies,
    byAnyone(question) {
      const above = underControlPolicies(question);
      if (above.kind === 'denied') return above;
      let most: Reached = { kind: 'denied', decisions: [] };
      const ask = ([identity, limits]: readonly [IdentityPolicies, Guardrails]): Reached => {
        const { actions, region, resource, keys } = question;
        const found = decideAnyOf(identity, actions, {
          guardrails: limits,
          organizationId,
          context: joined(fixedKeys(region, keys), contextOfPrincipal(identity.principal, organizationId)),
          ...(resource === undefined ? {} : { resource }),
        });
        const answer = { ...found, ...('arn' in identity.principal ? { who: identity.principal.arn } : {}) };
        if (ORDER.indexOf(answer.kind) > ORDER.indexOf(most.kind)) most = answer;
        return answer;
      };
      const root = ask([rootOf(accountId, iam), guardrails]);
      if (iam.kind !== 'observed' && root.kind === 'allowed') return root;
      if (iam.kind === 'unobservable') return iam;
      if (iam.kind === 'absent') return { kind: 'unobservable', reason: 'malformed', source: iam.source };
      // Somebody who is not the root user tells the reader more.
      for (const principal of listed(iam.value)) {
        if (holdsNoAllow(principal[0], question.actions)) continue;
        const answer = ask(principal);
        if (answer.kind === 'allowed') return answer;
      }
      return most;
    },
  };
}

function rootOf(accountId: AccountId, iam: Observation<IamEvidence>): IdentityPolicies {
  const [other] = iam.kind === 'observed' ? [...iam.value.users, ...iam.value.roles] : [];
  return rootPolicies(other?.arn.split(':')[1] ?? 'aws', accountId);
}

const ORDER = ['denied', 'conditionally-allowed', 'cannot-decide', 'allowed'] as const;

const fixedKeys = (region: Region, keys: Readonly<Record<string, string>> = {}) => ({
  'aws:RequestedRegion': known(region),
  ...Object.fromEntries(Object.entries(keys).map(([key, value]) => [key, known(value)])),
});

function joined(entries: Parameters<typeof contextOf>[0], rest: RequestContext): RequestContext {
  const own = new Map(Object.entries(entries).map(([key, value]) => [key.toLowerCase(), value]));
  return { lookup: (key) => own.get(key.toLowerCase()) ?? rest.lookup(key) };
}

const over = ({ path }: IamRole, guardrails: Guardrails): Guardrails =>
  path.startsWith(SERVICE_LINKED_PATH) ? NO_GUARDRAILS : guardrails;
