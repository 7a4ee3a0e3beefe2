import { describe, expect, it } from 'vitest';
import { principalId } from '../../src/core/index.ts';
import { closeUnproven, hold, KEY_TAG } from '../../src/enforcement/index.ts';
import {
  BEGINS,
  DAY_MS,
  ENDS,
  HOUR_MS,
  KEY,
  LONG_AFTER,
  PAIR,
  type Simulation,
  simulate,
} from './harness.ts';

/* What becomes of the exception's key at the end: only its own, only after the proof. */

const LENA = principalId('lena');
const isUsable = async (s: Simulation) => {
  const { isEnabled } = await s.state.services.inspection.inspectKey(PAIR, KEY);
  return isEnabled.kind === 'observed' && isEnabled.value;
};
const keyInCertificate = (s: Simulation) => s.certificates()[0]?.['keyMaterial'];

describe('the key of an exception', () => {
  it('is scheduled for deletion after the proof, not before, and the certificate says so', () =>
    simulate(async (s) => {
      const id = await s.active();
      await s.advanceTo(LONG_AFTER - 2 * HOUR_MS);
      expect(await isUsable(s)).toBe(true);
      await s.advanceTo(LONG_AFTER);
      expect((await s.record(id)).state).toBe('closed');
      expect(await isUsable(s)).toBe(false);
      expect(keyInCertificate(s)).toMatchObject([
        { kmsKeyArn: KEY, waitingDays: 7, notDeletedBecause: null },
      ]);
      expect(s.events('key.deletion-scheduled')).toHaveLength(1);
    }));

  it.each([
    ['without this exception’s tag', {}, 'may be shared'],
    ['with another exception’s tag', { [KEY_TAG]: 'ex-aaaabbbbcccc' }, 'is the key of ex-aaaabbbbcccc'],
  ])('%s at the end stays, with the reason', (_, tags, why) =>
    simulate(async (s) => {
      const id = await s.active();
      expect((await s.record(id)).keyKeptBecause).toBeUndefined();
      s.state.aws.stacks.setKeyFeatures(KEY, { tags: { proviso: 'exception-content', ...tags } });
      await s.advanceTo(LONG_AFTER);
      expect((await s.record(id)).state).toBe('closed');
      expect(await isUsable(s)).toBe(true);
      expect(keyInCertificate(s)).toMatchObject([
        { deletionScheduledAt: null, notDeletedBecause: expect.stringContaining(why) },
      ]);
    }),
  );

  it('without the tag at the start is told then: in its record and in what preflight says', () =>
    simulate(async (s) => {
      const id = await s.approved();
      s.state.aws.stacks.setKeyFeatures(KEY, { tags: { proviso: 'exception-content' } });
      await s.advanceTo(BEGINS);
      const record = await s.record(id);
      expect(record.state).toBe('active');
      expect(record.keyKeptBecause).toContain('is not tagged with this exception');
      expect(s.events('exception.preflight-passed')[0]?.data['says']).toContain(
        `key ${KEY} will not be deleted at the end, because it is not tagged`,
      );
    }));

  it('stays while a legal hold stands, and where the exception is closed without proof', () =>
    simulate(async (s) => {
      const id = await s.active();
      await hold(s.state.services, id, LENA, { reference: 'LIT-1', reason: 'litigation' });
      await s.advanceTo(LONG_AFTER + DAY_MS);
      expect(await isUsable(s)).toBe(true);
    }).then(() =>
      simulate(async (s) => {
        const id = await s.active();
        await s.revoke(id);
        await s.advance(HOUR_MS);
        expect((await closeUnproven(s.state.services, id, LENA, 'copied')).ok).toBe(true);
        expect(await isUsable(s)).toBe(true);
        expect(keyInCertificate(s)).toEqual([]);
      }),
    ));

  it('that cannot be deleted closes nothing out: the certificate says why', () =>
    simulate(async (s) => {
      const id = await s.active();
      s.fault({ operation: 'kms:ScheduleKeyDeletion', kind: 'deny' });
      await s.advanceTo(LONG_AFTER);
      expect((await s.record(id)).state).toBe('closed');
      expect(keyInCertificate(s)).toMatchObject([
        { notDeletedBecause: expect.stringContaining('access-denied') },
      ]);
    }));
});

describe('preflight', () => {
  it.each([
    [
      'a key that is another exception’s',
      (s: Simulation) =>
        s.state.aws.stacks.setKeyFeatures(KEY, {
          tags: { proviso: 'exception-content', [KEY_TAG]: 'ex-aaaabbbbcccc' },
        }),
      'tagged as that of ex-aaaabbbbcccc',
    ],
    [
      'a second lever that may not disable the key',
      (s: Simulation) => s.state.aws.stacks.setKeyFeatures(KEY, { tags: {} }),
      'second lever may call kms:DisableKey',
    ],
  ])('refuses %s', (_, spoil, why) =>
    simulate(async (s) => {
      const id = await s.approved();
      spoil(s);
      await s.advanceTo(BEGINS + HOUR_MS / 2);
      expect(await s.record(id)).toMatchObject({ state: 'refused', reason: expect.stringContaining(why) });
      expect(s.puts).toEqual([]);
      expect(s.now()).toBeLessThan(ENDS);
    }),
  );
});
