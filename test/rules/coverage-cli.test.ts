import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { EXIT } from '../../src/cli/exit-codes.ts';
import { displayWidth } from '../../src/cli/terminal/index.ts';
import { run } from '../cli/harness.ts';
import { CASES_TEXT, POLICY_TEXT } from '../policy/shipped.ts';

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

/** The shipped policy with only those of its cases whose name `isKept`. */
async function policyWithCases(isKept: (name: string) => boolean): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'proviso-cases-'));
  folders.push(folder);
  const [head = '', ...cases] = CASES_TEXT.split(/^(?= {2}- name: )/m);
  const kept = cases.filter((each) => isKept(/name: (.*)/.exec(each)?.[1] ?? ''));
  await writeFile(join(folder, 'p.yaml'), POLICY_TEXT);
  await writeFile(join(folder, 'p.cases.yaml'), head + kept.join(''));
  return folder;
}
/** Without the cases that show one clause false, and one value of a list. */
const WITH_GAPS = (name: string): boolean =>
  ![
    'embeddings alone are content too',
    'nor does the mode of a closed account',
    'a user with a Bedrock API key',
  ].includes(name);

const golden = (text: string, folder: string, name: string): Promise<void> =>
  expect(text.replaceAll(folder, 'POLICIES')).toMatchFileSnapshot(`../golden/cli/${name}`);
const fits = (text: string): void => {
  for (const line of text.split('\n'))
    if (!line.includes('/')) expect(displayWidth(line)).toBeLessThanOrEqual(80);
};

describe('policy coverage', () => {
  test('shows every clause, and those that no case exercises', async () => {
    const folder = await policyWithCases(WITH_GAPS);
    const { exitCode, stdout, stderr } = await run(['policy', 'coverage', `${folder}/p.yaml`]);
    expect({ exitCode, stderr }).toEqual({ exitCode: EXIT.findings, stderr: '' });
    fits(stdout);
    await golden(stdout, folder, 'policy-coverage-gaps.txt');
  });

  test.each([
    ['98', EXIT.fine],
    ['99', EXIT.fine],
    ['100', EXIT.findings],
  ])('with a direction missing, --min %s is exit %i', async (min, expected) => {
    const folder = await policyWithCases(WITH_GAPS);
    expect((await run(['policy', 'coverage', `${folder}/p.yaml`, '--min', min])).exitCode).toBe(expected);
  });

  test('of the shipped policy is complete, as JSON too', async () => {
    const { exitCode, stdout } = await run(['policy', 'coverage', '--format', 'json']);
    expect(exitCode).toBe(EXIT.fine);
    expect(JSON.parse(stdout)).toMatchObject({
      kind: 'PolicyCoverage',
      isEnough: true,
      policies: [{ percent: 100 }],
    });
  });
});

describe('policy mutate', () => {
  test('shows every mistake that no case notices, with facts for which it matters', async () => {
    const folder = await policyWithCases(WITH_GAPS);
    const { exitCode, stdout, stderr } = await run(['policy', 'mutate', `${folder}/p.yaml`]);
    expect({ exitCode, stderr }).toEqual({ exitCode: EXIT.findings, stderr: '' });
    fits(stdout);
    await golden(stdout, folder, 'policy-mutate-survivors.txt');
  });

  test('of the shipped policy finds none, as JSON too', async () => {
    const { exitCode, stdout } = await run(['policy', 'mutate', '--format', 'json']);
    expect(exitCode).toBe(EXIT.fine);
    expect(JSON.parse(stdout)).toMatchObject({
      kind: 'PolicyMutation',
      isEnough: true,
      policies: [{ score: 100 }],
    });
  });
});

describe('policy cases suggest', () => {
  test('writes what is missing to stdout, and changes no file', async () => {
    const folder = await policyWithCases(WITH_GAPS);
    const before = await readFile(join(folder, 'p.cases.yaml'), 'utf8');
    const { exitCode, stdout } = await run(['policy', 'cases', 'suggest', `${folder}/p.yaml`]);
    expect(exitCode).toBe(EXIT.findings);
    expect(await readFile(join(folder, 'p.cases.yaml'), 'utf8')).toBe(before);
    await golden(stdout, folder, 'policy-cases-suggested.yaml');
    await writeFile(join(folder, 'p.cases.yaml'), before + stdout);
    for (const command of [['coverage'], ['mutate'], ['cases', 'suggest'], ['test']])
      expect([command, (await run(['policy', ...command, `${folder}/p.yaml`])).exitCode]).toEqual([
        command,
        EXIT.fine,
      ]);
  });

  test('has nothing to say about the shipped policy', async () => {
    expect(await run(['policy', 'cases', 'suggest'])).toMatchObject({ exitCode: EXIT.fine, stdout: '' });
  });
});

test.each([
  ['--min that is no percentage', ['policy', 'coverage', '--min', '101']],
  ['--min with a fraction', ['policy', 'mutate', '--min', '99.5']],
  ['a policy that is not there', ['policy', 'mutate', 'nosuch.yaml']],
  ['cases instead of a policy', ['policy', 'cases', 'suggest', 'policies/prompt-storage.cases.yaml']],
])('%s is exit 2', async (_name, argv) => {
  const { exitCode, stdout } = await run(argv);
  expect({ exitCode, stdout }).toEqual({ exitCode: EXIT.malformed, stdout: '' });
});
