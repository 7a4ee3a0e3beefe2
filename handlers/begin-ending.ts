import * as z from 'zod';
import type { Services } from '../src/enforcement/index.ts';
import { beginEnding } from '../src/enforcement/index.ts';
import { exceptionEvent } from './event.ts';
import { lambda } from './lambda.ts';

const endEvent = exceptionEvent.extend({ waitedUntil: z.string().optional() });

/** Starts the ending machine, once; revokes the lease first if it would still be active. */
export async function handle(event: unknown, services: Services): Promise<unknown> {
  const { exceptionId, waitedUntil } = endEvent.parse(event);
  return beginEnding(services, exceptionId, waitedUntil);
}

export const handler = lambda(handle);
