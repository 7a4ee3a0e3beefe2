import { BackupClient, ListRecoveryPointsByResourceCommand } from '@aws-sdk/client-backup';
import {
  BedrockClient,
  GetEvaluationJobCommand,
  ListEvaluationJobsCommand,
  ListInferenceProfilesCommand,
  ListModelInvocationJobsCommand,
  ListProvisionedModelThroughputsCommand,
  ListTagsForResourceCommand,
} from '@aws-sdk/client-bedrock';
import {
  BedrockAgentClient,
  GetAgentCommand,
  ListAgentsCommand,
  ListKnowledgeBasesCommand,
  ListPromptsCommand,
  ListTagsForResourceCommand as TagsOfBuiltCommand,
} from '@aws-sdk/client-bedrock-agent';
import { BedrockAgentRuntimeClient, ListSessionsCommand } from '@aws-sdk/client-bedrock-agent-runtime';
import {
  BedrockAgentCoreControlClient,
  GetMemoryCommand,
  ListMemoriesCommand,
} from '@aws-sdk/client-bedrock-agentcore-control';
import { BedrockRuntimeClient, ListAsyncInvokesCommand } from '@aws-sdk/client-bedrock-runtime';
import {
  CloudWatchLogsClient,
  DescribeAccountPoliciesCommand,
  DescribeDeliveriesCommand,
  DescribeDeliveryDestinationsCommand,
  DescribeDeliverySourcesCommand,
  DescribeExportTasksCommand,
  DescribeLogGroupsCommand,
  DescribeResourcePoliciesCommand,
  DescribeSubscriptionFiltersCommand,
  GetQueryResultsCommand,
  StartQueryCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { DescribeKeyCommand, GetKeyPolicyCommand, KMSClient, ListGrantsCommand } from '@aws-sdk/client-kms';
import {
  GetBucketEncryptionCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketPolicyCommand,
  GetBucketReplicationCommand,
  GetBucketVersioningCommand,
  GetObjectLockConfigurationCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { mockClient } from 'aws-sdk-client-mock';
import { afterEach, describe, expect, it } from 'vitest';
import { bedrockAgentReaders } from '../../src/adapters/aws/bedrock-agents.ts';
import { bedrockJobReaders } from '../../src/adapters/aws/bedrock-jobs.ts';
import { bedrockMantleReaders, type Fetch } from '../../src/adapters/aws/bedrock-mantle.ts';
import { bedrockSessionReaders } from '../../src/adapters/aws/bedrock-sessions.ts';
import { contentDestinationReaders } from '../../src/adapters/aws/content-destinations.ts';
import { costResourceReaders } from '../../src/adapters/aws/cost-resources.ts';
import { destinationPolicyReaders } from '../../src/adapters/aws/destination-policies.ts';
import { CONTENT_QUERY, vendedLogReaders } from '../../src/adapters/aws/vended-logs.ts';
import type { RegionEvidence } from '../../src/evidence/index.ts';
import { SECTION_EXAMPLES } from '../evidence/section-examples.ts';
import { AT, absent, FRANKFURT, MEMBER, observed } from '../evidence/snapshots.ts';

/*
 * The collectors of the other stores, each against answers in the shape of the SDK's own types. No AWS account was asked: what AWS really
 * answers is not verified.
 */

const sessions = mockClient(BedrockAgentRuntimeClient);
const agents = mockClient(BedrockAgentClient);
const agentCore = mockClient(BedrockAgentCoreControlClient);
const bedrock = mockClient(BedrockClient);
const runtime = mockClient(BedrockRuntimeClient);
const logs = mockClient(CloudWatchLogsClient);
const s3 = mockClient(S3Client);
const backup = mockClient(BackupClient);
const kms = mockClient(KMSClient);
const mocks = [sessions, agents, agentCore, bedrock, runtime, logs, s3, backup, kms];
afterEach(() => {
  for (const mock of mocks) mock.reset();
});

const clock = { now: () => AT };
const keys = {
  accessKeyId: 'AKIATEST',
  secretAccessKey: 'CANARY-SECRET',
  expiration: new Date(AT + 3600_000),
};
const access = {
  settingsFor: async () => ({
    region: FRANKFURT,
    maxAttempts: 1,
    retryMode: 'adaptive' as const,
    credentials: async () => ({ ...keys, sessionToken: 'CANARY-TOKEN' }),
  }),
} as never;
const when = new Date(AT);

const place = (more: Partial<RegionEvidence> = {}): RegionEvidence => ({
  accountId: MEMBER,
  region: FRANKFURT,
  invocationLogging: absent(),
  dataRetention: observed({ mode: 'none' }),
  ...more,
});
const named = (name: string, more: object = {}): Error =>
  Object.assign(new Error('CANARY'), { name, ...more });

describe('sessions, prompts and memories', () => {
  it('every page of sessions, ids and times only', async () => {
    const summary = { sessionArn: 'arn:s', createdAt: when, lastUpdatedAt: when };
    sessions
      .on(ListSessionsCommand)
      .resolvesOnce({
        sessionSummaries: [{ ...summary, sessionId: 's-1', sessionStatus: 'ACTIVE' }],
        nextToken: 'more',
      })
      .resolves({ sessionSummaries: [{ ...summary, sessionId: 's-2', sessionStatus: 'ENDED' }] });
    const seen = await bedrockSessionReaders(access, clock).bedrockSessions(place());
    expect(seen).toMatchObject({
      kind: 'observed',
      source: { call: 'bedrock:ListSessions', accountId: MEMBER, region: FRANKFURT },
      value: [
        { id: 's-1', status: 'ACTIVE' },
        { id: 's-2', status: 'ENDED' },
      ],
    });
    expect(sessions.commandCalls(ListSessionsCommand)[1]?.args[0].input.nextToken).toBe('more');
  });

  it.each([
    ['a denied call is not none', named('AccessDeniedException'), 'access-denied'],
    ['nor a throttled one', named('ThrottlingException'), 'throttled'],
    ['nor a name server that does not answer', named('Error', { code: 'EAI_AGAIN' }), 'failed'],
  ])('%s', async (_name, error, reason) => {
    sessions.on(ListSessionsCommand).rejects(error);
    const seen = await bedrockSessionReaders(access, clock).bedrockSessions(place());
    expect(seen).toMatchObject({ kind: 'unobservable', reason });
    expect(JSON.stringify(seen)).not.toContain('CANARY');
  });

  it('a host that does not exist is absent, but only while Bedrock itself answered there', async () => {
    sessions.on(ListSessionsCommand).rejects(named('Error', { code: 'ENOTFOUND' }));
    const read = bedrockSessionReaders(access, clock).bedrockSessions;
    expect(await read(place())).toMatchObject({ kind: 'absent' });
    const offline = place({ invocationLogging: { kind: 'unobservable', reason: 'failed' } });
    expect(await read(offline)).toMatchObject({ kind: 'unobservable', reason: 'failed' });
  });

  it('an answer without its list is malformed, not empty', async () => {
    sessions.on(ListSessionsCommand).resolves({} as never);
    expect(await bedrockSessionReaders(access, clock).bedrockSessions(place())).toMatchObject({
      reason: 'malformed',
      detail: 'sessionSummaries is missing',
    });
  });

  it('prompts by name, and the memory of agents without their instruction', async () => {
    agents.on(ListPromptsCommand).resolves({
      promptSummaries: [
        {
          arn: 'arn:p',
          id: 'P',
          name: 'greeting',
          version: 'DRAFT',
          createdAt: when,
          updatedAt: when,
          description: 'CANARY',
        },
      ],
    });
    agents.on(ListAgentsCommand).resolves({
      agentSummaries: [
        { agentId: 'A1', agentName: 'helper', agentStatus: 'PREPARED', updatedAt: when },
        { agentId: 'A2', agentName: 'router', agentStatus: 'PREPARED', updatedAt: when },
      ],
    });
    const agent = {
      agentId: 'A1',
      agentName: 'helper',
      agentArn: 'arn:a',
      agentVersion: 'DRAFT',
      agentStatus: 'PREPARED' as const,
      idleSessionTTLInSeconds: 600,
      agentResourceRoleArn: 'arn:r',
      createdAt: when,
      updatedAt: when,
      instruction: 'CANARY',
    };
    agents
      .on(GetAgentCommand, { agentId: 'A1' })
      .resolves({
        agent: {
          ...agent,
          memoryConfiguration: { enabledMemoryTypes: ['SESSION_SUMMARY'], storageDays: 30 },
        },
      })
      .on(GetAgentCommand, { agentId: 'A2' })
      .resolves({ agent });
    const readers = bedrockAgentReaders(access, clock);
    const prompts = await readers.storedPrompts(place());
    const memory = await readers.agentMemory(place());
    expect(prompts).toMatchObject({ value: [{ arn: 'arn:p', name: 'greeting', version: 'DRAFT' }] });
    expect(memory).toMatchObject({
      value: [
        { agentId: 'A1', memoryTypes: ['SESSION_SUMMARY'], storageDays: 30 },
        { agentId: 'A2', memoryTypes: [] },
      ],
    });
    expect(JSON.stringify([prompts, memory])).not.toContain('CANARY');
  });

  it('memories of AgentCore with their expiry; one that cannot be read makes the section unobservable', async () => {
    agentCore.on(ListMemoriesCommand).resolves({
      memories: [{ arn: 'arn:m', id: 'm-1', status: 'ACTIVE', createdAt: when, updatedAt: when }],
    });
    const memory = {
      arn: 'arn:m',
      id: 'm-1',
      name: 'n',
      eventExpiryDuration: 90,
      status: 'ACTIVE' as const,
      createdAt: when,
      updatedAt: when,
    };
    agentCore.on(GetMemoryCommand).resolvesOnce({ memory }).rejects(named('AccessDeniedException'));
    const read = bedrockAgentReaders(access, clock).agentCoreMemories;
    expect(await read(place())).toMatchObject({ value: [{ arn: 'arn:m', eventExpiryDays: 90 }] });
    expect(await read(place())).toMatchObject({ kind: 'unobservable', reason: 'access-denied' });
  });
});

describe('what a cost allocation tag can stand on', () => {
  const read = costResourceReaders(access, clock).costResources;
  const withAgents = (agentMemory: NonNullable<RegionEvidence['sections']>['agentMemory']) =>
    place({ sections: { agentMemory } });
  const anAgent = observed([{ agentId: 'A1', name: 'helper', memoryTypes: [] }]);
  const lists = () => {
    bedrock
      .on(ListInferenceProfilesCommand, { typeEquals: 'APPLICATION' })
      .resolvesOnce({
        inferenceProfileSummaries: [{ inferenceProfileArn: 'arn:p1' }],
        nextToken: 'n',
      } as never)
      .resolves({ inferenceProfileSummaries: [{ inferenceProfileArn: 'arn:p2' }] } as never);
    bedrock
      .on(ListProvisionedModelThroughputsCommand)
      .resolves({ provisionedModelSummaries: [{ provisionedModelArn: 'arn:pt' }] } as never);
    agents
      .on(ListKnowledgeBasesCommand)
      .resolves({ knowledgeBaseSummaries: [{ knowledgeBaseId: 'K1' }] } as never);
  };

  it('lists each with the keys of its tags: no value is kept, and an empty one does not count', async () => {
    lists();
    bedrock
      .on(ListTagsForResourceCommand)
      .resolves({
        tags: [
          { key: 'Team', value: 'CANARY' },
          { key: 'Project', value: '' },
        ],
      })
      .on(ListTagsForResourceCommand, { resourceARN: 'arn:p2' })
      .rejects(named('AccessDeniedException'));
    agents.on(TagsOfBuiltCommand).resolves({ tags: { Project: 'CANARY', Empty: '' } });
    const seen = await read(withAgents(anAgent));
    const built = (resource: string) => `arn:aws:bedrock:${FRANKFURT}:${MEMBER}:${resource}`;
    expect(seen).toMatchObject({
      kind: 'observed',
      value: [
        { kind: 'application-inference-profile', arn: 'arn:p1', tagKeys: { value: ['Team'] } },
        { kind: 'application-inference-profile', arn: 'arn:p2', tagKeys: { reason: 'access-denied' } },
        { kind: 'provisioned-model', arn: 'arn:pt', tagKeys: { value: ['Team'] } },
        { kind: 'agent', arn: built('agent/A1'), tagKeys: { value: ['Project'] } },
        { kind: 'knowledge-base', arn: built('knowledge-base/K1'), tagKeys: { value: ['Project'] } },
      ],
    });
    expect(JSON.stringify(seen)).not.toContain('CANARY');
  });

  it('without the agents the list is not whole; where there is no host for them, it is', async () => {
    lists();
    bedrock.on(ListTagsForResourceCommand).resolves({ tags: [] });
    const denied = { kind: 'unobservable', reason: 'access-denied' } as const;
    expect(await read(withAgents(denied))).toEqual(denied);
    expect(await read(place())).toMatchObject({ reason: 'not-collected' });
    const found = await read(withAgents(absent()));
    expect(found.kind === 'observed' ? found.value.map(({ arn }) => arn) : found).toEqual([
      'arn:p1',
      'arn:p2',
      'arn:pt',
    ]);
    expect(agents.calls()).toEqual([]);
  });

  it('a host that does not exist, and a refused list, are never nothing to tag', async () => {
    lists();
    agents.on(ListKnowledgeBasesCommand).rejects(named('Error', { code: 'ENOTFOUND' }));
    expect(await read(withAgents(anAgent))).toMatchObject({ kind: 'unobservable', reason: 'failed' });
    bedrock.on(ListProvisionedModelThroughputsCommand).rejects(named('AccessDeniedException'));
    expect(await read(withAgents(anAgent))).toMatchObject({ kind: 'unobservable', reason: 'access-denied' });
  });
});

describe('jobs and where their outputs are', () => {
  it('batch, evaluation and asynchronous jobs, of whatever status', async () => {
    const s3OutputDataConfig = { s3Uri: 's3://b/out/' };
    bedrock.on(ListModelInvocationJobsCommand).resolves({
      invocationJobSummaries: [
        {
          jobArn: 'arn:j',
          jobName: 'j',
          modelId: 'm',
          roleArn: 'arn:r',
          status: 'Failed',
          submitTime: when,
          inputDataConfig: undefined,
          outputDataConfig: { s3OutputDataConfig: { ...s3OutputDataConfig, s3EncryptionKeyId: 'arn:k' } },
        },
      ],
    });
    bedrock.on(ListEvaluationJobsCommand).resolves({
      jobSummaries: [
        {
          jobArn: 'arn:e',
          jobName: 'e',
          status: 'Completed',
          creationTime: when,
          jobType: 'Automated',
          evaluationTaskTypes: [],
        },
      ],
    });
    bedrock.on(GetEvaluationJobCommand, { jobIdentifier: 'arn:e' }).resolves({
      jobArn: 'arn:e',
      jobName: 'e',
      status: 'Completed',
      roleArn: 'arn:r',
      jobType: 'Automated',
      creationTime: when,
      outputDataConfig: { s3Uri: 's3://b/eval/' },
    } as never);
    runtime.on(ListAsyncInvokesCommand).resolves({
      asyncInvokeSummaries: [
        {
          invocationArn: 'arn:a',
          modelArn: 'arn:m',
          submitTime: when,
          outputDataConfig: { s3OutputDataConfig },
        },
      ],
    });
    const readers = bedrockJobReaders(access, clock);
    expect(await readers.batchJobs(place())).toMatchObject({
      value: [{ arn: 'arn:j', status: 'Failed', outputS3Uri: 's3://b/out/', keyArn: 'arn:k' }],
    });
    expect(await readers.evaluationJobs(place())).toMatchObject({
      value: [{ arn: 'arn:e', outputS3Uri: 's3://b/eval/' }],
    });
    expect(await readers.asyncInvocations(place())).toMatchObject({
      value: [{ arn: 'arn:a', status: 'UNKNOWN', outputS3Uri: 's3://b/out/' }],
    });
  });

  it('a job whose output this version does not know is malformed, not left out', async () => {
    bedrock.on(ListModelInvocationJobsCommand).resolves({
      invocationJobSummaries: [
        { jobArn: 'arn:j', submitTime: when, outputDataConfig: { $unknown: ['vaultConfig', {}] } } as never,
      ],
    });
    expect(await bedrockJobReaders(access, clock).batchJobs(place())).toMatchObject({ reason: 'malformed' });
  });
});

describe('the bedrock-mantle endpoint', () => {
  const answers = (byPath: Readonly<Record<string, unknown>>) => {
    const asked: { readonly url: URL; readonly headers: Record<string, string> }[] = [];
    const send: Fetch = async (url, init) => {
      const at = new URL(url);
      asked.push({ url: at, headers: init.headers as Record<string, string> });
      const answer = byPath[`${at.pathname}${at.searchParams.has('after') ? '#next' : ''}`];
      if (answer instanceof Error) throw answer;
      return typeof answer === 'number'
        ? new Response('CANARY', { status: answer })
        : new Response(JSON.stringify(answer));
    };
    return { asked, read: () => bedrockMantleReaders(access, clock, send).mantleRetention(place()) };
  };
  const PROJECTS = '/v1/organization/projects';

  it('asks for the account’s mode and every page of projects, signed for the service', async () => {
    const { asked, read } = answers({
      '/v1/data_retention': { mode: 'none' },
      [PROJECTS]: {
        data: [{ id: 'default', data_retention: { mode: 'inherit' } }],
        has_more: true,
        last_id: 'default',
      },
      [`${PROJECTS}#next`]: { data: [{ id: 'proj_1', status: 'active' }], has_more: false },
      [`${PROJECTS}/proj_1`]: { id: 'proj_1', data_retention: { mode: 'vault_of_the_future' } },
    });
    expect(await read()).toMatchObject({
      kind: 'observed',
      value: {
        accountMode: 'none',
        projects: [
          { id: 'default', mode: 'inherit' },
          { id: 'proj_1', mode: 'vault_of_the_future' },
        ],
      },
    });
    expect(asked[0]?.url.host).toBe('bedrock-mantle.eu-central-1.api.aws');
    for (const { headers } of asked)
      expect(headers['authorization']).toMatch(
        /^AWS4-HMAC-SHA256 Credential=AKIATEST\/20261120\/eu-central-1\/bedrock-mantle\/aws4_request/,
      );
  });

  it.each<[string, unknown, object]>([
    ['a refusal', 403, { kind: 'unobservable', reason: 'access-denied' }],
    ['a throttled call', 429, { kind: 'unobservable', reason: 'throttled' }],
    ['an error of AWS', 503, { kind: 'unobservable', reason: 'failed', detail: 'HttpStatus503' }],
    ['an answer without a mode', {}, { kind: 'unobservable', reason: 'malformed' }],
    [
      'a host that does not exist',
      Object.assign(new TypeError('fetch failed'), { cause: named('Error', { code: 'ENOTFOUND' }) }),
      { kind: 'absent' },
    ],
    [
      'a name server that does not answer',
      Object.assign(new TypeError('fetch failed'), { cause: named('Error', { code: 'EAI_AGAIN' }) }),
      { kind: 'unobservable', reason: 'failed' },
    ],
  ])('%s', async (_name, answer, expected) => {
    const seen = await answers({ '/v1/data_retention': answer }).read();
    expect(seen).toMatchObject(expected);
    expect(JSON.stringify(seen)).not.toContain('CANARY');
  });

  it('a project without a mode is malformed, not inherit', async () => {
    const { read } = answers({
      '/v1/data_retention': { mode: 'none' },
      [PROJECTS]: { data: [{ id: 'p' }] },
      [`${PROJECTS}/p`]: { id: 'p' },
    });
    expect(await read()).toMatchObject({ reason: 'malformed' });
  });
});

describe('log deliveries and log groups', () => {
  it('deliveries of Bedrock and AgentCore only, with the place they lead to', async () => {
    logs.on(DescribeDeliverySourcesCommand).resolves({
      deliverySources: [
        { name: 'kb', service: 'bedrock', logType: 'APPLICATION_LOGS', resourceArns: ['arn:kb'] },
        { name: 'cdn', service: 'cloudfront', logType: 'ACCESS_LOGS', resourceArns: ['arn:cdn'] },
      ],
    });
    logs.on(DescribeDeliveriesCommand).resolves({
      deliveries: [
        { id: '1', deliverySourceName: 'kb', deliveryDestinationArn: 'arn:d' },
        { id: '2', deliverySourceName: 'cdn', deliveryDestinationArn: 'arn:d' },
      ],
    });
    logs.on(DescribeDeliveryDestinationsCommand).resolves({
      deliveryDestinations: [
        { arn: 'arn:d', deliveryDestinationConfiguration: { destinationResourceArn: 'arn:lg' } },
      ],
    });
    expect(await vendedLogReaders(access, clock).logDeliveries(place())).toMatchObject({
      value: [{ id: '1', service: 'bedrock', logType: 'APPLICATION_LOGS', destinationArn: 'arn:lg' }],
    });
  });

  it('candidates by name, and the group that invocation logging names', async () => {
    logs
      .on(DescribeLogGroupsCommand, { logGroupNamePattern: 'bedrock' })
      .resolves({ logGroups: [{ logGroupName: '/aws/bedrock/x' }] })
      .on(DescribeLogGroupsCommand, { logGroupNamePrefix: 'aws/spans' })
      .resolves({ logGroups: [{ logGroupName: 'aws/spans' }] });
    const logged = place({ invocationLogging: observed({ cloudWatchConfig: { logGroupName: '/own' } }) });
    expect(await vendedLogReaders(access, clock).contentLogGroups(logged)).toMatchObject({
      value: ['/aws/bedrock/x', '/own', 'aws/spans'],
    });
  });

  const searched = place({ sections: { contentLogGroups: observed(['/aws/bedrock/x']) } });
  const read = () => vendedLogReaders(access, clock, async () => {}).logGroupContent(searched);

  it('counts records with content, and asks for nothing but the count', async () => {
    logs.on(StartQueryCommand).resolves({ queryId: 'q' });
    logs
      .on(GetQueryResultsCommand)
      .resolvesOnce({ status: 'Running' })
      .resolves({ status: 'Complete', results: [[{ field: 'hits', value: '12' }]] });
    expect(await read()).toMatchObject({ value: [{ logGroup: '/aws/bedrock/x', hits: 12 }] });
    const asked = logs.commandCalls(StartQueryCommand)[0]?.args[0].input;
    expect(asked).toMatchObject({ logGroupNames: ['/aws/bedrock/x'], queryString: CONTENT_QUERY });
    expect(CONTENT_QUERY).toMatch(/\| stats count\(\*\) as hits$/);
    expect(CONTENT_QUERY).not.toMatch(/fields|display|@message/);
  });

  it.each([
    ['no row at all is a count of none', { status: 'Complete', results: [] }, { value: [{ hits: 0 }] }],
    ['a failed query is not none', { status: 'Failed' }, { reason: 'malformed' }],
    ['a query that does not end is not none', { status: 'Running' }, { reason: 'malformed' }],
  ] as const)('%s', async (_name, answer, expected) => {
    logs.on(StartQueryCommand).resolves({ queryId: 'q' });
    logs.on(GetQueryResultsCommand).resolves(answer as never);
    expect(await read()).toMatchObject(expected);
  });
});

describe('the places that content goes to', () => {
  const writing = place({
    invocationLogging: observed({ cloudWatchConfig: { logGroupName: '/own' } }),
    sections: {
      batchJobs: observed([
        { arn: 'arn:j', status: 'Completed', submittedAt: AT, outputS3Uri: 's3://out/x/' },
      ]),
    },
  });
  const read = contentDestinationReaders(access, clock).destinations;

  it('nothing is asked where nothing names a place', async () => {
    expect(await read(place())).toMatchObject({ kind: 'observed', value: [] });
    expect(mocks.map((mock) => mock.calls().length)).toEqual(mocks.map(() => 0));
  });

  it('a bucket and a log group with what decides how long content stays', async () => {
    s3.on(GetBucketVersioningCommand).resolves({ Status: 'Suspended' });
    s3.on(GetBucketLifecycleConfigurationCommand).resolves({
      Rules: [
        {
          ID: 'r',
          Status: 'Enabled',
          Filter: { And: { Prefix: 'x/', Tags: [{ Key: 'k', Value: 'v' }] } },
          Expiration: { Days: 7 },
          NoncurrentVersionExpiration: { NoncurrentDays: 1 },
        },
      ],
    });
    s3.on(GetObjectLockConfigurationCommand).resolves({
      ObjectLockConfiguration: {
        ObjectLockEnabled: 'Enabled',
        Rule: { DefaultRetention: { Mode: 'COMPLIANCE', Years: 1 } },
      },
    });
    s3.on(GetBucketEncryptionCommand).resolves({
      ServerSideEncryptionConfiguration: {
        Rules: [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: 'arn:k' } }],
      },
    });
    s3.on(GetBucketReplicationCommand).resolves({
      ReplicationConfiguration: {
        Role: 'arn:r',
        Rules: [
          { ID: 'a', Status: 'Enabled', Filter: {}, Destination: { Bucket: 'arn:aws:s3:::copy' } },
          { ID: 'b', Status: 'Disabled', Filter: {}, Destination: { Bucket: 'arn:aws:s3:::old' } },
        ],
      },
    });
    backup.on(ListRecoveryPointsByResourceCommand).resolves({ RecoveryPoints: [{ BackupVaultName: 'v' }] });
    logs.on(DescribeLogGroupsCommand).resolves({
      logGroups: [
        { logGroupName: '/own/below' },
        { logGroupName: '/own', retentionInDays: 14, kmsKeyId: 'arn:k' },
      ],
    });
    logs.on(DescribeSubscriptionFiltersCommand).resolves({
      subscriptionFilters: [{ filterName: 'f', destinationArn: 'arn:firehose' }],
    });
    logs.on(DescribeAccountPoliciesCommand).resolves({
      accountPolicies: [{ policyName: 'all', policyDocument: '{"DestinationArn":"arn:stream"}' }],
    });
    logs.on(DescribeExportTasksCommand).resolves({
      exportTasks: [
        { taskId: 't', logGroupName: '/own', destination: 'exports', status: { code: 'COMPLETED' } },
        { taskId: 'u', logGroupName: '/other', destination: 'exports' },
      ],
    });
    expect(await read(writing)).toMatchObject({
      value: [
        {
          kind: 's3',
          bucketName: 'out',
          usedBy: ['batchJobs'],
          versioning: { value: 'Suspended' },
          lifecycle: {
            value: [
              {
                id: 'r',
                status: 'Enabled',
                prefix: 'x/',
                tags: [{ key: 'k', value: 'v' }],
                expirationDays: 7,
                noncurrentVersionExpirationDays: 1,
              },
            ],
          },
          objectLock: { value: { defaultMode: 'COMPLIANCE', defaultDays: 366 } },
          encryption: { value: { algorithm: 'aws:kms', keyArn: 'arn:k' } },
          replication: { value: [{ destinationBucketArn: 'arn:aws:s3:::copy' }] },
          backups: { value: [{ planName: 'v' }] },
        },
        {
          kind: 'cloudwatch-logs',
          logGroupName: '/own',
          usedBy: ['invocationLogging'],
          retentionInDays: { value: 14 },
          retentionPolicyName: { kind: 'absent' },
          keyArn: { value: 'arn:k' },
          subscriptions: {
            value: [
              { name: 'f', level: 'log-group' },
              { name: 'all', destinationArn: 'arn:stream', level: 'account' },
            ],
          },
          exportTasks: { value: [{ taskId: 't', bucketName: 'exports' }] },
        },
      ],
    });
  });

  it('what is not configured is absent; what is denied is not, and hides nothing else', async () => {
    s3.on(GetBucketVersioningCommand).resolves({});
    s3.on(GetBucketLifecycleConfigurationCommand).rejects(named('NoSuchLifecycleConfiguration'));
    s3.on(GetObjectLockConfigurationCommand).rejects(named('ObjectLockConfigurationNotFoundError'));
    s3.on(GetBucketEncryptionCommand).rejects(named('AccessDenied'));
    s3.on(GetBucketReplicationCommand).rejects(named('ReplicationConfigurationNotFoundError'));
    backup.on(ListRecoveryPointsByResourceCommand).resolves({});
    const jobs = place({ sections: writing.sections });
    expect(await read(jobs)).toMatchObject({
      value: [
        {
          versioning: { kind: 'absent' },
          lifecycle: { kind: 'absent' },
          objectLock: { kind: 'absent' },
          encryption: { kind: 'unobservable', reason: 'access-denied' },
          replication: { kind: 'absent' },
          backups: { kind: 'observed', value: [] },
        },
      ],
    });
  });
});

describe('the policies of destinations', () => {
  const [bucket, logGroup] = SECTION_EXAMPLES['account-region'].destinations;
  if (bucket?.kind !== 's3' || logGroup?.kind !== 'cloudwatch-logs') throw new Error('other examples');
  const KEY = 'arn:aws:kms:eu-central-1:222222222222:key/k';
  const POLICY = '{"Version":"2012-10-17","Statement":[]}';
  const read = destinationPolicyReaders(access, clock).destinationPolicies;
  const asked = place({
    sections: {
      destinations: observed([
        { ...bucket, encryption: observed({ algorithm: 'aws:kms', keyArn: KEY }) },
        { ...logGroup, keyArn: observed(KEY) },
      ]),
    },
  });

  it('of a bucket, its key once, and a log group', async () => {
    s3.on(GetBucketPolicyCommand).resolves({ Policy: POLICY });
    kms.on(GetKeyPolicyCommand).resolves({ Policy: POLICY });
    logs
      .on(DescribeResourcePoliciesCommand, { policyScope: 'RESOURCE' })
      .resolves({ resourcePolicies: [{ policyName: 'p', policyDocument: POLICY }] });
    expect(await read(asked)).toMatchObject({
      kind: 'observed',
      value: [
        { resourceArn: 'arn:aws:s3:::b', policy: { kind: 'observed', value: POLICY } },
        { resourceArn: KEY, policy: { kind: 'observed', value: POLICY } },
        {
          resourceArn: `arn:aws:logs:${FRANKFURT}:${MEMBER}:log-group:g`,
          policy: { kind: 'observed', value: POLICY },
        },
      ],
    });
    expect(kms.calls()).toHaveLength(1);
  });

  it('one that is not there is absent, and one that is refused hides nothing else', async () => {
    s3.on(GetBucketPolicyCommand).rejects(named('NoSuchBucketPolicy'));
    kms.on(GetKeyPolicyCommand).rejects(named('AccessDeniedException'));
    logs.on(DescribeResourcePoliciesCommand).resolves({ resourcePolicies: [] });
    expect(await read(asked)).toMatchObject({
      kind: 'observed',
      value: [
        { policy: { kind: 'absent' } },
        { policy: { kind: 'unobservable', reason: 'access-denied' } },
        { policy: { kind: 'absent' } },
      ],
    });
  });

  it('and those of CloudWatch Logs for the whole account, page by page, where a log group is among them', async () => {
    const readAll = destinationPolicyReaders(access, clock).logsResourcePolicies;
    logs
      .on(DescribeResourcePoliciesCommand, { policyScope: 'ACCOUNT' })
      .resolves({ resourcePolicies: [], nextToken: '2' })
      .on(DescribeResourcePoliciesCommand, { policyScope: 'ACCOUNT', nextToken: '2' })
      .resolves({ resourcePolicies: [{ policyName: 'Others', policyDocument: POLICY }] });
    expect(await readAll(asked)).toMatchObject({
      kind: 'observed',
      value: [{ name: 'Others', document: POLICY }],
    });
    const calls = logs.calls().length;
    expect(await readAll(place())).toMatchObject({ kind: 'unobservable', reason: 'not-collected' });
    expect(await readAll(place({ sections: { destinations: observed([bucket]) } }))).toMatchObject({
      kind: 'absent',
    });
    expect(logs.calls()).toHaveLength(calls);
  });

  it('is as unknown as the destinations, and asks nothing where there are none', async () => {
    expect(await read(place())).toMatchObject({ kind: 'unobservable', reason: 'not-collected' });
    expect(await read(place({ sections: { destinations: observed([]) } }))).toMatchObject({ value: [] });
    expect(mocks.map((mock) => mock.calls().length)).toEqual(mocks.map(() => 0));
  });
});

describe('grants of the keys that content is under', () => {
  const read = destinationPolicyReaders(access, clock).keyGrants;
  const KEY = `arn:aws:kms:${FRANKFURT}:${MEMBER}:key/k`;
  const [bucket, group] = SECTION_EXAMPLES['account-region'].destinations;
  if (bucket?.kind !== 's3' || group?.kind !== 'cloudwatch-logs') throw new Error('no examples');
  const writing = place({
    sections: {
      destinations: observed([
        { ...bucket, encryption: observed({ algorithm: 'aws:kms', keyArn: KEY }) },
        { ...group, keyArn: observed(KEY) },
      ]),
    },
  });

  it('every page, each key once, and of a constraint only that it is there', async () => {
    const grant = {
      GrantId: 'g1',
      GranteePrincipal: 'arn:aws:iam::1:role/r',
      Operations: ['Decrypt' as const],
    };
    kms
      .on(ListGrantsCommand)
      .resolvesOnce({ Grants: [grant], NextMarker: 'm', Truncated: true })
      .resolves({
        Grants: [
          {
            ...grant,
            GrantId: 'g2',
            GranteeServicePrincipal: 'rds.amazonaws.com',
            Constraints: { EncryptionContextSubset: { tenant: 'CANARY' } },
          },
        ],
      });
    kms
      .on(DescribeKeyCommand, { KeyId: KEY })
      .resolves({ KeyMetadata: { KeyId: 'k', KeyManager: 'CUSTOMER', Description: 'CANARY' } });
    const seen = await read(writing);
    expect(seen).toMatchObject({
      value: [
        {
          keyArn: KEY,
          manager: { kind: 'observed', value: 'CUSTOMER', source: { call: 'kms:DescribeKey' } },
          grants: {
            value: [
              { id: 'g1', grantee: 'arn:aws:iam::1:role/r', operations: ['Decrypt'], isConstrained: false },
              { id: 'g2', grantee: 'rds.amazonaws.com', isConstrained: true },
            ],
          },
        },
      ],
    });
    expect(JSON.stringify(seen)).not.toContain('CANARY');
    expect(kms.commandCalls(ListGrantsCommand)[1]?.args[0].input).toEqual({ KeyId: KEY, Marker: 'm' });
  });

  it('a key that refuses leaves its grants unknown; without destinations nothing is known', async () => {
    kms.on(ListGrantsCommand).rejects(named('AccessDeniedException'));
    kms.on(DescribeKeyCommand).rejects(named('AccessDeniedException'));
    expect(await read(writing)).toMatchObject({
      value: [{ grants: { reason: 'access-denied' }, manager: { reason: 'access-denied' } }],
    });
    expect(await read(place())).toMatchObject({ kind: 'unobservable', reason: 'not-collected' });
  });
});
