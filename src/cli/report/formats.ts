import { assertNever } from '../../core/index.ts';
import type { Finding } from '../../rules/index.ts';
import { renderAsff } from './asff.ts';
import { csvHeader, csvRow } from './csv.ts';
import { renderHtml, type TimelineEvent } from './html.ts';
import { findingText, reportFrame } from './json.ts';
import { renderJunit } from './junit.ts';
import { renderMarkdown } from './markdown.ts';
import { ndjsonHead, ndjsonLine } from './ndjson.ts';
import { renderOcsf } from './ocsf.ts';
import { renderSarif } from './sarif.ts';
import type { FindingView, ReportView } from './view.ts';

/** What `check --format` takes; the first is the default. */
export const REPORT_FORMATS = [
  'text',
  'json',
  'ndjson',
  'csv',
  'markdown',
  'html',
  'sarif',
  'ocsf',
  'asff',
  'junit',
] as const;
export type ReportFormat = (typeof REPORT_FORMATS)[number];

export interface RenderOptions {
  /** For HTML. */
  readonly timeline: readonly TimelineEvent[];
}

/** Whether a format shows also what is fine, so that a report needs every finding in memory. */
const SHOWS_ALL: ReadonlySet<ReportFormat> = new Set(['markdown', 'html', 'junit']);
export const showsAll = (format: ReportFormat): boolean => SHOWS_ALL.has(format);

/** Formats that list every finding by itself: they are written as the findings come, whatever their number. */
export const LISTED_FORMATS = ['json', 'ndjson', 'csv'] as const satisfies readonly ReportFormat[];
export type ListedFormat = (typeof LISTED_FORMATS)[number];

const SEPARATOR = { json: ',', ndjson: '', csv: '' } as const satisfies Record<ListedFormat, string>;

/** One finding in a format that lists them, with what separates it from the one before. */
export function renderFinding(format: ListedFormat, finding: Finding, view: FindingView): string {
  switch (format) {
    case 'json':
      return `${SEPARATOR.json}${findingText(finding, view)}`;
    case 'ndjson':
      return ndjsonLine(finding, view);
    case 'csv':
      return csvRow(finding, view);
    default:
      return assertNever(format, 'listed format');
  }
}

/**
 * One check in a format that lists findings, in pieces.
 * @param findingsOf - the findings of a control as {@link renderFinding} gave them, joined and cut anywhere
 */
export function* renderListed(
  format: ListedFormat,
  view: ReportView,
  findingsOf: (controlId: string) => Iterable<string>,
): Generator<string> {
  const [before, after] = frameOf(format, view);
  yield before;
  let isFirst = true;
  for (const { id } of view.policy.policy.controls)
    for (const piece of findingsOf(id)) {
      yield isFirst ? piece.slice(SEPARATOR[format].length) : piece;
      isFirst = false;
    }
  yield after;
}

function frameOf(format: ListedFormat, view: ReportView): readonly [string, string] {
  switch (format) {
    case 'json': {
      const [before, after] = reportFrame(view);
      return [before, `${after}\n`];
    }
    case 'ndjson':
      return [ndjsonHead(view), ''];
    case 'csv':
      return [csvHeader(), ''];
    default:
      return assertNever(format, 'listed format');
  }
}

/** Formats that are made of all their findings at once. */
export type WholeFormat = Exclude<ReportFormat, ListedFormat | 'text'>;

/** One check in one format, ended by a line break. The same view gives the same bytes. Text is made by `TextReport`. */
export function renderReport(format: WholeFormat, view: ReportView, options: RenderOptions): string {
  switch (format) {
    case 'markdown':
      return renderMarkdown(view);
    case 'html':
      return renderHtml({ ...view, title: view.policy.policy.metadata.title, timeline: options.timeline });
    case 'sarif':
      return renderSarif(view);
    case 'ocsf':
      return renderOcsf(view);
    case 'asff':
      return renderAsff(view);
    case 'junit':
      return renderJunit(view);
    default:
      return assertNever(format, 'report format');
  }
}
