import type { Services } from '../src/enforcement/index.ts';
import { listStep } from '../src/enforcement/index.ts';
import { exceptionEvent } from './event.ts';
import { lambda } from './lambda.ts';

/** Looks at every place content can stand; twice empty, at least a day apart, is the proof. */
export async function handle(event: unknown, services: Services): Promise<unknown> {
  return listStep(services, exceptionEvent.parse(event).exceptionId);
}

export const handler = lambda(handle);
