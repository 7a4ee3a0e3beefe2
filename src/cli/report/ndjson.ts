import { formatInstant } from '../../core/index.ts';
import type { Finding } from '../../rules/index.ts';
import { REPORT_SCHEMA_VERSION } from '../../rules/index.ts';
import { findingJson, reportHead } from './json.ts';
import { safeJson } from './safe-json.ts';
import { type FindingView, type ReportView, seen } from './view.ts';

/*
 * One JSON value a line, for log pipelines: first the report without its findings (`kind: CheckReport`), then one line for each finding
 * (`kind: Finding`), each with what is needed to understand it alone.
 */
export const ndjsonHead = (view: ReportView): string => `${safeJson(reportHead(view))}\n`;

export const ndjsonLine = (finding: Finding, view: FindingView): string =>
  `${safeJson({
    schemaVersion: REPORT_SCHEMA_VERSION,
    kind: 'Finding',
    policy: view.report.policy,
    organization: { id: view.organizationId },
    snapshotTakenAt: formatInstant(view.report.snapshotTakenAt),
    now: formatInstant(view.report.now),
    ...(findingJson(finding, seen(view, finding)) as object),
  })}\n`;
