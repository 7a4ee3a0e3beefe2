import * as z from 'zod';
import type { EpochMs } from '../../core/index.ts';
import { instant, name } from '../schema-parts.ts';
import { type Section, section } from './section.ts';

/** A job that writes prompts or responses to S3. */
export interface OutputJob {
  readonly arn: string;
  /** As AWS spells it. */
  readonly status: string;
  readonly submittedAt: EpochMs;
  /** `s3://bucket/prefix`. */
  readonly outputS3Uri: string;
  /** The key named in the job; absent: the bucket’s own encryption applies. */
  readonly keyArn?: string | undefined;
}

const outputJobs = (actions: Section<unknown>['actions'], meaning: string): Section<readonly OutputJob[]> =>
  section({
    level: 'account-region',
    value: z.array(
      z.strictObject({
        arn: name,
        status: name,
        submittedAt: instant,
        outputS3Uri: name,
        keyArn: name.exactOptional(),
      }),
    ),
    actions,
    meaning,
  });

export const batchJobs = outputJobs(
  { 'bedrock:ListModelInvocationJobs': 'batch inference jobs and where their outputs are' },
  'batch inference jobs and where their outputs are',
);
export const evaluationJobs = outputJobs(
  {
    'bedrock:ListEvaluationJobs': 'evaluation jobs',
    'bedrock:GetEvaluationJob': 'where the outputs of an evaluation job are',
  },
  'evaluation jobs and where their outputs are',
);
export const asyncInvocations = outputJobs(
  { 'bedrock:ListAsyncInvokes': 'asynchronous invocations and where their outputs are' },
  'asynchronous invocations and where their outputs are',
);
