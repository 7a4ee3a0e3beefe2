import type { EpochMs } from '../core/index.ts';
import type { WorkflowRuntime } from './engine.ts';
import type { SimulatedClock } from './simulated-clock.ts';

/**
 * Plays simulated time up to `to`: everything due is done at its own instant, not all at the end.
 * @returns the number of steps done
 */
export async function runUntil(
  runtime: WorkflowRuntime,
  clock: SimulatedClock,
  to: EpochMs,
): Promise<number> {
  let steps = await runtime.runDue();
  for (let due = runtime.nextDueAt(); due !== undefined && due <= to; due = runtime.nextDueAt()) {
    if (due > clock.now()) clock.advanceTo(due);
    steps += await runtime.runDue();
  }
  if (to > clock.now()) clock.advanceTo(to);
  return steps;
}
