import { CopyObjectCommand, S3Client } from '@aws-sdk/client-s3';
import type { Clock } from '../../core/index.ts';
import type { VaultCopies } from '../../enforcement/index.ts';
import { AwsCallError } from '../../exceptions/index.ts';
import { contentBuckets } from './buckets.ts';
import { awsCall } from './call.ts';
import { s3Addressing } from './home-settings.ts';
import type { MemberRoles } from './roles.ts';

/**
 * Copies within S3, by the role that exists for this alone. One call copies up to 5 GB (*Amazon S3 User Guide*, Copying, moving, and renaming
 * objects); what is larger fails, is told, and keeps the purge waiting.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
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
  };
}
