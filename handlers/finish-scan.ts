import * as z from 'zod';
import type { Services } from '../src/enforcement/index.ts';
import { finishScan } from '../src/scan/index.ts';
import { portsOf, scanIdField } from './begin-scan.ts';
import { lambda } from './lambda.ts';

const event = z.object({ scanId: scanIdField });

/** Adds up and keeps the report. An account that was not scanned makes the scan incomplete. */
export async function handle(input: unknown, services: Services): Promise<unknown> {
  const { scanId } = event.parse(input);
  const policy = await services.policyInForce.current();
  const { notScanned, ...finished } = await finishScan(portsOf(services), policy, scanId);
  // The report names them all; an execution can carry 256 KiB.
  return { ...finished, isComplete: notScanned.length === 0, notScanned: notScanned.slice(0, 100) };
}

export const handler = lambda(handle);
