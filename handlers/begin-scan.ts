import * as z from 'zod';
import type { Services } from '../src/enforcement/index.ts';
import { beginScan, type ScanPorts, scanArchive } from '../src/scan/index.ts';
import { lambda } from './lambda.ts';

/** EventBridge Scheduler gives its own execution id. */
export const scanIdField = z.string().regex(/^[A-Za-z0-9-]{1,64}$/, 'expected a scan id');
export const portsOf = ({ clock, evidence, archive }: Services): ScanPorts => ({
  clock,
  evidence,
  archive: scanArchive(archive),
});
const event = z.object({ scanId: scanIdField });

/** Reads the organization and says which accounts there are to scan. */
export async function handle(input: unknown, services: Services): Promise<unknown> {
  const { scanId } = event.parse(input);
  return beginScan(portsOf(services), await services.policyInForce.current(), scanId);
}

export const handler = lambda(handle);
