import { join, resolve } from 'node:path';
import { Option } from 'commander';
import manifest from '../../package.json' with { type: 'json' };
import type { Authorize } from '../adapters/http/index.ts';
import type { AnswerOf, BodyOf, Failure, OperationId, ParamsOf, SurroundingsReader } from '../api/index.ts';
import type { OpenState } from '../compose.ts';
import { formatProblem, type PrincipalId, principalId, type Result } from '../core/index.ts';
import { REFUSALS } from '../exceptions/index.ts';
import type { CommandContext } from './context.ts';
import { EXIT } from './exit-codes.ts';
import { CliFailure } from './failure.ts';

/*
 * Where a command about exceptions is carried out: in a state directory on this machine, or by the API of a deployment. Both run the same
 * operations, so a command has the same answers and the same words.
 */

export interface DeskOptions {
  readonly state: string;
  readonly api?: string;
  readonly tokenFile?: string;
  readonly as?: PrincipalId;
}

export interface Desk {
  call<K extends OperationId>(
    id: K,
    input: unknown extends BodyOf<K>
      ? { readonly params: ParamsOf<K> }
      : { readonly params: ParamsOf<K>; readonly body: BodyOf<K> },
  ): Promise<Result<AnswerOf<K>, Failure>>;
}

export const apiOption = (): Option =>
  new Option(
    '--api <url>',
    'ask the API of a deployment, or `proviso serve`, instead of a state directory',
  ).env('PROVISO_API');
export const tokenFileOption = (): Option =>
  new Option(
    '--token-file <file>',
    'for an API on this machine: the token of the person who calls (or PROVISO_API_TOKEN_FILE; default: that of --as in the state directory)',
  );

/** Where `proviso serve` keeps the token of a person. */
export const tokenFileOf = (state: string, person: string): string => join(state, 'api-tokens', person);

/** What a person brings instead of what the state has. */
export interface DeskEvidence {
  readonly surroundings?: SurroundingsReader;
}

/** Opens the state, or makes a client, and runs the command there. */
export async function withDesk<T>(
  options: DeskOptions,
  context: CommandContext,
  act: (desk: Desk) => Promise<T>,
  more: DeskEvidence = {},
): Promise<T> {
  const api = addressOf(options, context);
  if (api !== undefined) return act(await remoteDesk(options, api, context));
  const { withState } = await import('./state.ts');
  return withState(options.state, context, async (state) =>
    act(await localDesk(state, options.as, more, context)),
  );
}

/** Somebody must act; through the API that is whoever calls. */
export function requireActor(options: DeskOptions, context: CommandContext): void {
  if (addressOf(options, context) === undefined) actorHere(options);
}

/** Who acts on a state directory. */
export function actorHere({ as }: DeskOptions): PrincipalId {
  if (as !== undefined) return as;
  throw new CliFailure(EXIT.malformed, 'required option `--as <id>` not specified', {
    remedy: 'say who acts: an id of the state’s people.yaml',
  });
}

/** Whether the command is carried out by an API. */
export const isRemote = (options: DeskOptions, context: CommandContext): boolean =>
  addressOf(options, context) !== undefined;

const addressOf = ({ api }: DeskOptions, { env }: CommandContext): string | undefined =>
  api ?? (env['PROVISO_API'] || undefined);

async function localDesk(
  state: OpenState,
  as: PrincipalId | undefined,
  { surroundings }: DeskEvidence,
  { signal }: CommandContext,
): Promise<Desk> {
  const { OPERATIONS } = await import('../api/index.ts');
  const { stateSurroundings } = await import('./surroundings.ts');
  const services = {
    ...state.services,
    checks: { latest: async () => undefined },
    surroundings: surroundings ?? stateSurroundings(state, signal),
  };
  // Whoever can open the directory can read all of it.
  const caller = { id: as ?? principalId('local'), roles: ['local'], isAuthenticated: false };
  const call = {
    services,
    caller,
    version: manifest.version,
    settle: () => state.world.pump(),
    isRepeat: false,
  };
  return {
    call: (async (id: OperationId, input: never) =>
      orThrow(await OPERATIONS[id].run(call, input))) as unknown as Desk['call'],
  };
}

async function remoteDesk(options: DeskOptions, address: string, context: CommandContext): Promise<Desk> {
  const { apiClient, ApiUnreachable } = await import('../adapters/http/index.ts');
  const url = readAddress(address);
  const client = apiClient(url, await authorization(url, options, context), context.signal);
  const actor = options.as === undefined ? {} : { actor: options.as };
  return {
    call: (async (id: OperationId, input: { params: unknown; body?: object }) => {
      const { params, body } = input;
      try {
        const answered = await client.call(id, {
          params,
          ...(body === undefined ? {} : { body: { ...actor, ...body } }),
        });
        return await orThrow(answered);
      } catch (error) {
        if (error instanceof ApiUnreachable)
          throw new CliFailure(EXIT.fault, error.message, { remedy: error.remedy });
        throw error;
      }
    }) as unknown as Desk['call'],
  };
}

function readAddress(address: string): URL {
  const malformed = (remedy: string): CliFailure =>
    new CliFailure(EXIT.malformed, `\`${address}\` is not the address of an API`, { remedy });
  if (!URL.canParse(address))
    throw malformed('give a URL such as `https://….execute-api.eu-central-1.amazonaws.com`');
  const url = new URL(address);
  if (url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '')
    throw malformed('give it without query, fragment, name or password');
  const isLocal = ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLocal))
    throw malformed('use https; plain http is for this machine alone');
  return url;
}

async function authorization(url: URL, options: DeskOptions, context: CommandContext): Promise<Authorize> {
  const { bearerFromFile, isLoopback, sigV4 } = await import('../adapters/http/index.ts');
  if (!isLoopback(url)) return sigV4(url, context.env['AWS_REGION'] ?? context.env['AWS_DEFAULT_REGION']);
  const file =
    options.tokenFile ??
    context.env['PROVISO_API_TOKEN_FILE'] ??
    (options.as === undefined ? undefined : tokenFileOf(options.state, options.as));
  if (file === undefined)
    throw new CliFailure(
      EXIT.malformed,
      'nobody was named, and an API on this machine is asked as somebody',
      {
        remedy:
          'give `--token-file` (or PROVISO_API_TOKEN_FILE); `proviso serve` prints where the tokens are',
      },
    );
  const read = bearerFromFile(resolve(context.cwd, file));
  if (!read.ok)
    throw new CliFailure(EXIT.malformed, read.error.replace(resolve(context.cwd, file), file), {
      remedy: '`proviso serve` prints where the tokens are',
    });
  return read.value;
}

/** A refusal is an answer, which the command tells; everything else means that the operation was not carried out. */
async function orThrow(result: Result<unknown, Failure>): Promise<Result<unknown, Failure>> {
  if (result.ok || result.error.code in REFUSALS) return result;
  const { FAILURES } = await import('../api/index.ts');
  const { code, message, remedy, problems = [] } = result.error;
  throw new CliFailure(FAILURES[code].exitCode, message, {
    ...(remedy === undefined ? {} : { remedy }),
    details: problems.map(formatProblem),
    problems,
  });
}
