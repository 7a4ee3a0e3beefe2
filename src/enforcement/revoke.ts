import { type EventActor, type ExceptionId, err, ok, type PrincipalId, type Result } from '../core/index.ts';
import {
  abandon,
  type ExceptionRecord,
  leaseOf,
  type Refusal,
  readLeaseRow,
  requireException,
  revokeLease,
} from '../exceptions/index.ts';
import type { Services } from './ports.ts';
import { endLease } from './reconcile.ts';
import type { SwitchOffResult } from './switch-off.ts';
import { wakeDecided } from './wake.ts';

/**
 * Ends an exception early, whoever asks (INVARIANT OFF_NEEDS_NOTHING; the record says who): writes the revocation, switches off
 * directly, then leaves the rest to the ending workflow. Before enabling it is a withdrawal.
 */
export async function revoke(
  services: Services,
  id: ExceptionId,
  by: PrincipalId,
  reason: string,
): Promise<Result<{ record: ExceptionRecord; off?: SwitchOffResult }, Refusal>> {
  const actor: EventActor = { id: by, kind: 'person-unauthenticated' };
  const says = `withdrawn by ${by} before anything was enabled: ${reason}`;
  const withdrawn = await abandon(services, id, 'withdraw', reason, actor, says);
  if (withdrawn.ok) {
    await wakeDecided(services, id);
    return ok({ record: withdrawn.value.record });
  }
  const now = services.clock.now();
  const refuse = async (refusal: Refusal): Promise<Result<never, Refusal>> => {
    await services.recorder.record({
      type: 'exception.revocation-refused',
      actor,
      subject: id,
      data: { ...refusal, says: `revocation by ${by} refused: ${refusal.message}` },
    });
    return err(refusal);
  };
  const revoked = await revokeLease(services, id, actor, reason, now);
  if (!revoked.ok) return refuse(revoked.error);
  const { accountId, region } = revoked.value.record.request;
  const lease = leaseOf((await readLeaseRow(services.store, accountId, region))?.value, id);
  if (lease?.enabling === undefined || lease.offAt !== undefined) return refuse(withdrawn.error);
  const off = await endLease(services, { accountId, region }, lease, actor, now);
  return ok({ record: (await requireException(services.store, id)).value, off });
}
