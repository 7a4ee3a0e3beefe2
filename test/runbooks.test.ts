import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli } from '../src/cli/program.ts';
import { epochMs } from '../src/core/index.ts';

/*
 * Every alarm of the deployment has a runbook, and every command of a runbook does what the page says, on a simulated state. Commands of
 * the AWS CLI in the pages are for an operator; they are not run.
 */

const root = resolve(import.meta.dirname, '..');
const folder = join(root, 'docs/runbooks');
const pages = readdirSync(folder).filter((name) => name.endsWith('.md') && name !== 'README.md');
const templates = [
  'deploy/governance.yml',
  'templates/member-account.yml',
  'templates/member-events.yml',
].map((file) => readFileSync(join(root, file), 'utf8'));

/** Logical name and description of every alarm, read as text: the templates hold tags of CloudFormation. */
const ALARMS = templates.flatMap((template) =>
  [
    ...template.matchAll(/^ {2}(\w+):\n {4}Type: AWS::CloudWatch::Alarm\n([\s\S]*?)(?=^ {2}\w|(?![\s\S]))/gm),
  ].map(([, name = '', body = '']) => ({
    name,
    body,
    page: /docs\/runbooks\/([a-z-]+\.md)/.exec(body)?.[1],
  })),
);

describe('alarms', () => {
  it('each name a page that exists and names them back, and go to somebody', () => {
    expect(ALARMS.length).toBeGreaterThan(4);
    for (const { name, page, body } of ALARMS) {
      expect(page, name).toBeDefined();
      expect(pages, name).toContain(page);
      expect(readFileSync(join(folder, page ?? ''), 'utf8'), name).toContain(`\`${name}\``);
      expect(body, name).toContain('AlarmActions:');
    }
  });
  it('leave no page without an alarm, and the index names every page', () => {
    const index = readFileSync(join(folder, 'README.md'), 'utf8');
    for (const page of pages) {
      expect(ALARMS.map((alarm) => alarm.page)).toContain(page);
      expect(index).toContain(`(${page})`);
    }
  });
});

describe('the commands of each page', () => {
  let work: string;
  beforeAll(async () => {
    work = mkdtempSync(join(tmpdir(), 'proviso-runbooks-'));
    for (const name of ['policies', 'examples', 'workflows']) symlinkSync(join(root, name), join(work, name));
    const made = await run(
      'state init --mode simulated --snapshot examples/organization --people examples/people.yaml'.split(' '),
    );
    expect(made.code, made.text).toBe(0);
  });
  afterAll(() => rmSync(work, { recursive: true, force: true }));

  async function run(argv: readonly string[]) {
    let text = '';
    const sink = {
      write: (chunk: string) => {
        text += chunk;
      },
    };
    const code = await runCli([...argv], {
      stdout: sink,
      stderr: sink,
      isTerminal: false,
      isErrorTerminal: false,
      width: 80,
      color: false,
      env: {},
      cwd: work,
      clock: { now: () => epochMs(Date.parse('2026-11-20T08:00:00Z')) },
      exitCode: 0,
    });
    return { code, text };
  }

  it.each(pages)('%s', async (page) => {
    const commands = [...readFileSync(join(folder, page), 'utf8').matchAll(/^ *npx proviso (.*)$/gm)].map(
      ([, line = '']) => ({
        argv: line.replace(/\s+#.*$/, '').split(' '),
        expected: Number(/# exit (\d)/.exec(line)?.[1] ?? 0),
      }),
    );
    expect(commands.length).toBeGreaterThan(0);
    for (const { argv, expected } of commands) {
      const { code, text } = await run(argv);
      expect(code, `${argv.join(' ')}\n${text}`).toBe(expected);
    }
  });
});
