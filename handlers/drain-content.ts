import * as z from 'zod';
import { drain, drainAll, type Services } from '../src/enforcement/index.ts';
import { exceptionEvent } from './event.ts';
import { lambda } from './lambda.ts';

const every = z.object({ everyException: z.literal(true) });

/**
 * Target of the schedule, for every exception that is filtered; and of the ending workflow, for the one it names. A fault of one of
 * many is told by failing after all were tried.
 */
export async function handle(event: unknown, services: Services): Promise<unknown> {
  if (!every.safeParse(event).success)
    return drain(services, exceptionEvent.parse(event).exceptionId, 'last');
  const { drained, faults } = await drainAll(services);
  if (faults.length > 0) throw new Error(`some exceptions could not be drained: ${faults.join('; ')}`);
  return { drained };
}

export const handler = lambda(handle);
