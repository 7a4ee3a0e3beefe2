import type { Services } from '../src/enforcement/index.ts';
import { tally } from '../src/enforcement/index.ts';
import { exceptionEvent } from './event.ts';
import { lambda } from './lambda.ts';

/** Counts the recorded decisions; what woke the workflow does not matter. */
export async function handle(event: unknown, services: Services): Promise<unknown> {
  return tally(services, exceptionEvent.parse(event).exceptionId);
}

export const handler = lambda(handle);
