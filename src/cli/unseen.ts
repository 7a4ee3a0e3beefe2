import { countOf } from '../core/index.ts';
import type { AccountPart, MemberAccount, Observation, SnapshotSource } from '../evidence/index.ts';

/** What could not be seen in one account for one reason, with the Regions it concerns. */
export interface Unseen {
  readonly accountId: string;
  readonly accountName: string;
  readonly reason: string;
  /** IAM action names, joined as the observation says them; of a refused call, what the role is not allowed. */
  readonly action: string;
  /** `iam`, `invocationLogging`, a section: what is not known because of it. */
  readonly what: readonly string[];
  /** Sorted; empty where it concerns the account as a whole. */
  readonly regions: readonly string[];
}

interface Group {
  readonly account: MemberAccount;
  readonly reason: string;
  readonly action: string;
  readonly what: Set<string>;
  readonly regions: Set<string>;
}

export interface Seen {
  readonly unseen: readonly Unseen[];
  /** Regions in which only some accounts were asked, because they can use them; sorted. */
  readonly furtherRegions: readonly string[];
}

/** Of accounts that are open, in the order of their ids; a suspended account was not called, and the check knows that. */
export async function seenOf({ head, accounts }: SnapshotSource): Promise<Seen> {
  const members = new Map(head.organization.accounts.map((account) => [account.id, account]));
  const everywhere = new Set<string>(head.regions);
  const further = new Set<string>();
  const unseen: Unseen[] = [];
  for await (const part of accounts) {
    for (const { region } of part.regions) if (!everywhere.has(region)) further.add(region);
    const account = members.get(part.evidence.accountId);
    if (account === undefined || account.state === 'SUSPENDED' || account.state === 'CLOSED') continue;
    unseen.push(...unseenOfAccount(part, account));
  }
  return { unseen, furtherRegions: [...further].sort() };
}

function unseenOfAccount({ evidence, regions }: AccountPart, account: MemberAccount): readonly Unseen[] {
  const groups = new Map<string, Group>();
  const see = (observations: object, region?: string) => {
    for (const [what, observation] of Object.entries(observations) as [string, Observation<unknown>][]) {
      if (observation?.kind !== 'unobservable') continue;
      const { reason, source } = observation;
      const action = source?.call ?? 'unknown';
      const key = `${reason} ${action}`;
      const group = groups.get(key) ?? { account, reason, action, what: new Set(), regions: new Set() };
      group.what.add(what);
      if (region !== undefined) group.regions.add(region);
      groups.set(key, group);
    }
  };
  const { sections: own = {}, iam, resourcePolicies } = evidence;
  see({ iam, ...(resourcePolicies === undefined ? {} : { resourcePolicies }), ...own });
  for (const { region, invocationLogging, dataRetention, sections = {} } of regions)
    see({ invocationLogging, dataRetention, ...sections }, region);
  return [...groups.values()].map(({ reason, action, what, regions: places }) => ({
    accountId: account.id,
    accountName: account.name,
    reason,
    action,
    what: [...what],
    regions: [...places].sort(),
  }));
}

const SHOWN_ACCOUNTS = 5;

/** For a person: each reason and action once, with the accounts it concerns; the JSON report names all of them. */
export function unseenLines(unseen: readonly Unseen[]): readonly string[] {
  const groups = Map.groupBy(unseen, ({ reason, action }) => `${reason} ${action}`);
  return [...groups.values()].map((group) => {
    const [first] = group;
    if (first === undefined) return '';
    const ids = group.map(({ accountId }) => accountId);
    const more = ids.length > SHOWN_ACCOUNTS ? ` and ${ids.length - SHOWN_ACCOUNTS} more` : '';
    const what = [...new Set(group.flatMap((each) => each.what))].join(', ');
    const permission =
      first.reason === 'access-denied' ? `; the role is not allowed ${first.action}` : `, at ${first.action}`;
    const regions = group.some((each) => each.what.includes('regions'))
      ? '; which other Regions these accounts can use is not known, and none was asked'
      : '';
    return `not seen (${first.reason}) in ${countOf(ids.length, 'account')}: ${what}${permission}: ${ids.slice(0, SHOWN_ACCOUNTS).join(', ')}${more}${regions}`;
  });
}
