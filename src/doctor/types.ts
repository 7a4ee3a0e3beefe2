/** What came of looking. Denied, failed and absent are three things. */
export type Seen<T> =
  | { readonly kind: 'seen'; readonly value: T }
  | { readonly kind: 'absent' }
  /** `permission`: the IAM action that was refused. */
  | { readonly kind: 'unseen'; readonly because: string; readonly permission?: string };

export interface Check {
  readonly id: string;
  readonly outcome: 'ok' | 'not-ok' | 'cannot-tell';
  /** What was found, in a sentence. */
  readonly found: string;
  /** What that means for whoever operates it; absent where it is ok. */
  readonly means?: string;
  readonly todo?: string;
}

/** 0: everything is ok; 1: something is not; 3: nothing is known to be wrong, and something could not be told. */
export const doctorExitCode = (checks: readonly Check[]): 0 | 1 | 3 => {
  if (checks.some(({ outcome }) => outcome === 'not-ok')) return 1;
  // No check at all is no health.
  return checks.length === 0 || checks.some(({ outcome }) => outcome === 'cannot-tell') ? 3 : 0;
};

export interface Words {
  readonly id: string;
  readonly means: string;
  readonly todo: string;
}

/**
 * Judges what was seen; what was not seen can only be told as unknown.
 * @param judge - a sentence where it is ok; otherwise `not` or `unknown` with one
 */
export function checkOf<T>(
  words: Words,
  seen: Seen<T>,
  judge: (value: T) => string | { readonly not: string } | { readonly unknown: string },
): Check {
  const { id, means, todo } = words;
  if (seen.kind === 'unseen')
    return {
      id,
      outcome: 'cannot-tell',
      found: seen.because,
      means: 'it may be well or not; nothing was learnt',
      todo:
        seen.permission === undefined
          ? 'see why, then run it again'
          : `allow \`${seen.permission}\` to whoever runs this, then run it again`,
    };
  if (seen.kind === 'absent') return { id, outcome: 'not-ok', found: 'it is not there', means, todo };
  const judged = judge(seen.value);
  if (typeof judged === 'string') return { id, outcome: 'ok', found: judged };
  return 'not' in judged
    ? { id, outcome: 'not-ok', found: judged.not, means, todo }
    : { id, outcome: 'cannot-tell', found: judged.unknown, means, todo };
}
