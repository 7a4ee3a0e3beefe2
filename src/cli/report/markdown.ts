import { formatInstant } from '../../core/index.ts';
import type { CheckReport, ControlSummary, Finding } from '../../rules/index.ts';
import { sourcesOf } from '../../rules/index.ts';
import { printable } from '../terminal/index.ts';
import { oneLine } from './plain-text.ts';
import { describeEvidenceSource } from './sources.ts';
import { type ReportView, seen, shownFindings } from './view.ts';
import { describeCoverage, describeSubject, STANDINGS, type Standing, standingOf } from './words.ts';

const DETAILED: readonly Standing[] = ['non-compliant', 'indeterminate', 'covered'];

/** A check for a ticket or a pull request: the counts, then by control what is wrong, unknown or covered. */
export function renderMarkdown(view: ReportView): string {
  const { report, policy } = view;
  const shown = shownFindings(view);
  return `${[
    `# ${plain(policy.policy.metadata.title)}`,
    '',
    `Policy ${code(report.policy.id)} ${plain(report.policy.version)}, hash ${code(report.policy.hash.slice(0, 16))}. Snapshot of ${formatInstant(report.snapshotTakenAt)}, judged as of ${formatInstant(report.now)}: ${report.accounts} accounts, ${report.regions} governed Regions.`,
    '',
    ...sinceLines(view),
    ...countsTable(report),
    '',
    ...report.byControl.flatMap((control) => controlLines(control, shown, view)),
    ...attestationLines(view),
    ...(shown.length === report.findings.length
      ? []
      : [
          `${report.findings.length - shown.length} findings are left out by filters; the numbers count them.`,
          '',
        ]),
    ...(report.notAsked.length === 0 ? [] : [`Not asked: ${report.notAsked.map(plain).join(', ')}.`, '']),
    'Unknown is never compliant: what could not be read is indeterminate.',
  ].join('\n')}\n`;
}

function sinceLines(view: ReportView): readonly string[] {
  const since = view.changes;
  return since === undefined
    ? []
    : [
        `Since ${formatInstant(since.since)}: ${since.new} new, ${since.unchanged} unchanged, ${since.resolved} resolved, ${since.gone.length} whose subject is gone.`,
        '',
      ];
}

const countsTable = ({ byControl, counts }: CheckReport): readonly string[] => [
  `| Control | Severity | ${STANDINGS.join(' | ')} |`,
  `|---|---|${STANDINGS.map(() => '--:').join('|')}|`,
  ...byControl.map(
    ({ controlId, title, severity, counts: own }) =>
      `| ${plain(controlId)} ${plain(title)} | ${severity} | ${STANDINGS.map((each) => own[each]).join(' | ')} |`,
  ),
  `| all | | ${STANDINGS.map((each) => counts[each]).join(' | ')} |`,
];

function controlLines(
  { controlId, title, severity }: ControlSummary,
  shown: readonly Finding[],
  view: ReportView,
): readonly string[] {
  const own = DETAILED.flatMap((standing) =>
    shown.filter((finding) => finding.controlId === controlId && standingOf(finding) === standing),
  );
  const [first] = own;
  if (first === undefined) return [];
  return [
    `## ${plain(controlId)} ${plain(title)} (${severity})`,
    '',
    `A violation means: ${prose(oneLine(first.message))}`,
    '',
    `Remedy: ${prose(oneLine(first.remedy))}`,
    '',
    ...own.flatMap((finding) => findingLines(finding, view)),
    '',
  ];
}

function findingLines(finding: Finding, view: ReportView): readonly string[] {
  const { coveredBy } = finding;
  const when = seen(view, finding);
  return [
    `- **${standingOf(finding)}** ${plain(finding.accountName)}: ${code(describeSubject(finding.subject))}`,
    ...(coveredBy === undefined
      ? []
      : [`  - covered by ${plain(describeCoverage(coveredBy))} until ${formatInstant(coveredBy.until)}`]),
    ...finding.evidence.map((line) => `  - ${prose(line)}`),
    ...sourcesOf(finding).map((source) => `  - call: ${code(describeEvidenceSource(source))}`),
    ...(when === undefined
      ? []
      : [
          `  - first seen ${formatInstant(when.first)}${when.change === undefined ? '' : `, ${when.change}`}; finding ${code(finding.id)}, decided by ${code(finding.decidingClause)}`,
        ]),
  ];
}

const attestationLines = ({ attestations }: ReportView): readonly string[] =>
  attestations.length === 0
    ? []
    : [
        '## Attestations',
        '',
        '| Attestation | Control | Signed by | Until | Standing |',
        '|---|---|---|---|---|',
        ...attestations.map(
          ({ attestation, standing }) =>
            `| ${plain(attestation.id)}: ${plain(attestation.document.title)} | ${plain(attestation.control)} | ${plain(attestation.signer.id)} | ${formatInstant(attestation.validUntil)} | ${standing} |`,
        ),
        '',
      ];

/*
 * The attacker chooses names; the page is rendered by somebody's forge. Text is escaped so that it can be neither markup nor a link nor
 * a mention, also at the start of a line; names in backticks become code.
 */
const plain = (text: string): string =>
  printable(text)
    .replace(/[\\`*_{}[\]<>&|~#!@$^]|:(?=\/\/)/g, '\\$&')
    .replace(/\bwww\./gi, 'www\\.')
    .replace(
      /^(\s*)([-+=]|[0-9]+[.)](?=\s|$))/,
      (_, space: string, mark: string) => `${space}${mark.slice(0, -1)}\\${mark.slice(-1)}`,
    );

/** A code span whose fence is longer than every run of backticks in it. Not for table cells, where a pipe ends even code. */
function code(text: string): string {
  const safe = printable(text);
  const longest = Math.max(0, ...[...safe.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  const space = /^`|`$|^ .* $/.test(safe) ? ' ' : '';
  return `${fence}${space}${safe}${space}${fence}`;
}

/** A sentence in which names stand in backticks. */
const prose = (text: string): string =>
  text
    .split('`')
    .map((part, index, all) => {
      if (index % 2 === 0) return plain(part);
      if (index === all.length - 1) return `\\\`${plain(part)}`;
      return part === '' ? '' : code(part);
    })
    .join('');
