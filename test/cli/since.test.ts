import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readEstate } from '../../src/cli/estate.ts';
import { EXIT } from '../../src/cli/exit-codes.ts';
import { exitCodeFor } from '../../src/cli/report/exit-code.ts';
import { epochMs, exceptionId } from '../../src/core/index.ts';
import type { Finding } from '../../src/rules/index.ts';
import { REPOSITORY, run, testContext } from './harness.ts';

interface Reported {
  readonly id: string;
  readonly controlId: string;
  readonly outcome: string;
  readonly subject: { readonly accountId: string; readonly region?: string; readonly arn?: string };
  readonly seen?: { readonly first: string; readonly last: string; readonly change?: string };
  readonly coveredBy?: Record<string, string>;
  readonly evidence: readonly string[];
}
interface Report {
  readonly counts: Record<string, number>;
  readonly changes?: { new: number; unchanged: number; resolved: number; gone: readonly string[] };
  readonly findings: readonly Reported[];
  readonly attestations: readonly { id: string; standing: string }[];
}

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'proviso-test-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const EXAMPLE = 'examples/organization';
/** The example a day later, changed by `edit`. */
async function nextDay(
  name: string,
  edit: (folder: string) => Promise<void> = async () => undefined,
): Promise<string> {
  const folder = join(dir, name);
  await cp(join(REPOSITORY, EXAMPLE), folder, { recursive: true });
  await editJson(join(folder, 'organization.json'), (value) => ({
    ...value,
    takenAt: '2026-11-21T08:00:00Z',
  }));
  await edit(folder);
  return folder;
}
async function editJson(file: string, edit: (value: Record<string, unknown>) => unknown): Promise<void> {
  await writeFile(file, JSON.stringify(await edit(JSON.parse(await readFile(file, 'utf8')))));
}
const setLogging = (folder: string, place: string, value: object) =>
  editJson(join(folder, 'accounts', `${place}.json`), (file) => ({ ...file, invocationLogging: value }));
const OFF = {
  kind: 'absent',
  at: '2026-11-21T08:00:00Z',
  source: { call: 'bedrock:GetModelInvocationLoggingConfiguration' },
};
const DENIED = { kind: 'unobservable', reason: 'access-denied' };
const ON = {
  kind: 'observed',
  at: '2026-11-21T08:00:00Z',
  source: { call: 'bedrock:GetModelInvocationLoggingConfiguration' },
  value: { s3Config: { bucketName: 'b' }, textDataDeliveryEnabled: true },
};

async function check(snapshot: string, ...more: readonly string[]) {
  const result = await run(['check', '--snapshot', snapshot, '--format', 'json', ...more]);
  return { ...result, report: (result.stdout === '' ? {} : JSON.parse(result.stdout)) as Report };
}
async function saved(snapshot: string, name: string, ...more: readonly string[]): Promise<string> {
  const file = join(dir, name);
  await writeFile(file, (await check(snapshot, ...more)).stdout);
  return file;
}
const exampleFindings = async (): Promise<readonly Finding[]> =>
  (await readEstate({ policy: 'policies/', snapshot: EXAMPLE }, testContext())).report.findings;
const ofPair = (report: Report, accountId: string, region: string) =>
  report.findings.find(
    ({ controlId, subject }) =>
      controlId === 'CP-01' && subject.accountId === accountId && subject.region === region,
  );

describe('one finding against an earlier run', () => {
  test('is explained with the first and the last day it was seen', async () => {
    const earlier = await saved(EXAMPLE, 'first.json');
    const later = await nextDay('second', (folder) => setLogging(folder, '666666666666/eu-central-1', OFF));
    const [still, resolved] = [EXAMPLE, later].map((snapshot) => [
      'finding',
      'explain',
      '',
      '--snapshot',
      snapshot,
    ]);
    const { report } = await check(later, '--since', earlier);
    const id = ofPair(report, '666666666666', 'eu-central-1')?.id ?? '';
    const explain = (argv: readonly string[] = [], ...more: readonly string[]) =>
      run([...argv.map((word) => (word === '' ? id : word)), ...more]);
    expect((await explain(resolved, '--since', earlier)).stdout).toContain(
      'first seen 2026-11-20T08:00:00Z, last seen 2026-11-20T08:00:00Z, resolved',
    );
    const json = JSON.parse((await explain(still, '--since', earlier, '--format', 'json')).stdout);
    expect(json.finding.seen).toEqual({
      first: '2026-11-20T08:00:00Z',
      last: '2026-11-20T08:00:00Z',
      change: 'unchanged',
    });
    // One run alone does not know since when.
    expect((await explain(still)).stdout).not.toContain('seen 2026');
  });

  test('is not compared with a report of something else', async () => {
    const other = join(dir, 'other.json');
    await writeFile(other, '{"kind":"CheckReport"}');
    const argv = ['finding', 'explain', '0000', '--snapshot', EXAMPLE, '--since', other];
    expect(await run(argv)).toMatchObject({ exitCode: 2, stdout: '' });
  });
});

describe('against an earlier run', () => {
  test('a violation that was there keeps its first day, and is unchanged', async () => {
    const earlier = await saved(EXAMPLE, 'first.json');
    const { report } = await check(await nextDay('second'), '--since', earlier);
    expect(ofPair(report, '666666666666', 'eu-central-1')?.seen).toEqual({
      first: '2026-11-20T08:00:00Z',
      last: '2026-11-21T08:00:00Z',
      change: 'unchanged',
    });
    expect(report.changes).toMatchObject({ new: 0, resolved: 0, gone: [] });
  });

  test('one that is gone is resolved, and keeps the day it was last seen', async () => {
    const earlier = await saved(EXAMPLE, 'first.json');
    const later = await nextDay('second', (folder) => setLogging(folder, '666666666666/eu-central-1', OFF));
    const { report } = await check(later, '--since', earlier);
    expect(ofPair(report, '666666666666', 'eu-central-1')).toMatchObject({
      outcome: 'compliant',
      seen: { first: '2026-11-20T08:00:00Z', last: '2026-11-20T08:00:00Z', change: 'resolved' },
    });
  });

  test('one that could not be read for a day is the same violation still, and new to those who asked what is new', async () => {
    const first = await saved(EXAMPLE, 'first.json');
    const blind = await nextDay('blind', (folder) => setLogging(folder, '666666666666/eu-central-1', DENIED));
    const second = await saved(blind, 'second.json', '--since', first);
    const third = await nextDay('third');
    const { report } = await check(third, '--since', second);
    expect(ofPair(report, '666666666666', 'eu-central-1')?.seen).toMatchObject({
      first: '2026-11-20T08:00:00Z',
      change: 'new',
    });
  });

  test('text, Markdown, CSV, SARIF and HTML say it too', async () => {
    const earlier = await saved(EXAMPLE, 'first.json');
    const later = await nextDay('second', async (folder) => {
      await setLogging(folder, '666666666666/eu-central-1', OFF);
      await setLogging(folder, '444444444444/eu-central-1', ON);
    });
    const { changes } = (await check(later, '--since', earlier)).report;
    // Content, the bucket’s openness and its readers, on the one side as on the other.
    expect(changes).toMatchObject({ new: 3, resolved: 3 });
    const counted = `3 new, ${changes?.unchanged} unchanged, 3 resolved`;
    for (const [format, says] of [
      ['text', `since the run of 2026-11-20T08:00:00Z: ${counted}`],
      ['markdown', `Since 2026-11-20T08:00:00Z: ${counted}`],
      ['html', counted],
      ['sarif', '"baselineState": "absent"'],
      ['ocsf', '"activity_name": "Close"'],
      ['asff', '"RecordState": "ARCHIVED"'],
      ['csv', '"resolved"'],
      ['ndjson', '"change":"resolved"'],
    ]) {
      const { stdout } = await run([
        'check',
        '--snapshot',
        later,
        '--since',
        earlier,
        '--format',
        format ?? '',
      ]);
      expect(stdout, format).toContain(says);
    }
  });
});

/** What was seen in an account where everything could be, as if it were that of 131313131313. */
const sectionsLike = async (folder: string, file: string): Promise<unknown> => {
  const text = await readFile(join(folder, 'accounts', file), 'utf8');
  return (JSON.parse(text.replaceAll('444444444444', '131313131313')) as { sections?: unknown }).sections;
};

describe('the exit code', () => {
  /** Nothing unknown: the account that denies and the one that was never collected are gone from the tree. */
  const known = (edit?: (folder: string) => Promise<void>) =>
    nextDay('known', async (folder) => {
      for (const region of ['eu-central-1', 'eu-west-1', 'us-east-1'])
        await editJson(join(folder, 'accounts/131313131313', `${region}.json`), async (file) => ({
          ...file,
          invocationLogging: OFF,
          dataRetention: { ...OFF, kind: 'observed', value: { mode: 'none' } },
          sections: await sectionsLike(folder, `444444444444/${region}.json`),
        }));
      // A log group that nobody searched.
      await editJson(join(folder, 'accounts/888888888888/us-east-1.json'), ({ sections, ...file }) => ({
        ...file,
        sections: { ...(sections as object), logGroupContent: { ...OFF, kind: 'observed', value: [] } },
      }));
      // A bucket’s policy and tags that were denied.
      const nothing = { ...OFF, kind: 'observed', value: [] };
      await editJson(join(folder, 'accounts/101010101010/us-east-1.json'), ({ sections, ...file }) => ({
        ...file,
        sections: { ...(sections as object), costResources: nothing, evaluationJobs: nothing },
      }));
      await editJson(join(folder, 'accounts/131313131313/account.json'), async (file) => ({
        ...file,
        iam: { ...OFF, kind: 'observed', value: { users: [], groups: [], roles: [], managedPolicies: [] } },
        sections: await sectionsLike(folder, '444444444444/account.json'),
      }));
      // The Regions that each account can use: those of the policy; one account shows its own list, and was asked in all of them.
      const listed = {
        ...OFF,
        kind: 'observed',
        value: [{ region: 'us-east-1', optStatus: 'ENABLED_BY_DEFAULT' }],
      };
      for (const id of (await readdir(join(folder, 'accounts'))).filter((each) => each !== '222222222222'))
        await editJson(join(folder, 'accounts', id, 'account.json'), ({ sections, ...file }) => ({
          ...file,
          sections: { ...(sections as object), regions: listed },
        }));
      await edit?.(folder);
    });

  test('is 0 when nothing is new and nothing is unknown, and 1 when something is new', async () => {
    const quiet = await known();
    const earlier = await saved(quiet, 'first.json');
    const same = await check(quiet, '--new-since', earlier);
    expect(same.report.counts['non-compliant']).toBeGreaterThan(5);
    expect([same.report.counts['indeterminate'], same.exitCode]).toEqual([0, EXIT.fine]);
    await setLogging(quiet, '444444444444/eu-central-1', ON);
    expect((await check(quiet, '--new-since', earlier)).exitCode).toBe(EXIT.findings);
  });

  test('is 3 when what is unknown is old: nobody knows what it hides', async () => {
    const earlier = await saved(EXAMPLE, 'first.json');
    expect((await check(await nextDay('second'), '--new-since', earlier)).exitCode).toBe(EXIT.undecided);
  });

  test.each([
    ['critical', [], EXIT.findings],
    ['low', [], EXIT.findings],
    ['indeterminate', ['--new-since'], EXIT.findings],
    ['critical', ['--new-since'], EXIT.undecided],
  ] as const)('with --fail-on %s %j', async (level, more, expected) => {
    const earlier = await saved(EXAMPLE, 'first.json');
    const since = more.length === 0 ? [] : [...more, earlier];
    expect((await check(EXAMPLE, '--fail-on', level, ...since)).exitCode).toBe(expected);
  });

  test.each([
    ['a high violation', 'high', [['high', 'non-compliant']], EXIT.findings],
    ['a violation below the line', 'critical', [['high', 'non-compliant']], EXIT.fine],
    ['something unknown below the line', 'critical', [['high', 'indeterminate']], EXIT.fine],
    ['something unknown on the line', 'high', [['high', 'indeterminate']], EXIT.undecided],
    [
      'a violation and something unknown',
      'low',
      [
        ['low', 'non-compliant'],
        ['low', 'indeterminate'],
      ],
      EXIT.findings,
    ],
    ['something unknown when that fails too', 'indeterminate', [['low', 'indeterminate']], EXIT.findings],
    ['a low violation when unknowns fail too', 'indeterminate', [['low', 'non-compliant']], EXIT.findings],
    ['nothing but what is covered', 'low', [['critical', 'covered']], EXIT.fine],
  ] as const)('with %s and --fail-on %s', async (_name, level, findings, expected) => {
    const [template] = await exampleFindings();
    if (template === undefined) throw new Error('the example has findings');
    const made = findings.map(([severity, standing]): Finding => {
      const { coveredBy: _none, ...rest } = template;
      if (standing !== 'covered') return { ...rest, severity, outcome: standing };
      const until = epochMs(0);
      return {
        ...rest,
        severity,
        outcome: 'non-compliant',
        coveredBy: { kind: 'exception', exceptionId: exceptionId('ex-0001'), until },
      };
    });
    expect(exitCodeFor(made, level)).toBe(expected);
  });
});

describe('a report that cannot be compared with is exit 2:', () => {
  test.each([
    ['no JSON', async (): Promise<string> => 'oops', 'it is not JSON'],
    ['something else', async (): Promise<string> => '{"kind":"Finding"}', 'not a report of this version'],
    [
      'one with filters',
      async (): Promise<string> => (await check(EXAMPLE, '--control', 'CP-01')).stdout,
      'it shows',
    ],
    [
      'one of another policy',
      async (): Promise<string> =>
        (await check(EXAMPLE)).stdout.replace('"id":"prompt-storage"', '"id":"another"'),
      'another policy',
    ],
    [
      'one of another organization',
      async (): Promise<string> =>
        (await check(EXAMPLE)).stdout.replace(/"organization":\{"id":"[^"]+"/, '"organization":{"id":"o-x"'),
      'another organization',
    ],
    [
      'one of a later snapshot',
      async (): Promise<string> =>
        (await check(EXAMPLE)).stdout.replace(
          '"snapshotTakenAt":"2026-11-20',
          '"snapshotTakenAt":"2026-11-22',
        ),
      'is later than this one',
    ],
  ] as const)('%s', async (_name, make, says) => {
    const file = join(dir, 'earlier.json');
    await writeFile(file, await make());
    const { exitCode, stdout, stderr } = await check(EXAMPLE, '--since', file);
    expect({ exitCode, error: stdout.slice(0, 10) }).toEqual({
      exitCode: EXIT.malformed,
      error: '{"error":{',
    });
    expect(stderr.replace(/\s+/g, ' ')).toContain(says);
  });

  test('--since and --new-since together', async () => {
    expect((await check(EXAMPLE, '--since', 'a', '--new-since', 'b')).exitCode).toBe(EXIT.malformed);
  });
});

describe('evidence that is too old', () => {
  test('is unknown, with the time since when nobody asked, and never compliant', async () => {
    const { report, exitCode } = await check(EXAMPLE, '--max-age', '24h', '--now', '2026-11-21T08:00:01Z');
    // The tree has no time of its own, and that nothing restricts the management account, nor its root user, follows from the tree.
    const certain = report.findings.filter(
      ({ outcome }) => outcome !== 'indeterminate' && outcome !== 'not-applicable',
    );
    expect(certain.map(({ controlId }) => controlId)).toEqual(['CP-05', 'CP-06']);
    expect(report.counts['compliant']).toBe(0);
    expect(exitCode).toBe(EXIT.findings);
    expect(ofPair(report, '666666666666', 'eu-central-1')?.evidence.join(' ')).toContain(
      'since 2026-11-20T08:00:00Z, longer ago than 1d',
    );
  });

  test('is not what is exactly as old as was allowed', async () => {
    const fresh = await check(EXAMPLE);
    const { report } = await check(EXAMPLE, '--max-age', '24h', '--now', '2026-11-21T08:00:00Z');
    expect(report.counts).toEqual(fresh.report.counts);
  });

  test('in one place leaves the rest as it was', async () => {
    const folder = await nextDay('old', async (path) => {
      for (const pair of ['444444444444/eu-central-1'])
        await setLogging(path, pair, { ...OFF, at: '2026-11-10T08:00:00Z' });
    });
    const { report } = await check(folder, '--max-age', '7d');
    expect(ofPair(report, '444444444444', 'eu-central-1')?.outcome).toBe('indeterminate');
    expect(ofPair(report, '444444444444', 'eu-west-1')?.outcome).toBe('compliant');
  });
});

describe('an attestation beside the snapshot', () => {
  const file = (change: object = {}) =>
    JSON.stringify({
      kind: 'Attestation',
      schemaVersion: 1,
      id: 'shared-runner',
      document: { title: 'Decision on the shared runner', reference: 'SEC-1042' },
      signer: { id: 'sam', title: 'Head of Security' },
      control: 'RB-03',
      subjects: ['arn:aws:iam::777777777777:role/SharedModelRunner'],
      signedAt: '2026-03-01T09:00:00Z',
      validUntil: '2026-12-01T09:00:00Z',
      ...change,
    });
  const withFile = (text: string) =>
    nextDay('attested', async (folder) => {
      await mkdir(join(folder, 'attestations'));
      await writeFile(join(folder, 'attestations', 'runner.yaml'), text);
    });
  const runner = (report: Report) =>
    report.findings.find(
      ({ controlId, subject }) => controlId === 'RB-03' && subject.arn?.endsWith('SharedModelRunner'),
    );

  test('covers its finding, which stays non-compliant, and is listed as about to expire', async () => {
    const folder = await withFile(file());
    const { report } = await check(folder);
    expect(runner(report)).toMatchObject({
      outcome: 'non-compliant',
      coveredBy: {
        kind: 'attestation',
        attestationId: 'shared-runner',
        signer: 'sam',
        until: '2026-12-01T09:00:00Z',
      },
    });
    expect(report.counts['covered']).toBe(1);
    expect(report.attestations).toMatchObject([{ id: 'shared-runner', standing: 'expiring' }]);
    const { stdout } = await run(['check', '--snapshot', folder]);
    const text = stdout.replace(/\s+/g, ' ');
    expect(text).toContain(
      'covered by attestation shared-runner (Decision on the shared runner, signed by sam) until',
    );
    expect(text).toContain('about to expire, at 2026-12-01T09:00:00Z: shared-runner for RB-03');
  });

  test('that has expired covers nothing, and is listed', async () => {
    const { report } = await check(await withFile(file({ validUntil: '2026-11-21T08:00:00Z' })));
    expect(runner(report)?.coveredBy).toBeUndefined();
    expect(report.attestations).toMatchObject([{ standing: 'expired' }]);
  });

  test.each([
    ['CP-01', file({ control: 'CP-01', subjects: ['666666666666/*'] }), 'cannot be attested'],
    [
      'a control that exceptions cover',
      file({ control: 'CP-02', subjects: ['666666666666/*'] }),
      'exceptions alone',
    ],
    ['a file that is no attestation', 'kind: Nothing', 'kind: Attestation'],
  ] as const)('is refused for %s, with its place, and nothing is judged', async (_name, text, says) => {
    const { exitCode, stdout, stderr } = await check(await withFile(text));
    expect({ exitCode, error: stdout.slice(0, 10) }).toEqual({
      exitCode: EXIT.malformed,
      error: '{"error":{',
    });
    expect(stderr.replace(/\s+/g, ' ')).toContain('attestations/runner.yaml:1:');
    expect(stderr.replace(/\s+/g, ' ')).toContain(says);
  });

  test('is not read through a link', async () => {
    const folder = await nextDay('linked', async (path) => {
      await mkdir(join(path, 'attestations'));
      await writeFile(join(dir, 'elsewhere.yaml'), file());
      await symlink(join(dir, 'elsewhere.yaml'), join(path, 'attestations', 'runner.yaml'));
    });
    const { exitCode, stderr } = await check(folder);
    expect(exitCode).toBe(EXIT.malformed);
    expect(stderr).toContain('is a link');
  });
});
