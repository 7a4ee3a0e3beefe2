import { describe, expect, test } from 'vitest';
import { readPolicy, rememberingReader } from '../../src/iam/index.ts';
import { ALLOW_ALL, documentOf } from './documents.ts';

describe('a reader that remembers', () => {
  test('compiles equal texts once and names each after its holder', () => {
    const read = rememberingReader();
    const [one, other] = ['one', 'other'].map((name) => read(name, documentOf(ALLOW_ALL), 'identity'));
    if (!one?.ok || !other?.ok) throw new Error('a plain document was not read');
    expect([one.policy.name, other.policy.name]).toEqual(['one', 'other']);
    expect(one.policy.document).toBe(other.policy.document);
  });

  test('does not take a text read for one use for another', () => {
    const read = rememberingReader();
    expect(read('p', documentOf(ALLOW_ALL), 'identity').ok).toBe(true);
    expect(read('p', documentOf(ALLOW_ALL), 'trust').ok).toBe(false);
  });

  test('says of a damaged document what an ordinary reader says, whatever the name holds', () => {
    const read = rememberingReader();
    for (const name of ['inline policy `a`', 'inline policy `$&$1`', 'inline policy `a`'])
      expect(read(name, '{', 'identity')).toEqual(readPolicy(name, '{', 'identity'));
  });

  test('goes on beyond what it keeps', () => {
    const read = rememberingReader();
    for (let index = 0; index < 5000; index++)
      expect(read('p', documentOf({ ...ALLOW_ALL, Sid: `S${index}` }), 'identity').ok).toBe(true);
  });
});
