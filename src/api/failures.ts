import type { Problem } from '../core/index.ts';
import { REFUSALS, type Refusal, type RefusalCode } from '../exceptions/index.ts';

/** What a call can come to beside its answer: the HTTP status, and the exit code of the command line for the same thing. */
interface FailureKind {
  readonly status: 400 | 401 | 403 | 404 | 405 | 409 | 413 | 415 | 422 | 429 | 500 | 503;
  readonly exitCode: 1 | 2 | 3 | 4;
  /** The same for every occurrence. */
  readonly title: string;
}

const refusal = (code: RefusalCode, status: FailureKind['status']): FailureKind => ({
  status,
  exitCode: 1,
  title: REFUSALS[code],
});

/** A refusal by policy or state has the same code and message here as on the command line. */
const REFUSED = {
  UNKNOWN_EXCEPTION: refusal('UNKNOWN_EXCEPTION', 404),
  UNKNOWN_PERSON: refusal('UNKNOWN_PERSON', 403),
  POLICY_REFUSES: refusal('POLICY_REFUSES', 422),
  POLICY_UNDECIDED: refusal('POLICY_UNDECIDED', 422),
  POLICY_NOT_IN_FORCE: refusal('POLICY_NOT_IN_FORCE', 409),
  REQUESTER_DECIDES: refusal('REQUESTER_DECIDES', 403),
  ROLE_NOT_HELD: refusal('ROLE_NOT_HELD', 403),
  ROLE_NOT_NAMED: refusal('ROLE_NOT_NAMED', 422),
  ALREADY_DECIDED: refusal('ALREADY_DECIDED', 409),
  PLAN_NOT_CONFIRMED: refusal('PLAN_NOT_CONFIRMED', 409),
  CHANGE_NOT_APPROVED: refusal('CHANGE_NOT_APPROVED', 403),
  HASH_MISMATCH: refusal('HASH_MISMATCH', 409),
  APPROVALS_EXPIRED: refusal('APPROVALS_EXPIRED', 409),
  STATE_REFUSES: refusal('STATE_REFUSES', 409),
  NOT_ENTITLED: refusal('NOT_ENTITLED', 403),
  WINDOW_TAKEN: refusal('WINDOW_TAKEN', 409),
  CAP_EXCEEDED: refusal('CAP_EXCEEDED', 409),
  BUSY: refusal('BUSY', 409),
} as const satisfies Record<RefusalCode, FailureKind>;

/** Every failure of the API. docs/api.md lists the same; a test compares them. */
export const FAILURES = {
  ...REFUSED,
  MALFORMED: { status: 400, exitCode: 2, title: 'the call cannot be read' },
  NOT_AUTHENTICATED: { status: 401, exitCode: 4, title: 'nobody is known to call' },
  CALLER_UNKNOWN: { status: 403, exitCode: 4, title: 'the caller is not exactly one active person' },
  OTHER_ACTOR: { status: 403, exitCode: 2, title: 'the body names somebody else than the caller' },
  NOT_FOUND: { status: 404, exitCode: 2, title: 'there is nothing at this path' },
  NO_CERTIFICATE: { status: 404, exitCode: 1, title: 'the exception has no certificate yet' },
  NO_REPORT: { status: 404, exitCode: 3, title: 'no check of the organization is stored' },
  METHOD_NOT_ALLOWED: { status: 405, exitCode: 2, title: 'the path has other methods' },
  NO_POLICY_IN_FORCE: { status: 409, exitCode: 1, title: 'no policy is in force' },
  IN_PROGRESS: { status: 409, exitCode: 4, title: 'a call with this idempotency key is under way' },
  TOO_LARGE: { status: 413, exitCode: 2, title: 'the body is too large' },
  WRONG_TYPE: { status: 415, exitCode: 2, title: 'the body is not JSON' },
  KEY_REUSED: { status: 422, exitCode: 2, title: 'the idempotency key was used for another call' },
  TOO_MANY: { status: 429, exitCode: 4, title: 'too many calls' },
  FAULT: { status: 500, exitCode: 4, title: 'a fault of the service' },
  ANSWER_TOO_LARGE: { status: 500, exitCode: 4, title: 'the answer is larger than can be sent' },
  UNAVAILABLE: { status: 503, exitCode: 4, title: 'the service cannot do this now' },
} as const satisfies Record<string, FailureKind>;
export type FailureCode = keyof typeof FAILURES;

export interface Failure {
  readonly code: FailureCode;
  /** For the person who calls: what happened, what it means for them. */
  readonly message: string;
  readonly remedy?: string;
  /** The conditions judged, when the policy refused. */
  readonly conditions?: NonNullable<Refusal['conditions']>;
  /** The faults of the document that was sent, with their places in it. */
  readonly problems?: readonly Problem[];
}

/** RFC 9457, *Problem Details for HTTP APIs*, with members of our own behind `detail`. */
export const problemOf = (failure: Failure, correlationId: string) => {
  const { status, exitCode, title } = FAILURES[failure.code];
  const { code, message, remedy, conditions, problems } = failure;
  return {
    type: `urn:proviso:problem:${code.toLowerCase().replaceAll('_', '-')}`,
    title,
    status,
    detail: message,
    code,
    exitCode,
    correlationId,
    ...(remedy === undefined ? {} : { remedy }),
    ...(conditions === undefined ? {} : { conditions }),
    ...(problems === undefined ? {} : { problems }),
  };
};
