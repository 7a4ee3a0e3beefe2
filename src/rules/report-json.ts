import { assertNever, type EpochMs, formatInstant } from '../core/index.ts';
import type { Observation } from '../evidence/index.ts';
import type { CheckSummary } from './check.ts';
import type { Explanation, Finding } from './types.ts';
import { decidingLeaves } from './verdict.ts';

/*
 * How a check and its findings look as JSON, whoever writes them: `check --format json`, the scan of an organization, the API.
 */

/** A change of meaning raises it. */
export const REPORT_SCHEMA_VERSION = 1;

/** What stands before the findings; instants are UTC text. */
export const reportHeadJson = (report: CheckSummary, organizationId: string) => ({
  schemaVersion: REPORT_SCHEMA_VERSION,
  kind: 'CheckReport',
  policy: report.policy,
  organization: { id: organizationId },
  snapshotTakenAt: formatInstant(report.snapshotTakenAt),
  now: formatInstant(report.now),
  accounts: report.accounts,
  regions: report.regions,
  counts: report.counts,
  byControl: report.byControl,
  notAsked: report.notAsked,
});

export function findingJson(finding: Finding) {
  const { coveredBy, explanation, ...rest } = finding;
  const { when: applies, require } = explanation;
  return {
    ...rest,
    sources: sourcesOf(finding).map(sourceJson),
    explanation: {
      ...(applies === undefined ? {} : { when: explanationJson(applies) }),
      ...(require === undefined ? {} : { require: explanationJson(require) }),
    },
    ...(coveredBy === undefined
      ? {}
      : { coveredBy: { ...coveredBy, until: formatInstant(coveredBy.until) } }),
  };
}

/** A call behind a finding, where it was made and when it was answered. */
export interface EvidenceSource {
  readonly call: string;
  readonly accountId?: string;
  readonly region?: string;
  /** Absent where there was no answer. */
  readonly at?: EpochMs;
}

/** The calls behind the conditions that helped to decide, in policy order, each once. */
export function sourcesOf({
  decidingClause,
  explanation: { when, require },
}: Finding): readonly EvidenceSource[] {
  const decided = decidingClause.startsWith('when') ? when : require;
  const sources = new Map<string, EvidenceSource>();
  for (const { observation } of decided === undefined ? [] : decidingLeaves(decided)) {
    const { source } = observation;
    if (source === undefined) continue;
    const found: EvidenceSource = {
      call: source.call,
      ...(source.accountId === undefined ? {} : { accountId: source.accountId }),
      ...(source.region === undefined ? {} : { region: source.region }),
      ...(observation.kind === 'unobservable' ? {} : { at: observation.at }),
    };
    sources.set(JSON.stringify(found), found);
  }
  return [...sources.values()];
}

export const sourceJson = ({ at, ...rest }: EvidenceSource) => ({
  ...rest,
  ...(at === undefined ? {} : { at: formatInstant(at) }),
});

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
