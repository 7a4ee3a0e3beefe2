import { describe, expect, test } from 'vitest';
import type { ExceptionId } from '../../src/core/index.ts';
import { BEGINS, HOUR_MS, LONG_AFTER, type Simulation, simulate } from './harness.ts';

/*
 * What one exception costs, from request to certificate: six hours of enablement, everything going well. State transitions are what
 * AWS bills for a Standard workflow; a commit is a write that must be durable before anything follows from it.
 */

interface Cost {
  /** Entries into states, of both machines, Parallel and Map and what runs in them included. */
  readonly transitions: number;
  /** Steps of the runtime, each durable before its effect. */
  readonly steps: number;
  /** Writes to the table of exceptions and leases. */
  readonly writes: number;
}

async function transitionsOf(s: Simulation, id: ExceptionId): Promise<number> {
  const histories = [
    await s.state.runtime.history('exception', id),
    await s.state.runtime.history('ending', `${id}-end-1`),
  ];
  for (const history of histories) expect(history.at(-1)?.type).toBe('ExecutionSucceeded');
  return histories.flat().filter(({ type }) => type.endsWith('StateEntered')).length;
}

async function costOfOne(): Promise<Cost> {
  const moments: string[] = [];
  return simulate(
    async (s) => {
      const id = await s.approved();
      await s.advanceTo(BEGINS + HOUR_MS);
      await s.invoke();
      await s.advanceTo(LONG_AFTER);
      expect((await s.record(id)).state).toBe('closed');
      const count = (moment: RegExp): number => moments.filter((each) => moment.test(each)).length;
      return {
        transitions: await transitionsOf(s, id),
        steps: count(/^before runtime before-commit/),
        writes: count(/^before store\.commit/),
      };
    },
    {
      crash: ({ when, what }) => {
        moments.push(`${when} ${what}`);
        return false;
      },
    },
  );
}

describe('what one exception costs', () => {
  test('is no more than it was: a further transition or write is a decision, and is written down here', async () => {
    const { transitions, steps, writes } = await costOfOne();
    expect(transitions).toBeLessThanOrEqual(34);
    expect(steps).toBeLessThanOrEqual(60);
    expect(writes).toBeLessThanOrEqual(23);
    // And it is counted at all.
    expect(Math.min(transitions, steps, writes)).toBeGreaterThan(10);
  });
});
