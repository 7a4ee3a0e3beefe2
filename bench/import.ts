import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleHandlers } from '../scripts/bundle.ts';
import { type Measurement, measure, type Suite } from './measure.ts';

/*
 * What a cold start of a packaged function costs before its first event: importing its bundle in a fresh process, composed as in Lambda up
 * to its configuration, which is missing here. In milliseconds of processor time, beside a module with nothing in it.
 */

const IMPORT = `
const before = process.cpuUsage();
await import(process.argv[1]);
const { user, system } = process.cpuUsage(before);
process.stdout.write(String((user + system) / 1000));
process.exit(0);`;

function importIn(file: string): number {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--input-type=module', '-e', IMPORT, file],
    { encoding: 'utf8', env: { PATH: process.env['PATH'], AWS_LAMBDA_FUNCTION_NAME: 'measured' } },
  );
  if (status !== 0) throw new Error(stderr);
  return Number(stdout);
}

async function run(): Promise<readonly Measurement[]> {
  const folder = mkdtempSync(join(tmpdir(), 'proviso-import-'));
  try {
    const nothing = join(folder, 'nothing.mjs');
    writeFileSync(nothing, 'export {};\n');
    const of = (name: string, file: string) => measure(name, 'ms', 5, async () => importIn(file));
    const measured = [await of('a module with nothing in it', nothing)];
    for (const { name, file } of await bundleHandlers(join(folder, 'functions')))
      measured.push(await of(name, file));
    return measured;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export const suite: Suite = { name: 'import', run };
