import * as z from 'zod';
import { accountId, isAccountId, isRegion, region } from '../src/core/index.ts';
import { fireDeadMansSwitch, type Services } from '../src/enforcement/index.ts';
import { DATA_DELIVERY_FLAGS } from '../src/evidence/index.ts';
import type { BaselineConfiguration } from '../src/exceptions/index.ts';
import { exceptionEvent, instantField } from './event.ts';
import { lambda } from './lambda.ts';

const flags = z.object(Object.fromEntries(DATA_DELIVERY_FLAGS.map((flag) => [flag, z.literal(false)])));
const baseline = z.union([
  z.object({ kind: z.literal('none') }),
  z.object({ kind: z.literal('metadata-only'), configuration: z.looseObject(flags.shape) }),
]) as unknown as z.ZodType<BaselineConfiguration>;

const payload = exceptionEvent.extend({
  accountId: z.string().refine(isAccountId).transform(accountId),
  region: z.string().refine(isRegion).transform(region),
  expiresAt: instantField,
  baseline,
});

/** Target of the one-time schedule: its payload is enough to switch off even if the lease table cannot be read. */
export async function handle(event: unknown, services: Services): Promise<unknown> {
  return fireDeadMansSwitch(services, payload.parse(event));
}

export const handler = lambda(handle);
