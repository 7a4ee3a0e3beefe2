import type { AccountId, EpochMs, ExceptionId, Region } from '../core/index.ts';
import type { Observation } from '../evidence/index.ts';
import type {
  ClausePath,
  Condition,
  ConditionValue,
  FactName,
  FactValue,
  Operator,
  ReviewStanding,
  Severity,
  Subject,
} from '../policy/index.ts';

export type Outcome = 'compliant' | 'non-compliant' | 'not-applicable' | 'indeterminate';

/** Strong Kleene logic: `unknown` spreads only where it could change the answer. */
export type Truth = 'true' | 'false' | 'unknown';

/** The facts of one subject. A fact that is not in the record counts as `unobservable: not-collected`. */
export type FactSet = Readonly<Partial<Record<FactName, Observation<FactValue>>>>;

/** Every condition of a control, in the policy's order, with what it came to. */
export type Explanation =
  | {
      readonly kind: 'all' | 'any';
      readonly path: ClausePath;
      readonly truth: Truth;
      readonly parts: readonly Explanation[];
    }
  | { readonly kind: 'not'; readonly path: ClausePath; readonly truth: Truth; readonly part: Explanation }
  | {
      readonly kind: 'leaf';
      readonly path: ClausePath;
      readonly truth: Truth;
      readonly fact: FactName;
      readonly op: Operator;
      readonly value: ConditionValue;
      readonly observation: Observation<FactValue>;
    };

/** What one control says of one fact set, in two words. */
export interface Decision {
  readonly outcome: Outcome;
  /** The first leaf (in policy order) that by itself forces the outcome's truth value; for a conjunction of causes, the first. */
  readonly decidingClause: ClausePath;
}

/** A decision with every condition that was asked. */
export interface Verdict extends Decision {
  readonly when?: Explanation;
  readonly require?: Explanation;
}

export type SubjectRef =
  | { readonly kind: 'account-region'; readonly accountId: AccountId; readonly region: Region }
  | { readonly kind: 'principal'; readonly accountId: AccountId; readonly arn: string }
  | { readonly kind: 'account'; readonly accountId: AccountId }
  /** The principals of an account that could not be listed. */
  | { readonly kind: 'principals'; readonly accountId: AccountId }
  /** The organization as a whole, by its management account. */
  | { readonly kind: 'organization'; readonly accountId: AccountId };

export interface Finding {
  /** Stable for ever for the same control and subject: first 16 hex digits of a SHA-256. */
  readonly id: string;
  readonly controlId: string;
  readonly title: string;
  readonly severity: Severity;
  readonly subject: SubjectRef;
  readonly accountName: string;
  readonly outcome: Outcome;
  readonly decidingClause: ClausePath;
  readonly explanation: { readonly when?: Explanation; readonly require?: Explanation };
  /** Lines for a person: which statements of which policy, which flags: evidence behind a derived fact. */
  readonly evidence: readonly string[];
  readonly message: string;
  readonly remedy: string;
  readonly coveredBy?: Coverage;
}

/** What the record of reviews says, at the time of the check. */
export interface ReviewEvidence {
  readonly standing: Observation<ReviewStanding>;
  /** Lines for a person: which review, when it was complete, what was declared since. */
  readonly evidence: readonly string[];
}

/** What the records of exceptions say, at the time of the check: of each kind of fault one line for each exception that has it. */
export interface ExceptionEvidence {
  readonly at: EpochMs;
  /** How many exceptions, under which enabling was attempted, were looked at. */
  readonly enabled: number;
  readonly faults: Readonly<
    Record<
      'beyondLimits' | 'unapproved' | 'unscoped' | 'unreviewed' | 'leftOn' | 'unproven',
      readonly string[]
    >
  >;
}

/** What stands in the records of a state, and in no snapshot. */
export interface RecordEvidence {
  readonly review: ReviewEvidence;
  readonly exceptions: ExceptionEvidence;
}

/** What covers a non-compliant finding for a while, a live exception or a person's signed word; `until` is exclusive. */
export type Coverage =
  | { readonly kind: 'exception'; readonly exceptionId: ExceptionId; readonly until: EpochMs }
  | {
      readonly kind: 'attestation';
      readonly attestationId: string;
      /** The document that was signed, and who signed it. */
      readonly document: string;
      readonly signer: string;
      readonly until: EpochMs;
    };

export type { Condition, Subject };
