import { DatabaseSync } from 'node:sqlite';
import { type DurationMs, epochMs, formatProblem } from '../../src/core/index.ts';
import {
  type FaultHook,
  parseStateMachine,
  runUntil,
  SeededIds,
  SimulatedClock,
  type StateMachine,
  type TaskHandler,
  WorkflowRuntime,
} from '../../src/runtime/index.ts';

export const START = epochMs(Date.parse('2026-01-01T00:00:00Z'));

export function machineOf(definition: string | object): StateMachine {
  const text = typeof definition === 'string' ? definition : JSON.stringify(definition);
  const parsed = parseStateMachine(text, 'test.asl.yml');
  if (!parsed.ok) throw new Error(parsed.error.map(formatProblem).join('\n'));
  return parsed.value;
}

export interface Bench {
  readonly runtime: WorkflowRuntime;
  readonly clock: SimulatedClock;
  readonly database: DatabaseSync;
  /** Plays `length` of simulated time. */
  play(length: DurationMs): Promise<number>;
}

export interface BenchOptions {
  readonly handlers?: Readonly<Record<string, TaskHandler>>;
  readonly database?: DatabaseSync;
  readonly faults?: FaultHook;
  readonly seed?: string;
  readonly together?: number;
}

/** A runtime over a fresh (or given) database with machine `m`. */
export function bench(machine: StateMachine, options: BenchOptions = {}): Bench {
  const database = options.database ?? new DatabaseSync(':memory:');
  const clock = new SimulatedClock(database, START);
  const runtime = new WorkflowRuntime({
    database,
    machines: new Map([['m', machine]]),
    handlers: (name) => options.handlers?.[name],
    clock,
    ids: new SeededIds(database, options.seed ?? 'seed'),
    ...(options.faults && { faults: options.faults }),
    ...(options.together && { together: options.together }),
  });
  return {
    runtime,
    clock,
    database,
    play: (length) => runUntil(runtime, clock, epochMs(clock.now() + length)),
  };
}

/** Starts `x`, runs what is due at once, and returns how it stands. */
export async function runOnce(b: Bench, input: unknown = {}) {
  const started = await b.runtime.start({ machine: 'm', name: 'x', input });
  if (started.status !== 'started') throw new Error(started.status);
  await b.runtime.runDue();
  return described(b);
}

export async function described(b: Bench) {
  const execution = await b.runtime.describe('m', 'x');
  if (!execution) throw new Error('no execution `x`');
  return execution;
}

/** A Task that calls `fn` with the whole input. */
export const task = (fn: string, rest: object) => ({
  Type: 'Task',
  Resource: 'arn:aws:states:::lambda:invoke',
  Parameters: { FunctionName: { 'Fn::GetAtt': [fn, 'Arn'] }, 'Payload.$': '$' },
  ...rest,
});

/** A Task that hands its token to `fn`. */
export const tokenTask = (fn: string, rest: object) => ({
  Type: 'Task',
  Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
  Parameters: {
    FunctionName: { 'Fn::GetAtt': [fn, 'Arn'] },
    Payload: { 'token.$': '$$.Task.Token', 'input.$': '$' },
  },
  ...rest,
});
