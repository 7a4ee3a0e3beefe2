import { assertNever, formatInstant } from '../../core/index.ts';
import type { CheckSummary, ControlSummary, Finding } from '../../rules/index.ts';
import { sourcesOf } from '../../rules/index.ts';
import { printable } from '../terminal/index.ts';
import { oneLine } from './plain-text.ts';
import { describeEvidenceSource } from './sources.ts';
import { type FindingView, type ReportStream, type ReportView, seen, type Texts } from './view.ts';
import { describeCoverage, describeSubject, type Standing, standingOf } from './words.ts';

/**
 * JUnit XML in the form that Jenkins reads: a suite for each control, a case for each subject. A violation is a failure; what could not
 * be decided is an error, never a pass; what is covered or not applicable is skipped, with the reason. The numbers stand before the cases, so
 * the cases wait as text.
 */
export class JunitReport implements ReportStream {
  readonly #texts: Texts;
  readonly #view: FindingView;
  readonly #totals = new Map<string, Totals>();

  constructor(texts: Texts, view: FindingView) {
    this.#texts = texts;
    this.#view = view;
  }

  see(finding: Finding): void {
    const own = this.#totals.get(finding.controlId) ?? { tests: 0, failures: 0, errors: 0, skipped: 0 };
    this.#totals.set(finding.controlId, counted(own, standingOf(finding)));
    this.#texts.add(finding.controlId, `${caseLines(finding, this.#view).join('\n')}\n`);
  }

  *pieces({ report }: ReportView): Generator<string> {
    const all = [...this.#totals.values()].reduce(
      (sum, own) => ({
        tests: sum.tests + own.tests,
        failures: sum.failures + own.failures,
        errors: sum.errors + own.errors,
        skipped: sum.skipped + own.skipped,
      }),
      { tests: 0, failures: 0, errors: 0, skipped: 0 },
    );
    yield '<?xml version="1.0" encoding="UTF-8"?>\n';
    yield `<testsuites${attributes({ name: `${report.policy.id} ${report.policy.version}`, ...texts(all) })}>\n`;
    for (const control of report.byControl) {
      const own = this.#totals.get(control.controlId);
      if (own === undefined) continue;
      yield `${suiteHead(control, own, report).join('\n')}\n`;
      yield* this.#texts.pieces(control.controlId);
      yield '  </testsuite>\n';
    }
    yield '</testsuites>\n';
  }
}

function suiteHead(
  { controlId, title, severity }: ControlSummary,
  own: Totals,
  report: CheckSummary,
): readonly string[] {
  // JUnit's timestamps have no zone; ours are UTC.
  const timestamp = formatInstant(report.snapshotTakenAt).slice(0, 19);
  return [
    `  <testsuite${attributes({ name: `${controlId} ${title}`, ...texts(own), time: '0', timestamp })}>`,
    '    <properties>',
    `      <property${attributes({ name: 'severity', value: severity })}/>`,
    `      <property${attributes({ name: 'policy', value: report.policy.hash })}/>`,
    '    </properties>',
  ];
}

function caseLines(finding: Finding, view: FindingView): readonly string[] {
  const name = `${finding.accountName}: ${describeSubject(finding.subject)}`;
  const open = `    <testcase${attributes({ name, classname: `proviso.${finding.controlId}`, time: '0' })}`;
  const inside = resultLine(finding, view);
  return inside === undefined ? [`${open}/>`] : [`${open}>`, `      ${inside}`, '    </testcase>'];
}

function resultLine(finding: Finding, view: FindingView): string | undefined {
  const standing = standingOf(finding);
  const first = finding.evidence[0] ?? finding.title;
  const body = content(bodyOf(finding, view));
  switch (standing) {
    case 'compliant':
      return undefined;
    case 'not-applicable':
      return `<skipped${attributes({ message: `not applicable: ${first}` })}/>`;
    case 'covered':
      return `<skipped${attributes({ message: `covered by ${coverageOf(finding)}` })}>${body}</skipped>`;
    case 'non-compliant':
      return `<failure${attributes({ type: finding.severity, message: first })}>${body}</failure>`;
    case 'indeterminate':
      return `<error${attributes({ type: standing, message: `could not be decided: ${first}` })}>${body}</error>`;
    default:
      return assertNever(standing, 'standing');
  }
}

const coverageOf = ({ coveredBy }: Finding): string =>
  coveredBy === undefined ? '' : `${describeCoverage(coveredBy)} until ${formatInstant(coveredBy.until)}`;

function bodyOf(finding: Finding, view: FindingView): readonly string[] {
  const when = seen(view, finding);
  return [
    ...(finding.outcome === 'non-compliant' ? [oneLine(finding.message)] : []),
    ...finding.evidence.map((line) => `- ${line}`),
    ...sourcesOf(finding).map((source) => `call: ${describeEvidenceSource(source)}`),
    `decided by ${finding.decidingClause}`,
    ...(when === undefined
      ? []
      : [`first seen ${formatInstant(when.first)}${when.change === undefined ? '' : ` (${when.change})`}`]),
    `remedy: ${oneLine(finding.remedy)}`,
    `finding ${finding.id}`,
  ];
}

type Totals = Readonly<Record<'tests' | 'failures' | 'errors' | 'skipped', number>>;

const counted = (own: Totals, standing: Standing): Totals => ({
  tests: own.tests + 1,
  failures: own.failures + (standing === 'non-compliant' ? 1 : 0),
  errors: own.errors + (standing === 'indeterminate' ? 1 : 0),
  skipped: own.skipped + (standing === 'covered' || standing === 'not-applicable' ? 1 : 0),
});

const texts = ({ tests, failures, errors, skipped }: Totals): Readonly<Record<string, string>> => ({
  tests: String(tests),
  failures: String(failures),
  errors: String(errors),
  skipped: String(skipped),
});

const attributes = (values: Readonly<Record<string, string>>): string =>
  Object.entries(values)
    .map(([name, value]) => ` ${name}="${escapeXml(value)}"`)
    .join('');

const content = (lines: readonly string[]): string => lines.map(escapeXml).join('\n');

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

/** XML 1.0 has no way to write U+FFFE, U+FFFF and control characters; they become visible escapes like all that cannot be seen. */
const escapeXml = (text: string): string =>
  printable(text)
    .replace(/[\ufffe\uffff]/g, (character) => `\\u${character.charCodeAt(0).toString(16)}`)
    .replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
