import { formatInstant } from '../../core/index.ts';
import type { Finding } from '../../rules/index.ts';
import { sourcesOf } from '../../rules/index.ts';
import { printable } from '../terminal/index.ts';
import { partitionOf } from './partition.ts';
import { cut, plainText } from './plain-text.ts';
import { safeJsonElement } from './safe-json.ts';
import { describeEvidenceSource } from './sources.ts';
import { type FindingView, seen } from './view.ts';
import { describeCoverage, describeFinding, type Standing, standingOf } from './words.ts';

/*
 * AWS Security Finding Format, 2018-10-08, as `BatchImportFindings` takes it (at most 100 of these in one call: the caller splits). The
 * lengths are the published limits; what is longer is cut, since AWS would refuse the whole finding.
 */
export const ASFF_LIMITS = {
  id: 512,
  title: 256,
  description: 1024,
  recommendation: 512,
  productField: 2048,
  note: 512,
} as const;

/** `WARNING` is AWS's word for a check without a result because information is missing: unknown never passes. */
const STATUSES = {
  'non-compliant': 'FAILED',
  covered: 'FAILED',
  indeterminate: 'WARNING',
  compliant: 'PASSED',
  'not-applicable': 'PASSED',
} as const satisfies Record<Standing, string>;

/** One finding, in its own account and Region, as Security Hub wants them imported. */
export const asffFinding = (finding: Finding, view: FindingView): string =>
  safeJsonElement(findingOf(finding, view), 1);

function findingOf(finding: Finding, view: FindingView) {
  const { report, policy } = view;
  const { subject, coveredBy } = finding;
  const standing = standingOf(finding);
  const when = seen(view, finding);
  const partition = partitionOf(finding);
  // IAM has no Region of its own; Security Hub needs one, and the first governed one is where people look.
  const region =
    subject.kind === 'account-region'
      ? subject.region
      : (policy.policy.storage.scope.regions[0] ?? 'us-east-1');
  const { accountId } = subject;
  const first = formatInstant(when?.first ?? report.snapshotTakenAt);
  const what = `${printable(finding.accountName)}: ${standing}.`;
  return {
    SchemaVersion: '2018-10-08',
    Id: cut(`proviso/${report.policy.id}/${finding.id}`, ASFF_LIMITS.id),
    ProductArn: `arn:${partition}:securityhub:${region}:${accountId}:product/${accountId}/default`,
    ProductName: 'Proviso',
    CompanyName: 'Proviso',
    Region: region,
    GeneratorId: cut(`proviso/${report.policy.id}/${finding.controlId}`, ASFF_LIMITS.id),
    AwsAccountId: accountId,
    Types: ['Software and Configuration Checks/Industry and Regulatory Standards'],
    FirstObservedAt: first,
    LastObservedAt: formatInstant(when?.last ?? report.snapshotTakenAt),
    CreatedAt: first,
    UpdatedAt: formatInstant(report.now),
    Severity: { Label: finding.severity.toUpperCase(), Original: finding.severity },
    Title: cut(`${finding.controlId} ${plainText(finding.title)}`, ASFF_LIMITS.title),
    Description: cut(`${what} ${printable(describeFinding(finding))}`, ASFF_LIMITS.description),
    Remediation: { Recommendation: { Text: cut(plainText(finding.remedy), ASFF_LIMITS.recommendation) } },
    ProductFields: productFields(finding, standing),
    Resources: [resourceOf(finding, partition, region)],
    Compliance: { Status: STATUSES[standing] },
    Workflow: {
      Status: when?.change === 'resolved' ? 'RESOLVED' : coveredBy === undefined ? 'NEW' : 'SUPPRESSED',
    },
    RecordState: when?.change === 'resolved' ? 'ARCHIVED' : 'ACTIVE',
    ...(coveredBy === undefined
      ? {}
      : {
          Note: {
            Text: cut(
              printable(`covered by ${describeCoverage(coveredBy)} until ${formatInstant(coveredBy.until)}`),
              ASFF_LIMITS.note,
            ),
            UpdatedBy: 'proviso',
            UpdatedAt: formatInstant(report.now),
          },
        }),
  };
}

const productFields = (finding: Finding, standing: Standing): Readonly<Record<string, string>> => ({
  'proviso/standing': standing,
  'proviso/decidingClause': cut(finding.decidingClause, ASFF_LIMITS.productField),
  'proviso/calls': cut(
    sourcesOf(finding).map(describeEvidenceSource).map(printable).join('; ') || 'none',
    ASFF_LIMITS.productField,
  ),
});

const PRINCIPAL_TYPES: Readonly<Record<string, string>> = {
  role: 'AwsIamRole',
  user: 'AwsIamUser',
  group: 'AwsIamGroup',
};

function resourceOf({ subject }: Finding, partition: string, region: string) {
  if (subject.kind !== 'principal')
    return {
      Type: 'AwsAccount',
      Id: `AWS::::Account:${subject.accountId}`,
      Partition: partition,
      Region: region,
    };
  const kind = /^arn:[^:]*:iam::[0-9]*:([a-z]+)\//.exec(subject.arn)?.[1] ?? '';
  return {
    Type: PRINCIPAL_TYPES[kind] ?? 'Other',
    Id: cut(printable(subject.arn), ASFF_LIMITS.id),
    Partition: partition,
    Region: region,
  };
}
