import { assertNever, formatInstant } from '../../core/index.ts';
import type { Control } from '../../policy/index.ts';
import type { Finding, SubjectRef } from '../../rules/index.ts';
import { sourceJson, sourcesOf } from '../../rules/index.ts';
import { printable } from '../terminal/index.ts';
import { seenJson } from './json.ts';
import { plainText } from './plain-text.ts';
import { safeJson, safeJsonElement } from './safe-json.ts';
import { observedAt } from './sources.ts';
import { type FindingView, type ReportView, seen } from './view.ts';
import { describeCoverage, describeFinding, describeSubject, type Standing, standingOf } from './words.ts';

/** Of the scale that code-scanning pages use, 0 to 10. */
const SECURITY_SEVERITIES = { critical: '9.5', high: '8.0', medium: '5.5', low: '3.0' } as const;
const LEVELS = { critical: 'error', high: 'error', medium: 'warning', low: 'note' } as const;
/** SARIF 2.1.0, 3.27.9: `open` is "insufficient information to decide", which is never a pass. */
const KINDS = {
  'non-compliant': 'fail',
  covered: 'fail',
  indeterminate: 'open',
  compliant: 'pass',
  'not-applicable': 'notApplicable',
} as const satisfies Record<Standing, string>;

const NO_RESULTS = '"results": []';

/**
 * SARIF 2.1.0, what stands before and after its results. Places are the files of the snapshot in which the evidence stands, so that viewers that
 * want a file have a true one; the subject itself is the logical location. With an earlier run each result has its `baselineState`, and resolved
 * ones are `absent`. The rules are all controls of the policy, also those that were not asked.
 */
export function sarifFrame(view: ReportView, isEmpty: boolean): readonly [string, string] {
  const { report, version, organizationId, policy } = view;
  const text = safeJson(
    {
      $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
      version: '2.1.0',
      runs: [
        {
          tool: {
            driver: {
              name: 'Proviso',
              semanticVersion: version,
              rules: policy.policy.controls.map(ruleOf),
            },
          },
          automationDetails: { id: `proviso/${report.policy.id}/${organizationId}/` },
          originalUriBaseIds: {
            SNAPSHOT: { description: { text: 'The folder of the snapshot that was judged.' } },
          },
          columnKind: 'utf16CodeUnits',
          properties: {
            policy: report.policy,
            snapshotTakenAt: formatInstant(report.snapshotTakenAt),
            now: formatInstant(report.now),
            counts: report.counts,
            notAsked: report.notAsked,
          },
          results: [],
        },
      ],
    },
    2,
  );
  const [before, after, ...more] = text.split(NO_RESULTS);
  // A string cannot hold it: its quotes would be escaped.
  if (before === undefined || after === undefined || more.length > 0)
    throw new Error('a report has one list of results');
  return [
    `${before}${NO_RESULTS.slice(0, -1)}${isEmpty ? '' : '\n'}`,
    `${isEmpty ? '' : `\n${'  '.repeat(RESULT_DEPTH - 1)}`}]${after}\n`,
  ];
}
/** `runs`, the run, `results`, a result. */
const RESULT_DEPTH = 4;

export const sarifResult = (finding: Finding, view: FindingView): string =>
  safeJsonElement(
    resultOf(
      finding,
      view.policy.policy.controls.findIndex(({ id }) => id === finding.controlId),
      view,
    ),
    RESULT_DEPTH,
  );

function ruleOf({ id, title, severity, message, remedy }: Control) {
  return {
    id,
    shortDescription: { text: printable(title) },
    fullDescription: { text: plainText(message) },
    help: { text: plainText(remedy) },
    defaultConfiguration: { level: LEVELS[severity] },
    properties: { severity, 'security-severity': SECURITY_SEVERITIES[severity] },
  };
}

function resultOf(finding: Finding, ruleIndex: number, view: FindingView) {
  const { subject, coveredBy } = finding;
  const standing = standingOf(finding);
  const kind = KINDS[standing];
  const when = seen(view, finding);
  const at = observedAt(finding);
  return {
    ruleId: finding.controlId,
    ruleIndex,
    kind,
    // 3.27.10: only a failure has a level.
    level: kind === 'fail' ? LEVELS[finding.severity] : 'none',
    message: { text: messageOf(finding, standing) },
    locations: [
      {
        physicalLocation: { artifactLocation: { uri: snapshotFile(subject), uriBaseId: 'SNAPSHOT' } },
        logicalLocations: [{ fullyQualifiedName: describeSubject(subject), kind: 'resource' }],
      },
    ],
    partialFingerprints: { 'proviso/v1': finding.id },
    ...(when === undefined
      ? {}
      : {
          ...(when.change === undefined
            ? {}
            : { baselineState: when.change === 'resolved' ? 'absent' : when.change }),
          provenance: {
            firstDetectionTimeUtc: formatInstant(when.first),
            lastDetectionTimeUtc: formatInstant(when.last),
          },
        }),
    ...(coveredBy === undefined
      ? {}
      : {
          suppressions: [
            {
              kind: 'external',
              status: 'accepted',
              justification: printable(
                `covered by ${describeCoverage(coveredBy)} until ${formatInstant(coveredBy.until)}`,
              ),
            },
          ],
        }),
    properties: {
      severity: finding.severity,
      outcome: finding.outcome,
      standing,
      accountName: finding.accountName,
      decidingClause: finding.decidingClause,
      evidence: finding.evidence,
      sources: sourcesOf(finding).map(sourceJson),
      ...(at === undefined ? {} : { observedAt: formatInstant(at) }),
      ...(when === undefined ? {} : { seen: seenJson(when) }),
    },
  };
}

const messageOf = (finding: Finding, standing: Standing): string =>
  standing === 'non-compliant' || standing === 'covered'
    ? printable(describeFinding(finding))
    : `${standing}: ${plainText(finding.title)}. ${printable(describeFinding(finding))}`.trim();

/** Relative to the snapshot's folder; ids and Regions need no escaping in a URI. */
function snapshotFile(subject: SubjectRef): string {
  switch (subject.kind) {
    case 'account-region':
      return `accounts/${subject.accountId}/${subject.region}.json`;
    case 'organization':
      return 'organization.json';
    case 'principal':
    case 'account':
    case 'principals':
      return `accounts/${subject.accountId}/account.json`;
    default:
      return assertNever(subject, 'subject');
  }
}
