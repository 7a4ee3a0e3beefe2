import { createHmac } from 'node:crypto';

/**
 * A name for an identity that nobody can turn back, or find by trying ARNs, without the key: HMAC-SHA-256, its first 96 bits. The same for the
 * same identity under one key, so that others can be told apart in counting without being named.
 */
export const keyedHash = (key: string, identityArn: string): string =>
  createHmac('sha256', key).update(identityArn).digest('base64url').slice(0, 16);
