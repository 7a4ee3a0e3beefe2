import { beforeEach, expect } from 'vitest';
import type { Pair, PromptStorageSettings } from '../../src/enforcement/index.ts';
import type { CompleteLoggingConfiguration } from '../../src/exceptions/index.ts';
import { contractCases, type Gap } from './contract.ts';

export interface SettingsSubject {
  readonly settings: PromptStorageSettings;
  /** Two pairs with nothing configured. */
  readonly pairs: readonly [Pair, Pair];
  /** A bucket in each pair. */
  readonly buckets: readonly [string, string];
}

/** What model invocation logging does, wherever it is. */
export function settingsContract(make: () => Promise<SettingsSubject>, gaps: readonly Gap[] = []): void {
  const test = contractCases(gaps);
  let subject: SettingsSubject;
  beforeEach(async () => {
    subject = await make();
  });
  const configuration = (bucketName: string, text: boolean): CompleteLoggingConfiguration => ({
    s3Config: { bucketName, keyPrefix: 'content/ex-000000000000/' },
    textDataDeliveryEnabled: text,
    imageDataDeliveryEnabled: false,
    embeddingDataDeliveryEnabled: false,
    videoDataDeliveryEnabled: false,
    audioDataDeliveryEnabled: false,
  });

  test('nothing configured is absent', async () => {
    const { settings, pairs } = subject;
    expect(await settings.getInvocationLogging(pairs[0])).toMatchObject({ kind: 'absent' });
  });

  test('reads back exactly what was put, and only there', async () => {
    const { settings, pairs, buckets } = subject;
    await settings.putInvocationLogging(pairs[0], configuration(buckets[0], true), 10_000);
    expect(await settings.getInvocationLogging(pairs[0])).toMatchObject({
      kind: 'observed',
      value: configuration(buckets[0], true),
    });
    expect(await settings.getInvocationLogging(pairs[1])).toMatchObject({ kind: 'absent' });
  });

  test('a second put replaces the whole configuration', async () => {
    const { settings, pairs, buckets } = subject;
    await settings.putInvocationLogging(pairs[0], configuration(buckets[0], true), 10_000);
    await settings.putInvocationLogging(pairs[0], configuration(buckets[0], false), 10_000);
    expect(await settings.getInvocationLogging(pairs[0])).toMatchObject({
      value: configuration(buckets[0], false),
    });
  });

  test('deleting leaves nothing, also the second time', async () => {
    const { settings, pairs, buckets } = subject;
    await settings.putInvocationLogging(pairs[0], configuration(buckets[0], true), 10_000);
    await settings.deleteInvocationLogging(pairs[0]);
    await settings.deleteInvocationLogging(pairs[0]);
    expect(await settings.getInvocationLogging(pairs[0])).toMatchObject({ kind: 'absent' });
  });
}
