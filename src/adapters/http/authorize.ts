import { readFileSync, statSync } from 'node:fs';
import { Sha256 } from '@aws-crypto/sha256-js';
import { STSClient } from '@aws-sdk/client-sts';
import { SignatureV4 } from '@smithy/signature-v4';
import { err, ok, type Result } from '../../core/index.ts';
import type { Authorize } from './api-client.ts';

const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', '[::1]', 'localhost']);

export const isLoopback = (url: URL): boolean => LOOPBACK.has(url.hostname);

/** Of one person, for `proviso serve`. @returns an error when others may read the file */
export function bearerFromFile(file: string): Result<Authorize, string> {
  let token: string;
  try {
    if ((statSync(file).mode & 0o077) !== 0)
      return err(`\`${file}\` may be read by others; set its mode to 0600`);
    token = readFileSync(file, 'utf8').trim();
  } catch {
    return err(`there is no token in \`${file}\``);
  }
  if (!/^[\w-]{20,}$/.test(token)) return err(`\`${file}\` holds no token`);
  return ok(async () => ({ authorization: `Bearer ${token}` }));
}

/**
 * AWS Signature Version 4 with the credentials that the SDK finds by itself: environment, profile, IAM Identity Center.
 * @param region - of the API; without it, the one in the host name of API Gateway
 */
export function sigV4(url: URL, region: string | undefined): Authorize {
  const inName = /\.execute-api\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?$/.exec(url.hostname)?.[1];
  // Never used to call anything: it is how the SDK offers its chain of credentials.
  const chain = new STSClient({ region: inName ?? region ?? 'us-east-1' });
  const signer = new SignatureV4({
    service: 'execute-api',
    region: inName ?? region ?? 'us-east-1',
    credentials: () => chain.config.credentials(),
    sha256: Sha256,
  });
  return async ({ method, url: target, headers, body }) => {
    const signed = await signer.sign({
      method,
      protocol: target.protocol,
      hostname: target.hostname,
      path: target.pathname,
      query: Object.fromEntries(target.searchParams),
      headers: { ...headers, host: target.host },
      ...(target.port === '' ? {} : { port: Number(target.port) }),
      body,
    });
    const { host: _host, ...rest } = signed.headers;
    return rest;
  };
}
