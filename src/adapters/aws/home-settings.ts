import type { ClientSettings } from './account-access.ts';

/** Clients of services in the governance account: the function's own credentials. */
export interface HomeSettings extends Pick<ClientSettings, 'region' | 'maxAttempts' | 'retryMode'> {
  readonly requestHandler: {
    readonly connectionTimeout: number;
    readonly requestTimeout: number;
    readonly throwOnRequestTimeout: true;
  };
}

/**
 * Every call made with these can be repeated safely (reads, conditional writes with a token, idempotent deletes), so the SDK may do so.
 * With the shortest function timeout of serverless.yml (30 s) all attempts fit into one invocation most of the time.
 */
export const homeSettings = (region: string, maxAttempts = 4): HomeSettings => ({
  region,
  maxAttempts,
  retryMode: 'adaptive',
  requestHandler: { connectionTimeout: 2_000, requestTimeout: 8_000, throwOnRequestTimeout: true },
});

/** Behind another endpoint (an emulator, a proxy) no host name is made for every bucket. */
export const s3Addressing = (): { readonly forcePathStyle?: true } =>
  process.env['AWS_ENDPOINT_URL'] === undefined && process.env['AWS_ENDPOINT_URL_S3'] === undefined
    ? {}
    : { forcePathStyle: true };
