import { CloudWatchLogsClient, DescribeResourcePoliciesCommand } from '@aws-sdk/client-cloudwatch-logs';
import {
  DescribeKeyCommand,
  GetKeyPolicyCommand,
  type GrantListEntry,
  KMSClient,
  ListGrantsCommand,
} from '@aws-sdk/client-kms';
import { GetBucketPolicyCommand, S3Client } from '@aws-sdk/client-s3';
import { type Clock, partitionOfRegion } from '../../core/index.ts';
import {
  type ContentDestination,
  type DestinationPolicy,
  type GrantsOfKey,
  type KeyGrant,
  type Observation,
  type SectionReaders,
  sectionOf,
} from '../../evidence/index.ts';
import type { RegionAccess } from './bedrock.ts';
import { isNamed } from './call.ts';
import { clientOf } from './clients.ts';
import { s3Addressing } from './home-settings.ts';
import { abortable, observe, required } from './observe.ts';
import { allPages } from './pages.ts';
import { regional } from './regional.ts';

/**
 * The policies that the destinations seen just before hold themselves, each an observation of its own. AWS answers `GetBucketPolicy` to nobody
 * but the bucket's own account, so a policy that is observed is of a bucket of this account.
 */
export function destinationPolicyReaders(
  access: RegionAccess,
  clock: Clock,
): Pick<SectionReaders<'account-region'>, 'destinationPolicies' | 'logsResourcePolicies' | 'keyGrants'> {
  return {
    /**
     * @see https://docs.aws.amazon.com/kms/latest/APIReference/API_ListGrants.html
     * @see https://docs.aws.amazon.com/kms/latest/APIReference/API_KeyMetadata.html: `KeyManager`
     */
    keyGrants: (place, { signal } = {}) => {
      const destinations = sectionOf(place.sections, 'destinations');
      if (destinations.kind === 'unobservable') return Promise.resolve(destinations);
      return regional(clock, 'kms:ListGrants + kms:DescribeKey', place, async () => {
        const { accountId, region } = place;
        const keys = new Set(
          (destinations.kind === 'absent' ? [] : destinations.value).flatMap((each) => keyOf(each) ?? []),
        );
        if (keys.size === 0) return [];
        const kms = clientOf(KMSClient, await access.settingsFor(accountId, region));
        const found: GrantsOfKey[] = [];
        for (const keyArn of keys)
          found.push({
            keyArn,
            grants: await observe(clock, { call: 'kms:ListGrants', accountId, region }, async () => {
              const grants = await allPages(async (Marker) => {
                const command = new ListGrantsCommand({
                  KeyId: keyArn,
                  ...(Marker === undefined ? {} : { Marker }),
                });
                const page = await kms.send(command, abortable(signal));
                return { items: required(page.Grants, 'Grants'), next: page.NextMarker };
              });
              return grants.map(grantOf);
            }),
            manager: await observe(clock, { call: 'kms:DescribeKey', accountId, region }, async () => {
              const { KeyMetadata } = await kms.send(
                new DescribeKeyCommand({ KeyId: keyArn }),
                abortable(signal),
              );
              return required(KeyMetadata?.KeyManager, 'KeyMetadata.KeyManager');
            }),
          });
        return found;
      });
    },

    /** @see https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeResourcePolicies.html: `policyScope` */
    logsResourcePolicies: (place, { signal } = {}) => {
      const destinations = sectionOf(place.sections, 'destinations');
      if (destinations.kind === 'unobservable') return Promise.resolve(destinations);
      return regional(clock, 'logs:DescribeResourcePolicies', place, async () => {
        const named = destinations.kind === 'absent' ? [] : destinations.value;
        if (!named.some(({ kind }) => kind === 'cloudwatch-logs')) return undefined;
        const settings = await access.settingsFor(place.accountId, place.region);
        const logs = clientOf(CloudWatchLogsClient, settings);
        const policies = await allPages(async (nextToken) => {
          const command = new DescribeResourcePoliciesCommand({
            policyScope: 'ACCOUNT',
            ...(nextToken === undefined ? {} : { nextToken }),
          });
          const page = await logs.send(command, abortable(signal));
          return { items: page.resourcePolicies, next: page.nextToken };
        });
        return policies.map(({ policyName, policyDocument }) => ({
          name: required(policyName, 'resourcePolicies.policyName'),
          document: required(policyDocument, 'resourcePolicies.policyDocument'),
        }));
      });
    },

    destinationPolicies: (place, { signal } = {}) => {
      const destinations = sectionOf(place.sections, 'destinations');
      // What they hold is as unknown as what they are.
      if (destinations.kind === 'unobservable') return Promise.resolve(destinations);
      return regional(
        clock,
        's3:GetBucketPolicy + kms:GetKeyPolicy + logs:DescribeResourcePolicies',
        place,
        async () => {
          const { accountId, region } = place;
          const named = destinations.kind === 'absent' ? [] : destinations.value;
          if (named.length === 0) return [];
          const settings = await access.settingsFor(accountId, region);
          const end = abortable(signal);
          const partition = partitionOfRegion(region);
          const s3 = clientOf(S3Client, settings, { ...s3Addressing(), followRegionRedirects: true });
          const kms = clientOf(KMSClient, settings);
          const logs = clientOf(CloudWatchLogsClient, settings);
          const one = (call: string, absentName: string, read: () => Promise<string | undefined>) =>
            observe(clock, { call, accountId, region }, async () => {
              try {
                return await read();
              } catch (error) {
                if (isNamed(error, absentName)) return undefined;
                throw error;
              }
            });
          const found = new Map<string, Observation<string>>();
          for (const each of named) {
            const [arn, policy] =
              each.kind === 's3'
                ? [
                    `arn:${partition}:s3:::${each.bucketName}`,
                    one('s3:GetBucketPolicy', 'NoSuchBucketPolicy', async () => {
                      const { Policy } = await s3.send(
                        new GetBucketPolicyCommand({ Bucket: each.bucketName }),
                        end,
                      );
                      return Policy;
                    }),
                  ]
                : logGroupPolicy(each.logGroupName);
            found.set(arn, await policy);
            const key = keyOf(each);
            if (key === undefined || found.has(key)) continue;
            found.set(
              key,
              await one('kms:GetKeyPolicy', 'NotFoundException', async () => {
                const { Policy } = await kms.send(
                  new GetKeyPolicyCommand({ KeyId: key, PolicyName: 'default' }),
                  end,
                );
                return Policy;
              }),
            );
          }
          return [...found].map(([resourceArn, policy]): DestinationPolicy => ({ resourceArn, policy }));

          function logGroupPolicy(logGroupName: string): readonly [string, Promise<Observation<string>>] {
            const resourceArn = `arn:${partition}:logs:${region}:${accountId}:log-group:${logGroupName}`;
            return [
              resourceArn,
              one('logs:DescribeResourcePolicies', 'ResourceNotFoundException', async () => {
                const command = new DescribeResourcePoliciesCommand({ resourceArn, policyScope: 'RESOURCE' });
                const { resourcePolicies = [] } = await logs.send(command, end);
                return resourcePolicies[0]?.policyDocument;
              }),
            ];
          }
        },
      );
    },
  };
}

function grantOf(grant: GrantListEntry): KeyGrant {
  const { EncryptionContextEquals, EncryptionContextSubset, SourceArn } = grant.Constraints ?? {};
  return {
    id: required(grant.GrantId, 'Grants.GrantId'),
    grantee: required(grant.GranteeServicePrincipal ?? grant.GranteePrincipal, 'Grants.GranteePrincipal'),
    operations: required(grant.Operations, 'Grants.Operations'),
    isConstrained: [EncryptionContextEquals, EncryptionContextSubset, SourceArn].some(
      (constraint) => constraint !== undefined,
    ),
  };
}

/** The key under which a destination is, where it has one of its own. */
const keyOf = (destination: ContentDestination): string | undefined =>
  destination.kind === 's3' ? encryptionKeyOf(destination.encryption) : observedText(destination.keyArn);
const encryptionKeyOf = (
  encryption: Observation<{ readonly keyArn?: string | undefined }>,
): string | undefined => (encryption.kind === 'observed' ? encryption.value.keyArn : undefined);
const observedText = (text: Observation<string>): string | undefined =>
  text.kind === 'observed' ? text.value : undefined;
