import { formatInstant } from '../../core/index.ts';
import type { Finding } from '../../rules/index.ts';
import { sourceJson, sourcesOf } from '../../rules/index.ts';
import { printable } from '../terminal/index.ts';
import { partitionOf } from './partition.ts';
import { plainText } from './plain-text.ts';
import { safeJsonElement } from './safe-json.ts';
import { type FindingView, seen } from './view.ts';
import { describeCoverage, describeFinding, describeSubject, type Standing, standingOf } from './words.ts';

/*
 * OCSF 1.3.0, class Compliance Finding (2003): the names and numbers are those of the public schema, events/findings/compliance_finding.json
 * and the objects it uses. Times are epoch milliseconds.
 */
const OCSF_VERSION = '1.3.0';
const CATEGORY_FINDINGS = 2;
const CLASS_COMPLIANCE_FINDING = 2003;
const SEVERITIES = {
  low: [2, 'Low'],
  medium: [3, 'Medium'],
  high: [4, 'High'],
  critical: [5, 'Critical'],
} as const;
/** `Warning` is the schema's word for a check without a result because information is missing. */
const COMPLIANCE = {
  'non-compliant': [3, 'Fail'],
  covered: [3, 'Fail'],
  indeterminate: [2, 'Warning'],
  compliant: [1, 'Pass'],
  'not-applicable': [1, 'Pass'],
} as const satisfies Record<Standing, readonly [number, string]>;
const ACTIVITIES = { new: [1, 'Create'], unchanged: [2, 'Update'], resolved: [3, 'Close'] } as const;
const ACCOUNT_TYPE_AWS = 10;

/** One event: of a finding that is not known to be fine, or is fine again since the earlier run. */
export const ocsfEvent = (finding: Finding, view: FindingView): string =>
  safeJsonElement(eventOf(finding, view), 1);

function eventOf(finding: Finding, view: FindingView) {
  const { report, version } = view;
  const { subject, coveredBy } = finding;
  const standing = standingOf(finding);
  const when = seen(view, finding);
  const [activityId, activity] = ACTIVITIES[when?.change ?? 'new'];
  const [severityId, severity] = SEVERITIES[finding.severity];
  const [complianceId, compliance] = COMPLIANCE[standing];
  const [statusId, status] =
    when?.change === 'resolved'
      ? [4, 'Resolved']
      : coveredBy !== undefined
        ? [3, 'Suppressed']
        : when?.change === 'unchanged'
          ? [2, 'In Progress']
          : [1, 'New'];
  const region = subject.kind === 'account-region' ? { region: subject.region } : {};
  const detail =
    coveredBy === undefined
      ? standing
      : printable(`${standing}: ${describeCoverage(coveredBy)} until ${formatInstant(coveredBy.until)}`);
  return {
    category_uid: CATEGORY_FINDINGS,
    category_name: 'Findings',
    class_uid: CLASS_COMPLIANCE_FINDING,
    class_name: 'Compliance Finding',
    type_uid: CLASS_COMPLIANCE_FINDING * 100 + activityId,
    type_name: `Compliance Finding: ${activity}`,
    activity_id: activityId,
    activity_name: activity,
    severity_id: severityId,
    severity,
    status_id: statusId,
    status,
    time: report.now,
    message: plainText(finding.title),
    metadata: {
      version: OCSF_VERSION,
      profiles: ['cloud'],
      product: { name: 'Proviso', vendor_name: 'Proviso', version },
    },
    cloud: {
      provider: 'AWS',
      account: {
        uid: subject.accountId,
        name: finding.accountName,
        type: 'AWS Account',
        type_id: ACCOUNT_TYPE_AWS,
      },
      org: { uid: view.organizationId },
      ...region,
    },
    compliance: {
      control: finding.controlId,
      standards: [`${report.policy.id} ${report.policy.version}`],
      status: compliance,
      status_id: complianceId,
      status_detail: detail,
    },
    finding_info: {
      uid: finding.id,
      title: plainText(finding.title),
      desc: printable(describeFinding(finding)),
      types: ['Policy compliance'],
      ...(when === undefined
        ? {}
        : { created_time: when.first, first_seen_time: when.first, last_seen_time: when.last }),
    },
    remediation: { desc: plainText(finding.remedy) },
    resources: [
      {
        uid: subject.kind === 'principal' ? subject.arn : describeSubject(subject),
        type: subject.kind,
        cloud_partition: partitionOf(finding),
        ...region,
      },
    ],
    unmapped: {
      standing,
      deciding_clause: finding.decidingClause,
      evidence: finding.evidence,
      sources: sourcesOf(finding).map(sourceJson),
    },
  };
}
