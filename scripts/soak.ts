import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import fc from 'fast-check';
import {
  BrokenInvariant,
  historyArb,
  nothingSeen,
  playHistory,
  type Seen,
} from '../test/simulation/histories.ts';
import { playKills } from '../test/simulation/kills.ts';
import { runMutants } from './mutants.ts';

/*
 * npm run soak -- --schedules N --seed S [--minutes M] [--workers W]: plays random histories of the whole exception path on the
 * virtual clock (docs/soak.md), on as many threads as there are processors. Schedule n has the seed S + n - 1, so a run goes on where
 * another stopped, and one schedule is played again by `--seed` alone. --kills N [--transcript]: real processes killed instead. Exit: 0 every invariant held, 1 one was broken (or a mutant survived), 2 malformed options.
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

/** How many schedules a worker plays before it asks for more. */
const BLOCK = 20;
const SAID_EVERY_MS = 5000;

/** What a worker is asked: the first seed of a block, and how many. */
interface Block {
  readonly from: number;
  readonly schedules: number;
}

/** What it answers. Errors lose their class between threads, so what broke is told in words. */
interface Played {
  readonly block: Block;
  readonly seen: Seen;
  readonly failure?: { readonly seed: number; readonly shortest: string; readonly what: string };
}

async function playBlock(block: Block): Promise<Played> {
  const seen = nothingSeen();
  for (let seed = block.from; seed < block.from + block.schedules; seed++) {
    const failure = await playSeed(seed, seen);
    if (failure === undefined) continue;
    const { error, shortest } = failure;
    const what =
      error instanceof BrokenInvariant ? error.message : String(error instanceof Error ? error.stack : error);
    return { block, seen, failure: { seed, shortest, what } };
  }
  return { block, seen };
}

function addSeen(to: Seen, { events, ...counts }: Seen): void {
  for (const [name, n] of Object.entries(counts)) to[name as keyof typeof counts] += n;
  for (const [type, n] of events) to.events.set(type, (to.events.get(type) ?? 0) + n);
}

interface Run {
  readonly schedules: number;
  readonly seed: number;
  readonly minutes?: number | undefined;
  readonly workers: number;
}

/** The blocks of a run, handed out in order; what has come back is known by seeds, so that a run can go on from there. */
class Blocks {
  readonly seen = nothingSeen();
  failure: Played['failure'];
  readonly #run: Run;
  readonly #open = new Set<number>();
  #next: number;
  constructor(run: Run) {
    this.#run = run;
    this.#next = run.seed;
  }
  /** All seeds below were played. */
  get next(): number {
    return Math.min(this.#next, ...this.#open);
  }
  take(): Block | undefined {
    const left = this.#run.seed + this.#run.schedules - this.#next;
    if (left <= 0 || this.failure !== undefined) return undefined;
    const block = { from: this.#next, schedules: Math.min(BLOCK, left) };
    this.#next += block.schedules;
    this.#open.add(block.from);
    return block;
  }
  done({ block, seen, failure }: Played): void {
    addSeen(this.seen, seen);
    // Of two that broke, the one with the lower seed is told.
    if (failure !== undefined && failure.seed < (this.failure?.seed ?? Number.POSITIVE_INFINITY))
      this.failure = failure;
    if (failure === undefined) this.#open.delete(block.from);
  }
}

async function soak(run: Run): Promise<number> {
  const blocks = new Blocks(run);
  const startedAt = Date.now();
  const until = run.minutes === undefined ? Number.POSITIVE_INFINITY : startedAt + run.minutes * 60_000;
  let isInterrupted = false;
  process.once('SIGINT', () => {
    isInterrupted = true;
    process.stderr.write('\nending after the schedules at hand; interrupt again to stop at once\n');
  });
  let saidAt = startedAt;
  const say = (): void => {
    if (Date.now() - saidAt < SAID_EVERY_MS) return;
    saidAt = Date.now();
    const { schedules } = blocks.seen;
    const rate = (schedules * 1000) / (saidAt - startedAt);
    const left =
      rate > 0 ? `${Math.ceil((run.schedules - schedules) / rate / 60)} minutes left` : 'no rate yet';
    process.stderr.write(
      `${schedules} of ${run.schedules} schedules, ${rate.toFixed(1)} a second, ${left}; all below seed ${blocks.next} were played\n`,
    );
  };
  const work = async (play: (block: Block) => Promise<Played>): Promise<void> => {
    for (let block = blocks.take(); block !== undefined; block = blocks.take()) {
      blocks.done(await play(block));
      say();
      if (isInterrupted || Date.now() >= until) return;
    }
  };
  const threads = Array.from(
    { length: run.workers === 1 ? 0 : run.workers },
    () => new Worker(new URL(import.meta.url), { stderr: false }),
  );
  try {
    if (threads.length === 0) await work(playBlock);
    else await Promise.all(threads.map((thread) => work((block) => ask(thread, block))));
  } finally {
    // Each removes what it prepared and ends by itself.
    for (const thread of threads) thread.postMessage('end');
  }
  const { seen, failure, next } = blocks;
  const seconds = (Date.now() - startedAt) / 1000;
  process.stdout.write(summary(seen, run.seed, seconds));
  if (failure === undefined) {
    if (next < run.seed + run.schedules) process.stdout.write(`continue with --seed ${next}\n`);
    return 0;
  }
  const { seed, shortest, what } = failure;
  process.stdout.write(
    `\nbroken by seed ${seed}\n${what}\n\nthe shortest schedule that shows it:\n${shortest}\n`,
  );
  process.stdout.write(`play it again: npm run soak -- --schedules 1 --seed ${seed}\n`);
  return 1;
}

function ask(thread: Worker, block: Block): Promise<Played> {
  return new Promise((resolve, reject) => {
    const answered = (played: Played): void => {
      thread.off('error', reject);
      resolve(played);
    };
    thread.once('message', answered);
    thread.once('error', reject);
    thread.postMessage(block);
  });
}

function summary(seen: Seen, first: number, seconds: number): string {
  const rows = [...seen.events]
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([type, n]) => `  ${type}: ${n}\n`);
  return [
    `${seen.schedules} schedules held every invariant, from seed ${first} on, ${seconds.toFixed(0)} s\n`,
    `content storage put on in ${seen.on}, Puts of ours: ${seen.puts}; processes that died: ${seen.deaths}; `,
    `overdue alarms in ${seen.overdue}; contested: ${seen.contested}; closed: ${seen.closed}\n`,
    'events:\n',
    ...rows,
  ].join('');
}

async function soakKills(wanted: number, seed: number, transcript: boolean): Promise<number> {
  const startedAt = Date.now();
  try {
    const say = (so: { readonly kills: number; readonly lives: number }) =>
      void process.stderr.write(`${so.kills} of ${wanted} processes killed, ${so.lives} lives closed\n`);
    const write = (line: string) => void process.stdout.write(`${line}\n`);
    const played = await playKills(wanted, seed, say, transcript ? write : undefined);
    const { kills, lives, commands, during, kinds } = played;
    const rows = [
      ...[...during].map(([name, n]) => `  during ${name}: ${n}\n`),
      ...[...kinds].map(([name, n]) => `  lives of ${name}: ${n}\n`),
    ];
    const seconds = ((Date.now() - startedAt) / 1000).toFixed(0);
    process.stdout.write(
      `${kills} processes killed in ${commands} commands, ${lives} exceptions closed, ${seconds} s\n${rows.join('')}`,
    );
    return 0;
  } catch (error) {
    process.stdout.write(`broken: ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
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
      workers: { type: 'string', default: String(availableParallelism()) },
      mutants: { type: 'boolean', default: false },
      kills: { type: 'string' },
      transcript: { type: 'boolean', default: false },
      only: { type: 'string' },
      write: { type: 'boolean', default: false },
    },
  });
  if (values.mutants) return runMutants({ only: values.only, write: values.write });
  if (values.kills !== undefined)
    return soakKills(count('kills', values.kills, 1), count('seed', values.seed, 0), values.transcript);
  const minutes = values.minutes === undefined ? undefined : count('minutes', values.minutes, 1);
  const schedules = count('schedules', values.schedules, 1);
  const workers = Math.min(count('workers', values.workers, 1), Math.ceil(schedules / BLOCK));
  return soak({ schedules, seed: count('seed', values.seed, 0), minutes, workers });
}

if (isMainThread) {
  try {
    process.exitCode = await main();
  } catch (error) {
    const isMisuse = error instanceof RangeError || (error instanceof TypeError && 'code' in error);
    if (!isMisuse) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 2;
  }
} else {
  // An interrupt is the main thread's to answer; the block at hand is played to its end.
  parentPort?.on('message', (block: Block | 'end') => {
    if (block === 'end') return parentPort?.close();
    // A block that fails ends the worker, which the main thread hears of.
    void playBlock(block).then((played) => parentPort?.postMessage(played));
  });
}
