import { describe, expect, it, test } from 'vitest';
import { accountId, epochMs, principalId } from '../../src/core/index.ts';
import {
  adoptForeign,
  adoptPolicy,
  CONTEST_ROUNDS,
  CONTEST_WITHIN_MS,
  type EnforcedSetting,
  enforcePair,
  governedPairs,
  leaseFigures,
  listForeign,
  planDrift,
  planEnforcement,
} from '../../src/enforcement/index.ts';
import type { DataRetention, LoggingConfiguration, Observation } from '../../src/evidence/index.ts';
import {
  ALL_OFF,
  ALL_ON,
  BEGINS,
  BUCKET,
  ENDS,
  HOUR_MS,
  LONG_AFTER,
  loadPolicy,
  MINUTE_MS,
  notificationsOf,
  PAIR,
  policyText,
  type Simulation,
  SOMEBODYS,
  simulate,
  smallEstate,
} from '../simulation/harness.ts';

const ENFORCES = policyText(['  enforcement: observe\n', '  enforcement: enforce\n']);
const QUARTER = 15 * MINUTE_MS;
const OPERATOR = { id: 'sweeper', kind: 'sweeper' } as const;

/** The policy enforces, and enforcement has begun with nothing foreign there. */
async function enforced(s: Simulation): Promise<void> {
  s.state.aws.retention.setModeBySomebodyElse(PAIR, 'none');
  const adopted = await s.adopt(ENFORCES);
  if (!adopted.ok) throw new Error(adopted.error.message);
  await s.advance(QUARTER);
}
const mode = async (s: Simulation) => {
  const observed = await s.state.services.retention.getDataRetention(PAIR);
  return observed.kind === 'observed' ? observed.value.mode : observed.kind;
};
const overdueMinutes = async (s: Simulation) =>
  (await leaseFigures(s.state.services, s.now())).overdueMinutes;
const here = ({ subject }: { readonly subject: string }) => subject === `${PAIR.accountId}/${PAIR.region}`;

describe('what to do about one setting', () => {
  const now = epochMs(1_000_000_000);
  const source = { call: 'x' };
  const seen = <T>(value: T): Observation<T> => ({ kind: 'observed', value, at: now, source });
  const kept = (more: Partial<EnforcedSetting> = {}): EnforcedSetting => ({
    since: now,
    undone: [],
    ...more,
  });
  const plan = (
    observed: Observation<LoggingConfiguration>,
    before?: EnforcedSetting,
    isLeased = false,
    enforcement: 'observe' | 'enforce' = 'enforce',
  ) => planDrift('invocation-logging', observed, enforcement, before, isLeased, now);
  const absent = { kind: 'absent', at: now, source } as const;

  it.each([
    ['observe leaves everything', plan(seen(SOMEBODYS), undefined, false, 'observe'), 'leave'],
    ['observe again forgets what was enforced', plan(seen(SOMEBODYS), kept(), false, 'observe'), 'forget'],
    ['a lease has the first word', plan(seen(SOMEBODYS), kept(), true), 'leave'],
    [
      'what cannot be read is neither left nor undone',
      plan({ kind: 'unobservable', reason: 'throttled' }),
      'unreadable',
    ],
    ['the first reading of nothing begins', plan(absent), 'begin'],
    ['nothing there is the baseline', plan(absent, kept()), 'leave'],
    [
      'metadata without content is no drift',
      plan(seen({ ...ALL_OFF, s3Config: { bucketName: 'b' } }), kept()),
      'leave',
    ],
    ['a flag that is left out counts as on', plan(seen({ s3Config: { bucketName: 'b' } }), kept()), 'undo'],
    [
      'what was there is foreign',
      plan(seen(SOMEBODYS), kept({ foreign: { seenAt: now, value: SOMEBODYS } })),
      'leave-foreign',
    ],
    [
      'what was foreign and is gone is forgotten',
      plan(absent, kept({ foreign: { seenAt: now, value: SOMEBODYS } })),
      'foreign-gone',
    ],
    [
      'a foreign configuration that changed is drift',
      plan(
        seen({ ...ALL_ON, s3Config: { bucketName: 'c' } }),
        kept({ foreign: { seenAt: now, value: SOMEBODYS } }),
      ),
      'undo',
    ],
  ] as const)('%s', (_, planned, kind) => {
    expect(planned.kind).toBe(kind);
  });

  it('saves what the first reading finds', () => {
    expect(plan(seen(SOMEBODYS))).toEqual({ kind: 'begin', foreign: SOMEBODYS });
  });

  it('calls it a contest after so many rounds within the hour, and not for older ones', () => {
    const rounds = (ago: number) => Array.from({ length: CONTEST_ROUNDS }, () => epochMs(now - ago));
    expect(plan(seen(SOMEBODYS), kept({ undone: rounds(60_000) }))).toMatchObject({ isContest: true });
    expect(plan(seen(SOMEBODYS), kept({ undone: rounds(CONTEST_WITHIN_MS) }))).toMatchObject({
      isContest: false,
    });
  });

  it.each(['default', 'inherit', 'aws_review', 'provider_data_share', 'a-mode-of-next-year'])(
    'data-retention mode %s keeps content',
    (name) => {
      const observed = seen<DataRetention>({ mode: name });
      expect(planDrift('data-retention', observed, 'enforce', kept(), false, now).kind).toBe('undo');
    },
  );

  it('no mode at all is not `none`', () => {
    expect(planDrift('data-retention', absent, 'enforce', kept(), false, now).kind).toBe('unreadable');
  });

  it('an account that nobody can use is not governed', () => {
    const pairs = governedPairs(smallEstate().organization, loadPolicy(ENFORCES));
    expect(pairs.map(({ accountId }) => accountId)).not.toContain(accountId('999999999999'));
    expect(pairs.every(({ enforcement }) => enforcement === 'enforce')).toBe(true);
  });
});

describe('enforcing', () => {
  test('INVARIANT NO_SILENT_ON: drift is undone by the next sweep, in both settings, and nothing is ever put that stores', () =>
    simulate(async (s) => {
      await enforced(s);
      s.somebodyPuts(SOMEBODYS);
      s.state.aws.retention.setModeBySomebodyElse(PAIR, 'default');
      const at = s.now();
      await s.advance(QUARTER);
      expect(s.isOn()).toBe(false);
      expect(s.wentOffAt()).toBeLessThanOrEqual(at + QUARTER);
      expect(await mode(s)).toBe('none');
      expect(s.puts).toEqual([]);
      expect(s.events('enforcement.undone').filter(here)).toHaveLength(2);
    }));

  test('under `observe` the same drift stays, and a sweep does not even look', () =>
    simulate(async (s) => {
      s.somebodyPuts(SOMEBODYS);
      await s.advance(2 * QUARTER);
      expect(s.isOn()).toBe(true);
      expect(s.events().filter(({ type }) => type.startsWith('enforcement.'))).toEqual([]);
    }));

  test('what was on when enforcement began is foreign: saved, told once, and left for as long as it stays as it was', () =>
    simulate(async (s) => {
      s.somebodyPuts(SOMEBODYS);
      await s.adopt(ENFORCES);
      await s.advance(4 * HOUR_MS);
      expect(s.isOn()).toBe(true);
      expect(
        s
          .events('enforcement.began')
          .filter(here)
          .map(({ data }) => data['setting']),
      ).toContain('invocation-logging');
      expect(await listForeign(s.state.services)).toMatchObject([
        { accountId: PAIR.accountId, region: PAIR.region, setting: 'invocation-logging', value: SOMEBODYS },
      ]);
      s.somebodyDeletes();
      await s.advance(QUARTER);
      expect(await listForeign(s.state.services)).toEqual([]);
      // From now on it is drift like any other.
      s.somebodyPuts(SOMEBODYS);
      await s.advance(QUARTER);
      expect(s.isOn()).toBe(false);
    }));

  test('a setting that cannot be read when enforcement begins begins later, and what is then there is foreign', () =>
    simulate(async (s) => {
      s.somebodyPuts(SOMEBODYS);
      await s.adopt(ENFORCES);
      const pair = { ...PAIR, enforcement: 'enforce', baseline: 'none' } as const;
      s.fault({ operation: 'bedrock:GetModelInvocationLoggingConfiguration', kind: 'deny' });
      expect(await enforcePair(s.state.services, pair, { actor: OPERATOR, pace: 'own' })).toMatchObject({
        'invocation-logging': 'unreadable',
      });
      expect(await enforcePair(s.state.services, pair, { actor: OPERATOR, pace: 'own' })).toMatchObject({
        'invocation-logging': 'begin',
      });
      expect(s.isOn()).toBe(true);
    }));

  test('D38: a robot that puts it back is told of every round, and events do not fight at its pace', () =>
    simulate(async (s) => {
      await enforced(s);
      const { services } = s.state;
      const pair = { ...PAIR, enforcement: 'enforce', baseline: 'none' } as const;
      const results: string[] = [];
      for (let round = 0; round < 6; round++) {
        s.somebodyPuts(SOMEBODYS);
        const done = await enforcePair(services, pair, {
          actor: OPERATOR,
          pace: 'event',
          named: 'arn:aws:sts::222222222222:assumed-role/Remediation/x',
        });
        results.push(done['invocation-logging']);
      }
      expect(results).toEqual(['undone', 'undone', 'yielded', 'yielded', 'yielded', 'yielded']);
      expect(s.events('enforcement.contested')).toHaveLength(4);
      expect(s.events('enforcement.contested')[0]?.data['says']).toContain('assumed-role/Remediation');
      const paged = () => notificationsOf(s).filter(({ type }) => type === 'enforcement.contested');
      expect(paged()).toMatchObject([{ urgency: 'page', accountId: PAIR.accountId, region: PAIR.region }]);
      // Never left on: the sweeper goes on, and tells again.
      await s.advance(QUARTER);
      expect(paged()).toHaveLength(2);
      expect(s.isOn()).toBe(false);
      expect(s.events('enforcement.contested')).toHaveLength(5);
      expect(await overdueMinutes(s)).toBe(1);
    }));

  test('a robot is named by CloudTrail, after it was undone, and somebody else in one round is not', () =>
    simulate(async (s) => {
      await enforced(s);
      const robot = 'arn:aws:sts::222222222222:assumed-role/Remediation';
      const round = async (by: string) => {
        s.somebodyPuts(SOMEBODYS, by);
        await s.advance(QUARTER);
        expect(s.isOn()).toBe(false);
      };
      await round('arn:aws:iam::222222222222:user/kim');
      await round(`${robot}/1`);
      await round(`${robot}/2`);
      expect(s.events('enforcement.contested')).toHaveLength(1);
      expect(s.events('enforcement.robot')).toHaveLength(0);
      await round(`${robot}/3`);
      expect(s.events('enforcement.robot').map(({ data }) => data['robot'])).toEqual([robot]);
    }));

  test.each(['deny', 'throttle', 'fail'] as const)(
    'a Delete that meets `%s` is overdue with every round until it is done',
    (kind) =>
      simulate(async (s) => {
        await enforced(s);
        s.somebodyPuts(SOMEBODYS);
        s.fault({ operation: 'bedrock:DeleteModelInvocationLoggingConfiguration', kind, times: 2 });
        await s.advance(2 * QUARTER);
        expect(s.isOn()).toBe(true);
        expect(s.events('enforcement.overdue').filter(here)).toHaveLength(2);
        expect(notificationsOf(s).filter(({ type }) => type === 'enforcement.overdue')).toMatchObject([
          { urgency: 'page', asked: expect.stringContaining('by hand') },
          { urgency: 'page' },
        ]);
        expect(await overdueMinutes(s)).toBe(15);
        await s.advance(QUARTER);
        expect(s.isOn()).toBe(false);
        expect(await overdueMinutes(s)).toBe(0);
        expect(s.events('enforcement.contested')).toEqual([]);
      }),
  );

  test('what was not undone is overdue from the first minute, until somebody else puts it right or nobody governs it any more', () =>
    simulate(async (s) => {
      const fails = () =>
        s.fault({
          operation: 'bedrock:DeleteModelInvocationLoggingConfiguration',
          kind: 'deny',
          times: 1,
        });
      await enforced(s);
      s.somebodyPuts(SOMEBODYS);
      fails();
      await s.advance(QUARTER);
      expect(await overdueMinutes(s)).toBe(1);
      s.somebodyDeletes();
      await s.advance(QUARTER);
      expect(await overdueMinutes(s)).toBe(0);
      s.somebodyPuts(SOMEBODYS);
      fails();
      await s.advance(QUARTER);
      expect(await overdueMinutes(s)).toBe(1);
      const later = epochMs(s.now() + HOUR_MS + 1);
      expect((await leaseFigures(s.state.services, later)).overdueMinutes).toBe(0);
    }));

  test('an exception is never undone, during it or around it, and its proof is not disturbed', () =>
    simulate(async (s) => {
      await enforced(s);
      const id = await s.active();
      await s.advanceTo(ENDS - 1);
      expect(s.isOn()).toBe(true);
      await s.advanceTo(LONG_AFTER);
      expect((await s.record(id)).state).toBe('closed');
      expect(s.events('enforcement.undone')).toEqual([]);
      expect(s.events('exception.contested')).toEqual([]);
    }));

  test('an exception that begins between the reading and the act keeps what it put', () =>
    simulate(async (s) => {
      await enforced(s);
      const id = await s.approved();
      const { services } = s.state;
      const pair = { ...PAIR, enforcement: 'enforce', baseline: 'none' } as const;
      await s.advanceTo(BEGINS - 1);
      s.somebodyPuts(SOMEBODYS);
      const { recorder } = services;
      let isFirst = true;
      Object.assign(services, {
        recorder: {
          record: async (event: Parameters<typeof recorder.record>[0]) => {
            await recorder.record(event);
            if (event.type !== 'enforcement.intended' || !isFirst) return;
            isFirst = false;
            // The moment in which the other function enables.
            s.somebodyDeletes();
            await s.advanceTo(BEGINS + MINUTE_MS);
          },
        },
      });
      const done = await enforcePair(services, pair, { actor: OPERATOR, pace: 'own' });
      expect(done['invocation-logging']).toBe('yielded');
      expect(s.isOn()).toBe(true);
      expect((await s.record(id)).state).toBe('active');
    }));

  test('where the baseline is metadata-only, undoing returns to the metadata-only configuration last seen there', () =>
    simulate(async (s) => {
      const metadata = { ...ALL_OFF, s3Config: { bucketName: BUCKET, keyPrefix: 'metadata/' } };
      s.somebodyPuts(metadata);
      await s.adopt(
        policyText(
          ['  enforcement: observe\n', '  enforcement: enforce\n'],
          ['  baseline: none\n', '  baseline: metadata-only\n'],
        ),
      );
      await s.advance(2 * QUARTER);
      s.somebodyPuts(SOMEBODYS);
      await s.advance(QUARTER);
      expect(s.setting()).toEqual(metadata);
      expect(s.puts.map(({ configuration }) => configuration)).toEqual([metadata]);
    }));

  test('`observe` again stops at once, and a later `enforce` finds what is there foreign', () =>
    simulate(async (s) => {
      await enforced(s);
      await s.adopt(policyText());
      await s.advance(QUARTER);
      s.somebodyPuts(SOMEBODYS);
      await s.advance(QUARTER);
      expect(s.isOn()).toBe(true);
      await s.adopt(ENFORCES);
      await s.advance(QUARTER);
      expect(s.isOn()).toBe(true);
      expect(await listForeign(s.state.services)).toHaveLength(1);
    }));
});

describe('the plan before it is switched on', () => {
  test('adopting a policy that enforces needs the plan of today, read and confirmed; nothing is written without it', () =>
    simulate(async (s) => {
      s.somebodyPuts(SOMEBODYS);
      const { services } = s.state;
      const policy = loadPolicy(ENFORCES);
      const before = await services.policyInForce.current();
      const seen = await planEnforcement(services, policy);
      expect(
        seen.settings.find(
          (each) =>
            each.accountId === PAIR.accountId &&
            each.region === PAIR.region &&
            each.setting === 'invocation-logging',
        ),
      ).toMatchObject({ effect: 'foreign' });
      const refused = await adoptPolicy(services, policy, ENFORCES, principalId('sam'));
      expect(refused).toMatchObject({ ok: false, error: { code: 'PLAN_NOT_CONFIRMED' } });
      // The estate changes between reading and confirming.
      s.somebodyDeletes();
      const stale = await adoptPolicy(services, policy, ENFORCES, principalId('sam'), seen.hash);
      expect(stale).toMatchObject({ ok: false, error: { code: 'PLAN_NOT_CONFIRMED' } });
      expect((await services.policyInForce.current()).hash).toBe(before.hash);
      expect(await services.store.list('enforced/')).toEqual([]);
      const { hash } = await planEnforcement(services, policy);
      expect(await adoptPolicy(services, policy, ENFORCES, principalId('sam'), hash)).toMatchObject({
        ok: true,
      });
    }));

  test('a policy that only observes has an empty plan and needs no confirmation', () =>
    simulate(async (s) => {
      const text = policyText(['    expireAfter: 7d', '    expireAfter: 6d']);
      expect((await planEnforcement(s.state.services, loadPolicy(text))).settings).toEqual([]);
      expect(await adoptPolicy(s.state.services, loadPolicy(text), text, principalId('sam'))).toMatchObject({
        ok: true,
      });
    }));
});

describe('adopting a foreign configuration', () => {
  const adopt = (s: Simulation, who: string, more: Parameters<typeof adoptForeign>[5] = {}) =>
    adoptForeign(
      s.state.services,
      PAIR,
      'invocation-logging',
      principalId(who),
      'agreed with its owner',
      more,
    );

  test('it is saved before it is changed, returned to the baseline and read back; a second time finds nothing', () =>
    simulate(async (s) => {
      s.somebodyPuts(SOMEBODYS);
      await s.adopt(ENFORCES);
      await s.advance(QUARTER);
      const saved: unknown[] = [];
      const adopted = await adopt(s, 'priya', {
        save: async (document) => {
          saved.push(document);
          expect(s.isOn(), 'saved first').toBe(true);
        },
      });
      expect(adopted).toMatchObject({ ok: true, value: { isOff: true } });
      expect(saved).toMatchObject([{ kind: 'RestoreFile', value: SOMEBODYS, accountId: PAIR.accountId }]);
      expect(s.isOn()).toBe(false);
      expect(await listForeign(s.state.services)).toEqual([]);
      expect(await adopt(s, 'priya')).toMatchObject({ ok: false, error: { code: 'STATE_REFUSES' } });
    }));

  test('a restore file that cannot be written leaves everything as it is', () =>
    simulate(async (s) => {
      s.somebodyPuts(SOMEBODYS);
      const save = () => Promise.reject(new Error('the disk is full'));
      await expect(adopt(s, 'priya', { save })).rejects.toThrow('the disk is full');
      expect(s.isOn()).toBe(true);
    }));

  test.each([
    ['somebody without the role', 'lena', 'NOT_ENTITLED'],
    ['somebody who has left', 'gone', 'UNKNOWN_PERSON'],
    ['nobody', 'nobody', 'UNKNOWN_PERSON'],
  ])('%s is refused', (_, who, code) =>
    simulate(async (s) => {
      s.somebodyPuts(SOMEBODYS);
      expect(await adopt(s, who)).toMatchObject({ ok: false, error: { code } });
      expect(s.isOn()).toBe(true);
    }),
  );

  test('what an exception governs is not adopted', () =>
    simulate(async (s) => {
      await s.active();
      expect(await adopt(s, 'priya')).toMatchObject({ ok: false, error: { code: 'STATE_REFUSES' } });
      expect(s.isOn()).toBe(true);
    }));

  test('what changed since it was shown is not adopted', () =>
    simulate(async (s) => {
      s.somebodyPuts({ ...SOMEBODYS, s3Config: { bucketName: 'elsewhere' } });
      expect(await adopt(s, 'priya', { expected: SOMEBODYS })).toMatchObject({
        ok: false,
        error: { code: 'HASH_MISMATCH' },
      });
    }));

  test('what cannot be read is not adopted', () =>
    simulate(async (s) => {
      s.somebodyPuts(SOMEBODYS);
      s.fault({ operation: 'bedrock:GetModelInvocationLoggingConfiguration', kind: 'throttle' });
      expect(await adopt(s, 'priya')).toMatchObject({ ok: false, error: { code: 'POLICY_UNDECIDED' } });
      expect(s.isOn()).toBe(true);
    }));
});
