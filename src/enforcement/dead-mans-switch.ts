import type { EpochMs, EventActor, ExceptionId } from '../core/index.ts';
import type { BaselineConfiguration } from '../exceptions/index.ts';
import type { Pair, Services } from './ports.ts';
import { reconcilePair } from './reconcile.ts';
import { describeObserved, noteUnleased, putBaseline, readsAsOff } from './switch-off.ts';

const actor: EventActor = { id: 'dead-mans-switch', kind: 'dead-mans-switch' };

export interface SwitchPayload extends Pair {
  readonly exceptionId: ExceptionId;
  readonly expiresAt: EpochMs;
  readonly baseline: BaselineConfiguration;
}

/**
 * Fires once, at the lease's end. Normally it reconciles the pair by the same equation as everything else. If the lease table
 * cannot be read, its own payload is enough: it puts the baseline and reads back. That may switch off a following lease of the
 * same pair too, which is the safe side. What others had set there is looked at first and kept by an event: the baseline wipes out its only trace.
 *
 * @throws whatever keeps it on, and what was seen and could not be kept: off then, and told by the failure
 */
export async function fireDeadMansSwitch(
  services: Services,
  payload: SwitchPayload,
): Promise<{ result: 'reconciled' | 'off-without-table' }> {
  try {
    await reconcilePair(services, payload, actor, payload.expiresAt);
    return { result: 'reconciled' };
  } catch (error) {
    const before = await services.settings.getInvocationLogging(payload);
    const noting = noteUnleased(services, payload, payload.exceptionId, before, actor);
    const { failure } = await putBaseline(services, payload, payload.baseline);
    const observed = await services.settings.getInvocationLogging(payload);
    const isOff = readsAsOff(observed, payload.baseline, failure);
    await services.recorder.record({
      type: 'enforcement.read-back',
      actor,
      subject: payload.exceptionId,
      data: {
        isOff,
        says: `the lease table failed (${error instanceof Error ? error.message : 'unknown'}); switched off by the schedule’s own payload; read back: ${describeObserved(observed)}`,
      },
    });
    if (!isOff) throw error;
    const lost = await noting;
    if (lost !== undefined) throw lost;
    return { result: 'off-without-table' };
  }
}
