import { CopyObjectCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import type { Clock } from '../../core/index.ts';
import type { Drainage, Pair } from '../../enforcement/index.ts';
import { contentBuckets } from './buckets.ts';
import { awsCall, isNamed } from './call.ts';
import { s3Addressing } from './home-settings.ts';
import { required } from './observe.ts';
import type { MemberRoles } from './roles.ts';

/** Raw batches and the vault, by the drain role. Every call says whose bucket it must be. */
export function awsDrainage(roles: MemberRoles, clock: Clock): Drainage {
  const buckets = contentBuckets(roles, clock, 'drain');
  const clientFor = async (pair: Pair) =>
    new S3Client({ ...(await roles.settingsFor('drain', pair)), ...s3Addressing() });
  const under = (SSEKMSKeyId: string) =>
    ({ ServerSideEncryption: 'aws:kms', SSEKMSKeyId, BucketKeyEnabled: true }) as const;
  const readText = async (
    client: S3Client,
    input: { Bucket: string; Key: string; ExpectedBucketOwner: string },
  ) => {
    try {
      const { Body } = await client.send(new GetObjectCommand(input));
      return await required(Body, 'Body').transformToString();
    } catch (error) {
      if (isNamed(error, 'NoSuchKey')) return undefined;
      throw error;
    }
  };
  return {
    listRaw: buckets.listVersions,
    deleteRaw: buckets.deleteVersions,

    readRaw: (pair, Bucket, { key, versionId, bytes }, mostBytes) =>
      awsCall('s3:GetObject', async () => {
        if (bytes > mostBytes) return 'too-large';
        const client = await clientFor(pair);
        try {
          const { Body } = await client.send(
            new GetObjectCommand({
              Bucket,
              Key: key,
              VersionId: versionId,
              ExpectedBucketOwner: pair.accountId,
            }),
          );
          return await required(Body, 'Body').transformToByteArray();
        } catch (error) {
          if (isNamed(error, 'NoSuchKey') || isNamed(error, 'NoSuchVersion')) return undefined;
          throw error;
        }
      }),

    writeVault: (pair, Bucket, Key, Body, kmsKeyArn) =>
      awsCall('s3:PutObject', async () => {
        const client = await clientFor(pair);
        await client.send(
          new PutObjectCommand({
            Bucket,
            Key,
            Body,
            ExpectedBucketOwner: pair.accountId,
            ContentType: 'application/x-ndjson',
            ...under(kmsKeyArn),
          }),
        );
      }),

    copyToVault: (pair, Bucket, { key, versionId }, Key, kmsKeyArn) =>
      awsCall('s3:CopyObject', async () => {
        const client = await clientFor(pair);
        try {
          await client.send(
            new CopyObjectCommand({
              Bucket,
              Key,
              CopySource: `${Bucket}/${encodeURIComponent(key)}?versionId=${encodeURIComponent(versionId)}`,
              ExpectedBucketOwner: pair.accountId,
              ExpectedSourceBucketOwner: pair.accountId,
              // Bedrock's objects have no tags, and reading them would take another permission.
              TaggingDirective: 'REPLACE',
              ...under(kmsKeyArn),
            }),
          );
          return true;
        } catch (error) {
          if (isNamed(error, 'NoSuchKey') || isNamed(error, 'NoSuchVersion')) return false;
          throw error;
        }
      }),

    readOrMakeKey: (pair, Bucket, Key, fresh, kmsKeyArn) =>
      awsCall('s3:PutObject', async () => {
        const client = await clientFor(pair);
        const place = { Bucket, Key, ExpectedBucketOwner: pair.accountId };
        const there = await readText(client, place);
        if (there !== undefined) return there;
        try {
          await client.send(
            new PutObjectCommand({ ...place, Body: fresh, IfNoneMatch: '*', ...under(kmsKeyArn) }),
          );
          return fresh;
        } catch (error) {
          // Another run made it meanwhile.
          if (!isNamed(error, 'PreconditionFailed') && !isNamed(error, 'ConditionalRequestConflict'))
            throw error;
          return required(await readText(client, place), 'Body');
        }
      }),
  };
}
