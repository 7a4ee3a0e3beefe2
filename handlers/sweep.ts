import * as z from 'zod';
import { leaseFigures, type Services, type SweepReport, sweep } from '../src/enforcement/index.ts';
import { instantField } from './event.ts';
import { lambda } from './lambda.ts';
import type { Figures } from './telemetry.ts';

// EventBridge sends its own time; an invocation by hand may send nothing.
const event = z.object({ time: instantField.optional() }).catch({});

/** Target of the 15-minute schedule. */
export async function handle(input: unknown, services: Services): Promise<unknown> {
  return sweep(services, event.parse(input).time ?? services.clock.now());
}

/** `SweepsFinished` is the heartbeat: the alarm on silence is that it is missing. */
export async function measure(result: unknown, services: Services, tookMs: number): Promise<Figures> {
  const { active, overdueMinutes } = await leaseFigures(services, services.clock.now());
  return {
    SweepsFinished: 1,
    SweepDuration: tookMs,
    SweepFaults: (result as SweepReport).faults.length,
    ActiveLeases: active,
    OverdueMinutes: overdueMinutes,
  };
}

export const handler = lambda(handle, measure);
