import { BackupClient, ListRecoveryPointsByResourceCommand } from '@aws-sdk/client-backup';
import {
  type AccountPolicy,
  CloudWatchLogsClient,
  DescribeAccountPoliciesCommand,
  DescribeExportTasksCommand,
  DescribeLogGroupsCommand,
  DescribeSubscriptionFiltersCommand,
  type ExportTask,
} from '@aws-sdk/client-cloudwatch-logs';
import {
  type LifecycleRule as AwsLifecycleRule,
  type ReplicationRule as AwsReplicationRule,
  type Tag as AwsTag,
  GetBucketEncryptionCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketOwnershipControlsCommand,
  GetBucketReplicationCommand,
  GetBucketVersioningCommand,
  GetObjectLockConfigurationCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { type Clock, partitionOfRegion } from '../../core/index.ts';
import {
  type ContentBucket,
  type ContentDestination,
  type ContentLogGroup,
  namedDestinations,
  type Observation,
  type RegionEvidence,
  type SectionReaders,
} from '../../evidence/index.ts';
import type { ClientSettings } from './account-access.ts';
import type { RegionAccess } from './bedrock.ts';
import { isNamed } from './call.ts';
import { clientOf } from './clients.ts';
import { s3Addressing } from './home-settings.ts';
import { abortable, MalformedAnswer, observe, required } from './observe.ts';
import { allPages, nextToken } from './pages.ts';
import { instantOf, regional } from './regional.ts';

/**
 * The buckets and log groups that the settings, jobs and deliveries of this account and Region name. Each fact of one is an observation of
 * its own: a bucket of another account refuses, and that must not hide the rest.
 */
export function contentDestinationReaders(
  access: RegionAccess,
  clock: Clock,
): Pick<SectionReaders<'account-region'>, 'destinations'> {
  return {
    destinations: (place, { signal } = {}) =>
      regional(clock, 's3:GetBucketVersioning + logs:DescribeLogGroups', place, async () => {
        const { buckets, logGroups } = namedDestinations(place);
        if (buckets.size + logGroups.size === 0) return [];
        const settings = await access.settingsFor(place.accountId, place.region);
        const reading: Reading = { settings, clock, place, signal, shared: sharedLogs(settings, signal) };
        const found: ContentDestination[] = [];
        for (const [name, usedBy] of buckets) found.push(await bucketOf(reading, name, usedBy));
        for (const [name, usedBy] of logGroups) found.push(await logGroupOf(reading, name, usedBy));
        return found;
      }),
  };
}

interface Reading {
  readonly settings: ClientSettings;
  readonly clock: Clock;
  readonly place: RegionEvidence;
  readonly signal: AbortSignal | undefined;
  readonly shared: SharedLogs;
}

/** What CloudWatch Logs tells of the whole account and Region, asked at the first log group and not again at the next. */
interface SharedLogs {
  readonly accountPolicies: () => Promise<readonly AccountPolicy[]>;
  readonly exportTasks: () => Promise<readonly ExportTask[]>;
}

function sharedLogs(settings: ClientSettings, signal: AbortSignal | undefined): SharedLogs {
  const logs = clientOf(CloudWatchLogsClient, settings);
  const end = abortable(signal);
  return {
    accountPolicies: once(() =>
      allPages(async (token) => {
        const command = new DescribeAccountPoliciesCommand({
          policyType: 'SUBSCRIPTION_FILTER_POLICY',
          ...nextToken(token),
        });
        const page = await logs.send(command, end);
        return { items: page.accountPolicies, next: page.nextToken };
      }),
    ),
    exportTasks: once(() =>
      allPages(async (token) => {
        const page = await logs.send(new DescribeExportTasksCommand(nextToken(token)), end);
        return { items: page.exportTasks, next: page.nextToken };
      }),
    ),
  };
}

function once<T>(ask: () => Promise<T>): () => Promise<T> {
  let asked: Promise<T> | undefined;
  return () => {
    asked ??= ask();
    return asked;
  };
}

/** One fact; an error of one of `absentNames` is AWS's way to say that there is none. */
function fact<T>(
  { clock, place }: Reading,
  call: string,
  read: () => Promise<T | undefined>,
  ...absentNames: readonly string[]
): Promise<Observation<T>> {
  const { accountId, region } = place;
  return observe(clock, { call, accountId, region }, async () => {
    try {
      return await read();
    } catch (error) {
      if (absentNames.length > 0 && isNamed(error, ...absentNames)) return undefined;
      throw error;
    }
  });
}

async function bucketOf(reading: Reading, Bucket: string, usedBy: readonly string[]): Promise<ContentBucket> {
  const { settings, signal } = reading;
  // A bucket may be in another Region than the job that writes to it.
  const s3 = clientOf(S3Client, settings, { ...s3Addressing(), followRegionRedirects: true });
  const end = abortable(signal);
  return {
    kind: 's3',
    bucketName: Bucket,
    usedBy,
    versioning: await fact(reading, 's3:GetBucketVersioning', async () => {
      const { Status } = await s3.send(new GetBucketVersioningCommand({ Bucket }), end);
      return Status;
    }),
    lifecycle: await fact(
      reading,
      's3:GetLifecycleConfiguration',
      async () => {
        const { Rules } = await s3.send(new GetBucketLifecycleConfigurationCommand({ Bucket }), end);
        return (Rules ?? []).map(lifecycleRule);
      },
      'NoSuchLifecycleConfiguration',
    ),
    objectLock: await fact(
      reading,
      's3:GetBucketObjectLockConfiguration',
      async () => {
        const { ObjectLockConfiguration: lock } = await s3.send(
          new GetObjectLockConfigurationCommand({ Bucket }),
          end,
        );
        if (lock?.ObjectLockEnabled !== 'Enabled') return undefined;
        const { Mode: defaultMode, Days, Years } = lock.Rule?.DefaultRetention ?? {};
        // The longer reading of a year.
        const defaultDays = Days ?? (Years === undefined ? undefined : Years * 366);
        return {
          ...(defaultMode === undefined ? {} : { defaultMode }),
          ...(defaultDays === undefined ? {} : { defaultDays }),
        };
      },
      'ObjectLockConfigurationNotFoundError',
    ),
    encryption: await fact(
      reading,
      's3:GetEncryptionConfiguration',
      async () => {
        const answer = await s3.send(new GetBucketEncryptionCommand({ Bucket }), end);
        const rule = answer.ServerSideEncryptionConfiguration?.Rules?.[0]?.ApplyServerSideEncryptionByDefault;
        if (rule === undefined) return undefined;
        const algorithm = required(rule.SSEAlgorithm, 'SSEAlgorithm');
        return { algorithm, ...(rule.KMSMasterKeyID ? { keyArn: rule.KMSMasterKeyID } : {}) };
      },
      'ServerSideEncryptionConfigurationNotFoundError',
    ),
    ownership: await fact(
      reading,
      's3:GetBucketOwnershipControls',
      async () => {
        const { OwnershipControls } = await s3.send(new GetBucketOwnershipControlsCommand({ Bucket }), end);
        return OwnershipControls?.Rules?.[0]?.ObjectOwnership;
      },
      'OwnershipControlsNotFoundError',
    ),
    replication: await fact(
      reading,
      's3:GetReplicationConfiguration',
      async () => {
        const { ReplicationConfiguration: copies } = await s3.send(
          new GetBucketReplicationCommand({ Bucket }),
          end,
        );
        return (copies?.Rules ?? []).filter(({ Status }) => Status !== 'Disabled').map(replicationRule);
      },
      'ReplicationConfigurationNotFoundError',
    ),
    backups: await fact(reading, 'backup:ListRecoveryPointsByResource', async () => {
      const backup = clientOf(BackupClient, settings);
      const ResourceArn = `arn:${partitionOfRegion(settings.region)}:s3:::${Bucket}`;
      const points = await allPages(async (token) => {
        const command = new ListRecoveryPointsByResourceCommand({
          ResourceArn,
          ...(token === undefined ? {} : { NextToken: token }),
        });
        const page = await backup.send(command, end);
        return { items: page.RecoveryPoints, next: page.NextToken };
      });
      const vaults = new Set(
        points.map(({ BackupVaultName }) => required(BackupVaultName, 'BackupVaultName')),
      );
      return [...vaults].sort().map((planName) => ({ planName }));
    }),
  };
}

function lifecycleRule(
  rule: AwsLifecycleRule,
): Extract<ContentBucket['lifecycle'], { kind: 'observed' }>['value'][number] {
  const { Expiration, NoncurrentVersionExpiration: noncurrent, AbortIncompleteMultipartUpload: abort } = rule;
  const filter = rule.Filter?.And ?? rule.Filter;
  const optional = {
    objectSizeGreaterThan: filter?.ObjectSizeGreaterThan,
    objectSizeLessThan: filter?.ObjectSizeLessThan,
    expirationDays: Expiration?.Days,
    expirationDate:
      Expiration?.Date === undefined ? undefined : instantOf(Expiration.Date, 'Expiration.Date'),
    noncurrentVersionExpirationDays: noncurrent?.NoncurrentDays,
    newerNoncurrentVersions: noncurrent?.NewerNoncurrentVersions,
    abortIncompleteMultipartUploadDays: abort?.DaysAfterInitiation,
  };
  return {
    id: rule.ID ?? '',
    status: rule.Status === 'Enabled' ? 'Enabled' : 'Disabled',
    prefix: filter?.Prefix ?? rule.Prefix ?? '',
    tags: tagsOf(rule.Filter),
    ...withoutUndefined(optional),
  };
}

function replicationRule(
  rule: AwsReplicationRule,
): Extract<ContentBucket['replication'], { kind: 'observed' }>['value'][number] {
  return {
    id: rule.ID ?? '',
    prefix: rule.Filter?.And?.Prefix ?? rule.Filter?.Prefix ?? rule.Prefix ?? '',
    tags: tagsOf(rule.Filter),
    destinationBucketArn: required(rule.Destination?.Bucket, 'Rules.Destination.Bucket'),
  };
}

interface Filter {
  readonly Tag?: AwsTag | undefined;
  readonly And?: { readonly Tags?: readonly AwsTag[] | undefined } | undefined;
}
const tagsOf = (filter: Filter | undefined) =>
  [...(filter?.Tag === undefined ? [] : [filter.Tag]), ...(filter?.And?.Tags ?? [])].map(
    ({ Key, Value }) => ({
      key: required(Key, 'Tag.Key'),
      value: Value ?? '',
    }),
  );

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };
const withoutUndefined = <T extends object>(value: T): Defined<T> =>
  Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as Defined<T>;

async function logGroupOf(
  reading: Reading,
  logGroupName: string,
  usedBy: readonly string[],
): Promise<ContentLogGroup> {
  const { settings, signal, shared } = reading;
  const logs = clientOf(CloudWatchLogsClient, settings);
  const end = abortable(signal);
  const described = logGroup(logs, logGroupName, end);
  const group = <T>(read: (found: Awaited<typeof described>) => T | undefined) =>
    fact(reading, 'logs:DescribeLogGroups', async () => read(await described));
  return {
    kind: 'cloudwatch-logs',
    logGroupName,
    usedBy,
    retentionInDays: await group(({ retentionInDays }) => retentionInDays),
    retentionPolicyName: await group(({ retentionPolicyName }) => retentionPolicyName),
    deletionProtection: await group(({ deletionProtectionEnabled }) => deletionProtectionEnabled ?? false),
    keyArn: await group(({ kmsKeyId }) => kmsKeyId),
    subscriptions: await fact(
      reading,
      'logs:DescribeSubscriptionFilters + logs:DescribeAccountPolicies',
      async () => {
        const own = await allPages(async (token) => {
          const command = new DescribeSubscriptionFiltersCommand({ logGroupName, ...nextToken(token) });
          const page = await logs.send(command, end);
          return { items: page.subscriptionFilters, next: page.nextToken };
        });
        const policies = await shared.accountPolicies();
        return [
          ...own.map((filter) => ({
            name: required(filter.filterName, 'subscriptionFilters.filterName'),
            destinationArn: required(filter.destinationArn, 'subscriptionFilters.destinationArn'),
            level: 'log-group' as const,
          })),
          // Whether its selection leaves this group out is not evaluated: it counts.
          ...policies.map((policy) => ({
            name: required(policy.policyName, 'accountPolicies.policyName'),
            destinationArn: destinationOf(policy.policyDocument),
            level: 'account' as const,
          })),
        ];
      },
      'ResourceNotFoundException',
    ),
    exportTasks: await fact(reading, 'logs:DescribeExportTasks', async () => {
      const tasks = await shared.exportTasks();
      return tasks
        .filter((task) => task.logGroupName === logGroupName)
        .filter(({ status }) => !['CANCELLED', 'FAILED'].includes(status?.code ?? ''))
        .map((task) => ({
          taskId: required(task.taskId, 'exportTasks.taskId'),
          bucketName: required(task.destination, 'exportTasks.destination'),
          prefix: task.destinationPrefix ?? '',
        }));
    }),
  };
}

/** A prefix also finds groups below ours, so the right one is looked for. One that is not there holds nothing. */
async function logGroup(logs: CloudWatchLogsClient, logGroupName: string, end: ReturnType<typeof abortable>) {
  const groups = await allPages(async (token) => {
    const command = new DescribeLogGroupsCommand({ logGroupNamePrefix: logGroupName, ...nextToken(token) });
    const page = await logs.send(command, end);
    return { items: page.logGroups, next: page.nextToken };
  });
  return groups.find((group) => group.logGroupName === logGroupName) ?? {};
}

/** `DestinationArn` of the JSON of an account-level subscription policy. */
function destinationOf(document: string | undefined): string {
  const said: unknown = JSON.parse(required(document, 'accountPolicies.policyDocument'));
  if (
    typeof said === 'object' &&
    said !== null &&
    'DestinationArn' in said &&
    typeof said.DestinationArn === 'string'
  )
    return said.DestinationArn;
  throw new MalformedAnswer('accountPolicies.policyDocument has no DestinationArn');
}
