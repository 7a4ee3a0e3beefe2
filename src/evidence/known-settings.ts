/**
 * The members of AWS's settings that we know, as `Shape.member`, and the values of an enumeration likewise. Pinned from the installed
 * SDK's own schema; not yet read against the API reference. A member that stands here is read by a collector or fact, or is known not
 * to matter. Whatever the SDK has beyond them may be a new way to store prompts, and nobody has looked.
 */
export const KNOWN_SETTINGS = {
  asOf: '2026-11-21',
  sdk: '@aws-sdk/client-bedrock 3.1162.0',
  /** What is walked, with every shape below it. */
  shapes: [
    'GetModelInvocationLoggingConfigurationResponse',
    'GetAccountDataRetentionResponse',
    'PutAccountDataRetentionRequest',
  ],
  enumerations: ['DataRetentionMode'],
  members: [
    // The settings as a whole.
    'GetModelInvocationLoggingConfigurationResponse.loggingConfig',
    // Where content goes.
    'LoggingConfig.cloudWatchConfig',
    'LoggingConfig.s3Config',
    'CloudWatchConfig.logGroupName',
    'CloudWatchConfig.roleArn',
    'CloudWatchConfig.largeDataDeliveryS3Config',
    'S3Config.bucketName',
    'S3Config.keyPrefix',
    // Which content: the five data-delivery flags.
    'LoggingConfig.textDataDeliveryEnabled',
    'LoggingConfig.imageDataDeliveryEnabled',
    'LoggingConfig.embeddingDataDeliveryEnabled',
    'LoggingConfig.videoDataDeliveryEnabled',
    'LoggingConfig.audioDataDeliveryEnabled',
    // What AWS may keep by itself; `none` alone keeps nothing. `updatedAt` is a time.
    'GetAccountDataRetentionResponse.mode',
    'GetAccountDataRetentionResponse.updatedAt',
    'PutAccountDataRetentionRequest.mode',
    'DataRetentionMode.aws_review',
    'DataRetentionMode.default',
    'DataRetentionMode.inherit',
    'DataRetentionMode.none',
    'DataRetentionMode.provider_data_share',
  ],
} as const;

/** Settings as an SDK has them, against those that somebody has classified. Both lists sorted. */
export interface SettingsComparison {
  /** The day of the classification, and the SDK it was made with. */
  readonly asOf: string;
  readonly sdk: string;
  /** In the SDK, and nobody has said what they mean. */
  readonly unclassified: readonly string[];
  /** Classified, and no longer in the SDK: what was relied on may be gone. */
  readonly gone: readonly string[];
}

/** @param inSdk - `Shape.member` for every member of the SDK's shapes, and every value of its enumerations */
export function compareSettings(
  inSdk: readonly string[],
  known: {
    readonly asOf: string;
    readonly sdk: string;
    readonly members: readonly string[];
  } = KNOWN_SETTINGS,
): SettingsComparison {
  const [theirs, ours] = [new Set(inSdk), new Set(known.members)];
  return {
    asOf: known.asOf,
    sdk: known.sdk,
    unclassified: [...theirs].filter((member) => !ours.has(member)).sort(),
    gone: [...ours].filter((member) => !theirs.has(member)).sort(),
  };
}
