import { sectionOf } from './sections/index.ts';
import type { RegionEvidence } from './types.ts';

/** Buckets and log groups by name, each with the settings and sections that name it. */
export interface NamedDestinations {
  readonly buckets: ReadonlyMap<string, readonly string[]>;
  readonly logGroups: ReadonlyMap<string, readonly string[]>;
}

/** Bucket and key prefix of `s3://bucket/prefix`; undefined for anything else. */
export function s3Place(uri: string): { readonly bucket: string; readonly prefix: string } | undefined {
  const match = /^s3:\/\/([^/]+)(?:\/(.*))?$/s.exec(uri);
  return match?.[1] === undefined ? undefined : { bucket: match[1], prefix: match[2] ?? '' };
}

const BUCKET_ARN = /^arn:[^:]+:s3:::([^/]+)/;
const LOG_GROUP_ARN = /^arn:[^:]+:logs:[^:]+:[0-9]{12}:log-group:([^:]+)/;

/** The places that what was seen of an account and Region sends content to, or could. */
export function namedDestinations(pair: RegionEvidence): NamedDestinations {
  const buckets = new Map<string, string[]>();
  const logGroups = new Map<string, string[]>();
  const add = (to: Map<string, string[]>, name: string | undefined, by: string): void => {
    if (!name) return;
    const users = to.get(name);
    if (users === undefined) to.set(name, [by]);
    else if (!users.includes(by)) users.push(by);
  };
  if (pair.invocationLogging.kind === 'observed') {
    const { s3Config, cloudWatchConfig } = pair.invocationLogging.value;
    add(buckets, s3Config?.bucketName, 'invocationLogging');
    add(buckets, cloudWatchConfig?.largeDataDeliveryS3Config?.bucketName, 'invocationLogging');
    add(logGroups, cloudWatchConfig?.logGroupName, 'invocationLogging');
  }
  for (const section of ['batchJobs', 'evaluationJobs', 'asyncInvocations'] as const) {
    const jobs = sectionOf(pair.sections, section);
    if (jobs.kind === 'observed')
      for (const { outputS3Uri } of jobs.value) add(buckets, s3Place(outputS3Uri)?.bucket, section);
  }
  const deliveries = sectionOf(pair.sections, 'logDeliveries');
  if (deliveries.kind === 'observed')
    for (const { destinationArn = '' } of deliveries.value) {
      add(buckets, BUCKET_ARN.exec(destinationArn)?.[1], 'logDeliveries');
      add(logGroups, LOG_GROUP_ARN.exec(destinationArn)?.[1], 'logDeliveries');
    }
  const groups = sectionOf(pair.sections, 'contentLogGroups');
  if (groups.kind === 'observed') for (const name of groups.value) add(logGroups, name, 'contentLogGroups');
  return { buckets, logGroups };
}
