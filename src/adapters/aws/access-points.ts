import {
  GetAccessPointPolicyCommand,
  GetMultiRegionAccessPointPolicyCommand,
  ListAccessPointsCommand,
  ListMultiRegionAccessPointsCommand,
  S3ControlClient,
} from '@aws-sdk/client-s3-control';
import { type Clock, partitionOfRegion, region } from '../../core/index.ts';
import {
  type AccessPoint,
  type MultiRegionAccessPoint,
  type Observation,
  type SectionReaders,
  sectionOf,
} from '../../evidence/index.ts';
import type { AccountAccess } from './account-access.ts';
import type { RegionAccess } from './bedrock.ts';
import { isNamed } from './call.ts';
import { clientOf } from './clients.ts';
import { abortable, observe, required } from './observe.ts';
import { allPages } from './pages.ts';
import { regional } from './regional.ts';

/** The one Region that answers about Multi-Region Access Points; other partitions have none. */
const MULTI_REGION_HOME = region('us-west-2');

const NOT_NAMED = {
  kind: 'unobservable',
  reason: 'not-collected',
  detail: 'nothing seen in this account and Region sends content to its bucket',
} as const;

/**
 * The access points of an account and Region. Listed are all, since a bucket of another account, or one that only another account names, may be behind
 * one; the policy is read of those whose bucket is in `destinations` or of another account.
 */
export function accessPointReaders(
  access: RegionAccess,
  clock: Clock,
): Pick<SectionReaders<'account-region'>, 'accessPoints'> {
  return {
    /** @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_GetAccessPointPolicy.html */
    accessPoints: (place, { signal } = {}) =>
      regional(clock, 's3:ListAccessPoints', place, async () => {
        const { accountId, region } = place;
        const client = clientOf(S3ControlClient, await access.settingsFor(accountId, region));
        const end = abortable(signal);
        const listed = await allPages(async (NextToken) => {
          const page = await client.send(
            new ListAccessPointsCommand({
              AccountId: accountId,
              ...(NextToken === undefined ? {} : { NextToken }),
            }),
            end,
          );
          return { items: page.AccessPointList, next: page.NextToken };
        });
        const destinations = sectionOf(place.sections, 'destinations');
        const named = new Set(
          (destinations.kind === 'observed' ? destinations.value : []).flatMap((each) =>
            each.kind === 's3' ? [each.bucketName] : [],
          ),
        );
        const found: AccessPoint[] = [];
        for (const each of listed) {
          const Name = required(each.Name, 'AccessPointList.Name');
          const bucketName = required(each.Bucket, 'AccessPointList.Bucket');
          const { BucketAccountId: bucketAccountId, VpcConfiguration } = each;
          const vpcId = VpcConfiguration?.VpcId;
          const isAsked =
            named.has(bucketName) || (bucketAccountId !== undefined && bucketAccountId !== accountId);
          found.push({
            arn:
              each.AccessPointArn ??
              `arn:${partitionOfRegion(region)}:s3:${region}:${accountId}:accesspoint/${Name}`,
            name: Name,
            bucketName,
            ...(bucketAccountId === undefined ? {} : { bucketAccountId }),
            networkOrigin: required(each.NetworkOrigin, 'AccessPointList.NetworkOrigin'),
            ...(vpcId === undefined ? {} : { vpcId }),
            policy: !isAsked
              ? destinations.kind === 'unobservable'
                ? destinations
                : NOT_NAMED
              : await policyOf(clock, { call: 's3:GetAccessPointPolicy', accountId, region }, async () => {
                  const command = new GetAccessPointPolicyCommand({ AccountId: accountId, Name });
                  return (await client.send(command, end)).Policy;
                }),
          });
        }
        return found;
      }),
  };
}

/** Multi-Region Access Points belong to no Region: asked once for an account. */
export function multiRegionAccessPointReaders(
  access: Pick<AccountAccess, 'settingsFor'>,
  clock: Clock,
): Pick<SectionReaders<'account'>, 'multiRegionAccessPoints'> {
  return {
    /** @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_GetMultiRegionAccessPointPolicy.html */
    multiRegionAccessPoints: ({ accountId }, { signal } = {}) =>
      observe(clock, { call: 's3:ListMultiRegionAccessPoints', accountId }, async () => {
        const { region: home } = await access.settingsFor(accountId);
        const partition = partitionOfRegion(region(home));
        if (partition !== partitionOfRegion(MULTI_REGION_HOME)) return undefined;
        const client = clientOf(S3ControlClient, await access.settingsFor(accountId, MULTI_REGION_HOME));
        const end = abortable(signal);
        const listed = await allPages(async (NextToken) => {
          const page = await client.send(
            new ListMultiRegionAccessPointsCommand({
              AccountId: accountId,
              ...(NextToken === undefined ? {} : { NextToken }),
            }),
            end,
          );
          return { items: page.AccessPoints, next: page.NextToken };
        });
        const found: MultiRegionAccessPoint[] = [];
        for (const { Name: name, Alias, Regions } of listed) {
          const Name = required(name, 'AccessPoints.Name');
          found.push({
            arn: `arn:${partition}:s3::${accountId}:accesspoint/${required(Alias, 'AccessPoints.Alias')}`,
            name: Name,
            bucketNames: (Regions ?? []).map(({ Bucket }) => required(Bucket, 'AccessPoints.Regions.Bucket')),
            policy: await policyOf(
              clock,
              { call: 's3:GetMultiRegionAccessPointPolicy', accountId },
              async () => {
                const command = new GetMultiRegionAccessPointPolicyCommand({ AccountId: accountId, Name });
                return (await client.send(command, end)).Policy?.Established?.Policy;
              },
            ),
          });
        }
        return found;
      }),
  };
}

/** An empty text is no policy. */
const policyOf = (
  clock: Clock,
  source: Parameters<typeof observe>[1],
  read: () => Promise<string | undefined>,
): Promise<Observation<string>> =>
  observe(clock, source, async () => {
    try {
      return (await read()) || undefined;
    } catch (error) {
      if (isNamed(error, 'NoSuchAccessPointPolicy', 'NoSuchMultiRegionAccessPointPolicy')) return undefined;
      throw error;
    }
  });
