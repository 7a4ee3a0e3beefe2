import { expect } from 'vitest';
import type { Directory } from '../../src/exceptions/index.ts';
import { contractCases, type Gap } from './contract.ts';

export interface DirectorySubject {
  /** With exactly the people of `PEOPLE`. */
  readonly directory: Directory;
}

export const PEOPLE = [
  { name: 'sam', roles: [] },
  { name: 'lena', roles: ['legal'] },
  { name: 'max', roles: ['legal', 'security'] },
] as const;

/** What every directory does. */
export function directoryContract(make: () => Promise<DirectorySubject>, gaps: readonly Gap[] = []): void {
  const test = contractCases(gaps);

  test('names everybody once, with the roles they hold', async () => {
    const { directory } = await make();
    const people = await directory.people();
    expect(
      people
        .map(({ name, roles, isActive }) => ({ name, roles: [...roles].sort(), isActive }))
        .sort((a, b) => (a.name < b.name ? -1 : 1)),
    ).toEqual(
      [...PEOPLE]
        .sort((a, b) => (a.name < b.name ? -1 : 1))
        .map(({ name, roles }) => ({ name, roles: [...roles], isActive: true })),
    );
    expect(new Set(people.map(({ id }) => id)).size).toBe(PEOPLE.length);
  });

  test('an id stays a person’s own', async () => {
    const { directory } = await make();
    const ids = async () => (await directory.people()).map(({ id, name }) => `${name} ${id}`).sort();
    expect(await ids()).toEqual(await ids());
  });
}
