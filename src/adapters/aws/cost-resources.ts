import {
  BedrockClient,
  ListInferenceProfilesCommand,
  ListProvisionedModelThroughputsCommand,
  ListTagsForResourceCommand,
} from '@aws-sdk/client-bedrock';
import { BedrockAgentClient } from '@aws-sdk/client-bedrock-agent';
import pMap from 'p-map';
import { type Clock, partitionOfRegion } from '../../core/index.ts';
import { type CostResource, type SectionReaders, sectionOf } from '../../evidence/index.ts';
import type { RegionAccess } from './bedrock.ts';
import { knowledgeBaseIds, tagsOfBuilt } from './bedrock-agents.ts';
import { clientOf } from './clients.ts';
import { abortable, observe, required } from './observe.ts';
import { allPages, nextToken } from './pages.ts';

/** Resources whose tags are asked at the same time. */
const CONCURRENCY = 4;

type Listed = Omit<CostResource, 'tagKeys'>;

/**
 * The resources of Bedrock that a cost allocation tag can stand on, and which keys stand on each.
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/tagging.html
 */
export function costResourceReaders(
  access: RegionAccess,
  clock: Clock,
): Pick<SectionReaders<'account-region'>, 'costResources'> {
  return {
    costResources: async (place, { signal } = {}) => {
      const agents = sectionOf(place.sections, 'agentMemory');
      // The agents were listed there; without them this list would look whole and not be.
      if (agents.kind === 'unobservable') return agents;
      const { accountId, region } = place;
      // Two hosts answer. That one of them does not exist is no evidence about the resources of the other: never `absent`.
      return observe(clock, { call: 'bedrock:ListTagsForResource', accountId, region }, async () => {
        const settings = await access.settingsFor(accountId, region);
        const bedrock = clientOf(BedrockClient, settings);
        const builder = clientOf(BedrockAgentClient, settings);
        const end = abortable(signal);
        const arnOf = (resource: string) =>
          `arn:${partitionOfRegion(region)}:bedrock:${region}:${accountId}:${resource}`;
        const profiles = await allPages(async (token) => {
          const command = new ListInferenceProfilesCommand({
            typeEquals: 'APPLICATION',
            ...nextToken(token),
          });
          const page = await bedrock.send(command, end);
          return {
            items: required(page.inferenceProfileSummaries, 'inferenceProfileSummaries'),
            next: page.nextToken,
          };
        });
        const provisioned = await allPages(async (token) => {
          const page = await bedrock.send(new ListProvisionedModelThroughputsCommand(nextToken(token)), end);
          return {
            items: required(page.provisionedModelSummaries, 'provisionedModelSummaries'),
            next: page.nextToken,
          };
        });
        const knowledgeBases = agents.kind === 'absent' ? [] : await knowledgeBaseIds(builder, end);
        const listed: readonly Listed[] = [
          ...profiles.map(
            ({ inferenceProfileArn }): Listed => ({
              kind: 'application-inference-profile',
              arn: required(inferenceProfileArn, 'inferenceProfileSummaries.inferenceProfileArn'),
            }),
          ),
          ...provisioned.map(
            ({ provisionedModelArn }): Listed => ({
              kind: 'provisioned-model',
              arn: required(provisionedModelArn, 'provisionedModelSummaries.provisionedModelArn'),
            }),
          ),
          ...(agents.kind === 'absent' ? [] : agents.value).map(
            ({ agentId }): Listed => ({ kind: 'agent', arn: arnOf(`agent/${agentId}`) }),
          ),
          ...knowledgeBases.map(
            (id): Listed => ({ kind: 'knowledge-base', arn: arnOf(`knowledge-base/${id}`) }),
          ),
        ];
        const isBuilt = ({ kind }: Listed): boolean => kind === 'agent' || kind === 'knowledge-base';
        return pMap(
          listed,
          async (resource): Promise<CostResource> => ({
            ...resource,
            tagKeys: await observe(
              clock,
              { call: 'bedrock:ListTagsForResource', accountId, region },
              async () => {
                if (isBuilt(resource))
                  return keysOf(Object.entries(await tagsOfBuilt(builder, resource.arn, end)));
                const { tags } = await bedrock.send(
                  new ListTagsForResourceCommand({ resourceARN: resource.arn }),
                  end,
                );
                return keysOf((tags ?? []).map(({ key, value }) => [required(key, 'tags.key'), value]));
              },
            ),
          }),
          { concurrency: CONCURRENCY },
        );
      });
    },
  };
}

/** A tag without a value tells no project from another in the bill. */
const keysOf = (tags: readonly (readonly [string, string | undefined])[]): readonly string[] =>
  tags.flatMap(([key, value]) => (key === '' || value === undefined || value === '' ? [] : [key])).sort();
