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
 * The exit code of a check.
 *
 * | `failOn` | a violation that nothing covers | something that could not be decided |
 * |---|---|---|
 * | a severity | exit 1 from that severity upwards | exit 3 from that severity upwards |
 * | `indeterminate` | exit 1 | exit 1 |
 *
 * @param isNew - with `--new-since`: an old violation does not count. What could not be decided counts however old it is: nobody
 *   knows whether something new hides in it.
 */
export function exitCodeFor(
  findings: readonly Finding[],
  failOn: FailOn = 'low',
  isNew: (finding: Finding) => boolean = () => true,
): ExitCode {
  const counted = findings.filter(
    ({ severity }) => failOn === 'indeterminate' || RANKS[severity] >= RANKS[failOn],
  );
  if (counted.some((finding) => standingOf(finding) === 'non-compliant' && isNew(finding)))
    return EXIT.findings;
  if (!counted.some((finding) => standingOf(finding) === 'indeterminate')) return EXIT.fine;
  return failOn === 'indeterminate' ? EXIT.findings : EXIT.undecided;
}
