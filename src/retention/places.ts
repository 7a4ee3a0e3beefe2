import type { AccountId, Region } from '../core/index.ts';
import type { LoggingConfiguration } from '../evidence/index.ts';
import type { Place } from './types.ts';

/** Where Bedrock puts its log objects below the configured prefix (*Amazon Bedrock User Guide*, Monitor model invocation). */
const loggingPrefix = (keyPrefix: string | undefined, accountId: AccountId, region: Region): string =>
  `${folder(keyPrefix)}AWSLogs/${accountId}/BedrockModelInvocationLogs/${region}/`;

/** A key prefix as a folder: `a`, `a/` and `/a/` name the same place, as Bedrock puts a slash between. */
const folder = (keyPrefix: string | undefined): string => {
  const bare = (keyPrefix ?? '').replace(/\/+$/, '');
  return bare === '' ? '' : `${bare}/`;
};

/**
 * Every place in which invocation logging can put content: the log group, the bucket, and the bucket for bodies too large for an event.
 * Large bodies of the S3 destination lie in `data/` folders below the same prefix. An empty name is no destination.
 */
export function placesOfInvocationLogging(
  { cloudWatchConfig, s3Config }: LoggingConfiguration,
  accountId: AccountId,
  region: Region,
): readonly Place[] {
  const here = { accountId, region };
  const large = cloudWatchConfig?.largeDataDeliveryS3Config;
  return [
    ...(isNamed(cloudWatchConfig?.logGroupName)
      ? [
          {
            ...here,
            kind: 'cloudwatch-logs',
            logGroupName: cloudWatchConfig.logGroupName,
            what: 'invocation log events',
          } as const,
        ]
      : []),
    ...[
      { destination: s3Config, what: 'invocation log objects and large bodies' },
      { destination: large, what: 'bodies too large for a log event' },
    ].flatMap(({ destination, what }) =>
      isNamed(destination?.bucketName)
        ? [
            {
              ...here,
              kind: 's3',
              bucketName: destination.bucketName,
              prefix: loggingPrefix(destination.keyPrefix, accountId, region),
              what,
            } as const,
          ]
        : [],
    ),
  ];
}

/** `s3://bucket/prefix` of a batch, evaluation or async job as a place; `undefined` when it is not such an address. */
export function placeOfS3Uri(
  uri: string,
  accountId: AccountId,
  region: Region,
  what: string,
): Place | undefined {
  const match = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/s.exec(uri);
  if (match === null) return undefined;
  return { accountId, region, kind: 's3', bucketName: match[1] ?? '', prefix: match[2] ?? '', what };
}

const isNamed = (name: string | undefined): name is string => name !== undefined && name !== '';
