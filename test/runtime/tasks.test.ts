import { describe, expect, test } from 'vitest';
import { DAY, type DurationMs, HOUR, MINUTE, SECOND, sha256Hex } from '../../src/core/index.ts';
import type { TaskHandler } from '../../src/runtime/index.ts';
import { bench, described, machineOf, runOnce, START, task, tokenTask } from './harness.ts';

const end = { End: true };
const single = (state: object, others: object = {}) => ({ StartAt: 'S', States: { S: state, ...others } });
const caught = { Caught: { Type: 'Succeed' } };
const times = (n: number, unit: DurationMs): DurationMs => (n * unit) as DurationMs;

function named(name: string, message = 'no'): Error {
  const error = new Error(message);
  error.name = name;
  return error;
}
/** Fails with each error in turn, then returns `'fine'`; notes when it was called. */
function flaky(errors: readonly Error[]) {
  const calls: number[] = [];
  const clockHolder: { now: () => number } = { now: () => 0 };
  const handler: TaskHandler = async () => {
    calls.push((clockHolder.now() - START) / 1000);
    const error = errors[calls.length - 1];
    if (error) throw error;
    return 'fine';
  };
  return { calls, handler, clockHolder };
}

async function runFlaky(errors: readonly Error[], rest: object, others: object = {}) {
  const { calls, handler, clockHolder } = flaky(errors);
  const b = bench(machineOf(single(task('f', { ...rest, ...end }), others)), { handlers: { f: handler } });
  clockHolder.now = () => b.clock.now();
  await runOnce(b);
  await b.play(DAY);
  return { calls, execution: await described(b), b };
}

describe('retries', () => {
  const three = [named('Busy'), named('Busy'), named('Busy')];
  const timing: readonly (readonly [string, object, readonly number[]])[] = [
    ['defaults are 1 s, doubling, three times', { ErrorEquals: ['Busy'] }, [0, 1, 3, 7]],
    [
      'interval and rate are taken',
      { ErrorEquals: ['Busy'], IntervalSeconds: 10, BackoffRate: 1.5 },
      [0, 10, 25, 47.5],
    ],
    [
      'a rate of 1 keeps the interval',
      { ErrorEquals: ['Busy'], IntervalSeconds: 5, BackoffRate: 1 },
      [0, 5, 10, 15],
    ],
    [
      'MaxDelaySeconds caps the delay',
      { ErrorEquals: ['States.ALL'], IntervalSeconds: 10, MaxDelaySeconds: 15 },
      [0, 10, 25, 40],
    ],
    [
      'FULL jitter takes the whole delay, its upper bound',
      { ErrorEquals: ['States.TaskFailed'], JitterStrategy: 'FULL' },
      [0, 1, 3, 7],
    ],
    ['MaxAttempts 1 gives up after one', { ErrorEquals: ['Busy'], MaxAttempts: 1 }, [0, 1]],
    ['MaxAttempts 0 never retries', { ErrorEquals: ['Busy'], MaxAttempts: 0 }, [0]],
    ['another error is not retried', { ErrorEquals: ['Other'] }, [0]],
  ];
  test.each(timing)('%s', async (_name, retrier, expected) => {
    const { calls, execution } = await runFlaky(three, { Retry: [retrier] });
    expect(calls).toEqual(expected);
    expect(execution.status).toBe(expected.length > three.length ? 'SUCCEEDED' : 'FAILED');
  });
  test('each retrier counts its own attempts', async () => {
    const { calls } = await runFlaky([named('A'), named('B'), named('A'), named('A')], {
      Retry: [
        { ErrorEquals: ['A'], IntervalSeconds: 1, MaxAttempts: 2 },
        { ErrorEquals: ['B'], IntervalSeconds: 100, MaxAttempts: 1 },
      ],
    });
    expect(calls).toEqual([0, 1, 101, 103]);
  });
  test('the retry count and the time of entry are in the context', async () => {
    const seen: unknown[] = [];
    const machine = single({
      ...task('f', { Retry: [{ ErrorEquals: ['States.ALL'] }], ...end }),
      Parameters: {
        FunctionName: { 'Fn::GetAtt': ['f', 'Arn'] },
        Payload: { 'n.$': '$$.State.RetryCount', 'at.$': '$$.State.EnteredTime' },
      },
    });
    const f: TaskHandler = async (event) => {
      seen.push(event);
      if (seen.length < 3) throw new Error('again');
    };
    const b = bench(machineOf(machine), { handlers: { f } });
    await runOnce(b);
    await b.play(MINUTE);
    const at = '2026-01-01T00:00:00.000Z';
    expect(seen).toEqual([
      { n: 0, at },
      { n: 1, at },
      { n: 2, at },
    ]);
  });
  test('a Parallel runs all its branches again', async () => {
    let calls = 0;
    const machine = single({
      Type: 'Parallel',
      Branches: [
        { StartAt: 'A', States: { A: task('f', end) } },
        { StartAt: 'B', States: { B: { Type: 'Pass', Result: 'b', ...end } } },
      ],
      Retry: [{ ErrorEquals: ['Busy'], IntervalSeconds: 2 }],
      ...end,
    });
    const f: TaskHandler = async () => {
      calls += 1;
      if (calls === 1) throw named('Busy');
      return calls;
    };
    const b = bench(machineOf(machine), { handlers: { f } });
    await runOnce(b);
    await b.play(MINUTE);
    expect(await described(b)).toMatchObject({ status: 'SUCCEEDED', stoppedAt: START + 2000 });
    expect(calls).toBe(2);
  });
});

describe('catching', () => {
  const catchOn = (names: readonly string[], rest: object = {}) => ({
    Catch: [{ ErrorEquals: names, Next: 'Caught', ...rest }],
  });
  const matching: readonly (readonly [string, string, readonly string[], boolean])[] = [
    ['an error by its name', 'Denied', ['Denied'], true],
    ['error names are case-sensitive', 'Denied', ['denied'], false],
    ['anything by States.ALL', 'Denied', ['States.ALL'], true],
    ['anything but a timeout by States.TaskFailed', 'Denied', ['States.TaskFailed'], true],
    ['a bug by Error', 'Error', ['Error'], true],
    ['a function cannot forge an error of the language', 'States.Timeout', ['States.Timeout'], false],
    ['a forged error of the language is a plain Error', 'States.Runtime', ['Error'], true],
  ];
  test.each(matching)('%s', async (_name, thrown, names, isCaught) => {
    const { execution } = await runFlaky([named(thrown)], catchOn(names), caught);
    expect(execution.status).toBe(isCaught ? 'SUCCEEDED' : 'FAILED');
  });
  test('the caught error is put where the Catch says, beside the input', async () => {
    const b = bench(
      machineOf(
        single(task('f', { ...catchOn(['States.ALL'], { ResultPath: '$.failure' }), ...end }), caught),
      ),
      {
        handlers: {
          f: async () => {
            throw named('Denied', 'not today');
          },
        },
      },
    );
    await runOnce(b, { keep: 1 });
    expect((await described(b)).output).toEqual({
      keep: 1,
      failure: { Error: 'Denied', Cause: 'not today' },
    });
  });
  test('the first Catch that matches is taken, after the retries', async () => {
    const { calls, execution } = await runFlaky(
      [named('Busy'), named('Busy')],
      {
        Retry: [{ ErrorEquals: ['Busy'], MaxAttempts: 1 }],
        Catch: [
          { ErrorEquals: ['Other'], Next: 'Other' },
          { ErrorEquals: ['States.ALL'], Next: 'Caught' },
        ],
      },
      { ...caught, Other: { Type: 'Fail' } },
    );
    expect(calls).toHaveLength(2);
    expect(execution.status).toBe('SUCCEEDED');
  });
  const uncatchable: readonly (readonly [string, object, string])[] = [
    ['States.Runtime, even by its own name', { ...task('f', end), InputPath: '$.missing' }, 'States.Runtime'],
    ['States.DataLimitExceeded by States.ALL', task('huge', end), 'States.DataLimitExceeded'],
  ];
  test.each(uncatchable)('not caught: %s', async (_name, state, error) => {
    const names = error === 'States.Runtime' ? ['States.Runtime', 'States.ALL'] : ['States.ALL'];
    const handlers = { f: async () => 1, huge: async () => 'x'.repeat(262_143) };
    const b = bench(machineOf(single({ ...state, ...catchOn(names) }, caught)), { handlers });
    expect(await runOnce(b)).toMatchObject({ status: 'FAILED', error });
  });
  test('States.DataLimitExceeded is caught by its own name', async () => {
    const state = { ...task('huge', end), ...catchOn(['States.DataLimitExceeded']) };
    const b = bench(machineOf(single(state, caught)), {
      handlers: { huge: async () => 'x'.repeat(262_143) },
    });
    expect(await runOnce(b)).toMatchObject({ status: 'SUCCEEDED' });
  });
  test('a result of exactly 262,144 bytes passes, its wrapping included, and one byte more does not', async () => {
    const room =
      262_144 - JSON.stringify({ ExecutedVersion: '$LATEST', Payload: '', StatusCode: 200 }).length;
    const statusOf = async (length: number) => {
      const handlers = { huge: async () => 'x'.repeat(length) };
      return (await runOnce(bench(machineOf(single(task('huge', end))), { handlers }))).status;
    };
    expect(await statusOf(room)).toBe('SUCCEEDED');
    expect(await statusOf(room + 1)).toBe('FAILED');
  });
});

describe('task tokens', () => {
  /** A machine that waits for a token; its function keeps the tokens it was given. */
  function waiting(rest: object, others: object = {}, input: unknown = {}) {
    const tokens: string[] = [];
    const f: TaskHandler = async (event) => {
      tokens.push((event as { token: string }).token);
      return { echoed: (event as { token: string }).token };
    };
    const b = bench(machineOf(single(tokenTask('f', { TimeoutSeconds: 3600, ...rest, ...end }), others)), {
      handlers: { f },
    });
    return { b, tokens, started: runOnce(b, input) };
  }
  const only = (tokens: readonly string[]): string => {
    if (tokens.length !== 1 || tokens[0] === undefined) throw new Error(`${tokens.length} tokens`);
    return tokens[0];
  };

  test('the result that comes with the token is the result of the task', async () => {
    const { b, tokens, started } = waiting({ ResultPath: '$.answer' }, {}, { q: 1 });
    expect(await started).toMatchObject({ status: 'RUNNING', activeStates: ['S'] });
    expect(await b.runtime.sendTaskSuccess(only(tokens), { yes: true })).toEqual({
      ok: true,
      value: undefined,
    });
    await b.runtime.runDue();
    expect(await described(b)).toMatchObject({
      status: 'SUCCEEDED',
      output: { q: 1, answer: { yes: true } },
    });
  });
  test('a failure that comes with the token is the failure of the task', async () => {
    const { b, tokens, started } = waiting({ Catch: [{ ErrorEquals: ['Denied'], Next: 'Caught' }] }, caught);
    await started;
    await b.runtime.sendTaskFailure(only(tokens), 'Denied', 'legal said no');
    await b.runtime.runDue();
    expect((await described(b)).output).toEqual({ Error: 'Denied', Cause: 'legal said no' });
  });
  test('a token is good once', async () => {
    const { b, tokens, started } = waiting({});
    await started;
    await b.runtime.sendTaskSuccess(only(tokens), 1);
    for (const reply of [
      b.runtime.sendTaskSuccess(only(tokens), 2),
      b.runtime.sendTaskFailure(only(tokens), 'E', 'c'),
      b.runtime.sendTaskHeartbeat(only(tokens)),
    ])
      expect(await reply).toMatchObject({ ok: false, error: { code: 'TaskTimedOut' } });
  });
  test('a token nobody was given is unknown', async () => {
    const { b, started } = waiting({});
    await started;
    expect(await b.runtime.sendTaskSuccess('guess', 1)).toMatchObject({
      error: { code: 'TaskDoesNotExist' },
    });
  });
  test('at the second of the timeout a reply is too late, even before the timeout was run', async () => {
    const { b, tokens, started } = waiting({});
    await started;
    b.clock.advanceTo((START + HOUR - 1) as typeof START);
    expect((await b.runtime.sendTaskHeartbeat(only(tokens))).ok).toBe(true);
    b.clock.advanceTo((START + HOUR) as typeof START);
    expect(await b.runtime.sendTaskSuccess(only(tokens), 1)).toMatchObject({
      error: { code: 'TaskTimedOut' },
    });
  });
  test('14 days without an answer time out into the Catch', async () => {
    const { b, tokens, started } = waiting(
      { TimeoutSeconds: 14 * 86_400, Catch: [{ ErrorEquals: ['States.Timeout'], Next: 'Caught' }] },
      caught,
    );
    await started;
    await b.play((14 * DAY - SECOND) as DurationMs);
    expect((await described(b)).status).toBe('RUNNING');
    await b.play(SECOND);
    expect(await described(b)).toMatchObject({ status: 'SUCCEEDED', output: { Error: 'States.Timeout' } });
    expect(await b.runtime.sendTaskSuccess(only(tokens), 1)).toMatchObject({
      error: { code: 'TaskTimedOut' },
    });
  });
  test('TimeoutSecondsPath is read from the input', async () => {
    const { TimeoutSeconds: _, ...state } = tokenTask('f', { TimeoutSeconds: 1, ...end }) as Record<
      string,
      unknown
    >;
    const b = bench(machineOf(single({ ...state, TimeoutSecondsPath: '$.limit' })), {
      handlers: { f: async () => 1 },
    });
    await runOnce(b, { limit: 90 });
    expect(b.runtime.nextDueAt()).toBe(START + 90_000);
  });
  test('without a timeout a task may wait 99,999,999 s, which the year of the execution cuts short', async () => {
    const { TimeoutSeconds: _, ...state } = tokenTask('f', { TimeoutSeconds: 1, ...end }) as Record<
      string,
      unknown
    >;
    const b = bench(machineOf(single(state)), { handlers: { f: async () => 1 } });
    await runOnce(b);
    expect(b.runtime.nextDueAt()).toBe(START + 365 * DAY);
  });
  test('silence beyond the heartbeat fails the task; a heartbeat moves it, the timeout stays', async () => {
    const heartbeat = { HeartbeatSeconds: 600 };
    const { b, tokens, started } = waiting(heartbeat);
    await started;
    for (let beat = 0; beat < 5; beat++) {
      await b.play(times(9, MINUTE));
      expect((await b.runtime.sendTaskHeartbeat(only(tokens))).ok).toBe(true);
    }
    await b.play(times(10, MINUTE));
    expect(await described(b)).toMatchObject({
      error: 'States.HeartbeatTimeout',
      stoppedAt: START + 55 * MINUTE,
    });
    const kept = waiting(heartbeat);
    await kept.started;
    for (let beat = 0; beat < 6; beat++) {
      await kept.b.play(times(9, MINUTE));
      await kept.b.runtime.sendTaskHeartbeat(only(kept.tokens));
    }
    await kept.b.play(HOUR);
    expect(await described(kept.b)).toMatchObject({ error: 'States.Timeout', stoppedAt: START + HOUR });
  });
  test('States.Timeout also catches a missed heartbeat', async () => {
    const { b, started } = waiting(
      { HeartbeatSeconds: 60, Catch: [{ ErrorEquals: ['States.Timeout'], Next: 'Caught' }] },
      caught,
    );
    await started;
    await b.play(HOUR);
    expect((await described(b)).status).toBe('SUCCEEDED');
  });
  test('a retry gets a new token and the old one is dead', async () => {
    const { b, tokens, started } = waiting({
      TimeoutSeconds: 60,
      Retry: [{ ErrorEquals: ['States.Timeout'], IntervalSeconds: 1 }],
    });
    await started;
    await b.play(times(61, SECOND));
    expect(tokens).toHaveLength(2);
    expect(tokens[0]).not.toBe(tokens[1]);
    expect(await b.runtime.sendTaskSuccess(tokens[0] ?? '', 1)).toMatchObject({
      error: { code: 'TaskTimedOut' },
    });
    expect((await b.runtime.sendTaskSuccess(tokens[1] ?? '', 1)).ok).toBe(true);
  });
  test('a function may answer its own token; what it returns or throws afterwards is ignored', async () => {
    const holder: { b?: ReturnType<typeof bench> } = {};
    const f: TaskHandler = async (event) => {
      await holder.b?.runtime.sendTaskSuccess((event as { token: string }).token, 'at once');
      throw new Error('too late to matter');
    };
    holder.b = bench(machineOf(single(tokenTask('f', { TimeoutSeconds: 60, ...end }))), { handlers: { f } });
    expect(await runOnce(holder.b)).toMatchObject({ status: 'SUCCEEDED', output: 'at once' });
  });
  test('a function that throws fails the task although it waits for a token', async () => {
    const f: TaskHandler = async () => {
      throw named('Unreachable');
    };
    const b = bench(machineOf(single(tokenTask('f', { TimeoutSeconds: 60, ...end }))), { handlers: { f } });
    expect(await runOnce(b)).toMatchObject({ status: 'FAILED', error: 'Unreachable' });
  });
  test.each([
    ['a cycle', () => Object.assign([] as unknown[], { 0: 0n })],
    ['a function', () => () => 1],
    ['too many bytes', () => 'x'.repeat(262_143)],
  ])('an output of %s is refused and the task goes on waiting', async (_name, output) => {
    const { b, tokens, started } = waiting({});
    await started;
    expect(await b.runtime.sendTaskSuccess(only(tokens), output())).toMatchObject({
      error: { code: 'InvalidOutput' },
    });
    expect((await b.runtime.sendTaskSuccess(only(tokens), 'x'.repeat(262_142))).ok).toBe(true);
  });
  test('a token is in no history and in no table once its function has returned, only its SHA-256', async () => {
    const { b, tokens, started } = waiting({ ResultPath: '$.answer' });
    await started;
    const token = only(tokens);
    const dump = () => {
      const tables = ['wf_executions', 'wf_branches', 'wf_tokens', 'wf_history'];
      return JSON.stringify(tables.map((table) => b.database.prepare(`SELECT * FROM ${table}`).all()));
    };
    expect(dump()).not.toContain(token);
    await b.runtime.sendTaskSuccess(token, { quoted: `my token was ${token}` });
    await b.runtime.runDue();
    expect((await described(b)).status).toBe('SUCCEEDED');
    expect(dump()).not.toContain(token);
    expect(JSON.stringify(await b.runtime.history('m', 'x'))).toContain(sha256Hex(token));
    expect(token).toMatch(/^[0-9a-z]{64}$/);
  });
});

describe('branches', () => {
  const branch = (name: string, state: object) => ({ StartAt: name, States: { [name]: state } });
  test('one branch that fails stops the others, kills their tokens and fails the Parallel once', async () => {
    const tokens: string[] = [];
    const ask: TaskHandler = async (event) => {
      tokens.push((event as { token: string }).token);
    };
    const machine = single(
      {
        Type: 'Parallel',
        Branches: [
          branch('A', tokenTask('ask', { TimeoutSeconds: 3600, ...end })),
          branch('B', tokenTask('ask', { TimeoutSeconds: 7200, ...end })),
          branch('C', {
            Type: 'Parallel',
            Branches: [branch('Deep', tokenTask('ask', { TimeoutSeconds: 7200, ...end }))],
            ...end,
          }),
        ],
        Catch: [{ ErrorEquals: ['Denied'], Next: 'Caught' }],
        ...end,
      },
      caught,
    );
    const b = bench(machineOf(machine), { handlers: { ask } });
    expect((await runOnce(b)).activeStates.toSorted()).toEqual(['A', 'B', 'Deep']);
    await b.runtime.sendTaskFailure(tokens[0] ?? '', 'Denied', 'no');
    for (const late of tokens.slice(1))
      expect(await b.runtime.sendTaskSuccess(late, 1)).toMatchObject({ error: { code: 'TaskTimedOut' } });
    await b.runtime.runDue();
    expect((await described(b)).status).toBe('SUCCEEDED');
    expect(b.database.prepare('SELECT count(*) AS n FROM wf_branches').get()).toEqual({ n: 0 });
  });
  test('a Fail state in a branch fails the state around it', async () => {
    const machine = single({
      Type: 'Map',
      ItemsPath: '$.items',
      ItemProcessor: branch('F', { Type: 'Fail', Error: 'Denied', Cause: 'no' }),
      ...end,
    });
    expect(await runOnce(bench(machineOf(machine)), { items: [1, 2] })).toMatchObject({
      status: 'FAILED',
      error: 'Denied',
      cause: 'no',
    });
  });
  test('a Map runs at most MaxConcurrency items at a time and keeps their order', async () => {
    const open: { token: string; item: number }[] = [];
    const ask: TaskHandler = async (event) => {
      const { token, input } = event as { token: string; input: number };
      open.push({ token, item: input });
    };
    const machine = single({
      Type: 'Map',
      ItemsPath: '$.items',
      MaxConcurrency: 2,
      ItemProcessor: branch('A', tokenTask('ask', { TimeoutSeconds: 3600, ...end })),
      ...end,
    });
    const b = bench(machineOf(machine), { handlers: { ask } });
    await runOnce(b, { items: [10, 20, 30, 40, 50] });
    const answered: number[] = [];
    while ((await described(b)).status === 'RUNNING') {
      expect(open.length).toBeLessThanOrEqual(2);
      const last = open.pop();
      if (!last) throw new Error('nothing is open');
      answered.push(last.item);
      await b.runtime.sendTaskSuccess(last.token, last.item + 1);
      await b.runtime.runDue();
    }
    expect(answered).toEqual([20, 30, 40, 50, 10]);
    expect((await described(b)).output).toEqual([11, 21, 31, 41, 51]);
  });
  test('a Map without MaxConcurrency runs 40 at a time', async () => {
    const machine = single({
      Type: 'Map',
      ItemProcessor: branch('W', { Type: 'Wait', Seconds: 10, ...end }),
      ...end,
    });
    const b = bench(machineOf(machine));
    expect(
      (
        await runOnce(
          b,
          Array.from({ length: 100 }, (_, index) => index),
        )
      ).activeStates,
    ).toHaveLength(40);
    await b.play(MINUTE);
    expect(await described(b)).toMatchObject({ status: 'SUCCEEDED', stoppedAt: START + 30_000 });
  });
});
