import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readEstate } from '../../src/cli/estate.ts';
import { readAnsweredReport } from '../../src/cli/report/answer.ts';
import { findingJson, reportHead } from '../../src/cli/report/json.ts';
import { startServer } from '../../src/cli/server.ts';
import { canonicalJson, epochMs, wellFormed } from '../../src/core/index.ts';
import { MAX_CONDITION_DEPTH } from '../../src/policy/index.ts';
import { POLICY_TEXT, simulate } from '../simulation/harness.ts';
import { type CliRun, run, SCRATCH, testContext } from './harness.ts';

const folder = mkdtempSync(join(SCRATCH, 'proviso-check-api-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const tokenFile = join(folder, 'token');
writeFileSync(tokenFile, 'A'.repeat(43), { mode: 0o600 });

interface Told {
  [name: string]: unknown;
  outcome: string;
  explanation: { [name: string]: unknown; require?: unknown };
  sources: unknown[];
}
interface ToldReport {
  [name: string]: unknown;
  counts: Record<string, number>;
  byControl: readonly { readonly counts: Readonly<Record<string, number>> }[];
  findings: Told[];
  scan?: Record<string, unknown>;
}

const estate = readEstate({ policy: 'policies/', snapshot: 'examples/organization' }, testContext());

/** What `GET /findings` answers for the example organization, and would after a scan. */
async function answers(): Promise<{ whole: ToldReport; scanned: ToldReport }> {
  const { report, policy, snapshot, attestations } = await estate;
  const head = reportHead({
    report,
    organizationId: snapshot.organization.id,
    policy,
    attestations,
    version: '0',
  });
  const whole = JSON.parse(
    canonicalJson(wellFormed({ ...head, findings: report.findings.map((each) => findingJson(each)) })),
  ) as ToldReport;
  const { attestations: _none, ...rest } = whole;
  const scanned = {
    ...rest,
    findings: whole.findings.filter(({ outcome }) => !['compliant', 'not-applicable'].includes(outcome)),
    scan: {
      id: 'nightly-1',
      startedAt: whole['snapshotTakenAt'],
      finishedAt: whole['snapshotTakenAt'],
      notScanned: [],
    },
  };
  return { whole, scanned };
}

/** Its first finding that came to this. */
function the(report: ToldReport, wanted: string): Told {
  const found = report.findings.find(({ outcome }) => outcome === wanted);
  if (found === undefined) throw new Error(`nothing is ${wanted}`);
  return found;
}

/** A report as it was answered: when a finding was first seen is added where it is shown. */
function withoutSeen(text: string): ToldReport {
  const report = JSON.parse(text) as ToldReport;
  for (const finding of report.findings) delete finding['seen'];
  return report;
}

/** Runs `check --api` on something that answers so; `undefined` is `NO_REPORT`. */
async function answering(
  findings: unknown,
  words: readonly string[] = [],
  { text = POLICY_TEXT, env = {} }: { text?: string; env?: Record<string, string> } = {},
): Promise<CliRun> {
  const server = createServer((request, response) => {
    const isFindings = request.url === '/findings';
    const problem = {
      type: 'about:blank',
      title: 't',
      status: 404,
      detail: 'no check of the organization is stored, so nothing is known of its accounts',
      code: 'NO_REPORT',
      exitCode: 3,
      correlationId: 'c',
      remedy: 'the nightly scan writes one',
    };
    const isMissing = isFindings && findings === undefined;
    response.writeHead(isMissing ? 404 : 200, { 'content-type': 'application/json' });
    const policy = {
      id: 'p',
      version: '1',
      hash: '0'.repeat(64),
      name: 'policies/prompt-storage.yaml',
      text,
    };
    response.end(JSON.stringify(isMissing ? problem : isFindings ? findings : policy));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    const filled = words.map((word) => word.replace('ADDRESS', address));
    const where = filled.includes('check') ? filled : ['check', '--api', address, ...filled];
    const filledEnv = Object.fromEntries(
      Object.entries(env).map(([name, value]) => [name, value.replace('ADDRESS', address)]),
    );
    const ran = await run(env['PROVISO_API'] === undefined ? [...where, '--token-file', tokenFile] : where, {
      env: filledEnv,
      clock: { now: () => epochMs(Date.UTC(2027, 0, 1)) },
    });
    // Folded for 80 columns.
    return { ...ran, stderr: ran.stderr.replaceAll(/\s+/g, ' ') };
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

describe('`check --api` on `proviso serve`', () => {
  it('writes what `check --state` writes, byte for byte', () =>
    simulate(async (simulation) => {
      simulation.editPeople('roles: [data-protection]', 'roles: [policy-owner]');
      // A second passes between two calls: nobody here meets the limit.
      let seconds = 0;
      const context = testContext({
        clock: { now: () => epochMs(Date.UTC(2026, 10, 20) + 1000 * seconds++) },
      });
      const server = await startServer(simulation.state, { state: simulation.directory, port: 0 }, context);
      const earlier = join(folder, 'earlier.json');
      const asked = [
        ['--format', 'text'],
        ['--format', 'json'],
        ['--format', 'csv'],
        ['--format', 'sarif'],
        ['--format', 'markdown'],
        ['--format', 'junit'],
        ['--format', 'text', '--control', 'CP-01', '--account', '222222222222'],
        ['--format', 'csv', '--fail-on', 'indeterminate'],
        ['--format', 'ndjson', '--new-since', earlier],
        ['--control', 'CP-99'],
      ];
      const all = async (where: readonly string[]) => {
        const runs: CliRun[] = [];
        for (const words of asked) {
          runs.push(await run(['check', ...where, ...words]));
          if (words[1] === 'json') writeFileSync(earlier, runs.at(-1)?.stdout ?? '');
        }
        return runs;
      };
      const token = join(simulation.directory, 'api-tokens', 'lena');
      const remote = await all(['--api', server.address, '--token-file', token]);
      const byName = await run([
        'check',
        '--api',
        server.address,
        '--state',
        simulation.directory,
        '--as',
        'lena',
      ]);
      const stranger = await run([
        'check',
        '--api',
        server.address,
        '--account',
        '123456789012',
        '--token-file',
        token,
      ]);
      await server.close();
      simulation.shut();
      const local = await all(['--state', simulation.directory]);
      // How one finding is explained is the only thing that is done elsewhere.
      const cut = ({ stdout, ...rest }: CliRun) => ({
        ...rest,
        stdout: stdout.replace(/Why (one|each) was found:[\s\S]*$/, ''),
      });
      expect(remote.map(cut)).toEqual(local.map(cut));
      expect(local.map(({ exitCode }) => exitCode)).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 3, 2]);
      expect(remote[0]?.stdout).toContain('a simulated state; no AWS account was read');
      expect(remote[1]?.stdout).toBe(local[1]?.stdout);
      expect(byName.stdout).toBe(remote[0]?.stdout);
      expect([stranger.exitCode, stranger.stderr]).toEqual([
        2,
        expect.stringContaining('the report has no account `123456789012`'),
      ]);
    }));
});

describe('a report that is read back', () => {
  it('is the check of the example organization, finding by finding', async () => {
    const { report } = await estate;
    const { whole, scanned } = await answers();
    const read = readAnsweredReport(whole);
    if (!read.ok) throw new Error(read.error);
    const { findings, ...summary } = report;
    expect(read.value.findings).toEqual(findings);
    expect(read.value.summary).toEqual(summary);
    expect(readAnsweredReport(scanned)).toMatchObject({ ok: true });
  });

  const deep = (levels: number): object =>
    levels === 0 ? {} : { kind: 'not', path: 'require', truth: 'true', part: deep(levels - 1) };
  const first = (change: (finding: Told) => unknown) => (report: ToldReport) => {
    change(the(report, 'non-compliant'));
  };
  it.each<[string, (report: ToldReport) => unknown, string]>([
    ['of another version', (report) => (report['schemaVersion'] = 2), 'schemaVersion'],
    ['with a member that nobody knows', (report) => (report['more'] = 1), 'not a report'],
    ['with a finding that is left out', (report) => report.findings.pop(), 'it lists'],
    ['with half a character', first((each) => (each['controlId'] = '\ud800')), 'controlId'],
    ['with a finding twice', (report) => report.findings.push(the(report, 'non-compliant')), 'twice'],
    ['with numbers that are no sums', (report) => (report.counts['compliant'] = 1), 'do not come to'],
    ['with a violation called compliant', first((each) => (each.outcome = 'compliant')), 'outcome'],
    [
      'with a truth that its parts do not have',
      first((each) => Object.assign(each.explanation.require as object, { truth: 'true' })),
      'explanation',
    ],
    ['with another id', first((each) => (each['id'] = '0'.repeat(16))), 'id'],
    ['with other sources', first((each) => each.sources.push({ call: 'x' })), 'sources'],
    ['with a local time', (report) => (report['now'] = '2026-11-20T08:00:00+01:00'), 'now'],
    ['with an unknown fact', first((each) => (each.explanation = { require: { fact: 'x' } })), 'explanation'],
    ['without what decided', first((each) => delete each.explanation.require), 'require'],
    [
      'deeper than a policy',
      first((each) => (each.explanation.require = deep(MAX_CONDITION_DEPTH + 2))),
      'explanation',
    ],
    ['far deeper', first((each) => (each.explanation.require = deep(5000))), 'explanation'],
    [
      'with an unknown that is covered',
      (report) => {
        const each = the(report, 'indeterminate');
        each['coveredBy'] = { kind: 'exception', exceptionId: 'ex-0001', until: '2030-01-01T00:00:00Z' };
      },
      'coveredBy',
    ],
  ])('is refused %s', async (_, change, says) => {
    const { scanned } = await answers();
    change(scanned);
    expect(readAnsweredReport(scanned)).toEqual({ ok: false, error: expect.stringContaining(says) });
  });

  it.each([[null], [[]], ['x'], [{}]])('is refused that is %j', async (value) => {
    const ran = await answering(value);
    expect(ran).toMatchObject({ exitCode: 4, stdout: '' });
    expect(ran.stderr).toContain('is not a report of this version');
  });
});

describe('the report of a scan', () => {
  it('is shown with its age, and the accounts that it left out are never green', async () => {
    const { scanned } = await answers();
    const text = await answering(scanned);
    expect(text.exitCode).toBe(1);
    expect(text.stdout).toContain('scan nightly-1 of the deployment, finished');
    expect(text.stderr).toMatch(/what follows was seen at .*Z, \d+[dh]\s+ago/);
    const json = await answering(scanned, ['--format', 'json']);
    expect(withoutSeen(json.stdout)).toEqual({ ...scanned, attestations: [] });
    expect(json.stderr).toContain('what is fine is counted');

    const clean: ToldReport = {
      ...scanned,
      findings: [],
      counts: { ...scanned.counts, 'non-compliant': 0, indeterminate: 0, covered: 0 },
      byControl: scanned.byControl.map((control) => ({
        ...control,
        counts: { ...control.counts, 'non-compliant': 0, indeterminate: 0, covered: 0 },
      })),
    };
    expect((await answering(clean)).exitCode).toBe(0);
    const gap = { ...clean, scan: { ...clean.scan, notScanned: ['222222222222'] } };
    for (const format of ['text', 'markdown', 'html', 'csv']) {
      const ran = await answering(gap, ['--format', format]);
      expect(ran.exitCode).toBe(3);
      expect(ran.stdout + ran.stderr).toContain('left out 1 account');
    }
  });

  it('is not compared, and says nothing of an account that it does not list', async () => {
    const { whole, scanned } = await answers();
    const file = join(folder, 'whole.json');
    writeFileSync(file, JSON.stringify(whole));
    expect(await answering(scanned, ['--since', file])).toMatchObject({
      exitCode: 2,
      stdout: '',
      stderr: expect.stringContaining('cannot be compared'),
    });
    expect(await answering(scanned, ['--account', '123456789012'])).toMatchObject({
      exitCode: 3,
      stdout: '',
      stderr: expect.stringContaining('lists nothing of the account'),
    });
  });
});

describe('`check --api` refuses', () => {
  it('to judge by nothing, or by another policy than the one in force', async () => {
    expect(await answering(undefined)).toMatchObject({
      exitCode: 3,
      stdout: '',
      stderr: expect.stringContaining('nothing is known of its accounts'),
    });
    const { whole } = await answers();
    const changed = await answering(whole, [], {
      text: POLICY_TEXT.replace('denied: [', 'denied: [batch-inference, '),
    });
    expect(changed).toMatchObject({
      exitCode: 3,
      stdout: '',
      stderr: expect.stringContaining('another policy'),
    });
    expect(await answering(whole, [], { text: 'kind: x' })).toMatchObject({ exitCode: 4, stdout: '' });
    const fewer = { ...whole, notAsked: [] };
    expect((await answering(fewer)).stderr).toContain('every control of the policy');
  });

  it.each([
    ['--snapshot', 'examples/organization'],
    ['--policy', 'policies/'],
    ['--now', '2030-01-01T00:00:00Z'],
    ['--max-age', '1h'],
  ])('%s', async (name, value) => {
    const ran = await run(['check', '--api', 'http://127.0.0.1:1', name, value]);
    expect(ran).toMatchObject({ exitCode: 2, stdout: '' });
    expect(ran.stderr).toContain(`\`${name}\` is for a check that is made here`);
  });

  it.each([
    ['--as', 'lena'],
    ['--token-file', 'x'],
  ])('%s without an API', async (name, value) => {
    const ran = await run(['check', '--snapshot', 'examples/organization', name, value]);
    expect([ran.exitCode, ran.stderr]).toEqual([2, expect.stringContaining('says who asks an API')]);
  });
});

it('takes an address from the environment only where no evidence is named', async () => {
  const { whole } = await answers();
  const env = { PROVISO_API: 'ADDRESS', PROVISO_API_TOKEN_FILE: tokenFile };
  const there = await answering(whole, ['check', '--format', 'json'], { env });
  expect(withoutSeen(there.stdout)).toEqual(whole);
  const here = ['check', '--snapshot', 'examples/organization', '--format', 'csv', '--control', 'CP-01'];
  const local = await run(here);
  expect(await answering({}, here, { env })).toEqual(local);
  expect(readFileSync(tokenFile, 'utf8')).toHaveLength(43);
});
