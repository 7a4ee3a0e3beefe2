import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openState } from '../../src/compose.ts';
import type { ExceptionId } from '../../src/core/index.ts';
import { listExceptions } from '../../src/exceptions/index.ts';
import {
  BEGINS,
  DAY_MS,
  ENDS,
  LONG_AFTER,
  MINUTE_MS,
  type Moment,
  type Simulation,
  simulate,
} from './harness.ts';

/*
 * INVARIANT (NOTHING_LOST): the process may die before and after every commit of the workflow runtime, every call of a function,
 * every write to the store, the record, the settings, the schedules and the destination. Whoever opens the directory next goes on.
 */

const APPROVERS = [
  ['lena', 'legal'],
  ['priya', 'security'],
  ['omar', 'executive'],
] as const;

/** A full exception as people at a command line would see it through: whoever finds a command cut short looks and goes on. */
async function playThrough(s: Simulation): Promise<ExceptionId> {
  const id = await s.surviving(async () => {
    const [known] = await listExceptions(s.state.services.store);
    if (known !== undefined) return known.value.id;
    return s.request();
  });
  for (const [who, role] of APPROVERS) {
    await s.surviving(async () => {
      const { decisions } = await s.record(id);
      if (decisions.every(({ principalId }) => principalId !== who)) await s.decide(id, who, role);
    });
  }
  await s.surviving(() => s.advanceTo(BEGINS - 1));
  // From here on whoever died goes on by the workflow and the dead man's switch alone.
  s.mute('sweep');
  await s.surviving(() => s.advanceTo(BEGINS + 10 * MINUTE_MS));
  if (s.isOn()) await s.invoke();
  await s.surviving(() => s.advanceTo(ENDS - 1));
  await s.surviving(() => s.advanceTo(ENDS + MINUTE_MS));
  await s.surviving(() => s.advanceTo(LONG_AFTER));
  return id;
}

/** Everything that must be found afterwards, wherever the process died. */
async function expectGoodEnd(s: Simulation, id: ExceptionId, at: string): Promise<void> {
  const record = await s.record(id);
  expect(record.state, `${at}\n${s.says().slice(-12).join('\n')}`).toBe('closed');
  expect(s.isOn(), at).toBe(false);
  expect(s.contentOf(id), at).toBe(0);
  expect(s.puts.length, at).toBeLessThanOrEqual(1);
  expect(s.wentOffAt() ?? 0, at).toBeLessThanOrEqual(ENDS + MINUTE_MS);
  expect(new Set(record.decisions.map(({ principalId }) => principalId)).size, at).toBe(3);
  expect(record.decisions, at).toHaveLength(3);
  expect(await listExceptions(s.state.services.store), at).toHaveLength(1);
  // A listing whose outcome was lost is done again.
  expect(record.emptyListings.length, at).toBeGreaterThanOrEqual(2);
  const listedFor = (record.emptyListings.at(-1)?.at ?? 0) - (record.emptyListings[0]?.at ?? 0);
  expect(listedFor, at).toBeGreaterThanOrEqual(DAY_MS);
}

describe('a process that dies', () => {
  test('at any single moment of a whole exception: the next one ends it the same way, and never enables twice', {
    timeout: 120_000,
  }, async () => {
    const moments: string[] = [];
    await simulate(async (s) => expectGoodEnd(s, await playThrough(s), 'undisturbed'), {
      crash: ({ when, what }) => {
        moments.push(`${when} ${what}`);
        return false;
      },
    });
    expect(moments.length).toBeGreaterThan(150);
    for (const [at, moment] of moments.entries()) {
      let index = 0;
      await simulate(
        async (s) => {
          const id = await playThrough(s);
          expect(s.deaths, moment).toBe(1);
          await expectGoodEnd(s, id, `died ${at}: ${moment}`);
        },
        { crash: () => index++ === at },
      );
    }
  });

  test('again and again, every time a few moments further on', { timeout: 60_000 }, async () => {
    for (const every of [23, 29, 37, 53]) {
      let index = 0;
      await simulate(
        async (s) => {
          const id = await playThrough(s);
          expect(s.deaths).toBeGreaterThanOrEqual(3);
          await expectGoodEnd(s, id, `died every ${every} moments`);
        },
        { crash: () => ++index % every === 0 },
      );
    }
  });

  test('between the intent to enable and the Put: the Put is not sent by the next process, which does not know', () =>
    simulate(
      async (s) => {
        const id = await playThrough(s);
        expect(s.puts).toEqual([]);
        expect((await s.lease(id)).enabling).toBeDefined();
        expect((await s.record(id)).state).toBe('closed');
      },
      { crash: once('after', 'recorder.record enable.intended') },
    ));

  test('C21: right after the Put: content storage is switched off by the next process, not taken over', () =>
    simulate(
      async (s) => {
        const id = await playThrough(s);
        expect(s.puts).toHaveLength(1);
        expect(s.events('exception.active')).toEqual([]);
        expect((await s.record(id)).state).toBe('closed');
      },
      { crash: once('after', 'settings.putInvocationLogging') },
    ));
});

/*
 * Known gap, kept visible: an event is recorded after the commit it tells of, so a death in between loses the event (never the
 * change). When commit and event become one write, this case passes and the `fails` goes.
 */
test('a process that dies between a decision and its event leaves the decision in the record of events', () =>
  simulate(
    async (s) => {
      await playThrough(s);
      expect(s.events('exception.decided')).toHaveLength(3);
    },
    { crash: once('before', 'recorder.record exception.decided') },
  ));

function once(when: Moment['when'], what: string): (moment: Moment) => boolean {
  let happened = false;
  return (moment) => {
    if (happened || moment.when !== when || moment.what !== what) return false;
    happened = true;
    return true;
  };
}

describe('kill -9', () => {
  test('in the middle of a lease: the lock goes with the process, and the next one ends the lease on time', () =>
    simulate(async (s) => {
      const id = await s.approved();
      s.shut();
      const child = spawn(
        process.execPath,
        [join(import.meta.dirname, 'killed-process.ts'), s.directory, String(BEGINS + 10 * MINUTE_MS)],
        {
          stdio: ['ignore', 'pipe', 'inherit'],
        },
      );
      const died = new Promise<NodeJS.Signals | null>((resolve) => {
        child.on('exit', (_code, signal) => resolve(signal));
      });
      await new Promise<void>((resolve, reject) => {
        child.stdout.on('data', (chunk: Buffer) => {
          if (chunk.toString().includes('in the lease')) resolve();
        });
        child.on('exit', (code) => reject(new Error(`the child ended with ${code}`)));
      });
      const busy = openState(s.directory);
      expect(busy).toMatchObject({ ok: false, error: { code: 'busy' } });
      child.kill('SIGKILL');
      expect(await died).toBe('SIGKILL');

      s.reopen();
      expect(s.now()).toBe(BEGINS + 10 * MINUTE_MS);
      expect(s.isOn()).toBe(true);
      expect((await s.record(id)).state).toBe('active');
      s.mute('sweep');
      await s.invoke();
      await s.advanceTo(ENDS + MINUTE_MS);
      expect(s.wentOffAt()).toBe(ENDS);
      await s.advanceTo(LONG_AFTER);
      expect((await s.record(id)).state).toBe('closed');
      expect(s.contentOf(id)).toBe(0);
    }));
});
