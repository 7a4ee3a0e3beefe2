import { accountId, epochMs, exceptionId, HOUR, region } from '../src/core/index.ts';
import { reconcilePair, type Services } from '../src/enforcement/index.ts';
import type { LoggingConfiguration, Observation } from '../src/evidence/index.ts';
import { encode, leaseKey, type StoredRecord } from '../src/exceptions/index.ts';
import { measure, type Suite, timed } from './measure.ts';

/*
 * One sweep's reconciliation of 10,000 leases in this process: read the row and the exception, observe, plan. Records and settings are in
 * memory, so what is measured is ours and not a disk's or a network's. Everything is as it should be, which is what a sweep finds.
 */

const LEASES = 10_000;
const NOW = epochMs(Date.parse('2026-11-20T12:00:00Z'));
const REGION = region('us-east-1');

function estate(): { readonly services: Services; readonly pairs: readonly ReturnType<typeof pairOf>[] } {
  const records = new Map<string, StoredRecord>();
  const observed = new Map<string, Observation<LoggingConfiguration>>();
  const pairs = Array.from({ length: LEASES }, (_, index) => pairOf(index));
  for (const [index, pair] of pairs.entries()) {
    const id = exceptionId(`ex-${String(index).padStart(12, '0')}`);
    const configuration = {
      s3Config: { bucketName: `content-${index}`, keyPrefix: `incidents/${id}` },
      textDataDeliveryEnabled: true,
      imageDataDeliveryEnabled: false,
      embeddingDataDeliveryEnabled: false,
      videoDataDeliveryEnabled: false,
      audioDataDeliveryEnabled: false,
    };
    const startsAt = epochMs(NOW - HOUR);
    const lease = {
      exceptionId: id,
      startsAt,
      expiresAt: epochMs(NOW + HOUR),
      configuration,
      baseline: { kind: 'none' },
      destination: { kind: 's3', bucketName: `content-${index}`, keyPrefix: 'incidents/' },
      enabling: { at: startsAt, until: epochMs(startsAt + 40_000) },
    };
    const put = (key: string, value: object) => records.set(key, { key, version: 1, value: encode(value) });
    put(leaseKey(pair.accountId, pair.region), { ...pair, leases: [lease] });
    put(`exception/${id}`, { id, state: 'active', request: pair });
    observed.set(pair.accountId, {
      kind: 'observed',
      value: configuration,
      at: NOW,
      source: { call: 'bedrock:GetModelInvocationLoggingConfiguration', ...pair },
    });
  }
  const refuse = () => {
    throw new Error('nothing is to be done here');
  };
  const services = {
    clock: { now: () => NOW },
    store: { read: async (key: string) => records.get(key), commit: refuse },
    settings: {
      getInvocationLogging: async (pair: ReturnType<typeof pairOf>) => observed.get(pair.accountId),
      putInvocationLogging: refuse,
      deleteInvocationLogging: refuse,
    },
    recorder: { record: refuse },
  } as unknown as Services;
  return { services, pairs };
}

const pairOf = (index: number) => ({ accountId: accountId(String(100_000_000_000 + index)), region: REGION });

export const suite: Suite = {
  name: 'reconcile',
  async run() {
    const { services, pairs } = estate();
    const actor = { kind: 'sweeper', id: 'bench' } as const;
    return [
      await measure(
        `reconcile ${LEASES} live leases, all as they should be`,
        'ms',
        5,
        () =>
          timed(async () => {
            for (const pair of pairs) {
              const { plan } = await reconcilePair(services, pair, actor, NOW);
              if (plan.kind !== 'leave') throw new Error(`planned ${plan.kind}`);
            }
          }),
        'one process, records and settings in memory',
      ),
    ];
  },
};
