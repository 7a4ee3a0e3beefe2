import * as z from 'zod';
import type { EpochMs } from '../../core/index.ts';
import { instant, name, observationOf } from '../schema-parts.ts';
import type { Observation } from '../types.ts';
import { section } from './section.ts';

interface Tag {
  readonly key: string;
  readonly value: string;
}

/** A bucket that receives content, or could, with everything that decides how long content in it lives (docs/retention.md). */
export interface ContentBucket {
  readonly kind: 's3';
  readonly bucketName: string;
  /** Settings and sections that name it. */
  readonly usedBy: readonly string[];
  /** `absent`: never enabled. */
  readonly versioning: Observation<'Enabled' | 'Suspended'>;
  readonly lifecycle: Observation<
    readonly {
      readonly id: string;
      readonly status: 'Enabled' | 'Disabled';
      /** `''`: the whole bucket. */
      readonly prefix: string;
      readonly tags: readonly Tag[];
      readonly objectSizeGreaterThan?: number | undefined;
      readonly objectSizeLessThan?: number | undefined;
      readonly expirationDays?: number | undefined;
      readonly expirationDate?: EpochMs | undefined;
      readonly noncurrentVersionExpirationDays?: number | undefined;
      readonly newerNoncurrentVersions?: number | undefined;
      readonly abortIncompleteMultipartUploadDays?: number | undefined;
    }[]
  >;
  /** Without a default, single objects may still be locked. */
  readonly objectLock: Observation<{
    readonly defaultMode?: 'COMPLIANCE' | 'GOVERNANCE' | undefined;
    readonly defaultDays?: number | undefined;
  }>;
  /** The bucket's own encryption. */
  readonly encryption: Observation<{ readonly algorithm: string; readonly keyArn?: string | undefined }>;
  /**
   * Object Ownership, as AWS spells it. `BucketOwnerEnforced`: access lists (ACLs) count for nothing in it. Of the observation `absent`: none is set,
   * and they count. Missing in evidence from before it was asked.
   * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html
   */
  readonly ownership?: Observation<string> | undefined;
  /** Enabled rules only. */
  readonly replication: Observation<
    readonly {
      readonly id: string;
      readonly prefix: string;
      readonly tags: readonly Tag[];
      readonly destinationBucketArn: string;
    }[]
  >;
  /** Vaults of AWS Backup that hold recovery points of it. */
  readonly backups: Observation<
    readonly { readonly planName: string; readonly deleteAfterDays?: number | undefined }[]
  >;
}

/** A log group that receives content, or could. */
export interface ContentLogGroup {
  readonly kind: 'cloudwatch-logs';
  readonly logGroupName: string;
  readonly usedBy: readonly string[];
  /** Days; `absent`: for ever, or no such group. */
  readonly retentionInDays: Observation<number>;
  readonly retentionPolicyName: Observation<string>;
  readonly deletionProtection: Observation<boolean>;
  /** `absent`: a key of CloudWatch Logs' own. */
  readonly keyArn: Observation<string>;
  readonly subscriptions: Observation<
    readonly {
      readonly name: string;
      readonly destinationArn: string;
      readonly level: 'log-group' | 'account';
    }[]
  >;
  readonly exportTasks: Observation<
    readonly { readonly taskId: string; readonly bucketName: string; readonly prefix: string }[]
  >;
}

export type ContentDestination = ContentBucket | ContentLogGroup;

const tags = z.array(z.strictObject({ key: z.string(), value: z.string() }));
const number = z.number().exactOptional();

const bucket = z.strictObject({
  kind: z.literal('s3'),
  bucketName: name,
  usedBy: z.array(name),
  versioning: observationOf(z.enum(['Enabled', 'Suspended'])),
  lifecycle: observationOf(
    z.array(
      z.strictObject({
        id: z.string(),
        status: z.enum(['Enabled', 'Disabled']),
        prefix: z.string(),
        tags,
        objectSizeGreaterThan: number,
        objectSizeLessThan: number,
        expirationDays: number,
        expirationDate: instant.exactOptional(),
        noncurrentVersionExpirationDays: number,
        newerNoncurrentVersions: number,
        abortIncompleteMultipartUploadDays: number,
      }),
    ),
  ),
  objectLock: observationOf(
    z.strictObject({
      defaultMode: z.enum(['COMPLIANCE', 'GOVERNANCE']).exactOptional(),
      defaultDays: number,
    }),
  ),
  encryption: observationOf(z.strictObject({ algorithm: name, keyArn: name.exactOptional() })),
  ownership: observationOf(name).exactOptional(),
  replication: observationOf(
    z.array(z.strictObject({ id: z.string(), prefix: z.string(), tags, destinationBucketArn: name })),
  ),
  backups: observationOf(z.array(z.strictObject({ planName: name, deleteAfterDays: number }))),
});

const logGroup = z.strictObject({
  kind: z.literal('cloudwatch-logs'),
  logGroupName: name,
  usedBy: z.array(name),
  retentionInDays: observationOf(z.number()),
  retentionPolicyName: observationOf(name),
  deletionProtection: observationOf(z.boolean()),
  keyArn: observationOf(name),
  subscriptions: observationOf(
    z.array(z.strictObject({ name, destinationArn: name, level: z.enum(['log-group', 'account']) })),
  ),
  exportTasks: observationOf(z.array(z.strictObject({ taskId: name, bucketName: name, prefix: z.string() }))),
});

export const destinations = section<readonly ContentDestination[]>({
  level: 'account-region',
  value: z.array(z.discriminatedUnion('kind', [bucket, logGroup])),
  actions: {
    's3:GetBucketVersioning': 'whether a bucket that content goes to keeps old versions',
    's3:GetLifecycleConfiguration': 'when it removes objects and old versions',
    's3:GetBucketObjectLockConfiguration': 'whether it can remove them at all',
    's3:GetEncryptionConfiguration': 'under which key they are',
    's3:GetBucketOwnershipControls': 'whether access lists can let others read its objects',
    's3:GetReplicationConfiguration': 'where copies go',
    'backup:ListRecoveryPointsByResource': 'whether AWS Backup holds copies of it',
    'logs:DescribeLogGroups': 'retention and key of a log group that content goes to',
    'logs:DescribeSubscriptionFilters': 'where copies of its records go',
    'logs:DescribeAccountPolicies': 'where copies of all records of the account go',
    'logs:DescribeExportTasks': 'which exports copied its records',
  },
  meaning:
    'buckets and log groups that the settings and jobs name: lifecycle, retention, key, lock, access lists, copies',
});
