import { hash } from 'node:crypto';
import type { Sha256Hex } from './brands.ts';

/**
 * RFC 8785 (JSON Canonicalization Scheme): equal values give equal bytes. Members that are `undefined` are left out, elements that are
 * become `null`, and `toJSON` is followed, as `JSON.stringify` does.
 *
 * @throws TypeError on a value JSON cannot hold: `undefined` itself, a function, a symbol, a bigint, NaN, an infinity, half of a character
 */
export function canonicalJson(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return quoted(value);
    case 'number':
      if (!Number.isFinite(value)) throw new TypeError(`\`${value}\` has no JSON form`);
      // ECMAScript's own form is the RFC's (section 3.2.2.3); minus zero is written without its sign by both.
      return String(value);
    case 'boolean':
      return value ? 'true' : 'false';
    case 'object':
      if (value === null) return 'null';
      if ('toJSON' in value && typeof value.toJSON === 'function') return canonicalJson(value.toJSON());
      return Array.isArray(value) ? listOf(value) : membersOf(value as Readonly<Record<string, unknown>>);
    case 'undefined':
    case 'function':
    case 'symbol':
    case 'bigint':
      throw new TypeError('value has no JSON form');
  }
}

function listOf(values: readonly unknown[]): string {
  let text = '';
  for (let index = 0; index < values.length; index++) {
    const value = values[index];
    text += `${index === 0 ? '' : ','}${value === undefined ? 'null' : canonicalJson(value)}`;
  }
  return `[${text}]`;
}

function membersOf(record: Readonly<Record<string, unknown>>): string {
  let text = '';
  // By UTF-16 code units (section 3.2.3), as `sort` compares by itself.
  for (const key of Object.keys(record).sort()) {
    const value = record[key];
    if (value === undefined) continue;
    text += `${text === '' ? '' : ','}${quoted(key)}:${canonicalJson(value)}`;
  }
  return `{${text}}`;
}

/** What stands in quotes as it is: nearly every string that is ever hashed. */
const PLAIN = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;

function quoted(text: string): string {
  if (PLAIN.test(text)) return `"${text}"`;
  if (!text.isWellFormed()) throw new TypeError('half of a character has no JSON form');
  return JSON.stringify(text);
}

export const sha256Hex = (bytes: string | Uint8Array): Sha256Hex => hash('sha256', bytes, 'hex') as Sha256Hex;

/** The identity of a document: SHA-256 of its canonical JSON, so that layout and key order do not matter. */
export const hashOf = (value: unknown): Sha256Hex => sha256Hex(canonicalJson(value));
