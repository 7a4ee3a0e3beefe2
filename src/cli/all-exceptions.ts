import type { OpenState } from '../compose.ts';
import { type ExceptionRecord, listExceptions, type PlacedLease, readLeases } from '../exceptions/index.ts';

/** Every exception with its leases, in the order in which they were asked for. */
export async function allExceptions({
  services: { store },
}: OpenState): Promise<
  readonly { readonly record: ExceptionRecord; readonly leases: readonly PlacedLease[] }[]
> {
  const records = (await listExceptions(store))
    .map(({ value }) => value)
    .sort((a, b) => a.submittedAt - b.submittedAt || (a.id < b.id ? -1 : 1));
  const found: { record: ExceptionRecord; leases: readonly PlacedLease[] }[] = [];
  for (const record of records) found.push({ record, leases: await readLeases(store, record) });
  return found;
}
