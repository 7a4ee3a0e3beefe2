import { assertNever, type Ids, sha256Hex } from '../core/index.ts';
import { evaluateCondition } from './choice-rules.ts';
import {
  decode,
  effectiveInput,
  encode,
  filled,
  missingIn,
  outputOf,
  secondsOf,
  withResult,
} from './data-flow.ts';
import {
  HEARTBEAT_TIMEOUT,
  matchesError,
  NO_CHOICE_MATCHED,
  RUNTIME_ERROR,
  StateFailure,
  TIMEOUT,
} from './errors.ts';
import { LIMITS } from './limits.ts';
import { resolvePath, type Scope } from './paths.ts';
import type {
  ChoiceState,
  MapState,
  ParallelState,
  PassState,
  State,
  StateMachine,
  TaskState,
  WaitState,
} from './states.ts';
import type { BranchRow, ExecutionRow, WorkflowStore } from './store.ts';
import { waitUntil } from './timestamps.ts';
import type { ExecutionStatus } from './types.ts';

/** The history has no room for another event; the transaction is undone and the execution failed in one of its own. */
export class HistoryFull extends Error {}

/** Length of a task token in characters of [0-9a-z]: 330 bits, so that a guess is infeasible. */
const TOKEN_LENGTH = 64;

export type TaskOutcome =
  | { readonly kind: 'returned'; readonly payload: unknown }
  | { readonly kind: 'threw'; readonly error: string; readonly cause: string };

export const executionArn = (machine: string, name: string): string =>
  `arn:aws:states:local:000000000000:execution:${machine}:${name}`;
const machineArn = (machine: string): string => `arn:aws:states:local:000000000000:stateMachine:${machine}`;
const iso = (at: number): string => new Date(at).toISOString();

/**
 * One execution inside one transaction: takes a branch from where it stands to the next place where it has to wait for something.
 * Synchronous; it reads and writes rows only, so undoing the transaction undoes the step.
 */
export class Run {
  readonly #store: WorkflowStore;
  readonly #machine: StateMachine;
  readonly #execution: ExecutionRow;
  readonly #ids: Ids;
  readonly #now: number;
  /** A call was scheduled in this transition and stands: nothing after it failed the state. */
  #mustInvoke = false;

  constructor(store: WorkflowStore, machine: StateMachine, execution: ExecutionRow, ids: Ids, now: number) {
    this.#store = store;
    this.#machine = machine;
    this.#execution = execution;
    this.#ids = ids;
    this.#now = now;
  }

  /** Writes back the counters of the execution; the last thing in every transaction. */
  save(): void {
    this.#store.saveExecution(this.#execution);
  }

  start(): void {
    this.#event('ExecutionStarted', {
      input: decode(this.#execution.input),
      definitionHash: this.#execution.definition_hash,
    });
    this.#store.addBranch({
      execution_id: this.#execution.id,
      parent_id: null,
      item_index: 0,
      item_value: null,
      state: this.#machine.startAt,
      input: this.#execution.input,
      due_at: this.#now,
    });
  }

  /** Ends the execution: no Catch runs, every branch is gone, every open token is dead. */
  close(
    status: Exclude<ExecutionStatus, 'RUNNING' | 'SUCCEEDED'>,
    error: string | undefined,
    cause: string | undefined,
  ): void {
    const types = { FAILED: 'ExecutionFailed', TIMED_OUT: 'ExecutionTimedOut', ABORTED: 'ExecutionAborted' };
    this.#end(status);
    this.#execution.error = error || null;
    this.#execution.cause = cause || null;
    this.#event(types[status], { ...(error && { error }), ...(cause && { cause }) }, undefined, true);
  }

  /** Goes on with the state in which the execution ended, with that state's input; of a Parallel or Map every branch begins again. */
  redrive(state: string, input: string): void {
    this.#execution.status = 'RUNNING';
    this.#execution.stopped_at = null;
    this.#execution.error = null;
    this.#execution.cause = null;
    this.#event('ExecutionRedriven', { name: state });
    this.#store.addBranch({
      execution_id: this.#execution.id,
      parent_id: null,
      item_index: 0,
      item_value: null,
      state,
      input,
      due_at: this.#now,
    });
  }

  /** Does what is due for `branch`. @returns `true` when its function must be called once this transaction is durable */
  advance(branch: BranchRow): boolean {
    switch (branch.phase) {
      case 'ready':
        this.#enter(branch);
        break;
      case 'retrying':
        this.#attempt(branch, (state) => this.#execute(branch, state));
        break;
      case 'waiting':
        this.#attempt(branch, (state) => this.#leaveUnchanged(branch, state));
        break;
      case 'token':
        this.#timeOut(branch);
        break;
      case 'invoking':
        // A crash came between the call and its outcome: nobody knows whether the function ran, so it is called again.
        if (branch.timeout_at !== null && this.#now >= branch.timeout_at) this.#timeOut(branch);
        else {
          this.#event('TaskStarted', { name: branch.state, redelivered: true });
          this.#mustInvoke = true;
        }
        break;
      case 'children':
      case 'done':
        throw new Error(`branch ${branch.id} is ${branch.phase} and cannot be due`);
      default:
        assertNever(branch.phase, 'phase');
    }
    return this.#mustInvoke;
  }

  /** What the function is called with; the same at every delivery of one attempt. */
  eventFor(branch: BranchRow): { readonly functionName: string; readonly event: unknown } {
    const state = this.#taskOf(branch);
    const scope = this.#inputScope(branch, state);
    return {
      functionName: state.functionName,
      event: filled(state, state.payload, 'Parameters.Payload', scope),
    };
  }

  /** Takes the outcome of a call. */
  taskReturned(branch: BranchRow, outcome: TaskOutcome): void {
    const token = branch.token;
    this.#attempt(branch, (state) => {
      if (state.type !== 'Task') throw new Error(`state \`${state.name}\` is not a Task`);
      if (branch.timeout_at !== null && this.#now >= branch.timeout_at) {
        this.#timeOut(branch);
        return;
      }
      if (outcome.kind === 'threw') {
        const error = redact(outcome.error, token, branch.token_hash);
        const cause = redact(outcome.cause, token, branch.token_hash);
        this.#taskFailed(branch, error, cause);
        return;
      }
      const result = state.waitsForToken
        ? outcome.payload
        : { ExecutedVersion: '$LATEST', Payload: outcome.payload, StatusCode: 200 };
      encode(result, `the result of function \`${state.functionName}\``);
      if (!state.waitsForToken) {
        this.#taskSucceeded(branch, state, result);
        return;
      }
      this.#event('TaskSubmitted', { name: state.name, output: result }, branch);
      branch.phase = 'token';
      branch.token = null;
      branch.due_at = earliest(branch.timeout_at, branch.heartbeat_at);
      this.#store.saveBranch(branch);
    });
  }

  /** A token came back with a result. @param output - JSON value within the size limit */
  tokenSucceeded(branch: BranchRow, output: unknown): void {
    this.#attempt(branch, (state) => {
      if (state.type !== 'Task') throw new Error(`state \`${state.name}\` is not a Task`);
      this.#taskSucceeded(branch, state, output);
    });
  }

  tokenFailed(branch: BranchRow, error: string, cause: string): void {
    this.#attempt(branch, () => this.#taskFailed(branch, error, cause));
  }

  tokenBeat(branch: BranchRow): void {
    if (branch.heartbeat_ms === null) return;
    branch.heartbeat_at = this.#now + branch.heartbeat_ms;
    if (branch.phase === 'token') branch.due_at = earliest(branch.timeout_at, branch.heartbeat_at);
    this.#store.saveBranch(branch);
  }

  #enter(branch: BranchRow): void {
    const state = this.#stateOf(branch);
    branch.entered_at = this.#now;
    branch.retry_count = 0;
    branch.retries = '[]';
    this.#eventWith(`${state.type}StateEntered`, state.name, 'input', branch.input);
    this.#attempt(branch, () => this.#execute(branch, state));
  }

  /** Runs `body` for the branch's state and hands a failure of that state to its Retry and Catch. */
  #attempt(branch: BranchRow, body: (state: State) => void): void {
    const state = this.#stateOf(branch);
    try {
      body(state);
    } catch (failure) {
      if (!(failure instanceof StateFailure)) throw failure;
      this.#recover(branch, state, failure);
    }
  }

  #execute(branch: BranchRow, state: State): void {
    branch.visit += 1;
    switch (state.type) {
      case 'Task':
        this.#schedule(branch, state);
        return;
      case 'Pass':
        this.#pass(branch, state);
        return;
      case 'Choice':
        this.#choose(branch, state);
        return;
      case 'Wait':
        this.#wait(branch, state);
        return;
      case 'Parallel':
        this.#fork(branch, state);
        return;
      case 'Map':
        this.#fanOut(branch, state);
        return;
      case 'Succeed': {
        const output = this.#unchangedOutput(branch, state);
        this.#eventWith('SucceedStateExited', state.name, 'output', output);
        this.#endBranch(branch, output);
        return;
      }
      case 'Fail':
        this.#uncaught(branch, new StateFailure(state.error ?? '', state.cause ?? ''));
        return;
      default:
        assertNever(state, 'state');
    }
  }

  #schedule(branch: BranchRow, state: TaskState): void {
    const scope = this.#inputScope(branch, state);
    const timeout = state.timeoutSeconds
      ? secondsOf(state, state.timeoutSeconds, 'TimeoutSecondsPath', 1, scope)
      : LIMITS.defaultTaskTimeoutSeconds;
    branch.phase = 'invoking';
    branch.due_at = this.#now;
    branch.timeout_at = this.#now + timeout * 1000;
    if (state.waitsForToken) {
      branch.token = this.#ids.next(TOKEN_LENGTH);
      branch.token_hash = sha256Hex(branch.token);
      branch.heartbeat_ms = state.heartbeatSeconds === undefined ? null : state.heartbeatSeconds * 1000;
      branch.heartbeat_at = branch.heartbeat_ms === null ? null : this.#now + branch.heartbeat_ms;
      this.#store.rememberToken(branch.token_hash, this.#execution.id);
    }
    const { event } = this.eventFor(branch);
    encode(event, `the payload for function \`${state.functionName}\``);
    this.#event(
      'TaskScheduled',
      {
        name: state.name,
        resourceType: 'lambda',
        resource: state.waitsForToken ? 'invoke.waitForTaskToken' : 'invoke',
        functionName: state.functionName,
        payload: event,
        timeoutInSeconds: timeout,
        ...(state.heartbeatSeconds !== undefined && { heartbeatInSeconds: state.heartbeatSeconds }),
      },
      branch,
    );
    this.#event('TaskStarted', { name: state.name });
    this.#store.saveBranch(branch);
    this.#mustInvoke = true;
  }

  #taskSucceeded(branch: BranchRow, state: TaskState, result: unknown): void {
    this.#event('TaskSucceeded', { name: state.name, output: result });
    this.#leaveWithResult(branch, state, result);
  }

  #taskFailed(branch: BranchRow, error: string, cause: string): void {
    const failure = new StateFailure(error, cause);
    this.#event('TaskFailed', { name: branch.state, error: failure.error, cause: failure.causeText });
    throw failure;
  }

  #timeOut(branch: BranchRow): void {
    this.#attempt(branch, (state) => {
      // Where both limits have passed, the one that passed first is the reason.
      const beatMissed =
        branch.heartbeat_at !== null && branch.heartbeat_at < (branch.timeout_at ?? Number.POSITIVE_INFINITY);
      const failure = beatMissed
        ? new StateFailure(HEARTBEAT_TIMEOUT, `state \`${state.name}\`: no heartbeat within HeartbeatSeconds`)
        : new StateFailure(TIMEOUT, `state \`${state.name}\`: not finished within TimeoutSeconds`);
      this.#event('TaskTimedOut', { name: state.name, error: failure.error, cause: failure.causeText });
      throw failure;
    });
  }

  #pass(branch: BranchRow, state: PassState): void {
    const raw = decode(branch.input);
    const scope = this.#inputScope(branch, state);
    const result = state.result ? state.result.value : filled(state, state.parameters, 'Parameters', scope);
    const output = outputOf(state, withResult(state, state.resultPath, raw, result), scope.context);
    this.#leave(branch, state, encode(output, `the output of state \`${state.name}\``));
  }

  #choose(branch: BranchRow, state: ChoiceState): void {
    const scope = this.#inputScope(branch, state);
    const chosen = state.choices.find((choice) =>
      evaluateCondition(choice.condition, scope, missingIn(state, 'Choices')),
    );
    const next = chosen?.next ?? state.default;
    if (next === undefined)
      throw new StateFailure(
        NO_CHOICE_MATCHED,
        `state \`${state.name}\`: no rule holds and there is no Default`,
      );
    this.#moveTo(branch, state, next, this.#unchangedOutput(branch, state));
  }

  #wait(branch: BranchRow, state: WaitState): void {
    branch.phase = 'waiting';
    branch.due_at = this.#waitEnd(branch, state);
    this.#store.saveBranch(branch);
  }

  #waitEnd(branch: BranchRow, state: WaitState): number {
    const scope = this.#inputScope(branch, state);
    const { until } = state;
    if (until.kind === 'seconds')
      return this.#now + secondsOf(state, until.value, 'SecondsPath', 0, scope) * 1000;
    let text: unknown;
    if (until.kind === 'timestamp') text = until.value;
    else {
      const resolved = resolvePath(until.path, scope);
      text = resolved.found ? resolved.value : missingIn(state, 'TimestampPath')(until.path);
    }
    const at = typeof text === 'string' ? waitUntil(text) : undefined;
    if (at === undefined)
      throw new StateFailure(
        RUNTIME_ERROR,
        `state \`${state.name}\`: TimestampPath must give an instant in UTC such as 2026-12-01T09:00:00Z`,
      );
    return at;
  }

  #fork(branch: BranchRow, state: ParallelState): void {
    const input = encode(
      filled(state, state.parameters, 'Parameters', this.#inputScope(branch, state)),
      `the input of the branches of state \`${state.name}\``,
    );
    this.#event('ParallelStateStarted', { name: state.name });
    this.#holdForChildren(branch);
    for (const [index, graph] of state.branches.entries()) {
      this.#addChild(branch, index, null, graph.startAt, input);
    }
  }

  #fanOut(branch: BranchRow, state: MapState): void {
    const items = this.#itemsOf(branch, state);
    this.#event('MapStateStarted', { name: state.name, length: items.length });
    this.#holdForChildren(branch);
    if (items.length === 0) {
      this.#join(branch, state, []);
      return;
    }
    const limit = state.maxConcurrency === 0 ? LIMITS.inlineMapConcurrency : state.maxConcurrency;
    for (const index of items.keys()) {
      if (index < limit) this.#startItem(branch, state, items, index);
    }
  }

  #itemsOf(branch: BranchRow, state: MapState): readonly unknown[] {
    const scope = this.#inputScope(branch, state);
    const resolved = resolvePath(state.itemsPath, scope);
    const items = resolved.found ? resolved.value : missingIn(state, 'ItemsPath')(state.itemsPath);
    if (Array.isArray(items)) return items;
    throw new StateFailure(RUNTIME_ERROR, `state \`${state.name}\`: ItemsPath must name a list`);
  }

  #startItem(branch: BranchRow, state: MapState, items: readonly unknown[], index: number): void {
    const value = items[index];
    let input = value;
    if (state.itemSelector) {
      const scope = this.#inputScope(branch, state, { Index: index, Value: value });
      input = filled(state, state.itemSelector, 'ItemSelector', scope);
    }
    this.#event('MapIterationStarted', { name: state.name, index });
    this.#addChild(
      branch,
      index,
      JSON.stringify(value),
      state.processor.startAt,
      encode(input, `item ${index} of state \`${state.name}\``),
    );
  }

  #holdForChildren(branch: BranchRow): void {
    branch.phase = 'children';
    branch.due_at = null;
    this.#store.saveBranch(branch);
  }

  #addChild(parent: BranchRow, index: number, item: string | null, state: string, input: string): void {
    this.#store.addBranch({
      execution_id: this.#execution.id,
      parent_id: parent.id,
      item_index: index,
      item_value: item,
      state,
      input,
      due_at: this.#now,
    });
  }

  #endBranch(branch: BranchRow, output: string): void {
    if (branch.parent_id === null) {
      this.#end('SUCCEEDED');
      this.#execution.output = output;
      this.#event('ExecutionSucceeded', { output: decode(output) }, undefined, true);
      return;
    }
    rest(branch);
    branch.phase = 'done';
    branch.due_at = null;
    branch.output = output;
    this.#store.saveBranch(branch);
    const parent = this.#parentOf(branch.parent_id);
    this.#attempt(parent, (state) => {
      const children = this.#store.children(parent.id);
      const done = children.filter((child) => child.phase === 'done');
      if (state.type === 'Parallel') {
        if (done.length === state.branches.length) this.#join(parent, state, done);
      } else if (state.type === 'Map') {
        this.#event('MapIterationSucceeded', { name: state.name, index: branch.item_index });
        const items = this.#itemsOf(parent, state);
        if (done.length === items.length) this.#join(parent, state, done);
        else if (children.length < items.length) this.#startItem(parent, state, items, children.length);
      } else throw new Error(`state \`${state.name}\` has no branches`);
    });
  }

  #join(branch: BranchRow, state: ParallelState | MapState, done: readonly BranchRow[]): void {
    const results = done.map((child) => decode(child.output ?? 'null'));
    this.#store.removeBelow(branch.id);
    this.#event(`${state.type}StateSucceeded`, { name: state.name });
    this.#leaveWithResult(branch, state, results);
  }

  #leaveWithResult(branch: BranchRow, state: TaskState | ParallelState | MapState, result: unknown): void {
    const raw = decode(branch.input);
    const context = this.#contextOf(branch, state);
    const selected = filled(state, state.resultSelector, 'ResultSelector', { input: result, context });
    const output = outputOf(state, withResult(state, state.resultPath, raw, selected), context);
    this.#leave(branch, state, encode(output, `the output of state \`${state.name}\``));
  }

  #unchangedOutput(branch: BranchRow, state: State): string {
    const scope = this.#inputScope(branch, state);
    return encode(outputOf(state, scope.input, scope.context), `the output of state \`${state.name}\``);
  }

  #leaveUnchanged(branch: BranchRow, state: State): void {
    this.#leave(branch, state, this.#unchangedOutput(branch, state));
  }

  #leave(branch: BranchRow, state: State, output: string): void {
    if (!('transition' in state)) throw new Error(`state \`${state.name}\` has no transition`);
    if (state.transition.kind === 'next') {
      this.#moveTo(branch, state, state.transition.state, output);
      return;
    }
    this.#eventWith(`${state.type}StateExited`, state.name, 'output', output);
    this.#endBranch(branch, output);
  }

  #moveTo(branch: BranchRow, state: State, next: string, output: string): void {
    this.#eventWith(`${state.type}StateExited`, state.name, 'output', output);
    rest(branch);
    branch.state = next;
    branch.input = output;
    branch.phase = 'ready';
    branch.due_at = this.#now;
    this.#store.saveBranch(branch);
  }

  #recover(branch: BranchRow, state: State, failure: StateFailure): void {
    // States.Runtime always ends the execution, wherever it happens.
    if (failure.error === RUNTIME_ERROR) {
      this.close('FAILED', failure.error, failure.causeText);
      return;
    }
    if (!('catch' in state)) {
      this.#uncaught(branch, failure);
      return;
    }
    this.#store.removeBelow(branch.id);
    if (state.type !== 'Task')
      this.#event(`${state.type}StateFailed`, {
        name: state.name,
        error: failure.error,
        cause: failure.causeText,
      });
    const delay = this.#nextRetry(branch, state.retry, failure.error);
    if (delay !== undefined) {
      rest(branch);
      branch.phase = 'retrying';
      branch.due_at = this.#now + delay;
      branch.retry_count += 1;
      this.#store.saveBranch(branch);
      return;
    }
    const catcher = state.catch.find((entry) => matchesError(entry.errorEquals, failure.error));
    if (!catcher) {
      this.#uncaught(branch, failure);
      return;
    }
    try {
      const caught = { Error: failure.error, Cause: failure.causeText };
      const output = withResult(state, catcher.resultPath, decode(branch.input), caught);
      this.#moveTo(branch, state, catcher.next, encode(output, `the output of state \`${state.name}\``));
    } catch (second) {
      if (!(second instanceof StateFailure)) throw second;
      this.#uncaught(branch, second);
    }
  }

  /** The delay in milliseconds before the next attempt, counted; `undefined` when no retrier matches or its attempts are used up. */
  #nextRetry(
    branch: BranchRow,
    retriers: Extract<State, { type: 'Task' }>['retry'],
    error: string,
  ): number | undefined {
    const index = retriers.findIndex((retrier) => matchesError(retrier.errorEquals, error));
    const retrier = retriers[index];
    if (!retrier) return undefined;
    const used = decode(branch.retries) as number[];
    const attempts = used[index] ?? 0;
    if (attempts >= retrier.maxAttempts) return undefined;
    branch.retries = JSON.stringify(
      retriers.map((_, position) => (used[position] ?? 0) + (position === index ? 1 : 0)),
    );
    const delay = retrier.intervalSeconds * retrier.backoffRate ** attempts;
    const bound = Math.min(retrier.maxDelaySeconds ?? LIMITS.defaultTaskTimeoutSeconds, delay);
    return Math.round(bound * 1000);
  }

  /** A failure nobody in this branch took: it fails the state around the branch, or the execution. */
  #uncaught(branch: BranchRow, failure: StateFailure): void {
    if (branch.parent_id === null) {
      this.close('FAILED', failure.error, failure.causeText);
      return;
    }
    const parent = this.#parentOf(branch.parent_id);
    const state = this.#stateOf(parent);
    if (state.type === 'Map')
      this.#event('MapIterationFailed', { name: state.name, index: branch.item_index });
    this.#recover(parent, state, failure);
  }

  #end(status: ExecutionStatus): void {
    this.#store.removeBranchesOf(this.#execution.id);
    this.#execution.status = status;
    this.#execution.stopped_at = this.#now;
  }

  #event(type: string, details: Record<string, unknown>, secretOf?: BranchRow, last = false): void {
    const text = JSON.stringify(details);
    this.#tell(type, secretOf ? redact(text, secretOf.token, secretOf.token_hash) : text, last);
  }

  /** An event of a state with data that is JSON text already, as `JSON.stringify` writes it. */
  #eventWith(type: string, name: string, field: 'input' | 'output', text: string): void {
    this.#tell(type, `{"name":${JSON.stringify(name)},"${field}":${text}}`, false);
  }

  #tell(type: string, details: string, last: boolean): void {
    if (!last && this.#execution.events >= LIMITS.historyEvents - 1) throw new HistoryFull();
    this.#execution.events += 1;
    this.#store.addEvent(this.#execution.id, { id: this.#execution.events, at: this.#now, type, details });
  }

  #stateOf(branch: BranchRow): State {
    const state = this.#machine.allStates.get(branch.state);
    if (!state) throw new Error(`state \`${branch.state}\` is not in the definition of its execution`);
    return state;
  }
  #taskOf(branch: BranchRow): TaskState {
    const state = this.#stateOf(branch);
    if (state.type !== 'Task') throw new Error(`state \`${state.name}\` is not a Task`);
    return state;
  }
  #parentOf(id: number): BranchRow {
    const parent = this.#store.branch(id);
    if (!parent) throw new Error(`branch ${id} is gone while its children run`);
    return parent;
  }

  #inputScope(
    branch: BranchRow,
    state: State,
    item?: { readonly Index: number; readonly Value: unknown },
  ): Scope {
    const context = this.#contextOf(branch, state, item);
    return { input: effectiveInput(state, { input: decode(branch.input), context }), context };
  }

  #contextOf(
    branch: BranchRow,
    state: State,
    item?: { readonly Index: number; readonly Value: unknown },
  ): () => unknown {
    return () => {
      const { machine, name, started_at, input } = this.#execution;
      const around = item ?? this.#itemAround(branch);
      return {
        Execution: {
          Id: executionArn(machine, name),
          Name: name,
          StartTime: iso(started_at),
          Input: decode(input),
        },
        State: { Name: state.name, EnteredTime: iso(branch.entered_at), RetryCount: branch.retry_count },
        StateMachine: { Id: machineArn(machine), Name: machine },
        ...(branch.token !== null && { Task: { Token: branch.token } }),
        ...(around && { Map: { Item: around } }),
      };
    };
  }

  /** The Map item that the branch works on, looking outwards. */
  #itemAround(branch: BranchRow): { readonly Index: number; readonly Value: unknown } | undefined {
    for (
      let row: BranchRow | undefined = branch;
      row;
      row = row.parent_id === null ? undefined : this.#store.branch(row.parent_id)
    ) {
      if (row.item_value !== null) return { Index: row.item_index, Value: decode(row.item_value) };
    }
    return undefined;
  }
}

/** Clears what belongs to one attempt at a state. */
function rest(branch: BranchRow): void {
  branch.timeout_at = null;
  branch.heartbeat_ms = null;
  branch.heartbeat_at = null;
  branch.token = null;
  branch.token_hash = null;
}

/** Replaces a token by its hash wherever it occurs. Tokens are [0-9a-z] only, so this is safe inside JSON text. */
export function redact(text: string, token: string | null, hash: string | null): string {
  return token === null || hash === null ? text : text.replaceAll(token, `sha256:${hash}`);
}

function earliest(first: number | null, second: number | null): number | null {
  if (first === null || second === null) return first ?? second;
  return Math.min(first, second);
}
