import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { machine, type Suite } from './measure.ts';

/*
 * npm run bench [SUITE...]: every file here that exports a `suite`, or those named. Medians of repeated runs with their spread,
 * machine and versions recorded in bench/results.json. Timings on shared machines are noisy: trust ratios within one run.
 */

const wanted = process.argv.slice(2);
const notSuites = new Set(['run.ts', 'measure.ts']);
const files = readdirSync(import.meta.dirname)
  .filter((name) => name.endsWith('.ts') && !notSuites.has(name))
  .sort();
const results: Record<string, unknown> = {};
for (const file of files) {
  const { suite } = (await import(pathToFileURL(join(import.meta.dirname, file)).href)) as { suite?: Suite };
  if (suite === undefined || (wanted.length > 0 && !wanted.includes(suite.name))) continue;
  process.stderr.write(`${suite.name} ...\n`);
  const measurements = await suite.run();
  results[suite.name] = measurements;
  for (const { name, median, min, max, unit, runs } of measurements) {
    process.stdout.write(`${suite.name}: ${name}: ${median} ${unit} (${min} to ${max}, ${runs} runs)\n`);
  }
}
if (wanted.length === 0) {
  const report = { measuredOn: machine(), results };
  writeFileSync(join(import.meta.dirname, 'results.json'), `${JSON.stringify(report, undefined, 2)}\n`);
}
