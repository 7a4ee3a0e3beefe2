import { countOf, formatInstant } from '../../core/index.ts';
import type {
  PolicyDiff,
  RequestImpact,
  RequestsImpact,
  SnapshotImpact,
  StandingChange,
  Witness,
} from '../../diff/index.ts';
import { describeSubject } from '../report/words.ts';
import { type Paint, printable, type Tone, wrap } from '../terminal/index.ts';
import { sayAnswer } from './approvals.ts';
import {
  type DiffReport,
  type DiffResult,
  HEADING_WORDS,
  type Heading,
  headingOf,
  type PlacedChange,
  sayCounts,
  sayReviewers,
} from './report.ts';

export interface TextOptions {
  readonly width: number;
  readonly paint: Paint;
}

const TONES = {
  loosening: 'bad',
  'not decided': 'bad',
  both: 'bad',
  tightening: 'good',
  neutral: 'dim',
  text: 'dim',
} as const satisfies Record<Heading, Tone>;

/** The whole report for a terminal or a pipe, in lines of at most `width` columns where words allow. */
export function diffText(report: DiffReport, options: TextOptions): readonly string[] {
  return [
    ...report.results.flatMap((result, index) => [
      ...(index === 0 ? [] : ['']),
      ...resultLines(result, options),
    ]),
    ...report.snapshots.flatMap((impact) => ['', ...snapshotLines(impact, options)]),
    ...(report.requests === undefined ? [] : ['', ...requestLines(report.requests, options)]),
  ];
}

function resultLines({ diff, changes, gate }: DiffResult, options: TextOptions): readonly string[] {
  const { width, paint } = options;
  const side = ({ version, file, hash }: PolicyDiff['old']): string =>
    `${printable(version)} (${printable(file)}, hash ${hash.slice(0, 12)})`;
  return [
    paint('bold', printable(diff.policyId)),
    ...wrap(`from ${side(diff.old)}`, width, '  ', '    '),
    ...wrap(`to   ${side(diff.new)}`, width, '  ', '    '),
    '',
    ...wrap(summary(diff), width),
    ...wrapped(sayReviewers(diff), width),
    ...(gate === undefined ? [] : sayAnswer(gate).flatMap((line) => wrap(printable(line), width))),
    ...changes.flatMap((placed) => ['', ...changeLines(placed, options)]),
  ];
}

const wrapped = (text: string | undefined, width: number): readonly string[] =>
  text === undefined ? [] : wrap(printable(text), width);

function summary(diff: PolicyDiff): string {
  if (diff.changes.length > 0) return `${sayCounts(diff)}.`;
  return 'The two say and mean the same; only layout or comments can differ.';
}

function changeLines({ change, new: place }: PlacedChange, { width, paint }: TextOptions): readonly string[] {
  const heading = headingOf(change);
  const [first = '', ...more] = wrap(`${HEADING_WORDS[heading]}  ${printable(change.path)}`, width, '', '  ');
  const where = `${place.file}:${place.line}`;
  return [
    first.replace(HEADING_WORDS[heading], paint(TONES[heading], HEADING_WORDS[heading])),
    ...more,
    ...wrap(`${capital(printable(change.says))}.`, width, '  '),
    ...(change.remark === undefined ? [] : wrap(`(${capital(printable(change.remark))}.)`, width, '  ')),
    ...(change.loosens === undefined ? [] : witnessLines(change.loosens, 'looser', width)),
    ...(change.tightens === undefined ? [] : witnessLines(change.tightens, 'stricter', width)),
    ...wrap(printable(where), width, '  ').map((line) => paint('dim', line)),
  ];
}

/** A sentence begins with a capital, unless it begins with a name. */
export const capital = (text: string): string =>
  /^[a-z]+( |$)/.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text;

/** How an example is introduced. */
export const EXAMPLE_WORDS = { looser: 'Looser', stricter: 'Stricter' } as const;

export function witnessLines(witness: Witness, how: 'looser' | 'stricter', width: number): readonly string[] {
  const [first = '', ...more] = witness.given.map(printable);
  return [
    ...wrap(`${EXAMPLE_WORDS[how]}, for example: ${first}`, width, '  ', '    '),
    ...more.flatMap((line) => wrap(`- ${line}`, width, '    ', '      ')),
    ...wrap(`old policy: ${printable(witness.old)}`, width, '    ', '      '),
    ...wrap(`new policy: ${printable(witness.new)}`, width, '    ', '      '),
  ];
}

/** Most lines of one list; the JSON has them all. */
const MAX_LISTED = 50;

const WAYS = {
  loosening: 'looser',
  tightening: 'stricter',
  neither: 'neither looser nor stricter',
} as const;

function snapshotLines(impact: SnapshotImpact, { width, paint }: TextOptions): readonly string[] {
  const { name, takenAt, accounts, affectedAccounts, changes } = impact;
  return [
    paint('bold', printable(`On ${name}`)),
    ...wrap(
      `snapshot of ${formatInstant(takenAt)}: ${affectedAccounts} of ${countOf(accounts, 'account')} would come out differently, ${countOf(changes.length, 'finding')} in all (${sayWays(changes)})`,
      width,
      '  ',
    ),
    ...changes
      .slice(0, MAX_LISTED)
      .flatMap((change) =>
        wrap(
          `${WAYS[change.direction]}: ${change.finding.controlId}, ${printable(change.accountName)}, ${printable(describeSubject(change.subject))}: ${change.old} -> ${change.new}`,
          width,
          '  - ',
          '    ',
        ),
      ),
    ...leftOut(changes.length),
    ...explained(changes, (change) => explainStanding(change), width),
  ];
}

const leftOut = (count: number): readonly string[] =>
  count <= MAX_LISTED ? [] : [`  and ${count - MAX_LISTED} more; --format json lists all`];

export const sayWays = (changes: readonly { readonly direction: keyof typeof WAYS }[]): string =>
  (Object.keys(WAYS) as (keyof typeof WAYS)[])
    .map((way) => `${changes.filter(({ direction }) => direction === way).length} ${WAYS[way]}`)
    .join(', ');

/** The first of each kind, explained. */
function explained<T extends { readonly direction: keyof typeof WAYS }>(
  changes: readonly T[],
  explain: (change: T) => readonly string[],
  width: number,
): readonly string[] {
  return (Object.keys(WAYS) as (keyof typeof WAYS)[]).flatMap((way) => {
    const first = changes.find(({ direction }) => direction === way);
    if (first === undefined) return [];
    const [headline = '', ...more] = explain(first);
    return [
      ...wrap(`One that is ${WAYS[way]}: ${headline}`, width, '  ', '    '),
      ...more.flatMap((line) => wrap(`- ${line}`, width, '    ', '      ')),
    ];
  });
}

export const explainStanding = ({ finding, old, new: next }: StandingChange): readonly string[] => [
  `${finding.controlId} (${printable(finding.title)}) of ${printable(finding.accountName)}, ${printable(describeSubject(finding.subject))}`,
  `old policy: ${old}; new policy: ${next}, decided by ${finding.decidingClause}`,
  ...finding.evidence.map(printable),
];

function requestLines(
  { requests, changes }: RequestsImpact,
  { width, paint }: TextOptions,
): readonly string[] {
  return [
    paint('bold', 'On requests'),
    ...wrap(
      `${changes.length} of ${countOf(requests, 'request')} would be judged differently (${sayWays(changes)})`,
      width,
      '  ',
    ),
    ...changes
      .slice(0, MAX_LISTED)
      .flatMap((change) =>
        wrap(
          `${WAYS[change.direction]}: ${printable(change.file)} (${printable(change.reference)}): ${change.old.outcome} -> ${change.new.outcome}`,
          width,
          '  - ',
          '    ',
        ),
      ),
    ...leftOut(changes.length),
    ...explained(changes, explainRequest, width),
  ];
}

export function explainRequest({ file, old, new: next }: RequestImpact): readonly string[] {
  const failed = [...old.conditions, ...next.conditions].filter(({ holds }) => holds !== 'met');
  return [
    printable(file),
    `old policy: ${old.outcome}; new policy: ${next.outcome}`,
    ...failed.map(({ clause, says }) => printable(`${clause}: ${says}`)),
  ];
}
