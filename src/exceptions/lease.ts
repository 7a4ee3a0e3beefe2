import { type DurationMs, durationMs, type EpochMs, type ExceptionId, epochMs } from '../core/index.ts';
import { DATA_DELIVERY_FLAGS, type LoggingConfiguration, type S3Destination } from '../evidence/index.ts';
import type { BaselineConfiguration, Destination, Lease, LeaseRow } from './types.ts';

/*
 * The one equation (docs/concepts.md). Workflow, sweeper, dead man's switch, CLI and reports call these functions; a test
 * asserts that no second copy of the comparison with `expiresAt` exists.
 */

/**
 * `now == expiresAt` is dead, everywhere. A revoked lease is dead at once, whatever its window says, and so is one whose window
 * was given back: another lease may hold that window by now.
 */
export const isActive = (lease: Lease, now: EpochMs): boolean =>
  lease.startsAt <= now &&
  now < lease.expiresAt &&
  lease.revoked === undefined &&
  lease.released === undefined;

/** From when on content storage under the lease must be off: its own end, or an earlier revocation. */
export const endOf = ({ expiresAt, revoked }: Pick<Lease, 'expiresAt' | 'revoked'>): EpochMs =>
  revoked !== undefined && revoked.at < expiresAt ? revoked.at : expiresAt;

/** Whether the window is past. Unlike `isActive` it says nothing of a beginning or a revocation. */
export const isOver = (lease: Lease, now: EpochMs): boolean => now >= lease.expiresAt;

export type Desired =
  | { readonly kind: 'lease'; readonly lease: Lease; readonly configuration: LoggingConfiguration }
  | { readonly kind: 'baseline'; readonly configuration: LoggingConfiguration | undefined };

/** What invocation logging of the pair should be at `now`: the active lease's configuration, else the baseline. */
export function desired(row: LeaseRow | undefined, baseline: BaselineConfiguration, now: EpochMs): Desired {
  const lease = row?.leases.find((candidate) => isActive(candidate, now));
  return lease
    ? { kind: 'lease', lease, configuration: lease.configuration }
    : { kind: 'baseline', configuration: baseline.kind === 'none' ? undefined : baseline.configuration };
}

/** A flag that is not explicitly `false` counts as on. A large-data bucket can receive bodies, so it counts as content too. */
export const storesContent = (configuration: LoggingConfiguration | undefined): boolean =>
  configuration !== undefined &&
  (DATA_DELIVERY_FLAGS.some((flag) => configuration[flag] !== false) ||
    largeData(configuration) !== undefined);

/**
 * Whether nothing observed stores more, elsewhere or longer than desired: every destination it has is desired too, and its
 * flags are a subset. Metadata without content is always within: it is never a content violation.
 */
export function isWithin(
  observed: LoggingConfiguration | undefined,
  wanted: LoggingConfiguration | undefined,
): boolean {
  if (observed === undefined || !storesContent(observed)) return true;
  if (wanted === undefined) return false;
  const flagsSubset = DATA_DELIVERY_FLAGS.every((flag) => observed[flag] === false || wanted[flag] === true);
  const logGroup = nonEmpty(observed.cloudWatchConfig?.logGroupName);
  return (
    flagsSubset &&
    (logGroup === undefined || logGroup === nonEmpty(wanted.cloudWatchConfig?.logGroupName)) &&
    isSameOrNone(observed.s3Config, wanted.s3Config) &&
    isSameOrNone(largeData(observed), largeData(wanted))
  );
}

/** Whether any content that `observed` stores would land where the lease's content lands, whatever else it stores, and where else. */
export function reaches(observed: LoggingConfiguration | undefined, destination: Destination): boolean {
  if (observed === undefined || !storesContent(observed)) return false;
  if (destination.kind === 'cloudwatch-logs')
    return observed.cloudWatchConfig?.logGroupName === destination.logGroupName;
  // Bedrock writes below `<prefix>AWSLogs/`: that is where content of this configuration lands.
  const overlaps = (place: S3Destination | undefined): boolean => {
    if (nonEmpty(place?.bucketName) !== destination.bucketName) return false;
    const lands = `${place?.keyPrefix ?? ''}AWSLogs/`;
    return lands.startsWith(destination.keyPrefix) || destination.keyPrefix.startsWith(lands);
  };
  return overlaps(observed.s3Config) || overlaps(largeData(observed));
}

/**
 * Whether everything that `observed` stores lands where, by its name, only this exception's content does (`withOwnDestination`): for whoever cannot
 * read the lease. Bucket and kinds of content are not in the id, so of those this says nothing.
 */
export function isNamedAfter(observed: LoggingConfiguration, id: ExceptionId): boolean {
  const prefixes = [observed.s3Config, largeData(observed)].flatMap((place) =>
    nonEmpty(place?.bucketName) === undefined ? [] : [place?.keyPrefix ?? ''],
  );
  const logGroup = nonEmpty(observed.cloudWatchConfig?.logGroupName);
  return [...prefixes, ...(logGroup === undefined ? [] : [logGroup])].every((name) =>
    name.split('/').includes(id),
  );
}

/**
 * Whether `observed` is what our own Put of `put` reads back as: the same destinations, and every flag either equal or left out.
 * AWS has been seen to leave flags out of its answer [known from a third party]; only right after a Put of ours is that believed.
 */
export const isOwnPut = (observed: LoggingConfiguration, put: LoggingConfiguration): boolean =>
  DATA_DELIVERY_FLAGS.every((flag) => observed[flag] === undefined || observed[flag] === put[flag]) &&
  placesOf(observed).every((place, index) => place === placesOf(put)[index]);

const placesOf = (configuration: LoggingConfiguration): readonly (string | undefined)[] => {
  const s3 = nonEmpty(configuration.s3Config?.bucketName);
  const large = largeData(configuration);
  return [
    nonEmpty(configuration.cloudWatchConfig?.logGroupName),
    s3,
    s3 === undefined ? undefined : (configuration.s3Config?.keyPrefix ?? ''),
    large?.bucketName,
    large === undefined ? undefined : (large.keyPrefix ?? ''),
  ];
};

/** An empty-string bucket is no destination. */
const largeData = (configuration: LoggingConfiguration): S3Destination | undefined =>
  nonEmpty(configuration.cloudWatchConfig?.largeDataDeliveryS3Config?.bucketName) === undefined
    ? undefined
    : configuration.cloudWatchConfig?.largeDataDeliveryS3Config;

function isSameOrNone(observed: S3Destination | undefined, wanted: S3Destination | undefined): boolean {
  const bucket = nonEmpty(observed?.bucketName);
  if (bucket === undefined) return true;
  return bucket === nonEmpty(wanted?.bucketName) && (observed?.keyPrefix ?? '') === (wanted?.keyPrefix ?? '');
}

const nonEmpty = (text: string | undefined): string | undefined =>
  text === undefined || text === '' ? undefined : text;

/** Time the lease takes from the pair's budget: to the read-back, not to the plan. Half-open. */
export function leasedInterval(lease: Lease, now: EpochMs): { from: EpochMs; to: EpochMs } | undefined {
  if (lease.released === true) return undefined;
  if (lease.offAt !== undefined) return { from: lease.startsAt, to: lease.offAt };
  // Not yet seen off: an overdue lease goes on counting, one still in its window counts to its end.
  const to = lease.enabling === undefined ? lease.expiresAt : epochMs(Math.max(lease.expiresAt, now));
  return { from: lease.startsAt, to };
}

/** The live lease whose window overlaps `[startsAt, endsAt)`, if any. Touching windows do not overlap. */
export function overlapping(
  row: LeaseRow | undefined,
  startsAt: EpochMs,
  endsAt: EpochMs,
  now: EpochMs,
): Lease | undefined {
  return row?.leases.find((lease) => {
    const interval = leasedInterval(lease, now);
    return interval !== undefined && interval.from < endsAt && startsAt < interval.to;
  });
}

/**
 * The most time that any rolling window of length `windowLength` would hold if `[startsAt, endsAt)` were leased too.
 * A sum of intervals over a sliding window is largest where the window begins with one of them or ends with one of them.
 */
export function mostLeasedTime(
  row: LeaseRow | undefined,
  candidate: { readonly startsAt: EpochMs; readonly endsAt: EpochMs },
  windowLength: DurationMs,
  now: EpochMs,
): DurationMs {
  const intervals = (row?.leases ?? []).flatMap((lease) => leasedInterval(lease, now) ?? []);
  intervals.push({ from: candidate.startsAt, to: candidate.endsAt });
  const starts = intervals.flatMap((interval) => [interval.from, interval.to - windowLength]);
  const sums = starts.map((start) =>
    intervals.reduce(
      (sum, { from, to }) => sum + Math.max(0, Math.min(to, start + windowLength) - Math.max(from, start)),
      0,
    ),
  );
  return durationMs(Math.max(0, ...sums));
}
