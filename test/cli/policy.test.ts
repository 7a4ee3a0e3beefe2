import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { EXIT } from '../../src/cli/exit-codes.ts';
import { displayWidth } from '../../src/cli/terminal/index.ts';
import { expectGolden } from './golden.ts';
import { REPOSITORY, run } from './harness.ts';

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

/** A copy of policies/ with one file edited; commands run in its parent, so that file names in golden output are ours. */
async function edited(file: string, edit: (text: string) => string | undefined): Promise<string> {
  const cwd = await mkdtemp(join(tmpdir(), 'proviso-test-'));
  folders.push(cwd);
  await cp(join(REPOSITORY, 'policies'), join(cwd, 'policies'), { recursive: true });
  const path = join(cwd, 'policies', file);
  const text = await readFile(path, 'utf8');
  const after = edit(text);
  expect(after).not.toBe(text);
  if (after === undefined) await rm(path);
  else await writeFile(path, after);
  return cwd;
}

describe('policy validate', () => {
  test('the shipped policy and its cases are valid', async () => {
    const { exitCode, stdout, stderr } = await run(['policy', 'validate']);
    expect({ exitCode, stderr }).toEqual({ exitCode: EXIT.fine, stderr: '' });
    expect(stdout).toMatch(/^policies\/prompt-storage\.yaml: valid/);
    expect(stdout).toMatch(/prompt-storage\.cases\.yaml: valid/);
  });

  test('a mistyped Region is a warning: the policy stays valid', async () => {
    const cwd = await edited('prompt-storage.yaml', (text) =>
      text.replace('regions: [us-east-1', 'regions: [us-esat-1'),
    );
    const { exitCode, stdout } = await run(['policy', 'validate', 'policies/prompt-storage.yaml'], { cwd });
    expect(exitCode).toBe(EXIT.fine);
    expect(stdout).toContain('prompt-storage.yaml: valid');
    expect(stdout).toMatch(/warning: policies\/prompt-storage\.yaml:\d+:15\n/);
    expect(stdout).toContain('did you mean `us-east-1`?');
    const json = await run(['policy', 'validate', '--format', 'json'], { cwd });
    expect(json.stdout).toContain('"code":"unknown-region"');
  });

  test('a remedy that names an action AWS does not have is a warning; an erratum may name it', async () => {
    const cwd = await edited('prompt-storage.yaml', (text) =>
      text.replace('remedy: Set the account', 'remedy: Grant bedrock:Converse, then set the account'),
    );
    const { exitCode, stdout } = await run(['policy', 'validate', '--format', 'json'], { cwd });
    expect(exitCode).toBe(EXIT.fine);
    expect(JSON.parse(stdout).files[0].warnings).toMatchObject([
      {
        code: 'unknown-action',
        path: 'controls[2].remedy',
        message: expect.stringContaining('`bedrock:InvokeModel` authorizes Converse'),
      },
    ]);
  });

  test('every fault is told, with place, caret and remedy', async () => {
    const cwd = await edited('prompt-storage.yaml', (text) =>
      text
        .replace('fact: dataRetention.mode', 'fact: dataRetention.moda')
        .replace('severity: medium', 'severity: mild')
        .replace(/expireAfter: \w+/, 'expireAfter: 7'),
    );
    const { exitCode, stdout } = await run(['policy', 'validate'], { cwd });
    expect(exitCode).toBe(EXIT.malformed);
    expect(stdout).toContain('3 faults in 1 file');
    expect(stdout.match(/^ +\^$/gm)).toHaveLength(3);
    for (const line of stdout.split('\n')) expect(displayWidth(line)).toBeLessThanOrEqual(80);
    await expectGolden(stdout, 'policy-validate-faults.txt');
  });

  test('faults of the cases are told too', async () => {
    const cwd = await edited('prompt-storage.cases.yaml', (text) =>
      text.replace('control: CP-01', 'control: CP-99'),
    );
    const { exitCode, stdout } = await run(['policy', 'validate'], { cwd });
    expect(exitCode).toBe(EXIT.malformed);
    expect(stdout).toContain('prompt-storage.yaml: valid');
    expect(stdout).toContain('unknown-control');
  });

  test('as JSON', async () => {
    const { stdout } = await run(['policy', 'validate', '--format', 'json']);
    expect(JSON.parse(stdout)).toMatchObject({
      isValid: true,
      files: [{ kind: 'policy' }, { kind: 'cases' }],
    });
  });

  test('a file that is not UTF-8 is refused', async () => {
    const cwd = await edited('prompt-storage.yaml', (text) => `${text}\n`);
    await writeFile(join(cwd, 'policies/prompt-storage.yaml'), Buffer.from([0x6b, 0xff, 0xfe]));
    const { exitCode, stderr } = await run(['policy', 'validate'], { cwd });
    expect(exitCode).toBe(EXIT.malformed);
    expect(stderr).toContain('UTF-8');
  });
});

describe('policy test', () => {
  test('the shipped cases pass, and every control has the cases it needs', async () => {
    const { exitCode, stdout } = await run(['policy', 'test']);
    expect(exitCode).toBe(EXIT.fine);
    expect(stdout).toMatch(/0 failed; 0 needed cases missing\n$/);
    for (const line of stdout.split('\n')) expect(displayWidth(line)).toBeLessThanOrEqual(80);
  });

  test('a case that gives another outcome fails, with what it gave and where it stands', async () => {
    const cwd = await edited('prompt-storage.yaml', (text) =>
      text.replace(
        'fact: dataRetention.mode, op: equal, value: none',
        'fact: dataRetention.mode, op: equal, value: default',
      ),
    );
    const { exitCode, stdout } = await run(['policy', 'test'], { cwd });
    expect(exitCode).toBe(EXIT.findings);
    expect(stdout).toMatch(
      /FAIL .*\n +expected compliant by require\n +got +non-compliant by require\n +at policies\/prompt-storage\.cases\.yaml:\d+/,
    );
  });

  test('a control without a case in which it fires fails', async () => {
    const cwd = await edited('prompt-storage.cases.yaml', (text) => {
      const [head = '', ...cases] = text.split(/^(?= {2}- name:)/m);
      const kept = cases.filter(
        (each) => !(each.includes('control: CP-03') && /outcome: non-compliant/.test(each)),
      );
      return [head, ...kept].join('');
    });
    const { exitCode, stdout } = await run(['policy', 'test'], { cwd });
    expect(exitCode).toBe(EXIT.findings);
    expect(stdout).toContain('FAIL no passing case in which it fires');
  });

  test('a policy without cases is not shown to work', async () => {
    const cwd = await edited('prompt-storage.cases.yaml', () => undefined);
    const { exitCode, stderr } = await run(['policy', 'test'], { cwd });
    expect(exitCode).toBe(EXIT.findings);
    expect(stderr).toContain('no cases beside it');
  });
});

test('policy explain fits 80 columns and names every control', async () => {
  const { exitCode, stdout } = await run(['policy', 'explain']);
  expect(exitCode).toBe(EXIT.fine);
  for (const id of ['CP-01', 'CP-02', 'CP-03', 'CP-17', 'RB-01', 'RB-02', 'RB-03'])
    expect(stdout).toContain(id);
  for (const line of stdout.split('\n')) expect(displayWidth(line)).toBeLessThanOrEqual(80);
});

test.each(['policy', 'cases'])('policy schema --for %s is a JSON Schema', async (kind) => {
  const { exitCode, stdout } = await run(['policy', 'schema', '--for', kind]);
  expect(exitCode).toBe(EXIT.fine);
  expect(JSON.parse(stdout).$schema).toContain('2020-12');
});

test('a folder with two policies is a question, not a guess', async () => {
  const cwd = await edited('prompt-storage.yaml', (text) => `${text}\n`);
  await cp(join(cwd, 'policies/prompt-storage.yaml'), join(cwd, 'policies/another.yaml'));
  const { exitCode, stderr } = await run(['policy', 'explain'], { cwd });
  expect(exitCode).toBe(EXIT.malformed);
  expect(stderr).toContain('--policy policies/another.yaml');
});
