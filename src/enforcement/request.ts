import { type ExceptionId, ok, type PrincipalId, type Result } from '../core/index.ts';
import {
  type DecisionInput,
  decide,
  type ExceptionRecord,
  type ExceptionRequest,
  isUnsettled,
  type Judgement,
  personActor,
  type Refusal,
  readLeases,
  requireException,
  submit,
  takeBack,
} from '../exceptions/index.ts';
import type { LoadedPolicy } from '../policy/index.ts';
import { bucketsOf } from './enable.ts';
import { invokersOf } from './invokers.ts';
import type { ActingServices } from './ports.ts';
import { endLease } from './reconcile.ts';
import { wakeDecided } from './wake.ts';

/**
 * Judges a request by the policy in force over what is known now and, if it is admitted, starts its workflow. A death between the
 * two is healed by the sweeper, which starts what has no execution.
 */
export async function requestException(
  services: ActingServices,
  request: ExceptionRequest,
  requesterId: PrincipalId,
  policy: LoadedPolicy,
): Promise<Result<{ record: ExceptionRecord; judgement: Judgement }, Refusal>> {
  const organization = await services.organizationView.organization();
  const submitted = await submit({
    ...services,
    request,
    requesterId,
    policy,
    organization,
    people: await services.directory.people(),
    buckets: await bucketsOf(services, request, organization),
    invokers: await invokersOf(services, request, organization),
    now: services.clock.now(),
  });
  if (!submitted.ok) return submitted;
  const { id } = submitted.value.record;
  await services.executions.start('exception', id, { exceptionId: id });
  return ok(submitted.value);
}

/** Records a decision by the people and the policy of this moment, then wakes the workflow that waits for it. */
export async function decideException(
  services: ActingServices,
  decision: Pick<DecisionInput, 'id' | 'principalId' | 'role' | 'decision' | 'reason' | 'subjectHash'>,
): Promise<Result<ExceptionRecord, Refusal>> {
  const decided = await decide({
    ...services,
    ...decision,
    policyHash: (await services.policyInForce.current()).hash,
    people: await services.directory.people(),
    now: services.clock.now(),
  });
  if (!decided.ok) return decided;
  await wakeDecided(services, decision.id);
  if (decision.decision === 'reject') await endRejected(services, decision.id, decision.principalId);
  return decided;
}

/** A break-glass exception that is on and rejected: the rejection has revoked the lease, and it is switched off here and now. */
async function endRejected(services: ActingServices, id: ExceptionId, by: PrincipalId): Promise<void> {
  const { value: record } = await requireException(services.store, id);
  const [first] = (await readLeases(services.store, record)).filter(({ lease }) => isUnsettled(lease));
  if (first === undefined) return;
  const actor = personActor(services, by);
  await endLease(services, first, first.lease, actor, services.clock.now());
}

/** An approver takes the approval back before anything was enabled; recorded as a decision, refused or not. */
export async function takeBackApproval(
  services: ActingServices,
  id: ExceptionId,
  principalId: PrincipalId,
  reason: string,
): Promise<Result<ExceptionRecord, Refusal>> {
  const policy = await services.policyInForce.current();
  return takeBack({ ...services, id, principalId, reason, policy, now: services.clock.now() });
}
