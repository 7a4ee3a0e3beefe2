import { type EpochMs, epochMs, err, exceptionId, hashOf, type Ids, ok, type Result } from '../core/index.ts';
import type { Refusal } from './errors.ts';
import { type JudgeInput, type Judgement, judge } from './judge.ts';
import { sheetWrite } from './kept-sheets.ts';
import { placesText, withDestinations } from './places.ts';
import { type Books, createException, personActor, readLeaseRows } from './records.ts';
import { durationOf, withOwnDestination } from './request.ts';
import { admissionOf } from './sheet.ts';
import type { ExceptionRecord } from './types.ts';

export interface Submission extends Omit<JudgeInput, 'rows' | 'scope'>, Books {
  readonly ids: Ids;
}

/**
 * Judges a request by every condition and, if all are met, stores it as pending. Starting its workflow is the caller's next
 * step; a crash in between is healed by the sweeper, which starts what has no execution.
 */
export async function submit(
  submission: Submission,
): Promise<Result<{ record: ExceptionRecord; judgement: Judgement }, Refusal>> {
  const { store, recorder, ids, now, policy, requesterId } = submission;
  const actor = personActor(submission, requesterId);
  const { correlationId } = submission.call ?? {};
  const refuse = async (refusal: Refusal): Promise<Result<never, Refusal>> => {
    await recorder.record({
      type: 'exception.request-refused',
      actor,
      subject: submission.request.reference,
      data: { ...refusal, says: `request for ${submission.request.reference} refused: ${refusal.message}` },
    });
    return err(refusal);
  };
  if (!submission.people?.some((person) => person.id === requesterId && person.isActive)) {
    return refuse({
      code: 'UNKNOWN_PERSON',
      message: `\`${requesterId}\` is not an active person of the people file`,
    });
  }
  const id = exceptionId(`ex-${ids.next(12)}`);
  const request = withDestinations(submission.request, ({ destination }) =>
    withOwnDestination(destination, id),
  );
  const rows = (await readLeaseRows(store, request)).map((row) => row?.value);
  const judgement = judge({ ...submission, rows, scope: 'submission' });
  if (judgement.outcome !== 'admitted') {
    const code = judgement.outcome === 'refused' ? 'POLICY_REFUSES' : 'POLICY_UNDECIDED';
    const failed = judgement.conditions.filter(({ holds }) => holds !== 'met');
    return refuse({
      code,
      message: failed.map(({ clause, says }) => `${clause}: ${says}`).join('; '),
      conditions: judgement.conditions,
    });
  }
  const { approvals, limits } = policy.policy.exceptions;
  const subject = { id, request, requestHash: hashOf(request), requesterId, submittedAt: now };
  const { admission, markdown } = admissionOf(subject, policy, judgement, now);
  const record: ExceptionRecord = {
    ...subject,
    ...(correlationId === undefined ? {} : { correlationId }),
    policyHashes: [policy.hash],
    admissions: [admission],
    requiredRoles: approvals.roles.map(({ role }) => role),
    approvalsDeadline: earlier(
      epochMs(now + durationOf(approvals.expireAfter)),
      epochMs(request.startsAt + durationOf(limits.enableWithin)),
    ),
    state: 'submitted',
    decisions: [],
    emptyListings: [],
  };
  const requested = {
    type: 'exception.requested',
    actor,
    subject: id,
    data: {
      says: `${requesterId} asks to store ${request.modalities.join(', ')} in ${placesText(request)} for ${request.reference}`,
      request,
      requestHash: record.requestHash,
      policyHash: policy.hash,
      sheetHash: admission.sheetHash,
      conditions: judgement.conditions,
    },
  };
  if ((await createException(submission, record, [requested], [sheetWrite(id, markdown)])) === 'conflict') {
    return refuse({ code: 'BUSY', message: 'the new id is taken; submit again' });
  }
  return ok({ record, judgement });
}

const earlier = (a: EpochMs, b: EpochMs): EpochMs => (a < b ? a : b);
