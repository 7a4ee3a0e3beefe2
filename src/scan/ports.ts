import type { AccountId } from '../core/index.ts';
import type { AccountPart, SnapshotHead } from '../evidence/index.ts';
import type { CheckSummary, Finding } from '../rules/index.ts';

/** What judging one account came to. */
export interface AccountResult {
  readonly accountId: AccountId;
  /** Of the policy that judged it. */
  readonly policyHash: string;
  readonly summary: Pick<CheckSummary, 'counts' | 'byControl'>;
  /** Everything that is not fine; what is fine is a number. */
  readonly findings: readonly Finding[];
}

/**
 * Where a scan puts what it saw: one folder a scan, in the layout of a snapshot, so that `proviso check` can judge it again.
 * Guarantee: durable when it returns; an account's result is written after its evidence, so that a result without evidence does not
 * exist; a write that is repeated replaces what was there.
 */
export interface ScanArchive {
  putHead(scanId: string, head: SnapshotHead): Promise<void>;
  head(scanId: string): Promise<SnapshotHead | undefined>;
  putAccount(scanId: string, head: SnapshotHead, part: AccountPart, result: AccountResult): Promise<void>;
  /** `undefined`: this account was never finished. */
  result(scanId: string, accountId: AccountId): Promise<AccountResult | undefined>;
  /** Keeps the report with its scan and makes it the latest. */
  putReport(scanId: string, report: unknown): Promise<void>;
}
