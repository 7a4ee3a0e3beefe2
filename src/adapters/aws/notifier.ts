import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { formatInstant } from '../../core/index.ts';
import { AwsCallError, type Notifier } from '../../exceptions/index.ts';
import { awsCall } from './call.ts';
import type { HomeSettings } from './home-settings.ts';

/**
 * Amazon EventBridge: one event for each notification, `source` `proviso`, `detail-type` the kind of event; rules on the bus bring it to people
 * (docs/notifications.md). PutEvents answers 200 also where it took nothing, so the count of failed entries decides.
 *
 * @see https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
 */
export function eventBridgeNotifier(settings: HomeSettings, eventBusName: string): Notifier {
  const client = new EventBridgeClient(settings);
  return {
    notify: (notification) =>
      awsCall('events:PutEvents', async () => {
        const { at, until, ...rest } = notification;
        const detail = {
          ...rest,
          at: formatInstant(at),
          ...(until === undefined ? {} : { until: formatInstant(until) }),
        };
        const answer = await client.send(
          new PutEventsCommand({
            Entries: [
              {
                EventBusName: eventBusName,
                Source: 'proviso',
                DetailType: notification.type,
                Time: new Date(at),
                Detail: JSON.stringify(detail),
              },
            ],
          }),
        );
        const [entry] = answer.Entries ?? [];
        if (answer.FailedEntryCount !== 0 || entry?.EventId === undefined)
          throw new AwsCallError(
            'failed',
            `events:PutEvents took no event: ${entry?.ErrorCode ?? 'no code'}`,
            false,
          );
      }),
  };
}
