import { describe, expect, test } from 'vitest';
import { certificatePaper } from '../../src/cli/certificate-paper.ts';
import { certificateLines } from '../../src/cli/certificate-text.ts';
import {
  type ExceptionId,
  epochMs,
  formatInstant,
  principalId,
  region,
  renderMarkdown,
} from '../../src/core/index.ts';
import { type HoldRequest, hold, type Pair, release, scheduleName } from '../../src/enforcement/index.ts';
import {
  decisionSheet,
  isActive,
  listLeaseRows,
  notificationOf,
  plannedChanges,
  standingOf,
  storesContent,
} from '../../src/exceptions/index.ts';
import {
  ALL_ON,
  BEGINS,
  DAY_MS,
  ENDS,
  HOUR_MS,
  INCIDENT,
  LONG_AFTER,
  MINUTE_MS,
  OTHER,
  PAIR,
  type RequestOptions,
  type Simulation,
  simulate,
  VAULT_KEY,
  VIRGINIA,
} from './harness.ts';

/*
 * An exception over several accounts and Regions: all or none, from the reservation to the certificate. Enabled in the order of the request:
 * FIRST, SECOND, THIRD.
 */

const FIRST = PAIR;
const SECOND: Pair = { accountId: OTHER, region: VIRGINIA };
const THIRD: Pair = { accountId: INCIDENT, region: region('eu-west-1') };
const ALL = [FIRST, SECOND, THIRD];
const THREE: RequestOptions = {
  also: [{ account: OTHER }, { region: 'eu-west-1' }],
};
const TWO: RequestOptions = { also: [{ account: OTHER }] };

const onIn = (s: Simulation): readonly Pair[] => ALL.filter((pair) => s.isOn(pair));
/** What our own code ever put that stores content, by the key it goes to. */
const putsOf = (s: Simulation): number =>
  s.puts.filter(({ configuration }) => storesContent(configuration)).length;

async function onEverywhere(s: Simulation, options: RequestOptions = THREE): Promise<ExceptionId> {
  const id = await s.approved(options);
  await s.advanceTo(BEGINS + HOUR_MS);
  expect((await s.record(id)).state).toBe('active');
  for (const { accountId, region: code, lease } of await s.leases(id)) {
    expect(lease.enabling).toBeDefined();
    expect(await s.invoke('CANARY', undefined, { accountId, region: code })).toBe(true);
  }
  return id;
}

async function offEverywhere(s: Simulation, id: ExceptionId): Promise<void> {
  expect(onIn(s)).toEqual([]);
  for (const { lease } of await s.leases(id))
    if (lease.enabling !== undefined) expect(lease.offAt).toBeDefined();
}

describe('an exception over several accounts and Regions', () => {
  test('is on in all of them, off in all in time, purged in all, and has one certificate that lists each', () =>
    simulate(async (s) => {
      const id = await onEverywhere(s);
      expect(onIn(s)).toEqual(ALL);
      const record = await s.record(id);
      for (const pair of ALL)
        expect(await s.state.services.schedules.get(scheduleName(record, pair))).toMatchObject({
          payload: { exceptionId: id, ...pair },
        });
      expect(s.events('exception.switch-armed')).toHaveLength(3);
      const armed = s.events().findLastIndex(({ type }) => type === 'exception.switch-armed');
      expect(s.events().findIndex(({ type }) => type === 'enable.intended')).toBeGreaterThan(armed);
      await s.advanceTo(ENDS + 2 * MINUTE_MS);
      await offEverywhere(s, id);
      await s.advanceTo(LONG_AFTER);
      const closed = await s.record(id);
      expect(closed).toMatchObject({ state: 'closed', purged: { versions: 3 } });
      expect(closed.emptyListings).toHaveLength(2);
      expect(closed.emptyListings[0]?.locations).toHaveLength(3);
      expect(s.contentOf(id)).toBe(0);
      const [certificate, ...others] = s.certificates();
      expect(others).toEqual([]);
      expect(certificate).toMatchObject({
        outcome: 'closed',
        minutesOverdue: 0,
        places: ALL.map(({ accountId, region: code }) => ({
          account: accountId,
          region: code,
          minutesOverdue: 0,
          settings: { before: 'not configured', after: 'not configured' },
        })),
      });
      expect(certificate).not.toHaveProperty('account');
      for (const pair of ALL)
        expect(await s.state.services.schedules.get(scheduleName(closed, pair))).toBeUndefined();
    }));

  test('each further place costs four state transitions more, and an exception in one place costs none', () =>
    simulate(async (s) => {
      const entered = async (options: RequestOptions): Promise<number> => {
        const id = await s.approved(options);
        await s.advanceTo((options.from ?? BEGINS) + MINUTE_MS);
        expect((await s.record(id)).state).toBe('active');
        await s.revoke(id);
        await s.advance(5 * MINUTE_MS);
        const history = await s.state.runtime.history('exception', id);
        return history.filter(({ type }) => type.endsWith('StateEntered')).length;
      };
      const one = await entered({});
      const three = await entered({ ...THREE, from: BEGINS + DAY_MS, to: BEGINS + DAY_MS + HOUR_MS });
      expect(three).toBe(one + 2 * 4);
    }));
});

describe('reserving', () => {
  test('a window that is taken in one place refuses the request and names the place', () =>
    simulate(async (s) => {
      const first = await s.approved();
      const clash = await s.submit({ account: OTHER, also: [{}], reference: 'INC-2' });
      expect(clash).toMatchObject({ ok: false, error: { code: 'POLICY_REFUSES' } });
      expect(clash.ok ? '' : clash.error.message).toContain(`${INCIDENT}, ${VIRGINIA}: ${first} holds`);
    }));

  test('two that race for one of several windows: the second to be approved is refused, and none of its windows is left', () =>
    simulate(async (s) => {
      const several = await s.request(THREE);
      const single = await s.request({ account: OTHER, reference: 'INC-2' });
      await s.approve(single);
      await s.approve(several);
      expect(await s.record(several)).toMatchObject({ state: 'refused' });
      expect((await s.record(several)).reason).toContain(`${OTHER}, ${VIRGINIA}: ${single} holds`);
      const rows = await listLeaseRows(s.state.services.store);
      expect(
        rows.flatMap(({ value }) => value.leases).filter(({ exceptionId }) => exceptionId === several),
      ).toEqual([]);
    }));

  test.each(['before', 'after'] as const)(
    'a death %s any of its commits leaves all windows or none, and goes on',
    async (when) => {
      for (let nth = 1, isReached = true; isReached; nth++) {
        let isArmed = false;
        let fuse = nth;
        await simulate(
          async (s) => {
            const id = await s.request(THREE);
            for (const [who, role] of [
              ['lena', 'legal'],
              ['priya', 'security'],
            ] as const)
              await s.decide(id, who, role);
            isArmed = true;
            await s.decide(id, 'omar', 'executive').catch(() => undefined);
            isArmed = false;
            isReached = s.deaths === 1;
            await s.surviving(async () => expect([0, 3]).toContain((await s.leases(id)).length));
            await s.surviving(() => s.advanceTo(BEGINS - MINUTE_MS));
            expect((await s.leases(id)).length).toBe((await s.record(id)).state === 'scheduled' ? 3 : 0);
          },
          {
            crash: (moment) => {
              if (!isArmed || moment.when !== when || moment.what !== 'store.commit') return false;
              fuse -= 1;
              return fuse === 0;
            },
          },
        );
      }
    },
  );
});

describe('one that cannot be enabled', () => {
  test('rolls back the others: what was on is off again, what came after is never put, and it is purged and closed', () =>
    simulate(async (s) => {
      const id = await s.approved(THREE);
      s.fault({
        operation: 'bedrock:PutModelInvocationLoggingConfiguration',
        kind: 'deny',
        accountId: OTHER,
      });
      await s.advanceTo(BEGINS + 5 * MINUTE_MS);
      expect(onIn(s)).toEqual([]);
      expect(s.setting(THIRD)).toBeUndefined();
      const [first, second, third] = await s.leases(id);
      expect(first?.lease).toMatchObject({ revoked: {}, offAt: expect.any(Number) });
      expect(second?.lease).toMatchObject({ revoked: {}, offAt: expect.any(Number) });
      expect(third?.lease.enabling).toBeUndefined();
      expect(third?.lease.released).toBe(true);
      expect((await s.record(id)).enabledAt).toBeUndefined();
      await s.advanceTo(BEGINS + DAY_MS + 5 * HOUR_MS);
      expect((await s.record(id)).state).toBe('closed');
      expect(s.certificates()[0]).toMatchObject({
        places: [{ enablingAttemptedAt: expect.any(String) }, {}, { enablingAttemptedAt: null }],
      });
    }));

  test('a death between the first and the second ends what is on', async () => {
    let isSpent = false;
    await simulate(
      async (s) => {
        const id = await s.approved(THREE);
        await s.surviving(() => s.advanceTo(BEGINS + 20 * MINUTE_MS));
        expect(s.deaths).toBe(1);
        // The first stays on only where the second and the third came on too.
        const on = onIn(s);
        expect([0, 3]).toContain(on.length);
        await s.surviving(() => s.advanceTo(LONG_AFTER));
        expect((await s.record(id)).state).toBe('closed');
        expect(onIn(s)).toEqual([]);
      },
      {
        crash: (moment) => {
          if (isSpent || moment.when !== 'after' || !moment.what.includes('recorder.record lease.on'))
            return false;
          isSpent = true;
          return true;
        },
      },
    );
  });

  test('a workflow stopped between the first and the second: the sweeper ends what is on and gives the rest back', () =>
    simulate(async (s) => {
      const id = await s.approved(THREE);
      // The Put of the second answers so late that the workflow is stopped meanwhile.
      const { settings } = s.state.services;
      let isStopped = false;
      Object.assign(s.state.services, {
        settings: Object.assign(Object.create(settings), {
          getInvocationLogging: async (pair: Pair) => {
            const seen = await settings.getInvocationLogging(pair);
            if (!isStopped && pair.accountId === OTHER && s.isOn(SECOND)) {
              isStopped = true;
              throw new Error('stopped here');
            }
            return seen;
          },
        }),
      });
      await s.advanceTo(BEGINS + 5_000);
      expect(onIn(s)).toEqual([FIRST, SECOND]);
      await s.stopWorkflow(id);
      await s.advanceTo(BEGINS + 40 * MINUTE_MS);
      expect(isStopped).toBe(true);
      expect(onIn(s)).toEqual([]);
      expect(putsOf(s)).toBe(2);
      await s.advanceTo(BEGINS + DAY_MS + 5 * HOUR_MS);
      expect((await s.record(id)).state).toBe('closed');
    }));

  test('a start that can never become right in one place refuses the exception, and nothing is put anywhere', () =>
    simulate(async (s) => {
      const id = await s.approved(THREE);
      s.somebodyPuts({ ...ALL_ON, s3Config: { bucketName: 'bucket-of-another-account' } }, undefined, SECOND);
      await s.advanceTo(BEGINS + 5 * MINUTE_MS);
      expect(await s.record(id)).toMatchObject({ state: 'refused' });
      expect((await s.record(id)).reason).toContain(
        `${OTHER}, ${VIRGINIA}: content storage is already on there`,
      );
      expect(putsOf(s)).toBe(0);
      for (const { lease } of await s.leases(id)) expect(lease.released).toBe(true);
    }));
});

describe('off in one place is off in all', () => {
  test('when a person revokes', () =>
    simulate(async (s) => {
      const id = await onEverywhere(s);
      const revoked = await s.revoke(id);
      expect(revoked).toMatchObject({ ok: true, value: { off: { isOff: true } } });
      await offEverywhere(s, id);
    }));

  test('when somebody else changes the setting of one', () =>
    simulate(async (s) => {
      const id = await onEverywhere(s);
      s.somebodyPuts({ ...ALL_ON, s3Config: { bucketName: 'bucket-of-another-account' } }, undefined, SECOND);
      await s.advance(16 * MINUTE_MS);
      expect(onIn(s)).toEqual([]);
      const record = await s.record(id);
      expect(record.contested?.observed).toContain(`${OTHER}, ${VIRGINIA}: `);
      expect(record.interference).toMatchObject([{ place: SECOND, found: 'changed' }]);
      for (const { lease } of await s.leases(id)) expect(lease.revoked).toBeDefined();
    }));

  test('when somebody else switches one off', () =>
    simulate(async (s) => {
      const id = await onEverywhere(s);
      s.somebodyDeletes(THIRD);
      await s.advance(16 * MINUTE_MS);
      expect(onIn(s)).toEqual([]);
      expect((await s.record(id)).reason).toContain(`${INCIDENT}, eu-west-1: somebody else switched`);
    }));

  test('one that cannot be switched off keeps no other on, is named, and gets its second lever', () =>
    simulate(async (s) => {
      const id = await onEverywhere(s);
      s.fault({
        operation: 'bedrock:DeleteModelInvocationLoggingConfiguration',
        kind: 'deny',
        accountId: OTHER,
        times: 500,
      });
      await s.advanceTo(ENDS + 2 * MINUTE_MS);
      expect(onIn(s)).toEqual([SECOND]);
      expect((await s.record(id)).state).toBe('ending');
      await s.advanceTo(ENDS + HOUR_MS);
      expect(s.events('exception.overdue').map(({ data }) => data['says'])).toEqual(
        expect.arrayContaining([expect.stringContaining(`in ${OTHER}, ${VIRGINIA} is not off`)]),
      );
      const record = await s.record(id);
      expect(record.secondLever).toBeUndefined();
      expect(record.furtherFacts?.[`${OTHER}/${VIRGINIA}`]?.secondLever).toMatchObject({ bucket: 'done' });
      s.clearFaults();
      await s.advance(30 * MINUTE_MS);
      await offEverywhere(s, id);
      await s.advance(2 * DAY_MS);
      expect((await s.record(id)).state).toBe('closed');
      const [certificate] = s.certificates();
      const late = certificate?.['minutesOverdue'];
      expect(late).toBeGreaterThan(59);
      expect(certificate).toMatchObject({
        places: [{ minutesOverdue: 0 }, { minutesOverdue: late }, { minutesOverdue: 0 }],
      });
    }));

  test('one that was off already and comes on again, while another cannot be switched off, is switched off again', () =>
    simulate(async (s) => {
      const id = await onEverywhere(s, TWO);
      s.fault({
        operation: 'bedrock:DeleteModelInvocationLoggingConfiguration',
        kind: 'deny',
        accountId: OTHER,
        times: 500,
      });
      await s.advanceTo(ENDS + 5 * MINUTE_MS);
      expect(onIn(s)).toEqual([SECOND]);
      s.somebodyPuts((await s.lease(id)).configuration);
      await s.advance(16 * MINUTE_MS);
      expect(onIn(s)).toEqual([SECOND]);
      expect(s.events('exception.found-again')).toHaveLength(1);
    }));

  test.each([
    ['the dead man’s switches', ['sweep'] as const, 2 * MINUTE_MS],
    ['the sweeper', ['deadMansSwitch'] as const, 15 * MINUTE_MS],
  ])('by %s alone, in time in every place', (_name, muted, bound) =>
    simulate(async (s) => {
      const id = await onEverywhere(s);
      s.mute(...muted);
      await s.state.runtime.stop('exception', id, { error: 'Stopped', cause: 'by hand' });
      await s.advanceTo(ENDS + bound);
      expect(onIn(s)).toEqual([]);
    }),
  );
});

describe('the proof', () => {
  test('starts over when one place holds something', () =>
    simulate(async (s) => {
      const id = await onEverywhere(s);
      await s.advanceTo(ENDS + 3 * HOUR_MS);
      const second = (await s.lease(id, SECOND)).destination;
      if (second.kind !== 's3') throw new Error('not a bucket');
      s.state.aws.storage.putObject(second.bucketName, `${second.keyPrefix}AWSLogs/late.json`, 'CANARY late');
      await s.advanceTo(LONG_AFTER);
      expect((await s.record(id)).state).toBe('purging');
      await s.advance(DAY_MS);
      expect(await s.record(id)).toMatchObject({ state: 'closed', purged: { versions: 4 } });
      expect(s.contentOf(id)).toBe(0);
    }));

  test('no lease of one exception lives longer than another', () =>
    simulate(async (s) => {
      const id = await onEverywhere(s);
      for (let step = 0; step < 12; step++) {
        await s.advance(30 * MINUTE_MS);
        const lives = (await s.leases(id)).map(({ lease }) => isActive(lease, s.now()));
        expect(new Set(lives).size).toBe(1);
      }
    }));
});

describe('what people read names every place', () => {
  test('in the sheet, the status, the planned changes, the notifications and the certificate', () =>
    simulate(async (s) => {
      const id = await s.approved(TWO);
      const record = await s.record(id);
      const [admission] = record.admissions;
      if (admission === undefined) throw new Error('not admitted');
      const sheet = renderMarkdown(decisionSheet(record, admission));
      expect(sheet).toContain(
        `account ${INCIDENT}, ${VIRGINIA} and in account ${OTHER}, ${VIRGINIA} (in all of them or in none)`,
      );
      expect(sheet).toContain(`| Account and Region, 2 of 2 | ${OTHER}, ${VIRGINIA} |`);
      expect(admission.conditions.map(({ says }) => says)).toContain(
        `${OTHER}, ${VIRGINIA}: the account is ACTIVE; it must be ACTIVE`,
      );
      const policy = await s.state.services.policyInForce.current();
      const planned = plannedChanges(record, await s.leases(id), policy);
      expect(planned.map(({ purpose, accountId }) => `${purpose} ${accountId}`)).toEqual([
        `switch on ${INCIDENT}`,
        `switch off ${INCIDENT}`,
        `switch on ${OTHER}`,
        `switch off ${OTHER}`,
      ]);
      await s.advanceTo(BEGINS + HOUR_MS);
      expect(standingOf(await s.record(id), await s.leases(id), s.now())).toMatchObject({
        isOn: true,
        places: [
          { accountId: INCIDENT, isOn: true },
          { accountId: OTHER, isOn: true },
        ],
      });
      const [active] = s.events('exception.active');
      if (active === undefined) throw new Error('not active');
      expect(notificationOf(active, await s.record(id), s.now())).toMatchObject({
        accountId: INCIDENT,
        furtherPlaces: [{ accountId: OTHER, region: VIRGINIA }],
      });
      await s.advanceTo(LONG_AFTER);
      const { hash } = (await s.record(id)).certificate ?? {};
      const certificate = await s.state.services.certificates.read(id, hash ?? '');
      if (certificate === undefined) throw new Error('no certificate');
      const lines = certificateLines(certificate, 80);
      for (const account of [INCIDENT, OTHER])
        expect(lines).toContain(`  in             account ${account}, ${VIRGINIA}`);
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
      // On paper too each table of settings says whose it is.
      const paper = renderMarkdown(certificatePaper(certificate));
      const [, settings = ''] = paper.split('## The setting');
      for (const account of [INCIDENT, OTHER])
        expect(settings).toContain(`\nIn account ${account}, ${VIRGINIA}:\n\n| when | invocation logging |`);
    }));

  test('a request that names nobody of one account is refused: nobody who is meant would be captured there', () =>
    simulate(async (s) => {
      const refused = await s.submit({
        ...TWO,
        subjects: `["arn:aws:iam::${INCIDENT}:role/IncidentResponder"]`,
      });
      expect(refused).toMatchObject({ ok: false, error: { code: 'POLICY_REFUSES' } });
      expect(refused.ok ? '' : refused.error.message).toContain(`no subject is of account ${OTHER}`);
    }));

  test('a legal hold keeps the purge of every place waiting, and none from being switched off', () =>
    simulate(async (s) => {
      const id = await onEverywhere(s);
      expect(
        await hold(s.state.services, id, principalId('lena'), {
          reason: 'a court asks',
          reference: 'Case 7',
        }),
      ).toMatchObject({
        ok: true,
      });
      await s.advanceTo(LONG_AFTER);
      await offEverywhere(s, id);
      expect(s.contentOf(id)).toBe(3);
      expect(await release(s.state.services, id, principalId('lena'), 'settled')).toMatchObject({ ok: true });
      await s.advance(2 * DAY_MS);
      expect((await s.record(id)).state).toBe('closed');
      expect(s.contentOf(id)).toBe(0);
    }));
});

describe('a legal hold over several places, moved into a vault in each', () => {
  const asked = { reason: 'a court asks', reference: 'Case 7' };
  const vaultAt = (s: Simulation, pair: Pair, name: string) => ({
    bucketName: s.makeVault(pair, name),
    keyPrefix: 'legal/',
    kmsKeyArn: VAULT_KEY,
  });
  const holdIn = (s: Simulation, id: ExceptionId, more: Partial<HoldRequest>) =>
    hold(s.state.services, id, principalId('lena'), { ...asked, ...more });
  const held = (s: Simulation, bucket: string) =>
    s.state.aws.database
      .prepare('SELECT key FROM versions WHERE bucket = ? AND length(body) > 0')
      .all(bucket)
      .map(({ key }) => String(key));

  test('is purged at every destination once it stands there, and in the vaults after the release', () =>
    simulate(async (s) => {
      const id = await onEverywhere(s, TWO);
      // Two stand in the first vault in the end, and one in the second.
      expect(await s.invoke('CANARY again', undefined, FIRST)).toBe(true);
      const vaults = { vault: vaultAt(s, FIRST, 'hold-1'), otherVaults: [vaultAt(s, SECOND, 'hold-2')] };
      expect(await holdIn(s, id, vaults)).toMatchObject({ ok: true });
      await s.advanceTo(LONG_AFTER);
      await offEverywhere(s, id);
      const ofFirst = expect.stringContaining(`/AWSLogs/${INCIDENT}/`);
      expect(held(s, 'hold-1')).toEqual([ofFirst, ofFirst]);
      expect(held(s, 'hold-2')).toEqual([expect.stringContaining(`/AWSLogs/${OTHER}/`)]);
      const record = await s.record(id);
      // What is left of it is in the vaults.
      expect(s.contentOf(id)).toBe(3);
      expect(record).toMatchObject({ state: 'purging', purged: { versions: 3 } });
      expect(record.holds).toMatchObject([{ moved: { versions: 3 } }]);
      expect(s.events('exception.hold-moved').at(-1)?.data['says']).toContain(
        `stand in the vaults s3://hold-1/legal/${id}/ and s3://hold-2/legal/${id}/ together`,
      );
      await release(s.state.services, id, principalId('lena'), 'settled');
      await s.advance(2 * DAY_MS);
      expect((await s.record(id)).state).toBe('closed');
      expect(s.contentOf(id)).toBe(0);
      const [certificate] = s.certificates();
      expect(certificate).toMatchObject({
        holds: [
          {
            otherVaults: [{ location: `s3://hold-2/legal/${id}/`, kmsKeyArn: VAULT_KEY }],
            allVaults: {
              versions: 3,
              bytes: record.holds?.[0]?.moved?.bytes,
              listedAt: formatInstant(record.holds?.[0]?.moved?.at ?? epochMs(0)),
              lifecycle: 'read back: no enabled rule deletes there',
            },
          },
        ],
        listings: [
          { locations: expect.arrayContaining([expect.stringContaining('s3://hold-2/legal/')]) },
          {},
        ],
      });
      // What is counted of both is said of neither.
      expect(certificate).toHaveProperty(['holds', 0, 'vault'], {
        location: `s3://hold-1/legal/${id}/`,
        kmsKeyArn: VAULT_KEY,
      });
      const { hash = '' } = (await s.record(id)).certificate ?? {};
      const signed = await s.state.services.certificates.read(id, hash);
      if (signed === undefined) throw new Error('no certificate');
      expect(certificateLines(signed, 2000).join('\n')).toContain(
        `in s3://hold-1/legal/${id}/ under ${VAULT_KEY} and in s3://hold-2/legal/${id}/ under ${VAULT_KEY}: together 3 versions`,
      );
    }));

  test('waits in all while one vault refuses, names the place, and moves the others’', () =>
    simulate(async (s) => {
      const id = await onEverywhere(s, TWO);
      const vaults = { vault: vaultAt(s, FIRST, 'hold-1'), otherVaults: [vaultAt(s, SECOND, 'hold-2')] };
      await holdIn(s, id, vaults);
      const deletes = [{ isEnabled: true, prefix: '', expirationDays: 1 }];
      s.state.aws.stacks.setBucketFeatures('hold-2', { lifecycle: deletes });
      await s.advanceTo(ENDS + 6 * HOUR_MS);
      await offEverywhere(s, id);
      const [standing] = (await s.record(id)).holds ?? [];
      expect(standing?.stuck?.why).toContain(OTHER);
      expect(standing?.stuck?.why).toContain('suspend it');
      expect(held(s, 'hold-1')).toHaveLength(1);
      expect(held(s, 'hold-2')).toEqual([]);
      expect((await s.record(id)).purged).toBeUndefined();
      s.state.aws.stacks.setBucketFeatures('hold-2', { lifecycle: [] });
      await s.advance(HOUR_MS);
      expect(held(s, 'hold-2')).toHaveLength(1);
      expect((await s.record(id)).purged).toMatchObject({ versions: 2 });
    }));

  test('asks for the vault of a place that was never on as for every other, before it says so of each', () =>
    simulate(async (s) => {
      const id = await s.approved(THREE);
      const otherVaults = [vaultAt(s, SECOND, 'hold-2'), vaultAt(s, THIRD, 'hold-3')];
      await holdIn(s, id, { vault: vaultAt(s, FIRST, 'hold-1'), otherVaults });
      const deletes = [{ isEnabled: true, prefix: '', expirationDays: 1 }];
      s.state.aws.stacks.setBucketFeatures('hold-3', { lifecycle: deletes });
      const operation = 'bedrock:PutModelInvocationLoggingConfiguration';
      s.fault({ operation, kind: 'deny', accountId: OTHER });
      await s.advanceTo(BEGINS + 6 * HOUR_MS);
      await offEverywhere(s, id);
      expect((await s.leases(id))[2]?.lease.enabling).toBeUndefined();
      expect((await s.record(id)).holds?.[0]?.stuck?.why).toContain('rule of hold-3 would delete');
      expect(s.events('exception.hold-moved')).toEqual([]);
      s.state.aws.stacks.setBucketFeatures('hold-3', { lifecycle: [] });
      await s.advance(HOUR_MS);
      expect((await s.record(id)).holds?.[0]?.stuck).toBeUndefined();
      expect(s.events('exception.hold-moved')).toHaveLength(1);
    }));

  test.each<[string, (s: Simulation) => Partial<HoldRequest>, string]>([
    [
      'one vault for two places',
      (s) => ({ vault: vaultAt(s, FIRST, 'hold-1') }),
      'name 2, in the order of the request',
    ],
    [
      'the same bucket twice',
      (s) => ({ vault: vaultAt(s, FIRST, 'hold-1'), otherVaults: [vaultAt(s, FIRST, 'hold-1')] }),
      'a vault of its own',
    ],
    ['none for the first', (s) => ({ otherVaults: [vaultAt(s, SECOND, 'hold-2')] }), 'each needs a vault'],
  ])('is refused with %s', (_, more, says) =>
    simulate(async (s) => {
      const id = await onEverywhere(s, TWO);
      expect(await holdIn(s, id, more(s))).toMatchObject({
        error: { code: 'STATE_REFUSES', message: expect.stringContaining(says) },
      });
    }),
  );
});
