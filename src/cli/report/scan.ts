import { type AccountId, countOf, type EpochMs, formatInstant } from '../../core/index.ts';

/** A scan of a deployment, which lists only what is not fine. */
export interface Scan {
  readonly id: string;
  readonly startedAt: EpochMs;
  readonly finishedAt: EpochMs;
  /** Accounts that no call finished, or not under this policy. */
  readonly notScanned: readonly AccountId[];
}

export const scanJson = ({ id, startedAt, finishedAt, notScanned }: Scan) => ({
  id,
  startedAt: formatInstant(startedAt),
  finishedAt: formatInstant(finishedAt),
  notScanned,
});

/** Accounts that are named one by one. */
const MOST_NAMED = 10;

/** What a reader must know of a scan before the numbers, a sentence each. */
export function describeScan({ id, finishedAt, notScanned }: Scan): readonly string[] {
  const named = notScanned.slice(0, MOST_NAMED).join(', ');
  const more = notScanned.length > MOST_NAMED ? `, and ${notScanned.length - MOST_NAMED} more` : '';
  return [
    `scan ${id} of the deployment, finished ${formatInstant(finishedAt)}; what is fine is counted, not listed`,
    ...(notScanned.length === 0
      ? []
      : [
          `the scan left out ${countOf(notScanned.length, 'account')}, of which nothing is known: ${named}${more}`,
        ]),
  ];
}
