import type { Services } from '../src/enforcement/index.ts';
import { closeStep } from '../src/enforcement/index.ts';
import { exceptionEvent } from './event.ts';
import { lambda } from './lambda.ts';

/** Signs the certificate of closure. */
export async function handle(event: unknown, services: Services): Promise<unknown> {
  return closeStep(services, exceptionEvent.parse(event).exceptionId);
}

export const handler = lambda(handle);
