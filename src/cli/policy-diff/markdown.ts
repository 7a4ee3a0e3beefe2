import { countOf } from '../../core/index.ts';
import type { SnapshotImpact, Witness } from '../../diff/index.ts';
import { describeSubject } from '../report/words.ts';
import { printable } from '../terminal/index.ts';
import { sayAnswer } from './approvals.ts';
import {
  type DiffReport,
  type DiffResult,
  HEADINGS,
  type Heading,
  headingOf,
  type PlacedChange,
  sayCounts,
  sayGiven,
  sayReviewers,
} from './report.ts';
import { capital, EXAMPLE_WORDS, sayWays } from './text.ts';

/** A comment on GitHub takes 65,536 characters; what does not fit is in the other formats. */
const MAX_CHARACTERS = 60_000;
const MAX_LISTED = 20;

/**
 * A comment for a pull request: what reviewers must know stands in the open, everything else is folded. Every name in it may have
 * been written by whoever opened the pull request, so it is escaped: it cannot close the fold, link, or mention anybody.
 */
export function diffMarkdown(report: DiffReport): string {
  const parts = [
    ...report.results.map(resultPart),
    ...report.snapshots.map(snapshotPart),
    ...(report.requests === undefined
      ? []
      : [
          [
            `**Requests:** ${report.requests.changes.length} of ${countOf(report.requests.requests, 'request')} would be judged differently (${sayWays(report.requests.changes)}).`,
            ...fold(
              'Which requests',
              report.requests.changes.map(
                ({ file, reference, old, new: next }) =>
                  `- ${escapeMarkdown(file)} (${escapeMarkdown(reference)}): ${old.outcome} → ${next.outcome}`,
              ),
            ),
          ].join('\n'),
        ]),
  ];
  const text = `${parts.join('\n\n')}\n`;
  return text.length <= MAX_CHARACTERS
    ? text
    : `${report.results.map((result) => headPart(result)).join('\n\n')}\n\nThe changes are too many for a comment; \`--format text\` and \`--format json\` list them.\n`;
}

function headPart({ diff, title, gate }: DiffResult): string {
  const moved =
    diff.old.version === diff.new.version
      ? `${escapeMarkdown(diff.new.version)}, the version is the same`
      : `${escapeMarkdown(diff.old.version)} → ${escapeMarkdown(diff.new.version)}`;
  const reviewers = sayReviewers(diff);
  return [
    `### ${escapeMarkdown(title)}: ${moved}`,
    `${capital(sayCounts(diff))}.`,
    ...(reviewers === undefined ? [] : [escapeMarkdown(reviewers)]),
    ...(gate === undefined ? [] : [sayAnswer(gate).map(escapeMarkdown).join('\n')]),
  ].join('\n\n');
}

const HEADING_TITLES = {
  loosening: 'Looser',
  'not decided': 'Not decided, counts as looser',
  both: 'Looser in some cases, stricter in others',
  tightening: 'Stricter',
  neutral: 'Neutral in meaning',
  text: 'Text only',
} as const satisfies Record<Heading, string>;

/** The headings whose changes stand in the open. */
const OPEN: readonly string[] = ['loosening', 'not decided', 'both'];

function resultPart(result: DiffResult): string {
  const under = (heading: string): readonly PlacedChange[] =>
    result.changes.filter(({ change }) => headingOf(change) === heading);
  return [
    headPart(result),
    ...HEADINGS.flatMap((heading) => {
      const changes = under(heading);
      if (changes.length === 0) return [];
      if (OPEN.includes(heading))
        return [
          [
            `#### ${HEADING_TITLES[heading]}`,
            '',
            ...changes.slice(0, MAX_LISTED).map(openChange),
            ...more(changes),
          ].join('\n'),
        ];
      return [
        fold(
          `${HEADING_TITLES[heading]} (${changes.length})`,
          changes.flatMap(({ change }) => [
            `- ${place(change.path)} ${sentence(change.says)}${change.remark === undefined ? '' : ` (${sentence(change.remark)})`}`,
            ...(change.tightens === undefined ? [] : witnessLines('stricter', change.tightens)),
          ]),
        ).join('\n'),
      ];
    }),
  ].join('\n\n');
}

const openChange = ({ change, new: at }: PlacedChange): string =>
  [
    `- ${sentence(change.says)}`,
    `  ${place(change.path)}, ${place(`${at.file}:${at.line}`)}`,
    ...(change.remark === undefined ? [] : [`  (${sentence(change.remark)})`]),
    ...fold(
      'Example',
      [
        ...(change.loosens === undefined ? [] : witnessLines('looser', change.loosens)),
        ...(change.tightens === undefined ? [] : witnessLines('stricter', change.tightens)),
      ].map((line) => line.slice(2)),
    ).map((line) => (line === '' ? '' : `  ${line}`)),
  ].join('\n');

const witnessLines = (
  how: keyof typeof EXAMPLE_WORDS,
  { given, old, new: next }: Witness,
): readonly string[] => [
  `  - ${EXAMPLE_WORDS[how]}, for example: ${escapeMarkdown(sayGiven(given))}`,
  `    - old policy: ${escapeMarkdown(old)}`,
  `    - new policy: ${escapeMarkdown(next)}`,
];

function snapshotPart({ name, accounts, affectedAccounts, changes }: SnapshotImpact): string {
  return [
    `**${escapeMarkdown(name)}:** ${affectedAccounts} of ${countOf(accounts, 'account')} would come out differently, ${countOf(changes.length, 'finding')} in all (${sayWays(changes)}).`,
    ...fold('Which findings', [
      ...changes
        .slice(0, MAX_LISTED)
        .map(
          ({ finding, accountName, subject, old, new: next }) =>
            `- ${finding.controlId}, ${escapeMarkdown(accountName)}, ${escapeMarkdown(describeSubject(subject))}: ${old} → ${next}`,
        ),
      ...more(changes),
    ]),
  ].join('\n');
}

const more = (list: readonly unknown[]): readonly string[] =>
  list.length <= MAX_LISTED ? [] : [`- and ${list.length - MAX_LISTED} more`];

const fold = (summary: string, lines: readonly string[]): readonly string[] =>
  lines.length === 0 ? [] : ['', `<details><summary>${summary}</summary>`, '', ...lines, '', '</details>'];

const sentence = (text: string): string => `${capital(escapeMarkdown(text))}.`;
const place = (text: string): string => `\`${printable(text).replaceAll('`', '')}\``;

/**
 * One line of text as Markdown shows it literally. What stands in single backticks stays code; there nothing is markup but the
 * backtick itself. Two or more of them in a row would pair otherwise than here, so they become one.
 */
export function escapeMarkdown(text: string): string {
  return printable(text)
    .replace(/`{2,}/g, '`')
    .split(/(`[^`]+`)/)
    .map((part, index) =>
      index % 2 === 1
        ? part
        : part
            .replaceAll('&', '&amp;')
            .replaceAll('<', '&lt;')
            .replaceAll('>', '&gt;')
            .replace(/[\\`*_[\]!|~$]/g, '\\$&')
            // Neither a mention, nor an issue, nor an address that becomes a link by itself.
            .replace(/[@#]/g, '$&\u2060')
            .replace(/:\/\//g, ':\u2060//')
            .replace(/\bwww\./gi, 'www\u2060.'),
    )
    .join('');
}
