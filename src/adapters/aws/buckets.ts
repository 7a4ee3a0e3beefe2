import {
  AbortMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketEncryptionCommand,
  GetBucketLocationCommand,
  GetBucketVersioningCommand,
  GetObjectLockConfigurationCommand,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import pMap from 'p-map';
import type { Clock } from '../../core/index.ts';
import type { Destinations, ObjectVersion, Pair, Upload } from '../../enforcement/index.ts';
import { AwsCallError, type BucketFacts } from '../../exceptions/index.ts';
import { awsCall, isNamed } from './call.ts';
import { s3Addressing } from './home-settings.ts';
import { MalformedAnswer, observe, required } from './observe.ts';
import { allPages } from './pages.ts';
import type { MemberAct, MemberRoles } from './roles.ts';

/** Of DeleteObjects. */
const DELETE_BATCH = 1000;
/** Calls about single keys in flight. */
const CONCURRENCY = 4;
/** Characters that a DeleteObjects request cannot hold; such a key is deleted by a call of its own, where it stands in the address. */
const NOT_IN_XML = /[\u0000-\u001f\ufffe\uffff]/;

/** Every call says whose bucket it must be: a name that somebody else has taken over meanwhile is refused by S3 itself. */
type BucketPorts = Pick<
  Destinations,
  'describeBucket' | 'listVersions' | 'listUploads' | 'deleteVersions' | 'abortUploads'
>;

/** S3 in the member accounts. Keys are asked for URL-encoded, because XML cannot carry every key. */
export function contentBuckets(
  roles: MemberRoles,
  clock: Clock,
  by: 'purge' | 'drain' | 'hold' = 'purge',
): BucketPorts {
  const clientFor = async (act: MemberAct, pair: Pair) =>
    new S3Client({
      ...(await roles.settingsFor(act, pair)),
      ...s3Addressing(),
    });

  return {
    describeBucket: (pair, Bucket) =>
      observe(clock, { call: BUCKET_CALLS, ...pair }, async () => {
        const client = await clientFor('collect', pair);
        return facts(client, { Bucket, ExpectedBucketOwner: pair.accountId }, pair);
      }),

    listVersions: (pair, Bucket, Prefix) =>
      awsCall('s3:ListObjectVersions', async () => {
        const client = await clientFor(by, pair);
        return allPages<ObjectVersion>(async (token) => {
          const marker = token === undefined ? {} : (JSON.parse(token) as VersionMarker);
          const page = await client.send(
            new ListObjectVersionsCommand({
              Bucket,
              Prefix,
              ExpectedBucketOwner: pair.accountId,
              EncodingType: 'url',
              ...marker,
            }),
          );
          const decoded = decoderOf(page);
          return {
            items: [
              ...(page.Versions ?? []).map((version) => ({
                ...identity(version, decoded),
                isDeleteMarker: false,
                bytes: required(version.Size, 'Versions.Size'),
              })),
              ...(page.DeleteMarkers ?? []).map((deleted) => ({
                ...identity(deleted, decoded),
                isDeleteMarker: true,
                bytes: 0,
              })),
            ],
            next: nextMarker(page.IsTruncated, {
              KeyMarker: decoded(page.NextKeyMarker),
              VersionIdMarker: page.NextVersionIdMarker,
            }),
          };
        });
      }),

    listUploads: (pair, Bucket, Prefix) =>
      awsCall('s3:ListMultipartUploads', async () => {
        const client = await clientFor(by, pair);
        return allPages<Upload>(async (token) => {
          const marker = token === undefined ? {} : (JSON.parse(token) as UploadMarker);
          const page = await client.send(
            new ListMultipartUploadsCommand({
              Bucket,
              Prefix,
              ExpectedBucketOwner: pair.accountId,
              EncodingType: 'url',
              ...marker,
            }),
          );
          const decoded = decoderOf(page);
          return {
            items: (page.Uploads ?? []).map((upload) => ({
              key: required(decoded(upload.Key), 'Uploads.Key'),
              uploadId: required(upload.UploadId, 'Uploads.UploadId'),
            })),
            next: nextMarker(page.IsTruncated, {
              KeyMarker: decoded(page.NextKeyMarker),
              UploadIdMarker: page.NextUploadIdMarker,
            }),
          };
        });
      }),

    deleteVersions: (pair, Bucket, versions) =>
      awsCall('s3:DeleteObjects', async () => {
        const client = await clientFor(by, pair);
        const inXml = versions.filter(({ key }) => !NOT_IN_XML.test(key));
        for (let from = 0; from < inXml.length; from += DELETE_BATCH) {
          const batch = inXml.slice(from, from + DELETE_BATCH);
          const { Errors = [] } = await client.send(
            new DeleteObjectsCommand({
              Bucket,
              ExpectedBucketOwner: pair.accountId,
              Delete: {
                Quiet: true,
                Objects: batch.map(({ key, versionId }) => ({ Key: key, VersionId: versionId })),
              },
            }),
          );
          // The call as a whole answers 200 even if not one version went.
          const kept = Errors.filter(({ Code }) => Code !== 'NoSuchVersion' && Code !== 'NoSuchKey');
          if (kept.length > 0) throw partlyDeleted(kept.length, batch.length, kept[0]?.Code);
        }
        await pMap(
          versions.filter(({ key }) => NOT_IN_XML.test(key)),
          async ({ key, versionId }) => {
            await client.send(
              new DeleteObjectCommand({
                Bucket,
                Key: key,
                VersionId: versionId,
                ExpectedBucketOwner: pair.accountId,
              }),
            );
          },
          { concurrency: CONCURRENCY },
        );
      }),

    abortUploads: (pair, Bucket, uploads) =>
      awsCall('s3:AbortMultipartUpload', async () => {
        const client = await clientFor(by, pair);
        await pMap(
          uploads,
          async ({ key, uploadId }) => {
            try {
              await client.send(
                new AbortMultipartUploadCommand({
                  Bucket,
                  Key: key,
                  UploadId: uploadId,
                  ExpectedBucketOwner: pair.accountId,
                }),
              );
            } catch (error) {
              if (!isNamed(error, 'NoSuchUpload')) throw error;
            }
          },
          { concurrency: CONCURRENCY },
        );
      }),
  };
}

const BUCKET_CALLS =
  's3:GetBucketLocation + s3:GetBucketVersioning + s3:GetObjectLockConfiguration + s3:GetBucketEncryption';

type Owned = { readonly Bucket: string; readonly ExpectedBucketOwner: string };

/** @returns undefined when no bucket of this name is in the account */
async function facts(client: S3Client, owned: Owned, pair: Pair): Promise<BucketFacts | undefined> {
  // Unlike HeadBucket this needs no right to list keys.
  const where = await absentAs(client.send(new GetBucketLocationCommand(owned)), 'NoSuchBucket');
  if (where === undefined) return undefined;
  const versioning = await client.send(new GetBucketVersioningCommand(owned));
  const lock = await absentAs(
    client.send(new GetObjectLockConfigurationCommand(owned)),
    'ObjectLockConfigurationNotFoundError',
  );
  const encryption = await absentAs(
    client.send(new GetBucketEncryptionCommand(owned)),
    'ServerSideEncryptionConfigurationNotFoundError',
  );
  const key = encryption?.ServerSideEncryptionConfiguration?.Rules?.[0]?.ApplyServerSideEncryptionByDefault;
  return {
    isInSameAccountAndRegion: locationOf(where.LocationConstraint) === pair.region,
    // Suspended versioning keeps the versions it has: for a purge that is versioned.
    isVersioned: versioning.Status !== undefined,
    hasObjectLock: lock?.ObjectLockConfiguration?.ObjectLockEnabled === 'Enabled',
    ...(key?.SSEAlgorithm?.startsWith('aws:kms') === true && key.KMSMasterKeyID !== undefined
      ? { kmsKeyArn: key.KMSMasterKeyID }
      : {}),
  };
}

/** The oldest Region has no name here, and Ireland has two. */
const locationOf = (constraint: string | undefined): string =>
  constraint === undefined || constraint === ''
    ? 'us-east-1'
    : constraint === 'EU'
      ? 'eu-west-1'
      : constraint;

async function absentAs<T>(answer: Promise<T>, ...names: readonly string[]): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (isNamed(error, ...names)) return undefined;
    throw error;
  }
}

interface VersionMarker {
  readonly KeyMarker?: string | undefined;
  readonly VersionIdMarker?: string | undefined;
}
interface UploadMarker {
  readonly KeyMarker?: string | undefined;
  readonly UploadIdMarker?: string | undefined;
}

/** @throws MalformedAnswer when more is announced without saying where it begins: a partial listing proves nothing */
function nextMarker(
  isTruncated: boolean | undefined,
  marker: VersionMarker & UploadMarker,
): string | undefined {
  if (isTruncated !== true) return undefined;
  if (marker.KeyMarker === undefined || marker.KeyMarker === '')
    throw new MalformedAnswer('IsTruncated without NextKeyMarker');
  return JSON.stringify(marker);
}

const identity = (
  version: { readonly Key?: string | undefined; readonly VersionId?: string | undefined },
  decoded: ReturnType<typeof decoderOf>,
) => ({
  key: required(decoded(version.Key), 'Versions.Key'),
  // Before versioning was switched on, and in buckets without it, the version is called `null`.
  versionId: version.VersionId ?? 'null',
});

/** The answer says whether it did encode. S3's `url` encoding is that of forms: a space is `+`. */
const decoderOf =
  (page: { readonly EncodingType?: string | undefined }) =>
  (text: string | undefined): string | undefined =>
    text === undefined || page.EncodingType !== 'url' ? text : decodeURIComponent(text.replaceAll('+', ' '));

function partlyDeleted(kept: number, asked: number, code: string | undefined): AwsCallError {
  const name = /^[A-Za-z]{1,60}$/.test(code ?? '') ? code : 'UnknownError';
  return new AwsCallError(
    name === 'AccessDenied' ? 'access-denied' : 'failed',
    `s3:DeleteObjects kept ${kept} of ${asked} versions: ${name}`,
    true,
  );
}
