import { describe, expect, test } from 'vitest';
import { DAY, type DurationMs, epochMs, MINUTE } from '../../src/core/index.ts';
import { RuntimeMisuse, type TaskHandler } from '../../src/runtime/index.ts';
import { bench, described, machineOf, runOnce, START, task, tokenTask } from './harness.ts';

const end = { End: true };
const waits = { StartAt: 'W', States: { W: { Type: 'Wait', Seconds: 600, ...end } } };
const start = (b: ReturnType<typeof bench>, input: unknown = {}, name = 'x') =>
  b.runtime.start({ machine: 'm', name, input });

describe('starting', () => {
  test('the same name and input while it runs is the same execution', async () => {
    const b = bench(machineOf(waits));
    expect(await start(b, { a: 1, b: 2 })).toMatchObject({ status: 'started', repeated: false });
    expect(await start(b, { b: 2, a: 1 })).toMatchObject({ status: 'started', repeated: true });
    expect(await b.runtime.list()).toHaveLength(1);
  });
  test('the same name with another input already exists', async () => {
    const b = bench(machineOf(waits));
    await start(b, { a: 1 });
    expect(await start(b, { a: 2 })).toMatchObject({
      status: 'already-exists',
      execution: { input: { a: 1 } },
    });
  });
  test('a name is taken for 90 days after the close, then free, and the old execution is gone', async () => {
    const b = bench(machineOf(waits));
    await start(b);
    await b.play((10 * MINUTE) as DurationMs);
    expect((await described(b)).status).toBe('SUCCEEDED');
    b.clock.advanceTo((START + 10 * MINUTE + 90 * DAY - 1) as typeof START);
    expect((await start(b)).status).toBe('already-exists');
    b.clock.advanceTo((START + 10 * MINUTE + 90 * DAY) as typeof START);
    expect(await start(b)).toMatchObject({ status: 'started', repeated: false });
    expect((await b.runtime.list()).map((execution) => execution.status)).toEqual(['RUNNING']);
  });
  test('what closed 90 days ago goes, four at each start, with history and tokens; what still runs stays', async () => {
    const tokens: string[] = [];
    const f: TaskHandler = async (event) => void tokens.push((event as { token: string }).token);
    const b = bench(machineOf({ StartAt: 'T', States: { T: tokenTask('f', end) } }), { handlers: { f } });
    const names = Array.from({ length: 10 }, (_, index) => `old${index}`);
    for (const name of [...names, 'slow']) await start(b, {}, name);
    await b.play(MINUTE);
    for (const token of tokens.slice(0, 10)) await b.runtime.sendTaskSuccess(token, 1);
    await b.play(MINUTE);
    const left = async () => (await b.runtime.list()).map(({ name }) => name);
    const rows = (table: string) =>
      Number(b.database.prepare(`SELECT count(*) AS n FROM ${table} WHERE execution_id <= 10`).get()?.['n']);
    b.clock.advanceTo(epochMs(START + 89 * DAY));
    await start(b, {}, 'young');
    expect(await left()).toEqual([...names, 'slow', 'young']);
    b.clock.advanceTo(epochMs(START + 91 * DAY));
    await start(b, {}, 'a');
    expect(await left()).toEqual([...names.slice(4), 'slow', 'young', 'a']);
    expect(await b.runtime.history('m', 'old0')).toEqual([]);
    expect((await b.runtime.history('m', 'old4')).length).toBeGreaterThan(0);
    for (const name of ['b', 'c', 'd']) await start(b, {}, name);
    expect(await left()).toEqual(['slow', 'young', 'a', 'b', 'c', 'd']);
    for (const table of ['wf_history', 'wf_tokens', 'wf_branches']) expect(rows(table), table).toBe(0);
    expect(await b.runtime.sendTaskSuccess(tokens[0] ?? '', 1)).toMatchObject({ ok: false });
    expect(await b.runtime.sendTaskSuccess(tokens[10] ?? '', 1)).toMatchObject({ ok: true });
    await b.play(MINUTE);
    expect((await b.runtime.describe('m', 'slow'))?.status).toBe('SUCCEEDED');
  });
  test.each(['', 'a b', 'a/b', 'a:b', 'a*', 'a\u0007', 'a"b', 'a$b', 'x'.repeat(81)])(
    'the name %j is refused',
    async (name) => {
      expect(await start(bench(machineOf(waits)), {}, name)).toMatchObject({
        status: 'refused',
        code: 'InvalidName',
      });
    },
  );
  test('80 characters are a name', async () => {
    expect((await start(bench(machineOf(waits)), {}, 'x'.repeat(80))).status).toBe('started');
  });
  test('an unknown machine and an input that is too long are refused', async () => {
    const b = bench(machineOf(waits));
    expect(await b.runtime.start({ machine: 'other', name: 'x' })).toMatchObject({
      code: 'StateMachineDoesNotExist',
    });
    expect(await start(b, 'ü'.repeat(131_072))).toMatchObject({ code: 'InvalidExecutionInput' });
    expect(await b.runtime.list()).toEqual([]);
  });
});

describe('stopping', () => {
  test('ends as ABORTED: no Catch runs, tokens are dead, nothing is due', async () => {
    const tokens: string[] = [];
    const f: TaskHandler = async (event) => {
      tokens.push((event as { token: string }).token);
    };
    const machine = {
      StartAt: 'S',
      States: {
        S: tokenTask('f', {
          TimeoutSeconds: 60,
          Catch: [{ ErrorEquals: ['States.ALL'], Next: 'C' }],
          ...end,
        }),
        C: task('f', end),
      },
    };
    const b = bench(machineOf(machine), { handlers: { f } });
    await runOnce(b);
    const stopped = await b.runtime.stop('m', 'x', { error: 'Operator', cause: 'for a test' });
    expect(stopped).toMatchObject({
      ok: true,
      value: { status: 'ABORTED', error: 'Operator', cause: 'for a test', activeStates: [] },
    });
    expect(b.runtime.nextDueAt()).toBeUndefined();
    await b.play(DAY);
    expect(tokens).toHaveLength(1);
    expect(await b.runtime.sendTaskSuccess(tokens[0] ?? '', 1)).toMatchObject({
      error: { code: 'TaskTimedOut' },
    });
    expect((await b.runtime.history('m', 'x')).at(-1)?.type).toBe('ExecutionAborted');
  });
  test('an execution that closed stays as it closed', async () => {
    const b = bench(machineOf({ StartAt: 'D', States: { D: { Type: 'Succeed' } } }));
    await runOnce(b);
    expect(await b.runtime.stop('m', 'x')).toMatchObject({ ok: true, value: { status: 'SUCCEEDED' } });
  });
  test('an execution nobody started cannot be stopped', async () => {
    expect(await bench(machineOf(waits)).runtime.stop('m', 'x')).toMatchObject({
      error: { code: 'ExecutionDoesNotExist' },
    });
  });
  test('a function that stops its own execution has its outcome ignored', async () => {
    const holder: { b?: ReturnType<typeof bench> } = {};
    const f: TaskHandler = async () => {
      await holder.b?.runtime.stop('m', 'x');
      return 'ignored';
    };
    holder.b = bench(machineOf({ StartAt: 'S', States: { S: task('f', end) } }), { handlers: { f } });
    expect((await runOnce(holder.b)).status).toBe('ABORTED');
  });
});

describe('reading', () => {
  test('executions are listed by machine and status, in the order of their start', async () => {
    const b = bench(machineOf(waits));
    for (const name of ['b', 'a', 'c']) await start(b, {}, name);
    await b.runtime.stop('m', 'a');
    const names = async (filter: Parameters<typeof b.runtime.list>[0]) =>
      (await b.runtime.list(filter)).map((execution) => execution.name);
    expect(await names({})).toEqual(['b', 'a', 'c']);
    expect(await names({ status: 'RUNNING' })).toEqual(['b', 'c']);
    expect(await names({ machine: 'm', status: 'ABORTED' })).toEqual(['a']);
    expect(await names({ machine: 'other' })).toEqual([]);
  });
  test('the history tells the whole story with ids without gaps', async () => {
    const machine = {
      StartAt: 'S',
      States: {
        S: task('f', { Retry: [{ ErrorEquals: ['States.ALL'] }], Next: 'D' }),
        D: { Type: 'Succeed' },
      },
    };
    let calls = 0;
    const f: TaskHandler = async () => {
      calls += 1;
      if (calls === 1) throw new Error('first');
      return calls;
    };
    const b = bench(machineOf(machine), { handlers: { f } });
    await runOnce(b);
    await b.play(MINUTE);
    const history = await b.runtime.history('m', 'x');
    expect(history.map((event) => event.id)).toEqual(history.map((_, index) => index + 1));
    expect(history.map((event) => event.type)).toEqual([
      'ExecutionStarted',
      'TaskStateEntered',
      'TaskScheduled',
      'TaskStarted',
      'TaskFailed',
      'TaskScheduled',
      'TaskStarted',
      'TaskSucceeded',
      'TaskStateExited',
      'SucceedStateEntered',
      'SucceedStateExited',
      'ExecutionSucceeded',
    ]);
    expect(await b.runtime.history('m', 'nobody')).toEqual([]);
  });
  test.each([
    ['steps of two events', {}],
    ['a step of another length first', { First: task('f', { ResultPath: null, Next: 'A' }) }],
  ])('an execution that never ends is failed within 25,000 events: %s', async (_name, first) => {
    const machine = {
      StartAt: Object.keys(first)[0] ?? 'A',
      States: {
        ...first,
        A: { Type: 'Choice', Choices: [{ Variable: '$.go', BooleanEquals: false, Next: 'D' }], Default: 'B' },
        B: { Type: 'Pass', Next: 'A' },
        D: { Type: 'Succeed' },
      },
    };
    const b = bench(machineOf(machine), { handlers: { f: async () => null } });
    expect(await runOnce(b, { go: true })).toMatchObject({ status: 'FAILED', error: 'States.Runtime' });
    const history = await b.runtime.history('m', 'x');
    expect([24_999, 25_000]).toContain(history.length);
    expect(history.at(-1)?.type).toBe('ExecutionFailed');
  });
});

describe('using it wrongly', () => {
  test('a handler that calls runDue is told so', async () => {
    const holder: { b?: ReturnType<typeof bench> } = {};
    const f: TaskHandler = async () => holder.b?.runtime.runDue();
    holder.b = bench(machineOf({ StartAt: 'S', States: { S: task('f', end) } }), { handlers: { f } });
    expect(await runOnce(holder.b)).toMatchObject({ status: 'FAILED', error: 'RuntimeMisuse' });
  });
  test('the simulated clock never goes back', () => {
    const b = bench(machineOf(waits));
    expect(() => b.clock.advanceTo((START - 1) as typeof START)).toThrow(RuntimeMisuse);
    b.clock.advanceTo(START);
  });
});
