import { formatInstant } from '../../core/index.ts';
import type { CheckSummary, ControlSummary, Finding } from '../../rules/index.ts';
import { sourcesOf } from '../../rules/index.ts';
import { displayWidth, type Paint, printable, table, wrap } from '../terminal/index.ts';
import { describeScan } from './scan.ts';
import { describeEvidenceSource } from './sources.ts';
import { type FindingView, type ReportStream, type ReportView, seen, type Texts } from './view.ts';
import { describeCoverage, describeSubject, type Standing, standingOf } from './words.ts';

export interface TextOptions {
  readonly width: number;
  readonly paint: Paint;
}

type Options = TextOptions & ReportView & { readonly isShown: (finding: Finding) => boolean };

const SHOWN: readonly Standing[] = ['non-compliant', 'indeterminate', 'covered'];
const TONES = {
  'non-compliant': 'bad',
  indeterminate: 'warning',
  covered: 'note',
  compliant: 'good',
  'not-applicable': 'dim',
} as const satisfies Record<Standing, Parameters<Paint>[0]>;

/** What a text report says of findings, beside each of them by itself. */
interface ShownOfControl {
  /** Of the first violation that is shown, covered or not: what it means, and the remedy. */
  says?: Pick<Finding, 'message' | 'remedy'>;
  /** Id of the first violation that is shown and that nothing covers. */
  worst?: string;
}

/**
 * A check for a terminal: the counts first, then by control what is wrong, what is not known, and what an exception covers. A finding is made
 * into text as it comes, so that memory does not grow with their number.
 */
export class TextReport implements ReportStream {
  readonly #texts: Texts;
  readonly #options: TextOptions & Pick<Options, 'isShown'>;
  readonly #view: FindingView;
  readonly #controls = new Map<string, ShownOfControl>();
  /** Those that need somebody, and that `isShown` left out. */
  #hidden = 0;

  constructor(texts: Texts, view: FindingView, options: TextOptions & Pick<Options, 'isShown'>) {
    this.#texts = texts;
    this.#view = view;
    this.#options = options;
  }

  /** Takes a finding; those of one control must come in the order of the report. */
  see(finding: Finding): void {
    const standing = standingOf(finding);
    if (!SHOWN.includes(standing)) return;
    if (!this.#options.isShown(finding)) {
      if (OPEN.has(standing)) this.#hidden += 1;
      return;
    }
    const { controlId, outcome, message, remedy, id } = finding;
    const own = this.#controls.get(controlId) ?? {};
    if (outcome === 'non-compliant') own.says ??= { message, remedy };
    if (standing === 'non-compliant') own.worst ??= id;
    this.#controls.set(controlId, own);
    const lines = ['', ...findingLines(finding, this.#view, this.#options)];
    this.#texts.add(listOf(controlId, standing), `${lines.join('\n')}\n`);
  }

  /** The whole report in pieces, ended by a line break; after the last finding. */
  *pieces(view: ReportView): Generator<string> {
    const options: Options = { ...view, ...this.#options };
    const { report } = view;
    yield textOf([...heading(report, options), ...sinceLines(options), '', ...counts(report, options)]);
    for (const control of report.byControl) {
      const own = this.#controls.get(control.controlId);
      if (own === undefined) continue;
      yield textOf(controlLines(control, own, options));
      for (const standing of SHOWN) yield* this.#texts.pieces(listOf(control.controlId, standing));
    }
    const worst = report.byControl
      .map(({ controlId }) => this.#controls.get(controlId)?.worst)
      .find((id) => id !== undefined);
    yield textOf([...attestationLines(options), '', ...ending(report, options, this.#hidden, worst)]);
  }
}

const listOf = (controlId: string, standing: Standing): string => `${controlId} ${standing}`;

const textOf = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('');

function sinceLines(options: Options): readonly string[] {
  const since = options.changes;
  if (since === undefined) return [];
  const gone = since.gone.length === 0 ? '' : `, ${since.gone.length} whose subject is gone`;
  return wrap(
    `since the run of ${formatInstant(since.since)}: ${since.new} new, ${since.unchanged} unchanged, ${since.resolved} resolved${gone}`,
    options.width,
  );
}

function attestationLines({ attestations, width, paint }: Options): readonly string[] {
  if (attestations.length === 0) return [];
  return [
    '',
    paint('bold', 'Attestations'),
    ...attestations.flatMap(({ attestation, standing }) =>
      wrap(
        printable(
          `${ATTESTATION_WORDS[standing]} ${formatInstant(standing === 'not-yet' ? attestation.signedAt : attestation.validUntil)}: ${attestation.id} for ${attestation.control}, ${attestation.document.title}, signed by ${attestation.signer.id}`,
        ),
        width,
        '  ',
        '    ',
      ),
    ),
  ];
}

const ATTESTATION_WORDS = {
  expired: 'expired at',
  expiring: 'about to expire, at',
  'not-yet': 'signed for later, from',
  current: 'holds until',
} as const satisfies Record<ReportView['attestations'][number]['standing'], string>;

function heading(report: CheckSummary, { width, paint, notice, scan }: Options): readonly string[] {
  const { id, version, hash } = report.policy;
  const [first = '', ...more] = wrap(
    `${printable(id)} ${printable(version)} (hash ${hash.slice(0, 16)})`,
    width,
  );
  const when =
    report.now === report.snapshotTakenAt ? '' : `; exceptions judged as of ${formatInstant(report.now)}`;
  return [
    paint('bold', first),
    ...more,
    ...(notice === undefined ? [] : wrap(printable(notice), width)),
    ...(scan === undefined ? [] : describeScan(scan).flatMap((line) => wrap(printable(line), width))),
    ...wrap(
      `snapshot of ${formatInstant(report.snapshotTakenAt)}: ${report.accounts} accounts, ${report.regions} governed Regions${when}`,
      width,
    ),
  ];
}

function counts(report: CheckSummary, { width, paint }: TextOptions): readonly string[] {
  const row = (name: string, severity: string, each: CheckSummary['counts']): readonly string[] => [
    name,
    severity,
    String(each['non-compliant']),
    String(each.indeterminate),
    String(each.covered),
    String(each.compliant),
    String(each['not-applicable']),
  ];
  const [header = '', ...lines] = table(
    [
      { header: 'CONTROL' },
      { header: 'SEVERITY' },
      { header: 'NON-COMPLIANT', align: 'right' },
      { header: 'INDETERMINATE', align: 'right' },
      { header: 'COVERED', align: 'right' },
      { header: 'COMPLIANT', align: 'right' },
      { header: 'N/A', align: 'right' },
    ],
    [
      ...report.byControl.map(({ controlId, severity, counts: own }) => row(controlId, severity, own)),
      row('all', '', report.counts),
    ],
    width,
  );
  return [paint('dim', header), ...lines];
}

function controlLines(
  control: ControlSummary,
  { says }: ShownOfControl,
  { width, paint }: TextOptions,
): readonly string[] {
  const [first = '', ...more] = wrap(
    `${control.controlId} ${printable(control.title)} (${control.severity})`,
    width,
  );
  return [
    '',
    paint('bold', first),
    ...more.map((line) => paint('bold', line)),
    ...(says === undefined
      ? []
      : [
          ...wrap(printable(says.message.trim()), width, '  '),
          ...wrap(`remedy: ${printable(says.remedy.trim().replace(/\s+/g, ' '))}`, width, '  ', '    '),
        ]),
  ];
}

function findingLines(finding: Finding, view: FindingView, { width, paint }: TextOptions): readonly string[] {
  const when = seen(view, finding);
  const standing = standingOf(finding);
  const until =
    finding.coveredBy === undefined
      ? ''
      : printable(
          ` by ${describeCoverage(finding.coveredBy)} until ${formatInstant(finding.coveredBy.until)}`,
        );
  const [first = '', ...more] = wrap(`${standing}${until}, finding ${finding.id}`, width, '  ');
  return [
    first.replace(standing, paint(TONES[standing], standing)),
    ...more,
    ...wrap(
      `${printable(finding.accountName)}: ${printable(describeSubject(finding.subject))}`,
      width,
      '    ',
    ),
    ...finding.evidence.flatMap((line) => wrap(`- ${printable(line)}`, width, '    ', '      ')),
    ...sourcesOf(finding).flatMap((source) =>
      wrap(printable(`call: ${describeEvidenceSource(source)}`), width, '    ', '      '),
    ),
    ...(when?.change === undefined
      ? []
      : wrap(`first seen ${formatInstant(when.first)}, ${when.change}`, width, '    ')),
    ...wrap(`decided by ${finding.decidingClause}`, width, '    ').map((line) => paint('dim', line)),
  ];
}

function ending(
  report: CheckSummary,
  { width, sameEvidence }: Options,
  hidden: number,
  worst: string | undefined,
): readonly string[] {
  const { counts: all } = report;
  const open = all['non-compliant'];
  const unknown = all.indeterminate;
  const verdict =
    open > 0
      ? `${open} non-compliant, ${unknown} indeterminate, ${all.covered} covered by a live exception or an attestation.`
      : unknown > 0
        ? `nothing is known to be wrong, but ${unknown} could not be decided; unknown is not compliant.`
        : `everything that was asked is compliant${all.covered > 0 ? ` or covered (${all.covered})` : ''}.`;
  return [
    ...wrap(verdict, width),
    ...(hidden > 0
      ? wrap(
          `${hidden === 1 ? '1 finding that is' : `${hidden} findings that are`} non-compliant or indeterminate ${hidden === 1 ? 'is' : 'are'} not shown, because of --control or --account.`,
          width,
        )
      : []),
    ...(report.notAsked.length > 0
      ? wrap(
          `not asked: ${report.notAsked.join(', ')}, about the organization’s own records, which a snapshot does not hold; --state DIR asks.`,
          width,
        )
      : []),
    ...(worst === undefined
      ? []
      : sameEvidence === undefined
        ? wrap('Why each was found: `--format json` and `html` have every condition.', width)
        : ['Why one was found:', ...commandLines(`proviso finding explain ${worst} ${sameEvidence}`, width)]),
  ];
}

const OPEN: ReadonlySet<Standing> = new Set(['non-compliant', 'indeterminate']);

/** Folded before an option where it is too long, as a shell reads it. */
function commandLines(command: string, width: number): readonly string[] {
  const whole = `  ${command}`;
  if (displayWidth(whole) <= width) return [whole];
  const [first = '', ...options] = command.split(/ (?=--)/);
  return [first, ...options].map(
    (part, index) => `${index === 0 ? '  ' : '    '}${part}${index === options.length ? '' : ' \\'}`,
  );
}
