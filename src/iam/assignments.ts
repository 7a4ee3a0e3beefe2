import {
  type AccountEvidence,
  type AssignedPerson,
  type IamRole,
  type PermissionSetAssignment,
  sectionOf,
} from '../evidence/index.ts';
import { permissionSetOf } from './trust.ts';

/** A group or user that a permission set of IAM Identity Center is given to in one account. */
export interface Holder {
  /** `group \`Developers\``: a group by its name, or its id where that was not read. */
  readonly words: string;
  /** As AWS spells it: `GROUP`, `USER`, or a kind that it adds later. */
  readonly principalType: string;
  /** Of a group its members, of a user the user itself; undefined: they were not read. */
  readonly people?: readonly AssignedPerson[];
  /** Why they were not read. */
  readonly notRead?: string;
}

/**
 * Who gets into a role of IAM Identity Center. Undefined: the role is none of them.
 * @returns `unseen`, in words, where the assignments of the account were not read: then nobody knows to whom it is given
 */
export function holdersOf(
  role: IamRole,
  sections: AccountEvidence['sections'],
): { readonly holders: readonly Holder[]; readonly unseen?: string } | undefined {
  const set = permissionSetOf(role);
  if (set === undefined) return undefined;
  const assigned = sectionOf<'account', 'permissionSetAssignments'>(sections, 'permissionSetAssignments');
  if (assigned.kind === 'unobservable') return { holders: [], unseen: assigned.detail ?? assigned.reason };
  const of = assigned.kind === 'absent' ? [] : assigned.value;
  const seen = sectionOf<'account', 'assignedPeople'>(sections, 'assignedPeople');
  return {
    holders: of
      .filter(({ permissionSetName }) => permissionSetName === set)
      .map((assignment): Holder => {
        const people =
          seen.kind === 'observed'
            ? seen.value.find(({ principalId }) => principalId === assignment.principalId)?.people
            : seen;
        const user =
          assignment.principalType === 'USER' && people?.kind === 'observed' ? people.value[0] : undefined;
        return {
          words: user === undefined ? holderWords(assignment) : personWords(user),
          principalType: assignment.principalType,
          ...(people?.kind === 'observed'
            ? { people: people.value }
            : {
                notRead:
                  people?.kind === 'unobservable'
                    ? (people.detail ?? people.reason)
                    : 'the evidence does not name them',
              }),
        };
      }),
  };
}

const holderWords = ({ principalType, principalId, groupName }: PermissionSetAssignment): string =>
  principalType === 'GROUP'
    ? `group \`${groupName ?? principalId}\``
    : `${principalType.toLowerCase()} \`${principalId}\``;

export const personWords = ({ userId, userName, status }: AssignedPerson): string =>
  `user \`${userName ?? userId}\`${status === 'DISABLED' ? ' (disabled)' : ''}`;

/** So many people of one group are named in a sentence; JSON names all. */
export const SHOWN_PEOPLE = 5;

/** ``user `ada` in group `Developers` ``: the people behind a holder, for the head of a sentence. */
export function peopleWords({ words, principalType, people }: Holder): readonly string[] {
  if (principalType !== 'GROUP') return [words];
  if (people === undefined) return [`whoever is in ${words}, whose members were not read,`];
  if (people.length === 0) return [`nobody yet in ${words}`];
  const more = people.length > SHOWN_PEOPLE ? [`${people.length - SHOWN_PEOPLE} more in ${words}`] : [];
  return [...people.slice(0, SHOWN_PEOPLE).map((person) => `${personWords(person)} in ${words}`), ...more];
}
