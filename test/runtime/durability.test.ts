import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as pause } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { DAY, type DurationMs, HOUR, MINUTE } from '../../src/core/index.ts';
import { type FaultPoint, SeededIds, type TaskHandler } from '../../src/runtime/index.ts';
import { bench, described, machineOf, START, task, tokenTask } from './harness.ts';

const directory = mkdtempSync(join(tmpdir(), 'proviso-runtime-'));
afterAll(() => rmSync(directory, { recursive: true }));

const end = { End: true };
/** Approvals in parallel, a flaky enable, a lease of 30 days and an end: the shape of an exception. */
const machine = machineOf({
  StartAt: 'Approve',
  States: {
    Approve: {
      Type: 'Map',
      ItemsPath: '$.roles',
      ItemProcessor: {
        StartAt: 'Ask',
        States: { Ask: tokenTask('ask', { TimeoutSeconds: 14 * 86_400, ...end }) },
      },
      ResultPath: '$.approvals',
      Next: 'Enable',
    },
    Enable: task('enable', {
      Retry: [{ ErrorEquals: ['States.ALL'], IntervalSeconds: 5 }],
      ResultPath: null,
      Next: 'Lease',
    }),
    Lease: { Type: 'Wait', TimestampPath: '$.until', Next: 'Off' },
    Off: task('off', { OutputPath: '$.Payload', ...end }),
  },
});
const input = { roles: ['legal', 'security'], until: '2026-02-01T00:00:00Z' };

/** Handlers with a world of their own that survives a crash of the runtime, as AWS does. */
function world() {
  const calls: string[] = [];
  const requests = new Set<string>();
  const tokens: string[] = [];
  let firstEnable: string | undefined;
  const handlers: Record<string, TaskHandler> = {
    ask: async (event, info) => {
      calls.push('ask');
      requests.add(info.requestId);
      const { token } = event as { token: string };
      if (!tokens.includes(token)) tokens.push(token);
    },
    enable: async (_event, info) => {
      calls.push('enable');
      requests.add(info.requestId);
      // It fails by request, not by call: an idempotent function answers a repeated call as it answered the first.
      firstEnable ??= info.requestId;
      if (info.requestId === firstEnable) throw new Error('throttled');
    },
    off: async (event, info) => {
      calls.push('off');
      requests.add(info.requestId);
      return { approvals: (event as { approvals: unknown }).approvals };
    },
  };
  return { calls, requests, tokens, handlers };
}

describe('reopening', () => {
  test('a lease of 30 days goes on from disk in its middle, with the definition it started with', async () => {
    const file = join(directory, 'lease.db');
    const w = world();
    const first = bench(machine, { database: new DatabaseSync(file), handlers: w.handlers });
    await first.runtime.start({ machine: 'm', name: 'x', input });
    await first.runtime.runDue();
    for (const token of w.tokens) await first.runtime.sendTaskSuccess(token, 'yes');
    await first.play((12 * DAY) as DurationMs);
    first.database.close();

    const changed = machineOf({ StartAt: 'Other', States: { Other: { Type: 'Succeed' } } });
    const second = bench(changed, {
      database: new DatabaseSync(file),
      handlers: w.handlers,
      seed: 'another seed',
    });
    expect(second.clock.now()).toBe(START + 12 * DAY);
    expect((await described(second)).activeStates).toEqual(['Lease']);
    await second.play((30 * DAY) as DurationMs);
    expect(await described(second)).toMatchObject({
      status: 'SUCCEEDED',
      output: { approvals: ['yes', 'yes'] },
      stoppedAt: Date.parse(input.until),
    });
    // Only new executions get the new definition.
    await second.runtime.start({ machine: 'm', name: 'new' });
    await second.runtime.runDue();
    expect((await second.runtime.describe('m', 'new'))?.status).toBe('SUCCEEDED');
    second.database.close();
  });
  test('seeded ids go on where they stopped, and are given back by an undone transaction', () => {
    const database = new DatabaseSync(':memory:');
    const ids = new SeededIds(database, 's');
    const a = ids.next(12);
    database.exec('BEGIN');
    const b = ids.next(40);
    database.exec('ROLLBACK');
    expect(new SeededIds(database, 'ignored').next(40)).toBe(b);
    expect(new SeededIds(new DatabaseSync(':memory:'), 's').next(12)).toBe(a);
    expect(b).toMatch(/^[0-9a-z]{40}$/);
  });
});

/** Runs the whole machine, reopening after each crash; the approvals are answered by a world that does not crash. */
async function runToEnd(crashAt: (point: FaultPoint, index: number) => boolean) {
  const w = world();
  const database = new DatabaseSync(':memory:');
  let points = 0;
  let crashes = 0;
  const open = () =>
    bench(machine, {
      database,
      handlers: w.handlers,
      faults: (point) => {
        if (crashAt(point, points++)) {
          crashes += 1;
          throw new Error('crash');
        }
      },
    });
  let b = open();
  const survive = async <T>(body: () => Promise<T>): Promise<T> => {
    for (let attempt = 0; attempt < 100; attempt++) {
      try {
        return await body();
      } catch (error) {
        if (!(error instanceof Error) || error.message !== 'crash') throw error;
        b = open();
      }
    }
    throw new Error('it never got through');
  };
  await survive(() => b.runtime.start({ machine: 'm', name: 'x', input }));
  await survive(() => b.runtime.runDue());
  for (const token of [...w.tokens]) await survive(() => b.runtime.sendTaskSuccess(token, 'yes'));
  await survive(() => b.play((40 * DAY) as DurationMs));
  // A crash may have cut `play` short before the clock reached its end; the second call plays the rest.
  await survive(() => b.play(DAY));
  return { execution: await described(b), history: await b.runtime.history('m', 'x'), ...w, points, crashes };
}

const told = (run: Awaited<ReturnType<typeof runToEnd>>) =>
  run.history
    .filter((event) => event.details.redelivered !== true)
    .map(({ type, at, details }) => ({ type, at, details }));

describe('crashing', () => {
  test('a crash at any single point changes nothing but that a function may be called again, with the same request', async () => {
    const calm = await runToEnd(() => false);
    expect(calm.execution.status).toBe('SUCCEEDED');
    expect(calm.calls).toEqual(['ask', 'ask', 'enable', 'enable', 'off']);
    for (let at = 0; at < calm.points; at++) {
      const run = await runToEnd((_point, index) => index === at);
      expect(run.crashes, `point ${at}`).toBe(1);
      expect(run.execution, `point ${at}`).toEqual(calm.execution);
      expect(told(run), `point ${at}`).toEqual(told(calm));
      expect(run.requests.size, `point ${at}`).toBe(5);
      expect(run.calls.length - calm.calls.length, `point ${at}`).toBeLessThanOrEqual(1);
    }
  });
  test('any run of crashes ends in the same state', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(fc.nat(60), { maxLength: 12 }), async (crashes) => {
        const run = await runToEnd((_point, index) => crashes.includes(index));
        expect(run.execution.status).toBe('SUCCEEDED');
        expect(run.execution.output).toEqual({ approvals: ['yes', 'yes'] });
        // `enable` may run once more than it is retried, and no call is lost.
        expect(new Set(run.calls)).toEqual(new Set(['ask', 'enable', 'off']));
      }),
      { numRuns: 40 },
    );
  });
  test('a crash inside a handler gets out although the handler swallows it', async () => {
    const holder: { b?: ReturnType<typeof bench> } = {};
    const swallow: TaskHandler = async () => {
      try {
        await holder.b?.runtime.start({ machine: 'm', name: 'second' });
      } catch {
        return 'nothing happened';
      }
    };
    holder.b = bench(machineOf({ StartAt: 'S', States: { S: task('f', end) } }), {
      handlers: { f: swallow },
      faults: ({ executionName }) => {
        if (executionName === 'second') throw new Error('crash');
      },
    });
    await holder.b.runtime.start({ machine: 'm', name: 'x' });
    await expect(holder.b.runtime.runDue()).rejects.toThrow('crash');
    expect((await described(holder.b)).status).toBe('RUNNING');
    expect(await holder.b.runtime.list()).toHaveLength(1);
  });
  test('a function called again after a crash gets the same token, and the first delivery of it counts', async () => {
    let died = false;
    const run = await runToEnd((point) => {
      if (died || point.moment !== 'after-call' || point.functionName !== 'ask') return false;
      died = true;
      return true;
    });
    expect(run.calls.filter((call) => call === 'ask')).toHaveLength(3);
    expect(run.tokens).toHaveLength(2);
    expect(run.execution.status).toBe('SUCCEEDED');
  });
  test('a repeated call whose time is over times out instead', async () => {
    const w = world();
    const database = new DatabaseSync(':memory:');
    const slow = machineOf({ StartAt: 'S', States: { S: task('off', { TimeoutSeconds: 60, ...end }) } });
    const first = bench(slow, {
      database,
      handlers: w.handlers,
      faults: ({ moment }) => {
        if (moment === 'after-call') throw new Error('crash');
      },
    });
    await first.runtime.start({ machine: 'm', name: 'x' });
    await expect(first.runtime.runDue()).rejects.toThrow('crash');
    const second = bench(slow, { database, handlers: w.handlers });
    second.clock.advanceTo((START + HOUR) as typeof START);
    await second.runtime.runDue();
    expect(await described(second)).toMatchObject({ status: 'FAILED', error: 'States.Timeout' });
    expect(w.calls).toEqual(['off']);
  });
});

describe('kill -9', () => {
  const script = join(import.meta.dirname, 'killed-process.ts');
  const run = (mode: string, file: string, calls: string) =>
    spawn(process.execPath, [script, file, calls, mode], { stdio: ['ignore', 'pipe', 'inherit'] });
  const linesOf = (file: string): string[] =>
    existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];

  test('in the middle of a handler: the next process calls it again with the same request and goes on', async () => {
    const file = join(directory, 'killed.db');
    const calls = join(directory, 'calls');
    const doomed = run('hang', file, calls);
    const died = new Promise<NodeJS.Signals | null>((resolve) => {
      doomed.on('exit', (_code, signal) => resolve(signal));
    });
    for (let waited = 0; linesOf(calls).length < 2; waited += 20) {
      if (waited > 20_000) throw new Error('the child never called `enable`');
      await pause(20);
    }
    doomed.kill('SIGKILL');
    expect(await died).toBe('SIGKILL');

    const heir = run('go', file, calls);
    let output = '';
    heir.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    const code = await new Promise<number | null>((resolve) => {
      heir.on('close', (status) => resolve(status));
    });
    expect(code).toBe(0);
    expect(JSON.parse(output)).toEqual({ active: ['Lease'], due: 12 * DAY });
    const [ask, enable, again, ...rest] = linesOf(calls);
    expect(ask).toMatch(/^ask /);
    expect(enable).toMatch(/^enable /);
    expect(again).toBe(enable);
    expect(rest).toEqual([]);
  });
});

describe('determinism and scale', () => {
  test('the same inputs, ids and clock give the same history, byte for byte', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ minLength: 1 }),
        fc.array(fc.record({ after: fc.nat({ max: 300 }), yes: fc.boolean() }), {
          minLength: 1,
          maxLength: 6,
        }),
        async (seed, answers) => {
          const play = async () => {
            const w = world();
            const b = bench(machine, { handlers: w.handlers, seed });
            await b.runtime.start({
              machine: 'm',
              name: 'x',
              input: { ...input, roles: answers.map((_, i) => i) },
            });
            await b.runtime.runDue();
            for (const [index, { after, yes }] of answers.entries()) {
              await b.play((after * MINUTE) as DurationMs);
              const token = w.tokens[index] ?? '';
              if (yes) await b.runtime.sendTaskSuccess(token, index);
              else await b.runtime.sendTaskFailure(token, 'Denied', 'no');
            }
            await b.play((40 * DAY) as DurationMs);
            return JSON.stringify([await b.runtime.history('m', 'x'), w.calls, w.tokens]);
          };
          expect(await play()).toBe(await play());
        },
      ),
      { numRuns: 25 },
    );
  });
  test('2,000 executions wait at once, all in rows, and all go on', async () => {
    const w = world();
    const b = bench(machine, { handlers: w.handlers });
    for (let index = 0; index < 2000; index++)
      await b.runtime.start({ machine: 'm', name: `x${index}`, input });
    await b.runtime.runDue();
    expect(w.tokens).toHaveLength(4000);
    for (const token of w.tokens) expect((await b.runtime.sendTaskSuccess(token, 'yes')).ok).toBe(true);
    await b.play((40 * DAY) as DurationMs);
    expect(await b.runtime.list({ status: 'RUNNING' })).toEqual([]);
    expect(await b.runtime.list({ status: 'SUCCEEDED' })).toHaveLength(2000);
  }, 30_000);
});
