import * as z from 'zod';
import { name } from '../schema-parts.ts';
import { section } from './section.ts';

/** What an agent is told to remember about those who talk to it. */
export interface AgentMemory {
  readonly agentId: string;
  readonly name: string;
  /** Empty: the agent remembers nothing beyond the session. */
  readonly memoryTypes: readonly string[];
  readonly storageDays?: number | undefined;
  readonly keyArn?: string | undefined;
}

/** A memory resource of Bedrock AgentCore. */
export interface AgentCoreMemory {
  readonly arn: string;
  readonly status: string;
  /** Days after which an event is forgotten; what strategies extract from it stays longer. */
  readonly eventExpiryDays?: number | undefined;
  /** Absent: a key of AWS's own. */
  readonly keyArn?: string | undefined;
}

export const agentMemory = section<readonly AgentMemory[]>({
  level: 'account-region',
  value: z.array(
    z.strictObject({
      agentId: name,
      name,
      memoryTypes: z.array(name),
      storageDays: z.number().exactOptional(),
      keyArn: name.exactOptional(),
    }),
  ),
  actions: {
    'bedrock:ListAgents': 'which agents exist',
    'bedrock:GetAgent':
      'whether an agent has a memory; the answer also holds the instruction that its builder wrote, which is not kept',
  },
  meaning: 'agents, and for how many days each remembers sessions',
});

export const agentCoreMemories = section<readonly AgentCoreMemory[]>({
  level: 'account-region',
  value: z.array(
    z.strictObject({
      arn: name,
      status: name,
      eventExpiryDays: z.number().exactOptional(),
      keyArn: name.exactOptional(),
    }),
  ),
  actions: {
    'bedrock-agentcore:ListMemories': 'memories of AgentCore',
    'bedrock-agentcore:GetMemory':
      'for how long a memory keeps events, and under which key; no event is read',
  },
  meaning: 'memory resources of AgentCore: expiry of events and key',
});
