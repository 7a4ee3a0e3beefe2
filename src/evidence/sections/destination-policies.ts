import * as z from 'zod';
import { name, observationOf, policyDocument } from '../schema-parts.ts';
import type { Observation } from '../types.ts';
import { section } from './section.ts';

/** The policy that a bucket, key or log group holds itself. */
export interface DestinationPolicy {
  /** `arn:aws:s3:::bucket`, the key's, the log group's without `:*`. */
  readonly resourceArn: string;
  /** The document as AWS gave it, parsed by `src/iam`; `absent`: it holds none. */
  readonly policy: Observation<string>;
}

export const destinationPolicies = section<readonly DestinationPolicy[]>({
  level: 'account-region',
  value: z.array(z.strictObject({ resourceArn: name, policy: observationOf(policyDocument) })),
  actions: {
    's3:GetBucketPolicy': 'who is let into a bucket that content goes to by the bucket itself',
    'kms:GetKeyPolicy': 'who is let use the key under which content is',
    'logs:DescribeResourcePolicies':
      'who is let into a log group that content goes to by the log group itself',
  },
  meaning: 'policies that the buckets, keys and log groups of `destinations` hold themselves',
});
