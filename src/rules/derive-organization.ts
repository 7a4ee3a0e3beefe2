import type { EpochMs } from '../core/index.ts';
import type { FactSource, Organization } from '../evidence/index.ts';
import type { FactName } from '../policy/index.ts';
import { type DerivedFact, observedFact, unobservableFact } from './derived-fact.ts';
import type { ExceptionEvidence, RecordEvidence } from './types.ts';

export interface OrganizationInput {
  readonly organization: Organization;
  readonly takenAt: EpochMs;
  /** What the records of a state say. Undefined: the check was given none. */
  readonly records: RecordEvidence | undefined;
}

const EXCEPTIONS: FactSource = { call: 'the record of exceptions' };

/** A number of exceptions, with a line for each. */
const exceptionFact =
  (linesOf: (evidence: ExceptionEvidence) => readonly [number, readonly string[]]) =>
  ({ records }: OrganizationInput): DerivedFact => {
    if (records === undefined)
      return unobservableFact(
        { kind: 'unobservable', reason: 'not-collected', source: EXCEPTIONS },
        EXCEPTIONS.call,
      );
    const [count, lines] = linesOf(records.exceptions);
    return observedFact(count, { at: records.exceptions.at, source: EXCEPTIONS }, ...lines);
  };
const faultFact = (fault: keyof ExceptionEvidence['faults']) =>
  exceptionFact(({ faults }) => [faults[fault].length, faults[fault]]);

/** Facts about the organization as a whole: from its own sections, and from the records of a state. */
export const ORGANIZATION_FACTS = {
  'policyReview.standing': ({ records }: OrganizationInput): DerivedFact =>
    records === undefined
      ? unobservableFact({ kind: 'unobservable', reason: 'not-collected' }, 'the record of reviews')
      : { observation: records.review.standing, evidence: records.review.evidence },
  'exceptions.enabled': exceptionFact(({ enabled }) => [
    enabled,
    [
      `${enabled === 0 ? 'no exception was' : `${enabled} ${enabled === 1 ? 'exception was' : 'exceptions were'}`} enabled since the last yearly review could have looked`,
    ],
  ]),
  'exceptions.beyondLimits': faultFact('beyondLimits'),
  'exceptions.unapproved': faultFact('unapproved'),
  'exceptions.unscoped': faultFact('unscoped'),
  'exceptions.unreviewed': faultFact('unreviewed'),
  'exceptions.leftOn': faultFact('leftOn'),
  'exceptions.unproven': faultFact('unproven'),
} as const satisfies Partial<Record<FactName, (input: OrganizationInput) => DerivedFact>>;
