import { describe, expect, test } from 'vitest';
import { functionName } from '../../scripts/bundle.ts';
import { loadMachines } from '../../src/compose.ts';
import { epochMs, principalId } from '../../src/core/index.ts';
import {
  closeUnproven,
  decideException,
  reminderTimes,
  sweep,
  takeBackApproval,
} from '../../src/enforcement/index.ts';
import { approvalSubject, missingApprovals, parsePeople, readRecord } from '../../src/exceptions/index.ts';
import { parsePolicy } from '../../src/policy/index.ts';
import {
  BEGINS,
  DAY_MS,
  ENDS,
  HOUR_MS,
  LONG_AFTER,
  MINUTE_MS,
  policyText,
  type RequestOptions,
  type Simulation,
  START,
  simulate,
  withRole,
} from '../simulation/harness.ts';

type Id = Awaited<ReturnType<Simulation['request']>>;
const codeOf = (result: { ok: boolean; error?: { code: string } }) => (result.ok ? 'ok' : result.error?.code);
const takeBack = async (s: Simulation, id: Id, who: string) => {
  const taken = await takeBackApproval(s.state.services, id, principalId(who), 'the scope is wrong');
  await s.pump();
  return taken;
};

/* The cases B8 to B19 of the failure cases that the workflow must survive (docs/failure-cases.md), each under its number. */

describe('approval', () => {
  test('B8: the requester does not approve, by no spelling of the id; ids that differ in case alone are refused', () =>
    simulate(async (s) => {
      const id = await s.request();
      expect(codeOf(await s.decide(id, 'sam', 'security'))).toBe('REQUESTER_DECIDES');
      expect(codeOf(await s.decide(id, 'SAM', 'security'))).toBe('UNKNOWN_PERSON');
      const twice = `kind: People\nschemaVersion: 1\npeople:\n  - { id: sam, name: Sam }\n  - { id: SAM, name: Sam }\n`;
      expect(parsePeople(twice, 'people.yaml')).toMatchObject({
        ok: false,
        error: [{ code: 'duplicate-id', line: 5 }],
      });
    }));

  test('B9: one person with two roles gives one of the approvals', () =>
    simulate(async (s) => {
      const id = await s.request();
      await s.decide(id, 'max', 'legal');
      expect(codeOf(await s.decide(id, 'max', 'security'))).toBe('ALREADY_DECIDED');
      expect(missingApprovals(await s.record(id))).toEqual(['security', 'executive']);
    }));

  test('B10: a policy without approvals, or without Legal or Security, is refused; so is a role that nobody fills', () =>
    simulate(async (s) => {
      for (const text of [
        policyText(['      - role: legal\n', '      - role: law\n']),
        policyText(['      - role: security\n', '      - role: safety\n']),
        policyText([/ {4}roles:\n(?: {6}.*\n)+/.exec(policyText())?.[0] ?? '', '    roles: []\n']),
      ])
        expect(parsePolicy(text, 'p.yaml').ok).toBe(false);
      s.editPeople(
        'id: omar, name: Omar Haddad, roles: [executive]',
        'id: omar, name: Omar Haddad, roles: []',
      );
      s.editPeople('roles: [legal, security, executive] }', 'roles: [legal, security] }');
      expect(await s.submit()).toMatchObject({
        ok: false,
        error: { message: expect.stringContaining('nobody is left to approve as executive') },
      });
    }));

  test('B11: two approvers press at once, and one of them twice: each counts once', () =>
    simulate(async (s) => {
      const id = await s.request();
      await Promise.all([
        s.decide(id, 'lena', 'legal'),
        s.decide(id, 'max', 'legal'),
        s.decide(id, 'lena', 'legal'),
      ]);
      expect((await s.record(id)).decisions).toHaveLength(1);
      expect((await s.record(id)).state).toBe('submitted');
    }));

  test('B12: after the deadline, or after the end, an approval is refused and recorded', () =>
    simulate(async (s) => {
      const id = await s.request();
      await s.stopWorkflow(id);
      s.mute('sweep');
      for (const at of [BEGINS + HOUR_MS, ENDS]) {
        await s.advanceTo(at);
        expect(codeOf(await s.decide(id, 'lena', 'legal'))).toBe('APPROVALS_EXPIRED');
      }
      expect(s.events('exception.decision-refused')).toHaveLength(2);
    }));

  test('B13: an approval of what was shown before the policy changed is void', () =>
    simulate(async (s) => {
      const id = await s.request();
      const { hash } = await s.state.services.policyInForce.current();
      const shown = approvalSubject(await s.record(id), hash) ?? '';
      await s.adopt(policyText(['enablement: 12d', 'enablement: 11d']));
      expect(codeOf(await s.decide(id, 'lena', 'legal', { subjectHash: shown }))).toBe('HASH_MISMATCH');
    }));

  test('B14: one approves, one rejects: rejected, for ever', () =>
    simulate(async (s) => {
      const id = await s.request();
      await s.decide(id, 'lena', 'legal');
      await s.decide(id, 'priya', 'security', { decision: 'reject' });
      expect(codeOf(await s.decide(id, 'omar', 'executive'))).toBe('STATE_REFUSES');
      expect(codeOf(await takeBack(s, id, 'lena'))).toBe('STATE_REFUSES');
      expect((await s.record(id)).state).toBe('rejected');
    }));

  test.each(['submitted', 'scheduled'] as const)(
    'B14: an approval taken back while %s counts no longer; the exception waits for another one',
    (state) =>
      simulate(async (s) => {
        const id = state === 'scheduled' ? await s.approved() : await s.request();
        if (state === 'submitted') await s.decide(id, 'lena', 'legal');
        expect((await s.record(id)).state).toBe(state);
        expect(codeOf(await takeBack(s, id, 'lena'))).toBe('ok');
        expect(await s.record(id)).toMatchObject({ state: 'submitted' });
        expect(missingApprovals(await s.record(id))).toContain('legal');
        if (state === 'submitted') return;
        await s.advanceTo(BEGINS + 10 * MINUTE_MS);
        expect(s.puts).toEqual([]);
        expect(codeOf(await s.decide(id, 'max', 'legal'))).toBe('ok');
        await s.advance(20 * MINUTE_MS);
        expect(s.isOn()).toBe(true);
      }),
  );

  test('B14: taken back and never given again, it expires with nothing switched on', () =>
    simulate(async (s) => {
      const id = await s.approved();
      await takeBack(s, id, 'omar');
      await s.advanceTo(BEGINS + 2 * HOUR_MS);
      expect((await s.record(id)).state).toBe('expired');
      expect(s.puts).toEqual([]);
    }));

  test('B14: after the start nothing can be taken back: the exception is revoked instead', () =>
    simulate(async (s) => {
      const id = await s.active();
      expect(codeOf(await takeBack(s, id, 'lena'))).toBe('STATE_REFUSES');
      expect(codeOf(await takeBack(s, id, 'dora'))).toBe('NOT_ENTITLED');
      expect(s.isOn()).toBe(true);
      expect(s.events('exception.decision-refused')).toHaveLength(2);
    }));

  test('B15: an approver who lost the role between approval and start is not counted at the start', () =>
    simulate(async (s) => {
      const id = await s.approved();
      s.editPeople('id: lena, name: Lena Fischer, roles: [legal]', 'id: lena, name: Lena Fischer, roles: []');
      await s.advanceTo(BEGINS + HOUR_MS);
      expect(await s.record(id)).toMatchObject({ state: 'refused', reason: expect.stringContaining('lost') });
      expect(s.puts).toEqual([]);
    }));

  test('B15: an approval that is too old at the start is not counted', () =>
    simulate(
      async (s) => {
        const from = START + 2 * DAY_MS;
        const id = await s.approved({ from, to: from + HOUR_MS });
        // Put off by the slow check, the start is a minute later than the approvals allow.
        await s.advanceTo(from - MINUTE_MS);
        s.fault({ operation: 'bedrock:GetModelInvocationLoggingConfiguration', kind: 'deny', times: 5 });
        await s.advanceTo(from + 30 * MINUTE_MS);
        expect(await s.record(id)).toMatchObject({ state: 'refused', reason: expect.stringContaining('2d') });
        expect(s.puts).toEqual([]);
      },
      { policy: policyText(['validFor: 30d', 'validFor: 2d']) },
    ));

  test('B16: every task that waits for a token has an end of its own', () => {
    const exception = JSON.stringify(loadMachines().get('exception'));
    expect(exception).toContain('waitForTaskToken');
    expect(exception).toContain('TimeoutSecondsPath');
    expect(functionName('request-approval')).toBe('requestApproval');
  });

  test('B17: the token is kept by the service and stands in no event, and waking decides nothing', () =>
    simulate(async (s) => {
      const id = await s.request();
      for (const role of ['legal', 'security', 'executive']) {
        const wait = await readRecord<{ taskToken: string }>(s.state.services.store, `wait/${id}/${role}`);
        const token = wait?.value.taskToken ?? '';
        expect(token).not.toBe('');
        expect(JSON.stringify(s.events())).not.toContain(token);
        expect(await s.state.services.executions.wake(token)).toBe('woken');
      }
      await s.advance(HOUR_MS);
      expect((await s.record(id)).state).toBe('submitted');
    }));

  test('B18: a stricter policy asks a pending exception again and says so', () =>
    simulate(async (s) => {
      const id = await s.approved();
      await s.adopt(withRole());
      expect((await s.record(id)).state).toBe('submitted');
      expect(s.events('policy.rejudged').at(-1)?.data).toMatchObject({ effect: 'asks-again' });
    }));
});

describe('B19: break-glass', () => {
  const GLASS = policyText(['    enabled: false\n', '    enabled: true\n']);
  const ask: RequestOptions = { breakGlass: 'data leaves the company now' };
  const glass = (play: (s: Simulation) => Promise<void>) => simulate(play, { policy: GLASS });
  const opened = async (s: Simulation, who = 'lena', role = 'legal'): Promise<Id> => {
    const id = await s.request(ask);
    await s.decide(id, who, role);
    return id;
  };
  const decideThrough = async (
    s: Simulation,
    id: Id,
    who: string,
    role: string,
    decision: 'approve' | 'reject',
  ) => {
    const { hash } = await s.state.services.policyInForce.current();
    const decided = await decideException(s.state.services, {
      id,
      principalId: principalId(who),
      role,
      decision,
      reason: 'no',
      subjectHash: approvalSubject(await s.record(id), hash) ?? '',
    });
    await s.pump();
    return decided;
  };

  test('is off in the shipped policy, and never longer than a day in any', () =>
    simulate(async (s) => {
      expect(await s.submit(ask)).toMatchObject({
        ok: false,
        error: { message: expect.stringContaining('has no break-glass') },
      });
      const longer = policyText([
        '    enabled: false\n    atMost: 24h',
        '    enabled: true\n    atMost: 25h',
      ]);
      expect(parsePolicy(longer, 'p.yaml').ok).toBe(false);
    }));

  test('of more than the policy allows is refused', () =>
    glass(async (s) => {
      expect(await s.submit({ ...ask, to: BEGINS + 25 * HOUR_MS })).toMatchObject({
        ok: false,
        error: { message: expect.stringContaining('exceptions.breakGlass.atMost') },
      });
    }));

  test.each([
    ['lena', 'legal', 'scheduled'],
    ['priya', 'security', 'scheduled'],
    ['omar', 'executive', 'submitted'],
  ])('one approval by %s as %s leaves it %s', (who, role, state) =>
    glass(async (s) => expect((await s.record(await opened(s, who, role))).state).toBe(state)),
  );

  test('is not opened by the requester, who holds Security', () =>
    glass(async (s) => {
      const id = await s.request(ask);
      expect(codeOf(await s.decide(id, 'sam', 'security'))).toBe('REQUESTER_DECIDES');
      await s.advanceTo(BEGINS + 2 * HOUR_MS);
      expect((await s.record(id)).state).toBe('expired');
      expect(s.puts).toEqual([]);
    }));

  test('without the flag in the request, one approval opens nothing', () =>
    glass(async (s) => {
      const id = await s.request();
      await s.decide(id, 'lena', 'legal');
      await s.advanceTo(BEGINS + 2 * HOUR_MS);
      expect((await s.record(id)).state).toBe('expired');
      expect(s.puts).toEqual([]);
    }));

  test('is confirmed while it is on: ends on time, no breach', () =>
    glass(async (s) => {
      const id = await opened(s);
      await s.advanceTo(BEGINS + HOUR_MS);
      expect(s.isOn()).toBe(true);
      expect(codeOf(await s.decide(id, 'lena', 'security'))).toBe('ROLE_NOT_HELD');
      expect(codeOf(await s.decide(id, 'max', 'security'))).toBe('ok');
      expect(codeOf(await s.decide(id, 'max', 'executive'))).toBe('ALREADY_DECIDED');
      expect(codeOf(await s.decide(id, 'omar', 'executive'))).toBe('ok');
      await s.advanceTo(LONG_AFTER);
      expect(await s.record(id)).toMatchObject({ state: 'closed' });
      expect(s.wentOffAt()).toBeLessThanOrEqual(ENDS + MINUTE_MS);
      expect(s.events('exception.break-glass-breach')).toEqual([]);
    }));

  test('that nobody confirms ends by itself, is reported as a breach once, and cannot be confirmed afterwards', () =>
    glass(async (s) => {
      const id = await opened(s);
      await s.advanceTo(ENDS + HOUR_MS);
      expect(s.isOn()).toBe(false);
      expect(s.wentOffAt()).toBeLessThanOrEqual(ENDS + MINUTE_MS);
      expect(codeOf(await s.decide(id, 'omar', 'executive'))).toBe('APPROVALS_EXPIRED');
      await s.advanceTo(LONG_AFTER);
      expect(s.events('exception.break-glass-breach')).toHaveLength(1);
      expect((await s.record(id)).breach?.missing).toEqual(['security', 'executive']);
      expect((await s.record(id)).state).toBe('closed');
    }));

  test('with a confirmation of one of two roles is a breach of the other', () =>
    glass(async (s) => {
      const id = await opened(s);
      await s.decide(id, 'priya', 'security');
      await s.advanceTo(LONG_AFTER);
      expect((await s.record(id)).breach?.missing).toEqual(['executive']);
    }));

  test('is not closed without proof while others can still confirm; then the certificate names who did and who did not', () =>
    glass(async (s) => {
      const id = await opened(s);
      await s.advanceTo(BEGINS + HOUR_MS);
      await s.revoke(id);
      await s.advance(MINUTE_MS);
      const close = () => closeUnproven(s.state.services, id, principalId('lena'), 'nothing was stored');
      expect(await close()).toMatchObject({
        error: { message: expect.stringContaining('security, executive can still confirm until') },
      });
      expect(codeOf(await s.decide(id, 'priya', 'security'))).toBe('ok');
      await s.advanceTo(ENDS + MINUTE_MS);
      expect(codeOf(await close())).toBe('ok');
      await s.advanceTo(LONG_AFTER);
      expect(s.events('exception.break-glass-breach')).toHaveLength(1);
      expect((await s.record(id)).breach?.missing).toEqual(['executive']);
      expect(s.certificates()[0]).toMatchObject({
        outcome: 'closed-unproven',
        breakGlass: {
          reason: 'data leaves the company now',
          openedBy: { principalId: 'lena', role: 'legal' },
          confirmedBy: [{ principalId: 'priya', role: 'security' }],
          notConfirmedBy: ['executive'],
          isBreach: true,
        },
      });
    }));

  test('confirmed by all before its end is closed without proof at once, and no breach', () =>
    glass(async (s) => {
      const id = await opened(s);
      await s.advanceTo(BEGINS + HOUR_MS);
      await s.decide(id, 'priya', 'security');
      await s.decide(id, 'omar', 'executive');
      await s.revoke(id);
      await s.advance(MINUTE_MS);
      const closed = await closeUnproven(s.state.services, id, principalId('lena'), 'nothing was stored');
      expect(codeOf(closed)).toBe('ok');
      expect(s.certificates()[0]).toMatchObject({ breakGlass: { notConfirmedBy: [], isBreach: false } });
    }));

  test('OFF_NEEDS_NOTHING: one whose workflow stopped is ended, though the policy that says whom to remind cannot be read', () =>
    glass(async (s) => {
      const id = await opened(s);
      await s.advanceTo(BEGINS + HOUR_MS);
      await s.stopWorkflow(id);
      const unread = () => Promise.reject(new Error('not available'));
      Object.assign(s.state.services, { policyInForce: { current: unread, of: unread } });
      await sweep(s.state.services, s.now());
      expect(s.isOn()).toBe(false);
    }));

  test('rejected before the start opens nothing; rejected while it is on, it is switched off at once', () =>
    glass(async (s) => {
      const first = await opened(s);
      expect(codeOf(await decideThrough(s, first, 'omar', 'executive', 'reject'))).toBe('ok');
      expect((await s.record(first)).state).toBe('rejected');
      const id = await opened(s);
      await s.advanceTo(BEGINS + HOUR_MS);
      expect(s.isOn()).toBe(true);
      expect(codeOf(await decideThrough(s, id, 'omar', 'executive', 'reject'))).toBe('ok');
      expect(s.isOn()).toBe(false);
      await s.advanceTo(LONG_AFTER);
      expect((await s.record(id)).state).toBe('closed');
    }));

  test('rejected by a process that died before it switched off, the sweeper does', () =>
    glass(async (s) => {
      const id = await opened(s);
      await s.advanceTo(BEGINS + HOUR_MS);
      await s.decide(id, 'omar', 'executive', { decision: 'reject' });
      await s.advance(15 * MINUTE_MS);
      expect(s.isOn()).toBe(false);
    }));

  test('an opener who lost the role before the start opens nothing', () =>
    glass(async (s) => {
      const id = await opened(s);
      s.editPeople('id: lena, name: Lena Fischer, roles: [legal]', 'id: lena, name: Lena Fischer, roles: []');
      await s.advanceTo(BEGINS + HOUR_MS);
      expect((await s.record(id)).state).toBe('refused');
      expect(s.puts).toEqual([]);
    }));

  test('is switched off at once when a policy without it is adopted', () =>
    glass(async (s) => {
      const id = await opened(s);
      await s.advanceTo(BEGINS + HOUR_MS);
      await s.adopt(policyText());
      expect(s.isOn()).toBe(false);
      expect((await s.record(id)).reason).toContain('exceptions.breakGlass.enabled');
    }));
});

describe('who has not decided', () => {
  test('is reminded, then others are told, each once', () =>
    simulate(async (s) => {
      const id = await s.request();
      await s.decide(id, 'lena', 'legal');
      // Five hours to decide, so at half and three quarters of them.
      await s.advanceTo(START + 2.5 * HOUR_MS - 16 * MINUTE_MS);
      expect(s.events('approval.reminded')).toEqual([]);
      await s.advanceTo(START + 3.5 * HOUR_MS);
      expect(s.events('approval.reminded')).toMatchObject([{ data: { missing: ['security', 'executive'] } }]);
      expect(s.events('approval.escalated')).toEqual([]);
      await s.advanceTo(BEGINS + 30 * MINUTE_MS);
      expect(s.events('approval.escalated')).toMatchObject([{ data: { to: ['legal', 'security'] } }]);
      expect(s.events('approval.reminded')).toHaveLength(1);
      expect((await s.record(id)).state).toBe('submitted');
    }));

  test.each([
    ['a week: as the policy says', 7 * DAY_MS, 5 * DAY_MS, 6 * DAY_MS],
    ['four hours: at half and three quarters', 4 * HOUR_MS, 2 * HOUR_MS, 3 * HOUR_MS],
  ])('with %s', (_name, length, remind, escalate) => {
    const times = reminderTimes(epochMs(0), epochMs(length), { remindBefore: '2d', escalateBefore: '1d' });
    expect(times).toEqual({ remindAt: remind, escalateAt: escalate });
  });
});
