import { type Context, Hono } from 'hono';
import type { z } from 'zod';
import {
  canonicalJson,
  type EpochMs,
  err,
  ok,
  type PrincipalId,
  type Problem,
  parseSourceDocument,
  type Result,
} from '../core/index.ts';
import { PlanUnfinished } from '../enforcement/index.ts';
import { AwsCallError, ConflictError, correlating, NoPolicyInForce } from '../exceptions/index.ts';
import { problemsOf } from '../policy/index.ts';
import { FAILURES, type Failure, problemOf } from './failures.ts';
import { beginCall, type KeptAnswer } from './idempotency.ts';
import { type Operation, POLICY_OWNER, type Who } from './operation.ts';
import { OPERATIONS } from './operations.ts';
import type { ApiServices, Caller } from './ports.ts';
import type { RateLimiter } from './rate-limit.ts';

/** 256 KiB. A request is a few KB, a policy some tens. */
export const LARGEST_BODY = 256 * 1024;

/** Who calls, as the transport proved it; which of the directory's people that is and what they may do is looked up here. */
export interface Proven {
  readonly id: PrincipalId;
  readonly isAuthenticated: boolean;
}

/** What one call is served with. */
export interface Serving {
  /** Of the program. */
  readonly version: string;
  readonly services: ApiServices;
  readonly authenticate: (request: Request) => Promise<Result<Proven, Failure>>;
  readonly settle: () => Promise<void>;
  /** Time for the limit alone: a simulated clock would stand still. */
  readonly wallClock: () => EpochMs;
  readonly allows: RateLimiter;
  readonly newCorrelationId: () => string;
  /** A fault, for the log. Its text never goes to the caller. */
  readonly onFault: (error: unknown, correlationId: string) => void;
  readonly onCall?: (told: ToldCall) => void;
}

/** What the log learns of a call: never a body, a token or a name that was sent. */
export interface ToldCall {
  readonly method: string;
  /** With `{id}`, not with the id. */
  readonly route: string;
  readonly status: number;
  readonly correlationId: string;
  readonly caller?: string;
}

type AnyOperation = Operation<unknown, unknown, unknown>;
type Env = { readonly Bindings: Serving };

const CORRELATION_ID = /^[A-Za-z0-9._-]{8,64}$/;
const IDEMPOTENCY_KEY = /^[\u0021-\u007e]{8,128}$/;

/**
 * The API: routes of `OPERATIONS`, behind them the same functions as the command line's. Every call is authenticated, counted against the
 * limit of its caller, read strictly, answered as JSON or as `application/problem+json`, and carries a correlation id. A GET never changes
 * anything; task tokens and idempotency records never leave.
 */
export function createApi(): { readonly serve: (request: Request, serving: Serving) => Promise<Response> } {
  const app = new Hono<Env>();
  const operations = Object.values(OPERATIONS) as unknown as readonly AnyOperation[];
  for (const operation of operations)
    app.on(operation.method, honoPath(operation.path), (context) => answer(context, operation));
  for (const path of new Set(operations.map((operation) => operation.path))) {
    const methods = operations.filter((operation) => operation.path === path).map(({ method }) => method);
    app.all(honoPath(path), (context) =>
      unrouted(
        context,
        path,
        { Allow: methods.join(', ') },
        {
          code: 'METHOD_NOT_ALLOWED',
          message: `\`${context.req.method}\` is not known at this path; there ${methods.length === 1 ? 'is' : 'are'} ${methods.join(', ')}`,
        },
      ),
    );
  }
  app.notFound((context) =>
    unrouted(
      context,
      'unknown',
      {},
      {
        code: 'NOT_FOUND',
        message: 'there is nothing at this path',
        remedy: 'docs/openapi.json has every path',
      },
    ),
  );
  return { serve: async (request, serving) => app.request(request, undefined, serving) };
}

const honoPath = (path: string): string => path.replaceAll(/\{(\w+)\}/g, ':$1');

async function unrouted(
  context: Context<Env>,
  route: string,
  headers: Readonly<Record<string, string>>,
  failure: Failure,
): Promise<Response> {
  const serving = context.env;
  const correlationId = correlationIdOf(context.req.raw, serving);
  // Nobody learns what there is before it is known who asks.
  const caller = await guarded(serving, correlationId, () => callerOf(context.req.raw, serving));
  const response = caller.ok
    ? problemResponse(failure, correlationId, headers)
    : problemResponse(caller.error, correlationId);
  tell(serving, { method: context.req.method, route, status: response.status, correlationId });
  return response;
}

async function answer(context: Context<Env>, operation: AnyOperation): Promise<Response> {
  const serving = context.env;
  const request = context.req.raw;
  const correlationId = correlationIdOf(request, serving);
  let caller: Caller | undefined;
  const result = await guarded<KeptAnswer>(serving, correlationId, async () => {
    const known = await callerOf(request, serving);
    if (!known.ok) return known;
    caller = known.value;
    return act(operation, { request, params: context.req.param(), serving, caller, correlationId });
  });
  const response = result.ok
    ? new Response(result.value.body, {
        status: result.value.status,
        headers: headersOf(result.value.contentType, correlationId),
      })
    : problemResponse(result.error, correlationId);
  tell(serving, {
    method: operation.method,
    route: operation.path,
    status: response.status,
    correlationId,
    ...(caller === undefined ? {} : { caller: caller.id }),
  });
  return response;
}

interface Arrived {
  readonly request: Request;
  readonly params: Readonly<Record<string, string>>;
  readonly serving: Serving;
  readonly caller: Caller;
  readonly correlationId: string;
}

async function act(operation: AnyOperation, arrived: Arrived): Promise<Result<KeptAnswer, Failure>> {
  const { request, serving, caller, correlationId } = arrived;
  const wait = operation.isUnlimited === true ? 0 : serving.allows(caller.id, serving.wallClock());
  if (wait > 0)
    return err({
      code: 'TOO_MANY',
      message: `too many calls by \`${caller.id}\``,
      remedy: `wait ${wait} s`,
    });
  if (!mayCall(operation.who, caller))
    return err({
      code: 'NOT_ENTITLED',
      message:
        operation.who === POLICY_OWNER
          ? `only who holds the role \`${POLICY_OWNER}\` may do this`
          : 'only who holds a role in the directory may read this',
    });
  const params = paramsOf(operation, request, arrived.params);
  if (!params.ok) return params;
  const body = await bodyOf(operation, request);
  if (!body.ok) return body;
  const { actor } = (body.value ?? {}) as { readonly actor?: string };
  if (actor !== undefined && actor !== caller.id)
    return err({
      code: 'OTHER_ACTOR',
      message: `the body says that \`${actor}\` acts, but \`${caller.id}\` calls`,
      remedy: 'leave `actor` out: who calls is who acts',
    });

  const { store, recorder } = serving.services;
  // An exception's own id first; this call's for what is about none, such as a refused request.
  const books = correlating({
    store,
    recorder: { record: (event) => recorder.record({ correlationId, ...event }) },
  });
  const services: ApiServices = {
    ...serving.services,
    ...books,
    call: { isAuthenticated: caller.isAuthenticated, correlationId },
  };
  const { version, settle } = serving;
  const call = { services, caller, version, settle, isRepeat: false };
  const input = { params: params.value, body: body.value };
  if (operation.body === undefined || operation.isReading === true)
    return kept(operation, await operation.run(call, input));

  const key = request.headers.get('idempotency-key');
  if (key === null) return kept(operation, await operation.run(call, input));
  if (!IDEMPOTENCY_KEY.test(key))
    return err({
      code: 'MALFORMED',
      message: '`Idempotency-Key` is not 8 to 128 printable characters without spaces',
      remedy: 'use a random UUID',
    });
  const { pathname } = new URL(request.url);
  const begun = await beginCall(serving.services, caller.id, key, {
    method: operation.method,
    path: pathname,
    body: body.value,
  });
  if (!begun.ok) return begun;
  if (!('keep' in begun.value)) return ok(begun.value);
  const { newId, isRepeat, keep } = begun.value;
  const ids: typeof services.ids = {
    next: (length) => (length === newId.length - 3 ? newId.slice(3) : serving.services.ids.next(length)),
  };
  const result = await guarded(serving, correlationId, () =>
    operation.run({ ...call, services: { ...services, ids }, isRepeat, newId }, input),
  );
  const answered = kept(operation, result);
  // What was refused stays refused for this key: the body is the same.
  await keep(answered.ok ? answered.value : problemAnswer(answered.error, correlationId));
  return answered;
}

/** Those of the path and of the query together; what is in the path cannot be said again, and nothing twice. */
function paramsOf(
  operation: AnyOperation,
  request: Request,
  inPath: Readonly<Record<string, string>>,
): Result<unknown, Failure> {
  const { searchParams } = new URL(request.url);
  const names = [...searchParams.keys()];
  const given = operation.params.safeParse({ ...Object.fromEntries(searchParams), ...inPath });
  const unknown = names.find(
    (name, index) =>
      name in inPath || names.indexOf(name) !== index || (!given.success && isRefused(given.error, name)),
  );
  if (unknown !== undefined)
    return err({
      code: 'MALFORMED',
      message: `the query parameter \`${unknown}\` is not known here, stands twice, or has a value that it cannot have`,
      remedy: 'leave it out; docs/openapi.json has every parameter',
    });
  // An id that can be none is an id that nothing has.
  return given.success
    ? ok(given.data)
    : err({
        code: 'UNKNOWN_EXCEPTION',
        message: 'this is not an exception id, so there is no such exception',
      });
}

const isRefused = ({ issues }: z.ZodError, name: string): boolean =>
  issues.some(
    (issue) => issue.path[0] === name || (issue.code === 'unrecognized_keys' && issue.keys.includes(name)),
  );

const kept = (operation: AnyOperation, result: Result<unknown, Failure>): Result<KeptAnswer, Failure> =>
  result.ok
    ? ok({
        status: operation.status,
        contentType: JSON_TYPE,
        body: `${canonicalJson(plain(result.value))}\n`,
      })
    : result;

/** Members that are `undefined` are not there in JSON. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value)) as unknown;

const mayCall = (who: Who, { roles }: Caller): boolean =>
  who === 'role' ? roles.length > 0 : who === POLICY_OWNER ? roles.includes(POLICY_OWNER) : true;

async function callerOf(
  request: Request,
  { services, authenticate }: Serving,
): Promise<Result<Caller, Failure>> {
  const proven = await authenticate(request);
  if (!proven.ok) return proven;
  const { id, isAuthenticated } = proven.value;
  const person = (await services.directory.people()).find((each) => each.id === id);
  if (person === undefined || !person.isActive)
    return err({
      code: 'CALLER_UNKNOWN',
      message: `\`${id}\` is not an active person of the directory`,
    });
  return ok({ id, roles: person.roles, isAuthenticated });
}

async function bodyOf(operation: AnyOperation, request: Request): Promise<Result<unknown, Failure>> {
  if (operation.body === undefined) return ok(undefined);
  const type = (request.headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/json')
    return err({
      code: 'WRONG_TYPE',
      message: `the body is \`${type === '' ? 'of no type' : type}\`; only \`application/json\` is read`,
    });
  const text = await limitedText(request);
  if (text === undefined)
    return err({
      code: 'TOO_LARGE',
      message: `the body is larger than ${LARGEST_BODY} bytes; nothing was read`,
    });
  return readBody(text, operation.body);
}

/** Counted while it arrives: what a header says about length is a claim. */
async function limitedText(request: Request): Promise<string | undefined> {
  if (Number(request.headers.get('content-length') ?? 0) > LARGEST_BODY) return undefined;
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of (request.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > LARGEST_BODY) return undefined;
    chunks.push(chunk);
  }
  return new TextDecoder().decode(Buffer.concat(chunks));
}

function readBody(text: string, schema: z.ZodType): Result<unknown, Failure> {
  const malformed = (message: string, problems?: readonly Problem[]): Result<never, Failure> =>
    err({ code: 'MALFORMED', message, ...(problems === undefined ? {} : { problems }) });
  let value: unknown;
  try {
    value = JSON.parse(text) as unknown;
  } catch {
    return malformed('the body is not JSON');
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return ok(parsed.data);
  // Read once more as a document with places, and strictly: a key that stands twice, for one.
  const document = parseSourceDocument(text, 'body');
  return document.ok
    ? malformed('the body is not what this path takes', problemsOf(document.value, parsed.error, schema))
    : malformed('the body is not JSON that can be read', document.error);
}

/** A fault of the world or of the program is an answer too; its text is for the log. */
async function guarded<T>(
  serving: Serving,
  correlationId: string,
  run: () => Promise<Result<T, Failure>>,
): Promise<Result<T, Failure>> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof NoPolicyInForce)
      return err({
        code: 'NO_POLICY_IN_FORCE',
        message: error.message,
        remedy: 'adopt one: proviso policy adopt --as ID',
      });
    if (error instanceof PlanUnfinished)
      return err({
        code: 'UNAVAILABLE',
        message: error.message,
        remedy: 'enforce in fewer units: a call ends after 30 s, and a plan is whole or none',
      });
    serving.onFault(error, correlationId);
    if (error instanceof ConflictError)
      return err({
        code: 'BUSY',
        message: 'somebody else changed the record at the same moment',
        remedy: 'try again',
      });
    if (error instanceof AwsCallError)
      return err({
        code: 'UNAVAILABLE',
        message: `AWS could not be asked (${error.code})`,
        remedy: 'try again with the same `Idempotency-Key`; what was begun is finished by the sweeper',
      });
    return err({
      code: 'FAULT',
      message: 'something went wrong that should not',
      remedy: `the log has it under the correlation id ${correlationId}`,
    });
  }
}

const JSON_TYPE = 'application/json';

const problemAnswer = (failure: Failure, correlationId: string): KeptAnswer => ({
  status: FAILURES[failure.code].status,
  contentType: 'application/problem+json',
  body: `${canonicalJson(plain(problemOf(failure, correlationId)))}\n`,
});

function problemResponse(
  failure: Failure,
  correlationId: string,
  more: Readonly<Record<string, string>> = {},
): Response {
  const { status, contentType, body } = problemAnswer(failure, correlationId);
  const wait =
    failure.code === 'TOO_MANY' ? { 'Retry-After': /\d+/.exec(failure.remedy ?? '')?.[0] ?? '1' } : {};
  const challenge = failure.code === 'NOT_AUTHENTICATED' ? { 'WWW-Authenticate': 'Bearer' } : {};
  return new Response(body, {
    status,
    headers: { ...headersOf(contentType, correlationId), ...wait, ...challenge, ...more },
  });
}

const headersOf = (contentType: string, correlationId: string) => ({
  'Content-Type': contentType,
  'X-Correlation-Id': correlationId,
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
});

function correlationIdOf(request: Request, { newCorrelationId }: Serving): string {
  const given = request.headers.get('x-correlation-id');
  return given !== null && CORRELATION_ID.test(given) ? given : newCorrelationId();
}

const tell = (serving: Serving, told: ToldCall): void => serving.onCall?.(told);
