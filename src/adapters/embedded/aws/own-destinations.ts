import type { DatabaseSync } from 'node:sqlite';
import { type Clock, partitionOfRegion } from '../../../core/index.ts';
import {
  type ContentBucket,
  type ContentDestination,
  type ContentLogGroup,
  type DestinationPolicy,
  type GrantsOfKey,
  namedDestinations,
  type Observation,
  type RegionEvidence,
  type SectionReaders,
} from '../../../evidence/index.ts';
import { prepared } from '../statements.ts';
import { readDocument } from './database.ts';
import {
  type BucketFeatures,
  bucketName,
  type KeyFeatures,
  keyName,
  type LogGroupFeatures,
  logGroupName,
} from './inspection.ts';

type Names = 'destinations' | 'destinationPolicies' | 'keyGrants';
type Readers = Pick<SectionReaders<'account-region'>, Names>;

/**
 * Sections about the places that the settings name, over those of the estate that was taken over: the stacks that were deployed here since
 * are described as the collector would, so that a check of a state sees the bucket of a live exception too.
 */
export function ownDestinationSections(database: DatabaseSync, clock: Clock, taken: Readers): Readers {
  const seen = (call: string, { accountId, region }: RegionEvidence) => {
    const about = { at: clock.now(), source: { call, accountId, region } };
    return <T>(value: T | undefined): Observation<T> =>
      value === undefined ? { kind: 'absent', ...about } : { kind: 'observed', value, ...about };
  };
  /** Copies, plans and grants are kept here in words or as preflight reads them, not as the sections have them. */
  const noneOf = (
    call: string,
    place: RegionEvidence,
    kept: readonly unknown[] = [],
  ): Observation<readonly never[]> =>
    kept.length === 0
      ? seen(call, place)([])
      : {
          kind: 'unobservable',
          reason: 'not-collected',
          detail: 'the embedded AWS keeps them in words alone',
        };
  /** Which objects a partial rule deletes is not kept: taken for a whole one, it would promise more than it does. */
  const lifecycleOf = (
    place: RegionEvidence,
    rules: BucketFeatures['lifecycle'],
  ): ContentBucket['lifecycle'] => {
    if (rules?.some(({ isPartial }) => isPartial === true) === true)
      return {
        kind: 'unobservable',
        reason: 'not-collected',
        detail: 'which objects a rule deletes is not kept',
      };
    return seen(
      's3:GetLifecycleConfiguration',
      place,
    )(
      rules?.map(({ isEnabled, prefix, expirationDays, noncurrentDays }, index) => ({
        id: `rule-${index + 1}`,
        status: isEnabled ? ('Enabled' as const) : ('Disabled' as const),
        prefix,
        tags: [],
        ...(expirationDays === undefined ? {} : { expirationDays }),
        ...(noncurrentDays === undefined ? {} : { noncurrentVersionExpirationDays: noncurrentDays }),
      })),
    );
  };
  const bucketOf = (place: RegionEvidence, name: string, usedBy: readonly string[]): ContentBucket | [] => {
    const row = prepared(
      database,
      'SELECT versioned, object_lock, kms_key FROM buckets WHERE name = ? AND account = ? AND region = ?',
    ).get(name, place.accountId, place.region) as
      | { versioned: number; object_lock: number; kms_key: string | null }
      | undefined;
    // A bucket that was only ever named has nothing to be told.
    if (row?.kms_key == null) return [];
    const { lifecycle, ownership, copies, backups } =
      readDocument<BucketFeatures>(database, bucketName(name)) ?? {};
    return {
      kind: 's3',
      bucketName: name,
      usedBy,
      versioning: seen('s3:GetBucketVersioning', place)(row.versioned === 1 ? 'Enabled' : undefined),
      lifecycle: lifecycleOf(place, lifecycle),
      objectLock: seen('s3:GetBucketObjectLockConfiguration', place)(row.object_lock === 1 ? {} : undefined),
      encryption: seen(
        's3:GetEncryptionConfiguration',
        place,
      )({
        algorithm: 'aws:kms',
        keyArn: row.kms_key,
      }),
      ownership: seen('s3:GetBucketOwnershipControls', place)(ownership),
      replication: noneOf('s3:GetReplicationConfiguration', place, copies),
      backups: noneOf('backup:ListRecoveryPointsByResource', place, backups),
    };
  };
  const logGroupOf = (
    place: RegionEvidence,
    name: string,
    usedBy: readonly string[],
  ): ContentLogGroup | [] => {
    const row = prepared(
      database,
      'SELECT kms_key FROM log_groups WHERE account = ? AND region = ? AND name = ?',
    ).get(place.accountId, place.region, name) as { kms_key: string | null } | undefined;
    if (row?.kms_key == null) return [];
    const { retentionDays, isProtected, copies } =
      readDocument<LogGroupFeatures>(database, logGroupName(place, name)) ?? {};
    const group = seen('logs:DescribeLogGroups', place);
    return {
      kind: 'cloudwatch-logs',
      logGroupName: name,
      usedBy,
      retentionInDays: group(retentionDays),
      retentionPolicyName: group<string>(undefined),
      deletionProtection: group(isProtected === true),
      keyArn: group(row.kms_key),
      subscriptions: noneOf('logs:DescribeSubscriptionFilters', place, copies),
      exportTasks: seen('logs:DescribeExportTasks', place)([]),
    };
  };

  /** What is held here of the places that are named and that the estate did not describe. */
  const own = (
    place: RegionEvidence,
    taken: Observation<readonly ContentDestination[]>,
  ): readonly ContentDestination[] => {
    const described = new Set((taken.kind === 'observed' ? taken.value : []).map(nameOf));
    const { buckets, logGroups } = namedDestinations(place);
    return [
      ...[...buckets].flatMap(([name, usedBy]) =>
        described.has(`s3 ${name}`) ? [] : bucketOf(place, name, usedBy),
      ),
      ...[...logGroups].flatMap(([name, usedBy]) =>
        described.has(`cloudwatch-logs ${name}`) ? [] : logGroupOf(place, name, usedBy),
      ),
    ];
  };
  /** With what is held here; a section that could not be seen stays so, unless all that is named is held here. */
  const adding = <T>(
    call: string,
    place: RegionEvidence,
    seenBefore: Observation<readonly T[]>,
    more: readonly T[],
    isAll: boolean,
  ): Observation<readonly T[]> => {
    if (more.length === 0) return seenBefore;
    if (seenBefore.kind === 'unobservable' && !isAll) return seenBefore;
    return seen(call, place)([...(seenBefore.kind === 'observed' ? seenBefore.value : []), ...more]);
  };
  /** The places of the section read before, that are held here. */
  const held = async (place: RegionEvidence) => {
    const before = await taken.destinations(place);
    const mine = own(place, before);
    const { buckets, logGroups } = namedDestinations(place);
    return { before, mine, isAll: mine.length === buckets.size + logGroups.size };
  };
  const keysOf = (mine: readonly ContentDestination[]): readonly string[] => [
    ...new Set(mine.flatMap((each) => keyOf(each) ?? [])),
  ];
  return {
    async destinations(place) {
      const { before, mine, isAll } = await held(place);
      return adding('s3:GetEncryptionConfiguration', place, before, mine, isAll);
    },
    async destinationPolicies(place) {
      const { mine, isAll } = await held(place);
      const partition = partitionOfRegion(place.region);
      const policies: readonly DestinationPolicy[] = [
        ...mine.map((each) =>
          each.kind === 's3'
            ? {
                resourceArn: `arn:${partition}:s3:::${each.bucketName}`,
                policy: seen(
                  's3:GetBucketPolicy',
                  place,
                )(readDocument<BucketFeatures>(database, bucketName(each.bucketName))?.policy),
              }
            : {
                resourceArn: `arn:${partition}:logs:${place.region}:${place.accountId}:log-group:${each.logGroupName}`,
                policy: seen('logs:DescribeResourcePolicies', place)<string>(undefined),
              },
        ),
        ...keysOf(mine).map((resourceArn) => ({
          resourceArn,
          policy: seen(
            'kms:GetKeyPolicy',
            place,
          )(readDocument<KeyFeatures>(database, keyName(resourceArn))?.policy),
        })),
      ];
      return adding('s3:GetBucketPolicy', place, await taken.destinationPolicies(place), policies, isAll);
    },
    async keyGrants(place) {
      const { mine, isAll } = await held(place);
      const grants = keysOf(mine).map((keyArn): GrantsOfKey => {
        return {
          keyArn,
          grants: noneOf(
            'kms:ListGrants',
            place,
            readDocument<KeyFeatures>(database, keyName(keyArn))?.grants,
          ),
          manager: seen('kms:DescribeKey', place)('CUSTOMER'),
        };
      });
      return adding('kms:ListGrants', place, await taken.keyGrants(place), grants, isAll);
    },
  };
}

const nameOf = (each: ContentDestination): string =>
  each.kind === 's3' ? `s3 ${each.bucketName}` : `cloudwatch-logs ${each.logGroupName}`;
const keyOf = (each: ContentDestination): string | undefined =>
  each.kind === 's3'
    ? each.encryption.kind === 'observed'
      ? each.encryption.value.keyArn
      : undefined
    : each.keyArn.kind === 'observed'
      ? each.keyArn.value
      : undefined;
