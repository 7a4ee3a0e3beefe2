import type { FactName } from './facts.ts';

/** How a fact is said in a sentence: a noun phrase, or for `true`/`false` the two statements. */
export type FactWords = string | { readonly yes: string; readonly no: string };

export const FACT_WORDS = {
  'account.state': 'the state of the account',
  'account.isManagementAccount': {
    yes: 'the account is the organization’s management account',
    no: 'the account is not the organization’s management account',
  },
  'storage.baseline': 'the baseline of the account',
  'invocationLogging.isConfigured': {
    yes: 'invocation logging is configured',
    no: 'invocation logging is not configured at all',
  },
  'invocationLogging.textDataDelivery': 'the delivery of text',
  'invocationLogging.imageDataDelivery': 'the delivery of images',
  'invocationLogging.embeddingDataDelivery': 'the delivery of embeddings',
  'invocationLogging.videoDataDelivery': 'the delivery of video',
  'invocationLogging.audioDataDelivery': 'the delivery of audio',
  'invocationLogging.largeDataBucket': 'a bucket for large bodies',
  'invocationLogging.cloudWatchLogGroup': 'a log group for invocation records',
  'invocationLogging.s3Bucket': 'a bucket for invocation records',
  'dataRetention.mode': 'the account data-retention mode',
  'principal.type': 'the kind of the principal',
  'principal.isStorageAdministrator': {
    yes: 'the principal is a storage administrator',
    no: 'the principal is not a storage administrator',
  },
  'principal.promptStorageChange': 'the principal’s permission to change prompt storage',
  'principal.modelInvocation': 'the principal’s permission to invoke models',
  'principal.unknownActions': 'the number of actions in its policies that AWS does not have',
  'principal.activeAccessKeys': 'the number of active access keys',
  'principal.activeBedrockApiKeys': 'the number of active long-term Bedrock API keys',
  'principal.sessionAttribution': 'what ties a session to a person',
  'dataRetention.lock': 'the lock of the retention mode by service control policies',
  'mantle.inference': 'the permission of anybody to use models of bedrock-mantle',
  'mantle.metering': 'the metering of bedrock-mantle',
  'forcedRetentionModels.invocation': 'the permission of anybody to invoke models that force retention',
  'aiServicesOptOut.default': 'the default of the AI services opt-out policy',
  'identityCenter.userAssignments': 'the number of assignments to single users',
  'trail.managementEvents': 'the recording of management events',
  'changeAlarms.unwatchedCalls': 'the number of calls of which nobody is told',
  'throttling.alarm': 'what tells of throttling',
  'bedrockMetrics.unknownNames': 'the number of metrics in alarms that AWS does not have',
  'costAllocationTags.missing': 'the number of cost allocation tags that are not active',
  'costExport.carriesPrincipals': {
    yes: 'an export of billing carries the IAM principal of each line',
    no: 'no export of billing carries the IAM principal of each line',
  },
  'policyReview.standing': 'the standing of this policy’s review',
} as const satisfies Record<FactName, FactWords>;
