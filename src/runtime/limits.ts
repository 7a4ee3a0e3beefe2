/**
 * Limits of Step Functions for Standard workflows, enforced here as well so that nothing passes locally and fails there.
 * @see https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
 */
export const LIMITS = {
  /** The 25,000th event is the one that ends the execution. */
  historyEvents: 25_000,
  /** UTF-8 bytes of one input or output. */
  payloadBytes: 262_144,
  /** One year, running or idle. */
  executionMs: 365 * 86_400_000,
  /** After its close, an execution's name is free again. */
  nameReuseMs: 90 * 86_400_000,
  /** How long after its close an execution and its history are kept; afterwards nobody can ask for them. */
  keptAfterCloseMs: 90 * 86_400_000,
  /** How long after its close an execution can be redriven. */
  redriveMs: 14 * 86_400_000,
  /** What an inline Map runs at a time when `MaxConcurrency` is 0. */
  inlineMapConcurrency: 40,
  /** `TimeoutSeconds` of a task that names none. */
  defaultTaskTimeoutSeconds: 99_999_999,
} as const;

// White space, brackets, wildcards and specials, C0 and C1 control characters, and the two non-characters.
const REFUSED_IN_NAMES = /[\s<>{}[\]?*"#%\\^|~`$&,;:/\u0000-\u001f\u007f-\u009f\ufffe\uffff]/u;

/** May an execution be called this? 1 to 80 characters of those that StartExecution takes. */
export const isExecutionName = (name: string): boolean =>
  name.length >= 1 && name.length <= 80 && !REFUSED_IN_NAMES.test(name);
