import {
  BedrockAgentClient,
  GetAgentCommand,
  ListAgentsCommand,
  ListKnowledgeBasesCommand,
  ListPromptsCommand,
  ListTagsForResourceCommand,
} from '@aws-sdk/client-bedrock-agent';
import {
  BedrockAgentCoreControlClient,
  GetMemoryCommand,
  ListMemoriesCommand,
} from '@aws-sdk/client-bedrock-agentcore-control';
import pMap from 'p-map';
import type { Clock } from '../../core/index.ts';
import type { AgentCoreMemory, AgentMemory, SectionReaders } from '../../evidence/index.ts';
import type { RegionAccess } from './bedrock.ts';
import { clientOf } from './clients.ts';
import { abortable, required } from './observe.ts';
import { allPages, nextToken } from './pages.ts';
import { instantOf, regional } from './regional.ts';

/** Calls about single agents or memories in flight. */
const CONCURRENCY = 4;

/**
 * What builders and agents store: prompts of Prompt management, the memory of agents, memories of AgentCore. Only that it is there: no
 * text of a prompt, no instruction and no event is kept.
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/agents-memory.html
 */
export function bedrockAgentReaders(
  access: RegionAccess,
  clock: Clock,
): Pick<SectionReaders<'account-region'>, 'storedPrompts' | 'agentMemory' | 'agentCoreMemories'> {
  return {
    storedPrompts: (place, { signal } = {}) =>
      regional(clock, 'bedrock:ListPrompts', place, async () => {
        const client = clientOf(BedrockAgentClient, await access.settingsFor(place.accountId, place.region));
        const prompts = await allPages(async (token) => {
          const page = await client.send(new ListPromptsCommand(nextToken(token)), abortable(signal));
          return { items: required(page.promptSummaries, 'promptSummaries'), next: page.nextToken };
        });
        return prompts.map((prompt) => ({
          arn: required(prompt.arn, 'promptSummaries.arn'),
          name: required(prompt.name, 'promptSummaries.name'),
          version: required(prompt.version, 'promptSummaries.version'),
          updatedAt: instantOf(prompt.updatedAt, 'promptSummaries.updatedAt'),
        }));
      }),

    agentMemory: (place, { signal } = {}) =>
      regional(clock, 'bedrock:ListAgents + bedrock:GetAgent', place, async () => {
        const client = clientOf(BedrockAgentClient, await access.settingsFor(place.accountId, place.region));
        const agents = await allPages(async (token) => {
          const page = await client.send(new ListAgentsCommand(nextToken(token)), abortable(signal));
          return { items: required(page.agentSummaries, 'agentSummaries'), next: page.nextToken };
        });
        return pMap(
          agents,
          async (summary): Promise<AgentMemory> => {
            const agentId = required(summary.agentId, 'agentSummaries.agentId');
            const { agent } = await client.send(new GetAgentCommand({ agentId }), abortable(signal));
            const memory = required(agent, 'agent').memoryConfiguration;
            return {
              agentId,
              name: required(summary.agentName, 'agentSummaries.agentName'),
              memoryTypes: memory?.enabledMemoryTypes ?? [],
              ...(memory?.storageDays === undefined ? {} : { storageDays: memory.storageDays }),
              ...(agent?.customerEncryptionKeyArn ? { keyArn: agent.customerEncryptionKeyArn } : {}),
            };
          },
          { concurrency: CONCURRENCY },
        );
      }),

    agentCoreMemories: (place, { signal } = {}) =>
      regional(clock, 'bedrock-agentcore:ListMemories + bedrock-agentcore:GetMemory', place, async () => {
        const settings = await access.settingsFor(place.accountId, place.region);
        const client = clientOf(BedrockAgentCoreControlClient, settings);
        const memories = await allPages(async (token) => {
          const page = await client.send(new ListMemoriesCommand(nextToken(token)), abortable(signal));
          return { items: required(page.memories, 'memories'), next: page.nextToken };
        });
        return pMap(
          memories,
          async (summary): Promise<AgentCoreMemory> => {
            const memoryId = required(summary.id, 'memories.id');
            const { memory } = await client.send(new GetMemoryCommand({ memoryId }), abortable(signal));
            const days = memory?.eventExpiryDuration;
            return {
              arn: required(memory?.arn, 'memory.arn'),
              status: required(memory?.status, 'memory.status'),
              ...(days === undefined ? {} : { eventExpiryDays: days }),
              ...(memory?.encryptionKeyArn ? { keyArn: memory.encryptionKeyArn } : {}),
            };
          },
          { concurrency: CONCURRENCY },
        );
      }),
  };
}

type Abort = ReturnType<typeof abortable>;

/** Ids of all knowledge bases. */
export async function knowledgeBaseIds(client: BedrockAgentClient, end: Abort): Promise<readonly string[]> {
  const found = await allPages(async (token) => {
    const page = await client.send(new ListKnowledgeBasesCommand(nextToken(token)), end);
    return { items: required(page.knowledgeBaseSummaries, 'knowledgeBaseSummaries'), next: page.nextToken };
  });
  return found.map(({ knowledgeBaseId }) =>
    required(knowledgeBaseId, 'knowledgeBaseSummaries.knowledgeBaseId'),
  );
}

/** Tags of an agent or a knowledge base. */
export async function tagsOfBuilt(
  client: BedrockAgentClient,
  resourceArn: string,
  end: Abort,
): Promise<Readonly<Record<string, string>>> {
  const { tags } = await client.send(new ListTagsForResourceCommand({ resourceArn }), end);
  return tags ?? {};
}
