import { appendFile, cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EXIT } from '../../src/cli/exit-codes.ts';
import { displayWidth } from '../../src/cli/terminal/index.ts';
import { run } from '../cli/harness.ts';
import { edited, POLICY_TEXT } from '../policy/shipped.ts';

const PEOPLE = `kind: People
schemaVersion: 1
people:
  - { id: anna, name: Anna Berg, roles: [ai-governance] }
  - { id: lena, name: Lena Fischer, roles: [legal] }
  - { id: priya, name: Priya Raman, roles: [security] }
  - { id: carl, name: Carl Osei, roles: [cloud-architecture] }
  - { id: max, name: Max Weber, roles: [legal, security] }
`;
const SIGNERS = { 'cloud-architecture': 'carl', security: 'priya', legal: 'lena', 'ai-governance': 'anna' };

let root = '';
let prepared = '';
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'proviso-review-'));
  prepared = join(root, 'prepared');
  await writeFile(join(root, 'people.yaml'), PEOPLE);
  const init = ['state', 'init', '--mode', 'simulated', '--state', prepared];
  const made = await run([
    ...init,
    '--snapshot',
    'examples/organization',
    '--people',
    join(root, 'people.yaml'),
  ]);
  expect(made.exitCode).toBe(EXIT.fine);
});
afterAll(() => rm(root, { recursive: true, force: true }));

let count = 0;
async function stateOf(isAdopted = true): Promise<string> {
  count += 1;
  const state = join(root, `state-${count}`);
  await cp(prepared, state, { recursive: true });
  if (isAdopted) await run(['policy', 'adopt', '--state', state, '--as', 'anna']);
  return state;
}
const review = (state: string, name: string, ...more: readonly string[]) =>
  run(['policy', 'review', name, '--state', state, ...more]);

interface StatusJson {
  readonly standing: string;
  readonly open: {
    readonly id: string;
    readonly dossierHash: string;
    readonly missing: readonly string[];
  } | null;
  readonly lastComplete: { readonly signatures: readonly unknown[] } | null;
}
const statusOf = async (state: string): Promise<StatusJson> =>
  JSON.parse((await review(state, 'status', '--format', 'json')).stdout) as StatusJson;
const sign = async (state: string, body: string, by: string) =>
  review(
    state,
    'sign',
    '--as',
    by,
    '--body',
    body,
    '--hash',
    (await statusOf(state)).open?.dossierHash ?? '',
  );

/** What PT-6 came to in a check of the state. */
async function pt6(state: string) {
  const { stdout, exitCode } = await run(['check', '--state', state, '--format', 'json']);
  const report = JSON.parse(stdout) as {
    readonly findings: readonly { controlId: string; outcome: string; evidence: readonly string[] }[];
    readonly notAsked: readonly string[];
  };
  return {
    exitCode,
    notAsked: report.notAsked,
    ...report.findings.find(({ controlId }) => controlId === 'PT-6'),
  };
}

describe('the review on the command line', () => {
  test('goes from dossier to last signature, and every answer fits the page', async () => {
    const state = await stateOf();
    expect((await statusOf(state)).standing).toBe('due');
    const out = join(root, 'copies');
    const started = await review(
      state,
      'start',
      '--as',
      'anna',
      '--snapshot',
      'examples/organization',
      '--out',
      out,
    );
    expect(started.exitCode).toBe(EXIT.fine);
    for (const line of started.stdout.split('\n')) expect(displayWidth(line)).toBeLessThanOrEqual(80);
    const { open } = await statusOf(state);
    const kept = join(state, 'reviews', open?.id ?? '');
    for (const name of ['dossier.md', 'dossier.html'])
      expect(await readFile(join(out, name), 'utf8')).toBe(await readFile(join(kept, name), 'utf8'));
    for (const [body, by] of Object.entries(SIGNERS)) {
      const signed = await sign(state, body, by);
      expect({ body, exitCode: signed.exitCode, stderr: signed.stderr }).toEqual({
        body,
        exitCode: 0,
        stderr: '',
      });
    }
    const status = await statusOf(state);
    expect([status.standing, status.open]).toEqual(['complete', null]);
    expect(status.lastComplete?.signatures).toHaveLength(4);
    // The next dossier compares with the policy that was signed.
    await review(state, 'start', '--as', 'anna', '--out', out);
    expect(await readFile(join(out, 'dossier.md'), 'utf8')).toContain('the policy means what it meant');
  });

  test('after a change of the policy the next dossier tells its direction, with an example, and the old one cannot be signed', async () => {
    const state = await stateOf();
    await review(state, 'start', '--as', 'anna');
    for (const [body, by] of Object.entries(SIGNERS)) await sign(state, body, by);
    await review(state, 'start', '--as', 'anna');
    const file = join(root, 'looser.yaml');
    await writeFile(file, edited(POLICY_TEXT, 'maxSubjects: 50', 'maxSubjects: 60'));
    const adopted = await run(['policy', 'adopt', '--policy', file, '--state', state, '--as', 'anna']);
    expect(adopted.exitCode).toBe(EXIT.fine);
    expect((await sign(state, 'legal', 'lena')).stderr).toContain('[POLICY_CHANGED]');
    const out = join(root, 'looser');
    await review(state, 'start', '--as', 'anna', '--out', out);
    const dossier = await readFile(join(out, 'dossier.md'), 'utf8');
    const changes = dossier.slice(dossier.indexOf('## What changed'), dossier.indexOf('## Exceptions'));
    expect(changes).toContain('1 in all: 1 loosening.');
    expect(changes).toMatch(
      /loosening \| `exceptions\.scope\.maxSubjects` \|.*the old policy says.*the new one says/,
    );
  });

  test('a dossier that was changed after it was written cannot be signed', async () => {
    const state = await stateOf();
    await review(state, 'start', '--as', 'anna');
    const [id = ''] = await readdir(join(state, 'reviews'));
    await appendFile(join(state, 'reviews', id, 'dossier.md'), '\nand one more thing\n');
    const signed = await sign(state, 'legal', 'lena');
    expect(signed.exitCode).toBe(EXIT.findings);
    expect(signed.stderr).toContain('[DOSSIER_CHANGED]');
    await rm(join(state, 'reviews', id, 'dossier.md'));
    expect((await sign(state, 'legal', 'lena')).stderr).toContain('[DOSSIER_CHANGED]');
  });

  test('one person for two bodies is refused, with exit code 1', async () => {
    const state = await stateOf();
    await review(state, 'start', '--as', 'anna');
    expect((await sign(state, 'legal', 'max')).exitCode).toBe(EXIT.fine);
    const second = await sign(state, 'security', 'max');
    expect([second.exitCode, second.stdout]).toEqual([EXIT.findings, '']);
    expect(second.stderr).toContain('[ALREADY_SIGNED]');
  });

  test('an objection and its answer', async () => {
    const state = await stateOf();
    await review(state, 'start', '--as', 'anna');
    await review(state, 'sign', '--as', 'priya', '--body', 'security', '--object', 'no word about projects');
    expect((await sign(state, 'security', 'max')).stderr).toContain('[OBJECTION_OPEN]');
    expect((await review(state, 'start', '--as', 'anna')).stderr).toContain('[OBJECTION_OPEN]');
    const answered = await review(
      state,
      'sign',
      '--as',
      'carl',
      '--answer',
      '1',
      '--reason',
      'it is planned',
    );
    expect(answered.exitCode).toBe(EXIT.fine);
    expect((await sign(state, 'security', 'priya')).exitCode).toBe(EXIT.fine);
  });

  test.each([
    ['nothing to do', ['sign', '--as', 'lena', '--body', 'legal']],
    [
      'two things to do',
      ['sign', '--as', 'lena', '--body', 'legal', '--hash', 'abcdefabcdef', '--object', 'x'],
    ],
    ['a signature for nobody', ['sign', '--as', 'lena', '--hash', 'abcdefabcdef']],
    ['an answer without words', ['sign', '--as', 'lena', '--answer', '1']],
    ['an objection without words', ['sign', '--as', 'lena', '--body', 'legal', '--object', ' ']],
    ['an objection that is no number', ['sign', '--as', 'lena', '--answer', 'x']],
    ['an empty declaration', ['declare-change', ' ', '--as', 'carl']],
    ['a review that nobody opens', ['start']],
  ])('%s is exit 2, and nothing is written', async (_name, [name = '', ...more]) => {
    const state = await stateOf();
    await review(state, 'start', '--as', 'anna');
    const before = await readFile(join(state, 'events.ndjson'), 'utf8');
    const { exitCode, stdout } = await review(state, name, ...more);
    expect({ exitCode, stdout }).toEqual({ exitCode: EXIT.malformed, stdout: '' });
    expect(await readFile(join(state, 'events.ndjson'), 'utf8')).toBe(before);
  });
});

describe('control PT-6', () => {
  test('is not asked of a snapshot, and the report says so', async () => {
    const { stdout } = await run(['check', '--snapshot', 'examples/organization', '--format', 'json']);
    const report = JSON.parse(stdout) as {
      readonly notAsked: readonly string[];
      readonly byControl: readonly { readonly controlId: string }[];
    };
    expect(report.notAsked).toEqual(['CP-18', 'CP-19', 'PT-6']);
    expect(report.byControl.map(({ controlId }) => controlId)).not.toContain('PT-6');
    const text = await run(['check', '--snapshot', 'examples/organization']);
    expect(text.stdout).toContain('not asked: CP-18, CP-19, PT-6');
  });

  test('of a state without a policy in force is indeterminate, and in time after the first adoption', async () => {
    expect(await pt6(await stateOf(false))).toMatchObject({ outcome: 'indeterminate', notAsked: [] });
    expect(await pt6(await stateOf())).toMatchObject({ outcome: 'compliant', notAsked: [] });
  });

  test('is violated as soon as a major change was declared, and the check fails', async () => {
    const state = await stateOf();
    const before = await pt6(state);
    const declared = await review(
      state,
      'declare-change',
      'Bedrock keeps sessions by default',
      '--as',
      'carl',
    );
    expect(declared.exitCode).toBe(EXIT.fine);
    expect((await review(state, 'status')).exitCode).toBe(EXIT.findings);
    const after = await pt6(state);
    expect([before.outcome, after.outcome, after.exitCode]).toEqual([
      'compliant',
      'non-compliant',
      EXIT.findings,
    ]);
    expect(after.evidence?.join('\n')).toContain('Bedrock keeps sessions by default');
  });
});
