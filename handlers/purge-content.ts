import type { Services } from '../src/enforcement/index.ts';
import { purgeStep } from '../src/enforcement/index.ts';
import { exceptionEvent } from './event.ts';
import { lambda } from './lambda.ts';

/** Deletes what was captured, after the quiet time. */
export async function handle(event: unknown, services: Services): Promise<unknown> {
  return purgeStep(services, exceptionEvent.parse(event).exceptionId);
}

export const handler = lambda(handle);
