import { assertNever, formatInstant } from '../../core/index.ts';
import type { ControlSummary, Finding } from '../../rules/index.ts';
import { sourcesOf } from '../../rules/index.ts';
import { printable } from '../terminal/index.ts';
import { oneLine } from './plain-text.ts';
import { describeEvidenceSource } from './sources.ts';
import { type ReportView, seen, shownFindings } from './view.ts';
import { describeCoverage, describeSubject, standingOf } from './words.ts';

/**
 * JUnit XML in the form that Jenkins reads: a suite for each control, a case for each subject. A violation is a failure; what could not
 * be decided is an error, never a pass; what is covered or not applicable is skipped, with the reason.
 */
export function renderJunit(view: ReportView): string {
  const { report } = view;
  const shown = shownFindings(view);
  const suites = report.byControl
    .map((control) => ({ control, cases: shown.filter(({ controlId }) => controlId === control.controlId) }))
    .filter(({ cases }) => cases.length > 0);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites${attributes({ name: `${report.policy.id} ${report.policy.version}`, ...totals(shown) })}>`,
    ...suites.flatMap(({ control, cases }) => suiteLines(control, cases, view)),
    '</testsuites>',
    '',
  ].join('\n');
}

function suiteLines(
  { controlId, title, severity }: ControlSummary,
  cases: readonly Finding[],
  view: ReportView,
): readonly string[] {
  const { report } = view;
  // JUnit's timestamps have no zone; ours are UTC.
  const timestamp = formatInstant(report.snapshotTakenAt).slice(0, 19);
  return [
    `  <testsuite${attributes({ name: `${controlId} ${title}`, ...totals(cases), time: '0', timestamp })}>`,
    '    <properties>',
    `      <property${attributes({ name: 'severity', value: severity })}/>`,
    `      <property${attributes({ name: 'policy', value: report.policy.hash })}/>`,
    '    </properties>',
    ...cases.flatMap((finding) => caseLines(finding, view)),
    '  </testsuite>',
  ];
}

function caseLines(finding: Finding, view: ReportView): readonly string[] {
  const name = `${finding.accountName}: ${describeSubject(finding.subject)}`;
  const open = `    <testcase${attributes({ name, classname: `proviso.${finding.controlId}`, time: '0' })}`;
  const inside = resultLine(finding, view);
  return inside === undefined ? [`${open}/>`] : [`${open}>`, `      ${inside}`, '    </testcase>'];
}

function resultLine(finding: Finding, view: ReportView): string | undefined {
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

function bodyOf(finding: Finding, view: ReportView): readonly string[] {
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

const totals = (cases: readonly Finding[]): Readonly<Record<string, string>> => {
  const count = (...standings: readonly string[]): string =>
    String(cases.filter((finding) => standings.includes(standingOf(finding))).length);
  return {
    tests: String(cases.length),
    failures: count('non-compliant'),
    errors: count('indeterminate'),
    skipped: count('covered', 'not-applicable'),
  };
};

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
