import { AwsCallError } from '../../exceptions/index.ts';
import { EarlierCallFailed, errorName, isDenied, isThrottled, MalformedAnswer, statusOf } from './observe.ts';

/**
 * Runs one call of the exception path and translates what AWS throws.
 *
 * @param operation - IAM spelling, `s3:DeleteObjects`; goes into the message instead of AWS's own text, which repeats ARNs and parameters
 * @throws AwsCallError whose `mayHaveHappened` is false only where AWS itself said that it did nothing
 */
export async function awsCall<T>(operation: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw awsCallError(operation, error);
  }
}

export function awsCallError(operation: string, error: unknown): AwsCallError {
  if (error instanceof AwsCallError) return error;
  // The call itself was never made, so it cannot have happened.
  if (error instanceof EarlierCallFailed) {
    const { code, message } = awsCallError(error.source.call, error.cause);
    return new AwsCallError(code, `${operation} was not called: ${message}`, false);
  }
  if (error instanceof MalformedAnswer)
    return new AwsCallError('failed', `${operation} answered in an unknown shape: ${error.message}`, true);
  const name = errorName(error);
  const says = (what: string) => `${operation} ${what}: ${name}`;
  if (isDenied(name)) return new AwsCallError('access-denied', says('was refused'), wasSentBefore(error));
  if (isThrottled(error, name))
    return new AwsCallError('throttled', says('was throttled'), wasSentBefore(error));
  if (NEVER_SENT.has(codeOf(error)) || name === 'CredentialsProviderError')
    return new AwsCallError('failed', says('could not be sent'), wasSentBefore(error));
  const status = statusOf(error);
  if (status === undefined)
    return TIMED_OUT.has(name) || TIMED_OUT.has(codeOf(error))
      ? new AwsCallError('timeout', says('did not answer in time'), true)
      : new AwsCallError('failed', says('failed'), true);
  if (NOT_FOUND.test(name)) return new AwsCallError('not-found', says('found nothing'), wasSentBefore(error));
  if (status >= 400 && status < 500 && status !== 408)
    return new AwsCallError('validation', says('was not accepted'), wasSentBefore(error));
  return new AwsCallError('failed', says('failed'), true);
}

const NOT_FOUND = /^(NoSuch[A-Z]|NotFound|ResourceNotFoundException$|ExecutionDoesNotExist$)/;
const TIMED_OUT: ReadonlySet<string> = new Set([
  'TimeoutError',
  'AbortError',
  'RequestTimeout',
  'ETIMEDOUT',
  'ESOCKETTIMEDOUT',
]);
const NEVER_SENT: ReadonlySet<string> = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH']);

/** An earlier attempt of the SDK's own may have arrived where the last one was refused. */
function wasSentBefore(error: unknown): boolean {
  const metadata =
    typeof error === 'object' && error !== null && '$metadata' in error ? error.$metadata : null;
  return (
    typeof metadata === 'object' &&
    metadata !== null &&
    'attempts' in metadata &&
    typeof metadata.attempts === 'number' &&
    metadata.attempts > 1
  );
}

const codeOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string'
    ? error.code
    : '';

/** Whether AWS's error has this name: an answer that an adapter expects. */
export const isNamed = (error: unknown, ...names: readonly string[]): boolean =>
  names.includes(errorName(error));
