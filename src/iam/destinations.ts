import { type AccountId, isAccountId, partitionOfRegion, type Region } from '../core/index.ts';
import {
  type AccountEvidence,
  type KeyGrant,
  type LogsResourcePolicy,
  namedDestinations,
  type Observation,
  type Organization,
  type RegionEvidence,
  type ResourcePolicy,
  sectionOf,
} from '../evidence/index.ts';
import { accessPointsBehind, type BucketAccessPoints } from './access-points.ts';
import type { RequestResource } from './compile.ts';
import type { ResourceLayer } from './evaluate.ts';
import { accountOf } from './identity.ts';
import { layerOf, type ReadPolicy, readPolicy } from './layers.ts';

const KINDS = ['bucket', 'log-group', 'key'] as const;
export type DestinationKind = (typeof KINDS)[number];

/** A place that content goes to, or the key that it lies under, with the policy that it holds itself. */
export interface Destination {
  readonly kind: DestinationKind;
  readonly resourceArn: string;
  /** For a person: the bucket's or log group's name; of a key its ARN. */
  readonly name: string;
  /** Whose it is; undefined: not known, since only a bucket's own account is told its policy. */
  readonly accountId: AccountId | undefined;
  /** Accounts and Regions whose evidence names it; at least one. */
  readonly namedIn: readonly { readonly accountId: AccountId; readonly region: Region }[];
  /** Of a bucket: the key that its objects are under, where it has one of its own. */
  readonly keyArn?: string;
  /** Of a bucket: why nobody knows under which key its objects are, in words. */
  readonly keyNotSeen?: string;
  /** Of a bucket: why access lists may let others read what is in it, in words; absent: they count for nothing there. */
  readonly accessLists?: string;
  /** Of a bucket: the access points in front of it, as far as they were listed. */
  readonly accessPoints?: BucketAccessPoints;
  /** What is asked about: something in the bucket or log group, or the key; any of them is enough. */
  readonly resources: readonly RequestResource[];
  /** With the grants of a key. Its `unreadable` says why it could not be read. */
  readonly layer: ResourceLayer;
  /** Of a key: why its grants are not known, in words; they let in past its policy. */
  readonly grantsNotSeen?: string;
}

interface Found {
  readonly kind: DestinationKind;
  readonly resourceArn: string;
  readonly name: string;
  readonly namedIn: { readonly accountId: AccountId; readonly region: Region }[];
  keyArn?: string;
  keyNotSeen?: string;
  /** The best that was seen of its Object Ownership. */
  ownership: Observation<string>;
  /** The best that was seen of its policy, and by which account. */
  policy: Observation<string>;
  by: AccountId;
  grants: Observation<readonly KeyGrant[]>;
  /** Of a log group: the policies of CloudWatch Logs for its whole account and Region. */
  accountWide: Observation<readonly LogsResourcePolicy[]>;
}

const NOBODY_ASKED = { kind: 'unobservable', reason: 'not-collected', detail: 'nobody asked' } as const;
const SEEN = ['observed', 'absent', 'unobservable'] as const satisfies readonly Observation<never>['kind'][];

/**
 * The buckets, log groups and keys that the evidence names as places of content, each once, in this order, by ARN.
 *
 * @param held - policies known of the accounts as a whole, by ARN; they go before those of the Regions
 */
export function destinationsOf(
  accountRegions: readonly RegionEvidence[],
  accounts: readonly AccountEvidence[],
  held: ReadonlyMap<string, ResourceLayer>,
): readonly Destination[] {
  const found = new Map<string, Found>();
  for (const pair of accountRegions) collect(pair, found);
  const accessPoints = accessPointsBehind(accountRegions, accounts);
  return [...found.values()]
    .sort((one, other) =>
      one.kind === other.kind
        ? one.resourceArn < other.resourceArn
          ? -1
          : 1
        : KINDS.indexOf(one.kind) - KINDS.indexOf(other.kind),
    )
    .map((each) => {
      const destination = destinationOf(each, held.get(each.resourceArn));
      if (each.kind !== 'bucket') return destination;
      const { accountId, namedIn, resourceArn, name } = destination;
      const owners = new Set(accountId === undefined ? namedIn.map((place) => place.accountId) : [accountId]);
      const partition = resourceArn.split(':')[1] ?? '';
      return { ...destination, accessPoints: accessPoints(name, partition, [...owners]) };
    });
}

function collect(pair: RegionEvidence, found: Map<string, Found>): void {
  const { accountId, region, sections } = pair;
  const partition = partitionOfRegion(region);
  const policies = sectionOf(sections, 'destinationPolicies');
  const grants = sectionOf(sections, 'keyGrants');
  const accountWide = sectionOf(sections, 'logsResourcePolicies');
  const policyOf = new Map(
    (policies.kind === 'observed' ? policies.value : []).map((each) => [each.resourceArn, each.policy]),
  );
  const grantsOf = new Map(
    (grants.kind === 'observed' ? grants.value : []).map((each) => [each.keyArn, each.grants]),
  );
  const seen = new Set<string>();
  const add = (kind: DestinationKind, resourceArn: string, name: string): void => {
    if (seen.has(resourceArn)) return;
    seen.add(resourceArn);
    const policy = policyOf.get(resourceArn) ?? (policies.kind === 'unobservable' ? policies : NOBODY_ASKED);
    const granted = grantsOf.get(resourceArn) ?? (grants.kind === 'unobservable' ? grants : NOBODY_ASKED);
    const before = found.get(resourceArn);
    if (before === undefined) {
      const namedIn = [{ accountId, region }];
      found.set(resourceArn, {
        kind,
        resourceArn,
        name,
        namedIn,
        policy,
        by: accountId,
        grants: granted,
        ownership: NOBODY_ASKED,
        // Absent says that nobody asked.
        accountWide: accountWide.kind === 'absent' ? NOBODY_ASKED : accountWide,
      });
      return;
    }
    before.namedIn.push({ accountId, region });
    if (SEEN.indexOf(policy.kind) < SEEN.indexOf(before.policy.kind)) {
      before.policy = policy;
      before.by = accountId;
    }
    if (SEEN.indexOf(granted.kind) < SEEN.indexOf(before.grants.kind)) before.grants = granted;
  };
  const bucketArn = (name: string): string => `arn:${partition}:s3:::${name}`;
  const logGroupArn = (name: string): string =>
    `arn:${partition}:logs:${region}:${accountId}:log-group:${name}`;

  const { buckets, logGroups } = namedDestinations(pair);
  for (const name of buckets.keys()) add('bucket', bucketArn(name), name);
  for (const name of logGroups.keys()) add('log-group', logGroupArn(name), name);
  const described = sectionOf(sections, 'destinations');
  for (const each of described.kind === 'observed' ? described.value : []) {
    if (each.kind === 's3') {
      add('bucket', bucketArn(each.bucketName), each.bucketName);
      const key = each.encryption.kind === 'observed' ? each.encryption.value.keyArn : undefined;
      const bucket = found.get(bucketArn(each.bucketName));
      const ownership = each.ownership ?? NOBODY_ASKED;
      if (bucket !== undefined && SEEN.indexOf(ownership.kind) < SEEN.indexOf(bucket.ownership.kind))
        bucket.ownership = ownership;
      else if (bucket?.ownership === NOBODY_ASKED) bucket.ownership = ownership;
      if (bucket !== undefined && each.encryption.kind === 'unobservable')
        bucket.keyNotSeen ??= `the encryption of bucket \`${each.bucketName}\` could not be read: ${whyNot(each.encryption)}`;
      if (key === undefined || bucket === undefined) continue;
      bucket.keyArn ??= key;
      add('key', key, key);
    } else {
      add('log-group', logGroupArn(each.logGroupName), each.logGroupName);
      if (each.keyArn.kind === 'observed') add('key', each.keyArn.value, each.keyArn.value);
    }
  }
  for (const resourceArn of [...policyOf.keys(), ...grantsOf.keys()]) {
    const [, , service = '', , , ...rest] = resourceArn.split(':');
    if (service === 's3') add('bucket', resourceArn, rest.join(':'));
    else if (service === 'logs') add('log-group', resourceArn, rest.slice(1).join(':'));
    else add('key', resourceArn, resourceArn);
  }
}

function destinationOf(found: Found, held: ResourceLayer | undefined): Destination {
  const { kind, resourceArn, name, namedIn, keyArn, keyNotSeen } = found;
  const inArn = accountOf(resourceArn);
  // AWS tells the policy of a bucket, or that it has none, to nobody but its own account.
  const accountId = isAccountId(inArn) ? inArn : found.policy.kind === 'unobservable' ? undefined : found.by;
  const own = withAccountWide(held ?? layerFrom(found, accountId), found);
  const { grants } = found;
  return {
    kind,
    resourceArn,
    name,
    accountId: held?.accountId === undefined || !isAccountId(held.accountId) ? accountId : held.accountId,
    namedIn,
    // Another account that names the bucket may have been told what this one was not.
    ...(keyArn !== undefined ? { keyArn } : keyNotSeen !== undefined ? { keyNotSeen } : {}),
    ...(kind === 'bucket' ? accessListsOf(found) : {}),
    resources: resourcesOf(found),
    layer:
      grants.kind === 'observed'
        ? withDocuments(
            own,
            grants.value.map((grant) => grantPolicy(resourceArn, grant)),
          )
        : own,
    ...(kind === 'key' && grants.kind !== 'observed'
      ? {
          grantsNotSeen: `the grants of key \`${name}\` could not be read: ${whyNot(grants)}`,
        }
      : {}),
  };
}

/**
 * Whoever writes an object may give it an access list, which lets others read it past every policy, unless the bucket's owner is enforced. The lists
 * themselves stand on each object and are not collected; that of the bucket lets nobody read an object.
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html
 */
function accessListsOf({ ownership, name }: Found): { readonly accessLists?: string } {
  if (ownership.kind === 'observed' && ownership.value === 'BucketOwnerEnforced') return {};
  const why =
    ownership.kind === 'unobservable'
      ? `whether access lists count in bucket \`${name}\` could not be read: ${whyNot(ownership)}`
      : `access lists count in bucket \`${name}\` (Object Ownership ${ownership.kind === 'absent' ? 'is not set' : ownership.value}), and those of its objects are not collected`;
  return { accessLists: why };
}

const whyNot = (seen: Observation<unknown> & { readonly kind: 'absent' | 'unobservable' }): string =>
  seen.kind === 'absent' ? 'AWS knows none' : (seen.detail ?? seen.reason);

const KIND_WORDS = { bucket: 'bucket', 'log-group': 'log group', key: 'key' } as const;
/** ``bucket `prompts` ``. */
export const destinationWords = ({ kind, name }: Pick<Destination, 'kind' | 'name'>): string =>
  `${KIND_WORDS[kind]} \`${name}\``;

function layerFrom(found: Found, accountId: AccountId | undefined): ResourceLayer {
  const { kind, resourceArn, policy } = found;
  if (policy.kind === 'observed')
    return resourceLayer({ resourceArn, document: policy.value }, accountId ?? found.by);
  const layer = { ...layerOf(layerName(resourceArn), []), accountId, mustAllow: kind === 'key' };
  // Every key has a policy; a bucket or log group without one lets in nobody besides its account.
  if (policy.kind === 'absent' && kind !== 'key') return layer;
  const detail = `the policy of ${destinationWords(found)} could not be read: ${whyNot(policy)}`;
  return { ...layer, unreadable: [{ reason: 'missing-document', detail }] };
}

/** The layer with the policies that CloudWatch Logs holds for the whole account and Region: they let into a log group too. */
function withAccountWide(layer: ResourceLayer, { kind, accountWide, ...found }: Found): ResourceLayer {
  if (kind !== 'log-group') return layer;
  if (accountWide.kind === 'observed')
    return withDocuments(
      layer,
      accountWide.value.map(({ name, document }) =>
        readPolicy(`the policy \`${name}\` of CloudWatch Logs`, document, 'resource'),
      ),
    );
  const detail = `the policies of CloudWatch Logs for the whole account, which may let others into ${destinationWords({ kind, name: found.name })}, could not be read: ${whyNot(accountWide)}`;
  return { ...layer, unreadable: [...layer.unreadable, { reason: 'missing-document', detail }] };
}

/** An object of the bucket; the log group or something in it; the key, or any key of its account where an alias names it. */
function resourcesOf({ kind, resourceArn, by, namedIn }: Found): readonly RequestResource[] {
  if (kind === 'bucket') return [{ kind: 'within', prefix: `${resourceArn}/` }];
  // Policies name log groups with and without what follows the name; which of them AWS compares differs by action [unverified: log-group-arn-forms].
  if (kind === 'log-group') return [{ kind: 'within', prefix: `${resourceArn}:` }, resourceArn];
  if (/^arn:[^:]+:kms:[^:]+:[0-9]{12}:key\//.test(resourceArn)) return [resourceArn];
  const region = namedIn[0]?.region ?? '';
  const account = accountOf(resourceArn) || by;
  const partition = resourceArn.startsWith('arn:') ? (resourceArn.split(':')[1] ?? 'aws') : '';
  return [
    { kind: 'within', prefix: `arn:${partition || partitionOf(region)}:kms:${region}:${account}:key/` },
  ];
}
const partitionOf = (region: Region | ''): string => (region === '' ? 'aws' : partitionOfRegion(region));

const layerName = (resourceArn: string): string => `the policy of \`${resourceArn}\``;

export function resourceLayer(
  { resourceArn, document }: ResourcePolicy,
  accountId: AccountId,
): ResourceLayer {
  const name = layerName(resourceArn);
  return {
    ...layerOf(name, [readPolicy(name, document, 'resource')]),
    accountId,
    // Without the Allow of its key policy nobody gets to a key.
    mustAllow: resourceArn.split(':')[2] === 'kms',
  };
}

export function withDocuments(layer: ResourceLayer, documents: readonly ReadPolicy[]): ResourceLayer {
  const { policies, unreadable } = layerOf(layer.name, documents);
  return {
    ...layer,
    policies: [...layer.policies, ...policies],
    unreadable: [...layer.unreadable, ...unreadable],
  };
}

/**
 * What a grant allows, as a statement of its key. Which encryption contexts it holds for is not in the evidence: that they must be there makes it
 * conditional. Whether a permissions boundary limits a grant to a role is not documented; it does here [unverified: grant-boundary].
 * @see https://docs.aws.amazon.com/kms/latest/developerguide/grants.html
 */
function grantPolicy(keyArn: string, { id, grantee, operations, isConstrained }: KeyGrant): ReadPolicy {
  const Principal = /\.amazonaws\.com(\.cn)?$/.test(grantee) ? { Service: grantee } : { AWS: grantee };
  const Statement = {
    Effect: 'Allow',
    Principal,
    Action: operations.map((operation) => `kms:${operation}`),
    Resource: '*',
    ...(isConstrained ? { Condition: { Null: { 'kms:EncryptionContextKeys': 'false' } } } : {}),
  };
  return readPolicy(
    `grant \`${id}\` of \`${keyArn}\``,
    JSON.stringify({ Version: '2012-10-17', Statement }),
    'resource',
  );
}

/** What can name a place of content; `invocationLogging` does too. */
const NAMING = [
  'batchJobs',
  'evaluationJobs',
  'asyncInvocations',
  'logDeliveries',
  'contentLogGroups',
] as const;

/** Sections that are missing altogether have one reason. */
const reasonOf = (seen: Observation<never> & { readonly kind: 'unobservable' }, section: string): string =>
  (seen.detail ?? seen.reason).replace(`no section \`${section}\``, 'no such section');

/** Where places of content may be that nobody saw, in words, one line for each account and reason. */
export function placesNotSeen(
  organization: Organization,
  accountRegions: readonly RegionEvidence[],
): readonly string[] {
  const nameOf = new Map(organization.accounts.map(({ id, name }) => [id, `${name} (${id})`]));
  const asked = new Set(accountRegions.map(({ accountId }) => accountId));
  const regions = new Map<string, { readonly account: string; readonly why: string; at: Set<string> }>();
  for (const { accountId, region, sections, invocationLogging } of accountRegions) {
    const naming: readonly (readonly [string, Observation<unknown>])[] = [
      ['invocationLogging', invocationLogging],
      ...NAMING.map((section) => [section, sectionOf(sections, section)] as const),
    ];
    const byReason = Map.groupBy(
      naming.flatMap(([section, seen]) =>
        seen.kind === 'unobservable' ? [{ section, why: reasonOf(seen, section) }] : [],
      ),
      ({ why }) => why,
    );
    for (const [reason, unseen] of byReason) {
      const which =
        unseen.length === naming.length ? '' : ` (${unseen.map(({ section }) => section).join(', ')})`;
      const why = `${which}: ${reason}`;
      const key = `${accountId} ${why}`;
      const before = regions.get(key);
      if (before === undefined)
        regions.set(key, { account: nameOf.get(accountId) ?? accountId, why, at: new Set([region]) });
      else before.at.add(region);
    }
  }
  return [
    ...[...regions.values()].map(
      ({ account, why, at }) => `where content of ${account} goes in ${[...at].join(', ')}${why}`,
    ),
    ...organization.accounts.flatMap(({ id, name }) =>
      asked.has(id) ? [] : [`where content of ${name} (${id}) goes: not in the snapshot`],
    ),
  ];
}
