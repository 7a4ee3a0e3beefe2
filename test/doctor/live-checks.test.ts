import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LIVE_CHECKS, liveChecksMarkdown, liveChecksScript } from '../../src/doctor/index.ts';
import { run } from '../cli/harness.ts';

const ROOT = join(import.meta.dirname, '../..');
const DOCS = join(ROOT, 'docs');

/** The rows of every table below a heading with “Unverified”. */
function tableRows(): readonly string[] {
  return readdirSync(DOCS)
    .filter((name) => name.endsWith('.md'))
    .flatMap((page) => {
      const sections = readFileSync(join(DOCS, page), 'utf8').split(/^(?=#+ )/m);
      return sections
        .filter((section) => /^#+ unverified/i.test(section))
        .flatMap((section) => section.split('\n').filter((line) => line.startsWith('| ')))
        .filter((line) => !line.startsWith('| what |'))
        .map((line) => `${page} ${line}`);
    });
}

/** Where a remark can stand. */
const SEARCHED = [
  'docs',
  'src',
  'handlers',
  'scripts',
  'templates',
  'deploy',
  'policies',
  'workflows',
  'bench',
  'examples',
];
const FILES = [
  'README.md',
  'serverless.yml',
  'action.yml',
  ...SEARCHED.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && /\.(md|ts|js|json|ya?ml|sh)$/.test(entry.name))
      .map((entry) => relative(ROOT, join(entry.parentPath, entry.name))),
  ),
].filter((file) => !file.startsWith('src/doctor/'));

/** Lines that speak of remarks and are none, and texts that people see and that have no room for an id. */
const NO_REMARKS: readonly (readonly [string, RegExp, string?])[] = [
  ['README.md', /is marked|\*unverified\* in code and docs/],
  ['docs/deploy.md', /the rest is in "Unverified on AWS"|and every remark `\[unverified: …\]`/],
  ['docs/exceptions.md', /\(deploy\.md#unverified-on-aws\)/],
  ['docs/operations.md', /every remark `\[unverified: …\]`/],
  ['docs/status.md', /remarks? `\[unverified: …\]`/],
  ['src/rules/retaining-models.json', /\[unverified( on AWS)?\]/, 'retaining-models'],
];

const REMARK = /\[unverified: ([a-z0-9-]+)\]/g;

function remarks(): { readonly ids: ReadonlySet<string>; readonly without: readonly string[] } {
  const ids = new Set<string>();
  const without: string[] = [];
  for (const file of FILES) {
    const lines = readFileSync(join(ROOT, file), 'utf8').split('\n');
    for (const [index, line] of lines.entries()) {
      const named = [...line.matchAll(REMARK)].map(([, id = '']) => id);
      for (const id of named) ids.add(id);
      if (!/unverified/i.test(line) || named.length > 0 || /^#+ unverified/i.test(line)) continue;
      // A comment right above says it for a text that people see.
      if (/^\s*\/\/ \[unverified: [a-z0-9-]+\]$/.test(lines[index - 1] ?? '')) continue;
      const known = NO_REMARKS.find(([where, what]) => where === file && what.test(line));
      if (known?.[2] !== undefined) ids.add(known[2]);
      if (known === undefined) without.push(`${file}:${index + 1}: ${line.trim()}`);
    }
  }
  return { ids, without };
}

describe('the list of what only a real account can show', () => {
  it('has every row of the tables of docs/, word for word', () => {
    const listed = LIVE_CHECKS.map(({ page, claim, otherwise }) => `${page} | ${claim} | ${otherwise} |`);
    const rows = tableRows();
    expect(rows.length).toBeGreaterThan(35);
    expect(rows.filter((row) => !listed.includes(row))).toEqual([]);
    expect(new Set(LIVE_CHECKS.map(({ id }) => id)).size).toBe(LIVE_CHECKS.length);
  });

  it('is named by every remark in docs and code, and has nothing that stands nowhere', () => {
    const { ids, without } = remarks();
    expect(without).toEqual([]);
    const known = LIVE_CHECKS.map(({ id }) => id);
    expect([...ids].filter((id) => !known.includes(id))).toEqual([]);
    const rows = tableRows();
    const inTables = LIVE_CHECKS.filter(({ page, claim, otherwise }) =>
      rows.includes(`${page} | ${claim} | ${otherwise} |`),
    ).map(({ id }) => id);
    expect(known.filter((id) => !ids.has(id) && !inTables.includes(id))).toEqual([]);
    for (const { page } of LIVE_CHECKS) expect(existsSync(join(DOCS, page)), page).toBe(true);
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
      expect(command).toMatch(
        /^(aws [a-z0-9-]+ (get|list|describe|lookup|filter|simulate)-|proviso doctor )/,
      );
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
