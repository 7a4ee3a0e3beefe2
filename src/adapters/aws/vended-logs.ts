import { setTimeout as sleep } from 'node:timers/promises';
import {
  CloudWatchLogsClient,
  DescribeDeliveriesCommand,
  DescribeDeliveryDestinationsCommand,
  DescribeDeliverySourcesCommand,
  DescribeLogGroupsCommand,
  type DescribeLogGroupsCommandInput,
  GetQueryResultsCommand,
  StartQueryCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import type { Clock } from '../../core/index.ts';
import {
  type LogDelivery,
  type LogGroupContent,
  type RegionEvidence,
  type SectionReaders,
  sectionOf,
} from '../../evidence/index.ts';
import type { RegionAccess } from './bedrock.ts';
import { clientOf } from './clients.ts';
import { abortable, MalformedAnswer, required } from './observe.ts';
import { allPages, nextToken } from './pages.ts';
import { regional } from './regional.ts';

/** `service` of delivery sources that can carry content of model use. */
const SERVICES: ReadonlySet<string> = new Set(['bedrock', 'bedrock-agentcore']);

/** Names that AWS gives to log groups of model use: vended logs contain the service's name, AgentCore's spans go to `aws/spans`. */
const SEARCHES: readonly DescribeLogGroupsCommandInput[] = [
  { logGroupNamePattern: 'bedrock' },
  { logGroupNamePrefix: 'aws/spans' },
];

const DAY_S = 24 * 60 * 60;
const POLL_MS = 1_000;
const POLLS = 60;

/** Fields that hold prompts or responses, in the words of invocation logging and of OpenTelemetry's semantic conventions. */
export const CONTENT_FIELDS = [
  'input.inputBodyJson',
  'output.outputBodyJson',
  '`gen_ai.prompt`',
  '`gen_ai.input.messages`',
  '`gen_ai.output.messages`',
  '`attributes.gen_ai.prompt`',
  '`attributes.gen_ai.input.messages`',
] as const;

/** Counts, and has no column that could hold content. */
export const CONTENT_QUERY = `filter ${CONTENT_FIELDS.map((field) => `ispresent(${field})`).join(' or ')} | stats count(*) as hits`;

/**
 * Vended logs of Bedrock and AgentCore, and the log groups that are likely to hold content.
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-and-resource-policy.html
 */
export function vendedLogReaders(
  access: RegionAccess,
  clock: Clock,
  wait: (ms: number) => Promise<unknown> = sleep,
): Pick<SectionReaders<'account-region'>, 'logDeliveries' | 'contentLogGroups' | 'logGroupContent'> {
  const clientFor = async (place: RegionEvidence) =>
    clientOf(CloudWatchLogsClient, await access.settingsFor(place.accountId, place.region));
  return {
    logDeliveries: (place, { signal } = {}) =>
      regional(
        clock,
        'logs:DescribeDeliveries + logs:DescribeDeliverySources + logs:DescribeDeliveryDestinations',
        place,
        async () => {
          const client = await clientFor(place);
          const sources = await allPages(async (token) => {
            const page = await client.send(
              new DescribeDeliverySourcesCommand(nextToken(token)),
              abortable(signal),
            );
            return { items: page.deliverySources, next: page.nextToken };
          });
          const ours = new Map(
            sources.flatMap((source) =>
              SERVICES.has(required(source.service, 'deliverySources.service'))
                ? [[required(source.name, 'deliverySources.name'), source] as const]
                : [],
            ),
          );
          if (ours.size === 0) return [];
          const deliveries = await allPages(async (token) => {
            const page = await client.send(
              new DescribeDeliveriesCommand(nextToken(token)),
              abortable(signal),
            );
            return { items: page.deliveries, next: page.nextToken };
          });
          const destinations = await allPages(async (token) => {
            const page = await client.send(
              new DescribeDeliveryDestinationsCommand(nextToken(token)),
              abortable(signal),
            );
            return { items: page.deliveryDestinations, next: page.nextToken };
          });
          const resourceOf = new Map(
            destinations.map(({ arn, deliveryDestinationConfiguration: to }) => [
              arn,
              to?.destinationResourceArn,
            ]),
          );
          return deliveries.flatMap((delivery): LogDelivery[] => {
            const source = ours.get(required(delivery.deliverySourceName, 'deliveries.deliverySourceName'));
            if (source === undefined) return [];
            const destinationArn = resourceOf.get(delivery.deliveryDestinationArn);
            return [
              {
                id: required(delivery.id, 'deliveries.id'),
                service: required(source.service, 'deliverySources.service'),
                logType: required(source.logType, 'deliverySources.logType'),
                resourceArns: source.resourceArns ?? [],
                ...(destinationArn ? { destinationArn } : {}),
              },
            ];
          });
        },
      ),

    contentLogGroups: (place, { signal } = {}) =>
      regional(clock, 'logs:DescribeLogGroups', place, async () => {
        const client = await clientFor(place);
        const names = new Set<string>();
        for (const search of SEARCHES) {
          const groups = await allPages(async (token) => {
            const page = await client.send(
              new DescribeLogGroupsCommand({ ...search, ...nextToken(token) }),
              abortable(signal),
            );
            return { items: page.logGroups, next: page.nextToken };
          });
          for (const group of groups) names.add(required(group.logGroupName, 'logGroups.logGroupName'));
        }
        const { invocationLogging } = place;
        const logged =
          invocationLogging.kind === 'observed' ? invocationLogging.value.cloudWatchConfig?.logGroupName : '';
        if (logged) names.add(logged);
        return [...names].sort();
      }),

    logGroupContent: (place, { signal } = {}) =>
      regional(clock, 'logs:StartQuery + logs:GetQueryResults', place, async () => {
        const candidates = sectionOf(place.sections, 'contentLogGroups');
        if (candidates.kind === 'unobservable') throw new MalformedAnswer('the log groups are not known');
        const client = await clientFor(place);
        const end = Math.ceil(clock.now() / 1000);
        const found: LogGroupContent[] = [];
        for (const logGroup of candidates.kind === 'observed' ? candidates.value : []) {
          const { queryId } = await client.send(
            new StartQueryCommand({
              logGroupNames: [logGroup],
              startTime: end - DAY_S,
              endTime: end,
              queryString: CONTENT_QUERY,
            }),
            abortable(signal),
          );
          found.push({ logGroup, hits: await hitsOf(client, required(queryId, 'queryId'), wait, signal) });
        }
        return found;
      }),
  };
}

/** @throws MalformedAnswer when the query does not come to its end: no count is not none */
async function hitsOf(
  client: CloudWatchLogsClient,
  queryId: string,
  wait: (ms: number) => Promise<unknown>,
  signal: AbortSignal | undefined,
): Promise<number> {
  for (let poll = 0; poll < POLLS; poll += 1) {
    const { status, results } = await client.send(new GetQueryResultsCommand({ queryId }), abortable(signal));
    if (status === 'Complete') {
      const row = results?.[0];
      // A count over no record at all has no row.
      if (row === undefined) return 0;
      const hits = Number(row.find(({ field }) => field === 'hits')?.value);
      if (!Number.isSafeInteger(hits)) throw new MalformedAnswer('results.hits is not a number');
      return hits;
    }
    if (status !== 'Running' && status !== 'Scheduled')
      throw new MalformedAnswer(
        `the query ended as ${/^[A-Za-z]{1,20}$/.test(status ?? '') ? status : 'unknown'}`,
      );
    await wait(POLL_MS);
  }
  throw new MalformedAnswer('the query did not end in time');
}
