import type { OpenState } from '../compose.ts';
import {
  type ExceptionRecord,
  type Lease,
  leaseOf,
  listExceptions,
  readLeaseRow,
} from '../exceptions/index.ts';

/** Every exception with its lease, in the order in which they were asked for. */
export async function allExceptions({
  services: { store },
}: OpenState): Promise<readonly { readonly record: ExceptionRecord; readonly lease: Lease | undefined }[]> {
  const records = (await listExceptions(store))
    .map(({ value }) => value)
    .sort((a, b) => a.submittedAt - b.submittedAt || (a.id < b.id ? -1 : 1));
  const found: { record: ExceptionRecord; lease: Lease | undefined }[] = [];
  for (const record of records) {
    const row = await readLeaseRow(store, record.request.accountId, record.request.region);
    found.push({ record, lease: leaseOf(row?.value, record.id) });
  }
  return found;
}
