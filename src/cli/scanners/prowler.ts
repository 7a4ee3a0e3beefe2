import { stringify } from 'yaml';
import { formatInstant } from '../../core/index.ts';
import type { LoadedPolicy } from '../../policy/index.ts';
import { printable } from '../terminal/index.ts';
import type { Suppression, SuppressionSet } from './suppressions.ts';

/**
 * A mutelist of Prowler. Its entries are regular expressions that are searched for, so names are escaped and anchored: a bucket whose name
 * only begins alike is not muted. The format has no expiry; the head says until when the file is good, and every description too.
 */
export function prowlerMutelist(set: SuppressionSet, { policy, hash }: LoadedPolicy): string {
  const accounts: Record<string, { Checks: Record<string, unknown> }> = {};
  for (const group of groups(set.suppressions)) {
    const [first] = group;
    if (first === undefined) continue;
    const account = accounts[first.accountId] ?? { Checks: {} };
    accounts[first.accountId] = account;
    const until = formatInstant(
      group.reduce((left, right) => (right.until < left.until ? right : left)).until,
    );
    account.Checks[first.check] = {
      Regions: unique(group.map(({ region }) => exactly(region))),
      Resources: unique(group.map(({ resource }) => (resource === undefined ? '*' : exactly(resource.name)))),
      Description: printable(`Until ${until}: ${unique(group.map(({ reason }) => reason)).join(' | ')}`),
    };
  }
  const head = [
    'Suppressions for Prowler, made by `proviso export --for prowler`. Do not edit: make it again.',
    `Policy ${policy.metadata.id} ${policy.metadata.version}, hash ${hash}`,
    `As of ${formatInstant(set.asOf)}. NOT VALID FROM ${formatInstant(set.validUntil)} ON: Prowler knows no expiry, so`,
    'make this file again before then, and let the scan fail when it is older.',
  ].map((line) => `# ${printable(line)}\n`);
  return `${head.join('')}${stringify({ Mutelist: { Accounts: accounts } }, { lineWidth: 0, aliasDuplicateObjects: false })}`;
}

/** Of one account and check: those of whole Regions, or those of resources. */
function groups(suppressions: readonly Suppression[]): readonly (readonly Suppression[])[] {
  const byPlace = new Map<string, Suppression[]>();
  for (const each of suppressions) {
    const key = `${each.accountId} ${each.check}`;
    byPlace.set(key, [...(byPlace.get(key) ?? []), each]);
  }
  return [...byPlace.values()];
}

const exactly = (name: string): string =>
  `^${name.replace(/[\\^$.*+?()[\]{}|/-]/g, (sign) => (sign === '/' || sign === '-' ? sign : `\\${sign}`))}$`;
const unique = (texts: readonly string[]): readonly string[] => [...new Set(texts)];
