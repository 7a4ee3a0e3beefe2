import { describe, expect, test } from 'vitest';
import { epochMs, formatInstant } from '../../src/core/index.ts';
import { isActive, parseRequest } from '../../src/exceptions/index.ts';
import {
  BEGINS,
  DAY_MS,
  ENDS,
  HOUR_MS,
  LONG_AFTER,
  MINUTE_MS,
  PAIR,
  type RequestOptions,
  requestText,
  simulate,
} from '../simulation/harness.ts';

/* The cases C20 to C33 that are not tested elsewhere (docs/failure-cases.md), each under its number. */

const GET = 'bedrock:GetModelInvocationLoggingConfiguration';
const DELETE = 'bedrock:DeleteModelInvocationLoggingConfiguration';

describe('the end of an exception whose workflow is gone', () => {
  test.each(['stopped', 'timed out'] as const)(
    'C20: %s by hand in mid-lease: switched off by the next sweep, and a redrive brings nothing back',
    (how) =>
      simulate(async (s) => {
        const id = await s.active();
        s.mute('deadMansSwitch');
        const goneAt = s.now();
        if (how === 'stopped') await s.stopWorkflow(id);
        else {
          // No execution lives that long; what matters is that no Catch runs.
          await s.state.runtime.stop('exception', id, { error: 'States.Timeout' });
        }
        await s.advanceTo(goneAt + 16 * MINUTE_MS);
        expect(s.isOn()).toBe(false);
        expect(await s.redriveWorkflow(id)).toBe(true);
        await s.advanceTo(LONG_AFTER);
        expect(s.puts).toHaveLength(1);
        expect((await s.lease(id)).expiresAt).toBe(ENDS);
        expect((await s.record(id)).state).toBe('closed');
      }),
  );

  test('C20: redriven before anybody noticed, the workflow goes on and ends on its own instant', () =>
    simulate(async (s) => {
      const id = await s.active();
      s.mute('sweep', 'deadMansSwitch');
      await s.stopWorkflow(id);
      await s.advance(HOUR_MS);
      expect(await s.redriveWorkflow(id)).toBe(true);
      await s.advanceTo(ENDS + MINUTE_MS);
      expect(s.wentOffAt()).toBe(ENDS);
      expect(s.puts).toHaveLength(1);
    }));

  test('C21: the intent stands in the record before the Put; without workflow and switch the sweeper ends it', () => {
    let hasPut = false;
    return simulate(
      async (s) => {
        const id = await s.approved();
        s.mute('deadMansSwitch');
        await s.surviving(() => s.advanceTo(BEGINS + 1));
        expect(s.deaths).toBe(1);
        expect((await s.lease(id)).enabling).toBeDefined();
        expect(s.events('enable.intended')).toHaveLength(1);
        await s.stopWorkflow(id);
        await s.surviving(() => s.advanceTo(BEGINS + 31 * MINUTE_MS));
        expect(s.isOn()).toBe(false);
      },
      {
        crash: ({ when, what }) => {
          const isFirst = !hasPut && when === 'after' && what === 'settings.putInvocationLogging';
          hasPut ||= isFirst;
          return isFirst;
        },
      },
    );
  });

  test('C22: denied to our own role for a day: overdue is said, it never counts as ended, and it is tried until it is off', () =>
    simulate(async (s) => {
      const id = await s.active();
      s.fault({ operation: DELETE, kind: 'deny', times: 10_000 });
      await s.advanceTo(ENDS + DAY_MS);
      expect(s.isOn()).toBe(true);
      expect((await s.record(id)).state).toBe('ending');
      expect((await s.record(id)).offAt).toBeUndefined();
      expect(s.events('exception.overdue').length).toBeGreaterThan(10);
      s.clearFaults();
      await s.advance(20 * MINUTE_MS);
      expect(s.isOn()).toBe(false);
    }));

  test('C23: a Delete that was answered, while readings still show the old setting: off is what was read back, later', () =>
    simulate(async (s) => {
      const id = await s.active();
      await s.advanceTo(ENDS - 1);
      s.fault({ operation: GET, kind: 'stale', times: 60 });
      await s.advanceTo(ENDS + 5 * MINUTE_MS);
      expect(s.wentOffAt()).toBe(ENDS);
      const { offAt } = await s.lease(id);
      expect(offAt).toBeGreaterThan(ENDS);
      expect(offAt).toBeLessThanOrEqual(ENDS + 2 * MINUTE_MS);
      await s.advanceTo(LONG_AFTER);
      expect((await s.record(id)).state).toBe('closed');
    }));
});

describe('time', () => {
  const malformed = (from: string, to: string) => {
    const text = requestText()
      .replace(/^startsAt: .*$/m, `startsAt: "${from}"`)
      .replace(/^endsAt: .*$/m, `endsAt: "${to}"`);
    const parsed = parseRequest(text, 'request.yaml');
    return parsed.ok ? 'read' : parsed.error.map(({ code }) => code).join();
  };
  test.each([
    ['2026-11-20', '2026-11-21', 'not-an-instant,not-an-instant'],
    ['2026-11-20T12:00:00', '2026-11-20T18:00:00', 'not-an-instant,not-an-instant'],
    ['2026-11-20T12:00:00+01:00', '2026-11-20T18:00:00+01:00', 'not-an-instant,not-an-instant'],
    ['2026-11-20T12:00Z', '2026-11-20T18:00:00Z', 'not-an-instant'],
    ['2027-02-29T12:00:00Z', '2027-03-01T12:00:00Z', 'not-an-instant'],
    ['2028-02-29T12:00:00Z', '2028-02-29T12:00:00Z', 'invalid-value'],
    ['2028-02-29T12:00:00Z', '2028-03-01T12:00:00Z', 'read'],
    // Clocks go back in Berlin on this night; an instant in UTC has no second meaning.
    ['2026-10-25T00:30:00Z', '2026-10-25T01:30:00Z', 'read'],
  ])('C25: %s to %s: %s', (from, to, expected) => {
    expect(malformed(from, to)).toBe(expected);
  });

  test('C25: enabled half an hour late, it ends at the instant that was approved, not later', () =>
    simulate(async (s) => {
      const id = await s.approved();
      await s.advanceTo(BEGINS - 1);
      s.fault({ operation: GET, kind: 'throttle', times: 25 });
      await s.advanceTo(BEGINS + 50 * MINUTE_MS);
      expect(s.isOn()).toBe(true);
      expect((await s.lease(id)).enabling?.at).toBeGreaterThan(BEGINS + 10 * MINUTE_MS);
      await s.advanceTo(ENDS);
      expect(s.wentOffAt()).toBe(ENDS);
    }));

  test('C26: nobody ran until after the end: nothing is switched on, the exception is closed without it', () =>
    simulate(async (s) => {
      const id = await s.approved();
      s.state.simulatedClock?.advanceTo(epochMs(ENDS + HOUR_MS));
      await s.advance(30 * MINUTE_MS);
      expect(s.puts).toEqual([]);
      expect((await s.record(id)).state).toBe('expired');
    }));

  test('C27: at its own end a lease is over, to the millisecond, and no request or decision can say what time it is', () =>
    simulate(async (s) => {
      const id = await s.active();
      const lease = await s.lease(id);
      expect([isActive(lease, epochMs(ENDS - 1)), isActive(lease, ENDS)]).toEqual([true, false]);
      const text = `${requestText()}now: "${formatInstant(BEGINS)}"\n`;
      expect(parseRequest(text, 'request.yaml')).toMatchObject({
        ok: false,
        error: [{ code: 'unknown-key' }],
      });
    }));

  test('C29: every further start has a name of its own; a name that was used is refused', () =>
    simulate(async (s) => {
      const id = await s.active();
      expect(await s.state.services.executions.start('exception', id, { exceptionId: 'ex-other' })).toBe(
        'already-exists',
      );
      await s.advanceTo(ENDS + MINUTE_MS);
      expect(await s.stopEndings()).toBe(1);
      await s.advanceTo(LONG_AFTER + DAY_MS);
      const endings = (await s.state.runtime.list({ machine: 'ending' })).map(({ name }) => name);
      expect(endings).toHaveLength(2);
      expect(new Set(endings).size).toBe(2);
      for (const name of endings) expect(name).toContain(id);
      expect((await s.record(id)).state).toBe('closed');
    }));

  test('C30: revoking reads neither people nor organization nor policy, and goes through no validation of the request', () =>
    simulate(async (s) => {
      const id = await s.active();
      const unread = () => Promise.reject(new Error('not available'));
      Object.assign(s.state.services, {
        directory: { people: unread },
        organizationView: { organization: unread },
        policyInForce: { current: unread, of: unread },
      });
      const revoked = await s.revoke(id);
      expect(revoked.ok).toBe(true);
      expect(s.isOn()).toBe(false);
    }));
});

describe('the destination', () => {
  test.each<[string, RequestOptions]>([
    ['C31: a bucket of another account is refused', { bucket: 'bucket-of-another-account' }],
    ['C31: a bucket that is not there is refused', { bucket: 'no-such-bucket' }],
  ])('%s', (_name, options) =>
    simulate(async (s) => {
      expect(await s.submit(options)).toMatchObject({ ok: false, error: { code: 'POLICY_REFUSES' } });
    }),
  );

  test('C33: a bucket with Object Lock is refused up front: what it holds could not be purged', () =>
    simulate(async (s) => {
      s.state.aws.storage.createBucket(PAIR, 'locked-bucket', { isVersioned: true, hasObjectLock: true });
      const refused = await s.submit({ bucket: 'locked-bucket' });
      expect(refused).toMatchObject({
        ok: false,
        error: { message: expect.stringContaining('Object Lock') },
      });
    }));
});
