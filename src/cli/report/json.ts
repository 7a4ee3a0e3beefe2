import { canonicalJson, formatInstant, wellFormed } from '../../core/index.ts';
import { type Finding, findingJson as plainFinding, reportHeadJson } from '../../rules/index.ts';
import type { Changes, Seen } from './history.ts';
import { scanJson } from './scan.ts';
import { type FindingView, type ReportView, seen } from './view.ts';

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
  const { report, organizationId, attestations, changes: since, scan } = view;
  return {
    ...reportHeadJson(report, organizationId),
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
    ...(scan === undefined ? {} : { scan: scanJson(scan) }),
  };
};

const changesJson = ({ since, ...counts }: Changes) => ({ since: formatInstant(since), ...counts });

/** With when it was first seen, where that is known. */
export const findingJson = (finding: Finding, when?: Seen): unknown => ({
  ...plainFinding(finding),
  ...(when === undefined ? {} : { seen: seenJson(when) }),
});

export const seenJson = ({ first, last, change }: Seen) => ({
  first: formatInstant(first),
  last: formatInstant(last),
  ...(change === undefined ? {} : { change }),
});
