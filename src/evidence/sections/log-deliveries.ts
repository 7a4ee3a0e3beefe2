import * as z from 'zod';
import { name } from '../schema-parts.ts';
import { section } from './section.ts';

/** A delivery of vended logs from a resource of Bedrock or AgentCore. */
export interface LogDelivery {
  readonly id: string;
  /** `bedrock` or `bedrock-agentcore`. */
  readonly service: string;
  /** As AWS spells it: `APPLICATION_LOGS`, `EVENT_LOGS`, `TRACES`, `USAGE_LOGS`. */
  readonly logType: string;
  readonly resourceArns: readonly string[];
  /** ARN of the bucket, log group, stream or X-Ray that receives; absent: the destination could not be resolved. */
  readonly destinationArn?: string | undefined;
}

export const logDeliveries = section<readonly LogDelivery[]>({
  level: 'account-region',
  value: z.array(
    z.strictObject({
      id: name,
      service: name,
      logType: name,
      resourceArns: z.array(name),
      destinationArn: name.exactOptional(),
    }),
  ),
  actions: {
    'logs:DescribeDeliveries': 'which log deliveries exist',
    'logs:DescribeDeliverySources': 'from which resources of Bedrock, and which kind of logs',
    'logs:DescribeDeliveryDestinations': 'to where',
  },
  meaning: 'log deliveries from knowledge bases, agents and AgentCore: source, kind of logs, destination',
});
