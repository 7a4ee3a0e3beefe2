import type { EpochMs } from '../core/index.ts';
import type { Destination, Listing, PurgeCounts } from '../exceptions/index.ts';
import type { Destinations, ObjectVersion, Pair } from './ports.ts';

/**
 * Bedrock writes a zero-byte object of this name under every configured prefix and leaves it there; it holds no content. An
 * object of that name *with* bytes is content. [known from independent readers, not documented by AWS]
 */
const PERMISSION_MARKER = 'amazon-bedrock-logs-permission-check';

export const isContent = (version: ObjectVersion): boolean =>
  version.bytes > 0 || !version.key.endsWith(PERMISSION_MARKER);

/** A bucket and a prefix in it. */
export interface BucketPrefix {
  readonly bucketName: string;
  readonly keyPrefix: string;
}
const placesOf = (destination: Destination, more: readonly BucketPrefix[]): readonly BucketPrefix[] =>
  destination.kind === 's3' ? [destination, ...more] : more;

/**
 * Every place where content of this exception can stand. A prefix covers the `data/` folder of large bodies too.
 * @param more - vaults of holds that were released
 */
export function locationsOf(destination: Destination, more: readonly BucketPrefix[] = []): readonly string[] {
  return [
    ...(destination.kind === 's3' ? [] : [`log group ${destination.logGroupName}`]),
    ...placesOf(destination, more).map(({ bucketName, keyPrefix }) => `s3://${bucketName}/${keyPrefix}`),
  ];
}

export const addCounts = (one: PurgeCounts, other: PurgeCounts): PurgeCounts => ({
  versions: one.versions + other.versions,
  bytes: one.bytes + other.bytes,
  uploads: one.uploads + other.uploads,
  logGroups: one.logGroups + other.logGroups,
});
export const NOTHING_PURGED: PurgeCounts = { versions: 0, bytes: 0, uploads: 0, logGroups: 0 };

/** What may be deleted at one place while a hold stands: what is not in scope, and what was seen in its vault. */
export interface MayDelete {
  version(version: ObjectVersion): boolean;
  readonly logGroup: boolean;
}
export const ALL_MAY_GO: MayDelete = { version: () => true, logGroup: true };
export const NOTHING_MAY_GO: MayDelete = { version: () => false, logGroup: false };

/**
 * Deletes every version, delete marker, open upload, or the whole log group (single CloudWatch events cannot be deleted).
 * @param more - further places; all of them are emptied
 * @param may - what is kept for Legal stays at the destination
 */
export async function purge(
  destinations: Destinations,
  pair: Pair,
  destination: Destination,
  more: readonly BucketPrefix[] = [],
  may: MayDelete = ALL_MAY_GO,
): Promise<PurgeCounts> {
  let counts = NOTHING_PURGED;
  if (destination.kind === 'cloudwatch-logs' && may.logGroup) {
    const there = await destinations.hasLogGroup(pair, destination.logGroupName);
    if (there) await destinations.deleteLogGroup(pair, destination.logGroupName);
    counts = { ...counts, logGroups: there ? 1 : 0 };
  }
  for (const { bucketName, keyPrefix } of placesOf(destination, more)) {
    const versions = (await destinations.listVersions(pair, bucketName, keyPrefix))
      .filter(isContent)
      .filter(may.version);
    const uploads = await destinations.listUploads(pair, bucketName, keyPrefix);
    if (uploads.length > 0) await destinations.abortUploads(pair, bucketName, uploads);
    if (versions.length > 0) await destinations.deleteVersions(pair, bucketName, versions);
    counts = addCounts(counts, {
      versions: versions.length,
      bytes: versions.reduce((sum, version) => sum + version.bytes, 0),
      uploads: uploads.length,
      logGroups: 0,
    });
  }
  return counts;
}

/** Looks once at every location. @throws AwsCallError when any place cannot be listed completely: unknown is not empty */
export async function list(
  destinations: Destinations,
  pair: Pair,
  destination: Destination,
  at: EpochMs,
  more: readonly BucketPrefix[] = [],
): Promise<Listing> {
  const isGroupThere =
    destination.kind === 'cloudwatch-logs' &&
    (await destinations.hasLogGroup(pair, destination.logGroupName));
  const versions: ObjectVersion[] = [];
  let uploads = 0;
  for (const { bucketName, keyPrefix } of placesOf(destination, more)) {
    versions.push(...(await destinations.listVersions(pair, bucketName, keyPrefix)).filter(isContent));
    uploads += (await destinations.listUploads(pair, bucketName, keyPrefix)).length;
  }
  const deleteMarkers = versions.filter(({ isDeleteMarker }) => isDeleteMarker).length;
  return {
    at,
    locations: locationsOf(destination, more),
    versions: versions.length - deleteMarkers,
    deleteMarkers,
    uploads,
    logGroups: isGroupThere ? 1 : 0,
  };
}

/** A delete marker carries no content, but it hides a version that might; a proof has neither. */
export const isEmptyListing = (listing: Listing): boolean =>
  listing.versions + listing.deleteMarkers + listing.uploads + listing.logGroups === 0;
