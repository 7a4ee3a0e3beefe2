import pMap from 'p-map';
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
  enablingSince,
  factsAt,
  hasSeveralPlaces,
  isActive,
  isAttempted,
  isOver,
  isOwnPut,
  isSamePlace,
  isTerminal,
  isUnsettled,
  isWithin,
  judge,
  type Lease,
  type LeaseRow,
  type LeaseRows,
  leaseOf,
  leasesOf,
  mostLeasedTime,
  nextState,
  PLACES_AT_ONCE,
  type Place,
  type PlacedLease,
  type PlacedRequest,
  placesOf,
  placesText,
  placeText,
  quorum,
  readLeaseRow,
  readLeaseRows,
  readLeases,
  readSheets,
  requireException,
  sayingWhere,
  sheetFault,
  storesContent,
  withFacts,
  withLeases,
} from '../exceptions/index.ts';
import { type LoadedPolicy, storageFor } from '../policy/index.ts';
import {
  backstop,
  type DestinationFault,
  describeFault,
  judgeDestination,
  judgeDisableRole,
  judgeDrainRole,
  judgeOtherReaders,
  judgeSecondLever,
} from './destination.ts';
import { invokersOf } from './invokers.ts';
import { keptBecause } from './key-material.ts';
import type { OneTimeSchedule, Pair, Services } from './ports.ts';
import { describeObserved, scheduleName, switchOff } from './switch-off.ts';
import { unitPathOf, unitsOf } from './unit-path.ts';

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
  const rows = (await readLeaseRows(store, record.request)).map((row) => row?.value);
  const leases = leasesOf(rows, id);
  const [{ lease } = { lease: undefined }] = leases;
  const at = formatInstant(now);
  if (isTerminal(record.state)) return { result: 'ended', at, says: record.reason ?? record.state };
  if (lease === undefined) throw new Error(`exception \`${id}\` has no reserved window`);
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
  const sheets = await readSheets(store, record);
  const [fault] = record.admissions.flatMap(({ policyHash }) => sheetFault(record, policyHash, sheets) ?? []);
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
  const buckets = await bucketsOf(services, record.request, organization);
  const judgement = judge({
    request: record.request,
    requesterId: record.requesterId,
    policy,
    organization,
    people,
    rows,
    buckets,
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
  const looks = await pMap(
    leases,
    (placed, index) =>
      lookAtPlace(services, record, placed, {
        row: rows.find((each) => each !== undefined && isSamePlace(each, placed)),
        bucket: buckets[index] ?? { kind: 'unobservable', reason: 'not-collected' },
        policy,
        organization,
        now,
      }),
    { concurrency: PLACES_AT_ONCE },
  );
  // One place that can never become right is enough: it is all or none.
  const says = (kind: 'refuse' | 'wait'): string =>
    looks
      .flatMap((look, index) =>
        look.kind === kind ? [sayingWhere(record.request, leases[index] ?? record.request, look.says)] : [],
      )
      .join('; ');
  if (looks.some(({ kind }) => kind === 'refuse')) return end(services, record, 'refuse', says('refuse'));
  if (looks.some(({ kind }) => kind === 'wait')) return wait(says('wait'));
  const fine = looks.flatMap((look, index) => {
    const placed = leases[index];
    return look.kind === 'fine' && placed !== undefined ? [{ ...look, placed }] : [];
  });
  await change(services, id, (current, currentRows) => {
    const begun = nextState(current.state, 'begin-preflight');
    const seenAt = fine.reduce(
      (before, { placed, seen, keyKept }) =>
        withFacts(before, placed, ({ keyKeptBecause: _earlier, ...facts }) => ({
          ...facts,
          settingBefore: seen ?? null,
          ...(keyKept === undefined ? {} : { keyKeptBecause: keyKept }),
        })),
      current,
    );
    const before = fine
      .map(({ placed, observed }) => sayingWhere(current.request, placed, describeObserved(observed)))
      .join('; ');
    const kept = fine.flatMap(({ placed, keyKept }) =>
      keyKept === undefined
        ? []
        : [
            `; ${sayingWhere(current.request, placed, `key ${placed.lease.destination.kmsKeyArn} will not be deleted at the end, because ${keyKept}`)}`,
          ],
    );
    const baselines = [...new Set(fine.map(({ baseline }) => baseline.kind))].join(', ');
    return {
      record: {
        ...seenAt,
        state: begun.ok ? begun.value : current.state,
        units: unitsOf(organization, current),
      },
      rows: withLeases(currentRows, id, (each, place) => {
        const baseline = fine.find(({ placed }) => isSamePlace(placed, place))?.baseline;
        return baseline === undefined ? each : { ...each, baseline };
      }),
      events: [
        {
          type: 'exception.preflight-passed',
          actor: workflow,
          subject: id,
          data: {
            before,
            baseline: baselines,
            says: `everything was checked again; before: ${before}; afterwards it returns to: ${baselines}${kept.join('')}`,
          },
        },
      ],
    };
  });
  return { result: 'ready', at, says: 'everything was checked again' };
}

/** What the start finds at one place. `wait`: it can still become right. */
type PlaceLook =
  | { readonly kind: 'refuse' | 'wait'; readonly says: string }
  | {
      readonly kind: 'fine';
      readonly observed: Observation<LoggingConfiguration>;
      readonly seen: LoggingConfiguration | undefined;
      readonly baseline: BaselineConfiguration;
      /** Why its key will not be deleted. */
      readonly keyKept: string | undefined;
    };

async function lookAtPlace(
  services: Services,
  record: ExceptionRecord,
  { lease, ...place }: PlacedLease,
  around: {
    readonly row: LeaseRow | undefined;
    readonly bucket: Observation<BucketFacts>;
    readonly policy: LoadedPolicy;
    readonly organization: Organization;
    readonly now: EpochMs;
  },
): Promise<PlaceLook> {
  const { row, bucket, policy, organization, now } = around;
  const refuse = (says: string): PlaceLook => ({ kind: 'refuse', says });
  const wait = (says: string): PlaceLook => ({ kind: 'wait', says });
  const leases = (row?.leases ?? []).filter((candidate) => candidate.exceptionId !== record.id);
  const { leasedTime } = policy.policy.exceptions.limits;
  const most = mostLeasedTime({ ...place, leases }, record.request, durationOf(leasedTime.within), now);
  if (most > durationOf(leasedTime.atMost))
    return refuse(
      `an earlier exception there was on for longer than planned: more than ${leasedTime.atMost} would be leased within ${leasedTime.within}`,
    );
  const other = leases.find(isUnsettled);
  if (other) return wait(`${other.exceptionId} is not yet read back as off in ${placeText(place)}`);

  const observed = await services.settings.getInvocationLogging(place);
  if (observed.kind === 'unobservable') return wait(`the present setting ${describeObserved(observed)}`);
  const seen = observed.kind === 'observed' ? observed.value : undefined;
  if (storesContent(seen))
    return refuse(`content storage is already on there, and it is not ours: ${describeObserved(observed)}`);
  const { baseline: kind } = storageFor(policy.policy, unitPathOf(organization, place.accountId));
  if (kind === 'none' && seen !== undefined)
    return refuse(
      `logging without content is configured there (${describeObserved(observed)}), and the policy’s baseline \`none\` would not bring it back; make the baseline \`metadata-only\`, or remove it`,
    );
  const baseline = baselineOf(kind, seen);
  if (baseline === undefined)
    return refuse(
      'the policy’s baseline is metadata-only, but no metadata-only configuration is in place to return to',
    );
  const { destination } = lease;
  if (destination.kind === 'cloudwatch-logs') {
    const days = backstop(Math.ceil(record.request.retention / DAY));
    await services.destinations.createLogGroup(place, destination.logGroupName, destination.kmsKeyArn, days);
  }
  const { faults, keyKept } = await inspect(
    services,
    record,
    place,
    { ...lease, baseline },
    organization,
    bucket,
  );
  const defects = faults.filter((fault) => fault.kind === 'defect');
  if (defects.length > 0)
    return refuse(
      `at the start, the destination is not as it must be: ${defects.map(describeFault).join('; ')}`,
    );
  if (faults.length > 0) return wait(faults.map(describeFault).join('; '));
  return { kind: 'fine', observed, seen, baseline, keyKept };
}

/** Looks at the destination and at the role that will switch off; unknown is not fine. */
async function inspect(
  { inspection }: Services,
  { request: whole }: ExceptionRecord,
  pair: Pair,
  { baseline, destination, startsAt, expiresAt, exceptionId }: Lease,
  organization: Organization,
  facts: Observation<BucketFacts>,
): Promise<{ readonly faults: readonly DestinationFault[]; readonly keyKept: string | undefined }> {
  // Everything that is judged there is judged of this place alone.
  const request = { ...whole, ...pair };
  const iam = await inspection.readIam(pair.accountId);
  const place =
    destination.kind === 's3'
      ? { bucket: await inspection.inspectBucket(pair, destination.bucketName) }
      : { logGroup: await inspection.inspectLogGroup(pair, destination.logGroupName) };
  const key = await inspection.inspectKey(pair, destination.kmsKeyArn);
  const isVersioned = facts.kind === 'observed' && facts.value.isVersioned;
  const input = { request, destination, startsAt, expiresAt, isVersioned, ...place, key, iam };
  const faults = [
    ...judgeDestination(input),
    ...judgeDrainRole({ ...input, organization }),
    ...judgeOtherReaders({ ...input, organization }),
    ...judgeSecondLever({ ...input, organization, exceptionId }),
    ...judgeDisableRole({ request, organization, iam, baseline }),
  ];
  return { faults, keyKept: keptBecause(exceptionId, key.tags) };
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

/**
 * What is known of the bucket of every place, in their order. Whoever asks names the account, and it can leave the organization later: into one
 * outside, nobody goes with a role of ours.
 */
export async function bucketsOf(
  services: Pick<Services, 'destinations'>,
  request: PlacedRequest,
  { accounts }: Organization,
): Promise<readonly Observation<BucketFacts>[]> {
  return pMap(
    placesOf(request),
    async (place): Promise<Observation<BucketFacts>> =>
      accounts.some(({ id }) => id === place.accountId)
        ? bucketAt(services, place)
        : { kind: 'unobservable', reason: 'not-collected', detail: 'the account is not of the organization' },
    { concurrency: PLACES_AT_ONCE },
  );
}

export async function bucketAt(
  { destinations }: Pick<Services, 'destinations'>,
  { accountId, region, destination }: Place,
): Promise<Observation<BucketFacts>> {
  if (destination.kind !== 's3') return { kind: 'unobservable', reason: 'not-collected' };
  return destinations.describeBucket({ accountId, region }, destination.bucketName);
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
export async function removeLeftovers(services: Services, record: ExceptionRecord): Promise<void> {
  for (const { destination, ...place } of placesOf(record.request)) {
    await services.schedules.delete(scheduleName(record, place)).catch(() => undefined);
    if (destination.kind === 'cloudwatch-logs')
      await services.destinations.deleteLogGroup(place, destination.logGroupName).catch(() => undefined);
  }
}

/**
 * Arms the dead man's switch of every place and reads each back before anything is enabled anywhere. Its payload suffices to switch its place
 * off even if the lease table cannot be read. @throws Error when one does not read back as created
 */
export async function armDeadMansSwitch(services: Services, id: ExceptionId): Promise<{ firesAt: string }> {
  const { value: record } = await requireException(services.store, id);
  const leases = await readLeases(services.store, record);
  const [first] = leases;
  if (first === undefined || leases.length < placesOf(record.request).length)
    throw new Error(`exception \`${id}\` has no reserved window`);
  for (const { lease, ...place } of leases) {
    const at = ceilToMinute(lease.expiresAt);
    const schedule: OneTimeSchedule = {
      name: scheduleName(record, place),
      at,
      target: 'deadMansSwitch',
      payload: {
        exceptionId: id,
        ...place,
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
        says: sayingWhere(
          record.request,
          place,
          `dead man’s switch armed for ${formatInstant(at)} and read back`,
        ),
      },
    });
  }
  return { firesAt: formatInstant(ceilToMinute(first.lease.expiresAt)) };
}

/** One attempt, and how long a Put that timed out here may still land there. No bound is documented. [unverified: late-put] */
export const ENABLE_TIMEOUT_MS = 10_000;
const ENABLE_MARGIN_MS = 20_000;

export type EnableResult =
  | { readonly result: 'put' }
  | { readonly result: 'revoked' | 'not-active'; readonly says: string };

/**
 * The only place that turns content storage on, and only from `preflight`. One call enables one place: the first, in the order of the request,
 * that was not attempted, and only when every one before it was read back as on. The intent (`enabling`, with the instant until which the Put
 * can land) is in the lease before the call; a second invocation finds it and never puts again. After the call the lease is read again, so that
 * a revocation that came meanwhile wins.
 *
 * @returns `not-active` only where nothing was attempted anywhere; what ends after the first place was enabled is `revoked`, and leads to the
 *   ending of all
 * @throws EnableAttempted when an attempt was made before and its outcome is unknown: the workflow then ends the exception
 * @throws AwsCallError when the Put fails; it may have happened, so this too leads to the ending
 */
export async function enable(services: Services, id: ExceptionId): Promise<EnableResult> {
  const { clock, store, settings } = services;
  const now = clock.now();
  let next: PlacedLease | undefined;
  let attempted = false;
  let isAllowed = false;
  let isFirst = true;
  await change(services, id, (current, rows, leases) => {
    next = leases.find(({ lease }) => lease.enabling === undefined);
    isFirst = !isAttempted(leases);
    attempted =
      next === undefined ||
      leases.some(
        ({ lease, ...place }) =>
          lease.enabling !== undefined && factsAt(current, place).settingDuring === undefined,
      );
    // Preflight was some seconds ago: meanwhile it may have been withdrawn, refused, or sent back for further approvals.
    isAllowed = current.state === 'preflight' && leases.every(({ lease }) => isActive(lease, now));
    if (attempted || !isAllowed || next === undefined) return { record: current };
    const { accountId, region } = next;
    const enabling = { at: now, until: epochMs(now + ENABLE_TIMEOUT_MS + ENABLE_MARGIN_MS) };
    next = { accountId, region, lease: { ...next.lease, enabling } };
    const { configuration } = next.lease;
    const says = `enabling content storage in ${placeText(next)}`;
    const data = { accountId, region, configuration, until: enabling.until, says };
    return {
      record: current,
      rows: withLeases(rows, id, (each, place) =>
        isSamePlace(place, { accountId, region }) ? { ...each, enabling } : each,
      ),
      events: [{ type: 'enable.intended', actor: workflow, subject: id, data }],
    };
  });
  if (attempted || next === undefined) throw new EnableAttempted(id);
  if (!isAllowed)
    return {
      result: isFirst ? 'not-active' : 'revoked',
      says: 'the window is over, was revoked or given back, or approvals are missing again',
    };
  const { lease, ...pair } = next;
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
 * Reads back what the last Put did. Active only when AWS shows, at every place, exactly what its lease says; until then the next place is to be
 * enabled (`enable`).
 * @throws Error when it shows anything else: the workflow tries again a few times, then ends the exception
 */
export async function confirmEnabled(
  services: Services,
  id: ExceptionId,
): Promise<{ next: 'wait' | 'enable' | 'end'; at: string }> {
  const { clock, settings, store } = services;
  const { value: before } = await requireException(store, id);
  const attempted = (await readLeases(store, before)).filter(({ lease }) => lease.enabling !== undefined);
  // Asked again, it reads the last one back again.
  const placed =
    attempted.find((each) => factsAt(before, each).settingDuring === undefined) ?? attempted.at(-1);
  if (placed === undefined) return { next: 'end', at: formatInstant(clock.now()) };
  const { accountId, region } = placed;
  const pair = { accountId, region };
  const observed = await settings.getInvocationLogging(pair);
  const seen = observed.kind === 'observed' ? observed.value : undefined;
  const now = clock.now();
  const lease = leaseOf((await readLeaseRow(store, accountId, region))?.value, id);
  if (lease === undefined || !isActive(lease, now)) return { next: 'end', at: formatInstant(now) };
  // Strict, but for flags that AWS leaves out of its answer to our own Put.
  const isOurs =
    seen !== undefined && (isOwnPut(seen, lease.configuration) || isWithin(seen, lease.configuration));
  if (seen === undefined || !storesContent(seen) || !isOurs) {
    throw new Error(
      `${sayingWhere(before.request, pair, `read back ${describeObserved(observed)}`)}, which is not what was enabled`,
    );
  }
  let next = 'end' as 'wait' | 'enable' | 'end';
  await change(services, id, (current, _rows, leases) => {
    const active = nextState(current.state, 'enable');
    const left = leases.filter((each) => each.lease.enabling === undefined);
    next = !active.ok ? (current.state === 'active' ? 'wait' : 'end') : left.length > 0 ? 'enable' : 'wait';
    if (!active.ok) return { record: current };
    const confirmed = withFacts(current, pair, (facts) => ({ ...facts, settingDuring: seen }));
    const read = describeObserved(observed);
    if (next === 'enable') {
      const says = `content storage is on in ${placeText(pair)}, read back: ${read}; next ${left.map(placeText).join('; ')}`;
      const data = { ...pair, observed: read, says };
      return {
        record: confirmed,
        events: [{ type: 'lease.on', actor: workflow, subject: id, data }],
      };
    }
    const where = hasSeveralPlaces(current.request) ? ` in ${placesText(current.request)}` : '';
    const says = `content storage is on${where} until ${formatInstant(lease.expiresAt)}, read back: ${read}`;
    return {
      record: { ...confirmed, state: active.value, enabledAt: enablingSince(leases) ?? now },
      events: [
        { type: 'exception.active', actor: workflow, subject: id, data: { ...pair, observed: read, says } },
      ],
    };
  });
  return { next, at: formatInstant(next === 'wait' ? await nextTick(services, lease, now) : now) };
}

export async function nextTick(services: Services, lease: Lease, now: EpochMs): Promise<EpochMs> {
  const { policy } = await services.policyInForce.current();
  return epochMs(Math.min(now + durationOf(policy.exceptions.review.every), lease.expiresAt));
}

async function change(
  services: Services,
  id: ExceptionId,
  apply: (record: ExceptionRecord, rows: LeaseRows, leases: readonly PlacedLease[]) => Change,
): Promise<void> {
  const changed = await amend(services, id, (record, rows) => {
    const leases = leasesOf(rows, id);
    if (leases.length < placesOf(record.request).length)
      throw new Error(`exception \`${id}\` has no reserved window`);
    return ok(apply(record, rows, leases));
  });
  if (!changed.ok) throw new Error(changed.error.message);
}
