import { type EpochMs, hashOf, type Sha256Hex } from '../core/index.ts';
import { type Snapshot, type SnapshotSource, sourceOf } from '../evidence/index.ts';
import {
  type Control,
  factDefinition,
  type LoadedPolicy,
  leavesOf,
  SUBJECTS,
  type Subject,
} from '../policy/index.ts';
import { factDeriver, organizationFacts, type SubjectFacts } from './derive.ts';
import { type Evaluator, evaluatorOf } from './evaluate.ts';
import type { Judgements } from './judge.ts';
import type {
  Coverage,
  Decision,
  Explanation,
  Finding,
  Outcome,
  RecordEvidence,
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
  /** What the records of a state say. A snapshot has none: without them the controls that need them are not asked. */
  readonly records?: RecordEvidence;
}

/**
 * Checks an organization against a policy. The same snapshot, policy, `now` and coverage give the same report, byte for byte,
 * in whatever order the snapshot lists its accounts and principals.
 */
export async function checkSnapshot({ snapshot, ...rest }: CheckRequest): Promise<CheckReport> {
  const findings: Finding[] = [];
  const summary = await checkAccounts({ source: sourceOf(snapshot), ...rest }, (finding) => {
    findings.push(finding());
  });
  return { ...summary, findings: inReportOrder(findings, rest.policy) };
}

/** Findings of a check in the order of a report; what came account by account stays so within its control. */
export function inReportOrder(findings: readonly Finding[], { policy }: LoadedPolicy): readonly Finding[] {
  const byControl = Map.groupBy(findings, ({ controlId }) => controlId);
  return policy.controls.flatMap(({ id }) => byControl.get(id) ?? []);
}

/** A check without its findings. */
export type CheckSummary = Omit<CheckReport, 'findings'>;

export interface AccountsCheckRequest extends Omit<CheckRequest, 'snapshot'> {
  readonly source: SnapshotSource;
}

/**
 * Takes one finding of a check. `make` builds it, with its id and evidence: a receiver that only wants some outcomes does not pay for the
 * others.
 */
export type FindingReceiver = (
  make: () => Finding,
  what: { readonly control: Control; readonly standing: keyof OutcomeCounts },
) => void;

/**
 * As {@link checkSnapshot}, one account at a time and without keeping anything: what memory it takes does not grow with the number of
 * accounts.
 *
 * @param receive - called account by account, within one by control in the policy's order, and within a control by subject; findings about
 *   the organization come last
 */
export async function checkAccounts(
  request: AccountsCheckRequest,
  receive: FindingReceiver,
): Promise<CheckSummary> {
  const { source, policy: loaded, now, records } = request;
  const { head } = source;
  const { metadata, controls, storage } = loaded.policy;
  const accounts = head.organization.accounts.length;
  const regions = storage.scope.regions.length;
  const asked = askedOf(controls, records);
  const judge = new Judge(request, asked, receive);
  const derive = factDeriver(head, loaded);
  // How many evaluations there will be, as far as it is known before the first: it chooses the evaluator for the whole check.
  const expected = controls.length * accounts * regions;
  for await (const part of source.accounts) {
    const subjects = derive(part);
    for (const subject of ACCOUNT_SUBJECTS) await judge.evaluate(subject, () => subjects(subject), expected);
    judge.flush();
  }
  await judge.evaluate('organization', () => [organizationFacts(head, records)], expected);
  judge.flush();
  return {
    policy: { id: metadata.id, version: metadata.version, hash: loaded.hash },
    snapshotTakenAt: head.takenAt,
    now,
    counts: judge.counts,
    notAsked: controls.filter((control) => !asked.includes(control)).map(({ id }) => id),
    byControl: asked.map(({ id, title, severity }) => ({
      controlId: id,
      title,
      severity,
      counts: judge.countsOf(id),
    })),
    accounts,
    regions,
  };
}

const ACCOUNT_SUBJECTS = SUBJECTS.filter((subject) => subject !== 'organization');

interface Pending {
  readonly subjects: readonly SubjectFacts[];
  /** One for each subject. */
  readonly rows: readonly Judgements[];
  /** The control's place among the decisions of a row. */
  readonly index: number;
}

/** Judges subjects and counts the outcomes. */
class Judge {
  readonly counts = noOutcomes();
  readonly #request: AccountsCheckRequest;
  readonly #receive: FindingReceiver;
  readonly #controls: readonly Control[];
  readonly #byControl: ReadonlyMap<string, Mutable<OutcomeCounts>>;
  readonly #evaluators: ReadonlyMap<Subject, Evaluator>;
  /** Of the account at hand: for each control its subjects, what was judged of each, and where this control stands in that. */
  readonly #pending = new Map<Control, Pending>();

  constructor(request: AccountsCheckRequest, controls: readonly Control[], receive: FindingReceiver) {
    this.#request = request;
    this.#controls = controls;
    this.#receive = receive;
    this.#byControl = new Map(controls.map(({ id }) => [id, noOutcomes()]));
    this.#evaluators = new Map(
      SUBJECTS.map((subject) => [subject, evaluatorOf(controls.filter((each) => each.subject === subject))]),
    );
  }

  countsOf(controlId: string): OutcomeCounts {
    return this.#byControl.get(controlId) ?? noOutcomes();
  }

  async evaluate(
    subject: Subject,
    subjectsOf: () => readonly SubjectFacts[],
    expected: number,
  ): Promise<void> {
    const asked = this.#controls.filter((control) => control.subject === subject);
    const subjects = asked.length === 0 ? [] : subjectsOf();
    if (subjects.length === 0) return;
    const rows = await this.#evaluators.get(subject)?.(
      subjects.map(({ facts }) => facts),
      expected,
    );
    for (const [index, control] of asked.entries())
      this.#pending.set(control, { subjects, rows: rows ?? [], index });
  }

  /** Hands out what is pending, in the policy's order. */
  flush(): void {
    for (const control of this.#controls) {
      const pending = this.#pending.get(control);
      if (pending === undefined) continue;
      const { subjects, rows, index } = pending;
      for (const [at, subject] of subjects.entries()) this.#give(control, subject, rows[at], index);
    }
    this.#pending.clear();
  }

  #give(control: Control, subject: SubjectFacts, row: Judgements | undefined, index: number): void {
    const decision = row?.decisions[index];
    if (row === undefined || decision === undefined)
      throw new Error(`control \`${control.id}\` was not judged`);
    const coveredBy = this.#coverage(control, subject, decision);
    const standing = coveredBy === undefined ? decision.outcome : 'covered';
    this.counts[standing] += 1;
    const own = this.#byControl.get(control.id);
    if (own !== undefined) own[standing] += 1;
    this.#receive(() => findingOf(control, subject, row.explain(index), coveredBy), { control, standing });
  }

  /** Only what was violated can be covered: neither an exception nor an attestation turns indeterminate into anything. */
  #coverage(control: Control, { subject }: SubjectFacts, { outcome }: Decision): Coverage | undefined {
    if (outcome !== 'non-compliant') return undefined;
    const { coverage, attested } = this.#request;
    return control.coverableByException ? coverage(subject) : attested?.(control.id, subject);
  }
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

const noOutcomes = (): Mutable<OutcomeCounts> => ({
  compliant: 0,
  'non-compliant': 0,
  covered: 0,
  'not-applicable': 0,
  indeterminate: 0,
});

/** Without the records of a state the controls that ask about them are not asked. */
const askedOf = (controls: readonly Control[], records: RecordEvidence | undefined): readonly Control[] =>
  records === undefined ? controls.filter((control) => !needsRecords(control)) : controls;

const needsRecords = ({ when, require }: Control): boolean =>
  [...(when === undefined ? [] : leavesOf(when, 'when')), ...leavesOf(require, 'require')].some(
    ({ leaf }) => factDefinition(leaf.fact).isRecord === true,
  );

/** The id of a finding, for ever the same for the same control and subject: 16 hex digits. */
export const findingId = (controlId: string, subject: SubjectRef): string =>
  hashOf({ controlId, subject: identityOf(subject) }).slice(0, 16);

function identityOf(subject: SubjectRef): SubjectRef {
  // A snapshot that lies can hold half a character, which has no canonical form; the run must go on for the rest.
  if (subject.kind === 'principal') return { ...subject, arn: subject.arn.toWellFormed() };
  // An id is for ever, also of what had another name: no control is about principals and about accounts.
  if (subject.kind === 'principals') return { ...subject, kind: 'account' };
  return subject;
}

function findingOf(
  control: Control,
  subject: SubjectFacts,
  verdict: Verdict,
  coveredBy: Coverage | undefined,
): Finding {
  const { outcome, decidingClause, when, require } = verdict;
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
  { evidenceOf: linesOf }: SubjectFacts,
): readonly string[] {
  const decided: Explanation | undefined = decidingClause.startsWith('when') ? when : require;
  const leaves = decided === undefined ? [] : decidingLeaves(decided);
  return [...new Set(leaves.flatMap(({ fact }) => linesOf(fact) ?? [`\`${fact}\` was not collected`]))];
}
