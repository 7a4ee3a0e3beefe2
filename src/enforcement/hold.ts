import { type ExceptionId, err, hashOf, ok, type PrincipalId, type Result } from '../core/index.ts';
import {
  amend,
  describeState,
  type ExceptionRecord,
  type HoldVault,
  holdOf,
  isHeld,
  isTerminal,
  type LegalHold,
  personActor,
  placesOf,
  type Refusal,
  readException,
  vaultsOf,
  vaultsText,
} from '../exceptions/index.ts';
import { refuse, unknownException } from './acts.ts';
import type { ActingServices } from './ports.ts';
import { startEnding } from './start-ending.ts';

/** Legal's own request. */
export interface HoldRequest {
  /** Legal's matter. */
  readonly reference: string;
  readonly reason: string;
  /** Beginnings of keys below the exception's own prefix; left out: everything. */
  readonly scope?: readonly string[] | undefined;
  /** Where what is in scope is moved; its prefix gets the exception's id. Left out: nothing is moved. */
  readonly vault?: HoldVault | undefined;
  /** Of the further places, in their order. */
  readonly otherVaults?: readonly HoldVault[] | undefined;
}

/**
 * Legal keeps what was captured. INVARIANT (OFF_NEEDS_NOTHING): nothing that switches off looks at a hold. With a vault, what is in scope is moved
 * there as it arrives, and the purge of the destination waits until it stands there; without one the purge waits for the release, and what AWS deletes
 * by itself at the destination goes on, which every telling says. A hold that stands without a vault is given one by asking again.
 */
export async function hold(
  services: ActingServices,
  id: ExceptionId,
  by: PrincipalId,
  asked: HoldRequest,
): Promise<Result<ExceptionRecord, Refusal>> {
  const refused = await refusalOf(services, id, by);
  if (refused !== undefined) return refused;
  const actor = personActor(services, by);
  const now = services.clock.now();
  const changed = await amend(services, id, (record) => {
    const standing = holdOf(record);
    const isMore = standing !== undefined && standing.vault === undefined && asked.vault !== undefined;
    if (isTerminal(record.state) || (standing !== undefined && !isMore))
      return err({
        code: 'STATE_REFUSES',
        message:
          standing === undefined
            ? `the exception is ${describeState(record.state)}; there is nothing left to hold`
            : 'it is on hold already; `proviso exception release` ends that',
      });
    const fault = faultOf(record, asked);
    if (fault !== undefined) return err({ code: 'STATE_REFUSES', message: fault });
    const more = keptOf(record.id, asked);
    // Before the counts are there, deleting may be under way.
    const wasPurging = record.state === 'purging' || record.purged !== undefined;
    const begun = wasPurging ? '; purging had begun, and what was deleted is gone' : '';
    const what =
      asked.scope === undefined ? 'everything that was captured' : `keys below ${asked.scope.join(', ')}`;
    const way =
      asked.vault === undefined
        ? `the purge waits, switching off does not. AWS’s own deletion at the destination (S3 Lifecycle, a log group’s retention) is not suspended: name a vault, or copy what must be kept at once`
        : `it is moved to ${vaultsText(more)}, and the purge waits until it stands there; switching off does not`;
    // By the template's own condition the key closes at the end, and the last reading comes after it.
    const opens =
      asked.vault !== undefined &&
      placesOf(record.request).some(({ destination }) => destination.kind === 'cloudwatch-logs')
        ? '; its log group is read once more after the end, when its key lets nobody read: deploy templates/exception-destination.yml again now, with HeldUntil well after the end'
        : '';
    const earlier = (record.holds ?? []).filter((each) => each !== standing && each.vault !== undefined);
    const stays =
      earlier.length === 0
        ? ''
        : `; what an earlier hold moved stays in ${[...new Set(earlier.map(vaultsText))].join(' and ')}`;
    const says = `legal hold by ${by} (${asked.reference}) of ${what}: ${asked.reason}; ${way}${opens}${stays}${begun}`;
    const holds: readonly LegalHold[] =
      standing === undefined
        ? [
            ...(record.holds ?? []),
            { at: now, by, reason: asked.reason, reference: asked.reference, ...more, wasPurging },
          ]
        : (record.holds ?? []).map((each) => (each === standing ? { ...each, ...more } : each));
    return ok({
      record: { ...record, holds },
      events: [
        {
          type: 'exception.held',
          actor,
          subject: id,
          data: { reference: asked.reference, reason: asked.reason, ...more, says },
        },
      ],
    });
  });
  return changed.ok ? ok(changed.value.record) : refuse(services, id, by, changed.error);
}

/** What a hold keeps of a request beside whose matter it is: each vault's prefix with the exception's id. */
function keptOf(
  id: ExceptionId,
  { scope, vault, otherVaults }: HoldRequest,
): Pick<LegalHold, 'scope' | 'vault' | 'otherVaults'> {
  const own = (each: HoldVault): HoldVault => ({ ...each, keyPrefix: `${each.keyPrefix}${id}/` });
  return {
    ...(scope === undefined ? {} : { scope }),
    ...(vault === undefined ? {} : { vault: own(vault) }),
    ...(otherVaults === undefined ? {} : { otherVaults: otherVaults.map(own) }),
  };
}

/**
 * Whether a hold stands that this person asked for in exactly these words, for a call that is repeated after its answer was lost. The event of
 * it says so, in the history or not yet told: a hold that was given a vault later keeps the matter and reason it began with.
 */
export async function isHeldAs(
  { store, history }: Pick<ActingServices, 'store' | 'history'>,
  id: ExceptionId,
  by: PrincipalId,
  asked: HoldRequest,
): Promise<boolean> {
  const record = (await readException(store, id))?.value;
  if (record === undefined || !isHeld(record)) return false;
  const told = [...(await history.about(id)), ...(record.outbox ?? [])];
  const since = told.findLastIndex(({ type }) => type === 'exception.hold-released') + 1;
  const { reference, reason } = asked;
  const wanted = hashOf({ reference, reason, ...keptOf(id, asked) });
  return told
    .slice(since)
    .some(
      ({ type, actor, data: { says: _says, ...data } }) =>
        type === 'exception.held' && actor.id === by && hashOf(data) === wanted,
    );
}

/** What of a request can be seen to be wrong at once. What AWS shows of a vault is asked when something is moved: a hold waits for nothing. */
function faultOf(
  { request }: ExceptionRecord,
  { scope, vault, otherVaults }: HoldRequest,
): string | undefined {
  if (scope === undefined && vault === undefined && otherVaults === undefined) return undefined;
  if (scope !== undefined && placesOf(request).some(({ destination }) => destination.kind !== 's3'))
    return 'its content is in a log group, of which no part can be left out: hold it whole, without scope';
  const vaults = vaultsOf({ ...(vault && { vault }), ...(otherVaults && { otherVaults }) });
  const places = placesOf(request);
  if (vaults.length === 0 && otherVaults === undefined) return undefined;
  if (vaults.length !== places.length)
    return `it is for ${places.length === 1 ? 'one account and Region' : `${places.length} accounts and Regions`}, and each needs a vault there: name ${places.length === 1 ? 'one' : `${places.length}, in the order of the request`}, or none; without any the purge waits`;
  if (new Set(vaults.map(({ bucketName }) => bucketName)).size !== vaults.length)
    return 'a bucket is in one account and Region: each needs a vault of its own';
  for (const [index, { destination }] of places.entries()) {
    const own = vaults[index];
    if (own === undefined) continue;
    if (own.kmsKeyArn === destination.kmsKeyArn)
      return 'the vault must have a key of its own: the exception’s key goes with the exception';
    if (destination.kind === 's3' && own.bucketName === destination.bucketName)
      return 'the vault must be a bucket of its own: what deletes at the destination would delete there too';
  }
  return undefined;
}

/** The end of a hold, by Legal. The purge goes on at once. */
export async function release(
  services: ActingServices,
  id: ExceptionId,
  by: PrincipalId,
  reason: string,
): Promise<Result<ExceptionRecord, Refusal>> {
  const refused = await refusalOf(services, id, by);
  if (refused !== undefined) return refused;
  const actor = personActor(services, by);
  const now = services.clock.now();
  const changed = await amend(services, id, (record) => {
    if (!isHeld(record)) return err({ code: 'STATE_REFUSES', message: 'it is not on hold' });
    const holds = (record.holds ?? []).map((each) =>
      each.released === undefined ? { ...each, released: { at: now, by, reason } } : each,
    );
    const standing = holdOf(record);
    const says = `legal hold released by ${by}: ${reason}; purging goes on${standing?.vault === undefined ? '' : `, of ${vaultsText(standing)} too`}`;
    // What was listed before a hold is no proof for what stands there after it; whoever sleeps until a second listing would come to the vaults a
    // day late.
    const restarts = record.state === 'purging' ? { proofRestarts: (record.proofRestarts ?? 0) + 1 } : {};
    return ok({
      record: { ...record, ...restarts, holds, emptyListings: [] },
      events: [{ type: 'exception.hold-released', actor, subject: id, data: { reason, says } }],
    });
  });
  if (!changed.ok) return refuse(services, id, by, changed.error);
  const { record } = changed.value;
  // Where this fails the sweeper starts it.
  if (record.state === 'draining' || record.state === 'purging')
    await startEnding(services, id, actor, now).catch(() => undefined);
  return ok(record);
}

async function refusalOf(
  services: ActingServices,
  id: ExceptionId,
  by: PrincipalId,
): Promise<Result<never, Refusal> | undefined> {
  const record = (await readException(services.store, id))?.value;
  if (record === undefined) return err(unknownException(id));
  const isLegal = (await services.directory.people()).some(
    (person) => person.id === by && person.isActive && person.roles.includes('legal'),
  );
  if (isLegal && by !== record.requesterId) return undefined;
  return refuse(services, id, by, {
    code: 'NOT_ENTITLED',
    message: 'only Legal, and not the requester, may put an exception on hold or release it',
  });
}
