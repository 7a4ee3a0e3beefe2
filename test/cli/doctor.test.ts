import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openState } from '../../src/compose.ts';
import { epochMs, HOUR } from '../../src/core/index.ts';
import { run, SCRATCH } from './harness.ts';

const folder = mkdtempSync(join(SCRATCH, 'proviso-doctor-'));
const state = join(folder, 'state');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Told {
  readonly checks: readonly { readonly id: string; readonly outcome: string; readonly found: string }[];
}
const outcomes = (stdout: string) =>
  Object.fromEntries((JSON.parse(stdout) as Told).checks.map(({ id, outcome }) => [id, outcome]));
const look = () => run(['doctor', '--state', state, '--format', 'json']);

describe('proviso doctor --state', () => {
  beforeAll(async () => {
    const made = await run([
      'state',
      'init',
      '--state',
      state,
      '--mode',
      'simulated',
      '--snapshot',
      'examples/organization',
      '--people',
      'examples/people.yaml',
    ]);
    expect(made.exitCode, made.stderr).toBe(0);
  });

  it('says that no policy is in force, at 80 columns', async () => {
    const { exitCode, stdout } = await run(['doctor', '--state', state]);
    expect(exitCode).toBe(1);
    expect(stdout).toContain('NOT OK      policy: none is in force');
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });

  it('is fine after one was adopted', async () => {
    expect((await run(['policy', 'adopt', '--state', state, '--as', 'lena.fischer'])).exitCode).toBe(0);
    const { exitCode, stdout } = await look();
    expect(new Set(Object.values(outcomes(stdout)))).toEqual(new Set(['ok']));
    expect(exitCode).toBe(0);
  });

  it('sees timers that nobody has served, and serves none itself', async () => {
    const opened = openState(state);
    if (!opened.ok) throw new Error(opened.error.message);
    const { simulatedClock } = opened.value;
    simulatedClock?.advanceTo(epochMs(simulatedClock.now() + HOUR));
    const due = opened.value.world.nextDueAt();
    opened.value.close();
    for (let times = 0; times < 2; times++) {
      const { exitCode, stdout } = await look();
      expect(exitCode).toBe(1);
      expect(outcomes(stdout)).toMatchObject({ timers: 'not-ok', policy: 'ok' });
    }
    const after = openState(state);
    if (!after.ok) throw new Error(after.error.message);
    expect(after.value.world.nextDueAt()).toBe(due);
    after.value.close();
  });

  it('cannot tell while another process writes', async () => {
    const opened = openState(state);
    if (!opened.ok) throw new Error(opened.error.message);
    const { exitCode, stdout } = await look();
    opened.value.close();
    expect(exitCode).toBe(3);
    expect(outcomes(stdout)).toEqual({ 'writer lock': 'cannot-tell' });
  });

  it('tells a damaged record and a malformed people file', async () => {
    appendFileSync(join(state, 'events.ndjson'), 'torn\n{"seq":1}\n');
    writeFileSync(join(state, 'people.yaml'), 'people: 1\n');
    const { exitCode, stdout } = await look();
    expect(exitCode).toBe(1);
    expect(outcomes(stdout)).toMatchObject({ record: 'not-ok', people: 'not-ok' });
  });

  it('tells a database that was lost', async () => {
    writeFileSync(join(state, 'aws.sqlite'), '');
    const { exitCode, stdout } = await look();
    expect(exitCode).toBe(1);
    expect(outcomes(stdout)).toEqual({ 'state directory': 'not-ok' });
  });

  it('refuses to look at nothing', async () => {
    const { exitCode, stderr } = await run(['doctor']);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('--stack NAME');
    expect((await run(['doctor', '--state', join(folder, 'none')])).exitCode).toBe(2);
  });
});
