import { canonicalJson, type EpochMs, epochMs, err, ok, type Result, sha256Hex } from '../core/index.ts';
import { decode } from './data-flow.ts';
import { parseStateMachine } from './definition.ts';
import { RUNTIME_ERROR, RuntimeMisuse, TIMEOUT } from './errors.ts';
import { gather, settle } from './gather.ts';
import { isExecutionName, LIMITS } from './limits.ts';
import { executionArn, HistoryFull, Run, redact, type TaskOutcome } from './run.ts';
import type { StateMachine } from './states.ts';
import { type BranchRow, type Due, type ExecutionRow, WorkflowStore } from './store.ts';
import type {
  ExecutionDescription,
  ExecutionStatus,
  FaultPoint,
  HistoryEvent,
  RedriveRefusal,
  ReplyRefusal,
  StartOutcome,
  StopRefusal,
  WorkflowRuntimeOptions,
} from './types.ts';

/** A function that has to be called for a branch, once that is durable. */
interface Call {
  readonly branchId: number;
  readonly visit: number;
}

interface Called {
  readonly call: Call;
  readonly functionName: string;
  readonly outcome: TaskOutcome;
}

/** Closed executions that a start removes: more than come in with it, so that what was kept too long goes too. */
const FORGOTTEN_PER_START = 4;

const callOf = ({ id, visit }: BranchRow): Call => ({ branchId: id, visit });

/**
 * Runs state machines of the portable subset in-process, durably, with the handlers that run in Lambda on AWS.
 *
 * - Transitions with no effect between them are one SQLite transaction; how durable a commit is, is the database's `synchronous`
 *   setting. With `together` above 1 the transitions of several branches share one commit, and their functions run at the same time.
 * - A handler is called after its intent is durable. A crash before its outcome is durable means a second call with the same event,
 *   token and request id: at-least-once.
 * - It never sleeps: `runDue` does what is due by the clock, one step after another, and `nextDueAt` says when to come back.
 * - One process at a time; handlers may call every method but `runDue`.
 */
export class WorkflowRuntime {
  readonly #options: WorkflowRuntimeOptions;
  readonly #store: WorkflowStore;
  readonly #oldMachines = new Map<string, StateMachine>();
  readonly #together: number;
  /** Does what a caller asks for in a commit of its own, or in one shared with what else is asked for now. */
  readonly #asked: <T>(act: () => T) => Promise<T>;
  #running = false;
  /** What the fault hook threw: a crash must get out even through a handler that catches everything. */
  #crash: { readonly reason: unknown } | undefined;

  constructor(options: WorkflowRuntimeOptions) {
    this.#options = options;
    this.#together = options.together ?? 1;
    const gathered = gather((asked: readonly (() => unknown)[]) =>
      this.#store.transaction(() => asked.map((act) => settle(() => this.#store.transaction(act)))),
    );
    this.#asked = async <T>(act: () => T) => (this.#together > 1 ? ((await gathered(act)) as T) : act());
    this.#store = new WorkflowStore(options.database);
  }

  /**
   * Starts an execution, with the idempotency of Step Functions: the same name and input while it runs is the same execution; a name
   * whose execution closed within 90 days, or that runs with another input, already exists.
   * @param request.input - a JSON value up to 262,144 bytes; `{}` when absent
   */
  async start(request: {
    readonly machine: string;
    readonly name: string;
    readonly input?: unknown;
  }): Promise<StartOutcome> {
    const { machine: machineName, name } = request;
    const machine = this.#options.machines.get(machineName);
    if (!machine) return refusal('StateMachineDoesNotExist', `there is no state machine \`${machineName}\``);
    if (!isExecutionName(name))
      return refusal(
        'InvalidName',
        `\`${name}\` is not an execution name: use 1 to 80 letters, digits, \`-\`, \`_\` or \`.\``,
      );
    const input = jsonText(request.input ?? {});
    if (!input.ok) return refusal('InvalidExecutionInput', `the input of \`${name}\` ${input.error}`);
    const inputHash = sha256Hex(canonicalJson(decode(input.value)));
    return this.#asked(() => this.#start(machine, machineName, name, input.value, inputHash));
  }

  #start(
    machine: StateMachine,
    machineName: string,
    name: string,
    input: string,
    inputHash: string,
  ): StartOutcome {
    const now = this.#now();
    const before = this.#store.executionByName(machineName, name);
    if (before?.status === 'RUNNING' && before.input_hash === inputHash)
      return { status: 'started', execution: this.#describe(before), repeated: true };
    if (before && (before.stopped_at === null || now < before.stopped_at + LIMITS.nameReuseMs))
      return { status: 'already-exists', execution: this.#describe(before) };

    const id = this.#commit({ machine: machineName, executionName: name, stateName: '' }, () => {
      this.#store.saveDefinition(machine.hash, machine.definition);
      this.#store.forgetClosed(now - LIMITS.keptAfterCloseMs, FORGOTTEN_PER_START);
      const executionId = this.#store.addExecution({
        machine: machineName,
        name,
        definition_hash: machine.hash,
        input,
        input_hash: inputHash,
        status: 'RUNNING',
        started_at: now,
        stopped_at: null,
        output: null,
        error: null,
        cause: null,
        deadline:
          now + Math.min((machine.timeoutSeconds ?? Number.POSITIVE_INFINITY) * 1000, LIMITS.executionMs),
        events: 0,
      });
      const run = this.#runOf(this.#executionOf(executionId));
      run.start();
      run.save();
      return executionId;
    });
    return { status: 'started', execution: this.#describe(this.#executionOf(id)), repeated: false };
  }

  /** The youngest execution of the name. */
  async describe(machine: string, name: string): Promise<ExecutionDescription | undefined> {
    const row = this.#store.executionByName(machine, name);
    return row && this.#describe(row);
  }

  /** How the youngest execution of the name stands: what `describe` says first, without the rest. */
  async status(machine: string, name: string): Promise<ExecutionStatus | undefined> {
    return this.#store.statusByName(machine, name);
  }

  /** Executions in the order they were started. */
  async list(
    filter: { readonly machine?: string; readonly status?: ExecutionStatus } = {},
  ): Promise<ExecutionDescription[]> {
    return this.#store.executions(filter.machine, filter.status).map((row) => this.#describe(row));
  }

  /** The history of the youngest execution of the name; empty when there is none. */
  async history(machine: string, name: string): Promise<HistoryEvent[]> {
    const row = this.#store.executionByName(machine, name);
    if (!row) return [];
    return this.#store.events(row.id).map((event) => ({
      id: event.id,
      at: epochMs(event.at),
      type: event.type,
      details: decode(event.details) as Record<string, unknown>,
    }));
  }

  /**
   * Ends an execution as ABORTED. As on AWS nothing runs afterwards: no Catch, no cleanup, open tokens are dead. An execution that has
   * closed already stays as it is.
   */
  async stop(
    machine: string,
    name: string,
    reason: { readonly error?: string; readonly cause?: string } = {},
  ): Promise<Result<ExecutionDescription, StopRefusal>> {
    const row = this.#store.executionByName(machine, name);
    if (!row)
      return err({
        code: 'ExecutionDoesNotExist',
        message: `there is no execution \`${name}\` of state machine \`${machine}\``,
      });
    return this.#asked(() => {
      if (this.#executionOf(row.id).status === 'RUNNING')
        this.#transition(row.id, '', (run) => run.close('ABORTED', reason.error, reason.cause));
      return ok(this.#describe(this.#executionOf(row.id)));
    });
  }

  /**
   * Redrives an execution that failed, timed out or was stopped, up to 14 days after its close. It keeps its name, its input and its
   * deadline; its last state begins anew with the input it had. Stricter than AWS, where the branches of a Map that succeeded stay.
   * @see https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html
   */
  async redrive(machine: string, name: string): Promise<Result<ExecutionDescription, RedriveRefusal>> {
    const row = this.#store.executionByName(machine, name);
    if (!row)
      return err({
        code: 'ExecutionDoesNotExist',
        message: `there is no execution \`${name}\` of state machine \`${machine}\``,
      });
    const states = this.#machineOf(row).states;
    const last = this.#store
      .events(row.id)
      .flatMap(({ type, details }) =>
        type.endsWith('StateEntered') ? [decode(details) as { name: string; input: unknown }] : [],
      )
      .findLast((entered) => states.has(entered.name));
    const now = this.#now();
    const isYoung = row.stopped_at !== null && now < row.stopped_at + LIMITS.redriveMs && now < row.deadline;
    if (row.status === 'RUNNING' || row.status === 'SUCCEEDED' || !isYoung || last === undefined)
      return err({
        code: 'ExecutionNotRedrivable',
        message: `execution \`${name}\` is ${row.status} and cannot be redriven`,
      });
    return this.#asked(() => {
      this.#transition(row.id, last.name, (run) => run.redrive(last.name, JSON.stringify(last.input)));
      return ok(this.#describe(this.#executionOf(row.id)));
    });
  }

  /** @param output - a JSON value up to 262,144 bytes */
  async sendTaskSuccess(token: string, output: unknown): Promise<Result<void, ReplyRefusal>> {
    const text = jsonText(output);
    if (!text.ok) return err({ code: 'InvalidOutput', message: `the output of the task ${text.error}` });
    return this.#reply(token, (run, branch, hash) =>
      run.tokenSucceeded(branch, decode(redact(text.value, token, hash))),
    );
  }

  async sendTaskFailure(token: string, error: string, cause: string): Promise<Result<void, ReplyRefusal>> {
    return this.#reply(token, (run, branch, hash) =>
      run.tokenFailed(branch, redact(error, token, hash), redact(cause, token, hash)),
    );
  }

  async sendTaskHeartbeat(token: string): Promise<Result<void, ReplyRefusal>> {
    return this.#reply(token, (run, branch) => run.tokenBeat(branch));
  }

  /** When `runDue` next has something to do; in the past or now when something is ready, `undefined` when nothing is running. */
  nextDueAt(): EpochMs | undefined {
    const at = this.#store.nextDueAt();
    return at === undefined ? undefined : epochMs(at);
  }

  /**
   * Does everything that is ready or due at `clock.now()`, in order of time, until nothing is left. All of it happens at `clock.now()`:
   * whoever moves a simulated clock moves it from one `nextDueAt` to the next (see `runUntil`).
   * @returns the number of steps done
   * @throws what the fault hook threw, or a bug; the step at hand is undone and done again by the next call
   */
  async runDue(): Promise<number> {
    if (this.#running) throw new RuntimeMisuse('runDue is already running; a handler must not call it');
    this.#running = true;
    this.#crash = undefined;
    try {
      let steps = 0;
      for (let due = this.#due(); due.length > 0; due = this.#due()) {
        // What must be called is called only after all of this is durable.
        const calls = this.#inOneCommit(due.map((one) => () => this.#advance(one)));
        while (calls.length > 0) {
          const called = await this.#callAll(calls.splice(0, this.#together));
          calls.push(...this.#inOneCommit(called.map((one) => () => this.#take(one))));
        }
        steps += due.length;
      }
      return steps;
    } finally {
      this.#running = false;
    }
  }

  #due(): Due[] {
    return this.#store.due(this.#now(), this.#together);
  }

  /** Steps of any executions in one transaction. @returns the calls that they ask for */
  #inOneCommit(steps: readonly (() => readonly Call[])[]): Call[] {
    if (steps.length === 0) return [];
    return this.#store.transaction(() => steps.flatMap((step) => step()));
  }

  #advance(due: Due): readonly Call[] {
    if (due.kind === 'deadline') {
      this.#transition(due.id, '', (run) => run.close('TIMED_OUT', TIMEOUT, 'the execution ran out of time'));
      return [];
    }
    const branch = this.#store.branch(due.id);
    // An earlier step of the same commit may have ended it or taken it on.
    if (branch === undefined || branch.due_at !== due.at || branch.phase !== due.phase) return [];
    return this.#goOn(branch.execution_id, branch.state, (run, calls) => {
      if (run.advance(branch)) calls.push(callOf(branch));
    });
  }

  /** Takes the outcome of a call. */
  #take({ call, functionName, outcome }: Called): readonly Call[] {
    const current = this.#openCall(call);
    // Stopped, or answered through its token, while the function ran: there is no one left to take this outcome.
    if (current === undefined) return [];
    return this.#goOn(
      current.execution_id,
      current.state,
      (run) => run.taskReturned(current, outcome),
      functionName,
    );
  }

  /** One step, and all that follow from it without a wait or a call in between. */
  #goOn(
    executionId: number,
    stateName: string,
    body: (run: Run, calls: Call[]) => void,
    functionName?: string,
  ): readonly Call[] {
    const calls: Call[] = [];
    this.#transition(executionId, stateName, (run) => body(run, calls), functionName);
    for (
      let next = this.#readyBranch(executionId);
      next !== undefined;
      next = this.#readyBranch(executionId)
    ) {
      const branch = next;
      this.#transition(executionId, branch.state, (run) => {
        if (run.advance(branch)) calls.push(callOf(branch));
      });
    }
    return calls;
  }

  /** A branch that can go on at once; none once the execution has ended or its time is over. */
  #readyBranch(executionId: number): BranchRow | undefined {
    const { status, deadline } = this.#executionOf(executionId);
    return status === 'RUNNING' && this.#now() < deadline
      ? this.#store.readyBranch(executionId, this.#now())
      : undefined;
  }

  #openCall({ branchId, visit }: Call): BranchRow | undefined {
    const branch = this.#store.branch(branchId);
    return branch?.visit === visit && branch.phase === 'invoking' ? branch : undefined;
  }

  async #callAll(calls: readonly Call[]): Promise<Called[]> {
    const settled = await Promise.allSettled(calls.map((call) => this.#invoke(call)));
    for (const one of settled) if (one.status === 'rejected') throw one.reason;
    return settled.flatMap((one) => (one.status === 'fulfilled' && one.value ? [one.value] : []));
  }

  /** @returns `undefined` when a sibling's failure took the call back */
  async #invoke(call: Call): Promise<Called | undefined> {
    const branch = this.#openCall(call);
    if (branch === undefined) return undefined;
    const execution = this.#executionOf(branch.execution_id);
    const { functionName, event } = this.#runOf(execution).eventFor(branch);
    const point = {
      machine: execution.machine,
      executionName: execution.name,
      stateName: branch.state,
      functionName,
    };
    this.#fault({ moment: 'before-call', ...point });
    const outcome = await this.#call(functionName, event, execution, branch);
    // A handler may have swallowed the crash that the hook threw inside it.
    if (this.#crash) throw this.#crash.reason;
    this.#fault({ moment: 'after-call', ...point });
    return { call, functionName, outcome };
  }

  async #call(
    functionName: string,
    event: unknown,
    execution: ExecutionRow,
    branch: BranchRow,
  ): Promise<TaskOutcome> {
    const handler = this.#options.handlers(functionName);
    if (!handler)
      return {
        kind: 'threw',
        error: 'Lambda.ResourceNotFoundException',
        cause: `there is no function \`${functionName}\``,
      };
    try {
      const result = await handler(structuredClone(event), {
        functionName,
        executionName: execution.name,
        stateName: branch.state,
        requestId: requestId(execution, branch),
      });
      const text = jsonForm(result === undefined ? null : result);
      return text === undefined
        ? {
            kind: 'threw',
            error: 'Runtime.MarshalError',
            cause: 'the result of the function has no JSON form',
          }
        : { kind: 'returned', payload: decode(text) };
    } catch (error) {
      if (!(error instanceof Error)) return { kind: 'threw', error: 'Error', cause: String(error) };
      // Names that start with `States.` belong to the language; a function must not be able to forge one.
      const name = error.name === '' || error.name.startsWith('States.') ? 'Error' : error.name;
      return { kind: 'threw', error: name, cause: error.message };
    }
  }

  #reply(
    token: string,
    body: (run: Run, branch: BranchRow, tokenHash: string) => void,
  ): Promise<Result<void, ReplyRefusal>> {
    const hash = sha256Hex(token);
    // A token that nobody waits for any more needs no commit.
    if (this.#store.branchByToken(hash) === undefined) return Promise.resolve(this.#replyTo(hash, body));
    return this.#asked(() => this.#replyTo(hash, body));
  }

  #replyTo(
    hash: string,
    body: (run: Run, branch: BranchRow, tokenHash: string) => void,
  ): Result<void, ReplyRefusal> {
    const branch = this.#store.branchByToken(hash);
    const timedOut = {
      code: 'TaskTimedOut',
      message: 'the task has ended or timed out; its token is no longer valid',
    } as const;
    if (!branch) {
      return this.#store.wasIssued(hash)
        ? err(timedOut)
        : err({ code: 'TaskDoesNotExist', message: 'no task was given this token' });
    }
    const now = this.#now();
    const { deadline } = this.#executionOf(branch.execution_id);
    // Too late is too late even if nobody has run the timeout yet.
    for (const limit of [branch.timeout_at, branch.heartbeat_at, deadline]) {
      if (limit !== null && now >= limit) return err(timedOut);
    }
    this.#transition(branch.execution_id, branch.state, (run) => body(run, branch, hash));
    return ok(undefined);
  }

  /** One step of one execution, undone whole where it fails. A full history undoes it and ends the execution instead. */
  #transition<T>(
    executionId: number,
    stateName: string,
    body: (run: Run) => T,
    functionName?: string,
  ): T | undefined {
    const { machine, name } = this.#executionOf(executionId);
    const point = { machine, executionName: name, stateName, ...(functionName && { functionName }) };
    const inRun = <R>(work: (run: Run) => R): R =>
      this.#commit(point, () => {
        const run = this.#runOf(this.#executionOf(executionId));
        const result = work(run);
        run.save();
        return result;
      });
    try {
      return inRun(body);
    } catch (error) {
      if (!(error instanceof HistoryFull)) throw error;
      inRun((run) =>
        run.close('FAILED', RUNTIME_ERROR, `the history reached its limit of ${LIMITS.historyEvents} events`),
      );
      return undefined;
    }
  }

  #commit<T>(point: Omit<FaultPoint, 'moment'>, body: () => T): T {
    return this.#store.transaction(() => {
      const result = body();
      this.#fault({ moment: 'before-commit', ...point });
      return result;
    });
  }

  #fault(point: FaultPoint): void {
    try {
      this.#options.faults?.(point);
    } catch (reason) {
      this.#crash = { reason };
      throw reason;
    }
  }

  #runOf(execution: ExecutionRow): Run {
    return new Run(this.#store, this.#machineOf(execution), execution, this.#options.ids, this.#now());
  }

  /** The definition the execution started with, which may no longer be the one that new executions get. */
  #machineOf(execution: ExecutionRow): StateMachine {
    const current = this.#options.machines.get(execution.machine);
    if (current?.hash === execution.definition_hash) return current;
    const known = this.#oldMachines.get(execution.definition_hash);
    if (known) return known;
    const body = this.#store.definition(execution.definition_hash);
    const parsed =
      body === undefined ? undefined : parseStateMachine(body, `${execution.machine} (as started)`);
    if (!parsed?.ok)
      throw new Error(`the definition of execution \`${execution.name}\` cannot be read any more`);
    this.#oldMachines.set(execution.definition_hash, parsed.value);
    return parsed.value;
  }

  #executionOf(id: number): ExecutionRow {
    const row = this.#store.execution(id);
    if (!row) throw new Error(`execution ${id} is gone`);
    return row;
  }

  #describe(row: ExecutionRow): ExecutionDescription {
    const branches = row.status === 'RUNNING' ? this.#store.branchesOf(row.id) : [];
    return {
      executionArn: executionArn(row.machine, row.name),
      machine: row.machine,
      name: row.name,
      status: row.status,
      input: decode(row.input),
      ...(row.output !== null && { output: decode(row.output) }),
      ...(row.error !== null && { error: row.error }),
      ...(row.cause !== null && { cause: row.cause }),
      startedAt: epochMs(row.started_at),
      ...(row.stopped_at !== null && { stoppedAt: epochMs(row.stopped_at) }),
      definitionHash: row.definition_hash,
      activeStates: branches
        .filter((branch) => branch.phase !== 'done' && branch.phase !== 'children')
        .map((branch) => branch.state),
    };
  }

  #now(): EpochMs {
    return this.#options.clock.now();
  }
}

const refusal = (
  code: Extract<StartOutcome, { status: 'refused' }>['code'],
  message: string,
): StartOutcome => ({ status: 'refused', code, message });

function jsonForm(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    // A cycle or a BigInt.
    return undefined;
  }
}

function jsonText(value: unknown): Result<string, string> {
  const text = jsonForm(value);
  if (text === undefined) return err('has no JSON form');
  if (Buffer.byteLength(text) > LIMITS.payloadBytes) return err(`has more than ${LIMITS.payloadBytes} bytes`);
  return ok(text);
}

/** One per attempt, the same at every delivery of it; in the form Lambda gives. */
function requestId(execution: ExecutionRow, branch: BranchRow): string {
  const hash = sha256Hex(
    `${execution.machine}/${execution.name}/${execution.id}/${branch.id}/${branch.visit}`,
  );
  return [
    hash.slice(0, 8),
    hash.slice(8, 12),
    hash.slice(12, 16),
    hash.slice(16, 20),
    hash.slice(20, 32),
  ].join('-');
}
