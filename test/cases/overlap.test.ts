import { describe, expect, test } from 'vitest';
import { renderMarkdown } from '../../src/core/index.ts';
import { DATA_DELIVERY_FLAGS } from '../../src/evidence/index.ts';
import { decisionSheet, storesContent } from '../../src/exceptions/index.ts';
import { ALL_OFF, BEGINS, ENDS, HOUR_MS, LONG_AFTER, PAIR, simulate } from '../simulation/harness.ts';

/* The cases A1 to A7 that are not tested elsewhere (docs/failure-cases.md), each under its number. */

describe('one setting, several wishes', () => {
  test('A1: a request that overlaps another exception of the account and Region is refused, and the first is untouched', () =>
    simulate(async (s) => {
      const first = await s.approved();
      const second = await s.submit({ from: BEGINS + HOUR_MS, to: ENDS + HOUR_MS, reference: 'INC-2' });
      expect(second).toMatchObject({ ok: false, error: { message: expect.stringContaining(first) } });
      await s.advanceTo(LONG_AFTER);
      expect(s.switched.map(({ at, isOn }) => [at, isOn])).toEqual([
        [BEGINS, true],
        [ENDS, false],
      ]);
    }));

  test('A3: two windows with different destinations and kinds never mix: each has its own, and none is overwritten', () =>
    simulate(async (s) => {
      const first = await s.approved();
      const overlapping = await s.submit({ modalities: '[text, image]', reference: 'INC-2' });
      expect(overlapping.ok).toBe(false);
      const second = await s.approved({ from: ENDS, to: ENDS + HOUR_MS, reference: 'INC-3' });
      await s.advanceTo(LONG_AFTER + HOUR_MS);
      expect(s.puts.map(({ configuration }) => configuration.s3Config?.keyPrefix)).toEqual([
        `incidents/${first}/`,
        `incidents/${second}/`,
      ]);
    }));

  test('A6: the five flags are always sent; an empty bucket name or an omitted flag in an answer is never read as off', () =>
    simulate(async (s) => {
      await s.active();
      for (const { configuration } of s.puts)
        for (const flag of DATA_DELIVERY_FLAGS) expect(typeof configuration[flag]).toBe('boolean');
      const { videoDataDeliveryEnabled: _omitted, ...four } = ALL_OFF;
      expect(storesContent({ ...four, s3Config: { bucketName: '' } })).toBe(true);
    }));

  test('A6: a Delete where nothing is set, and an identical Put, are no fault and change nothing', () =>
    simulate(async (s) => {
      const { settings } = s.state.services;
      await settings.deleteInvocationLogging(PAIR);
      expect((await settings.getInvocationLogging(PAIR)).kind).toBe('absent');
      await s.active();
      const [put] = s.puts;
      const before = s.setting();
      if (put !== undefined) s.somebodyPuts(put.configuration);
      expect(s.setting()).toEqual(before);
      await s.advanceTo(ENDS - 1);
      expect(s.isOn()).toBe(true);
      expect(s.events('exception.contested')).toEqual([]);
    }));

  test('A7: what approvers sign says which Region is recorded when a model is called through a cross-Region profile', () =>
    simulate(async (s) => {
      const record = await s.record(await s.request());
      const [admission] = record.admissions;
      if (admission === undefined) throw new Error('not admitted');
      const text = renderMarkdown(decisionSheet(record, admission));
      expect(text).toContain('us-east-1');
      expect(text).toMatch(
        /the record is written where a call is made, not where a cross-Region profile runs it/,
      );
    }));
});
