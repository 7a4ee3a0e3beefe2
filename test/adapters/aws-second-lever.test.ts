import { DisableKeyCommand, KMSClient, ScheduleKeyDeletionCommand } from '@aws-sdk/client-kms';
import { GetBucketPolicyCommand, PutBucketPolicyCommand, S3Client } from '@aws-sdk/client-s3';
import { mockClient } from 'aws-sdk-client-mock';
import { afterEach, expect, it } from 'vitest';
import type { MemberRoles } from '../../src/adapters/aws/roles.ts';
import { awsSecondLever } from '../../src/adapters/aws/second-lever.ts';
import { accountId, region } from '../../src/core/index.ts';

const PAIR = { accountId: accountId('222222222222'), region: region('eu-central-1') };
const [s3, kms] = [mockClient(S3Client), mockClient(KMSClient)];
afterEach(() => {
  s3.reset();
  kms.reset();
});
const acts: string[] = [];
const roles = {
  settingsFor: async (act: string) => {
    acts.push(act);
    return { region: PAIR.region, credentials: { accessKeyId: 'a', secretAccessKey: 'b' } };
  },
} as unknown as MemberRoles;
const lever = awsSecondLever(roles);
const named = (name: string, status: number) =>
  Object.assign(new Error(name), { name, $metadata: { httpStatusCode: status } });

it('adds a denial to the policy that is there, in the bucket of this account, by its own role', async () => {
  s3.on(GetBucketPolicyCommand).resolves({
    Policy: '{"Version":"2012-10-17","Statement":[{"Sid":"Others"}]}',
  });
  s3.on(PutBucketPolicyCommand).resolves({});
  await lever.denyBucket(PAIR, 'b', 'p/');
  const [put] = s3.commandCalls(PutBucketPolicyCommand);
  const { Policy, ...input } = put?.args[0].input ?? { Policy: '' };
  expect(input).toEqual({ Bucket: 'b', ExpectedBucketOwner: PAIR.accountId });
  expect(JSON.parse(Policy ?? '')).toMatchObject({ Statement: [{ Sid: 'Others' }, { Effect: 'Deny' }] });
  expect(acts).toEqual(['second-lever']);
});

it('a policy that cannot be read is not overwritten, and one that is not there is no fault', async () => {
  s3.on(PutBucketPolicyCommand).resolves({});
  s3.on(GetBucketPolicyCommand).rejects(named('AccessDenied', 403));
  await expect(lever.denyBucket(PAIR, 'b', 'p/')).rejects.toMatchObject({ code: 'access-denied' });
  expect(s3.commandCalls(PutBucketPolicyCommand)).toHaveLength(0);
  s3.on(GetBucketPolicyCommand).rejects(named('NoSuchBucketPolicy', 404));
  await lever.denyBucket(PAIR, 'b', 'p/');
  expect(s3.commandCalls(PutBucketPolicyCommand)).toHaveLength(1);
});

it('disables the key, and translates a refusal', async () => {
  kms.on(DisableKeyCommand).resolvesOnce({}).rejects(named('AccessDeniedException', 400));
  await lever.disableKey(PAIR, 'k');
  expect(kms.commandCalls(DisableKeyCommand)[0]?.args[0].input).toEqual({ KeyId: 'k' });
  await expect(lever.disableKey(PAIR, 'k')).rejects.toMatchObject({ code: 'access-denied' });
});

it('schedules the deletion of a key, once however often it is asked', async () => {
  kms
    .on(ScheduleKeyDeletionCommand)
    .resolvesOnce({})
    .rejectsOnce(
      Object.assign(new Error('arn:k is pending deletion.'), {
        name: 'KMSInvalidStateException',
        $metadata: { httpStatusCode: 400 },
      }),
    )
    .rejects(named('AccessDeniedException', 400));
  await lever.scheduleKeyDeletion(PAIR, 'k', 7);
  expect(kms.commandCalls(ScheduleKeyDeletionCommand)[0]?.args[0].input).toEqual({
    KeyId: 'k',
    PendingWindowInDays: 7,
  });
  await lever.scheduleKeyDeletion(PAIR, 'k', 7);
  await expect(lever.scheduleKeyDeletion(PAIR, 'k', 7)).rejects.toMatchObject({ code: 'access-denied' });
});
