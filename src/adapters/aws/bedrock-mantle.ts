import { setTimeout as sleep } from 'node:timers/promises';
import { Sha256 } from '@aws-crypto/sha256-js';
import { BedrockClient } from '@aws-sdk/client-bedrock';
import { SignatureV4 } from '@smithy/signature-v4';
import * as z from 'zod';
import type { Clock } from '../../core/index.ts';
import { describeIssue, type MantleProject, type SectionReaders } from '../../evidence/index.ts';
import type { ClientSettings } from './account-access.ts';
import type { RegionAccess } from './bedrock.ts';
import { clientOf } from './clients.ts';
import { MalformedAnswer } from './observe.ts';
import { allPages } from './pages.ts';
import { regional } from './regional.ts';

/** What the requests below need, in IAM's words: there is no SDK client to tell it from. */
const SIGNED_ACTIONS = [
  'bedrock-mantle:GetAccountDataRetention',
  'bedrock-mantle:ListProjects',
  'bedrock-mantle:GetProject',
];

const retention = z.object({ mode: z.string().min(1) });
const project = z.object({
  id: z.string().min(1),
  status: z.string().optional(),
  data_retention: retention.nullish(),
});
const projectPage = z.object({
  data: z.array(project),
  has_more: z.boolean().optional(),
  last_id: z.string().nullish(),
});

const PAGE_SIZE = 100;
const TIMEOUT_MS = 30_000;
const PAUSE_MS = 200;

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/**
 * The data-retention mode of the `bedrock-mantle` endpoint, for which there is no SDK client: plain requests, signed for the service
 * `bedrock-mantle`. An archived project takes no new requests and is left out, as the list leaves it out.
 * The paths and shapes follow the Projects API and the Data retention page of the Amazon Bedrock User Guide. [unverified: mantle-requests]
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/data-retention.html
 */
export function bedrockMantleReaders(
  access: RegionAccess,
  clock: Clock,
  send: Fetch = fetch,
): Pick<SectionReaders<'account-region'>, 'mantleRetention'> {
  return {
    mantleRetention: (place, { signal } = {}) =>
      regional(clock, SIGNED_ACTIONS.join(' + '), place, async () => {
        const get = await getter(
          await access.settingsFor(place.accountId, place.region),
          clock,
          send,
          signal,
        );
        const { mode: accountMode } = await get('/v1/data_retention', {}, retention);
        const listed = await allPages(async (after) => {
          const query = { limit: String(PAGE_SIZE), ...(after === undefined ? {} : { after }) };
          const page = await get('/v1/organization/projects', query, projectPage);
          if (page.has_more === true && !page.last_id) throw new MalformedAnswer('has_more without last_id');
          return { items: page.data, next: page.has_more === true ? page.last_id : undefined };
        });
        const projects: MantleProject[] = [];
        for (const one of listed) {
          const known =
            one.data_retention ??
            (await get(`/v1/organization/projects/${encodeURIComponent(one.id)}`, {}, project))
              .data_retention;
          // No mode at all is not `inherit`: the project has one, and we were not told which.
          if (!known) throw new MalformedAnswer('data_retention of a project is missing');
          projects.push({ id: one.id, mode: known.mode, isArchived: one.status === 'archived' });
        }
        return { accountMode, projects };
      }),
  };
}

type Get = <T>(path: string, query: Readonly<Record<string, string>>, schema: z.ZodType<T>) => Promise<T>;

async function getter(
  settings: ClientSettings,
  clock: Clock,
  send: Fetch,
  signal: AbortSignal | undefined,
): Promise<Get> {
  // The SDK's own client resolves credentials like every other call does.
  const credentials = clientOf(BedrockClient, settings).config.credentials;
  const signer = new SignatureV4({
    credentials,
    region: settings.region,
    service: 'bedrock-mantle',
    sha256: Sha256,
  });
  const base = new URL(
    process.env['AWS_ENDPOINT_URL_BEDROCK_MANTLE'] ??
      process.env['AWS_ENDPOINT_URL'] ??
      `https://bedrock-mantle.${settings.region}.api.aws`,
  );
  return async (path, query, schema) => {
    for (let attempt = 1; ; attempt += 1) {
      const signed = await signer.sign(
        {
          method: 'GET',
          protocol: base.protocol,
          hostname: base.hostname,
          ...(base.port === '' ? {} : { port: Number(base.port) }),
          path,
          query: { ...query },
          headers: { host: base.host },
        },
        { signingDate: new Date(clock.now()) },
      );
      const url = new URL(path, base);
      for (const [key, value] of Object.entries(query)) url.searchParams.set(key, value);
      const { host: _host, ...headers } = signed.headers;
      const limit = AbortSignal.timeout(TIMEOUT_MS);
      const answer = await send(url.href, {
        headers,
        redirect: 'error',
        signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
      });
      if (answer.ok) return parsed(await answer.text(), path, schema);
      // Error bodies repeat ARNs and parameters: the status says what a reader needs.
      await answer.body?.cancel();
      const isWorthRepeating = answer.status === 429 || answer.status >= 500;
      if (!isWorthRepeating || attempt >= settings.maxAttempts) throw failure(answer.status);
      await sleep(PAUSE_MS * 2 ** (attempt - 1), undefined, { ...(signal === undefined ? {} : { signal }) });
    }
  };
}

function parsed<T>(text: string, path: string, schema: z.ZodType<T>): T {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new MalformedAnswer(`${path} did not answer with JSON`);
  }
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  throw new MalformedAnswer(`${path.split('/').slice(0, 4).join('/')}: ${describeIssue(result.error)}`);
}

function failure(status: number): Error {
  const name =
    status === 401 || status === 403
      ? 'AccessDeniedException'
      : status === 429
        ? 'ThrottlingException'
        : `HttpStatus${status}`;
  return Object.assign(new Error(name), { name, $metadata: { httpStatusCode: status } });
}
