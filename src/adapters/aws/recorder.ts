import {
  DynamoDBClient,
  GetItemCommand,
  QueryCommand,
  TransactionCanceledException,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb';
import {
  type Clock,
  canonicalJson,
  formatInstant,
  type History,
  parseInstant,
  type RecordedEvent,
  type Recorder,
} from '../../core/index.ts';
import { AwsCallError } from '../../exceptions/index.ts';
import { awsCall } from './call.ts';
import { queryAll } from './dynamo-query.ts';
import type { HomeSettings } from './home-settings.ts';
import { MalformedAnswer, required } from './observe.ts';

/** All events are one sequence: order between exceptions matters as much as within one. */
const SEQUENCE = 'event';
/** Writers that lose the race for a number try the next; many functions seldom record in the same few milliseconds. */
const ATTEMPTS = 40;

/**
 * The recorder on a DynamoDB table of its own: event n is the item with sort key n, written only if it is not there yet, right after the
 * last one. So numbers have no gaps, an event is never overwritten, and an event whose `record` returned stands before every later one.
 * An event with a key is written together with an item that holds the key, so telling it again changes nothing.
 *
 * Every write is a TransactWriteItems with the SDK's idempotency token: an attempt that is repeated after a lost answer is not taken for
 * somebody else's event.
 */
export function dynamoRecorder(settings: HomeSettings, table: string, clock: Clock): Recorder {
  const client = new DynamoDBClient(settings);
  /** The last number this process has seen; only ever too small. */
  let last: number | undefined;

  const readLast = (): Promise<number> =>
    awsCall('dynamodb:Query', async () => {
      const { Items } = await client.send(
        new QueryCommand({
          TableName: table,
          ConsistentRead: true,
          KeyConditionExpression: 'pk = :pk',
          ExpressionAttributeValues: { ':pk': { S: SEQUENCE } },
          ScanIndexForward: false,
          Limit: 1,
          ProjectionExpression: 'sk',
        }),
      );
      return Number(Items?.[0]?.['sk']?.N ?? 0);
    });

  const write = (seq: number, text: string, key: string | undefined) =>
    awsCall('dynamodb:TransactWriteItems', async (): Promise<'written' | 'taken' | 'told-before'> => {
      const ifNew = (Item: Record<string, { S: string } | { N: string }>) => ({
        Put: { TableName: table, Item, ConditionExpression: 'attribute_not_exists(pk)' },
      });
      const event = ifNew({ pk: { S: SEQUENCE }, sk: { N: String(seq) }, event: { S: text } });
      const marker =
        key === undefined
          ? []
          : [ifNew({ pk: { S: `key/${key}` }, sk: { N: '0' }, seq: { N: String(seq) } })];
      try {
        await client.send(new TransactWriteItemsCommand({ TransactItems: [event, ...marker] }));
        return 'written';
      } catch (error) {
        if (!(error instanceof TransactionCanceledException)) throw error;
        const [numbers, keys] = (error.CancellationReasons ?? []).map(({ Code }) => Code);
        if (keys === 'ConditionalCheckFailed') return 'told-before';
        if (RACES.has(numbers) || RACES.has(keys)) return 'taken';
        throw error;
      }
    });

  return {
    async record({ at, key, ...event }) {
      const happenedAt = formatInstant(at ?? clock.now());
      for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
        const seq: number = (last ?? (await readLast())) + 1;
        const text = canonicalJson({ seq, at: happenedAt, ...(key === undefined ? {} : { key }), ...event });
        const outcome = await write(seq, text, key);
        if (outcome === 'written') last = seq;
        if (outcome !== 'taken') return;
        last = undefined;
      }
      throw new AwsCallError(
        'failed',
        `dynamodb:TransactWriteItems lost ${ATTEMPTS} races for the next event`,
        false,
      );
    },
  };
}

/** Somebody else took the number, or is writing there now. */
const RACES: ReadonlySet<string | undefined> = new Set(['ConditionalCheckFailed', 'TransactionConflict']);

/**
 * The record, read. By subject and by time every event is looked at, so that costs what the table holds, a page of 1 MB after the other; by key, one or
 * two items.
 */
export function dynamoHistory(settings: HomeSettings, table: string): History {
  const client = new DynamoDBClient(settings);
  /** Events whose text holds one of these, in order. They may hold it elsewhere than meant: who asks looks again. */
  const holding = (texts: readonly string[]): Promise<readonly RecordedEvent[]> =>
    awsCall('dynamodb:Query', async () => {
      const names = texts.map((_, index) => `:t${index}`);
      const items = await queryAll(client, {
        TableName: table,
        ConsistentRead: true,
        KeyConditionExpression: 'pk = :pk',
        FilterExpression: names.map((name) => `contains(event, ${name})`).join(' OR '),
        ExpressionAttributeValues: {
          ':pk': { S: SEQUENCE },
          ...Object.fromEntries(texts.map((text, index) => [`:t${index}`, { S: text }])),
        },
      });
      return items.map((item) => recordedEvent(required(item['event']?.S, 'event')));
    });
  const item = async (pk: string, sk: string) => {
    const Key = { pk: { S: pk }, sk: { N: sk } };
    return (await client.send(new GetItemCommand({ TableName: table, Key, ConsistentRead: true }))).Item;
  };
  return {
    told: (key) =>
      awsCall('dynamodb:GetItem', async () => {
        const marker = await item(`key/${key}`, '0');
        if (marker === undefined) return undefined;
        const event = await item(SEQUENCE, required(marker['seq']?.N, 'seq'));
        return recordedEvent(required(event?.['event']?.S, 'event'));
      }),
    async about(subject) {
      const found = await holding([`"subject":${JSON.stringify(subject)}`]);
      return found.filter((event) => event.subject === subject);
    },
    async during({ from, to }, types) {
      if (types.length === 0) return [];
      const found = await holding(types.map((type) => `"type":${JSON.stringify(type)}`));
      return found.filter(({ at, type }) => from <= at && at < to && types.includes(type));
    },
  };
}

function recordedEvent(text: string): RecordedEvent {
  const event = JSON.parse(text) as Omit<RecordedEvent, 'at'> & { readonly at: string };
  const at = parseInstant(event.at);
  if (!at.ok) throw new MalformedAnswer(`the time of event ${event.seq}`);
  return { ...event, at: at.value };
}
