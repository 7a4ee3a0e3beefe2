import type { AccountId, Region } from '../core/index.ts';
import type { DataRetention, IamEvidence, LoggingConfiguration, Observation, Organization } from './types.ts';

/** What a read may be told; a source that cannot be interrupted ignores it. */
export interface ReadOptions {
  readonly signal?: AbortSignal | undefined;
}

/**
 * The organization as a whole.
 * Guarantee: an `observed` organization is complete: every page was read, every account stands in the tree once, and `attachments`
 * (when observed) has one entry for the root, for every unit and for every account, so a missing entry is missing evidence. It is not a
 * transaction: AWS has none, so an account that moves meanwhile is shown where it was seen last.
 * Never rejects: a refused or failed call is an `unobservable` observation.
 */
export interface OrganizationSource {
  readOrganization(options?: ReadOptions): Promise<Observation<Organization>>;
}

/**
 * IAM of one account.
 * Guarantee: complete (every page) or `unobservable`; policy documents are plain text, decoded once; never a secret.
 * Never rejects.
 */
export interface AccountSource {
  readIam(accountId: AccountId, options?: ReadOptions): Promise<Observation<IamEvidence>>;
}

/**
 * The prompt-storage settings of one account and Region, as AWS answers now.
 * Guarantee: `absent` only when AWS answered that nothing is configured; a refusal or a failure is `unobservable`.
 * Never rejects.
 */
export interface RegionSource {
  readInvocationLogging(
    accountId: AccountId,
    region: Region,
    options?: ReadOptions,
  ): Promise<Observation<LoggingConfiguration>>;
  readDataRetention(
    accountId: AccountId,
    region: Region,
    options?: ReadOptions,
  ): Promise<Observation<DataRetention>>;
}

/** Everything that `collectSnapshot` needs. */
export interface EvidenceSources extends OrganizationSource, AccountSource, RegionSource {}
