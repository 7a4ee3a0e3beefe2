import type { EpochMs } from '../core/index.ts';
import type { Observation } from '../evidence/index.ts';
import type { ContentCopy, Retention, RetentionStep } from './types.ts';

/** What nobody could see is a step of the reasoning too, and it makes the answer `unknown`. */
export const notSeen = (
  what: string,
  { reason, detail }: Extract<Observation<unknown>, { kind: 'unobservable' }>,
): RetentionStep & { readonly rule: 'not-seen' } => ({
  rule: 'not-seen',
  says: `${what} could not be seen: ${reason}${detail === undefined ? '' : ` (${detail})`}`,
});

/**
 * Joins the expiry of the place with what was not seen about copies: content that may be copied nobody knows where has no known end.
 */
export function outcomeOf(
  expiry: EpochMs | 'never' | 'unknown',
  by: EpochMs | undefined,
  steps: readonly RetentionStep[],
  copies: readonly ContentCopy[],
): Retention {
  if (expiry === 'never') return { outcome: 'never-ends', steps, copies };
  if (expiry === 'unknown' || steps.some(({ rule }) => rule === 'not-seen'))
    return { outcome: 'unknown', steps, copies };
  return { outcome: 'ends', due: expiry, ...(by === undefined ? {} : { by }), steps, copies };
}
