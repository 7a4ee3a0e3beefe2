import { findingJson, reportHead } from './json.ts';
import { safeJson } from './safe-json.ts';
import { REPORT_SCHEMA_VERSION } from './schema-version.ts';
import { type ReportView, seen, shownFindings } from './view.ts';

/**
 * One JSON value a line, for log pipelines: first the report without its findings (`kind: CheckReport`), then one line for each finding
 * (`kind: Finding`), each with what is needed to understand it alone.
 */
export function renderNdjson(view: ReportView): string {
  const { policy, organization, snapshotTakenAt, now } = reportHead(view);
  const lines = [
    reportHead(view),
    ...shownFindings(view).map((finding) => ({
      schemaVersion: REPORT_SCHEMA_VERSION,
      kind: 'Finding',
      policy,
      organization,
      snapshotTakenAt,
      now,
      ...(findingJson(finding, seen(view, finding)) as object),
    })),
  ];
  return lines.map((line) => `${safeJson(line)}\n`).join('');
}
