import type { SnapshotProblem } from './errors.ts';
import type { OrganizationFile } from './snapshot-schema.ts';

/**
 * Checks that the organization holds together: one root, every unit and account below it exactly once, the management account among
 * the accounts, every Region once. Which rules govern an account depends on its place, so a broken tree is no evidence.
 */
export function treeProblems(head: OrganizationFile, file: string): readonly SnapshotProblem[] {
  const { organization, regions } = head;
  const problems: SnapshotProblem[] = [];
  const add = (code: 'duplicate' | 'tree', field: string, message: string, remedy: string) =>
    problems.push({ code, file, field, message, remedy });
  const again = (what: string, ids: readonly string[], field: (index: number) => string) => {
    const seen = new Set<string>();
    for (const [index, id] of ids.entries()) {
      if (seen.has(id))
        add('duplicate', field(index), `${what} \`${id}\` stands twice`, 'keep one of the two');
      seen.add(id);
    }
  };
  again('Region', regions, (index) => `regions[${index}]`);
  again(
    'unit',
    organization.units.map((unit) => unit.id),
    (index) => `organization.units[${index}].id`,
  );
  again(
    'account',
    organization.accounts.map((account) => account.id),
    (index) => `organization.accounts[${index}].id`,
  );

  const parents = new Map(organization.units.map((unit) => [unit.id, unit.parentId]));
  const roots = organization.units.filter((unit) => unit.parentId === undefined);
  if (roots.length !== 1)
    add(
      'tree',
      'organization.units',
      `an organization has one root, here are ${roots.length} units without parentId`,
      'give every unit but the root its `parentId`',
    );
  const reachesRoot = (start: string): boolean => {
    const seen = new Set<string>();
    let at: string | undefined = start;
    while (at !== undefined) {
      if (seen.has(at) || !parents.has(at)) return false;
      seen.add(at);
      at = parents.get(at);
    }
    return true;
  };
  const members = [
    ...organization.units.map((unit, index) => ({ ...unit, field: `organization.units[${index}].parentId` })),
    ...organization.accounts.map((account, index) => ({
      ...account,
      field: `organization.accounts[${index}].parentId`,
    })),
  ];
  for (const { id, parentId, field } of members) {
    if (parentId !== undefined && !reachesRoot(parentId))
      add(
        'tree',
        field,
        `\`${id}\` does not lead to the root`,
        'name a unit that is in the list and lies below the root',
      );
  }
  if (!organization.accounts.some((account) => account.id === organization.managementAccountId))
    add(
      'tree',
      'organization.managementAccountId',
      `account \`${organization.managementAccountId}\` is not among the accounts`,
      'add the account, or correct the id',
    );
  return problems;
}
