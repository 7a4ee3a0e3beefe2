import * as z from 'zod';
import type { Services } from '../src/enforcement/index.ts';
import { reviewTick } from '../src/enforcement/index.ts';
import { exceptionEvent } from './event.ts';
import { lambda } from './lambda.ts';

const tickEvent = exceptionEvent.extend({ waitedUntil: z.string() });

/** Looks at a live exception again and says until when to wait. */
export async function handle(event: unknown, services: Services): Promise<unknown> {
  const { exceptionId, waitedUntil } = tickEvent.parse(event);
  return reviewTick(services, exceptionId, waitedUntil);
}

export const handler = lambda(handle);
