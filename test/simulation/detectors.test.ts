import { describe, expect, test } from 'vitest';
import { exitCodeFor } from '../../src/cli/report/exit-code.ts';
import { coverageOf } from '../../src/compliance/index.ts';
import { region } from '../../src/core/index.ts';
import { collectSnapshot } from '../../src/evidence/index.ts';
import { listLeaseRows } from '../../src/exceptions/index.ts';
import { checkSnapshot } from '../../src/rules/index.ts';
import {
  BEGINS,
  DAY_MS,
  ENDS,
  HOUR_MS,
  INCIDENT,
  LONG_AFTER,
  loadPolicy,
  MINUTE_MS,
  type Simulation,
  simulate,
  VIRGINIA,
} from './harness.ts';

/*
 * INVARIANT (NO_SILENT_ON): every detector suffices alone, each within its own bound. What is measured is the embedded AWS
 * itself, never our records of it.
 */

interface Case {
  readonly name: string;
  /** Leaves one detector alive; the exception is active. */
  readonly silence: (s: Simulation, id: Parameters<Simulation['stopWorkflow']>[0]) => Promise<void>;
  readonly boundMs: number;
  /** Who the record says switched it off. */
  readonly by: string;
}

const ALONE: readonly Case[] = [
  {
    name: 'the workflow alone switches off within 60 seconds of the end',
    silence: async (s) => s.mute('deadMansSwitch', 'sweep'),
    boundMs: MINUTE_MS,
    by: 'workflow',
  },
  {
    name: 'the dead man’s switch alone switches off within 2 minutes of the end',
    silence: async (s, id) => {
      await s.stopWorkflow(id);
      s.mute('sweep');
    },
    boundMs: 2 * MINUTE_MS,
    by: 'dead-mans-switch',
  },
  {
    name: 'the sweeper alone switches off within 15 minutes of the end, where the workflow hangs and cannot be seen to',
    silence: async (s, id) => {
      s.mute('deadMansSwitch');
      // An execution that says RUNNING and never goes on: its timer is lost.
      const { runtime } = s.state;
      const hung = s.state.services.executions;
      await runtime.stop('exception', id, {});
      Object.assign(s.state.services, {
        executions: {
          ...hung,
          status: (machine: 'exception' | 'ending', name: string) =>
            machine === 'exception' ? Promise.resolve('RUNNING' as const) : hung.status(machine, name),
        },
      });
    },
    boundMs: 15 * MINUTE_MS,
    by: 'sweeper',
  },
];

describe('each detector alone', () => {
  // 7 seconds past a quarter of an hour: neither a whole minute nor a sweep.
  const to = ENDS + 7000;
  test.each(ALONE)('$name', ({ silence, boundMs, by }) =>
    simulate(async (s) => {
      const id = await s.active({ to });
      await silence(s, id);
      await s.advanceTo(to - 1);
      expect(s.isOn(), 'on until the end').toBe(true);
      await s.advanceTo(to + boundMs);
      expect(s.isOn(), 'off within the bound').toBe(false);
      expect(s.wentOffAt()).toBeGreaterThanOrEqual(to);
      expect(s.events('exception.off')[0]?.actor.id).toBe(by);
      await s.advanceTo(LONG_AFTER + HOUR_MS);
      expect((await s.record(id)).state).toBe('closed');
      expect(s.contentOf(id)).toBe(0);
    }),
  );

  test('C20: the sweeper sees that the workflow was stopped, revokes the lease and switches off long before the end', () =>
    simulate(async (s) => {
      const id = await s.active();
      s.mute('deadMansSwitch');
      await s.stopWorkflow(id);
      const stoppedAt = s.now();
      await s.advance(15 * MINUTE_MS);
      expect(s.isOn()).toBe(false);
      expect(s.wentOffAt()).toBeLessThanOrEqual(stoppedAt + 15 * MINUTE_MS);
      expect((await s.lease(id)).revoked?.by).toBe('sweeper');
    }));

  test('a lease of several days is looked at every day and ends on its instant', () =>
    simulate(async (s) => {
      const to = BEGINS + 3 * DAY_MS;
      await s.active({ to });
      await s.advanceTo(to);
      expect(s.events('exception.reviewed')).toHaveLength(2);
      expect(s.wentOffAt()).toBe(to);
    }));
});

describe('the longest exception that the policy admits', () => {
  test('twelve days with a review each day stay below 500 events of history, in both machines', () =>
    simulate(async (s) => {
      const to = BEGINS + 12 * DAY_MS;
      const id = await s.active({ to, retention: '14d' });
      await s.advanceTo(to + 3 * DAY_MS);
      expect(s.events('exception.reviewed')).toHaveLength(11);
      expect(s.events('exception.closed')).toHaveLength(1);
      const { runtime } = s.state;
      const exception = await runtime.history('exception', id);
      const ending = await runtime.history('ending', `${id}-end-1`);
      // A history that is not there would be short as well.
      expect(exception.length).toBeGreaterThan(100);
      expect(ending.length).toBeGreaterThan(10);
      expect(exception.length).toBeLessThan(500);
      expect(ending.length).toBeLessThan(500);
    }));
});

describe('no detector left', () => {
  test('content storage stays on, and a check says so: the expired lease covers nothing', () =>
    simulate(async (s) => {
      const id = await s.active();
      s.mute('deadMansSwitch', 'sweep');
      await s.stopWorkflow(id);
      await s.advanceTo(ENDS - 1);
      expect(await findingAtThePair(s)).toMatchObject({ coveredBy: { exceptionId: id } });
      await s.advanceTo(ENDS);
      expect(s.isOn()).toBe(true);
      const finding = await findingAtThePair(s);
      expect(finding).toMatchObject({ outcome: 'non-compliant' });
      expect(finding?.coveredBy).toBeUndefined();
    }));

  test('the first sweep that runs again switches off and counts the minutes overdue in the certificate', () =>
    simulate(async (s) => {
      const id = await s.active();
      s.mute('deadMansSwitch', 'sweep');
      await s.stopWorkflow(id);
      await s.advanceTo(ENDS + 40 * MINUTE_MS);
      expect(s.isOn()).toBe(true);
      s.state.aws.schedules.setMute('sweep', false);
      await s.advance(15 * MINUTE_MS);
      expect(s.isOn()).toBe(false);
      const off = s.wentOffAt() ?? 0;
      expect((await s.lease(id)).offAt).toBe(off);
      await s.advanceTo(LONG_AFTER + HOUR_MS);
      expect((await s.record(id)).state).toBe('closed');
    }));
});

async function findingAtThePair(s: Simulation) {
  const policy = loadPolicy();
  const regions = policy.policy.storage.scope.regions.map((name) => region(name));
  const collected = await collectSnapshot(s.state.aws.evidence, { regions, takenAt: s.now() });
  if (!collected.ok) throw collected.error;
  const snapshot = collected.value;
  const rows = (await listLeaseRows(s.state.services.store)).map(({ value }) => value);
  const report = await checkSnapshot({
    snapshot,
    policy,
    now: s.now(),
    coverage: coverageOf(snapshot, rows, s.now()),
  });
  expect(exitCodeFor(report.findings)).toBeGreaterThan(0);
  return report.findings.find(
    ({ controlId, subject }) =>
      controlId === 'CP-01' &&
      subject.kind === 'account-region' &&
      subject.accountId === INCIDENT &&
      subject.region === VIRGINIA,
  );
}
