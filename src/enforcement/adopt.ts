import { type EpochMs, err, ok, type PrincipalId, type Result } from '../core/index.ts';
import {
  ConflictError,
  encode,
  POLICY_KEY,
  personActor,
  type Refusal,
  readRecord,
  type ToldEvent,
} from '../exceptions/index.ts';
import type { LoadedPolicy } from '../policy/index.ts';
import { enforcesAnywhere, planEnforcement } from './enforce.ts';
import type { ActingServices, Services } from './ports.ts';
import { type Rejudged, rejudge } from './rejudge.ts';

/** What the state keeps of the policy in force: its hash and its text, so that no file lying around can change it. */
export interface AdoptedPolicy {
  readonly hash: string;
  readonly file: string;
  readonly text: string;
  readonly adoptedBy: string;
  /** Who may approve a loosening of it through the API: a signers file. */
  readonly signers?: { readonly file: string; readonly text: string } | undefined;
  /** Told after the commit; the sweeper tells it again, in case the process died in between (NOTHING_LOST). */
  readonly event?: ToldEvent;
}

export interface AdoptionGate {
  /** Who may approve from now on; absent: those in force stay. */
  readonly signers?: AdoptedPolicy['signers'];
  /** Why this policy may not follow the one in force; asked of the very record that is replaced. */
  readonly refuses?: (before: AdoptedPolicy) => Refusal | undefined;
  /** By when the plan must have been read, once it is known that one is needed. */
  readonly planUntil?: EpochMs;
}

/**
 * Puts a policy in force and judges what is pending or active by it. Adopting the policy that is in force changes nothing.
 *
 * @param confirmedPlan - for a policy that enforces anywhere: the hash of `planEnforcement`, as a person read it. Without it, or when the
 *   estate has changed since, the adoption is refused (`PLAN_NOT_CONFIRMED`) and nothing is written.
 * @param gate - what else may refuse it; a refusal is recorded
 * @throws PlanUnfinished when the plan was not read by `gate.planUntil`; nothing is written
 */
export async function adoptPolicy(
  services: ActingServices,
  policy: LoadedPolicy,
  text: string,
  by: PrincipalId,
  confirmedPlan?: string,
  gate: AdoptionGate = {},
): Promise<Result<{ isNew: boolean; rejudged: readonly Rejudged[] }, Refusal>> {
  const { metadata } = policy.policy;
  const before = await readRecord<AdoptedPolicy>(services.store, POLICY_KEY);
  const signers = gate.signers ?? before?.value.signers;
  if (before?.value.hash === policy.hash && before.value.signers?.text === signers?.text)
    return ok({ isNew: false, rejudged: [] });
  const actor = personActor(services, by);
  const refuse = async (refusal: Refusal) => {
    await services.recorder.record({
      type: 'policy.adoption-refused',
      actor,
      subject: policy.hash,
      data: {
        ...refusal,
        id: metadata.id,
        version: metadata.version,
        says: `adoption of policy ${metadata.id} ${metadata.version} by ${by} refused: ${refusal.message}`,
      },
    });
    return err(refusal);
  };
  const refusedChange = before === undefined ? undefined : gate.refuses?.(before.value);
  if (refusedChange !== undefined) return refuse(refusedChange);
  if (enforcesAnywhere(policy)) {
    const plan = await planEnforcement(services, policy, gate.planUntil);
    if (plan.hash !== confirmedPlan) {
      return refuse({
        code: 'PLAN_NOT_CONFIRMED',
        message:
          confirmedPlan === undefined
            ? `the policy enforces; read what that would do today, and confirm plan \`${plan.hash.slice(0, 16)}\``
            : `what \`enforce\` would do is not what was confirmed; read it again, and confirm plan \`${plan.hash.slice(0, 16)}\``,
      });
    }
  }
  const event: ToldEvent = {
    type: 'policy.adopted',
    key: `policy.adopted/${(before?.version ?? 0) + 1}`,
    at: services.clock.now(),
    actor,
    subject: policy.hash,
    data: {
      id: metadata.id,
      version: metadata.version,
      before: before?.value.hash ?? null,
      says: `policy ${metadata.id} ${metadata.version} is in force (${policy.hash.slice(0, 12)}), adopted by ${by}`,
    },
  };
  const adopted: AdoptedPolicy = {
    hash: policy.hash,
    file: policy.file,
    text,
    adoptedBy: by,
    ...(signers === undefined ? {} : { signers }),
    event,
  };
  const written = await services.store.commit([
    { key: POLICY_KEY, expectedVersion: before?.version ?? 0, value: encode(adopted) },
  ]);
  if (written === 'conflict') throw new ConflictError(POLICY_KEY);
  await services.recorder.record(event);
  return ok({ isNew: true, rejudged: await rejudge(services, services.clock.now()) });
}

/** Tells of the adoption of the policy in force, unless that was done. */
export async function tellAdoption(services: Services): Promise<void> {
  const adopted = await readRecord<AdoptedPolicy>(services.store, POLICY_KEY);
  if (adopted?.value.event !== undefined) await services.recorder.record(adopted.value.event);
}
