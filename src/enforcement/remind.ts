import { type EpochMs, type EventActor, epochMs, formatInstant, ok } from '../core/index.ts';
import {
  amend,
  durationOf,
  type ExceptionRecord,
  isAttempted,
  missingApprovals,
  pendingDecision,
  readLeases,
} from '../exceptions/index.ts';
import type { Services } from './ports.ts';

const sweeper: EventActor = { id: 'sweeper', kind: 'sweeper' };

/** When those who have not decided are reminded, and when others are told: as the policy says, in a short request at half and three quarters of the time. */
export function reminderTimes(
  since: EpochMs,
  until: EpochMs,
  { remindBefore, escalateBefore }: { readonly remindBefore: string; readonly escalateBefore: string },
): { readonly remindAt: EpochMs; readonly escalateAt: EpochMs } {
  const length = until - since;
  return {
    remindAt: epochMs(Math.max(until - durationOf(remindBefore), since + length / 2)),
    escalateAt: epochMs(Math.max(until - durationOf(escalateBefore), since + (length * 3) / 4)),
  };
}

/** Called by the sweeper. Each is told once for a deadline; a deadline that moved is told again. */
export async function remind(services: Services, record: ExceptionRecord, now: EpochMs): Promise<void> {
  const pending = pendingDecision(record);
  if (pending === undefined || now >= pending.until) return;
  const { approvals } = (await services.policyInForce.current()).policy.exceptions;
  const { remindAt, escalateAt } = reminderTimes(pending.since, pending.until, approvals);
  const isDue = (at: EpochMs, toldFor: EpochMs | undefined) => now >= at && toldFor !== pending.until;
  if (!isDue(remindAt, record.remindedFor) && !isDue(escalateAt, record.escalatedFor)) return;
  await amend(services, record.id, (current) => {
    const still = pendingDecision(current);
    if (still === undefined || still.until !== pending.until) return ok({ record: current });
    const reminds = isDue(remindAt, current.remindedFor);
    const escalates = isDue(escalateAt, current.escalatedFor);
    const open = `${still.missing.join(', ')} ${still.missing.length === 1 ? 'has' : 'have'} not decided; until ${formatInstant(still.until)}`;
    const data = { missing: still.missing, until: still.until };
    const event = (type: string, says: string, more: object = {}) => ({
      type,
      actor: sweeper,
      subject: record.id,
      data: { ...data, ...more, says },
    });
    return ok({
      record: {
        ...current,
        ...(reminds ? { remindedFor: still.until } : {}),
        ...(escalates ? { escalatedFor: still.until } : {}),
      },
      events: [
        ...(reminds ? [event('approval.reminded', `reminder: ${open}`)] : []),
        ...(escalates
          ? [event('approval.escalated', `escalated: ${open}`, { to: approvals.escalateTo })]
          : []),
      ],
    });
  });
}

/** A break-glass exception that is over and lacks a confirmation: a breach, reported once, whatever ended it. */
export async function noteBreach(services: Services, record: ExceptionRecord, now: EpochMs): Promise<void> {
  const { breakGlass, endsAt } = record.request;
  if (breakGlass === undefined || record.breach !== undefined) return;
  if (now < endsAt || missingApprovals(record).length === 0) return;
  if (!isAttempted(await readLeases(services.store, record))) return;
  await amend(services, record.id, (current) => {
    const missing = missingApprovals(current);
    if (current.breach !== undefined || missing.length === 0) return ok({ record: current });
    const says = `breach: break-glass was not confirmed by ${missing.join(', ')} until ${formatInstant(endsAt)}`;
    return ok({
      record: { ...current, breach: { at: now, missing } },
      events: [
        { type: 'exception.break-glass-breach', actor: sweeper, subject: record.id, data: { missing, says } },
      ],
    });
  });
}
