import { randomUUID } from 'node:crypto';
import {
  FAILURES,
  type Failure,
  type FailureCode,
  OPERATIONS,
  type Operation,
  type OperationId,
  pathNames,
  problemSchema,
} from '../../api/index.ts';
import { err, ok, type Problem, type Result } from '../../core/index.ts';

/** Adds to a request what proves who calls. */
export type Authorize = (request: {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}) => Promise<Readonly<Record<string, string>>>;

/** The call did not come to an answer of Proviso: whether it had an effect is not known. */
export class ApiUnreachable extends Error {
  readonly remedy: string;
  constructor(message: string, remedy: string) {
    super(message);
    this.name = 'ApiUnreachable';
    this.remedy = remedy;
  }
}

export interface ApiClient {
  /** @throws ApiUnreachable when something else than Proviso answered, or nothing */
  call(
    id: OperationId,
    input: { readonly params: unknown; readonly body?: unknown },
  ): Promise<Result<unknown, Failure>>;
}

/** Longer than API Gateway waits for its function. */
const TIMEOUT_MS = 35_000;

/** Every call that changes something carries a key of its own, so that a lost answer can be asked for again by hand or by a proxy. */
export function apiClient(base: URL, authorize: Authorize, signal?: AbortSignal): ApiClient {
  return {
    async call(id, { params, body }) {
      const { method, path, isReading } = OPERATIONS[id] as unknown as Operation<unknown, unknown, unknown>;
      const url = new URL(base);
      url.pathname = `${base.pathname.replace(/\/+$/, '')}${fill(path, params)}`;
      const inPath = pathNames(path);
      for (const [name, value] of Object.entries(params as Readonly<Record<string, unknown>>))
        if (!inPath.includes(name) && value !== undefined) url.searchParams.set(name, String(value));
      const text = body === undefined ? undefined : JSON.stringify(body);
      const headers: Record<string, string> = {
        accept: 'application/json, application/problem+json',
        ...(text === undefined
          ? {}
          : {
              'content-type': 'application/json',
              ...(isReading === true ? {} : { 'idempotency-key': randomUUID() }),
            }),
      };
      const proof = await authorize({ method, url, headers, body: text });
      const timeout = AbortSignal.timeout(TIMEOUT_MS);
      let response: Response;
      try {
        response = await fetch(url, {
          method,
          headers: { ...headers, ...proof },
          ...(text === undefined ? {} : { body: text }),
          // A redirect would take the proof elsewhere.
          redirect: 'error',
          signal: signal === undefined ? timeout : AbortSignal.any([timeout, signal]),
        });
      } catch (error) {
        throw new ApiUnreachable(
          `\`${url.origin}\` did not answer: ${reasonOf(error)}`,
          text === undefined
            ? 'check the address and whether the service runs'
            : 'whether it was done is not known: look at the exception before you try again',
        );
      }
      return answerOf(response, url);
    },
  };
}

const fill = (path: string, params: unknown): string =>
  path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(String((params as Readonly<Record<string, unknown>>)[name])),
  );

function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = (cause as { readonly code?: unknown }).code;
  return typeof code === 'string' ? code : cause instanceof Error ? cause.message : String(cause);
}

async function answerOf(response: Response, url: URL): Promise<Result<unknown, Failure>> {
  const text = await response.text();
  let value: unknown;
  try {
    value = JSON.parse(text) as unknown;
  } catch {
    throw notProviso(response, url);
  }
  if (response.ok) return ok(value);
  const problem = problemSchema.safeParse(value);
  if (!problem.success) throw notProviso(response, url);
  const { code, detail, remedy, conditions, problems } = problem.data;
  return err({
    code: code as FailureCode,
    message: detail,
    ...(remedy === undefined ? {} : { remedy }),
    ...(conditions === undefined ? {} : { conditions: conditions as NonNullable<Failure['conditions']> }),
    ...(problems === undefined ? {} : { problems: problems as unknown as readonly Problem[] }),
  });
}

/** API Gateway refuses before Proviso is asked, in a shape of its own. */
function notProviso(response: Response, url: URL): ApiUnreachable {
  const remedies: Readonly<Record<number, string>> = {
    403: 'API Gateway refused the signature, or the role lacks `execute-api:Invoke`; check the credentials',
    [FAILURES.TOO_MANY.status]: 'API Gateway throttles; wait a moment',
  };
  return new ApiUnreachable(
    `\`${url.origin}\` answered ${response.status}, and not as Proviso does`,
    remedies[response.status] ?? 'check that the address is the one of the API',
  );
}
