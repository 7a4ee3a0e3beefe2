import pMap from 'p-map';
import { DAY, type EpochMs, type EventActor, type ExceptionId, epochMs, ok } from '../core/index.ts';
import {
  amend,
  type ExceptionRecord,
  factsAt,
  hasSeveralPlaces,
  type Interference,
  isActive,
  isSamePlace,
  isUnsettled,
  type Lease,
  type LeaseRow,
  leasesOf,
  nextState,
  PLACES_AT_ONCE,
  type PlacedLease,
  readException,
  readLeaseRow,
  readLeases,
  requireException,
  revokeLease,
  sayingWhere,
  withFacts,
  withInterference,
  withLeases,
} from '../exceptions/index.ts';
import { noteContest, notedContest } from './contest.ts';
import { hasUnnamed, isOwnCall, nameParties } from './interference.ts';
import { type PairPlan, planPair } from './plan.ts';
import type { Pair, Services } from './ports.ts';
import { startEnding } from './start-ending.ts';
import {
  describeObserved,
  isToldAgain,
  placeIn,
  putBaseline,
  type SwitchOffResult,
  switchOff,
} from './switch-off.ts';

export interface Reconciled {
  readonly plan: PairPlan;
  readonly result?: SwitchOffResult;
}

/**
 * Observe, compare with desired, plan, write the intent, act, read back, record. Called by every trigger; only tightens.
 * The order for an ending lease is: off first, then start the ending workflow, so that off never waits for an orchestrator.
 *
 * @param instant - the trigger's own instant; for switching off the later of it and the clock counts
 * @param hint - whom the event behind this names: told as the event's word, never as a fact
 */
export async function reconcilePair(
  services: Services,
  pair: Pair,
  actor: EventActor,
  instant: EpochMs,
  hint?: string,
): Promise<Reconciled> {
  const row = (await readLeaseRow(services.store, pair.accountId, pair.region))?.value;
  const records = await recordsOf(services, row);
  const reconciled = await reconcile(services, pair, actor, instant, { row, records, hint });
  // Last: nothing that switches off waits for a name.
  const { plan } = reconciled;
  const isNew = plan.kind === 'contested' || (plan.kind === 'switch-off' && plan.why === 'found-again');
  for (const [id, record] of records)
    if (hasUnnamed(record, pair) || (isNew && plan.lease.exceptionId === id))
      await nameParties(services, pair, id, actor);
  return reconciled;
}

interface Known {
  readonly row: LeaseRow | undefined;
  readonly records: ReadonlyMap<ExceptionId, ExceptionRecord>;
  readonly hint: string | undefined;
}

async function reconcile(
  services: Services,
  pair: Pair,
  actor: EventActor,
  instant: EpochMs,
  { row, records, hint }: Known,
): Promise<Reconciled> {
  const observed = await services.settings.getInvocationLogging(pair);
  const clock = services.clock.now();
  const now = clock > instant ? clock : instant;
  const noted = await notedDuring(services, pair, { row, records }, now);
  const plan = planPair({ row, records, observed, noted, now });
  switch (plan.kind) {
    case 'leave': {
      // Somebody put a baseline of their own: ours must never come back over it, however much later theirs goes.
      if (observed.kind === 'observed') await forgetFact(services, pair, records, 'isBaselineMissing');
      if (plan.why === 'unreadable-during-lease')
        await noteUnreadable(
          services,
          pair,
          plan.lease.exceptionId,
          actor,
          clock,
          describeObserved(observed),
        );
      else await forgetFact(services, pair, records, 'unreadable');
      if (plan.why === 'not-ours' && plan.after !== undefined)
        await noteForeignSetting(services, pair, plan.after.exceptionId, actor, describeObserved(observed));
      else if (observed.kind !== 'unobservable') await forgetFact(services, pair, records, 'foreignSetting');
      return { plan };
    }
    case 'contested': {
      const seen = noted ?? describeObserved(observed);
      const other = hint === undefined || isOwnCall(hint, pair) ? {} : { hint };
      const because = `${plan.says} (${seen})${other.hint === undefined ? '' : `; the event names ${other.hint}`}`;
      const record = records.get(plan.lease.exceptionId);
      const reason = record === undefined ? because : sayingWhere(record.request, pair, because);
      const interference: Interference = {
        ...(record === undefined ? {} : placeIn(record, pair)),
        foundAt: clock,
        found: plan.isElsewhere ? 'changed' : 'switched-off',
        since: plan.lease.enabling?.at ?? plan.lease.startsAt,
        ...other,
      };
      const observedThere = record === undefined ? seen : sayingWhere(record.request, pair, seen);
      const contested = plan.isElsewhere ? { at: clock, observed: observedThere } : undefined;
      try {
        await revokeLease(services, plan.lease.exceptionId, actor, reason, now, {
          interference,
          ...(contested === undefined ? {} : { contested }),
        });
      } catch (error) {
        await offWithoutMark(services, pair, plan, actor, seen);
        throw error;
      }
      return { plan, result: await endLease(services, pair, plan.lease, actor, instant) };
    }
    case 'restore-baseline': {
      const id = plan.lease.exceptionId;
      await services.recorder.record({
        type: 'enforcement.intended',
        actor,
        subject: id,
        data: {
          ...pair,
          baseline: plan.baseline.kind,
          says: `${actor.id}: putting the metadata-only baseline of ${pair.accountId}, ${pair.region} in place again`,
        },
      });
      await services.settings.putInvocationLogging(pair, plan.baseline.configuration, 10_000);
      const after = await services.settings.getInvocationLogging(pair);
      await services.recorder.record({
        type: 'enforcement.read-back',
        actor,
        subject: id,
        data: {
          ...pair,
          observed: describeObserved(after),
          says: `read back: ${describeObserved(after)}`,
        },
      });
      if (after.kind === 'observed') await forgetFact(services, pair, records, 'isBaselineMissing');
      return { plan };
    }
    case 'switch-off': {
      if (plan.why === 'found-again')
        await reopen(services, plan.lease.exceptionId, pair, actor, { hint, isFromOutside: true });
      return { plan, result: await endLease(services, pair, plan.lease, actor, instant) };
    }
  }
}

/** What others were seen to have set during the lease that is active there, where the exception carries no mark of it. */
async function notedDuring(
  services: Services,
  pair: Pair,
  { row, records }: Pick<Known, 'row' | 'records'>,
  now: EpochMs,
): Promise<string | undefined> {
  const live = row?.leases.find(
    (lease) => lease.enabling !== undefined && isUnsettled(lease) && isActive(lease, now),
  );
  if (live === undefined || records.get(live.exceptionId)?.contested !== undefined) return undefined;
  // A record that cannot be read keeps nothing on (OFF_NEEDS_NOTHING): it is asked again at the next look, and before the exception is closed.
  return notedContest(services, pair, live.exceptionId).catch(() => undefined);
}

/**
 * The table refuses the revocation. The setting goes back all the same (OFF_NEEDS_NOTHING), and what it showed is kept where the next look finds it:
 * that one revokes, and marks the exception, in whatever process it runs and whatever is set by then.
 */
async function offWithoutMark(
  services: Services,
  pair: Pair,
  { lease, isElsewhere }: Extract<PairPlan, { kind: 'contested' }>,
  actor: EventActor,
  seen: string,
): Promise<void> {
  if (isElsewhere) await noteContest(services, pair, lease.exceptionId, actor, seen).catch(() => undefined);
  await putBaseline(services, pair, lease.baseline);
}

/**
 * Off directly, then the ending workflow. The exception's other places go off with this one: they were approved together. A place that cannot
 * be switched off, or read, keeps none of the others on.
 *
 * @returns off where every place is off; the earliest of the times to look again
 */
export async function endLease(
  services: Services,
  pair: Pair,
  lease: Pick<Lease, 'exceptionId' | 'baseline'>,
  actor: EventActor,
  instant: EpochMs,
): Promise<SwitchOffResult> {
  const faults: unknown[] = [];
  const results: SwitchOffResult[] = [];
  const attempt = (act: () => Promise<unknown>): Promise<unknown> =>
    act().catch((error: unknown) => faults.push(error));
  await attempt(async () => results.push(await switchOff(services, pair, lease, actor, instant)));
  await attempt(async () => {
    const others = await endedElsewhere(services, pair, lease.exceptionId, instant);
    await pMap(
      others,
      ({ lease: other, ...place }) =>
        attempt(async () => results.push(await switchOff(services, place, other, actor, instant))),
      { concurrency: PLACES_AT_ONCE },
    );
  });
  await attempt(() => startEnding(services, lease.exceptionId, actor, instant));
  if (faults.length > 0) throw faults[0];
  return allOf(results);
}

async function endedElsewhere(
  { store, clock }: Services,
  pair: Pair,
  id: ExceptionId,
  instant: EpochMs,
): Promise<readonly PlacedLease[]> {
  const { value: record } = await requireException(store, id);
  if (!hasSeveralPlaces(record.request)) return [];
  const now = epochMs(Math.max(clock.now(), instant));
  return (await readLeases(store, record)).filter(
    (placed) => !isSamePlace(placed, pair) && isUnsettled(placed.lease) && !isActive(placed.lease, now),
  );
}

/** What several places come to together: off where all are. */
export function allOf(results: readonly SwitchOffResult[]): SwitchOffResult {
  const [first] = results;
  if (first !== undefined && results.length === 1) return first;
  const isOff = results.every((each) => each.isOff);
  const unsettled = results.filter(({ isSettled }) => !isSettled);
  const open = unsettled.length === 0 ? results : unsettled;
  return {
    isOff,
    isSettled: unsettled.length === 0,
    retryAt: epochMs(Math.min(...open.map(({ retryAt }) => retryAt))),
    says: isOff
      ? 'off and read back in every account and Region'
      : `not off everywhere: ${results
          .filter((each) => !each.isOff)
          .map(({ says }) => says)
          .join('; ')}`,
  };
}

/**
 * Content storage towards an exception's destination is on again: what was proven so far is void.
 *
 * @param isFromOutside - found by another than the running ending, which may sleep until its second listing: the next `startEnding` starts
 *   another, and that one ends when it wakes (`isSuperseded`). The ending itself goes on by itself.
 */
export async function reopen(
  services: Services,
  id: ExceptionId,
  pair: Pair,
  actor: EventActor,
  { hint, isFromOutside = false }: { hint?: string | undefined; isFromOutside?: boolean } = {},
): Promise<void> {
  const says =
    'content storage towards this exception’s destination is on again; the proof of the purge starts over';
  await amend(services, id, (record, rows) => {
    const again = nextState(record.state, 'found-again');
    const lease = leasesOf(rows, id).find((placed) => isSamePlace(placed, pair))?.lease;
    // Another place may still be on its way off: this one then joins it.
    if (!again.ok || lease === undefined || (record.state === 'ending' && lease.offAt === undefined))
      return ok({ record });
    const { offAt, ...unsettled } = lease;
    const foundAt = services.clock.now();
    const interference: Interference = {
      ...placeIn(record, pair),
      foundAt,
      found: 'on-again',
      since: offAt ?? foundAt,
      ...(hint === undefined || isOwnCall(hint, pair) ? {} : { hint }),
    };
    return ok({
      record: withInterference(
        {
          ...record,
          ...(isFromOutside && record.state === 'purging'
            ? { proofRestarts: (record.proofRestarts ?? 0) + 1 }
            : {}),
          state: again.value,
          emptyListings: [],
        },
        interference,
      ),
      rows: withLeases(rows, id, (other) => (other === lease ? unsettled : other)),
      events: [
        {
          type: 'exception.found-again',
          actor,
          subject: id,
          data: { says: sayingWhere(record.request, pair, says) },
        },
      ],
    });
  });
}

/** A lease whose setting cannot be read: on record with every look, told to people at first and then ever more seldom. */
async function noteUnreadable(
  services: Services,
  pair: Pair,
  id: ExceptionId,
  actor: EventActor,
  now: EpochMs,
  observed: string,
): Promise<void> {
  await amend(services, id, (record) => {
    const { unreadable } = factsAt(record, pair);
    const isRepeat = !isToldAgain(unreadable, now, DAY);
    return ok({
      record: isRepeat
        ? record
        : withFacts(record, pair, (facts) => ({
            ...facts,
            unreadable: { firstSeenAt: unreadable?.firstSeenAt ?? now, toldAt: now },
          })),
      events: [
        {
          type: 'enforcement.unreadable',
          actor,
          subject: `${pair.accountId}/${pair.region}`,
          data: {
            ...pair,
            exceptionId: id,
            ...(isRepeat ? { isRepeat } : {}),
            says: `the setting of ${pair.accountId}, ${pair.region} ${observed} during a lease`,
          },
        },
      ],
    });
  });
}

/**
 * After the end, somebody else's setting stores content where an exception was. It is theirs: nothing of ours purges it, and where the policy
 * only observes nothing undoes it. Told once for each such setting, also of an exception that is closed.
 */
async function noteForeignSetting(
  services: Services,
  pair: Pair,
  id: ExceptionId,
  actor: EventActor,
  observed: string,
): Promise<void> {
  const says = `after this exception ended, somebody else’s setting stores content in ${pair.accountId}, ${pair.region} (${observed}), under no exception`;
  await amend(services, id, (record) =>
    ok(
      factsAt(record, pair).foreignSetting?.observed === observed
        ? { record }
        : {
            record: withFacts(record, pair, (facts) => ({
              ...facts,
              foreignSetting: { at: services.clock.now(), observed },
            })),
            events: [
              { type: 'exception.foreign-setting', actor, subject: id, data: { ...pair, observed, says } },
            ],
          },
    ),
  );
}

/** What is not so any more in this account and Region. */
async function forgetFact(
  services: Services,
  pair: Pair,
  records: ReadonlyMap<ExceptionId, ExceptionRecord>,
  name: 'isBaselineMissing' | 'unreadable' | 'foreignSetting',
): Promise<void> {
  for (const [id, known] of records) {
    if (factsAt(known, pair)[name] === undefined) continue;
    await amend(services, id, (record) =>
      ok({ record: withFacts(record, pair, ({ [name]: _forgotten, ...facts }) => facts) }),
    );
  }
}

async function recordsOf(
  services: Services,
  row: LeaseRow | undefined,
): Promise<Map<ExceptionId, ExceptionRecord>> {
  const records = new Map<ExceptionId, ExceptionRecord>();
  for (const { exceptionId } of row?.leases ?? []) {
    const record = await readException(services.store, exceptionId);
    if (record) records.set(exceptionId, record.value);
  }
  return records;
}
