import * as z from 'zod';
import type { Services } from '../src/enforcement/index.ts';
import { requestApproval } from '../src/enforcement/index.ts';
import { exceptionEvent } from './event.ts';
import { lambda } from './lambda.ts';

const approvalEvent = exceptionEvent.extend({
  role: z.string().min(1),
  taskToken: z.string().min(1).max(2048),
});

/** The waiting task of one role: keeps its token where only the service can read it. */
export async function handle(event: unknown, services: Services): Promise<unknown> {
  const { exceptionId, role, taskToken } = approvalEvent.parse(event);
  await requestApproval(services, exceptionId, role, taskToken);
  return {};
}

export const handler = lambda(handle);
