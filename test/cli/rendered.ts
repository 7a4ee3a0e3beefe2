import { type ReportFormat, reportStream } from '../../src/cli/report/formats.ts';
import { HtmlReport, type TimelineEvent } from '../../src/cli/report/html.ts';
import { Spool } from '../../src/cli/report/spool.ts';
import type { ReportView } from '../../src/cli/report/view.ts';
import { painter } from '../../src/cli/terminal/index.ts';
import type { CheckReport, Finding } from '../../src/rules/index.ts';

/** What a format shows of a check, with its findings. */
export type WholeView = Omit<ReportView, 'report'> & { readonly report: CheckReport };

/** A whole report at once, as `check` makes it finding by finding. */
export function render(format: ReportFormat, view: WholeView): string {
  const stream = reportStream(format, new Spool(), view, {
    width: 80,
    paint: painter(false),
    isShown: () => true,
    timeline: [],
  });
  for (const finding of view.report.findings) stream.see(finding);
  return [...stream.pieces(view)].join('');
}

export function renderHtml({
  report,
  notice,
  ...options
}: {
  readonly report: CheckReport;
  readonly title: string;
  readonly timeline?: readonly TimelineEvent[];
  readonly isShown?: (finding: Finding) => boolean;
  readonly notice?: string;
}): string {
  const page = new HtmlReport(new Spool(), { report }, options);
  for (const finding of report.findings) page.see(finding);
  return [...page.pieces({ report, attestations: [], notice })].join('');
}
