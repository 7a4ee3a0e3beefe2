import { createHash, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { createAdaptorServer } from '@hono/node-server';
import manifest from '../../package.json' with { type: 'json' };
import { createApi, type Failure, type Proven, rateLimiter, type Serving } from '../api/index.ts';
import type { OpenState } from '../compose.ts';
import {
  canonicalJson,
  err,
  formatInstant,
  ok,
  type PrincipalId,
  type Result,
  wellFormed,
} from '../core/index.ts';
import type { CommandContext } from './context.ts';
import { tokenFileOf } from './desk.ts';
import { readEstate } from './estate.ts';
import { EXIT } from './exit-codes.ts';
import { CliFailure } from './failure.ts';
import { findingJson, reportHead } from './report/json.ts';
import { evidenceOf } from './state.ts';
import { stateSurroundings } from './surroundings.ts';

/** There is no option for another one: what listens for others needs people who prove who they are, and that is the API in AWS. */
const LOOPBACK = '127.0.0.1';
const LIMIT = { burst: 20, perSecond: 5 } as const;
const TOKEN_BYTES = 32;

export interface LocalServer {
  /** `http://127.0.0.1:8787`. */
  readonly address: string;
  /** The folder of the tokens. */
  readonly tokens: string;
  /** Does what is due, between two calls. */
  readonly pump: () => Promise<void>;
  /** Stops listening; resolves when every call that had begun is answered. */
  readonly close: () => Promise<void>;
}

/**
 * The API over an open state, on 127.0.0.1 alone. Calls are carried out one after another, as commands are.
 * @throws CliFailure when the port is taken
 */
export async function startServer(
  state: OpenState,
  { state: directory, port }: { readonly state: string; readonly port: number },
  context: CommandContext,
): Promise<LocalServer> {
  const people = await state.services.directory.people();
  const owners = tokensOf(
    resolve(context.cwd, directory),
    people.filter(({ isActive }) => isActive).map(({ id }) => id),
  );
  const api = createApi();
  const inTurn = queue();
  let served: readonly string[] = [];
  const log = (line: object): void =>
    context.stderr.write(`${canonicalJson({ at: formatInstant(context.clock.now()), ...line })}\n`);

  const serving = (): Serving => ({
    version: manifest.version,
    services: {
      ...state.services,
      checks: { latest: () => checkOf(state, directory, context) },
      surroundings: stateSurroundings(state, context.signal),
    },
    authenticate: async (request) => authenticate(request, owners, served),
    settle: () => state.world.pump(),
    wallClock: () => context.clock.now(),
    allows: allows,
    newCorrelationId: randomUUID,
    onFault: (error, correlationId) =>
      log({
        correlationId,
        fault: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
      }),
    onCall: (told) => log({ ...told }),
  });
  const allows = rateLimiter(LIMIT);

  const server = createAdaptorServer({
    fetch: (request: Request) => inTurn(() => api.serve(request, serving())),
    hostname: LOOPBACK,
  });
  await new Promise<void>((listening, failed) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      failed(
        new CliFailure(EXIT.fault, `port ${port} cannot be listened on: ${error.code ?? error.message}`, {
          remedy: 'choose another one with `--port`, or 0 for a free one',
        }),
      ),
    );
    server.listen(port, LOOPBACK, listening);
  });
  const { port: taken } = server.address() as AddressInfo;
  served = [`${LOOPBACK}:${taken}`, `localhost:${taken}`];
  return {
    address: `http://${LOOPBACK}:${taken}`,
    tokens: join(directory, 'api-tokens'),
    pump: () => inTurn(() => state.world.pump()),
    close: async () => {
      await new Promise<void>((closed) => {
        server.close(() => closed());
        if ('closeIdleConnections' in server) server.closeIdleConnections();
      });
      await inTurn(async () => undefined);
    },
  };
}

/** One after another: the state has one writer. */
function queue(): <T>(act: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (act) => {
    const next = last.then(act, act);
    last = next.catch(() => undefined);
    return next;
  };
}

/** Makes the tokens that are missing. @returns who owns which, by the SHA-256 of the token */
function tokensOf(directory: string, people: readonly PrincipalId[]): ReadonlyMap<PrincipalId, Buffer> {
  mkdirSync(join(directory, 'api-tokens'), { recursive: true, mode: 0o700 });
  chmodSync(join(directory, 'api-tokens'), 0o700);
  return new Map(
    people.map((id) => {
      const file = tokenFileOf(directory, id);
      if (!existsSync(file))
        writeFileSync(file, `${randomBytes(TOKEN_BYTES).toString('base64url')}\n`, {
          mode: 0o600,
          flag: 'wx',
        });
      chmodSync(file, 0o600);
      return [id, digest(readFileSync(file, 'utf8').trim())];
    }),
  );
}

const digest = (token: string): Buffer => createHash('sha256').update(token).digest();

function authenticate(
  request: Request,
  owners: ReadonlyMap<PrincipalId, Buffer>,
  served: readonly string[],
): Result<Proven, Failure> {
  const refuse = (message: string): Result<never, Failure> =>
    err({ code: 'NOT_AUTHENTICATED', message, remedy: '`proviso serve` prints where the tokens are' });
  // A page of another site whose name was pointed at this machine has another host, and an origin.
  if (!served.includes(new URL(request.url).host) || request.headers.has('origin'))
    return refuse('the call came to another name than this machine’s, or from a web page');
  const given = /^Bearer ([\w-]{20,200})$/.exec(request.headers.get('authorization') ?? '')?.[1];
  if (given === undefined) return refuse('the call has no bearer token');
  const hash = digest(given);
  for (const [id, known] of owners)
    if (timingSafeEqual(known, hash)) return ok({ id, isAuthenticated: false });
  return refuse('the token is nobody’s');
}

/** The check of the state as it is now, by the policy in force. */
async function checkOf(state: OpenState, directory: string, context: CommandContext): Promise<unknown> {
  const policy = await state.services.policyInForce.current();
  const evidence = await evidenceOf(state);
  const { report, attestations, notice, snapshot } = await readEstate(
    { policy: policy.file, state: directory, opened: { evidence, policy } },
    context,
  );
  const head = reportHead({
    report,
    organizationId: snapshot.organization.id,
    policy,
    attestations,
    notice,
    version: manifest.version,
  });
  return wellFormed({
    ...head,
    findings: report.findings.map((finding) => findingJson(finding)),
    ...(notice === undefined ? {} : { notice }),
  });
}
