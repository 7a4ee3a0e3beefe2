import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MUTANTS, type Mutant } from './mutant-list.ts';

/*
 * npm run soak -- --mutants [--only NAME] [--write]: every deliberate fault of mutant-list.ts is put into a copy of the tree, and
 * the tests named beside it run there. One that no test notices is a gap of the tests.
 */

const ROOT = join(import.meta.dirname, '..');
const PAGE = join(ROOT, 'docs/soak.md');
const COPIED = [
  'bin',
  'deploy',
  'docs',
  'examples',
  'handlers',
  'policies',
  'scripts',
  'serverless.yml',
  'src',
  'templates',
  'test',
  'workflows',
  'package.json',
  'tsconfig.json',
  'vitest.config.ts',
];
/** A mutant that makes a loop endless is caught by this. */
const TIMEOUT_MS = 180_000;

interface Verdict {
  readonly mutant: Mutant;
  /** The first test that failed; absent when none did. */
  readonly caughtBy?: string;
  readonly seconds: number;
}

interface Report {
  readonly numTotalTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly message?: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

/** @returns the first failed test; `undefined` when all passed. @throws Error when not a single test ran */
function failedTest(tree: string, files: readonly string[]): string | undefined {
  const output = join(tree, 'vitest-report.json');
  rmSync(output, { force: true });
  const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
  const run = spawnSync(
    process.execPath,
    [vitest, 'run', '--bail', '1', '--reporter', 'json', '--outputFile', output, ...files],
    { cwd: tree, timeout: TIMEOUT_MS, killSignal: 'SIGKILL', encoding: 'utf8' },
  );
  if (run.signal !== null) return `no end within ${TIMEOUT_MS / 1000} s`;
  if (!existsSync(output)) throw new Error(`the tests did not run:\n${run.stdout}\n${run.stderr}`);
  const report = JSON.parse(readFileSync(output, 'utf8')) as Report;
  for (const { name, message, assertionResults } of report.testResults) {
    const file = name.slice(name.indexOf('/test/') + 1);
    const failed = assertionResults.find(({ status }) => status === 'failed');
    if (failed) return `${file}: ${failed.fullName}`;
    if (assertionResults.length === 0 && message) return `${file}: ${message.split('\n')[0]}`;
  }
  if (report.numTotalTests === 0) throw new Error(`no test ran in ${files.join(', ')}`);
  return undefined;
}

/**
 * The changed files by their paths.
 * @throws Error when a text no longer stands exactly once in its file: the mutant must then be written anew
 */
function mutated(root: string, mutant: Mutant): ReadonlyMap<string, string> {
  const changed = new Map<string, string>();
  for (const { file, from, to } of mutant.edits) {
    const parts = (changed.get(file) ?? readFileSync(join(root, file), 'utf8')).split(from);
    if (parts.length !== 2)
      throw new Error(`\`${mutant.name}\`: its text stands ${parts.length - 1} times in ${file}, not once`);
    changed.set(file, parts.join(to));
  }
  return changed;
}

function copyOfTree(): string {
  const tree = mkdtempSync(join(tmpdir(), 'proviso-mutants-'));
  for (const name of COPIED) cpSync(join(ROOT, name), join(tree, name), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(tree, 'node_modules'), 'dir');
  return tree;
}

export interface MutantOptions {
  /** Only mutants whose name contains this. */
  readonly only?: string | undefined;
  /** Put the table into docs/soak.md. */
  readonly write: boolean;
}

/** @returns the exit code: 1 when a mutant survived */
export function runMutants({ only = '', write }: MutantOptions): number {
  const chosen = MUTANTS.filter(({ name }) => name.includes(only));
  if (chosen.length === 0) throw new RangeError(`no mutant is named like \`${only}\``);
  const tree = copyOfTree();
  try {
    for (const mutant of MUTANTS) mutated(tree, mutant);
    const files = [...new Set(chosen.flatMap(({ tests }) => tests))];
    process.stderr.write(`without any fault: ${files.length} test files\n`);
    // One after another: at once they would be slower than the time that each of them has.
    for (const file of files) {
      const broken = failedTest(tree, [file]);
      if (broken !== undefined)
        throw new Error(`the tests fail without a mutant, so they prove nothing: ${broken}`);
    }
    const verdicts: Verdict[] = [];
    for (const mutant of chosen) {
      const verdict = judge(tree, mutant);
      verdicts.push(verdict);
      const what = verdict.caughtBy ?? 'SURVIVED';
      process.stderr.write(
        `${verdicts.length} of ${chosen.length}: ${mutant.name} (${verdict.seconds} s): ${what}\n`,
      );
    }
    process.stdout.write(table(verdicts));
    const survivors = verdicts.filter(({ caughtBy }) => caughtBy === undefined);
    process.stdout.write(`${verdicts.length - survivors.length} of ${verdicts.length} mutants caught\n`);
    if (write && only === '') writePage(verdicts);
    return survivors.length > 0 ? 1 : 0;
  } finally {
    rmSync(tree, { recursive: true, force: true });
  }
}

function judge(tree: string, mutant: Mutant): Verdict {
  const changed = mutated(tree, mutant);
  const before = new Map([...changed.keys()].map((file) => [file, readFileSync(join(tree, file), 'utf8')]));
  const put = (files: ReadonlyMap<string, string>) => {
    for (const [file, text] of files) writeFileSync(join(tree, file), text);
  };
  const startedAt = Date.now();
  put(changed);
  try {
    const caughtBy = failedTest(tree, mutant.tests);
    const seconds = Math.round((Date.now() - startedAt) / 1000);
    return { mutant, seconds, ...(caughtBy === undefined ? {} : { caughtBy }) };
  } finally {
    put(before);
  }
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

const table = (verdicts: readonly Verdict[]): string =>
  [
    '| mutant | what it breaks | caught by | s |',
    '|---|---|---|---|',
    ...verdicts.map(
      ({ mutant, caughtBy, seconds }) =>
        `| ${[mutant.name, mutant.breaks, caughtBy ?? '**survived**', String(seconds)].map(cell).join(' | ')} |`,
    ),
    '',
  ].join('\n');

const BEGIN = '<!-- mutants: written by `npm run soak -- --mutants --write` -->';
const END = '<!-- end of mutants -->';

function writePage(verdicts: readonly Verdict[]): void {
  const page = readFileSync(PAGE, 'utf8');
  const [from, to] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (from < 0 || to < from)
    throw new Error('docs/soak.md has lost the marks between which the table stands');
  const text = `${page.slice(0, from)}${BEGIN}\n\n${table(verdicts)}\n${page.slice(to)}`;
  writeFileSync(PAGE, text);
}
