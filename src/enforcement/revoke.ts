import {
  type EventActor,
  type ExceptionId,
  err,
  formatInstant,
  ok,
  type PrincipalId,
  type Result,
} from '../core/index.ts';
import {
  abandon,
  type ExceptionRecord,
  isAttempted,
  isTerminal,
  isUnsettled,
  type PlacedLease,
  personActor,
  placeText,
  type Refusal,
  reaches,
  readLeases,
  requireException,
  revokeLease,
  sayingWhere,
} from '../exceptions/index.ts';
import type { ActingServices, Services } from './ports.ts';
import { allOf, endLease, reopen } from './reconcile.ts';
import { describeObserved, keepEvent, type SwitchOffResult } from './switch-off.ts';
import { wakeDecided } from './wake.ts';

/**
 * Ends an exception early, whoever asks (INVARIANT OFF_NEEDS_NOTHING; the record says who): writes the revocation, switches off
 * directly, then leaves the rest to the ending workflow. Before enabling it is a withdrawal. Asked again, it answers by what AWS
 * shows now, and switches off again what is on towards the exception's destination.
 */
export async function revoke(
  services: ActingServices,
  id: ExceptionId,
  by: PrincipalId,
  reason: string,
): Promise<Result<{ record: ExceptionRecord; off?: SwitchOffResult }, Refusal>> {
  const actor = personActor(services, by);
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
  const leases = await readLeases(services.store, revoked.value.record);
  if (!isAttempted(leases)) return refuse(withdrawn.error);
  const first = leases.find(({ lease }) => isUnsettled(lease));
  if (first === undefined) {
    const again = await revokeAgain(services, revoked.value.record, leases, actor);
    return again.ok ? again : refuse(again.error);
  }
  const off = await endLease(services, first, first.lease, actor, now);
  return ok({ record: (await requireException(services.store, id)).value, off });
}

/**
 * Off was read back before: what AWS shows now decides. Unreadable is not off. A closed exception is not opened again; what somebody
 * stores at its destination since is theirs.
 */
async function revokeAgain(
  services: Services,
  { id, state, request }: ExceptionRecord,
  leases: readonly PlacedLease[],
  actor: EventActor,
): Promise<Result<{ record: ExceptionRecord; off: SwitchOffResult }, Refusal>> {
  const results: SwitchOffResult[] = [];
  const on: PlacedLease[] = [];
  const now = services.clock.now();
  for (const placed of leases.filter(({ lease }) => lease.enabling !== undefined)) {
    const { lease } = placed;
    const observed = await services.settings.getInvocationLogging(placed);
    const isOn = observed.kind === 'observed' && reaches(observed.value, lease.destination);
    if (isOn && isTerminal(state))
      return err({
        code: 'STATE_REFUSES',
        message: `the exception is ended, and somebody else’s setting stores content at its destination again (${describeObserved(observed)}); remove that setting in ${placeText(placed)}`,
      });
    if (isOn) on.push(placed);
    else {
      const isOff = observed.kind !== 'unobservable';
      const since = `off since ${formatInstant(lease.offAt ?? now)}`;
      const says = isOff
        ? `${since}; nothing more to do`
        : `${since}, but now the setting ${describeObserved(observed)}`;
      results.push({ isOff, isSettled: isOff, retryAt: now, says: sayingWhere(request, placed, says) });
    }
  }
  for (const placed of on) {
    await reopen(services, id, placed, actor);
    results.push(await endLease(services, placed, placed.lease, actor, now));
  }
  const off = allOf(results);
  await keepEvent(services, id, {
    type: 'exception.revocation-repeated',
    actor,
    subject: id,
    data: { isOff: off.isOff, says: `${actor.id} revoked again: ${off.says}` },
  });
  return ok({ record: (await requireException(services.store, id)).value, off });
}
