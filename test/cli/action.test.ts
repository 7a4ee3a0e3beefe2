import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';

/* The action's own shell steps, run as the runner runs them, on the example organization. The upload steps were not run anywhere. */

const ROOT = join(import.meta.dirname, '../..');
interface Step {
  readonly name: string;
  readonly shell?: string;
  readonly run?: string;
  readonly uses?: string;
  readonly env?: Readonly<Record<string, string>>;
}
const action = parse(readFileSync(join(ROOT, 'action.yml'), 'utf8')) as {
  readonly inputs: Readonly<Record<string, { readonly description: string; readonly default: string }>>;
  readonly runs: { readonly using: string; readonly steps: readonly Step[] };
};
const work = mkdtempSync(join(tmpdir(), 'proviso-action-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

function runStep(name: string, inputs: Readonly<Record<string, string>>) {
  const step = action.runs.steps.find((each) => each.name === name);
  const output = join(work, 'output');
  writeFileSync(output, '');
  const fill = (text: string) =>
    text
      .replaceAll(
        /\$\{\{ inputs\.([\w-]+) \}\}/g,
        (_, key: string) => inputs[key] ?? action.inputs[key]?.default ?? '',
      )
      .replaceAll('${{ github.action_path }}', ROOT);
  const env = Object.fromEntries(Object.entries(step?.env ?? {}).map(([key, value]) => [key, fill(value)]));
  const ran = spawnSync('bash', ['--noprofile', '--norc', '-eo', 'pipefail', '-c', step?.run ?? 'false'], {
    cwd: ROOT,
    encoding: 'utf8',
    env: { ...process.env, ...env, GITHUB_OUTPUT: output },
  });
  return { status: ran.status, text: `${ran.stdout}${ran.stderr}`, output: readFileSync(output, 'utf8') };
}

describe('action.yml', () => {
  it('is a composite action: every step has either a shell and a script, or a fixed major version', () => {
    expect(action.runs.using).toBe('composite');
    for (const step of action.runs.steps) {
      expect(step.run === undefined, step.name).toBe(step.uses !== undefined);
      if (step.run !== undefined) expect(step.shell, step.name).toBe('bash');
      else expect(step.uses, step.name).toMatch(/^[\w-]+\/[\w/-]+@v\d+$/);
      // An input in a script would be run as a script.
      expect(step.run ?? '', step.name).not.toContain('${{');
    }
    for (const input of Object.values(action.inputs)) expect(input.description).not.toBe('');
  });

  it('tests the policy', () => {
    expect(runStep('Test the policy', {})).toMatchObject({ status: 0 });
  });

  it('writes SARIF and JUnit, and hands on the exit code of the check', () => {
    const reports = join(work, 'reports');
    const ran = runStep('Check the snapshot', {
      snapshot: 'examples/organization',
      reports,
      'fail-on': 'low',
    });
    expect(ran.status, ran.text).toBe(0);
    expect(ran.output).toBe('exit-code=1\n');
    expect(JSON.parse(readFileSync(join(reports, 'proviso.sarif'), 'utf8'))).toMatchObject({
      version: '2.1.0',
    });
    expect(readFileSync(join(reports, 'proviso.xml'), 'utf8')).toContain('<testsuites');
    expect(existsSync(join(reports, 'proviso.txt'))).toBe(true);
  });

  it('takes hostile inputs as text', () => {
    const planted = join(work, 'planted');
    const ran = runStep('Check the snapshot', { snapshot: `$(touch ${planted})`, reports: join(work, 'r2') });
    expect(ran.output).toBe('exit-code=2\n');
    expect(existsSync(planted)).toBe(false);
  });
});
