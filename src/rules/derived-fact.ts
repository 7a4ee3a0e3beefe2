import type { EpochMs } from '../core/index.ts';
import type {
  AccountEvidence,
  FactSource,
  MemberAccount,
  Observation,
  RegionEvidence,
} from '../evidence/index.ts';
import type { Guardrails } from '../iam/index.ts';
import type { FactValue, Policy } from '../policy/index.ts';
import type { AccountReach } from './account-reach.ts';

/** A fact and the lines that let a person check it. */
export interface DerivedFact {
  readonly observation: Observation<FactValue>;
  readonly evidence: readonly string[];
}

/** What the facts of all subjects of one account share. */
export interface AccountInput {
  readonly account: MemberAccount;
  readonly isManagementAccount: boolean;
  /** Unit ids from the root down; undefined where the organization's tree has a gap. */
  readonly unitPath: readonly string[] | undefined;
  readonly guardrails: Guardrails;
  readonly organizationId: string;
  readonly policy: Policy;
  readonly takenAt: EpochMs;
}

/** What the facts of an account as a whole come from. */
export interface AccountSubjectInput extends AccountInput {
  readonly evidence: AccountEvidence;
  /** What was seen in each Region that the snapshot asked. */
  readonly regions: ReadonlyMap<string, RegionEvidence>;
  readonly reach: AccountReach;
}

/** Facts that come from the policy rather than from AWS. */
export const THIS_POLICY: FactSource = { call: 'this policy' };

export const observedFact = (
  value: FactValue,
  { at, source }: { readonly at: EpochMs; readonly source: FactSource },
  ...evidence: readonly string[]
): DerivedFact => ({ observation: { kind: 'observed', value, at, source }, evidence });

export const absentFact = (
  { at, source }: { readonly at: EpochMs; readonly source: FactSource },
  ...evidence: readonly string[]
): DerivedFact => ({ observation: { kind: 'absent', at, source }, evidence });

/** The evidence itself is missing: the fact is as unobservable as what it is derived from. */
export function unobservableFact(
  observation: Observation<unknown> & { readonly kind: 'unobservable' },
  what: string,
): DerivedFact {
  return { observation, evidence: [`${what} could not be read: ${whyUnobservable(observation)}`] };
}

/** `access was denied (AccessDenied)`: why something was not seen, for a person. */
export function whyUnobservable({
  reason,
  detail,
}: Observation<unknown> & { readonly kind: 'unobservable' }): string {
  return `${WORDS[reason]}${detail === undefined ? '' : ` (${detail})`}`;
}

const WORDS = {
  'access-denied': 'access was denied',
  throttled: 'AWS kept throttling',
  'not-collected': 'nobody asked',
  malformed: 'the answer could not be understood',
  failed: 'the call failed',
  'not-evaluated': 'this version cannot evaluate it',
} as const satisfies Record<(Observation<unknown> & { kind: 'unobservable' })['reason'], string>;

/** A name that somebody in an account chose. */
export const quoted = (name: string): string => `\`${name}\``;

/** A line without characters that steer a terminal: most of its words were chosen by somebody in an account. */
export const plain = (line: string): string => line.replace(/[\u0000-\u001f\u007f-\u009f]/g, '\ufffd');
