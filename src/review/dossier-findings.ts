import { type Block, formatInstant } from '../core/index.ts';
import type { Policy } from '../policy/index.ts';
import type { CheckReport } from '../rules/index.ts';

const COLUMNS = ['non-compliant', 'indeterminate', 'covered'] as const;

/** How the findings went, check by check: what is wrong, what is not known and what an exception covers, by control. */
export function trendBlocks(checks: readonly CheckReport[]): readonly Block[] {
  if (checks.length === 0)
    return [{ kind: 'text', text: 'Not available: no snapshot and no state was given.' }];
  const controls = [
    ...new Set(checks.flatMap(({ byControl }) => byControl.map(({ controlId }) => controlId))),
  ];
  const cells = (check: CheckReport, controlId: string): string => {
    const counts = check.byControl.find((each) => each.controlId === controlId)?.counts;
    return counts === undefined ? 'not asked' : COLUMNS.map((column) => counts[column]).join(' / ');
  };
  return [
    {
      kind: 'text',
      text: `Non-compliant, indeterminate and covered findings, all judged by this policy.${checks.length === 1 ? ' One check is no trend: give earlier snapshots to see one.' : ` ${directionWords(checks)}`}`,
    },
    {
      kind: 'table',
      caption: 'Findings by control and check',
      columns: ['Control', ...checks.map(({ snapshotTakenAt }) => formatInstant(snapshotTakenAt))],
      rows: [
        ...controls.map((id) => [`\`${id}\``, ...checks.map((check) => cells(check, id))]),
        ['All', ...checks.map(({ counts }) => COLUMNS.map((column) => counts[column]).join(' / '))],
      ],
    },
  ];
}

function directionWords(checks: readonly CheckReport[]): string {
  const [first, last] = [checks[0], checks.at(-1)];
  const [before, after] = [first?.counts['non-compliant'] ?? 0, last?.counts['non-compliant'] ?? 0];
  if (before === after) return `There are as many violations as at first: ${after}.`;
  return `Violations went ${after > before ? 'up' : 'down'}, from ${before} to ${after}.`;
}

/** Controls that applied to nothing in any of the checks: they may be right, or ask for what is not there. */
export function exercisedBlocks(checks: readonly CheckReport[], { controls }: Policy): readonly Block[] {
  if (checks.length === 0)
    return [{ kind: 'text', text: 'Not available: no snapshot and no state was given.' }];
  const total = (id: string, outcomes: readonly (keyof CheckReport['counts'])[]): number =>
    checks
      .flatMap(({ byControl }) => byControl.filter(({ controlId }) => controlId === id))
      .reduce((sum, { counts }) => sum + outcomes.reduce((part, each) => part + counts[each], 0), 0);
  const asked = (id: string): boolean => checks.some(({ notAsked }) => !notAsked.includes(id));
  const items = controls.flatMap(({ id, title }) => {
    if (!asked(id)) return [`\`${id}\` ${title}: not asked in these checks`];
    if (total(id, ['compliant', 'non-compliant', 'covered', 'indeterminate']) === 0)
      return [`\`${id}\` ${title}: applied to nothing`];
    if (total(id, ['compliant', 'non-compliant', 'covered']) === 0)
      return [`\`${id}\` ${title}: could never be decided`];
    if (total(id, ['non-compliant', 'covered']) === 0) return [`\`${id}\` ${title}: never fired`];
    return [];
  });
  return items.length === 0
    ? [{ kind: 'text', text: 'None: every control applied to something, and fired at least once.' }]
    : [{ kind: 'list', items }];
}
