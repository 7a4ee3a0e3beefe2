import type { AccountId } from '../core/index.ts';
import type { Organization, UnobservableReason } from '../evidence/index.ts';

/** What might limit an account's principals from above their identity policies. */
export type Guardrails =
  /** Nothing but FullAWSAccess, which allows everything, or an account that service control policies do not reach. */
  | { readonly kind: 'none' }
  /** Policies that this version does not evaluate, each with where it is attached. */
  | { readonly kind: 'not-evaluated'; readonly policies: readonly string[] }
  | { readonly kind: 'unobservable'; readonly reason: UnobservableReason; readonly detail: string };

/** The id AWS gives to the policy that allows everything; it is the same in every organization. */
const FULL_AWS_ACCESS = 'p-FullAWSAccess';

/**
 * Finds the service control policies on an account's path to the root. They do not restrict the management account.
 * @see https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html
 */
export function guardrailsOf(organization: Organization, accountId: AccountId): Guardrails {
  if (accountId === organization.managementAccountId) return { kind: 'none' };
  const { attachments, serviceControlPolicies } = organization;
  if (attachments.kind === 'absent') return { kind: 'none' };
  if (attachments.kind === 'unobservable')
    return {
      kind: 'unobservable',
      reason: attachments.reason,
      detail: `which service control policies are attached could not be read (${attachments.detail ?? attachments.reason})`,
    };
  const path = pathToRoot(organization, accountId);
  if (path === undefined)
    return {
      kind: 'unobservable',
      reason: 'malformed',
      detail: 'the account’s path to the root of the organization has a gap or a loop',
    };
  const names = new Map(
    serviceControlPolicies.kind === 'observed'
      ? serviceControlPolicies.value.map(({ id, name }) => [id, name] as const)
      : [],
  );
  const policies = attachments.value
    .filter(({ targetId }) => path.includes(targetId))
    .flatMap(({ targetId, policyIds }) =>
      policyIds
        .filter((id) => id !== FULL_AWS_ACCESS)
        .map((id) => `\`${names.get(id) ?? id}\` on ${targetId}`),
    );
  return policies.length === 0 ? { kind: 'none' } : { kind: 'not-evaluated', policies };
}

/** Service-linked roles are out of reach of service control policies. */
export const SERVICE_LINKED_PATH = '/aws-service-role/';

/** The account and the units above it, root last; undefined where the tree has a gap or a loop. */
function pathToRoot(organization: Organization, accountId: AccountId): readonly string[] | undefined {
  const account = organization.accounts.find(({ id }) => id === accountId);
  if (account === undefined) return undefined;
  const units = unitPath(organization, account.parentId);
  return units === undefined ? undefined : [accountId, ...units.toReversed()];
}

/** The units from the root down to `unitId`, both included; undefined where the tree has a gap or a loop. */
export function unitPath(organization: Organization, unitId: string): readonly string[] | undefined {
  const units = new Map(organization.units.map((unit) => [unit.id, unit]));
  const path: string[] = [];
  let next: string | undefined = unitId;
  while (next !== undefined) {
    const unit = units.get(next);
    if (unit === undefined || path.includes(next)) return undefined;
    path.unshift(next);
    next = unit.parentId;
  }
  return path;
}
