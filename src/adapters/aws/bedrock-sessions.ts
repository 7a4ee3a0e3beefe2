import { BedrockAgentRuntimeClient, ListSessionsCommand } from '@aws-sdk/client-bedrock-agent-runtime';
import type { Clock } from '../../core/index.ts';
import type { SectionReaders } from '../../evidence/index.ts';
import type { RegionAccess } from './bedrock.ts';
import { clientOf } from './clients.ts';
import { abortable, required } from './observe.ts';
import { allPages } from './pages.ts';
import { instantOf, regional } from './regional.ts';

/**
 * Which sessions exist. Never what is in them: neither GetSession (metadata that a caller chose) nor a step is read.
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_agent-runtime_ListSessions.html
 */
export function bedrockSessionReaders(
  access: RegionAccess,
  clock: Clock,
): Pick<SectionReaders<'account-region'>, 'bedrockSessions'> {
  return {
    bedrockSessions: (place, { signal } = {}) =>
      regional(clock, 'bedrock:ListSessions', place, async () => {
        const client = clientOf(
          BedrockAgentRuntimeClient,
          await access.settingsFor(place.accountId, place.region),
        );
        const sessions = await allPages(async (nextToken) => {
          const page = await client.send(
            new ListSessionsCommand({ maxResults: 1000, ...(nextToken === undefined ? {} : { nextToken }) }),
            abortable(signal),
          );
          return { items: required(page.sessionSummaries, 'sessionSummaries'), next: page.nextToken };
        });
        return sessions.map((session) => ({
          id: required(session.sessionId, 'sessionSummaries.sessionId'),
          status: required(session.sessionStatus, 'sessionSummaries.sessionStatus'),
          createdAt: instantOf(session.createdAt, 'sessionSummaries.createdAt'),
          lastUpdatedAt: instantOf(session.lastUpdatedAt, 'sessionSummaries.lastUpdatedAt'),
        }));
      }),
  };
}
