import type { ChoiceCondition } from './choice-rules.ts';
import type { State, StateGraph, StateMachine, Transition } from './states.ts';

/**
 * A state machine as a Mermaid state diagram. A Map or Parallel state holds the states of what it runs; an arrow of a Catch is labelled with
 * its errors, the default of a Choice with `otherwise`.
 */
export const machineMermaid = (machine: StateMachine): string =>
  ['stateDiagram-v2', ...graphLines(machine, '  ')].join('\n');

function graphLines(graph: StateGraph, indent: string): readonly string[] {
  const states = [...graph.states.values()];
  return [
    `${indent}[*] --> ${idOf(graph.startAt)}`,
    ...states.flatMap((state) => insideLines(state, indent)),
    ...states.flatMap((state) => arrowsOf(state).map((arrow) => `${indent}${arrow}`)),
  ];
}

function insideLines(state: State, indent: string): readonly string[] {
  const inside = state.type === 'Map' ? [state.processor] : state.type === 'Parallel' ? state.branches : [];
  if (inside.length === 0) return [];
  return [
    `${indent}state ${idOf(state.name)} {`,
    ...inside.flatMap((graph, index) => [
      ...(index === 0 ? [] : [`${indent}  --`]),
      ...graphLines(graph, `${indent}  `),
    ]),
    `${indent}}`,
  ];
}

function arrowsOf(state: State): readonly string[] {
  const from = idOf(state.name);
  const to = (transition: Transition): readonly string[] => [
    transition.kind === 'end' ? `${from} --> [*]` : `${from} --> ${idOf(transition.state)}`,
  ];
  const caught = ('catch' in state ? state.catch : []).map(
    ({ errorEquals, next }) => `${from} --> ${idOf(next)}: ${errorEquals.join(', ')}`,
  );
  switch (state.type) {
    case 'Choice':
      return [
        ...state.choices.map(({ condition, next }) => `${from} --> ${idOf(next)}${labelOf(condition)}`),
        ...(state.default === undefined ? [] : [`${from} --> ${idOf(state.default)}: otherwise`]),
      ];
    case 'Succeed':
    case 'Fail':
      return [`${from} --> [*]`];
    case 'Task':
    case 'Map':
    case 'Parallel':
    case 'Pass':
    case 'Wait':
      return [...to(state.transition), ...caught];
  }
}

/** What is compared with, where that is all there is to say. */
function labelOf(condition: ChoiceCondition): string {
  return condition.kind === 'compare' &&
    condition.relation === 'Equals' &&
    condition.operand.kind === 'literal' &&
    /^[A-Za-z0-9 _-]+$/.test(String(condition.operand.value))
    ? `: ${condition.operand.value}`
    : '';
}

/** Names hold letters, digits and what else a definition likes; Mermaid takes letters, digits and `_`. */
const idOf = (name: string): string => name.replaceAll(/[^A-Za-z0-9_]/g, '_');
