import type { AccountId } from '../core/index.ts';
import type { Organization } from '../evidence/index.ts';
import { type ExceptionRecord, placesOf } from '../exceptions/index.ts';

/** The units above an account, root first. Bounded by the number of units, so a damaged (cyclic) tree ends too. */
export function unitPathOf(organization: Organization, accountId: AccountId): readonly string[] {
  const parents = new Map(organization.units.map((unit) => [unit.id, unit.parentId]));
  const path: string[] = [];
  let at = organization.accounts.find((account) => account.id === accountId)?.parentId;
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
