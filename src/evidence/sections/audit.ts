import * as z from 'zod';
import { name } from '../schema-parts.ts';
import { section } from './section.ts';

/** One condition of an advanced event selector, as AWS spells it. */
export interface TrailFieldSelector {
  readonly field: string;
  readonly equals?: readonly string[] | undefined;
  readonly startsWith?: readonly string[] | undefined;
  readonly endsWith?: readonly string[] | undefined;
  readonly notEquals?: readonly string[] | undefined;
  readonly notStartsWith?: readonly string[] | undefined;
  readonly notEndsWith?: readonly string[] | undefined;
}

export interface TrailSelectors {
  /** Classic selectors; a trail has these or the advanced ones. */
  readonly basic?:
    | readonly {
        readonly readWriteType: string;
        readonly includeManagementEvents: boolean;
        readonly excludedSources: readonly string[];
        /** Resource type and the ARNs (or prefixes of ARNs) whose data events are recorded. */
        readonly dataResources: readonly { readonly type: string; readonly values: readonly string[] }[];
      }[]
    | undefined;
  /** Each records what all of its field selectors match. */
  readonly advanced?: readonly (readonly TrailFieldSelector[])[] | undefined;
}

/** A trail that can record events of the Region: its own, one of another Region that follows every Region, or the organization's. */
export interface Trail {
  readonly arn: string;
  readonly homeRegion: string;
  readonly isMultiRegion: boolean;
  readonly isOrganizationTrail: boolean;
  readonly includesGlobalServiceEvents: boolean;
  /** Null: AWS did not say, or refused to. */
  readonly isLogging: boolean | null;
  /** Null: they could not be read; a member account may not be shown those of the organization's trail. */
  readonly selectors: TrailSelectors | null;
  /** The log group that it delivers to, in whatever account; null: to none. Absent: the evidence is older than the question. */
  readonly logGroupArn?: string | null | undefined;
  /** What CloudTrail said when it last failed to deliver there, which it may have got over since. */
  readonly logGroupError?: string | undefined;
}

const texts = z.array(z.string());
const fieldSelector: z.ZodType<TrailFieldSelector> = z.strictObject({
  field: name,
  equals: texts.exactOptional(),
  startsWith: texts.exactOptional(),
  endsWith: texts.exactOptional(),
  notEquals: texts.exactOptional(),
  notStartsWith: texts.exactOptional(),
  notEndsWith: texts.exactOptional(),
});

export const trails = section<readonly Trail[]>({
  level: 'account-region',
  value: z.array(
    z.strictObject({
      arn: name,
      homeRegion: name,
      isMultiRegion: z.boolean(),
      isOrganizationTrail: z.boolean(),
      includesGlobalServiceEvents: z.boolean(),
      isLogging: z.boolean().nullable(),
      selectors: z
        .strictObject({
          basic: z
            .array(
              z.strictObject({
                readWriteType: name,
                includeManagementEvents: z.boolean(),
                excludedSources: texts,
                dataResources: z.array(z.strictObject({ type: name, values: texts })),
              }),
            )
            .exactOptional(),
          advanced: z.array(z.array(fieldSelector)).exactOptional(),
        })
        .nullable(),
      logGroupArn: name.nullable().exactOptional(),
      logGroupError: name.exactOptional(),
    }),
  ),
  actions: {
    'cloudtrail:DescribeTrails':
      'the trails that can record events of the Region, the organization’s included',
    'cloudtrail:GetTrailStatus': 'whether each of them is logging',
    'cloudtrail:GetEventSelectors': 'which events each of them records',
  },
  meaning:
    'trails of CloudTrail: whether they are logging, which events they record, and to which log group they deliver',
});

/** A rule of the default event bus that has an event pattern. Schedules are left out. */
export interface EventRule {
  readonly name: string;
  /** `ENABLED`, `DISABLED`, `ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS`. */
  readonly state: string;
  /** As AWS stores it: JSON text. */
  readonly eventPattern: string;
  /** ARNs. */
  readonly targets: readonly string[];
}

export const eventRules = section<readonly EventRule[]>({
  level: 'account-region',
  value: z.array(z.strictObject({ name, state: name, eventPattern: z.string(), targets: texts })),
  actions: {
    'events:ListRules': 'the rules of the default event bus: which events raise an alarm',
    'events:ListTargetsByRule': 'whom each of those rules tells',
  },
  meaning: 'event rules of the default bus: state, pattern and targets',
});

export interface MetricFilter {
  readonly name: string;
  readonly logGroupName: string;
  readonly pattern: string;
  readonly metrics: readonly { readonly namespace: string; readonly name: string }[];
}

export const metricFilters = section<readonly MetricFilter[]>({
  level: 'account-region',
  value: z.array(
    z.strictObject({
      name,
      logGroupName: name,
      pattern: z.string(),
      metrics: z.array(z.strictObject({ namespace: name, name })),
    }),
  ),
  actions: { 'logs:DescribeMetricFilters': 'metric filters of log groups: which records are counted' },
  meaning: 'metric filters of log groups: pattern and metric',
});

export interface MetricAlarm {
  readonly name: string;
  /** Whether it tells anybody: actions are enabled, and there is at least one for the state ALARM. */
  readonly isTelling: boolean;
  /** Every metric that it looks at, those inside metric math included. */
  readonly metrics: readonly {
    readonly namespace: string;
    readonly name: string;
    /** Names of the dimensions. */
    readonly dimensions: readonly string[];
  }[];
}

export const metricAlarms = section<readonly MetricAlarm[]>({
  level: 'account-region',
  value: z.array(
    z.strictObject({
      name,
      isTelling: z.boolean(),
      metrics: z.array(z.strictObject({ namespace: name, name, dimensions: texts })),
    }),
  ),
  actions: { 'cloudwatch:DescribeAlarms': 'metric alarms: on which metrics, and whether they tell anybody' },
  meaning: 'metric alarms of CloudWatch: metrics, and whether they tell anybody',
});
