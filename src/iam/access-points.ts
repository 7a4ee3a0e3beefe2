import { isAccountId } from '../core/index.ts';
import {
  type AccessPoint,
  type AccountEvidence,
  type Observation,
  type RegionEvidence,
  sectionOf,
  usableRegions,
} from '../evidence/index.ts';
import type { RequestResource } from './compile.ts';
import { ABSENT, type ContextValue, known, UNKNOWN } from './context.ts';
import { strongestOf } from './decide.ts';
import type { PermissionDecision, PolicyLayer, ResourceLayer } from './evaluate.ts';
import { accountOf } from './identity.ts';
import { layerOf, readPolicy } from './layers.ts';
import { weaker } from './paths.ts';
import { STRANGER } from './resource-outsiders.ts';
import { globMatchesText, globOf } from './template.ts';

/*
 * A request through an access point needs what the access point says and what the bucket says: both policies are asked, and both know through which
 * access point it came. An access point adds nothing by itself; a bucket policy that leaves it to access points adds whomever those let in.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-points-policies.html [unverified: access-point-needs-bucket]
 */

/** An access point in front of a bucket, or a Multi-Region Access Point. */
export interface BucketAccessPoint {
  readonly arn: string;
  /** An object behind it. */
  readonly resource: RequestResource;
  readonly layer: ResourceLayer;
  /** What requests through it hold. */
  readonly keys: Readonly<Record<string, ContextValue>>;
}

/** What is known of the access points in front of one bucket. */
export interface BucketAccessPoints {
  readonly known: readonly BucketAccessPoint[];
  /** Whose the bucket is; where that is not known, the accounts whose evidence names it. */
  readonly owners: readonly string[];
  /** Accounts that have no others in front of it. */
  isListed(accountId: string): boolean;
  /** Why those of an account are not listed, in words. */
  whyNot(accountId: string): string;
  /**
   * Where else an owner may have some.
   *
   * @param region - as the fourth part of an ARN in a policy has it: a Region, a pattern, or nothing for those of several Regions
   */
  unlisted(region: string): readonly UnlistedAccessPoints[];
}

/** Access points of an account that nobody listed. */
export interface UnlistedAccessPoints {
  /** An object behind any of them. */
  readonly resource: RequestResource;
  readonly keys: Readonly<Record<string, ContextValue>>;
  readonly detail: string;
}

/** What an asker of either side may hold: its own permission, or any at all. */
export type Permission = 'its own' | 'any';
/** What one side says of the action, with these condition keys; of several resources the strongest counts. */
export type AskSide = (
  side: { readonly layer: ResourceLayer; readonly resources: readonly RequestResource[] },
  keys: Readonly<Record<string, ContextValue>>,
  permission: Permission,
) => readonly PermissionDecision[];

const ARN = 's3:DataAccessPointArn';
const ACCOUNT = 's3:DataAccessPointAccount';
const ORIGIN = 's3:AccessPointNetworkOrigin';
const KEYS: ReadonlySet<string> = new Set([ARN, ACCOUNT, ORIGIN].map((key) => key.toLowerCase()));
/** Such requests come through no access point. */
const DIRECTLY = { [ARN]: ABSENT, [ACCOUNT]: ABSENT, [ORIGIN]: ABSENT };
const ANYHOW = { [ARN]: UNKNOWN, [ACCOUNT]: UNKNOWN, [ORIGIN]: UNKNOWN };

/**
 * Access points by bucket, from the sections `accessPoints` and `multiRegionAccessPoints`. Those of a bucket lie in its Region, and no evidence says
 * which that is: the Regions that name it need not be it. Those of an account are listed once all Regions that it can use were asked.
 */
export function accessPointsBehind(
  accountRegions: readonly RegionEvidence[],
  accounts: readonly AccountEvidence[],
): (bucketName: string, partition: string, owners: readonly string[]) => BucketAccessPoints {
  const byBucket = new Map<string, BucketAccessPoint[]>();
  const add = (bucketName: string, point: BucketAccessPoint): void => {
    const before = byBucket.get(bucketName);
    if (before === undefined) byBucket.set(bucketName, [point]);
    else before.push(point);
  };
  const unseen = new Map<string, string>();
  const seen = new Set<string>();
  const regionsOf = new Map<string, readonly string[]>();
  for (const { accountId, region, sections } of accountRegions) {
    const listed = sectionOf(sections, 'accessPoints');
    const place = placeOf(accountId, region);
    if (listed.kind === 'unobservable') unseen.set(place, listed.detail ?? listed.reason);
    else seen.add(place);
    for (const each of listed.kind === 'observed' ? listed.value : []) add(each.bucketName, pointOf(each));
  }
  for (const { accountId, sections } of accounts) {
    const listed = sectionOf(sections, 'multiRegionAccessPoints');
    if (listed.kind === 'unobservable') unseen.set(placeOf(accountId, ''), listed.detail ?? listed.reason);
    else seen.add(placeOf(accountId, ''));
    for (const { bucketNames, ...each } of listed.kind === 'observed' ? listed.value : [])
      for (const bucketName of new Set(bucketNames)) add(bucketName, pointOf(each));
    const regions = sectionOf(sections, 'regions');
    if (regions.kind === 'observed') regionsOf.set(accountId, usableRegions(regions));
  }
  /** The Regions in which those of an account were not listed, none for those of several Regions, and why; undefined: they were. */
  const obstacle = remembered((accountId) => {
    const regions = regionsOf.get(accountId);
    const missing = ['', ...(regions ?? [])].filter((region) => !seen.has(placeOf(accountId, region)));
    if (missing.length === 0 && regions !== undefined) return undefined;
    const said = missing.flatMap((region) => unseen.get(placeOf(accountId, region)) ?? [])[0];
    const why =
      said ??
      (missing.includes('')
        ? 'not in the snapshot'
        : missing.length > 0
          ? `not in the snapshot: ${missing.join(', ')}`
          : 'which Regions it can use was not seen');
    return { why, missing, isComplete: regions !== undefined };
  });
  return (bucketName, partition, owners) => ({
    known: byBucket.get(bucketName) ?? [],
    owners,
    isListed: (accountId) => obstacle(accountId) === undefined,
    whyNot: (accountId) => obstacle(accountId)?.why ?? '',
    unlisted: (pattern) =>
      owners.flatMap((accountId) => {
        const found = obstacle(accountId);
        if (found === undefined) return [];
        const glob = globOf(pattern);
        // Without the list of Regions, any that the pattern could mean may be one.
        const other = pattern.replaceAll(/[*?]/g, 'x');
        const regions = [
          ...found.missing,
          ...(found.isComplete || seen.has(placeOf(accountId, other)) ? [] : [other]),
        ].filter((region) => globMatchesText(glob, region));
        return [...new Set(regions)].map((region) => ({
          resource: { kind: 'within', prefix: `arn:${partition}:s3:${region}:${accountId}:accesspoint/` },
          keys: { ...ANYHOW, [ACCOUNT]: known(accountId) },
          detail: notListed(accountId, found.why),
        }));
      }),
  });
}

/** @param region - none: those of several Regions */
const placeOf = (accountId: string, region: string): string => `${accountId} ${region}`;

const WILDCARD = /[*?]/;
export const notListed = (accountId: string, why: string): string =>
  `the access points of account ${accountId} could not be listed: ${why}`;

function remembered<Value>(compute: (key: string) => Value): (key: string) => Value {
  const found = new Map<string, { readonly value: Value }>();
  return (key) => {
    const before = found.get(key) ?? { value: compute(key) };
    found.set(key, before);
    return before.value;
  };
}

function pointOf({
  arn,
  name,
  networkOrigin,
  vpcId,
  policy,
}: Pick<AccessPoint, 'arn' | 'name' | 'policy'> &
  Partial<Pick<AccessPoint, 'networkOrigin' | 'vpcId'>>): BucketAccessPoint {
  const accountId = accountOf(arn);
  return {
    arn,
    resource: { kind: 'within', prefix: `${arn}/object/` },
    layer: { ...policyLayer(arn, name, networkOrigin, vpcId, policy), accountId, mustAllow: false },
    keys: {
      [ARN]: known(arn),
      [ACCOUNT]: known(accountId),
      [ORIGIN]: networkOrigin === undefined ? UNKNOWN : known(networkOrigin),
    },
  };
}

function policyLayer(
  arn: string,
  pointName: string,
  networkOrigin: string | undefined,
  vpcId: string | undefined,
  policy: Observation<string>,
): PolicyLayer {
  const name = `the policy of access point \`${pointName}\``;
  const isOfVpc = networkOrigin !== undefined && networkOrigin !== 'Internet';
  const documents = [
    ...(policy.kind === 'observed' ? [readPolicy(name, policy.value, 'resource')] : []),
    ...(isOfVpc
      ? [readPolicy(`the network origin of access point \`${pointName}\``, onlyFrom(arn, vpcId), 'resource')]
      : []),
  ];
  const layer = layerOf(name, documents);
  if (policy.kind !== 'unobservable') return layer;
  const detail = `${name} could not be read: ${policy.detail ?? policy.reason}`;
  return { ...layer, unreadable: [...layer.unreadable, { reason: 'missing-document', detail }] };
}

/** What AWS refuses at an access point of origin `VPC`, as a policy would say it. */
const onlyFrom = (arn: string, vpcId: string | undefined): string =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: {
      Effect: 'Deny',
      Principal: '*',
      Action: 's3:*',
      Resource: [arn, `${arn}/object/*`],
      Condition:
        vpcId === undefined
          ? { Null: { 'aws:SourceVpc': 'true' } }
          : { StringNotEquals: { 'aws:SourceVpc': vpcId } },
    },
  });

/** Whether the policies of these layers speak of access points: only then does it matter which there are. */
export const speaksOfAccessPoints = (layers: readonly (PolicyLayer | undefined)[]): boolean =>
  said(layers).length > 0;

/** What the layers say of access points: key, operator, values. */
function said(layers: readonly (PolicyLayer | undefined)[]) {
  return layers.flatMap((layer) =>
    (layer?.policies ?? []).flatMap(({ document }) =>
      document.statements.flatMap(({ conditions }) =>
        conditions.filter(({ key }) => KEYS.has(key.toLowerCase())),
      ),
    ),
  );
}

/** Accounts whose access points a bucket policy names; undefined in it: any account's. */
export function accountsLeftTo(layer: PolicyLayer): readonly (string | undefined)[] {
  return [
    ...new Set(
      said([layer]).flatMap(({ key, operator, values }) =>
        key.toLowerCase() === ORIGIN.toLowerCase()
          ? []
          : values.map((value) => {
              if (/^(?:.*:)?Null$/i.test(operator)) return undefined;
              const account = value.startsWith('arn:') ? value.split(':')[4] : value;
              return account !== undefined && isAccountId(account) ? account : undefined;
            }),
      ),
    ),
  ];
}

/**
 * What a request for an object of the bucket is told: directly, through each access point that was seen, and through one that nobody saw.
 *
 * @param ask - what a side says to the one who asks
 * @param own - layers of the asker's own policies, which may speak of access points too
 * @returns decisions of which the strongest counts; empty is none
 */
export function decideAnyWay(
  ask: AskSide,
  bucket: { readonly layer: ResourceLayer; readonly resources: readonly RequestResource[] },
  points: BucketAccessPoints,
  own: readonly (PolicyLayer | undefined)[],
): readonly PermissionDecision[] {
  // What is decided without knowing the way is so whatever the way; INVARIANT (unknown is never green): the way is unknown, not absent.
  const anyhow = ask(bucket, ANYHOW, 'its own');
  const kind = strongestOf(anyhow);
  if (kind === 'allowed') return anyhow;
  const speaks = speaksOfAccessPoints([bucket.layer, ...own]);
  const through = points.known.flatMap((point) => throughPoint(ask, bucket, point));
  const seen =
    kind === 'denied' || !speaks
      ? [...anyhow, ...through]
      : [
          ...ask(bucket, DIRECTLY, 'its own'),
          ...through,
          ...ask(bucket, keysOfUnseen([bucket.layer, ...own], points), 'its own'),
        ];
  const soFar = strongestOf(seen);
  return soFar === 'denied' || soFar === 'cannot-decide'
    ? [...seen, ...throughUnlisted(ask, bucket, points, own)]
    : seen;
}

/** The asker's own policies allow it through access points of an account whose access points nobody listed. */
function throughUnlisted(
  ask: AskSide,
  bucket: { readonly layer: ResourceLayer; readonly resources: readonly RequestResource[] },
  points: BucketAccessPoints,
  own: readonly (PolicyLayer | undefined)[],
): readonly PermissionDecision[] {
  if (points.owners.every((owner) => points.isListed(owner))) return [];
  return regionsAllowed(own).flatMap((region) =>
    points.unlisted(region).flatMap(({ resource, keys, detail }): readonly PermissionDecision[] => {
      const held = ask({ layer: NOTHING, resources: [resource] }, keys, 'its own').find(
        (decision) => decision.kind !== 'denied',
      );
      if (held === undefined || strongestOf(ask(bucket, keys, 'any')) === 'denied') return [];
      const { action, statements } = held;
      return [
        {
          kind: 'cannot-decide',
          action,
          statements,
          reason: 'missing-document',
          detail: `${detail}; its own policies let it read through some`,
        },
      ];
    }),
  );
}

const NOTHING: ResourceLayer = { ...layerOf('no policy', []), accountId: undefined, mustAllow: false };

/** The Regions that Allows of S3 name, each as it stands there. */
function regionsAllowed(own: readonly (PolicyLayer | undefined)[]): readonly string[] {
  const regions = new Set<string>();
  for (const layer of own)
    for (const { document } of layer?.policies ?? [])
      for (const { effect, resources } of document.statements) {
        if (effect !== 'Allow' || resources === undefined) continue;
        if (resources.kind === 'NotResource') regions.add('*');
        else
          for (const pattern of resources.patterns) {
            const parts = pattern.replaceAll(/\$\{[^}]*\}/g, '*').split(':');
            if (parts[2] !== undefined && parts[2] !== 's3' && !WILDCARD.test(parts[2])) continue;
            // A star before may stand for colons too.
            regions.add(parts.slice(0, 3).some((part) => part.includes('*')) ? '*' : (parts[3] ?? '*'));
          }
      }
  return [...regions];
}

/**
 * What a request through an access point that is not in the evidence holds. Whose it is, is known only where all that the policies say of that is
 * about accounts whose access points were listed: it is then somebody else's.
 */
function keysOfUnseen(
  layers: readonly (PolicyLayer | undefined)[],
  { isListed }: BucketAccessPoints,
): Readonly<Record<string, ContextValue>> {
  const named = layers.flatMap((layer) => (layer === undefined ? [] : accountsLeftTo(layer)));
  if (!named.every((account) => account !== undefined && isListed(account))) return ANYHOW;
  return {
    [ARN]: known(`arn:aws:s3:us-east-1:${STRANGER}:accesspoint/none`),
    [ACCOUNT]: known(STRANGER),
    [ORIGIN]: UNKNOWN,
  };
}

/**
 * Through one access point: the weaker of what it and the bucket say. Which of the two ARNs AWS compares with the `Resource` of the asker's own
 * policies on the bucket's side is not documented: where an answer hangs on that, it is not decided [unverified: access-point-identity-arn].
 */
function throughPoint(
  ask: AskSide,
  bucket: { readonly layer: ResourceLayer; readonly resources: readonly RequestResource[] },
  { resource, layer, keys }: BucketAccessPoint,
): readonly PermissionDecision[] {
  const point = { layer, resources: [resource] };
  const both = together(ask(point, keys, 'its own'), ask(bucket, keys, 'its own'));
  if (both !== undefined) return [both];
  const atMost = together(ask(point, keys, 'any'), ask(bucket, keys, 'any'));
  if (atMost === undefined) return [];
  const own = [resource, ...bucket.resources].flatMap((each) =>
    ask({ layer: NOTHING, resources: [each] }, keys, 'its own'),
  );
  const held = own.find(({ kind }) => kind !== 'denied');
  if (held === undefined) return [];
  return [
    {
      kind: 'cannot-decide',
      action: held.action,
      statements: held.statements,
      reason: 'missing-document',
      detail: `${layer.name} or of the bucket leaves it to its own policies, which name one of the two and not the other`,
    },
  ];
}

/** Undefined: one of them denies it. */
function together(
  one: readonly PermissionDecision[],
  other: readonly PermissionDecision[],
): PermissionDecision | undefined {
  const [a, b] = [strongest(one), strongest(other)];
  if (a === undefined || b === undefined || a.kind === 'denied' || b.kind === 'denied') return undefined;
  const kind = weaker(a.kind, b.kind);
  const statements = [...a.statements, ...b.statements];
  const undecided = [a, b].find((each) => each.kind === 'cannot-decide');
  if (kind !== 'cannot-decide' || undecided?.kind !== 'cannot-decide')
    return { kind: kind === 'cannot-decide' ? 'conditionally-allowed' : kind, action: a.action, statements };
  return { ...undecided, statements };
}

const strongest = (decisions: readonly PermissionDecision[]): PermissionDecision | undefined => {
  const kind = strongestOf(decisions);
  return decisions.find((decision) => decision.kind === kind);
};
