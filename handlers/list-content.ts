import * as z from 'zod';
import type { Services } from '../src/enforcement/index.ts';
import { listStep } from '../src/enforcement/index.ts';
import { exceptionEvent } from './event.ts';
import { lambda } from './lambda.ts';

const listEvent = exceptionEvent.extend({ execution: z.string().optional() });

/** Looks at every place content can stand; twice empty, at least a day apart, is the proof. */
export async function handle(event: unknown, services: Services): Promise<unknown> {
  const { exceptionId, execution } = listEvent.parse(event);
  return listStep(services, exceptionId, execution);
}

export const handler = lambda(handle);
