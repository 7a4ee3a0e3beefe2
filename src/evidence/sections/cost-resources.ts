import * as z from 'zod';
import { name, observationOf } from '../schema-parts.ts';
import type { Observation } from '../types.ts';
import { section } from './section.ts';

/** A resource of Bedrock whose cost a tag can carry into the bill. */
export interface CostResource {
  readonly arn: string;
  readonly kind: 'application-inference-profile' | 'provisioned-model' | 'agent' | 'knowledge-base';
  /** Keys of its tags that have a value. The values are not kept: they may name people. */
  readonly tagKeys: Observation<readonly string[]>;
}

export const costResources = section<readonly CostResource[]>({
  level: 'account-region',
  value: z.array(
    z.strictObject({
      arn: name,
      kind: z.enum(['application-inference-profile', 'provisioned-model', 'agent', 'knowledge-base']),
      tagKeys: observationOf(z.array(name)),
    }),
  ),
  actions: {
    'bedrock:ListInferenceProfiles':
      'application inference profiles: whose cost a tag can carry into the bill',
    'bedrock:ListProvisionedModelThroughputs': 'provisioned throughput, for the same',
    'bedrock:ListKnowledgeBases': 'knowledge bases, for the same',
    'bedrock:ListTagsForResource': 'the keys of the tags of these and of agents; their values are not kept',
  },
  meaning:
    'application inference profiles, provisioned throughput, agents and knowledge bases, each with the keys of its tags',
});
