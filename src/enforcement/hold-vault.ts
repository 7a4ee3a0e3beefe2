import pMap from 'p-map';
import { DAY, type EventActor, type ExceptionId, ok } from '../core/index.ts';
import {
  AwsCallError,
  amend,
  type Destination,
  type ExceptionRecord,
  filterPlaces,
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
import type { LifecycleRule, ObjectVersion, Pair, Services } from './ports.ts';
import { isContent } from './purge.ts';
import { startEnding } from './start-ending.ts';
import { isToldAgain } from './switch-off.ts';

/*
 * Legal's vault. What is in scope is copied there version by version, on AWS's side, as it arrives; the purge of the destination then deletes only
 * what was seen in the vault. Nothing here switches anything: OFF_NEEDS_NOTHING knows no hold.
 */

/** Copies in flight. */
const AT_ONCE = 4;

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

/** What may be deleted at one place while a hold stands: what is not in scope, and what was seen in its vault. */
export type MayDelete = (version: ObjectVersion) => boolean;

/** What moving came to at one place. */
interface Moved {
  readonly versions: number;
  readonly bytes: number;
  readonly mayDelete: MayDelete;
}

/**
 * Copies what is in scope and not yet there, each place's into its own vault, lists the vaults, and says what was seen in them. Idempotent; a crash
 * anywhere leaves copies that the next look finds. A place that cannot be moved keeps no other from it, and the purge waits for all. Told to people
 * when it does not work, at first and then ever more seldom.
 *
 * @returns for the purge, `mayDelete` in the order of the places; `undefined` while it must wait
 */
export async function moveHeld(
  services: Services,
  id: ExceptionId,
  actor: EventActor,
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
  for (const [index, placed] of leases.entries()) {
    const vault = vaults[index];
    if (vault === undefined) return undefined;
    const there = await moveAt(services, placed, hold, vault, isFiltered(record.request));
    if (there === undefined) return undefined;
    if (typeof there === 'string') stuck.push(sayingWhere(record.request, placed, there));
    else moved.push(there);
  }
  if (stuck.length > 0) {
    await noteStuck(services, id, actor, hold, stuck.join('; '));
    return undefined;
  }
  await noteMoved(services, id, actor, hold, {
    at: began,
    versions: moved.reduce((sum, { versions }) => sum + versions, 0),
    bytes: moved.reduce((sum, { bytes }) => sum + bytes, 0),
  });
  return { hold, mayDelete: moved.map(({ mayDelete }) => mayDelete) };
}

/** @returns why it does not come to its end, in words; `undefined` of a log group, of which nothing can be moved */
async function moveAt(
  services: Services,
  { lease: { destination, enabling }, ...pair }: PlacedLease,
  hold: LegalHold,
  vault: HoldVault,
  isOfFilter: boolean,
): Promise<Moved | string | undefined> {
  if (destination.kind !== 's3') return undefined;
  const isWanted = (version: ObjectVersion) => isInScope(hold, destination, version, isOfFilter);
  try {
    const fault = await faultOf(services, pair, vault);
    if (fault !== undefined) return fault;
    const { vaultCopies } = services;
    const listVault = () => vaultCopies.listVersions(pair, vault.bucketName, vault.keyPrefix);
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
    await pMap(
      missing,
      (version) =>
        vaultCopies.copyVersion(
          pair,
          { bucketName: destination.bucketName, version },
          { bucketName: vault.bucketName, key: vaultKeyOf(vault, version), kmsKeyArn: vault.kmsKeyArn },
        ),
      { concurrency: AT_ONCE },
    );
    const there = missing.length === 0 ? before : sizesOf(await listVault());
    const absent = wanted.filter((version) => !isIn(there, version));
    if (absent.length > 0) return `${absent.length} versions were copied and are not listed in the vault`;
    return {
      versions: there.size,
      bytes: [...there.values()].reduce((sum, bytes) => sum + bytes, 0),
      mayDelete: (version) => !isWanted(version) || isIn(there, version),
    };
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
    const isNew = current?.moved?.versions !== moved.versions;
    const isFirstAfterDrain = !mayPurgeHeld(record) && moved.at >= (record.drainUntil ?? Infinity);
    if (current?.at !== hold.at || (!isNew && !isFirstAfterDrain && current.stuck === undefined))
      return ok({ record });
    const where =
      otherVaults === undefined
        ? `stand in the vault ${vaultsText(hold)}, where`
        : `stand in the vaults ${vaultsText(hold)} together, in each of which`;
    const says = `${moved.versions} versions (${moved.bytes} bytes) ${where} no enabled rule deletes; nothing in scope is missing there`;
    return ok({
      record: withHold(record, hold, ({ stuck: _stuck, ...each }) => ({ ...each, moved })),
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

/** The sweeper's part: what arrived since is moved, before the destination's own lifecycle takes it; then the purge of the destination goes on. */
export async function keepHeld(services: Services, id: ExceptionId, actor: EventActor): Promise<void> {
  const { value: before } = await requireException(services.store, id);
  if (!isHeld(before) || holdOf(before)?.vault === undefined) return;
  if ((await moveHeld(services, id, actor)) === undefined) return;
  const { value: record } = await requireException(services.store, id);
  if (record.state === 'draining' || record.state === 'purging')
    await startEnding(services, id, actor, services.clock.now());
}
