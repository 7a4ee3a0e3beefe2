import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { REPOSITORY, run, SCRATCH } from './harness.ts';

/* Observe, then enforce, as an operator does it on one machine: plan, confirm, adopt what is foreign, see drift undone. */

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(SCRATCH, 'proviso-enforce-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const path = (name: string) => join(folder, name);

async function ok(...argv: string[]): Promise<string> {
  const ran = await run(argv);
  expect(ran.exitCode, `${argv.join(' ')}\n${ran.stdout}${ran.stderr}`).toBe(0);
  return ran.stdout;
}

test('plan, confirm, adopt, undo', async () => {
  const text = readFileSync(join(REPOSITORY, 'policies/prompt-storage.yaml'), 'utf8');
  const policy = path('enforce.yaml');
  writeFileSync(policy, text.replace('  enforcement: observe\n', '  enforcement: enforce\n'));
  const state = ['--state', path('state')];
  await ok(
    'state',
    'init',
    ...state,
    '--mode',
    'simulated',
    '--snapshot',
    'examples/organization',
    '--people',
    'examples/people.yaml',
  );

  const planned = await run(['enforce', 'plan', '--policy', policy, ...state]);
  expect([0, 3]).toContain(planned.exitCode);
  expect(planned.stdout).toMatch(/would be saved and left until/);
  // Before anybody sets the mode, not when the first call is refused.
  expect(planned.stdout.replaceAll(/\s+/g, ' ')).toMatch(
    /retention mode `none` stops Claude .*proviso check --control CP-06/,
  );
  expect(planned.stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
  const hash = /^plan ([0-9a-f]{16})$/m.exec(planned.stdout)?.[1] ?? '';

  const unread = await run(['policy', 'adopt', '--policy', policy, ...state, '--as', 'priya.raman']);
  expect(unread.exitCode).toBe(1);
  expect(unread.stdout).toContain(`plan ${hash}`);
  expect(unread.stderr).toMatch(/PLAN_NOT_CONFIRMED/);
  expect(
    (
      await run([
        'policy',
        'adopt',
        '--policy',
        policy,
        ...state,
        '--as',
        'priya.raman',
        '--confirm-plan',
        hash.slice(0, 15),
      ])
    ).exitCode,
  ).toBe(1);
  await ok('policy', 'adopt', '--policy', policy, ...state, '--as', 'priya.raman', '--confirm-plan', hash);
  await ok('clock', 'advance', '15m', ...state);

  // A list too is for people of the state.
  const nobody = await run(['adopt', ...state, '--as', 'nobody']);
  expect([nobody.exitCode, nobody.stdout + nobody.stderr]).toEqual([
    1,
    expect.stringContaining('`nobody` is not in the people file'),
  ]);
  const waiting = await run(['adopt', ...state, '--as', 'priya.raman', '--format', 'json']);
  expect(waiting.exitCode).toBe(1);
  const { foreign } = JSON.parse(waiting.stdout) as {
    foreign: { accountId: string; region: string; setting: string; value: unknown }[];
  };
  const [first] = foreign.filter(({ setting }) => setting === 'invocation-logging');
  if (first === undefined) throw new Error('the example has no foreign configuration');
  const restore = path('restore.json');
  const adopt = [
    'adopt',
    ...state,
    '--account',
    first.accountId,
    '--region',
    first.region,
    '--setting',
    first.setting,
    '--reason',
    'agreed',
    '--out',
    restore,
    '--as',
  ];
  expect((await run([...adopt, 'nobody'])).exitCode).toBe(1);
  await ok(...adopt, 'priya.raman');
  expect(JSON.parse(readFileSync(restore, 'utf8'))).toMatchObject({
    kind: 'RestoreFile',
    value: first.value,
  });
  // A restore file is never overwritten, and then nothing is changed.
  expect((await run([...adopt, 'priya.raman'])).exitCode).toBe(2);

  // Drift after that is undone by the next sweep.
  const there = [`account=${first.accountId}`, `region=${first.region}`];
  await ok('simulate', 'do', 'create-bucket', ...there, 'bucket=somebody-elses-bucket', ...state);
  await ok('simulate', 'do', 'put-logging', ...there, 'bucket=somebody-elses-bucket', ...state);
  await ok('simulate', 'do', 'set-retention', ...there, 'mode=default', ...state);
  await ok('simulate', 'do', 'expect', ...there, 'contentStorage=on', ...state);
  await ok('clock', 'advance', '15m', ...state);
  await ok('simulate', 'do', 'expect', ...there, 'contentStorage=off', ...state);
});

test('adopting half of what it takes changes nothing', async () => {
  const ran = await run([
    'adopt',
    '--account',
    '222222222222',
    '--as',
    'priya.raman',
    '--state',
    path('state'),
  ]);
  expect(ran.exitCode).toBe(2);
});
