import pMap from 'p-map';
import {
  type EpochMs,
  type EventActor,
  epochMs,
  formatDuration,
  formatInstant,
  MINUTE,
  ok,
} from '../core/index.ts';
import {
  abandon,
  amend,
  decodeRecord,
  durationOf,
  type ExceptionRecord,
  type ExecutionStatus,
  emptyOutbox,
  enablingSince,
  isActive,
  isHeld,
  isPastRetention,
  isTerminal,
  isUnsettled,
  type LeaseRow,
  type PlacedLease,
  readLeases,
  revokeLease,
} from '../exceptions/index.ts';
import { tellAdoption } from './adopt.ts';
import { enforcedKey, enforcePair, enforcesAnywhere, governedPairs } from './enforce.ts';
import { keepAllHeld } from './hold-vault.ts';
import type { Services } from './ports.ts';
import { endLease, reconcilePair } from './reconcile.ts';
import { rejudge } from './rejudge.ts';
import { noteBreach, remind } from './remind.ts';
import { pullSecondLever } from './second-lever.ts';
import { startEnding } from './start-ending.ts';
import { wakeDecided } from './wake.ts';

const sweeper: EventActor = { id: 'sweeper', kind: 'sweeper' };

export interface SweepReport {
  readonly exceptions: number;
  readonly pairs: number;
  /** Governed accounts times Regions that the policy enforces, or that were enforced before; 0 where it only observes. */
  readonly governed: number;
  /** What could not be done this time; the next sweep tries again. Never stops the others. */
  readonly faults: readonly string[];
}

/**
 * Every 15 minutes: looks at every unfinished exception and every leased pair, and puts right what the workflows, schedules and
 * events missed. Only tightens. One exception's fault never keeps another waiting.
 *
 * @param instant - the trigger's own instant
 */
export async function sweep(services: Services, instant: EpochMs): Promise<SweepReport> {
  const clock = services.clock.now();
  const now = clock > instant ? clock : instant;
  const faults: string[] = [];
  const attempt = async (what: string, act: () => Promise<unknown>): Promise<void> => {
    try {
      await act();
    } catch (error) {
      faults.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  const all: ExceptionRecord[] = [];
  for (const stored of await services.store.list('exception/'))
    await attempt(stored.key, async () => all.push(decodeRecord<ExceptionRecord>(stored)));
  const exceptions = all.filter(({ state }) => !isTerminal(state));
  // What a process that died between a commit and its record left untold; also of what has ended meanwhile.
  const untold = all.filter(({ outbox }) => outbox !== undefined);
  await pMap(untold, ({ id }) => attempt(id, () => emptyOutbox(services, id)), {
    concurrency: OUTBOXES_AT_ONCE,
  });
  for (const record of all) {
    // Closed before its end, it could otherwise go unsaid that nobody had confirmed it by then.
    if (isTerminal(record.state)) await attempt(record.id, () => noteBreach(services, record, now));
  }
  for (const record of exceptions) await attempt(record.id, () => sweepException(services, record, now));
  await attempt('policy in force', () => tellAdoption(services));
  await attempt('policy in force', () => rejudge(services, now));
  const rows: LeaseRow[] = [];
  for (const stored of await services.store.list('lease/'))
    await attempt(stored.key, async () => rows.push(decodeRecord<LeaseRow>(stored)));
  for (const { accountId, region } of rows) {
    await attempt(`${accountId}/${region}`, () =>
      reconcilePair(services, { accountId, region }, sweeper, now),
    );
  }
  const governed = await sweepGoverned(services, attempt);
  await recordFaults(services, faults);
  const met = faults.length;
  // Last: it may read and write for minutes, and what switches off or tells of it waits for no hold (INVARIANT OFF_NEEDS_NOTHING).
  const held = exceptions.filter((record) => isHeld(record)).map(({ id }) => id);
  await keepAllHeld(services, held, sweeper, attempt);
  await recordFaults(services, faults.slice(met));
  return { exceptions: exceptions.length, pairs: rows.length, governed, faults };
}

async function recordFaults({ recorder }: Services, faults: readonly string[]): Promise<void> {
  if (faults.length === 0) return;
  await recorder.record({
    type: 'sweep.faults',
    actor: sweeper,
    subject: 'sweep',
    data: { faults, says: `the sweep met faults and will try again: ${faults.join('; ')}` },
  });
}

/** Outboxes emptied at the same time: on one machine they share commits, in AWS they wait for the table together. */
const OUTBOXES_AT_ONCE = 64;

/** Regions of accounts read at the same time: Bedrock throttles by account, so these do not disturb each other. */
const AT_ONCE = 8;

/**
 * Drift that is not ours, in every governed account. Under `observe` nothing is read here: AWS Config and `check` report. What the policy
 * enforced before and does not any more is visited once, to be forgotten.
 */
async function sweepGoverned(
  services: Services,
  attempt: (what: string, act: () => Promise<unknown>) => Promise<void>,
): Promise<number> {
  let visited = 0;
  await attempt('enforcement', async () => {
    const policy = await services.policyInForce.current();
    const known = new Set((await services.store.list('enforced/')).map(({ key }) => key));
    if (!enforcesAnywhere(policy) && known.size === 0) return;
    const pairs = governedPairs(await services.organizationView.organization(), policy).filter(
      (pair) => pair.enforcement === 'enforce' || known.has(enforcedKey(pair)),
    );
    visited = pairs.length;
    await pMap(
      pairs,
      (pair) =>
        attempt(`${pair.accountId}/${pair.region}`, () =>
          enforcePair(services, pair, { actor: sweeper, pace: 'own' }),
        ),
      { concurrency: AT_ONCE },
    );
  });
  return visited;
}

/** What a sweep does for one exception; an event about its execution asks for the same. */
export async function sweepException(
  services: Services,
  record: ExceptionRecord,
  now: EpochMs,
  actor: EventActor = sweeper,
): Promise<void> {
  try {
    await putRight(services, record, now, actor);
  } finally {
    // Afterwards: telling people needs the policy, and ending needs nothing (INVARIANT OFF_NEEDS_NOTHING).
    await noteBreach(services, record, now);
    await remind(services, record, now);
  }
}

async function putRight(
  services: Services,
  record: ExceptionRecord,
  now: EpochMs,
  actor: EventActor,
): Promise<void> {
  const { store } = services;
  const leases = await readLeases(store, record);
  const since = enablingSince(leases);
  if (since === undefined) {
    await expireUnenabled(services, record, now);
    // Last, and only for what waits: a token service that is down must not hold up what ends.
    await startAgain(services, record);
    // Behind the approvals nobody waits for a decision.
    if (record.state === 'submitted' || record.state === 'approved') await wakeDecided(services, record.id);
    return;
  }
  if (record.state === 'draining' || record.state === 'purging') {
    await notePurgeOverdue(services, record, leases, now);
    await startEnding(services, record.id, actor, now);
    return;
  }
  const isLive = leases.some(({ lease }) => isActive(lease, now));
  if (isLive) {
    if (!(await hasStoppedEarly(services, record, leases, now))) return;
    await revokeLease(services, record.id, actor, 'its workflow is no longer running', now);
  }
  await endOrPull(services, record, leases, actor, now);
}

/** Off directly. Where that keeps failing, the sweeper takes the destination away; an event's own handler has no such right. */
async function endOrPull(
  services: Services,
  { id }: ExceptionRecord,
  leases: readonly PlacedLease[],
  actor: EventActor,
  now: EpochMs,
): Promise<void> {
  const first = leases.find(({ lease }) => isUnsettled(lease)) ?? leases[0];
  if (first === undefined) return;
  let isOff = false;
  try {
    ({ isOff } = await endLease(services, first, first.lease, actor, now));
  } finally {
    // Also where the ending workflow cannot be started: the lever waits for nobody. It leaves alone what is off.
    if (!isOff && actor.kind === 'sweeper')
      for (const { accountId, region } of leases)
        await pullSecondLever(services, { accountId, region }, id, actor, now);
  }
}

/** Said once, while it lasts: a purge that cannot even list would otherwise be silent until it ends. */
async function notePurgeOverdue(
  services: Services,
  record: ExceptionRecord,
  leases: readonly PlacedLease[],
  now: EpochMs,
): Promise<void> {
  // Told by the hold itself; after the release it counts, and is told.
  if (isHeld(record)) return;
  const provenAt = record.emptyListings[1]?.at;
  if (record.isPurgeOverdue === true || !isPastRetention(record, leases, provenAt ?? now)) return;
  const says = `the purge is not proven within the retention of ${formatDuration(record.request.retention)}; trying on`;
  await amend(services, record.id, (current) =>
    ok(
      current.isPurgeOverdue === true
        ? { record: current }
        : {
            record: { ...current, isPurgeOverdue: true },
            events: [{ type: 'exception.purge-overdue', actor: sweeper, subject: record.id, data: { says } }],
          },
    ),
  );
}

/** DescribeExecution is eventually consistent: a missing execution counts only when the enabling is some minutes old. */
async function hasStoppedEarly(
  services: Services,
  record: ExceptionRecord,
  leases: readonly PlacedLease[],
  now: EpochMs,
): Promise<boolean> {
  const { status } = await latestExecution(services, record);
  if (status === 'RUNNING') return false;
  const until = Math.max(...leases.map(({ lease }) => lease.enabling?.until ?? 0));
  return status !== undefined || now > until + 5 * MINUTE;
}

const MOST_STARTS = 50;

/** The youngest execution of an exception's workflow: the first has the exception's name, a later one a number behind it. */
async function latestExecution(
  { executions }: Services,
  { id }: ExceptionRecord,
): Promise<{ attempt: number; status: ExecutionStatus | undefined }> {
  let latest = { attempt: 1, status: await executions.status('exception', id) };
  for (
    let attempt = 2;
    attempt <= MOST_STARTS && latest.status !== undefined && latest.status !== 'RUNNING';
    attempt++
  ) {
    const status = await executions.status('exception', `${id}-${attempt}`);
    if (status === undefined) break;
    latest = { attempt, status };
  }
  return latest;
}

/**
 * A workflow that never started, or that died of a fault while nothing was enabled, is started again: its approvals stand in the
 * record. One that somebody stopped (ABORTED) is not: the exception then expires.
 */
async function startAgain(services: Services, record: ExceptionRecord): Promise<void> {
  const { attempt, status } = await latestExecution(services, record);
  if (status === undefined)
    await services.executions.start('exception', record.id, { exceptionId: record.id });
  if ((status === 'FAILED' || status === 'TIMED_OUT') && attempt < MOST_STARTS)
    await services.executions.start('exception', `${record.id}-${attempt + 1}`, { exceptionId: record.id });
}

async function expireUnenabled(services: Services, record: ExceptionRecord, now: EpochMs): Promise<void> {
  const { policy } = await services.policyInForce.current();
  const latest = epochMs(record.request.startsAt + durationOf(policy.exceptions.limits.enableWithin));
  const deadline = record.state === 'submitted' ? record.approvalsDeadline : latest;
  if (now < deadline) return;
  const says =
    record.state === 'submitted'
      ? `not every role had approved by ${formatInstant(deadline)}`
      : `content storage was not on by ${formatInstant(deadline)}`;
  await abandon(services, record.id, 'expire', says, sweeper);
}
