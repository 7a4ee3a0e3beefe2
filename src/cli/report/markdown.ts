import { formatInstant } from '../../core/index.ts';
import type { CheckSummary, ControlSummary, Finding } from '../../rules/index.ts';
import { sourcesOf } from '../../rules/index.ts';
import { printable } from '../terminal/index.ts';
import { oneLine } from './plain-text.ts';
import { describeScan } from './scan.ts';
import { describeEvidenceSource } from './sources.ts';
import { type FindingView, type ReportStream, type ReportView, seen, type Texts } from './view.ts';
import { describeCoverage, describeSubject, STANDINGS, type Standing, standingOf } from './words.ts';

const DETAILED: readonly Standing[] = ['non-compliant', 'indeterminate', 'covered'];

/** A check for a ticket or a pull request: the counts, then by control what is wrong, unknown or covered. */
export class MarkdownReport implements ReportStream {
  readonly #texts: Texts;
  readonly #view: FindingView;
  readonly #isShown: (finding: Finding) => boolean;
  /** Of the first finding that is listed, by control and standing: what a violation means, and the remedy. */
  readonly #first = new Map<string, Pick<Finding, 'message' | 'remedy'>>();
  /** Those that `isShown` left out. */
  #hidden = 0;

  constructor(texts: Texts, view: FindingView, isShown: (finding: Finding) => boolean) {
    this.#texts = texts;
    this.#view = view;
    this.#isShown = isShown;
  }

  see(finding: Finding): void {
    if (!this.#isShown(finding)) {
      this.#hidden += 1;
      return;
    }
    const standing = standingOf(finding);
    if (!DETAILED.includes(standing)) return;
    const list = listOf(finding.controlId, standing);
    const { message, remedy } = finding;
    if (!this.#first.has(list)) this.#first.set(list, { message, remedy });
    this.#texts.add(list, textOf(findingLines(finding, this.#view)));
  }

  *pieces(view: ReportView): Generator<string> {
    const { report, policy, scan } = view;
    yield textOf([
      `# ${plain(policy.policy.metadata.title)}`,
      '',
      `Policy ${code(report.policy.id)} ${plain(report.policy.version)}, hash ${code(report.policy.hash.slice(0, 16))}. Snapshot of ${formatInstant(report.snapshotTakenAt)}, judged as of ${formatInstant(report.now)}: ${report.accounts} accounts, ${report.regions} governed Regions.`,
      '',
      ...(scan === undefined ? [] : describeScan(scan).flatMap((line) => [plain(line), ''])),
      ...sinceLines(view),
      ...countsTable(report),
      '',
    ]);
    for (const control of report.byControl) {
      const lists = DETAILED.map((standing) => listOf(control.controlId, standing));
      const first = lists.map((list) => this.#first.get(list)).find((found) => found !== undefined);
      if (first === undefined) continue;
      yield textOf(controlHead(control, first));
      for (const list of lists) yield* this.#texts.pieces(list);
      yield '\n';
    }
    yield textOf([
      ...attestationLines(view),
      ...(this.#hidden === 0
        ? []
        : [`${this.#hidden} findings are left out by filters; the numbers count them.`, '']),
      ...(report.notAsked.length === 0 ? [] : [`Not asked: ${report.notAsked.map(plain).join(', ')}.`, '']),
      'Unknown is never compliant: what could not be read is indeterminate.',
    ]);
  }
}

const listOf = (controlId: string, standing: Standing): string => `${controlId} ${standing}`;
const textOf = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('');

function sinceLines(view: ReportView): readonly string[] {
  const since = view.changes;
  return since === undefined
    ? []
    : [
        `Since ${formatInstant(since.since)}: ${since.new} new, ${since.unchanged} unchanged, ${since.resolved} resolved, ${since.gone.length} whose subject is gone.`,
        '',
      ];
}

const countsTable = ({ byControl, counts }: CheckSummary): readonly string[] => [
  `| Control | Severity | ${STANDINGS.join(' | ')} |`,
  `|---|---|${STANDINGS.map(() => '--:').join('|')}|`,
  ...byControl.map(
    ({ controlId, title, severity, counts: own }) =>
      `| ${plain(controlId)} ${plain(title)} | ${severity} | ${STANDINGS.map((each) => own[each]).join(' | ')} |`,
  ),
  `| all | | ${STANDINGS.map((each) => counts[each]).join(' | ')} |`,
];

const controlHead = (
  { controlId, title, severity }: ControlSummary,
  first: Pick<Finding, 'message' | 'remedy'>,
): readonly string[] => [
  `## ${plain(controlId)} ${plain(title)} (${severity})`,
  '',
  `A violation means: ${prose(oneLine(first.message))}`,
  '',
  `Remedy: ${prose(oneLine(first.remedy))}`,
  '',
];

function findingLines(finding: Finding, view: FindingView): readonly string[] {
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
