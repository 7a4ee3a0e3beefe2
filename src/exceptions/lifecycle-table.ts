import { LIFECYCLE, TERMINAL_STATES } from './lifecycle.ts';

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
