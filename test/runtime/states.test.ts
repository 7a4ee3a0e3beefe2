import { describe, expect, test } from 'vitest';
import { DAY, HOUR, SECOND } from '../../src/core/index.ts';
import type { TaskHandler } from '../../src/runtime/index.ts';
import { bench, described, machineOf, runOnce, task } from './harness.ts';

const end = { End: true };
/** A machine that is one state `S` and what it may go to. */
const single = (state: object, others: object = {}) => ({ StartAt: 'S', States: { S: state, ...others } });
const done = { Type: 'Succeed' };

interface Case {
  readonly name: string;
  readonly machine: object;
  readonly input?: unknown;
  readonly handlers?: Readonly<Record<string, TaskHandler>>;
  readonly output?: unknown;
  readonly status?: string;
  readonly error?: string;
}

const echo: TaskHandler = async (event) => event;

const cases: readonly Case[] = [
  {
    name: 'Pass hands its input on',
    machine: single({ Type: 'Pass', ...end }),
    input: { a: 1 },
    output: { a: 1 },
  },
  {
    name: 'Pass puts a fixed Result at ResultPath and makes the objects on the way',
    machine: single({ Type: 'Pass', Result: 7, ResultPath: '$.x.y', ...end }),
    input: { a: 1 },
    output: { a: 1, x: { y: 7 } },
  },
  {
    name: 'Pass with ResultPath null drops the result',
    machine: single({ Type: 'Pass', Result: 7, ResultPath: null, ...end }),
    input: { a: 1 },
    output: { a: 1 },
  },
  {
    name: 'a Result of null is a result',
    machine: single({ Type: 'Pass', Result: null, ...end }),
    output: null,
  },
  {
    name: 'Parameters are filled from input and context, in objects and lists',
    machine: single({
      Type: 'Pass',
      Parameters: {
        'a.$': '$.in[1].b',
        list: [{ 'n.$': '$$.Execution.Name' }],
        fixed: '$.not.a.path',
        's.$': '$$.State.Name',
      },
      ...end,
    }),
    input: { in: [0, { b: 'B' }] },
    output: { a: 'B', list: [{ n: 'x' }], fixed: '$.not.a.path', s: 'S' },
  },
  {
    name: 'InputPath narrows what Parameters see, ResultPath writes into the raw input, OutputPath narrows the end',
    machine: single({
      Type: 'Pass',
      InputPath: '$.in',
      Parameters: { 'v.$': '$.v' },
      ResultPath: '$.out',
      OutputPath: '$.out',
      ...end,
    }),
    input: { in: { v: 3 }, rest: 1 },
    output: { v: 3 },
  },
  {
    name: 'InputPath null gives an empty object',
    machine: single({ Type: 'Pass', InputPath: null, ...end }),
    input: { a: 1 },
    output: {},
  },
  {
    name: 'an inherited property is not a field of the input',
    machine: single({ Type: 'Pass', Parameters: { 'a.$': '$.constructor' }, ...end }),
    status: 'FAILED',
    error: 'States.Runtime',
  },
  {
    name: 'a ResultPath through text fails the state',
    machine: single({ Type: 'Pass', Result: 1, ResultPath: '$.a.b', ...end }),
    input: { a: 'text' },
    status: 'FAILED',
    error: 'States.ResultPathMatchFailure',
  },
  {
    name: 'Task gives version, payload and status code of the function',
    machine: single(task('echo', end)),
    handlers: { echo },
    input: { q: 1 },
    output: { ExecutedVersion: '$LATEST', Payload: { q: 1 }, StatusCode: 200 },
  },
  {
    name: 'Task selects from its result and puts it beside the input',
    machine: single(task('echo', { ResultSelector: { 'got.$': '$.Payload.q' }, ResultPath: '$.r', ...end })),
    handlers: { echo },
    input: { q: 1 },
    output: { q: 1, r: { got: 1 } },
  },
  {
    name: 'a function that returns nothing returns null',
    machine: single(task('none', { OutputPath: '$.Payload', ...end })),
    handlers: { none: async () => undefined },
    output: null,
  },
  {
    name: 'a function that returns what JSON cannot hold fails the task',
    machine: single(task('big', end)),
    handlers: { big: async () => 1n },
    status: 'FAILED',
    error: 'Runtime.MarshalError',
  },
  {
    name: 'a function nobody registered fails the task by its own error name',
    machine: single(task('nobody', end)),
    status: 'FAILED',
    error: 'Lambda.ResourceNotFoundException',
  },
  {
    name: 'Succeed ends with its input',
    machine: single({ Type: 'Succeed', OutputPath: '$.a' }),
    input: { a: [1] },
    output: [1],
  },
  {
    name: 'Fail ends with its error and cause',
    machine: single({ Type: 'Fail', Error: 'Denied', Cause: 'said no' }),
    status: 'FAILED',
    error: 'Denied',
  },
  {
    name: 'Choice without a rule that holds and without Default fails',
    machine: single(
      { Type: 'Choice', Choices: [{ Variable: '$.a', NumericEquals: 2, Next: 'D' }] },
      { D: done },
    ),
    input: { a: 1 },
    status: 'FAILED',
    error: 'States.NoChoiceMatched',
  },
  {
    name: 'Choice over a variable that is not there ends the execution',
    machine: single(
      { Type: 'Choice', Choices: [{ Variable: '$.b', NumericEquals: 2, Next: 'D' }], Default: 'D' },
      { D: done },
    ),
    input: { a: 1 },
    status: 'FAILED',
    error: 'States.Runtime',
  },
  {
    name: 'Parallel gives a list of outputs in the order of its branches',
    machine: single({
      Type: 'Parallel',
      Branches: [
        { StartAt: 'A', States: { A: { Type: 'Pass', Result: 'a', ...end } } },
        { StartAt: 'B', States: { B: { Type: 'Pass', Next: 'B2' }, B2: { Type: 'Succeed' } } },
      ],
      ...end,
    }),
    input: { i: 1 },
    output: ['a', { i: 1 }],
  },
  {
    name: 'a Parallel inside a Map sees the item, the execution input and its own state',
    machine: single({
      Type: 'Map',
      ItemsPath: '$.items',
      ItemSelector: { 'v.$': '$$.Map.Item.Value', 'i.$': '$$.Map.Item.Index', 'all.$': '$.items' },
      ItemProcessor: {
        ProcessorConfig: { Mode: 'INLINE' },
        StartAt: 'P',
        States: {
          P: {
            Type: 'Parallel',
            Branches: [
              {
                StartAt: 'Q',
                States: {
                  Q: {
                    Type: 'Pass',
                    Parameters: {
                      'v.$': '$.v',
                      'again.$': '$$.Map.Item.Value',
                      'e.$': '$$.Execution.Input.items[0]',
                    },
                    ...end,
                  },
                },
              },
            ],
            ...end,
          },
        },
      },
      ...end,
    }),
    input: { items: ['p', 'q'] },
    output: [[{ v: 'p', again: 'p', e: 'p' }], [{ v: 'q', again: 'q', e: 'p' }]],
  },
  {
    name: 'a Map over an empty list is an empty list',
    machine: single({
      Type: 'Map',
      ItemsPath: '$.items',
      Iterator: { StartAt: 'A', States: { A: { Type: 'Pass', ...end } } },
      ResultPath: '$.r',
      ...end,
    }),
    input: { items: [] },
    output: { items: [], r: [] },
  },
  {
    name: 'a Map over what is not a list ends the execution',
    machine: single({
      Type: 'Map',
      Iterator: { StartAt: 'A', States: { A: { Type: 'Pass', ...end } } },
      ...end,
    }),
    input: { items: [] },
    status: 'FAILED',
    error: 'States.Runtime',
  },
  {
    name: 'a timestamp in the past does not wait',
    machine: single({ Type: 'Wait', Timestamp: '2020-01-01T00:00:00Z', ...end }),
    input: 1,
    output: 1,
  },
  {
    name: 'a TimestampPath that gives no instant ends the execution',
    machine: single({ Type: 'Wait', TimestampPath: '$.at', ...end }),
    input: { at: '2026-02-30T00:00:00Z' },
    status: 'FAILED',
    error: 'States.Runtime',
  },
];

describe('what each state does', () => {
  test.each(cases)('$name', async ({ machine, input, handlers, output, status, error }) => {
    const b = bench(machineOf(machine), handlers ? { handlers } : {});
    const execution = await runOnce(b, input ?? {});
    expect({ status: execution.status, error: execution.error, output: execution.output }).toEqual({
      status: status ?? 'SUCCEEDED',
      error,
      output,
    });
  });
});

const rules: readonly (readonly [string, object, unknown, boolean])[] = [
  ['text equals', { StringEquals: 'a' }, 'a', true],
  ['text of another case is not equal', { StringEquals: 'a' }, 'A', false],
  ['a number is not equal to text', { StringEquals: '1' }, 1, false],
  ['text against a path', { StringEqualsPath: '$.other' }, 'o', true],
  ['text before', { StringLessThan: 'b' }, 'a', true],
  ['a pattern with stars', { StringMatches: 'log-*-x*' }, 'log-1-xyz', true],
  ['a pattern is anchored at both ends', { StringMatches: 'a*b' }, 'a-b-c', false],
  ['pattern pieces may not overlap', { StringMatches: 'ab*ba' }, 'aba', false],
  ['an escaped star is a star', { StringMatches: 'a\\*' }, 'a*', true],
  ['an escaped star is only a star', { StringMatches: 'a\\*' }, 'ab', false],
  ['numbers', { NumericGreaterThanEquals: 3 }, 3, true],
  ['numbers, strictly', { NumericLessThan: 3 }, 3, false],
  ['booleans', { BooleanEquals: false }, false, true],
  [
    'instants compare as instants, not as text',
    { TimestampEquals: '2026-01-01T00:00:00Z' },
    '2026-01-01T00:00:00.000Z',
    true,
  ],
  ['instants in order', { TimestampLessThanPath: '$.later' }, '2026-01-01T00:00:00Z', true],
  ['text that is no instant is not earlier', { TimestampLessThan: '2026-01-01T00:00:00Z' }, 'soon', false],
  ['null is null', { IsNull: true }, null, true],
  ['null is present', { IsPresent: true }, null, true],
  ['a timestamp is recognized', { IsTimestamp: true }, '2026-01-01T00:00:00Z', true],
  ['IsString asked the other way', { IsString: false }, 4, true],
];

describe('choice rules', () => {
  const choose = async (rule: object, v: unknown): Promise<unknown> => {
    const machine = single(
      { Type: 'Choice', Choices: [{ ...rule, Next: 'Yes' }], Default: 'No' },
      { Yes: { Type: 'Pass', Result: true, ...end }, No: { Type: 'Pass', Result: false, ...end } },
    );
    const execution = await runOnce(bench(machineOf(machine)), {
      v,
      other: 'o',
      later: '2027-01-01T00:00:00Z',
    });
    return execution.output;
  };
  test.each(rules)('%s', async (_name, rule, value, holds) => {
    expect(await choose({ Variable: '$.v', ...rule }, value)).toBe(holds);
    expect(await choose({ Not: { Variable: '$.v', ...rule } }, value)).toBe(!holds);
  });
  test('And and Or combine, and IsPresent guards what follows it', async () => {
    const guarded = {
      And: [
        { Variable: '$.missing', IsPresent: true },
        { Variable: '$.missing', StringEquals: 'a' },
      ],
    };
    expect(await choose(guarded, 1)).toBe(false);
    expect(await choose({ Or: [guarded, { Variable: '$.v', NumericEquals: 1 }] }, 1)).toBe(true);
  });
});

describe('waiting', () => {
  test('a 30-day wait is still waiting a second before its end, and ends at it', async () => {
    const b = bench(machineOf(single({ Type: 'Wait', TimestampPath: '$.until', ...end })));
    await runOnce(b, { until: '2026-01-31T00:00:00Z' });
    await b.play((30 * DAY - SECOND) as typeof DAY);
    expect((await described(b)).status).toBe('RUNNING');
    expect(b.runtime.nextDueAt()).toBe(Date.parse('2026-01-31T00:00:00Z'));
    await b.play(SECOND);
    expect(await described(b)).toMatchObject({
      status: 'SUCCEEDED',
      stoppedAt: Date.parse('2026-01-31T00:00:00Z'),
    });
  });
  test('the milliseconds of a timestamp are dropped, as on AWS', async () => {
    const b = bench(machineOf(single({ Type: 'Wait', Timestamp: '2026-01-01T01:00:00.900Z', ...end })));
    await runOnce(b);
    await b.play(HOUR);
    expect((await described(b)).status).toBe('SUCCEEDED');
  });
  test('a 13-month wait does not outlive the one year of an execution', async () => {
    const b = bench(machineOf(single({ Type: 'Wait', Timestamp: '2027-02-01T00:00:00Z', ...end })));
    await runOnce(b);
    await b.play((396 * DAY) as typeof DAY);
    expect(await described(b)).toMatchObject({
      status: 'TIMED_OUT',
      error: 'States.Timeout',
      stoppedAt: Date.parse('2027-01-01T00:00:00Z'),
    });
  });
  test('TimeoutSeconds of the machine ends it without any Catch', async () => {
    const machine = {
      TimeoutSeconds: 60,
      ...single(
        {
          Type: 'Parallel',
          Branches: [{ StartAt: 'W', States: { W: { Type: 'Wait', Seconds: 100, ...end } } }],
          Catch: [{ ErrorEquals: ['States.ALL'], Next: 'D' }],
          ...end,
        },
        { D: done },
      ),
    };
    const b = bench(machineOf(machine));
    await runOnce(b);
    await b.play(HOUR);
    expect((await described(b)).status).toBe('TIMED_OUT');
  });
  test('at the instant its time is over an execution does nothing more', async () => {
    const machine = { TimeoutSeconds: 60, ...single({ Type: 'Wait', Seconds: 60, ...end }) };
    const b = bench(machineOf(machine));
    await runOnce(b);
    await b.play(HOUR);
    expect((await described(b)).status).toBe('TIMED_OUT');
  });
  test('SecondsPath counts from when the state is entered', async () => {
    const b = bench(machineOf(single({ Type: 'Wait', SecondsPath: '$.n', ...end })));
    await runOnce(b, { n: 90 });
    expect(b.runtime.nextDueAt()).toBe(b.clock.now() + 90_000);
  });
});
