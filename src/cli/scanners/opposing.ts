import type { Lease } from '../../exceptions/index.ts';
import type { Baseline, Policy } from '../../policy/index.ts';

export const SCANNERS = ['prowler', 'security-hub', 'checkov'] as const;
export type Scanner = (typeof SCANNERS)[number];

/** What a check is about: an account and Region as a whole, or the place where a live exception stores content. */
export type OpposingScope = 'account-region' | 'exception-bucket' | 'exception-log-group';

export interface OpposingCheck {
  readonly scanner: Scanner;
  readonly check: string;
  readonly scope: OpposingScope;
  /** Why complying with it would break the policy. */
  readonly because: string;
  /** Whether it opposes this policy, where the baseline is `baseline`. */
  readonly opposes: (policy: Policy, baseline: Baseline) => boolean;
  /** Whether what a live exception puts meets the check: there it is not suppressed, so that it notices when that is gone. */
  readonly isMetUnder?: (lease: Lease) => boolean;
}

const always = (): boolean => true;
const whereNothingIsLogged = (_policy: Policy, baseline: Baseline): boolean => baseline === 'none';
const whereVersionsAreRefused = ({ exceptions }: Policy): boolean =>
  exceptions.destination.versioning === 'refused';

/**
 * The checks of scanners with a suppression format that ask for what the policy forbids, and nothing else: a check that merely asks for
 * more than the policy does is not here. docs/scanners.md lists every catalogue of the register.
 */
export const OPPOSING_CHECKS: readonly OpposingCheck[] = [
  {
    scanner: 'prowler',
    check: 'bedrock_model_invocation_logging_enabled',
    scope: 'account-region',
    because: 'it asks for model invocation logging, which is off here: no configuration is the baseline',
    opposes: whereNothingIsLogged,
    isMetUnder: () => true,
  },
  {
    scanner: 'prowler',
    check: 'bedrock_model_invocation_logging_text_data_enabled',
    scope: 'account-region',
    because: 'it asks for the text of prompts in the log, which is stored only under an approved exception',
    opposes: always,
    isMetUnder: ({ configuration }) => configuration.textDataDeliveryEnabled,
  },
  {
    scanner: 'prowler',
    check: 's3_bucket_object_lock',
    scope: 'exception-bucket',
    because: 'it asks for Object Lock, under which content could not be purged at the end of the exception',
    opposes: always,
  },
  {
    scanner: 'prowler',
    check: 's3_bucket_cross_region_replication',
    scope: 'exception-bucket',
    because: 'it asks for copies of the content in another bucket, which no purge of ours would reach',
    opposes: always,
  },
  {
    scanner: 'prowler',
    check: 's3_bucket_object_versioning',
    scope: 'exception-bucket',
    because: 'it asks for versions, which the policy refuses for content',
    opposes: whereVersionsAreRefused,
  },
  {
    scanner: 'prowler',
    check: 'cloudwatch_log_group_retention_policy_specific_days_enabled',
    scope: 'exception-log-group',
    because: 'it asks for a year of retention; content is gone when the exception has ended',
    opposes: always,
  },
  {
    scanner: 'security-hub',
    check: 'BedrockAgentCore.6',
    scope: 'account-region',
    because: 'it asks for recordings of browser sessions, which hold what people and models wrote',
    opposes: always,
  },
  {
    scanner: 'security-hub',
    check: 'S3.7',
    scope: 'exception-bucket',
    because: 'it asks for copies of the content in another bucket, which no purge of ours would reach',
    opposes: always,
  },
  {
    scanner: 'security-hub',
    check: 'S3.14',
    scope: 'exception-bucket',
    because: 'it asks for versions, which the policy refuses for content',
    opposes: whereVersionsAreRefused,
  },
  {
    scanner: 'security-hub',
    check: 'S3.15',
    scope: 'exception-bucket',
    because: 'it asks for Object Lock, under which content could not be purged at the end of the exception',
    opposes: always,
  },
  {
    scanner: 'security-hub',
    check: 'CloudWatch.16',
    scope: 'exception-log-group',
    because: 'it asks for a year of retention; content is gone when the exception has ended',
    opposes: always,
  },
  {
    scanner: 'checkov',
    check: 'CKV_AWS_144',
    scope: 'exception-bucket',
    because: 'it asks for copies of the content in another Region, which no purge of ours would reach',
    opposes: always,
  },
  {
    scanner: 'checkov',
    check: 'CKV_AWS_21',
    scope: 'exception-bucket',
    because: 'it asks for versions, which the policy refuses for content',
    opposes: whereVersionsAreRefused,
  },
  {
    scanner: 'checkov',
    check: 'CKV_AWS_338',
    scope: 'exception-log-group',
    because: 'it asks for a year of retention; content is gone when the exception has ended',
    opposes: always,
  },
];
