import type { DocumentPath, Problem } from '../core/index.ts';
import { reachableFrom } from './graph-checks.ts';
import {
  isTerminal,
  nestedGraphs,
  type State,
  type StateGraph,
  type StateMachine,
  successorsOf,
} from './states.ts';
import { pathsOf } from './templates.ts';

/** A fault that the definition's syntax allows and that would show only when the workflow runs. */
export interface LintFinding extends Problem {
  readonly severity: 'error' | 'warning';
  /** Empty for the machine as a whole. */
  readonly state: string;
}

/** In a state's `Comment`: from this state on, content storage may be on. */
export const ENABLES_MARKER = 'proviso:enables';
/** In a state's `Comment`: this state starts the ending, which switches off and proves it. */
export const STARTS_ENDING_MARKER = 'proviso:starts-ending';
/** In the `Comment` of a choice rule right after the enabling state: by that state's own answer, it attempted nothing. */
export const NOTHING_ENABLED_MARKER = 'proviso:nothing-enabled';

const LONG_RELATIVE_WAIT_SECONDS = 3600;

type Report = (
  severity: LintFinding['severity'],
  state: State | undefined,
  field: DocumentPath,
  code: string,
  message: string,
  remedy: string,
) => void;

/** Finds what asl-validator does not. The rules are documented in docs/workflow-subset.md; an empty list is a clean machine. */
export function lintStateMachine(machine: StateMachine): LintFinding[] {
  const findings: LintFinding[] = [];
  const report: Report = (severity, state, field, code, message, remedy) => {
    const said = state ? `state \`${state.name}\`: ${message}` : message;
    const problem = machine.source.problemAt([...(state?.at ?? []), ...field], code, said, remedy, 'key');
    findings.push({ ...problem, severity, state: state?.name ?? '' });
  };
  for (const state of machine.allStates.values()) {
    checkToken(state, report);
    checkErrorLists(state, report);
    checkWait(state, report);
  }
  checkEnding(machine, report);
  return findings;
}

function checkToken(state: State, report: Report): void {
  if (state.type !== 'Task' || !state.waitsForToken) return;
  const passed = pathsOf(state.payload).some((path) => path.text === '$$.Task.Token');
  if (!passed)
    report(
      'error',
      state,
      ['Parameters'],
      'token-not-passed',
      'waits for a task token that its function never gets',
      'pass `$$.Task.Token` in the payload',
    );
  if (!state.timeoutSeconds)
    report(
      'error',
      state,
      [],
      'token-without-timeout',
      'waits for a task token without a limit',
      'add `TimeoutSeconds` or `TimeoutSecondsPath`; without one it waits up to a year',
    );
  if (
    state.heartbeatSeconds !== undefined &&
    state.timeoutSeconds?.kind === 'literal' &&
    state.heartbeatSeconds >= state.timeoutSeconds.value
  )
    report(
      'error',
      state,
      ['HeartbeatSeconds'],
      'heartbeat-not-below-timeout',
      '`HeartbeatSeconds` is not below `TimeoutSeconds`',
      'make the heartbeat shorter than the timeout',
    );
}

function checkErrorLists(state: State, report: Report): void {
  if (!('retry' in state)) return;
  for (const [field, entries] of [
    ['Retry', state.retry],
    ['Catch', state.catch],
  ] as const) {
    for (const [index, { errorEquals }] of entries.entries()) {
      if (!errorEquals.includes('States.ALL')) continue;
      if (errorEquals.length > 1)
        report(
          'error',
          state,
          [field, index, 'ErrorEquals'],
          'states-all-not-alone',
          `\`States.ALL\` must be the only name of its \`${field}\` entry`,
          'give it an entry of its own',
        );
      if (index < entries.length - 1)
        report(
          'error',
          state,
          [field, index],
          'states-all-not-last',
          `\`States.ALL\` must be in the last entry of \`${field}\``,
          'move the entry to the end',
        );
    }
  }
}

function checkWait(state: State, report: Report): void {
  if (state.type !== 'Wait' || state.until.kind !== 'seconds' || state.until.value.kind !== 'literal') return;
  if (state.until.value.value > LONG_RELATIVE_WAIT_SECONDS)
    report(
      'warning',
      state,
      ['Seconds'],
      'long-relative-wait',
      `waits ${state.until.value.value} seconds from whenever it is entered, so retries and redrives move its end`,
      'wait until an instant, with `TimestampPath`',
    );
}

const marked = (graph: StateGraph, marker: string): State[] =>
  [...graph.states.values()].filter((state) => state.comment.includes(marker));

/**
 * INVARIANT (PURGE_PROVEN, OFF_NEEDS_NOTHING): once the enabling state was entered, every way on leads to the ending. So no state
 * between the two may fail uncaught, lead nowhere or end the run.
 */
function checkEnding(machine: StateMachine, report: Report): void {
  for (const graph of graphsInside(machine)) {
    for (const marker of [ENABLES_MARKER, STARTS_ENDING_MARKER]) {
      for (const state of marked(graph, marker))
        report(
          'error',
          state,
          ['Comment'],
          'marker-nested',
          `\`${marker}\` stands inside a Parallel or Map, where the way to the ending cannot be followed`,
          'move the state to the top level',
        );
    }
  }
  checkNothingEnabled(machine, report);
  const enabling = marked(machine, ENABLES_MARKER);
  if (enabling.length === 0) return;
  const endings = new Set(marked(machine, STARTS_ENDING_MARKER).map((state) => state.name));
  if (endings.size === 0) {
    for (const state of enabling)
      report(
        'error',
        state,
        ['Comment'],
        'no-ending-marked',
        `\`${ENABLES_MARKER}\` is given, but no state is marked \`${STARTS_ENDING_MARKER}\``,
        'mark the state that starts the ending',
      );
    return;
  }
  if (machine.timeoutSeconds !== undefined)
    report(
      'warning',
      undefined,
      ['TimeoutSeconds'],
      'timeout-skips-ending',
      'when `TimeoutSeconds` of the machine passes, no Catch runs and the ending is not started from here',
      'put a limit on the states instead',
    );
  const between = reachableFrom(
    machine,
    enabling.map((state) => state.name),
    endings,
    (state) => successorsAfterEnabling(machine, state),
  );
  for (const name of between) {
    const state = machine.states.get(name);
    if (state && !endings.has(name)) checkBetween(machine, state, endings, report);
  }
}

function checkBetween(
  machine: StateMachine,
  state: State,
  endings: ReadonlySet<string>,
  report: Report,
): void {
  if (isTerminal(state))
    report(
      'error',
      state,
      [],
      'ends-without-ending',
      'ends the run after enabling without starting the ending',
      'lead to the state that starts the ending',
    );
  if (state.type === 'Choice' && state.default === undefined)
    report(
      'error',
      state,
      [],
      'choice-without-default',
      'has no `Default` after enabling: when no rule holds, the run dies without starting the ending',
      'add `Default`',
    );
  if (!('catch' in state)) return;
  const catcher = state.catch.find((entry) => entry.errorEquals.includes('States.ALL'));
  if (!catcher) {
    report(
      'error',
      state,
      [],
      'no-catch-to-ending',
      'has no Catch on `States.ALL` after enabling: a failure here would never switch off',
      'add a Catch that leads to the state that starts the ending',
    );
    return;
  }
  const led = reachableFrom(machine, [catcher.next], endings, (from) =>
    successorsAfterEnabling(machine, from),
  );
  if (![...led].some((name) => endings.has(name)))
    report(
      'error',
      state,
      ['Catch', state.catch.indexOf(catcher)],
      'catch-misses-ending',
      'its Catch on `States.ALL` does not lead to the state that starts the ending',
      'lead it there',
    );
}

/**
 * The ways on that count as after enabling: all but a rule that says nothing was enabled, and that only in a Choice which every
 * enabling state leads straight to, so that the answer it judges is fresh.
 */
function successorsAfterEnabling(machine: StateMachine, state: State): string[] {
  if (state.type !== 'Choice' || !judgesEnabling(machine, state)) return successorsOf(state);
  const onward = state.choices.filter((rule) => !rule.comment.includes(NOTHING_ENABLED_MARKER));
  return [...onward.map((rule) => rule.next), ...(state.default === undefined ? [] : [state.default])];
}

/** Is a Choice entered from enabling states only, on their regular way? */
function judgesEnabling(machine: StateMachine, choice: State): boolean {
  const before = [...machine.states.values()].filter((state) => successorsOf(state).includes(choice.name));
  return (
    machine.startAt !== choice.name &&
    before.every(
      (state) =>
        state.comment.includes(ENABLES_MARKER) &&
        'catch' in state &&
        state.catch.every((entry) => entry.next !== choice.name),
    )
  );
}

/** A marked rule anywhere else would look like a promise and be none. */
function checkNothingEnabled(machine: StateMachine, report: Report): void {
  for (const state of machine.allStates.values()) {
    if (state.type !== 'Choice') continue;
    for (const [index, rule] of state.choices.entries()) {
      if (!rule.comment.includes(NOTHING_ENABLED_MARKER)) continue;
      if (machine.states.has(state.name) && judgesEnabling(machine, state)) continue;
      report(
        'error',
        state,
        ['Choices', index],
        'nothing-enabled-misplaced',
        `\`${NOTHING_ENABLED_MARKER}\` counts only in a Choice that is entered from the enabling state alone`,
        'judge the answer of the enabling state right after it, or remove the marker',
      );
    }
  }
}

function graphsInside(graph: StateGraph): StateGraph[] {
  return [...graph.states.values()].flatMap((state) =>
    nestedGraphs(state).flatMap((inner) => [inner, ...graphsInside(inner)]),
  );
}
