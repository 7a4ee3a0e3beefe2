import {
  canonicalJson,
  ceilToMinute,
  DAY,
  type EpochMs,
  type EventActor,
  type ExceptionId,
  epochMs,
  formatInstant,
  MINUTE,
  ok,
} from '../core/index.ts';
import {
  DATA_DELIVERY_FLAGS,
  type LoggingConfiguration,
  type Observation,
  type Organization,
} from '../evidence/index.ts';
import {
  abandon,
  amend,
  type BaselineConfiguration,
  type BucketFacts,
  type Change,
  type CompleteLoggingConfiguration,
  durationOf,
  type ExceptionRecord,
  isActive,
  isOver,
  isOwnPut,
  isTerminal,
  isWithin,
  judge,
  type Lease,
  type LeaseRow,
  leaseOf,
  mostLeasedTime,
  nextState,
  quorum,
  readLeaseRow,
  requireException,
  sheetFault,
  storesContent,
  withLease,
} from '../exceptions/index.ts';
import { storageFor } from '../policy/index.ts';
import {
  backstop,
  type DestinationFault,
  describeFault,
  judgeDestination,
  judgeDisableRole,
} from './destination.ts';
import { invokersOf } from './invokers.ts';
import { isUnsettled } from './plan.ts';
import type { OneTimeSchedule, Services } from './ports.ts';
import { describeObserved, scheduleName, switchOff } from './switch-off.ts';
import { unitPathOf } from './unit-path.ts';

export interface PreflightResult {
  /** `wait`: not yet, look again at `at`; `ask`: approvals are missing again; the last three: nothing will be enabled. */
  readonly result: 'ready' | 'wait' | 'ask' | 'refused' | 'expired' | 'ended';
  readonly at: string;
  readonly says: string;
}

const workflow: EventActor = { id: 'workflow', kind: 'workflow' };

/**
 * Checks everything again at the start: the quorum with today's people, the standing conditions under the policy in force, the
 * pair's setting, the destination. What can still become right is waited for until `enableWithin` after the start; what
 * cannot is refused. Nothing is switched here.
 */
export async function preflight(services: Services, id: ExceptionId): Promise<PreflightResult> {
  const { clock, store } = services;
  const now = clock.now();
  const { value: record } = await requireException(store, id);
  const { accountId, region } = record.request;
  const row = (await readLeaseRow(store, accountId, region))?.value;
  const lease = leaseOf(row, id);
  const at = formatInstant(now);
  if (isTerminal(record.state)) return { result: 'ended', at, says: record.reason ?? record.state };
  if (row === undefined || lease === undefined) throw new Error(`exception \`${id}\` has no reserved window`);
  if (lease.revoked !== undefined) return end(services, record, 'withdraw', lease.revoked.reason);
  if (record.state === 'submitted')
    return { result: 'ask', at, says: 'the policy in force asks for approvals that are still missing' };
  const policy = await services.policyInForce.current();
  const deadline = epochMs(lease.startsAt + durationOf(policy.policy.exceptions.limits.enableWithin));
  if (now >= deadline || isOver(lease, now)) {
    return end(services, record, 'expire', `content storage was not on by ${formatInstant(deadline)}`);
  }
  const people = await services.directory.people();
  const { validFor } = policy.policy.exceptions.approvals;
  const reached = quorum(record, people, epochMs(now - durationOf(validFor)));
  const [fault] = record.admissions.flatMap(({ policyHash }) => sheetFault(record, policyHash) ?? []);
  if (fault !== undefined) return end(services, record, 'refuse', `at the start, ${fault}`);
  if (reached.kind !== 'reached') {
    return end(
      services,
      record,
      'refuse',
      `at the start, the approvals no longer suffice: an approver has left or lost the role, or an approval is older than ${validFor}`,
    );
  }
  const organization = await services.organizationView.organization();
  const bucket = await bucketOf(services, record);
  const judgement = judge({
    request: record.request,
    requesterId: record.requesterId,
    policy,
    organization,
    people,
    row,
    bucket,
    invokers: await invokersOf(services, record.request, organization),
    scope: 'standing',
    now,
  });
  if (judgement.outcome === 'refused') {
    const failed = judgement.conditions.filter(({ holds }) => holds === 'not-met');
    return end(
      services,
      record,
      'refuse',
      `at the start, the policy refuses: ${failed.map(({ says }) => says).join('; ')}`,
    );
  }
  // A clock that runs slow here would otherwise come back at once, again and again.
  const later = Math.max(now + MINUTE, lease.startsAt);
  const wait = (says: string): PreflightResult => ({
    result: 'wait',
    at: formatInstant(epochMs(later)),
    says,
  });
  if (now < lease.startsAt) return wait('the start has not come yet by the clock here');
  if (judgement.outcome === 'undecided') {
    const open = judgement.conditions.filter(({ holds }) => holds === 'undecided');
    return wait(`a condition cannot be decided yet: ${open.map(({ says }) => says).join('; ')}`);
  }
  if (record.policyHashes.at(-1) !== policy.hash)
    return wait('the policy in force has not been judged for this exception yet');
  const others = { ...row, leases: row.leases.filter((candidate) => candidate.exceptionId !== id) };
  const { leasedTime } = policy.policy.exceptions.limits;
  const most = mostLeasedTime(others, record.request, durationOf(leasedTime.within), now);
  if (most > durationOf(leasedTime.atMost)) {
    return end(
      services,
      record,
      'refuse',
      `an earlier exception there was on for longer than planned: more than ${leasedTime.atMost} would be leased within ${leasedTime.within}`,
    );
  }
  const other = others.leases.find(isUnsettled);
  if (other) return wait(`${other.exceptionId} is not yet read back as off in ${accountId}, ${region}`);

  const observed = await services.settings.getInvocationLogging({ accountId, region });
  if (observed.kind === 'unobservable') return wait(`the present setting ${describeObserved(observed)}`);
  const seen = observed.kind === 'observed' ? observed.value : undefined;
  if (storesContent(seen)) {
    return end(
      services,
      record,
      'refuse',
      `content storage is already on there, and it is not ours: ${describeObserved(observed)}`,
    );
  }
  const { baseline: kind } = storageFor(policy.policy, unitPathOf(organization, accountId));
  if (kind === 'none' && seen !== undefined) {
    return end(
      services,
      record,
      'refuse',
      `logging without content is configured there (${describeObserved(observed)}), and the policy’s baseline \`none\` would not bring it back; make the baseline \`metadata-only\`, or remove it`,
    );
  }
  const baseline = baselineOf(kind, seen);
  if (baseline === undefined) {
    return end(
      services,
      record,
      'refuse',
      'the policy’s baseline is metadata-only, but no metadata-only configuration is in place to return to',
    );
  }
  const { destination } = record.request;
  if (destination.kind === 'cloudwatch-logs') {
    const days = backstop(Math.ceil(record.request.retention / DAY));
    await services.destinations.createLogGroup(
      { accountId, region },
      destination.logGroupName,
      destination.kmsKeyArn,
      days,
    );
  }
  const faults = await inspect(services, record, { ...lease, baseline }, organization, bucket);
  const defects = faults.filter((fault) => fault.kind === 'defect');
  if (defects.length > 0)
    return end(
      services,
      record,
      'refuse',
      `at the start, the destination is not as it must be: ${defects.map(describeFault).join('; ')}`,
    );
  if (faults.length > 0) return wait(faults.map(describeFault).join('; '));
  await change(services, id, (current, currentRow, currentLease) => {
    const begun = nextState(current.state, 'begin-preflight');
    return {
      record: { ...current, state: begun.ok ? begun.value : current.state, settingBefore: seen ?? null },
      row: withLease(currentRow, { ...currentLease, baseline }),
      events: [
        {
          type: 'exception.preflight-passed',
          actor: workflow,
          subject: id,
          data: {
            before: describeObserved(observed),
            baseline: kind,
            says: `everything was checked again; before: ${describeObserved(observed)}; afterwards it returns to: ${kind}`,
          },
        },
      ],
    };
  });
  return { result: 'ready', at, says: 'everything was checked again' };
}

/** Looks at the destination and at the role that will switch off; unknown is not fine. */
async function inspect(
  { inspection }: Services,
  { request }: ExceptionRecord,
  { baseline, destination, startsAt, expiresAt }: Lease,
  organization: Organization,
  facts: Observation<BucketFacts>,
): Promise<readonly DestinationFault[]> {
  const pair = { accountId: request.accountId, region: request.region };
  const iam = await inspection.readIam(pair.accountId);
  const place =
    destination.kind === 's3'
      ? { bucket: await inspection.inspectBucket(pair, destination.bucketName) }
      : { logGroup: await inspection.inspectLogGroup(pair, destination.logGroupName) };
  const key = await inspection.inspectKey(pair, destination.kmsKeyArn);
  const isVersioned = facts.kind === 'observed' && facts.value.isVersioned;
  return [
    ...judgeDestination({ request, destination, startsAt, expiresAt, isVersioned, ...place, key, iam }),
    ...judgeDisableRole({ request, organization, iam, baseline }),
  ];
}

function baselineOf(
  kind: 'none' | 'metadata-only',
  seen: LoggingConfiguration | undefined,
): BaselineConfiguration | undefined {
  if (kind === 'none') return { kind: 'none' };
  if (seen === undefined) return undefined;
  return DATA_DELIVERY_FLAGS.every((flag) => seen[flag] === false)
    ? { kind: 'metadata-only', configuration: seen as CompleteLoggingConfiguration }
    : undefined;
}

export async function bucketOf(
  services: Pick<Services, 'destinations'>,
  { request }: Pick<ExceptionRecord, 'request'>,
): Promise<Observation<BucketFacts>> {
  const { destination, accountId, region } = request;
  if (destination.kind !== 's3') return { kind: 'unobservable', reason: 'not-collected' };
  return services.destinations.describeBucket({ accountId, region }, destination.bucketName);
}

async function end(
  services: Services,
  record: ExceptionRecord,
  event: 'expire' | 'refuse' | 'withdraw',
  says: string,
): Promise<PreflightResult> {
  const ended = await abandon(services, record.id, event, says, workflow);
  if (!ended.ok) throw new Error(ended.error.message);
  await removeLeftovers(services, record);
  const result = event === 'expire' ? 'expired' : event === 'refuse' ? 'refused' : 'ended';
  return { result, at: formatInstant(services.clock.now()), says };
}

/** What was prepared for an exception that was never enabled. Nothing was stored; tidiness that may fail. */
export async function removeLeftovers(services: Services, { id, request }: ExceptionRecord): Promise<void> {
  await services.schedules.delete(scheduleName(id)).catch(() => undefined);
  const { accountId, region, destination } = request;
  if (destination.kind === 'cloudwatch-logs')
    await services.destinations
      .deleteLogGroup({ accountId, region }, destination.logGroupName)
      .catch(() => undefined);
}

/**
 * Arms the dead man's switch and reads it back before anything is enabled. Its payload suffices to switch off even if the lease
 * table cannot be read. @throws Error when it does not read back as created
 */
export async function armDeadMansSwitch(services: Services, id: ExceptionId): Promise<{ firesAt: string }> {
  const { value: record } = await requireException(services.store, id);
  const { accountId, region } = record.request;
  const lease = leaseOf((await readLeaseRow(services.store, accountId, region))?.value, id);
  if (lease === undefined) throw new Error(`exception \`${id}\` has no reserved window`);
  const at = ceilToMinute(lease.expiresAt);
  const schedule: OneTimeSchedule = {
    name: scheduleName(id),
    at,
    target: 'deadMansSwitch',
    payload: {
      exceptionId: id,
      accountId,
      region,
      expiresAt: formatInstant(lease.expiresAt),
      baseline: lease.baseline,
    },
  };
  await services.schedules.create(schedule);
  const readBack = await services.schedules.get(schedule.name);
  if (readBack === undefined || canonicalJson(readBack) !== canonicalJson(schedule)) {
    throw new Error(`the dead man’s switch \`${schedule.name}\` does not read back as created`);
  }
  await services.recorder.record({
    type: 'exception.switch-armed',
    actor: workflow,
    subject: id,
    data: {
      schedule: schedule.name,
      at,
      says: `dead man’s switch armed for ${formatInstant(at)} and read back`,
    },
  });
  return { firesAt: formatInstant(at) };
}

/** One attempt, and how long a Put that timed out here may still land there. [unverified on AWS: no bound is documented] */
export const ENABLE_TIMEOUT_MS = 10_000;
const ENABLE_MARGIN_MS = 20_000;

export type EnableResult =
  | { readonly result: 'put' }
  | { readonly result: 'revoked' | 'not-active'; readonly says: string };

/**
 * The only place that turns content storage on, and only from `preflight`. The intent (`enabling`, with the instant until which the Put can land) is in the
 * lease before the call; a second invocation finds it and never puts again. After the call the lease is read again, so that a
 * revocation that came meanwhile wins.
 *
 * @throws EnableAttempted when an attempt was made before and its outcome is unknown: the workflow then ends the exception
 * @throws AwsCallError when the Put fails; it may have happened, so this too leads to the ending
 */
export async function enable(services: Services, id: ExceptionId): Promise<EnableResult> {
  const { clock, store, settings } = services;
  const now = clock.now();
  let lease: Lease | undefined;
  let attempted = false;
  let isAllowed = false;
  const { record } = await change(services, id, (current, row, currentLease) => {
    attempted = currentLease.enabling !== undefined;
    lease = currentLease;
    // Preflight was some seconds ago: meanwhile it may have been withdrawn, refused, or sent back for further approvals.
    isAllowed = current.state === 'preflight' && isActive(currentLease, now);
    if (attempted || !isAllowed) return { record: current, row };
    lease = {
      ...currentLease,
      enabling: { at: now, until: epochMs(now + ENABLE_TIMEOUT_MS + ENABLE_MARGIN_MS) },
    };
    const { accountId, region } = current.request;
    const { configuration, enabling } = lease;
    const says = `enabling content storage in ${accountId}, ${region}`;
    const data = { accountId, region, configuration, until: enabling?.until, says };
    return {
      record: current,
      row: withLease(row, lease),
      events: [{ type: 'enable.intended', actor: workflow, subject: id, data }],
    };
  });
  if (lease === undefined) throw new Error(`exception \`${id}\` has no reserved window`);
  if (attempted) throw new EnableAttempted(id);
  if (!isAllowed)
    return {
      result: 'not-active',
      says: 'the window is over, was revoked or given back, or approvals are missing again',
    };
  const pair = { accountId: record.request.accountId, region: record.request.region };
  // Writing the intent may have taken long: a Put sent now must still be able to land before `until`, and nobody may have revoked.
  const ready = leaseOf((await readLeaseRow(store, pair.accountId, pair.region))?.value, id);
  const sent = clock.now();
  if (
    ready === undefined ||
    !isActive(ready, sent) ||
    sent + ENABLE_TIMEOUT_MS > (ready.enabling?.until ?? 0)
  ) {
    return {
      result: 'revoked',
      says: 'the lease was revoked, or too much time passed, before content storage was enabled',
    };
  }
  await settings.putInvocationLogging(pair, lease.configuration, ENABLE_TIMEOUT_MS);
  const after = leaseOf((await readLeaseRow(store, pair.accountId, pair.region))?.value, id);
  if (after === undefined || !isActive(after, clock.now())) {
    await switchOff(services, pair, lease, workflow, clock.now());
    return { result: 'revoked', says: 'the lease was revoked while content storage was being enabled' };
  }
  return { result: 'put' };
}

export class EnableAttempted extends Error {
  constructor(id: ExceptionId) {
    super(
      `enabling \`${id}\` was attempted before and its outcome is unknown; it is ended, never tried twice`,
    );
    this.name = 'EnableAttempted';
  }
}

/**
 * Reads back what the Put did. Active only when AWS shows exactly what the lease says.
 * @throws Error when it shows anything else: the workflow tries again a few times, then ends the exception
 */
export async function confirmEnabled(
  services: Services,
  id: ExceptionId,
): Promise<{ next: 'wait' | 'end'; at: string }> {
  const { clock, settings, store } = services;
  const { value: before } = await requireException(store, id);
  const pair = { accountId: before.request.accountId, region: before.request.region };
  const observed = await settings.getInvocationLogging(pair);
  const seen = observed.kind === 'observed' ? observed.value : undefined;
  const now = clock.now();
  const lease = leaseOf((await readLeaseRow(store, pair.accountId, pair.region))?.value, id);
  if (lease === undefined || !isActive(lease, now)) return { next: 'end', at: formatInstant(now) };
  // Strict, but for flags that AWS leaves out of its answer to our own Put.
  const isOurs =
    seen !== undefined && (isOwnPut(seen, lease.configuration) || isWithin(seen, lease.configuration));
  if (seen === undefined || !storesContent(seen) || !isOurs) {
    throw new Error(`read back ${describeObserved(observed)}, which is not what was enabled`);
  }
  let isActiveNow = false;
  const says = `content storage is on until ${formatInstant(lease.expiresAt)}, read back: ${describeObserved(observed)}`;
  await change(services, id, (current, row) => {
    const active = nextState(current.state, 'enable');
    isActiveNow = active.ok || current.state === 'active';
    if (!active.ok) return { record: current, row };
    return {
      record: {
        ...current,
        state: active.value,
        enabledAt: lease.enabling?.at ?? now,
        settingDuring: seen,
      },
      row,
      events: [
        {
          type: 'exception.active',
          actor: workflow,
          subject: id,
          data: { ...pair, observed: describeObserved(observed), says },
        },
      ],
    };
  });
  if (!isActiveNow) return { next: 'end', at: formatInstant(now) };
  return { next: 'wait', at: formatInstant(await nextTick(services, lease, now)) };
}

export async function nextTick(services: Services, lease: Lease, now: EpochMs): Promise<EpochMs> {
  const { policy } = await services.policyInForce.current();
  return epochMs(Math.min(now + durationOf(policy.exceptions.review.every), lease.expiresAt));
}

async function change(
  services: Services,
  id: ExceptionId,
  apply: (record: ExceptionRecord, row: LeaseRow, lease: Lease) => Change & { readonly row: LeaseRow },
): Promise<{ record: ExceptionRecord }> {
  const changed = await amend(services, id, (record, row) => {
    const lease = leaseOf(row, id);
    if (row === undefined || lease === undefined)
      throw new Error(`exception \`${id}\` has no reserved window`);
    return ok(apply(record, row, lease));
  });
  if (!changed.ok) throw new Error(changed.error.message);
  return changed.value;
}
