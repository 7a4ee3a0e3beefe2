import type { EventRule, MetricAlarm, MetricFilter, Trail } from '../evidence/index.ts';
import { ABSENT, type KnownEvent, matchEventPattern } from './event-pattern.ts';
import { matchMetricFilter } from './metric-filter.ts';
import { managementCoverage } from './trail-coverage.ts';
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

/** Metric filters and alarms of one account and Region: a filter's metric is in the Region of its log group. */
export interface FilterPlace {
  readonly accountId: string;
  readonly region: string;
  readonly filters: readonly MetricFilter[];
  readonly alarms: readonly MetricAlarm[];
}

/**
 * Whether a metric filter counts the event of a successful call and an alarm on its metric tells somebody. The filter must be on the log
 * group of a trail that records the call: on another group it waits for events that never come.
 *
 * @param trails - those that can record events of the Region in which the call is made; undefined: they were not seen
 */
export function isWatchedByMetric(
  { accountId, region, filters, alarms }: FilterPlace,
  call: WatchedCall,
  calledIn: string,
  trails: readonly Trail[] | undefined,
): Truth {
  const { eventSource, eventName } = call;
  return anyOf(
    filters.map(({ pattern, metrics, logGroupName }): Truth => {
      const isAlarmed = metrics.some((metric) => hasAlarm(alarms, metric.namespace, metric.name));
      if (!isAlarmed) return 'false';
      // The empty pattern counts every record of whatever group it is on: it says nothing of this call.
      if (pattern.trim() === '') return 'false';
      const counts = matchMetricFilter(pattern, {
        eventSource,
        eventName,
        errorCode: null,
        errorMessage: null,
      });
      if (counts === 'false') return 'false';
      const group = `:logs:${region}:${accountId}:log-group:${logGroupName}`;
      const isDelivered: Truth =
        trails === undefined
          ? 'unknown'
          : anyOf(
              trails.map((trail) =>
                allOf([recordsCall(trail, call, calledIn), delivers(trail, (arn) => arn.endsWith(group))]),
              ),
            );
      return allOf([counts, isDelivered]);
    }),
  );
}

/** Trails that deliver the call's event to a log group of another account, whose filters this account's evidence does not have. */
export const deliversElsewhere = (
  trails: readonly Trail[],
  call: WatchedCall,
  calledIn: string,
  accountId: string,
): readonly string[] =>
  trails
    .filter(
      (trail) =>
        allOf([
          recordsCall(trail, call, calledIn),
          delivers(trail, (arn) => arn.split(':')[4] !== accountId),
        ]) !== 'false' && typeof trail.logGroupArn === 'string',
    )
    .map(({ logGroupArn }) => logGroupArn ?? '');

function recordsCall(trail: Trail, { eventSource, onlyIn }: WatchedCall, calledIn: string): Truth {
  const isGlobal = onlyIn !== undefined;
  return allOf([
    managementCoverage(trail, calledIn, eventSource).writes,
    isGlobal && !trail.includesGlobalServiceEvents ? 'false' : 'true',
  ]);
}

/** AWS writes the ARN of the group with `:*` at its end. */
function delivers({ logGroupArn, logGroupError }: Trail, isIt: (arn: string) => boolean): Truth {
  if (logGroupArn === undefined) return 'unknown';
  if (logGroupArn === null || !isIt(logGroupArn.replace(/:\*$/, ''))) return 'false';
  // The last delivery failed; whether those after it did is not told.
  return logGroupError === undefined ? 'true' : 'unknown';
}

export const hasAlarm = (alarms: readonly MetricAlarm[], namespace: string, name: string): boolean =>
  alarms.some(
    ({ isTelling, metrics }) =>
      isTelling && metrics.some((metric) => metric.namespace === namespace && metric.name === name),
  );
