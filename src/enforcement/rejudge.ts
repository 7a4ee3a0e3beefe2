import { type EpochMs, type EventActor, epochMs, ok } from '../core/index.ts';
import type { Organization } from '../evidence/index.ts';
import {
  type Admission,
  abandon,
  admissionOf,
  amend,
  decodeRecord,
  durationOf,
  type ExceptionRecord,
  isAttempted,
  isTerminal,
  isUnsettled,
  type Judgement,
  judge,
  keepSheet,
  leasesOf,
  nextState,
  type PlacedLease,
  placesOf,
  quorum,
  readLeaseRows,
  revokeLease,
  withLeases,
} from '../exceptions/index.ts';
import { type LoadedPolicy, storageFor } from '../policy/index.ts';
import { bucketAt } from './enable.ts';
import { invokersAt } from './invokers.ts';
import type { Services } from './ports.ts';
import { endLease } from './reconcile.ts';
import { unitPathOf, unitsOf } from './unit-path.ts';
import { wakeDecided } from './wake.ts';

const actor: EventActor = { id: 'policy', kind: 'policy' };

export interface Rejudged {
  readonly id: string;
  readonly effect: 'stands' | 'asks-again' | 'refused' | 'switched-off' | 'waits' | 'flagged';
  readonly says: string;
}

/**
 * Judges every pending and active exception by the policy in force, where that is not the one it was judged by. Standing
 * conditions only. Called when a policy is adopted, and by the sweeper for what could not be decided then.
 * A loosening never reaches back: roles once required stay required.
 */
export async function rejudge(services: Services, instant: EpochMs): Promise<readonly Rejudged[]> {
  const faults: string[] = [];
  const open: ExceptionRecord[] = [];
  for (const stored of await services.store.list('exception/')) {
    try {
      const record = decodeRecord<ExceptionRecord>(stored);
      if (!isTerminal(record.state)) open.push(record);
    } catch (error) {
      faults.push(error instanceof Error ? error.message : String(error));
    }
  }
  if (open.length === 0) return [];
  const policy = await services.policyInForce.current();
  const results: Rejudged[] = [];
  // What is on comes first, and one exception's fault never keeps another from being judged.
  const liveFirst = open.toSorted((a, b) => Number(b.state === 'active') - Number(a.state === 'active'));
  // Failing to read it stops nobody from being judged; whether an account was moved is then seen by a later sweep.
  const organization = open.some(({ units, state }) => units !== undefined && state === 'active')
    ? await services.organizationView.organization().catch(() => undefined)
    : undefined;
  for (const record of liveFirst) {
    const isJudged = record.policyHashes.at(-1) === policy.hash;
    const isMoved =
      organization !== undefined &&
      record.state === 'active' &&
      record.units !== undefined &&
      !isSameList(unitsOf(organization, record), record.units);
    if (isJudged && !isMoved) continue;
    try {
      const result = isJudged
        ? await rejudgeMoved(services, record, policy, organization, instant)
        : await rejudgeOne(services, record, policy, instant);
      if (result !== undefined) results.push(result);
    } catch (error) {
      faults.push(`${record.id}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  if (faults.length > 0)
    throw new Error(`some exceptions could not be judged by the policy in force yet: ${faults.join('; ')}`);
  return results;
}

const isSameList = (one: readonly string[], other: readonly string[]): boolean =>
  one.length === other.length && one.every((text, index) => text === other[index]);

async function rejudgeOne(
  services: Services,
  record: ExceptionRecord,
  policy: LoadedPolicy,
  instant: EpochMs,
): Promise<Rejudged | undefined> {
  const { judgement, leases } = await judgementOf(services, record, policy);
  const result = isAttempted(leases)
    ? await rejudgeActive(services, record, leases, policy, judgement, instant)
    : await rejudgePending(services, record, policy, judgement);
  if (result === undefined) return undefined;
  await services.recorder.record({
    type: 'policy.rejudged',
    key: `policy.rejudged/${record.id}/${policy.hash}/${result.effect}`,
    actor,
    subject: record.id,
    data: { policyHash: policy.hash, effect: result.effect, says: result.says },
  });
  return result;
}

/** By the standing conditions. What cannot be read leaves its own conditions undecided; the others still decide. */
async function judgementOf(
  services: Services,
  record: ExceptionRecord,
  policy: LoadedPolicy,
): Promise<{ readonly judgement: Judgement; readonly leases: readonly PlacedLease[] }> {
  const rows = (await readLeaseRows(services.store, record.request)).map((row) => row?.value);
  const unread = () => undefined;
  const organization = await services.organizationView.organization().catch(unread);
  const judgement = judge({
    request: record.request,
    requesterId: record.requesterId,
    policy,
    organization,
    people: await services.directory.people().catch(unread),
    rows,
    buckets: await Promise.all(
      placesOf(record.request).map((place) =>
        bucketAt(services, place).catch(() => ({ kind: 'unobservable', reason: 'failed' }) as const),
      ),
    ),
    invokers: await Promise.all(
      placesOf(record.request).map((place) =>
        invokersAt(services, record.request, place, organization).catch(() => ({
          others: [],
          undecided: ['the identities of the account could not be read'],
        })),
      ),
    ),
    scope: 'standing',
    now: services.clock.now(),
  });
  return { judgement, leases: leasesOf(rows, record.id) };
}

/**
 * An account of a live exception is in another unit now (case D35). It is judged again where it is: refused, it is switched off at once;
 * undecided, it is flagged and judged again by the next sweep. Still admitted, its baseline follows a stricter unit, and never a looser one: what
 * the lease returns to must not store more than the policy's baseline there.
 */
async function rejudgeMoved(
  services: Services,
  record: ExceptionRecord,
  policy: LoadedPolicy,
  organization: Organization | undefined,
  instant: EpochMs,
): Promise<Rejudged | undefined> {
  if (organization === undefined) return undefined;
  const { id } = record;
  const units = unitsOf(organization, record);
  const { judgement, leases } = await judgementOf(services, record, policy);
  const on = leases.find(({ lease }) => isUnsettled(lease));
  if (on === undefined) return undefined;
  const where = `an account was moved (${units.join('; ')})`;
  if (judgement.outcome === 'refused') {
    const says = `${where}, and policy ${policy.policy.metadata.version} refuses it there: ${failedOf(judgement)}; switched off at once`;
    await revokeLease(services, id, actor, says, services.clock.now());
    await endLease(services, on, on.lease, actor, instant);
    return tellMoved(services, { id, effect: 'switched-off', says }, units);
  }
  if (judgement.outcome === 'undecided') {
    const says = `${where}, and it could not be decided there; a person must look`;
    return (await flag(services, record, says))
      ? tellMoved(services, { id, effect: 'flagged', says }, units)
      : undefined;
  }
  let isTightened = false;
  await amend(services, id, (current, rows) => {
    const { flagged: _flagged, ...rest } = current;
    isTightened = false;
    return ok({
      record: { ...rest, units },
      rows: withLeases(rows, id, (lease, place) => {
        const { baseline } = storageFor(policy.policy, unitPathOf(organization, place.accountId));
        if (baseline !== 'none' || lease.baseline.kind === 'none') return lease;
        isTightened = true;
        return { ...lease, baseline: { kind: 'none' } };
      }),
    });
  });
  const says = `${where}, and it is still admitted${isTightened ? '; it returns to nothing configured, the baseline there' : ''}`;
  return tellMoved(services, { id, effect: 'stands', says }, units);
}

async function tellMoved(services: Services, result: Rejudged, units: readonly string[]): Promise<Rejudged> {
  await services.recorder.record({
    type: 'exception.moved',
    actor,
    subject: result.id,
    data: { units, effect: result.effect, says: result.says },
  });
  return result;
}

const failedOf = ({ conditions }: Judgement): string =>
  conditions
    .filter(({ holds }) => holds === 'not-met')
    .map(({ clause, says }) => `${clause}: ${says}`)
    .join('; ');

async function rejudgePending(
  services: Services,
  record: ExceptionRecord,
  policy: LoadedPolicy,
  judgement: Judgement,
): Promise<Rejudged | undefined> {
  const { id } = record;
  if (judgement.outcome === 'refused') {
    const says = `refused by policy ${policy.policy.metadata.version}: ${failedOf(judgement)}`;
    await abandon(services, id, 'refuse', says, actor);
    await wakeDecided(services, id);
    return { id, effect: 'refused', says };
  }
  if (judgement.outcome === 'undecided') {
    const isNew = await flag(
      services,
      record,
      `policy ${policy.policy.metadata.version} could not be decided for it; it waits`,
    );
    return isNew
      ? { id, effect: 'waits', says: 'the policy in force could not be decided for it; it waits' }
      : undefined;
  }
  const named = policy.policy.exceptions.approvals.roles.map(({ role }) => role);
  const { approvals, limits } = policy.policy.exceptions;
  const admission = await admissionUnder(services, record, policy, judgement);
  let asksAgain = false;
  let isPending = true;
  await amend(services, id, (current, rows) => {
    // Enabled or ended since it was read: the next sweep judges it as what it is now.
    isPending = !isTerminal(current.state) && !isAttempted(leasesOf(rows, id));
    if (!isPending) return ok({ record: current });
    const { flagged: _flagged, ...rest } = current;
    const requiredRoles = [...new Set([...current.requiredRoles, ...named])];
    const judged: ExceptionRecord = {
      ...rest,
      requiredRoles,
      ...admittedBy(current, admission),
    };
    const again = nextState(current.state, 'ask-again');
    asksAgain = again.ok && quorum(judged).kind === 'open';
    if (!asksAgain || !again.ok) return ok({ record: judged });
    // Whoever is asked only now gets the policy's time to answer, and never longer than to the last possible start.
    const latest = current.request.startsAt + durationOf(limits.enableWithin);
    const approvalsDeadline = epochMs(
      Math.min(services.clock.now() + durationOf(approvals.expireAfter), latest),
    );
    return ok({ record: { ...judged, state: again.value, approvalsDeadline } });
  });
  if (!isPending) return undefined;
  return asksAgain
    ? {
        id,
        effect: 'asks-again',
        says: `admitted by policy ${policy.policy.metadata.version}, which asks for further approvals`,
      }
    : {
        id,
        effect: 'stands',
        says: `still admitted by policy ${policy.policy.metadata.version}; its approvals stay bound to the version they were given for`,
      };
}

async function rejudgeActive(
  services: Services,
  record: ExceptionRecord,
  leases: readonly PlacedLease[],
  policy: LoadedPolicy,
  judgement: Judgement,
  instant: EpochMs,
): Promise<Rejudged | undefined> {
  const { id } = record;
  const on = leases.find(({ lease }) => isUnsettled(lease));
  if (on === undefined) return undefined;
  if (judgement.outcome === 'refused') {
    const says = `policy ${policy.policy.metadata.version} refuses it: ${failedOf(judgement)}; switched off at once`;
    await revokeLease(services, id, actor, says, services.clock.now());
    await endLease(services, on, on.lease, actor, instant);
    return { id, effect: 'switched-off', says };
  }
  if (judgement.outcome === 'undecided') {
    const isNew = await flag(
      services,
      record,
      `policy ${policy.policy.metadata.version} could not be decided for it; a person must look`,
    );
    return isNew
      ? { id, effect: 'flagged', says: 'the policy in force could not be decided for it; a person must look' }
      : undefined;
  }
  const admission = await admissionUnder(services, record, policy, judgement);
  await amend(services, id, (current) => {
    const { flagged: _flagged, ...rest } = current;
    return ok({ record: { ...rest, ...admittedBy(current, admission) } });
  });
  return { id, effect: 'stands', says: `still admitted by policy ${policy.policy.metadata.version}` };
}

/** Its sheet is kept before anything names it. A policy that is put in force again after another has its sheet already: what was signed stays signed. */
async function admissionUnder(
  { store, clock }: Services,
  record: ExceptionRecord,
  policy: LoadedPolicy,
  judgement: Judgement,
): Promise<Admission> {
  const before = record.admissions.find(({ policyHash }) => policyHash === policy.hash);
  if (before !== undefined) return before;
  const { admission, markdown } = admissionOf(record, policy, judgement, clock.now());
  await keepSheet(store, record.id, markdown);
  return admission;
}

/** One that another process wrote meanwhile stands. */
const admittedBy = (
  record: ExceptionRecord,
  admission: Admission,
): Pick<ExceptionRecord, 'policyHashes' | 'admissions'> => ({
  policyHashes: [...record.policyHashes, admission.policyHash],
  admissions: [
    ...record.admissions,
    record.admissions.find(({ policyHash }) => policyHash === admission.policyHash) ?? admission,
  ],
});

async function flag(services: Services, record: ExceptionRecord, says: string): Promise<boolean> {
  if (record.flagged === says) return false;
  await amend(services, record.id, (current) => ok({ record: { ...current, flagged: says } }));
  return true;
}
