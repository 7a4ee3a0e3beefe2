import {
  BedrockClient,
  GetAccountDataRetentionCommand,
  GetModelInvocationLoggingConfigurationCommand,
} from '@aws-sdk/client-bedrock';
import type { z } from 'zod';
import type { AccountId, Clock, Region } from '../../core/index.ts';
import {
  dataRetentionSchema,
  describeIssue,
  loggingConfigurationSchema,
  type RegionSource,
} from '../../evidence/index.ts';
import type { ClientSettings } from './account-access.ts';
import { clientOf } from './clients.ts';
import { abortable, MalformedAnswer, observe } from './observe.ts';

/** Whatever can make a client for an account and Region. */
export interface RegionAccess {
  settingsFor(accountId: AccountId, region: Region): Promise<ClientSettings>;
}

/**
 * The two prompt-storage settings of an account and Region, one call each.
 * Nothing configured is an answer without `loggingConfig` (or an empty one): the API has no NotFound.
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_GetModelInvocationLoggingConfiguration.html
 */
export function bedrockRegionSource(access: RegionAccess, clock: Clock): RegionSource {
  return {
    readInvocationLogging: (accountId, region, { signal } = {}) =>
      observe(
        clock,
        { call: 'bedrock:GetModelInvocationLoggingConfiguration', accountId, region },
        async () => {
          const client = clientOf(BedrockClient, await access.settingsFor(accountId, region));
          const answer = await client.send(
            new GetModelInvocationLoggingConfigurationCommand({}),
            abortable(signal),
          );
          const config = withoutNulls(answer.loggingConfig);
          if (config === undefined || isEmptyObject(config)) return undefined;
          return parsed(loggingConfigurationSchema, config, 'loggingConfig');
        },
      ),

    readDataRetention: (accountId, region, { signal } = {}) =>
      observe(clock, { call: 'bedrock:GetAccountDataRetention', accountId, region }, async () => {
        const client = clientOf(BedrockClient, await access.settingsFor(accountId, region));
        const answer = await client.send(new GetAccountDataRetentionCommand({}), abortable(signal));
        // No mode at all is not `none`: the account has one, and we were not told which.
        return parsed(dataRetentionSchema, withoutNulls({ mode: answer.mode }), 'answer');
      }),
  };
}

function parsed<T>(schema: z.ZodType<T>, value: unknown, field: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new MalformedAnswer(`${field}: ${describeIssue(result.error)}`);
}

/** JSON null and a missing member are the same on the wire; the SDK may hand out either. */
function withoutNulls(value: unknown): unknown {
  if (value === null || value === undefined) return undefined;
  if (typeof value !== 'object' || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, member]) => [key, withoutNulls(member)] as const)
      .filter(([, member]) => member !== undefined),
  );
}

const isEmptyObject = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length === 0;
