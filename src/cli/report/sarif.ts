import { assertNever, formatInstant } from '../../core/index.ts';
import type { ControlSummary, Finding, SubjectRef } from '../../rules/index.ts';
import { sourceJson, sourcesOf } from '../../rules/index.ts';
import { printable } from '../terminal/index.ts';
import { needsSomebody } from './inbox.ts';
import { seenJson } from './json.ts';
import { plainText } from './plain-text.ts';
import { safeJson } from './safe-json.ts';
import { observedAt } from './sources.ts';
import { type ReportView, seen } from './view.ts';
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

/**
 * SARIF 2.1.0. Places are the files of the snapshot in which the evidence stands, so that viewers that want a file have a true one; the
 * subject itself is the logical location. With an earlier run each result has its `baselineState`, and resolved ones are `absent`.
 */
export function renderSarif(view: ReportView): string {
  const { report, version, organizationId } = view;
  const controls = report.byControl;
  return `${safeJson(
    {
      $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
      version: '2.1.0',
      runs: [
        {
          tool: {
            driver: {
              name: 'Proviso',
              semanticVersion: version,
              rules: controls.map((control) => ruleOf(control, view)),
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
          results: needsSomebody(view).map((finding) =>
            resultOf(
              finding,
              controls.findIndex(({ controlId }) => controlId === finding.controlId),
              view,
            ),
          ),
        },
      ],
    },
    2,
  )}\n`;
}

function ruleOf({ controlId, title, severity }: ControlSummary, { policy }: ReportView) {
  const one = policy.policy.controls.find(({ id }) => id === controlId);
  return {
    id: controlId,
    shortDescription: { text: printable(title) },
    ...(one === undefined
      ? {}
      : { fullDescription: { text: plainText(one.message) }, help: { text: plainText(one.remedy) } }),
    defaultConfiguration: { level: LEVELS[severity] },
    properties: { severity, 'security-severity': SECURITY_SEVERITIES[severity] },
  };
}

function resultOf(finding: Finding, ruleIndex: number, view: ReportView) {
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
