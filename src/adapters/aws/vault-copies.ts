import { CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { CopyObjectCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import type { Clock } from '../../core/index.ts';
import type { VaultCopies } from '../../enforcement/index.ts';
import { AwsCallError } from '../../exceptions/index.ts';
import { contentBuckets } from './buckets.ts';
import { awsCall, isNamed } from './call.ts';
import { s3Addressing } from './home-settings.ts';
import { MalformedAnswer, required } from './observe.ts';
import type { MemberRoles } from './roles.ts';

/**
 * Copies within S3, by the role that exists for this alone. One call copies up to 5 GB (*Amazon S3 User Guide*, Copying, moving, and renaming
 * objects); what is larger fails, is told, and keeps the purge waiting. Events of log groups are read by FilterLogEvents, which reads every stream, also one
 * that appears late, and needs no list of them. A data protection policy of a log group or of the account masks what it finds for everybody who does not ask for clear text and
 * may (*Amazon CloudWatch Logs User Guide*, Help protect sensitive log data with masking): the events are deleted afterwards, so a masked copy would be
 * the only one. Clear text is asked for always, and who is refused it copies nothing [unverified: held-clear-text].
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
 * @see https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
 */
export function awsVaultCopies(roles: MemberRoles, clock: Clock): VaultCopies {
  const clientFor = async (pair: Parameters<VaultCopies['listVersions']>[0]) =>
    new S3Client({ ...(await roles.settingsFor('hold', pair)), ...s3Addressing() });
  return {
    listVersions: contentBuckets(roles, clock, 'hold').listVersions,
    copyVersion: (pair, { bucketName, version: { key, versionId } }, to) =>
      awsCall('s3:CopyObject', async () => {
        const source = `${bucketName}/${key.split('/').map(encodeURIComponent).join('/')}`;
        const isPlain = versionId === 'null';
        const answer = await (await clientFor(pair)).send(
          new CopyObjectCommand({
            Bucket: to.bucketName,
            Key: to.key,
            CopySource: isPlain ? source : `${source}?versionId=${encodeURIComponent(versionId)}`,
            ExpectedBucketOwner: pair.accountId,
            ExpectedSourceBucketOwner: pair.accountId,
            ServerSideEncryption: 'aws:kms',
            SSEKMSKeyId: to.kmsKeyArn,
          }),
        );
        // Without a version S3 copies the youngest: where versions were switched on since, that is another one.
        if ((answer.CopySourceVersionId ?? 'null') !== versionId)
          throw new AwsCallError('failed', 's3:CopyObject copied another version than was asked for', true);
        if (answer.SSEKMSKeyId !== undefined && answer.SSEKMSKeyId !== to.kmsKeyArn)
          throw new AwsCallError(
            'failed',
            's3:CopyObject encrypted with another key than was asked for',
            true,
          );
      }),

    readEvents: (pair, logGroupName, { from, to }, token) =>
      awsCall('logs:FilterLogEvents', async () => {
        const client = new CloudWatchLogsClient(await roles.settingsFor('hold', pair));
        try {
          const page = await client.send(
            new FilterLogEventsCommand({
              logGroupName,
              unmask: true,
              startTime: from,
              // CloudWatch Logs gives what is of this millisecond too.
              ...(to === undefined ? {} : { endTime: to - 1 }),
              ...(token === undefined ? {} : { nextToken: token }),
            }),
          );
          return {
            events: (page.events ?? []).map((event) => ({
              eventId: required(event.eventId, 'events.eventId'),
              streamName: required(event.logStreamName, 'events.logStreamName'),
              timestamp: instant(event.timestamp, 'events.timestamp'),
              ingestionTime: instant(event.ingestionTime, 'events.ingestionTime'),
              message: event.message ?? '',
            })),
            ...(page.nextToken === undefined || page.nextToken === '' ? {} : { next: page.nextToken }),
          };
        } catch (error) {
          if (isNamed(error, 'ResourceNotFoundException')) return undefined;
          throw error;
        }
      }),

    writePart: (pair, { bucketName, key, kmsKeyArn }, body) =>
      awsCall('s3:PutObject', async () => {
        await (await clientFor(pair)).send(
          new PutObjectCommand({
            Bucket: bucketName,
            Key: key,
            Body: body,
            ExpectedBucketOwner: pair.accountId,
            ContentType: 'application/x-ndjson',
            ServerSideEncryption: 'aws:kms',
            SSEKMSKeyId: kmsKeyArn,
          }),
        );
      }),

    readPart: (pair, Bucket, Key) =>
      awsCall('s3:GetObject', async () => {
        try {
          const { Body } = await (await clientFor(pair)).send(
            new GetObjectCommand({ Bucket, Key, ExpectedBucketOwner: pair.accountId }),
          );
          return await required(Body, 'Body').transformToByteArray();
        } catch (error) {
          if (isNamed(error, 'NoSuchKey')) return undefined;
          throw error;
        }
      }),
  };
}

/** Milliseconds that a date can be made of. */
function instant(value: number | undefined, field: string): number {
  const at = required(value, field);
  if (!Number.isSafeInteger(at) || at < 0 || at > LAST_INSTANT)
    throw new MalformedAnswer(`${field} is no time`);
  return at;
}
/** The end of the year 9999. */
const LAST_INSTANT = 253_402_300_799_999;
