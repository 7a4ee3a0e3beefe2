import type { Services } from '../src/enforcement/index.ts';
import { reserveStep } from '../src/enforcement/index.ts';
import { exceptionEvent } from './event.ts';
import { lambda } from './lambda.ts';

/** Reserves the window in the account and Region; the cap is checked in the same write. */
export async function handle(event: unknown, services: Services): Promise<unknown> {
  return reserveStep(services, exceptionEvent.parse(event).exceptionId);
}

export const handler = lambda(handle);
