import { describe, expect, it } from 'vitest';
import { BEGINS, BUCKET, HOUR_MS, LONG_AFTER, MINUTE_MS, simulate } from './harness.ts';

/* What the destination is like decides whether content storage is switched on at all: played through the workflow. */

describe('at the start', () => {
  it('a destination that is copied elsewhere is refused, and nothing was ever on', () =>
    simulate(async (s) => {
      const id = await s.approved();
      s.state.aws.stacks.setBucketFeatures(BUCKET, {
        copies: ['it is replicated to arn:aws:s3:::elsewhere'],
      });
      await s.advanceTo(LONG_AFTER);
      const record = await s.record(id);
      expect(record.state).toBe('refused');
      expect(record.reason).toContain('replicated to arn:aws:s3:::elsewhere');
      expect(s.switched).toEqual([]);
      expect(s.puts).toEqual([]);
    }));

  it('a destination that cannot be looked at is waited for, and used once it is seen', () =>
    simulate(async (s) => {
      const id = await s.approved();
      const { services } = s.state;
      const { inspection } = services;
      Object.assign(services, {
        inspection: {
          ...inspection,
          inspectKey: async () => ({
            isEnabled: { kind: 'unobservable', reason: 'throttled' },
            policy: { kind: 'unobservable', reason: 'throttled' },
            grants: { kind: 'unobservable', reason: 'throttled' },
          }),
        },
      });
      await s.advanceTo(BEGINS + 10 * MINUTE_MS);
      expect(s.isOn()).toBe(false);
      expect((await s.record(id)).state).toBe('scheduled');
      Object.assign(services, { inspection });
      await s.advanceTo(BEGINS + 15 * MINUTE_MS);
      expect(s.isOn()).toBe(true);
    }));

  it('a destination that is never seen expires', () =>
    simulate(async (s) => {
      const id = await s.approved();
      const { services } = s.state;
      Object.assign(services, {
        inspection: {
          ...services.inspection,
          readIam: async () => ({ kind: 'unobservable', reason: 'access-denied' }),
        },
      });
      await s.advanceTo(BEGINS + 2 * HOUR_MS);
      expect((await s.record(id)).state).toBe('expired');
      expect(s.switched).toEqual([]);
    }));
});
