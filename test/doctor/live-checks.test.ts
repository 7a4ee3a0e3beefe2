import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LIVE_CHECKS, liveChecksMarkdown, liveChecksScript } from '../../src/doctor/index.ts';
import { run } from '../cli/harness.ts';

const DOCS = join(import.meta.dirname, '../../docs');

/** The rows of every table below a heading with “Unverified on AWS”. */
function tableRows(): readonly string[] {
  return readdirSync(DOCS)
    .filter((name) => name.endsWith('.md'))
    .flatMap((page) => {
      const sections = readFileSync(join(DOCS, page), 'utf8').split(/^(?=#+ )/m);
      return sections
        .filter((section) => /^#+ .*unverified on aws/i.test(section))
        .flatMap((section) => section.split('\n').filter((line) => line.startsWith('| ')))
        .filter((line) => !line.startsWith('| what |'))
        .map((line) => `${page} ${line}`);
    });
}

describe('the list of what only a real account can show', () => {
  it('is the tables of docs/, both ways, word for word', () => {
    const listed = LIVE_CHECKS.map(({ page, claim, otherwise }) => `${page} | ${claim} | ${otherwise} |`);
    expect(listed.length).toBeGreaterThan(15);
    expect([...listed].sort()).toEqual([...tableRows()].sort());
    expect(new Set(LIVE_CHECKS.map(({ id }) => id)).size).toBe(LIVE_CHECKS.length);
  });

  it('only reads, as a script, whatever is not uncommented', () => {
    const script = liveChecksScript(LIVE_CHECKS);
    expect(spawnSync('sh', ['-n'], { input: script, encoding: 'utf8' })).toMatchObject({
      status: 0,
      stderr: '',
    });
    const commands = script.split('\n').filter((line) => /^(aws|proviso) /.test(line));
    expect(commands.length).toBeGreaterThan(20);
    for (const command of commands)
      expect(command).toMatch(/^(aws [a-z0-9-]+ (get|list|describe|lookup|filter)-|proviso doctor )/);
    const others = script
      .split('\n')
      .filter((line) => !/^(aws |proviso |#|echo '|set -u$|: "\$|$)/.test(line));
    expect(others).toEqual([]);
  });

  it('has a way to try each, and is printed both ways', async () => {
    for (const { id, read } of LIVE_CHECKS) expect(read.length, id).toBeGreaterThan(0);
    const markdown = await run(['doctor', '--live-checks']);
    expect(markdown).toMatchObject({ exitCode: 0, stdout: liveChecksMarkdown(LIVE_CHECKS) });
    const script = await run(['doctor', '--live-checks', 'sh']);
    expect(script).toMatchObject({ exitCode: 0, stdout: liveChecksScript(LIVE_CHECKS) });
  });
});
