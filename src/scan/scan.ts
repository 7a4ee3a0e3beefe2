import { type AccountId, type Clock, formatInstant, wellFormed } from '../core/index.ts';
import {
  type AccountPart,
  collectAccount,
  collectHead,
  type EvidenceError,
  type EvidenceSources,
  type MemberAccount,
  type SnapshotHead,
} from '../evidence/index.ts';
import type { LoadedPolicy } from '../policy/index.ts';
import {
  type AccountsCheckRequest,
  type CheckSummary,
  checkAccounts,
  type Finding,
  findingJson,
  inReportOrder,
  type OutcomeCounts,
  reportHeadJson,
} from '../rules/index.ts';
import type { AccountResult, ScanArchive } from './ports.ts';

/*
 * A scan of the organization in parts, for the Distributed Map of workflows/organization-scan.asl.yml: begin, one call for each account,
 * finish. Every account is collected and judged where its call runs; finishing only adds up.
 *
 * INVARIANT (unknown is never green): an account whose call failed, timed out or never ran is in the report, indeterminate under every
 * control, and named. The Map tolerates every failure, so that one account does not stop the others; the report tolerates none.
 */

export interface ScanPorts {
  readonly clock: Clock;
  readonly evidence: EvidenceSources;
  readonly archive: ScanArchive;
}

/** Which live exception covers what was seen of one account. */
export type CoverageFor = (part: AccountPart) => AccountsCheckRequest['coverage'];

export class ScanError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ScanError';
  }
}

export interface Begun {
  readonly scanId: string;
  /** Ids alone: they pass between two states. */
  readonly accounts: readonly AccountId[];
}

/**
 * Accounts that one execution takes: what passes between two states has at most 256 KiB of UTF-8 (Step Functions Developer Guide, "Step
 * Functions service quotas"), an id in its list takes 15 bytes, and 4 KiB are left for what Lambda and Step Functions put around it.
 */
export const MOST_ACCOUNTS = Math.floor((256 * 1024 - 4096) / 15);

/**
 * Reads the organization.
 *
 * @throws ScanError when there is none to read: a scan of nothing must not end well; or when it has more than `MOST_ACCOUNTS` accounts:
 *   a scan of some of them must not look like one of all
 */
export async function beginScan(
  { clock, evidence, archive }: ScanPorts,
  policy: LoadedPolicy,
  scanId: string,
): Promise<Begun> {
  const head = await collectHead(evidence, {
    regions: policy.policy.storage.scope.regions,
    takenAt: clock.now(),
  });
  if (!head.ok) throw new ScanError(unreadable(head.error));
  const { accounts } = head.value.organization;
  if (accounts.length > MOST_ACCOUNTS)
    throw new ScanError(
      `the organization has ${accounts.length} accounts; one scan takes ${MOST_ACCOUNTS}: check it with \`proviso collect\` and \`proviso check\`, which have no such limit`,
    );
  await archive.putHead(scanId, head.value);
  return { scanId, accounts: accounts.map(({ id }) => id) };
}

/** Collects and judges one account. What it could not see is in its findings; it fails only when it could not keep them. */
export async function scanAccount(
  { evidence, archive }: ScanPorts,
  policy: LoadedPolicy,
  coverage: CoverageFor,
  { scanId, accountId }: { readonly scanId: string; readonly accountId: AccountId },
): Promise<{ readonly accountId: AccountId; readonly counts: OutcomeCounts }> {
  const head = await headOf(archive, scanId);
  const account = head.organization.accounts.find(({ id }) => id === accountId);
  if (account === undefined) throw new ScanError(`the scan \`${scanId}\` has no account \`${accountId}\``);
  const part = await collectAccount(evidence, head, account);
  const result = await judged(head, policy, coverage, account, part);
  await archive.putAccount(scanId, head, part, result);
  return { accountId, counts: result.summary.counts };
}

export interface Finished {
  readonly scanId: string;
  readonly accounts: number;
  /** Accounts that no call finished, or not under this policy; every one is indeterminate in the report. */
  readonly notScanned: readonly AccountId[];
  readonly counts: OutcomeCounts;
}

/** Adds up, with a place for every account of the organization. */
export async function finishScan(
  { clock, archive }: ScanPorts,
  policy: LoadedPolicy,
  scanId: string,
): Promise<Finished> {
  const head = await headOf(archive, scanId);
  const results: AccountResult[] = [];
  const notScanned: AccountId[] = [];
  for (const account of head.organization.accounts) {
    const result = await archive.result(scanId, account.id);
    // Judged by a policy that is in force no longer, it says nothing of the controls that this one added.
    if (result?.policyHash === policy.hash) {
      results.push(result);
      continue;
    }
    notScanned.push(account.id);
    const why =
      result === undefined
        ? 'the scan of this account did not finish'
        : 'another policy was put in force during the scan: scan again';
    results.push(await judged(head, policy, () => () => undefined, account, notSeen(head, account, why)));
  }
  const own: Finding[] = [];
  const organization = await checkAccounts(
    { source: { head, accounts: [] }, policy, now: head.takenAt, coverage: () => undefined },
    (make, { standing }) => {
      if (isFine(standing)) return;
      own.push(make());
    },
  );
  const counts = added([organization.counts, ...results.map(({ summary }) => summary.counts)]);
  const byControl = organization.byControl.map((control) => ({
    ...control,
    counts: added([
      control.counts,
      ...results.flatMap(({ summary }) =>
        summary.byControl.filter((each) => each.controlId === control.controlId).map((each) => each.counts),
      ),
    ]),
  }));
  // Only what is not fine: of a large organization the rest is a number.
  const findings = inReportOrder([...results.flatMap((result) => result.findings), ...own], policy);
  const report = {
    ...reportHeadJson({ ...organization, counts, byControl }, head.organization.id),
    findings: findings.map(findingJson),
    scan: {
      id: scanId,
      startedAt: formatInstant(head.takenAt),
      finishedAt: formatInstant(clock.now()),
      notScanned,
    },
  };
  await archive.putReport(scanId, wellFormed(report));
  return { scanId, accounts: head.organization.accounts.length, notScanned, counts };
}

async function judged(
  head: SnapshotHead,
  policy: LoadedPolicy,
  coverage: CoverageFor,
  account: MemberAccount,
  part: AccountPart,
): Promise<AccountResult> {
  const findings: Finding[] = [];
  const summary: CheckSummary = await checkAccounts(
    { source: { head, accounts: [part] }, policy, now: head.takenAt, coverage: coverage(part) },
    (make, { standing, control }) => {
      // The organization is judged once, at the end.
      if (control.subject !== 'organization' && !isFine(standing)) findings.push(make());
    },
  );
  const { byControl } = summary;
  const ofAccounts = byControl.filter(({ controlId }) => subjectOf(policy, controlId) !== 'organization');
  return {
    accountId: account.id,
    policyHash: policy.hash,
    summary: { byControl: ofAccounts, counts: added(ofAccounts.map(({ counts }) => counts)) },
    findings,
  };
}

const subjectOf = ({ policy }: LoadedPolicy, controlId: string) =>
  policy.controls.find(({ id }) => id === controlId)?.subject;

const isFine = (standing: keyof OutcomeCounts): boolean =>
  standing === 'compliant' || standing === 'not-applicable';

/** What is known of an account that nobody scanned: nothing, and why. */
function notSeen(head: SnapshotHead, { id }: MemberAccount, detail: string): AccountPart {
  const unobservable = { kind: 'unobservable', reason: 'failed', detail } as const;
  return {
    evidence: { accountId: id, iam: unobservable },
    regions: head.regions.map((region) => ({
      accountId: id,
      region,
      invocationLogging: unobservable,
      dataRetention: unobservable,
    })),
  };
}

async function headOf(archive: ScanArchive, scanId: string): Promise<SnapshotHead> {
  const head = await archive.head(scanId);
  if (head === undefined) throw new ScanError(`there is no scan \`${scanId}\``);
  return head;
}

function added(counts: readonly OutcomeCounts[]): OutcomeCounts {
  const sum = { compliant: 0, 'non-compliant': 0, 'not-applicable': 0, indeterminate: 0, covered: 0 };
  for (const each of counts)
    for (const key of Object.keys(sum) as (keyof OutcomeCounts)[]) sum[key] += each[key];
  return sum;
}

const unreadable = ({ message, remedy }: EvidenceError): string => `${message}; ${remedy}`;
