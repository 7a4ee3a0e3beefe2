import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { HANDLERS } from '../../handlers/index.ts';
import {
  type Destinations,
  isEmptyListing,
  list,
  type ObjectVersion,
  type Upload,
} from '../../src/enforcement/index.ts';
import { type Destination, readRecord, waitKey } from '../../src/exceptions/index.ts';
import {
  BEGINS,
  BUCKET,
  DAY_MS,
  ENDS,
  KEY,
  MINUTE_MS,
  PAIR,
  type Simulation,
  SOMEBODYS,
  START,
  simulate,
} from './harness.ts';

/* Guards that nothing else in the suite would miss: each was found by a mutant of scripts/mutant-list.ts that survived. */

/** Puts `changed` ahead of one port of the running process. */
function ahead<K extends keyof Simulation['state']['services']>(
  { state: { services } }: Simulation,
  port: K,
  changed: Partial<Simulation['state']['services'][K]>,
): void {
  Object.assign(services, { [port]: Object.assign(Object.create(services[port]), changed) });
}

describe('before enabling', () => {
  test('a dead man’s switch that reads back for another minute is not armed: nothing is put', () =>
    simulate(async (s) => {
      await s.approved();
      const { schedules } = s.state.services;
      ahead(s, 'schedules', {
        get: async (name) => {
          const stored = await schedules.get(name);
          return stored && ({ ...stored, at: stored.at + MINUTE_MS } as typeof stored);
        },
      });
      await s.advanceTo(BEGINS + 90 * MINUTE_MS);
      expect(s.puts).toEqual([]);
    }));

  test('a revocation between the intent and the Put wins: nothing is put', () =>
    simulate(async (s) => {
      const id = await s.approved();
      const { recorder } = s.state.services;
      let isAsked = false;
      let isRevoked = false;
      ahead(s, 'recorder', {
        record: async (event) => {
          await recorder.record(event);
          // Told again by the revocation itself, which finds it in the outbox.
          if (event.type !== 'enable.intended' || isAsked) return;
          isAsked = true;
          isRevoked = (await s.revoke(id)).ok;
        },
      });
      await s.advanceTo(BEGINS + MINUTE_MS);
      expect(isRevoked).toBe(true);
      expect(s.puts).toEqual([]);
    }));

  test('the enabling step called a second time puts nothing', () =>
    simulate(async (s) => {
      const id = await s.approved();
      await s.advanceTo(BEGINS);
      const again = HANDLERS.enableContentStorage({ exceptionId: id }, s.state.services);
      await expect(again).rejects.toThrow('was attempted before');
      expect(s.puts).toHaveLength(1);
    }));

  test('the workflow calls the enabling step once, whatever it answers: the state has no Retry', () => {
    const file = join(import.meta.dirname, '../../workflows/prompt-storage-exception.asl.yml');
    const { States } = parse(readFileSync(file, 'utf8')) as { States: Record<string, object> };
    expect(States['EnableContentStorage']).toMatchObject({ Type: 'Task' });
    expect(States['EnableContentStorage']).not.toHaveProperty('Retry');
  });

  test('tokens wake and decide nothing: woken for every role and approved by nobody, it expires', () =>
    simulate(async (s) => {
      const id = await s.request();
      const { services } = s.state;
      for (const role of ['legal', 'security', 'executive']) {
        const wait = await readRecord<{ taskToken: string }>(services.store, waitKey(id, role));
        expect(await services.executions.wake(wait?.value.taskToken ?? '')).toBe('woken');
      }
      await s.pump();
      await s.advance(MINUTE_MS);
      expect((await s.record(id)).state).toBe('submitted');
      await s.advanceTo(START + 8 * DAY_MS);
      expect((await s.record(id)).state).toBe('expired');
      expect(s.events('exception.approved')).toEqual([]);
    }));
});

describe('at the end', () => {
  test.each([
    { name: 'the workflow', bound: MINUTE_MS },
    { name: 'the dead man’s switch', bound: 2 * MINUTE_MS },
    { name: 'the sweeper', bound: 15 * MINUTE_MS },
  ])(
    '$name alone switches off in time although the clock of every function is 10 minutes slow',
    ({ name, bound }) =>
      simulate(
        async (s) => {
          const id = await s.active();
          await s.advanceTo(ENDS - 5 * MINUTE_MS);
          if (name !== 'the dead man’s switch') s.mute('deadMansSwitch');
          if (name !== 'the sweeper') s.mute('sweep');
          // Stopped too late for a sweep to see it before the end.
          if (name !== 'the workflow') await s.stopWorkflow(id);
          await s.advanceTo(ENDS + bound);
          expect(s.isOn()).toBe(false);
          expect(s.wentOffAt()).toBeGreaterThanOrEqual(ENDS);
        },
        { skewMs: -10 * MINUTE_MS },
      ),
  );

  test('somebody else’s setting that came in the last minute is noted before the baseline wipes it out', () =>
    simulate(async (s) => {
      const id = await s.active();
      await s.advanceTo(ENDS - MINUTE_MS);
      s.somebodyPuts(SOMEBODYS);
      await s.advanceTo(ENDS + MINUTE_MS);
      expect(s.isOn()).toBe(false);
      expect((await s.record(id)).contested?.observed).toContain('somebodys-bucket');
    }));

  test('a revocation switches off although the policy in force cannot be read', () =>
    simulate(async (s) => {
      const id = await s.active();
      ahead(s, 'policyInForce', {
        current: () => Promise.reject(new Error('the policy cannot be read')),
      });
      await s.revoke(id).catch(() => undefined);
      expect(s.isOn()).toBe(false);
    }));

  test('a record that cannot be decoded keeps the sweeper from nothing else', () =>
    simulate(async (s) => {
      const id = await s.active();
      const damaged = { key: 'exception/ex-000000000000', expectedVersion: 0, value: { format: 99 } };
      await s.state.services.store.commit([damaged]);
      s.mute('deadMansSwitch');
      await s.stopWorkflow(id);
      await s.advance(16 * MINUTE_MS);
      expect(s.isOn()).toBe(false);
      expect(String(s.events('sweep.faults')[0]?.data['says'])).toContain('format `99`');
    }));
});

describe('a listing', () => {
  const destination: Destination = {
    kind: 's3',
    bucketName: BUCKET,
    keyPrefix: 'incidents/x/',
    kmsKeyArn: KEY,
  };
  const version = (overrides: Partial<ObjectVersion>): ObjectVersion => ({
    key: 'incidents/x/AWSLogs/a.json.gz',
    versionId: '1',
    isDeleteMarker: false,
    bytes: 7,
    ...overrides,
  });
  const marker = 'incidents/x/AWSLogs/amazon-bedrock-logs-permission-check';
  const upload: Upload = { key: 'incidents/x/AWSLogs/b.json.gz', uploadId: 'u' };
  const cases: readonly (readonly [string, readonly ObjectVersion[], readonly Upload[], boolean])[] = [
    ['of nothing is empty', [], [], true],
    ['of a version is not', [version({})], [], false],
    ['of a version without bytes is not', [version({ bytes: 0 })], [], false],
    [
      'of a delete marker alone is not: it may hide a version',
      [version({ bytes: 0, isDeleteMarker: true })],
      [],
      false,
    ],
    ['of an open upload alone is not', [], [upload], false],
    ['of Bedrock’s own permission marker is empty', [version({ key: marker, bytes: 0 })], [], true],
    ['of content under the permission marker’s name is not', [version({ key: marker })], [], false],
  ];
  test.each(cases)('%s', async (_name, versions, uploads, isEmpty) => {
    const places: Pick<Destinations, 'listVersions' | 'listUploads'> = {
      listVersions: async () => versions,
      listUploads: async () => uploads,
    };
    expect(isEmptyListing(await list(places as Destinations, PAIR, destination, START))).toBe(isEmpty);
  });

  test.each(['listVersions', 'listUploads'] as const)(
    'that cannot %s is no listing, and never an empty one',
    async (refused) => {
      const places: Pick<Destinations, 'listVersions' | 'listUploads'> = {
        listVersions: async () => [],
        listUploads: async () => [],
        [refused]: () => Promise.reject(new Error('denied')),
      };
      await expect(list(places as Destinations, PAIR, destination, START)).rejects.toThrow('denied');
    },
  );
});
