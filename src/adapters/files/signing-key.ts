import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { err, ok, type Result } from '../../core/index.ts';

/** An Ed25519 key as the caller may use it. The private half stays in this closure: it has no property, form or text. */
export interface FileKey {
  readonly publicKey: KeyObject;
  readonly sign: (bytes: Uint8Array) => string;
}

/**
 * Reads an Ed25519 private key (PKCS #8 in PEM, without a passphrase).
 *
 * @param path - absolute
 * @returns why not, in words that hold nothing of the file: parsers quote what they cannot read, and this is a secret
 */
export async function readSigningKey(
  path: string,
): Promise<Result<FileKey, 'missing' | 'unreadable' | 'not-ed25519'>> {
  let pem: Buffer;
  try {
    pem = await readFile(path);
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    return err(isMissing ? 'missing' : 'unreadable');
  }
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType !== 'ed25519') return err('not-ed25519');
    return ok({
      publicKey: createPublicKey(key),
      sign: (bytes) => sign(null, bytes, key).toString('base64'),
    });
  } catch {
    return err('not-ed25519');
  } finally {
    pem.fill(0);
  }
}
