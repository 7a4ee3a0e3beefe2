import { LIFECYCLE, TERMINAL_STATES } from './lifecycle.ts';
import { EXCEPTION_STATES } from './types.ts';

/** The lifecycle as Markdown, for docs/exceptions.md; a test keeps the page equal to it. */
export function lifecycleMarkdown(): string {
  const rows = Object.entries(LIFECYCLE).map(
    ([event, { from, to, guard, by }]) => `| ${event} | ${from.join(', ')} | ${to} | ${guard} | ${by} |`,
  );
  return [
    '| event | from | to | guard | by |',
    '|---|---|---|---|---|',
    ...rows,
    '',
    `Ends: ${TERMINAL_STATES.join(', ')}.`,
  ].join('\n');
}

/** The lifecycle as a Mermaid diagram: one arrow for each pair of states, with the events that lead there. */
export function lifecycleMermaid(): string {
  const arrows = EXCEPTION_STATES.flatMap((from) =>
    EXCEPTION_STATES.flatMap((to) => {
      const events = Object.entries(LIFECYCLE)
        .filter(([, row]) => (row.from as readonly string[]).includes(from) && row.to === to)
        .map(([event]) => event);
      return events.length === 0 ? [] : [`  ${idOf(from)} --> ${idOf(to)}: ${events.join(', ')}`];
    }),
  );
  return [
    'stateDiagram-v2',
    ...EXCEPTION_STATES.map((state) => `  state "${state}" as ${idOf(state)}`),
    `  [*] --> ${idOf(EXCEPTION_STATES[0])}`,
    ...arrows,
    ...TERMINAL_STATES.map((state) => `  ${idOf(state)} --> [*]`),
  ].join('\n');
}

/** Mermaid reads a hyphen in a name as the beginning of an arrow. */
const idOf = (state: string): string => state.replaceAll('-', '_');
