import * as z from 'zod';
import { coverageOf } from '../src/compliance/index.ts';
import { accountId, isAccountId } from '../src/core/index.ts';
import type { Services } from '../src/enforcement/index.ts';
import { readLeaseRow } from '../src/exceptions/index.ts';
import { scanAccount } from '../src/scan/index.ts';
import { portsOf, scanIdField } from './begin-scan.ts';
import { lambda } from './lambda.ts';

const event = z.object({
  scanId: scanIdField,
  accountId: z.string().refine(isAccountId, 'expected a 12-digit account id').transform(accountId),
});

/** Collects and judges one account, with the leases that are live there. */
export async function handle(input: unknown, services: Services): Promise<unknown> {
  const asked = event.parse(input);
  const policy = await services.policyInForce.current();
  const rows = await Promise.all(
    policy.policy.storage.scope.regions.map((region) =>
      readLeaseRow(services.store, asked.accountId, region),
    ),
  );
  const leases = rows.flatMap((row) => (row === undefined ? [] : [row.value]));
  return scanAccount(
    portsOf(services),
    policy,
    (part) => coverageOf({ accountRegions: part.regions }, leases, services.clock.now()),
    asked,
  );
}

export const handler = lambda(handle);
