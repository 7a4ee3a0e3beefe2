import type { Services } from '../src/enforcement/index.ts';
import { preflight } from '../src/enforcement/index.ts';
import { exceptionEvent } from './event.ts';
import { lambda } from './lambda.ts';

/** Checks everything again at the start. */
export async function handle(event: unknown, services: Services): Promise<unknown> {
  return preflight(services, exceptionEvent.parse(event).exceptionId);
}

export const handler = lambda(handle);
