import { describe, expect, test } from 'vitest';
import { exceptionId } from '../../src/core/index.ts';
import { approvalSubject, type RefusalCode } from '../../src/exceptions/index.ts';
import {
  BEGINS,
  HOUR_MS,
  MINUTE_MS,
  policyText,
  type Simulation,
  simulate,
  withRole,
} from '../simulation/harness.ts';

type Id = Parameters<Simulation['decide']>[0];

describe('a decision is refused, recorded, and changes nothing', () => {
  const cases: readonly [string, (s: Simulation, id: Id) => ReturnType<Simulation['decide']>, RefusalCode][] =
    [
      [
        'on an exception that does not exist',
        (s) => s.decide(exceptionId('ex-000000000000'), 'lena', 'legal'),
        'UNKNOWN_EXCEPTION',
      ],
      [
        'by the requester, for a role they hold',
        (s, id) => s.decide(id, 'sam', 'security'),
        'REQUESTER_DECIDES',
      ],
      [
        'by the requester who wants to reject: withdrawing is theirs',
        (s, id) => s.decide(id, 'sam', 'security', { decision: 'reject' }),
        'REQUESTER_DECIDES',
      ],
      ['by a person without the role', (s, id) => s.decide(id, 'lena', 'security'), 'ROLE_NOT_HELD'],
      [
        'for a role the policy does not ask for',
        (s, id) => s.decide(id, 'dora', 'data-protection'),
        'ROLE_NOT_NAMED',
      ],
      ['by a person who has left', (s, id) => s.decide(id, 'gone', 'legal'), 'UNKNOWN_PERSON'],
      ['by a person who does not exist', (s, id) => s.decide(id, 'nobody', 'legal'), 'UNKNOWN_PERSON'],
      [
        'by the same person for a second role',
        async (s, id) => {
          await s.decide(id, 'max', 'legal');
          return s.decide(id, 'max', 'security');
        },
        'ALREADY_DECIDED',
      ],
      [
        'by the same person a second time',
        async (s, id) => {
          await s.decide(id, 'lena', 'legal');
          return s.decide(id, 'lena', 'legal');
        },
        'ALREADY_DECIDED',
      ],
      [
        'for a role that somebody has decided',
        async (s, id) => {
          await s.decide(id, 'lena', 'legal');
          return s.decide(id, 'max', 'legal');
        },
        'ALREADY_DECIDED',
      ],
      [
        'over the hash of another request',
        (s, id) => s.decide(id, 'lena', 'legal', { subjectHash: '0'.repeat(64) }),
        'HASH_MISMATCH',
      ],
      [
        'over too few digits of the hash',
        async (s, id) => s.decide(id, 'lena', 'legal', { subjectHash: (await subject(s, id)).slice(0, 11) }),
        'HASH_MISMATCH',
      ],
      ['over an empty hash', (s, id) => s.decide(id, 'lena', 'legal', { subjectHash: '' }), 'HASH_MISMATCH'],
      [
        'over what was shown before the policy changed',
        async (s, id) => {
          const shown = await subject(s, id);
          await s.adopt(policyText(['enablement: 12d', 'enablement: 11d']));
          return s.decide(id, 'lena', 'legal', { subjectHash: shown });
        },
        'HASH_MISMATCH',
      ],
      [
        'at its deadline',
        async (s, id) => {
          await s.stopWorkflow(id);
          s.mute('sweep');
          await s.advanceTo(BEGINS + HOUR_MS);
          return s.decide(id, 'lena', 'legal');
        },
        'APPROVALS_EXPIRED',
      ],
      [
        'on one that expired',
        async (s, id) => {
          await s.advanceTo(BEGINS + 2 * HOUR_MS);
          return s.decide(id, 'lena', 'legal');
        },
        'STATE_REFUSES',
      ],
      [
        'after a rejection',
        async (s, id) => {
          await s.decide(id, 'max', 'legal', { decision: 'reject' });
          return s.decide(id, 'lena', 'legal');
        },
        'STATE_REFUSES',
      ],
      [
        'after everybody has approved',
        async (s, id) => {
          await s.approve(id);
          return s.decide(id, 'max', 'legal');
        },
        'STATE_REFUSES',
      ],
      [
        'after it was withdrawn',
        async (s, id) => {
          await s.revoke(id, 'sam');
          return s.decide(id, 'lena', 'legal');
        },
        'STATE_REFUSES',
      ],
    ];
  test.each(cases)('%s', (_name, act, code) =>
    simulate(async (s) => {
      const id = await s.request();
      const result = await act(s, id);
      expect(result).toMatchObject({ ok: false, error: { code } });
      const refused = s.events('exception.decision-refused');
      expect(refused.length).toBeGreaterThanOrEqual(1);
      expect(refused.at(-1)?.data).toMatchObject({ code, says: expect.stringMatching(/refused: /) });
      const counted = (await s.record(id)).decisions.map(({ principalId, role }) => `${principalId}/${role}`);
      expect(counted).toEqual([...new Set(counted)]);
      expect(s.puts).toEqual([]);
    }),
  );
});

describe('a decision', () => {
  test('binds to exactly this request and the policy in force, and 12 digits of the hash are enough to name it', () =>
    simulate(async (s) => {
      const id = await s.request();
      const whole = await subject(s, id);
      const decided = await s.decide(id, 'lena', 'legal', { subjectHash: whole.slice(0, 12) });
      expect(decided.ok && decided.value.decisions).toMatchObject([
        { principalId: 'lena', role: 'legal', subjectHash: whole },
      ]);
    }));

  test('that rejects is terminal, beside approvals too, and the workflow ends', () =>
    simulate(async (s) => {
      const id = await s.request();
      await s.decide(id, 'lena', 'legal');
      await s.decide(id, 'priya', 'security', { decision: 'reject' });
      const record = await s.record(id);
      expect(record.state).toBe('rejected');
      expect(record.reason).toContain('priya');
      expect((await s.state.runtime.describe('exception', id))?.status).toBe('SUCCEEDED');
      await s.advanceTo(BEGINS + 2 * HOUR_MS);
      expect(s.puts).toEqual([]);
    }));

  test('counts although nobody was asked yet: the recorded decision decides, the token only wakes', () =>
    simulate(async (s) => {
      const submitted = await s.submit();
      if (!submitted.ok) throw new Error(submitted.error.message);
      const { id } = submitted.value;
      await s.approve(id);
      expect((await s.record(id)).state).toBe('submitted');
      await s.advance(15 * MINUTE_MS);
      expect((await s.record(id)).state).toBe('scheduled');
    }));

  test('of two people at the same moment is kept for both', () =>
    simulate(async (s) => {
      const id = await s.request();
      const both = await Promise.all(
        [s.decide(id, 'lena', 'legal'), s.decide(id, 'priya', 'security')].map((each) =>
          each.catch((error: unknown) => error),
        ),
      );
      expect(both).toHaveLength(2);
      expect((await s.record(id)).decisions).toHaveLength(2);
    }));

  test('under a policy that asks for a fourth role is not enough with three', () =>
    simulate(
      async (s) => {
        const id = await s.approved();
        expect((await s.record(id)).state).toBe('submitted');
        await s.decide(id, 'dora', 'data-protection');
        expect((await s.record(id)).state).toBe('scheduled');
      },
      { policy: withRole() },
    ));
});

describe('ending early', () => {
  test.each(['submitted', 'scheduled', 'preflight'] as const)(
    'of an exception that is %s is a withdrawal',
    (state) =>
      simulate(async (s) => {
        const id = state === 'submitted' ? await s.request() : await s.approved();
        if (state === 'preflight') {
          s.fault({ operation: 'scheduler:CreateSchedule', kind: 'fail', times: 3 });
          await s.advanceTo(BEGINS);
        }
        expect((await s.record(id)).state).toBe(state);
        expect((await s.revoke(id, 'sam')).ok).toBe(true);
        expect((await s.record(id)).state).toBe('withdrawn');
        await s.advanceTo(BEGINS + HOUR_MS);
        expect(s.puts).toEqual([]);
      }),
  );

  test('of an active exception switches off at once, needs no policy, and answers the same a second time', () =>
    simulate(async (s) => {
      const id = await s.active();
      expect((await s.revoke(id)).ok).toBe(true);
      expect(s.isOn()).toBe(false);
      expect((await s.lease(id)).revoked).toMatchObject({ by: 'lena' });
      const { state } = await s.record(id);
      expect(await s.revoke(id)).toMatchObject({
        ok: true,
        value: { record: { state }, off: { isOff: true } },
      });
      expect(s.events('exception.revocation-refused')).toEqual([]);
      expect(s.events('exception.revocation-repeated')).toHaveLength(1);
    }));

  test('of an unknown exception is refused and recorded', () =>
    simulate(async (s) => {
      expect(await s.revoke(exceptionId('ex-000000000000'))).toMatchObject({
        ok: false,
        error: { code: 'UNKNOWN_EXCEPTION' },
      });
      expect(s.events('exception.revocation-refused')).toHaveLength(1);
    }));
});

async function subject(s: Simulation, id: Id): Promise<string> {
  const policy = await s.state.services.policyInForce.current();
  return approvalSubject(await s.record(id), policy.hash) ?? '';
}
