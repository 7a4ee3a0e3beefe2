import type { AccountId } from '../core/index.ts';
import type { Organization } from '../evidence/index.ts';
import { type ExceptionRecord, placesOf } from '../exceptions/index.ts';

/** What stands above each unit and each account; every sweep asks for every live exception, of one organization. */
const parentsIn = new WeakMap<Organization, ReadonlyMap<string, string | undefined>>();

function parentsOf(organization: Organization): ReadonlyMap<string, string | undefined> {
  const before = parentsIn.get(organization);
  if (before !== undefined) return before;
  // Ids of accounts are digits and those of units are not.
  const parents = new Map<string, string | undefined>(
    [...organization.accounts.toReversed(), ...organization.units].map(({ id, parentId }) => [id, parentId]),
  );
  parentsIn.set(organization, parents);
  return parents;
}

/** The units above an account, root first. Bounded by the number of units, so a damaged (cyclic) tree ends too. */
export function unitPathOf(organization: Organization, accountId: AccountId): readonly string[] {
  const parents = parentsOf(organization);
  const path: string[] = [];
  let at = parents.get(accountId);
  while (at !== undefined && !path.includes(at)) {
    path.unshift(at);
    at = parents.get(at);
  }
  return path;
}

/** Where the accounts of an exception are, to compare with where they were. An account that is gone has no unit. */
export const unitsOf = (
  organization: Organization,
  { request }: Pick<ExceptionRecord, 'request'>,
): readonly string[] =>
  placesOf(request).map(({ accountId }) => `${accountId}: ${unitPathOf(organization, accountId).join('/')}`);
