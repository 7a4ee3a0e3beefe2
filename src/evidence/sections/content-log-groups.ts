import * as z from 'zod';
import { name } from '../schema-parts.ts';
import { section } from './section.ts';

/** Log groups that are likely to receive records of model use, by name or because a setting names them. */
export const contentLogGroups = section<readonly string[]>({
  level: 'account-region',
  value: z.array(name),
  actions: {
    'logs:DescribeLogGroups': 'log groups of Bedrock and AgentCore by name, and their retention and key',
  },
  meaning: 'log groups that are likely to receive records of model use',
});

/** How many records of a log group have a field that holds a prompt or a response. Never a record. */
export interface LogGroupContent {
  readonly logGroup: string;
  readonly hits: number;
}

export const logGroupContent = section<readonly LogGroupContent[]>({
  level: 'account-region',
  value: z.array(z.strictObject({ logGroup: name, hits: z.number().min(0) })),
  actions: {
    'logs:StartQuery': 'counts records with fields of prompts and responses, over the last day',
    'logs:GetQueryResults': 'reads the count; the query has no column that could hold content',
  },
  meaning: 'how many records of the last day have a field of prompts or responses, per log group',
  optIn:
    'a Logs Insights query reads every record of the day, content too, and AWS charges for what it reads',
});
