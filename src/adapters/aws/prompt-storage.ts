import {
  BedrockClient,
  DeleteModelInvocationLoggingConfigurationCommand,
  type LoggingConfig,
  PutAccountDataRetentionCommand,
  PutModelInvocationLoggingConfigurationCommand,
} from '@aws-sdk/client-bedrock';
import type { Clock } from '../../core/index.ts';
import type { DataRetentionSettings, PromptStorageSettings } from '../../enforcement/index.ts';
import type { S3Destination } from '../../evidence/index.ts';
import { AwsCallError, type CompleteLoggingConfiguration, storesContent } from '../../exceptions/index.ts';
import type { ClientSettings } from './account-access.ts';
import { bedrockRegionSource } from './bedrock.ts';
import { awsCall } from './call.ts';
import type { MemberRoles } from './roles.ts';

/** A Delete may be repeated by the next detector; it must not hang longer than a function lives. */
const DELETE_TIMEOUT_MS = 10_000;

/**
 * Model invocation logging of member accounts, each act by its own role, in the pair's own Region.
 * A configuration that stores content is put by the enabling role; a metadata-only baseline by the disabling one, which may do so only
 * where the member account's template says that the baseline is metadata-only (IAM cannot tell the two apart by their flags).
 */
export function bedrockSettings(roles: MemberRoles, clock: Clock): PromptStorageSettings {
  const { readInvocationLogging } = bedrockRegionSource(
    { settingsFor: (accountId, region) => roles.settingsFor('collect', { accountId, region }) },
    clock,
  );
  return {
    getInvocationLogging: ({ accountId, region }) => readInvocationLogging(accountId, region),

    putInvocationLogging: (pair, configuration, timeoutMs) =>
      awsCall('bedrock:PutModelInvocationLoggingConfiguration', async () => {
        const act = storesContent(configuration) ? 'enable' : 'disable';
        const loggingConfig = inputOf(configuration);
        await sendOnce(
          roles.settingsFor(act, pair),
          timeoutMs,
          new PutModelInvocationLoggingConfigurationCommand({ loggingConfig }),
        );
      }),

    deleteInvocationLogging: (pair) =>
      awsCall('bedrock:DeleteModelInvocationLoggingConfiguration', () =>
        sendOnce(
          roles.settingsFor('disable', pair),
          DELETE_TIMEOUT_MS,
          new DeleteModelInvocationLoggingConfigurationCommand({}),
        ),
      ),
  };
}

/**
 * The data-retention mode of the account and Region. `none` is put by the disabling role, which IAM allows no other mode.
 * Mantle's own `bedrock-mantle:PutAccountDataRetention` is not called: whether the two share one value is not known [unverified: one-retention-mode].
 */
export function bedrockRetention(roles: MemberRoles, clock: Clock): DataRetentionSettings {
  const { readDataRetention } = bedrockRegionSource(
    { settingsFor: (accountId, region) => roles.settingsFor('collect', { accountId, region }) },
    clock,
  );
  return {
    getDataRetention: ({ accountId, region }) => readDataRetention(accountId, region),
    setDataRetentionToNone: (pair) =>
      awsCall('bedrock:PutAccountDataRetention', () =>
        sendOnce(
          roles.settingsFor('disable', pair),
          DELETE_TIMEOUT_MS,
          new PutAccountDataRetentionCommand({ mode: 'none' }),
        ),
      ),
  };
}

/**
 * One attempt, on a connection of its own, all of it within `timeoutMs`. INVARIANT (NO_SILENT_ON): a Put that the SDK repeated, or that
 * waited for credentials and was sent late, could land after the `enabling(until)` of its lease, when nobody expects it any more.
 */
async function sendOnce(
  settings: Promise<ClientSettings>,
  timeoutMs: number,
  command:
    | PutModelInvocationLoggingConfigurationCommand
    | DeleteModelInvocationLoggingConfigurationCommand
    | PutAccountDataRetentionCommand,
): Promise<void> {
  const abortSignal = AbortSignal.timeout(timeoutMs);
  const client = new BedrockClient({
    ...(await settings),
    maxAttempts: 1,
    requestHandler: {
      connectionTimeout: Math.min(5_000, timeoutMs),
      requestTimeout: timeoutMs,
      throwOnRequestTimeout: true,
    },
  });
  try {
    if (abortSignal.aborted)
      throw new AwsCallError('timeout', 'assuming the role took too long; nothing was sent', false);
    if (command instanceof PutModelInvocationLoggingConfigurationCommand)
      await client.send(command, { abortSignal });
    else if (command instanceof PutAccountDataRetentionCommand) await client.send(command, { abortSignal });
    else await client.send(command, { abortSignal });
  } finally {
    client.destroy();
  }
}

/** What AWS's model asks for. @throws AwsCallError for a destination without its name: AWS would refuse it anyhow */
function inputOf({ s3Config, cloudWatchConfig, ...flags }: CompleteLoggingConfiguration): LoggingConfig {
  const large = cloudWatchConfig?.largeDataDeliveryS3Config;
  return {
    ...flags,
    ...(s3Config === undefined ? {} : { s3Config: bucketOf(s3Config) }),
    ...(cloudWatchConfig === undefined
      ? {}
      : {
          cloudWatchConfig: {
            logGroupName: named(cloudWatchConfig.logGroupName, 'cloudWatchConfig.logGroupName'),
            roleArn: named(cloudWatchConfig.roleArn, 'cloudWatchConfig.roleArn'),
            ...(large === undefined ? {} : { largeDataDeliveryS3Config: bucketOf(large) }),
          },
        }),
  };
}

const bucketOf = ({ bucketName, keyPrefix }: S3Destination) => ({
  bucketName: named(bucketName, 'bucketName'),
  ...(keyPrefix === undefined ? {} : { keyPrefix }),
});

function named(value: string | undefined, field: string): string {
  if (value === undefined || value === '')
    throw new AwsCallError('validation', `the logging configuration has no \`${field}\``, false);
  return value;
}
