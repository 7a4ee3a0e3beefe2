import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { EXIT } from '../../src/cli/exit-codes.ts';
import { displayWidth } from '../../src/cli/terminal/index.ts';
import { expectGolden } from './golden.ts';
import { REPOSITORY, run } from './harness.ts';

const EXAMPLE = 'examples/organization';
const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

/** The example organization in a folder of its own, changed by `edit`. */
async function changed(edit: (dir: string) => Promise<void>): Promise<string> {
  const dir = join(await mkdtemp(join(tmpdir(), 'proviso-test-')), 'snapshot');
  folders.push(join(dir, '..'));
  await cp(join(REPOSITORY, EXAMPLE), dir, { recursive: true });
  await edit(dir);
  return dir;
}

async function editJson(file: string, edit: (value: Record<string, unknown>) => unknown): Promise<void> {
  await writeFile(file, JSON.stringify(edit(JSON.parse(await readFile(file, 'utf8')))));
}

interface JsonReport {
  readonly counts: Record<string, number>;
  readonly findings: readonly {
    readonly id: string;
    readonly controlId: string;
    readonly outcome: string;
    readonly subject: { readonly accountId: string; readonly region?: string };
    readonly coveredBy?: { readonly exceptionId: string; readonly until: string };
  }[];
}

const checkJson = async (dir: string, ...more: readonly string[]) => {
  const result = await run(['check', '--snapshot', dir, '--format', 'json', ...more]);
  return { ...result, report: JSON.parse(result.stdout) as JsonReport };
};

describe('the example organization', () => {
  test('as text', async () => {
    const { exitCode, stdout, stderr } = await run(['check', '--snapshot', EXAMPLE]);
    expect({ exitCode, stderr }).toEqual({ exitCode: EXIT.findings, stderr: '' });
    for (const line of stdout.split('\n')) expect(displayWidth(line)).toBeLessThanOrEqual(80);
    await expectGolden(stdout, 'check-example.txt');
  });

  test('as JSON, one line, the same bytes every time', async () => {
    const [first, second] = [await checkJson(EXAMPLE), await checkJson(EXAMPLE)];
    expect(first.stdout).toBe(second.stdout);
    expect(first.stdout.trimEnd()).not.toContain('\n');
    await expectGolden(`${JSON.stringify(first.report.counts, undefined, 2)}\n`, 'check-example-counts.json');
  });

  test('the last line is a command that works as it stands, here and with a state', async () => {
    const commandOf = (stdout: string): readonly string[] =>
      (stdout.split('Why one was found:\n')[1] ?? '').replaceAll('\\\n', ' ').trim().split(/\s+/).slice(1);
    const state = await mkdtemp(join(tmpdir(), 'proviso-test-'));
    folders.push(state);
    const dir = join(state, 'state');
    const people = ['--people', 'examples/people.yaml'];
    await run(['state', 'init', '--mode', 'simulated', '--snapshot', EXAMPLE, ...people, '--state', dir]);
    for (const evidence of [
      ['--snapshot', EXAMPLE],
      ['--state', dir],
      ['--snapshot', EXAMPLE, '--policy', 'policies/prompt-storage.yaml', '--now', '2099-01-01T00:00:00Z'],
    ]) {
      const { stdout } = await run(['check', ...evidence]);
      const command = commandOf(stdout);
      expect(command).toEqual(expect.arrayContaining(['finding', 'explain', ...evidence]));
      expect((await run(command)).stdout).toContain('non-compliant');
      expect(stdout.includes('a simulated state; no AWS account was read')).toBe(evidence[0] === '--state');
    }
    const page = await run(['check', '--state', dir, '--format', 'html']);
    expect(page.stdout).toMatch(
      /<header>\s*<h1>.*<\/h1>\s*<p class="notice">This is a simulated state; no AWS/,
    );
  });

  test('findings that filters hide are counted where somebody must act on them', async () => {
    const { report } = await checkJson(EXAMPLE);
    const isOpen = ({ outcome, coveredBy }: JsonReport['findings'][number]) =>
      (outcome === 'non-compliant' && coveredBy === undefined) || outcome === 'indeterminate';
    const hidden = report.findings.filter((each) => isOpen(each) && each.controlId !== 'CP-01').length;
    const { stdout } = await run(['check', '--snapshot', EXAMPLE, '--control', 'CP-01']);
    expect(stdout.replaceAll(/\s+/g, ' ')).toContain(
      `${hidden} findings that are non-compliant or indeterminate are not shown`,
    );
  });

  test('what --control and --account show changes neither the counts nor the exit code', async () => {
    const all = await checkJson(EXAMPLE);
    const one = await checkJson(EXAMPLE, '--control', 'CP-03', '--account', '444444444444');
    expect(one.exitCode).toBe(all.exitCode);
    expect(one.report.counts).toEqual(all.report.counts);
    expect(one.report.findings.length).toBeGreaterThan(0);
    for (const { controlId, subject } of one.report.findings)
      expect([controlId, subject.accountId]).toEqual(['CP-03', '444444444444']);
  });

  test('a report goes to a file, whole, and stdout stays empty', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'proviso-test-'));
    folders.push(dir);
    const file = join(dir, 'deep', 'report.html');
    const { exitCode, stdout, stderr } = await run([
      'check',
      '--snapshot',
      EXAMPLE,
      '--format',
      'html',
      '--out',
      file,
    ]);
    expect({ exitCode, stdout }).toEqual({ exitCode: EXIT.findings, stdout: '' });
    expect(stderr).toContain('report.html');
    expect(await readFile(file, 'utf8')).toMatch(/^<!doctype html>[\s\S]*<\/html>\n$/);
  });

  test('what nobody could read is exit 3 when nothing is worse', async () => {
    // Only the accounts that are clean or denied are left.
    const keep = new Set(['222222222222', '444444444444', '131313131313']);
    const dir = await changed(async (folder) => {
      const file = join(folder, 'organization.json');
      const text = await readFile(file, 'utf8');
      const all = [...new Set(text.match(/\b[0-9]{12}\b/g))];
      for (const id of all)
        if (!keep.has(id)) await rm(join(folder, 'accounts', id), { recursive: true, force: true });
      // What the organization itself shows is not known either: it decides some controls alone.
      const head = JSON.parse(text);
      const denied = { kind: 'unobservable', reason: 'access-denied' };
      // No control policy reaches the management account, so it is never locked; a closed one is not asked.
      const accounts = head.organization.accounts.map((account: { id: string }) =>
        account.id === head.organization.managementAccountId ? { ...account, state: 'CLOSED' } : account,
      );
      const organization = {
        ...head.organization,
        accounts,
        attachments: denied,
        serviceControlPolicies: denied,
        sections: {},
      };
      await writeFile(file, JSON.stringify({ ...head, organization }));
    });
    const { exitCode, report } = await checkJson(dir);
    expect(report.counts['non-compliant']).toBe(0);
    expect(report.counts['indeterminate']).toBeGreaterThan(20);
    expect(exitCode).toBe(EXIT.undecided);
  });
});

describe('a live exception', () => {
  const configuration = {
    s3Config: { bucketName: 'example-assistant-debug', keyPrefix: '' },
    textDataDeliveryEnabled: true,
    imageDataDeliveryEnabled: true,
    embeddingDataDeliveryEnabled: false,
    videoDataDeliveryEnabled: false,
    audioDataDeliveryEnabled: false,
  };
  const lease = {
    exceptionId: 'ex-000000000001',
    startsAt: '2026-11-19T08:00:00Z',
    expiresAt: '2026-11-21T08:00:00Z',
    configuration,
    baseline: { kind: 'none' },
    destination: {
      kind: 's3',
      bucketName: 'example-assistant-debug',
      keyPrefix: 'x/ex-000000000001/',
      kmsKeyArn: 'arn:aws:kms:eu-central-1:666666666666:key/1',
    },
    enabling: { at: '2026-11-19T08:00:00Z', until: '2026-11-19T08:00:10Z' },
  };
  const withLease = (change: object, edit?: (dir: string) => Promise<void>) =>
    changed(async (dir) => {
      // The lease must grant exactly what the example organization has there.
      const region = join(dir, 'accounts/666666666666/eu-central-1.json');
      const observed = JSON.parse(await readFile(region, 'utf8')).invocationLogging.value;
      const rows = [
        {
          accountId: '666666666666',
          region: 'eu-central-1',
          leases: [{ ...lease, configuration: { ...configuration, ...observed }, ...change }],
        },
      ];
      await writeFile(join(dir, 'leases.json'), JSON.stringify({ schemaVersion: 1, rows }));
      await edit?.(dir);
    });
  const finding = (report: JsonReport) =>
    report.findings.find(
      ({ controlId, subject }) =>
        controlId === 'CP-01' && subject.accountId === '666666666666' && subject.region === 'eu-central-1',
    );

  test('covers the finding of its account and Region, which stays non-compliant', async () => {
    const { report } = await checkJson(await withLease({}));
    expect(finding(report)).toMatchObject({
      outcome: 'non-compliant',
      coveredBy: { exceptionId: 'ex-000000000001', until: '2026-11-21T08:00:00Z' },
    });
    expect(report.counts['covered']).toBe(1);
    const { stdout } = await run(['check', '--snapshot', await withLease({}), '--control', 'CP-01']);
    expect(stdout).toContain('covered by exception ex-000000000001 until 2026-11-21T08:00:00Z');
  });

  test.each([
    ['is dead at its own expiry', { expiresAt: '2026-11-20T08:00:00Z' }, []],
    ['has not begun', { startsAt: '2026-11-20T08:00:01Z' }, []],
    ['was revoked', { revoked: { at: '2026-11-20T07:00:00Z', by: 'anna', reason: 'found elsewhere' } }, []],
    ['was not enabled yet: what is on is somebody else’s', { enabling: undefined }, []],
    ['was switched off again', { offAt: '2026-11-20T07:00:00Z' }, []],
    ['is over by the instant that is asked for', {}, ['--now', '2026-11-21T08:00:00Z']],
    [
      'grants another bucket than the one that receives',
      { configuration: { ...configuration, s3Config: { bucketName: 'another' } } },
      [],
    ],
    [
      'grants fewer kinds of content',
      { configuration: { ...configuration, imageDataDeliveryEnabled: false } },
      [],
    ],
  ] as const)('does not cover when it %s', async (_name, change, more) => {
    const { report, exitCode } = await checkJson(await withLease(change), ...more);
    expect(finding(report)).toMatchObject({ outcome: 'non-compliant' });
    expect(finding(report)?.coveredBy).toBeUndefined();
    expect(exitCode).toBe(EXIT.findings);
  });

  test('covers nothing that could not be seen', async () => {
    const dir = await withLease({}, (folder) =>
      editJson(join(folder, 'accounts/666666666666/eu-central-1.json'), (value) => ({
        ...value,
        invocationLogging: { kind: 'unobservable', reason: 'access-denied' },
      })),
    );
    const { report } = await checkJson(dir);
    expect(finding(report)).toMatchObject({ outcome: 'indeterminate' });
    expect(finding(report)?.coveredBy).toBeUndefined();
  });

  test.each([
    ['an unknown key', { extra: 1 }, 'rows[0].leases[0]'],
    [
      'a flag that is left out',
      { configuration: { ...configuration, audioDataDeliveryEnabled: undefined } },
      'audio',
    ],
    ['a local time', { expiresAt: '2026-11-21T08:00:00' }, 'expiresAt'],
  ])('is refused with %s, and nothing is judged', async (_name, change, says) => {
    const { exitCode, stdout, stderr } = await run(['check', '--snapshot', await withLease(change)]);
    expect({ exitCode, stdout }).toEqual({ exitCode: EXIT.malformed, stdout: '' });
    expect(stderr).toContain('leases.json');
    expect(stderr).toContain(says);
  });
});

describe('bad input is exit 2, told on stderr, with nothing on stdout:', () => {
  test.each([
    ['nothing to judge', ['check'], '--snapshot'],
    ['a snapshot that is not there', ['check', '--snapshot', 'nosuch'], 'nosuch'],
    ['a snapshot and a state', ['check', '--snapshot', EXAMPLE, '--state', 'x'], 'snapshot and a state'],
    [
      'a policy that is not there',
      ['check', '--snapshot', EXAMPLE, '--policy', 'nosuch.yaml'],
      '`nosuch.yaml`',
    ],
    [
      'a folder without policies',
      ['check', '--snapshot', EXAMPLE, '--policy', 'docs'],
      'no policy in `docs`',
    ],
    [
      'cases where a policy is meant',
      ['check', '--snapshot', EXAMPLE, '--policy', 'policies/prompt-storage.cases.yaml'],
      'holds cases',
    ],
    [
      'an instant before the evidence',
      ['check', '--snapshot', EXAMPLE, '--now', '2026-11-20T07:59:59Z'],
      '2026-11-20T08:00:00Z',
    ],
    ['an unknown control', ['check', '--snapshot', EXAMPLE, '--control', 'CP-99'], 'no control `CP-99`'],
    ['an unknown account', ['check', '--snapshot', EXAMPLE, '--account', '000000000000'], '`000000000000`'],
  ])('%s', async (_name, argv, says) => {
    const { exitCode, stdout, stderr } = await run(argv);
    expect({ exitCode, stdout }).toEqual({ exitCode: EXIT.malformed, stdout: '' });
    expect(stderr).toContain(says);
    for (const line of stderr.split('\n')) expect(displayWidth(line)).toBeLessThanOrEqual(80);
  });

  test('a truncated snapshot names the file, and nothing of this machine', async () => {
    const dir = await changed((folder) => writeFile(join(folder, 'organization.json'), '{"kind":'));
    const { exitCode, stderr } = await run(
      ['check', '--snapshot', 'snapshot', '--policy', join(REPOSITORY, 'policies')],
      {
        cwd: join(dir, '..'),
      },
    );
    expect(exitCode).toBe(EXIT.malformed);
    expect(stderr).toContain('snapshot/organization.json');
    expect(stderr).not.toContain(tmpdir());
  });

  test('one damaged document in a sound snapshot is only indeterminate', async () => {
    const dir = await changed((folder) =>
      editJson(join(folder, 'accounts/444444444444/us-east-1.json'), (value) => ({
        ...value,
        invocationLogging: {
          ...(value['invocationLogging'] as object),
          kind: 'observed',
          value: ['not a configuration'],
        },
      })),
    );
    const { report } = await checkJson(dir);
    const found = report.findings.find(
      ({ controlId, subject }) =>
        controlId === 'CP-01' && subject.accountId === '444444444444' && subject.region === 'us-east-1',
    );
    expect(found?.outcome).toBe('indeterminate');
  });
});

test('names that AWS lets people choose cannot drive the terminal', async () => {
  const dir = await changed(async (folder) => {
    const file = join(folder, 'organization.json');
    await writeFile(
      file,
      (await readFile(file, 'utf8')).replace('"product-assistant"', '"\\u001b[2Jproduct\\u202e"'),
    );
  });
  const { stdout } = await run(['check', '--snapshot', dir]);
  expect(stdout).toContain('\\u001b[2Jproduct\\u202e');
  expect(stdout).not.toMatch(/[\u001b\u202e]/);
});
