import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DAY, type ExceptionId, epochMs, exceptionId, HOUR } from '../../src/core/index.ts';
import { type PairState, planPair } from '../../src/enforcement/index.ts';
import type { LoggingConfiguration, Observation } from '../../src/evidence/index.ts';
import {
  type ExceptionRecord,
  type ExceptionState,
  isActive,
  isUnsettled,
  isWithin,
  type Lease,
  storesContent,
} from '../../src/exceptions/index.ts';
import { loggingArb } from '../evidence/snapshot-arbitraries.ts';
import { ALL_OFF, INCIDENT, SOMEBODYS, TEXT_ONLY, VIRGINIA } from '../simulation/harness.ts';

const FROM = epochMs(Date.parse('2026-11-20T12:00:00Z'));
const TO = epochMs(FROM + DAY);
const DURING = epochMs(FROM + HOUR);
const A = exceptionId('ex-aaaaaaaaaaaa');
const B = exceptionId('ex-bbbbbbbbbbbb');
const ON = { enabling: { at: FROM, until: epochMs(FROM + 30_000) } };
const METADATA = { kind: 'metadata-only', configuration: ALL_OFF as Lease['configuration'] } as const;

function lease(id: ExceptionId, overrides: Partial<Lease> = {}): Lease {
  const place = { bucketName: 'b', keyPrefix: `${id}/` };
  return {
    exceptionId: id,
    startsAt: FROM,
    expiresAt: TO,
    configuration: { ...TEXT_ONLY, s3Config: place } as Lease['configuration'],
    baseline: { kind: 'none' },
    destination: { kind: 's3', kmsKeyArn: 'k', ...place },
    ...overrides,
  };
}

const source = { call: 'x' };
const seen = (value: LoggingConfiguration): Observation<LoggingConfiguration> => ({
  kind: 'observed',
  value,
  at: FROM,
  source,
});
const NOTHING: Observation<LoggingConfiguration> = { kind: 'absent', at: FROM, source };
const DENIED: Observation<LoggingConfiguration> = { kind: 'unobservable', reason: 'access-denied' };

interface Given {
  readonly leases?: readonly Lease[];
  readonly states?: Readonly<Record<string, ExceptionState>>;
  readonly observed: Observation<LoggingConfiguration>;
  readonly now?: number;
  readonly isBaselineMissing?: boolean;
}

const stateOf = ({
  leases = [],
  states = {},
  observed,
  now = DURING,
  isBaselineMissing,
}: Given): PairState => ({
  row: { accountId: INCIDENT, region: VIRGINIA, leases },
  records: new Map(
    leases.map(({ exceptionId: id }) => [
      id,
      {
        id,
        state: states[id] ?? 'active',
        request: { accountId: INCIDENT, region: VIRGINIA },
        ...(isBaselineMissing ? { isBaselineMissing } : {}),
      } as ExceptionRecord,
    ]),
  ),
  observed,
  now: epochMs(now),
});

describe('the plan for one account and Region', () => {
  const a = lease(A, ON);
  const off = lease(A, { ...ON, offAt: TO });
  const cases: readonly [string, Given, object][] = [
    ['nothing leased and nothing on: leave', { observed: NOTHING }, { kind: 'leave', why: 'as-desired' }],
    [
      'nothing leased and somebody’s content storage on: not ours',
      { observed: seen(SOMEBODYS) },
      { kind: 'leave', why: 'not-ours' },
    ],
    [
      'nothing leased and metadata only: leave',
      { observed: seen({ ...ALL_OFF, s3Config: { bucketName: 'm' } }) },
      { kind: 'leave', why: 'as-desired' },
    ],
    [
      'on, as approved: leave',
      { leases: [a], observed: seen(a.configuration) },
      { kind: 'leave', why: 'as-desired' },
    ],
    [
      'on, but cannot be read: leave, and say so',
      { leases: [a], observed: DENIED },
      { kind: 'leave', why: 'unreadable-during-lease' },
    ],
    [
      'the Put under way and not confirmed, nothing seen yet: leave',
      { leases: [a], states: { [A]: 'preflight' }, observed: NOTHING },
      { kind: 'leave', why: 'enabling' },
    ],
    [
      'somebody’s content storage during the lease: contested, and elsewhere',
      { leases: [a], observed: seen(SOMEBODYS) },
      { kind: 'contested', isElsewhere: true },
    ],
    [
      'switched off by somebody during the lease: contested, but nothing is elsewhere',
      { leases: [a], observed: NOTHING },
      { kind: 'contested', isElsewhere: false },
    ],
    [
      'made metadata-only by somebody during the lease: the same',
      { leases: [a], observed: seen({ ...ALL_OFF, s3Config: { bucketName: 'm' } }) },
      { kind: 'contested', isElsewhere: false },
    ],
    [
      'over and on: switch off',
      { leases: [a], observed: seen(a.configuration), now: TO },
      { kind: 'switch-off', why: 'over' },
    ],
    [
      'over and seen off, but never settled: switch off, which settles it',
      { leases: [a], observed: NOTHING, now: TO },
      { kind: 'switch-off', why: 'over' },
    ],
    [
      'over and cannot be read: switch off, reading is not needed for it',
      { leases: [a], observed: DENIED, now: TO },
      { kind: 'switch-off', why: 'over' },
    ],
    [
      'revoked in mid-lease: switch off',
      { leases: [{ ...a, revoked: { at: DURING, by: 'x', reason: 'y' } }], observed: seen(a.configuration) },
      { kind: 'switch-off', why: 'over' },
    ],
    [
      'ended and on again towards its place: switch off, found again',
      { leases: [off], states: { [A]: 'draining' }, observed: seen(a.configuration), now: TO },
      { kind: 'switch-off', why: 'found-again' },
    ],
    [
      'closed for good and on again: drift that is not ours',
      { leases: [off], states: { [A]: 'closed' }, observed: seen(a.configuration), now: TO },
      { kind: 'leave', why: 'not-ours' },
    ],
    [
      'on again towards an ended place while the next lease waits for its start: switch off',
      {
        leases: [off, lease(B, { startsAt: TO, expiresAt: epochMs(TO + DAY) })],
        states: { [A]: 'draining', [B]: 'scheduled' },
        observed: seen(a.configuration),
        now: TO,
      },
      { kind: 'switch-off', lease: off, why: 'found-again' },
    ],
    [
      'over and unsettled while the next lease’s window has begun: the old one first',
      {
        leases: [a, lease(B, { startsAt: TO, expiresAt: epochMs(TO + DAY) })],
        states: { [A]: 'ending', [B]: 'preflight' },
        observed: seen(a.configuration),
        now: TO,
      },
      { kind: 'switch-off', lease: a },
    ],
    [
      'a window given back does not stand in the way of its next holder',
      {
        leases: [lease(A, { released: true }), lease(B, ON)],
        states: { [A]: 'withdrawn', [B]: 'active' },
        observed: seen(lease(B).configuration),
      },
      { kind: 'leave', why: 'as-desired' },
    ],
    [
      'a missing metadata-only baseline is put again',
      {
        leases: [{ ...off, baseline: METADATA }],
        states: { [A]: 'closed' },
        observed: NOTHING,
        now: TO,
        isBaselineMissing: true,
      },
      { kind: 'restore-baseline' },
    ],
    [
      'but not over something that somebody put',
      {
        leases: [{ ...off, baseline: METADATA }],
        states: { [A]: 'closed' },
        observed: seen(SOMEBODYS),
        now: TO,
        isBaselineMissing: true,
      },
      { kind: 'leave', why: 'not-ours' },
    ],
    [
      'and not where it was put in its time',
      { leases: [{ ...off, baseline: METADATA }], states: { [A]: 'closed' }, observed: NOTHING, now: TO },
      { kind: 'leave', why: 'as-desired' },
    ],
  ];
  test.each(cases)('%s', (_name, given, expected) => {
    expect(planPair(stateOf(given))).toMatchObject(expected);
  });

  test('INVARIANT (NO_SILENT_ON): what a lease of ours turned on is never left on outside it', () => {
    const observed = fc.oneof(
      fc.constant(NOTHING),
      fc.constant(DENIED),
      loggingArb.map(seen),
      fc.constantFrom(seen(lease(A).configuration), seen(lease(B).configuration)),
    );
    const one = (id: ExceptionId) =>
      fc
        .record({
          from: fc.integer({ min: -3, max: 3 }),
          isOn: fc.boolean(),
          isOff: fc.boolean(),
          isRevoked: fc.boolean(),
          isReleased: fc.boolean(),
        })
        .map(({ from, isOn, isOff, isRevoked, isReleased }) =>
          lease(id, {
            startsAt: epochMs(FROM + from * HOUR),
            expiresAt: epochMs(FROM + (from + 2) * HOUR),
            ...(isOn ? ON : {}),
            ...(isOn && isOff ? { offAt: DURING } : {}),
            ...(isRevoked ? { revoked: { at: FROM, by: 'x', reason: 'y' } } : {}),
            ...(!isOn && isReleased ? { released: true as const } : {}),
          }),
        );
    fc.assert(
      fc.property(
        one(A),
        one(B),
        observed,
        fc.constantFrom<ExceptionState>('preflight', 'active', 'draining', 'closed'),
        (a1, b1, setting, state) => {
          const leases = [a1, b1];
          const plan = planPair(stateOf({ leases, states: { [A]: state, [B]: state }, observed: setting }));
          const live = leases.find((each) => isActive(each, DURING));
          const isLeft = plan.kind === 'leave';
          if (leases.some((each) => isUnsettled(each) && each !== live)) expect(plan.kind).toBe('switch-off');
          if (isLeft && setting.kind === 'observed' && storesContent(setting.value)) {
            const isCovered = live?.enabling !== undefined && isWithin(setting.value, live.configuration);
            if (!isCovered) expect(plan).toMatchObject({ why: 'not-ours' });
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});
