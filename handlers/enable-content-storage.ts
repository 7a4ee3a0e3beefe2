import type { Services } from '../src/enforcement/index.ts';
import { enable } from '../src/enforcement/index.ts';
import { exceptionEvent } from './event.ts';
import { lambda } from './lambda.ts';

/** The only place that turns content storage on; one attempt. */
export async function handle(event: unknown, services: Services): Promise<unknown> {
  return enable(services, exceptionEvent.parse(event).exceptionId);
}

export const handler = lambda(handle);
