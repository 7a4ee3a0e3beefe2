import { formatInstant } from '../../core/index.ts';
import type { Finding } from '../../rules/index.ts';
import { sourcesOf } from '../../rules/index.ts';
import { printable } from '../terminal/index.ts';
import { oneLine } from './plain-text.ts';
import { describeEvidenceSource, observedAt } from './sources.ts';
import { type FindingView, seen } from './view.ts';
import { describeCoverage, standingOf } from './words.ts';

const COLUMNS: readonly (readonly [string, (finding: Finding, view: FindingView) => string])[] = [
  ['finding', ({ id }) => id],
  ['control', ({ controlId }) => controlId],
  ['title', ({ title }) => title],
  ['severity', ({ severity }) => severity],
  ['standing', (finding) => standingOf(finding)],
  ['outcome', ({ outcome }) => outcome],
  ['account', ({ subject }) => subject.accountId],
  ['account_name', ({ accountName }) => accountName],
  ['region', ({ subject }) => (subject.kind === 'account-region' ? subject.region : '')],
  ['principal', ({ subject }) => (subject.kind === 'principal' ? subject.arn : '')],
  ['evidence', ({ evidence }) => evidence.join(' | ')],
  ['calls', (finding) => sourcesOf(finding).map(describeEvidenceSource).join(' | ')],
  ['observed_at', (finding) => instant(observedAt(finding))],
  ['decided_by', ({ decidingClause }) => decidingClause],
  ['first_seen', (finding, view) => instant(seen(view, finding)?.first)],
  ['last_seen', (finding, view) => instant(seen(view, finding)?.last)],
  ['change', (finding, view) => seen(view, finding)?.change ?? ''],
  ['covered_by', ({ coveredBy }) => (coveredBy === undefined ? '' : describeCoverage(coveredBy))],
  ['covered_until', ({ coveredBy }) => instant(coveredBy?.until)],
  ['message', ({ message, outcome }) => (outcome === 'non-compliant' ? oneLine(message) : '')],
  ['remedy', ({ remedy }) => oneLine(remedy)],
];

/** RFC 4180: a header, one finding a row, every field quoted, lines ended by CR LF. */
export const csvHeader = (): string => csvLine(COLUMNS.map(([name]) => name));

export const csvRow = (finding: Finding, view: FindingView): string =>
  csvLine(COLUMNS.map(([, of]) => of(finding, view)));

/** One row of any table. */
export const csvLine = (fields: readonly string[]): string => `${fields.map(field).join(',')}\r\n`;

const field = (text: string): string => `"${withoutFormula(printable(text)).replaceAll('"', '""')}"`;

/*
 * The attacker names a role or a bucket so that a spreadsheet runs it. An apostrophe makes the cell text. The full-width forms count
 * for some spreadsheets too, and where a comma is the decimal sign a `;` begins the next cell even inside our quotes.
 */
const withoutFormula = (text: string): string =>
  text.replace(/(^|;)(\s*["']*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])/g, "$1$2'");

const instant = (at: Parameters<typeof formatInstant>[0] | undefined): string =>
  at === undefined ? '' : formatInstant(at);
