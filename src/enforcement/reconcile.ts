import { DAY, type EpochMs, type EventActor, type ExceptionId, ok } from '../core/index.ts';
import {
  amend,
  type ExceptionRecord,
  type Interference,
  type LeaseRow,
  leaseOf,
  nextState,
  readException,
  readLeaseRow,
  revokeLease,
  withInterference,
  withLease,
} from '../exceptions/index.ts';
import { hasUnnamed, isOwnCall, nameParties } from './interference.ts';
import { type PairPlan, planPair } from './plan.ts';
import type { Pair, Services } from './ports.ts';
import { startEnding } from './start-ending.ts';
import { describeObserved, isToldAgain, type SwitchOffResult, switchOff } from './switch-off.ts';

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
    if (hasUnnamed(record) || (isNew && plan.lease.exceptionId === id))
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
  const plan = planPair({ row, records, observed, now });
  switch (plan.kind) {
    case 'leave': {
      // Somebody put a baseline of their own: ours must never come back over it, however much later theirs goes.
      if (observed.kind === 'observed') await forgetMissingBaselines(services, records);
      if (plan.why === 'unreadable-during-lease')
        await noteUnreadable(
          services,
          pair,
          plan.lease.exceptionId,
          actor,
          clock,
          describeObserved(observed),
        );
      else await forgetUnreadable(services, records);
      if (plan.why === 'not-ours' && plan.after !== undefined)
        await noteForeignSetting(services, pair, plan.after.exceptionId, actor, describeObserved(observed));
      else if (observed.kind !== 'unobservable') await forgetForeignSettings(services, records);
      return { plan };
    }
    case 'contested': {
      const seen = describeObserved(observed);
      const other = hint === undefined || isOwnCall(hint, pair) ? {} : { hint };
      const reason = `${plan.says} (${seen})${other.hint === undefined ? '' : `; the event names ${other.hint}`}`;
      const interference: Interference = {
        foundAt: clock,
        found: plan.isElsewhere ? 'changed' : 'switched-off',
        since: plan.lease.enabling?.at ?? plan.lease.startsAt,
        ...other,
      };
      const contested = plan.isElsewhere ? { at: clock, observed: seen } : undefined;
      await revokeLease(services, plan.lease.exceptionId, actor, reason, now, {
        interference,
        ...(contested === undefined ? {} : { contested }),
      });
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
      if (after.kind === 'observed') await forgetMissingBaselines(services, records);
      return { plan };
    }
    case 'switch-off': {
      if (plan.why === 'found-again') await reopen(services, plan.lease.exceptionId, actor, hint);
      return { plan, result: await endLease(services, pair, plan.lease, actor, instant) };
    }
  }
}

/** Off directly, then the ending workflow. */
export async function endLease(
  services: Services,
  pair: Pair,
  lease: Parameters<typeof switchOff>[2],
  actor: EventActor,
  instant: EpochMs,
): Promise<SwitchOffResult> {
  const result = await switchOff(services, pair, lease, actor, instant);
  await startEnding(services, lease.exceptionId, actor, instant);
  return result;
}

/** Content storage towards an exception's destination is on again: what was proven so far is void. */
export async function reopen(
  services: Services,
  id: ExceptionId,
  actor: EventActor,
  hint?: string,
): Promise<void> {
  const says =
    'content storage towards this exception’s destination is on again; the proof of the purge starts over';
  await amend(services, id, (record, row) => {
    const again = nextState(record.state, 'found-again');
    const lease = leaseOf(row, id);
    if (!again.ok || row === undefined || lease === undefined) return ok({ record });
    const { offAt, ...unsettled } = lease;
    const foundAt = services.clock.now();
    const interference: Interference = {
      foundAt,
      found: 'on-again',
      since: offAt ?? foundAt,
      ...(hint === undefined || isOwnCall(hint, record.request) ? {} : { hint }),
    };
    return ok({
      record: withInterference({ ...record, state: again.value, emptyListings: [] }, interference),
      row: withLease(row, unsettled),
      events: [{ type: 'exception.found-again', actor, subject: id, data: { says } }],
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
    const isRepeat = !isToldAgain(record.unreadable, now, DAY);
    return ok({
      record: isRepeat
        ? record
        : {
            ...record,
            unreadable: { firstSeenAt: record.unreadable?.firstSeenAt ?? now, toldAt: now },
          },
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

async function forgetUnreadable(
  services: Services,
  records: ReadonlyMap<ExceptionId, ExceptionRecord>,
): Promise<void> {
  for (const [id, { unreadable }] of records) {
    if (unreadable === undefined) continue;
    await amend(services, id, ({ unreadable: _read, ...record }) => ok({ record }));
  }
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
      record.foreignSetting?.observed === observed
        ? { record }
        : {
            record: { ...record, foreignSetting: { at: services.clock.now(), observed } },
            events: [
              { type: 'exception.foreign-setting', actor, subject: id, data: { ...pair, observed, says } },
            ],
          },
    ),
  );
}

async function forgetForeignSettings(
  services: Services,
  records: ReadonlyMap<ExceptionId, ExceptionRecord>,
): Promise<void> {
  for (const [id, { foreignSetting }] of records) {
    if (foreignSetting === undefined) continue;
    await amend(services, id, ({ foreignSetting: _gone, ...record }) => ok({ record }));
  }
}

async function forgetMissingBaselines(
  services: Services,
  records: ReadonlyMap<ExceptionId, ExceptionRecord>,
): Promise<void> {
  for (const [id, { isBaselineMissing }] of records) {
    if (isBaselineMissing !== true) continue;
    await amend(services, id, (record) => {
      const { isBaselineMissing: _missing, ...restored } = record;
      return ok({ record: restored });
    });
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
