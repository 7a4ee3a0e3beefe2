import {
  BackupClient,
  GetBackupSelectionCommand,
  ListBackupPlansCommand,
  ListBackupSelectionsCommand,
  type BackupSelection as SdkBackupSelection,
} from '@aws-sdk/client-backup';
import {
  type AdvancedEventSelector,
  CloudTrailClient,
  DescribeTrailsCommand,
  type EventSelector,
  GetEventSelectorsCommand,
  GetTrailStatusCommand,
} from '@aws-sdk/client-cloudtrail';
import {
  CloudWatchLogsClient,
  DescribeAccountPoliciesCommand,
  DescribeExportTasksCommand,
  DescribeLogGroupsCommand,
  DescribeSubscriptionFiltersCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import {
  DescribeKeyCommand,
  GetKeyPolicyCommand,
  KMSClient,
  ListGrantsCommand,
  ListResourceTagsCommand,
} from '@aws-sdk/client-kms';
import {
  GetBucketLifecycleConfigurationCommand,
  GetBucketOwnershipControlsCommand,
  GetBucketPolicyCommand,
  GetBucketReplicationCommand,
  GetBucketTaggingCommand,
  S3Client,
  type LifecycleRule as S3LifecycleRule,
} from '@aws-sdk/client-s3';
import type { Clock } from '../../core/index.ts';
import type { BackupSelection, Inspection, LifecycleRule, Pair, Trail } from '../../enforcement/index.ts';
import type { AccountSource } from '../../evidence/index.ts';
import { isNamed } from './call.ts';
import { s3Addressing } from './home-settings.ts';
import { observe, required } from './observe.ts';
import { allPages } from './pages.ts';
import type { MemberRoles } from './roles.ts';

/** Destinations and what surrounds them, looked at by the collecting role. Run against recorded answers and moto. [unverified: destination-facts] */
export function accountInspection(roles: MemberRoles, accounts: AccountSource, clock: Clock): Inspection {
  const settings = (pair: Pair) => roles.settingsFor('collect', pair);
  /** One fact with a client made for it, so that a role that cannot be assumed is a fact that could not be read. */
  const fact = <T, C>(
    call: string,
    pair: Pair,
    make: (clientSettings: Awaited<ReturnType<typeof settings>>) => C,
    read: (client: C) => Promise<T | undefined>,
  ) => observe(clock, { call, ...pair }, async () => read(make(await settings(pair))));
  const s3 = (given: Awaited<ReturnType<typeof settings>>) => new S3Client({ ...given, ...s3Addressing() });
  const kms = (given: Awaited<ReturnType<typeof settings>>) => new KMSClient(given);
  const logs = (given: Awaited<ReturnType<typeof settings>>) => new CloudWatchLogsClient(given);
  const trails = (given: Awaited<ReturnType<typeof settings>>) => new CloudTrailClient(given);
  const backup = (given: Awaited<ReturnType<typeof settings>>) => new BackupClient(given);

  return {
    readIam: (accountId) => accounts.readIam(accountId),

    async inspectBucket(pair, Bucket) {
      const owned = { Bucket, ExpectedBucketOwner: pair.accountId };
      const [policy, ownership, lifecycle, copies, backups, tags, seenTrails] = await Promise.all([
        fact('s3:GetBucketPolicy', pair, s3, async (client) => {
          const answer = await absentAs(client.send(new GetBucketPolicyCommand(owned)), 'NoSuchBucketPolicy');
          return answer?.Policy;
        }),
        fact('s3:GetBucketOwnershipControls', pair, s3, async (client) => {
          const answer = await absentAs(
            client.send(new GetBucketOwnershipControlsCommand(owned)),
            'OwnershipControlsNotFoundError',
          );
          return answer?.OwnershipControls?.Rules?.[0]?.ObjectOwnership;
        }),
        fact('s3:GetBucketLifecycleConfiguration', pair, s3, async (client) => {
          const answer = await absentAs(
            client.send(new GetBucketLifecycleConfigurationCommand(owned)),
            'NoSuchLifecycleConfiguration',
          );
          return answer && (answer.Rules ?? []).flatMap(lifecycleRule);
        }),
        fact('s3:GetBucketReplication', pair, s3, (client) => replications(client, owned)),
        fact(BACKUP_CALLS, pair, backup, readBackups),
        fact('s3:GetBucketTagging', pair, s3, async (client) => {
          const answer = await absentAs(client.send(new GetBucketTaggingCommand(owned)), 'NoSuchTagSet');
          return answer && Object.fromEntries((answer.TagSet ?? []).map(({ Key, Value }) => [Key, Value]));
        }),
        fact(TRAIL_CALLS, pair, trails, readTrails),
      ]);
      return { policy, ownership, lifecycle, copies, backups, tags, trails: seenTrails };
    },

    async inspectLogGroup(pair, name) {
      const [group, copies] = await Promise.all([
        fact('logs:DescribeLogGroups', pair, logs, async (client) => {
          const groups = await allPages(async (nextToken) => {
            const page = await client.send(
              new DescribeLogGroupsCommand({ logGroupNamePrefix: name, nextToken }),
            );
            return { items: page.logGroups, next: page.nextToken };
          });
          const found = groups.find(({ logGroupName }) => logGroupName === name);
          if (found === undefined) return undefined;
          const { retentionInDays, deletionProtectionEnabled } = found;
          return {
            isProtected: deletionProtectionEnabled === true,
            ...(retentionInDays === undefined ? {} : { retentionDays: retentionInDays }),
          };
        }),
        fact(LOG_COPY_CALLS, pair, logs, (client) => logCopies(client, name)),
      ]);
      return { settings: group, copies };
    },

    async inspectKey(pair, KeyId) {
      const [isEnabled, policy, grants, tags] = await Promise.all([
        fact('kms:DescribeKey', pair, kms, async (client) => {
          const { KeyMetadata } = await client.send(new DescribeKeyCommand({ KeyId }));
          return required(KeyMetadata?.KeyState, 'KeyMetadata.KeyState') === 'Enabled';
        }),
        fact('kms:GetKeyPolicy', pair, kms, async (client) => {
          const { Policy } = await client.send(new GetKeyPolicyCommand({ KeyId, PolicyName: 'default' }));
          return required(Policy, 'Policy');
        }),
        fact('kms:ListGrants', pair, kms, async (client) => {
          const all = await allPages(async (Marker) => {
            const page = await client.send(new ListGrantsCommand({ KeyId, Marker }));
            return { items: page.Grants, next: page.Truncated === true ? page.NextMarker : undefined };
          });
          return all
            .filter(({ Operations = [] }) => Operations.some((name) => /Encrypt|Decrypt|DataKey/.test(name)))
            .map(({ GranteePrincipal }) => GranteePrincipal ?? 'somebody');
        }),
        fact('kms:ListResourceTags', pair, kms, async (client) => {
          const all = await allPages(async (Marker) => {
            const page = await client.send(new ListResourceTagsCommand({ KeyId, Marker }));
            return { items: page.Tags, next: page.Truncated === true ? page.NextMarker : undefined };
          });
          return Object.fromEntries(all.map(({ TagKey, TagValue }) => [TagKey ?? '', TagValue ?? '']));
        }),
      ]);
      return { isEnabled, policy, grants, tags };
    },
  };
}

type Owned = { readonly Bucket: string; readonly ExpectedBucketOwner: string };

async function replications(client: S3Client, owned: Owned): Promise<readonly string[]> {
  const answer = await absentAs(
    client.send(new GetBucketReplicationCommand(owned)),
    'ReplicationConfigurationNotFoundError',
  );
  return (answer?.ReplicationConfiguration?.Rules ?? [])
    .filter(({ Status }) => Status !== 'Disabled')
    .map(({ Destination }) => `it is replicated to ${Destination?.Bucket ?? 'another bucket'}`);
}

const BACKUP_CALLS = 'backup:ListBackupPlans + backup:ListBackupSelections + backup:GetBackupSelection';

/** Plans that the organization's backup policies make in the account are listed with the account's own. [unverified: organization-backup-plans] */
async function readBackups(client: BackupClient): Promise<readonly BackupSelection[]> {
  const plans = await allPages(async (NextToken) => {
    const page = await client.send(new ListBackupPlansCommand({ NextToken }));
    return { items: page.BackupPlansList, next: page.NextToken };
  });
  const found: BackupSelection[] = [];
  for (const plan of plans) {
    const BackupPlanId = required(plan.BackupPlanId, 'BackupPlansList.BackupPlanId');
    const listed = await allPages(async (NextToken) => {
      const page = await client.send(new ListBackupSelectionsCommand({ BackupPlanId, NextToken }));
      return { items: page.BackupSelectionsList, next: page.NextToken };
    });
    for (const each of listed) {
      const SelectionId = required(each.SelectionId, 'BackupSelectionsList.SelectionId');
      const answer = await client.send(new GetBackupSelectionCommand({ BackupPlanId, SelectionId }));
      const selection = required(answer.BackupSelection, 'BackupSelection');
      found.push({
        plan: plan.BackupPlanName ?? BackupPlanId,
        selection: selection.SelectionName ?? SelectionId,
        ...selectionOf(selection),
      });
    }
  }
  return found;
}

const OPERATORS = ['StringEquals', 'StringNotEquals', 'StringLike', 'StringNotLike'] as const;

const selectionOf = ({
  Resources,
  NotResources,
  ListOfTags,
  Conditions,
}: SdkBackupSelection): Omit<BackupSelection, 'plan' | 'selection'> => ({
  resources: Resources ?? [],
  notResources: NotResources ?? [],
  anyTag: (ListOfTags ?? []).map(tagOf),
  conditions: OPERATORS.flatMap((operator) =>
    (Conditions?.[operator] ?? []).map((condition) => ({ operator, ...tagOf(condition) })),
  ),
});

/** A tag is named as such, or as the condition key that IAM knows it by. */
const tagOf = (condition: {
  readonly ConditionKey?: string | undefined;
  readonly ConditionValue?: string | undefined;
}) => ({
  key: required(condition.ConditionKey, 'ConditionKey').replace(/^aws:ResourceTag\//, ''),
  value: condition.ConditionValue ?? '',
});

/** A rule with a tag or size filter, an end by date, or a number of versions to keep covers only some objects or one day. */
function lifecycleRule(rule: S3LifecycleRule): readonly LifecycleRule[] {
  const { Filter, Expiration, NoncurrentVersionExpiration: noncurrent } = rule;
  const { Prefix = '' } = rule as { readonly Prefix?: string };
  const isEnabled = rule.Status === 'Enabled';
  const prefix = Filter?.Prefix ?? Filter?.And?.Prefix ?? Prefix;
  const isFiltered = Filter !== undefined && Object.keys(Filter).some((name) => name !== 'Prefix');
  const isCounting = noncurrent?.NewerNoncurrentVersions !== undefined;
  if (isFiltered)
    return Expiration === undefined && noncurrent === undefined
      ? []
      : [{ isEnabled, prefix, isPartial: true }];
  return [
    {
      isEnabled,
      prefix,
      ...(Expiration?.Days === undefined ? {} : { expirationDays: Expiration.Days }),
      ...(noncurrent?.NoncurrentDays === undefined || isCounting
        ? {}
        : { noncurrentDays: noncurrent.NoncurrentDays }),
      ...(isCounting || Expiration?.Date !== undefined ? { isPartial: true } : {}),
    },
  ];
}

const TRAIL_CALLS = 'cloudtrail:DescribeTrails + cloudtrail:GetTrailStatus + cloudtrail:GetEventSelectors';

/** Of an organization's trail a member account sees a shadow, which it may describe. Its event selectors too. [unverified: member-reads-organization-trail] */
async function readTrails(client: CloudTrailClient): Promise<readonly Trail[]> {
  const { trailList = [] } = await client.send(new DescribeTrailsCommand({ includeShadowTrails: true }));
  const found: Trail[] = [];
  for (const { TrailARN, Name } of trailList) {
    const TrailName = required(TrailARN ?? Name, 'trailList.TrailARN');
    const { IsLogging } = await client.send(new GetTrailStatusCommand({ Name: TrailName }));
    const selectors = await client.send(new GetEventSelectorsCommand({ TrailName }));
    found.push({
      name: Name ?? TrailName,
      isLogging: IsLogging === true,
      dataEvents: [
        ...(selectors.EventSelectors ?? []).flatMap(basicSelector),
        ...(selectors.AdvancedEventSelectors ?? []).flatMap(advancedSelector),
      ],
    });
  }
  return found;
}

function basicSelector({ ReadWriteType, DataResources = [] }: EventSelector): Trail['dataEvents'] {
  return DataResources.filter(({ Type }) => Type === 'AWS::S3::Object').map(({ Values = [] }) => ({
    includesReads: ReadWriteType !== 'WriteOnly',
    // `arn:aws:s3` alone stands for every bucket.
    arnPrefixes: Values.some((value) => /^arn:[^:]+:s3(:::)?$/.test(value)) ? 'all' : Values,
  }));
}

/** Fields that narrow in another way (an event name, an exclusion) make the selector one that we do not rely on. */
function advancedSelector({ FieldSelectors = [] }: AdvancedEventSelector): Trail['dataEvents'] {
  const field = (name: string) => FieldSelectors.find(({ Field }) => Field === name);
  const isData = field('eventCategory')?.Equals?.includes('Data') === true;
  const isObject = field('resources.type')?.Equals?.includes('AWS::S3::Object') === true;
  const known = ['eventCategory', 'resources.type', 'resources.ARN', 'readOnly'];
  if (!isData || !isObject || FieldSelectors.some(({ Field }) => !known.includes(Field ?? ''))) return [];
  const arn = field('resources.ARN');
  const isPlain =
    arn === undefined || Object.keys(arn).every((key) => key === 'Field' || key === 'StartsWith');
  if (!isPlain) return [];
  const readOnly = field('readOnly')?.Equals;
  return [
    {
      includesReads: readOnly === undefined || readOnly.includes('true'),
      arnPrefixes: arn === undefined ? 'all' : (arn.StartsWith ?? []),
    },
  ];
}

const LOG_COPY_CALLS =
  'logs:DescribeSubscriptionFilters + logs:DescribeAccountPolicies + logs:DescribeExportTasks';

async function logCopies(client: CloudWatchLogsClient, logGroupName: string): Promise<readonly string[]> {
  const filters = await allPages(async (nextToken) => {
    const page = await client.send(new DescribeSubscriptionFiltersCommand({ logGroupName, nextToken }));
    return { items: page.subscriptionFilters, next: page.nextToken };
  });
  const policies = await allPages(async (nextToken) => {
    const page = await client.send(
      new DescribeAccountPoliciesCommand({ policyType: 'SUBSCRIPTION_FILTER_POLICY', nextToken }),
    );
    return { items: page.accountPolicies, next: page.nextToken };
  });
  const exports = await allPages(async (nextToken) => {
    const page = await client.send(new DescribeExportTasksCommand({ nextToken }));
    return { items: page.exportTasks, next: page.nextToken };
  });
  return [
    ...filters.map(
      ({ filterName, destinationArn }) =>
        `subscription filter ${filterName ?? ''} sends it to ${destinationArn ?? ''}`,
    ),
    ...policies
      .filter(({ selectionCriteria }) => !excludes(selectionCriteria, logGroupName))
      .map(({ policyName }) => `the account’s subscription policy ${policyName ?? ''} sends it elsewhere`),
    ...exports
      .filter(
        (task) =>
          task.logGroupName === logGroupName &&
          ['PENDING', 'RUNNING'].includes(task.status?.code ?? 'RUNNING'),
      )
      .map(({ destination }) => `an export task copies it to ${destination ?? 'a bucket'}`),
  ];
}

/** `LogGroupName NOT IN ["a", "b"]` is the one form of criteria that leaves groups out. */
const excludes = (criteria: string | undefined, logGroupName: string): boolean =>
  criteria !== undefined &&
  /^\s*LogGroupName\s+NOT\s+IN\b/.test(criteria) &&
  criteria.includes(JSON.stringify(logGroupName));

async function absentAs<T>(answer: Promise<T>, ...names: readonly string[]): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (isNamed(error, ...names)) return undefined;
    throw error;
  }
}
