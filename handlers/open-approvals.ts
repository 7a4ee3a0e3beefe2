import type { Services } from '../src/enforcement/index.ts';
import { openApprovals } from '../src/enforcement/index.ts';
import { exceptionEvent } from './event.ts';
import { lambda } from './lambda.ts';

/** The roles that still have to approve, and how long they have. */
export async function handle(event: unknown, services: Services): Promise<unknown> {
  return openApprovals(services, exceptionEvent.parse(event).exceptionId);
}

export const handler = lambda(handle);
