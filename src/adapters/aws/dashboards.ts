import {
  CloudWatchClient,
  GetDashboardCommand,
  GetMetricStreamCommand,
  ListDashboardsCommand,
  ListMetricStreamsCommand,
  type MetricStreamFilter,
} from '@aws-sdk/client-cloudwatch';
import pMap from 'p-map';
import type { Clock } from '../../core/index.ts';
import type { Dashboard, MetricStream, SectionReaders } from '../../evidence/index.ts';
import type { AccountAccess } from './account-access.ts';
import type { RegionAccess } from './bedrock.ts';
import { clientOf } from './clients.ts';
import { abortable, observe, required } from './observe.ts';
import { allPages } from './pages.ts';
import { regional } from './regional.ts';

const CONCURRENCY = 4;
const BEDROCK = 'AWS/Bedrock';

/** Dashboards, which belong to no Region: asked once for an account, in the home Region. */
export function dashboardReaders(
  access: Pick<AccountAccess, 'settingsFor'>,
  clock: Clock,
): Pick<SectionReaders<'account'>, 'dashboards'> {
  return {
    /** @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html */
    dashboards: ({ accountId }, { signal } = {}) =>
      observe(clock, { call: 'cloudwatch:GetDashboard', accountId }, async () => {
        const client = clientOf(CloudWatchClient, await access.settingsFor(accountId));
        const end = abortable(signal);
        const entries = await allPages(async (token) => {
          const command = new ListDashboardsCommand(token === undefined ? {} : { NextToken: token });
          const page = await client.send(command, end);
          return { items: page.DashboardEntries, next: page.NextToken };
        });
        return pMap(
          entries,
          async (entry): Promise<Dashboard> => {
            const DashboardName = required(entry.DashboardName, 'DashboardEntries.DashboardName');
            const { DashboardBody } = await client.send(new GetDashboardCommand({ DashboardName }), end);
            return { name: DashboardName, ...metricsOf(required(DashboardBody, 'DashboardBody')) };
          },
          { concurrency: CONCURRENCY },
        );
      }),
  };
}

/** Streams of metrics in a Region. */
export function metricStreamReaders(
  access: RegionAccess,
  clock: Clock,
): Pick<SectionReaders<'account-region'>, 'metricStreams'> {
  return {
    /** @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricStream.html */
    metricStreams: (place, { signal } = {}) =>
      regional(clock, 'cloudwatch:GetMetricStream', place, async () => {
        const client = clientOf(CloudWatchClient, await access.settingsFor(place.accountId, place.region));
        const end = abortable(signal);
        const entries = await allPages(async (token) => {
          const command = new ListMetricStreamsCommand(token === undefined ? {} : { NextToken: token });
          const page = await client.send(command, end);
          return { items: page.Entries, next: page.NextToken };
        });
        return pMap(
          entries,
          async (entry): Promise<MetricStream> => {
            const Name = required(entry.Name, 'Entries.Name');
            const stream = await client.send(new GetMetricStreamCommand({ Name }), end);
            return {
              name: Name,
              state: stream.State ?? '',
              includes: filtersOf(stream.IncludeFilters),
              excludes: filtersOf(stream.ExcludeFilters),
            };
          },
          { concurrency: CONCURRENCY },
        );
      }),
  };
}

const filtersOf = (filters: readonly MetricStreamFilter[] | undefined): MetricStream['includes'] =>
  (filters ?? []).map(({ Namespace, MetricNames }) => ({
    namespace: required(Namespace, 'Filters.Namespace'),
    names: MetricNames ?? [],
  }));

/**
 * The metrics of a dashboard. A row of a widget is `[namespace, metric, dimension, value, ..., options]`; a full stop stands for what the row
 * before had in its place, and `...` for all of it but the last. Whatever else names `AWS/Bedrock` is not read, and said to be so.
 */
export function metricsOf(body: string): Omit<Dashboard, 'name'> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    return { metrics: [], hasUnreadNames: body.includes(BEDROCK) };
  }
  const found = new Map<string, Dashboard['metrics'][number]>();
  let hasUnreadNames = false;
  const widgets = member(parsed, 'widgets');
  for (const widget of Array.isArray(widgets) ? (widgets as readonly unknown[]) : []) {
    const properties = member(widget, 'properties');
    const type = member(widget, 'type');
    // A text names what its author likes.
    if (type === 'text') continue;
    const rows = member(properties, 'metrics');
    let before: readonly string[] = [];
    for (const row of Array.isArray(rows) ? (rows as readonly unknown[]) : []) {
      const texts = Array.isArray(row)
        ? (row as readonly unknown[]).filter((part) => typeof part === 'string')
        : [];
      if (texts.length === 0) {
        if (JSON.stringify(row).includes(BEDROCK)) hasUnreadNames = true;
        continue;
      }
      const full = spelledOut(texts, before);
      const [namespace, name, ...rest] = full;
      before = full;
      if (!namespace || !name || full.some((part) => part === '.' || part === '...')) {
        if (JSON.stringify(rows).includes(BEDROCK)) hasUnreadNames = true;
        continue;
      }
      const dimensions = rest.filter((_part, index) => index % 2 === 0);
      found.set(JSON.stringify([namespace, name, dimensions]), { namespace, name, dimensions });
    }
    if (!Array.isArray(rows) && JSON.stringify(widget).includes(BEDROCK)) hasUnreadNames = true;
  }
  if (!Array.isArray(widgets) && body.includes(BEDROCK)) hasUnreadNames = true;
  return { metrics: [...found.values()], hasUnreadNames };
}

function spelledOut(texts: readonly string[], before: readonly string[]): readonly string[] {
  if (texts[0] === '...')
    return [...before.slice(0, Math.max(0, before.length - (texts.length - 1))), ...texts.slice(1)];
  return texts.map((part, index) => (part === '.' ? (before[index] ?? part) : part));
}

const member = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? (value as Readonly<Record<string, unknown>>)[key]
    : undefined;
