import { setImmediate } from 'node:timers/promises';
import { type Clock, type EpochMs, epochMs, formatInstant } from '../../core/index.ts';
import type { SimulatedClock, WorkflowRuntime } from '../../runtime/index.ts';
import type { EmbeddedSchedules, EmbeddedSettings } from './aws/index.ts';

export interface WorldParts {
  readonly clock: Clock;
  readonly runtime: WorkflowRuntime;
  readonly schedules: EmbeddedSchedules;
  readonly settings: EmbeddedSettings;
  /** Invokes a function by its name, as EventBridge Scheduler would. */
  readonly invoke: (functionName: string, event: unknown) => Promise<unknown>;
}

/**
 * Step Functions, EventBridge Scheduler and slow AWS calls on one clock: everything that is due happens, each at its own instant
 * when the clock is simulated. Nothing here decides anything.
 */
export class World {
  readonly #parts: WorldParts;

  constructor(parts: WorldParts) {
    this.#parts = parts;
  }

  /** Does everything that is due by the clock. Called at the start of every command, and by `proviso run` in turn. */
  async pump(): Promise<void> {
    const { clock, runtime, schedules, settings } = this.#parts;
    settings.land();
    await runtime.runDue();
    for (let due = schedules.takeDue(clock.now()); due.length > 0; due = schedules.takeDue(clock.now())) {
      for (const { name, target, payload, at } of due) {
        // A failing target is EventBridge's to retry, never a reason to keep the others waiting.
        const failed = await this.#parts.invoke(target, { time: formatInstant(at), ...payload }).then(
          () => false,
          () => true,
        );
        if (failed) schedules.failed(name, clock.now());
        else schedules.fired(name, clock.now());
        await runtime.runDue();
      }
    }
  }

  nextDueAt(): EpochMs | undefined {
    const { runtime, schedules, settings } = this.#parts;
    const times = [runtime.nextDueAt(), schedules.nextDueAt(), settings.landsNextAt()].filter(
      (at) => at !== undefined,
    );
    return times.length === 0 ? undefined : epochMs(Math.min(...times));
  }

  /**
   * Moves a simulated clock forward, stopping at every instant at which something is due.
   * @param onInstant - called after each stop; may end the advance early by returning false
   */
  async advanceTo(clock: SimulatedClock, to: EpochMs, onInstant?: (now: EpochMs) => boolean): Promise<void> {
    await this.pump();
    let instants = 0;
    for (let due = this.nextDueAt(); due !== undefined && due <= to; due = this.nextDueAt()) {
      if (due > clock.now()) clock.advanceTo(due);
      await this.pump();
      if (onInstant?.(clock.now()) === false) return;
      // Everything here is done between two turns of the event loop; without this an interrupt would never be heard.
      if (++instants % 10 === 0) await setImmediate();
    }
    if (to > clock.now()) clock.advanceTo(to);
  }
}
