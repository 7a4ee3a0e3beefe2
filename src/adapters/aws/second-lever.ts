import { DisableKeyCommand, KMSClient, ScheduleKeyDeletionCommand } from '@aws-sdk/client-kms';
import { GetBucketPolicyCommand, PutBucketPolicyCommand, S3Client } from '@aws-sdk/client-s3';
import { type SecondLever, withDenial } from '../../enforcement/index.ts';
import { awsCall, isNamed } from './call.ts';
import { s3Addressing } from './home-settings.ts';
import type { MemberRoles } from './roles.ts';

/** The bucket policy and the key of a destination, by the role that exists for this alone. */
export const awsSecondLever = (roles: MemberRoles): SecondLever => ({
  denyBucket: (pair, Bucket, keyPrefix) =>
    awsCall('s3:PutBucketPolicy', async () => {
      const client = new S3Client({ ...(await roles.settingsFor('second-lever', pair)), ...s3Addressing() });
      const owned = { Bucket, ExpectedBucketOwner: pair.accountId };
      let policy: string | undefined;
      try {
        policy = (await client.send(new GetBucketPolicyCommand(owned))).Policy;
      } catch (error) {
        if (!isNamed(error, 'NoSuchBucketPolicy')) throw error;
      }
      await client.send(
        new PutBucketPolicyCommand({ ...owned, Policy: withDenial(policy, Bucket, keyPrefix, pair.region) }),
      );
    }),
  disableKey: (pair, KeyId) =>
    awsCall('kms:DisableKey', async () => {
      const client = new KMSClient(await roles.settingsFor('second-lever', pair));
      await client.send(new DisableKeyCommand({ KeyId }));
    }),
  scheduleKeyDeletion: (pair, KeyId, PendingWindowInDays) =>
    awsCall('kms:ScheduleKeyDeletion', async () => {
      const client = new KMSClient(await roles.settingsFor('second-lever', pair));
      try {
        await client.send(new ScheduleKeyDeletionCommand({ KeyId, PendingWindowInDays }));
      } catch (error) {
        // Asked before, by a process that died before it could say so. [unverified: key-deletion-twice]
        const isPending =
          isNamed(error, 'KMSInvalidStateException') &&
          error instanceof Error &&
          /pending deletion/i.test(error.message);
        if (!isPending) throw error;
      }
    }),
});
