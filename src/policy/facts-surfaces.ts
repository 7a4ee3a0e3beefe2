import type { FactDefinition } from './facts.ts';

const count = (meaning: string, from: string): FactDefinition => ({
  subjects: ['account-region'],
  type: 'number',
  meaning: `${meaning}; absent where the service is not offered in the Region`,
  from,
});
const KEPT = 'by S3 lifecycle, versions, locks and copies, docs/retention.md';
const S3_CALLS = ' + s3:GetLifecycleConfiguration + s3:GetBucketVersioning + s3:GetReplicationConfiguration';

const LOGGING_CALL = 'bedrock:GetModelInvocationLoggingConfiguration';
const POLICY_CALLS = `${LOGGING_CALL} + s3:GetBucketPolicy`;
const TAG_CALLS =
  'bedrock:ListInferenceProfiles + bedrock:ListProvisionedModelThroughputs + bedrock:ListAgents + bedrock:ListKnowledgeBases + bedrock:ListTagsForResource';

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
  'contentBuckets.count': {
    ...count('', POLICY_CALLS),
    meaning: 'number of buckets that settings, jobs or log deliveries name: content goes there, or could',
  },
  'contentBuckets.withoutReaderList': {
    ...count('', POLICY_CALLS),
    meaning:
      'number of those buckets whose own policy does not deny `s3:GetObject` to all but the readers that it names',
  },
  'contentBuckets.withoutDataEvents': {
    ...count('', 'cloudtrail:DescribeTrails + cloudtrail:GetTrailStatus + cloudtrail:GetEventSelectors'),
    meaning: 'number of those buckets of which no trail that is logging records reads and writes of objects',
  },
  'loggingBuckets.count': {
    ...count('', LOGGING_CALL),
    meaning: 'number of buckets that invocation logging writes to, the one for large bodies too',
  },
  'loggingBuckets.withoutCustomerKey': {
    ...count('', 's3:GetEncryptionConfiguration'),
    meaning: 'number of those buckets that are not under a customer-managed key',
  },
  'loggingBuckets.openToOthers': {
    ...count('', POLICY_CALLS),
    meaning:
      'number of those buckets whose own policy lets in another service or account, or `bedrock.amazonaws.com` on behalf of other accounts (not bound to `aws:SourceAccount` or `aws:SourceArn`)',
  },
  'costTags.resources': {
    ...count('', TAG_CALLS),
    meaning: 'number of application inference profiles, provisioned throughputs, agents and knowledge bases',
  },
  'costTags.incomplete': {
    ...count('', TAG_CALLS),
    meaning: 'number of those that lack one of the tags Project, Team and Environment, or its value',
  },
} as const satisfies Record<string, FactDefinition>;
