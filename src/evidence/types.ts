import type { AccountId, EpochMs, Region } from '../core/index.ts';
import type { SectionObservations } from './sections/index.ts';

/** The AWS call that gave a fact, so that a reader can repeat it. */
export interface FactSource {
  /** IAM action name, `bedrock:GetModelInvocationLoggingConfiguration`; several calls are joined with ` + `. */
  readonly call: string;
  readonly accountId?: AccountId;
  readonly region?: Region;
}

export type UnobservableReason =
  /** AWS refused the call: the fact may be anything. */
  | 'access-denied'
  /** AWS kept throttling until the attempts were used up. */
  | 'throttled'
  /** Nobody asked: the collector did not run there, or stopped before. */
  | 'not-collected'
  /** AWS answered with something that could not be read. */
  | 'malformed'
  /** The call failed for another reason (network, 5xx, the service is not offered and does not say so). */
  | 'failed'
  /** The evidence is there, but this version cannot decide it (a permissions boundary, an SCP). */
  | 'not-evaluated';

/**
 * What was seen. `absent` is positive evidence that there is nothing; `unobservable` is no evidence at all.
 * INVARIANT (unknown is never green): nothing turns `unobservable` into `absent` or into a value.
 */
export type Observation<T> =
  | { readonly kind: 'observed'; readonly value: T; readonly at: EpochMs; readonly source: FactSource }
  | { readonly kind: 'absent'; readonly at: EpochMs; readonly source: FactSource }
  | {
      readonly kind: 'unobservable';
      readonly reason: UnobservableReason;
      /** For a person: the error code of AWS, or why nothing was collected. Never a request body. */
      readonly detail?: string;
      readonly source?: FactSource;
    };

/** Spelled as `GetModelInvocationLoggingConfiguration` spells it; an omitted flag stays omitted. */
export interface LoggingConfiguration {
  readonly cloudWatchConfig?:
    | {
        readonly logGroupName?: string | undefined;
        readonly roleArn?: string | undefined;
        readonly largeDataDeliveryS3Config?: S3Destination | undefined;
      }
    | undefined;
  readonly s3Config?: S3Destination | undefined;
  readonly textDataDeliveryEnabled?: boolean | undefined;
  readonly imageDataDeliveryEnabled?: boolean | undefined;
  readonly embeddingDataDeliveryEnabled?: boolean | undefined;
  readonly videoDataDeliveryEnabled?: boolean | undefined;
  readonly audioDataDeliveryEnabled?: boolean | undefined;
}

export interface S3Destination {
  readonly bucketName?: string | undefined;
  readonly keyPrefix?: string | undefined;
}

/** The five flags, in the order in which AWS documents them. */
export const DATA_DELIVERY_FLAGS = [
  'textDataDeliveryEnabled',
  'imageDataDeliveryEnabled',
  'embeddingDataDeliveryEnabled',
  'videoDataDeliveryEnabled',
  'audioDataDeliveryEnabled',
] as const satisfies readonly (keyof LoggingConfiguration)[];
export type DataDeliveryFlag = (typeof DATA_DELIVERY_FLAGS)[number];

/** `none`, `default`, `aws_review`, `provider_data_share`, `inherit`, or a mode that AWS adds later: kept as AWS spells it. */
export interface DataRetention {
  readonly mode: string;
}

/** One account and Region. */
export interface RegionEvidence {
  readonly accountId: AccountId;
  readonly region: Region;
  readonly invocationLogging: Observation<LoggingConfiguration>;
  readonly dataRetention: Observation<DataRetention>;
  /** What else was asked here, by section; one that is not in it was not collected. Read it with `sectionOf`. */
  readonly sections?: SectionObservations<'account-region'> | undefined;
}

export interface PolicyDocumentEntry {
  readonly name: string;
  /** The policy document as text, already URL-decoded; parsed by `src/iam`, where a damaged one becomes "cannot decide". */
  readonly document: string;
}

export interface AttachedPolicy {
  readonly arn: string;
  readonly name: string;
}

export interface IamUser {
  readonly arn: string;
  readonly name: string;
  readonly inlinePolicies: readonly PolicyDocumentEntry[];
  readonly attachedPolicies: readonly AttachedPolicy[];
  /** Group names. */
  readonly groups: readonly string[];
  readonly permissionsBoundaryArn?: string | undefined;
  readonly accessKeys: Observation<readonly AccessKey[]>;
  readonly serviceSpecificCredentials: Observation<readonly ServiceSpecificCredential[]>;
}

/** The identifier, never the secret. */
export interface AccessKey {
  readonly id: string;
  readonly status: string;
  readonly createdAt: EpochMs;
}

export interface ServiceSpecificCredential {
  readonly id: string;
  /** `bedrock.amazonaws.com` for long-term Bedrock API keys. */
  readonly serviceName: string;
  readonly status: string;
  readonly createdAt: EpochMs;
  readonly expiresAt?: EpochMs | undefined;
}

export interface IamGroup {
  readonly arn: string;
  readonly name: string;
  readonly inlinePolicies: readonly PolicyDocumentEntry[];
  readonly attachedPolicies: readonly AttachedPolicy[];
}

export interface IamRole {
  readonly arn: string;
  readonly name: string;
  readonly path: string;
  /** Already URL-decoded. */
  readonly assumeRolePolicyDocument: string;
  readonly inlinePolicies: readonly PolicyDocumentEntry[];
  readonly attachedPolicies: readonly AttachedPolicy[];
  readonly permissionsBoundaryArn?: string | undefined;
}

export interface ManagedPolicy {
  readonly arn: string;
  readonly name: string;
  /** The default version, already URL-decoded. */
  readonly document: string;
}

export interface IamEvidence {
  readonly users: readonly IamUser[];
  readonly groups: readonly IamGroup[];
  readonly roles: readonly IamRole[];
  /** Local and AWS managed policies that something attaches or uses as a boundary. */
  readonly managedPolicies: readonly ManagedPolicy[];
}

/** The policy that a bucket, key, log group or another resource holds itself. */
export interface ResourcePolicy {
  /** ARN of the resource: `arn:aws:s3:::bucket`, the key's, the log group's without `:*`. */
  readonly resourceArn: string;
  /** The document as text; parsed by `src/iam`. */
  readonly document: string;
}

export interface AccountEvidence {
  readonly accountId: AccountId;
  readonly iam: Observation<IamEvidence>;
  /** Policies of the account's resources; a resource that is not listed has none. Absent: not collected. */
  readonly resourcePolicies?: Observation<readonly ResourcePolicy[]> | undefined;
  /** What else was asked of the account as a whole, by section. */
  readonly sections?: SectionObservations<'account'> | undefined;
}

export interface OrganizationalUnit {
  /** `r-…` for the root, `ou-…` below it. */
  readonly id: string;
  readonly name: string;
  /** Absent for the root only. */
  readonly parentId?: string | undefined;
}

export interface MemberAccount {
  readonly id: AccountId;
  readonly name: string;
  /** `State ?? Status` as AWS spells it: PENDING_ACTIVATION, ACTIVE, SUSPENDED, PENDING_CLOSURE, CLOSED. */
  readonly state: string;
  /** The unit (or root) that holds it. */
  readonly parentId: string;
}

export interface ServiceControlPolicy {
  readonly id: string;
  readonly name: string;
  readonly document: string;
}

export interface PolicyAttachment {
  /** Root, unit or account id. */
  readonly targetId: string;
  readonly policyIds: readonly string[];
}

export interface Organization {
  readonly id: string;
  readonly managementAccountId: AccountId;
  readonly units: readonly OrganizationalUnit[];
  readonly accounts: readonly MemberAccount[];
  /** Policies by id; an unreadable one is an observation like any other. */
  readonly serviceControlPolicies: Observation<readonly ServiceControlPolicy[]>;
  readonly attachments: Observation<readonly PolicyAttachment[]>;
  readonly delegatedAdministrators: Observation<readonly AccountId[]>;
  /** Resource control policies and where they are attached, in the form of the service control policies. Absent: not collected. */
  readonly resourceControlPolicies?: Observation<readonly ServiceControlPolicy[]> | undefined;
  readonly resourceControlAttachments?: Observation<readonly PolicyAttachment[]> | undefined;
  /** What else was asked of the organization as a whole, by section. */
  readonly sections?: SectionObservations<'organization'> | undefined;
}

export const SNAPSHOT_SCHEMA_VERSION = 1;

/** All observations of one organization at one time. */
export interface Snapshot {
  readonly schemaVersion: typeof SNAPSHOT_SCHEMA_VERSION;
  readonly takenAt: EpochMs;
  readonly organization: Organization;
  /** The Regions that were asked in every account; an account may have been asked in further ones that it can use. */
  readonly regions: readonly Region[];
  /** One per member account, in the organization's order. */
  readonly accounts: readonly AccountEvidence[];
  /** One per member account and Region in which it was asked, accounts first. */
  readonly accountRegions: readonly RegionEvidence[];
  /** The leases that governed the estate at `takenAt`, when the snapshot came with them. */
  readonly leases?: unknown;
}
