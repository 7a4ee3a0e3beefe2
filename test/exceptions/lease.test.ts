import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DAY, type DurationMs, durationMs, epochMs, exceptionId, HOUR } from '../../src/core/index.ts';
import { DATA_DELIVERY_FLAGS, type LoggingConfiguration } from '../../src/evidence/index.ts';
import {
  desired,
  endOf,
  isActive,
  isWithin,
  type Lease,
  type LeaseRow,
  leasedInterval,
  mostLeasedTime,
  overlapping,
  storesContent,
} from '../../src/exceptions/index.ts';
import { loggingArb } from '../evidence/snapshot-arbitraries.ts';
import { ALL_OFF, ALL_ON, INCIDENT, TEXT_ONLY, VIRGINIA } from '../simulation/harness.ts';

const FROM = epochMs(Date.parse('2026-11-20T12:00:00Z'));
const TO = epochMs(FROM + 2 * DAY);
const at = (length: number) => epochMs(FROM + length);

function lease(overrides: Partial<Lease> = {}): Lease {
  return {
    exceptionId: exceptionId('ex-aaaaaaaaaaaa'),
    startsAt: FROM,
    expiresAt: TO,
    configuration: { ...TEXT_ONLY, s3Config: { bucketName: 'b', keyPrefix: 'p/' } } as Lease['configuration'],
    baseline: { kind: 'none' },
    destination: { kind: 's3', bucketName: 'b', keyPrefix: 'p/', kmsKeyArn: 'k' },
    ...overrides,
  };
}
const row = (...leases: Lease[]): LeaseRow => ({ accountId: INCIDENT, region: VIRGINIA, leases });
const revoked = { at: at(HOUR), by: 'lena', reason: 'over' };

describe('a lease is active', () => {
  test.each([
    ['not before its start', lease(), FROM - 1, false],
    ['at its start', lease(), FROM, true],
    ['one millisecond before its end', lease(), TO - 1, true],
    ['not at its end', lease(), TO, false],
    ['not after its end', lease(), TO + 1, false],
    ['not once revoked, from that moment', lease({ revoked }), FROM + HOUR, false],
    ['not once revoked, at any other time either: clocks differ', lease({ revoked }), FROM, false],
    ['not when its window was given back', lease({ released: true }), FROM + 1, false],
    ['also while a Put is under way', lease({ enabling: { at: FROM, until: at(30_000) } }), FROM + 1, true],
  ])('%s', (_name, given, now, expected) => {
    expect(isActive(given, epochMs(now))).toBe(expected);
  });

  test('never two of one row at the same time, where windows are disjoint', () => {
    const a = lease();
    const b = lease({ exceptionId: exceptionId('ex-bbbbbbbbbbbb'), startsAt: TO, expiresAt: at(3 * DAY) });
    for (const now of [FROM, TO - 1, TO, TO + 1, at(3 * DAY)]) {
      expect([a, b].filter((each) => isActive(each, epochMs(now))).length).toBeLessThanOrEqual(1);
    }
    expect(desired(row(a, b), { kind: 'none' }, TO)).toMatchObject({ kind: 'lease', lease: b });
  });

  test('and has to be off at its end or its revocation, whichever is first', () => {
    expect(endOf(lease())).toBe(TO);
    expect(endOf(lease({ revoked }))).toBe(at(HOUR));
    expect(endOf(lease({ revoked: { ...revoked, at: at(9 * DAY) } }))).toBe(TO);
  });
});

describe('content is stored', () => {
  test.each(DATA_DELIVERY_FLAGS)(
    'where %s is left out of the answer: only an explicit no is a no',
    (flag) => {
      const { [flag]: _omitted, ...others } = ALL_OFF;
      expect(storesContent(others)).toBe(true);
      expect(storesContent(ALL_OFF)).toBe(false);
    },
  );
});

describe('desired', () => {
  const baseline = { kind: 'metadata-only', configuration: ALL_OFF as Lease['configuration'] } as const;
  test.each([
    ['without a row, the baseline', undefined, FROM, { kind: 'baseline', configuration: ALL_OFF }],
    [
      'within a lease, exactly its configuration',
      row(lease()),
      FROM,
      { kind: 'lease', configuration: lease().configuration },
    ],
    ['at the end of a lease, the baseline', row(lease()), TO, { kind: 'baseline', configuration: ALL_OFF }],
    [
      'past a window given back, the next holder',
      row(lease({ released: true }), lease({ exceptionId: exceptionId('ex-bbbbbbbbbbbb') })),
      FROM,
      { kind: 'lease', lease: { exceptionId: 'ex-bbbbbbbbbbbb' } },
    ],
  ])('%s', (_name, given, now, expected) => {
    expect(desired(given, baseline, epochMs(now))).toMatchObject(expected);
  });
});

const S3 = { bucketName: 'b', keyPrefix: 'p/' };
const WANTED: LoggingConfiguration = {
  ...ALL_OFF,
  textDataDeliveryEnabled: true,
  imageDataDeliveryEnabled: true,
  s3Config: S3,
};
const LOGS = { logGroupName: 'g', roleArn: 'r' };
const WANTED_LOGS: LoggingConfiguration = { ...TEXT_ONLY, cloudWatchConfig: LOGS };

describe('observed is within desired', () => {
  const cases: readonly [
    string,
    LoggingConfiguration | undefined,
    LoggingConfiguration | undefined,
    boolean,
  ][] = [
    ['nothing at all, whatever is desired', undefined, undefined, true],
    ['exactly what is desired', WANTED, WANTED, true],
    ['fewer kinds of content', { ...WANTED, imageDataDeliveryEnabled: false }, WANTED, true],
    [
      'metadata without content, anywhere, although none is desired',
      { ...ALL_OFF, s3Config: { bucketName: 'other' } },
      undefined,
      true,
    ],
    ['any content where none is desired: not', WANTED, undefined, false],
    ['one more kind: not', { ...WANTED, audioDataDeliveryEnabled: true }, WANTED, false],
    [
      'an omitted flag, which AWS is believed to read as true: not',
      omit(WANTED, 'videoDataDeliveryEnabled'),
      WANTED,
      false,
    ],
    ['an omitted flag of a kind that is desired', omit(WANTED, 'textDataDeliveryEnabled'), WANTED, true],
    ['another bucket: not', { ...WANTED, s3Config: { ...S3, bucketName: 'other' } }, WANTED, false],
    ['another prefix of the bucket: not', { ...WANTED, s3Config: { ...S3, keyPrefix: 'q/' } }, WANTED, false],
    [
      'a shorter prefix, which holds the desired one: not',
      { ...WANTED, s3Config: { ...S3, keyPrefix: '' } },
      WANTED,
      false,
    ],
    ['no prefix at all: not', { ...WANTED, s3Config: { bucketName: 'b' } }, WANTED, false],
    ['a log group beside the bucket: not', { ...WANTED, cloudWatchConfig: LOGS }, WANTED, false],
    [
      'an empty log group name beside the bucket',
      { ...WANTED, cloudWatchConfig: { logGroupName: '', roleArn: '' } },
      WANTED,
      true,
    ],
    [
      'an empty large-data bucket',
      {
        ...WANTED_LOGS,
        cloudWatchConfig: { ...LOGS, largeDataDeliveryS3Config: { bucketName: '', keyPrefix: '' } },
      },
      WANTED_LOGS,
      true,
    ],
    [
      'a large-data bucket that is not desired: not',
      { ...WANTED_LOGS, cloudWatchConfig: { ...LOGS, largeDataDeliveryS3Config: { bucketName: 'l' } } },
      WANTED_LOGS,
      false,
    ],
    [
      'a large-data bucket alone, all flags off: not, bodies can land there',
      { ...ALL_OFF, cloudWatchConfig: { ...LOGS, largeDataDeliveryS3Config: { bucketName: 'l' } } },
      WANTED_LOGS,
      false,
    ],
    [
      'another log group: not',
      { ...WANTED_LOGS, cloudWatchConfig: { ...LOGS, logGroupName: 'h' } },
      WANTED_LOGS,
      false,
    ],
    [
      'an empty prefix and an omitted one are the same',
      { ...TEXT_ONLY, s3Config: { bucketName: 'b' } },
      { ...TEXT_ONLY, s3Config: { bucketName: 'b', keyPrefix: '' } },
      true,
    ],
    ['content flags without any destination', { ...ALL_ON }, WANTED, false],
  ];
  test.each(cases)('%s', (_name, observed, wanted, expected) => {
    expect(isWithin(observed, wanted)).toBe(expected);
  });

  test('never when it stores a kind or uses a place that is not desired', () => {
    fc.assert(
      fc.property(loggingArb, loggingArb, (observed, wanted) => {
        if (!isWithin(observed, wanted) || !storesContent(observed)) return;
        for (const flag of DATA_DELIVERY_FLAGS) if (observed[flag] !== false) expect(wanted[flag]).toBe(true);
        if (observed.s3Config?.bucketName)
          expect(wanted.s3Config?.bucketName).toBe(observed.s3Config.bucketName);
        const large = observed.cloudWatchConfig?.largeDataDeliveryS3Config?.bucketName;
        if (large) expect(wanted.cloudWatchConfig?.largeDataDeliveryS3Config?.bucketName).toBe(large);
      }),
      { numRuns: 2000 },
    );
  });

  test('within is a partial order: itself, and of what is within what is within', () => {
    const explicit = loggingArb.map((each) => ({ ...ALL_OFF, ...each }));
    fc.assert(
      fc.property(explicit, explicit, explicit, (a, b, c) => {
        if (isWithin(a, b) && isWithin(b, c) && storesContent(b)) expect(isWithin(a, c)).toBe(true);
        const complete = Object.values(a).every((flag) => flag !== undefined);
        if (complete) expect(isWithin(a, a)).toBe(true);
      }),
    );
  });
});

describe('time leased', () => {
  const enabling = { at: FROM, until: at(30_000) };
  test.each([
    ['a window given back takes none', lease({ released: true }), FROM, undefined],
    ['one not enabled yet takes its whole window', lease(), FROM, { from: FROM, to: TO }],
    [
      'one read back as off takes the time to the read-back',
      lease({ enabling, offAt: at(HOUR) }),
      TO,
      { from: FROM, to: at(HOUR) },
    ],
    [
      'one read back late takes the time overdue too',
      lease({ enabling, offAt: at(3 * DAY) }),
      at(9 * DAY),
      { from: FROM, to: at(3 * DAY) },
    ],
    ['one that is overdue goes on taking', lease({ enabling }), at(5 * DAY), { from: FROM, to: at(5 * DAY) }],
  ])('%s', (_name, given, now, expected) => {
    expect(leasedInterval(given, epochMs(now))).toEqual(expected);
  });

  test.each([
    ['a window that touches the end', TO, at(3 * DAY), false],
    ['a window that touches the start', at(-DAY), FROM, false],
    ['one millisecond of it', epochMs(TO - 1), at(3 * DAY), true],
    ['a window around it', at(-DAY), at(9 * DAY), true],
    ['a window inside it', at(HOUR), at(2 * HOUR), true],
  ])('overlaps: %s', (_name, from, to, expected) => {
    expect(overlapping(row(lease()), from, to, FROM) !== undefined).toBe(expected);
  });

  const MONTH = durationMs(30 * DAY);
  const used = (days: number, length: number, id: string) =>
    lease({
      exceptionId: exceptionId(`ex-${id}aaaaaaaaaa`),
      startsAt: at(days * DAY),
      expiresAt: at((days + length) * DAY),
    });
  test.each([
    ['nothing but the candidate', [], 12],
    ['two leases in the window before', [used(-20, 5, 'a'), used(-10, 5, 'b')], 20],
    ['a lease that has just left every window', [used(-23, 5, 'a'), used(-50, 3, 'b')], 12],
    ['a lease far before', [used(-60, 5, 'a')], 12],
    ['a lease after the candidate counts as well', [used(15, 4, 'a')], 16],
  ])('in 30 days: %s', (_name, leases, days) => {
    const candidate = { startsAt: FROM, endsAt: at(12 * DAY) };
    expect(mostLeasedTime(row(...leases), candidate, MONTH, FROM)).toBe(days * DAY);
  });

  test('is never less than in any window that is tried by brute force', () => {
    const interval = fc.tuple(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 1, max: 10 }));
    fc.assert(
      fc.property(fc.array(interval, { maxLength: 5 }), interval, (leases, [start, length]) => {
        const all = leases.map(([from, days], index) => used(from, days, String(index)));
        const candidate = { startsAt: at(start * DAY), endsAt: at((start + length) * DAY) };
        const most = mostLeasedTime(row(...all), candidate, MONTH, FROM);
        const spans: readonly (readonly [number, number])[] = [...leases, [start, length]];
        for (let day = -31; day <= 75; day++) {
          const sum = spans.reduce(
            (total, [from, days]) =>
              total + Math.max(0, Math.min(from + days, day + 30) - Math.max(from, day)),
            0,
          );
          expect(most).toBeGreaterThanOrEqual(sum * DAY);
        }
        expect(most as DurationMs).toBeLessThanOrEqual(
          spans.reduce((total, [, days]) => total + days, 0) * DAY,
        );
      }),
      { numRuns: 300 },
    );
  });
});

function omit(
  configuration: LoggingConfiguration,
  flag: (typeof DATA_DELIVERY_FLAGS)[number],
): LoggingConfiguration {
  const { [flag]: _omitted, ...rest } = configuration;
  return rest;
}
