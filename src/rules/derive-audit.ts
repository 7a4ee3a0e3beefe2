import type { Region } from '../core/index.ts';
import {
  type MetricAlarm,
  type Observation,
  type SectionName,
  type SectionValue,
  sectionOf,
} from '../evidence/index.ts';
import type { FactName } from '../policy/index.ts';
import {
  deliversElsewhere,
  type FilterPlace,
  hasAlarm,
  isWatchedByMetric,
  isWatchedByRule,
  WATCHED_CALLS,
} from './change-alarms.ts';
import {
  type AccountSubjectInput,
  type DerivedFact,
  observedFact,
  quoted,
  unobservableFact,
} from './derived-fact.ts';
import { managementCoverage, recordsDataEvents } from './trail-coverage.ts';
import { allOf, anyOf } from './truth.ts';
import type { Truth } from './types.ts';

type AuditInput = Pick<AccountSubjectInput, 'account' | 'evidence' | 'policy' | 'takenAt' | 'regions'>;

type Seen<T> = Observation<T> & { readonly kind: 'observed' | 'absent' };
type Unseen = Observation<never> & { readonly kind: 'unobservable' };

/** Facts about who records what happens in an account, and who is told. One answer for all governed Regions: the weakest. */
export const AUDIT_FACTS = {
  'trail.managementEvents': (input: AuditInput): DerivedFact => {
    const weak: string[] = [];
    let isAnyRecorded = false;
    const unknown: DerivedFact[] = [];
    for (const region of governed(input)) {
      const trails = inRegion(input, region, 'trails');
      if (trails.kind === 'unobservable') {
        unknown.push(unobservableFact(trails, `the trails of ${region}`));
        continue;
      }
      const coverage = listOf(trails).map((trail) => managementCoverage(trail, region));
      const reads = anyOf(coverage.map((each) => each.reads));
      const writes = anyOf(coverage.map((each) => each.writes));
      if (reads !== 'false' || writes !== 'false') isAnyRecorded = true;
      if (reads === 'false' || writes === 'false')
        weak.push(
          reads === writes
            ? `no trail that is logging records management events of ${region}`
            : `no trail that is logging records ${reads === 'false' ? 'read' : 'write'} events of ${region}`,
        );
      else if (allOf([reads, writes]) === 'unknown')
        unknown.push(
          notDecided(
            trails,
            `whether a trail records the management events of ${region}`,
            'its state or selectors were not shown, or leave it open',
          ),
        );
    }
    const seen = seenAt(
      input,
      'cloudtrail:DescribeTrails + cloudtrail:GetTrailStatus + cloudtrail:GetEventSelectors',
    );
    if (weak.length > 0) return observedFact(isAnyRecorded ? 'incomplete' : 'none', seen, ...weak);
    return (
      unknown[0] ??
      observedFact(
        'read-and-write',
        seen,
        'a trail records read and write management events of every governed Region',
      )
    );
  },

  'mantle.metering': (input: AuditInput): DerivedFact => {
    const weak: string[] = [];
    const unknown: DerivedFact[] = [];
    for (const region of governed(input)) {
      const trails = inRegion(input, region, 'trails');
      const alarms = inRegion(input, region, 'metricAlarms');
      if (trails.kind === 'unobservable') unknown.push(unobservableFact(trails, `the trails of ${region}`));
      else {
        const records = anyOf(
          listOf(trails).map((trail) => recordsDataEvents(trail, region, MANTLE_PROJECT)),
        );
        if (records === 'false') weak.push(`no trail records \`${MANTLE_PROJECT}\` data events of ${region}`);
        else if (records === 'unknown')
          unknown.push(
            notDecided(
              trails,
              `whether a trail records the data events of ${region}`,
              'its selectors leave it open',
            ),
          );
      }
      if (alarms.kind === 'unobservable') unknown.push(unobservableFact(alarms, `the alarms of ${region}`));
      else if (!hasAlarm(listOf(alarms), 'AWS/BedrockMantle', 'Inferences'))
        weak.push(`no alarm on \`AWS/BedrockMantle\` \`Inferences\` tells anybody in ${region}`);
    }
    const seen = seenAt(input, 'cloudtrail:GetEventSelectors + cloudwatch:DescribeAlarms');
    if (weak.length > 0) return observedFact('unmetered', seen, ...weak);
    return (
      unknown[0] ??
      observedFact(
        'metered',
        seen,
        'data events of `bedrock-mantle` are recorded, and an alarm tells of inferences, in every governed Region',
      )
    );
  },

  'changeAlarms.unwatchedCalls': (input: AuditInput): DerivedFact => {
    const unwatched: string[] = [];
    const unknown: DerivedFact[] = [];
    const places = [...input.regions.keys()].map((region) => filterPlace(input, region));
    for (const call of WATCHED_CALLS)
      for (const region of call.onlyIn === undefined ? governed(input) : [call.onlyIn]) {
        const rules = inRegion(input, region, 'eventRules');
        const byRule: Truth =
          rules.kind === 'unobservable'
            ? 'unknown'
            : isWatchedByRule(listOf(rules), call, input.account.id, region);
        const seenTrails = inRegion(input, region, 'trails');
        const trails = seenTrails.kind === 'unobservable' ? undefined : listOf(seenTrails);
        // The filter may be where the trail's log group is, which is one Region for all.
        const byMetric = places.map(
          (place): Truth =>
            place === undefined ? 'unknown' : isWatchedByMetric(place, call, region, trails),
        );
        const elsewhere = deliversElsewhere(trails ?? [], call, region, input.account.id);
        const watched = anyOf([byRule, ...byMetric, elsewhere.length > 0 ? 'unknown' : 'false']);
        if (watched === 'false') unwatched.push(`\`${call.eventName}\` in ${region}`);
        else if (watched === 'unknown')
          unknown.push(
            rules.kind === 'unobservable'
              ? unobservableFact(rules, `the event rules of ${region}`)
              : notDecided(
                  rules,
                  `whether anybody is told of \`${call.eventName}\` in ${region}`,
                  elsewhere[0] === undefined
                    ? 'a pattern or a setting leaves it open'
                    : `a trail delivers it to ${elsewhere[0]}, of another account, whose metric filters are not in this evidence`,
                ),
          );
      }
    const seen = seenAt(
      input,
      'events:ListRules + events:ListTargetsByRule + logs:DescribeMetricFilters + cloudwatch:DescribeAlarms + cloudtrail:DescribeTrails',
    );
    if (unwatched.length > 0)
      return observedFact(
        unwatched.length,
        seen,
        `nobody is told of ${listed(unwatched)}`,
        ...(unknown.length > 0 ? ['of others it is not known'] : []),
      );
    return (
      unknown[0] ??
      observedFact(0, seen, 'somebody is told of every call that starts, hides or prolongs storage')
    );
  },

  'throttling.alarm': (input: AuditInput): DerivedFact => {
    const answers: { readonly kind: 'native' | 'metric-filter' | 'none'; readonly line: string }[] = [];
    const unknown: DerivedFact[] = [];
    for (const region of governed(input)) {
      const alarms = inRegion(input, region, 'metricAlarms');
      const filters = inRegion(input, region, 'metricFilters');
      if (alarms.kind === 'unobservable') unknown.push(unobservableFact(alarms, `the alarms of ${region}`));
      else if (hasAlarm(listOf(alarms), 'AWS/Bedrock', 'InvocationThrottles'))
        answers.push({
          kind: 'native',
          line: `an alarm on \`AWS/Bedrock\` \`InvocationThrottles\` in ${region}`,
        });
      else if (filters.kind === 'unobservable')
        unknown.push(unobservableFact(filters, `the metric filters of ${region}`));
      else {
        const counting = listOf(filters).filter(
          ({ pattern, metrics }) =>
            /429|throttl/i.test(pattern) &&
            metrics.some(({ namespace, name }) => hasAlarm(listOf(alarms), namespace, name)),
        );
        answers.push(
          counting.length > 0
            ? {
                kind: 'metric-filter',
                line: `in ${region} only metric filter ${quoted(counting[0]?.name ?? '')} looks for throttling, in log records that may not be written`,
              }
            : { kind: 'none', line: `nobody is told of throttling in ${region}` },
        );
      }
    }
    const seen = seenAt(input, 'cloudwatch:DescribeAlarms + logs:DescribeMetricFilters');
    const worst = (['none', 'metric-filter'] as const).find((kind) =>
      answers.some((each) => each.kind === kind),
    );
    if (worst !== undefined)
      return observedFact(
        worst,
        seen,
        ...answers.filter(({ kind }) => kind !== 'native').map(({ line }) => line),
      );
    return (
      unknown[0] ??
      observedFact(
        'native',
        seen,
        'an alarm on `AWS/Bedrock` `InvocationThrottles` tells somebody in every governed Region',
      )
    );
  },

  'bedrockMetrics.unknownNames': (input: AuditInput): DerivedFact => {
    const wrong: string[] = [];
    const unknown: DerivedFact[] = [];
    const boards = sectionOf<'account', 'dashboards'>(input.evidence.sections, 'dashboards');
    if (boards.kind === 'unobservable') unknown.push(unobservableFact(boards, 'the dashboards'));
    else
      for (const { name, metrics, hasUnreadNames } of listOf(boards)) {
        wrong.push(...wrongNames(`dashboard ${quoted(name)}`, metrics));
        if (hasUnreadNames)
          unknown.push(
            notDecided(
              boards,
              `what dashboard ${quoted(name)} shows`,
              'it names `AWS/Bedrock` in a search or in a form that is not read',
            ),
          );
      }
    for (const region of governed(input)) {
      const alarms = inRegion(input, region, 'metricAlarms');
      if (alarms.kind === 'unobservable') unknown.push(unobservableFact(alarms, `the alarms of ${region}`));
      else
        wrong.push(
          ...listOf(alarms).flatMap(({ name, metrics }) =>
            wrongNames(`alarm ${quoted(name)} in ${region}`, metrics),
          ),
        );
      const streams = inRegion(input, region, 'metricStreams');
      if (streams.kind === 'unobservable')
        unknown.push(unobservableFact(streams, `the metric streams of ${region}`));
      else
        wrong.push(
          ...listOf(streams).flatMap(({ name, includes, excludes }) =>
            wrongNames(
              `metric stream ${quoted(name)} in ${region}`,
              [...includes, ...excludes].flatMap(({ namespace, names }) =>
                names.map((metric) => ({ namespace, name: metric, dimensions: [] })),
              ),
            ),
          ),
        );
    }
    const seen = seenAt(
      input,
      'cloudwatch:DescribeAlarms + cloudwatch:GetDashboard + cloudwatch:GetMetricStream',
    );
    if (wrong.length > 0) return observedFact(wrong.length, seen, ...wrong.slice(0, MAX_LINES));
    return (
      unknown[0] ??
      observedFact(
        0,
        seen,
        'no alarm, dashboard or metric stream asks for a metric that Bedrock does not have',
      )
    );
  },
} as const satisfies Partial<Record<FactName, (input: AuditInput) => DerivedFact>>;

const MANTLE_PROJECT = 'AWS::BedrockMantle::Project';
const MAX_LINES = 20;

/**
 * What AWS documents for the runtime endpoint; the cache metrics are spelled in two ways in AWS's own pages.
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/monitoring.html
 */
const BEDROCK_METRICS: ReadonlySet<string> = new Set([
  'Invocations',
  'InvocationLatency',
  'TimeToFirstToken',
  'InvocationClientErrors',
  'InvocationServerErrors',
  'InvocationThrottles',
  'InputTokenCount',
  'OutputTokenCount',
  'OutputImageCount',
  'CacheReadInputTokenCount',
  'CacheReadInputTokens',
  'CacheWriteInputTokenCount',
  'CacheWriteInputTokens',
  'LegacyModelInvocations',
  'EstimatedTPMQuotaUsage',
  'ModelInvocationLogsCloudWatchDeliverySuccess',
  'ModelInvocationLogsCloudWatchDeliveryFailure',
  'ModelInvocationLogsS3DeliverySuccess',
  'ModelInvocationLogsS3DeliveryFailure',
  'ModelInvocationLargeDataS3DeliverySuccess',
  'ModelInvocationLargeDataS3DeliveryFailure',
]);
const INSTEAD: Readonly<Record<string, string>> = {
  InputTokens: '`InputTokenCount`',
  OutputTokens: '`OutputTokenCount`',
  TotalTokens: 'nothing: add `InputTokenCount` and `OutputTokenCount`',
  Latency: '`InvocationLatency`',
  Errors: '`InvocationClientErrors`, `InvocationServerErrors` and `InvocationThrottles`',
};

/** @param who - in words, who asks for them */
function wrongNames(who: string, metrics: MetricAlarm['metrics']): readonly string[] {
  return metrics
    .filter(({ namespace }) => namespace === 'AWS/Bedrock')
    .flatMap(({ name, dimensions }) => {
      if (!BEDROCK_METRICS.has(name)) {
        const instead = Object.hasOwn(INSTEAD, name) ? `; AWS has ${INSTEAD[name]}` : '';
        return [`${who} asks for ${quoted(name)}, which \`AWS/Bedrock\` does not have${instead}`];
      }
      return dimensions.includes('Region')
        ? [`${who} asks for the dimension \`Region\`, which \`AWS/Bedrock\` does not have`]
        : [];
    });
}

const governed = ({ policy }: AuditInput): readonly Region[] => policy.storage.scope.regions.toSorted();

function inRegion<N extends SectionName<'account-region'>>(
  { regions }: AuditInput,
  region: string,
  name: N,
): Observation<SectionValue<'account-region', N>> {
  const evidence = regions.get(region);
  if (evidence !== undefined) return sectionOf<'account-region', N>(evidence.sections, name);
  return {
    kind: 'unobservable',
    reason: 'not-collected',
    detail: `the snapshot did not ask Region ${region} of this account`,
  };
}

/** A service that is not offered in the Region has none of these. */
const listOf = <T>(observation: Seen<readonly T[]>): readonly T[] =>
  observation.kind === 'absent' ? [] : observation.value;

/** Undefined where filters or alarms could not be seen. */
function filterPlace(input: AuditInput, region: string): FilterPlace | undefined {
  const filters = inRegion(input, region, 'metricFilters');
  const alarms = inRegion(input, region, 'metricAlarms');
  if (filters.kind === 'unobservable' || alarms.kind === 'unobservable') return undefined;
  return { accountId: input.account.id, region, filters: listOf(filters), alarms: listOf(alarms) };
}

const seenAt = ({ takenAt, account }: AuditInput, call: string) => ({
  at: takenAt,
  source: { call, accountId: account.id },
});

function notDecided({ source }: Seen<unknown>, what: string, detail: string): DerivedFact {
  const observation: Unseen = { kind: 'unobservable', reason: 'not-evaluated', detail, source };
  return unobservableFact(observation, what);
}

const MAX_LISTED = 6;
const listed = (items: readonly string[]): string =>
  items.length <= MAX_LISTED
    ? items.join(', ')
    : `${items.slice(0, MAX_LISTED).join(', ')} and ${items.length - MAX_LISTED} more`;
