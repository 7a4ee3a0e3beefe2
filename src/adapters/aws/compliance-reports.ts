import {
  type Evaluation as AwsEvaluation,
  ConfigServiceClient,
  GetResourceConfigHistoryCommand,
  PutEvaluationsCommand,
  type ResourceType,
} from '@aws-sdk/client-config-service';
import type { ComplianceReports, Evaluation } from '../../enforcement/index.ts';
import { AwsCallError } from '../../exceptions/index.ts';
import { awsCall, isNamed } from './call.ts';
import type { MemberRoles } from './roles.ts';

/** Of PutEvaluations. */
const MOST_EVALUATIONS = 100;
const ATTEMPTS = 3;
const DELETED: ReadonlySet<string | undefined> = new Set([
  'ResourceDeleted',
  'ResourceDeletedNotRecorded',
  'ResourceNotRecorded',
]);

/**
 * Answers to AWS Config, in the account and Region whose rule asked: a result token is good there and nowhere else.
 * @see https://docs.aws.amazon.com/config/latest/APIReference/API_PutEvaluations.html
 */
export function configReports(roles: MemberRoles): ComplianceReports {
  return {
    put: (pair, evaluations, { resultToken, isTest }) =>
      awsCall('config:PutEvaluations', async () => {
        const client = new ConfigServiceClient(await roles.settingsFor('evaluate', pair));
        try {
          for (let from = 0; from < evaluations.length; from += MOST_EVALUATIONS) {
            let batch = evaluations.slice(from, from + MOST_EVALUATIONS).map(toAws);
            for (let attempt = 1; batch.length > 0; attempt++) {
              const { FailedEvaluations } = await client.send(
                new PutEvaluationsCommand({
                  ResultToken: resultToken,
                  Evaluations: batch,
                  ...(isTest ? { TestMode: true } : {}),
                }),
              );
              batch = [...(FailedEvaluations ?? [])];
              if (batch.length > 0 && attempt === ATTEMPTS)
                throw new AwsCallError(
                  'failed',
                  `config:PutEvaluations did not keep ${batch.length} of ${evaluations.length} evaluations`,
                  true,
                );
            }
          }
        } finally {
          client.destroy();
        }
      }),

    resourceAt: (pair, resourceType, resourceId, at) =>
      awsCall('config:GetResourceConfigHistory', async () => {
        const client = new ConfigServiceClient(await roles.settingsFor('evaluate', pair));
        try {
          const { configurationItems } = await client.send(
            new GetResourceConfigHistoryCommand({
              // Types that AWS adds later are as good; the enum of the SDK only lists those of its day.
              resourceType: resourceType as ResourceType,
              resourceId,
              laterTime: new Date(at),
              limit: 1,
            }),
          );
          const [item] = configurationItems ?? [];
          if (item === undefined) return undefined;
          return {
            isDeleted: DELETED.has(item.configurationItemStatus),
            ...(item.arn === undefined ? {} : { arn: item.arn }),
            ...(item.resourceName === undefined ? {} : { name: item.resourceName }),
          };
        } catch (error) {
          if (isNamed(error, 'ResourceNotDiscoveredException')) return undefined;
          throw error;
        } finally {
          client.destroy();
        }
      }),
  };
}

const toAws = ({ resourceType, resourceId, compliance, annotation, at }: Evaluation): AwsEvaluation => ({
  ComplianceResourceType: resourceType,
  ComplianceResourceId: resourceId,
  ComplianceType: compliance,
  Annotation: annotation,
  OrderingTimestamp: new Date(at),
});
