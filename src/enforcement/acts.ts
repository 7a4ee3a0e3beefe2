import { type ExceptionId, err, formatInstant, ok, type PrincipalId, type Result } from '../core/index.ts';
import {
  describeState,
  type ExceptionRecord,
  isHeld,
  pendingDecision,
  personActor,
  type Refusal,
  readException,
  readLeases,
  requireException,
} from '../exceptions/index.ts';
import type { LoadedPolicy } from '../policy/index.ts';
import { closeWithCertificate } from './ending.ts';
import type { ActingServices } from './ports.ts';
import { revoke } from './revoke.ts';

/*
 * What a person does to an exception, with who may do it: the one entry of the command line and of the API. Every refusal is recorded.
 * Asking and deciding are in request.ts, revoking, which nobody needs a right for, in revoke.ts.
 */

/** Takes back what was not enabled yet. The requester, and those who decide. */
export async function withdraw(
  services: ActingServices,
  id: ExceptionId,
  by: PrincipalId,
  reason: string,
): Promise<Result<ExceptionRecord, Refusal>> {
  const record = (await readException(services.store, id))?.value;
  if (record === undefined) return err(unknownException(id));
  const people = await services.directory.people();
  const isEntitled =
    by === record.requesterId ||
    people.some(
      ({ id: other, roles }) => other === by && roles.some((role) => record.requiredRoles.includes(role)),
    );
  if (!isEntitled)
    return refuse(services, id, by, {
      code: 'NOT_ENTITLED',
      message: `\`${by}\` is neither the requester nor one of those who decide`,
    });
  if (record.enabledAt !== undefined)
    return refuse(services, id, by, {
      code: 'STATE_REFUSES',
      message: 'content storage was enabled already; revoke it: proviso exception revoke',
    });
  const ended = await revoke(services, id, by, reason);
  return ended.ok ? ok(ended.value.record) : refuse(services, id, by, ended.error);
}

/** Closes a contested exception over a missing proof. Legal or Security, never the requester (PURGE_PROVEN). */
export async function closeUnproven(
  services: ActingServices,
  id: ExceptionId,
  by: PrincipalId,
  reason: string,
): Promise<Result<ExceptionRecord, Refusal>> {
  const record = (await readException(services.store, id))?.value;
  if (record === undefined) return err(unknownException(id));
  const people = await services.directory.people();
  const isEntitled = people.some(
    (person) =>
      person.id === by &&
      person.isActive &&
      person.roles.some((role) => role === 'legal' || role === 'security'),
  );
  if (!isEntitled || by === record.requesterId)
    return refuse(services, id, by, {
      code: 'NOT_ENTITLED',
      message: 'only Legal or Security, and not the requester, may close an exception without proof',
    });
  if (isHeld(record))
    return refuse(services, id, by, {
      code: 'STATE_REFUSES',
      message: 'it is on legal hold; Legal must release it first: proviso exception release',
    });
  const pending = pendingDecision(record);
  // Closed, nobody could confirm any more, and the certificate would state a breach that need not have been one.
  if (
    record.request.breakGlass !== undefined &&
    pending !== undefined &&
    services.clock.now() < pending.until
  )
    return refuse(services, id, by, {
      code: 'STATE_REFUSES',
      message: `it was opened by break-glass, and ${pending.missing.join(', ')} can still confirm until ${formatInstant(pending.until)}; close it when they have, or then`,
    });
  const leases = await readLeases(services.store, record);
  const actor = personActor(services, by);
  if (
    leases.length === 0 ||
    (await closeWithCertificate(services, id, 'close-unproven', actor, reason)) !== 'closed'
  )
    return refuse(services, id, by, {
      code: 'STATE_REFUSES',
      message: `the exception is ${describeState(record.state)}; it can be closed without proof once content storage was read back as off`,
    });
  return ok((await requireException(services.store, id)).value);
}

/** The policy that a requester counts on. */
export interface NamedPolicy {
  /** As they call it: a file. */
  readonly name: string;
  readonly hash: string;
}

/** The policy in force, unless somebody counts on another one: nobody asks by a file that was not adopted. */
export async function policyCountedOn(
  services: ActingServices,
  named: NamedPolicy | undefined,
  by: PrincipalId,
): Promise<Result<LoadedPolicy, Refusal>> {
  const inForce = await services.policyInForce.current();
  if (named === undefined || named.hash === inForce.hash) return ok(inForce);
  const refusal: Refusal = {
    code: 'POLICY_NOT_IN_FORCE',
    message: `\`${named.name}\` (${named.hash.slice(0, 12)}) is not the policy in force (${inForce.hash.slice(0, 12)})`,
  };
  await services.recorder.record({
    type: 'policy.refused',
    actor: personActor(services, by),
    subject: named.hash,
    data: { code: refusal.code, says: refusal.message },
  });
  return err(refusal);
}

export const unknownException = (id: ExceptionId): Refusal => ({
  code: 'UNKNOWN_EXCEPTION',
  message: `there is no exception \`${id}\``,
});

export async function refuse(
  services: ActingServices,
  id: ExceptionId,
  by: PrincipalId,
  { code, message }: Refusal,
): Promise<Result<never, Refusal>> {
  await services.recorder.record({
    type: 'exception.act-refused',
    actor: personActor(services, by),
    subject: id,
    data: { code, says: `refused to ${by}: ${message}` },
  });
  return err({ code, message });
}
