import {
  type EpochMs,
  type ExceptionId,
  err,
  formatInstant,
  ok,
  type PrincipalId,
  type Result,
  type Sha256Hex,
} from '../core/index.ts';
import type { Refusal } from './errors.ts';
import { type KeptSheets, readSheets } from './kept-sheets.ts';
import { describeState, nextState } from './lifecycle.ts';
import { isAttempted, leasesOf, withLeases } from './places.ts';
import { approvalSubject, isEligible, missingApprovals, quorum, standingApprovals } from './quorum.ts';
import { amend, type Books, personActor, readException } from './records.ts';
import { sheetFault } from './sheet.ts';
import type { Decision, ExceptionRecord, ExceptionState, Person } from './types.ts';

export interface DecisionInput extends Books {
  readonly id: ExceptionId;
  readonly principalId: PrincipalId;
  readonly role: string;
  readonly decision: 'approve' | 'reject';
  readonly reason?: string;
  /** What the decider says they decided on: the hash shown to them, whole or its first 12 digits or more. */
  readonly subjectHash: string;
  /** The policy in force. */
  readonly policyHash: Sha256Hex;
  readonly people: readonly Person[];
  readonly now: EpochMs;
}

/**
 * Records one approval or rejection. Refusals change nothing but are recorded. The decision is the record written here; the
 * workflow's token only wakes the workflow, which then reads the record.
 */
export async function decide(input: DecisionInput): Promise<Result<ExceptionRecord, Refusal>> {
  const verb = input.decision === 'approve' ? 'approval' : 'rejection';
  const actor = personActor(input, input.principalId);
  const before = (await readException(input.store, input.id))?.value;
  const sheets: KeptSheets = before === undefined ? new Map() : await readSheets(input.store, before);
  const changed = await amend(input, input.id, (record, rows) => {
    const isAnew = record.admissions.length !== before?.admissions.length;
    const refusal = isAnew ? JUDGED_ANEW : refusalOf(record, input, sheets);
    if (refusal) return err(refusal);
    const decision: Decision = {
      principalId: input.principalId,
      role: input.role,
      decision: input.decision,
      at: input.now,
      ...(input.reason === undefined ? {} : { reason: input.reason }),
      policyHash: input.policyHash,
      // `refusalOf` has seen that there is one.
      subjectHash: approvalSubject(record, input.policyHash) ?? record.requestHash,
    };
    const decided = { ...record, decisions: [...record.decisions, decision] };
    const says = `${verb} by ${input.principalId} as ${input.role}`;
    const events = [{ type: 'exception.decided', actor, subject: input.id, data: { ...decision, says } }];
    if (input.decision === 'approve') return ok({ record: decided, events });
    const reason = `rejected by ${input.principalId} (${input.role})${input.reason ? `: ${input.reason}` : ''}`;
    // Break-glass, on already: the rejection revokes every lease in the same write, and whoever comes next switches off.
    const revoked = { at: input.now, by: input.principalId, reason };
    if (isAttempted(leasesOf(rows, input.id)))
      return ok({
        record: { ...decided, reason: record.reason ?? reason },
        events,
        rows: withLeases(rows, input.id, (lease) =>
          lease.revoked === undefined ? { ...lease, revoked } : lease,
        ),
      });
    const rejected = nextState(record.state, 'reject');
    if (!rejected.ok) return err(rejected.error);
    return ok({
      events,
      // Asked again under a new policy, it may hold windows; nothing was enabled, so they are given back.
      rows: withLeases(rows, input.id, (lease) => ({ ...lease, released: true })),
      record: {
        ...decided,
        state: rejected.value,
        reason,
      },
    });
  });
  if (!changed.ok) {
    await input.recorder.record({
      type: 'exception.decision-refused',
      actor,
      subject: input.id,
      data: {
        role: input.role,
        decision: input.decision,
        ...changed.error,
        says: `${verb} by ${input.principalId} as ${input.role} refused: ${changed.error.message}`,
      },
    });
    return changed;
  }
  return ok(changed.value.record);
}

/** Opened by break-glass: confirmed until its end, whether it is on already or off again. */
const CONFIRMABLE: readonly ExceptionState[] = [
  'approved',
  'scheduled',
  'preflight',
  'active',
  'ending',
  'draining',
  'purging',
];
export const isConfirmable = ({ request, state }: ExceptionRecord): boolean =>
  request.breakGlass !== undefined && CONFIRMABLE.includes(state);

/** Whose decision is missing, since when they could decide and until when; nothing where nobody has to. */
export function pendingDecision(
  record: ExceptionRecord,
): { readonly missing: readonly string[]; readonly since: EpochMs; readonly until: EpochMs } | undefined {
  const isConfirming = isConfirmable(record);
  if (record.state !== 'submitted' && !isConfirming) return undefined;
  const asked = quorum(record);
  const missing = isConfirming ? missingApprovals(record) : asked.kind === 'open' ? asked.missing : [];
  if (missing.length === 0 || asked.kind === 'rejected') return undefined;
  return {
    missing,
    since: record.submittedAt,
    until: isConfirming ? record.request.endsAt : record.approvalsDeadline,
  };
}

const JUDGED_ANEW: Refusal = {
  code: 'BUSY',
  message:
    'the request was judged under another policy at this moment; read its decision sheet and decide again',
};

function refusalOf(record: ExceptionRecord, input: DecisionInput, sheets: KeptSheets): Refusal | undefined {
  const { principalId, role, now } = input;
  const past = input.decision === 'approve' ? 'approve' : 'reject';
  const isConfirming = isConfirmable(record);
  if (record.state !== 'submitted' && !isConfirming) {
    return {
      code: 'STATE_REFUSES',
      message: `there is nothing to decide: the exception is ${describeState(record.state)}`,
    };
  }
  const deadline = isConfirming ? record.request.endsAt : record.approvalsDeadline;
  if (now >= deadline) {
    return {
      code: 'APPROVALS_EXPIRED',
      message: `the time to decide ended at ${formatInstant(deadline)}; a new request is needed`,
    };
  }
  if (!input.people.some((person) => person.id === principalId && person.isActive)) {
    return {
      code: 'UNKNOWN_PERSON',
      message: `\`${principalId}\` is not an active person of the people file`,
    };
  }
  if (principalId === record.requesterId) {
    return {
      code: 'REQUESTER_DECIDES',
      message: `\`${principalId}\` made this request and may not ${past} it; withdraw it instead`,
    };
  }
  if (!record.requiredRoles.includes(role)) {
    return {
      code: 'ROLE_NOT_NAMED',
      message: `the policy asks for ${record.requiredRoles.join(', ')}, not for \`${role}\``,
    };
  }
  if (!isEligible(input.people, principalId, role)) {
    return { code: 'ROLE_NOT_HELD', message: `\`${principalId}\` does not hold the role \`${role}\`` };
  }
  const standing = standingApprovals(record.decisions);
  const earlier = standing.find((decision) => decision.principalId === principalId);
  if (earlier) {
    return {
      code: 'ALREADY_DECIDED',
      message: `\`${principalId}\` has decided already, as ${earlier.role}; every role needs a different person`,
    };
  }
  const taken = standing.find((decision) => decision.role === role);
  if (taken)
    return { code: 'ALREADY_DECIDED', message: `\`${role}\` was decided by \`${taken.principalId}\`` };
  const subject = approvalSubject(record, input.policyHash);
  if (subject === undefined) {
    return {
      code: 'HASH_MISMATCH',
      message:
        'the request has not been judged under the policy in force; wait for the sweeper, or ask the policy owner',
    };
  }
  const fault = sheetFault(record, input.policyHash, sheets);
  if (fault !== undefined) return { code: 'HASH_MISMATCH', message: fault };
  if (input.subjectHash.length < 12 || !subject.startsWith(input.subjectHash)) {
    return {
      code: 'HASH_MISMATCH',
      message: `\`${input.subjectHash}\` is not what stands here now; read \`proviso exception sheet ${record.id}\` and decide on its hash`,
    };
  }
  return undefined;
}
