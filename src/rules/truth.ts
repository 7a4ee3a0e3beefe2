import type { Truth } from './types.ts';

/** Strong Kleene conjunction: false decides alone; unknown stays unless something is false. */
export function allOf(truths: readonly Truth[]): Truth {
  if (truths.includes('false')) return 'false';
  return truths.includes('unknown') ? 'unknown' : 'true';
}

/** Strong Kleene disjunction: true decides alone; unknown stays unless something is true. */
export function anyOf(truths: readonly Truth[]): Truth {
  if (truths.includes('true')) return 'true';
  return truths.includes('unknown') ? 'unknown' : 'false';
}

/** The negation of unknown is unknown: `not` over missing evidence must not pass. */
export function notOf(truth: Truth): Truth {
  if (truth === 'unknown') return 'unknown';
  return truth === 'true' ? 'false' : 'true';
}
