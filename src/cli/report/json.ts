import { assertNever, formatInstant } from '../../core/index.ts';
import type { Observation } from '../../evidence/index.ts';
import type { CheckReport, Explanation, Finding } from '../../rules/index.ts';

/** The form of `check --format json` and `finding explain --format json`; a change of meaning raises it. */
export const REPORT_SCHEMA_VERSION = 1;

/** A check as JSON: as the report, with instants as UTC text. Canonical JSON of it is the same for the same check. */
export const reportJson = (report: CheckReport, isShown: (finding: Finding) => boolean): unknown => ({
  schemaVersion: REPORT_SCHEMA_VERSION,
  kind: 'CheckReport',
  policy: report.policy,
  snapshotTakenAt: formatInstant(report.snapshotTakenAt),
  now: formatInstant(report.now),
  accounts: report.accounts,
  regions: report.regions,
  counts: report.counts,
  byControl: report.byControl,
  notAsked: report.notAsked,
  findings: report.findings.filter(isShown).map(findingJson),
});

export function findingJson(finding: Finding): unknown {
  const { coveredBy, explanation, ...rest } = finding;
  const { when, require } = explanation;
  return {
    ...rest,
    explanation: {
      ...(when === undefined ? {} : { when: explanationJson(when) }),
      ...(require === undefined ? {} : { require: explanationJson(require) }),
    },
    ...(coveredBy === undefined
      ? {}
      : { coveredBy: { ...coveredBy, until: formatInstant(coveredBy.until) } }),
  };
}

function explanationJson(node: Explanation): unknown {
  switch (node.kind) {
    case 'all':
    case 'any':
      return { ...node, parts: node.parts.map(explanationJson) };
    case 'not':
      return { ...node, part: explanationJson(node.part) };
    case 'leaf':
      return { ...node, observation: observationJson(node.observation) };
    default:
      return assertNever(node, 'explanation');
  }
}

const observationJson = (observation: Observation<unknown>): unknown =>
  observation.kind === 'unobservable' ? observation : { ...observation, at: formatInstant(observation.at) };
