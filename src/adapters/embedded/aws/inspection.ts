import type { DatabaseSync } from 'node:sqlite';
import { type Clock, DAY, type EpochMs, formatInstant, Recent } from '../../../core/index.ts';
import {
  type BackupSelection,
  type BucketEvidence,
  type Inspection,
  type KeyEvidence,
  type LifecycleRule,
  type LogGroupEvidence,
  type Pair,
  type SecondLever,
  type Trail,
  withDenial,
} from '../../../enforcement/index.ts';
import type { EvidenceSources, IamEvidence, IamRole, Observation } from '../../../evidence/index.ts';
import { AwsCallError, type ExceptionRequest } from '../../../exceptions/index.ts';
import { frozen } from '../frozen.ts';
import { inTransaction, readDocument, writeDocument } from './database.ts';
import { type FaultyOperation, underFaults, withFaults } from './faults.ts';
import { unobservable } from './settings.ts';
import { deployTemplate } from './stacks.ts';

/** What a bucket has beside what its table says; a field that is left out is not configured. */
export interface BucketFeatures {
  readonly policy?: string;
  readonly ownership?: string;
  readonly lifecycle?: readonly LifecycleRule[];
  readonly copies?: readonly string[];
  readonly backups?: readonly BackupSelection[];
  readonly tags?: Readonly<Record<string, string>>;
}

export interface KeyFeatures {
  readonly policy?: string;
  readonly isEnabled?: boolean;
  readonly grants?: readonly string[];
  readonly tags?: Readonly<Record<string, string>>;
  /** Days of a deletion that was scheduled. */
  readonly deletionInDays?: number;
}

export interface LogGroupFeatures {
  readonly retentionDays?: number;
  readonly isProtected?: boolean;
  readonly copies?: readonly string[];
}

export const bucketName = (name: string) => `bucket/${name}`;
export const keyName = (arn: string) => `key/${arn}`;
export const logGroupName = (pair: Pair, name: string) =>
  `log-group/${pair.accountId}/${pair.region}/${name}`;
const rolesName = (accountId: string) => `stack-roles/${accountId}`;
const TRAILS = 'trails';
/** The last part of an exception's own prefix or log group, which the template leaves open. */
const OWN = /(?<=\/|^)ex-[^/]+\/$|\/ex-[^/]+$/;

/** One trail over the whole organization that records reads and writes of every object, as deploy/governance.yml asks for. */
const TRAIL: Trail = {
  name: 'organization',
  isLogging: true,
  dataEvents: [{ includesReads: true, arnPrefixes: 'all' }],
};

/** Accounts; what follows from the identities of one takes some 300 KiB. */
const IDENTITIES_KEPT = 16;

/** What the embedded AWS shows of destinations, and the stacks that people deploy into it. */
export function embeddedInspection(
  database: DatabaseSync,
  clock: Clock,
  evidence: Pick<EvidenceSources, 'readIam'>,
): Inspection & SecondLever & EmbeddedStacks {
  const observation = <T>(value: T | undefined, call: string, pair: Pair): Observation<T> => {
    const seen = { at: clock.now(), source: { call, ...pair } };
    return value === undefined ? { kind: 'absent', ...seen } : { kind: 'observed', value, ...seen };
  };
  /** What a call that fails cannot show. */
  const read = <T>(operation: FaultyOperation, pair: Pair, look: () => T | undefined): Observation<T> => {
    try {
      return observation(withFaults(database, operation, pair, look), operation, pair);
    } catch (error) {
      return unobservable(error, { call: operation, ...pair });
    }
  };
  // The same object until one of its parts is another, for whoever keeps what follows from it.
  const identities = new Recent<
    string,
    { own: IamEvidence; stacks: readonly IamRole[] | undefined; whole: IamEvidence }
  >(IDENTITIES_KEPT);
  return {
    async inspectBucket(pair, name): Promise<BucketEvidence> {
      const features = readDocument<BucketFeatures>(database, bucketName(name)) ?? {};
      return {
        policy: observation(features.policy, 's3:GetBucketPolicy', pair),
        ownership: observation(features.ownership, 's3:GetBucketOwnershipControls', pair),
        lifecycle: read('s3:GetLifecycleConfiguration', pair, () => features.lifecycle),
        copies: observation(features.copies ?? [], 's3:GetReplicationConfiguration', pair),
        backups: observation(features.backups ?? [], 'backup:GetBackupSelection', pair),
        tags: observation(features.tags, 's3:GetBucketTagging', pair),
        trails: observation(
          readDocument<readonly Trail[]>(database, TRAILS) ?? [TRAIL],
          'cloudtrail:DescribeTrails',
          pair,
        ),
      };
    },
    async inspectLogGroup(pair, name): Promise<LogGroupEvidence> {
      const there = database
        .prepare('SELECT 1 FROM log_groups WHERE account = ? AND region = ? AND name = ?')
        .get(pair.accountId, pair.region, name);
      const features = readDocument<LogGroupFeatures>(database, logGroupName(pair, name)) ?? {};
      const settings = {
        isProtected: features.isProtected === true,
        ...(features.retentionDays === undefined ? {} : { retentionDays: features.retentionDays }),
      };
      return {
        settings: observation(there === undefined ? undefined : settings, 'logs:DescribeLogGroups', pair),
        copies: observation(features.copies ?? [], 'logs:DescribeSubscriptionFilters', pair),
      };
    },
    async inspectKey(pair, arn): Promise<KeyEvidence> {
      const features = readDocument<KeyFeatures>(database, keyName(arn)) ?? {};
      return {
        isEnabled: read('kms:DescribeKey', pair, () => features.isEnabled ?? true),
        policy: observation(features.policy, 'kms:GetKeyPolicy', pair),
        grants: observation(features.grants ?? [], 'kms:ListGrants', pair),
        // The template has always made this tag; states of an earlier version did not keep it.
        tags: observation(
          features.tags ?? (features.policy === undefined ? {} : { proviso: 'exception-content' }),
          'kms:ListResourceTags',
          pair,
        ),
      };
    },
    async readIam(accountId) {
      let seen: Awaited<ReturnType<typeof evidence.readIam>>;
      try {
        seen = await underFaults(database, 'iam:GetAccountAuthorizationDetails', () =>
          evidence.readIam(accountId),
        );
      } catch (error) {
        return unobservable(error, { call: 'iam:GetAccountAuthorizationDetails', accountId });
      }
      if (seen.kind !== 'observed') return seen;
      const stacks = readDocument<readonly IamRole[]>(database, rolesName(accountId));
      const before = identities.get(accountId);
      if (before?.own === seen.value && before.stacks === stacks) return { ...seen, value: before.whole };
      const roles = [...seen.value.roles, ...memberRolesOf(accountId), ...(stacks ?? [])];
      const whole = frozen({ ...seen.value, roles });
      identities.set(accountId, { own: seen.value, stacks, whole });
      return { ...seen, value: whole };
    },
    deployDestination(request) {
      const { destination, accountId, region, readers, endsAt, retention } = request;
      const parameters = {
        ContentName: 'embedded',
        ExceptionId:
          OWN.exec(
            destination.kind === 's3' ? destination.keyPrefix : destination.logGroupName,
          )?.[0].replaceAll('/', '') ?? '',
        ExpiresAt: formatInstant(endsAt),
        ReaderArns: readers,
        BackstopDays: String(Math.max(1, Math.ceil(retention / DAY) - 3)),
        KeyPrefix: destination.kind === 's3' ? destination.keyPrefix.replace(OWN, '') : '',
        ...(destination.kind === 's3' ? {} : { LogGroupName: destination.logGroupName.replace(OWN, '') }),
      };
      const resources = deployTemplate('exception-destination', {
        accountId,
        region,
        parameters,
        attributes: {
          'ContentKey.Arn': destination.kmsKeyArn,
          ContentBucket: destination.kind === 's3' ? destination.bucketName : 'unused',
          'ContentBucket.Arn': `arn:aws:s3:::${destination.kind === 's3' ? destination.bucketName : 'unused'}`,
        },
      });
      inTransaction(database, () => {
        const key = propertiesOf<{ KeyPolicy: unknown; Tags: readonly { Key: string; Value: string }[] }>(
          resources,
          'ContentKey',
        );
        writeDocument(database, keyName(destination.kmsKeyArn), {
          policy: JSON.stringify(key.KeyPolicy),
          tags: Object.fromEntries(key.Tags.map(({ Key, Value }) => [Key, Value])),
        } satisfies KeyFeatures);
        if (destination.kind === 's3') {
          const bucket = propertiesOf<BucketProperties>(resources, 'ContentBucket');
          const policy = propertiesOf<{ PolicyDocument: unknown }>(resources, 'ContentBucketPolicy');
          writeDocument(database, bucketName(destination.bucketName), {
            policy: JSON.stringify(policy.PolicyDocument),
            ownership: bucket.OwnershipControls.Rules[0]?.ObjectOwnership ?? '',
            lifecycle: bucket.LifecycleConfiguration.Rules.map((rule) => ({
              isEnabled: rule.Status === 'Enabled',
              prefix: '',
              expirationDays: Number(rule.ExpirationInDays),
              noncurrentDays: Number(rule.NoncurrentVersionExpiration.NoncurrentDays),
            })),
          } satisfies BucketFeatures);
          return;
        }
        const role = propertiesOf<RoleProperties>(resources, 'LogRole');
        const others = readDocument<readonly IamRole[]>(database, rolesName(accountId)) ?? [];
        writeDocument(database, rolesName(accountId), [
          ...others.filter(({ arn }) => arn !== destination.roleArn),
          roleOf(role, destination.roleArn),
        ]);
      });
    },
    async denyBucket(pair, name, keyPrefix) {
      const there = database
        .prepare('SELECT 1 FROM buckets WHERE name = ? AND account = ? AND region = ?')
        .get(name, pair.accountId, pair.region);
      if (there === undefined) throw new AwsCallError('not-found', `NoSuchBucket: \`${name}\``, false);
      withFaults(database, 's3:PutBucketPolicy', pair, () => {
        const before = readDocument<BucketFeatures>(database, bucketName(name)) ?? {};
        const policy = withDenial(before.policy, name, keyPrefix, pair.region);
        writeDocument(database, bucketName(name), { ...before, policy });
      });
    },
    async disableKey(pair, arn) {
      withFaults(database, 'kms:DisableKey', pair, () => {
        const before = readDocument<KeyFeatures>(database, keyName(arn)) ?? {};
        writeDocument(database, keyName(arn), { ...before, isEnabled: false });
      });
    },
    async scheduleKeyDeletion(pair, arn, waitingDays) {
      withFaults(database, 'kms:ScheduleKeyDeletion', pair, () => {
        const before = readDocument<KeyFeatures>(database, keyName(arn)) ?? {};
        writeDocument(database, keyName(arn), { ...before, isEnabled: false, deletionInDays: waitingDays });
      });
    },
    setBucketFeatures: (name, features) => {
      const before = readDocument<BucketFeatures>(database, bucketName(name)) ?? {};
      writeDocument(database, bucketName(name), { ...before, ...features });
    },
    setKeyFeatures: (arn, features) => {
      const before = readDocument<KeyFeatures>(database, keyName(arn)) ?? {};
      writeDocument(database, keyName(arn), { ...before, ...features });
    },
    setLogGroupFeatures: (pair, name, features) => {
      const before = readDocument<LogGroupFeatures>(database, logGroupName(pair, name)) ?? {};
      writeDocument(database, logGroupName(pair, name), { ...before, ...features });
    },
    setTrails: (trails) => writeDocument(database, TRAILS, trails),
  };
}

/** What a platform team does to the embedded AWS. */
export interface EmbeddedStacks {
  /** Deploys templates/exception-destination.yml over the bucket or log role and the key of a request, with its end and readers. */
  deployDestination(
    request: Pick<ExceptionRequest, 'destination' | 'accountId' | 'region' | 'readers' | 'retention'> & {
      readonly endsAt: EpochMs;
    },
  ): void;
  setBucketFeatures(name: string, features: BucketFeatures): void;
  setKeyFeatures(arn: string, features: KeyFeatures): void;
  setLogGroupFeatures(pair: Pair, name: string, features: LogGroupFeatures): void;
  setTrails(trails: readonly Trail[]): void;
}

interface BucketProperties {
  readonly OwnershipControls: { readonly Rules: readonly { readonly ObjectOwnership: string }[] };
  readonly LifecycleConfiguration: {
    readonly Rules: readonly {
      readonly Status: string;
      readonly ExpirationInDays: string | number;
      readonly NoncurrentVersionExpiration: { readonly NoncurrentDays: string | number };
    }[];
  };
}

interface RoleProperties {
  readonly RoleName?: string;
  readonly Path: string;
  readonly AssumeRolePolicyDocument: unknown;
  readonly Policies: readonly { readonly PolicyName: string; readonly PolicyDocument: unknown }[];
}

const propertiesOf = <T>(resources: ReturnType<typeof deployTemplate>, name: string): T => {
  const found = resources[name];
  if (found === undefined) throw new Error(`the template makes no \`${name}\``);
  return found.properties as T;
};

const roleOf = (role: RoleProperties, arn: string): IamRole => ({
  arn,
  name: arn.slice(arn.lastIndexOf('/') + 1),
  path: role.Path,
  assumeRolePolicyDocument: JSON.stringify(role.AssumeRolePolicyDocument),
  inlinePolicies: role.Policies.map(({ PolicyName, PolicyDocument }) => ({
    name: PolicyName,
    document: JSON.stringify(PolicyDocument),
  })),
  attachedPolicies: [],
});

const made = new Map<string, readonly IamRole[]>();

/** The roles of templates/member-account.yml: every account of the embedded AWS has the stack. */
function memberRolesOf(accountId: string): readonly IamRole[] {
  const before = made.get(accountId);
  if (before !== undefined) return before;
  // Buckets here have any name.
  const parameters = {
    GovernanceAccountId: '000000000000',
    Baseline: 'metadata-only',
    ContentBuckets: '*',
  };
  const resources = deployTemplate('member-account', {
    accountId,
    region: 'us-east-1',
    parameters,
    attributes: {},
  });
  const roles = Object.values(resources)
    .filter(({ type }) => type === 'AWS::IAM::Role')
    .map(({ properties }) => {
      const role = properties as RoleProperties;
      return roleOf(role, `arn:aws:iam::${accountId}:role${role.Path}${role.RoleName ?? ''}`);
    });
  made.set(accountId, roles);
  return roles;
}
