import {
  IdentitystoreClient,
  ListGroupMembershipsCommand,
  ListUsersCommand,
} from '@aws-sdk/client-identitystore';
import pMap from 'p-map';
import type { CallerDirectory } from '../../api/index.ts';
import { principalId } from '../../core/index.ts';
import type { Directory, Person } from '../../exceptions/index.ts';
import { awsCall } from './call.ts';
import type { HomeSettings } from './home-settings.ts';
import { required } from './observe.ts';
import { allPages } from './pages.ts';

export interface DirectorySettings {
  readonly identityStoreId: string;
  /** Identity Store group ids by role: whoever is a member of one of them holds the role. */
  readonly groupsByRole: Readonly<Record<string, readonly string[]>>;
}

/** Of both list operations. */
const PAGE_SIZE = 100;
const CONCURRENCY = 4;

/**
 * The people of IAM Identity Center, read anew at every call. A person's id is the immutable user id, never the user name. Somebody who
 * left is not listed; a user whose status is DISABLED may neither request nor approve. Members of groups within groups do not count: the
 * Identity Store has none.
 */
export function identityStoreDirectory(settings: HomeSettings, directory: DirectorySettings): Directory {
  const client = new IdentitystoreClient(settings);
  const { identityStoreId: IdentityStoreId, groupsByRole } = directory;

  const membersOf = (GroupId: string): Promise<readonly string[]> =>
    awsCall('identitystore:ListGroupMemberships', async () => {
      const memberships = await allPages(async (NextToken) => {
        const page = await client.send(
          new ListGroupMembershipsCommand({ IdentityStoreId, GroupId, NextToken, MaxResults: PAGE_SIZE }),
        );
        return { items: page.GroupMemberships, next: page.NextToken };
      });
      return memberships.flatMap(({ MemberId }) => MemberId?.UserId ?? []);
    });

  return {
    async people() {
      const groups = [...new Set(Object.values(groupsByRole).flat())];
      const members = new Map(
        await pMap(groups, async (group) => [group, new Set(await membersOf(group))] as const, {
          concurrency: CONCURRENCY,
        }),
      );
      const users = await awsCall('identitystore:ListUsers', () =>
        allPages(async (NextToken) => {
          const page = await client.send(
            new ListUsersCommand({ IdentityStoreId, NextToken, MaxResults: PAGE_SIZE }),
          );
          return { items: page.Users, next: page.NextToken };
        }),
      );
      return awsCall('identitystore:ListUsers', async () =>
        users.map((user): Person => {
          const id = required(user.UserId, 'Users.UserId');
          return {
            id: principalId(id),
            name: user.DisplayName ?? user.UserName ?? id,
            roles: Object.entries(groupsByRole)
              .filter(([, ids]) => ids.some((group) => members.get(group)?.has(id)))
              .map(([role]) => role)
              .sort(),
            isActive: user.UserStatus !== 'DISABLED',
          };
        }),
      );
    },
  };
}

/** Users by their name, asked for anew at every call. */
export function identityStoreCallers(settings: HomeSettings, identityStoreId: string): CallerDirectory {
  const client = new IdentitystoreClient(settings);
  return {
    withUserName: (userName) =>
      awsCall('identitystore:ListUsers', async () => {
        const users = await allPages(async (NextToken) => {
          const page = await client.send(
            new ListUsersCommand({
              IdentityStoreId: identityStoreId,
              Filters: [{ AttributePath: 'UserName', AttributeValue: userName }],
              NextToken,
            }),
          );
          return { items: page.Users, next: page.NextToken };
        });
        // Said once more: a filter that was not applied must not make somebody else of the caller.
        return users
          .filter(({ UserName }) => UserName === userName)
          .map(({ UserId }) => principalId(required(UserId, 'Users.UserId')));
      }),
  };
}
