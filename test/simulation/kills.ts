import { spawn } from 'node:child_process';
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ExceptionId, epochMs, formatInstant } from '../../src/core/index.ts';
import { approvalSubject, isActive, listExceptions } from '../../src/exceptions/index.ts';
import { BEGINS, DAY_MS, ENDS, HOUR_MS, LONG_AFTER, MINUTE_MS, requestText, Simulation } from './harness.ts';

/*
 * Real deaths: the command line in processes of its own, killed with SIGKILL while it works on the state directory, and then whoever comes
 * next goes on from what is on disk. After every death the embedded AWS is asked, and at the end everything must be closed and gone.
 */

const CLI = join(import.meta.dirname, '../../bin/proviso.js');
/** A command that hangs is a fault too. */
const LONGEST_MS = 120_000;

export interface Kills {
  lives: number;
  kills: number;
  commands: number;
  /** What was being done when the process died, and how often. */
  readonly during: Map<string, number>;
}

/** Numbers from 0 to 1, the same for the same seed (Mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Runs a command; kills it `afterMs` after it first wrote to the state. @returns its exit code, or `killed` */
async function command(
  directory: string,
  args: readonly string[],
  afterMs: number | undefined,
): Promise<number | 'killed'> {
  const child = spawn(process.execPath, [CLI, ...args, '--state', directory], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  const ended = new Promise<number | 'killed'>((resolve) => {
    child.once('exit', (code, signal) => resolve(signal === 'SIGKILL' ? 'killed' : (code ?? -1)));
  });
  let isOver = false;
  void ended.then(() => {
    isOver = true;
  });
  const startedAt = Date.now();
  const hasBegun = (): boolean => {
    try {
      return statSync(join(directory, 'state.sqlite-wal')).size > 0;
    } catch {
      return false;
    }
  };
  if (afterMs !== undefined) {
    while (!isOver && !hasBegun() && Date.now() - startedAt < LONGEST_MS) await sleep(2);
    await Promise.race([ended, sleep(afterMs)]);
    if (!isOver) child.kill('SIGKILL');
  }
  const limit = setTimeout(() => child.kill('SIGABRT'), LONGEST_MS);
  const code = await ended;
  clearTimeout(limit);
  if (code !== 'killed' && code !== 0)
    throw new Error(`\`proviso ${args.join(' ')}\` ended with ${code}: ${said}`);
  return code;
}

/** What holds at every moment, whoever died when. */
async function check(s: Simulation, at: string): Promise<void> {
  const broken = (what: string): never => {
    throw new Error(`after ${at}: ${what}\n${s.says().slice(-15).join('\n')}`);
  };
  const exceptions = await listExceptions(s.state.services.store);
  if (exceptions.length > 1) broken('one request became several exceptions');
  const [stored] = exceptions;
  if (stored === undefined) {
    if (s.isOn()) broken('content storage is on without an exception');
    return;
  }
  const { id, decisions, request } = stored.value;
  if (new Set(decisions.map(({ principalId }) => principalId)).size !== decisions.length)
    broken('somebody counts twice');
  if (request.endsAt !== ENDS) broken('the end moved');
  if (s.events('enable.intended').length > 1) broken('it was enabled twice');
  if (!s.isOn()) return;
  const lease = await s.lease(id);
  if (lease.enabling === undefined) broken('content storage is on without the intent in its lease');
  // While nobody runs, nobody switches off; the clock of a simulation stands still then.
  if (!isActive(lease, s.now()) && s.now() > lease.expiresAt + MINUTE_MS)
    broken('content storage is on after the end');
}

async function found(s: Simulation): Promise<ExceptionId | undefined> {
  return (await listExceptions(s.state.services.store))[0]?.value.id;
}

/** One life of an exception through the command line, killed as often as the dice say, at most `most` times. */
async function life(random: () => number, most: number, kills: Kills): Promise<void> {
  const s = await Simulation.create();
  const { directory } = s;
  const file = join(directory, '..', 'request.yaml');
  writeFileSync(file, requestText());
  let left = most;
  /** Runs `args` until `isDone` says so, in processes that may die; looks at the disk after each of them. */
  const see = async (name: string, args: () => Promise<readonly string[] | undefined>): Promise<void> => {
    for (;;) {
      const wanted = await args();
      if (wanted === undefined) return;
      s.shut();
      // Killed in three of four tries, so that what is killed is also done in the end.
      const afterMs = left > 0 && random() < 0.75 ? random() * random() * 400 : undefined;
      kills.commands += 1;
      const outcome = await command(directory, wanted, afterMs);
      s.reopen();
      if (outcome === 'killed') {
        left -= 1;
        kills.kills += 1;
        kills.during.set(name, (kills.during.get(name) ?? 0) + 1);
        // Whoever opens it first fires what is due, as every command does.
        await s.pump();
      }
      await check(s, `${name} (${outcome})`);
    }
  };
  try {
    await see('request', async () =>
      (await found(s)) === undefined ? ['exception', 'request', file, '--as', 'sam'] : undefined,
    );
    const id = await found(s);
    if (id === undefined) throw new Error('the request is gone');
    for (const [who, role] of [
      ['lena', 'legal'],
      ['priya', 'security'],
      ['omar', 'executive'],
    ] as const)
      await see(`approve ${role}`, async () => {
        const record = await s.record(id);
        if (record.decisions.some(({ principalId }) => principalId === who)) return undefined;
        const { hash } = await s.state.services.policyInForce.current();
        const subject = approvalSubject(record, hash) ?? '';
        return ['exception', 'approve', id, '--as', who, '--role', role, '--hash', subject];
      });
    for (const [name, to] of [
      ['before the start', BEGINS - MINUTE_MS],
      ['the start', BEGINS + 10 * MINUTE_MS],
      ['the lease', ENDS - MINUTE_MS],
      ['the end', ENDS + 10 * MINUTE_MS],
      ['the purge', ENDS + 3 * HOUR_MS],
      ['the proof', LONG_AFTER + DAY_MS],
    ] as const)
      await see(name, async () =>
        s.now() < to ? ['clock', 'advance', '--to', formatInstant(epochMs(to))] : undefined,
      );
    const record = await s.record(id);
    if (record.state !== 'closed')
      throw new Error(`it is ${record.state}\n${s.says().slice(-15).join('\n')}`);
    if (s.isOn() || s.contentOf(id) > 0) throw new Error('something is left');
    const seqs = s.events().map(({ seq }) => seq);
    if (seqs.some((seq, index) => seq !== index + 1)) throw new Error('an event is missing');
    kills.lives += 1;
  } finally {
    s.close();
  }
}

/** Plays lives until `wanted` processes have been killed. @throws Error that names the life's own seed */
export async function playKills(wanted: number, seed: number, say: (kills: Kills) => void): Promise<Kills> {
  const kills: Kills = { lives: 0, kills: 0, commands: 0, during: new Map() };
  for (let own = seed; kills.kills < wanted; own++) {
    try {
      await life(seeded(own), Math.min(10, wanted - kills.kills), kills);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new Error(`a life with seed ${own}: ${why}`, { cause: error });
    }
    say(kills);
  }
  return kills;
}
