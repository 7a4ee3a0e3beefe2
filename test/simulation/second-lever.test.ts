import { describe, expect, it } from 'vitest';
import { clearFaults } from '../../src/adapters/embedded/aws/index.ts';
import { region } from '../../src/core/index.ts';
import { withDenial } from '../../src/enforcement/index.ts';
import { AwsCallError } from '../../src/exceptions/index.ts';
import { BUCKET, DAY_MS, ENDS, HOUR_MS, KEY, MINUTE_MS, PAIR, type Simulation, simulate } from './harness.ts';

/* Switching off keeps failing: the destination is taken away, and the switch is still tried until it works. */

const DELETE = 'bedrock:DeleteModelInvocationLoggingConfiguration';
const stuck = (s: Simulation) => s.fault({ operation: DELETE, kind: 'deny', times: 1_000_000 });
const freed = (s: Simulation) => clearFaults(s.state.aws.database);
const keyIsOn = async (s: Simulation) => {
  const { isEnabled } = await s.state.services.inspection.inspectKey(PAIR, KEY);
  return isEnabled.kind === 'observed' && isEnabled.value;
};
const policyOf = async (s: Simulation) => {
  const { policy } = await s.state.services.inspection.inspectBucket(PAIR, BUCKET);
  return policy.kind === 'observed' ? policy.value : '';
};

describe('the second lever', () => {
  it('is pulled half an hour after the end, stops deliveries, and is in the certificate', () =>
    simulate(async (s) => {
      const id = await s.active();
      stuck(s);
      await s.advanceTo(ENDS + 29 * MINUTE_MS);
      expect((await s.record(id)).secondLever).toBeUndefined();
      expect(await keyIsOn(s)).toBe(true);
      expect(await s.invoke('late')).toBe(true);
      await s.advanceTo(ENDS + 32 * MINUTE_MS);
      expect((await s.record(id)).secondLever).toMatchObject({ bucket: 'done', key: 'done' });
      expect(await keyIsOn(s)).toBe(false);
      expect(await policyOf(s)).toContain('ProvisoSecondLever');
      expect(await s.invoke('later')).toBe(false);
      expect(s.events('exception.second-lever')).toHaveLength(1);
      // It is not off, and nobody says so.
      expect(s.isOn()).toBe(true);
      expect((await s.record(id)).state).toBe('ending');
      freed(s);
      await s.advance(5 * MINUTE_MS);
      expect(s.isOn()).toBe(false);
      await s.advance(DAY_MS + 3 * HOUR_MS);
      expect((await s.record(id)).state).toBe('closed');
      expect(s.contentOf(id)).toBe(0);
      expect(s.certificates()[0]).toMatchObject({
        secondLever: { pulledAt: expect.any(String), bucketDenied: 'done', keyDisabled: 'done' },
      });
    }));

  it('is pulled by the sweeper when the ending workflow is dead too', () =>
    simulate(async (s) => {
      const id = await s.active();
      stuck(s);
      await s.advanceTo(ENDS + 5 * MINUTE_MS);
      await s.state.runtime.stop('ending', `${id}-end-1`, { error: 'Stopped', cause: 'by hand' });
      const { executions } = s.state.services;
      Object.assign(s.state.services, {
        executions: {
          status: executions.status.bind(executions),
          wake: executions.wake.bind(executions),
          start: () => Promise.reject(new Error('no execution can be started')),
        },
      });
      await s.advanceTo(ENDS + 50 * MINUTE_MS);
      expect((await s.record(id)).secondLever).toMatchObject({ bucket: 'done', key: 'done' });
    }));

  it('is tried again, each half by itself, and told once for each change', () =>
    simulate(async (s) => {
      const id = await s.active();
      stuck(s);
      const { services } = s.state;
      const { secondLever } = services;
      let refusals = 0;
      Object.assign(services, {
        secondLever: {
          denyBucket: (...each: Parameters<typeof secondLever.denyBucket>) => secondLever.denyBucket(...each),
          disableKey: async () => {
            refusals += 1;
            throw new AwsCallError('access-denied', 'kms:DisableKey was refused', false);
          },
        },
      });
      await s.advanceTo(ENDS + 45 * MINUTE_MS);
      expect(refusals).toBeGreaterThan(5);
      expect((await s.record(id)).secondLever).toMatchObject({ bucket: 'done', key: 'access-denied' });
      expect(s.events('exception.second-lever')).toHaveLength(1);
      Object.assign(services, { secondLever });
      await s.advance(5 * MINUTE_MS);
      expect((await s.record(id)).secondLever).toMatchObject({ bucket: 'done', key: 'done' });
      expect(s.events('exception.second-lever')).toHaveLength(2);
    }));

  it('is never pulled for an exception that ends in time', () =>
    simulate(async (s) => {
      const id = await s.active();
      await s.advanceTo(ENDS + DAY_MS);
      expect(await keyIsOn(s)).toBe(true);
      await s.advance(3 * HOUR_MS);
      expect((await s.record(id)).state).toBe('closed');
      expect(s.certificates()[0]).not.toHaveProperty('secondLever');
    }));
});

describe('the denial', () => {
  const denied = (policy: string | undefined) =>
    JSON.parse(withDenial(policy, 'b', 'p/', PAIR.region)) as {
      Statement: { Sid?: string; Resource?: string }[];
    };
  it('joins what the policy says, once', () => {
    const once = withDenial(
      '{"Version":"2012-10-17","Statement":{"Sid":"Others","Effect":"Allow"}}',
      'b',
      'p/',
      PAIR.region,
    );
    expect(denied(once).Statement.map(({ Sid }) => Sid)).toEqual(['Others', 'ProvisoSecondLever']);
    expect(denied(once).Statement[1]?.Resource).toBe('arn:aws:s3:::b/p/*');
  });
  it.each([
    ['us-gov-west-1', 'arn:aws-us-gov:s3:::b/p/*'],
    ['cn-north-1', 'arn:aws-cn:s3:::b/p/*'],
  ])('names the bucket as the partition of %s does', (name, arn) => {
    expect(withDenial(undefined, 'b', 'p/', region(name))).toContain(`"${arn}"`);
  });
  it.each([undefined, 'not json', 'null', '[]'])(
    'stands alone where there is no policy to join: %s',
    (text) => {
      expect(denied(text).Statement.map(({ Sid }) => Sid)).toEqual(['ProvisoSecondLever']);
    },
  );
});
