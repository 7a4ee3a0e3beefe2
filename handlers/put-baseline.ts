import type { Services } from '../src/enforcement/index.ts';
import { putBaselineStep } from '../src/enforcement/index.ts';
import { exceptionEvent, instantField } from './event.ts';
import { lambda } from './lambda.ts';

const endingEvent = exceptionEvent.extend({ instant: instantField });

/** Returns the setting to the baseline and reads it back. Has no precondition. */
export async function handle(event: unknown, services: Services): Promise<unknown> {
  const { exceptionId, instant } = endingEvent.parse(event);
  return putBaselineStep(services, exceptionId, instant);
}

export const handler = lambda(handle);
