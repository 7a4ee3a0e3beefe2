import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openState } from '../../src/compose.ts';
import { expectGolden } from './golden.ts';
import { type CliRun, REPOSITORY, run, SCRATCH } from './harness.ts';

/*
 * The commands that act on a state, driven as a person drives them: in a folder that sees what a clone has, the state in
 * `.proviso/`. Ids of a simulated state are the same every time; the hash of the policy and what is signed are not part of the golden text.
 */

const KEY = 'arn:aws:kms:us-east-1:444444444444:key/7f3c9a10-5b1e-4a8e-9d53-2f0c6f1f4a77';
const REQUEST = 'examples/requests/incident.yaml';
let folder: string;

const proviso = (...argv: string[]): Promise<CliRun> => run(argv, { cwd: folder });
/** Without the line breaks that 80 columns make. */
const flat = (text: string): string => text.replaceAll(/\s+/g, ' ');

beforeEach(async () => {
  folder = mkdtempSync(join(SCRATCH, 'proviso-cli-'));
  for (const name of ['policies', 'examples', 'workflows'])
    symlinkSync(join(REPOSITORY, name), join(folder, name));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function ready(): Promise<void> {
  await proviso(
    'state',
    'init',
    '--mode',
    'simulated',
    '--snapshot',
    'examples/organization',
    '--people',
    'examples/people.yaml',
  );
  await proviso('policy', 'adopt', '--as', 'priya.raman');
  await proviso(
    'simulate',
    'do',
    'create-bucket',
    'account=444444444444',
    'region=us-east-1',
    'bucket=example-incident-content',
    `kmsKeyArn=${KEY}`,
  );
}

async function submitted(): Promise<{ id: string; hash: string }> {
  await ready();
  const asked = await proviso('exception', 'request', REQUEST, '--as', 'sam.okafor', '--format', 'json');
  const { exception } = JSON.parse(asked.stdout) as { exception: { id: string; subjectHash: string } };
  return { id: exception.id, hash: exception.subjectHash };
}

async function active(): Promise<{ id: string; hash: string }> {
  const { id, hash } = await submitted();
  for (const [who, role] of [
    ['lena.fischer', 'legal'],
    ['priya.raman', 'security'],
    ['omar.haddad', 'executive'],
  ] as const) {
    await proviso('exception', 'approve', id, '--as', who, '--role', role, '--hash', hash);
  }
  await proviso('clock', 'advance', '12h');
  return { id, hash };
}

const eventCount = (): number =>
  readFileSync(join(folder, '.proviso/events.ndjson'), 'utf8').split('\n').length - 1;
const withoutHashes = (text: string): string =>
  text
    .replaceAll(/\b[0-9a-f]{64}\b/g, '<hash>')
    .replaceAll(/--hash [0-9a-f]+/g, '--hash <hash>')
    .replaceAll(/\([0-9a-f]{12}\)/g, '(<hash>)');
const edited = (from: string | RegExp, to: string): string => {
  const text = readFileSync(join(REPOSITORY, REQUEST), 'utf8');
  const changed = text.replace(from, to);
  expect(changed, 'the edit must change something').not.toBe(text);
  writeFileSync(join(folder, 'request.yaml'), changed);
  return 'request.yaml';
};

describe('what people read', () => {
  it('is the same text every time: request, show, decisions, timeline', async () => {
    await ready();
    const texts: string[] = [];
    const tell = async (...argv: string[]) => {
      const ran = await proviso(...argv);
      texts.push(
        `$ proviso ${argv.join(' ')}`,
        ran.stdout,
        ran.stderr === '' ? '' : `[stderr]\n${ran.stderr}`,
        `[exit ${ran.exitCode}]`,
        '',
      );
      return ran;
    };
    await tell('exception', 'list');
    const asked = await tell('exception', 'request', REQUEST, '--as', 'sam.okafor');
    const id = /ex-[0-9a-z]{12}/.exec(asked.stdout)?.[0] ?? '';
    const shown = await tell('exception', 'show', id);
    const hash = /--hash ([0-9a-f]+)/.exec(shown.stdout)?.[1] ?? '';
    await tell('exception', 'approve', id, '--as', 'sam.okafor', '--role', 'security', '--hash', hash);
    await tell('exception', 'approve', id, '--as', 'tom.berger', '--role', 'legal', '--hash', hash);
    await tell('exception', 'approve', id, '--as', 'omar.haddad', '--role', 'legal', '--hash', hash);
    await tell(
      'exception',
      'approve',
      id,
      '--as',
      'lena.fischer',
      '--role',
      'legal',
      '--hash',
      '0123456789abcdef',
    );
    await tell('exception', 'approve', id, '--as', 'lena.fischer', '--role', 'legal', '--hash', hash);
    await tell(
      'exception',
      'reject',
      id,
      '--as',
      'priya.raman',
      '--role',
      'security',
      '--hash',
      hash,
      '--reason',
      'metadata is enough',
    );
    await tell('exception', 'approve', id, '--as', 'omar.haddad', '--role', 'executive', '--hash', hash);
    await tell('exception', 'timeline', id);
    await tell('exception', 'certificate', id);
    const text = withoutHashes(texts.join('\n'));
    expect(text.split('\n').filter((line) => line.length > 80 && !line.startsWith('$'))).toEqual([]);
    await expectGolden(text, 'exception-rejected.txt');
  });
});

describe('malformed input: exit 2, nothing written', () => {
  const rows: [string, string | RegExp, string, RegExp][] = [
    [
      'a date without a time',
      'endsAt: "2026-11-22T12:00:00Z"',
      'endsAt: "2026-11-22"',
      /absolute UTC instant/,
    ],
    [
      'a local time',
      'endsAt: "2026-11-22T12:00:00Z"',
      'endsAt: "2026-11-22T12:00:00+01:00"',
      /absolute UTC instant.*write `2026-11-22T11:00:00Z`, which is the same instant/,
    ],
    [
      'a subject with a letter that looks like another',
      /(subjects:\n.*)IncidentResponder/,
      '$1Inc\u0456dentResponder',
      /`\u0456` \(U\+0456\) in it is no letter of a to z/,
    ],
    ['February 30th', 'endsAt: "2026-11-22T12:00:00Z"', 'endsAt: "2027-02-30T12:00:00Z"', /does not exist/],
    [
      'an end equal to the start',
      'endsAt: "2026-11-22T12:00:00Z"',
      'endsAt: "2026-11-20T12:00:00Z"',
      /not after `startsAt`/,
    ],
    ['a retention without unit', 'retention: 7d', 'retention: 7', /retention/],
    ['no subjects', /subjects:\n {2}- .*\n/, 'subjects: []\n', /subject/],
    ['no reference', /reference: .*\n/, '', /reference/],
    ['an unknown key', 'purgedBy:', 'purgedBye: nobody\npurgedBy:', /purgedBye/],
    ['YAML that does not parse', 'modalities: [text]', 'modalities: [text', /YAML|yaml/],
  ];
  it.each(rows)('%s', async (_name, from, to, complaint) => {
    await ready();
    const before = eventCount();
    const ran = await proviso('exception', 'request', edited(from, to), '--as', 'sam.okafor');
    expect(flat(ran.stderr)).toMatch(complaint);
    expect(flat(ran.stderr)).toMatch(/request\.yaml:\d+:\d+/);
    expect(ran.exitCode).toBe(2);
    expect(eventCount()).toBe(before);
  });

  it('a request of more than a mebibyte is not parsed', async () => {
    await ready();
    writeFileSync(join(folder, 'request.yaml'), `justification: "${'x'.repeat(1024 * 1024)}"\n`);
    const ran = await proviso('exception', 'request', 'request.yaml', '--as', 'sam.okafor');
    expect(ran.exitCode).toBe(2);
    expect(flat(ran.stderr)).toMatch(/bytes/);
  });

  it('an id that is none, an action that is none, a clock that goes back', async () => {
    await ready();
    expect((await proviso('exception', 'show', 'INC-1')).exitCode).toBe(2);
    expect((await proviso('simulate', 'do', 'explode')).exitCode).toBe(2);
    expect((await proviso('simulate', 'do', 'mute', 'detector=workflow')).exitCode).toBe(2);
    expect((await proviso('clock', 'advance', '--to', '2020-01-01T00:00:00Z')).exitCode).toBe(2);
    expect((await proviso('clock', 'advance', '14')).exitCode).toBe(2);
  });
});

describe('well-formed but refused: exit 1, recorded, nothing else changed', () => {
  const rows: [string, string | RegExp, string, RegExp][] = [
    [
      'longer than the policy allows',
      'endsAt: "2026-11-22T12:00:00Z"',
      'endsAt: "2026-12-04T12:00:00Z"',
      /exceptions\.limits\.enablement/,
    ],
    [
      'a start in the past',
      'startsAt: "2026-11-20T12:00:00Z"',
      'startsAt: "2026-11-19T12:00:00Z"',
      /must not lie in the past/,
    ],
    ['an account outside the organization', /444444444444(?=")/, '424242424242', /not in the organization/],
    ['a Region that is not governed', 'region: us-east-1', 'region: ap-south-1', /storage\.scope\.regions/],
    [
      'a key of another account',
      'kmsKeyArn: arn:aws:kms:us-east-1:444444444444',
      'kmsKeyArn: arn:aws:kms:us-east-1:666666666666',
      /exceptions\.destination\.encryption/,
    ],
    [
      'a bucket of another account',
      'bucketName: example-incident-content',
      'bucketName: example-assistant-debug',
      /no bucket `example-assistant-debug`/,
    ],
    ['a retention beyond the limit', 'retention: 7d', 'retention: 30d', /exceptions\.limits\.retention/],
    [
      'subjects of another account',
      'arn:aws:iam::444444444444:role/aws-reserved/sso.amazonaws.com/eu-central-1/AWSReservedSSO_IncidentResponder_7d6c5b4a39281706\nmodels',
      'arn:aws:iam::666666666666:role/Somebody\nmodels',
      /of another account/,
    ],
  ];
  it.each(rows)('%s', async (_name, from, to, complaint) => {
    await ready();
    const before = eventCount();
    const ran = await proviso('exception', 'request', edited(from, to), '--as', 'sam.okafor');
    expect(flat(ran.stderr)).toMatch(complaint);
    expect(ran.exitCode).toBe(1);
    expect(eventCount()).toBe(before + 1);
    expect((await proviso('exception', 'list')).stdout).toBe('there are no exceptions\n');
  });

  it('a request by somebody who is not in the people file, or has left', async () => {
    await ready();
    for (const who of ['nobody', 'tom.berger']) {
      const ran = await proviso('exception', 'request', REQUEST, '--as', who);
      expect(ran.exitCode).toBe(1);
      expect(flat(ran.stderr)).toMatch(/UNKNOWN_PERSON/);
    }
  });

  it('a window that overlaps a live lease of the pair', async () => {
    await active();
    const ran = await proviso(
      'exception',
      'request',
      edited('startsAt: "2026-11-20T12:00:00Z"', 'startsAt: "2026-11-21T12:00:00Z"'),
      '--as',
      'sam.okafor',
    );
    expect(ran.exitCode).toBe(1);
    expect(flat(ran.stderr)).toMatch(/holds 2026-11-20T12:00:00Z to/);
  });

  it('an approval of an unknown exception is recorded too', async () => {
    await ready();
    const before = eventCount();
    const ran = await proviso(
      'exception',
      'approve',
      'ex-000000000000',
      '--as',
      'lena.fischer',
      '--role',
      'legal',
      '--hash',
      '0123456789abcdef',
    );
    expect(ran.exitCode).toBe(1);
    expect(eventCount()).toBe(before + 1);
  });

  it('an approval after the deadline', async () => {
    const { id, hash } = await submitted();
    await proviso('clock', 'advance', '6h');
    const ran = await proviso(
      'exception',
      'approve',
      id,
      '--as',
      'lena.fischer',
      '--role',
      'legal',
      '--hash',
      hash,
    );
    expect(ran.exitCode).toBe(1);
    expect((await proviso('exception', 'show', id)).stdout).toMatch(/^ex-\S+ {2}expired/);
  });

  it('a policy file that is not the one in force', async () => {
    await ready();
    const text = readFileSync(join(REPOSITORY, 'policies/prompt-storage.yaml'), 'utf8');
    writeFileSync(join(folder, 'other.yaml'), text.replace('enablement: 12d', 'enablement: 11d'));
    const ran = await proviso(
      'exception',
      'request',
      REQUEST,
      '--as',
      'sam.okafor',
      '--policy',
      'other.yaml',
    );
    expect(ran.exitCode).toBe(1);
    expect(flat(ran.stderr)).toMatch(/not the policy in force/);
  });

  it('a request before any policy is in force', async () => {
    await proviso(
      'state',
      'init',
      '--mode',
      'simulated',
      '--snapshot',
      'examples/organization',
      '--people',
      'examples/people.yaml',
    );
    const ran = await proviso('exception', 'request', REQUEST, '--as', 'sam.okafor');
    expect(ran.exitCode).toBe(1);
    expect(flat(ran.stderr)).toMatch(/policy adopt/);
  });
});

describe('acting on a live exception', () => {
  it('revoking switches off before it returns, whoever asks', async () => {
    const { id } = await active();
    const ran = await proviso('exception', 'revoke', id, '--as', 'somebody.else', '--reason', 'stop');
    expect(ran.exitCode).toBe(0);
    expect(ran.stdout).toMatch(/revoked/);
    const check = await proviso('check', '--state', '.proviso', '--format', 'json');
    expect(check.stdout).not.toMatch(/"coveredBy"/);
    const { findings } = JSON.parse(check.stdout) as {
      findings: readonly { readonly controlId: string; readonly outcome: string }[];
    };
    const outcomeOf = (id: string) => findings.find(({ controlId }) => controlId === id)?.outcome;
    // Those that only records can decide; test/rules/shipped-policy.test.ts has all others decided.
    expect(['CP-18', 'CP-19', 'PT-6'].map(outcomeOf)).toEqual(['compliant', 'compliant', 'compliant']);
  });

  it('a legal hold is moved into the vault that it names, and of two vaults both are read', async () => {
    const { id } = await active();
    const vaultKey = 'arn:aws:kms:us-east-1:444444444444:key/aaaaaaaa-1111-2222-3333-444444444444';
    const hold = (...more: string[]) =>
      proviso(
        'exception',
        'hold',
        id,
        '--as',
        'lena.fischer',
        '--reference',
        'LIT-7',
        '--reason',
        'a claim',
        ...more,
      );
    const two = await hold('--vault', 'hold-a', 'hold-b/legal/', '--vault-key', vaultKey, vaultKey);
    expect(flat(two.stderr)).toContain('it is for one account and Region, and each needs a vault there');
    const one = await hold('--vault', 'hold-a/legal/', '--vault-key', vaultKey);
    expect(one, one.stderr).toMatchObject({ exitCode: 0 });
    const shown = await proviso('exception', 'show', id);
    expect(flat(shown.stdout)).toContain(`s3://hold-a/legal/${id}/`);
  });

  it('withdrawing is for before the start, by those concerned', async () => {
    const { id } = await submitted();
    expect((await proviso('exception', 'withdraw', id, '--as', 'nobody', '--reason', 'x')).exitCode).toBe(1);
    expect(
      (await proviso('exception', 'withdraw', id, '--as', 'sam.okafor', '--reason', 'not needed')).exitCode,
    ).toBe(0);
    expect(
      (await proviso('exception', 'withdraw', id, '--as', 'sam.okafor', '--reason', 'again')).exitCode,
    ).toBe(1);
  });

  it('a tampered certificate is found out', async () => {
    const { id } = await active();
    await proviso('clock', 'advance', '4d');
    expect((await proviso('exception', 'certificate', id)).exitCode).toBe(0);
    const state = openState(join(folder, '.proviso'));
    if (!state.ok) throw new Error(state.error.message);
    state.value.close();
    const directory = join(folder, '.proviso/certificates');
    const { readdirSync } = await import('node:fs');
    const file = join(directory, readdirSync(directory)[0] ?? '');
    writeFileSync(file, readFileSync(file, 'utf8').replace('INC-2026-1142', 'INC-2026-1143'));
    const ran = await proviso('exception', 'certificate', id);
    expect(ran.exitCode).toBe(1);
    expect(flat(ran.stderr)).toMatch(/changed after it was signed/);
  });
});

describe('a state directory', () => {
  it('in use by somebody else is exit 4, and says so', async () => {
    await ready();
    const held = openState(join(folder, '.proviso'));
    if (!held.ok) throw new Error(held.error.message);
    const ran = await proviso('exception', 'list');
    held.value.close();
    expect(ran.exitCode).toBe(4);
    expect(flat(ran.stderr)).toMatch(/another process is using/);
    expect((await proviso('exception', 'list')).exitCode).toBe(0);
  });

  it('is never overwritten, and is not made at all when the people file is malformed', async () => {
    await ready();
    const again = await proviso(
      'state',
      'init',
      '--mode',
      'simulated',
      '--snapshot',
      'examples/organization',
      '--people',
      'examples/people.yaml',
    );
    expect(again.exitCode).toBe(2);
    writeFileSync(
      join(folder, 'people.yaml'),
      'kind: People\nschemaVersion: 1\npeople:\n  - { id: a, name: A }\n  - { id: A, name: B }\n',
    );
    const malformed = await proviso(
      'state',
      'init',
      '--state',
      'other',
      '--mode',
      'simulated',
      '--snapshot',
      'examples/organization',
      '--people',
      'people.yaml',
    );
    expect(malformed.exitCode).toBe(2);
    expect(malformed.stderr).toMatch(/stands twice/);
    expect(existsSync(join(folder, 'other'))).toBe(false);
  });

  it('that does not exist names the command that makes one', async () => {
    const ran = await proviso('exception', 'list');
    expect(ran.exitCode).toBe(2);
    expect(flat(ran.stderr)).toMatch(/state init/);
  });

  it('with the real clock cannot be simulated', async () => {
    await proviso(
      'state',
      'init',
      '--mode',
      'embedded',
      '--snapshot',
      'examples/organization',
      '--people',
      'examples/people.yaml',
    );
    expect((await proviso('clock', 'advance', '1d')).exitCode).toBe(2);
    expect((await proviso('simulate', 'do', 'clear-faults')).exitCode).toBe(2);
  });
});

describe('scenarios', () => {
  it.each(['stopped-workflow', 'someone-elses-put', 'slow-put-after-revocation'])(
    '%s plays to its end',
    async (name) => {
      const ran = await proviso('simulate', 'play', `examples/scenarios/${name}.yaml`);
      expect(ran.stderr).toBe('');
      expect(ran.stdout).toMatch(/every expectation was met/);
      expect(ran.exitCode).toBe(0);
    },
  );

  it('an expectation that fails is exit 1 and says which step', async () => {
    const text = readFileSync(join(REPOSITORY, 'examples/scenarios/stopped-workflow.yaml'), 'utf8');
    writeFileSync(
      join(folder, 'scenario.yaml'),
      text
        .replaceAll('../../policies', 'policies')
        .replaceAll('../', 'examples/')
        .replace('state: closed', 'state: active'),
    );
    const ran = await proviso('simulate', 'play', 'scenario.yaml');
    expect(ran.exitCode).toBe(1);
    expect(ran.stdout).toMatch(/NOT MET: step \d+/);
  });
});

describe('a contested exception whose purge is listed empty', () => {
  it('is named by the list with what only Legal or Security can do', async () => {
    const dir = join(folder, 'contested');
    await proviso('simulate', 'play', 'examples/scenarios/someone-elses-put.yaml', '--state', dir);
    const { stdout } = await proviso('exception', 'list', '--state', dir);
    expect(flat(stdout)).toContain('Legal or Security must close it, with a reason');
    expect(stdout).toMatch(/ {2}proviso exception close-unproven ex-[0-9a-z]+ --as ID --reason TEXT/);
    const json = await proviso('exception', 'list', '--state', dir, '--format', 'json');
    expect(json.stdout).toContain('"needsSignature":true');
  });

  it('is not named while nothing is contested', async () => {
    await submitted();
    const { stdout } = await proviso('exception', 'list');
    expect(stdout).not.toContain('close-unproven');
  });
});
