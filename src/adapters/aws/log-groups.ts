import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  DeleteLogGroupCommand,
  DescribeLogGroupsCommand,
  PutRetentionPolicyCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import type { Destinations, Pair } from '../../enforcement/index.ts';
import { awsCall, isNamed } from './call.ts';
import { allPages } from './pages.ts';
import type { MemberRoles } from './roles.ts';

/** Log groups in the member accounts. One belongs to one exception: a single event cannot be deleted, a group can. */
export function logGroups(
  roles: MemberRoles,
): Pick<Destinations, 'hasLogGroup' | 'createLogGroup' | 'deleteLogGroup'> {
  const clientFor = async (pair: Pair) => new CloudWatchLogsClient(await roles.settingsFor('purge', pair));
  return {
    hasLogGroup: (pair, name) =>
      awsCall('logs:DescribeLogGroups', async () => {
        const client = await clientFor(pair);
        // The prefix also finds groups below ours, so all pages are read before the answer is no.
        const groups = await allPages(async (nextToken) => {
          const page = await client.send(
            new DescribeLogGroupsCommand({ logGroupNamePrefix: name, nextToken }),
          );
          return { items: page.logGroups, next: page.nextToken };
        });
        return groups.some(({ logGroupName }) => logGroupName === name);
      }),

    createLogGroup: async (pair, logGroupName, kmsKeyId, retentionInDays) => {
      const client = await awsCall('logs:CreateLogGroup', () => clientFor(pair));
      await awsCall('logs:CreateLogGroup', async () => {
        try {
          await client.send(new CreateLogGroupCommand({ logGroupName, kmsKeyId }));
        } catch (error) {
          if (!isNamed(error, 'ResourceAlreadyExistsException')) throw error;
        }
      });
      // Without it events are kept for ever. Ours is deleted as a whole; this is the backstop behind that.
      await awsCall('logs:PutRetentionPolicy', () =>
        client.send(new PutRetentionPolicyCommand({ logGroupName, retentionInDays })),
      );
    },

    deleteLogGroup: (pair, logGroupName) =>
      awsCall('logs:DeleteLogGroup', async () => {
        try {
          await (await clientFor(pair)).send(new DeleteLogGroupCommand({ logGroupName }));
        } catch (error) {
          if (!isNamed(error, 'ResourceNotFoundException')) throw error;
        }
      }),
  };
}
