import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { policyDiffSchema } from '../../src/cli/policy-diff/json-schema.ts';
import { type CliRun, REPOSITORY, run, SCRATCH } from './harness.ts';

const POLICY = readFileSync(join(REPOSITORY, 'test/diff/fixtures/old.yaml'), 'utf8');
const CASES = readFileSync(join(REPOSITORY, 'test/diff/fixtures/old.cases.yaml'), 'utf8');
const LOOSER = POLICY.replace('retention: 14d', 'retention: 15d');
const RECORD = 'policy-approvals.json';

const KEYS = new Map(
  ['lena', 'sam', 'max', 'eve'].map((id) => {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    return [
      id,
      {
        public: publicKey.export({ type: 'spki', format: 'pem' }).toString().trim(),
        private: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString().trim(),
      },
    ] as const;
  }),
);
const signersFile = (bodies: Readonly<Record<string, string>>): string =>
  `kind: PolicySigners\nschemaVersion: 1\nsigners:\n${Object.entries(bodies)
    .map(
      ([id, named]) =>
        `  - id: ${id}\n    name: ${id.toUpperCase()}\n    bodies: [${named}]\n    publicKey: |\n${KEYS.get(id)?.public.replace(/^/gm, '      ')}\n`,
    )
    .join('')}`;
const SIGNERS = signersFile({ lena: 'legal', sam: 'security', max: 'legal, security' });

/** A repository whose `main` has the policy and the signers; made once, copied for each test. */
let template = '';
let keys = '';
let repository = '';
const gitIn = (folder: string, ...args: string[]): string =>
  execFileSync(
    'git',
    ['-c', 'user.name=Test', '-c', 'user.email=test@example.org', '-c', 'commit.gpgsign=false', ...args],
    { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
  );
const git = (...args: string[]): string => gitIn(repository, ...args);
const write = (name: string, text: string): void => writeFileSync(join(repository, name), text);
const readRecordText = (): string => readFileSync(join(repository, RECORD), 'utf8');
const commit = (message: string): void => {
  git('add', '.');
  git('commit', '--quiet', '-m', message);
};

beforeAll(() => {
  keys = mkdtempSync(join(SCRATCH, 'proviso-keys-'));
  for (const [id, pair] of KEYS) writeFileSync(join(keys, `${id}.pem`), pair.private);
  template = mkdtempSync(join(SCRATCH, 'proviso-gate-'));
  gitIn(template, 'init', '--quiet', '--initial-branch', 'main');
  execFileSync('mkdir', ['policies'], { cwd: template });
  writeFileSync(join(template, 'policies/small.yaml'), POLICY);
  writeFileSync(join(template, 'policies/small.cases.yaml'), CASES);
  writeFileSync(join(template, 'policy-signers.yaml'), SIGNERS);
  gitIn(template, 'add', '.');
  gitIn(template, 'commit', '--quiet', '-m', 'one');
});
beforeEach(() => {
  if (repository !== '') rmSync(repository, { recursive: true, force: true });
  repository = mkdtempSync(join(SCRATCH, 'proviso-gate-run-'));
  cpSync(template, repository, { recursive: true });
  git('checkout', '--quiet', '-b', 'change');
});
afterAll(() => {
  for (const folder of [template, keys, repository]) rmSync(folder, { recursive: true, force: true });
});

/** On one line, so that a sentence is found wherever the terminal breaks it. */
const flat = ({ exitCode, stdout, stderr }: CliRun): CliRun => ({
  exitCode,
  stdout: stdout.replace(/\s+/g, ' '),
  stderr: stderr.replace(/\s+/g, ' '),
});
const gate = async (range = 'main..change', ...more: string[]): Promise<CliRun> =>
  flat(
    await run(['policy', 'diff', range, '--fail-on', 'loosening', '--approvals', RECORD, ...more], {
      cwd: repository,
    }),
  );
const approve = async (
  by: string,
  body: string,
  options: { key?: string; sides?: string[] } = {},
): Promise<CliRun> =>
  flat(
    await run(
      [
        ...['policy', 'review', 'approve-change', ...(options.sides ?? ['main..change'])],
        ...['--as', by, '--body', body, '--key', join(keys, `${options.key ?? by}.pem`), '--record', RECORD],
      ],
      { cwd: repository },
    ),
  );

describe('a pull request that loosens the policy', () => {
  beforeEach(() => {
    write('policies/small.yaml', LOOSER);
    commit('two');
  });

  test('fails, and passes once every body has approved, each by another person', async () => {
    const before = await gate();
    expect(before.exitCode).toBe(1);
    expect(before.stdout).toContain(
      'A loosening, not approved: missing Legal (`legal`), Security (`security`).',
    );
    expect(before.stderr).toContain('nobody has approved anything yet');

    const first = await approve('lena', 'legal');
    expect(first.exitCode).toBe(0);
    expect(first.stdout).toContain('still to approve: security');
    const half = await gate();
    expect(half.exitCode).toBe(1);
    expect(half.stdout).toContain('not approved: missing Security (`security`).');
    expect(half.stdout).toContain('Approved so far by LENA (`lena`) for `legal`.');

    const second = await approve('sam', 'security');
    expect(second.stdout).toContain('every body has approved');
    // The record travels with the pull request, and may: it is signed.
    commit('approved');
    const after = await gate();
    expect(after.exitCode).toBe(0);
    expect(after.stdout).toContain(
      'A loosening, approved by LENA (`lena`) for `legal`, SAM (`sam`) for `security`.',
    );
    expect((await gate('main..change', '--format', 'markdown')).stdout).toContain(
      'A loosening, approved by LENA',
    );
  });

  test('says the same in JSON, in the form of its schema', async () => {
    await approve('lena', 'legal');
    const { stdout, exitCode } = await gate('main..change', '--format', 'json');
    expect(exitCode).toBe(1);
    expect(policyDiffSchema.parse(JSON.parse(stdout)).policies[0]?.gate).toEqual({
      kind: 'not-approved',
      because: 'a loosening',
      approved: [{ body: 'legal', by: 'lena', name: 'LENA' }],
      missing: [{ body: 'security', title: 'Security' }],
      ignored: [],
      ofOtherChanges: 0,
    });
  });

  const bothSign = async (): Promise<void> => {
    expect([(await approve('lena', 'legal')).exitCode, (await approve('sam', 'security')).exitCode]).toEqual([
      0, 0,
    ]);
    expect((await gate()).exitCode).toBe(0);
  };

  test.each([
    [
      'the policy is changed again',
      'policies/small.yaml',
      LOOSER.replace('retention: 15d', 'retention: 16d'),
    ],
    [
      'a case is deleted',
      'policies/small.cases.yaml',
      CASES.replace(/ {2}- name:[\s\S]*?(?= {2}- name:)/, ''),
    ],
    ['the signers are changed', 'policy-signers.yaml', signersFile({ eve: 'legal', sam: 'security' })],
  ])('fails again when, after the approvals, %s', async (_name, file, text) => {
    await bothSign();
    expect(text).not.toBe(readFileSync(join(repository, file), 'utf8'));
    write(file, text);
    commit('three');
    const { exitCode, stdout } = await gate();
    expect(exitCode).toBe(1);
    expect(stdout).toContain('Of another change than this one: 2 approvals');
  });

  test('fails again when a signature was changed', async () => {
    await bothSign();
    const record = JSON.parse(readRecordText()) as { approvals: { signature: string }[] };
    for (const each of record.approvals) each.signature = `${'A'.repeat(86)}==`;
    write(RECORD, JSON.stringify(record));
    const { exitCode, stdout } = await gate();
    expect(exitCode).toBe(1);
    expect(stdout).toContain('the signature is not by their key over this change');
  });

  test('is judged by the reviewers of its base, not by its own', async () => {
    write(
      'policies/small.yaml',
      LOOSER.replace(/\n {4}- \{ body: security, title: Security \}\n(?=[^-]*$)/, '\n'),
    );
    commit('fewer reviewers');
    await approve('lena', 'legal');
    const { exitCode, stdout } = await gate();
    expect(exitCode).toBe(1);
    expect(stdout).toContain('missing Security (`security`)');
  });

  test('is not helped by signers that it brings along', async () => {
    write('policy-signers.yaml', signersFile({ lena: 'legal', sam: 'security', eve: 'legal, security' }));
    commit('a signer of its own');
    const eve = await approve('eve', 'legal');
    expect(eve.exitCode).toBe(1);
    expect(eve.stderr).toContain('[UNKNOWN_SIGNER]');
    expect(existsSync(join(repository, RECORD))).toBe(false);
    // As if the change were judged by its own signers.
    await approve('eve', 'legal', { sides: ['change:policies', 'policies'] });
    expect((await gate()).exitCode).toBe(1);
  });

  test('does not choose, by where it parted, who may sign', async () => {
    const { exitCode, stderr, stdout } = await gate('main...change');
    expect([exitCode, stdout]).toEqual([2, '']);
    expect(stderr).toContain('a branch chooses where it parted');
    expect((await approve('lena', 'legal', { sides: ['main...change'] })).exitCode).toBe(2);
  });

  test('fails where its base has no signers', async () => {
    git('checkout', '--quiet', 'main');
    git('rm', '--quiet', 'policy-signers.yaml');
    commit('nobody');
    const { exitCode, stdout } = await gate();
    expect(exitCode).toBe(1);
    expect(stdout).toContain('missing Legal');
  });

  test.each([
    ['one person for two bodies', ['max', 'security'], 'ALREADY_SIGNED'],
    ['a body that has approved', ['lena', 'legal'], 'ALREADY_SIGNED'],
    ['a body that the policy does not name', ['lena', 'works-council'], 'BODY_NOT_NAMED'],
    ['a body that is not theirs', ['lena', 'security'], 'NOT_FOR_BODY'],
  ] as const)('cannot be approved by %s', async (_name, [by, body], code) => {
    expect((await approve('max', 'legal')).exitCode).toBe(0);
    const record = readRecordText();
    const { exitCode, stderr } = await approve(by, body);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`[${code}]`);
    expect(readRecordText()).toBe(record);
  });

  test('cannot be approved with somebody else’s key; a private key is never shown', async () => {
    const theirs = await approve('lena', 'legal', { key: 'eve' });
    expect(theirs.exitCode).toBe(1);
    expect(theirs.stderr).toContain('[KEY_NOT_THEIRS]');
    const done = await approve('lena', 'legal');
    writeFileSync(join(keys, 'broken.pem'), (KEYS.get('lena')?.private ?? '').replace('MC4', 'XX4'));
    const broken = await approve('lena', 'legal', { key: 'broken' });
    expect(broken.exitCode).toBe(2);
    expect(broken.stderr).toContain('holds no Ed25519 private key');
    const all = JSON.stringify([theirs, done, broken, readRecordText()]);
    for (const [, pair] of KEYS) expect(all).not.toContain(pair.private.split('\n')[1]?.slice(4, -4));
  });

  test('a record that cannot be read is malformed, not merely missing', async () => {
    write(RECORD, '{"kind": "PolicyChangeApprovals", "schemaVersion": 1, "approvals": [{}]}');
    const { exitCode, stdout, stderr } = await gate();
    expect([exitCode, stdout]).toEqual([2, '']);
    expect(stderr).toContain(`${RECORD}:1:`);
    expect((await approve('lena', 'legal')).exitCode).toBe(2);
  });
});

describe('a pull request that', () => {
  test.each([
    ['is a tightening needs no approval', 'maxSubjects: 50', 'maxSubjects: 40'],
    ['is neutral needs no approval', 'op: equal, value: user', 'op: in, value: [user]'],
  ])('%s', async (_name, find, replace) => {
    write('policies/small.yaml', POLICY.replace(find, replace));
    commit('two');
    const { exitCode, stdout } = await gate();
    expect(exitCode).toBe(0);
    expect(stdout).toContain('Nothing here needs an approval.');
    const approved = await approve('lena', 'legal');
    expect(approved.stdout).toContain('nothing here needs an approval; nothing was written');
    expect(existsSync(join(repository, RECORD))).toBe(false);
  });

  test('changes who may sign needs the approvals of those who may now', async () => {
    write('policy-signers.yaml', signersFile({ lena: 'legal', sam: 'security', eve: 'legal, security' }));
    commit('two');
    const before = await gate();
    expect(before.exitCode).toBe(1);
    expect(before.stdout).toContain('A change of who may sign, not approved');
    await approve('lena', 'legal');
    await approve('sam', 'security');
    expect((await gate()).exitCode).toBe(0);
  });

  test('leaves the signers as they are, but for a comment, needs no approval', async () => {
    write('policy-signers.yaml', `# who may sign\n${SIGNERS}`);
    commit('two');
    expect((await gate()).exitCode).toBe(0);
  });

  test('breaks the signers file cannot be merged', async () => {
    write('policy-signers.yaml', SIGNERS.replace('sam\n', 'lena\n'));
    commit('two');
    const { exitCode, stderr } = await gate();
    expect(exitCode).toBe(2);
    expect(stderr).toContain('change:policy-signers.yaml:');
  });
});

describe('two files', () => {
  const files = ['policies/small.yaml', 'new.yaml'] as const;
  const args = (...more: string[]): string[] => ['policy', 'diff', ...files, ...more];
  beforeEach(() => write('new.yaml', LOOSER));

  test.each([
    ['no signers file', ['--fail-on', 'loosening', '--approvals', RECORD], 'name the signers file'],
    ['no gate', ['--approvals', RECORD], '`--approvals` says what may pass'],
    ['another gate', ['--fail-on', 'any', '--approvals', RECORD], '`--approvals` says what may pass'],
    [
      'signers without approvals',
      ['--signers', 'policy-signers.yaml'],
      '`--signers` says who may have signed',
    ],
    [
      'a signers file that is not there',
      ['--fail-on', 'loosening', '--approvals', RECORD, '--signers', 'none.yaml'],
      'there is no `none.yaml`',
    ],
  ])('are refused with %s', async (_name, more, says) => {
    const { exitCode, stdout, stderr } = await run(args(...more), { cwd: repository });
    expect([exitCode, stdout]).toEqual([2, '']);
    expect(stderr).toContain(says);
  });

  test('are judged by the signers file that was named', async () => {
    for (const [by, body] of [
      ['lena', 'legal'],
      ['sam', 'security'],
    ] as const)
      await approve(by, body, { sides: [...files, '--signers', 'policy-signers.yaml'] });
    const gated = (signers: string) =>
      run(args('--fail-on', 'loosening', '--approvals', RECORD, '--signers', signers), { cwd: repository });
    expect((await gated('policy-signers.yaml')).exitCode).toBe(0);
    write('other.yaml', signersFile({ max: 'legal, security' }));
    expect((await gated('other.yaml')).exitCode).toBe(1);
  });
});

describe('the example of a GitHub workflow', () => {
  const workflow = parse(
    readFileSync(join(REPOSITORY, 'examples/github-actions/policy-review.yml'), 'utf8'),
  ) as { jobs: { gate: { steps: { name?: string; run?: string }[] } } };
  const script = (name: string): string =>
    workflow.jobs.gate.steps.find((step) => step.name === name)?.run ?? 'exit 99';
  /** The steps as a runner runs them: bash, stopping at the first failure; the program is ours. */
  const step = (name: string): void => {
    execFileSync('bash', ['-eo', 'pipefail', '-c', script(name)], {
      cwd: repository,
      env: {
        ...process.env,
        BASE: git('rev-parse', 'main').trim(),
        HEAD: git('rev-parse', 'change').trim(),
      },
      stdio: 'ignore',
    });
  };
  const gateOfWorkflow = async () => {
    step('Read what was approved');
    const [, args = ''] =
      /proviso (.*)$/m.exec(script('Pass only if nothing is looser, or every body has approved')) ?? [];
    const revisions = { BASE: git('rev-parse', 'main').trim(), HEAD: git('rev-parse', 'change').trim() };
    const words = args
      .split(' ')
      .map((word) =>
        word.replaceAll('"', '').replace(/\$(BASE|HEAD)/g, (_all, name: 'BASE' | 'HEAD') => revisions[name]),
      );
    return run(words, { cwd: repository });
  };

  test('fails a scripted pull request, then passes it with the approvals that it carries', async () => {
    write('policies/small.yaml', LOOSER);
    commit('two');
    git('checkout', '--quiet', 'main');
    expect((await gateOfWorkflow()).exitCode).toBe(1);

    git('checkout', '--quiet', 'change');
    await approve('lena', 'legal');
    await approve('sam', 'security');
    commit('approved');
    // As the runner has it: the base is checked out, the head is data.
    git('checkout', '--quiet', 'main');
    const passed = await gateOfWorkflow();
    expect(passed.exitCode).toBe(0);
    expect(passed.stdout).toContain('approved by LENA');

    // The same approvals, left behind on disk, are of no use to a pull request that brings none.
    git('checkout', '--quiet', '--force', 'change');
    git('rm', '--quiet', '--cached', RECORD);
    git('commit', '--quiet', '-m', 'without the record');
    git('checkout', '--quiet', '--force', 'main');
    write(RECORD, '{}');
    expect((await gateOfWorkflow()).exitCode).toBe(1);
  });
});
