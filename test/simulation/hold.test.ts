import { describe, expect, it } from 'vitest';
import { principalId } from '../../src/core/index.ts';
import { closeUnproven, hold, release } from '../../src/enforcement/index.ts';
import { DAY_MS, ENDS, HOUR_MS, LONG_AFTER, MINUTE_MS, type Simulation, simulate } from './harness.ts';

/* Failure case 33: a legal hold wins over the purge, and over nothing else. */

type Id = Parameters<Simulation['record']>[0];
const LENA = principalId('lena');
const held = async (s: Simulation, id: Id, by = LENA) => hold(s.state.services, id, by, 'litigation');

describe('a legal hold', () => {
  it('keeps what was captured for as long as it stands, switches off in time, and purges after its release', () =>
    simulate(async (s) => {
      const id = await s.active();
      expect((await held(s, id)).ok).toBe(true);
      await s.advanceTo(ENDS + 2 * MINUTE_MS);
      expect(s.isOn()).toBe(false);
      expect((await s.record(id)).state).toBe('draining');
      const before = s.contentOf(id);
      expect(before).toBeGreaterThan(0);
      await s.advanceTo(ENDS + 8 * DAY_MS);
      expect(s.contentOf(id)).toBe(before);
      expect((await s.record(id)).state).toBe('draining');
      expect(s.events('exception.purge-overdue')).toHaveLength(0);
      // Not one with every sweep.
      expect(s.events('ending.started').length).toBeLessThanOrEqual(1);
      expect((await closeUnproven(s.state.services, id, LENA, 'hurry')).ok).toBe(false);
      expect((await release(s.state.services, id, LENA, 'settled')).ok).toBe(true);
      await s.advance(DAY_MS + 3 * HOUR_MS);
      expect((await s.record(id)).state).toBe('closed');
      expect(s.contentOf(id)).toBe(0);
      expect(s.certificates()[0]).toMatchObject({
        purgeWithinRetention: false,
        holds: [{ by: 'lena', reason: 'litigation', releasedBy: 'lena', releaseReason: 'settled' }],
      });
    }));

  it('never keeps on what somebody switches on again (OFF_NEEDS_NOTHING)', () =>
    simulate(async (s) => {
      const id = await s.active();
      const ours = s.setting();
      if (ours === undefined) throw new Error('not on');
      await held(s, id);
      await s.advanceTo(ENDS + 5 * HOUR_MS);
      s.somebodyPuts(ours);
      await s.advance(20 * MINUTE_MS);
      expect(s.isOn()).toBe(false);
      expect(await s.revoke(id)).toMatchObject({ ok: true });
      expect(s.contentOf(id)).toBeGreaterThan(0);
    }));

  it('between the two listings stops the closing, and its release starts the proof over', () =>
    simulate(async (s) => {
      const id = await s.active();
      await s.advanceTo(ENDS + 5 * HOUR_MS);
      expect((await s.record(id)).emptyListings).toHaveLength(1);
      await held(s, id);
      await s.advanceTo(LONG_AFTER + DAY_MS);
      expect((await s.record(id)).state).toBe('purging');
      await release(s.state.services, id, LENA, 'settled');
      await s.advance(23 * HOUR_MS);
      expect((await s.record(id)).state).toBe('purging');
      await s.advance(3 * HOUR_MS);
      expect((await s.record(id)).state).toBe('closed');
      expect(s.certificates()[0]).toMatchObject({ holds: [{ purgingHadBegun: true }] });
    }));

  it('released while no execution can be started is picked up by the sweeper', () =>
    simulate(async (s) => {
      const id = await s.active();
      await held(s, id);
      await s.advanceTo(ENDS + 5 * HOUR_MS);
      const { services } = s.state;
      const { executions } = services;
      const start = executions.start.bind(executions);
      Object.assign(executions, { start: () => Promise.reject(new Error('down')) });
      expect((await release(services, id, LENA, 'settled')).ok).toBe(true);
      Object.assign(executions, { start });
      await s.advance(DAY_MS + 3 * HOUR_MS);
      expect((await s.record(id)).state).toBe('closed');
    }));

  it('is Legal’s alone, never the requester’s, once, and of nothing that has ended', () =>
    simulate(async (s) => {
      const id = await s.active();
      for (const who of ['priya', 'sam', 'omar', 'gone'])
        expect(await held(s, id, principalId(who))).toMatchObject({ error: { code: 'NOT_ENTITLED' } });
      expect(await release(s.state.services, id, LENA, 'x')).toMatchObject({
        error: { code: 'STATE_REFUSES' },
      });
      expect((await held(s, id)).ok).toBe(true);
      expect(await held(s, id)).toMatchObject({ error: { code: 'STATE_REFUSES' } });
      await release(s.state.services, id, LENA, 'x');
      await s.advanceTo(LONG_AFTER);
      expect(await held(s, id)).toMatchObject({ error: { code: 'STATE_REFUSES' } });
    }));
});
