import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import type { Texts } from '../../core/index.ts';
import { awsCall, isNamed } from './call.ts';
import { type HomeSettings, s3Addressing } from './home-settings.ts';
import { required } from './observe.ts';

/** The evidence bucket: what scans saw, and their reports. */
export function s3Texts(settings: HomeSettings, Bucket: string): Texts {
  const client = new S3Client({ ...settings, ...s3Addressing() });
  return {
    put: (Key, Body) =>
      awsCall('s3:PutObject', async () => {
        await client.send(new PutObjectCommand({ Bucket, Key, Body, ContentType: 'application/json' }));
      }),
    get: (Key) =>
      awsCall('s3:GetObject', async () => {
        try {
          const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
          return await required(Body, 'Body').transformToString();
        } catch (error) {
          if (isNamed(error, 'NoSuchKey')) return undefined;
          throw error;
        }
      }),
  };
}
