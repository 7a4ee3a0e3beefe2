import { describe, expect, it } from 'vitest';
import { epochMs, principalId } from '../../src/core/index.ts';
import {
  closeUnproven,
  fireDeadMansSwitch,
  isOwnCall,
  nameInterference,
  partyOf,
  switchOff,
} from '../../src/enforcement/index.ts';
import type { ExceptionRecord, RecordStore } from '../../src/exceptions/index.ts';
import {
  DAY_MS,
  ENDS,
  HOUR_MS,
  INCIDENT,
  LONG_AFTER,
  MINUTE_MS,
  notificationsOf,
  PAIR,
  policyText,
  type Simulation,
  simulate,
} from './harness.ts';

/* Who changed the setting against us, and what is said when nobody knows. */

const ROBOT = `arn:aws:sts::${INCIDENT}:assumed-role/RemediateLogging`;
const LOOKUP = 'cloudtrail:LookupEvents';
const elsewhere = {
  textDataDeliveryEnabled: true,
  imageDataDeliveryEnabled: false,
  embeddingDataDeliveryEnabled: false,
  videoDataDeliveryEnabled: false,
  audioDataDeliveryEnabled: false,
  s3Config: { bucketName: 'somebodys-bucket', keyPrefix: '' },
};
const interferenceOf = async (s: Simulation, id: Parameters<Simulation['record']>[0]) =>
  (await s.record(id)).interference ?? [];

describe('somebody else’s change during a lease', () => {
  it('is switched off first, and named when CloudTrail shows it', () =>
    simulate(async (s) => {
      const id = await s.active();
      s.somebodyPuts(elsewhere, `${ROBOT}/s-1`);
      await s.advance(20 * MINUTE_MS);
      expect(s.isOn()).toBe(false);
      await s.advance(20 * MINUTE_MS);
      expect(await interferenceOf(s, id)).toMatchObject([
        { found: 'changed', party: { by: ROBOT, call: 'PutModelInvocationLoggingConfiguration' } },
      ]);
      expect(s.events('exception.party-named')).toHaveLength(1);
      expect(s.events('exception.party-unnamed')).toHaveLength(0);
      await s.advance(2 * HOUR_MS);
      expect((await interferenceOf(s, id))[0]?.isSettled).toBe(true);
      expect(s.events('exception.party-named')).toHaveLength(1);
    }));

  it('is told with whom the event names, as the event’s word', () =>
    simulate(async (s) => {
      s.state.aws.eventRules.setOn(true);
      s.mute('sweep');
      const id = await s.active();
      s.somebodyPuts(elsewhere, `${ROBOT}/s-1`);
      await s.advance(6 * MINUTE_MS);
      expect((await interferenceOf(s, id))[0]?.hint).toBe(`${ROBOT}/s-1`);
      expect(String(s.events('exception.contested')[0]?.data['says'])).toContain(
        `the event names ${ROBOT}/s-1`,
      );
    }));

  it('is not guessed where CloudTrail cannot be asked, and that keeps nothing on', () =>
    simulate(async (s) => {
      const id = await s.active();
      s.fault({ operation: LOOKUP, kind: 'deny', times: 1_000 });
      s.somebodyPuts(elsewhere, `${ROBOT}/s-1`);
      await s.advance(20 * MINUTE_MS);
      expect(s.isOn()).toBe(false);
      const [found] = await interferenceOf(s, id);
      expect(found).toMatchObject({ unnamed: 'CloudTrail cannot be asked (access-denied)' });
      expect(found).not.toHaveProperty('party');
      await s.advance(DAY_MS + HOUR_MS);
      expect((await interferenceOf(s, id))[0]?.isSettled).toBe(true);
      expect(s.events('exception.party-unnamed')).toHaveLength(1);
    }));
});

describe('A5: somebody else’s setting that the table cannot be told of', () => {
  /** These calls of the lease table fail, until the process ends. */
  const refuse = (s: Simulation, ...calls: readonly (keyof RecordStore)[]): void => {
    const { store } = s.state.services;
    const refusing = Object.create(store) as typeof store;
    for (const call of calls)
      Object.assign(refusing, { [call]: () => Promise.reject(new Error('database or disk is full')) });
    Object.assign(s.state.services, { store: refusing });
  };
  const refuseCommits = (s: Simulation): void => refuse(s, 'commit');
  const refuseAll = (s: Simulation): void => refuse(s, 'read', 'readTogether', 'list', 'commit');
  /** Events of this type cannot be kept; by default none. */
  const refuseEvents = (s: Simulation, type?: string): void => {
    const { recorder } = s.state.services;
    const record: typeof recorder.record = async (event) => {
      if (type === undefined || event.type === type) throw new Error('no event can be kept');
      return recorder.record(event);
    };
    Object.assign(s.state.services, { recorder: { record } });
  };

  it('is switched off all the same, and a restart revokes and marks it, although others put ours back', () =>
    simulate(async (s) => {
      const id = await s.active();
      const ours = s.setting();
      if (ours === undefined) throw new Error('not on');
      refuseCommits(s);
      s.somebodyPuts(elsewhere, `${ROBOT}/s-1`);
      await s.advance(20 * MINUTE_MS);
      expect(s.isOn()).toBe(false);
      expect(await s.record(id)).not.toHaveProperty('contested');
      expect((await s.lease(id)).revoked).toBeUndefined();
      expect(s.events('exception.contest-noted')).toHaveLength(1);
      expect(notificationsOf(s).filter(({ type }) => type === 'exception.contest-noted')[0]).toMatchObject({
        urgency: 'page',
        asked: expect.stringContaining('why the records cannot be written'),
      });
      s.somebodyPuts(ours, `${ROBOT}/s-2`);
      s.reopen();
      await s.advance(20 * MINUTE_MS);
      expect(s.isOn()).toBe(false);
      expect((await s.record(id)).contested?.observed).toContain('somebodys-bucket');
      expect((await s.lease(id)).revoked?.reason).toContain('somebodys-bucket');
    }));

  it('at the end is marked before anything is closed, and never closed as proven', () =>
    simulate(async (s) => {
      const id = await s.active();
      await s.advanceTo(ENDS - MINUTE_MS);
      refuseCommits(s);
      s.somebodyPuts(elsewhere, `${ROBOT}/s-1`);
      await s.advanceTo(ENDS + 5 * MINUTE_MS);
      expect(s.isOn()).toBe(false);
      s.reopen();
      await s.advanceTo(LONG_AFTER + HOUR_MS);
      const record = await s.record(id);
      expect(record.state).toBe('purging');
      expect(record.emptyListings).toHaveLength(2);
      expect(record.contested?.observed).toContain('somebodys-bucket');
      expect(s.events('exception.needs-signature')).toHaveLength(1);
      expect(s.certificates()).toEqual([]);
    }));

  it('is switched off where nothing at all can be written', () =>
    simulate(async (s) => {
      await s.active();
      refuseCommits(s);
      refuseEvents(s);
      s.somebodyPuts(elsewhere, `${ROBOT}/s-1`);
      await s.advance(20 * MINUTE_MS);
      expect(s.isOn()).toBe(false);
    }));

  it('at the end, where the table cannot even be read, is kept by the dead man’s switch, and never closed as proven', () =>
    simulate(async (s) => {
      const id = await s.active();
      await s.advanceTo(ENDS - MINUTE_MS);
      refuseAll(s);
      s.somebodyPuts(elsewhere, `${ROBOT}/s-1`);
      await s.advanceTo(ENDS + 5 * MINUTE_MS);
      expect(s.isOn()).toBe(false);
      expect(s.events('exception.contest-noted')).toMatchObject([{ actor: { kind: 'dead-mans-switch' } }]);
      s.reopen();
      await s.advanceTo(LONG_AFTER);
      const record = await s.record(id);
      expect(record.state).toBe('purging');
      expect(record.contested?.observed).toContain('somebodys-bucket');
      expect(s.events('exception.needs-signature')).toHaveLength(1);
      expect(s.certificates()).toEqual([]);
    }));

  it.each([
    ['somebody else’s', elsewhere, 1],
    ['our own', undefined, 0],
  ])(
    'is told from the exception’s id where the table fails while it is switched off: %s',
    (_name, put, noted) =>
      simulate(async (s) => {
        const id = await s.active();
        const lease = await s.lease(id);
        if (put !== undefined) s.somebodyPuts(put, `${ROBOT}/s-1`);
        refuseAll(s);
        const actor = { id: 'sweeper', kind: 'sweeper' } as const;
        await expect(switchOff(s.state.services, PAIR, lease, actor, s.now())).rejects.toThrow(
          'disk is full',
        );
        expect(s.isOn()).toBe(false);
        expect(s.events('exception.contest-noted')).toHaveLength(noted);
      }),
  );

  it.each([
    ['nothing at all', undefined],
    ['no such event', 'exception.contest-noted'],
  ])(
    'is switched off by the dead man’s switch where %s can be kept, and the failure tells of it',
    (_name, type) =>
      simulate(async (s) => {
        const id = await s.active();
        const { expiresAt, baseline } = await s.lease(id);
        s.somebodyPuts(elsewhere, `${ROBOT}/s-1`);
        refuseAll(s);
        refuseEvents(s, type);
        await expect(
          fireDeadMansSwitch(s.state.services, { ...PAIR, exceptionId: id, expiresAt, baseline }),
        ).rejects.toThrow('no event can be kept');
        expect(s.isOn()).toBe(false);
      }),
  );

  it('stands in the certificate of an exception that a person closes before anybody marked it', () =>
    simulate(async (s) => {
      const id = await s.active();
      await s.advanceTo(ENDS - MINUTE_MS);
      refuseCommits(s);
      s.somebodyPuts(elsewhere, `${ROBOT}/s-1`);
      await s.advanceTo(ENDS + 5 * MINUTE_MS);
      s.reopen();
      await s.advanceTo(ENDS + 3 * HOUR_MS);
      const before = await s.record(id);
      expect(before.state).toBe('purging');
      expect(before.contested).toBeUndefined();
      const reason = 'the investigation is over';
      expect((await closeUnproven(s.state.services, id, principalId('lena'), reason)).ok).toBe(true);
      expect((await s.record(id)).state).toBe('closed-unproven');
      expect(JSON.stringify(s.certificates())).toContain('somebodys-bucket');
    }));
});

describe('an automation that switches it on again', () => {
  it('is named after two rounds; off never gives up, and the certificate says it', () =>
    simulate(async (s) => {
      const id = await s.active();
      const ours = s.setting();
      if (ours === undefined) throw new Error('not on');
      await s.advanceTo(ENDS + 5 * MINUTE_MS);
      for (let round = 1; round <= 2; round++) {
        expect(s.isOn()).toBe(false);
        expect((await s.record(id)).robot).toBeUndefined();
        s.somebodyPuts(ours, `${ROBOT}/s-${round}`);
        await s.advance(16 * MINUTE_MS);
      }
      expect(s.isOn()).toBe(false);
      await s.advance(20 * MINUTE_MS);
      expect((await s.record(id)).robot).toEqual({ by: ROBOT, rounds: 2 });
      expect(s.events('exception.robot')).toHaveLength(1);
      s.somebodyPuts(ours, `${ROBOT}/s-3`);
      await s.advance(16 * MINUTE_MS);
      expect(s.isOn()).toBe(false);
      await s.advance(DAY_MS + 4 * HOUR_MS);
      expect((await s.record(id)).state).toBe('closed');
      expect(s.certificates()[0]).toMatchObject({
        robot: { by: ROBOT, rounds: 3 },
        interference: [{ found: 'on-again', by: ROBOT }, { by: ROBOT }, { by: ROBOT }],
      });
    }));
});

describe('somebody else’s setting after the end', () => {
  const told = (s: Simulation, type: string) => notificationsOf(s).filter((each) => each.type === type);

  it('is told once, by paging, and shown until it is gone, although the exception is closed', () =>
    simulate(async (s) => {
      const id = await s.active();
      await s.advanceTo(ENDS + 10 * MINUTE_MS);
      s.somebodyPuts(elsewhere, `${ROBOT}/s-1`);
      await s.advance(2 * DAY_MS);
      expect((await s.record(id)).state).toBe('closed');
      expect(s.isOn()).toBe(true);
      expect(told(s, 'exception.foreign-setting')).toMatchObject([
        { urgency: 'page', subject: id, happened: expect.stringContaining('somebodys-bucket') },
      ]);
      expect((await s.record(id)).foreignSetting?.observed).toContain('somebodys-bucket');
      s.somebodyDeletes();
      await s.advance(20 * MINUTE_MS);
      expect((await s.record(id)).foreignSetting).toBeUndefined();
      s.somebodyPuts(elsewhere, `${ROBOT}/s-1`);
      await s.advance(20 * MINUTE_MS);
      expect(told(s, 'exception.foreign-setting')).toHaveLength(2);
    }));

  it('is undone under `enforce`, also where enforcement began during the lease', () =>
    simulate(async (s) => {
      await s.active();
      const adopted = await s.adopt(policyText(['  enforcement: observe\n', '  enforcement: enforce\n']));
      if (!adopted.ok) throw new Error(adopted.error.message);
      // Between the end's own read-back and the first sweep after it.
      await s.advanceTo(ENDS + 2 * MINUTE_MS);
      expect(s.isOn()).toBe(false);
      s.somebodyPuts(elsewhere, `${ROBOT}/s-1`);
      await s.advance(20 * MINUTE_MS);
      expect(s.isOn()).toBe(false);
      expect(told(s, 'exception.foreign-setting')).toHaveLength(1);
      expect(
        s.events('enforcement.undone').filter(({ data }) => data['setting'] === 'invocation-logging'),
      ).toHaveLength(1);
    }));
});

describe('a lease whose setting cannot be read', () => {
  it('is told at first, and then ever more seldom', () =>
    simulate(async (s) => {
      const id = await s.active();
      s.fault({ operation: 'bedrock:GetModelInvocationLoggingConfiguration', kind: 'deny', times: 12 });
      await s.advance(4 * HOUR_MS);
      const all = s.events('enforcement.unreadable').length;
      const seldom = notificationsOf(s).filter(({ type }) => type === 'enforcement.unreadable');
      expect(all).toBeGreaterThan(6);
      expect(seldom.length).toBeGreaterThanOrEqual(2);
      expect(seldom.length).toBeLessThanOrEqual(all / 2 + 1);
      expect(seldom[0]).toMatchObject({ urgency: 'act', to: { roles: ['legal', 'security'] } });
      expect((await s.record(id)).unreadable).toBeUndefined();
    }));
});

describe('the name', () => {
  it('never is one of ours in this account, and a role of ours elsewhere is somebody else', () => {
    expect(isOwnCall(`arn:aws:sts::${INCIDENT}:assumed-role/ProvisoDisable/x`, PAIR)).toBe(true);
    expect(isOwnCall('arn:aws:sts::999999999999:assumed-role/ProvisoDisable/x', PAIR)).toBe(false);
    expect(isOwnCall(`arn:aws:sts::${INCIDENT}:assumed-role/ProvisoDisabled/x`, PAIR)).toBe(false);
    expect(partyOf(`${ROBOT}/s-1`)).toBe(ROBOT);
    expect(partyOf(`arn:aws:iam::${INCIDENT}:user/x`)).toBe(`arn:aws:iam::${INCIDENT}:user/x`);
  });

  const at = epochMs(10 * HOUR_MS);
  const record = {
    request: { accountId: PAIR.accountId, region: PAIR.region },
    interference: [{ foundAt: at, found: 'changed', since: epochMs(at - HOUR_MS) }],
  } as unknown as ExceptionRecord;
  const seen = (...value: { at: number; by: string; call: string }[]) =>
    ({ kind: 'observed', value, at, source: { call: LOOKUP } }) as unknown as Parameters<
      typeof nameInterference
    >[2];
  const PUT = 'PutModelInvocationLoggingConfiguration';
  it.each([
    ['the last one', [at - 3, at - 2], at - 2],
    ['nobody from before', [at - 2 * HOUR_MS], undefined],
    ['nobody from after', [at + 5 * MINUTE_MS], undefined],
  ])('is of %s', (_name, calls, expected) => {
    const named = nameInterference(
      record,
      PAIR,
      seen(...calls.map((each) => ({ at: each, by: `${ROBOT}/s`, call: PUT }))),
      at,
    );
    expect(named.record.interference?.[0]?.party?.at).toBe(expected);
  });
  it('of content that is on is whoever put it, not whoever deleted', () => {
    const by = `${ROBOT}/s`;
    const calls = seen(
      { at: at - 3, by, call: PUT },
      { at: at - 2, by: 'arn:aws:iam::1:user/x', call: 'Delete' },
    );
    expect(nameInterference(record, PAIR, calls, at).record.interference?.[0]?.party?.by).toBe(ROBOT);
  });
});
