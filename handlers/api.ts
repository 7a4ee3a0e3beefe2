import { randomUUID } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import * as z from 'zod';
import manifest from '../package.json' with { type: 'json' };
import { createApi, FAILURES, personBehind, problemOf, rateLimiter } from '../src/api/index.ts';
import type { AwsServices } from '../src/compose-aws.ts';
import { epochMs } from '../src/core/index.ts';
import type { Services } from '../src/enforcement/index.ts';
import { lambda } from './lambda.ts';

/** An HTTP API's event, payload format 2.0, with the IAM authorizer. */
const event = z.object({
  rawPath: z.string(),
  rawQueryString: z.string().default(''),
  headers: z.record(z.string(), z.string().optional()).default({}),
  body: z.string().optional(),
  isBase64Encoded: z.boolean().default(false),
  requestContext: z.object({
    accountId: z.string(),
    stage: z.string().default('$default'),
    http: z.object({ method: z.string() }),
    authorizer: z.object({ iam: z.object({ accountId: z.string(), userArn: z.string() }) }).optional(),
  }),
});

const api = createApi();
const allows = rateLimiter({ burst: 20, perSecond: 5 });

/** The API behind API Gateway. Who calls is read from what the authorizer proved, never from what was sent. */
export async function handle(input: unknown, services: Services): Promise<unknown> {
  // Composed by compose-aws.ts; only there is this function called.
  const host = services as AwsServices;
  const { rawPath, rawQueryString, headers, body, isBase64Encoded, requestContext } = event.parse(input);
  const { stage, http, authorizer, accountId: apiAccountId } = requestContext;
  const path =
    stage !== '$default' && rawPath.startsWith(`/${stage}/`) ? rawPath.slice(stage.length + 1) : rawPath;
  const request = new Request(
    `https://api.invalid${path}${rawQueryString === '' ? '' : `?${rawQueryString}`}`,
    {
      method: http.method,
      headers: Object.entries(headers).flatMap(([name, value]): [string, string][] =>
        value === undefined ? [] : [[name, value]],
      ),
      ...(body === undefined || http.method === 'GET' || http.method === 'HEAD'
        ? {}
        : { body: isBase64Encoded ? Buffer.from(body, 'base64') : body }),
    },
  );
  const response = await api.serve(request, {
    version: manifest.version,
    services: host,
    authenticate: async () =>
      authorizer === undefined
        ? { ok: false, error: { code: 'NOT_AUTHENTICATED', message: 'the call was not signed' } }
        : personBehind({ apiAccountId, ...authorizer.iam }, host.callerRoles, host.callers),
    // Step Functions goes on by itself.
    settle: async () => undefined,
    wallClock: () => epochMs(Date.now()),
    allows,
    newCorrelationId: randomUUID,
    onFault: (error, correlationId) =>
      console.error(
        JSON.stringify({
          level: 'ERROR',
          message: 'fault',
          correlationId,
          fault: error instanceof Error ? error.name : 'Error',
        }),
      ),
    onCall: (told) => console.info(JSON.stringify({ level: 'INFO', message: 'call', ...told })),
  });
  const takesGzip = /(?:^|[\s,])gzip(?:[\s,]|$)/i.test(headers['accept-encoding'] ?? '');
  return answerOf(response, await response.text(), takesGzip);
}

/** What a function may answer in a synchronous call is 6 MB (*Lambda quotas*); a little of it is left for what Lambda puts around it. */
const MOST_ANSWER = 6 * 1024 * 1024 - 4096;
const WORTH_GZIP = 1024 * 1024;

/** As API Gateway takes it. An answer that Lambda would drop is a problem that says so: half of a report must not look like all of it. */
function answerOf(response: Response, text: string, takesGzip: boolean) {
  const headers = Object.fromEntries(response.headers);
  const isPacked = takesGzip && Buffer.byteLength(text) > WORTH_GZIP;
  const answer = isPacked
    ? {
        statusCode: response.status,
        headers: { ...headers, 'content-encoding': 'gzip', vary: 'accept-encoding' },
        body: gzipSync(text).toString('base64'),
        isBase64Encoded: true,
      }
    : { statusCode: response.status, headers, body: text };
  if (Buffer.byteLength(JSON.stringify(answer)) <= MOST_ANSWER) return answer;
  const problem = problemOf(
    {
      code: 'ANSWER_TOO_LARGE',
      message: `the answer has ${Buffer.byteLength(text)} bytes, and a function may send 6 MB`,
      remedy: takesGzip
        ? 'a report of the organization stands whole in the evidence bucket: reports/latest.json'
        : 'send accept-encoding: gzip; a report of the organization also stands whole in the evidence bucket: reports/latest.json',
    },
    headers['x-correlation-id'] ?? '',
  );
  return {
    statusCode: FAILURES.ANSWER_TOO_LARGE.status,
    headers: { ...headers, 'content-type': 'application/problem+json' },
    body: JSON.stringify(problem),
  };
}

export const handler = lambda(handle);
