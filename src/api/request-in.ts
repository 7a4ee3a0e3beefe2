import { err, type Result } from '../core/index.ts';
import { type ExceptionRequest, parseRequest } from '../exceptions/index.ts';
import type { Failure } from './failures.ts';

/** The request in a body. Read once more as text, so that every fault has its place in what was sent. */
export function requestIn({ request }: { readonly request: unknown }): Result<ExceptionRequest, Failure> {
  const parsed = parseRequest(JSON.stringify(request, undefined, 2), 'request');
  return parsed.ok
    ? parsed
    : err({
        code: 'MALFORMED',
        message: '`request` is not a request that can be judged',
        problems: parsed.error,
      });
}
