import { z } from 'zod';
import { type Services, sweep } from '../src/enforcement/index.ts';
import { instantField } from './event.ts';
import { lambda } from './lambda.ts';

// EventBridge sends its own time; an invocation by hand may send nothing.
const event = z.object({ time: instantField.optional() }).catch({});

/** Target of the 15-minute schedule. */
export async function handle(input: unknown, services: Services): Promise<unknown> {
  return sweep(services, event.parse(input).time ?? services.clock.now());
}

export const handler = lambda(handle);
