/** Why a well-formed act was refused by policy or state. Recorded; nothing else changes; exit code 1. */
export const REFUSALS = {
  UNKNOWN_EXCEPTION: 'no exception has this id',
  UNKNOWN_PERSON: 'the person who acts is not in the people file, or has left',
  POLICY_REFUSES: 'a condition of the policy is not met',
  POLICY_UNDECIDED: 'a condition of the policy could not be decided',
  POLICY_NOT_IN_FORCE: 'the policy file is not the one in force',
  REQUESTER_DECIDES: 'the requester may not decide on their own request',
  ROLE_NOT_HELD: 'the person does not hold the role',
  ROLE_NOT_NAMED: 'the policy does not ask for an approval by this role',
  ALREADY_DECIDED: 'this person or this role has decided already',
  PLAN_NOT_CONFIRMED: 'what `enforce` would do today was not read and confirmed',
  CHANGE_NOT_APPROVED: 'the reviewers of the policy in force have not approved what this loosens',
  HASH_MISMATCH: 'what is approved is not the present request under the policy in force',
  APPROVALS_EXPIRED: 'the time to decide is over',
  STATE_REFUSES: 'the exception is in a state that does not allow it',
  NOT_ENTITLED: 'the person may not do this',
  WINDOW_TAKEN: 'another lease holds part of the window',
  CAP_EXCEEDED: 'the cap on leased time would be exceeded',
  BUSY: 'somebody else changed the record at the same moment',
} as const;
export type RefusalCode = keyof typeof REFUSALS;

export interface Refusal {
  readonly code: RefusalCode;
  /** For the person who acted: what happened, what to do. */
  readonly message: string;
  /** The conditions judged, when the policy refused. */
  readonly conditions?: readonly { readonly clause: string; readonly holds: string; readonly says: string }[];
}

/**
 * A fault of the world, thrown by adapters and caught by workflows or by the command line.
 * `mayHaveHappened` tells whether the effect may be there although the call failed: a timeout may have written.
 */
export class AwsCallError extends Error {
  readonly code: 'access-denied' | 'throttled' | 'timeout' | 'validation' | 'not-found' | 'failed';
  readonly mayHaveHappened: boolean;
  constructor(code: AwsCallError['code'], message: string, mayHaveHappened: boolean) {
    super(message);
    this.name = `Aws.${code}`;
    this.code = code;
    this.mayHaveHappened = mayHaveHappened;
  }
}

/** A conditional write lost: somebody else was first. Trying again with fresh data can help. */
export class ConflictError extends Error {
  constructor(key: string) {
    super(`the record \`${key}\` was changed by somebody else at the same moment`);
    this.name = 'Conflict';
  }
}

/** Nothing can be requested or decided before a policy is in force. */
export class NoPolicyInForce extends Error {
  constructor() {
    super('no policy is in force in this state');
    this.name = 'NoPolicyInForce';
  }
}
