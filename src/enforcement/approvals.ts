import { type EventActor, type ExceptionId, epochMs, formatInstant, MINUTE, ok } from '../core/index.ts';
import {
  abandon,
  amend,
  nextState,
  quorum,
  requireException,
  reserve,
  standingApprovals,
} from '../exceptions/index.ts';
import type { Services } from './ports.ts';
import { keepToken, wakeDecided } from './wake.ts';

const workflow: EventActor = { id: 'workflow', kind: 'workflow' };

/** The waiting task of one role: keeps its token, and wakes at once if the role has decided already (a retry, a late start). */
export async function requestApproval(
  services: Services,
  id: ExceptionId,
  role: string,
  taskToken: string,
): Promise<void> {
  await keepToken(services, id, role, taskToken);
  const { value: record } = await requireException(services.store, id);
  await services.recorder.record({
    type: 'approval.requested',
    actor: workflow,
    subject: id,
    data: {
      role,
      deadline: record.approvalsDeadline,
      says: `waiting for the decision of ${role} until ${formatInstant(record.approvalsDeadline)}`,
    },
  });
  await wakeDecided(services, id);
}

export interface OpenApprovals {
  readonly roles: readonly string[];
  readonly timeoutSeconds: number;
}

/** The roles still to be asked and how long they have: what the workflow maps over. */
export async function openApprovals(services: Services, id: ExceptionId): Promise<OpenApprovals> {
  const { value: record } = await requireException(services.store, id);
  const asked = quorum(record);
  const left = Math.ceil((record.approvalsDeadline - services.clock.now()) / 1000);
  return { roles: asked.kind === 'open' ? asked.missing : [], timeoutSeconds: Math.max(1, left) };
}

/** `ask`: roles are missing. `wait`: all have approved, but the policy in force has not been judged yet; look again at `at`. */
export type Tally = { readonly result: 'approved' | 'ask' | 'wait' | 'ended'; readonly at: string };

/** Counts the recorded decisions; what woke the workflow does not matter. */
export async function tally(services: Services, id: ExceptionId): Promise<Tally> {
  const { value: record } = await requireException(services.store, id);
  const now = services.clock.now();
  const at = formatInstant(now);
  if (record.state === 'approved' || record.state === 'scheduled') return { result: 'approved', at };
  if (record.state !== 'submitted') return { result: 'ended', at };
  const counted = quorum(record);
  const policy = await services.policyInForce.current();
  if (counted.kind === 'reached' && record.policyHashes.at(-1) === policy.hash) {
    const amended = await amend(services, id, (current) => {
      const approved = nextState(current.state, 'approve');
      if (!approved.ok || quorum(current).kind !== 'reached') return ok({ record: current });
      const says = `${current.request.breakGlass === undefined ? 'approved' : 'break-glass opened'} by ${standingApprovals(
        current.decisions,
      )
        .map((decision) => `${decision.principalId} (${decision.role})`)
        .join(', ')}`;
      return ok({
        record: { ...current, state: approved.value },
        events: [{ type: 'exception.approved', actor: workflow, subject: id, data: { says } }],
      });
    });
    // Withdrawn, or a new policy, between the reading and the commit: what stands now decides.
    const state = amended.ok ? amended.value.record.state : record.state;
    return { result: state === 'approved' ? 'approved' : state === 'submitted' ? 'ask' : 'ended', at };
  }
  if (now < record.approvalsDeadline) {
    const later = Math.min(now + 15 * MINUTE, record.approvalsDeadline);
    return counted.kind === 'reached'
      ? { result: 'wait', at: formatInstant(epochMs(later)) }
      : { result: 'ask', at };
  }
  const says = `not every role had approved by ${formatInstant(record.approvalsDeadline)}`;
  await abandon(services, id, 'expire', says, workflow);
  return { result: 'ended', at };
}

/** Reserves the window, or refuses the exception and says which lease stands in the way. */
export async function reserveStep(
  services: Services,
  id: ExceptionId,
): Promise<{ result: 'reserved' | 'ask' | 'refused'; startsAt: string }> {
  const { value: record } = await requireException(services.store, id);
  const startsAt = formatInstant(record.request.startsAt);
  if (record.state === 'scheduled') return { result: 'reserved', startsAt };
  // A policy adopted since the count asks for further approvals.
  if (record.state === 'submitted') return { result: 'ask', startsAt };
  const policy = await services.policyInForce.current();
  const reserved = await reserve(services, id, policy, services.clock.now(), workflow);
  if (reserved.ok) return { result: 'reserved', startsAt };
  const { message } = reserved.error;
  await abandon(services, id, 'refuse', message, workflow, `refused: ${message}`);
  return { result: 'refused', startsAt };
}
