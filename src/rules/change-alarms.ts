import type { EventRule, MetricAlarm, MetricFilter } from '../evidence/index.ts';
import { ABSENT, type KnownEvent, matchEventPattern } from './event-pattern.ts';
import { matchMetricFilter } from './metric-filter.ts';
import { allOf, anyOf } from './truth.ts';
import type { Truth } from './types.ts';

/** A call that somebody should hear of. */
export interface WatchedCall {
  /** `bedrock.amazonaws.com`. */
  readonly eventSource: string;
  readonly eventName: string;
  /** The only Region in which its event appears; absent: where the call is made. */
  readonly onlyIn?: string;
}

/** What starts, hides or prolongs the storage of prompts, or opens a way in that no session names. IAM's events appear in us-east-1 alone. */
export const WATCHED_CALLS: readonly WatchedCall[] = [
  { eventSource: 'bedrock.amazonaws.com', eventName: 'PutModelInvocationLoggingConfiguration' },
  { eventSource: 'bedrock.amazonaws.com', eventName: 'DeleteModelInvocationLoggingConfiguration' },
  { eventSource: 'bedrock.amazonaws.com', eventName: 'PutAccountDataRetention' },
  { eventSource: 'bedrock.amazonaws.com', eventName: 'UpdateGuardrail' },
  { eventSource: 'cloudtrail.amazonaws.com', eventName: 'StopLogging' },
  { eventSource: 'cloudtrail.amazonaws.com', eventName: 'DeleteTrail' },
  { eventSource: 'kms.amazonaws.com', eventName: 'ScheduleKeyDeletion' },
  { eventSource: 'iam.amazonaws.com', eventName: 'CreateServiceSpecificCredential', onlyIn: 'us-east-1' },
];

/** Whether an enabled rule of the Region's default bus sends the event of a successful call to somebody. */
export function isWatchedByRule(
  rules: readonly EventRule[],
  { eventSource, eventName }: WatchedCall,
  accountId: string,
  region: string,
): Truth {
  const event: KnownEvent = {
    version: '0',
    source: `aws.${eventSource.split('.')[0]}`,
    'detail-type': 'AWS API Call via CloudTrail',
    account: accountId,
    region,
    detail: {
      eventSource,
      eventName,
      awsRegion: region,
      recipientAccountId: accountId,
      eventType: 'AwsApiCall',
      managementEvent: true,
      readOnly: false,
      eventCategory: 'Management',
      errorCode: ABSENT,
      errorMessage: ABSENT,
    },
  };
  return anyOf(
    rules
      .filter(({ state, targets }) => ENABLED.has(state) && targets.length > 0)
      .map(({ eventPattern }) => matchEventPattern(eventPattern, event)),
  );
}

const ENABLED: ReadonlySet<string> = new Set(['ENABLED', 'ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS']);

/** Whether a metric filter counts the event of a successful call and an alarm on its metric tells somebody. */
export function isWatchedByMetric(
  filters: readonly MetricFilter[],
  alarms: readonly MetricAlarm[],
  { eventSource, eventName }: WatchedCall,
): Truth {
  return anyOf(
    filters.map(({ pattern, metrics }) => {
      const isAlarmed = metrics.some((metric) => hasAlarm(alarms, metric.namespace, metric.name));
      if (!isAlarmed) return 'false';
      // The empty pattern counts every record of whatever group it is on: it says nothing of this call.
      if (pattern.trim() === '') return 'false';
      return allOf([
        matchMetricFilter(pattern, { eventSource, eventName, errorCode: null, errorMessage: null }),
      ]);
    }),
  );
}

export const hasAlarm = (alarms: readonly MetricAlarm[], namespace: string, name: string): boolean =>
  alarms.some(
    ({ isTelling, metrics }) =>
      isTelling && metrics.some((metric) => metric.namespace === namespace && metric.name === name),
  );
