import { assertNever, canonicalJson, formatInstant } from '../../core/index.ts';
import type { Observation } from '../../evidence/index.ts';
import type { Explanation, Finding } from '../../rules/index.ts';
import type { Changes, Seen } from './history.ts';
import { REPORT_SCHEMA_VERSION } from './schema-version.ts';
import { type EvidenceSource, sourcesOf } from './sources.ts';
import { type FindingView, type ReportView, seen } from './view.ts';
import { wellFormed } from './well-formed.ts';

/** A finding of a check as one piece of canonical JSON. */
export const findingText = (finding: Finding, view: FindingView): string =>
  canonicalJson(wellFormed(findingJson(finding, seen(view, finding))));

const NO_FINDINGS = '"findings":[]';

/**
 * What stands before and after the findings of a check as JSON, itself with instants as UTC text. With the findings between, joined by
 * commas, it is canonical: the same for the same check.
 */
export function reportFrame(view: ReportView): readonly [string, string] {
  const [before, after, ...more] = canonicalJson(wellFormed({ ...reportHead(view), findings: [] })).split(
    NO_FINDINGS,
  );
  // A string cannot hold it: its quotes would be escaped.
  if (before === undefined || after === undefined || more.length > 0)
    throw new Error('a report has one list of findings');
  return [`${before}${NO_FINDINGS.slice(0, -1)}`, `]${after}`];
}

/** A report without its findings. */
export const reportHead = (view: ReportView) => {
  const { report, organizationId, attestations, changes: since } = view;
  return {
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
    ...(since === undefined ? {} : { changes: changesJson(since) }),
    attestations: attestations.map(({ attestation, standing }) => ({
      id: attestation.id,
      control: attestation.control,
      document: attestation.document,
      signer: attestation.signer,
      subjects: attestation.subjects,
      signedAt: formatInstant(attestation.signedAt),
      validUntil: formatInstant(attestation.validUntil),
      standing,
    })),
  };
};

const changesJson = ({ since, ...counts }: Changes) => ({ since: formatInstant(since), ...counts });

export function findingJson(finding: Finding, when?: Seen): unknown {
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
    ...(when === undefined ? {} : { seen: seenJson(when) }),
  };
}

export const seenJson = ({ first, last, change }: Seen) => ({
  first: formatInstant(first),
  last: formatInstant(last),
  ...(change === undefined ? {} : { change }),
});

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
