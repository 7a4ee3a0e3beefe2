import type { AccountId } from '../core/index.ts';
import type { AccountEvidence, RegionEvidence, Snapshot } from './types.ts';

/** A snapshot without what was observed of each account. */
export type SnapshotHead = Omit<Snapshot, 'accounts' | 'accountRegions'>;

/** What was observed of one account: its own evidence, and that of its Regions. */
export interface AccountPart {
  readonly evidence: AccountEvidence;
  readonly regions: readonly RegionEvidence[];
}

/**
 * A snapshot one account at a time, so that an organization of any size needs the memory of its largest account.
 * Guarantee: every account of the organization comes once, in the order of the identifiers (by code units).
 */
export interface SnapshotSource {
  readonly head: SnapshotHead;
  readonly accounts: Iterable<AccountPart> | AsyncIterable<AccountPart>;
}

/** A snapshot that is in memory already. An account without evidence comes as one that was not collected. */
export function sourceOf({ accounts, accountRegions, ...head }: Snapshot): SnapshotSource {
  const own = new Map(accounts.map((account) => [account.accountId, account]));
  const regions = Map.groupBy(accountRegions, ({ accountId }) => accountId);
  return {
    head,
    accounts: accountIds(head).map((accountId) => ({
      evidence: own.get(accountId) ?? {
        accountId,
        iam: {
          kind: 'unobservable',
          reason: 'not-collected',
          detail: 'the snapshot has no IAM of this account',
        },
      },
      regions: regions.get(accountId) ?? [],
    })),
  };
}

/** Every account of the organization, by code units, so that the order is the same in every locale. */
export const accountIds = ({ organization }: Pick<SnapshotHead, 'organization'>) =>
  organization.accounts.map(({ id }) => id).sort((one, other) => (one < other ? -1 : one > other ? 1 : 0));

/** A snapshot out of its parts, in the order in which the organization lists its accounts. */
export function inMemory(head: SnapshotHead, parts: ReadonlyMap<AccountId, AccountPart>): Snapshot {
  const ordered = head.organization.accounts.flatMap(({ id }) => parts.get(id) ?? []);
  return {
    ...head,
    accounts: ordered.map(({ evidence }) => evidence),
    accountRegions: ordered.flatMap(({ regions }) => regions),
  };
}

/** Reads every account of a source. @throws what its accounts throw */
export async function snapshotOf({ head, accounts }: SnapshotSource): Promise<Snapshot> {
  const parts = new Map<AccountId, AccountPart>();
  for await (const part of accounts) parts.set(part.evidence.accountId, part);
  return inMemory(head, parts);
}
