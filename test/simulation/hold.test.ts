import { describe, expect, it } from 'vitest';
import { epochMs, principalId, region, sha256Hex } from '../../src/core/index.ts';
import { closeUnproven, type HoldRequest, hold, release, sweep } from '../../src/enforcement/index.ts';
import {
  BEGINS,
  BUCKET,
  DAY_MS,
  ENDS,
  HOUR_MS,
  INCIDENT,
  KEY,
  LONG_AFTER,
  MINUTE_MS,
  notificationsOf,
  PAIR,
  type Simulation,
  simulate,
  VAULT_KEY,
} from './harness.ts';

/* Failure case 33: a legal hold wins over the purge, and over nothing else. */

type Id = Parameters<Simulation['record']>[0];
const LENA = principalId('lena');
const LITIGATION = { reference: 'LIT-2026-7', reason: 'litigation' };
const held = async (s: Simulation, id: Id, by = LENA, more: Partial<HoldRequest> = {}) =>
  hold(s.state.services, id, by, { ...LITIGATION, ...more });
const vaulted = (s: Simulation, id: Id, more: Partial<HoldRequest> = {}) =>
  held(s, id, LENA, {
    vault: { bucketName: s.makeVault(), keyPrefix: 'legal/', kmsKeyArn: VAULT_KEY },
    ...more,
  });
/** Keys with content, past every port and planted fault. */
const keysIn = (s: Simulation, bucket: string) =>
  s.state.aws.database
    .prepare('SELECT key FROM versions WHERE bucket = ? AND length(body) > 0')
    .all(bucket)
    .map(({ key }) => String(key));
const inVault = (s: Simulation) => keysIn(s, 'proviso-hold-example');
const atDestination = (s: Simulation) => keysIn(s, BUCKET).length;
const holdNow = async (s: Simulation, id: Id) => (await s.record(id)).holds?.at(-1);

describe('a legal hold', () => {
  it('keeps what was captured for as long as it stands, switches off in time, and purges after its release', () =>
    simulate(async (s) => {
      const id = await s.active();
      expect((await held(s, id)).ok).toBe(true);
      await s.advanceTo(ENDS + 2 * MINUTE_MS);
      expect(s.isOn()).toBe(false);
      expect((await s.record(id)).state).toBe('draining');
      const before = s.contentOf(id);
      expect(before).toBeGreaterThan(0);
      await s.advanceTo(ENDS + 8 * DAY_MS);
      expect(s.contentOf(id)).toBe(before);
      expect((await s.record(id)).state).toBe('draining');
      expect(s.events('exception.purge-overdue')).toHaveLength(0);
      // Not one with every sweep.
      expect(s.events('ending.started').length).toBeLessThanOrEqual(1);
      expect((await closeUnproven(s.state.services, id, LENA, 'hurry')).ok).toBe(false);
      expect((await release(s.state.services, id, LENA, 'settled')).ok).toBe(true);
      await s.advance(DAY_MS + 3 * HOUR_MS);
      expect((await s.record(id)).state).toBe('closed');
      expect(s.contentOf(id)).toBe(0);
      expect(s.certificates()[0]).toMatchObject({
        purgeWithinRetention: false,
        holds: [{ by: 'lena', reason: 'litigation', releasedBy: 'lena', releaseReason: 'settled' }],
      });
    }));

  it('never keeps on what somebody switches on again (OFF_NEEDS_NOTHING)', () =>
    simulate(async (s) => {
      const id = await s.active();
      const ours = s.setting();
      if (ours === undefined) throw new Error('not on');
      await held(s, id);
      await s.advanceTo(ENDS + 5 * HOUR_MS);
      s.somebodyPuts(ours);
      await s.advance(20 * MINUTE_MS);
      expect(s.isOn()).toBe(false);
      expect(await s.revoke(id)).toMatchObject({ ok: true });
      expect(s.contentOf(id)).toBeGreaterThan(0);
    }));

  it('between the two listings stops the closing, and its release starts the proof over', () =>
    simulate(async (s) => {
      const id = await s.active();
      await s.advanceTo(ENDS + 5 * HOUR_MS);
      expect((await s.record(id)).emptyListings).toHaveLength(1);
      await held(s, id);
      await s.advanceTo(LONG_AFTER + DAY_MS);
      expect((await s.record(id)).state).toBe('purging');
      await release(s.state.services, id, LENA, 'settled');
      await s.advance(23 * HOUR_MS);
      expect((await s.record(id)).state).toBe('purging');
      await s.advance(3 * HOUR_MS);
      expect((await s.record(id)).state).toBe('closed');
      expect(s.certificates()[0]).toMatchObject({ holds: [{ purgingHadBegun: true }] });
    }));

  it('released while no execution can be started is picked up by the sweeper', () =>
    simulate(async (s) => {
      const id = await s.active();
      await held(s, id);
      await s.advanceTo(ENDS + 5 * HOUR_MS);
      const { services } = s.state;
      const { executions } = services;
      const start = executions.start.bind(executions);
      Object.assign(executions, { start: () => Promise.reject(new Error('down')) });
      expect((await release(services, id, LENA, 'settled')).ok).toBe(true);
      Object.assign(executions, { start });
      await s.advance(DAY_MS + 3 * HOUR_MS);
      expect((await s.record(id)).state).toBe('closed');
    }));

  it('is Legal’s alone, never the requester’s, once, and of nothing that has ended', () =>
    simulate(async (s) => {
      const id = await s.active();
      for (const who of ['priya', 'sam', 'omar', 'gone'])
        expect(await held(s, id, principalId(who))).toMatchObject({ error: { code: 'NOT_ENTITLED' } });
      expect(await release(s.state.services, id, LENA, 'x')).toMatchObject({
        error: { code: 'STATE_REFUSES' },
      });
      expect((await held(s, id)).ok).toBe(true);
      expect(await held(s, id)).toMatchObject({ error: { code: 'STATE_REFUSES' } });
      await release(s.state.services, id, LENA, 'x');
      await s.advanceTo(LONG_AFTER);
      expect(await held(s, id)).toMatchObject({ error: { code: 'STATE_REFUSES' } });
    }));
});

describe('a legal hold with a vault', () => {
  it('moves what arrives within a sweep, purges the destination once it stands there, and the vault after the release', () =>
    simulate(async (s) => {
      const id = await s.active();
      expect((await vaulted(s, id)).ok).toBe(true);
      await s.invoke('CANARY one');
      await s.advance(20 * MINUTE_MS);
      const early = inVault(s).length;
      expect(early).toBeGreaterThan(0);
      expect(inVault(s).every((key) => key.startsWith(`legal/${id}/`))).toBe(true);
      expect(atDestination(s)).toBeGreaterThan(0);
      await s.invoke('CANARY two');
      await s.advanceTo(ENDS + 2 * MINUTE_MS);
      expect(s.isOn()).toBe(false);
      await s.advanceTo(LONG_AFTER + DAY_MS);
      // The destination is empty and listed twice; nothing closes, and no execution is started over and over.
      expect(atDestination(s)).toBe(0);
      expect(inVault(s).length).toBeGreaterThan(early);
      expect(await s.record(id)).toMatchObject({ state: 'purging', emptyListings: [{}, {}] });
      const started = s.events('ending.started').length;
      await s.advance(DAY_MS);
      expect(s.events('ending.started')).toHaveLength(started);
      expect(await holdNow(s, id)).toMatchObject({ moved: { versions: inVault(s).length } });
      expect((await closeUnproven(s.state.services, id, LENA, 'hurry')).ok).toBe(false);

      await release(s.state.services, id, LENA, 'settled');
      await s.advance(DAY_MS + 3 * HOUR_MS);
      expect((await s.record(id)).state).toBe('closed');
      expect(inVault(s)).toEqual([]);
      expect(s.certificates()[0]).toMatchObject({
        holds: [
          {
            reference: 'LIT-2026-7',
            scope: 'everything',
            vault: {
              location: `s3://proviso-hold-example/legal/${id}/`,
              kmsKeyArn: VAULT_KEY,
              lifecycle: 'read back: no enabled rule deletes there',
            },
          },
        ],
        listings: [
          { locations: [expect.stringContaining(BUCKET), `s3://proviso-hold-example/legal/${id}/`] },
          {},
        ],
      });
    }));

  it.each([
    ['is refused for a while', { operation: 's3:CopyObject', kind: 'deny', times: 40 }],
    ['fails after it copied', { operation: 's3:CopyObject', kind: 'fail-after', times: 6 }],
    ['cannot list', { operation: 's3:ListObjectVersions', kind: 'throttle', times: 12 }],
  ] as const)('deletes nothing before it stands there, where moving %s', (_, fault) =>
    simulate(async (s) => {
      const id = await s.active();
      await vaulted(s, id);
      const before = atDestination(s);
      expect(before).toBeGreaterThan(0);
      s.fault(fault);
      // Whenever something is gone from the destination, it stands in the vault.
      for (let hour = 0; hour < 8; hour++) {
        await s.advance(HOUR_MS);
        if (atDestination(s) < before) expect(inVault(s).length).toBeGreaterThanOrEqual(before);
      }
      expect(s.isOn()).toBe(false);
      await s.advance(DAY_MS);
      expect(atDestination(s)).toBe(0);
      expect(inVault(s).length).toBeGreaterThanOrEqual(before);
      expect((await holdNow(s, id))?.stuck).toBeUndefined();
    }),
  );

  it.each([
    [
      'has a lifecycle rule',
      (s: Simulation) =>
        s.state.aws.stacks.setBucketFeatures('proviso-hold-example', {
          lifecycle: [{ isEnabled: true, prefix: '', isPartial: true }],
        }),
      'suspend it',
    ],
    [
      'has a disabled key',
      (s: Simulation) => s.state.aws.stacks.setKeyFeatures(VAULT_KEY, { isEnabled: false }),
      'disabled',
    ],
  ])('whose vault %s is told by paging, and the purge waits until that is put right', (_, spoil, why) =>
    simulate(async (s) => {
      const id = await s.active();
      await vaulted(s, id);
      spoil(s);
      await s.advanceTo(ENDS + 6 * HOUR_MS);
      expect(s.isOn()).toBe(false);
      expect(atDestination(s)).toBeGreaterThan(0);
      expect(inVault(s)).toEqual([]);
      expect((await holdNow(s, id))?.stuck?.why).toContain(why);
      const told = notificationsOf(s).filter(({ type }) => type === 'exception.hold-stuck');
      expect(told[0]).toMatchObject({ urgency: 'page' });
      expect(told.length).toBeLessThan(12);
      s.state.aws.stacks.setBucketFeatures('proviso-hold-example', { lifecycle: [] });
      s.state.aws.stacks.setKeyFeatures(VAULT_KEY, { isEnabled: true });
      await s.advance(HOUR_MS);
      expect(atDestination(s)).toBe(0);
      expect(inVault(s).length).toBeGreaterThan(0);
    }),
  );

  it('of a part: what is out of scope is purged and never moved', () =>
    simulate(async (s) => {
      const id = await s.active();
      await vaulted(s, id, { scope: ['AWSLogs/nobody/'] });
      await s.advanceTo(LONG_AFTER);
      expect(atDestination(s)).toBe(0);
      expect(inVault(s)).toEqual([]);
      expect((await s.record(id)).state).toBe('purging');
    }));

  it('given later to a hold that stands, and to nothing that cannot be moved', () =>
    simulate(async (s) => {
      const id = await s.active();
      await held(s, id);
      await s.advanceTo(ENDS + 3 * HOUR_MS);
      expect(atDestination(s)).toBeGreaterThan(0);
      expect((await vaulted(s, id)).ok).toBe(true);
      await s.advance(HOUR_MS);
      expect(atDestination(s)).toBe(0);
      expect(await vaulted(s, id)).toMatchObject({ error: { code: 'STATE_REFUSES' } });
    }));

  it('released while its ending sleeps until the second listing purges the vault at once', () =>
    simulate(async (s) => {
      const id = await s.active();
      await vaulted(s, id);
      await s.advanceTo(ENDS + 5 * HOUR_MS);
      expect(inVault(s).length).toBeGreaterThan(0);
      expect((await s.record(id)).emptyListings).toHaveLength(1);
      await release(s.state.services, id, LENA, 'settled');
      await s.advance(2 * MINUTE_MS);
      expect(inVault(s)).toEqual([]);
      await s.advance(DAY_MS + HOUR_MS);
      expect((await s.record(id)).state).toBe('closed');
    }));

  it.each([
    ['the same vault', 'proviso-hold-example', undefined],
    ['the same vault, with a scope', 'proviso-hold-example', ['AWSLogs/']],
    ['another vault', 'proviso-hold-other', undefined],
    ['another vault, with a scope', 'proviso-hold-other', ['AWSLogs/']],
  ])('that follows a release before its purge keeps what the first had moved: %s', (_, name, scope) =>
    simulate(async (s) => {
      const id = await s.active();
      await vaulted(s, id);
      await s.advanceTo(ENDS + 5 * HOUR_MS);
      expect(atDestination(s)).toBe(0);
      const moved = inVault(s);
      expect(moved.length).toBeGreaterThan(0);
      const vault = { bucketName: s.makeVault(PAIR, name), keyPrefix: 'legal/', kmsKeyArn: VAULT_KEY };
      await release(s.state.services, id, LENA, 'settled');
      expect((await held(s, id, LENA, { vault, scope })).ok).toBe(true);
      await s.advance(DAY_MS + 3 * HOUR_MS);
      expect(inVault(s)).toEqual(moved);
      expect((await s.record(id)).state).toBe('purging');
      // Not one execution after the other that finds the earlier vault full.
      expect(s.events('ending.started').length).toBeLessThanOrEqual(4);
      expect(s.says().join('\n')).toContain('what an earlier hold moved stays in s3://proviso-hold-example/');
      await release(s.state.services, id, LENA, 'settled');
      await s.advance(DAY_MS + 3 * HOUR_MS);
      expect((await s.record(id)).state).toBe('closed');
      expect(s.contentOf(id)).toBe(0);
    }),
  );

  it.each([
    ['the exception’s own key', { bucketName: 'v', keyPrefix: '', kmsKeyArn: KEY }, 'key of its own'],
    [
      'the destination’s bucket',
      { bucketName: BUCKET, keyPrefix: 'x/', kmsKeyArn: VAULT_KEY },
      'bucket of its own',
    ],
  ])('is refused with %s', (_, vault, says) =>
    simulate(async (s) => {
      const id = await s.active();
      expect(await held(s, id, LENA, { vault })).toMatchObject({
        error: { code: 'STATE_REFUSES', message: expect.stringContaining(says) },
      });
    }),
  );

  it('that begins while the process dies at every step keeps what is in scope', async () => {
    let at = 0;
    let steps = 0;
    // Between copying, noting and deleting: what is missing at the destination stands in the vault.
    for (const step of [3, 11, 19, 27, 35]) {
      at = step;
      steps = 0;
      let isArmed = false;
      await simulate(
        async (s) => {
          const id = await s.surviving(() => s.active());
          const before = atDestination(s);
          await s.surviving(() => vaulted(s, id));
          isArmed = true;
          await s.surviving(() => s.advanceTo(ENDS + 4 * HOUR_MS));
          isArmed = false;
          expect(s.deaths).toBe(1);
          await s.surviving(() => s.advance(HOUR_MS));
          expect(s.isOn()).toBe(false);
          expect(atDestination(s) + inVault(s).length).toBeGreaterThanOrEqual(before);
          expect(inVault(s).length).toBeGreaterThanOrEqual(before);
        },
        { crash: () => isArmed && ++steps === at },
      );
    }
  });

  it('keeps the sweep of others going, whatever its vault does', () =>
    simulate(async (s) => {
      const id = await s.active();
      await vaulted(s, id);
      Object.assign(s.state.services, {
        vaultCopies: {
          listVersions: () => Promise.reject(new Error('a bug')),
          copyVersion: () => Promise.reject(new Error('a bug')),
        },
      });
      await s.revoke(id);
      expect((await sweep(s.state.services, s.now())).faults).toEqual([expect.stringContaining('a bug')]);
      expect(s.isOn()).toBe(false);
    }));
});

/** The clock alone: nobody but whoever the test calls does anything. */
const clockTo = (s: Simulation, at: number): void => s.state.simulatedClock?.advanceTo(epochMs(at));

it('what a hold moves has a time, and the next look goes on', () =>
  simulate(async (s) => {
    const id = await s.active();
    for (let each = 0; each < 9; each++) await s.invoke(`CANARY ${each}`);
    await vaulted(s, id);
    const { vaultCopies } = s.state.services;
    const { copyVersion } = vaultCopies;
    Object.assign(vaultCopies, {
      copyVersion: async (...its: Parameters<typeof copyVersion>) => {
        clockTo(s, s.now() + 3 * MINUTE_MS);
        await copyVersion(...its);
      },
    });
    await sweep(s.state.services, s.now());
    expect(inVault(s).length).toBeGreaterThan(3);
    expect(inVault(s).length).toBeLessThan(9);
    expect(await holdNow(s, id)).toMatchObject({ underWaySince: expect.any(Number) });
    await sweep(s.state.services, s.now());
    await sweep(s.state.services, s.now());
    expect(inVault(s)).toHaveLength(atDestination(s));
    expect((await holdNow(s, id))?.underWaySince).toBeUndefined();
  }));

const LOG_GROUP = `{ kind: cloudwatch-logs, logGroupName: /proviso/content, roleArn: "arn:aws:iam::${INCIDENT}:role/proviso-content/writer", kmsKeyArn: "${KEY}" }`;
const groupOf = async (s: Simulation, id: Id): Promise<string> => {
  const { destination } = await s.lease(id);
  return destination.kind === 'cloudwatch-logs' ? destination.logGroupName : '';
};
/** Past every port: events in the log group, and what is kept of it in the vault. */
const inGroup = (s: Simulation): readonly string[] =>
  s.state.aws.database
    .prepare('SELECT message FROM log_events')
    .all()
    .map(({ message }) => String(message));
const keptLines = (s: Simulation) =>
  s.state.aws.database
    .prepare('SELECT key, body FROM versions WHERE bucket = ?')
    .all('proviso-hold-example')
    .flatMap(({ key, body }) => {
      const text = Buffer.from(body as Uint8Array).toString('utf8');
      const [, count, hash] = /\/(\d+)-([0-9a-f]{64})\.ndjson$/.exec(String(key)) ?? [];
      const lines = text.trimEnd().split('\n');
      expect([Number(count), hash]).toEqual([lines.length, sha256Hex(text)]);
      return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    });
const keptMessages = (s: Simulation) => keptLines(s).map(({ message }) => String(message));
const say = async (s: Simulation, id: Id, message: string, more: { at?: number; streamName?: string } = {}) =>
  s.state.aws.storage.appendLogEvent(PAIR, await groupOf(s, id), message, more);

describe('a legal hold of a log group', () => {
  it('without a vault waits whole', () =>
    simulate(async (s) => {
      const id = await s.active({ destination: LOG_GROUP });
      expect(await vaulted(s, id, { scope: ['AWSLogs/'] })).toMatchObject({
        error: { code: 'STATE_REFUSES', message: expect.stringContaining('log group') },
      });
      expect((await held(s, id)).ok).toBe(true);
      await s.advanceTo(LONG_AFTER);
      expect(await s.state.services.destinations.hasLogGroup(PAIR, await groupOf(s, id))).toBe(true);
    }));

  it('with a vault keeps every event, whenever it came, before the log group goes, and says which objects hold them', () =>
    simulate(async (s) => {
      const id = await s.active({ destination: LOG_GROUP });
      const began = s.now();
      expect((await vaulted(s, id)).ok).toBe(true);
      expect(s.events('exception.held')[0]?.data['says']).toContain('again now, with HeldUntil');
      await s.invoke('CANARY one');
      await s.advance(20 * MINUTE_MS);
      expect(keptMessages(s).join()).toContain('CANARY one');
      await s.advance(5 * HOUR_MS);
      // Late, with the time of hours ago, in a stream that nobody knew; and one that is ahead of the clock.
      await say(s, id, 'late', { at: began + 1, streamName: 'new/stream' });
      await say(s, id, 'early', { at: began - 30 * HOUR_MS });
      await say(s, id, 'ahead', { at: s.now() + HOUR_MS });
      await s.advance(20 * MINUTE_MS);
      expect(keptMessages(s)).toContain('ahead');
      expect(keptMessages(s)).not.toContain('late');
      const all = inGroup(s);
      await s.advanceTo(ENDS + 2 * MINUTE_MS);
      expect(s.isOn()).toBe(false);
      await s.advanceTo(LONG_AFTER + DAY_MS);
      expect(inGroup(s)).toEqual([]);
      const kept = keptLines(s);
      expect(kept.map(({ message }) => message).toSorted()).toEqual(all.toSorted());
      expect(kept.find(({ message }) => message === 'late')).toMatchObject({
        stream: 'new/stream',
        timestamp: began + 1,
        ingestionTime: began + 20 * MINUTE_MS + 5 * HOUR_MS,
        eventId: expect.any(String),
      });
      const entries = s.events('hold.events-kept');
      const objects = entries.flatMap(({ data }) => data['objects'] as { key: string; events: number }[]);
      expect(objects.map(({ key }) => key).toSorted()).toEqual(inVault(s).toSorted());
      expect(objects.reduce((sum, { events }) => sum + events, 0)).toBe(all.length);
      expect(JSON.stringify(entries)).not.toContain('CANARY');
      expect(await holdNow(s, id)).toMatchObject({
        moved: {
          versions: objects.length,
          logEvents: { events: all.length, objects: objects.length, listing: entries[0]?.data['listing'] },
        },
      });
      expect(await s.record(id)).toMatchObject({ state: 'purging', emptyListings: [{}, {}] });

      await release(s.state.services, id, LENA, 'settled');
      await s.advance(DAY_MS + 3 * HOUR_MS);
      expect((await s.record(id)).state).toBe('closed');
      expect(inVault(s)).toEqual([]);
      expect(s.certificates()[0]).toMatchObject({
        holds: [{ vault: { logEvents: { events: all.length, objects: objects.length } } }],
        purged: { logGroups: 1, versions: objects.length },
      });
    }));

  it.each([
    ['reading is throttled', { operation: 'logs:FilterLogEvents', kind: 'throttle', times: 30 }],
    ['reading is refused', { operation: 'logs:FilterLogEvents', kind: 'deny', times: 20 }],
    ['writing fails', { operation: 's3:PutObject', kind: 'fail', times: 15 }],
    ['writing fails after it happened', { operation: 's3:PutObject', kind: 'fail-after', times: 5 }],
    ['reading back fails', { operation: 's3:GetObject', kind: 'fail', times: 15 }],
  ] as const)('deletes nothing before it is kept, where %s', (_, fault) =>
    simulate(async (s) => {
      const id = await s.active({ destination: LOG_GROUP });
      for (let each = 0; each < 70; each++) await say(s, id, `event ${each}`);
      const all = inGroup(s);
      await vaulted(s, id);
      s.fault(fault);
      for (let hour = 0; hour < 8; hour++) {
        await s.advance(HOUR_MS);
        if (inGroup(s).length === 0) expect(new Set(keptMessages(s))).toEqual(new Set(all));
      }
      expect(s.isOn()).toBe(false);
      await s.advance(DAY_MS);
      expect(inGroup(s)).toEqual([]);
      // Once each: what was written before a fault is found again.
      expect(keptMessages(s).toSorted()).toEqual(all.toSorted());
      expect((await holdNow(s, id))?.stuck).toBeUndefined();
    }),
  );

  it('whose objects do not read back as they were keeps the log group', () =>
    simulate(async (s) => {
      const id = await s.active({ destination: LOG_GROUP });
      await say(s, id, 'kept?');
      await vaulted(s, id);
      const { vaultCopies } = s.state.services;
      const { readPart } = vaultCopies;
      Object.assign(vaultCopies, { readPart: async () => Buffer.from('{"eventId":"1"}\n') });
      await s.advanceTo(ENDS + 6 * HOUR_MS);
      expect(s.isOn()).toBe(false);
      expect(inGroup(s)).toContain('kept?');
      expect((await holdNow(s, id))?.stuck?.why).toContain('does not read back');
      Object.assign(vaultCopies, { readPart });
      await s.advance(HOUR_MS);
      expect(inGroup(s)).toEqual([]);
      expect(keptMessages(s)).toContain('kept?');
    }));

  it('where clear text is refused keeps nothing masked and deletes nothing, and says which right is missing', () =>
    simulate(async (s) => {
      const id = await s.active({ destination: LOG_GROUP });
      await say(s, id, 'ada@example.com');
      const all = inGroup(s);
      s.fault({ operation: 'logs:FilterLogEvents', kind: 'deny', times: 10_000 });
      await vaulted(s, id);
      await s.advance(20 * MINUTE_MS);
      expect((await holdNow(s, id))?.stuck?.why).toMatch(
        /logs:Unmask: deploy templates\/member-account\.yml/,
      );
      await s.advanceTo(ENDS + 6 * HOUR_MS);
      expect(s.isOn()).toBe(false);
      expect(inGroup(s)).toEqual(all);
      expect(inVault(s)).toEqual([]);
    }));

  it('is looked at after everything that must end has ended (OFF_NEEDS_NOTHING)', () =>
    simulate(async (s) => {
      const eu = { accountId: INCIDENT, region: region('eu-west-1') };
      const key = `arn:aws:kms:eu-west-1:${INCIDENT}:key/0f0f0f0f-1111-2222-3333-000000000009`;
      s.state.aws.storage.createBucket(eu, 'eu-bucket', {
        isVersioned: true,
        hasObjectLock: false,
        kmsKeyArn: key,
      });
      const first = await s.approved({ destination: LOG_GROUP });
      await s.approved({ region: 'eu-west-1', bucket: 'eu-bucket', key, reference: 'INC-2026-2' });
      await s.advanceTo(BEGINS + HOUR_MS);
      expect([s.isOn(), s.isOn(eu)]).toEqual([true, true]);
      await vaulted(s, first);
      const { vaultCopies } = s.state.services;
      const { readEvents } = vaultCopies;
      const seen: boolean[] = [];
      Object.assign(vaultCopies, {
        readEvents: (...its: Parameters<typeof readEvents>) => {
          seen.push(s.isOn(), s.isOn(eu));
          return readEvents(...its);
        },
      });
      clockTo(s, ENDS + 15 * MINUTE_MS);
      await sweep(s.state.services, s.now());
      expect(seen.length).toBeGreaterThan(0);
      expect(seen).not.toContain(true);
    }));

  it.each([
    ['before anything was moved', 0],
    ['after much was moved', 20 * MINUTE_MS],
  ])('that somebody else deletes %s is stuck, and the certificate says so', (_, after) =>
    simulate(async (s) => {
      const id = await s.active({ destination: LOG_GROUP });
      await say(s, id, 'kept?');
      await vaulted(s, id);
      if (after > 0) await s.advance(after);
      const name = await groupOf(s, id);
      await s.state.services.destinations.deleteLogGroup(PAIR, name);
      await s.advanceTo(LONG_AFTER + DAY_MS);
      expect(s.isOn()).toBe(false);
      expect(await holdNow(s, id)).toMatchObject({
        gone: [name],
        stuck: { why: expect.stringContaining('is gone, and not by') },
      });
      expect(s.events('exception.hold-stuck').length).toBeGreaterThan(0);
      await release(s.state.services, id, LENA, 'settled');
      await s.advance(DAY_MS + 3 * HOUR_MS);
      expect((await s.record(id)).state).toBe('closed');
      expect(JSON.stringify(s.certificates()[0]?.notProven)).toContain(`log group ${name}`);
    }),
  );

  it('in which there is always more is told after a day, and stays', () =>
    simulate(async (s) => {
      const id = await s.active({ destination: LOG_GROUP });
      await vaulted(s, id);
      Object.assign(s.state.services.vaultCopies, {
        readEvents: async (_pair: unknown, _name: unknown, _window: unknown, token = '0') => {
          clockTo(s, s.now() + MINUTE_MS);
          return { events: [], next: String(Number(token) + 1) };
        },
      });
      await sweep(s.state.services, s.now());
      expect((await holdNow(s, id))?.stuck).toBeUndefined();
      clockTo(s, s.now() + DAY_MS);
      await sweep(s.state.services, s.now());
      expect((await holdNow(s, id))?.stuck?.why).toContain('more than one look moves');
      expect(s.events('exception.hold-stuck')).toHaveLength(1);
      expect(await s.state.services.destinations.hasLogGroup(PAIR, await groupOf(s, id))).toBe(true);
    }));

  it('that its key lets nobody read after the end says what to deploy', () =>
    simulate(async (s) => {
      const id = await s.active({ destination: LOG_GROUP });
      await s.advanceTo(ENDS + HOUR_MS);
      await vaulted(s, id);
      s.fault({ operation: 'logs:FilterLogEvents', kind: 'deny', times: 9 });
      await s.advance(20 * MINUTE_MS);
      expect((await holdNow(s, id))?.stuck?.why).toContain('HeldUntil');
    }));

  it('where the process dies at every step keeps every event, none twice in one object', async () => {
    let at = 0;
    let steps = 0;
    for (const step of [2, 13, 24, 35]) {
      at = step;
      steps = 0;
      let isArmed = false;
      await simulate(
        async (s) => {
          const id = await s.surviving(() => s.active({ destination: LOG_GROUP }));
          for (let each = 0; each < 60; each++) await say(s, id, `event ${each}`);
          const all = inGroup(s);
          await s.surviving(() => vaulted(s, id));
          isArmed = true;
          await s.surviving(() => s.advanceTo(ENDS + 4 * HOUR_MS));
          isArmed = false;
          expect(s.deaths).toBe(1);
          await s.surviving(() => s.advance(HOUR_MS));
          expect(s.isOn()).toBe(false);
          expect(inGroup(s)).toEqual([]);
          expect(new Set(keptMessages(s))).toEqual(new Set(all));
        },
        { crash: () => isArmed && ++steps === at },
      );
    }
  });
});
