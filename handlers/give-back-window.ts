import * as z from 'zod';
import type { Services } from '../src/enforcement/index.ts';
import { abandonUnenabled } from '../src/enforcement/index.ts';
import { exceptionEvent } from './event.ts';
import { lambda } from './lambda.ts';

// The error's name only: its cause is for the execution history, which people with other rights read.
const errorEvent = exceptionEvent.extend({ error: z.object({ Error: z.string() }) });

/** An error before enabling: nothing was switched, the window is given back. */
export async function handle(event: unknown, services: Services): Promise<unknown> {
  const { exceptionId, error } = errorEvent.parse(event);
  await abandonUnenabled(services, exceptionId, error.Error);
  return {};
}

export const handler = lambda(handle);
