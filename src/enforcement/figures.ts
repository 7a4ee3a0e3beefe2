import type { EpochMs } from '../core/index.ts';
import { endOf, isActive, listLeaseRows } from '../exceptions/index.ts';
import { driftOverdueSince } from './enforce.ts';
import type { Services } from './ports.ts';

/** What is to be watched at an instant. */
export interface LeaseFigures {
  readonly active: number;
  /**
   * Of the lease that is longest past its end and was not read back as off since, or of the drift that enforcement longest fails to undo; 0 when
   * there is neither. Whole minutes, begun ones count.
   */
  readonly overdueMinutes: number;
}

/**
 * Counted from the records alone. Of leases: enabling was attempted, the lease is not alive any more, and off was not read back.
 */
export async function leaseFigures({ store }: Pick<Services, 'store'>, now: EpochMs): Promise<LeaseFigures> {
  const leases = (await listLeaseRows(store)).flatMap(({ value }) => value.leases);
  const overdue = leases
    .filter((lease) => lease.enabling !== undefined && lease.offAt === undefined && !isActive(lease, now))
    .map((lease) => Math.ceil((now - endOf(lease)) / 60_000));
  // Found a moment ago, it is on all the same.
  const drift = (await driftOverdueSince({ store }, now)).map((since) =>
    Math.max(1, Math.ceil((now - since) / 60_000)),
  );
  return {
    active: leases.filter((lease) => lease.enabling !== undefined && isActive(lease, now)).length,
    overdueMinutes: Math.max(0, ...overdue, ...drift),
  };
}
