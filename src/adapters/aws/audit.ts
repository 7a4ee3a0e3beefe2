import {
  CloudTrailClient,
  DescribeTrailsCommand,
  GetEventSelectorsCommand,
  type GetEventSelectorsCommandOutput,
  GetTrailStatusCommand,
} from '@aws-sdk/client-cloudtrail';
import {
  type MetricAlarm as AwsAlarm,
  CloudWatchClient,
  DescribeAlarmsCommand,
} from '@aws-sdk/client-cloudwatch';
import { CloudWatchLogsClient, DescribeMetricFiltersCommand } from '@aws-sdk/client-cloudwatch-logs';
import { EventBridgeClient, ListRulesCommand, ListTargetsByRuleCommand } from '@aws-sdk/client-eventbridge';
import pMap from 'p-map';
import type { Clock } from '../../core/index.ts';
import type { EventRule, MetricAlarm, SectionReaders, Trail, TrailSelectors } from '../../evidence/index.ts';
import type { RegionAccess } from './bedrock.ts';
import { clientOf } from './clients.ts';
import { abortable, required } from './observe.ts';
import { allPages } from './pages.ts';
import { regional } from './regional.ts';

/** Rules whose targets are listed at the same time; there is no call for all of them. */
const RULE_CONCURRENCY = 4;

/** Trails, event rules, metric filters and alarms of one account and Region: who records, and who is told. */
export function auditReaders(
  access: RegionAccess,
  clock: Clock,
): Pick<SectionReaders<'account-region'>, 'trails' | 'eventRules' | 'metricFilters' | 'metricAlarms'> {
  return {
    /** @see https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_DescribeTrails.html */
    trails: (place, { signal } = {}) =>
      regional(clock, 'cloudtrail:DescribeTrails', place, async () => {
        const client = clientOf(CloudTrailClient, await access.settingsFor(place.accountId, place.region));
        const { trailList } = await client.send(
          // Shadows are the trails of other Regions, and of the organization, that follow this Region.
          new DescribeTrailsCommand({ includeShadowTrails: true }),
          abortable(signal),
        );
        return pMap(
          required(trailList, 'trailList'),
          async (trail): Promise<Trail> => {
            const arn = required(trail.TrailARN, 'trailList.TrailARN');
            const [status, selectors] = await Promise.all([
              orNothing(
                () => client.send(new GetTrailStatusCommand({ Name: arn }), abortable(signal)),
                signal,
              ),
              orNothing(
                () => client.send(new GetEventSelectorsCommand({ TrailName: arn }), abortable(signal)),
                signal,
              ),
            ]);
            return {
              arn,
              homeRegion: required(trail.HomeRegion, 'trailList.HomeRegion'),
              isMultiRegion: trail.IsMultiRegionTrail === true,
              isOrganizationTrail: trail.IsOrganizationTrail === true,
              includesGlobalServiceEvents: trail.IncludeGlobalServiceEvents === true,
              isLogging: status?.IsLogging ?? null,
              selectors: selectors === undefined ? null : selectorsOf(selectors),
              logGroupArn: trail.CloudWatchLogsLogGroupArn || null,
              ...(status?.LatestCloudWatchLogsDeliveryError
                ? { logGroupError: status.LatestCloudWatchLogsDeliveryError }
                : {}),
            };
          },
          { concurrency: 2 },
        );
      }),

    /** @see https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_ListRules.html */
    eventRules: (place, { signal } = {}) =>
      regional(clock, 'events:ListRules', place, async () => {
        const client = clientOf(EventBridgeClient, await access.settingsFor(place.accountId, place.region));
        // Events of AWS's own services reach the default bus alone, which is asked where none is named.
        const rules = await allPages(async (NextToken) => {
          const page = await client.send(
            new ListRulesCommand({ ...(NextToken === undefined ? {} : { NextToken }) }),
            abortable(signal),
          );
          return { items: page.Rules, next: page.NextToken };
        });
        return pMap(
          rules.filter(({ EventPattern }) => EventPattern !== undefined && EventPattern !== ''),
          async (rule): Promise<EventRule> => {
            const name = required(rule.Name, 'Rules.Name');
            const targets = await allPages(async (NextToken) => {
              const page = await client.send(
                new ListTargetsByRuleCommand({
                  Rule: name,
                  ...(NextToken === undefined ? {} : { NextToken }),
                }),
                abortable(signal),
              );
              return { items: page.Targets, next: page.NextToken };
            });
            return {
              name,
              state: required(rule.State, 'Rules.State'),
              eventPattern: required(rule.EventPattern, 'Rules.EventPattern'),
              targets: targets.map(({ Arn }) => required(Arn, 'Targets.Arn')),
            };
          },
          { concurrency: RULE_CONCURRENCY },
        );
      }),

    /** @see https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeMetricFilters.html */
    metricFilters: (place, { signal } = {}) =>
      regional(clock, 'logs:DescribeMetricFilters', place, async () => {
        const client = clientOf(
          CloudWatchLogsClient,
          await access.settingsFor(place.accountId, place.region),
        );
        const filters = await allPages(async (nextToken) => {
          const page = await client.send(
            new DescribeMetricFiltersCommand({ ...(nextToken === undefined ? {} : { nextToken }) }),
            abortable(signal),
          );
          return { items: page.metricFilters, next: page.nextToken };
        });
        return filters.map((filter) => ({
          name: required(filter.filterName, 'metricFilters.filterName'),
          logGroupName: required(filter.logGroupName, 'metricFilters.logGroupName'),
          pattern: filter.filterPattern ?? '',
          metrics: (filter.metricTransformations ?? []).map((metric) => ({
            namespace: required(metric.metricNamespace, 'metricTransformations.metricNamespace'),
            name: required(metric.metricName, 'metricTransformations.metricName'),
          })),
        }));
      }),

    /** @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html */
    metricAlarms: (place, { signal } = {}) =>
      regional(clock, 'cloudwatch:DescribeAlarms', place, async () => {
        const client = clientOf(CloudWatchClient, await access.settingsFor(place.accountId, place.region));
        const alarms = await allPages(async (NextToken) => {
          const page = await client.send(
            new DescribeAlarmsCommand({
              AlarmTypes: ['MetricAlarm'],
              ...(NextToken === undefined ? {} : { NextToken }),
            }),
            abortable(signal),
          );
          return { items: page.MetricAlarms, next: page.NextToken };
        });
        return alarms.map(alarmOf);
      }),
  };
}

/** One trail that cannot be asked does not hide the others: what was not answered stays unknown. */
async function orNothing<T>(ask: () => Promise<T>, signal: AbortSignal | undefined): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (signal?.aborted) throw error;
    return undefined;
  }
}

function selectorsOf({
  EventSelectors,
  AdvancedEventSelectors,
}: GetEventSelectorsCommandOutput): TrailSelectors {
  return {
    ...(EventSelectors === undefined || EventSelectors.length === 0
      ? {}
      : {
          basic: EventSelectors.map((selector) => ({
            // What AWS documents as the defaults of the two.
            readWriteType: selector.ReadWriteType ?? 'All',
            includeManagementEvents: selector.IncludeManagementEvents ?? true,
            excludedSources: selector.ExcludeManagementEventSources ?? [],
            dataResources: (selector.DataResources ?? []).map(({ Type, Values }) => ({
              type: required(Type, 'DataResources.Type'),
              values: Values ?? [],
            })),
          })),
        }),
    ...(AdvancedEventSelectors === undefined || AdvancedEventSelectors.length === 0
      ? {}
      : {
          advanced: AdvancedEventSelectors.map(({ FieldSelectors }) =>
            required(FieldSelectors, 'AdvancedEventSelectors.FieldSelectors').map((selector) => ({
              field: required(selector.Field, 'FieldSelectors.Field'),
              ...(selector.Equals === undefined ? {} : { equals: selector.Equals }),
              ...(selector.StartsWith === undefined ? {} : { startsWith: selector.StartsWith }),
              ...(selector.EndsWith === undefined ? {} : { endsWith: selector.EndsWith }),
              ...(selector.NotEquals === undefined ? {} : { notEquals: selector.NotEquals }),
              ...(selector.NotStartsWith === undefined ? {} : { notStartsWith: selector.NotStartsWith }),
              ...(selector.NotEndsWith === undefined ? {} : { notEndsWith: selector.NotEndsWith }),
            })),
          ),
        }),
  };
}

function alarmOf(alarm: AwsAlarm): MetricAlarm {
  const dimensionsOf = (dimensions: AwsAlarm['Dimensions']) =>
    (dimensions ?? []).map(({ Name }) => Name ?? '');
  const own =
    alarm.MetricName === undefined || alarm.Namespace === undefined
      ? []
      : [{ namespace: alarm.Namespace, name: alarm.MetricName, dimensions: dimensionsOf(alarm.Dimensions) }];
  const inMath = (alarm.Metrics ?? []).flatMap(({ MetricStat }) => {
    const metric = MetricStat?.Metric;
    return metric?.Namespace === undefined || metric.MetricName === undefined
      ? []
      : [
          {
            namespace: metric.Namespace,
            name: metric.MetricName,
            dimensions: dimensionsOf(metric.Dimensions),
          },
        ];
  });
  return {
    name: required(alarm.AlarmName, 'MetricAlarms.AlarmName'),
    isTelling: alarm.ActionsEnabled === true && (alarm.AlarmActions ?? []).length > 0,
    metrics: [...own, ...inMath],
  };
}
