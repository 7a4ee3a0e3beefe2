import {
  ConditionalCheckFailedException,
  DynamoDBClient,
  PutItemCommand,
  QueryCommand,
  TransactionCanceledException,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb';
import { type Clock, canonicalJson, formatInstant, type Ids, type Recorder } from '../../core/index.ts';
import { AwsCallError } from '../../exceptions/index.ts';
import { awsCall } from './call.ts';
import type { HomeSettings } from './home-settings.ts';

/** All events are one sequence: order between exceptions matters as much as within one. */
const SEQUENCE = 'event';
/** Writers that lose the race for a number try the next; many functions seldom record in the same few milliseconds. */
const ATTEMPTS = 40;

/**
 * The recorder on a DynamoDB table of its own: event n is the item with sort key n, written only if it is not there yet, right after the
 * last one. So numbers have no gaps, an event is never overwritten, and an event whose `record` returned stands before every later one.
 */
export function dynamoRecorder(settings: HomeSettings, table: string, clock: Clock, ids: Ids): Recorder {
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

  return {
    async record(event) {
      // Tells our own write from somebody else's when an answer was lost and the attempt repeated.
      const id = ids.next(20);
      for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
        const seq: number = (last ?? (await readLast())) + 1;
        const text = canonicalJson({ seq, at: formatInstant(clock.now()), ...event });
        const { key } = event;
        const outcome =
          key === undefined
            ? await awsCall('dynamodb:PutItem', () => put(seq, id, text))
            : await awsCall('dynamodb:TransactWriteItems', () => putOnce(seq, id, text, key));
        if (outcome === 'known') return;
        if (outcome === 'written') {
          last = seq;
          return;
        }
        last = undefined;
      }
      throw new AwsCallError('failed', `dynamodb:PutItem lost ${ATTEMPTS} races for the next event`, false);
    },
  };

  /** An event with a key: its number and its key are taken together, so that telling it again changes nothing. */
  async function putOnce(
    seq: number,
    id: string,
    text: string,
    key: string,
  ): Promise<'written' | 'taken' | 'known'> {
    const condition = { TableName: table, ConditionExpression: 'attribute_not_exists(pk)' };
    try {
      await client.send(
        new TransactWriteItemsCommand({
          TransactItems: [
            {
              Put: {
                ...condition,
                Item: { pk: { S: SEQUENCE }, sk: { N: String(seq) }, id: { S: id }, event: { S: text } },
              },
            },
            { Put: { ...condition, Item: { pk: { S: `key/${key}` }, sk: { N: '0' } } } },
          ],
        }),
      );
      return 'written';
    } catch (error) {
      if (!(error instanceof TransactionCanceledException)) throw error;
      const [number, keyTaken] = (error.CancellationReasons ?? []).map(({ Code }) => Code);
      if (keyTaken === 'ConditionalCheckFailed') return 'known';
      // A conflict with a transaction under way is a lost race too; anything else is a fault.
      if (number === 'ConditionalCheckFailed' || [number, keyTaken].includes('TransactionConflict'))
        return 'taken';
      throw error;
    }
  }

  async function put(seq: number, id: string, text: string): Promise<'written' | 'taken'> {
    try {
      await client.send(
        new PutItemCommand({
          TableName: table,
          Item: { pk: { S: SEQUENCE }, sk: { N: String(seq) }, id: { S: id }, event: { S: text } },
          ConditionExpression: 'attribute_not_exists(pk)',
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        }),
      );
      return 'written';
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      return error.Item?.['id']?.S === id ? 'written' : 'taken';
    }
  }
}
