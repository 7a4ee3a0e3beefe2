import {
  CreateScheduleCommand,
  DeleteScheduleCommand,
  GetScheduleCommand,
  type GetScheduleCommandOutput,
  SchedulerClient,
} from '@aws-sdk/client-scheduler';
import { canonicalJson, hashOf, MINUTE, parseInstant } from '../../core/index.ts';
import type { OneTimeSchedule, Schedules } from '../../enforcement/index.ts';
import { AwsCallError } from '../../exceptions/index.ts';
import { awsCall, isNamed } from './call.ts';
import type { HomeSettings } from './home-settings.ts';
import { MalformedAnswer, required } from './observe.ts';

export interface ScheduleSettings {
  readonly groupName: string;
  /** The function `deadMansSwitch`. */
  readonly targetArn: string;
  /** The role with which EventBridge Scheduler invokes it. */
  readonly roleArn: string;
  /** A standard SQS queue: gets what could not be delivered in 24 hours. */
  readonly deadLetterArn: string;
}

/** The most that EventBridge Scheduler gives; after that the event is in the dead-letter queue, which is alarmed. */
const RETRIES = { MaximumRetryAttempts: 185, MaximumEventAgeInSeconds: 86_400 };

/** One-time schedules in EventBridge Scheduler: UTC, no flexible window, deleted after they fired. */
export function awsSchedules(settings: HomeSettings, schedules: ScheduleSettings): Schedules {
  const client = new SchedulerClient(settings);
  const { groupName, targetArn, roleArn, deadLetterArn } = schedules;

  const get = (name: string): Promise<OneTimeSchedule | undefined> =>
    awsCall('scheduler:GetSchedule', async () => {
      try {
        const found = await client.send(new GetScheduleCommand({ Name: name, GroupName: groupName }));
        return readBack(name, found, schedules);
      } catch (error) {
        if (isNamed(error, 'ResourceNotFoundException')) return undefined;
        throw error;
      }
    });

  return {
    get,
    async create(schedule) {
      if (schedule.at % MINUTE !== 0)
        throw new AwsCallError(
          'validation',
          `the schedule \`${schedule.name}\` is not at a whole minute`,
          false,
        );
      await awsCall('scheduler:CreateSchedule', async () => {
        try {
          await client.send(
            new CreateScheduleCommand({
              Name: schedule.name,
              GroupName: groupName,
              ClientToken: hashOf(schedule),
              ScheduleExpression: `at(${new Date(schedule.at).toISOString().slice(0, 19)})`,
              ScheduleExpressionTimezone: 'UTC',
              FlexibleTimeWindow: { Mode: 'OFF' },
              ActionAfterCompletion: 'DELETE',
              Target: {
                Arn: targetArn,
                RoleArn: roleArn,
                Input: canonicalJson(schedule.payload),
                RetryPolicy: RETRIES,
                DeadLetterConfig: { Arn: deadLetterArn },
              },
            }),
          );
        } catch (error) {
          if (!isNamed(error, 'ConflictException')) throw error;
          const before = await get(schedule.name);
          if (before !== undefined && canonicalJson(before) === canonicalJson(schedule)) return;
          throw new AwsCallError(
            'validation',
            `scheduler:CreateSchedule was not accepted: a schedule \`${schedule.name}\` with other content exists`,
            false,
          );
        }
      });
    },
    delete: (name) =>
      awsCall('scheduler:DeleteSchedule', async () => {
        try {
          await client.send(new DeleteScheduleCommand({ Name: name, GroupName: groupName }));
        } catch (error) {
          if (!isNamed(error, 'ResourceNotFoundException')) throw error;
        }
      }),
  };
}

/**
 * The schedule as AWS keeps it. Everything that could keep it from firing in time is looked at: a switch that is disabled, flexible or
 * aimed elsewhere is not armed.
 * @throws MalformedAnswer when it is not one that we would create
 */
function readBack(
  name: string,
  found: GetScheduleCommandOutput,
  { targetArn, roleArn, deadLetterArn }: ScheduleSettings,
): OneTimeSchedule {
  const expression = /^at\((\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})\)$/.exec(
    found.ScheduleExpression ?? '',
  )?.[1];
  const at = parseInstant(`${expression ?? ''}Z`);
  if (!at.ok || at.value % MINUTE !== 0) throw new MalformedAnswer('ScheduleExpression is not one of ours');
  const wrong = [
    found.ScheduleExpressionTimezone !== 'UTC' && 'ScheduleExpressionTimezone',
    found.State !== undefined && found.State !== 'ENABLED' && 'State',
    found.FlexibleTimeWindow?.Mode !== 'OFF' && 'FlexibleTimeWindow',
    found.Target?.Arn !== targetArn && 'Target.Arn',
    found.Target?.RoleArn !== roleArn && 'Target.RoleArn',
    found.Target?.DeadLetterConfig?.Arn !== deadLetterArn && 'Target.DeadLetterConfig',
  ].filter((field) => field !== false);
  if (wrong.length > 0) throw new MalformedAnswer(`${wrong.join(', ')} of \`${name}\` is not as created`);
  return {
    name,
    at: at.value,
    target: 'deadMansSwitch',
    payload: JSON.parse(required(found.Target?.Input, 'Target.Input')) as OneTimeSchedule['payload'],
  };
}
