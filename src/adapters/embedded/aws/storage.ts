import type { DatabaseSync } from 'node:sqlite';
import type { Clock, Ids } from '../../../core/index.ts';
import type {
  Destinations,
  Drainage,
  ObjectVersion,
  Pair,
  Upload,
  VaultCopies,
} from '../../../enforcement/index.ts';
import { AwsCallError } from '../../../exceptions/index.ts';
import { prepared } from '../statements.ts';
import { readDocument, writeDocument } from './database.ts';
import { withFaults } from './faults.ts';
import { type KeyFeatures, keyName, logGroupName } from './inspection.ts';
import { unobservable } from './settings.ts';

interface BucketRow {
  readonly name: string;
  readonly account: string;
  readonly region: string;
  readonly versioned: number;
  readonly object_lock: number;
  readonly kms_key: string | null;
}

/** The one stream that Bedrock writes in a log group. */
const BEDROCK_STREAM = 'aws/bedrock/modelinvocations';
const EVENTS_A_PAGE = 50;
const EVENT_ID = 20;

/** S3 and CloudWatch Logs, as far as content can land there. */
export function embeddedStorage(
  database: DatabaseSync,
  clock: Clock,
  ids: Ids,
): Destinations & Drainage & VaultCopies & EmbeddedStorage {
  const bucketOf = (name: string): BucketRow | undefined =>
    prepared(database, 'SELECT * FROM buckets WHERE name = ?').get(name) as BucketRow | undefined;

  /** A bucket of another account or Region answers like one that is not there. */
  const requireBucket = (pair: Pair, name: string): BucketRow => {
    const bucket = bucketOf(name);
    if (bucket === undefined || bucket.account !== pair.accountId || bucket.region !== pair.region) {
      throw new AwsCallError(
        'not-found',
        `NoSuchBucket: \`${name}\` is not in ${pair.accountId}, ${pair.region}`,
        false,
      );
    }
    return bucket;
  };

  const putObject = (bucketName: string, key: string, body: string | Uint8Array): void => {
    const bucket = bucketOf(bucketName);
    if (bucket === undefined) throw new AwsCallError('not-found', `NoSuchBucket: \`${bucketName}\``, false);
    if (bucket.versioned === 0)
      prepared(database, 'DELETE FROM versions WHERE bucket = ? AND key = ?').run(bucketName, key);
    const versionId = bucket.versioned === 0 ? 'null' : ids.next(32);
    prepared(
      database,
      'INSERT INTO versions (bucket, key, version_id, delete_marker, body) VALUES (?, ?, ?, 0, ?)',
    ).run(bucketName, key, versionId, Buffer.from(body));
  };

  const bodyOf = (bucketName: string, key: string, versionId?: string): Uint8Array | undefined => {
    const row = (
      versionId === undefined
        ? prepared(
            database,
            'SELECT body FROM versions WHERE bucket = ? AND key = ? AND delete_marker = 0 ORDER BY seq DESC LIMIT 1',
          ).get(bucketName, key)
        : prepared(database, 'SELECT body FROM versions WHERE bucket = ? AND key = ? AND version_id = ?').get(
            bucketName,
            key,
            versionId,
          )
    ) as { body: Uint8Array } | undefined;
    return row?.body;
  };
  const isKeyEnabled = (arn: string): boolean =>
    readDocument<KeyFeatures>(database, keyName(arn))?.isEnabled !== false;
  const listVersions: Destinations['listVersions'] = async (pair, bucketName, prefix) => {
    requireBucket(pair, bucketName);
    const rows = withFaults(database, 's3:ListObjectVersions', pair, () =>
      prepared(
        database,
        'SELECT key, version_id, delete_marker, length(body) AS bytes FROM versions WHERE bucket = ? AND substr(key, 1, ?) = ? ORDER BY key, seq DESC',
      ).all(bucketName, prefix.length, prefix),
    ) as { key: string; version_id: string; delete_marker: number; bytes: number }[];
    return rows.map(
      (row): ObjectVersion => ({
        key: row.key,
        versionId: row.version_id,
        isDeleteMarker: row.delete_marker === 1,
        bytes: row.bytes,
      }),
    );
  };
  const deleteVersions: Destinations['deleteVersions'] = async (pair, bucketName, versions) => {
    const bucket = requireBucket(pair, bucketName);
    if (bucket.object_lock === 1)
      throw new AwsCallError(
        'access-denied',
        `AccessDenied: Object Lock holds the versions in \`${bucketName}\``,
        false,
      );
    withFaults(database, 's3:DeleteObjects', pair, () => {
      const statement = prepared(
        database,
        'DELETE FROM versions WHERE bucket = ? AND key = ? AND version_id = ?',
      );
      for (const { key, versionId } of versions) statement.run(bucketName, key, versionId);
    });
  };

  return {
    async describeBucket(pair, bucketName) {
      const source = {
        call: 's3:HeadBucket + s3:GetBucketVersioning + s3:GetBucketObjectLockConfiguration + s3:GetEncryptionConfiguration',
        ...pair,
      };
      let bucket: BucketRow | undefined;
      try {
        bucket = withFaults(database, 's3:HeadBucket', pair, () => bucketOf(bucketName));
      } catch (error) {
        return unobservable(error, source);
      }
      if (bucket === undefined || bucket.account !== pair.accountId || bucket.region !== pair.region) {
        return { kind: 'absent', at: clock.now(), source };
      }
      return {
        kind: 'observed',
        at: clock.now(),
        source,
        value: {
          isInSameAccountAndRegion: true,
          isVersioned: bucket.versioned === 1,
          hasObjectLock: bucket.object_lock === 1,
          ...(bucket.kms_key === null ? {} : { kmsKeyArn: bucket.kms_key }),
        },
      };
    },
    listVersions,
    async listUploads(pair, bucketName, prefix) {
      requireBucket(pair, bucketName);
      const rows = withFaults(database, 's3:ListMultipartUploads', pair, () =>
        prepared(
          database,
          'SELECT key, upload_id FROM uploads WHERE bucket = ? AND substr(key, 1, ?) = ? ORDER BY key, upload_id',
        ).all(bucketName, prefix.length, prefix),
      ) as { key: string; upload_id: string }[];
      return rows.map((row): Upload => ({ key: row.key, uploadId: row.upload_id }));
    },
    deleteVersions,
    async copyVersion(pair, from, to) {
      requireBucket(pair, from.bucketName);
      const target = requireBucket(pair, to.bucketName);
      const { key, versionId } = from.version;
      withFaults(database, 's3:CopyObject', pair, () => {
        const source = bucketOf(from.bucketName)?.kms_key ?? null;
        if ((source !== null && !isKeyEnabled(source)) || !isKeyEnabled(to.kmsKeyArn))
          throw new AwsCallError('access-denied', 'KMS.DisabledException: the key is disabled', false);
        const row = prepared(
          database,
          'SELECT body FROM versions WHERE bucket = ? AND key = ? AND version_id = ? AND delete_marker = 0',
        ).get(from.bucketName, key, versionId) as { body: Uint8Array } | undefined;
        if (row === undefined) throw new AwsCallError('not-found', 'NoSuchVersion', false);
        if (target.versioned === 0)
          prepared(database, 'DELETE FROM versions WHERE bucket = ? AND key = ?').run(to.bucketName, to.key);
        prepared(
          database,
          'INSERT INTO versions (bucket, key, version_id, delete_marker, body) VALUES (?, ?, ?, 0, ?)',
        ).run(to.bucketName, to.key, target.versioned === 0 ? 'null' : ids.next(32), row.body);
      });
    },
    async readEvents(pair, name, { from, to }, token) {
      const group = prepared(
        database,
        'SELECT kms_key FROM log_groups WHERE account = ? AND region = ? AND name = ?',
      ).get(pair.accountId, pair.region, name) as { kms_key: string | null } | undefined;
      return withFaults(database, 'logs:FilterLogEvents', pair, () => {
        if (group === undefined) return undefined;
        if (group.kms_key !== null && !isKeyEnabled(group.kms_key))
          throw new AwsCallError(
            'access-denied',
            'logs:FilterLogEvents failed: AccessDeniedException',
            false,
          );
        // AWS may give an empty page at any place: here the first always is, and a page is short.
        if (token === undefined) return { events: [], next: '0' };
        const after = Number(token);
        const rows = prepared(
          database,
          'SELECT rowid AS id, stream, at, ingested, message FROM log_events WHERE account = ? AND region = ? AND name = ? AND at >= ? AND at < ? AND rowid > ? ORDER BY rowid LIMIT ?',
        ).all(
          pair.accountId,
          pair.region,
          name,
          from,
          to ?? Number.MAX_SAFE_INTEGER,
          after,
          EVENTS_A_PAGE,
        ) as {
          id: number;
          stream: string;
          at: number;
          ingested: number | null;
          message: string;
        }[];
        const last = rows.length < EVENTS_A_PAGE ? undefined : rows.at(-1);
        return {
          events: rows.map(({ id, stream, at, ingested, message }) => ({
            eventId: String(id).padStart(EVENT_ID, '0'),
            streamName: stream,
            timestamp: at,
            ingestionTime: ingested ?? at,
            message,
          })),
          ...(last === undefined ? {} : { next: String(last.id) }),
        };
      });
    },
    async writePart(pair, { bucketName, key, kmsKeyArn }, body) {
      requireBucket(pair, bucketName);
      withFaults(database, 's3:PutObject', pair, () => {
        if (!isKeyEnabled(kmsKeyArn))
          throw new AwsCallError('access-denied', 'KMS.DisabledException: the key is disabled', false);
        putObject(bucketName, key, body);
      });
    },
    async readPart(pair, bucketName, key) {
      requireBucket(pair, bucketName);
      return withFaults(database, 's3:GetObject', pair, () => bodyOf(bucketName, key));
    },
    async abortUploads(pair, bucketName, uploads) {
      requireBucket(pair, bucketName);
      withFaults(database, 's3:AbortMultipartUpload', pair, () => {
        const statement = prepared(database, 'DELETE FROM uploads WHERE bucket = ? AND upload_id = ?');
        for (const { uploadId } of uploads) statement.run(bucketName, uploadId);
      });
    },
    async hasLogGroup(pair, name) {
      return (
        prepared(database, 'SELECT 1 FROM log_groups WHERE account = ? AND region = ? AND name = ?').get(
          pair.accountId,
          pair.region,
          name,
        ) !== undefined
      );
    },
    async createLogGroup(pair, name, kmsKeyArn, retentionDays) {
      prepared(
        database,
        'INSERT OR IGNORE INTO log_groups (account, region, name, kms_key) VALUES (?, ?, ?, ?)',
      ).run(pair.accountId, pair.region, name, kmsKeyArn);
      const features = logGroupName(pair, name);
      writeDocument(database, features, { ...readDocument<object>(database, features), retentionDays });
    },
    async deleteLogGroup(pair, name) {
      prepared(database, 'DELETE FROM log_events WHERE account = ? AND region = ? AND name = ?').run(
        pair.accountId,
        pair.region,
        name,
      );
      prepared(database, 'DELETE FROM log_groups WHERE account = ? AND region = ? AND name = ?').run(
        pair.accountId,
        pair.region,
        name,
      );
      prepared(database, 'DELETE FROM documents WHERE name = ?').run(logGroupName(pair, name));
    },

    listRaw: listVersions,
    deleteRaw: deleteVersions,
    async readRaw(pair, bucketName, { key, versionId, bytes }, mostBytes) {
      requireBucket(pair, bucketName);
      if (bytes > mostBytes) return 'too-large';
      return withFaults(database, 's3:GetObject', pair, () => bodyOf(bucketName, key, versionId));
    },
    async writeVault(pair, bucketName, key, body) {
      requireBucket(pair, bucketName);
      withFaults(database, 's3:PutObject', pair, () => putObject(bucketName, key, body));
    },
    async copyToVault(pair, bucketName, from, key) {
      requireBucket(pair, bucketName);
      const body = bodyOf(bucketName, from.key, from.versionId);
      if (body === undefined) return false;
      withFaults(database, 's3:CopyObject', pair, () => putObject(bucketName, key, body));
      return true;
    },
    async readOrMakeKey(pair, bucketName, key, fresh) {
      requireBucket(pair, bucketName);
      const there = bodyOf(bucketName, key);
      if (there !== undefined) return Buffer.from(there).toString('utf8');
      withFaults(database, 's3:PutObject', pair, () => putObject(bucketName, key, fresh));
      return fresh;
    },

    takes(bucketName) {
      const key = bucketOf(bucketName)?.kms_key ?? null;
      return key === null || isKeyEnabled(key);
    },
    putObject,
    deleteObject(bucketName, key) {
      const bucket = bucketOf(bucketName);
      if (bucket?.versioned !== 1) {
        prepared(database, 'DELETE FROM versions WHERE bucket = ? AND key = ?').run(bucketName, key);
        return;
      }
      prepared(
        database,
        'INSERT INTO versions (bucket, key, version_id, delete_marker, body) VALUES (?, ?, ?, 1, ?)',
      ).run(bucketName, key, ids.next(32), Buffer.alloc(0));
    },
    startUpload(bucketName, key, part) {
      prepared(database, 'INSERT INTO uploads (upload_id, bucket, key, body) VALUES (?, ?, ?, ?)').run(
        ids.next(32),
        bucketName,
        key,
        Buffer.from(part),
      );
    },
    appendLogEvent(pair, name, message, { at = clock.now(), streamName = BEDROCK_STREAM } = {}) {
      prepared(
        database,
        'INSERT INTO log_events (account, region, name, at, message, stream, ingested) SELECT account, region, name, ?, ?, ?, ? FROM log_groups WHERE account = ? AND region = ? AND name = ?',
      ).run(at, message, streamName, clock.now(), pair.accountId, pair.region, name);
    },
    createBucket(pair, name, options) {
      prepared(
        database,
        'INSERT OR IGNORE INTO buckets (name, account, region, versioned, object_lock, kms_key) VALUES (?, ?, ?, ?, ?, ?)',
      ).run(
        name,
        pair.accountId,
        pair.region,
        options.isVersioned ? 1 : 0,
        options.hasObjectLock ? 1 : 0,
        options.kmsKeyArn ?? null,
      );
    },
  };
}

/** What Bedrock, people and the simulator do there. */
export interface EmbeddedStorage {
  /** Whether Bedrock can deliver there: what is encrypted with a disabled key can be neither written nor read. */
  takes(bucketName: string): boolean;
  putObject(bucketName: string, key: string, body: string | Uint8Array): void;
  /** In a versioned bucket: adds a delete marker, as S3 does. */
  deleteObject(bucketName: string, key: string): void;
  /** A multipart upload that is not completed: invisible to ordinary listings, and its parts are content. */
  startUpload(bucketName: string, key: string, part: string): void;
  /** With its own time and stream: now, and the one that Bedrock writes. */
  appendLogEvent(
    pair: Pair,
    logGroupName: string,
    message: string,
    more?: { readonly at?: number; readonly streamName?: string },
  ): void;
  createBucket(
    pair: Pair,
    name: string,
    options: { isVersioned: boolean; hasObjectLock: boolean; kmsKeyArn?: string },
  ): void;
}
