import { ok, type PrincipalId, type Result } from '../core/index.ts';
import {
  type DecisionInput,
  decide,
  type ExceptionRecord,
  type ExceptionRequest,
  type Judgement,
  type Refusal,
  submit,
} from '../exceptions/index.ts';
import type { LoadedPolicy } from '../policy/index.ts';
import { bucketOf } from './enable.ts';
import type { Services } from './ports.ts';
import { wakeDecided } from './wake.ts';

/**
 * Judges a request by the policy in force over what is known now and, if it is admitted, starts its workflow. A death between the
 * two is healed by the sweeper, which starts what has no execution.
 */
export async function requestException(
  services: Services,
  request: ExceptionRequest,
  requesterId: PrincipalId,
  policy: LoadedPolicy,
): Promise<Result<{ record: ExceptionRecord; judgement: Judgement }, Refusal>> {
  const submitted = await submit({
    ...services,
    request,
    requesterId,
    policy,
    organization: await services.organizationView.organization(),
    people: await services.directory.people(),
    bucket: await bucketOf(services, { request }),
    now: services.clock.now(),
  });
  if (!submitted.ok) return submitted;
  const { id } = submitted.value.record;
  await services.executions.start('exception', id, { exceptionId: id });
  return ok(submitted.value);
}

/** Records a decision by the people and the policy of this moment, then wakes the workflow that waits for it. */
export async function decideException(
  services: Services,
  decision: Pick<DecisionInput, 'id' | 'principalId' | 'role' | 'decision' | 'reason' | 'subjectHash'>,
): Promise<Result<ExceptionRecord, Refusal>> {
  const decided = await decide({
    ...services,
    ...decision,
    policyHash: (await services.policyInForce.current()).hash,
    people: await services.directory.people(),
    now: services.clock.now(),
  });
  if (decided.ok) await wakeDecided(services, decision.id);
  return decided;
}
