import type {
  AccountId,
  DomainEvent,
  DurationMs,
  EpochMs,
  ExceptionId,
  PrincipalId,
  Region,
  Sha256Hex,
} from '../core/index.ts';
import type { DataDeliveryFlag, LoggingConfiguration, S3Destination } from '../evidence/index.ts';
import type { Modality, Topology } from '../policy/index.ts';
import type { FilterCounts } from './topology.ts';

/** Someone who exists and may act. Roles are those the policy names (`legal`, `security`, …); others are ignored. */
export interface Person {
  readonly id: PrincipalId;
  readonly name: string;
  readonly roles: readonly string[];
  /** False once the person has left: an inactive person can neither request nor approve. */
  readonly isActive: boolean;
}

/** Where content goes while the exception is on. Always in the exception's own account and Region: Bedrock allows no other. */
export type Destination =
  | {
      readonly kind: 's3';
      readonly bucketName: string;
      /** Ends in `/<exceptionId>/` once the exception has an id. */
      readonly keyPrefix: string;
      readonly kmsKeyArn: string;
    }
  | {
      readonly kind: 'cloudwatch-logs';
      /** Ends in `/<exceptionId>` once the exception has an id. */
      readonly logGroupName: string;
      readonly roleArn: string;
      readonly kmsKeyArn: string;
    };

/** One account and Region in which an exception stores content, and where it goes there. */
export interface Place {
  readonly accountId: AccountId;
  readonly region: Region;
  readonly destination: Destination;
}

export type DataProtectionAssessment =
  | { readonly kind: 'made'; readonly reference: string }
  | { readonly kind: 'not-needed'; readonly reason: string; readonly decidedBy: string };

export type Notice =
  | { readonly kind: 'given'; readonly how: string }
  | { readonly kind: 'withheld'; readonly reason: string; readonly decidedBy: string };

/** What is asked for, as parsed from the request file. Immutable: a change is a new request. */
export interface ExceptionRequest {
  /** Incident or investigation. */
  readonly reference: string;
  readonly justification: string;
  /** Whose prompts are meant: principal ARNs. */
  readonly subjects: readonly string[];
  readonly models: readonly string[];
  readonly modalities: readonly Modality[];
  /** The first place. Read it through `placesOf`, or every further one is forgotten. */
  readonly accountId: AccountId;
  readonly region: Region;
  readonly topology: Topology;
  readonly destination: Destination;
  /** Approved, reserved, enabled and ended together with the first, or not at all. Absent, never empty. */
  readonly furtherPlaces?: readonly Place[];
  /** Who may read what is captured: principal ARNs. */
  readonly readers: readonly string[];
  readonly startsAt: EpochMs;
  /** Exclusive. */
  readonly endsAt: EpochMs;
  readonly retention: DurationMs;
  readonly notice: Notice;
  readonly dataProtectionAssessment?: DataProtectionAssessment;
  readonly purgedBy: string;
  /** An emergency; the one named exemption from DISTINCT_QUORUM, where the policy in force has it. */
  readonly breakGlass?: { readonly reason: string };
}

/** All five flags, always: AWS is believed to read an omitted one as `true`. */
export type CompleteLoggingConfiguration = LoggingConfiguration & Readonly<Record<DataDeliveryFlag, boolean>>;

/** What invocation logging returns to. `configuration` is the metadata-only one that was in place before enabling. */
export type BaselineConfiguration =
  | { readonly kind: 'none' }
  | { readonly kind: 'metadata-only'; readonly configuration: CompleteLoggingConfiguration };

/** The right to store content in one account and Region for one window. Carries everything needed to end it. */
export interface Lease {
  readonly exceptionId: ExceptionId;
  readonly startsAt: EpochMs;
  /** Exclusive: a lease is dead at its own expiry. INVARIANT (HARD_END): nothing moves it later. */
  readonly expiresAt: EpochMs;
  readonly revoked?: { readonly at: EpochMs; readonly by: string; readonly reason: string };
  /** Exactly what the enable step puts. */
  readonly configuration: CompleteLoggingConfiguration;
  readonly baseline: BaselineConfiguration;
  readonly destination: Destination;
  /** Written before the one attempt to enable; a Put sent then can land until `until`. */
  readonly enabling?: { readonly at: EpochMs; readonly until: EpochMs };
  /** When reading back showed that content storage under this lease is off and no Put of ours can still land. */
  readonly offAt?: EpochMs;
  /** The window was given back without an attempt to enable. */
  readonly released?: true;
}

/** All leases of one account and Region, windows disjoint, oldest first. */
export interface LeaseRow {
  readonly accountId: AccountId;
  readonly region: Region;
  readonly leases: readonly Lease[];
}

/** An event as it waits in an outbox: it knows its key and its time. */
export type ToldEvent = DomainEvent & Required<Pick<DomainEvent, 'key' | 'at'>>;

export const EXCEPTION_STATES = [
  'submitted',
  'approved',
  'scheduled',
  'preflight',
  'active',
  'ending',
  'draining',
  'purging',
  'closed',
  'closed-unproven',
  'rejected',
  'withdrawn',
  'expired',
  'refused',
] as const;
export type ExceptionState = (typeof EXCEPTION_STATES)[number];

/** Append-only. Whether the quorum is reached is computed from these, never stored. */
export interface Decision {
  readonly principalId: PrincipalId;
  readonly role: string;
  /** `take-back`: an approver's own approval no longer counts. */
  readonly decision: 'approve' | 'reject' | 'take-back';
  readonly at: EpochMs;
  readonly reason?: string;
  /** The policy the decider had before them. */
  readonly policyHash: Sha256Hex;
  /** SHA-256 of the decision sheet (its Markdown form): what was signed. */
  readonly subjectHash: Sha256Hex;
}

/** One look at every place content can be. Counts are of content: Bedrock's own permission marker is left out. */
export interface Listing {
  readonly at: EpochMs;
  readonly locations: readonly string[];
  readonly versions: number;
  readonly deleteMarkers: number;
  readonly uploads: number;
  readonly logGroups: number;
}

export interface PurgeCounts {
  readonly versions: number;
  readonly bytes: number;
  readonly uploads: number;
  readonly logGroups: number;
}

/** One condition of the policy over one request. `clause` is the path of the policy field that decides. */
export interface JudgedCondition {
  readonly clause: string;
  readonly holds: 'met' | 'not-met' | 'undecided';
  readonly says: string;
}

/** That a policy version admitted the request, and the sheet that approvers sign under it. */
export interface Admission {
  readonly policyHash: Sha256Hex;
  readonly policyId: string;
  readonly policyVersion: string;
  readonly at: EpochMs;
  readonly roles: readonly { readonly role: string; readonly title: string }[];
  readonly conditions: readonly JudgedCondition[];
  readonly sheetHash: Sha256Hex;
  /** 2: the sheet was kept as it was signed, and names the hash of what is decided. Absent: of a version that kept none; it is rendered anew. */
  readonly sheetFormat?: 2;
}

/** `done`, `not-applicable` (a log group has no bucket), or the code of what failed last. */
export interface SecondLeverState {
  /** First attempt. */
  readonly at: EpochMs;
  readonly bucket: string;
  readonly key: string;
}

/** Who called, as CloudTrail says. `by` without the session of an assumed role: sessions change, parties do not. */
export interface OtherParty {
  readonly by: string;
  readonly at: EpochMs;
  /** `PutModelInvocationLoggingConfiguration`, `DeleteModelInvocationLoggingConfiguration`. */
  readonly call: string;
  /** An AWS service that called for it, or what its user agent says; the latter is the caller's own word. */
  readonly through?: string;
}

/** Somebody else changed what an exception manages. */
export interface Interference {
  /** Where; absent for the exception's first place. */
  readonly place?: { readonly accountId: AccountId; readonly region: Region };
  readonly foundAt: EpochMs;
  /** `on-again`: after we had switched off. */
  readonly found: 'changed' | 'switched-off' | 'on-again';
  /** Changes before this are not what was found. */
  readonly since: EpochMs;
  /** Whom the event that made us look names. A reason to look, never evidence. */
  readonly hint?: string;
  /** The last of others' calls that CloudTrail shows; it is late, so a later asking may replace it. */
  readonly party?: OtherParty;
  /** Why nobody is named, at the last asking. */
  readonly unnamed?: string;
  /** Asked late enough: nothing further is expected. */
  readonly isSettled?: true;
}

/** Where Legal keeps what is held at one place: in that account and Region, under a key of its own, where nothing deletes by itself. */
export interface HoldVault {
  readonly bucketName: string;
  /** Ends in `/<exceptionId>/`, or is that. */
  readonly keyPrefix: string;
  readonly kmsKeyArn: string;
}

/** What stands in the vault, by its own listing, when nothing in scope was missing there. */
export interface HeldContent {
  readonly at: EpochMs;
  readonly versions: number;
  readonly bytes: number;
  /** Where a log group is among its places. An event that two runs wrote at the same moment is there twice, with the same id. */
  readonly logEvents?: {
    readonly events: number;
    readonly objects: number;
    /** SHA-256 over the lines `s3://bucket/key bytes` of these objects, sorted; a key names the hash of its object. */
    readonly listing: Sha256Hex;
  };
}

/** How far a log group was read into its vault, by the events' own times (exclusive). */
export interface HeldReading {
  /** While events come in; what comes later with an earlier time is found when everything is read again. */
  readonly settledUntil?: EpochMs;
  /** After this quiet time, from the first event on, where that takes several looks. */
  readonly checked?: { readonly drainUntil: EpochMs; readonly until: EpochMs };
  /** Milliseconds: the longest stretch to read next, after a longer one was not finished by one look. */
  readonly step?: number;
}

/** What became of the key of one place, at the end. */
export interface KeyMaterial {
  readonly kmsKeyArn: string;
  /** When AWS was asked to delete it: it can be cancelled for `waitingDays` from then on. Absent: it was not. */
  readonly scheduledAt?: EpochMs;
  readonly waitingDays?: number;
  /** Why it was not. */
  readonly because?: string;
}

/** Legal keeps what was captured from being purged. */
export interface LegalHold {
  readonly at: EpochMs;
  readonly by: PrincipalId;
  readonly reason: string;
  /** Legal's own matter. Absent in records of an earlier version. */
  readonly reference?: string;
  /** Beginnings of keys below the exception's own prefix. Absent: everything. */
  readonly scope?: readonly string[];
  /** Absent: nothing is moved, and the purge waits for the release. */
  readonly vault?: HoldVault;
  /** Of the further places, in their order. */
  readonly otherVaults?: readonly HoldVault[];
  /** Of all vaults together: how much of it stands in which is not kept. */
  readonly moved?: HeldContent;
  /** Of places with a log group, by `<account>/<region>`. */
  readonly reading?: Readonly<Record<string, HeldReading>>;
  /** Since when there is more than one look moves. Gone when all of it stood there. */
  readonly underWaySince?: EpochMs;
  /** Why the last moving did not come to its end. Gone when it did. */
  readonly stuck?: { readonly firstSeenAt: EpochMs; readonly toldAt: EpochMs; readonly why: string };
  /** Log groups that somebody else deleted before everything in them was seen in the vault. */
  readonly gone?: readonly string[];
  /** Something had been purged already. */
  readonly wasPurging: boolean;
  readonly released?: { readonly at: EpochMs; readonly by: PrincipalId; readonly reason: string };
}

/** What was read and done at one place. */
export interface PlaceFacts {
  readonly settingBefore?: LoggingConfiguration | null;
  /** Read back from AWS after enabling, and after switching off; `null` for not configured. */
  readonly settingDuring?: LoggingConfiguration | null;
  readonly settingAfter?: LoggingConfiguration | null;
  /** Why its key will not be deleted at the end, as its tags were at the start. Absent: it is to be. */
  readonly keyKeptBecause?: string;
  /** The metadata-only baseline could not be put at the end; reconciliation puts it when it can. */
  readonly isBaselineMissing?: boolean;
  /** Switching off kept failing, and the destination was taken away instead. */
  readonly secondLever?: SecondLeverState;
  /** Switching off fails, since when. */
  readonly overdue?: {
    readonly firstSeenAt: EpochMs;
    /** When it was last told. Absent in records of an earlier version. */
    readonly toldAt?: EpochMs;
  };
  /** After the end, somebody else's setting stores content there, under no exception. Gone when it is. */
  readonly foreignSetting?: { readonly at: EpochMs; readonly observed: string };
  /** The setting cannot be read during the lease: since when, and when people were told. */
  readonly unreadable?: { readonly firstSeenAt: EpochMs; readonly toldAt: EpochMs };
}

/** With the facts of its first place; `factsAt` and `withFacts` (places.ts) know where those of a place stand. */
export interface ExceptionRecord extends PlaceFacts {
  readonly id: ExceptionId;
  /** Of the call of the API that asked for it; every event about it carries the same. */
  readonly correlationId?: string;
  readonly request: ExceptionRequest;
  readonly requestHash: Sha256Hex;
  readonly requesterId: PrincipalId;
  readonly submittedAt: EpochMs;
  /** Every policy version under which it was admitted, oldest first; the last one is in force for it. */
  readonly policyHashes: readonly Sha256Hex[];
  /** One for each of them, in the same order. */
  readonly admissions: readonly Admission[];
  readonly requiredRoles: readonly string[];
  /** Approvals are collected until here (exclusive). */
  readonly approvalsDeadline: EpochMs;
  readonly state: ExceptionState;
  readonly decisions: readonly Decision[];
  /** Why it ended as it did, or why it is ending, for people. */
  readonly reason?: string;
  /** A policy change left its admission undecided; a person must look. */
  readonly flagged?: string;
  /** Someone else's setting was found during the lease; content may stand where we do not look. */
  readonly contested?: { readonly at: EpochMs; readonly observed: string };
  /** Youngest last; only the last one can be unreleased. */
  readonly holds?: readonly LegalHold[];
  /** Somebody else's changes, youngest last. */
  readonly interference?: readonly Interference[];
  /** The party that switched content storage on again after we had switched it off, twice or more. */
  readonly robot?: { readonly by: string; readonly rounds: number; readonly through?: string };
  /** Break-glass: roles that had not confirmed when it ended. */
  readonly breach?: { readonly at: EpochMs; readonly missing: readonly string[] };
  /** For which deadline those who have not decided were reminded, and others told. */
  readonly remindedFor?: EpochMs;
  readonly escalatedFor?: EpochMs;
  readonly isPurgeOverdue?: boolean;
  /** The facts of further places, by `<account>/<region>`. */
  readonly furtherFacts?: Readonly<Record<string, PlaceFacts>>;
  /** The first attempt to enable, once every place was read back as on. */
  /** The units above the account of each place when it was last judged, root first; `account: unit/unit`. Once it was prepared. */
  readonly units?: readonly string[];
  readonly enabledAt?: EpochMs;
  /** Of `filter-and-purge`: what the drain did up to its last run, at all places together. */
  readonly filtered?: FilterCounts;
  /** When the last place was read back as off. */
  readonly offAt?: EpochMs;
  readonly drainUntil?: EpochMs;
  readonly purged?: PurgeCounts;
  /** When it was last purged, after what was there. Absent in records of an earlier version. */
  readonly purgedAt?: EpochMs;
  /** How often a proof that waited for its second listing began anew: storage was found on again, or Legal released. Each time has an ending of its own. */
  readonly proofRestarts?: number;
  /** The latest run of empty listings; a find empties it. */
  readonly emptyListings: readonly Listing[];
  /** The keys of its places; only of one that is closed with proof. */
  readonly keyMaterial?: readonly KeyMaterial[];
  readonly certificate?: { readonly hash: Sha256Hex; readonly keyId: string };
  /**
   * The events of the last change, written in the same commit as the change. INVARIANT (NOTHING_LOST): they are told to the recorder
   * after the commit, and once more by whoever comes next, so a death in between loses nothing.
   */
  readonly outbox?: readonly ToldEvent[];
}

export type { S3Destination };
