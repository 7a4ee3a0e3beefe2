import type { AccountId, EpochMs, Region } from '../core/index.ts';
import type { Observation } from '../evidence/index.ts';

/** One rule of `GetBucketLifecycleConfiguration`, with its filter flattened: `Filter`, `Filter.And` and the old `Prefix` say the same. */
export interface LifecycleRule {
  readonly id: string;
  readonly status: 'Enabled' | 'Disabled';
  /** `''` covers the whole bucket. */
  readonly prefix: string;
  /** Keys and values that an object must carry, all of them. */
  readonly tags: readonly { readonly key: string; readonly value: string }[];
  /** Bytes; the rule takes objects larger than this. */
  readonly objectSizeGreaterThan?: number | undefined;
  /** Bytes; the rule takes objects smaller than this. */
  readonly objectSizeLessThan?: number | undefined;
  /** `Expiration.Days`, whole days from 1. */
  readonly expirationDays?: number | undefined;
  /** `Expiration.Date`, midnight UTC. */
  readonly expirationDate?: EpochMs | undefined;
  readonly noncurrentVersionExpirationDays?: number | undefined;
  /** How many newer noncurrent versions are kept, whatever their age. */
  readonly newerNoncurrentVersions?: number | undefined;
  readonly abortIncompleteMultipartUploadDays?: number | undefined;
}

/** `GetObjectLockConfiguration`: what a version gets that is written without a retention of its own. */
export interface ObjectLock {
  readonly defaultMode?: 'COMPLIANCE' | 'GOVERNANCE' | undefined;
  /** Whole days; a default in years comes as 365 (or 366) days a year, the longer reading. */
  readonly defaultDays?: number | undefined;
}

/** One enabled rule of `GetBucketReplication`. */
export interface ReplicationRule {
  readonly id: string;
  readonly prefix: string;
  /** With a tag filter objects without the tags are not copied. Bedrock writes none. */
  readonly tags: readonly { readonly key: string; readonly value: string }[];
  readonly destinationBucketArn: string;
}

/** A copy that a backup service keeps. */
export interface BackupRule {
  readonly planName: string;
  /** Absent: recovery points are kept for ever. */
  readonly deleteAfterDays?: number | undefined;
}

/** Everything about a bucket that decides how long an object in it lives. `absent` is AWS's answer that there is none. */
export interface BucketRetention {
  readonly kind: 's3';
  readonly bucketName: string;
  /** `absent`: never enabled. */
  readonly versioning: Observation<'Enabled' | 'Suspended'>;
  readonly lifecycle: Observation<readonly LifecycleRule[]>;
  readonly objectLock: Observation<ObjectLock>;
  readonly replication: Observation<readonly ReplicationRule[]>;
  readonly backups: Observation<readonly BackupRule[]>;
}

/** A subscription filter of the group, or of the whole account. */
export interface Subscription {
  readonly name: string;
  readonly destinationArn: string;
  readonly level: 'log-group' | 'account';
}

/** A `CreateExportTask` that is pending, running or completed. */
export interface ExportTask {
  readonly taskId: string;
  readonly bucketName: string;
  readonly prefix: string;
}

/** Everything about a log group that decides how long an event in it lives. */
export interface LogGroupRetention {
  readonly kind: 'cloudwatch-logs';
  readonly logGroupName: string;
  /** Of `DescribeLogGroups`, which is the period in effect. `absent`: events never expire. Days. */
  readonly retentionInDays: Observation<number>;
  /** Set when an account-level policy decides, and not the group. `absent`: the group decides. */
  readonly retentionPolicyName: Observation<string>;
  readonly deletionProtection: Observation<boolean>;
  readonly subscriptions: Observation<readonly Subscription[]>;
  readonly exportTasks: Observation<readonly ExportTask[]>;
}

/** Where content lands: a part of a bucket, or a log group. */
export type Place = { readonly accountId: AccountId; readonly region: Region } & (
  | { readonly kind: 's3'; readonly bucketName: string; readonly prefix: string; readonly what: string }
  | { readonly kind: 'cloudwatch-logs'; readonly logGroupName: string; readonly what: string }
);

/** Ids of the rules in docs/retention.md; each has a worked example there, which the tests compute again. */
export type RetentionRule =
  | 's3-no-expiry'
  | 's3-days'
  | 's3-date'
  | 's3-filter'
  | 's3-shortest'
  | 's3-versions'
  | 's3-newer-versions'
  | 's3-object-lock'
  | 's3-uploads'
  | 's3-replication'
  | 's3-backup'
  | 'logs-no-expiry'
  | 'logs-days'
  | 'logs-account-policy'
  | 'logs-subscription'
  | 'logs-export'
  | 'logs-deletion-protection'
  | 'not-seen';

/** One step of the reasoning, in words for a person. */
export interface RetentionStep {
  readonly rule: RetentionRule;
  readonly says: string;
}

/** A place that content goes on to. What happens to it there is a question of its own. */
export interface ContentCopy {
  readonly rule: 's3-replication' | 's3-backup' | 'logs-subscription' | 'logs-export';
  /** ARN of the bucket, stream or function, or the name of a backup plan. */
  readonly to: string;
}

/**
 * How long content stays in one place when nobody deletes it.
 *
 * - `ends`: `due` is the instant from which AWS deletes it. `by` is the end of the lag that AWS documents; it is absent where AWS
 *   documents none (S3: "days or even weeks"), so that nobody takes `due` for a promise.
 * - `never-ends`: nothing here deletes it.
 * - `unknown`: what would decide could not be seen. Unknown is never green: it counts like `never-ends`.
 */
export type Retention = (
  | { readonly outcome: 'ends'; readonly due: EpochMs; readonly by?: EpochMs | undefined }
  | { readonly outcome: 'never-ends' }
  | { readonly outcome: 'unknown' }
) & {
  readonly steps: readonly RetentionStep[];
  /** Where content goes on to, as far as was seen. Their retention is not in this answer. */
  readonly copies: readonly ContentCopy[];
};

/** What a purge that deletes at once would run into. */
export type PurgeObstacle = { readonly rule: RetentionRule; readonly says: string; readonly until?: EpochMs };
