/** What a run of `proviso` came to, for scripts. The numbers never change their meaning. */
export const EXIT = {
  /** Everything asked for was done, and nothing is wrong. */
  fine: 0,
  /** Findings; or a well-formed request or decision that the policy or the state refused, which is recorded. */
  findings: 1,
  /** Malformed input or a wrong command line; nothing was written. */
  malformed: 2,
  /** Some outcome is indeterminate, and nothing is worse. */
  undecided: 3,
  /** A fault of the machine, of AWS or of this program; or the state directory is in use. */
  fault: 4,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Shown at the end of `proviso --help`. */
export const EXIT_CODE_HELP = `Exit codes:
  0  fine
  1  findings, or refused by the policy or the state
  2  malformed input or command line; nothing was written
  3  could not decide: something is indeterminate, nothing is worse
  4  a fault, or the state directory is in use`;
