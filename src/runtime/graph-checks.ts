import type { DocumentPath } from '../core/index.ts';
import { isTerminal, type State, type StateGraph, successorsOf } from './states.ts';

export type ReportGraphProblem = (path: DocumentPath, code: string, message: string, remedy: string) => void;

/**
 * Checks that a graph can run: it starts and continues at states that exist, every state can be reached, and it can end.
 * @param names - the states as written; the path of a problem is relative to the graph
 */
export function checkGraph(graph: StateGraph, names: ReadonlySet<string>, report: ReportGraphProblem): void {
  if (names.size === 0) {
    report(['States'], 'no-states', 'there are no states', 'add at least one state');
    return;
  }
  if (!names.has(graph.startAt)) {
    report(
      ['StartAt'],
      'missing-target',
      `\`StartAt\` names \`${graph.startAt}\`, which is not a state here`,
      `use one of ${listed(names)}`,
    );
    return;
  }
  let sound = true;
  for (const state of graph.states.values()) {
    for (const { field, target } of targetsOf(state)) {
      if (names.has(target)) continue;
      sound = false;
      report(
        ['States', state.name, ...field],
        'missing-target',
        `state \`${state.name}\`: \`${field.join('.')}\` names \`${target}\`, which is not a state here`,
        `use one of ${listed(names)}; a transition cannot leave or enter a branch`,
      );
    }
  }
  if (!sound) return;
  const reached = reachableFrom(graph, [graph.startAt]);
  for (const state of graph.states.values()) {
    if (!reached.has(state.name))
      report(
        ['States', state.name],
        'unreachable-state',
        `state \`${state.name}\` can never be reached`,
        'lead to it, or remove it',
      );
  }
  if (![...reached].some((name) => hasEnd(graph.states.get(name))))
    report(
      ['StartAt'],
      'no-terminal-state',
      'no state that can be reached ends the run',
      'end a state with `End: true`, or add a Succeed or Fail state',
    );
}

const hasEnd = (state: State | undefined): boolean => state !== undefined && isTerminal(state);

const listed = (names: ReadonlySet<string>): string =>
  [...names]
    .slice(0, 8)
    .map((name) => `\`${name}\``)
    .join(', ');

/**
 * All states that can be reached from `from`, those included, without going on from a state of `stopAt`.
 * @param successors - the transitions that count; all of them when absent
 */
export function reachableFrom(
  graph: StateGraph,
  from: readonly string[],
  stopAt: ReadonlySet<string> = new Set(),
  successors: (state: State) => readonly string[] = successorsOf,
): Set<string> {
  const seen = new Set<string>();
  const open = [...from];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const state = graph.states.get(name);
    if (seen.has(name) || state === undefined) continue;
    seen.add(name);
    if (!stopAt.has(name)) open.push(...successors(state));
  }
  return seen;
}

function targetsOf(state: State): { readonly field: (string | number)[]; readonly target: string }[] {
  const next =
    'transition' in state && state.transition.kind === 'next'
      ? [{ field: ['Next'], target: state.transition.state }]
      : [];
  const caught =
    'catch' in state
      ? state.catch.map((catcher, index) => ({ field: ['Catch', index, 'Next'], target: catcher.next }))
      : [];
  if (state.type !== 'Choice') return [...next, ...caught];
  return [
    ...state.choices.map((choice, index) => ({ field: ['Choices', index, 'Next'], target: choice.next })),
    ...(state.default === undefined ? [] : [{ field: ['Default'], target: state.default }]),
  ];
}
