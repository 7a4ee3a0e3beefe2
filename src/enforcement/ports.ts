import type { AccountId, Clock, EpochMs, History, Ids, Recorder, Region, Texts } from '../core/index.ts';
import type {
  AccountSource,
  DataRetention,
  EvidenceSources,
  IamEvidence,
  LoggingConfiguration,
  Observation,
} from '../evidence/index.ts';
import type {
  BucketFacts,
  Call,
  CertificateStore,
  CompleteLoggingConfiguration,
  Directory,
  Executions,
  Notifier,
  OrganizationView,
  PolicyInForce,
  RecordStore,
  Signer,
} from '../exceptions/index.ts';

import type { InvocationMetadata } from '../filter/index.ts';
import type { BackupSelection } from './backup.ts';
import type { SettingName } from './drift.ts';

export interface Pair {
  readonly accountId: AccountId;
  readonly region: Region;
}

/**
 * Model invocation logging of one account and Region.
 * There is no compare-and-swap in this API: whoever writes reads back. All writes throw `AwsCallError`, which says whether the
 * effect may have happened; they are sent once, without retries of the SDK's own.
 */
export interface PromptStorageSettings {
  getInvocationLogging(pair: Pair): Promise<Observation<LoggingConfiguration>>;
  putInvocationLogging(
    pair: Pair,
    configuration: CompleteLoggingConfiguration,
    timeoutMs: number,
  ): Promise<void>;
  /** Succeeds when nothing is configured. */
  deleteInvocationLogging(pair: Pair): Promise<void>;
}

/**
 * The account's data-retention mode. The one write there is sets `none`: no other mode is ever ours to set.
 * As `PromptStorageSettings`, whoever writes reads back.
 */
export interface DataRetentionSettings {
  getDataRetention(pair: Pair): Promise<Observation<DataRetention>>;
  setDataRetentionToNone(pair: Pair): Promise<void>;
}

export interface ObjectVersion {
  readonly key: string;
  readonly versionId: string;
  readonly isDeleteMarker: boolean;
  readonly bytes: number;
}

export interface Upload {
  readonly key: string;
  readonly uploadId: string;
}

/** The places content lands. Listings are complete (all pages) or throw `AwsCallError`: a partial listing proves nothing. */
export interface Destinations {
  describeBucket(pair: Pair, bucketName: string): Promise<Observation<BucketFacts>>;
  listVersions(pair: Pair, bucketName: string, prefix: string): Promise<readonly ObjectVersion[]>;
  listUploads(pair: Pair, bucketName: string, prefix: string): Promise<readonly Upload[]>;
  deleteVersions(pair: Pair, bucketName: string, versions: readonly ObjectVersion[]): Promise<void>;
  abortUploads(pair: Pair, bucketName: string, uploads: readonly Upload[]): Promise<void>;
  hasLogGroup(pair: Pair, logGroupName: string): Promise<boolean>;
  /** With its retention in days, one of those that CloudWatch Logs knows. Succeeds when it is there already. */
  createLogGroup(pair: Pair, logGroupName: string, kmsKeyArn: string, retentionDays: number): Promise<void>;
  /** Permanent, with everything in it. Succeeds when there is none. */
  deleteLogGroup(pair: Pair, logGroupName: string): Promise<void>;
}

/**
 * The raw prefix and the vault of `filter-and-purge` exceptions, by the drain role alone: one of the two roles of ours that read content, beside
 * that of `VaultCopies`. Listings are complete or throw `AwsCallError`. Everything written overwrites what an earlier run wrote there, with the same bytes.
 */
export interface Drainage {
  listRaw(pair: Pair, bucketName: string, prefix: string): Promise<readonly ObjectVersion[]>;
  /** @returns undefined when it is gone; `too-large`, unread, above `mostBytes` */
  readRaw(
    pair: Pair,
    bucketName: string,
    version: ObjectVersion,
    mostBytes: number,
  ): Promise<Uint8Array | 'too-large' | undefined>;
  writeVault(pair: Pair, bucketName: string, key: string, body: Uint8Array, kmsKeyArn: string): Promise<void>;
  /** Within S3: a large body is never in our memory. @returns false when it is gone */
  copyToVault(
    pair: Pair,
    bucketName: string,
    from: ObjectVersion,
    key: string,
    kmsKeyArn: string,
  ): Promise<boolean>;
  /** The text that stands there, or `fresh` where none did: of two that come at once, one. */
  readOrMakeKey(
    pair: Pair,
    bucketName: string,
    key: string,
    fresh: string,
    kmsKeyArn: string,
  ): Promise<string>;
  deleteRaw(pair: Pair, bucketName: string, versions: readonly ObjectVersion[]): Promise<void>;
}

/** Where the metadata of everybody's calls goes on to while an exception filters, so that who and how much stays known. Never content. */
export interface MetadataSink {
  /** @param name - of the batch; told twice, it is kept once */
  pass(name: string, metadata: readonly InvocationMetadata[]): Promise<void>;
}

/** One event of a log group. Times are milliseconds; `message` is content. */
export interface LogEvent {
  /** Of its log group, and for ever the same. */
  readonly eventId: string;
  readonly streamName: string;
  /** As its writer gave it: 14 days before to 2 hours after the ingestion. */
  readonly timestamp: number;
  readonly ingestionTime: number;
  readonly message: string;
}

/**
 * Moves what is held into Legal's vault, by a role of its own. Objects are copied on AWS's side: no body passes through this process. Events of a log
 * group cannot be copied; they are read in memory and written as objects. Listings are complete or throw `AwsCallError`, as everything here does.
 */
export interface VaultCopies {
  listVersions(pair: Pair, bucketName: string, prefix: string): Promise<readonly ObjectVersion[]>;
  /** Encrypted with `kmsKeyArn`. Copying again is no fault. */
  copyVersion(
    pair: Pair,
    from: { readonly bucketName: string; readonly version: ObjectVersion },
    to: { readonly bucketName: string; readonly key: string; readonly kmsKeyArn: string },
  ): Promise<void>;
  /**
   * One page of a log group's events, of all its streams, in no order that counts. Always as they were written: where a data protection policy
   * masks them and clear text is refused, it throws `access-denied`, because what is kept here is deleted there.
   * @param window - by the events' own times, `to` exclusive
   * @returns without `next` on the last page alone: a page may be empty and others follow. Undefined where there is no such log group
   */
  readEvents(
    pair: Pair,
    logGroupName: string,
    window: { readonly from: number; readonly to?: number },
    token?: string,
  ): Promise<{ readonly events: readonly LogEvent[]; readonly next?: string } | undefined>;
  /** Encrypted with `kmsKeyArn`. Writing again overwrites. */
  writePart(
    pair: Pair,
    to: { readonly bucketName: string; readonly key: string; readonly kmsKeyArn: string },
    body: Uint8Array,
  ): Promise<void>;
  /** @returns undefined when it is not there */
  readPart(pair: Pair, bucketName: string, key: string): Promise<Uint8Array | undefined>;
}

/** A lifecycle rule as far as it deletes. */
export interface LifecycleRule {
  /** It deletes, but only some objects (a tag, a size) or on one day: nobody can count on it, and nobody can rule it out. */
  readonly isPartial?: true;
  readonly isEnabled: boolean;
  /** Empty: the whole bucket. */
  readonly prefix: string;
  /** Whole days after the object was made. */
  readonly expirationDays?: number;
  /** Whole days after the version became noncurrent. */
  readonly noncurrentDays?: number;
}

/** A trail of CloudTrail, as far as it records data events of S3 objects. */
export interface Trail {
  readonly name: string;
  readonly isLogging: boolean;
  readonly dataEvents: readonly {
    readonly includesReads: boolean;
    /** ARNs of objects begin with one of these. */
    readonly arnPrefixes: 'all' | readonly string[];
  }[];
}

export interface BucketEvidence {
  /** The document as text; absent: the bucket has none. */
  readonly policy: Observation<string>;
  /** `BucketOwnerEnforced`, `BucketOwnerPreferred`, `ObjectWriter`. */
  readonly ownership: Observation<string>;
  readonly lifecycle: Observation<readonly LifecycleRule[]>;
  /** What copies objects elsewhere, each in words. */
  readonly copies: Observation<readonly string[]>;
  /** Of every plan of AWS Backup in the bucket's account and Region, the organization's included. */
  readonly backups: Observation<readonly BackupSelection[]>;
  readonly tags: Observation<Readonly<Record<string, string>>>;
  /** The account's trails in the bucket's Region, the organization's included. */
  readonly trails: Observation<readonly Trail[]>;
}

export interface LogGroupEvidence {
  readonly settings: Observation<{
    /** Absent: for ever. */
    readonly retentionDays?: number;
    /** Deletion protection. */
    readonly isProtected: boolean;
  }>;
  /** What copies events elsewhere, each in words. */
  readonly copies: Observation<readonly string[]>;
}

export interface KeyEvidence {
  /** Whether it can be used now. */
  readonly isEnabled: Observation<boolean>;
  readonly policy: Observation<string>;
  /** Who holds a grant that encrypts or decrypts. */
  readonly grants: Observation<readonly string[]>;
  readonly tags: Observation<Readonly<Record<string, string>>>;
}

/**
 * Looks at a destination and the account around it before content may land there. Nothing here rejects for AWS's sake: what could not be
 * read is `unobservable`, and keeps content storage off.
 */
export interface Inspection {
  inspectBucket(pair: Pair, bucketName: string): Promise<BucketEvidence>;
  inspectLogGroup(pair: Pair, logGroupName: string): Promise<LogGroupEvidence>;
  inspectKey(pair: Pair, kmsKeyArn: string): Promise<KeyEvidence>;
  /** Users, groups, roles and their policies. */
  readIam(accountId: AccountId): Promise<Observation<IamEvidence>>;
}

/**
 * Takes a destination away when switching off does not work, by a role of its own. Both succeed when it is done already; both throw
 * `AwsCallError`.
 */
export interface SecondLever {
  /** Nobody can write or read below the prefix any more; listing and deleting stay as they are. */
  denyBucket(pair: Pair, bucketName: string, keyPrefix: string): Promise<void>;
  /** At once; a person can enable it again. */
  disableKey(pair: Pair, kmsKeyArn: string): Promise<void>;
  /** 7 to 30 days; a person can cancel it meanwhile. From now on nobody can use the key. */
  scheduleKeyDeletion(pair: Pair, kmsKeyArn: string, waitingDays: number): Promise<void>;
}

/** One call that changed invocation logging and that AWS did not refuse. */
export interface SettingChange {
  readonly at: EpochMs;
  /** ARN of the caller; of an assumed role with its session. */
  readonly by: string;
  readonly call: string;
  readonly through?: string;
}

/** Who called, by CloudTrail. Minutes late, without a bound: what is not shown may still come. */
export interface ChangeTrail {
  /** Oldest first, our own calls too. Never rejects for AWS's sake: what cannot be asked is `unobservable`. */
  whoChanged(
    pair: Pair,
    setting: SettingName,
    since: EpochMs,
  ): Promise<Observation<readonly SettingChange[]>>;
}

export interface OneTimeSchedule {
  readonly name: string;
  /** A whole minute; fires within 60 s after it. */
  readonly at: EpochMs;
  readonly target: 'deadMansSwitch';
  readonly payload: Readonly<Record<string, unknown>>;
}

/** EventBridge Scheduler. `create` with the name of an identical schedule succeeds. */
export interface Schedules {
  create(schedule: OneTimeSchedule): Promise<void>;
  get(name: string): Promise<OneTimeSchedule | undefined>;
  delete(name: string): Promise<void>;
}

/** What AWS Config is told of one resource. It knows no "unknown": INSUFFICIENT_DATA is refused, so unknown is NON_COMPLIANT. */
export interface Evaluation {
  readonly resourceType: string;
  readonly resourceId: string;
  readonly compliance: 'COMPLIANT' | 'NON_COMPLIANT' | 'NOT_APPLICABLE';
  /** 1 to 256 characters. */
  readonly annotation: string;
  /** When Config saw what is judged. */
  readonly at: EpochMs;
}

/** AWS Config in the account and Region whose rule asked. */
export interface ComplianceReports {
  /** Any number, in batches; what AWS gives back is sent again. @throws AwsCallError when some are not kept in the end */
  put(
    pair: Pair,
    evaluations: readonly Evaluation[],
    answer: { readonly resultToken: string; readonly isTest: boolean },
  ): Promise<void>;
  /** A resource as Config recorded it at `at`; undefined when it has no such resource. */
  resourceAt(
    pair: Pair,
    resourceType: string,
    resourceId: string,
    at: EpochMs,
  ): Promise<{ readonly isDeleted: boolean; readonly arn?: string; readonly name?: string } | undefined>;
}

/** Everything the exception path needs of the world; `compose.ts` joins it to adapters. */
export interface Services {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly recorder: Recorder;
  /** What was recorded. */
  readonly history: History;
  readonly store: RecordStore;
  readonly directory: Directory;
  readonly policyInForce: PolicyInForce;
  readonly organizationView: OrganizationView;
  readonly settings: PromptStorageSettings;
  readonly retention: DataRetentionSettings;
  readonly destinations: Destinations;
  readonly drainage: Drainage;
  readonly metadata: MetadataSink;
  readonly inspection: Inspection;
  /** Principals of an account, for rules that AWS Config triggers. */
  readonly identities: AccountSource;
  readonly reports: ComplianceReports;
  readonly secondLever: SecondLever;
  readonly vaultCopies: VaultCopies;
  readonly trail: ChangeTrail;
  /** Everything that is collected, for scans of the organization. */
  readonly evidence: EvidenceSources;
  /** What scans saw and came to. */
  readonly archive: Texts;
  readonly schedules: Schedules;
  readonly executions: Executions;
  readonly signer: Signer;
  readonly certificates: CertificateStore;
  /** Called by the recorder (`notifyingRecorder`), never by a step. */
  readonly notifier: Notifier;
}

/** For what a person does. */
export interface ActingServices extends Services {
  readonly call?: Call;
}
