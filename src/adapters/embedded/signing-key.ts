import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { Signer } from '../../exceptions/index.ts';

/** Ed25519 with a key file that only its owner may read; made on first use. In AWS, KMS takes its place. */
export function fileSigner(file: string): Signer {
  const read = () => {
    if (!existsSync(file)) {
      const { privateKey } = generateKeyPairSync('ed25519');
      writeFileSync(file, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600, flag: 'wx' });
    }
    const key = createPrivateKey(readFileSync(file));
    const publicKey = createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString();
    return { key, publicKey, keyId: createHash('sha256').update(publicKey).digest('hex').slice(0, 16) };
  };
  let known: ReturnType<typeof read> | undefined;
  return {
    async sign(bytes) {
      known ??= read();
      const { key, publicKey, keyId } = known;
      return {
        keyId,
        algorithm: 'Ed25519',
        signature: sign(null, bytes, key).toString('base64'),
        publicKey,
      };
    },
  };
}
