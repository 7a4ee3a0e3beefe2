import { type EpochMs, type EventActor, type ExceptionId, err, ok, type Result } from '../core/index.ts';
import type { Refusal } from './errors.ts';
import { describeState, isTerminal, type LifecycleEvent, nextState } from './lifecycle.ts';
import { isAttempted, leasesOf, withLeases } from './places.ts';
import { amend, type Books, type Change } from './records.ts';
import type { ExceptionRecord, Interference } from './types.ts';

/**
 * Ends the right to store, at once, and at every place in the same write: it was approved for all of them together, so no place stays on when
 * one goes. INVARIANT (OFF_NEEDS_NOTHING): no policy, eligibility, approval or validation is consulted
 * here; who may call it is the caller's question. Switching off is the caller's next step, and the sweeper's if that fails.
 */
export function revokeLease(
  books: Books,
  id: ExceptionId,
  actor: EventActor,
  reason: string,
  now: EpochMs,
  others: {
    /** What was seen can have stored content elsewhere. */
    readonly contested?: ExceptionRecord['contested'];
    readonly interference?: Interference;
  } = {},
): Promise<Result<Change, Refusal>> {
  return amend(books, id, (record, rows) => {
    const { contested, interference } = others;
    const marked = withInterference(withContest(record, contested), interference);
    const live = leasesOf(rows, id).some(
      ({ lease }) => lease.revoked === undefined && lease.offAt === undefined,
    );
    if (!live) return ok({ record: marked });
    const revoked = { at: now, by: actor.id, reason };
    return ok({
      record: marked.reason === undefined ? { ...marked, reason } : marked,
      rows: withLeases(rows, id, (lease) =>
        lease.revoked === undefined && lease.offAt === undefined ? { ...lease, revoked } : lease,
      ),
      events: [
        {
          type: contested === undefined ? 'lease.revoked' : 'exception.contested',
          actor,
          subject: id,
          data: { reason, says: `revoked by ${actor.id}: ${reason}` },
        },
      ],
    });
  });
}

/** The first sight of somebody else's setting is kept. */
export const withContest = (
  record: ExceptionRecord,
  contested: ExceptionRecord['contested'],
): ExceptionRecord =>
  contested === undefined || record.contested !== undefined ? record : { ...record, contested };

/** Enough to name a robot; one that never tires must not fill the record. */
const REMEMBERED = 8;

/** Somebody else's change, remembered until it is named. */
export const withInterference = (
  record: ExceptionRecord,
  found: Interference | undefined,
): ExceptionRecord =>
  found === undefined
    ? record
    : { ...record, interference: [...(record.interference ?? []), found].slice(-REMEMBERED) };

/**
 * Ends an exception that was never enabled (`withdraw`, `expire`, `refuse`) and gives its windows back.
 * Refused once enabling was attempted: then only the ending workflow may end it.
 * @param says - for the record, where it says more than the reason
 */
export function abandon(
  books: Books,
  id: ExceptionId,
  event: Extract<LifecycleEvent, 'withdraw' | 'expire' | 'refuse'>,
  reason: string,
  actor: EventActor,
  says: string = reason,
): Promise<Result<Change, Refusal>> {
  return amend(books, id, (record, rows) => {
    if (isTerminal(record.state)) {
      return err({
        code: 'STATE_REFUSES',
        message: `the exception is already ${describeState(record.state)}`,
      });
    }
    if (isAttempted(leasesOf(rows, id))) {
      return err({
        code: 'STATE_REFUSES',
        message: 'enabling was attempted: it can only be revoked now, then purged and closed',
      });
    }
    const ended = nextState(record.state, event);
    if (!ended.ok) return err(ended.error);
    const changed = { ...record, state: ended.value, reason };
    const events = [{ type: `exception.${ended.value}`, actor, subject: id, data: { reason, says } }];
    return ok({
      record: changed,
      rows: withLeases(rows, id, (lease) => ({ ...lease, released: true })),
      events,
    });
  });
}
