import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readSnapshot } from '../../src/adapters/files/index.ts';
import { findingsView } from '../../src/api/index.ts';
import { readAnsweredReport } from '../../src/cli/report/answer.ts';
import type { AccountId } from '../../src/core/index.ts';
import {
  decodeSnapshot,
  type EvidenceSources,
  type Observation,
  SECTIONS,
  type Snapshot,
} from '../../src/evidence/index.ts';
import { type CheckReport, checkSnapshot } from '../../src/rules/index.ts';
import {
  beginScan,
  finishScan,
  LATEST_REPORT,
  latestReport,
  MOST_ACCOUNTS,
  type ScanPorts,
  scanAccount,
  scanArchive,
} from '../../src/scan/index.ts';
import { shippedPolicy } from '../policy/shipped.ts';
import { memoryArchive } from './memory-archive.ts';

const policy = shippedPolicy();
const nothing = () => () => undefined;

async function example(): Promise<Snapshot> {
  const read = await readSnapshot(join(import.meta.dirname, '../../examples/organization'));
  if (!read.ok) throw new Error(JSON.stringify(read.error));
  return read.value;
}

const NOT_THERE: Observation<never> = { kind: 'unobservable', reason: 'not-collected' };

/** Answers as the example organization would, at the example's time. */
function answering(snapshot: Snapshot): EvidenceSources {
  const account = (id: AccountId) => snapshot.accounts.find(({ accountId }) => accountId === id);
  const pair = (id: AccountId, region: string) =>
    snapshot.accountRegions.find((each) => each.accountId === id && each.region === region);
  const readers = (level: string, observed: (place: never) => Record<string, unknown> | undefined) =>
    Object.fromEntries(
      Object.keys(SECTIONS[level as keyof typeof SECTIONS]).map((name) => [
        name,
        async (place: never) => observed(place)?.[name] ?? NOT_THERE,
      ]),
    );
  return {
    readOrganization: async () => ({
      kind: 'observed',
      value: snapshot.organization,
      at: snapshot.takenAt,
      source: { call: 'test' },
    }),
    readIam: async (id) => account(id)?.iam ?? NOT_THERE,
    readInvocationLogging: async (id, region) => pair(id, region)?.invocationLogging ?? NOT_THERE,
    readDataRetention: async (id, region) => pair(id, region)?.dataRetention ?? NOT_THERE,
    sections: {
      organization: readers('organization', () => snapshot.organization.sections as never),
      account: readers(
        'account',
        ({ accountId }: { accountId: AccountId }) => account(accountId)?.sections as never,
      ),
      'account-region': readers(
        'account-region',
        ({ accountId, region }: { accountId: AccountId; region: string }) =>
          pair(accountId, region)?.sections as never,
      ),
    } as unknown as EvidenceSources['sections'],
  };
}

async function ports(): Promise<
  ScanPorts & { readonly archive: ReturnType<typeof memoryArchive>; readonly snapshot: Snapshot }
> {
  const snapshot = await example();
  return {
    snapshot,
    evidence: answering(snapshot),
    archive: memoryArchive(),
    clock: { now: () => snapshot.takenAt },
  };
}

interface Report extends CheckReport {
  readonly scan: { readonly notScanned: readonly string[] };
}

describe('a scan in parts', () => {
  it('comes to what one check of the whole comes to', async () => {
    const scan = await ports();
    const { accounts } = await beginScan(scan, policy, 's-1');
    expect(accounts).toHaveLength(12);
    for (const each of accounts.toReversed())
      await scanAccount(scan, policy, nothing, { scanId: 's-1', accountId: each });
    const finished = await finishScan(scan, policy, 's-1');
    expect(finished.notScanned).toEqual([]);

    // What was kept is a snapshot, and judging that is the same again.
    const kept = decodeSnapshot(scan.archive.texts);
    if (!kept.ok) throw new Error(JSON.stringify(kept.error));
    const whole = await checkSnapshot({
      snapshot: kept.value,
      policy,
      now: scan.snapshot.takenAt,
      coverage: () => undefined,
    });
    const report = scan.archive.reports.get('s-1') as Report;
    expect(report.counts).toEqual(whole.counts);
    expect(report.byControl).toEqual(whole.byControl);
    const ids = (findings: CheckReport['findings']) => findings.map(({ id }) => id).sort();
    expect(ids(report.findings)).toEqual(
      ids(whole.findings.filter(({ outcome }) => outcome === 'non-compliant' || outcome === 'indeterminate')),
    );
  });

  it('hides no account whose call failed, or never ran: it is named, and indeterminate under every control', async () => {
    const scan = await ports();
    const { accounts } = await beginScan(scan, policy, 's-2');
    const failed = accounts[4] as AccountId;
    for (const each of accounts)
      if (each !== failed) await scanAccount(scan, policy, nothing, { scanId: 's-2', accountId: each });
    const finished = await finishScan(scan, policy, 's-2');
    expect(finished.notScanned).toEqual([failed]);
    const report = scan.archive.reports.get('s-2') as Report;
    expect(report.scan.notScanned).toEqual([failed]);
    // What `check --api` makes of it.
    const kept: unknown = JSON.parse(JSON.stringify(report));
    expect(readAnsweredReport(kept)).toMatchObject({
      ok: true,
      value: { scan: { notScanned: [failed] }, summary: { counts: finished.counts } },
    });
    const about = report.findings.filter(({ subject }) => subject.accountId === failed);
    expect(new Set(about.map(({ controlId }) => controlId))).toContain('CP-01');
    expect(new Set(about.map(({ outcome }) => outcome))).toEqual(new Set(['indeterminate']));
  });

  it('counts nothing that another policy judged: an account scanned before a policy was adopted is indeterminate', async () => {
    const scan = await ports();
    const { accounts } = await beginScan(scan, policy, 's-6');
    const [early, ...late] = accounts;
    if (early === undefined) throw new Error('no account');
    const controls = policy.policy.controls.filter(({ id }) => id !== 'CP-01');
    const before = {
      ...policy,
      hash: 'f'.repeat(64) as typeof policy.hash,
      policy: { ...policy.policy, controls },
    };
    await scanAccount(scan, before, nothing, { scanId: 's-6', accountId: early });
    for (const each of late) await scanAccount(scan, policy, nothing, { scanId: 's-6', accountId: each });
    expect((await finishScan(scan, policy, 's-6')).notScanned).toEqual([early]);
    const { findings } = scan.archive.reports.get('s-6') as Report;
    const about = findings.filter(
      ({ subject, controlId }) => controlId === 'CP-01' && subject.accountId === early,
    );
    expect(about.length).toBeGreaterThan(0);
    expect(new Set(about.map(({ outcome }) => outcome))).toEqual(new Set(['indeterminate']));
  });

  it('does an account twice without a difference', async () => {
    const scan = await ports();
    const { accounts } = await beginScan(scan, policy, 's-3');
    for (const each of [...accounts, ...accounts])
      await scanAccount(scan, policy, nothing, { scanId: 's-3', accountId: each });
    const once = await ports();
    for (const each of (await beginScan(once, policy, 's-3')).accounts)
      await scanAccount(once, policy, nothing, { scanId: 's-3', accountId: each });
    expect(await finishScan(scan, policy, 's-3')).toEqual(await finishScan(once, policy, 's-3'));
  });

  it('does not begin without an organization', async () => {
    const scan = await ports();
    const evidence: EvidenceSources = {
      ...scan.evidence,
      readOrganization: async () => ({ kind: 'unobservable', reason: 'access-denied' }),
    };
    await expect(beginScan({ ...scan, evidence }, policy, 's-4')).rejects.toThrow(
      'the organization could not be read: access-denied',
    );
  });

  it('takes as many accounts as pass between two states, and refuses one more with the number', async () => {
    const scan = await ports();
    const organization = scan.snapshot.organization;
    const [account] = organization.accounts;
    if (account === undefined) throw new Error('no account');
    const with_ = (count: number): EvidenceSources => ({
      ...scan.evidence,
      readOrganization: async () => ({
        kind: 'observed',
        value: {
          ...organization,
          accounts: Array.from({ length: count }, (_, index) => ({
            ...account,
            id: String(100_000_000_000 + index) as AccountId,
          })),
        },
        at: scan.snapshot.takenAt,
        source: { call: 'organizations:ListAccounts' },
      }),
    });
    const begun = await beginScan({ ...scan, evidence: with_(MOST_ACCOUNTS) }, policy, 's-7');
    expect(MOST_ACCOUNTS).toBeGreaterThan(10_000);
    expect(Buffer.byteLength(JSON.stringify(begun))).toBeLessThan(256 * 1024 - 3_500);
    await expect(beginScan({ ...scan, evidence: with_(MOST_ACCOUNTS + 1) }, policy, 's-8')).rejects.toThrow(
      `the organization has ${MOST_ACCOUNTS + 1} accounts; one scan takes ${MOST_ACCOUNTS}`,
    );
  });

  it('refuses an account that is not in the scan', async () => {
    const scan = await ports();
    await beginScan(scan, policy, 's-5');
    await expect(
      scanAccount(scan, policy, nothing, { scanId: 's-5', accountId: '987654321098' as AccountId }),
    ).rejects.toThrow('has no account');
    await expect(
      scanAccount(scan, policy, nothing, { scanId: 'never', accountId: '111111111111' as AccountId }),
    ).rejects.toThrow('there is no scan `never`');
  });

  it('leaves what `GET /findings` answers, in the form of `check --format json`', async () => {
    const kept = new Map<string, string>();
    const texts = {
      put: async (path: string, text: string) => void kept.set(path, text),
      get: async (path: string) => kept.get(path),
    };
    expect(await latestReport(texts)).toBeUndefined();
    const scan = { ...(await ports()), archive: scanArchive(texts) };
    const { accounts } = await beginScan(scan, policy, 's-6');
    for (const each of accounts.slice(1))
      await scanAccount(scan, policy, nothing, { scanId: 's-6', accountId: each });
    await finishScan(scan, policy, 's-6');
    const latest = findingsView.parse(await latestReport(texts));
    expect(latest).toMatchObject({
      organization: { id: scan.snapshot.organization.id },
      scan: { id: 's-6', notScanned: [accounts[0]] },
    });
    expect(latest.findings.length).toBeGreaterThan(10);
    kept.set(LATEST_REPORT, '{');
    await expect(latestReport(texts)).rejects.toThrow(
      '`reports/latest.json` of the evidence bucket is damaged',
    );
  });
});
