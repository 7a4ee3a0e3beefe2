import {
  DescribeUserCommand,
  IdentitystoreClient,
  ListGroupMembershipsCommand,
} from '@aws-sdk/client-identitystore';
import pMap from 'p-map';
import type { Clock } from '../../core/index.ts';
import {
  type AssignedPeople,
  type AssignedPerson,
  type Observation,
  type SectionReaders,
  sectionOf,
} from '../../evidence/index.ts';
import type { AccountAccess } from './account-access.ts';
import { clientOf } from './clients.ts';
import { abortable, MalformedAnswer, observe, required } from './observe.ts';
import { allPages } from './pages.ts';

const PAGE_SIZE = 100;
const CONCURRENCY = 3;

/**
 * Who is behind the assignments of an account, asked with the caller's credentials. The same groups and people are behind many accounts: each is
 * asked once. A name that cannot be read hides nobody; a group whose members cannot be read is one of which nobody is known.
 *
 * @param storeOf - the identity store of a principal; undefined where it is not known
 */
export function assignedPeopleReader(
  access: Pick<AccountAccess, 'homeSettings'>,
  clock: Clock,
  storeOf: (principalId: string) => string | undefined,
): Pick<SectionReaders<'account'>, 'assignedPeople'> {
  const users = new Map<string, Promise<AssignedPerson>>();
  const groups = new Map<string, Promise<AssignedPeople['people']>>();
  const client = () => clientOf(IdentitystoreClient, access.homeSettings());

  const userOf = (IdentityStoreId: string, UserId: string, signal?: AbortSignal): Promise<AssignedPerson> => {
    const asked =
      users.get(UserId) ??
      client()
        .send(new DescribeUserCommand({ IdentityStoreId, UserId }), abortable(signal))
        .then(
          ({ UserName, UserStatus }): AssignedPerson => {
            const userName = UserName?.split('@')[0];
            return {
              userId: UserId,
              ...(userName ? { userName } : {}),
              ...(UserStatus ? { status: UserStatus } : {}),
            };
          },
          (): AssignedPerson => {
            signal?.throwIfAborted();
            return { userId: UserId };
          },
        );
    users.set(UserId, asked);
    return asked;
  };

  const membersOf = (
    IdentityStoreId: string,
    GroupId: string,
    signal?: AbortSignal,
  ): Promise<AssignedPeople['people']> => {
    const asked =
      groups.get(GroupId) ??
      observe(clock, { call: 'identitystore:ListGroupMemberships' }, async () => {
        const memberships = await allPages(async (NextToken) => {
          const page = await client().send(
            new ListGroupMembershipsCommand({
              IdentityStoreId,
              GroupId,
              MaxResults: PAGE_SIZE,
              ...(NextToken === undefined ? {} : { NextToken }),
            }),
            abortable(signal),
          );
          return { items: page.GroupMemberships, next: page.NextToken };
        });
        // A member of a kind that this version does not know stands for people who would be left out.
        const ids = memberships.map(({ MemberId }) =>
          required(MemberId?.UserId, 'GroupMemberships.MemberId.UserId'),
        );
        return pMap([...new Set(ids)], (id) => userOf(IdentityStoreId, id, signal), {
          concurrency: CONCURRENCY,
        });
      });
    groups.set(GroupId, asked);
    return asked;
  };

  return {
    /** @see https://docs.aws.amazon.com/singlesignon/latest/IdentityStoreAPIReference/API_ListGroupMemberships.html */
    assignedPeople: async (place, { signal } = {}): Promise<Observation<readonly AssignedPeople[]>> => {
      const assigned = sectionOf<'account', 'permissionSetAssignments'>(
        place.sections,
        'permissionSetAssignments',
      );
      if (assigned.kind === 'unobservable') return assigned;
      const source = { call: 'identitystore:ListGroupMemberships', accountId: place.accountId };
      return observe(clock, source, async () => {
        const principals = new Map(
          (assigned.kind === 'absent' ? [] : assigned.value).map((each) => [each.principalId, each]),
        );
        return pMap(
          principals.values(),
          async ({ principalId, principalType }): Promise<AssignedPeople> => {
            const store = storeOf(principalId);
            const people =
              store === undefined || (principalType !== 'GROUP' && principalType !== 'USER')
                ? await observe<readonly AssignedPerson[]>(clock, source, async () => {
                    throw new MalformedAnswer(
                      store === undefined ? 'Instances.IdentityStoreId' : 'AccountAssignments.PrincipalType',
                    );
                  })
                : principalType === 'GROUP'
                  ? await membersOf(store, principalId, signal)
                  : await observe(clock, { call: 'identitystore:DescribeUser' }, async () => [
                      await userOf(store, principalId, signal),
                    ]);
            return { principalId, people };
          },
          { concurrency: CONCURRENCY },
        );
      });
    },
  };
}
