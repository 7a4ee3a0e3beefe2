import {
  type EpochMs,
  type ExceptionId,
  epochMs,
  err,
  formatInstant,
  ok,
  type PrincipalId,
  type Result,
} from '../core/index.ts';
import type { LoadedPolicy } from '../policy/index.ts';
import type { Refusal } from './errors.ts';
import { describeState, nextState } from './lifecycle.ts';
import { isAttempted, leasesOf } from './places.ts';
import { quorum, standingApprovals } from './quorum.ts';
import { amend, type Books, personActor } from './records.ts';
import { durationOf } from './request.ts';
import type { Decision, ExceptionRecord } from './types.ts';

export interface TakeBackInput extends Books {
  readonly id: ExceptionId;
  readonly principalId: PrincipalId;
  readonly reason: string;
  readonly policy: LoadedPolicy;
  readonly now: EpochMs;
}

/**
 * An approver's approval no longer counts, before anything was enabled; the exception is pending again if it is needed. No role has to be held
 * any more for it. Once enabling was attempted the exception can only be revoked. Refusals are recorded.
 */
export async function takeBack(input: TakeBackInput): Promise<Result<ExceptionRecord, Refusal>> {
  const { id, principalId, now } = input;
  const actor = personActor(input, principalId);
  const changed = await amend(input, id, (record, rows) => {
    const given = standingApprovals(record.decisions).find((each) => each.principalId === principalId);
    if (given === undefined)
      return err({ code: 'NOT_ENTITLED', message: `\`${principalId}\` has no approval here to take back` });
    const again = nextState(record.state, 'ask-again');
    if (isAttempted(leasesOf(rows, id)) || (record.state !== 'submitted' && !again.ok))
      return err({
        code: 'STATE_REFUSES',
        message: `the exception is ${describeState(record.state)}; revoke it instead`,
      });
    const taken: Decision = { ...given, decision: 'take-back', at: now, reason: input.reason };
    const rest: ExceptionRecord = { ...record, decisions: [...record.decisions, taken] };
    const isOpen = quorum(rest).kind === 'open';
    const { approvals, limits } = input.policy.policy.exceptions;
    const deadline = Math.min(
      now + durationOf(approvals.expireAfter),
      record.request.startsAt + durationOf(limits.enableWithin),
    );
    const says = `${principalId} takes the approval as ${given.role} back: ${input.reason}${isOpen ? `; it is pending again until ${formatInstant(epochMs(deadline))}` : ''}`;
    return ok({
      record:
        isOpen && again.ok ? { ...rest, state: again.value, approvalsDeadline: epochMs(deadline) } : rest,
      events: [{ type: 'exception.approval-taken-back', actor, subject: id, data: { ...taken, says } }],
    });
  });
  if (changed.ok) return ok(changed.value.record);
  await input.recorder.record({
    type: 'exception.decision-refused',
    actor,
    subject: id,
    data: {
      decision: 'take-back',
      ...changed.error,
      says: `${principalId} may not take an approval back: ${changed.error.message}`,
    },
  });
  return changed;
}
