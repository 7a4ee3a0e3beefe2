import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import {
  embeddedEvidence,
  embeddedSettings,
  openAwsDatabase,
  seedFromSnapshot,
} from '../../src/adapters/embedded/aws/index.ts';
import { readSnapshot } from '../../src/adapters/files/index.ts';
import {
  collectSnapshot,
  encodeSnapshot,
  formatSnapshotProblem,
  type Snapshot,
} from '../../src/evidence/index.ts';

const DIR = join(import.meta.dirname, '../../examples/organization');

async function example(): Promise<Snapshot> {
  const read = await readSnapshot(DIR);
  if (!read.ok) throw new Error(read.error.map(formatSnapshotProblem).join('\n'));
  return read.value;
}

it('has 12 accounts in 3 units and 3 Regions, one of them suspended', async () => {
  const { organization, regions, takenAt } = await example();
  expect(organization.accounts).toHaveLength(12);
  expect(organization.units.filter((unit) => unit.parentId !== undefined).map(({ name }) => name)).toEqual([
    'Platform',
    'Product',
    'Research',
  ]);
  expect(regions).toEqual(['us-east-1', 'eu-central-1', 'eu-west-1']);
  expect(new Date(takenAt).toISOString()).toBe('2026-11-20T08:00:00.000Z');
  expect(organization.accounts.filter(({ state }) => state !== 'ACTIVE')).toMatchObject([
    { id: '999999999999', state: 'SUSPENDED' },
  ]);
});

it('is clean in most accounts and Regions; the others are exactly those its README names', async () => {
  const { accountRegions } = await example();
  const notClean = accountRegions.flatMap(({ accountId, region, invocationLogging, dataRetention }) => {
    const isClean =
      invocationLogging.kind === 'absent' &&
      dataRetention.kind === 'observed' &&
      dataRetention.value.mode === 'none';
    if (isClean) return [];
    const what =
      invocationLogging.kind === 'unobservable' ? invocationLogging.reason : invocationLogging.kind;
    return [`${accountId}/${region} ${what}`];
  });
  expect(notClean).toEqual([
    '666666666666/eu-central-1 observed',
    '777777777777/eu-central-1 observed',
    '888888888888/us-east-1 observed',
    '888888888888/eu-west-1 absent',
    '999999999999/us-east-1 not-collected',
    '999999999999/eu-central-1 not-collected',
    '999999999999/eu-west-1 not-collected',
    '121212121212/eu-west-1 observed',
    '131313131313/us-east-1 access-denied',
    '131313131313/eu-central-1 access-denied',
    '131313131313/eu-west-1 access-denied',
  ]);
});

it('holds the bytes that this version would write, so that a collected snapshot can be compared with it', async () => {
  for (const [path, text] of encodeSnapshot(await example()))
    expect(await readFile(join(DIR, path), 'utf8'), path).toBe(text);
});

it('shows every section again from a state that was made of it, those too that are read only when asked for', async () => {
  const given = await example();
  const database = openAwsDatabase(':memory:');
  seedFromSnapshot(database, given);
  const clock = { now: () => given.takenAt };
  const sources = embeddedEvidence(database, clock, embeddedSettings(database, clock));
  const taken = await collectSnapshot(sources, { regions: given.regions, takenAt: given.takenAt });
  database.close();
  if (!taken.ok) throw taken.error;
  const seenIn = ({ organization, accounts, accountRegions }: Snapshot) =>
    [organization, ...accounts, ...accountRegions].map(({ sections = {} }) =>
      Object.entries(sections).filter(([, seen]) => seen.kind !== 'unobservable'),
    );
  expect(seenIn(taken.value)).toEqual(seenIn(given));
  expect(JSON.stringify(seenIn(given))).toContain('logGroupContent');
});

it('is not mentioned in its README under a name or number that it does not have', async () => {
  const { organization } = await example();
  const readme = await readFile(join(DIR, 'README.md'), 'utf8');
  const rows = [...readme.matchAll(/^\| ([0-9]{12}) ([a-z-]+) \| (\w+) \|/gm)].map(([, id, name, unit]) => [
    id,
    name,
    unit,
  ]);
  const unitName = (id: string) =>
    organization.units.find((unit) => unit.id === id)?.name.replace('Root', 'root');
  expect(rows).toEqual(organization.accounts.map(({ id, name, parentId }) => [id, name, unitName(parentId)]));
});
