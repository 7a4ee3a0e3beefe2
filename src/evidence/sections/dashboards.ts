import * as z from 'zod';
import { name } from '../schema-parts.ts';
import { section } from './section.ts';

/** What a dashboard looks at: only its metrics are kept, no text of it. */
export interface Dashboard {
  readonly name: string;
  /** Each once. */
  readonly metrics: readonly {
    readonly namespace: string;
    readonly name: string;
    /** Names of the dimensions. */
    readonly dimensions: readonly string[];
  }[];
  /** Whether it names `AWS/Bedrock` in a search, a query or a form that this version does not read. */
  readonly hasUnreadNames: boolean;
}

export const dashboards = section<readonly Dashboard[]>({
  level: 'account',
  value: z.array(
    z.strictObject({
      name,
      metrics: z.array(z.strictObject({ namespace: name, name, dimensions: z.array(z.string()) })),
      hasUnreadNames: z.boolean(),
    }),
  ),
  actions: {
    'cloudwatch:ListDashboards': 'the dashboards of the account, which belong to no Region',
    'cloudwatch:GetDashboard': 'which metrics a dashboard shows; its texts are not kept',
  },
  meaning: 'dashboards of CloudWatch: the metrics that they show',
});

/** A stream that carries metrics to somewhere else. */
export interface MetricStream {
  readonly name: string;
  /** `running` or `stopped`. */
  readonly state: string;
  /** The namespaces that it is limited to, with the names of metrics if it is limited to those; empty: it carries all but the excluded. */
  readonly includes: readonly { readonly namespace: string; readonly names: readonly string[] }[];
  readonly excludes: readonly { readonly namespace: string; readonly names: readonly string[] }[];
}

const filter = z.array(z.strictObject({ namespace: name, names: z.array(name) }));

export const metricStreams = section<readonly MetricStream[]>({
  level: 'account-region',
  value: z.array(z.strictObject({ name, state: z.string(), includes: filter, excludes: filter })),
  actions: {
    'cloudwatch:ListMetricStreams': 'streams that carry metrics elsewhere',
    'cloudwatch:GetMetricStream': 'which metrics a stream carries',
  },
  meaning: 'metric streams of CloudWatch: the namespaces and metrics that they are limited to',
});
