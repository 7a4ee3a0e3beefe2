import { type ExceptionId, err, ok, type PrincipalId, type Result } from '../core/index.ts';
import {
  amend,
  describeState,
  type ExceptionRecord,
  isHeld,
  isTerminal,
  personActor,
  type Refusal,
  readException,
} from '../exceptions/index.ts';
import { refuse, unknownException } from './acts.ts';
import type { ActingServices } from './ports.ts';
import { startEnding } from './start-ending.ts';

/**
 * Legal keeps what was captured: the purge waits until Legal releases it. INVARIANT (OFF_NEEDS_NOTHING): nothing that switches off looks
 * at a hold. Nothing is moved, and what AWS deletes by itself at the destination (S3 Lifecycle, a log group's retention) goes on, and every telling says so.
 */
export async function hold(
  services: ActingServices,
  id: ExceptionId,
  by: PrincipalId,
  reason: string,
): Promise<Result<ExceptionRecord, Refusal>> {
  const refused = await refusalOf(services, id, by);
  if (refused !== undefined) return refused;
  const actor = personActor(services, by);
  const now = services.clock.now();
  const changed = await amend(services, id, (record) => {
    if (isTerminal(record.state) || isHeld(record))
      return err({
        code: 'STATE_REFUSES',
        message: isHeld(record)
          ? 'it is on hold already; `proviso exception release` ends that'
          : `the exception is ${describeState(record.state)}; there is nothing left to hold`,
      });
    // Before the counts are there, deleting may be under way.
    const wasPurging = record.state === 'purging' || record.purged !== undefined;
    const begun = wasPurging ? '; purging had begun, and what was deleted is gone' : '';
    const says = `legal hold by ${by}: ${reason}; the purge waits, switching off does not. AWS’s own deletion at the destination (S3 Lifecycle, a log group’s retention) is not suspended: copy what must be kept at once${begun}`;
    return ok({
      record: {
        ...record,
        holds: [...(record.holds ?? []), { at: now, by, reason, wasPurging }],
      },
      events: [{ type: 'exception.held', actor, subject: id, data: { reason, says } }],
    });
  });
  return changed.ok ? ok(changed.value.record) : refuse(services, id, by, changed.error);
}

/** The end of a hold, by Legal. The purge goes on at once. */
export async function release(
  services: ActingServices,
  id: ExceptionId,
  by: PrincipalId,
  reason: string,
): Promise<Result<ExceptionRecord, Refusal>> {
  const refused = await refusalOf(services, id, by);
  if (refused !== undefined) return refused;
  const actor = personActor(services, by);
  const now = services.clock.now();
  const changed = await amend(services, id, (record) => {
    if (!isHeld(record)) return err({ code: 'STATE_REFUSES', message: 'it is not on hold' });
    const holds = (record.holds ?? []).map((each) =>
      each.released === undefined ? { ...each, released: { at: now, by, reason } } : each,
    );
    const says = `legal hold released by ${by}: ${reason}; purging goes on`;
    // What was listed before a hold is no proof for what stands there after it.
    return ok({
      record: { ...record, holds, emptyListings: [] },
      events: [{ type: 'exception.hold-released', actor, subject: id, data: { reason, says } }],
    });
  });
  if (!changed.ok) return refuse(services, id, by, changed.error);
  const { record } = changed.value;
  // Where this fails the sweeper starts it.
  if (record.state === 'draining' || record.state === 'purging')
    await startEnding(services, id, actor, now).catch(() => undefined);
  return ok(record);
}

async function refusalOf(
  services: ActingServices,
  id: ExceptionId,
  by: PrincipalId,
): Promise<Result<never, Refusal> | undefined> {
  const record = (await readException(services.store, id))?.value;
  if (record === undefined) return err(unknownException(id));
  const isLegal = (await services.directory.people()).some(
    (person) => person.id === by && person.isActive && person.roles.includes('legal'),
  );
  if (isLegal && by !== record.requesterId) return undefined;
  return refuse(services, id, by, {
    code: 'NOT_ENTITLED',
    message: 'only Legal, and not the requester, may put an exception on hold or release it',
  });
}
