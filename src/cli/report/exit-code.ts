import type { Finding } from '../../rules/index.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { standingOf } from './words.ts';

/** What makes a check fail: violations from a severity upwards, or every violation and everything unknown. */
export const FAIL_ON = ['critical', 'high', 'medium', 'low', 'indeterminate'] as const;
export type FailOn = (typeof FAIL_ON)[number];

const RANKS = { critical: 4, high: 3, medium: 2, low: 1 } as const satisfies Record<
  Finding['severity'],
  number
>;

/**
 * The exit code of a check, whose findings pass by one after the other.
 *
 * | `failOn` | a violation that nothing covers | something that could not be decided |
 * |---|---|---|
 * | a severity | exit 1 from that severity upwards | exit 3 from that severity upwards |
 * | `indeterminate` | exit 1 | exit 1 |
 */
export class ExitJudge {
  readonly #failOn: FailOn;
  #hasViolation = false;
  #hasUndecided = false;

  constructor(failOn: FailOn = 'low') {
    this.#failOn = failOn;
  }

  /**
   * @param isNew - with `--new-since`: an old violation does not count. What could not be decided counts however old it is: nobody
   *   knows whether something new hides in it.
   */
  see(finding: Finding, isNew = true): void {
    if (this.#failOn !== 'indeterminate' && RANKS[finding.severity] < RANKS[this.#failOn]) return;
    const standing = standingOf(finding);
    if (standing === 'non-compliant' && isNew) this.#hasViolation = true;
    if (standing === 'indeterminate') this.#hasUndecided = true;
  }

  /** After the last finding. */
  exitCode(): ExitCode {
    if (this.#hasViolation) return EXIT.findings;
    if (!this.#hasUndecided) return EXIT.fine;
    return this.#failOn === 'indeterminate' ? EXIT.findings : EXIT.undecided;
  }
}

/** The exit code for findings that are all there; see {@link ExitJudge}. */
export function exitCodeFor(findings: readonly Finding[], failOn?: FailOn): ExitCode {
  const judge = new ExitJudge(failOn);
  for (const finding of findings) judge.see(finding);
  return judge.exitCode();
}
