import { type DurationMs, durationMs, type EpochMs, formatInstant } from '../core/index.ts';
import { bucketPurgeObstacles, bucketRetention } from './bucket.ts';
import { logGroupPurgeObstacles, logGroupRetention } from './log-group.ts';
import type { BucketRetention, LogGroupRetention, Place, PurgeObstacle, Retention } from './types.ts';

/** What was seen of the bucket or log group of a place; `undefined` when nobody looked. */
export type StoreRetention = BucketRetention | LogGroupRetention;

/**
 * When content that lands in `place` at `writtenAt` is gone without anybody's doing. The one entry: inventory, controls, previews and
 * preflight ask here. A store that is not the place's own is a mistake of the caller.
 *
 * @throws {TypeError} `store` is another bucket or log group than `place` names
 */
export function effectiveRetention(
  place: Place,
  store: StoreRetention | undefined,
  writtenAt: EpochMs,
): Retention {
  if (store === undefined)
    return {
      outcome: 'unknown',
      steps: [{ rule: 'not-seen', says: `${nameOf(place)} could not be seen: not-collected` }],
      copies: [],
    };
  assertSame(place, store);
  return place.kind === 's3' && store.kind === 's3'
    ? bucketRetention(store, { prefix: place.prefix, writtenAt })
    : logGroupRetention(store as LogGroupRetention, writtenAt, place.region);
}

/** What a purge of `place` would run into; empty when nothing is in its way. */
export function purgeObstacles(
  place: Place,
  store: StoreRetention | undefined,
  writtenAt: EpochMs,
): readonly PurgeObstacle[] {
  if (store === undefined)
    return [{ rule: 'not-seen', says: `${nameOf(place)} could not be seen: not-collected` }];
  assertSame(place, store);
  return store.kind === 's3' ? bucketPurgeObstacles(store, writtenAt) : logGroupPurgeObstacles(store);
}

/**
 * Whether everything that lands in the place is due within `limit` of its writing and goes nowhere else. `undefined`: not known.
 * Counted to the expiry that AWS is told, not through its lag: no setting could shorten that.
 */
export function isWithinRetention(
  retention: Retention,
  writtenAt: EpochMs,
  limit: DurationMs,
): boolean | undefined {
  if (retention.outcome === 'never-ends' || retention.copies.length > 0) return false;
  if (retention.outcome === 'unknown') return undefined;
  return durationMs(retention.due - writtenAt) <= limit;
}

/** One line for a table: `due 2026-12-06T00:00:00Z`, `never`, `unknown`. */
export function retentionWords(retention: Retention): string {
  const copies =
    retention.copies.length === 0 ? '' : `; copied to ${retention.copies.map(({ to }) => to).join(', ')}`;
  switch (retention.outcome) {
    case 'never-ends':
      return `never${copies}`;
    case 'unknown':
      return `unknown${copies}`;
    case 'ends':
      return retention.by === undefined
        ? `due ${formatInstant(retention.due)}, then AWS deletes without a documented limit${copies}`
        : `gone by ${formatInstant(retention.by)}${copies}`;
  }
}

const nameOf = (place: Place): string =>
  place.kind === 's3' ? `bucket \`${place.bucketName}\`` : `log group \`${place.logGroupName}\``;

function assertSame(place: Place, store: StoreRetention): void {
  const same =
    place.kind === 's3'
      ? store.kind === 's3' && store.bucketName === place.bucketName
      : store.kind === 'cloudwatch-logs' && store.logGroupName === place.logGroupName;
  if (!same) throw new TypeError(`the evidence is not that of ${nameOf(place)}`);
}
