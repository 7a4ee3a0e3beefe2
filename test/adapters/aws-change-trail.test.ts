import { CloudTrailClient, LookupEventsCommand } from '@aws-sdk/client-cloudtrail';
import { mockClient } from 'aws-sdk-client-mock';
import { afterEach, expect, it } from 'vitest';
import { cloudTrailChanges } from '../../src/adapters/aws/change-trail.ts';
import type { MemberRoles } from '../../src/adapters/aws/roles.ts';
import { accountId, epochMs, region } from '../../src/core/index.ts';

/* Events of the shape of AWS's guide (CloudTrail record contents); never seen from AWS itself. */

const PAIR = { accountId: accountId('222222222222'), region: region('eu-central-1') };
const AT = epochMs(1_800_000_000_000);
const trail = mockClient(CloudTrailClient);
afterEach(() => trail.reset());
const acts: string[] = [];
const changes = cloudTrailChanges(
  {
    settingsFor: async (act: string) => {
      acts.push(act);
      return { region: PAIR.region, credentials: { accessKeyId: 'a', secretAccessKey: 'b' } };
    },
  } as unknown as MemberRoles,
  { now: () => AT },
);
const PUT = 'PutModelInvocationLoggingConfiguration';
const DELETE = 'DeleteModelInvocationLoggingConfiguration';
const event = (name: string, at: number, more: object) => ({
  EventName: name,
  EventTime: new Date(at),
  CloudTrailEvent: JSON.stringify({
    eventSource: 'bedrock.amazonaws.com',
    eventName: name,
    userIdentity: { type: 'AssumedRole', arn: 'arn:aws:sts::222222222222:assumed-role/Dev/kim' },
    ...more,
  }),
});

it('reads every page of both calls, oldest first, and leaves out what was refused or cannot be read', async () => {
  trail
    .on(LookupEventsCommand)
    .callsFake(
      ({
        LookupAttributes,
        NextToken,
      }: {
        LookupAttributes: { AttributeValue: string }[];
        NextToken?: string;
      }) =>
        LookupAttributes[0]?.AttributeValue === DELETE
          ? { Events: [event(DELETE, 3_000, {})] }
          : NextToken === undefined
            ? {
                Events: [
                  event(PUT, 5_000, { userAgent: 'HashiCorp Terraform/1.9 aws-sdk-go-v2' }),
                  event(PUT, 4_500, { errorCode: 'AccessDenied' }),
                  { EventTime: new Date(4_400), CloudTrailEvent: 'not json' },
                ],
                NextToken: 'more',
              }
            : {
                Events: [
                  event(PUT, 1_000, {
                    userIdentity: {
                      arn: 'arn:aws:sts::222222222222:assumed-role/Fix/x',
                      invokedBy: 'ssm.amazonaws.com',
                    },
                  }),
                  event(PUT, 900, { userIdentity: { arn: 'not an arn \u001b[2J' } }),
                ],
              },
    );
  const seen = await changes.whoChanged(PAIR, 'invocation-logging', epochMs(500));
  expect(seen.kind === 'observed' && seen.value).toEqual([
    {
      at: 1_000,
      call: PUT,
      by: 'arn:aws:sts::222222222222:assumed-role/Fix/x',
      through: 'ssm.amazonaws.com',
    },
    { at: 3_000, call: DELETE, by: 'arn:aws:sts::222222222222:assumed-role/Dev/kim' },
    {
      at: 5_000,
      call: PUT,
      by: 'arn:aws:sts::222222222222:assumed-role/Dev/kim',
      through: 'terraform, by its own word',
    },
  ]);
  expect(acts).toEqual(['collect']);
  expect(trail.commandCalls(LookupEventsCommand)[0]?.args[0].input.StartTime).toEqual(new Date(500));
});

it('what is denied is unobservable, not an empty answer', async () => {
  trail
    .on(LookupEventsCommand)
    .rejects(
      Object.assign(new Error('x'), { name: 'AccessDeniedException', $metadata: { httpStatusCode: 400 } }),
    );
  expect(await changes.whoChanged(PAIR, 'data-retention', AT)).toMatchObject({
    kind: 'unobservable',
    reason: 'access-denied',
  });
});
