import { createPublicKey, verify } from 'node:crypto';
import { beforeEach, expect } from 'vitest';
import type { Signature, Signer } from '../../src/exceptions/index.ts';
import { contractCases, type Gap } from './contract.ts';

const isGood = (bytes: Uint8Array, { algorithm, publicKey, signature }: Signature): boolean =>
  verify(
    algorithm === 'Ed25519' ? null : 'sha256',
    bytes,
    createPublicKey(publicKey),
    Buffer.from(signature, 'base64'),
  );

/** What every signer does. */
export function signerContract(make: () => Promise<Signer>, gaps: readonly Gap[] = []): void {
  const test = contractCases(gaps);
  let signer: Signer;
  beforeEach(async () => {
    signer = await make();
  });

  test('the signature verifies with the public key it comes with, for exactly these bytes', async () => {
    for (const bytes of [Buffer.from(''), Buffer.from('statement'), Buffer.alloc(10_000, 'x')]) {
      const signature = await signer.sign(bytes);
      expect(isGood(bytes, signature)).toBe(true);
      expect(isGood(Buffer.concat([bytes, Buffer.from(' ')]), signature)).toBe(false);
    }
  });

  test('the key stays the same', async () => {
    const [one, two] = [await signer.sign(Buffer.from('a')), await signer.sign(Buffer.from('b'))];
    expect(one.keyId).toBe(two.keyId);
    expect(one.publicKey).toBe(two.publicKey);
    expect(one.publicKey).toMatch(/^-----BEGIN PUBLIC KEY-----\n/);
  });
}
