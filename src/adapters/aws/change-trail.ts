import { CloudTrailClient, LookupEventsCommand } from '@aws-sdk/client-cloudtrail';
import * as z from 'zod';
import { type Clock, epochMs } from '../../core/index.ts';
import type { ChangeTrail, SettingChange, SettingName } from '../../enforcement/index.ts';
import { observe } from './observe.ts';
import { allPages } from './pages.ts';
import type { MemberRoles } from './roles.ts';

const CALLS: Readonly<Record<SettingName, readonly string[]>> = {
  'invocation-logging': [
    'PutModelInvocationLoggingConfiguration',
    'DeleteModelInvocationLoggingConfiguration',
  ],
  'data-retention': ['PutAccountDataRetention'],
};

/** The fields of a CloudTrail record that are read (*CloudTrail record contents*). */
const recordSchema = z.object({
  eventSource: z.string(),
  eventName: z.string(),
  errorCode: z.string().optional(),
  userAgent: z.string().optional(),
  userIdentity: z.object({
    arn: z.string().optional(),
    invokedBy: z.string().optional(),
    principalId: z.string().optional(),
  }),
});

/** A name that the caller gives itself; only the tools that people look for. */
const TOOL = /\b(terraform|opentofu|pulumi|cloud-custodian|custodian|aws-cdk|cloudformation|ssm|config)\b/i;

/** Nothing of a record goes further than this: user agents and sessions are text of strangers. */
const ARN = /^arn:aws(-[a-z]+)*:(iam|sts)::[0-9]{12}:[\w+=,.@/-]{1,600}$/;
const SERVICE = /^[a-z0-9.-]{1,100}$/i;

/**
 * CloudTrail's event history of the pair's own Region: the last 90 days of management events, kept in every account without a trail. One
 * call a name, as LookupEvents takes one attribute; two a second are allowed for an account and Region.
 * @see https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html
 */
export const cloudTrailChanges = (roles: MemberRoles, clock: Clock): ChangeTrail => ({
  whoChanged: (pair, setting, since) =>
    observe(clock, { call: 'cloudtrail:LookupEvents', ...pair }, async () => {
      const client = new CloudTrailClient(await roles.settingsFor('collect', pair));
      const found: SettingChange[] = [];
      for (const call of CALLS[setting]) {
        const events = await allPages(async (NextToken) => {
          const page = await client.send(
            new LookupEventsCommand({
              StartTime: new Date(since),
              LookupAttributes: [{ AttributeKey: 'EventName', AttributeValue: call }],
              ...(NextToken === undefined ? {} : { NextToken }),
            }),
          );
          return { items: page.Events, next: page.NextToken };
        });
        for (const { EventTime, CloudTrailEvent } of events) {
          const by = callerIn(CloudTrailEvent, call);
          if (EventTime !== undefined && by !== undefined)
            found.push({ at: epochMs(EventTime.getTime()), call, ...by });
        }
      }
      return found.sort((a, b) => a.at - b.at);
    }),
});

/** Who called, of a call that AWS did not refuse; undefined for what cannot be read or named. */
function callerIn(text: string | undefined, call: string): Pick<SettingChange, 'by' | 'through'> | undefined {
  let parsed: ReturnType<typeof recordSchema.safeParse>;
  try {
    parsed = recordSchema.safeParse(JSON.parse(text ?? ''));
  } catch {
    return undefined;
  }
  if (!parsed.success || parsed.data.errorCode !== undefined || parsed.data.eventName !== call)
    return undefined;
  if (parsed.data.eventSource !== 'bedrock.amazonaws.com') return undefined;
  const { userIdentity, userAgent } = parsed.data;
  const service =
    userIdentity.invokedBy !== undefined && SERVICE.test(userIdentity.invokedBy)
      ? userIdentity.invokedBy
      : undefined;
  const by = userIdentity.arn !== undefined && ARN.test(userIdentity.arn) ? userIdentity.arn : service;
  if (by === undefined) return undefined;
  const tool = TOOL.exec(userAgent ?? '')?.[1]?.toLowerCase();
  const through = service ?? (tool === undefined ? undefined : `${tool}, by its own word`);
  return { by, ...(through === undefined ? {} : { through }) };
}
