/**
 * What is known of one condition key of a request.
 * `absent`: AWS does not send it, which is a fact; `unknown`: it may be there with any value, or not.
 */
export type ContextValue =
  | { readonly kind: 'known'; readonly values: readonly string[] }
  | { readonly kind: 'absent' }
  | { readonly kind: 'unknown' };

export const ABSENT: ContextValue = { kind: 'absent' };
export const UNKNOWN: ContextValue = { kind: 'unknown' };
export const known = (...values: readonly string[]): ContextValue => ({ kind: 'known', values });

/** Condition keys of a request. Key names do not depend on case; tag keys inside them (`aws:PrincipalTag/Team`) do not either. */
export interface RequestContext {
  lookup(key: string): ContextValue;
}

/**
 * A context that knows `entries` and says `otherwise` of everything else.
 *
 * @param otherwise - `unknown` for a question about what somebody could do, `absent` for a request that is there in full
 */
export function contextOf(
  entries: Readonly<Record<string, ContextValue>>,
  otherwise: 'unknown' | 'absent' = 'unknown',
): RequestContext {
  const values = new Map(Object.entries(entries).map(([key, value]) => [key.toLowerCase(), value]));
  const rest = otherwise === 'unknown' ? UNKNOWN : ABSENT;
  return { lookup: (key) => values.get(key.toLowerCase()) ?? rest };
}

/** `context`, and besides these keys with one value each. */
export const withKeys = (context: RequestContext, more: Readonly<Record<string, string>>): RequestContext =>
  withValues(context, Object.fromEntries(Object.entries(more).map(([key, value]) => [key, known(value)])));

/** `context`, and of these keys what is said here, also that they are absent or unknown. */
export function withValues(
  context: RequestContext,
  more: Readonly<Record<string, ContextValue>>,
): RequestContext {
  const values = new Map(Object.entries(more).map(([key, value]) => [key.toLowerCase(), value]));
  return { lookup: (key) => values.get(key.toLowerCase()) ?? context.lookup(key) };
}
