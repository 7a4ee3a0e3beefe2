import { spawn } from 'node:child_process';
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ExceptionId, epochMs, formatInstant, region } from '../../src/core/index.ts';
import type { Pair } from '../../src/enforcement/index.ts';
import {
  approvalSubject,
  isActive,
  isHeld,
  isSamePlace,
  listExceptions,
} from '../../src/exceptions/index.ts';
import { Held } from './captured.ts';
import {
  BEGINS,
  DAY_MS,
  ENDS,
  HOUR_MS,
  INCIDENT,
  LONG_AFTER,
  MINUTE_MS,
  OTHER,
  PAIR,
  policyText,
  requestText,
  Simulation,
  VAULT_KEY,
  VIRGINIA,
} from './harness.ts';

/*
 * Real deaths: the command line in processes of its own, killed with SIGKILL while it works on the state directory, and then whoever comes
 * next goes on from what is on disk. After every death the embedded AWS is asked, and at the end everything must be closed and gone.
 */

const CLI = join(import.meta.dirname, '../../bin/proviso.js');
/** A command that hangs is a fault too. */
const LONGEST_MS = 120_000;
const PAIRS: readonly Pair[] = [
  PAIR,
  { accountId: OTHER, region: VIRGINIA },
  { accountId: INCIDENT, region: region('eu-west-1') },
];
const STRANGERS = 'CANARY-of-a-stranger';

/** What a life is of. */
interface Kind {
  /** Accounts and Regions, 1 to 3. */
  readonly places: number;
  readonly isFiltered: boolean;
  /** When Legal puts it on hold, with a vault in each place or without any. */
  readonly hold: 'never' | 'while it is on' | 'when it is off';
  readonly hasVaults: boolean;
}

const kindOf = (random: () => number): Kind => ({
  places: ([1, 1, 2, 3] as const)[Math.floor(random() * 4)] ?? 1,
  isFiltered: random() < 1 / 3,
  hold: (['never', 'while it is on', 'when it is off'] as const)[Math.floor(random() * 3)] ?? 'never',
  hasVaults: random() < 2 / 3,
});

const textOf = ({ places, isFiltered, hold, hasVaults }: Kind): string =>
  [
    `${places} ${places === 1 ? 'place' : 'places'}`,
    ...(isFiltered ? ['filtered'] : []),
    ...(hold === 'never' ? [] : [`held ${hasVaults ? 'with vaults' : 'without a vault'}`]),
  ].join(', ');

export interface Kills {
  lives: number;
  kills: number;
  commands: number;
  /** What was being done when the process died, and how often. */
  readonly during: Map<string, number>;
  /** What the lives were of. */
  readonly kinds: Map<string, number>;
  /** Hears each command with what became of it, and what each life is of. */
  readonly transcript?: (line: string) => void;
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
async function check(s: Simulation, kind: Kind, held: Held, at: string): Promise<void> {
  const broken = (what: string): never => {
    throw new Error(`after ${at}: ${what}\n${s.says().slice(-15).join('\n')}`);
  };
  const exceptions = await listExceptions(s.state.services.store);
  if (exceptions.length > 1) broken('one request became several exceptions');
  const [stored] = exceptions;
  if (stored === undefined) {
    if (PAIRS.some((pair) => s.isOn(pair))) broken('content storage is on without an exception');
    return;
  }
  const { id, decisions, request } = stored.value;
  if (new Set(decisions.map(({ principalId }) => principalId)).size !== decisions.length)
    broken('somebody counts twice');
  if (request.endsAt !== ENDS) broken('the end moved');
  if (s.events('enable.intended').length > kind.places) broken('it was enabled twice');
  const lost = isHeld(stored.value) ? held.look(s, stored.value) : undefined;
  if (lost !== undefined) broken(lost);
  if (kind.isFiltered && s.isInVault(STRANGERS)) broken('a record of a stranger was kept');
  for (const pair of PAIRS.filter((each) => s.isOn(each))) {
    const lease = (await s.leases(id)).find((each) => isSamePlace(each, pair))?.lease;
    if (lease?.enabling === undefined) return broken('content storage is on without the intent in its lease');
    // While nobody runs, nobody switches off; the clock of a simulation stands still then.
    if (!isActive(lease, s.now()) && s.now() > lease.expiresAt + MINUTE_MS)
      broken('content storage is on after the end');
  }
}

async function found(s: Simulation): Promise<ExceptionId | undefined> {
  return (await listExceptions(s.state.services.store))[0]?.value.id;
}

/** A bucket and a key for one of the further places. */
function makeDestination(s: Simulation, { accountId, region: code }: Pair, index: number) {
  const bucket = `example-further-content-${index}`;
  const key = `arn:aws:kms:${code}:${accountId}:key/0f0f0f0f-1111-2222-3333-00000000000${index}`;
  const facts = { isVersioned: true, hasObjectLock: false, kmsKeyArn: key };
  s.state.aws.storage.createBucket({ accountId, region: code }, bucket, facts);
  return { account: accountId, region: code, bucket, key };
}

/** Legal's command, until the hold stands. */
async function holding(
  s: Simulation,
  id: ExceptionId,
  { places, hasVaults }: Kind,
): Promise<readonly string[] | undefined> {
  if (isHeld(await s.record(id))) return undefined;
  const vaults = PAIRS.slice(0, hasVaults ? places : 0).map((pair, index) =>
    s.makeVault(pair, `proviso-hold-${index}`),
  );
  return [
    ...['exception', 'hold', id, '--as', 'lena', '--reference', 'LIT-1', '--reason', 'a court asks'],
    ...(hasVaults
      ? ['--vault', ...vaults.map((name) => `${name}/legal/`), '--vault-key', ...vaults.map(() => VAULT_KEY)]
      : []),
  ];
}

const quoted = (word: string): string => (/^[\w./:=-]+$/.test(word) ? word : `'${word}'`);

/** One life of an exception through the command line, killed as often as the dice say, at most `most` times. */
async function life(random: () => number, most: number, kills: Kills): Promise<void> {
  const kind = kindOf(random);
  const { isFiltered } = kind;
  const pairs = PAIRS.slice(0, kind.places);
  const policy = isFiltered
    ? policyText(['topologies: [dedicated]', 'topologies: [dedicated, filter-and-purge]'])
    : policyText();
  const s = await Simulation.create({ policy });
  const { directory } = s;
  const policyFile = join(directory, '..', 'policy.yaml');
  writeFileSync(policyFile, policy);
  const file = join(directory, '..', 'request.yaml');
  const also = pairs.slice(1).map((pair, index) => makeDestination(s, pair, index));
  writeFileSync(file, requestText({ also, ...(isFiltered ? { topology: 'filter-and-purge' } : {}) }));
  const held = new Held();
  kills.transcript?.(`an exception of ${textOf(kind)}`);
  let left = most;
  /** Runs `args` until `isDone` says so, in processes that may die; looks at the disk after each of them. */
  const see = async (name: string, args: () => Promise<readonly string[] | undefined>): Promise<void> => {
    for (let killed = 0; ; ) {
      const wanted = await args();
      if (wanted === undefined) return;
      s.shut();
      // At most twice in one step, so that every step of a life has its deaths, and is also done in the end.
      const isKilled = left > 0 && killed < 2 && random() < 0.85;
      const afterMs = isKilled ? random() * random() * 400 : undefined;
      kills.commands += 1;
      kills.transcript?.(`$ proviso ${wanted.map(quoted).join(' ')}`);
      const outcome = await command(directory, wanted, afterMs);
      s.reopen();
      if (outcome === 'killed') {
        left -= 1;
        killed += 1;
        kills.kills += 1;
        kills.during.set(name, (kills.during.get(name) ?? 0) + 1);
        kills.transcript?.(`  killed with SIGKILL, ${Math.round(afterMs ?? 0)} ms after its first write`);
        // Whoever opens it first fires what is due, as every command does.
        await s.pump();
      }
      await check(s, kind, held, `${name} (${outcome})`);
    }
  };
  try {
    await see('request', async () =>
      (await found(s)) === undefined
        ? ['exception', 'request', file, '--policy', policyFile, '--as', 'sam']
        : undefined,
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
    const reach = (name: string, to: number) =>
      see(name, async () =>
        s.now() < to ? ['clock', 'advance', '--to', formatInstant(epochMs(to))] : undefined,
      );
    await reach('before the start', BEGINS - MINUTE_MS);
    await reach('the start', BEGINS + 10 * MINUTE_MS);
    for (const pair of pairs) {
      if (!(await s.invoke(undefined, undefined, pair))) throw new Error('it is not on');
      if (isFiltered)
        await s.invoke(STRANGERS, `arn:aws:sts::${pair.accountId}:assumed-role/Other/eve`, pair);
    }
    if (kind.hold === 'while it is on') await see('the hold', () => holding(s, id, kind));
    await reach('the lease', ENDS - MINUTE_MS);
    await reach('the end', ENDS + 10 * MINUTE_MS);
    if (kind.hold === 'when it is off') await see('the hold', () => holding(s, id, kind));
    await reach('the purge', ENDS + 3 * HOUR_MS);
    if (kind.hold !== 'never') {
      await reach('what waits under the hold', ENDS + 2 * DAY_MS);
      if (held.size < kind.places) throw new Error(`${held.size} were ever seen under the hold`);
      await see('the release', async () =>
        isHeld(await s.record(id))
          ? ['exception', 'release', id, '--as', 'lena', '--reason', 'settled']
          : undefined,
      );
    }
    await reach('the proof', LONG_AFTER + 3 * DAY_MS);
    const record = await s.record(id);
    if (record.state !== 'closed')
      throw new Error(`it is ${record.state}\n${s.says().slice(-15).join('\n')}`);
    if (PAIRS.some((pair) => s.isOn(pair)) || s.contentOf(id) > 0) throw new Error('something is left');
    const seqs = s.events().map(({ seq }) => seq);
    if (seqs.some((seq, index) => seq !== index + 1)) throw new Error('an event is missing');
    kills.transcript?.(
      `  ${id} is ${record.state}: off, and nothing of it is left; ${s.events().length} events, none missing`,
    );
    kills.lives += 1;
    kills.kinds.set(textOf(kind), (kills.kinds.get(textOf(kind)) ?? 0) + 1);
  } finally {
    s.close();
  }
}

/** Plays lives until `wanted` processes have been killed. @throws Error that names the life's own seed */
export async function playKills(
  wanted: number,
  seed: number,
  say: (kills: Kills) => void,
  transcript?: (line: string) => void,
): Promise<Kills> {
  const kills: Kills = {
    lives: 0,
    kills: 0,
    commands: 0,
    during: new Map(),
    kinds: new Map(),
    ...(transcript && { transcript }),
  };
  for (let own = seed; kills.kills < wanted; own++) {
    try {
      await life(seeded(own), Math.min(20, wanted - kills.kills), kills);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new Error(`a life with seed ${own}: ${why}`, { cause: error });
    }
    say(kills);
  }
  return kills;
}
