import * as z from 'zod';
import { name, policyDocument } from '../schema-parts.ts';
import { section } from './section.ts';

/** A policy of CloudWatch Logs for a whole account and Region: it lets others into whatever log groups it names. */
export interface LogsResourcePolicy {
  readonly name: string;
  /** As AWS gave it, parsed by `src/iam`. */
  readonly document: string;
}

/** Absent where no content goes to a log group: nobody asked there. */
export const logsResourcePolicies = section<readonly LogsResourcePolicy[]>({
  level: 'account-region',
  value: z.array(z.strictObject({ name, document: policyDocument })),
  actions: {
    'logs:DescribeResourcePolicies': 'who is let into the log groups of a whole account and Region',
  },
  meaning:
    'policies of CloudWatch Logs for the whole account and Region; not asked where no content goes to a log group',
});
