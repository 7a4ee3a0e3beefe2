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

/** Every place where content of this exception can stand. A prefix covers the `data/` folder of large bodies too. */
export function locationsOf(destination: Destination): readonly string[] {
  return destination.kind === 's3'
    ? [`s3://${destination.bucketName}/${destination.keyPrefix}`]
    : [`log group ${destination.logGroupName}`];
}

/** Deletes every version, delete marker, open upload, or the whole log group (single CloudWatch events cannot be deleted). */
export async function purge(
  destinations: Destinations,
  pair: Pair,
  destination: Destination,
): Promise<PurgeCounts> {
  if (destination.kind === 'cloudwatch-logs') {
    const there = await destinations.hasLogGroup(pair, destination.logGroupName);
    if (there) await destinations.deleteLogGroup(pair, destination.logGroupName);
    return { versions: 0, bytes: 0, uploads: 0, logGroups: there ? 1 : 0 };
  }
  const { bucketName, keyPrefix } = destination;
  const versions = (await destinations.listVersions(pair, bucketName, keyPrefix)).filter(isContent);
  const uploads = await destinations.listUploads(pair, bucketName, keyPrefix);
  if (uploads.length > 0) await destinations.abortUploads(pair, bucketName, uploads);
  if (versions.length > 0) await destinations.deleteVersions(pair, bucketName, versions);
  return {
    versions: versions.length,
    bytes: versions.reduce((sum, version) => sum + version.bytes, 0),
    uploads: uploads.length,
    logGroups: 0,
  };
}

/** Looks once at every location. @throws AwsCallError when any place cannot be listed completely: unknown is not empty */
export async function list(
  destinations: Destinations,
  pair: Pair,
  destination: Destination,
  at: EpochMs,
): Promise<Listing> {
  const locations = locationsOf(destination);
  if (destination.kind === 'cloudwatch-logs') {
    const there = await destinations.hasLogGroup(pair, destination.logGroupName);
    return { at, locations, versions: 0, deleteMarkers: 0, uploads: 0, logGroups: there ? 1 : 0 };
  }
  const { bucketName, keyPrefix } = destination;
  const versions = (await destinations.listVersions(pair, bucketName, keyPrefix)).filter(isContent);
  const uploads = await destinations.listUploads(pair, bucketName, keyPrefix);
  return {
    at,
    locations,
    versions: versions.filter(({ isDeleteMarker }) => !isDeleteMarker).length,
    deleteMarkers: versions.filter(({ isDeleteMarker }) => isDeleteMarker).length,
    uploads: uploads.length,
    logGroups: 0,
  };
}

/** A delete marker carries no content, but it hides a version that might; a proof has neither. */
export const isEmptyListing = (listing: Listing): boolean =>
  listing.versions + listing.deleteMarkers + listing.uploads + listing.logGroups === 0;
