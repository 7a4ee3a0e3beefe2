import { type EpochMs, hashOf, type Sha256Hex } from '../core/index.ts';
import type { Snapshot } from '../evidence/index.ts';
import { type Control, type LoadedPolicy, SUBJECTS } from '../policy/index.ts';
import { deriveFacts, type SubjectFacts } from './derive.ts';
import { evaluateControls } from './evaluate.ts';
import type {
  Coverage,
  Explanation,
  Finding,
  Outcome,
  ReviewEvidence,
  SubjectRef,
  Verdict,
} from './types.ts';
import { decidingLeaves } from './verdict.ts';

/** How many findings had which outcome; a covered one is counted as `covered` and not as `non-compliant`. */
export type OutcomeCounts = Readonly<Record<Outcome | 'covered', number>>;

export interface ControlSummary {
  readonly controlId: string;
  readonly title: string;
  readonly severity: Control['severity'];
  readonly counts: OutcomeCounts;
}

export interface CheckReport {
  readonly policy: { readonly id: string; readonly version: string; readonly hash: Sha256Hex };
  readonly snapshotTakenAt: EpochMs;
  readonly now: EpochMs;
  /** Controls in the policy's order; of one control, subjects in the order of their identifiers. */
  readonly findings: readonly Finding[];
  readonly counts: OutcomeCounts;
  /** Every control that was asked, in the policy's order. */
  readonly byControl: readonly ControlSummary[];
  /** Controls about the organization's own records, of which none were given. They have no finding, and are neither green nor red. */
  readonly notAsked: readonly string[];
  /** Member accounts of the organization. */
  readonly accounts: number;
  /** Governed Regions. */
  readonly regions: number;
}

export interface CheckRequest {
  readonly snapshot: Snapshot;
  readonly policy: LoadedPolicy;
  /** Recorded in the report; what is live at that time is for `coverage` to say. */
  readonly now: EpochMs;
  /** The live exception that covers a subject, if there is one. Whoever asks knows of leases; the rules do not. */
  readonly coverage: (subject: SubjectRef) => Coverage | undefined;
  /**
   * The attestation in force for a control and a subject, if there is one. It is not asked about a control that an exception can cover:
   * those have one way only.
   */
  readonly attested?: ((controlId: string, subject: SubjectRef) => Coverage | undefined) | undefined;
  /** What the record of reviews says. A snapshot has none: without it the controls about the organization are not asked. */
  readonly review?: ReviewEvidence;
}

/**
 * Checks an organization against a policy. The same snapshot, policy, `now` and coverage give the same report, byte for byte,
 * in whatever order the snapshot lists its accounts and principals.
 */
export async function checkSnapshot(request: CheckRequest): Promise<CheckReport> {
  const { snapshot, policy: loaded, now, review } = request;
  const { metadata, controls, storage } = loaded.policy;
  const subjects = deriveFacts(snapshot, loaded, review);
  const verdictsOf = new Map<Control, readonly Verdict[]>();
  for (const subject of SUBJECTS) {
    const asked = controls.filter((control) => control.subject === subject);
    const rows = await evaluateControls(
      asked,
      subjects[subject].map(({ facts }) => facts),
    );
    for (const [index, control] of asked.entries())
      verdictsOf.set(
        control,
        rows.flatMap((row) => row[index] ?? []),
      );
  }
  const findings = controls.flatMap((control) =>
    (verdictsOf.get(control) ?? []).map((verdict, index) =>
      findingOf(control, subjects[control.subject][index], verdict, request),
    ),
  );
  const isAsked = ({ subject }: Control): boolean => subject !== 'organization' || review !== undefined;
  return {
    policy: { id: metadata.id, version: metadata.version, hash: loaded.hash },
    snapshotTakenAt: snapshot.takenAt,
    now,
    findings,
    counts: countOutcomes(findings),
    notAsked: controls.filter((control) => !isAsked(control)).map(({ id }) => id),
    byControl: controls.filter(isAsked).map(({ id, title, severity }) => ({
      controlId: id,
      title,
      severity,
      counts: countOutcomes(findings.filter(({ controlId }) => controlId === id)),
    })),
    accounts: snapshot.organization.accounts.length,
    regions: storage.scope.regions.length,
  };
}

/** The id of a finding, for ever the same for the same control and subject: 16 hex digits. */
export const findingId = (controlId: string, subject: SubjectRef): string =>
  hashOf({
    controlId,
    // A snapshot that lies can hold half a character, which has no canonical form; the run must go on for the rest.
    subject: subject.kind === 'principal' ? { ...subject, arn: subject.arn.toWellFormed() } : subject,
  }).slice(0, 16);

function findingOf(
  control: Control,
  subject: SubjectFacts | undefined,
  verdict: Verdict,
  { coverage, attested }: Pick<CheckRequest, 'coverage' | 'attested'>,
): Finding {
  if (subject === undefined) throw new Error(`a verdict of control \`${control.id}\` belongs to no subject`);
  const { outcome, decidingClause, when, require } = verdict;
  // Only what was violated can be covered: neither an exception nor an attestation turns indeterminate into anything.
  const coveredBy =
    outcome !== 'non-compliant'
      ? undefined
      : control.coverableByException
        ? coverage(subject.subject)
        : attested?.(control.id, subject.subject);
  return {
    id: findingId(control.id, subject.subject),
    controlId: control.id,
    title: control.title,
    severity: control.severity,
    subject: subject.subject,
    accountName: subject.accountName,
    outcome,
    decidingClause,
    explanation: { ...(when === undefined ? {} : { when }), ...(require === undefined ? {} : { require }) },
    evidence: evidenceOf(verdict, subject),
    message: control.message,
    remedy: control.remedy,
    ...(coveredBy === undefined ? {} : { coveredBy }),
  };
}

/** The lines behind the facts that helped to decide, in policy order, each once. */
function evidenceOf(
  { decidingClause, when, require }: Verdict,
  { evidence }: SubjectFacts,
): readonly string[] {
  const decided: Explanation | undefined = decidingClause.startsWith('when') ? when : require;
  const leaves = decided === undefined ? [] : decidingLeaves(decided);
  return [...new Set(leaves.flatMap(({ fact }) => evidence[fact] ?? [`\`${fact}\` was not collected`]))];
}

function countOutcomes(findings: readonly Finding[]): OutcomeCounts {
  const counts = { compliant: 0, 'non-compliant': 0, covered: 0, 'not-applicable': 0, indeterminate: 0 };
  for (const { outcome, coveredBy } of findings) counts[coveredBy === undefined ? outcome : 'covered'] += 1;
  return counts;
}
