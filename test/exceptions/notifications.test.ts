import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { mockClient } from 'aws-sdk-client-mock';
import { afterEach, describe, expect, test } from 'vitest';
import { homeSettings } from '../../src/adapters/aws/home-settings.ts';
import { eventBridgeNotifier } from '../../src/adapters/aws/notifier.ts';
import { notificationFile } from '../../src/adapters/embedded/notification-file.ts';
import { epochMs, formatInstant } from '../../src/core/index.ts';
import { type Notification, plannedChanges, readRecord, TOLD_EVENTS } from '../../src/exceptions/index.ts';
import {
  BEGINS,
  ENDS,
  HOUR_MS,
  LONG_AFTER,
  MINUTE_MS,
  PAIR,
  policyText,
  type Simulation,
  SOMEBODYS,
  simulate,
} from '../simulation/harness.ts';

interface Line extends Omit<Notification, 'at' | 'until'> {
  readonly at: string;
  readonly until?: string;
}
const told = (s: Simulation): readonly Line[] => {
  const file = join(s.directory, 'notifications.ndjson');
  return existsSync(file)
    ? readFileSync(file, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Line)
    : [];
};
const utc = (at: number) => formatInstant(epochMs(at));
const types = (s: Simulation) => told(s).map(({ type }) => type);

describe('people are told', () => {
  test('what is asked of them, until when, and never content or a token', () =>
    simulate(async (s) => {
      const id = await s.request();
      const wait = await readRecord<{ taskToken: string }>(s.state.services.store, `wait/${id}/legal`);
      expect(told(s)).toMatchObject([
        {
          type: 'exception.requested',
          urgency: 'act',
          to: { roles: ['legal', 'security', 'executive'], people: ['sam'] },
          asked: expect.stringContaining(`exception sheet ${id}`),
          until: utc(BEGINS + HOUR_MS),
          reference: 'INC-2026-1142',
        },
      ]);
      await s.approve(id);
      await s.advanceTo(BEGINS + HOUR_MS);
      await s.invoke();
      await s.advanceTo(LONG_AFTER);
      const text = JSON.stringify(told(s));
      expect(text).not.toContain('CANARY');
      expect(text).not.toContain(wait?.value.taskToken ?? 'none');
      expect(text).not.toContain((await s.record(id)).request.justification);
      expect(types(s)).toEqual([
        'exception.requested',
        'exception.approved',
        'lease.reserved',
        'exception.active',
        'exception.off',
        'exception.closed',
      ]);
      expect(new Set(told(s).map((each) => each.id)).size).toBe(told(s).length);
    }));

  test('the reminder names those who have not decided, the escalation others too', () =>
    simulate(async (s) => {
      const id = await s.request();
      await s.decide(id, 'lena', 'legal');
      await s.advanceTo(BEGINS + 30 * MINUTE_MS);
      const find = (type: string) => told(s).find((each) => each.type === type);
      expect(find('approval.reminded')?.to.roles).toEqual(['security', 'executive']);
      expect(find('approval.escalated')?.to.roles).toEqual(['security', 'executive', 'legal']);
    }));

  test('everybody, when break-glass opens, and Legal and Security are paged when it was not confirmed', () =>
    simulate(
      async (s) => {
        const id = await s.request({ breakGlass: 'data leaves now' });
        await s.decide(id, 'lena', 'legal');
        expect(told(s).find(({ type }) => type === 'exception.approved')).toMatchObject({
          urgency: 'act',
          to: { roles: ['legal', 'security', 'executive'] },
          asked: expect.stringContaining('security, executive must confirm or reject'),
          until: utc(ENDS),
        });
        await s.advanceTo(LONG_AFTER);
        expect(told(s).find(({ type }) => type === 'exception.break-glass-breach')).toMatchObject({
          urgency: 'page',
        });
      },
      { policy: policyText(['    enabled: false\n', '    enabled: true\n']) },
    ));

  test('by paging, when somebody else changes the setting, and when it cannot be switched off', () =>
    simulate(async (s) => {
      await s.active();
      s.somebodyPuts(SOMEBODYS);
      await s.advance(HOUR_MS);
      expect(told(s).find(({ type }) => type === 'exception.contested')).toMatchObject({ urgency: 'page' });
    }));

  test('once, although the process dies between the change and the telling', () =>
    simulate(
      async (s) => {
        await s.surviving(() => s.request());
        expect(s.deaths).toBe(1);
        await s.surviving(() => s.advance(20 * MINUTE_MS));
        expect(types(s).filter((type) => type === 'exception.requested').length).toBeGreaterThanOrEqual(1);
        const ids = told(s).map(({ id }) => id);
        expect(new Set(ids).size).toBe(ids.length);
      },
      { crash: once(({ when, what }) => when === 'after' && what === 'recorder.record exception.requested') },
    ));

  test('later, when the channel was down: nothing waits for it, nothing is lost', () =>
    simulate(async (s) => {
      const { services } = s.state;
      const { notifier } = services;
      const down = { notify: async () => Promise.reject(new Error('the channel is down')) };
      Object.assign(services, { notifier: down });
      const id = await s.active();
      await s.advanceTo(ENDS + 10 * MINUTE_MS);
      expect(s.isOn()).toBe(false);
      expect(told(s)).toEqual([]);
      Object.assign(services, { notifier });
      await s.advance(HOUR_MS);
      // Nothing is asked any more of those who have decided meanwhile.
      expect(types(s).slice(0, 4)).toEqual([
        'exception.approved',
        'lease.reserved',
        'exception.active',
        'exception.off',
      ]);
      expect((await s.record(id)).outbox).toBeUndefined();
    }));

  test('of everything that the page lists', () => {
    const page = readFileSync(join(import.meta.dirname, '../../docs/notifications.md'), 'utf8');
    const listed = [...(page.split('## What is told')[1] ?? '').matchAll(/^\| `([a-z.-]+)` \|/gm)].map(
      ([, type]) => type,
    );
    expect(listed.sort()).toEqual([...TOLD_EVENTS].sort());
  });
});

function once<T>(matches: (moment: T) => boolean): (moment: T) => boolean {
  let isSpent = false;
  return (moment) => {
    if (isSpent || !matches(moment)) return false;
    isSpent = true;
    return true;
  };
}

describe('planned changes', () => {
  test('are the Put at the start and what undoes it at the end; after the read-back none', () =>
    simulate(async (s) => {
      const id = await s.approved();
      const policy = await s.state.services.policyInForce.current();
      const planned = async () =>
        plannedChanges(await s.record(id), [{ ...PAIR, lease: await s.lease(id) }], policy);
      expect(await planned()).toMatchObject([
        {
          purpose: 'switch on',
          eventNames: ['PutModelInvocationLoggingConfiguration'],
          roleName: 'ProvisoEnable',
          notBefore: utc(BEGINS),
          notAfter: utc(BEGINS + HOUR_MS),
        },
        { purpose: 'switch off', roleName: 'ProvisoDisable', notBefore: utc(ENDS) },
      ]);
      await s.advanceTo(BEGINS + HOUR_MS);
      expect((await planned()).map(({ purpose }) => purpose)).toEqual(['switch off']);
      await s.revoke(id);
      expect(await planned()).toEqual([]);
      expect(told(s).find(({ type }) => type === 'lease.reserved')?.plannedChanges).toHaveLength(2);
      expect(told(s).find(({ type }) => type === 'lease.revoked')?.plannedChanges).toMatchObject([
        { purpose: 'switch off' },
      ]);
    }));
});

const SAMPLE: Notification = {
  id: 'ex-a1b2c3d4e5f6/1/0',
  type: 'exception.requested',
  at: epochMs(Date.UTC(2026, 10, 21, 9)),
  subject: 'ex-a1b2c3d4e5f6',
  urgency: 'act',
  to: { roles: ['legal'], people: [] },
  happened: 'sam asks',
  asked: 'decide',
  until: epochMs(Date.UTC(2026, 10, 22, 9)),
};

describe('the file of one machine', () => {
  const folder = mkdtempSync(join(tmpdir(), 'proviso-notifications-'));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test('keeps one line for each, after reopening and behind a torn line too', async () => {
    const file = join(folder, 'notifications.ndjson');
    await notificationFile(file).notify(SAMPLE);
    writeFileSync(file, `${readFileSync(file, 'utf8')}{"id":"torn`);
    const reopened = notificationFile(file);
    await reopened.notify(SAMPLE);
    await reopened.notify({ ...SAMPLE, id: 'other' });
    const lines = readFileSync(file, 'utf8').trim().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as Line).id)).toEqual([SAMPLE.id, 'other']);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ until: '2026-11-22T09:00:00Z' });
  });
});

describe('EventBridge', () => {
  const client = mockClient(EventBridgeClient);
  afterEach(() => client.reset());
  const notifier = eventBridgeNotifier(homeSettings('us-east-1'), 'proviso-prod');

  test('gets one event on the named bus', async () => {
    client.on(PutEventsCommand).resolves({ FailedEntryCount: 0, Entries: [{ EventId: '1' }] });
    await notifier.notify(SAMPLE);
    const [entry] = client.commandCalls(PutEventsCommand)[0]?.args[0].input.Entries ?? [];
    expect(entry).toMatchObject({
      EventBusName: 'proviso-prod',
      Source: 'proviso',
      DetailType: 'exception.requested',
      Time: new Date(SAMPLE.at),
    });
    expect(JSON.parse(entry?.Detail ?? '')).toMatchObject({ id: SAMPLE.id, until: '2026-11-22T09:00:00Z' });
  });

  test.each([
    ['a failed entry', { FailedEntryCount: 1, Entries: [{ ErrorCode: 'ThrottlingException' }] }],
    ['no entry at all', { FailedEntryCount: 0, Entries: [] }],
  ])('that took nothing (%s) is a failure, although it answered', async (_name, answer) => {
    client.on(PutEventsCommand).resolves(answer);
    await expect(notifier.notify(SAMPLE)).rejects.toMatchObject({ code: 'failed', mayHaveHappened: false });
  });
});
