import * as z from 'zod';
import { name, observationOf } from '../schema-parts.ts';
import type { Observation } from '../types.ts';
import { section } from './section.ts';

/** A user of the identity store. */
export interface AssignedPerson {
  readonly userId: string;
  /** Up to its first `@`: a snapshot holds no e-mail address. Absent where it could not be read. */
  readonly userName?: string | undefined;
  /** `ENABLED` or `DISABLED`, as AWS spells it; absent where AWS did not say. */
  readonly status?: string | undefined;
}

/** Who is behind a principal of `permissionSetAssignments`: of a group its members, of a user the user. */
export interface AssignedPeople {
  readonly principalId: string;
  readonly people: Observation<readonly AssignedPerson[]>;
}

/**
 * Groups of the identity store hold no groups: a member is a user.
 * @see https://docs.aws.amazon.com/singlesignon/latest/IdentityStoreAPIReference/API_ListGroupMemberships.html
 */
export const assignedPeople = section<readonly AssignedPeople[]>({
  level: 'account',
  value: z.array(
    z.strictObject({
      principalId: name,
      people: observationOf(
        z.array(
          z.strictObject({ userId: name, userName: name.exactOptional(), status: name.exactOptional() }),
        ),
      ),
    }),
  ),
  actions: {
    'sso:ListInstances': 'the identity store of IAM Identity Center',
    'identitystore:ListGroupMemberships': 'who is in a group that holds a permission set',
    'identitystore:DescribeUser':
      'the name of such a person, and of a user who holds one alone: up to its `@`; nothing else of the answer is kept',
  },
  isAskedAtHome: true,
  meaning: 'members of the groups of `permissionSetAssignments`, and its users, each with name and status',
});
