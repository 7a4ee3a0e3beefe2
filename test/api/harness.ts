import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { createApi, type Failure, rateLimiter, type Serving, type ToldCall } from '../../src/api/index.ts';
import { epochMs, err, ok, principalId } from '../../src/core/index.ts';
import { surroundingsOf } from '../../src/enforcement/index.ts';
import { type RequestOptions, requestText, type Simulation } from '../simulation/harness.ts';

/* The API over a simulated state, called as a transport calls it: `authorization: who` stands for what proves who calls. */

export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: what an answer holds is what the tests look at
  readonly body: any;
}

export interface CallOptions {
  readonly as?: string;
  readonly body?: unknown;
  /** Sent as it stands. */
  readonly text?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export class TestApi {
  readonly told: ToldCall[] = [];
  readonly faults: unknown[] = [];
  wallClock = 0;
  report: unknown;
  readonly simulation: Simulation;
  readonly #api = createApi();
  readonly #allows: Serving['allows'];
  #correlations = 0;

  constructor(simulation: Simulation, limit = { burst: 1_000_000, perSecond: 1 }) {
    this.simulation = simulation;
    this.#allows = rateLimiter(limit);
  }

  #serving(): Serving {
    const { state } = this.simulation;
    const nobody: Failure = { code: 'NOT_AUTHENTICATED', message: 'nobody calls' };
    return {
      version: '0.0.0-test',
      services: {
        ...state.services,
        checks: { latest: async () => this.report },
        surroundings: { of: async (request) => ok(await surroundingsOf(state.services, request)) },
      },
      authenticate: async (request) => {
        const who = request.headers.get('authorization');
        return who === null ? err(nobody) : ok({ id: principalId(who), isAuthenticated: true });
      },
      settle: () => this.simulation.pump(),
      wallClock: () => epochMs(this.wallClock),
      allows: this.#allows,
      newCorrelationId: () => `made-${String(++this.#correlations).padStart(6, '0')}`,
      onFault: (error) => this.faults.push(error),
      onCall: (told) => this.told.push(told),
    };
  }

  async call(method: string, path: string, options: CallOptions = {}): Promise<Answer> {
    const {
      as = 'priya',
      body,
      text = body === undefined ? undefined : JSON.stringify(body),
      headers = {},
    } = options;
    const response = await this.#api.serve(
      new Request(`http://127.0.0.1${path}`, {
        method,
        headers: {
          ...(as === '' ? {} : { authorization: as }),
          ...(text === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(text === undefined ? {} : { body: text }),
      }),
      this.#serving(),
    );
    const answered = await response.text();
    return {
      status: response.status,
      type: response.headers.get('content-type') ?? '',
      headers: response.headers,
      text: answered,
      body: answered === '' ? undefined : JSON.parse(answered),
    };
  }

  /** Everything that is recorded and stored, so that two states can be compared. */
  fingerprint(): string {
    const { state } = this.simulation;
    const hash = createHash('sha256');
    hash.update(readFileSync(join(state.directory, 'events.ndjson')));
    hash.update(JSON.stringify(state.aws.database.prepare('SELECT * FROM settings ORDER BY 1, 2').all()));
    return hash.digest('hex');
  }

  /** Of all exceptions and leases. */
  async records(): Promise<string> {
    const { store } = this.simulation.state.services;
    return JSON.stringify([
      await store.list('exception/'),
      await store.list('lease/'),
      await store.list('policy/'),
    ]);
  }
}

/** The body that asks for an exception. */
export const requestBody = (options: RequestOptions = {}) => ({
  request: parse(requestText(options)) as object,
});
