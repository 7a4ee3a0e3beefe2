import { GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import type { Checks } from '../../api/index.ts';
import { awsCall } from './call.ts';
import { type HomeSettings, s3Addressing } from './home-settings.ts';
import { required } from './observe.ts';
import { allPages } from './pages.ts';

const PREFIX = 'reports/';

/**
 * The reports of `proviso check --format json` that were stored below `reports/`, named by the instant of their evidence
 * (`reports/2026-11-21T12:00:00Z.json`): the last name is the latest. None is ever overwritten.
 */
export function s3Checks(settings: HomeSettings, bucketName: string): Checks {
  const client = new S3Client({ ...settings, ...s3Addressing() });
  return {
    async latest() {
      const names = await awsCall('s3:ListObjectsV2', () =>
        allPages(async (token) => {
          const page = await client.send(
            new ListObjectsV2Command({ Bucket: bucketName, Prefix: PREFIX, ContinuationToken: token }),
          );
          return {
            items: (page.Contents ?? []).flatMap(({ Key }) => Key ?? []),
            next: page.NextContinuationToken,
          };
        }),
      );
      const last = names
        .filter((name) => name.endsWith('.json'))
        .sort()
        .at(-1);
      if (last === undefined) return undefined;
      return awsCall('s3:GetObject', async () => {
        const { Body } = await client.send(new GetObjectCommand({ Bucket: bucketName, Key: last }));
        return JSON.parse(await required(Body, 'Body').transformToString()) as unknown;
      });
    },
  };
}
