import { assertNever, formatInstant } from '../../core/index.ts';
import type { Observation } from '../../evidence/index.ts';
import type { FactValue } from '../../policy/index.ts';
import type { Coverage, Finding, Outcome, SubjectRef, Truth } from '../../rules/index.ts';

/** How findings are said, alike in text and in HTML. Nothing here is neutralised or escaped: that is for the one who prints. */

export type Standing = Outcome | 'covered';

/** A covered finding stays non-compliant, and is shown apart. */
export const standingOf = (finding: Finding): Standing =>
  finding.coveredBy === undefined ? finding.outcome : 'covered';

/** What a person reads first comes first. */
export const STANDINGS = [
  'non-compliant',
  'indeterminate',
  'covered',
  'compliant',
  'not-applicable',
] as const satisfies readonly Standing[];

export function describeSubject(subject: SubjectRef): string {
  switch (subject.kind) {
    case 'account-region':
      return `${subject.accountId} ${subject.region}`;
    case 'principal':
      return subject.arn;
    case 'account':
      return subject.accountId;
    case 'principals':
      return `${subject.accountId} (its principals could not be listed)`;
    case 'organization':
      return `the organization of ${subject.accountId}`;
    default:
      return assertNever(subject, 'subject');
  }
}

/** What covers a finding: `exception ex-0001`, or the signed document and who signed it. */
export const describeCoverage = (coverage: Coverage): string =>
  coverage.kind === 'exception'
    ? `exception ${coverage.exceptionId}`
    : `attestation ${coverage.attestationId} (${coverage.document}, signed by ${coverage.signer})`;

/** What a finding means and what was seen, in one line. What a violation means is said of violations only. */
export function describeFinding({ outcome, message, evidence }: Finding): string {
  const means = outcome === 'non-compliant' ? [message] : [];
  const seen = evidence.length === 0 ? [] : [`Seen: ${evidence.join('; ')}.`];
  return [...means, ...seen].join(' ').trim().replace(/\s+/g, ' ');
}

export const TRUTH_WORDS = {
  true: 'holds',
  false: 'fails',
  unknown: 'unknown',
} as const satisfies Record<Truth, string>;

const REASON_WORDS = {
  'access-denied': 'AWS refused the call',
  throttled: 'AWS throttled the call until the attempts were used up',
  'not-collected': 'nobody asked',
  malformed: 'AWS’s answer could not be read',
  failed: 'the call failed',
  'not-evaluated': 'this version cannot decide it',
} as const satisfies Record<Extract<Observation<never>, { kind: 'unobservable' }>['reason'], string>;

/** What was seen of a fact. */
export function describeObservation(observation: Observation<FactValue>): string {
  switch (observation.kind) {
    case 'observed':
      return JSON.stringify(observation.value);
    case 'absent':
      return 'absent';
    case 'unobservable': {
      const detail = observation.detail === undefined ? '' : ` (${observation.detail})`;
      return `not known: ${REASON_WORDS[observation.reason]}${detail}`;
    }
    default:
      return assertNever(observation, 'observation');
  }
}

/** Where and when it was seen; empty where nothing was. */
export function describeSource(observation: Observation<FactValue>): string {
  const source = observation.source;
  if (source === undefined) return '';
  const place = [source.accountId, source.region].filter((part) => part !== undefined).join(' ');
  const at = observation.kind === 'unobservable' ? '' : ` at ${formatInstant(observation.at)}`;
  return `${source.call}${place === '' ? '' : ` in ${place}`}${at}`;
}
