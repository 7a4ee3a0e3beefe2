import type { Services } from '../src/enforcement/index.ts';
import { confirmEnabled } from '../src/enforcement/index.ts';
import { exceptionEvent } from './event.ts';
import { lambda } from './lambda.ts';

/** Reads back what enabling did. */
export async function handle(event: unknown, services: Services): Promise<unknown> {
  return confirmEnabled(services, exceptionEvent.parse(event).exceptionId);
}

export const handler = lambda(handle);
