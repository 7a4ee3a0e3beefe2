import { describe, expect, test } from 'vitest';
import type { FaultKind } from '../../src/adapters/embedded/aws/index.ts';
import type { ExceptionId } from '../../src/core/index.ts';
import { closeWithCertificate } from '../../src/enforcement/index.ts';
import {
  ALL_OFF,
  BEGINS,
  BUCKET,
  DAY_MS,
  ENDS,
  HOUR_MS,
  KEY,
  LONG_AFTER,
  MINUTE_MS,
  policyText,
  type Simulation,
  SOMEBODYS,
  simulate,
  TEXT_ONLY,
  withRole,
} from './harness.ts';

const PUT = 'bedrock:PutModelInvocationLoggingConfiguration';
const DELETE = 'bedrock:DeleteModelInvocationLoggingConfiguration';
const GET = 'bedrock:GetModelInvocationLoggingConfiguration';

/** What must hold at the end of every exception that was attempted, whatever went wrong on the way. */
async function closedClean(s: Simulation, id: ExceptionId): Promise<void> {
  const record = await s.record(id);
  expect(record.state, s.says().slice(-12).join('\n')).toBe('closed');
  expect(s.isOn()).toBe(false);
  expect(s.contentOf(id)).toBe(0);
  expect(record.emptyListings).toHaveLength(2);
  const [first, second] = record.emptyListings;
  expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(DAY_MS);
  expect(s.events('exception.closed')).toHaveLength(1);
}

describe('the Put that enables', () => {
  const cases: readonly { kind: FaultKind; name: string; becomesActive: boolean }[] = [
    { kind: 'fail', name: 'failed: nothing is on, and it is not tried again', becomesActive: false },
    { kind: 'fail-after', name: 'failed but happened: it is switched off again', becomesActive: false },
    { kind: 'throttle', name: 'throttled: it is not tried again', becomesActive: false },
    { kind: 'deny', name: 'denied: it is not tried again', becomesActive: false },
  ];
  test.each(cases)('$name', ({ kind }) =>
    simulate(async (s) => {
      const id = await s.approved();
      s.fault({ operation: PUT, kind });
      await s.advanceTo(BEGINS + MINUTE_MS);
      expect(s.puts).toHaveLength(1);
      expect(s.isOn()).toBe(false);
      await s.advanceTo(LONG_AFTER);
      expect(s.puts).toHaveLength(1);
      expect(s.events('exception.active')).toEqual([]);
      await closedClean(s, id);
    }),
  );

  test.each([1000, 9000, 20_000, 29_999])(
    'timed out and landed %i ms later: off is not believed before it can no longer land',
    (delayMs) =>
      simulate(async (s) => {
        const id = await s.approved();
        s.fault({ operation: PUT, kind: 'slow', delayMs });
        await s.advanceTo(BEGINS);
        expect((await s.record(id)).state).toBe('ending');
        expect((await s.lease(id)).offAt).toBeUndefined();
        await s.advanceTo(BEGINS + delayMs);
        expect(s.isOn(), 'it landed').toBe(true);
        await s.advanceTo(BEGINS + MINUTE_MS);
        expect(s.isOn()).toBe(false);
        expect((await s.lease(id)).offAt).toBeGreaterThan(BEGINS + delayMs);
        await s.advanceTo(LONG_AFTER);
        await closedClean(s, id);
      }),
  );

  test('landing a quarter of an hour late, long after off was read back, is found by the sweeper and ended again', () =>
    simulate(async (s) => {
      const id = await s.approved();
      s.fault({ operation: PUT, kind: 'slow', delayMs: 16 * MINUTE_MS });
      await s.advanceTo(BEGINS + 16 * MINUTE_MS);
      expect(s.isOn()).toBe(true);
      await s.invoke();
      await s.advanceTo(BEGINS + 31 * MINUTE_MS);
      expect(s.isOn()).toBe(false);
      expect(s.events('exception.found-again')).toHaveLength(1);
      await s.advanceTo(LONG_AFTER);
      await closedClean(s, id);
    }));

  test('a revocation that comes while the Put is under way wins', () =>
    simulate(async (s) => {
      const id = await s.approved();
      const { settings } = s.state.services;
      let revoked = false;
      Object.assign(s.state.services, {
        settings: Object.assign(Object.create(settings), {
          putInvocationLogging: async (...put: Parameters<typeof settings.putInvocationLogging>) => {
            const result = await s.revoke(id);
            revoked = result.ok;
            await settings.putInvocationLogging(...put);
          },
        }),
      });
      await s.advanceTo(BEGINS);
      expect(revoked).toBe(true);
      // The enable step itself reads the lease again and switches off; it leaves that to no other detector.
      const actors = s.events('enforcement.intended').map(({ actor }) => actor.id);
      expect(actors).toContain('workflow');
      expect(s.puts).toHaveLength(1);
      expect(s.isOn()).toBe(false);
      expect((await s.lease(id)).offAt).toBeUndefined();
      await s.advanceTo(LONG_AFTER);
      await closedClean(s, id);
    }));

  test('is not sent for an exception that was withdrawn after the last check', () =>
    simulate(async (s) => {
      const id = await s.approved();
      // Arming the switch fails for some seconds: preflight has passed, nothing is enabled yet.
      s.fault({ operation: 'scheduler:CreateSchedule', kind: 'throttle', times: 2 });
      await s.advanceTo(BEGINS);
      expect((await s.record(id)).state).toBe('preflight');
      const withdrawn = await s.revoke(id);
      expect(withdrawn.ok && withdrawn.value.record.state).toBe('withdrawn');
      await s.advanceTo(LONG_AFTER);
      expect(s.puts).toEqual([]);
      expect((await s.record(id)).state).toBe('withdrawn');
    }));

  test('is not sent for an exception that a new policy refused after the last check', () =>
    simulate(async (s) => {
      const id = await s.approved();
      s.fault({ operation: 'scheduler:CreateSchedule', kind: 'throttle', times: 2 });
      await s.advanceTo(BEGINS);
      await s.adopt(REFUSES_S3);
      await s.advanceTo(LONG_AFTER);
      expect(s.puts).toEqual([]);
      expect((await s.record(id)).state).toBe('refused');
    }));

  test('is not sent before a role that a new policy asks for after the last check has approved', () =>
    simulate(async (s) => {
      const id = await s.approved();
      s.fault({ operation: 'scheduler:CreateSchedule', kind: 'throttle', times: 2 });
      await s.advanceTo(BEGINS);
      await s.adopt(withRole());
      expect((await s.record(id)).state).toBe('submitted');
      await s.advance(10 * MINUTE_MS);
      expect(s.puts).toEqual([]);
      expect((await s.decide(id, 'dora', 'data-protection')).ok).toBe(true);
      await s.advance(10 * MINUTE_MS);
      expect(s.puts).toHaveLength(1);
      expect((await s.record(id)).state).toBe('active');
    }));

  test('is not sent when the dead man’s switch cannot be armed', () =>
    simulate(async (s) => {
      const id = await s.approved();
      s.fault({ operation: 'scheduler:CreateSchedule', kind: 'fail', times: 1000 });
      await s.advanceTo(BEGINS + HOUR_MS);
      expect(s.puts).toEqual([]);
      expect((await s.record(id)).state).toBe('expired');
    }));

  test('is not sent when the dead man’s switch was created although the call failed, before it is read back', () =>
    simulate(async (s) => {
      const id = await s.approved();
      s.fault({ operation: 'scheduler:CreateSchedule', kind: 'fail-after' });
      await s.advanceTo(BEGINS);
      expect(s.puts).toEqual([]);
      await s.advance(MINUTE_MS);
      expect(s.puts).toHaveLength(1);
      expect((await s.record(id)).state).toBe('active');
    }));

  test('an exception whose setting cannot be read back after enabling is ended', () =>
    simulate(async (s) => {
      const id = await s.approved();
      await s.advanceTo(BEGINS - 1);
      const { settings } = s.state.services;
      Object.assign(s.state.services, {
        settings: Object.assign(Object.create(settings), {
          getInvocationLogging: (pair: Parameters<typeof settings.getInvocationLogging>[0]) => {
            const isDenied = s.puts.length > 0 && s.now() < BEGINS + 3 * MINUTE_MS;
            return isDenied
              ? Promise.resolve({ kind: 'unobservable', reason: 'access-denied' })
              : settings.getInvocationLogging(pair);
          },
        }),
      });
      await s.advanceTo(BEGINS + 5 * MINUTE_MS);
      expect(s.events('exception.active')).toEqual([]);
      expect(s.isOn()).toBe(false);
      await s.advanceTo(LONG_AFTER);
      await closedClean(s, id);
    }));
});

describe('whatever else of AWS cannot be asked', () => {
  const ELSEWHERE = [
    'organizations:DescribeOrganization',
    'identitystore:ListUsers',
    'iam:GetAccountAuthorizationDetails',
    'kms:DescribeKey',
    's3:HeadBucket',
    's3:GetLifecycleConfiguration',
    'states:StartExecution',
    'states:SendTaskSuccess',
    'scheduler:CreateSchedule',
    'scheduler:DeleteSchedule',
    'events:PutEvents',
    'cloudtrail:LookupEvents',
  ] as const;

  test.each(['deny', 'throttle', 'fail', 'slow'] as const)(
    'INVARIANT (OFF_NEEDS_NOTHING): %s everywhere but in Bedrock: off in time, closed when it is over',
    (kind) =>
      simulate(async (s) => {
        const id = await s.active();
        for (const operation of ELSEWHERE) s.fault({ operation, kind, times: 1_000_000 });
        await s.advanceTo(ENDS + 2 * MINUTE_MS);
        expect(s.isOn()).toBe(false);
        await s.advanceTo(ENDS + HOUR_MS);
        clear(s);
        await s.advanceTo(LONG_AFTER + 2 * HOUR_MS);
        await closedClean(s, id);
      }),
  );

  test.each(['organizations:DescribeOrganization', 'identitystore:ListUsers', 's3:HeadBucket'] as const)(
    '%s denied at the start: nothing is put before it can be read, and then it is',
    (operation) =>
      simulate(async (s) => {
        const id = await s.approved();
        s.fault({ operation, kind: 'deny', times: 1_000_000 });
        await s.advanceTo(BEGINS + 20 * MINUTE_MS);
        expect(s.puts).toEqual([]);
        clear(s);
        await s.advanceTo(BEGINS + 50 * MINUTE_MS);
        expect((await s.record(id)).state).toBe('active');
        expect(s.puts).toHaveLength(1);
      }),
  );
});

describe('the Delete that disables', () => {
  test.each<{ kind: FaultKind; name: string }>([
    { kind: 'fail', name: 'failed: it is tried again at once' },
    { kind: 'fail-after', name: 'failed but happened: the read-back says so' },
    { kind: 'throttle', name: 'throttled once' },
  ])('$name', ({ kind }) =>
    simulate(async (s) => {
      const id = await s.active();
      s.fault({ operation: DELETE, kind });
      await s.advanceTo(ENDS + MINUTE_MS);
      expect(s.isOn()).toBe(false);
      await s.advanceTo(LONG_AFTER);
      await closedClean(s, id);
    }),
  );

  test('throttled for an hour: overdue is said again and again, with its minutes, until it is off', () =>
    simulate(async (s) => {
      const id = await s.active();
      s.fault({ operation: DELETE, kind: 'throttle', times: 1_000_000 });
      await s.advanceTo(ENDS + HOUR_MS);
      expect(s.isOn()).toBe(true);
      expect((await s.record(id)).state).toBe('ending');
      const overdue = s.events('exception.overdue');
      // After a minute, then after twice the time so far, and at least every quarter of an hour.
      expect(overdue.length).toBeGreaterThan(6);
      expect(overdue.length).toBeLessThan(15);
      expect(overdue.at(-1)?.data['overdueMs']).toBeGreaterThanOrEqual(45 * MINUTE_MS);
      clear(s);
      await s.advance(5 * MINUTE_MS);
      expect(s.isOn()).toBe(false);
      await s.advanceTo(LONG_AFTER + 2 * HOUR_MS);
      await closedClean(s, id);
      expect(certificateOf(s)['minutesOverdue']).toBeGreaterThanOrEqual(60);
    }));

  test('denied for a day: recorded as overdue, ended when it becomes possible', () =>
    simulate(async (s) => {
      const id = await s.active();
      s.fault({ operation: DELETE, kind: 'deny', times: 1_000_000 });
      await s.advanceTo(ENDS + DAY_MS);
      expect(s.isOn()).toBe(true);
      const told = s.events('exception.overdue');
      expect(told.length).toBeGreaterThan(90);
      expect(told.length).toBeLessThan(130);
      expect(s.events('enforcement.intended').length).toBeLessThan(150);
      // Tried ever more seldom: the execution is not near the 25,000 events of its history, at which it would die.
      expect((await s.state.runtime.history('ending', `${id}-end-1`)).length).toBeLessThan(3_500);
      expect((await s.state.runtime.describe('ending', `${id}-end-1`))?.status).toBe('RUNNING');
      clear(s);
      await s.advance(5 * MINUTE_MS);
      expect(s.isOn()).toBe(false);
      await s.advance(30 * HOUR_MS);
      await closedClean(s, id);
      expect(certificateOf(s)['minutesOverdue']).toBeGreaterThanOrEqual(24 * 60);
    }));

  test('succeeded, but the setting cannot be read: unknown is not off', () =>
    simulate(async (s) => {
      const id = await s.active();
      await s.advanceTo(ENDS - 1);
      s.fault({ operation: GET, kind: 'deny', times: 1_000_000 });
      await s.advanceTo(ENDS + 20 * MINUTE_MS);
      expect(s.isOn(), 'it is off in fact').toBe(false);
      expect((await s.record(id)).state).toBe('ending');
      expect(s.events('exception.off')).toEqual([]);
      expect(s.events('exception.overdue').length).toBeGreaterThan(0);
      clear(s);
      await s.advanceTo(LONG_AFTER + HOUR_MS);
      await closedClean(s, id);
    }));

  test('is sent although the record of events cannot be written', () =>
    simulate(async (s) => {
      await s.active();
      await s.advanceTo(ENDS - 1);
      Object.assign(s.state.services, {
        recorder: { record: () => Promise.reject(new Error('ENOSPC: no space left on device')) },
      });
      s.mute('deadMansSwitch');
      await s.advanceTo(ENDS + MINUTE_MS);
      expect(s.isOn()).toBe(false);
    }));
});

describe('the lease table', () => {
  test('unreadable at the end: the dead man’s switch switches off by its own payload', () =>
    simulate(async (s) => {
      const id = await s.active();
      await s.advanceTo(ENDS - 1);
      await s.stopWorkflow(id);
      s.mute('sweep');
      s.fault({ operation: 'dynamodb:GetItem', kind: 'deny', times: 1_000_000 });
      s.fault({ operation: 'dynamodb:TransactWriteItems', kind: 'deny', times: 1_000_000 });
      await s.advanceTo(ENDS + 2 * MINUTE_MS);
      expect(s.isOn()).toBe(false);
      const said = s.events('enforcement.read-back').at(-1);
      expect(said).toMatchObject({ actor: { kind: 'dead-mans-switch' }, data: { isOff: true } });
      // The table comes back: the sweeper finishes what nobody could record.
      clear(s);
      s.state.aws.schedules.setMute('sweep', false);
      await s.advanceTo(LONG_AFTER + HOUR_MS);
      await closedClean(s, id);
    }));

  test('unreadable, and the Delete fails too: the switch goes off again every minute until it is off', () =>
    simulate(async (s) => {
      const id = await s.active();
      await s.advanceTo(ENDS - 1);
      await s.stopWorkflow(id);
      s.mute('sweep');
      s.fault({ operation: 'dynamodb:GetItem', kind: 'deny', times: 1_000_000 });
      s.fault({ operation: DELETE, kind: 'throttle', times: 3 });
      await s.advanceTo(ENDS + MINUTE_MS);
      expect(s.isOn()).toBe(true);
      await s.advanceTo(ENDS + 5 * MINUTE_MS);
      expect(s.isOn()).toBe(false);
    }));

  test('readable but not writable at the end: it is switched off all the same', () =>
    simulate(async (s) => {
      const id = await s.active();
      await s.advanceTo(ENDS - 1);
      s.fault({ operation: 'dynamodb:TransactWriteItems', kind: 'deny', times: 1_000_000 });
      await s.advanceTo(ENDS + 2 * MINUTE_MS);
      expect(s.isOn()).toBe(false);
      clear(s);
      await s.advanceTo(LONG_AFTER + HOUR_MS);
      await closedClean(s, id);
    }));

  test('unreadable for an hour in mid-lease: nothing changes, and the end is kept', () =>
    simulate(async (s) => {
      const id = await s.active();
      s.fault({ operation: 'dynamodb:GetItem', kind: 'throttle', times: 1_000_000 });
      await s.advance(HOUR_MS);
      clear(s);
      expect(s.isOn()).toBe(true);
      await s.advanceTo(ENDS + MINUTE_MS);
      expect(s.wentOffAt()).toBe(ENDS);
      await s.advanceTo(LONG_AFTER);
      await closedClean(s, id);
    }));
});

describe('the purge', () => {
  test('deletes versions, delete markers, large bodies, open uploads and late deliveries, and never the permission marker', () =>
    simulate(async (s) => {
      const id = await s.active();
      const { storage } = s.state.aws;
      const place = `incidents/${id}/AWSLogs`;
      await s.invoke('CANARY '.repeat(30_000));
      storage.putObject(BUCKET, `${place}/a.json`, 'CANARY 1');
      storage.putObject(BUCKET, `${place}/a.json`, 'CANARY 2');
      storage.deleteObject(BUCKET, `${place}/a.json`);
      storage.startUpload(BUCKET, `${place}/b.json`, 'CANARY part');
      storage.putObject(BUCKET, 'incidents/another-one/keep.json', 'not ours');
      await s.advanceTo(ENDS + 30 * MINUTE_MS);
      storage.putObject(BUCKET, `${place}/late.json`, 'CANARY late');
      await s.advanceTo(LONG_AFTER);
      await closedClean(s, id);
      expect(await storage.listVersions(pair, BUCKET, `incidents/${id}/`)).toEqual([
        expect.objectContaining({
          bytes: 0,
          key: expect.stringMatching(/permission-check$/),
        }),
        expect.objectContaining({ bytes: 0 }),
      ]);
      expect(await storage.listVersions(pair, BUCKET, 'incidents/another-one/')).toHaveLength(1);
    }));

  test('C32: of a log group deletes the group itself', () =>
    simulate(async (s) => {
      const id = await s.active({
        destination: `{ kind: cloudwatch-logs, logGroupName: /incidents, roleArn: "arn:aws:iam::222222222222:role/BedrockLogs", kmsKeyArn: "${KEY}" }`,
      });
      expect(s.contentOf(id)).toBe(1);
      await s.advanceTo(LONG_AFTER);
      await closedClean(s, id);
      expect(await s.state.aws.storage.hasLogGroup(pair, `/incidents/${id}`)).toBe(false);
    }));

  test('a listing that fails is never counted as empty', () =>
    simulate(async (s) => {
      const id = await s.active();
      await s.advanceTo(ENDS + 30 * MINUTE_MS);
      s.fault({ operation: 's3:ListObjectVersions', kind: 'deny', times: 1_000_000 });
      await s.advanceTo(ENDS + 60 * HOUR_MS);
      expect((await s.record(id)).emptyListings).toEqual([]);
      expect((await s.record(id)).state).toBe('purging');
      expect(s.contentOf(id)).toBe(1);
      clear(s);
      await s.advance(30 * HOUR_MS);
      await closedClean(s, id);
    }));

  test('content that comes after the first empty listing restarts the pair of listings', () =>
    simulate(async (s) => {
      const id = await s.active();
      await s.advanceTo(ENDS + 2 * HOUR_MS);
      expect((await s.record(id)).emptyListings).toHaveLength(1);
      s.state.aws.storage.putObject(BUCKET, `incidents/${id}/very-late.json`, 'CANARY');
      await s.advanceTo(LONG_AFTER);
      expect((await s.record(id)).state).toBe('purging');
      expect(s.contentOf(id)).toBe(0);
      await s.advanceTo(LONG_AFTER + DAY_MS);
      await closedClean(s, id);
    }));

  test.each<{ kind: FaultKind; name: string }>([
    { kind: 'fail', name: 'a deletion that failed is done again' },
    { kind: 'fail-after', name: 'a deletion that failed but happened is found done' },
  ])('$name', ({ kind }) =>
    simulate(async (s) => {
      const id = await s.active();
      s.fault({ operation: 's3:DeleteObjects', kind });
      await s.advanceTo(LONG_AFTER + HOUR_MS);
      await closedClean(s, id);
    }),
  );

  test('that cannot be done within the retention is said to be overdue while it lasts, and in the certificate', () =>
    simulate(async (s) => {
      const id = await s.active({ retention: '2d' });
      await s.advanceTo(ENDS + MINUTE_MS);
      s.fault({ operation: 's3:DeleteObjects', kind: 'deny', times: 1_000_000 });
      await s.advanceTo(BEGINS + 2 * DAY_MS + HOUR_MS);
      expect((await s.record(id)).isPurgeOverdue).toBe(true);
      expect(s.events('exception.purge-overdue')).toHaveLength(1);
      clear(s);
      await s.advance(30 * HOUR_MS);
      await closedClean(s, id);
      expect(certificateOf(s)['purgeWithinRetention']).toBe(false);
    }));

  test('the retention runs from the attempt to enable, also where the answer to the Put was lost', () =>
    simulate(async (s) => {
      const id = await s.approved({ retention: '2d' });
      s.fault({ operation: PUT, kind: 'fail-after' });
      await s.advanceTo(BEGINS);
      s.fault({ operation: 's3:ListObjectVersions', kind: 'deny', times: 1_000_000 });
      await s.advanceTo(BEGINS + 2 * DAY_MS + HOUR_MS);
      clear(s);
      await s.advance(30 * HOUR_MS);
      await closedClean(s, id);
      expect(certificateOf(s)['purgeWithinRetention']).toBe(false);
    }));
});

describe('somebody else', () => {
  test('A5: puts another configuration during the lease: baseline, contested, and closed only by a person who signs', () =>
    simulate(async (s) => {
      const id = await s.active();
      s.somebodyPuts(SOMEBODYS);
      const since = s.now();
      await s.advance(15 * MINUTE_MS);
      expect(s.isOn()).toBe(false);
      expect(s.wentOffAt()).toBeLessThanOrEqual(since + 15 * MINUTE_MS);
      const record = await s.record(id);
      expect(record.contested?.observed).toContain('s3://somebodys-bucket/');
      await s.advanceTo(LONG_AFTER + 3 * DAY_MS);
      expect((await s.record(id)).state).toBe('purging');
      expect(s.contentOf(id)).toBe(0);
      expect(s.events('exception.needs-signature')).toHaveLength(1);
      const lena = { id: 'lena', kind: 'person-unauthenticated' } as const;
      expect(
        await closeWithCertificate(s.state.services, id, 'close-unproven', lena, 'looked into their bucket'),
      ).toBe('closed');
      expect((await s.record(id)).state).toBe('closed-unproven');
      expect(String(certificateOf(s)['notProven'])).toContain('looked into their bucket');
    }));

  test.each([
    [
      'large bodies to a bucket of their own',
      {
        ...TEXT_ONLY,
        cloudWatchConfig: {
          logGroupName: 'x',
          largeDataDeliveryS3Config: { bucketName: 'somebodys-bucket' },
        },
      },
    ],
    ['one more kind of content', undefined],
  ] as const)('adds %s: contested', (_name, configuration) =>
    simulate(async (s) => {
      const id = await s.active();
      const mine = (await s.lease(id)).configuration;
      s.somebodyPuts(configuration ?? { ...mine, imageDataDeliveryEnabled: true });
      await s.advance(15 * MINUTE_MS);
      expect(s.isOn()).toBe(false);
      expect((await s.record(id)).contested).toBeDefined();
    }),
  );

  test('stores less than was approved: left alone to the end', () =>
    simulate(async (s) => {
      const id = await s.active({ modalities: '[text, image]' });
      const mine = (await s.lease(id)).configuration;
      s.somebodyPuts({ ...mine, imageDataDeliveryEnabled: false });
      await s.advanceTo(ENDS - 1);
      expect(s.setting()).toEqual({ ...mine, imageDataDeliveryEnabled: false });
      await s.advanceTo(LONG_AFTER);
      await closedClean(s, id);
    }));

  test('switches it off: the lease is revoked and ended, and proven like any other', () =>
    simulate(async (s) => {
      const id = await s.active();
      s.somebodyDeletes();
      await s.advance(15 * MINUTE_MS);
      expect((await s.lease(id)).revoked).toBeDefined();
      expect((await s.record(id)).state).toBe('draining');
      expect(s.puts).toHaveLength(1);
      await s.advanceTo(LONG_AFTER);
      await closedClean(s, id);
    }));

  test('A4: had content storage on before the start: refused, and theirs is left as it is', () =>
    simulate(async (s) => {
      const id = await s.approved();
      s.somebodyPuts(SOMEBODYS);
      await s.advanceTo(LONG_AFTER);
      expect((await s.record(id)).state).toBe('refused');
      expect(s.puts).toEqual([]);
      expect(s.setting()).toEqual(SOMEBODYS);
    }));

  test('turns our destination on again while late deliveries are waited for: off again, and the proof starts over', () =>
    simulate(async (s) => {
      const id = await s.active();
      const mine = (await s.lease(id)).configuration;
      await s.advanceTo(ENDS + 10 * MINUTE_MS);
      s.somebodyPuts(mine);
      await s.invoke();
      await s.advance(15 * MINUTE_MS);
      expect(s.isOn()).toBe(false);
      expect(s.events('exception.found-again')).toHaveLength(1);
      await s.advanceTo(LONG_AFTER + HOUR_MS);
      await closedClean(s, id);
    }));

  test('turns our destination on again between the two listings: the proof starts over at once, and only once', () =>
    simulate(async (s) => {
      const id = await s.active();
      const { configuration, expiresAt } = await s.lease(id);
      const found = expiresAt + 3 * HOUR_MS;
      await s.advanceTo(found);
      expect((await s.record(id)).emptyListings).toHaveLength(1);
      s.somebodyPuts(configuration);
      await s.invoke();
      await s.advance(15 * MINUTE_MS);
      const { executions } = s.state.services;
      expect(s.isOn()).toBe(false);
      expect(await executions.status('ending', `${id}-end-again1-1`)).toBe('RUNNING');
      // Asleep since the first listing: it ends when it wakes, and proves nothing.
      expect(await executions.status('ending', `${id}-end-1`)).toBe('RUNNING');
      await s.advanceTo(LONG_AFTER + 3 * HOUR_MS);
      await closedClean(s, id);
      const [first] = (await s.record(id)).emptyListings;
      // The time to find it and to be quiet; before, it was a day.
      expect((first?.at ?? 0) - found).toBeLessThan(2 * HOUR_MS);
      expect(await executions.status('ending', `${id}-end-1`)).toBe('SUCCEEDED');
      expect(s.events('purge.listed')).toHaveLength(3);
      expect(s.events('ending.started').map(({ data }) => data['execution'])).toEqual([
        `${id}-end-1`,
        `${id}-end-again1-1`,
      ]);
    }));

  test('turns our destination on again while another exception of the pair waits for its start: off again all the same', () =>
    simulate(async (s) => {
      const id = await s.active();
      const mine = (await s.lease(id)).configuration;
      await s.approved({ from: ENDS, to: ENDS + 2 * HOUR_MS, reference: 'INC-2' });
      await s.advanceTo(ENDS);
      s.somebodyPuts(mine);
      await s.advance(15 * MINUTE_MS);
      expect(s.isOn()).toBe(false);
    }));
});

describe('the baseline', () => {
  const metadataOnly = policyText(['baseline: none', 'baseline: metadata-only']);
  const BASELINE = { ...ALL_OFF, s3Config: { bucketName: 'somebodys-bucket', keyPrefix: 'metadata/' } };

  test('metadata-only is put back as it was', () =>
    simulate(
      async (s) => {
        s.somebodyPuts(BASELINE);
        const id = await s.active();
        await s.advanceTo(ENDS);
        expect(s.setting()).toEqual(BASELINE);
        await s.advanceTo(LONG_AFTER);
        await closedClean(s, id);
      },
      { policy: metadataOnly },
    ));

  test('metadata-only that cannot be put: the configuration is deleted, and put again when it can be', () =>
    simulate(
      async (s) => {
        s.somebodyPuts(BASELINE);
        const to = ENDS + 7000;
        const id = await s.active({ to });
        s.fault({ operation: PUT, kind: 'deny', times: 1 });
        await s.advanceTo(to);
        expect(s.setting()).toBeUndefined();
        await s.advance(15 * MINUTE_MS);
        expect(s.setting()).toEqual(BASELINE);
        await s.advanceTo(LONG_AFTER);
        await closedClean(s, id);
      },
      { policy: metadataOnly },
    ));

  test('metadata-only that is not in place at the start: refused, because there is nothing to return to', () =>
    simulate(
      async (s) => {
        const id = await s.approved();
        await s.advanceTo(BEGINS);
        expect((await s.record(id)).state).toBe('refused');
        expect(s.puts).toEqual([]);
      },
      { policy: metadataOnly },
    ));
});

describe('two exceptions', () => {
  test('A2: B begins as A ends: a gap, never an overlap, and B is enabled only after A was read back as off', () =>
    simulate(async (s) => {
      const a = await s.active();
      const b = await s.approved({ from: ENDS, to: ENDS + 2 * HOUR_MS, reference: 'INC-2' });
      s.fault({ operation: DELETE, kind: 'throttle', times: 6 });
      await s.advanceTo(ENDS + HOUR_MS);
      const leaseA = await s.lease(a);
      const leaseB = await s.lease(b);
      expect(s.isOn()).toBe(true);
      expect(s.puts).toHaveLength(2);
      expect(leaseB.enabling?.at).toBeGreaterThan(leaseA.offAt ?? Number.POSITIVE_INFINITY);
      const [onA, offA, onB] = s.switched;
      expect([onA?.isOn, offA?.isOn, onB?.isOn]).toEqual([true, false, true]);
      expect(offA?.at).toBeLessThan(onB?.at ?? 0);
      await s.advanceTo(ENDS + 2 * HOUR_MS);
      expect(s.wentOffAt()).toBe(ENDS + 2 * HOUR_MS);
      await s.advanceTo(LONG_AFTER + 2 * HOUR_MS);
      expect([(await s.record(a)).state, (await s.record(b)).state]).toEqual(['closed', 'closed']);
    }));

  test('A1: race for one window: the second to be approved is refused', () =>
    simulate(async (s) => {
      const a = await s.request();
      const b = await s.request({ reference: 'INC-2' });
      await s.approve(a);
      await s.approve(b);
      expect([(await s.record(a)).state, (await s.record(b)).state]).toEqual(['scheduled', 'refused']);
      expect((await s.record(b)).reason).toContain(a);
    }));

  test('a window that was given back is free, and its new holder is left on to its own end', () =>
    simulate(async (s) => {
      const a = await s.approved();
      await s.revoke(a);
      const b = await s.active({ reference: 'INC-2' });
      await s.advanceTo(ENDS - 1);
      expect(s.isOn()).toBe(true);
      await s.advanceTo(LONG_AFTER);
      await closedClean(s, b);
    }));
});

describe('a new policy', () => {
  test('that names another role: a pending exception collects it, also after its first deadline has passed', () =>
    simulate(async (s) => {
      const from = BEGINS + 10 * DAY_MS;
      const id = await s.approved({ from, to: from + 2 * HOUR_MS });
      await s.advance(8 * DAY_MS);
      const { ok, value } = (await s.adopt(withRole())) as { ok: true; value: { rejudged: unknown } };
      expect(ok).toBe(true);
      expect(value.rejudged).toMatchObject([{ effect: 'asks-again' }]);
      await s.advance(HOUR_MS);
      expect((await s.record(id)).state).toBe('submitted');
      expect((await s.decide(id, 'dora', 'data-protection')).ok).toBe(true);
      await s.advanceTo(from + HOUR_MS);
      expect((await s.record(id)).state).toBe('active');
    }));

  test('that names another role, and nobody approves: it expires', () =>
    simulate(async (s) => {
      const id = await s.approved();
      await s.adopt(withRole());
      await s.advanceTo(BEGINS + 2 * HOUR_MS);
      expect((await s.record(id)).state).toBe('expired');
      expect(s.puts).toEqual([]);
    }));

  test('that refuses an active exception: it is switched off at once', () =>
    simulate(async (s) => {
      const id = await s.active();
      const at = s.now();
      const adopted = await s.adopt(REFUSES_S3);
      expect(adopted.ok && adopted.value.rejudged).toMatchObject([{ effect: 'switched-off' }]);
      s.look();
      expect(s.wentOffAt()).toBe(at);
      await s.advanceTo(LONG_AFTER);
      await closedClean(s, id);
    }));

  test('that is looser reaches nothing that was asked under the stricter one', () =>
    simulate(
      async (s) => {
        const id = await s.request();
        const adopted = await s.adopt(policyText());
        expect(adopted.ok && adopted.value.rejudged).toMatchObject([{ effect: 'stands' }]);
        for (const [who, role] of [
          ['lena', 'legal'],
          ['priya', 'security'],
          ['omar', 'executive'],
        ] as const)
          await s.decide(id, who, role);
        await s.advance(HOUR_MS);
        expect((await s.record(id)).state).toBe('submitted');
        expect((await s.record(id)).requiredRoles).toContain('data-protection');
      },
      { policy: withRole() },
    ));

  test('approvals given under the version before stand, bound to that version', () =>
    simulate(async (s) => {
      const id = await s.approved();
      const before = (await s.record(id)).decisions;
      await s.adopt(policyText(['enablement: 12d', 'enablement: 11d']));
      await s.advanceTo(BEGINS + HOUR_MS);
      const record = await s.record(id);
      expect(record.state).toBe('active');
      expect(record.decisions).toEqual(before);
      expect(record.policyHashes).toHaveLength(2);
    }));

  test('refuses what it refuses although the organization cannot be read', () =>
    simulate(async (s) => {
      const id = await s.active();
      const { organizationView } = s.state.services;
      Object.assign(s.state.services, {
        organizationView: { organization: () => Promise.reject(new Error('throttled')) },
      });
      await s.adopt(REFUSES_S3);
      expect(s.isOn()).toBe(false);
      Object.assign(s.state.services, { organizationView });
      await s.advanceTo(LONG_AFTER);
      await closedClean(s, id);
    }));
});

describe('before the start', () => {
  test('an approver leaves: refused at the start', () =>
    simulate(async (s) => {
      const id = await s.approved();
      s.editPeople('name: Lena Fischer, roles: [legal]', 'name: Lena Fischer, roles: [legal], active: false');
      await s.advanceTo(BEGINS);
      expect((await s.record(id)).state).toBe('refused');
      expect(s.puts).toEqual([]);
    }));

  test('the setting cannot be read for half an hour: it starts when it can', () =>
    simulate(async (s) => {
      const id = await s.approved();
      await s.advanceTo(BEGINS - 1);
      s.fault({ operation: GET, kind: 'throttle', times: 1_000_000 });
      await s.advanceTo(BEGINS + 30 * MINUTE_MS);
      expect(s.puts).toEqual([]);
      clear(s);
      await s.advance(2 * MINUTE_MS);
      expect((await s.record(id)).state).toBe('active');
      await s.advanceTo(LONG_AFTER);
      await closedClean(s, id);
      expect(s.wentOffAt(), 'and its end has not moved').toBe(ENDS);
    }));

  test('the setting cannot be read for an hour: expired, and a Put is never sent', () =>
    simulate(async (s) => {
      const id = await s.approved();
      await s.advanceTo(BEGINS - 1);
      s.fault({ operation: GET, kind: 'deny', times: 1_000_000 });
      await s.advanceTo(BEGINS + HOUR_MS);
      clear(s);
      await s.advance(HOUR_MS);
      expect((await s.record(id)).state).toBe('expired');
      expect(s.puts).toEqual([]);
    }));

  test('the workflow is stopped: the sweeper expires it an hour after its start, and gives the window back', () =>
    simulate(async (s) => {
      const id = await s.approved();
      await s.stopWorkflow(id);
      await s.advanceTo(BEGINS + HOUR_MS + 15 * MINUTE_MS);
      expect((await s.record(id)).state).toBe('expired');
      expect((await s.lease(id)).released).toBe(true);
      expect(s.puts).toEqual([]);
    }));

  test('a request whose workflow was never started is started by the sweeper', () =>
    simulate(async (s) => {
      const submitted = await s.submit();
      if (!submitted.ok) throw new Error(submitted.error.message);
      await s.advance(15 * MINUTE_MS);
      await s.approve(submitted.value.id);
      await s.advanceTo(BEGINS + HOUR_MS);
      expect((await s.record(submitted.value.id)).state).toBe('active');
    }));
});

/** The usual request is for an S3 destination. */
const REFUSES_S3 = policyText(['    kinds: [s3, cloudwatch-logs]', '    kinds: [cloudwatch-logs]']);

const pair = { accountId: '222222222222' as never, region: 'us-east-1' as never };

function clear(s: Simulation): void {
  s.clearFaults();
}

function certificateOf(s: Simulation): Record<string, unknown> {
  const certificates = s.certificates();
  expect(certificates).toHaveLength(1);
  return certificates[0] ?? {};
}
