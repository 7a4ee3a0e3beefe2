/**
 * A state failed, in the words of the States language: an error name and a cause. Thrown inside the engine while a state is being
 * evaluated, then handed to Retry and Catch; it never leaves the runtime.
 */
export class StateFailure extends Error {
  readonly error: string;
  readonly causeText: string;

  constructor(error: string, causeText: string) {
    super(`${error}: ${causeText}`);
    this.name = 'StateFailure';
    // Bounds of Step Functions: 256 and 32,768 characters.
    this.error = error.slice(0, 256);
    this.causeText = causeText.slice(0, 32_768);
  }
}

export const RUNTIME_ERROR = 'States.Runtime';
export const DATA_LIMIT_EXCEEDED = 'States.DataLimitExceeded';
export const TIMEOUT = 'States.Timeout';
export const HEARTBEAT_TIMEOUT = 'States.HeartbeatTimeout';
export const NO_CHOICE_MATCHED = 'States.NoChoiceMatched';
export const RESULT_PATH_MATCH_FAILURE = 'States.ResultPathMatchFailure';

/**
 * Does a name in `ErrorEquals` match an error?
 * - `States.ALL` matches all but `States.Runtime` and `States.DataLimitExceeded`; `States.Runtime` always ends the execution.
 * - `States.TaskFailed` matches all of those but timeouts.
 * - `States.Timeout` also matches a missed heartbeat, whose own name came later.
 * @see https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
 */
export function matchesError(errorEquals: readonly string[], error: string): boolean {
  if (error === RUNTIME_ERROR) return false;
  return errorEquals.some((name) => {
    if (name === error) return true;
    if (error === DATA_LIMIT_EXCEEDED) return false;
    const timedOut = error === TIMEOUT || error === HEARTBEAT_TIMEOUT;
    if (name === 'States.ALL') return true;
    if (name === 'States.TaskFailed') return !timedOut;
    return name === TIMEOUT && timedOut;
  });
}

/** A call on the runtime that cannot be answered because the runtime is used wrongly: a bug of the caller, not a refusal. */
export class RuntimeMisuse extends Error {
  override readonly name = 'RuntimeMisuse';
}
