import { partitionOfRegion } from '../core/index.ts';
import {
  type ContentBucket,
  namedDestinations,
  type Observation,
  type RegionEvidence,
  s3Place,
  sectionOf,
  type Trail,
} from '../evidence/index.ts';
import type { FactName } from '../policy/index.ts';
import { placesOfInvocationLogging } from '../retention/index.ts';
import { type GuardAnswer, type GuardedBucket, openToOthers, readersWithoutList } from './bucket-guard.ts';
import type { RegionInput } from './derive-region.ts';
import { type DerivedFact, observedFact, quoted, unobservableFact } from './derived-fact.ts';
import { dataEventCoverage } from './trail-coverage.ts';
import { allOf, anyOf } from './truth.ts';
import type { Truth } from './types.ts';

/** Facts about the buckets that content and records go to: under which key, whom they let in, and who hears of it. */
export const BUCKET_FACTS = {
  'contentBuckets.count': (input: RegionInput): DerivedFact =>
    ofBuckets(input, 'content', (buckets) => ({
      value: buckets.map(({ name }) => `bucket ${quoted(name)}`),
      none: 'nothing names a bucket',
    })),

  'contentBuckets.withoutReaderList': (input: RegionInput): DerivedFact =>
    ofBuckets(input, 'content', (buckets) =>
      guarded(input, buckets, readersWithoutList, {
        found: (name, who) =>
          `bucket ${quoted(name)} can be read by ${who.join(', ')}: its policy names no readers`,
        none: 'the policy of every bucket denies reading to all but those it names',
      }),
    ),

  'contentBuckets.withoutDataEvents': (input: RegionInput): DerivedFact =>
    ofBuckets(input, 'content', (buckets) => {
      const trails = sectionOf(input.evidence?.sections, 'trails');
      const value: string[] = [];
      const unknown: string[] = [];
      if (trails.kind === 'unobservable' && buckets.length > 0)
        return { value, unknown: unobservableFact(trails, 'the trails').evidence, why: trails.reason };
      for (const { name, keys } of buckets) {
        const truth = allOf(keys.map((key) => recorded(trails, input, `${arnOf(input, name)}/${key}`)));
        if (truth === 'false')
          value.push(`no trail records reads and writes of objects in bucket ${quoted(name)}`);
        else if (truth === 'unknown')
          unknown.push(`whether a trail records the objects of bucket ${quoted(name)} is not known`);
      }
      return { value, unknown, none: 'a trail records reads and writes of objects in every bucket' };
    }),

  'loggingBuckets.count': (input: RegionInput): DerivedFact =>
    ofBuckets(input, 'logging', (buckets) => ({
      value: buckets.map(({ name }) => `invocation logging writes to bucket ${quoted(name)}`),
      none: 'invocation logging writes to no bucket',
    })),

  'loggingBuckets.withoutCustomerKey': (input: RegionInput): DerivedFact =>
    ofBuckets(input, 'logging', (buckets) => {
      const value: string[] = [];
      const unknown: string[] = [];
      for (const { name } of buckets) {
        const key = hasCustomerKey(input.evidence, name);
        if (key === 'false') value.push(`bucket ${quoted(name)} is not under a key of yours`);
        else if (key === 'unknown')
          unknown.push(`whether bucket ${quoted(name)} is under a key of yours could not be seen`);
      }
      return { value, unknown, none: 'every bucket is under a key of yours' };
    }),

  'loggingBuckets.openToOthers': (input: RegionInput): DerivedFact =>
    ofBuckets(input, 'logging', (buckets) =>
      guarded(input, buckets, openToOthers, {
        found: (name, who) => `bucket ${quoted(name)} lets in ${who.join(', ')}`,
        none: 'the buckets let in Bedrock alone, on behalf of this account',
      }),
    ),
} as const satisfies Partial<Record<FactName, (input: RegionInput) => DerivedFact>>;

/** A bucket, with a key for each place in it. */
interface Named {
  readonly name: string;
  readonly keys: readonly string[];
}
interface Counted {
  /** One line for each bucket that counts. */
  readonly value: readonly string[];
  readonly none?: string;
  /** What could not be decided, in words. */
  readonly unknown?: readonly string[];
  readonly why?: Unseen['reason'];
}

/** Buckets that invocation logging names, or all that anything does. */
function ofBuckets(
  input: RegionInput,
  which: 'content' | 'logging',
  count: (buckets: readonly Named[]) => Counted,
): DerivedFact {
  const { evidence } = input;
  const unseen = unseenNames(evidence, which);
  const { value, unknown = [], none = '', why } = count(namedBuckets(evidence, which));
  const [first] = unseen;
  // What was found is enough to violate. That nothing was found is an answer only when all that can name a bucket was seen.
  if (value.length === 0 && first !== undefined) return unobservableFact(first[1], first[0]);
  const [open] = unknown;
  if (value.length === 0 && open !== undefined)
    return {
      observation: { kind: 'unobservable', reason: why ?? 'not-evaluated', detail: open, source: SOURCE },
      evidence: unknown,
    };
  const logging = evidence?.invocationLogging;
  const seen =
    logging === undefined || logging.kind === 'unobservable'
      ? { at: input.takenAt, source: SOURCE }
      : logging;
  return observedFact(value.length, seen, ...(value.length === 0 ? [none] : value), ...unknown);
}
const SOURCE = { call: 's3:GetBucketPolicy + s3:GetEncryptionConfiguration' };

type Unseen = Extract<Observation<never>, { kind: 'unobservable' }>;
/** The sections that can name a bucket. */
const NAMING = ['batchJobs', 'evaluationJobs', 'asyncInvocations', 'logDeliveries'] as const;

/** What could name a bucket and was not seen, in words. */
export function unseenNames(
  pair: RegionEvidence | undefined,
  which: 'content' | 'logging' = 'content',
): readonly (readonly [string, Unseen])[] {
  const logging: Observation<unknown> = pair?.invocationLogging ?? {
    kind: 'unobservable',
    reason: 'not-collected',
    detail: 'the snapshot did not ask this Region of this account',
  };
  return [
    ...(logging.kind === 'unobservable' ? [['invocation logging', logging] as const] : []),
    ...(which === 'logging' ? [] : NAMING).flatMap((name) => {
      const seen: Observation<unknown> = sectionOf(pair?.sections, name);
      return seen.kind === 'unobservable' ? [[`the section \`${name}\``, seen] as const] : [];
    }),
  ];
}

function namedBuckets(pair: RegionEvidence | undefined, which: 'content' | 'logging'): readonly Named[] {
  if (pair === undefined) return [];
  const prefixes = new Map<string, Set<string>>();
  const add = (bucket: string, prefix: string) =>
    prefixes.set(bucket, (prefixes.get(bucket) ?? new Set()).add(prefix));
  if (pair.invocationLogging.kind === 'observed')
    for (const place of placesOfInvocationLogging(pair.invocationLogging.value, pair.accountId, pair.region))
      if (place.kind === 's3') add(place.bucketName, place.prefix);
  if (which === 'content') {
    for (const section of ['batchJobs', 'evaluationJobs', 'asyncInvocations'] as const) {
      const jobs = sectionOf(pair.sections, section);
      for (const { outputS3Uri } of jobs.kind === 'observed' ? jobs.value : []) {
        const place = s3Place(outputS3Uri);
        if (place !== undefined) add(place.bucket, place.prefix);
      }
    }
    // Vended logs choose their own prefix.
    for (const bucket of namedDestinations(pair).buckets.keys()) if (!prefixes.has(bucket)) add(bucket, '');
  }
  return [...prefixes]
    .map(([name, all]) => ({ name, keys: [...all].sort().map((prefix) => `${prefix}object`) }))
    .sort(({ name: one }, { name: other }) => (one < other ? -1 : 1));
}

const arnOf = ({ region }: RegionInput, bucket: string): string =>
  `arn:${partitionOfRegion(region)}:s3:::${bucket}`;

/** The bucket as section `destinations` describes it; undefined where it does not. */
export function describedBucket(
  pair: RegionEvidence | undefined,
  bucketName: string,
): ContentBucket | undefined {
  const seen = sectionOf(pair?.sections, 'destinations');
  if (seen.kind !== 'observed') return undefined;
  return seen.value.find(
    (each): each is ContentBucket => each.kind === 's3' && each.bucketName === bucketName,
  );
}

/** Whether a bucket encrypts under a key that is not AWS's own. */
export function hasCustomerKey(pair: RegionEvidence | undefined, bucketName: string): Truth {
  const bucket = describedBucket(pair, bucketName);
  if (bucket === undefined || bucket.encryption.kind === 'unobservable') return 'unknown';
  const keyArn = bucket.encryption.kind === 'absent' ? undefined : bucket.encryption.value.keyArn;
  return keyArn === undefined ? 'false' : isCustomerKey(pair, keyArn);
}

/**
 * Whether a key is the customer's, by what KMS says of it. AWS keeps the aliases that begin with `aws/` for the keys that it makes itself.
 * @see https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html
 */
export function isCustomerKey(pair: RegionEvidence | undefined, keyArn: string): Truth {
  if (/(^|:)alias\/aws\//.test(keyArn)) return 'false';
  const keys = sectionOf(pair?.sections, 'keyGrants');
  const manager =
    keys.kind === 'observed' ? keys.value.find((each) => each.keyArn === keyArn)?.manager : undefined;
  if (manager?.kind !== 'observed') return 'unknown';
  // Whoever manages a key by another word, which AWS may add, is not known to be the customer.
  return manager.value === 'CUSTOMER' ? 'true' : manager.value === 'AWS' ? 'false' : 'unknown';
}

/** What their own policies say, bucket by bucket. */
function guarded(
  input: RegionInput,
  buckets: readonly Named[],
  ask: (bucket: GuardedBucket) => GuardAnswer,
  words: {
    readonly found: (name: string, who: readonly string[]) => string;
    readonly none: string;
  },
): Counted {
  const value: string[] = [];
  const unknown: string[] = [];
  const policies = sectionOf(input.evidence?.sections, 'destinationPolicies');
  if (policies.kind === 'unobservable' && buckets.length > 0)
    return {
      value,
      unknown: unobservableFact(policies, 'the policies of buckets').evidence,
      why: policies.reason,
    };
  const held = new Map(
    (policies.kind === 'observed' ? policies.value : []).map(({ resourceArn, policy }) => [
      resourceArn,
      policy,
    ]),
  );
  for (const { name, keys } of buckets) {
    const bucketArn = arnOf(input, name);
    const policy = held.get(bucketArn);
    if (policy === undefined || policy.kind === 'unobservable') {
      const why = policy === undefined ? 'nobody asked' : (policy.detail ?? policy.reason);
      unknown.push(`the policy of bucket ${quoted(name)} could not be seen: ${why}`);
      continue;
    }
    const answer = ask({
      accountId: input.account.id,
      region: input.region,
      bucketArn,
      keys,
      policy: policy.kind === 'observed' ? policy.value : undefined,
    });
    if (answer.kind === 'undecided') unknown.push(answer.why);
    else if (answer.who.length > 0) value.push(words.found(name, answer.who));
  }
  return { value, unknown, none: words.none };
}

function recorded(
  trails: Observation<readonly Trail[]>,
  { region }: RegionInput,
  resourceArn: string,
): Truth {
  const coverage = (trails.kind === 'observed' ? trails.value : []).map((trail) => {
    const seen = dataEventCoverage(trail, region, { resourceType: 'AWS::S3::Object', resourceArn });
    // A trail of one Region records the buckets of that Region, and which Region a bucket is in is not in the evidence.
    const reach: Truth = trail.isMultiRegion ? 'true' : 'unknown';
    return { reads: allOf([reach, seen.reads]), writes: allOf([reach, seen.writes]) };
  });
  return allOf([anyOf(coverage.map(({ reads }) => reads)), anyOf(coverage.map(({ writes }) => writes))]);
}
