import { parseArgs } from 'node:util';
import fc from 'fast-check';
import {
  BrokenInvariant,
  historyArb,
  nothingSeen,
  playHistory,
  type Seen,
} from '../test/simulation/histories.ts';
import { runMutants } from './mutants.ts';

/*
 * npm run soak -- --schedules N --seed S [--minutes M]: plays random histories of the whole exception path on the virtual clock
 * (docs/soak.md). Schedule n has the seed S + n - 1, so a run goes on where another stopped, and one schedule is played again by
 * `--seed` alone. Exit: 0 every invariant held, 1 one was broken (or a mutant survived), 2 malformed options.
 */

interface Failure {
  readonly seed: number;
  readonly shortest: string;
  readonly error: unknown;
}

/** Plays the schedule of `seed`; a broken one is shrunk to the shortest that still breaks. */
async function playSeed(seed: number, seen: Seen): Promise<Failure | undefined> {
  // Unbiased: a run of one would otherwise always be drawn like the first of a series, short and small.
  const run = { seed, numRuns: 1, unbiased: true, endOnFailure: false };
  const details = await fc.check(
    fc.asyncProperty(historyArb, (history) => playHistory(history, seen)),
    run,
  );
  if (!details.failed) return undefined;
  const shortest = JSON.stringify(details.counterexample?.[0], undefined, 2);
  return { seed, shortest, error: details.errorInstance };
}

const SAID_EVERY_MS = 5000;

async function soak(schedules: number, seed: number, minutes: number | undefined): Promise<number> {
  const seen = nothingSeen();
  const startedAt = Date.now();
  const until = minutes === undefined ? Number.POSITIVE_INFINITY : startedAt + minutes * 60_000;
  let isInterrupted = false;
  process.once('SIGINT', () => {
    isInterrupted = true;
    process.stderr.write('\nending after this schedule; interrupt again to stop at once\n');
  });
  let next = seed;
  let saidAt = startedAt;
  let failure: Failure | undefined;
  while (next < seed + schedules && failure === undefined && !isInterrupted && Date.now() < until) {
    failure = await playSeed(next, seen);
    next += 1;
    if (Date.now() - saidAt < SAID_EVERY_MS) continue;
    saidAt = Date.now();
    const rate = ((next - seed) * 1000) / (saidAt - startedAt);
    const left = Math.ceil((seed + schedules - next) / rate / 60);
    process.stderr.write(
      `${next - seed} of ${schedules} schedules, ${rate.toFixed(1)} a second, ${left} minutes left\n`,
    );
  }
  const seconds = (Date.now() - startedAt) / 1000;
  process.stdout.write(summary(seen, seed, next, seconds));
  if (failure === undefined) {
    if (next < seed + schedules) process.stdout.write(`continue with --seed ${next}\n`);
    return 0;
  }
  const { error } = failure;
  const what =
    error instanceof BrokenInvariant ? error.message : error instanceof Error ? error.stack : String(error);
  process.stdout.write(
    `\nbroken by seed ${failure.seed}\n${what}\n\nthe shortest schedule that shows it:\n${failure.shortest}\n`,
  );
  process.stdout.write(`play it again: npm run soak -- --schedules 1 --seed ${failure.seed}\n`);
  return 1;
}

function summary(seen: Seen, first: number, next: number, seconds: number): string {
  const rows = [...seen.events]
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([type, n]) => `  ${type}: ${n}\n`);
  return [
    `${seen.schedules} schedules held every invariant, seeds ${first} to ${next - 1}, ${seconds.toFixed(0)} s\n`,
    `content storage put on in ${seen.on}, Puts of ours: ${seen.puts}; processes that died: ${seen.deaths}; `,
    `overdue alarms in ${seen.overdue}; contested: ${seen.contested}; closed: ${seen.closed}\n`,
    'events:\n',
    ...rows,
  ].join('');
}

function count(name: string, text: string, least: number): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isSafeInteger(value) && value >= least && value <= 2 ** 31 - 1)
    return value;
  throw new RangeError(`\`--${name} ${text}\` is not a whole number from ${least} to 2147483647`);
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      schedules: { type: 'string', default: '1000' },
      seed: { type: 'string', default: '1' },
      minutes: { type: 'string' },
      mutants: { type: 'boolean', default: false },
      only: { type: 'string' },
      write: { type: 'boolean', default: false },
    },
  });
  if (values.mutants) return runMutants({ only: values.only, write: values.write });
  const minutes = values.minutes === undefined ? undefined : count('minutes', values.minutes, 1);
  return soak(count('schedules', values.schedules, 1), count('seed', values.seed, 0), minutes);
}

try {
  process.exitCode = await main();
} catch (error) {
  const isMisuse = error instanceof RangeError || (error instanceof TypeError && 'code' in error);
  if (!isMisuse) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
}
