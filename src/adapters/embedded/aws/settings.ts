import type { DatabaseSync } from 'node:sqlite';
import { type Clock, Recent } from '../../../core/index.ts';
import type { DataRetentionSettings, Pair, PromptStorageSettings } from '../../../enforcement/index.ts';
import {
  DATA_DELIVERY_FLAGS,
  type DataRetention,
  type FactSource,
  type LoggingConfiguration,
  type Observation,
} from '../../../evidence/index.ts';
import { AwsCallError, type CompleteLoggingConfiguration } from '../../../exceptions/index.ts';
import { prepared } from '../statements.ts';
import { inTransaction } from './database.ts';
import { withFaults } from './faults.ts';

const GET = 'bedrock:GetModelInvocationLoggingConfiguration';
const PUT = 'bedrock:PutModelInvocationLoggingConfiguration';
const DELETE = 'bedrock:DeleteModelInvocationLoggingConfiguration';
const GET_MODE = 'bedrock:GetAccountDataRetention';
const PUT_MODE = 'bedrock:PutAccountDataRetention';

/** Told of every write that succeeded, as CloudTrail is. */
type Called = (pair: Pair, eventSource: string, eventName: string, callerArn: string) => void;
const OURS = ({ accountId }: Pair) => `arn:aws:sts::${accountId}:assumed-role/ProvisoDisable/proviso`;
const THEIRS = ({ accountId }: Pair) => `arn:aws:sts::${accountId}:assumed-role/SomebodyElse/session`;

/** Settings that are kept in memory at least. */
const KEPT = 16_384;
const placeOf = ({ accountId, region }: Pair): string => `${accountId}/${region}`;

/** How long a reading may lag behind a write. AWS documents no bound. */
const STALE_MS = 60_000;

/**
 * Bedrock's model invocation logging. Stricter than AWS: a Put with an omitted flag, without a destination, or towards a bucket
 * or log group that is not in the same account and Region is refused.
 */
export function embeddedSettings(
  database: DatabaseSync,
  clock: Clock,
  called: Called = () => undefined,
): PromptStorageSettings & EmbeddedSettings {
  // One process has the database and writes the setting here alone: what was read or written last stands.
  const known = new Recent<string, { readonly logging: string | null }>(KEPT);
  const write = (pair: Pair, logging: string | null, by = OURS): void => {
    known.delete(placeOf(pair));
    inTransaction(database, () => writeAll(pair, logging, by(pair)));
  };
  const writeAll = (pair: Pair, logging: string | null, by: string): void => {
    prepared(
      database,
      `INSERT INTO settings_before (account, region, logging, written_at)
         VALUES (?1, ?2, (SELECT logging FROM settings WHERE account = ?1 AND region = ?2), ?3)
         ON CONFLICT (account, region) DO UPDATE SET logging = excluded.logging, written_at = excluded.written_at
         WHERE written_at <= ?4`,
    ).run(pair.accountId, pair.region, clock.now(), clock.now() - STALE_MS);
    prepared(
      database,
      'INSERT INTO settings (account, region, logging) VALUES (?, ?, ?) ON CONFLICT (account, region) DO UPDATE SET logging = excluded.logging',
    ).run(pair.accountId, pair.region, logging);
    called(pair, 'bedrock.amazonaws.com', (logging === null ? DELETE : PUT).slice('bedrock:'.length), by);
  };

  // One process has the database: when the next Put lands is known until one is added or lands.
  let landing: { readonly next: number | undefined } | undefined;
  const nextLanding = (): number | undefined => {
    if (landing === undefined) {
      const row = prepared(database, 'SELECT min(lands_at) AS at FROM landing').get() as {
        at: number | null;
      };
      landing = { next: row.at ?? undefined };
    }
    return landing.next;
  };

  /** Puts that timed out at the caller reach the service later. */
  const land = (): void => {
    const next = nextLanding();
    if (next === undefined || next > clock.now()) return;
    const due = prepared(
      database,
      'SELECT id, account, region, logging FROM landing WHERE lands_at <= ? ORDER BY lands_at, id',
    ).all(clock.now()) as {
      id: number;
      account: Pair['accountId'];
      region: Pair['region'];
      logging: string;
    }[];
    for (const { id, account, region, logging } of due) {
      write({ accountId: account, region }, logging);
      prepared(database, 'DELETE FROM landing WHERE id = ?').run(id);
      landing = undefined;
    }
  };

  const current = (pair: Pair): { readonly logging: string | null } | undefined => {
    const place = placeOf(pair);
    const before = known.get(place);
    if (before !== undefined) return before;
    const row = prepared(database, 'SELECT logging FROM settings WHERE account = ? AND region = ?').get(
      pair.accountId,
      pair.region,
    ) as { logging: string | null } | undefined;
    if (row !== undefined) known.set(place, row);
    return row;
  };

  /** Eventually consistent: the setting before the first of the writes of the last minute. */
  const stale = (pair: Pair) =>
    (prepared(
      database,
      'SELECT logging FROM settings_before WHERE account = ? AND region = ? AND written_at > ?',
    ).get(pair.accountId, pair.region, clock.now() - STALE_MS) as { logging: string | null } | undefined) ??
    current(pair);

  const validate = (pair: Pair, configuration: LoggingConfiguration): void => {
    const refuse = (why: string): never => {
      throw new AwsCallError('validation', `${PUT} failed: ValidationException: ${why}`, false);
    };
    const missing = DATA_DELIVERY_FLAGS.find((flag) => configuration[flag] === undefined);
    if (missing) refuse(`${missing} is omitted, which AWS is believed to read as true`);
    const { s3Config, cloudWatchConfig } = configuration;
    if (!s3Config && !cloudWatchConfig) refuse('a destination is needed');
    const buckets = [s3Config?.bucketName, cloudWatchConfig?.largeDataDeliveryS3Config?.bucketName].filter(
      (name) => name !== undefined,
    );
    for (const name of buckets) {
      const there = prepared(
        database,
        'SELECT 1 FROM buckets WHERE name = ? AND account = ? AND region = ?',
      ).get(name, pair.accountId, pair.region);
      if (!there) refuse(`Failed to validate permissions for bucket: ${name}`);
    }
    if (cloudWatchConfig) {
      const there = prepared(
        database,
        'SELECT 1 FROM log_groups WHERE name = ? AND account = ? AND region = ?',
      ).get(cloudWatchConfig.logGroupName ?? '', pair.accountId, pair.region);
      if (!there)
        refuse(`Failed to validate permissions for log group: ${cloudWatchConfig.logGroupName ?? ''}`);
    }
  };

  const put = (pair: Pair, configuration: LoggingConfiguration): void => {
    validate(pair, configuration);
    withFaults(
      database,
      PUT,
      pair,
      () => write(pair, JSON.stringify(configuration)),
      (delayMs) => {
        prepared(
          database,
          'INSERT INTO landing (account, region, logging, lands_at) VALUES (?, ?, ?, ?)',
        ).run(pair.accountId, pair.region, JSON.stringify(configuration), clock.now() + delayMs);
        landing = undefined;
      },
    );
  };

  return {
    async getInvocationLogging(pair) {
      land();
      const source = { call: GET, ...pair };
      try {
        const row = withFaults(
          database,
          GET,
          pair,
          () => current(pair),
          undefined,
          () => stale(pair),
        );
        const at = clock.now();
        return row?.logging == null
          ? { kind: 'absent', at, source }
          : { kind: 'observed', value: JSON.parse(row.logging) as LoggingConfiguration, at, source };
      } catch (error) {
        return unobservable(error, source);
      }
    },
    async putInvocationLogging(pair, configuration: CompleteLoggingConfiguration) {
      land();
      put(pair, configuration);
    },
    async deleteInvocationLogging(pair) {
      land();
      withFaults(database, DELETE, pair, () => write(pair, null));
    },
    landsNextAt: nextLanding,
    land,
    putBySomebodyElse: (pair, configuration, by) => {
      land();
      write(pair, JSON.stringify(configuration), by === undefined ? THEIRS : () => by);
    },
    deleteBySomebodyElse: (pair, by) => write(pair, null, by === undefined ? THEIRS : () => by),
  };
}

/** The account's data-retention mode. An account that was never told has none here, where AWS says `inherit`. */
export function embeddedRetention(
  database: DatabaseSync,
  clock: Clock,
  called: Called = () => undefined,
): DataRetentionSettings & EmbeddedRetention {
  const write = (pair: Pair, mode: string, by = OURS): void => {
    database
      .prepare(
        'INSERT INTO settings (account, region, retention) VALUES (?, ?, ?) ON CONFLICT (account, region) DO UPDATE SET retention = excluded.retention',
      )
      .run(pair.accountId, pair.region, JSON.stringify({ mode }));
    called(pair, 'bedrock.amazonaws.com', PUT_MODE.slice('bedrock:'.length), by(pair));
  };
  return {
    async getDataRetention(pair) {
      const source = { call: GET_MODE, ...pair };
      try {
        const row = withFaults(database, GET_MODE, pair, () =>
          database
            .prepare('SELECT retention FROM settings WHERE account = ? AND region = ?')
            .get(pair.accountId, pair.region),
        ) as { retention: string | null } | undefined;
        const at = clock.now();
        return row?.retention == null
          ? { kind: 'absent', at, source }
          : { kind: 'observed', value: JSON.parse(row.retention) as DataRetention, at, source };
      } catch (error) {
        return unobservable(error, source);
      }
    },
    async setDataRetentionToNone(pair) {
      withFaults(database, PUT_MODE, pair, () => write(pair, 'none'));
    },
    setModeBySomebodyElse: (pair, mode) => write(pair, mode, THEIRS),
  };
}

export interface EmbeddedRetention {
  setModeBySomebodyElse(pair: Pair, mode: string): void;
}

export function unobservable(
  error: unknown,
  source: FactSource,
): Extract<Observation<never>, { kind: 'unobservable' }> {
  if (!(error instanceof AwsCallError)) throw error;
  const { code } = error;
  const reason = code === 'access-denied' || code === 'throttled' ? code : 'failed';
  return { kind: 'unobservable', reason, detail: code, source };
}

/** What the simulator does to the settings, past our own port. */
export interface EmbeddedSettings {
  /** When the next slow Put arrives, if any is under way. */
  landsNextAt(): number | undefined;
  land(): void;
  /** @param by - ARN of the caller; default somebody */
  putBySomebodyElse(pair: Pair, configuration: LoggingConfiguration, by?: string): void;
  deleteBySomebodyElse(pair: Pair, by?: string): void;
}
