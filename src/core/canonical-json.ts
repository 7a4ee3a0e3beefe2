import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import type { Sha256Hex } from './brands.ts';

/** RFC 8785 (JSON Canonicalization Scheme): equal values give equal bytes. @throws TypeError on a value JSON cannot hold. */
export function canonicalJson(value: unknown): string {
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError('value has no JSON form');
  return text;
}

export const sha256Hex = (bytes: string | Uint8Array): Sha256Hex =>
  createHash('sha256').update(bytes).digest('hex') as Sha256Hex;

/** The identity of a document: SHA-256 of its canonical JSON, so that layout and key order do not matter. */
export const hashOf = (value: unknown): Sha256Hex => sha256Hex(canonicalJson(value));
