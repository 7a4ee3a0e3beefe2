import type { AccountId, Region } from '../core/index.ts';
import type { SectionLevel, SectionName, SectionValue } from './sections/index.ts';
import type {
  AccountEvidence,
  DataRetention,
  IamEvidence,
  LoggingConfiguration,
  Observation,
  Organization,
  RegionEvidence,
} from './types.ts';

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

/** Where a section is read, with what was seen there before it. */
export interface SectionPlaces {
  readonly 'account-region': RegionEvidence;
  readonly account: AccountEvidence;
  readonly organization: Organization;
}

/**
 * Reads one section.
 * Guarantee: complete (every page) or `unobservable`; `absent` only when AWS answered that there is no such thing; never a prompt, a
 * response or a secret. Never rejects.
 */
export type SectionReader<L extends SectionLevel, N extends SectionName<L>> = (
  place: SectionPlaces[L],
  options?: ReadOptions,
) => Promise<Observation<SectionValue<L, N>>>;
export type SectionReaders<L extends SectionLevel> = {
  readonly [N in SectionName<L>]: SectionReader<L, N>;
};

/** The sections. One that a source has no reader for is not collected. */
export interface SectionSource {
  /** Reading costs nothing here and asks nobody, so opt-in sections are read like the others. Absent: only when asked for. */
  readonly readsOptIn?: true;
  readonly sections: { readonly [L in SectionLevel]: Partial<SectionReaders<L>> };
}

/** Everything that `collectSnapshot` needs. */
export interface EvidenceSources extends OrganizationSource, AccountSource, RegionSource, SectionSource {}
