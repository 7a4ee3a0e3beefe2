import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import type { CertificateStore, SignedCertificate } from '../../exceptions/index.ts';
import { awsCall, isNamed } from './call.ts';
import { type HomeSettings, s3Addressing } from './home-settings.ts';
import { required } from './observe.ts';

/**
 * One object per certificate, named by exception and statement hash; the exception's record names the one that counts. `If-None-Match: *`
 * makes S3 itself refuse to overwrite; the bucket's policy refuses a Put without it.
 */
export function s3Certificates(settings: HomeSettings, bucketName: string): CertificateStore {
  const client = new S3Client({ ...settings, ...s3Addressing() });
  return {
    save: (exceptionId, certificate) =>
      awsCall('s3:PutObject', async () => {
        try {
          await client.send(
            new PutObjectCommand({
              Bucket: bucketName,
              Key: certificateKey(exceptionId, certificate.statementHash),
              Body: `${JSON.stringify(certificate, undefined, 2)}\n`,
              ContentType: 'application/json',
              IfNoneMatch: '*',
            }),
          );
        } catch (error) {
          // The same statement was saved before: its name is its hash.
          if (!isNamed(error, 'PreconditionFailed')) throw error;
        }
      }),
    read: (exceptionId, statementHash) =>
      awsCall('s3:GetObject', async () => {
        try {
          const { Body } = await client.send(
            new GetObjectCommand({ Bucket: bucketName, Key: certificateKey(exceptionId, statementHash) }),
          );
          return JSON.parse(await required(Body, 'Body').transformToString()) as SignedCertificate;
        } catch (error) {
          if (isNamed(error, 'NoSuchKey')) return undefined;
          throw error;
        }
      }),
  };
}

export const certificateKey = (exceptionId: string, statementHash: string): string =>
  `certificates/${exceptionId}-${statementHash.slice(0, 12)}.json`;
