import { fork } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Measurement, machine, type Suite } from './measure.ts';

/*
 * npm run bench [SUITE...]: every file here that exports a `suite`, or those named. Medians of repeated runs with their spread,
 * machine and versions recorded in bench/results.json. Each suite has a process of its own: what one has made the engine expect of a function
 * would slow down the next. Timings on shared machines are noisy: trust ratios within one run.
 */

const suiteIn = async (file: string): Promise<Suite | undefined> =>
  ((await import(pathToFileURL(join(import.meta.dirname, file)).href)) as { suite?: Suite }).suite;

function apart(file: string): Promise<readonly Measurement[]> {
  return new Promise((resolve, reject) => {
    const child = fork(import.meta.filename, [file]);
    let measured: readonly Measurement[] | undefined;
    child.on('message', (message) => {
      measured = message as readonly Measurement[];
    });
    child.on('close', () => {
      if (measured === undefined) reject(new Error(`${file} measured nothing`));
      else resolve(measured);
    });
  });
}

async function runAll(wanted: readonly string[]): Promise<void> {
  const notSuites = new Set(['run.ts', 'measure.ts']);
  const files = readdirSync(import.meta.dirname)
    .filter((name) => name.endsWith('.ts') && !notSuites.has(name))
    .sort();
  const results: Record<string, unknown> = {};
  for (const file of files) {
    const suite = await suiteIn(file);
    if (suite === undefined || (wanted.length > 0 && !wanted.includes(suite.name))) continue;
    process.stderr.write(`${suite.name} ...\n`);
    const measurements = await apart(file);
    results[suite.name] = measurements;
    for (const { name, median, min, max, unit, runs } of measurements)
      process.stdout.write(`${suite.name}: ${name}: ${median} ${unit} (${min} to ${max}, ${runs} runs)\n`);
  }
  if (wanted.length > 0) return;
  const report = { measuredOn: machine(), results };
  writeFileSync(join(import.meta.dirname, 'results.json'), `${JSON.stringify(report, undefined, 2)}\n`);
}

if (process.send === undefined) await runAll(process.argv.slice(2));
else {
  process.send(await (await suiteIn(process.argv[2] ?? ''))?.run());
  process.disconnect();
}
