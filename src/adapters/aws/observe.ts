import type { Clock } from '../../core/index.ts';
import type { FactSource, Observation, UnobservableReason } from '../../evidence/index.ts';

/** AWS answered, but not in a shape that its own model promises. `field` names the place and never a value. */
export class MalformedAnswer extends Error {
  constructor(field: string) {
    super(field);
    this.name = 'MalformedAnswer';
  }
}

/** A call on the way to the fact failed (assuming the role, say): the observation names that call and not the one never made. */
export class EarlierCallFailed extends Error {
  readonly source: FactSource;

  constructor(source: FactSource, cause: unknown) {
    super('an earlier call failed', { cause });
    this.name = 'EarlierCallFailed';
    this.source = source;
  }
}

/**
 * Runs the calls for one fact and says what was seen.
 * @param read - gives the value, or undefined when AWS answered that there is none
 * @returns never rejects: every error becomes `unobservable`, with the name of AWS's error and nothing else of it
 */
export async function observe<T>(
  clock: Clock,
  source: FactSource,
  read: () => Promise<T | undefined>,
): Promise<Observation<T>> {
  try {
    const value = await read();
    const at = clock.now();
    return value === undefined ? { kind: 'absent', at, source } : { kind: 'observed', value, at, source };
  } catch (error) {
    return unobservable(error, source);
  }
}

function unobservable(
  error: unknown,
  source: FactSource,
): Extract<Observation<never>, { kind: 'unobservable' }> {
  if (error instanceof EarlierCallFailed) return unobservable(error.cause, error.source);
  if (error instanceof MalformedAnswer)
    return { kind: 'unobservable', reason: 'malformed', detail: error.message, source };
  const detail = errorName(error);
  return { kind: 'unobservable', reason: reasonOf(error, detail), detail, source };
}

/** One service says AccessDenied, another AccessDeniedException, EC2-style ones UnauthorizedOperation. */
const DENIED = /^(AccessDenied|UnauthorizedOperation$|NotAuthorized|AuthorizationError)/;
const THROTTLED =
  /^(Throttl|TooManyRequests|RequestLimitExceeded|SlowDown|RequestThrottled|EC2ThrottledException|BandwidthLimitExceeded|PriorRequestNotComplete)/;

export const isDenied = (name: string): boolean => DENIED.test(name);
export const isThrottled = (error: unknown, name: string): boolean =>
  THROTTLED.test(name) || statusOf(error) === 429;

function reasonOf(error: unknown, name: string): UnobservableReason {
  if (isDenied(name)) return 'access-denied';
  return isThrottled(error, name) ? 'throttled' : 'failed';
}

/** AWS's messages repeat ARNs, session names and parameters; the name says what a reader needs. */
export function errorName(error: unknown): string {
  const name = error instanceof Error ? error.name : '';
  // The name comes from a header of the answer, so it too is only text until it looks like a name.
  return /^[A-Za-z][A-Za-z0-9_.:-]{0,79}$/.test(name) ? name : 'UnknownError';
}

export function statusOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('$metadata' in error)) return undefined;
  const metadata = error.$metadata;
  return typeof metadata === 'object' &&
    metadata !== null &&
    'httpStatusCode' in metadata &&
    typeof metadata.httpStatusCode === 'number'
    ? metadata.httpStatusCode
    : undefined;
}

/** A field that AWS's model marks as always there. @throws MalformedAnswer when it is not */
export function required<T>(value: T | null | undefined, field: string): T {
  if (value === undefined || value === null || value === '') throw new MalformedAnswer(`${field} is missing`);
  return value;
}

/** The second argument of `send`; the SDK does not take an undefined signal. */
export const abortable = (signal: AbortSignal | undefined): { readonly abortSignal?: AbortSignal } =>
  signal === undefined ? {} : { abortSignal: signal };
