import { createHash, createPublicKey } from 'node:crypto';
import { GetPublicKeyCommand, KMSClient, SignCommand } from '@aws-sdk/client-kms';
import type { Signer } from '../../exceptions/index.ts';
import { awsCall } from './call.ts';
import type { HomeSettings } from './home-settings.ts';
import { required } from './observe.ts';

/**
 * Signs with an asymmetric KMS key (ECC_NIST_P256). KMS takes at most 4096 bytes of message, so it gets the SHA-256 digest; the
 * signature is the same. The public key is asked for once: a key's material never changes.
 */
export function kmsSigner(settings: HomeSettings, keyArn: string): Signer {
  const client = new KMSClient(settings);
  let publicKey: Promise<string> | undefined;
  const readPublicKey = () =>
    awsCall('kms:GetPublicKey', async () => {
      const answer = await client.send(new GetPublicKeyCommand({ KeyId: keyArn }));
      const der = required(answer.PublicKey, 'PublicKey');
      return createPublicKey({ key: Buffer.from(der), format: 'der', type: 'spki' })
        .export({ type: 'spki', format: 'pem' })
        .toString();
    });
  return {
    async sign(bytes) {
      publicKey ??= readPublicKey();
      const pem = await publicKey.catch((error: unknown) => {
        publicKey = undefined;
        throw error;
      });
      return awsCall('kms:Sign', async () => {
        const answer = await client.send(
          new SignCommand({
            KeyId: keyArn,
            Message: createHash('sha256').update(bytes).digest(),
            MessageType: 'DIGEST',
            SigningAlgorithm: 'ECDSA_SHA_256',
          }),
        );
        return {
          keyId: answer.KeyId ?? keyArn,
          algorithm: 'ECDSA_SHA_256',
          signature: Buffer.from(required(answer.Signature, 'Signature')).toString('base64'),
          publicKey: pem,
        };
      });
    },
  };
}
