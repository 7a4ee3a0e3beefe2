import {
  DAY,
  type DocumentPath,
  type DurationMs,
  durationMs,
  formatDuration,
  HOUR,
  MINUTE,
  parseDuration,
} from '../core/index.ts';
import type { Report } from './report.ts';

/** The rolling window that the cap on leased time is counted in may be longer than this, never shorter. */
const SHORTEST_CAP_WINDOW = durationMs(30 * DAY);
const SHORTEST_LISTING_GAP = durationMs(24 * HOUR);
const LONGEST_BREAK_GLASS = durationMs(24 * HOUR);

const LIMITS: DocumentPath = ['exceptions', 'limits'];
const PURGE: DocumentPath = ['exceptions', 'purge'];
const BREAK_GLASS: DocumentPath = ['exceptions', 'breakGlass'];

/** Lengths in which something must be able to happen; none of them may be zero. */
const MUST_PASS: readonly DocumentPath[] = [
  ['exceptions', 'approvals', 'expireAfter'],
  ['exceptions', 'approvals', 'validFor'],
  [...LIMITS, 'retention'],
  [...LIMITS, 'enablement'],
  [...LIMITS, 'leasedTime', 'atMost'],
  [...LIMITS, 'leasedTime', 'within'],
  [...LIMITS, 'startsWithin'],
  [...LIMITS, 'enableWithin'],
  [...PURGE, 'drain'],
  ['exceptions', 'review', 'every'],
  [...BREAK_GLASS, 'atMost'],
  ['review', 'every'],
];

/**
 * Limits that no exception could keep together, and bounds that no policy may move.
 * Sources: the design's clock of a record (retention runs from enabling to proven purge), HARD_END and PURGE_PROVEN.
 */
/** Reviews of one exception that fit its workflow's history with room to spare. */
const MOST_REVIEWS = 1200;

export function checkLimits(report: Report): void {
  const read = (path: DocumentPath): DurationMs | undefined => {
    const text = report.text(path);
    const length = text === undefined ? undefined : parseDuration(text);
    return length?.ok ? length.value : undefined;
  };
  const contradict = (path: DocumentPath, message: string, remedy: string) =>
    report.add(path, 'limits-contradict', message, remedy);

  for (const path of MUST_PASS) {
    if (read(path) === 0)
      report.add(path, 'not-a-duration', 'no time at all is not a limit', 'write a length above zero');
  }

  const retention = read([...LIMITS, 'retention']);
  const enablement = read([...LIMITS, 'enablement']);
  const drain = read([...PURGE, 'drain']);
  // The schema's own default.
  const listing = read([...PURGE, 'secondListingAfter']) ?? SHORTEST_LISTING_GAP;
  if (retention !== undefined && enablement !== undefined && drain !== undefined) {
    const needed = durationMs(enablement + drain + listing);
    if (retention < needed)
      contradict(
        [...LIMITS, 'retention'],
        `\`${formatDuration(retention)}\` cannot be kept: ${formatDuration(enablement)} of enablement, ${formatDuration(drain)} of drain and ${formatDuration(listing)} between the two listings take ${formatDuration(needed)}`,
        `raise \`retention\` to \`${formatDuration(needed)}\` at least, or shorten \`enablement\``,
      );
  }
  if (listing < SHORTEST_LISTING_GAP)
    contradict(
      [...PURGE, 'secondListingAfter'],
      `\`${formatDuration(listing)}\` is too soon: deliveries may come late`,
      `write \`${formatDuration(SHORTEST_LISTING_GAP)}\` or more`,
    );

  const cap = read([...LIMITS, 'leasedTime', 'atMost']);
  const window = read([...LIMITS, 'leasedTime', 'within']);
  if (cap !== undefined && enablement !== undefined && cap < enablement)
    contradict(
      [...LIMITS, 'leasedTime', 'atMost'],
      `\`${formatDuration(cap)}\` is less than one enablement of \`${formatDuration(enablement)}\``,
      'raise `leasedTime.atMost`, or shorten `enablement`',
    );
  if (window !== undefined && window < SHORTEST_CAP_WINDOW)
    contradict(
      [...LIMITS, 'leasedTime', 'within'],
      `the cap must hold in every ${formatDuration(SHORTEST_CAP_WINDOW)}, found \`${formatDuration(window)}\``,
      `write \`${formatDuration(SHORTEST_CAP_WINDOW)}\` or more`,
    );
  if (cap !== undefined && window !== undefined && cap >= window)
    contradict(
      [...LIMITS, 'leasedTime', 'atMost'],
      `\`${formatDuration(cap)}\` in every \`${formatDuration(window)}\` lets content storage stay on for ever`,
      'write less than `leasedTime.within`',
    );

  const tick = read(['exceptions', 'review', 'every']);
  if (tick !== undefined && enablement !== undefined && tick > enablement)
    contradict(
      ['exceptions', 'review', 'every'],
      `no exception lives for \`${formatDuration(tick)}\`, so none would ever be reviewed`,
      `write at most \`${formatDuration(enablement)}\`, the longest enablement`,
    );

  // Each look is about ten entries of the execution's history, which Step Functions ends at 25,000.
  if (tick !== undefined && enablement !== undefined && enablement / tick > MOST_REVIEWS)
    contradict(
      ['exceptions', 'review', 'every'],
      `\`${formatDuration(tick)}\` means more than ${MOST_REVIEWS} reviews in one enablement, more than its workflow can hold`,
      `write at least \`${formatDuration(durationMs(Math.ceil(enablement / MOST_REVIEWS / MINUTE) * MINUTE))}\``,
    );

  const breakGlass = read([...BREAK_GLASS, 'atMost']);
  if (breakGlass !== undefined && breakGlass > LONGEST_BREAK_GLASS)
    contradict(
      [...BREAK_GLASS, 'atMost'],
      `\`${formatDuration(breakGlass)}\` is longer than any break-glass exception may be`,
      `write \`${formatDuration(LONGEST_BREAK_GLASS)}\` or less`,
    );
}
