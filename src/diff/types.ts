import type { DocumentPath, EpochMs, Sha256Hex } from '../core/index.ts';
import type { BucketFacts, ExceptionRequest, LeaseRow } from '../exceptions/index.ts';
import type { FactName, FactValue, Severity, Subject } from '../policy/index.ts';
import type { Outcome } from '../rules/index.ts';

/**
 * What a change does to the policy's meaning.
 *
 * - `loosening`: something is allowed, or goes unnoticed, that was not before;
 * - `tightening`: the opposite;
 * - `both`: some cases one way, some the other; there is a witness for each;
 * - `neutral`: other words or another order for the same rule, or a rule that decides nothing either way;
 * - `text`: only what people read has changed (titles, messages, reasons, sources).
 */
export type Direction = 'loosening' | 'tightening' | 'both' | 'neutral' | 'text';

/** In the order in which they are shown: what a reviewer must see first comes first. */
export const DIRECTIONS = [
  'loosening',
  'both',
  'tightening',
  'neutral',
  'text',
] as const satisfies readonly Direction[];

export const AREAS = ['storage', 'control', 'exception', 'review', 'policy', 'case'] as const;
export type Area = (typeof AREAS)[number];

/** What every witness can say to a person, whatever it is an example of. Sentences without full stop, in lower case. */
interface Told {
  /** The example, one line for each thing that is given. */
  readonly given: readonly string[];
  /** What the old policy says of it. */
  readonly old: string;
  /** What the new policy says of it. */
  readonly new: string;
}

/** One fact of an example. What an example leaves out was not collected. */
export type ExampleFact =
  | { readonly fact: FactName; readonly kind: 'observed'; readonly value: FactValue }
  | { readonly fact: FactName; readonly kind: 'absent' };

/** What one policy's control says of an example; `not-checked` where the policy has no such control. */
export interface Said {
  readonly controlId?: string;
  readonly outcome: Outcome | 'not-checked';
  readonly severity?: Severity;
  readonly isCoverable?: boolean;
}

/** Facts of one subject, judged by one control of each policy through the real evaluator. */
export interface FactsWitness extends Told {
  readonly kind: 'facts';
  readonly subject: Subject;
  readonly facts: readonly ExampleFact[];
  readonly saidByOld: Said;
  readonly saidByNew: Said;
}

/** What `judge` needs beside the policy, so that anybody can judge the example again. */
export interface RequestExample {
  readonly request: ExceptionRequest;
  readonly now: EpochMs;
  /** Roles that living people hold, one person each; the requester is somebody else. */
  readonly roles: readonly string[];
  readonly bucket: BucketFacts;
  /** Whether somebody else than the subjects can invoke a model there. */
  readonly othersInvoke: boolean;
  readonly row?: LeaseRow;
}

/** An exception request, judged by both policies through the real `judge`. */
export interface RequestWitness extends Told {
  readonly kind: 'request';
  readonly example: RequestExample;
  readonly judgedByOld: 'admitted' | 'refused' | 'undecided';
  readonly judgedByNew: 'admitted' | 'refused' | 'undecided';
}

/** A set of approvals, counted by both policies through the real `quorum`. */
export interface ApprovalsWitness extends Told {
  readonly kind: 'approvals';
  /** The role of each approval, each by a person of its own. */
  readonly approvedBy: readonly string[];
  readonly sufficesForOld: boolean;
  readonly sufficesForNew: boolean;
}

/** An account, by the units above it that the policies name; storage as `storageFor` resolves it. */
export interface AccountWitness extends Told {
  readonly kind: 'account';
  readonly unitPath: readonly string[];
}

/** A principal that one policy names as storage administrator and the other does not. */
export interface PrincipalWitness extends Told {
  readonly kind: 'principal';
  readonly arn: string;
  readonly isAdministratorInOld: boolean;
  readonly isAdministratorInNew: boolean;
}

/** Something with a time or a person in it that no evaluator decides: the example is arithmetic over the two values. */
export interface PlainWitness extends Told {
  readonly kind: 'plain';
}

export type Witness =
  | FactsWitness
  | RequestWitness
  | ApprovalsWitness
  | AccountWitness
  | PrincipalWitness
  | PlainWitness;

export interface Change {
  readonly area: Area;
  readonly direction: Direction;
  /**
   * False where the comparison could not be exact (over the budget, or a matter for people). It then counts as a loosening:
   * unknown is never green.
   */
  readonly isDecided: boolean;
  /** Where in the policy, by names rather than numbers: `controls.CP-01.require`, `storage.overrides.ou-ab12-cdefgh34`. */
  readonly path: string;
  /** Where it stands in each document; absent on a side that does not have it. */
  readonly at: { readonly old?: DocumentPath; readonly new?: DocumentPath };
  /** The line of a case in its file, 1-based, for changes of cases. */
  readonly caseLine?: { readonly old?: number; readonly new?: number };
  /** What has changed, as a sentence without its full stop. */
  readonly says: string;
  /** There for `loosening` and `both`, unless the change is not decided. */
  readonly loosens?: Witness;
  /** There for `tightening` and `both`. */
  readonly tightens?: Witness;
  /** For a neutral change in which a word of the outcome moves, and nothing else. */
  readonly remark?: string;
}

export interface PolicyIdentity {
  readonly version: string;
  readonly hash: Sha256Hex;
  readonly file: string;
}

/** All that differs in meaning between two versions of one policy. */
export interface PolicyDiff {
  readonly policyId: string;
  readonly old: PolicyIdentity;
  readonly new: PolicyIdentity;
  /** In the order of {@link DIRECTIONS}, then of the policy. Empty: the two mean the same and say it in the same words. */
  readonly changes: readonly Change[];
  readonly counts: Readonly<Record<Direction | 'notDecided', number>>;
  /** The bodies that the old policy names as its reviewers: what it asks for is not for the new one to change. */
  readonly reviewers: readonly { readonly body: string; readonly title: string }[];
  /** Control ids of the old policy that the new one carries under another id: findings of both can be compared. */
  readonly renamedControls: Readonly<Record<string, string>>;
}
