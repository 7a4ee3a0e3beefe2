import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import {
  accountId,
  DAY,
  durationMs,
  type EpochMs,
  epochMs,
  formatInstant,
  parseInstant,
  region,
} from '../../src/core/index.ts';
import type { Observation } from '../../src/evidence/index.ts';
import {
  type BucketRetention,
  effectiveRetention,
  isWithinRetention,
  type LifecycleRule,
  type LogGroupRetention,
  type Place,
  placeOfS3Uri,
  placesOfInvocationLogging,
  purgeObstacles,
  retentionWords,
} from '../../src/retention/index.ts';

const PAGE = readFileSync(new URL('../../docs/retention.md', import.meta.url), 'utf8');
const RULES = readFileSync(new URL('../../src/retention/types.ts', import.meta.url), 'utf8');
const here = { accountId: accountId('111122223333'), region: region('eu-west-1') };
const WRITTEN = instant('2026-12-01T10:30:00Z');
const FORTNIGHT = durationMs(14 * DAY);
const source = { call: 'test:Example' };

function instant(text: string): EpochMs {
  const parsed = parseInstant(text);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

interface Example {
  readonly rule: string;
  readonly writtenAt?: string;
  readonly bucket?: Record<string, unknown>;
  readonly logGroup?: Record<string, unknown>;
  readonly expect: string;
  readonly due?: string;
  readonly by?: string;
  readonly within14d?: boolean;
  readonly copies?: readonly string[];
  readonly says?: string;
  readonly obstacle?: string;
  readonly obstacleUntil?: string;
}

const EXAMPLES: readonly Example[] = PAGE.split(/^### /m)
  .slice(1)
  .flatMap((section) => {
    const rule = /^`([a-z0-9-]+)`/.exec(section)?.[1] ?? '';
    return [...section.matchAll(/```yaml\n([\s\S]*?)```/g)].map(
      (block): Example => ({ rule, ...(parse(block[1] ?? '') as Omit<Example, 'rule'>) }),
    );
  });

function observed<T>(value: unknown): Observation<T> {
  if (value === undefined) return { kind: 'absent', at: WRITTEN, source };
  if (value === 'denied') return { kind: 'unobservable', reason: 'access-denied', source };
  return { kind: 'observed', value: value as T, at: WRITTEN, source };
}
const filled = (rule: Record<string, unknown>): LifecycleRule =>
  ({
    status: 'Enabled',
    prefix: '',
    tags: [],
    ...rule,
    ...(typeof rule['expirationDate'] === 'string'
      ? { expirationDate: instant(rule['expirationDate']) }
      : {}),
  }) as unknown as LifecycleRule;
const each = (value: unknown, fill: (item: Record<string, unknown>) => unknown): unknown =>
  Array.isArray(value) ? value.map((item) => fill(item as Record<string, unknown>)) : value;

const bucketOf = (of: Record<string, unknown>): BucketRetention => ({
  kind: 's3',
  bucketName: 'acme-prompts',
  versioning: observed(of['versioning']),
  lifecycle: observed(each(of['lifecycle'], filled)),
  objectLock: observed(of['objectLock']),
  replication: observed(each(of['replication'], (rule) => ({ prefix: '', tags: [], ...rule }))),
  backups: observed(of['backups']),
});
const groupOf = (of: Record<string, unknown>): LogGroupRetention => ({
  kind: 'cloudwatch-logs',
  logGroupName: '/acme/prompts',
  retentionInDays: observed(of['retentionInDays']),
  retentionPolicyName: observed(of['retentionPolicyName']),
  deletionProtection: observed(of['deletionProtection']),
  subscriptions: observed(of['subscriptions']),
  exportTasks: observed(of['exportTasks']),
});
const inBucket: Place = {
  ...here,
  kind: 's3',
  bucketName: 'acme-prompts',
  prefix: 'prompts/',
  what: 'example',
};
const inGroup: Place = { ...here, kind: 'cloudwatch-logs', logGroupName: '/acme/prompts', what: 'example' };

describe('the worked examples of docs/retention.md', () => {
  test.each(EXAMPLES.map((example, index) => [`${example.rule} (${index + 1})`, example] as const))(
    '%s',
    (_, example) => {
      const writtenAt = example.writtenAt === undefined ? WRITTEN : instant(example.writtenAt);
      const [place, store] =
        example.bucket === undefined
          ? [inGroup, groupOf(example.logGroup ?? {})]
          : [inBucket, bucketOf(example.bucket)];
      const retention = effectiveRetention(place, store, writtenAt);
      const obstacles = purgeObstacles(place, store, writtenAt);

      expect(retention.outcome).toBe(example.expect);
      expect(retention.steps.map(({ rule }) => rule).concat(obstacles.map(({ rule }) => rule))).toContain(
        example.rule,
      );
      if (retention.outcome === 'ends') {
        expect(formatInstant(retention.due)).toBe(example.due);
        expect(retention.by === undefined ? undefined : formatInstant(retention.by)).toBe(example.by);
        expect(isWithinRetention(retention, writtenAt, FORTNIGHT)).toBe(example.within14d);
      } else {
        expect(isWithinRetention(retention, writtenAt, FORTNIGHT)).toBe(
          example.expect === 'unknown' ? undefined : false,
        );
      }
      expect(retention.copies.map(({ to }) => to)).toEqual(example.copies ?? []);
      if (example.says !== undefined)
        expect(retention.steps.map(({ says }) => says).join('\n')).toContain(example.says);
      if (example.obstacle !== undefined)
        expect(obstacles.map(({ says }) => says).join()).toContain(example.obstacle);
      if (example.obstacleUntil !== undefined)
        expect(obstacles[0]?.until).toBe(instant(example.obstacleUntil));
    },
  );

  test('there is one for every rule of the module, and for no other', () => {
    const rules = [...(/type RetentionRule =([\s\S]*?);/.exec(RULES)?.[1] ?? '').matchAll(/'([a-z0-9-]+)'/g)];
    expect([...new Set(EXAMPLES.map(({ rule }) => rule))].toSorted()).toEqual(
      rules.map(([, rule]) => rule).toSorted(),
    );
  });
});

describe('what a store without evidence says', () => {
  test('nobody looked: unknown, and a purge may be obstructed', () => {
    const retention = effectiveRetention(inBucket, undefined, WRITTEN);
    expect(retention.outcome).toBe('unknown');
    expect(purgeObstacles(inBucket, undefined, WRITTEN)).toHaveLength(1);
    expect(retentionWords(retention)).toBe('unknown');
  });
  test('the evidence of another bucket is a mistake, not an answer', () => {
    expect(() => effectiveRetention({ ...inBucket, bucketName: 'other' }, bucketOf({}), WRITTEN)).toThrow(
      TypeError,
    );
  });
});

describe('the places of invocation logging', () => {
  test('a log group with a bucket for large bodies, and a bucket of its own, are three', () => {
    expect(
      placesOfInvocationLogging(
        {
          cloudWatchConfig: {
            logGroupName: '/acme/prompts',
            largeDataDeliveryS3Config: { bucketName: 'acme-large', keyPrefix: 'x/' },
          },
          s3Config: { bucketName: 'acme-prompts' },
        },
        here.accountId,
        here.region,
      ).map((place) => (place.kind === 's3' ? `${place.bucketName}/${place.prefix}` : place.logGroupName)),
    ).toEqual([
      '/acme/prompts',
      'acme-prompts/AWSLogs/111122223333/BedrockModelInvocationLogs/eu-west-1/',
      'acme-large/x/AWSLogs/111122223333/BedrockModelInvocationLogs/eu-west-1/',
    ]);
  });
  test('an empty name is no destination', () => {
    expect(
      placesOfInvocationLogging(
        { s3Config: { bucketName: '' }, cloudWatchConfig: { logGroupName: '' } },
        here.accountId,
        here.region,
      ),
    ).toEqual([]);
  });
  test.each([
    ['s3://acme-batch/out/', 'acme-batch', 'out/'],
    ['s3://acme-batch', 'acme-batch', ''],
    ['https://acme-batch.s3.amazonaws.com/out', undefined, undefined],
  ])('%s', (uri, bucketName, prefix) => {
    const place = placeOfS3Uri(uri, here.accountId, here.region, 'batch output');
    expect(place?.kind === 's3' ? place.bucketName : undefined).toBe(bucketName);
    expect(place?.kind === 's3' ? place.prefix : undefined).toBe(prefix);
  });
});

describe('properties', () => {
  const rule = fc.record({
    id: fc.constant('r'),
    status: fc.constantFrom('Enabled' as const, 'Disabled' as const),
    prefix: fc.constantFrom('', 'prom', 'prompts/', 'prompts/AWSLogs/', 'other/'),
    tags: fc.constantFrom([], [{ key: 'a', value: 'b' }]),
    expirationDays: fc.option(fc.integer({ min: 1, max: 400 }), { nil: undefined }),
    noncurrentVersionExpirationDays: fc.option(fc.integer({ min: 1, max: 60 }), { nil: undefined }),
  });
  const bucket = fc.record({
    lifecycle: fc.array(rule, { maxLength: 4 }),
    versioning: fc.constantFrom(undefined, 'Enabled', 'Suspended'),
    writtenAt: fc.integer({ min: 0, max: 4e12 }).map(epochMs),
  });
  const dueOf = (of: Record<string, unknown>, writtenAt: EpochMs): number => {
    const retention = effectiveRetention(inBucket, bucketOf(of), writtenAt);
    return retention.outcome === 'ends' ? retention.due : Number.POSITIVE_INFINITY;
  };

  test('an end is a midnight, later than the days that the shortest rule names and less than a day more a count', () => {
    fc.assert(
      fc.property(bucket, ({ writtenAt, ...of }) => {
        const due = dueOf(of, writtenAt);
        if (due === Number.POSITIVE_INFINITY) return;
        expect(due % DAY).toBe(0);
        const days = of.lifecycle.flatMap(({ status, expirationDays }) =>
          status === 'Enabled' && expirationDays !== undefined ? [expirationDays] : [],
        );
        expect(due).toBeGreaterThan(writtenAt + Math.min(...days) * DAY);
      }),
    );
  });
  test('versions, one rule less, and a lock never make content go earlier', () => {
    fc.assert(
      fc.property(
        bucket,
        fc.nat(),
        fc.integer({ min: 1, max: 100 }),
        ({ writtenAt, ...of }, at, defaultDays) => {
          const due = dueOf(of, writtenAt);
          expect(dueOf({ ...of, versioning: 'Enabled' }, writtenAt)).toBeGreaterThanOrEqual(
            dueOf({ ...of, versioning: undefined }, writtenAt),
          );
          expect(
            dueOf({ ...of, lifecycle: of.lifecycle.filter((_, index) => index !== at % 4) }, writtenAt),
          ).toBeGreaterThanOrEqual(due);
          expect(
            dueOf({ ...of, objectLock: { defaultMode: 'GOVERNANCE', defaultDays } }, writtenAt),
          ).toBeGreaterThanOrEqual(due);
        },
      ),
    );
  });
  test('what cannot be seen never turns into an end', () => {
    fc.assert(
      fc.property(
        bucket,
        fc.constantFrom('versioning', 'lifecycle', 'objectLock', 'replication', 'backups'),
        ({ writtenAt, ...of }, hidden) => {
          expect(
            effectiveRetention(inBucket, bucketOf({ ...of, [hidden]: 'denied' }), writtenAt).outcome,
          ).not.toBe('ends');
        },
      ),
    );
  });
});
