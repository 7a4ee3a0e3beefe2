import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli } from '../src/cli/program.ts';
import { epochMs } from '../src/core/index.ts';

/*
 * The commands of the README, in its order, in an empty folder that sees only what a clone has. `# exit N` behind a command says
 * what it comes to; without it, 0. `npm ci` and `npm test` are not run from inside `npm test`.
 */

const root = resolve(import.meta.dirname, '..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const lines = [...readme.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap((block) =>
  (block[1] ?? '').trimEnd().split('\n'),
);
const commands = lines
  .filter((line) => line.startsWith('npx proviso '))
  .map((line) => ({
    line,
    words: wordsOf(line.replace(/\s+#.*$/, '')).slice(2),
    expected: Number(/# exit (\d)/.exec(line)?.[1] ?? 0),
  }));

/** Splits as a shell would, as far as the README needs it: spaces and double quotes. */
function wordsOf(line: string): readonly string[] {
  return [...line.matchAll(/"([^"]*)"|(\S+)/g)].map((match) => match[1] ?? match[2] ?? '');
}

describe('the README', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'proviso-readme-'));
    for (const name of ['policies', 'examples', 'workflows'])
      symlinkSync(join(root, name), join(folder, name));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('has the two commands that do everything', () => {
    expect(lines).toContain('npm ci && npm run demo');
    expect(lines).toContain('npm ci && npm test');
    expect(commands.length).toBeGreaterThan(15);
  });

  it('keeps its five-minute tour true, command by command', async () => {
    const known: Record<string, string> = {};
    for (const { line, words, expected } of commands) {
      let text = '';
      const sink = {
        write: (chunk: string) => {
          text += chunk;
        },
      };
      const argv = words.map((word) => known[word] ?? word);
      const code = await runCli(argv, {
        stdout: sink,
        stderr: sink,
        isTerminal: false,
        isErrorTerminal: false,
        width: 80,
        color: false,
        env: {},
        cwd: folder,
        clock: { now: () => epochMs(Date.parse('2026-11-20T08:00:00Z')) },
        exitCode: 0,
      });
      expect(code, `${line}\n${text}`).toBe(expected);
      expect(
        text.split('\n').filter((shown) => shown.length > 80),
        line,
      ).toEqual([]);
      known['$ID'] ??= /\bex-[0-9a-z]{12}\b/.exec(text)?.[0] ?? '$ID';
      if (known['$ID'] === '$ID') delete known['$ID'];
      const hash = /what is signed\s+([0-9a-f]{64})/.exec(text)?.[1];
      if (hash !== undefined) known['$HASH'] = hash.slice(0, 16);
    }
  });

  it('has a demo that runs to its end', () => {
    const ran = spawnSync(process.execPath, ['examples/demo.ts'], {
      cwd: root,
      encoding: 'utf8',
      env: { ...process.env, NO_COLOR: '1' },
    });
    expect(ran.stderr).toBe('');
    expect(ran.status).toBe(0);
    expect(ran.stdout).toContain('Files in which a canary is left, state and report: none');
  });
});
