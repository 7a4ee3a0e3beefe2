import { type EventActor, err, ok, type PrincipalId, type Result } from '../core/index.ts';
import {
  ConflictError,
  encode,
  POLICY_KEY,
  type Refusal,
  readRecord,
  type ToldEvent,
} from '../exceptions/index.ts';
import type { LoadedPolicy } from '../policy/index.ts';
import type { Services } from './ports.ts';
import { type Rejudged, rejudge } from './rejudge.ts';

/** What the state keeps of the policy in force: its hash and its text, so that no file lying around can change it. */
export interface AdoptedPolicy {
  readonly hash: string;
  readonly file: string;
  readonly text: string;
  readonly adoptedBy: string;
  /** Told after the commit; the sweeper tells it again, in case the process died in between (NOTHING_LOST). */
  readonly event?: ToldEvent;
}

/**
 * Puts a policy in force and judges what is pending or active by it. Adopting the policy that is in force changes nothing.
 * `enforce` is refused: this version observes drift it did not cause, and a policy must not promise what nobody does.
 */
export async function adoptPolicy(
  services: Services,
  policy: LoadedPolicy,
  text: string,
  by: PrincipalId,
): Promise<Result<{ isNew: boolean; rejudged: readonly Rejudged[] }, Refusal>> {
  const { storage, metadata } = policy.policy;
  if (
    storage.enforcement === 'enforce' ||
    storage.overrides.some(({ enforcement }) => enforcement === 'enforce')
  ) {
    const refusal: Refusal = {
      code: 'POLICY_REFUSES',
      message:
        '`storage.enforcement: enforce` is not carried out by this version yet, for drift that is not ours; set it to `observe`',
    };
    await services.recorder.record({
      type: 'policy.adoption-refused',
      actor: { id: by, kind: 'person-unauthenticated' },
      subject: policy.hash,
      data: {
        ...refusal,
        id: metadata.id,
        version: metadata.version,
        says: `adoption of policy ${metadata.id} ${metadata.version} by ${by} refused: ${refusal.message}`,
      },
    });
    return err(refusal);
  }
  const before = await readRecord<AdoptedPolicy>(services.store, POLICY_KEY);
  if (before?.value.hash === policy.hash) return ok({ isNew: false, rejudged: [] });
  const actor: EventActor = { id: by, kind: 'person-unauthenticated' };
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
  const adopted: AdoptedPolicy = { hash: policy.hash, file: policy.file, text, adoptedBy: by, event };
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
