import {
  type AttributeValue,
  type DynamoDBClient,
  QueryCommand,
  type QueryCommandInput,
} from '@aws-sdk/client-dynamodb';
import { allPages } from './pages.ts';

/** Every item of a Query, page after page of at most 1 MB. */
export function queryAll(
  client: DynamoDBClient,
  input: QueryCommandInput,
): Promise<readonly Record<string, AttributeValue>[]> {
  return allPages(async (token) => {
    const ExclusiveStartKey =
      token === undefined ? undefined : (JSON.parse(token) as Record<string, AttributeValue>);
    const { Items, LastEvaluatedKey } = await client.send(new QueryCommand({ ...input, ExclusiveStartKey }));
    return {
      items: Items,
      next: LastEvaluatedKey === undefined ? undefined : JSON.stringify(LastEvaluatedKey),
    };
  });
}
