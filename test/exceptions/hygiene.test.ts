import { describe, expect, test } from 'vitest';
import { type EpochMs, epochMs, hashOf, principalId } from '../../src/core/index.ts';
import {
  type Decision,
  type ExceptionHygiene,
  type ExceptionRecord,
  exceptionHygiene,
  type KeptException,
  type Lease,
} from '../../src/exceptions/index.ts';
import { shippedPolicy } from '../policy/shipped.ts';
import { parsedRequest } from '../simulation/harness.ts';

const DAY = 86_400_000;
const HOUR = DAY / 24;
const REQUEST = parsedRequest();
const START = REQUEST.startsAt;
const later = (ms: number): EpochMs => epochMs(START + ms);
const POLICY = hashOf('the policy');
const SHEET = hashOf('the sheet');
const approval = (who: string, role: string, at = later(-DAY)): Decision => ({
  principalId: principalId(who),
  role,
  decision: 'approve',
  at,
  policyHash: POLICY,
  subjectHash: SHEET,
});
const ALL = [approval('lena', 'legal'), approval('priya', 'security'), approval('omar', 'executive')];

/** A live exception that has everything; `record` and `lease` say what is different. */
function kept(
  record: Partial<ExceptionRecord> = {},
  lease: Partial<Lease> | 'none' = {},
  lastReviewedAt?: EpochMs,
): KeptException {
  const id = 'ex-aaaaaaaaaaaa' as ExceptionRecord['id'];
  const request = record.request ?? REQUEST;
  return {
    record: {
      id,
      request,
      requestHash: hashOf('the request'),
      requesterId: principalId('sam'),
      submittedAt: later(-2 * DAY),
      policyHashes: [POLICY],
      admissions: [
        {
          policyHash: POLICY,
          policyId: 'prompt-storage',
          policyVersion: '1.0.0',
          at: later(-2 * DAY),
          roles: [],
          conditions: [],
          sheetHash: SHEET,
        },
      ],
      requiredRoles: ['legal', 'security', 'executive'],
      approvalsDeadline: START,
      state: 'active',
      decisions: ALL,
      emptyListings: [],
      enabledAt: START,
      ...record,
    },
    leases:
      lease === 'none'
        ? []
        : [
            {
              accountId: request.accountId,
              region: request.region,
              lease: {
                exceptionId: id,
                startsAt: START,
                expiresAt: request.endsAt,
                configuration: {} as Lease['configuration'],
                baseline: { kind: 'none' },
                destination: request.destination,
                enabling: { at: START, until: later(60_000) },
                ...lease,
              },
            },
          ],
    ...(lastReviewedAt === undefined ? {} : { lastReviewedAt }),
  };
}

const judged = (each: KeptException, now = later(HOUR)) => exceptionHygiene([each], shippedPolicy(), now);
const faultsOf = ({ faults }: ExceptionHygiene): readonly string[] =>
  Object.entries(faults).flatMap(([fault, lines]) => (lines.length > 0 ? [fault] : []));
const END = REQUEST.endsAt;
const RETAINED = epochMs(START + REQUEST.retention);
const OFF = epochMs(END + 60_000);
const CLOSED = {
  state: 'closed',
  offAt: OFF,
  certificate: { hash: hashOf('the certificate'), keyId: 'k' },
} as const;

describe('the hygiene of an exception', () => {
  const cases: readonly [string, KeptException, EpochMs, readonly string[]][] = [
    ['a live one with everything', kept(), later(HOUR), []],
    [
      'approved at the very instant of enabling',
      kept({ decisions: [...ALL.slice(1), approval('lena', 'legal', START)] }),
      later(HOUR),
      [],
    ],
    [
      'approved a moment after enabling',
      kept({ decisions: [...ALL.slice(1), approval('lena', 'legal', later(1))] }),
      later(HOUR),
      ['unapproved'],
    ],
    [
      'one person for two roles',
      kept({ decisions: [...ALL.slice(1), approval('omar', 'legal')] }),
      later(HOUR),
      ['unapproved'],
    ],
    [
      'break-glass, opened by one',
      kept({ request: { ...REQUEST, breakGlass: { reason: 'x' } }, decisions: ALL.slice(0, 1) }),
      later(HOUR),
      [],
    ],
    [
      'break-glass that was never confirmed',
      kept({
        request: { ...REQUEST, breakGlass: { reason: 'x' } },
        decisions: ALL.slice(0, 1),
        breach: { at: END, missing: ['executive'] },
      }),
      later(HOUR),
      ['unapproved'],
    ],
    [
      'a window longer than the limit',
      kept({}, { expiresAt: later(12 * DAY + 1) }),
      later(HOUR),
      ['beyondLimits'],
    ],
    ['a window as long as the limit', kept({}, { expiresAt: later(12 * DAY) }), later(HOUR), []],
    [
      'a retention longer than the limit',
      kept({ request: { ...REQUEST, retention: (14 * DAY + 1) as typeof REQUEST.retention } }),
      later(HOUR),
      ['beyondLimits'],
    ],
    ['nobody is meant', kept({ request: { ...REQUEST, subjects: [] } }), later(HOUR), ['unscoped']],
    ['anybody is meant', kept({ request: { ...REQUEST, subjects: ['*'] } }), later(HOUR), ['unscoped']],
    ['no modality', kept({ request: { ...REQUEST, modalities: [] } }), later(HOUR), ['unscoped']],
    ['not looked at for a day and an hour', kept({}, { expiresAt: later(3 * DAY) }), later(DAY + HOUR), []],
    [
      'not looked at for longer',
      kept({}, { expiresAt: later(3 * DAY) }),
      later(DAY + HOUR + 1),
      ['unreviewed'],
    ],
    ['looked at since', kept({}, { expiresAt: later(3 * DAY) }, later(DAY)), later(DAY + HOUR + 1), []],
    ['a moment before its end', kept(), epochMs(END - 1), []],
    ['at its end, not yet read back', kept(), END, ['leftOn']],
    [
      'revoked, not yet read back',
      kept({}, { revoked: { at: later(1), by: 'lena', reason: 'x' } }),
      later(2),
      ['leftOn'],
    ],
    ['read back as off', kept({ state: 'draining', offAt: OFF }, { offAt: OFF }), epochMs(OFF + 1), []],
    [
      'at the end of the retention, not purged',
      kept({ state: 'purging', offAt: OFF }, { offAt: OFF }),
      RETAINED,
      [],
    ],
    [
      'after the retention, not purged',
      kept({ state: 'purging', offAt: OFF }, { offAt: OFF }),
      epochMs(RETAINED + 1),
      ['unproven'],
    ],
    ['closed with its certificate', kept(CLOSED, { offAt: OFF }), epochMs(RETAINED + DAY), []],
    ['closed, its row long gone', kept(CLOSED, 'none'), epochMs(RETAINED + DAY), []],
    [
      'closed without a certificate',
      kept({ state: 'closed', offAt: OFF }, { offAt: OFF }),
      epochMs(RETAINED + DAY),
      ['unproven'],
    ],
    [
      'closed with a certificate, but late',
      kept({ ...CLOSED, isPurgeOverdue: true }, { offAt: OFF }),
      epochMs(RETAINED + DAY),
      ['unproven'],
    ],
    [
      'closed without proof',
      kept({ ...CLOSED, state: 'closed-unproven' }, { offAt: OFF }),
      epochMs(RETAINED + DAY),
      ['unproven'],
    ],
    [
      'closed under longer limits than today’s',
      kept(CLOSED, { expiresAt: later(20 * DAY), offAt: OFF }),
      epochMs(RETAINED + DAY),
      [],
    ],
  ];
  test.each(cases)('%s', (_name, each, now, faults) => {
    const hygiene = judged(each, now);
    expect(hygiene.enabled).toBe(1);
    expect(faultsOf(hygiene)).toEqual(faults);
  });

  test('what was never enabled, and what ended before the last year, is not looked at', () => {
    const unproven = { ...CLOSED, state: 'closed-unproven' } as const;
    expect(judged(kept({ state: 'withdrawn', enabledAt: undefined } as never, 'none')).enabled).toBe(0);
    expect(judged(kept(unproven, 'none'), epochMs(OFF + 365 * DAY - 1)).faults.unproven).toHaveLength(1);
    expect(judged(kept(unproven, 'none'), epochMs(OFF + 365 * DAY)).enabled).toBe(0);
  });

  test('a line names the exception, its place and who is missing', () => {
    const { faults } = judged(kept({ decisions: ALL.slice(0, 2) }));
    expect(faults.unapproved).toEqual([
      expect.stringMatching(
        /^ex-aaaaaaaaaaaa \(\d{12} [a-z0-9-]+\) was enabled at .*Z without the approval of executive$/,
      ),
    ]);
  });
});
