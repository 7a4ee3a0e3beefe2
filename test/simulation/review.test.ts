import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openEventFile } from '../../src/adapters/embedded/event-file.ts';
import { coverageOf } from '../../src/compliance/index.ts';
import { durationMs, type EventActor, type ExceptionId, epochMs } from '../../src/core/index.ts';
import {
  closeWithCertificate,
  reserveStep,
  type Services,
  sweep,
  switchOff,
  tally,
} from '../../src/enforcement/index.ts';
import type { LoggingConfiguration, Snapshot } from '../../src/evidence/index.ts';
import { leaseKey, listLeaseRows, readLeaseRow } from '../../src/exceptions/index.ts';
import { parsePolicy } from '../../src/policy/index.ts';
import {
  ALL_OFF,
  BEGINS,
  BUCKET,
  DAY_MS,
  ENDS,
  HOUR_MS,
  INCIDENT,
  KEY,
  LONG_AFTER,
  MINUTE_MS,
  OTHER,
  PAIR,
  policyText,
  type Simulation,
  SOMEBODYS,
  simulate,
  withRole,
} from './harness.ts';

/*
 * What a hostile reading of the exception path found, as scenarios: each names what must hold, and was once not so. Interleavings
 * are forced by putting another process's action between two steps of ours.
 */

const PUT = 'bedrock:PutModelInvocationLoggingConfiguration';
const DELETE = 'bedrock:DeleteModelInvocationLoggingConfiguration';
const LENA: EventActor = { id: 'lena', kind: 'person-unauthenticated' };
const REFUSES_TEXT = policyText([
  '    modalities: [text, image, embedding, video, audio]',
  '    modalities: [image]',
]);
const METADATA_ONLY = policyText(['baseline: none', 'baseline: metadata-only']);
const METADATA: LoggingConfiguration = {
  ...ALL_OFF,
  s3Config: { bucketName: 'somebodys-bucket', keyPrefix: 'meta/' },
};

type Writes = Parameters<Services['store']['commit']>[0];

/** Replaces methods of a port, in this process. `original` calls through. */
function patch<K extends keyof Services>(
  s: Simulation,
  port: K,
  change: (original: Services[K]) => Partial<Services[K]>,
): () => void {
  const original = s.state.services[port];
  const put = (value: Services[K]) => Object.assign(s.state.services, { [port]: value });
  put(Object.assign(Object.create(original), original, change(original)) as Services[K]);
  return () => put(original);
}

const recorderDown = (s: Simulation) =>
  patch(s, 'recorder', () => ({ record: () => Promise.reject(new Error('the events table is down')) }));

/** Whether a commit is the enable step's own. */
const isEnabling = (writes: Writes): boolean =>
  writes.some(
    ({ key, value }) =>
      key === leaseKey(PAIR.accountId, PAIR.region) &&
      (value as { leases: readonly { enabling?: unknown; offAt?: unknown }[] }).leases.some(
        ({ enabling, offAt }) => enabling !== undefined && offAt === undefined,
      ),
  );

/** The functions' clocks run this much slow; the timers do not. */
const slowBy = (s: Simulation, ms: number) =>
  patch(s, 'clock', () => ({ now: () => epochMs(s.state.clock.now() - ms) }));

const clear = (s: Simulation) => s.clearFaults();

const oursOf = async (s: Simulation, id: ExceptionId) => (await s.lease(id)).configuration;

/** Contested: listed empty at our places, waits for a person, and only `closed-unproven` ends it. */
async function endsOnlyUnproven(s: Simulation, id: ExceptionId): Promise<void> {
  const record = await s.record(id);
  expect(record.contested, s.says().slice(-8).join('\n')).toBeDefined();
  expect(record.state).toBe('purging');
  expect(s.isOn()).toBe(false);
  expect(s.contentOf(id)).toBe(0);
  expect(s.certificates()).toEqual([]);
  expect(await closeWithCertificate(s.state.services, id, 'close-unproven', LENA, 'looked into it')).toBe(
    'closed',
  );
  expect((await s.record(id)).state).toBe('closed-unproven');
  expect(s.certificates()[0]).toMatchObject({ finding: 'not proven' });
}

async function closedClean(s: Simulation, id: ExceptionId): Promise<void> {
  expect((await s.record(id)).state, s.says().slice(-8).join('\n')).toBe('closed');
  expect(s.isOn()).toBe(false);
  expect(s.contentOf(id)).toBe(0);
}

describe('enabling', () => {
  test('never happens without an approval that a policy asks for, however closely its adoption comes before', () =>
    simulate(async (s) => {
      const id = await s.approved();
      let adopted = false;
      patch(s, 'store', (store) => ({
        commit: async (writes) => {
          if (!adopted && isEnabling(writes)) {
            adopted = true;
            await s.adopt(withRole());
          }
          return store.commit(writes);
        },
      }));
      await s.advanceTo(BEGINS + 10 * MINUTE_MS);
      expect(adopted).toBe(true);
      expect(s.puts).toEqual([]);
      expect((await s.record(id)).state).toBe('submitted');
      expect((await s.decide(id, 'dora', 'data-protection')).ok).toBe(true);
      await s.advance(10 * MINUTE_MS);
      expect((await s.record(id)).state).toBe('active');
      expect((await s.record(id)).decisions.map(({ role }) => role)).toContain('data-protection');
      await s.advanceTo(LONG_AFTER);
      await closedClean(s, id);
    }));

  test('sends no Put when its intent took long to write and somebody revoked meanwhile', () =>
    simulate(async (s) => {
      const id = await s.approved();
      let isRevoked = false;
      patch(s, 'recorder', (recorder) => ({
        record: async (event) => {
          await recorder.record(event);
          if (event.type !== 'enable.intended' || isRevoked) return;
          isRevoked = true;
          s.state.simulatedClock?.advanceTo(epochMs(s.now() + 31_000));
          const revoked = await s.revoke(id);
          expect(revoked.ok && revoked.value.off?.isSettled).toBe(true);
        },
      }));
      await s.advanceTo(BEGINS + 5 * MINUTE_MS);
      expect(isRevoked).toBe(true);
      expect(s.puts).toEqual([]);
      await s.advanceTo(LONG_AFTER);
      await closedClean(s, id);
    }));

  test('sends no Put when its intent took so long to write that the Put could land after the instant it names', () =>
    simulate(async (s) => {
      const id = await s.approved();
      let isLate = false;
      patch(s, 'recorder', (recorder) => ({
        record: async (event) => {
          await recorder.record(event);
          if (event.type !== 'enable.intended' || isLate) return;
          isLate = true;
          s.state.simulatedClock?.advanceTo(epochMs(s.now() + 21_000));
        },
      }));
      await s.advanceTo(LONG_AFTER);
      expect(isLate).toBe(true);
      expect(s.puts).toEqual([]);
      await closedClean(s, id);
    }));

  test('whose intent cannot be written gives the window back, and nothing is stuck', () =>
    simulate(async (s) => {
      const id = await s.approved();
      let refused = 0;
      patch(s, 'store', (store) => ({
        commit: (writes) => {
          if (!isEnabling(writes)) return store.commit(writes);
          refused += 1;
          return Promise.reject(new Error('throttled'));
        },
      }));
      await s.advanceTo(BEGINS + 90 * MINUTE_MS);
      expect(refused).toBeGreaterThan(0);
      expect(s.puts).toEqual([]);
      expect((await s.record(id)).state).toBe('expired');
      expect((await s.lease(id)).released).toBe(true);
      expect(await s.state.services.executions.status('ending', `${id}-end-1`)).toBeUndefined();
      const next = await s.approved({ from: BEGINS + 3 * HOUR_MS, reference: 'INC-2' });
      expect((await s.record(next)).state).toBe('scheduled');
    }));

  test('is confirmed by a read-back that leaves out a flag that we put as false', () =>
    simulate(async (s) => {
      const id = await s.approved();
      patch(s, 'settings', (settings) => ({
        getInvocationLogging: async (pair) => {
          const observed = await settings.getInvocationLogging(pair);
          if (observed.kind !== 'observed' || observed.value.videoDataDeliveryEnabled !== false)
            return observed;
          const { videoDataDeliveryEnabled: _left, ...value } = observed.value;
          return { ...observed, value };
        },
      }));
      await s.advanceTo(BEGINS + HOUR_MS);
      expect(s.isOn()).toBe(true);
      expect((await s.record(id)).state).toBe('active');
      await s.advanceTo(LONG_AFTER);
      expect((await s.record(id)).contested).toBeUndefined();
      await closedClean(s, id);
    }));

  test('starts in time although the functions’ clocks are ten minutes slow, in a bounded history, and ends on its instant', () =>
    simulate(async (s) => {
      const id = await s.approved();
      slowBy(s, 10 * MINUTE_MS);
      await s.advanceTo(BEGINS - 1);
      const before = (await s.state.runtime.history('exception', id)).length;
      await s.advanceTo(BEGINS + 15 * MINUTE_MS);
      expect(s.isOn()).toBe(true);
      expect((await s.state.runtime.history('exception', id)).length - before).toBeLessThan(200);
      await s.advanceTo(ENDS + MINUTE_MS);
      expect(s.wentOffAt()).toBeLessThanOrEqual(ENDS + MINUTE_MS);
      await s.advanceTo(LONG_AFTER + HOUR_MS);
      await closedClean(s, id);
    }));

  test('is refused where an earlier exception’s overrun has used up what the cap leaves', () =>
    simulate(async (s) => {
      const day = (n: number) => BEGINS + n * DAY_MS;
      const a = await s.approved({ to: day(7), retention: '14d' });
      const b = await s.approved({ from: day(8), to: day(15), retention: '14d', reference: 'INC-B' });
      await s.advanceTo(day(7) - 1);
      s.fault({ operation: DELETE, kind: 'deny', times: 1_000_000 });
      await s.advanceTo(day(7) + HOUR_MS);
      clear(s);
      await s.advanceTo(day(8) + HOUR_MS);
      expect((await s.lease(a)).offAt).toBeGreaterThan(day(7) + 50 * MINUTE_MS);
      expect(await s.record(b)).toMatchObject({ state: 'refused', reason: expect.stringContaining('14d') });
      expect(s.puts).toHaveLength(1);
    }));

  test('is refused over logging without content that the baseline `none` would not bring back', () =>
    simulate(async (s) => {
      s.somebodyPuts(METADATA);
      const id = await s.approved();
      await s.advanceTo(BEGINS + HOUR_MS);
      expect((await s.record(id)).state).toBe('refused');
      expect(s.puts).toEqual([]);
      expect(s.setting()).toEqual(METADATA);
    }));
});

describe('somebody else’s content', () => {
  const elsewhere = async (s: Simulation, id: ExceptionId): Promise<LoggingConfiguration> => ({
    ...(await oursOf(s, id)),
    cloudWatchConfig: { logGroupName: 'elsewhere', roleArn: `arn:aws:iam::${INCIDENT}:role/x` },
  });
  test.each<{
    readonly name: string;
    readonly play: (s: Simulation, id: ExceptionId) => Promise<unknown>;
  }>([
    {
      name: 'in place five minutes before the end',
      play: async (s) => {
        await s.advanceTo(ENDS - 5 * MINUTE_MS);
        s.somebodyPuts(SOMEBODYS);
      },
    },
    {
      name: 'beside ours, in a log group of theirs, five minutes before the end',
      play: async (s, id) => {
        await s.advanceTo(ENDS - 5 * MINUTE_MS);
        s.somebodyPuts(await elsewhere(s, id));
      },
    },
    {
      name: 'in place when a person revokes',
      play: async (s, id) => {
        s.somebodyPuts(SOMEBODYS);
        expect((await s.revoke(id)).ok).toBe(true);
        expect(s.isOn()).toBe(false);
      },
    },
    {
      name: 'found by a process that dies in the commit that revokes',
      play: async (s) => {
        s.somebodyPuts(SOMEBODYS);
        let died = 0;
        patch(s, 'store', (store) => ({
          commit: (writes) => {
            const marks = writes.some(({ value }) => 'contested' in (value as object));
            if (died > 0 || !marks) return store.commit(writes);
            died += 1;
            return Promise.reject(new Error('the function dies'));
          },
        }));
        // The sweep that died, and the next one.
        await s.advance(31 * MINUTE_MS);
        expect(died).toBe(1);
        expect(s.isOn()).toBe(false);
      },
    },
    {
      name: 'found while the recorder is down',
      play: async (s) => {
        s.somebodyPuts(SOMEBODYS);
        const up = recorderDown(s);
        await sweep(s.state.services, s.now()).catch(() => undefined);
        expect(s.isOn()).toBe(false);
        up();
        await s.advance(20 * MINUTE_MS);
        expect(s.events('exception.contested')).toHaveLength(1);
      },
    },
  ])('$name: contested, and closed only without proof', ({ play }) =>
    simulate(async (s) => {
      const id = await s.active();
      await play(s, id);
      await s.advanceTo(LONG_AFTER + HOUR_MS);
      await endsOnlyUnproven(s, id);
    }),
  );

  test('a contested exception whose purge was proven in time is never called overdue while it waits for a signature', () =>
    simulate(async (s) => {
      const id = await s.active({ retention: '3d' });
      s.somebodyPuts(SOMEBODYS);
      await s.advance(4 * DAY_MS);
      expect((await s.record(id)).isPurgeOverdue).toBeUndefined();
      expect(s.events('exception.purge-overdue')).toEqual([]);
      await endsOnlyUnproven(s, id);
      expect(s.certificates()[0]).toMatchObject({ purgeWithinRetention: true });
    }));

  test('our destination with one more kind of content, put after the end, is found, switched off, and never closed while on', () =>
    simulate(async (s) => {
      const id = await s.active();
      await s.advanceTo(ENDS + 10 * MINUTE_MS);
      s.somebodyPuts({ ...(await oursOf(s, id)), imageDataDeliveryEnabled: true });
      await s.invoke();
      await s.advance(15 * MINUTE_MS);
      expect(s.isOn()).toBe(false);
      expect(s.events('exception.found-again')).toHaveLength(1);
      await s.advanceTo(LONG_AFTER + 2 * HOUR_MS);
      expect(s.isOn()).toBe(false);
      expect(s.contentOf(id)).toBe(0);
      expect((await s.record(id)).state).toBe('purging');
      await endsOnlyUnproven(s, id);
    }));

  test.each([
    ['draining', ENDS + 10 * MINUTE_MS, 1],
    ['purging', ENDS + 3 * HOUR_MS, 2],
  ] as const)(
    'our own setting put again while %s is found, switched off, and its content purged before closing',
    (state, at, endings) =>
      simulate(async (s) => {
        const id = await s.active();
        await s.advanceTo(at);
        expect((await s.record(id)).state).toBe(state);
        s.somebodyPuts(await oursOf(s, id));
        await s.invoke();
        await s.advance(15 * MINUTE_MS);
        expect(s.isOn()).toBe(false);
        expect(s.events('exception.found-again')).toHaveLength(1);
        const again = s.wentOffAt() ?? 0;
        // One that waits for its second listing is overtaken by another, which starts the proof again.
        await s.advanceTo(LONG_AFTER + 2 * DAY_MS);
        await closedClean(s, id);
        expect(s.events('ending.started')).toHaveLength(endings);
        expect((await s.record(id)).emptyListings[0]?.at).toBeGreaterThan(again);
      }),
  );

  test('our own setting put again while purging, and nothing delivered: another ending starts the proof over', () =>
    simulate(async (s) => {
      const id = await s.active();
      await s.advanceTo(ENDS + 3 * HOUR_MS);
      s.somebodyPuts(await oursOf(s, id));
      await s.advanceTo(LONG_AFTER + 2 * DAY_MS);
      await closedClean(s, id);
      expect(s.events('ending.started')).toHaveLength(2);
      expect(s.events('purge.done')).toHaveLength(2);
    }));

  test('towards the destination of a lease that was not enabled is covered by nothing', () =>
    simulate(async (s) => {
      const id = await s.approved();
      await s.advanceTo(BEGINS - MINUTE_MS);
      s.somebodyPuts(await oursOf(s, id));
      await s.adopt(withRole());
      await s.advanceTo(BEGINS + 20 * MINUTE_MS);
      expect((await s.lease(id)).enabling).toBeUndefined();
      const invocationLogging = await s.state.services.settings.getInvocationLogging(PAIR);
      const seen = { accountRegions: [{ ...PAIR, invocationLogging }] } as unknown as Snapshot;
      const rows = (await listLeaseRows(s.state.services.store)).map(({ value }) => value);
      expect(coverageOf(seen, rows, s.now())({ kind: 'account-region', ...PAIR })).toBeUndefined();
    }));

  test('found in the window of a lease that was not enabled is theirs: observed, not touched', () =>
    simulate(async (s) => {
      const id = await s.approved();
      await s.adopt(withRole());
      s.somebodyPuts(SOMEBODYS);
      await s.advanceTo(BEGINS + 20 * MINUTE_MS);
      expect(s.setting()).toEqual(SOMEBODYS);
      expect((await s.lease(id)).revoked).toBeUndefined();
      expect(s.events('enforcement.intended')).toEqual([]);
    }));

  test('a baseline that could not be put back never comes over one that somebody put since', () =>
    simulate(
      async (s) => {
        s.somebodyPuts(METADATA);
        const id = await s.approved();
        await s.advanceTo(ENDS - 1);
        s.fault({ operation: PUT, kind: 'deny', times: 1000 });
        await s.advanceTo(ENDS + 1000);
        clear(s);
        expect((await s.record(id)).isBaselineMissing).toBe(true);
        const theirs = { ...ALL_OFF, s3Config: { bucketName: BUCKET, keyPrefix: 'new-home/' } };
        s.somebodyPuts(theirs);
        await s.advanceTo(LONG_AFTER + DAY_MS);
        expect(s.setting()).toEqual(theirs);
        s.somebodyDeletes();
        await s.advance(20 * MINUTE_MS);
        expect(s.setting()).toBeUndefined();
      },
      { policy: METADATA_ONLY },
    ));
});

describe('switching off waits for nothing', () => {
  test('revoking is done when it returns, although the recorder is down, and is told later', () =>
    simulate(async (s) => {
      const id = await s.active();
      const up = recorderDown(s);
      expect(await s.revoke(id)).toMatchObject({ ok: true, value: { off: { isOff: true } } });
      expect(s.isOn()).toBe(false);
      expect((await s.lease(id)).revoked).toMatchObject({ by: 'lena' });
      up();
      await s.advance(15 * MINUTE_MS);
      for (const type of ['lease.revoked', 'exception.off', 'ending.started'])
        expect(s.events(type), type).toHaveLength(1);
      await s.advanceTo(LONG_AFTER);
      await closedClean(s, id);
    }));

  test('a stopped workflow’s content goes off within 15 minutes although no task can be woken', () =>
    simulate(async (s) => {
      const id = await s.active();
      // The executions port is a plain object whose methods stand on it.
      const { executions } = s.state.services;
      Object.assign(s.state.services, {
        executions: { ...executions, wake: () => Promise.reject(new Error('denied')) },
      });
      await s.stopWorkflow(id);
      const at = s.now();
      await s.advance(15 * MINUTE_MS);
      expect(s.isOn()).toBe(false);
      expect(s.wentOffAt()).toBeLessThanOrEqual(at + 15 * MINUTE_MS);
    }));

  test('one record that cannot be read keeps nobody else’s content on: a stopped workflow’s', () =>
    simulate(async (s) => {
      const id = await s.active();
      await unreadableRecord(s);
      s.mute('deadMansSwitch');
      await s.stopWorkflow(id);
      await s.advance(15 * MINUTE_MS);
      expect(s.isOn()).toBe(false);
      expect(String(s.events('sweep.faults').at(-1)?.data['says'])).toContain('exception/ex-zzzzzzzzzzzz');
    }));

  test('one record that cannot be read keeps nobody else’s content on: what a new policy refuses', () =>
    simulate(async (s) => {
      await s.active();
      await unreadableRecord(s);
      await s.adopt(REFUSES_TEXT).catch((error: Error) => {
        expect(error.message).toContain('ex-zzzzzzzzzzzz');
      });
      expect(s.isOn()).toBe(false);
    }));

  test('one exception’s fault does not keep the next from being judged by a new policy', () =>
    simulate(async (s) => {
      const key = KEY.replace(INCIDENT, OTHER);
      const other = { ...PAIR, accountId: OTHER };
      s.state.aws.storage.createBucket(other, 'other-content', {
        isVersioned: false,
        hasObjectLock: false,
        kmsKeyArn: key,
      });
      const a = await s.approved();
      const b = await s.approved({ account: OTHER, bucket: 'other-content', key, reference: 'INC-B' });
      await s.advanceTo(BEGINS + HOUR_MS);
      expect([s.isOn(PAIR), s.isOn(other)]).toEqual([true, true]);
      const first = [a, b].toSorted()[0] === a ? PAIR : other;
      // Revoking and switching off there fail for as long as the table refuses that row.
      patch(s, 'store', (store) => ({
        commit: (writes) =>
          writes.some(({ key: written }) => written === leaseKey(first.accountId, first.region))
            ? Promise.reject(new Error('throttled'))
            : store.commit(writes),
      }));
      await s.adopt(REFUSES_TEXT).catch(() => undefined);
      expect(s.isOn(first === PAIR ? other : PAIR)).toBe(false);
    }));

  test.each([
    ['clearly refused by a new policy is switched off although the people file cannot be read', true],
    ['that a new policy may still admit is flagged while the people file cannot be read', false],
  ])('an exception %s', (_name, isRefused) =>
    simulate(async (s) => {
      const id = await s.active();
      s.editPeople('kind: People', 'kind: Peoples');
      await s
        .adopt(isRefused ? REFUSES_TEXT : policyText(['enablement: 12d', 'enablement: 11d']))
        .catch(() => undefined);
      await s.advance(15 * MINUTE_MS);
      expect(s.isOn()).toBe(!isRefused);
      if (!isRefused) expect((await s.record(id)).flagged).toContain('a person must look');
    }),
  );

  test('a clock ten minutes slow while Delete is denied: no tight loop, and off when it becomes possible', () =>
    simulate(async (s) => {
      const id = await s.active();
      await s.advanceTo(ENDS - 1);
      slowBy(s, 10 * MINUTE_MS);
      s.fault({ operation: DELETE, kind: 'deny', times: 1_000_000 });
      const before = s.events().length;
      await s.advanceTo(ENDS + 1000);
      expect(s.events().length - before).toBeLessThan(50);
      await s.advanceTo(ENDS + 30 * MINUTE_MS);
      clear(s);
      await s.advance(15 * MINUTE_MS);
      expect(s.isOn()).toBe(false);
      await s.advanceTo(LONG_AFTER + 3 * HOUR_MS);
      await closedClean(s, id);
    }));

  test('overdue minutes never fall while it lasts, also past the lease’s own end', () =>
    simulate(async (s) => {
      const id = await s.active();
      await s.advanceTo(ENDS - 10 * MINUTE_MS);
      s.fault({ operation: DELETE, kind: 'deny', times: 1_000_000 });
      await s.revoke(id);
      await s.advanceTo(ENDS + 15 * MINUTE_MS);
      const overdue = s.events('exception.overdue').map(({ data }) => Number(data['overdueMs']));
      // Told after 1, 2, 4 … minutes, and at least every 15; tried far more often.
      expect(overdue.length).toBeGreaterThan(4);
      expect(overdue).toEqual(overdue.toSorted((a, b) => a - b));
      expect(overdue.at(-1)).toBeGreaterThanOrEqual(15 * MINUTE_MS);
    }));

  test('a late detector of one lease never touches the lease that follows', () =>
    simulate(async (s) => {
      const a = await s.approved();
      const b = await s.approved({ from: ENDS, to: ENDS + 6 * HOUR_MS, reference: 'INC-B' });
      await s.advanceTo(ENDS - 1);
      const leaseA = await s.lease(a);
      await s.advanceTo(ENDS + 5 * MINUTE_MS);
      expect((await s.record(b)).state).toBe('active');
      const late: EventActor = { id: 'dead-mans-switch', kind: 'dead-mans-switch' };
      await switchOff(s.state.services, PAIR, leaseA, late, ENDS);
      expect(s.isOn()).toBe(true);
      await s.advance(20 * MINUTE_MS);
      expect((await s.record(b)).state).toBe('active');
      expect((await s.lease(b)).revoked).toBeUndefined();
      expect(s.isOn()).toBe(true);
    }));
});

describe('revoking what is off already', () => {
  test.each([
    ['draining', ENDS + 10 * MINUTE_MS],
    ['purging', ENDS + 3 * HOUR_MS],
    ['closed', LONG_AFTER],
  ] as const)('answers with the record, changes nothing and is told, when %s', (state, at) =>
    simulate(async (s) => {
      const id = await s.active();
      await s.advanceTo(at);
      const before = await s.record(id);
      expect(before.state).toBe(state);
      expect(await s.revoke(id)).toMatchObject({
        ok: true,
        value: { record: { id, state }, off: { isOff: true } },
      });
      expect(await s.record(id)).toEqual(before);
      expect(s.events('exception.revocation-refused')).toEqual([]);
      expect(s.events('exception.revocation-repeated')).toHaveLength(1);
      await s.advanceTo(LONG_AFTER);
      await closedClean(s, id);
    }),
  );

  test.each([
    ['draining', ENDS + 10 * MINUTE_MS],
    ['purging', ENDS + 3 * HOUR_MS],
  ] as const)('switches off again what somebody put towards its destination while %s', (state, at) =>
    simulate(async (s) => {
      const id = await s.active();
      await s.advanceTo(at);
      expect((await s.record(id)).state).toBe(state);
      s.somebodyPuts(await oursOf(s, id));
      await s.invoke();
      expect(await s.revoke(id)).toMatchObject({ ok: true, value: { off: { isOff: true } } });
      expect(s.isOn()).toBe(false);
      expect(s.events('exception.found-again')).toHaveLength(1);
      await s.advanceTo(LONG_AFTER + 2 * DAY_MS);
      await closedClean(s, id);
    }),
  );

  test('does not say off where the setting cannot be read', () =>
    simulate(async (s) => {
      const id = await s.active();
      await s.advanceTo(ENDS + 10 * MINUTE_MS);
      s.fault({ operation: 'bedrock:GetModelInvocationLoggingConfiguration', kind: 'deny' });
      expect(await s.revoke(id)).toMatchObject({ ok: true, value: { off: { isOff: false } } });
    }));

  test('is refused, with the reason, where a closed exception’s destination receives somebody’s content again', () =>
    simulate(async (s) => {
      const id = await s.active();
      await s.advanceTo(LONG_AFTER);
      s.somebodyPuts(await oursOf(s, id));
      expect(await s.revoke(id)).toMatchObject({ ok: false, error: { code: 'STATE_REFUSES' } });
      expect((await s.record(id)).state).toBe('closed');
    }));
});

describe('approvals', () => {
  test('a rejection after a new policy asked again gives the window back', () =>
    simulate(async (s) => {
      const id = await s.approved();
      await s.adopt(withRole());
      expect((await s.decide(id, 'dora', 'data-protection', { decision: 'reject' })).ok).toBe(true);
      expect((await s.record(id)).state).toBe('rejected');
      expect((await s.lease(id)).released).toBe(true);
      const next = await s.approved({ reference: 'INC-2' });
      await s.decide(next, 'dora', 'data-protection');
      expect((await s.record(next)).state).toBe('scheduled');
    }));

  test('a role that a policy names between counting and reserving is asked', () =>
    simulate(async (s) => {
      const id = await s.request();
      await s.stopWorkflow(id);
      await s.approve(id);
      const { services } = s.state;
      expect((await tally(services, id)).result).toBe('approved');
      await s.adopt(withRole());
      expect((await reserveStep(services, id)).result).toBe('ask');
      expect((await s.record(id)).state).toBe('submitted');
      expect(await readLeaseRow(services.store, PAIR.accountId, PAIR.region)).toBeUndefined();
    }));

  test('`exception.approved` is told only of what was approved', () =>
    simulate(async (s) => {
      const id = await s.request();
      await s.stopWorkflow(id);
      await s.approve(id);
      let withdrawn = false;
      const { policyInForce } = s.state.services;
      Object.assign(s.state.services, {
        policyInForce: {
          current: async () => {
            if (!withdrawn) {
              withdrawn = true;
              await s.revoke(id, 'sam', 'no longer needed');
            }
            return policyInForce.current();
          },
        },
      });
      expect((await tally(s.state.services, id)).result).toBe('ended');
      expect((await s.record(id)).state).toBe('withdrawn');
      expect(s.events('exception.approved')).toEqual([]);
    }));

  test('waiting tasks that cannot be kept for some minutes are tried again without a tight loop, and the exception lives', () =>
    simulate(async (s) => {
      let failed = 0;
      const up = patch(s, 'store', (store) => ({
        commit: (writes) => {
          if (!writes.some(({ key }) => key.startsWith('wait/'))) return store.commit(writes);
          failed += 1;
          return Promise.reject(new Error('throttled'));
        },
      }));
      const id = await s.request();
      expect(failed).toBeLessThan(10);
      await s.advance(6 * MINUTE_MS);
      expect(failed).toBeLessThan(200);
      up();
      await s.advance(HOUR_MS);
      await s.approve(id);
      await s.advanceTo(BEGINS + HOUR_MS);
      expect((await s.record(id)).state).toBe('active');
    }));

  test('an outage of six minutes while the decisions are counted does not cost the exception', () =>
    simulate(async (s) => {
      const id = await s.request();
      await s.decide(id, 'lena', 'legal');
      await s.decide(id, 'priya', 'security');
      const { policyInForce } = s.state.services;
      let recorded = false;
      let down = true;
      const current = () =>
        recorded && down ? Promise.reject(new Error('the table is down')) : policyInForce.current();
      Object.assign(s.state.services, { policyInForce: { current } });
      patch(s, 'recorder', (recorder) => ({
        record: async (event) => {
          await recorder.record(event);
          if (event.type === 'exception.decided') recorded = true;
        },
      }));
      await s.decide(id, 'omar', 'executive').catch(() => undefined);
      expect(recorded).toBe(true);
      await s.advance(6 * MINUTE_MS);
      expect((await s.record(id)).state).toBe('submitted');
      down = false;
      await s.advanceTo(BEGINS + HOUR_MS);
      expect((await s.record(id)).state).toBe('active');
      expect((await s.record(id)).decisions).toHaveLength(3);
    }));

  test('a policy whose reviews would outgrow the workflow’s history is refused', () => {
    const parsed = parsePolicy(policyText(['every: 1d', 'every: 5m']), 'policy.yaml');
    if (parsed.ok) throw new Error('accepted');
    expect(parsed.error.map(({ message }) => message).join()).toContain('more than its workflow can hold');
  });
});

describe('closing', () => {
  test.each([
    ['while the ending waits for late deliveries', ENDS + 10 * MINUTE_MS],
    ['between the two listings', ENDS + 3 * HOUR_MS],
  ])('without proof %s is the last thing written of its ending, and the ending ends', (_name, at) =>
    simulate(async (s) => {
      const id = await s.active();
      const ours = await oursOf(s, id);
      await s.advanceTo(at);
      expect(await closeWithCertificate(s.state.services, id, 'close-unproven', LENA, 'because')).toBe(
        'closed',
      );
      const closed = await s.record(id);
      s.somebodyPuts(ours);
      const before = s.events().length;
      await s.advanceTo(LONG_AFTER + HOUR_MS);
      const { foreignSetting, ...record } = await s.record(id);
      expect({ ...record, outbox: undefined }).toEqual({ ...closed, outbox: undefined });
      // What somebody set there afterwards is told; how the exception ended is not touched.
      expect(foreignSetting?.observed).toContain(id);
      expect(s.events().length - before).toBeLessThan(20);
      expect(s.events('exception.found-again')).toEqual([]);
      expect(await s.state.services.executions.status('ending', `${id}-end-1`)).toBe('SUCCEEDED');
    }),
  );

  test('looks again after a delivery that came later than the second listing while nothing could be signed', () =>
    simulate(async (s) => {
      const id = await s.active();
      const prefix = (await oursOf(s, id)).s3Config?.keyPrefix ?? '';
      const { signer } = s.state.services;
      Object.assign(s.state.services, { signer: { sign: () => Promise.reject(new Error('kms is down')) } });
      await s.advanceTo(LONG_AFTER + 4 * HOUR_MS);
      expect((await s.record(id)).emptyListings.length).toBeGreaterThanOrEqual(2);
      s.state.aws.storage.putObject(BUCKET, `${prefix}AWSLogs/late.json`, 'CANARY late');
      await s.advance(6 * HOUR_MS);
      Object.assign(s.state.services, { signer });
      await s.advance(2 * DAY_MS);
      await closedClean(s, id);
      expect((await s.record(id)).purged?.versions).toBe(2);
    }));

  test('found on again while the certificate is being signed: not closed, and another ending starts the proof over', () =>
    simulate(async (s) => {
      const id = await s.active();
      const ours = await oursOf(s, id);
      const { signer } = s.state.services;
      let isPut = false;
      const sign: typeof signer.sign = async (bytes) => {
        if (!isPut) {
          isPut = true;
          s.somebodyPuts(ours);
          await sweep(s.state.services, s.now());
        }
        return signer.sign(bytes);
      };
      Object.assign(s.state.services, { signer: { sign } });
      await s.advanceTo(LONG_AFTER);
      expect(isPut).toBe(true);
      expect(s.isOn()).toBe(false);
      expect(s.events('exception.closed')).toEqual([]);
      await s.advance(2 * DAY_MS);
      await closedClean(s, id);
      expect(s.events('ending.started')).toHaveLength(2);
    }));

  test('the certificate states the setting that was read back, not the one that was wanted', () =>
    simulate(
      async (s) => {
        s.somebodyPuts(METADATA);
        const id = await s.approved();
        await s.advanceTo(ENDS - 1);
        expect((await s.lease(id)).baseline.kind).toBe('metadata-only');
        s.fault({ operation: PUT, kind: 'deny', times: 1_000_000 });
        await s.advanceTo(LONG_AFTER);
        await closedClean(s, id);
        expect(s.setting()).toBeUndefined();
        expect(s.certificates()[0]).toMatchObject({
          settings: { before: METADATA, after: 'not configured' },
          baseline: expect.stringContaining('could not be put'),
        });
      },
      { policy: METADATA_ONLY },
    ));

  test('what was prepared for an exception that was never enabled is removed', () =>
    simulate(async (s) => {
      const destination = `{ kind: cloudwatch-logs, logGroupName: /incidents, roleArn: "arn:aws:iam::${INCIDENT}:role/BedrockLogs", kmsKeyArn: "${KEY}" }`;
      const id = await s.approved({ destination });
      s.fault({ operation: 'scheduler:CreateSchedule', kind: 'deny', times: 1_000_000 });
      await s.advanceTo(BEGINS + MINUTE_MS);
      const group = (await oursOf(s, id)).cloudWatchConfig?.logGroupName ?? '';
      await s.advanceTo(BEGINS + 2 * HOUR_MS);
      expect((await s.record(id)).state).toBe('expired');
      expect(await s.state.services.destinations.hasLogGroup(PAIR, group)).toBe(false);
      expect(await s.state.services.schedules.get(`off-${id}`)).toBeUndefined();
    }));

  test('leases too old to count in any window are dropped from the row when the next window is reserved', () =>
    simulate(async (s) => {
      const old = await s.active();
      await s.advanceTo(LONG_AFTER);
      const twoWindows = durationMs(60 * DAY_MS);
      s.mute('sweep');
      const from = ENDS + twoWindows + DAY_MS;
      await s.advanceTo(from - 4 * HOUR_MS);
      const next = await s.approved({ from, to: from + HOUR_MS, reference: 'INC-2' });
      const row = await readLeaseRow(s.state.services.store, PAIR.accountId, PAIR.region);
      expect(row?.value.leases.map(({ exceptionId }) => exceptionId)).toEqual([next]);
      expect((await s.record(old)).state).toBe('closed');
    }));
});

describe('the record of events', () => {
  test('keeps exactly what was acknowledged when the disk fills up in the middle of a line', () =>
    simulate(async (s) => {
      const file = join(s.directory, 'short.ndjson');
      const script = join(import.meta.dirname, 'short-write.ts');
      // The limit is in kibibytes and no multiple of an event's line: the last write comes back short.
      const command = `ulimit -f 4; exec "${process.execPath}" "${script}" "${file}"`;
      const said = JSON.parse(execFileSync('bash', ['-c', command], { encoding: 'utf8' })) as {
        acknowledged: number;
        inMemory: number;
        code: string;
      };
      expect(said.code).toBe('EFBIG');
      expect(said.acknowledged).toBeGreaterThan(3);
      expect(said.inMemory).toBe(said.acknowledged);
      const reopened = openEventFile(file, s.state.clock);
      expect(reopened.events()).toHaveLength(said.acknowledged);
      const actor: EventActor = { id: 'sweeper', kind: 'sweeper' };
      await reopened.record({ type: 'test.more', actor, subject: 'short-write', data: {} });
      reopened.close();
      const again = openEventFile(file, s.state.clock);
      expect(again.events()).toHaveLength(said.acknowledged + 1);
      again.close();
    }));
});

async function unreadableRecord(s: Simulation): Promise<void> {
  const written = await s.state.services.store.commit([
    { key: 'exception/ex-zzzzzzzzzzzz', expectedVersion: 0, value: { format: 2, state: 'closed' } },
  ]);
  expect(written).toBe('committed');
}
