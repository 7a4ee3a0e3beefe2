import * as fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { detectedIn, handle } from '../../handlers/storage-event.ts';
import { epochMs } from '../../src/core/index.ts';
import { type Detected, react } from '../../src/enforcement/index.ts';
import {
  ENDS,
  HOUR_MS,
  LONG_AFTER,
  MINUTE_MS,
  PAIR,
  policyText,
  type Simulation,
  SOMEBODYS,
  simulate,
} from '../simulation/harness.ts';

const ENFORCES = policyText(['  enforcement: observe\n', '  enforcement: enforce\n']);

async function enforced(s: Simulation): Promise<void> {
  s.state.aws.retention.setModeBySomebodyElse(PAIR, 'none');
  await s.adopt(ENFORCES);
  await s.advance(15 * MINUTE_MS);
}
const changed = (s: Simulation, id: string, more: Partial<Detected> = {}): Detected =>
  ({ id, at: s.now(), kind: 'setting', pair: PAIR, ...more }) as Detected;

describe('an event is a reason to look, never evidence', () => {
  test('D39: one that tells of a change that AWS does not show changes nothing', () =>
    simulate(async (s) => {
      await enforced(s);
      const events = s.events().length;
      expect(await react(s.state.services, changed(s, 'a'))).toEqual({ result: 'looked', pairs: 1 });
      expect(s.events()).toHaveLength(events);
    }));

  test('a live exception is left alone, whoever is named', () =>
    simulate(async (s) => {
      await enforced(s);
      const id = await s.active();
      await react(
        s.state.services,
        changed(s, 'a', { named: 'arn:aws:iam::222222222222:user/mallory' } as never),
      );
      expect(s.isOn()).toBe(true);
      expect((await s.record(id)).state).toBe('active');
    }));

  test('the same event is looked at once, and one whose look failed again', () =>
    simulate(async (s) => {
      await enforced(s);
      const { services } = s.state;
      s.fault({ operation: 'dynamodb:GetItem', kind: 'fail', times: 1 });
      await expect(react(services, changed(s, 'a'))).rejects.toThrow();
      expect(await react(services, changed(s, 'a'))).toMatchObject({ result: 'looked' });
      expect(await react(services, changed(s, 'a'))).toEqual({ result: 'duplicate' });
    }));

  test('of a storm of IAM changes only those that came after the last look are looked at', () =>
    simulate(async (s) => {
      await enforced(s);
      const { services } = s.state;
      const before = epochMs(s.now() - MINUTE_MS);
      expect(await react(services, changed(s, 'a', { kind: 'identity', at: before }))).toMatchObject({
        result: 'looked',
      });
      expect(await react(services, changed(s, 'b', { kind: 'identity', at: before }))).toEqual({
        result: 'covered',
      });
      expect(await react(services, changed(s, 'b', { kind: 'identity', at: before }))).toEqual({
        result: 'duplicate',
      });
      await s.advance(MINUTE_MS);
      expect(await react(services, changed(s, 'c', { kind: 'identity' }))).toMatchObject({
        result: 'looked',
      });
    }));

  test('an event of the organization looks at every leased and every governed place', () =>
    simulate(async (s) => {
      await enforced(s);
      s.somebodyPuts(SOMEBODYS);
      await react(s.state.services, { id: 'o', at: s.now(), kind: 'organization' });
      expect(s.isOn()).toBe(false);
    }));

  test('OFF_NEEDS_NOTHING: what a lease left on ends though the organization cannot be read, and the event comes again', () =>
    simulate(async (s) => {
      const id = await s.active();
      s.mute('deadMansSwitch', 'sweep', 'configSettings');
      await s.stopWorkflow(id);
      await s.advanceTo(ENDS);
      expect(s.isOn()).toBe(true);
      Object.assign(s.state.services, {
        organizationView: { organization: () => Promise.reject(new Error('throttled')) },
      });
      const event: Detected = { id: 'o', at: s.now(), kind: 'organization' };
      await expect(react(s.state.services, event)).rejects.toThrow('throttled');
      expect(s.isOn()).toBe(false);
      await expect(react(s.state.services, event)).rejects.toThrow('throttled');
    }));

  test('what is remembered of events does not grow', () =>
    simulate(async (s) => {
      for (let number = 0; number < 80; number++) await react(s.state.services, changed(s, `e${number}`));
      const stored = await s.state.services.store.read(`seen/${PAIR.accountId}/${PAIR.region}`);
      expect(stored?.value).toMatchObject({ ids: { length: 64 } });
    }));
});

describe('bad events', () => {
  const good = {
    id: 'e',
    time: '2026-11-20T09:00:00Z',
    account: '222222222222',
    region: 'us-east-1',
    'detail-type': 'AWS API Call via CloudTrail',
    detail: { eventSource: 'bedrock.amazonaws.com' },
  };
  it.each([
    ['nothing', undefined],
    ['text', 'event'],
    ['an account that is none', { ...good, account: '22222222222' }],
    ['a Region that is none', { ...good, region: '../../x' }],
    ['no time', { ...good, time: 'yesterday' }],
    ['another source', { ...good, detail: { eventSource: 's3.amazonaws.com' } }],
    ['a source of Object.prototype', { ...good, detail: { eventSource: 'constructor' } }],
    [
      'an execution of somebody else',
      { ...good, 'detail-type': 'Step Functions Execution Status Change', detail: { name: 'nightly' } },
    ],
  ])('%s is ignored', async (_, event) => {
    expect(detectedIn(event)).toBeUndefined();
    expect(await handle(event, {} as never)).toEqual({ result: 'ignored' });
  });

  it('a name that is no ARN is not named', () => {
    const event = {
      ...good,
      detail: { ...good.detail, userIdentity: { arn: 'arn:aws:iam::1:user/x\u001b[2J' } },
    };
    expect(detectedIn(event)).toEqual({ id: 'e', at: Date.parse(good.time), kind: 'setting', pair: PAIR });
  });

  it('whatever comes, reading it neither throws nor takes anything but a place and a time from it', () => {
    const key = fc.constantFrom(
      ...Object.keys(good),
      'eventSource',
      'userIdentity',
      'arn',
      'name',
      '__proto__',
    );
    fc.assert(
      fc.property(fc.object({ key, maxDepth: 4 }), fc.boolean(), (event, isNearlyGood) => {
        const detected = detectedIn(isNearlyGood ? { ...good, ...event } : event);
        const known = ['id', 'at', 'kind', 'pair', 'named', 'exceptionId'];
        expect(Object.keys(detected ?? {}).every((name) => known.includes(name))).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});

describe('detector 5, the event rules', () => {
  test('alone ends an exception whose workflow was stopped, five minutes after', () =>
    simulate(async (s) => {
      s.state.aws.eventRules.setOn(true);
      const id = await s.active();
      s.mute('deadMansSwitch', 'sweep');
      await s.stopWorkflow(id);
      const at = s.now();
      await s.advance(5 * MINUTE_MS);
      expect(s.isOn()).toBe(false);
      expect(s.wentOffAt()).toBeLessThanOrEqual(at + 5 * MINUTE_MS);
      expect((await s.lease(id)).revoked?.by).toBe('event-rule');
      await s.advanceTo(LONG_AFTER);
      expect((await s.record(id)).state).toBe('closed');
    }));

  test('alone ends an exception during which somebody else puts another configuration', () =>
    simulate(async (s) => {
      s.state.aws.eventRules.setOn(true);
      const id = await s.active();
      s.mute('deadMansSwitch', 'sweep');
      s.somebodyPuts(SOMEBODYS);
      await s.advance(5 * MINUTE_MS);
      expect(s.isOn()).toBe(false);
      expect((await s.record(id)).contested).toBeDefined();
    }));

  test('alone undoes drift, and its own writes do not keep it busy', () =>
    simulate(async (s) => {
      await enforced(s);
      s.mute('sweep');
      s.state.aws.eventRules.setOn(true);
      s.somebodyPuts(SOMEBODYS);
      s.state.aws.retention.setModeBySomebodyElse(PAIR, 'aws_review');
      const at = s.now();
      await s.advance(5 * MINUTE_MS);
      expect(s.isOn()).toBe(false);
      expect(s.wentOffAt()).toBe(at + 5 * MINUTE_MS);
      expect(s.events('enforcement.undone').at(-1)?.actor.id).toBe('event-rule');
      const told = s.events().length;
      await s.advance(HOUR_MS);
      expect(s.events()).toHaveLength(told);
    }));
});
