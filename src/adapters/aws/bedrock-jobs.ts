import {
  BedrockClient,
  GetEvaluationJobCommand,
  ListEvaluationJobsCommand,
  ListModelInvocationJobsCommand,
} from '@aws-sdk/client-bedrock';
import { BedrockRuntimeClient, ListAsyncInvokesCommand } from '@aws-sdk/client-bedrock-runtime';
import pMap from 'p-map';
import type { Clock } from '../../core/index.ts';
import type { OutputJob, SectionReaders } from '../../evidence/index.ts';
import type { RegionAccess } from './bedrock.ts';
import { clientOf } from './clients.ts';
import { abortable, required } from './observe.ts';
import { allPages, nextToken } from './pages.ts';
import { instantOf, regional } from './regional.ts';

const CONCURRENCY = 4;

/**
 * Jobs that write prompts or responses to S3, of whatever status: a failed or stopped one may have written before. Jobs that AWS no longer
 * lists are not seen, though their outputs may still be there.
 */
export function bedrockJobReaders(
  access: RegionAccess,
  clock: Clock,
): Pick<SectionReaders<'account-region'>, 'batchJobs' | 'evaluationJobs' | 'asyncInvocations'> {
  return {
    batchJobs: (place, { signal } = {}) =>
      regional(clock, 'bedrock:ListModelInvocationJobs', place, async () => {
        const client = clientOf(BedrockClient, await access.settingsFor(place.accountId, place.region));
        const jobs = await allPages(async (token) => {
          const page = await client.send(
            new ListModelInvocationJobsCommand(nextToken(token)),
            abortable(signal),
          );
          return { items: page.invocationJobSummaries, next: page.nextToken };
        });
        return jobs.map((job): OutputJob => {
          const output = job.outputDataConfig?.s3OutputDataConfig;
          return {
            arn: required(job.jobArn, 'invocationJobSummaries.jobArn'),
            status: job.status ?? 'UNKNOWN',
            submittedAt: instantOf(job.submitTime, 'invocationJobSummaries.submitTime'),
            outputS3Uri: required(
              output?.s3Uri,
              'invocationJobSummaries.outputDataConfig.s3OutputDataConfig',
            ),
            ...(output?.s3EncryptionKeyId ? { keyArn: output.s3EncryptionKeyId } : {}),
          };
        });
      }),

    evaluationJobs: (place, { signal } = {}) =>
      regional(clock, 'bedrock:ListEvaluationJobs + bedrock:GetEvaluationJob', place, async () => {
        const client = clientOf(BedrockClient, await access.settingsFor(place.accountId, place.region));
        const jobs = await allPages(async (token) => {
          const page = await client.send(new ListEvaluationJobsCommand(nextToken(token)), abortable(signal));
          return { items: page.jobSummaries, next: page.nextToken };
        });
        return pMap(
          jobs,
          async (summary): Promise<OutputJob> => {
            const arn = required(summary.jobArn, 'jobSummaries.jobArn');
            const job = await client.send(
              new GetEvaluationJobCommand({ jobIdentifier: arn }),
              abortable(signal),
            );
            return {
              arn,
              status: required(job.status, 'status'),
              submittedAt: instantOf(job.creationTime, 'creationTime'),
              outputS3Uri: required(job.outputDataConfig?.s3Uri, 'outputDataConfig.s3Uri'),
              ...(job.customerEncryptionKeyId ? { keyArn: job.customerEncryptionKeyId } : {}),
            };
          },
          { concurrency: CONCURRENCY },
        );
      }),

    asyncInvocations: (place, { signal } = {}) =>
      regional(clock, 'bedrock:ListAsyncInvokes', place, async () => {
        const client = clientOf(
          BedrockRuntimeClient,
          await access.settingsFor(place.accountId, place.region),
        );
        const invocations = await allPages(async (token) => {
          const page = await client.send(new ListAsyncInvokesCommand(nextToken(token)), abortable(signal));
          return { items: page.asyncInvokeSummaries, next: page.nextToken };
        });
        return invocations.map((invocation): OutputJob => {
          const output = invocation.outputDataConfig?.s3OutputDataConfig;
          return {
            arn: required(invocation.invocationArn, 'asyncInvokeSummaries.invocationArn'),
            status: invocation.status ?? 'UNKNOWN',
            submittedAt: instantOf(invocation.submitTime, 'asyncInvokeSummaries.submitTime'),
            outputS3Uri: required(output?.s3Uri, 'asyncInvokeSummaries.outputDataConfig.s3OutputDataConfig'),
            ...(output?.kmsKeyId ? { keyArn: output.kmsKeyId } : {}),
          };
        });
      }),
  };
}
