import type { Clock, Ids } from '../../../core/index.ts';
import type { Pair } from '../../../enforcement/index.ts';
import type { LoggingConfiguration } from '../../../evidence/index.ts';
import type { EmbeddedStorage } from './storage.ts';

/** Bodies above this go to a place of their own; from CloudWatch-only destinations they are simply missing. */
const LARGE_BODY = 100 * 1024;

export interface Invocation {
  /** STS or IAM ARN of the caller. */
  readonly identityArn: string;
  readonly modelId: string;
  readonly prompt: string;
  readonly response: string;
}

/**
 * Delivers the record of one invocation as Bedrock does while logging is on: to S3 by date and hour with large bodies under
 * `data/`, or to one CloudWatch stream. Objects are written as plain JSON where AWS gzips them, so that a search for canaries in
 * the raw files of a state directory can find what a purge forgot.
 *
 * @returns whether content (not only metadata) was delivered
 */
export function deliver(
  storage: EmbeddedStorage,
  clock: Clock,
  ids: Ids,
  pair: Pair,
  configuration: LoggingConfiguration | undefined,
  invocation: Invocation,
): boolean {
  if (configuration === undefined) return false;
  const withText = configuration.textDataDeliveryEnabled !== false;
  const at = new Date(clock.now()).toISOString();
  const requestId = ids.next(20);
  const isLarge = invocation.prompt.length > LARGE_BODY;
  const record = {
    schemaType: 'ModelInvocationLog',
    schemaVersion: '1.0',
    timestamp: at,
    accountId: pair.accountId,
    region: pair.region,
    requestId,
    operation: 'Converse',
    modelId: invocation.modelId,
    identity: { arn: invocation.identityArn },
    input: { inputContentType: 'application/json', inputTokenCount: Math.ceil(invocation.prompt.length / 4) },
    output: {
      outputContentType: 'application/json',
      outputTokenCount: Math.ceil(invocation.response.length / 4),
    },
  };
  const inline = (place?: string) => ({
    ...record,
    input: {
      ...record.input,
      ...(isLarge
        ? place === undefined
          ? {}
          : { inputBodyS3Path: place }
        : { inputBodyJson: { messages: [{ role: 'user', content: invocation.prompt }] } }),
    },
    output: { ...record.output, outputBodyJson: { content: invocation.response } },
  });

  const { s3Config, cloudWatchConfig } = configuration;
  // A delivery that fails is Bedrock's own loss; the caller's invocation goes on. [unverified: date-conditions-deny-quietly]
  if (s3Config?.bucketName && !storage.takes(s3Config.bucketName)) return false;
  if (s3Config?.bucketName) {
    const root = `${s3Config.keyPrefix ?? ''}AWSLogs/${pair.accountId}/BedrockModelInvocationLogs/${pair.region}`;
    storage.putObject(s3Config.bucketName, `${root}/amazon-bedrock-logs-permission-check`, '');
    const hour = `${root}/${at.slice(0, 13).replaceAll('-', '/').replace('T', '/')}`;
    const name = `${hour}/${at.replaceAll(/[-:.]/g, '')}_${requestId}.json`;
    const large = `${hour}/data/${requestId}_input.json`;
    if (withText && isLarge) storage.putObject(s3Config.bucketName, large, invocation.prompt);
    storage.putObject(
      s3Config.bucketName,
      name,
      JSON.stringify(withText ? inline(`s3://${s3Config.bucketName}/${large}`) : record),
    );
  }
  if (cloudWatchConfig?.logGroupName)
    storage.appendLogEvent(pair, cloudWatchConfig.logGroupName, JSON.stringify(withText ? inline() : record));
  return withText;
}
