import type { Services } from '../src/enforcement/index.ts';
import { armDeadMansSwitch } from '../src/enforcement/index.ts';
import { exceptionEvent } from './event.ts';
import { lambda } from './lambda.ts';

/** Creates the one-time schedule that switches off, and reads it back. */
export async function handle(event: unknown, services: Services): Promise<unknown> {
  return armDeadMansSwitch(services, exceptionEvent.parse(event).exceptionId);
}

export const handler = lambda(handle);
