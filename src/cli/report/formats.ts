import { assertNever } from '../../core/index.ts';
import type { Finding } from '../../rules/index.ts';
import { asffFinding } from './asff.ts';
import { csvHeader, csvRow } from './csv.ts';
import { HtmlReport, type TimelineEvent } from './html.ts';
import { needsSomebody } from './inbox.ts';
import { findingText, reportFrame } from './json.ts';
import { JunitReport } from './junit.ts';
import { MarkdownReport } from './markdown.ts';
import { ndjsonHead, ndjsonLine } from './ndjson.ts';
import { ocsfEvent } from './ocsf.ts';
import { sarifFrame, sarifResult } from './sarif.ts';
import { type TextOptions, TextReport } from './text.ts';
import type { FindingView, ReportStream, ReportView, Texts } from './view.ts';

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

/** Whether a format shows also what is fine, or counts what of it was left out. */
const SHOWS_ALL: ReadonlySet<ReportFormat> = new Set(['json', 'ndjson', 'csv', 'markdown', 'html', 'junit']);
export const showsAll = (format: ReportFormat): boolean => SHOWS_ALL.has(format);

/** Whether a format says by itself that a scan made the report, which lists only what is not fine. */
const SAYS_SCAN: ReadonlySet<ReportFormat> = new Set(['text', 'markdown', 'html']);
export const saysScan = (format: ReportFormat): boolean => SAYS_SCAN.has(format);

export interface RenderOptions extends TextOptions {
  /** What `--control` and `--account` left to show; counts are always of the whole check. */
  readonly isShown: (finding: Finding) => boolean;
  /** For HTML. */
  readonly timeline: readonly TimelineEvent[];
}

/**
 * A check in one format. The same findings and view give the same bytes.
 * @param texts - where what was made of the findings waits for the last of them
 */
export function reportStream(
  format: ReportFormat,
  texts: Texts,
  view: FindingView,
  options: RenderOptions,
): ReportStream {
  const { isShown, timeline } = options;
  switch (format) {
    case 'text':
      return new TextReport(texts, view, options);
    case 'markdown':
      return new MarkdownReport(texts, view, isShown);
    case 'html':
      return new HtmlReport(texts, view, { title: view.policy.policy.metadata.title, timeline, isShown });
    case 'junit':
      return only(isShown, new JunitReport(texts, view));
    case 'json':
    case 'ndjson':
    case 'csv':
      return only(isShown, new ListedReport(texts, view, LISTS[format]));
    case 'sarif':
    case 'ocsf':
    case 'asff':
      return only(
        (finding) => isShown(finding) && needsSomebody(finding, view),
        new ListedReport(texts, view, LISTS[format]),
      );
    default:
      return assertNever(format, 'report format');
  }
}

const only = (isShown: (finding: Finding) => boolean, stream: ReportStream): ReportStream => ({
  see: (finding) => {
    if (isShown(finding)) stream.see(finding);
  },
  pieces: (view) => stream.pieces(view),
});

/** A format that lists every finding by itself. */
interface ListFormat {
  readonly separator: string;
  readonly item: (finding: Finding, view: FindingView) => string;
  /** What stands before and after the findings. */
  readonly frame: (view: ReportView, isEmpty: boolean) => readonly [string, string];
}

const arrayFrame: ListFormat['frame'] = (_view, isEmpty) => (isEmpty ? ['[', ']\n'] : ['[\n', '\n]\n']);

const LISTS = {
  json: {
    separator: ',',
    item: findingText,
    frame: (view) => {
      const [before, after] = reportFrame(view);
      return [before, `${after}\n`];
    },
  },
  ndjson: { separator: '', item: ndjsonLine, frame: (view) => [ndjsonHead(view), ''] },
  csv: { separator: '', item: csvRow, frame: () => [csvHeader(), ''] },
  sarif: { separator: ',\n', item: sarifResult, frame: sarifFrame },
  ocsf: { separator: ',\n', item: ocsfEvent, frame: arrayFrame },
  asff: { separator: ',\n', item: asffFinding, frame: arrayFrame },
} as const satisfies Readonly<Record<string, ListFormat>>;

class ListedReport implements ReportStream {
  readonly #texts: Texts;
  readonly #view: FindingView;
  readonly #format: ListFormat;
  #isEmpty = true;

  constructor(texts: Texts, view: FindingView, format: ListFormat) {
    this.#texts = texts;
    this.#view = view;
    this.#format = format;
  }

  see(finding: Finding): void {
    this.#isEmpty = false;
    const { separator, item } = this.#format;
    this.#texts.add(finding.controlId, `${separator}${item(finding, this.#view)}`);
  }

  *pieces(view: ReportView): Generator<string> {
    const { separator, frame } = this.#format;
    const [before, after] = frame(view, this.#isEmpty);
    yield before;
    let isFirst = true;
    for (const { id } of view.policy.policy.controls)
      for (const piece of this.#texts.pieces(id)) {
        yield isFirst ? piece.slice(separator.length) : piece;
        isFirst = false;
      }
    yield after;
  }
}
