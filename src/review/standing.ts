import { DAY, type EpochMs, epochMs, formatInstant, parseDuration } from '../core/index.ts';
import type { LoadedPolicy, ReviewStanding } from '../policy/index.ts';
import type { ReviewEvidence } from '../rules/index.ts';
import { isOpen } from './records.ts';
import type { DeclaredChange, Objection, ReviewRecord } from './types.ts';

/** What a standing is judged by. */
export interface ReviewHistory {
  /** Oldest first. */
  readonly reviews: readonly ReviewRecord[];
  readonly changes: readonly DeclaredChange[];
  /** When a policy was first put in force here; undefined when none was. */
  readonly inForceSince: EpochMs | undefined;
}

export interface ReviewStatus {
  /** `unknown`: no policy was put in force, so there is nothing that could be reviewed in time. */
  readonly standing: ReviewStanding | 'unknown';
  /** From then on it is overdue, unless a review is complete before. Absent where the standing is unknown. */
  readonly dueBy?: EpochMs;
  readonly lastComplete?: ReviewRecord;
  readonly open?: ReviewRecord;
  /** Declared after the last complete review began, so that no complete review has looked at them. */
  readonly unreviewed: readonly DeclaredChange[];
}

/** A review takes weeks to hold: this long before the end it is due, or a quarter of the time between two where that is less. */
const NOTICE = 30 * DAY;

/**
 * How the review of a policy stands at `now`, by the policy's own `review.every`.
 *
 * The time runs from the end of the last complete review; before the first, from the day a policy was first put in force, since whoever
 * adopted it had it before them. A declared change of the platform makes the review overdue at once, until a review that began after it
 * is complete (source policy, section 9: every year *or* upon major changes).
 */
export function reviewStatus(
  { reviews, changes, inForceSince }: ReviewHistory,
  every: string,
  now: EpochMs,
): ReviewStatus {
  const complete = reviews
    .filter(({ completedAt }) => completedAt !== undefined)
    .toSorted((left, right) => (left.completedAt ?? 0) - (right.completedAt ?? 0));
  const lastComplete = complete.at(-1);
  const open = reviews.findLast(isOpen);
  const looked = new Set(complete.flatMap((review) => review.changes));
  const unreviewed = changes.filter(({ id, at }) => at <= now && !looked.has(id));
  const rest = {
    unreviewed,
    ...(lastComplete === undefined ? {} : { lastComplete }),
    ...(open === undefined ? {} : { open }),
  };
  const from = lastComplete?.completedAt ?? inForceSince;
  if (from === undefined) return { standing: 'unknown', ...rest };
  const length = parseDuration(every);
  if (!length.ok) throw new Error(`the loader let \`review.every: ${every}\` pass`);
  const dueBy = epochMs(from + length.value);
  const isSoon = now >= dueBy - Math.min(NOTICE, length.value / 4);
  const standing =
    unreviewed.length > 0 || now >= dueBy
      ? 'overdue'
      : lastComplete === undefined || isSoon
        ? 'due'
        : 'complete';
  return { standing, dueBy, ...rest };
}

export const openObjections = ({ objections }: ReviewRecord): readonly Objection[] =>
  objections.filter(({ answer }) => answer === undefined);

/** Bodies whose signature is still missing, in the policy's order. */
export const missingBodies = ({ bodies, signatures }: ReviewRecord): ReviewRecord['bodies'] =>
  bodies.filter(({ body }) => !signatures.some((signature) => signature.body === body));

/** What the rules ask about the review: the fact of control PT-6, with the lines a person can check it by. */
export function reviewEvidence(
  history: ReviewHistory,
  { policy }: LoadedPolicy,
  now: EpochMs,
): ReviewEvidence {
  const status = reviewStatus(history, policy.review.every, now);
  const source = { call: 'the record of reviews' };
  return {
    standing:
      status.standing === 'unknown'
        ? {
            kind: 'unobservable',
            reason: 'not-collected',
            source,
            detail: 'no policy was put in force in this state',
          }
        : { kind: 'observed', value: status.standing, at: now, source },
    evidence: statusSentences(status),
  };
}

/** The standing in sentences without full stop. */
export function statusSentences(status: ReviewStatus): readonly string[] {
  const { dueBy, lastComplete, open, unreviewed, standing } = status;
  return [
    lastComplete?.completedAt === undefined
      ? 'no complete review is on record'
      : `review ${lastComplete.id} of policy ${lastComplete.policyVersion} was complete at ${formatInstant(lastComplete.completedAt)}`,
    ...(dueBy === undefined
      ? ['no policy was put in force in this state']
      : [
          unreviewed.length > 0
            ? 'the next is due now, since a major change was declared'
            : `the next ${standing === 'overdue' ? 'was' : 'is'} due before ${formatInstant(dueBy)}`,
        ]),
    ...unreviewed.map(
      ({ text, at, by }) => `a major change was declared at ${formatInstant(at)} by ${by}: ${text}`,
    ),
    ...(open === undefined ? [] : [openSentence(open)]),
  ];
}

function openSentence(review: ReviewRecord): string {
  const missing = missingBodies(review).map(({ title }) => title);
  const objections = openObjections(review).map(
    ({ number, body, reason }) => `; objection ${number} by ${body} has no answer: ${reason}`,
  );
  return `review ${review.id} is open since ${formatInstant(review.startedAt)}; ${missing.length === 0 ? 'every body has signed' : `still to sign: ${missing.join(', ')}`}${objections.join('')}`;
}
