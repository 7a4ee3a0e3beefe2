import type { EpochMs, PrincipalId, Sha256Hex } from '../core/index.ts';
import { INDISPENSABLE_ROLES } from '../policy/index.ts';
import type { Decision, ExceptionRecord, Person } from './types.ts';

/**
 * What an approver signs: the decision sheet of exactly this request under exactly this policy, by the SHA-256 of its Markdown form. The sheet names the
 * hashes of both. Nothing where that policy never admitted the request.
 */
export const approvalSubject = (
  { admissions }: Pick<ExceptionRecord, 'admissions'>,
  policyHash: Sha256Hex,
): Sha256Hex | undefined => admissions.find((admission) => admission.policyHash === policyHash)?.sheetHash;

export type Quorum =
  | { readonly kind: 'reached' }
  | { readonly kind: 'rejected'; readonly by: Decision }
  | { readonly kind: 'open'; readonly missing: readonly string[] };

/** Approvals that were not taken back, oldest first; a person who took theirs back may decide again. */
export const standingApprovals = (decisions: readonly Decision[]): readonly Decision[] =>
  decisions.filter(
    ({ principalId, decision }, index) =>
      decision === 'approve' &&
      !decisions
        .slice(index + 1)
        .some((later) => later.decision === 'take-back' && later.principalId === principalId),
  );

/**
 * Required roles without an approval that counts: by a principal of its own, not the requester, over the sheet of a policy version that admitted
 * the request. Counts principals, never records.
 *
 * @param people - given at the start, when eligibility is read again: an approver who left or lost the role no longer counts
 * @param notBefore - an approval older than this no longer counts
 */
export function missingApprovals(
  record: ExceptionRecord,
  people?: readonly Person[],
  notBefore?: EpochMs,
): readonly string[] {
  const counted = new Set<PrincipalId>([record.requesterId]);
  const filled = new Set<string>();
  for (const decision of standingApprovals(record.decisions)) {
    if (counted.has(decision.principalId) || filled.has(decision.role)) continue;
    if (!record.policyHashes.includes(decision.policyHash)) continue;
    if (decision.subjectHash !== approvalSubject(record, decision.policyHash)) continue;
    if (people !== undefined && !isEligible(people, decision.principalId, decision.role)) continue;
    if (notBefore !== undefined && decision.at < notBefore) continue;
    counted.add(decision.principalId);
    filled.add(decision.role);
  }
  return record.requiredRoles.filter((role) => !filled.has(role));
}

/**
 * INVARIANT (DISTINCT_QUORUM): an approval for every required role, each by a different principal, none of them the requester,
 * each over the sheet of this request and a policy version under which it was admitted. One rejection ends it.
 * The one named exemption is a break-glass request: Legal or Security alone opens it, and all others confirm by its end
 * (`missingApprovals` tells whether they have). The policy that admitted it decides whether there is such a thing at all.
 */
export function quorum(record: ExceptionRecord, people?: readonly Person[], notBefore?: EpochMs): Quorum {
  const rejection = record.decisions.find((decision) => decision.decision === 'reject');
  if (rejection) return { kind: 'rejected', by: rejection };
  const missing = missingApprovals(record, people, notBefore);
  if (record.request.breakGlass !== undefined) {
    const openers = INDISPENSABLE_ROLES.filter((role) => missing.includes(role));
    return openers.length < INDISPENSABLE_ROLES.length
      ? { kind: 'reached' }
      : { kind: 'open', missing: openers };
  }
  return missing.length === 0 ? { kind: 'reached' } : { kind: 'open', missing };
}

export const isEligible = (people: readonly Person[], id: PrincipalId, role: string): boolean =>
  people.some((person) => person.id === id && person.isActive && person.roles.includes(role));

/**
 * Whether every role can be filled by a different living person other than the requester. Otherwise the request could never be
 * approved, and saying so at submission is kinder than waiting for the deadline. Bipartite matching by augmenting paths.
 */
export function canBeApproved(
  roles: readonly string[],
  people: readonly Person[],
  requesterId: PrincipalId,
): readonly string[] {
  const candidates = people.filter((person) => person.isActive && person.id !== requesterId);
  const roleOf = new Map<PrincipalId, string>();
  const place = (role: string, tried: Set<PrincipalId>): boolean => {
    for (const person of candidates) {
      if (!person.roles.includes(role) || tried.has(person.id)) continue;
      tried.add(person.id);
      const occupied = roleOf.get(person.id);
      if (occupied === undefined || place(occupied, tried)) {
        roleOf.set(person.id, role);
        return true;
      }
    }
    return false;
  };
  return roles.filter((role) => !place(role, new Set()));
}
