import {
  type CancellationReason,
  DynamoDBClient,
  GetItemCommand,
  TransactGetItemsCommand,
  TransactionCanceledException,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb';
import type { ConditionalWrite, RecordStore, StoredRecord } from '../../exceptions/index.ts';
import { awsCall } from './call.ts';
import { queryAll } from './dynamo-query.ts';
import type { HomeSettings } from './home-settings.ts';
import { MalformedAnswer, required } from './observe.ts';

/** Of TransactWriteItems. */
const MOST_WRITES = 100;

/**
 * The record store on DynamoDB. A key `lease/111111111111/eu-central-1` is the item with partition `lease` and sort key
 * `111111111111/eu-central-1`, so that listing a kind of record is a Query of one partition and never a Scan. The value is JSON text:
 * what comes back is exactly what was written.
 *
 * Every commit is one TransactWriteItems with the SDK's idempotency token: an attempt that is repeated after a lost answer is not taken
 * for somebody else's write.
 */
export function dynamoRecordStore(settings: HomeSettings, table: string): RecordStore {
  const client = new DynamoDBClient(settings);
  return {
    async read(key) {
      const { pk, sk } = splitKey(key);
      return awsCall('dynamodb:GetItem', async () => {
        const { Item } = await client.send(
          new GetItemCommand({
            TableName: table,
            Key: { pk: { S: pk }, sk: { S: sk } },
            ConsistentRead: true,
          }),
        );
        return Item && recordOf(Item);
      });
    },

    async readTogether(keys) {
      const TransactItems = keys.map((key) => {
        const { pk, sk } = splitKey(key);
        return { Get: { TableName: table, Key: { pk: { S: pk }, sk: { S: sk } } } };
      });
      return awsCall('dynamodb:TransactGetItems', async () => {
        const { Responses = [] } = await client.send(new TransactGetItemsCommand({ TransactItems }));
        if (Responses.length !== keys.length) throw new MalformedAnswer('Responses');
        return Responses.map(({ Item }) => Item && recordOf(Item));
      });
    },

    async list(prefix) {
      const { pk, sk } = splitKey(prefix);
      return awsCall('dynamodb:Query', async () => {
        const items = await queryAll(client, {
          TableName: table,
          ConsistentRead: true,
          KeyConditionExpression: sk === '' ? 'pk = :pk' : 'pk = :pk AND begins_with(sk, :sk)',
          ExpressionAttributeValues: { ':pk': { S: pk }, ...(sk === '' ? {} : { ':sk': { S: sk } }) },
        });
        return items.map(recordOf);
      });
    },

    async commit(writes) {
      if (writes.length === 0) return 'committed';
      if (writes.length > MOST_WRITES)
        throw new RangeError(`a commit of ${writes.length} records; DynamoDB takes ${MOST_WRITES}`);
      const TransactItems = writes.map((write) => putOf(table, write));
      return awsCall('dynamodb:TransactWriteItems', async () => {
        try {
          await client.send(new TransactWriteItemsCommand({ TransactItems }));
          return 'committed';
        } catch (error) {
          if (isConflict(error)) return 'conflict';
          throw error;
        }
      });
    },
  };
}

function putOf(table: string, { key, expectedVersion, value }: ConditionalWrite) {
  const { pk, sk } = splitKey(key);
  return {
    Put: {
      TableName: table,
      Item: {
        pk: { S: pk },
        sk: { S: sk },
        version: { N: String(expectedVersion + 1) },
        value: { S: JSON.stringify(value) },
      },
      ...(expectedVersion === 0
        ? { ConditionExpression: 'attribute_not_exists(pk)' }
        : {
            ConditionExpression: '#version = :expected',
            ExpressionAttributeNames: { '#version': 'version' },
            ExpressionAttributeValues: { ':expected': { N: String(expectedVersion) } },
          }),
    },
  };
}

/** Somebody else's version stands, or somebody else is writing now. A transaction that failed for any other reason is a fault. */
function isConflict(error: unknown): boolean {
  if (!(error instanceof TransactionCanceledException)) return false;
  const codes = (error.CancellationReasons ?? []).map(({ Code }: CancellationReason) => Code ?? 'None');
  const faults = codes.filter(
    (code) => code !== 'None' && code !== 'ConditionalCheckFailed' && code !== 'TransactionConflict',
  );
  return faults.length === 0 && codes.some((code) => code !== 'None');
}

/** @throws TypeError for a key without a kind: a list over all kinds would be a Scan */
function splitKey(key: string): { readonly pk: string; readonly sk: string } {
  const slash = key.indexOf('/');
  if (slash <= 0) throw new TypeError(`the key \`${key}\` names no kind of record; expected \`kind/…\``);
  return { pk: key.slice(0, slash), sk: key.slice(slash + 1) };
}

type Item = Readonly<Record<string, { readonly S?: string | undefined; readonly N?: string | undefined }>>;

function recordOf(item: Item): StoredRecord {
  const key = `${required(item['pk']?.S, 'pk')}/${required(item['sk']?.S, 'sk')}`;
  const version = Number(required(item['version']?.N, `version of ${key}`));
  if (!Number.isSafeInteger(version) || version < 1) throw new MalformedAnswer(`version of ${key}`);
  try {
    return { key, version, value: JSON.parse(required(item['value']?.S, `value of ${key}`)) as unknown };
  } catch (error) {
    throw error instanceof SyntaxError ? new MalformedAnswer(`value of ${key}`) : error;
  }
}
