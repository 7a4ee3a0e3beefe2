import { assertNever } from '../../core/index.ts';
import { jsonLine } from '../output.ts';
import type { Paint } from '../terminal/index.ts';
import { renderAsff } from './asff.ts';
import { renderCsv } from './csv.ts';
import { renderHtml, type TimelineEvent } from './html.ts';
import { reportJson } from './json.ts';
import { renderJunit } from './junit.ts';
import { renderMarkdown } from './markdown.ts';
import { renderNdjson } from './ndjson.ts';
import { renderOcsf } from './ocsf.ts';
import { renderSarif } from './sarif.ts';
import { renderText } from './text.ts';
import type { ReportView } from './view.ts';
import { wellFormed } from './well-formed.ts';

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
  /** For text. */
  readonly width: number;
  readonly paint: Paint;
  /** For HTML. */
  readonly timeline: readonly TimelineEvent[];
}

/** One check in one format, ended by a line break. The same view gives the same bytes. */
export function renderReport(format: ReportFormat, view: ReportView, options: RenderOptions): string {
  switch (format) {
    case 'text':
      return `${renderText(view, options).join('\n')}\n`;
    case 'json':
      return jsonLine(wellFormed(reportJson(view)));
    case 'ndjson':
      return renderNdjson(view);
    case 'csv':
      return renderCsv(view);
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
