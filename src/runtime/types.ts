import type { DatabaseSync } from 'node:sqlite';
import type { Clock, EpochMs, Ids } from '../core/index.ts';
import type { StateMachine } from './states.ts';

/** What a handler is told beside its event. */
export interface TaskInfo {
  readonly functionName: string;
  readonly executionName: string;
  readonly stateName: string;
  /** The same for every delivery of one attempt: after a crash the handler is called again with the same id, so it can recognize the repeat. */
  readonly requestId: string;
}

/** A Lambda handler. It may be called more than once for one attempt (at-least-once) and must be idempotent. */
export type TaskHandler = (event: unknown, info: TaskInfo) => Promise<unknown>;

/** A moment at which the simulator may let the process die, by throwing. `before-commit` throws before anything of the step is durable. */
export interface FaultPoint {
  readonly moment: 'before-call' | 'after-call' | 'before-commit';
  readonly machine: string;
  readonly executionName: string;
  /** Empty where no state is concerned: start, stop. */
  readonly stateName: string;
  readonly functionName?: string;
}
export type FaultHook = (point: FaultPoint) => void;

export type ExecutionStatus = 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED';

export interface ExecutionDescription {
  /** An ARN of this machine's own partition-less kind; unique among executions of one database except for reused names. */
  readonly executionArn: string;
  readonly machine: string;
  readonly name: string;
  readonly status: ExecutionStatus;
  readonly input: unknown;
  readonly output?: unknown;
  readonly error?: string;
  readonly cause?: string;
  readonly startedAt: EpochMs;
  readonly stoppedAt?: EpochMs;
  /** SHA-256 of the definition the execution runs on. */
  readonly definitionHash: string;
  /** The states it stands in now, one per running branch, in order of the branches. Empty when closed. */
  readonly activeStates: readonly string[];
}

export type StartOutcome =
  /** `repeated`: it was running already, with the same input, and nothing was started. */
  | { readonly status: 'started'; readonly execution: ExecutionDescription; readonly repeated: boolean }
  /** The name was used for another input, or the execution has closed; names are free again 90 days after the close. */
  | { readonly status: 'already-exists'; readonly execution: ExecutionDescription }
  | {
      readonly status: 'refused';
      readonly code: 'StateMachineDoesNotExist' | 'InvalidName' | 'InvalidExecutionInput';
      readonly message: string;
    };

/** Why a reply to a task was not taken. None of them is helped by a retry. */
export interface ReplyRefusal {
  readonly code: 'TaskTimedOut' | 'TaskDoesNotExist' | 'InvalidOutput';
  readonly message: string;
}

export interface StopRefusal {
  readonly code: 'ExecutionDoesNotExist';
  readonly message: string;
}

export interface RedriveRefusal {
  readonly code: 'ExecutionDoesNotExist' | 'ExecutionNotRedrivable';
  readonly message: string;
}

/** One entry of an execution's history, in the names of Step Functions. Task tokens occur only as their SHA-256. */
export interface HistoryEvent {
  /** From 1, without gaps. */
  readonly id: number;
  readonly at: EpochMs;
  readonly type: string;
  readonly details: Readonly<Record<string, unknown>>;
}

export interface WorkflowRuntimeOptions {
  /** Tables `wf_*` are made in it; other tables may stand beside. No transaction may be open when a method is called. */
  readonly database: DatabaseSync;
  readonly machines: ReadonlyMap<string, StateMachine>;
  readonly handlers: (functionName: string) => TaskHandler | undefined;
  readonly clock: Clock;
  readonly ids: Ids;
  /** How many branches may be worked on at the same time, in one commit each time round; 1, one after another, when absent. */
  readonly together?: number;
  readonly faults?: FaultHook;
}
