import { beforeEach, expect } from 'vitest';
import type { DataRetentionSettings, Pair } from '../../src/enforcement/index.ts';
import { contractCases, type Gap } from './contract.ts';

export interface RetentionSubject {
  readonly retention: DataRetentionSettings;
  /** Two pairs, neither of them in mode `none`. */
  readonly pairs: readonly [Pair, Pair];
}

/** What the account's data-retention mode does, wherever it is. */
export function retentionContract(make: () => Promise<RetentionSubject>, gaps: readonly Gap[] = []): void {
  const test = contractCases(gaps);
  let subject: RetentionSubject;
  beforeEach(async () => {
    subject = await make();
  });

  test('sets `none`, also the second time, and only there', async () => {
    const { retention, pairs } = subject;
    await retention.setDataRetentionToNone(pairs[0]);
    await retention.setDataRetentionToNone(pairs[0]);
    expect(await retention.getDataRetention(pairs[0])).toMatchObject({
      kind: 'observed',
      value: { mode: 'none' },
    });
    expect(await retention.getDataRetention(pairs[1])).not.toMatchObject({ value: { mode: 'none' } });
  });
}
