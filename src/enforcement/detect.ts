import { type EpochMs, type EventActor, type ExceptionId, epochMs } from '../core/index.ts';
import {
  decodeRecord,
  encode,
  isTerminal,
  type LeaseRow,
  NoPolicyInForce,
  readException,
  readRecord,
} from '../exceptions/index.ts';
import type { LoadedPolicy } from '../policy/index.ts';
import { type EnforceTrigger, enforcePair, governedPairs } from './enforce.ts';
import type { Pair, Services } from './ports.ts';
import { reconcilePair } from './reconcile.ts';
import { sweepException } from './sweep.ts';

const actor: EventActor = { id: 'event-rule', kind: 'event-rule' };

/**
 * What an event says happened, and where. It is a reason to look, never evidence: its body may be late, wrong, forged or of next year's
 * shape. Everything is read again from AWS.
 */
export type Detected = {
  readonly id: string;
  /** When it happened, by the event. */
  readonly at: EpochMs;
} & (
  | { readonly kind: 'setting' | 'identity'; readonly pair: Pair; readonly named?: string }
  | { readonly kind: 'organization' }
  | { readonly kind: 'execution'; readonly exceptionId: ExceptionId }
);

export type Reaction =
  | { readonly result: 'looked'; readonly pairs: number }
  /** EventBridge delivers at least once. */
  | { readonly result: 'duplicate' }
  /** Somebody looked after it happened already. */
  | { readonly result: 'covered' };

/** What is remembered of events at one place: enough for redeliveries, bounded for ever. */
interface Seen {
  readonly ids: readonly string[];
  /** The start of the last look for a whole account or organization. */
  readonly lookedAt?: EpochMs;
}
const REMEMBERED = 64;

const placeOf = (detected: Detected): string => {
  switch (detected.kind) {
    case 'setting':
      return `${detected.pair.accountId}/${detected.pair.region}`;
    case 'identity':
      return detected.pair.accountId;
    case 'organization':
    case 'execution':
      return detected.kind;
  }
};

/**
 * Detector 5. Looks again at what an event is about, ends what is not as it should be, and undoes drift where the policy enforces. Safe
 * to repeat. @throws what the look threw: EventBridge and Lambda then try again, and their queue is alarmed.
 */
export async function react(services: Services, detected: Detected): Promise<Reaction> {
  const key = `seen/${placeOf(detected)}`;
  const before = await readRecord<Seen>(services.store, key);
  if (before?.value.ids.includes(detected.id)) return { result: 'duplicate' };
  const startedAt = services.clock.now();
  const isWide = detected.kind === 'identity' || detected.kind === 'organization';
  // A storm of IAM changes is looked at once for all that came before the look began.
  const isCovered = isWide && (before?.value.lookedAt ?? 0) > detected.at;
  const pairs = isCovered ? 0 : await look(services, detected);
  // After the look: whoever dies in between looks again.
  const ids = [...(before?.value.ids ?? []), detected.id].slice(-REMEMBERED);
  const lookedAt = isWide && !isCovered ? startedAt : before?.value.lookedAt;
  // A lost race forgets one id, and a redelivery of that event is looked at twice.
  await services.store.commit([
    {
      key,
      expectedVersion: before?.version ?? 0,
      value: encode({ ids, ...(lookedAt === undefined ? {} : { lookedAt }) } satisfies Seen),
    },
  ]);
  return isCovered ? { result: 'covered' } : { result: 'looked', pairs };
}

async function look(services: Services, detected: Detected): Promise<number> {
  const now = epochMs(services.clock.now());
  if (detected.kind === 'execution') {
    const record = (await readException(services.store, detected.exceptionId))?.value;
    if (record === undefined || isTerminal(record.state)) return 0;
    await sweepException(services, record, now, actor);
    return 1;
  }
  const trigger: EnforceTrigger = {
    actor,
    pace: 'event',
    ...('named' in detected && detected.named !== undefined ? { named: detected.named } : {}),
  };
  const leased: Pair[] = [];
  if (detected.kind === 'setting') leased.push(detected.pair);
  else for (const stored of await services.store.list('lease/')) leased.push(decodeRecord<LeaseRow>(stored));
  const isMeant = ({ accountId, region }: Pair): boolean =>
    detected.kind === 'organization' ||
    (accountId === detected.pair.accountId &&
      (detected.kind === 'identity' || region === detected.pair.region));
  // One place's fault keeps no other from being looked at; the first is thrown in the end, and the event comes again.
  const faults: unknown[] = [];
  const attempt = (act: () => Promise<unknown>): Promise<unknown> =>
    act().catch((error: unknown) => faults.push(error));
  const places = leased.filter(isMeant);
  for (const { accountId, region } of places)
    await attempt(() => reconcilePair(services, { accountId, region }, actor, now, trigger.named));
  // INVARIANT (OFF_NEEDS_NOTHING): only enforcing needs the policy and the organization; what a lease governs was ended before.
  await attempt(async () => {
    const policy = await policyOf(services);
    if (policy === undefined) return;
    const governed = governedPairs(await services.organizationView.organization(), policy);
    for (const pair of governed.filter(isMeant)) await attempt(() => enforcePair(services, pair, trigger));
  });
  if (faults.length > 0) throw faults[0];
  return places.length;
}

/** Before a policy is in force there is nothing to enforce; what a lease governs is looked at all the same. */
async function policyOf({ policyInForce }: Services): Promise<LoadedPolicy | undefined> {
  try {
    return await policyInForce.current();
  } catch (error) {
    if (error instanceof NoPolicyInForce) return undefined;
    throw error;
  }
}
