import type { FactDefinition } from './facts.ts';

const count = (meaning: string, from: string): FactDefinition => ({
  subjects: ['account-region'],
  type: 'number',
  meaning: `${meaning}; absent where the service is not offered in the Region`,
  from,
});
const KEPT = 'by S3 lifecycle, versions, locks and copies, docs/retention.md';
const S3_CALLS = ' + s3:GetLifecycleConfiguration + s3:GetBucketVersioning + s3:GetReplicationConfiguration';

/** Facts of an account and Region about the places beside invocation logging in which content can stay. */
export const SURFACE_FACTS = {
  'mantleRetention.accountMode': {
    subjects: ['account-region'],
    type: 'string',
    meaning:
      'data-retention mode of the account on the `bedrock-mantle` endpoint: none, default, aws_review, provider_data_share, inherit, or one AWS adds later; absent where the endpoint is not offered in the Region',
    from: 'bedrock-mantle:GetAccountDataRetention',
  },
  'mantleRetention.projectsThatMayKeep': count(
    'number of projects on the `bedrock-mantle` endpoint whose own mode, which beats the account’s, is neither `none` nor `inherit`',
    'bedrock-mantle:ListProjects + bedrock-mantle:GetProject',
  ),
  'bedrockSessions.count': count(
    'number of sessions of the session management API, ended ones too',
    'bedrock:ListSessions',
  ),
  'storedPrompts.count': count('number of prompts in Prompt management', 'bedrock:ListPrompts'),
  'agentMemory.agents': count(
    'number of agents that remember sessions',
    'bedrock:ListAgents + bedrock:GetAgent',
  ),
  'agentCoreMemory.count': {
    ...count('', 'bedrock-agentcore:ListMemories'),
    meaning: 'number of memories of AgentCore; 0 where it is not offered in the Region',
  },
  'batchInference.outputsKeptTooLong': count(
    `number of places with outputs of batch inference jobs that are kept longer than \`exceptions.limits.retention\`, ${KEPT}`,
    `bedrock:ListModelInvocationJobs${S3_CALLS}`,
  ),
  'batchInference.outputsWithoutCustomerKey': count(
    'number of places with outputs of batch inference jobs that are not under a customer-managed key',
    'bedrock:ListModelInvocationJobs + s3:GetEncryptionConfiguration',
  ),
  'evaluationJobs.outputsKeptTooLong': count(
    `number of places with outputs of evaluation jobs that are kept longer than \`exceptions.limits.retention\`, ${KEPT}`,
    `bedrock:ListEvaluationJobs + bedrock:GetEvaluationJob${S3_CALLS}`,
  ),
  'evaluationJobs.outputsWithoutCustomerKey': count(
    'number of places with outputs of evaluation jobs that are not under a customer-managed key',
    'bedrock:ListEvaluationJobs + bedrock:GetEvaluationJob + s3:GetEncryptionConfiguration',
  ),
  'asyncInvocation.outputsKeptTooLong': count(
    `number of places with outputs of asynchronous invocations that are kept longer than \`exceptions.limits.retention\`, ${KEPT}`,
    `bedrock:ListAsyncInvokes${S3_CALLS}`,
  ),
  'asyncInvocation.outputsWithoutCustomerKey': count(
    'number of places with outputs of asynchronous invocations that are not under a customer-managed key',
    'bedrock:ListAsyncInvokes + s3:GetEncryptionConfiguration',
  ),
  'logDeliveries.withContent': count(
    'number of log deliveries of Bedrock and AgentCore that can carry content: every kind of logs but `USAGE_LOGS`',
    'logs:DescribeDeliveries + logs:DescribeDeliverySources',
  ),
  'contentLogGroups.candidates': count(
    'number of log groups that are likely to receive records of model use, by name or because a setting names them',
    'logs:DescribeLogGroups',
  ),
  'contentLogGroups.withContent': count(
    'number of those log groups with records of the last day that have a field of prompts or responses',
    'logs:StartQuery + logs:GetQueryResults',
  ),
  'contentBuckets.locked': count(
    'number of buckets named by settings or jobs whose default Object Lock is in compliance mode',
    's3:GetBucketObjectLockConfiguration',
  ),
} as const satisfies Record<string, FactDefinition>;
