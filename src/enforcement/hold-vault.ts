import pMap from 'p-map';
import {
  DAY,
  type EpochMs,
  type EventActor,
  type ExceptionId,
  epochMs,
  formatInstant,
  hashOf,
  MINUTE,
  ok,
  SECOND,
} from '../core/index.ts';
import {
  AwsCallError,
  amend,
  type Destination,
  type ExceptionRecord,
  filterPlaces,
  type HeldReading,
  type HoldVault,
  holdOf,
  isFiltered,
  isHeld,
  type LegalHold,
  mayPurgeHeld,
  type PlacedLease,
  readLeases,
  requireException,
  sayingWhere,
  vaultsOf,
  vaultsText,
} from '../exceptions/index.ts';
import { type HeldObjects, heldObjects, listingHash, moveEvents, recordObjects } from './held-events.ts';
import type { LifecycleRule, ObjectVersion, Pair, Services } from './ports.ts';
import { isContent, type MayDelete } from './purge.ts';
import { startEnding } from './start-ending.ts';
import { isToldAgain } from './switch-off.ts';

/*
 * Legal's vault. What is in scope is copied there version by version, on AWS's side, as it arrives; events of a log group are written there as objects.
 * The purge of the destination then deletes only what was seen in the vault. Nothing here switches anything: OFF_NEEDS_NOTHING knows no hold.
 */

/** Copies in flight. */
const AT_ONCE = 4;
/** What one run moves for, by the clock: well below the 14 minutes of the functions that do it. */
const LOOK_TIME = 4 * MINUTE;
/** What each hold and place has of it at least, where there are many. */
const LEAST_TIME = 10 * SECOND;
/** After this long under way people are told, as of what is stuck. */
const LONG_UNDER_WAY = DAY;

/** An equal share of what is left until a deadline, for the first of so many. */
const shareOf = (now: EpochMs, deadline: EpochMs, left: number): EpochMs =>
  epochMs(now + Math.max(Math.floor((deadline - now) / left), LEAST_TIME));

type S3Place = Extract<Destination, { kind: 's3' }>;

/** Of several versions of one key each has its own place. Bedrock writes a key once, so without versions `null` names one object. */
export const vaultKeyOf = (vault: HoldVault, { key, versionId }: ObjectVersion): string =>
  `${vault.keyPrefix}${versionId}/${key}`;

/**
 * Whether a hold covers a version. Delete markers hold nothing; an upload that was never completed is no version, and no record. Where an
 * exception is filtered, only what was kept of its subjects: nobody else's records are ever kept.
 */
export const isInScope = (
  { scope }: Pick<LegalHold, 'scope'>,
  destination: S3Place,
  version: ObjectVersion,
  isOfFilter = false,
): boolean =>
  !version.isDeleteMarker &&
  isContent(version) &&
  (!isOfFilter || version.key.startsWith(filterPlaces(destination)?.vault ?? destination.keyPrefix)) &&
  (scope === undefined || scope.some((below) => version.key.startsWith(`${destination.keyPrefix}${below}`)));

/** What of a vault's lifecycle would delete there; unknown rules count. */
export const deletingRules = (
  rules: readonly LifecycleRule[],
  { keyPrefix }: Pick<HoldVault, 'keyPrefix'>,
): readonly LifecycleRule[] =>
  rules.filter(
    ({ isEnabled, prefix, isPartial, expirationDays, noncurrentDays }) =>
      isEnabled &&
      (keyPrefix.startsWith(prefix) || prefix.startsWith(keyPrefix)) &&
      (isPartial === true || expirationDays !== undefined || noncurrentDays !== undefined),
  );

/** Why nothing may be moved into a vault; read back from AWS every time, because somebody may add a rule to it. */
async function faultOf(services: Services, pair: Pair, vault: HoldVault): Promise<string | undefined> {
  const where = `the vault s3://${vault.bucketName}/${vault.keyPrefix}`;
  const bucket = await services.destinations.describeBucket(pair, vault.bucketName);
  if (bucket.kind === 'unobservable') return `${where} cannot be read (${bucket.detail ?? bucket.reason})`;
  if (bucket.kind === 'absent' || !bucket.value.isInSameAccountAndRegion)
    return `${where} is not a bucket of ${pair.accountId} in ${pair.region}`;
  if (bucket.value.hasObjectLock) return `${where} has Object Lock: it could not be purged after the release`;
  const { lifecycle } = await services.inspection.inspectBucket(pair, vault.bucketName);
  if (lifecycle.kind === 'unobservable')
    return `whether anything deletes in ${where} cannot be read (${lifecycle.detail ?? lifecycle.reason})`;
  const rules = lifecycle.kind === 'observed' ? deletingRules(lifecycle.value, vault) : [];
  return rules.length === 0
    ? undefined
    : `a lifecycle rule of ${vault.bucketName} would delete what is held: suspend it`;
}

/** What moving came to at one place. */
interface Moved {
  readonly versions: number;
  readonly bytes: number;
  /** Of a log group. */
  readonly objects?: HeldObjects;
  readonly mayDelete: MayDelete;
}

/**
 * Copies what is in scope and not yet there, each place's into its own vault, lists the vaults, and says what was seen in them. Idempotent; a crash
 * anywhere leaves copies that the next look finds. A place that cannot be moved keeps no other from it, and the purge waits for all. Told to people
 * when it does not work, at first and then ever more seldom; where there is more than one look moves, the next goes on, and people are told after a day.
 *
 * @param deadline - by the clock
 * @returns for the purge, `mayDelete` in the order of the places; `undefined` while it must wait
 */
export async function moveHeld(
  services: Services,
  id: ExceptionId,
  actor: EventActor,
  deadline = epochMs(services.clock.now() + LOOK_TIME),
): Promise<{ readonly hold: LegalHold; readonly mayDelete: readonly MayDelete[] } | undefined> {
  const { value: record } = await requireException(services.store, id);
  const hold = holdOf(record);
  const leases = await readLeases(services.store, record);
  if (hold?.vault === undefined || !leases.some(({ lease }) => lease.enabling !== undefined))
    return undefined;
  const vaults = vaultsOf(hold);
  const began = services.clock.now();
  const moved: Moved[] = [];
  const stuck: string[] = [];
  let isUnderWay = false;
  for (const [index, placed] of leases.entries()) {
    const vault = vaults[index];
    if (vault === undefined) return undefined;
    const share = shareOf(services.clock.now(), deadline, leases.length - index);
    const there = await moveAt(services, record, placed, hold, vault, share);
    if (there === 'under-way') isUnderWay = true;
    else if (typeof there === 'string') stuck.push(sayingWhere(record.request, placed, there));
    else moved.push(there);
  }
  if (stuck.length > 0) {
    await noteStuck(services, id, actor, hold, stuck.join('; '));
    return undefined;
  }
  if (isUnderWay) {
    await noteUnderWay(services, id, actor, hold);
    return undefined;
  }
  const groups = moved.flatMap(({ objects }) => objects ?? []);
  // Before it is noted, because after that the log group goes.
  if (moved.some(({ objects, mayDelete }) => objects !== undefined && mayDelete.logGroup))
    await recordObjects(services, id, actor, hold.at, groups);
  await noteMoved(services, id, actor, hold, {
    at: began,
    versions: moved.reduce((sum, { versions }) => sum + versions, 0),
    bytes: moved.reduce((sum, { bytes }) => sum + bytes, 0),
    ...(groups.length === 0
      ? {}
      : {
          logEvents: {
            events: groups.reduce(
              (sum, { objects }) => sum + objects.reduce((own, { events }) => own + events, 0),
              0,
            ),
            objects: groups.reduce((sum, { objects }) => sum + objects.length, 0),
            listing: listingHash(groups),
          },
        }),
  });
  return { hold, mayDelete: moved.map(({ mayDelete }) => mayDelete) };
}

/** @returns why it does not come to its end, in words; `under-way`: there is so much that the next look goes on */
async function moveAt(
  services: Services,
  record: ExceptionRecord,
  placed: PlacedLease,
  hold: LegalHold,
  vault: HoldVault,
  deadline: EpochMs,
): Promise<Moved | string> {
  const {
    lease: { destination, enabling, ...lease },
    ...pair
  } = placed;
  try {
    const fault = await faultOf(services, pair, vault);
    if (fault !== undefined) return fault;
    const { vaultCopies } = services;
    const listVault = () => vaultCopies.listVersions(pair, vault.bucketName, vault.keyPrefix);
    if (destination.kind === 'cloudwatch-logs') {
      let mayDelete: MayDelete = { version: () => true, logGroup: true };
      if (enabling !== undefined) {
        const group = { ...pair, lease: { ...lease, enabling, destination } };
        const before = hold.reading?.[placeKey(pair)];
        let noted = before;
        const note = async (reading: HeldReading | undefined) => {
          await noteReading(services, record.id, hold, pair, noted, reading);
          noted = reading ?? noted;
        };
        const look = await moveEvents(services, group, vault, before, record.drainUntil, deadline, note);
        await note(look.reading);
        if (look.fault !== undefined) return look.fault;
        if (!look.isWhole) return 'under-way';
        // Our own purge comes after everything was seen in the vault; whoever else deletes it may have deleted what was never read.
        if (look.isGone && !mayPurgeHeld(record) && record.purged === undefined && !hold.wasPurging)
          return await noteGone(services, record.id, hold, destination.logGroupName);
        mayDelete = { version: () => true, logGroup: look.mayDelete };
      }
      const listed = await listVault();
      const there = sizesOf(listed);
      return { ...totalOf(there), objects: heldObjects(vault, listed), mayDelete };
    }
    const isOfFilter = isFiltered(record.request);
    const isWanted = (version: ObjectVersion) => isInScope(hold, destination, version, isOfFilter);
    // Never enabled, it has nothing to keep; its vault is looked at as every other, because what is told and signed says so of each.
    const source =
      enabling === undefined
        ? []
        : await vaultCopies.listVersions(pair, destination.bucketName, destination.keyPrefix);
    const wanted = source.filter(isWanted);
    const isIn = (there: ReadonlyMap<string, number>, version: ObjectVersion) =>
      there.get(vaultKeyOf(vault, version)) === version.bytes;
    const before = sizesOf(await listVault());
    const missing = wanted.filter((version) => !isIn(before, version));
    let left = missing.length;
    await pMap(
      missing,
      async (version, index) => {
        // The first few in any case, so every look comes further.
        if (index >= AT_ONCE && services.clock.now() >= deadline) return;
        await vaultCopies.copyVersion(
          pair,
          { bucketName: destination.bucketName, version },
          { bucketName: vault.bucketName, key: vaultKeyOf(vault, version), kmsKeyArn: vault.kmsKeyArn },
        );
        left -= 1;
      },
      { concurrency: AT_ONCE },
    );
    if (left > 0) return 'under-way';
    const there = missing.length === 0 ? before : sizesOf(await listVault());
    const absent = wanted.filter((version) => !isIn(there, version));
    if (absent.length > 0) return `${absent.length} versions were copied and are not listed in the vault`;
    const mayDelete = {
      version: (each: ObjectVersion) => !isWanted(each) || isIn(there, each),
      logGroup: false,
    };
    return { ...totalOf(there), mayDelete };
  } catch (error) {
    if (!(error instanceof AwsCallError)) throw error;
    return error.message;
  }
}

/** What is youngest under each key counts: a copy that was made twice stands there twice. */
const sizesOf = (versions: readonly ObjectVersion[]): ReadonlyMap<string, number> =>
  new Map(
    versions
      .filter(({ isDeleteMarker }) => !isDeleteMarker)
      .toReversed()
      .map(({ key, bytes }) => [key, bytes]),
  );

const totalOf = (sizes: ReadonlyMap<string, number>) => ({
  versions: sizes.size,
  bytes: [...sizes.values()].reduce((sum, bytes) => sum + bytes, 0),
});

const placeKey = ({ accountId, region }: Pair): string => `${accountId}/${region}`;

/** Where the next look at a log group goes on. Lost, it is read again from where it was. */
async function noteReading(
  services: Services,
  id: ExceptionId,
  hold: LegalHold,
  pair: Pair,
  before: HeldReading | undefined,
  reading: HeldReading | undefined,
): Promise<void> {
  if (reading === undefined || hashOf(reading) === hashOf(before ?? null)) return;
  await amend(services, id, (record) =>
    ok({
      record: withHold(record, hold, (each) => ({
        ...each,
        reading: { ...each.reading, [placeKey(pair)]: reading },
      })),
    }),
  );
}

/** The hold that was moved for, with something new; untouched where it is released or replaced since. */
const withHold = (
  record: ExceptionRecord,
  hold: LegalHold,
  change: (hold: LegalHold) => LegalHold,
): ExceptionRecord => ({
  ...record,
  holds: (record.holds ?? []).map((each) =>
    each.at === hold.at && each.released === undefined ? change(each) : each,
  ),
});

async function noteMoved(
  services: Services,
  id: ExceptionId,
  actor: EventActor,
  hold: LegalHold,
  moved: NonNullable<LegalHold['moved']>,
): Promise<void> {
  const { vault, otherVaults } = hold;
  await amend(services, id, (record) => {
    const current = holdOf(record);
    const isNew =
      current?.moved?.versions !== moved.versions ||
      current.moved.logEvents?.listing !== moved.logEvents?.listing;
    const isFirstAfterDrain = !mayPurgeHeld(record) && moved.at >= (record.drainUntil ?? Infinity);
    if (
      current?.at !== hold.at ||
      (!isNew && !isFirstAfterDrain && current.stuck === undefined && current.underWaySince === undefined)
    )
      return ok({ record });
    const where =
      otherVaults === undefined
        ? `stand in the vault ${vaultsText(hold)}, where`
        : `stand in the vaults ${vaultsText(hold)} together, in each of which`;
    const events = moved.logEvents;
    const ofGroup =
      events === undefined
        ? ''
        : `, with ${events.events} log events in ${events.objects} objects by their keys,`;
    const says = `${moved.versions} versions (${moved.bytes} bytes)${ofGroup} ${where} no enabled rule deletes; nothing in scope is missing there`;
    return ok({
      record: withHold(record, hold, ({ stuck: _stuck, underWaySince: _since, ...each }) => ({
        ...each,
        moved,
      })),
      events: isNew
        ? [
            {
              type: 'exception.hold-moved',
              actor,
              subject: id,
              data: { ...moved, vault, ...(otherVaults && { otherVaults }), says },
            },
          ]
        : [],
    });
  });
}

/** Stays with the hold, and goes into the certificate. @returns why it is stuck */
async function noteGone(
  services: Services,
  id: ExceptionId,
  hold: LegalHold,
  logGroupName: string,
): Promise<string> {
  if (hold.gone?.includes(logGroupName) !== true)
    await amend(services, id, (record) =>
      ok({
        record: withHold(record, hold, (each) => ({
          ...each,
          gone: [...new Set([...(each.gone ?? []), logGroupName])],
        })),
      }),
    );
  return `the log group ${logGroupName} is gone, and not by Proviso’s purge: what was not in the vault by then is lost; find out who deleted it (CloudTrail, DeleteLogGroup), and release the hold once that is settled`;
}

/** Remembers since when; after long told as what is stuck is. */
async function noteUnderWay(
  services: Services,
  id: ExceptionId,
  actor: EventActor,
  hold: LegalHold,
): Promise<void> {
  const since = hold.underWaySince;
  if (since === undefined) {
    const underWaySince = services.clock.now();
    await amend(services, id, (record) =>
      ok({ record: withHold(record, hold, (each) => ({ ...each, underWaySince })) }),
    );
    return;
  }
  if (services.clock.now() - since < LONG_UNDER_WAY) return;
  const why = `since ${formatInstant(since)} there is more than one look moves; each goes on where the last came to`;
  await noteStuck(services, id, actor, hold, why);
}

async function noteStuck(
  services: Services,
  id: ExceptionId,
  actor: EventActor,
  hold: LegalHold,
  why: string,
): Promise<void> {
  const now = services.clock.now();
  await amend(services, id, (record) => {
    const current = holdOf(record);
    if (current?.at !== hold.at || !isToldAgain(current.stuck, now, DAY)) return ok({ record });
    const says = `what is on legal hold is not all in its vault: ${why}. The purge waits; AWS’s own deletion at the destination does not`;
    const stuck = { firstSeenAt: current.stuck?.firstSeenAt ?? now, toldAt: now, why };
    return ok({
      record: withHold(record, hold, (each) => ({ ...each, stuck })),
      events: [{ type: 'exception.hold-stuck', actor, subject: id, data: { says } }],
    });
  });
}

/**
 * The sweeper's part: what arrived since is moved, before the destination's own lifecycle takes it; then the purge of the destination goes on. All
 * holds together have one time, in equal shares.
 *
 * @param attempt - keeps the fault of one from the others
 */
export async function keepAllHeld(
  services: Services,
  ids: readonly ExceptionId[],
  actor: EventActor,
  attempt: (what: string, act: () => Promise<unknown>) => Promise<void>,
): Promise<void> {
  const { clock } = services;
  const deadline = epochMs(clock.now() + LOOK_TIME);
  for (const [index, id] of ids.entries()) {
    const share = shareOf(clock.now(), deadline, ids.length - index);
    await attempt(id, () => keepHeld(services, id, actor, share));
  }
}

async function keepHeld(
  services: Services,
  id: ExceptionId,
  actor: EventActor,
  deadline: EpochMs,
): Promise<void> {
  const { value: before } = await requireException(services.store, id);
  if (!isHeld(before) || holdOf(before)?.vault === undefined) return;
  if ((await moveHeld(services, id, actor, deadline)) === undefined) return;
  const { value: record } = await requireException(services.store, id);
  if (record.state === 'draining' || record.state === 'purging')
    await startEnding(services, id, actor, services.clock.now());
}
