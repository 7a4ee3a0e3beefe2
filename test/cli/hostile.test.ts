import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeSnapshot } from '../../src/adapters/files/index.ts';
import { REPORT_FORMATS } from '../../src/cli/report/formats.ts';
import type { IamRole } from '../../src/evidence/index.ts';
import { MEMBER, noIam, observed, organization, snapshot } from '../evidence/snapshots.ts';
import { REPOSITORY, run } from './harness.ts';

/* A snapshot as somebody in a member account would make it who wants the run to stop, to lie, or to do something on the reader's machine. */

const BEDROCK = { Effect: 'Allow', Action: 'bedrock:*', Resource: '*' };
const text = (...statements: readonly unknown[]) =>
  JSON.stringify({ Version: '2012-10-17', Statement: statements });
const twice = encodeURIComponent(encodeURIComponent(text(BEDROCK)));
const deep = `{"Version":"2012-10-17","Statement":${'['.repeat(5000)}${']'.repeat(5000)}}`;
const many = text(...Array.from({ length: 10_001 }, () => BEDROCK));
const long = text({ ...BEDROCK, Sid: 'x'.repeat(10 * 1024 * 1024) });

/** Documents that can be read in more than one way, or not at all. */
const DAMAGED: Readonly<Record<string, string>> = {
  UrlEncodedTwice: twice,
  NotJson: '{"Version": "2012-10-17", "Statement": [',
  TenMegabytes: long,
  TenThousandStatements: many,
  DeeplyNested: deep,
  DuplicateKeys:
    '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Effect":"Allow","Action":"bedrock:*","Resource":"*"}]}',
  LookAlikeEffect: text({ ...BEDROCK, Effect: 'Αllow' }),
};
/** Names that do something to whoever shows them. */
const NAMES = [
  '=HYPERLINK("http://203.0.113.1","x")',
  '@SUM(1+1)*cmd|calc',
  '<img src=x onerror=alert(1)>',
  '</script><script>alert(1)</script>',
  '\u001b[2J\u001b]0;owned\u0007',
  'line one\r\nline two',
  '\u202egnp.exe',
  'half \ud800 a character',
];
const FINE = 'Untouched';

const role = (name: string, document: string, more: Partial<IamRole> = {}): IamRole => ({
  arn: `arn:aws:iam::${MEMBER}:role/${name}`,
  name,
  path: '/',
  assumeRolePolicyDocument: text({
    Effect: 'Allow',
    Principal: { Service: 'lambda.amazonaws.com' },
    Action: 'sts:AssumeRole',
  }),
  inlinePolicies: [{ name: 'inline', document }],
  attachedPolicies: [],
  ...more,
});
const trusting = (name: string) =>
  text({
    Effect: 'Allow',
    Principal: { AWS: `arn:aws:iam::${MEMBER}:role/${name}` },
    Action: 'sts:AssumeRole',
  });
const assuming = text({ Effect: 'Allow', Action: 'sts:AssumeRole', Resource: '*' });

let dir = '';
beforeAll(async () => {
  dir = join(await mkdtemp(join(tmpdir(), 'proviso-hostile-')), 'snapshot');
  const roles = [
    ...Object.entries(DAMAGED).map(([name, document]) => role(name, document)),
    ...NAMES.map((name) => role(name, text(BEDROCK))),
    role('RingA', assuming, { assumeRolePolicyDocument: trusting('RingB') }),
    role('RingB', assuming, { assumeRolePolicyDocument: trusting('RingA') }),
    role('Slow', text({ ...BEDROCK, Resource: `${'*a'.repeat(2000)}b` })),
    role('OtherPartition', text(BEDROCK), { arn: `arn:aws-cn:iam::${MEMBER}:role/OtherPartition` }),
    role(FINE, text(BEDROCK)),
  ];
  const tree = organization();
  const accounts = tree.accounts.map((account) =>
    account.id === MEMBER ? { ...account, name: '=1+1<b>\u001b[31m' } : account,
  );
  const whole = snapshot({ organization: { ...tree, accounts } });
  const written = await writeSnapshot(dir, {
    ...whole,
    accounts: whole.accounts.map((account) =>
      account.accountId === MEMBER ? { ...account, iam: observed({ ...noIam, roles }) } : account,
    ),
  });
  expect(written.ok).toBe(true);
});
afterAll(() => rm(join(dir, '..'), { recursive: true, force: true }));

const policy = ['--policy', join(REPOSITORY, 'policies')] as const;

describe('a hostile snapshot', () => {
  test('is judged for the rest; what cannot be read is indeterminate and says why', async () => {
    const { exitCode, stdout } = await run(['check', '--snapshot', dir, ...policy, '--format', 'json']);
    expect(exitCode).toBe(1);
    const { findings } = JSON.parse(stdout) as {
      findings: readonly {
        controlId: string;
        outcome: string;
        evidence: readonly string[];
        subject: { arn?: string };
      }[];
    };
    const about = (name: string) =>
      findings.find(
        ({ controlId, subject }) => controlId === 'CP-17' && subject.arn?.endsWith(`:role/${name}`),
      );
    for (const name of Object.keys(DAMAGED)) {
      expect(about(name)?.outcome, name).toBe('indeterminate');
      expect(about(name)?.evidence.join(' '), name).toMatch(/cannot be (read|decided)/);
    }
    for (const name of [FINE, 'OtherPartition', NAMES[0] ?? ''])
      expect(about(name)?.outcome, name).toBe('non-compliant');
    for (const name of ['RingA', 'RingB']) expect(about(name)?.outcome, name).toBe('compliant');
  });

  test.each(REPORT_FORMATS)('is shown as %s without doing anything to the reader', async (format) => {
    const { exitCode, stdout } = await run(['check', '--snapshot', dir, ...policy, '--format', format]);
    expect(exitCode).toBe(1);
    expect(stdout).toContain(FINE);
    // No byte that steers a terminal; line ends are CSV's own. Canonical JSON (RFC 8785) has no escape beyond U+001F, so there the rest stays.
    const steering =
      format === 'json' ? /[\u0000-\u0009\u000b-\u001f]/ : /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/;
    expect(stdout.replaceAll('\r\n', '\n')).not.toMatch(steering);
    expect(stdout.isWellFormed()).toBe(true);
    // In Markdown the name stands in a code span, where it is no markup.
    if (format === 'html' || format === 'junit') {
      expect(stdout).not.toMatch(/<img src=x/);
      expect(stdout).not.toContain('<script>alert');
    }
    if (format === 'csv') expect(stdout).not.toMatch(/(^|,)"\s*[=@+]/m);
  });

  test('does not stop who-can, rings of roles included', async () => {
    const { exitCode, stdout } = await run(['iam', 'who-can', 'change-storage', '--snapshot', dir]);
    expect(exitCode).toBe(3);
    expect(stdout).toContain(FINE);
    expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  });
});
