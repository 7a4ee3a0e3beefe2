import pMap from 'p-map';
import {
  canonicalJson,
  DAY,
  type DomainEvent,
  type EpochMs,
  type EventActor,
  epochMs,
  err,
  formatInstant,
  hashOf,
  ok,
  type PrincipalId,
  type Result,
} from '../core/index.ts';
import {
  DATA_DELIVERY_FLAGS,
  type LoggingConfiguration,
  type MemberAccount,
  type Observation,
  type Organization,
} from '../evidence/index.ts';
import {
  AwsCallError,
  type CompleteLoggingConfiguration,
  ConflictError,
  decodeRecord,
  encode,
  isActive,
  isUnsettled,
  type LeaseRow,
  personActor,
  type Refusal,
  readLeaseRow,
  readRecord,
} from '../exceptions/index.ts';
import { type Baseline, type Enforcement, type LoadedPolicy, storageFor } from '../policy/index.ts';
import {
  CONTEST_ROUNDS,
  CONTEST_WITHIN_MS,
  type DriftPlan,
  type EnforcedSetting,
  keepsContent,
  planDrift,
  SETTINGS,
  type SettingName,
  type SettingValue,
  type Told,
} from './drift.ts';
import { lastOther, partyText } from './interference.ts';
import type { ActingServices, Pair, Services } from './ports.ts';
import { describeObserved, isToldAgain, putBaseline } from './switch-off.ts';
import { unitPathOf } from './unit-path.ts';

/** One account and Region under the policy. */
export interface GovernedPair extends Pair {
  readonly accountName: string;
  readonly enforcement: Enforcement;
  readonly baseline: Baseline;
}

/** AWS closes the door of these: nobody can use a model there, and nothing can be read. */
const NOT_CALLABLE: ReadonlySet<string> = new Set(['SUSPENDED', 'CLOSED']);
const isCallable = ({ state }: MemberAccount): boolean => !NOT_CALLABLE.has(state);

/** Every account that can be called, in every governed Region, with the mode that its units give it. */
export function governedPairs(organization: Organization, { policy }: LoadedPolicy): readonly GovernedPair[] {
  return organization.accounts.filter(isCallable).flatMap(({ id, name }) => {
    const { enforcement, baseline } = storageFor(policy, unitPathOf(organization, id));
    return policy.storage.scope.regions.map((region) => ({
      accountId: id,
      region: region as Pair['region'],
      accountName: name,
      enforcement,
      baseline,
    }));
  });
}

/** Whether the policy enforces anywhere. Where it does not, nothing of this file reads a setting. */
export const enforcesAnywhere = ({ policy: { storage } }: LoadedPolicy): boolean =>
  storage.enforcement === 'enforce' || storage.overrides.some(({ enforcement }) => enforcement === 'enforce');

/** What the state keeps of a pair that is enforced. */
export interface EnforcedPair {
  readonly settings: Readonly<Partial<Record<SettingName, EnforcedSetting>>>;
  /** What cannot be read, and when people were told. */
  readonly unreadable?: Readonly<Partial<Record<SettingName, Told>>>;
  /** What operators took over: enough to put it back by hand, whoever then answers for it. */
  readonly adopted?: readonly AdoptedSetting[];
}
export interface AdoptedSetting {
  readonly setting: SettingName;
  readonly at: EpochMs;
  readonly by: string;
  readonly reason: string;
  readonly value: SettingValue;
}

const PREFIX = 'enforced/';
export const enforcedKey = ({ accountId, region }: Pair): string => `${PREFIX}${accountId}/${region}`;

async function readEnforced({ store }: Services, pair: Pair) {
  const found = await readRecord<EnforcedPair>(store, enforcedKey(pair));
  return found ?? { value: { settings: {} } satisfies EnforcedPair as EnforcedPair, version: 0 };
}

/** Writes what `change` makes of the record. @throws ConflictError when somebody else keeps being faster */
async function changeEnforced(
  services: Services,
  pair: Pair,
  change: (before: EnforcedPair) => EnforcedPair,
): Promise<void> {
  for (let attempt = 0; attempt < 8; attempt++) {
    const { value, version } = await readEnforced(services, pair);
    const next = change(value);
    if (next === value || canonicalJson(next) === canonicalJson(value)) return;
    const written = await services.store.commit([
      { key: enforcedKey(pair), expectedVersion: version, value: encode(next) },
    ]);
    if (written === 'committed') return;
  }
  throw new ConflictError(enforcedKey(pair));
}

const withSetting = (pair: EnforcedPair, name: SettingName, setting: EnforcedSetting): EnforcedPair => ({
  ...pair,
  settings: { ...pair.settings, [name]: setting },
});

export const observeSetting = (
  { settings, retention }: Pick<Services, 'settings' | 'retention'>,
  pair: Pair,
  name: SettingName,
): Promise<Observation<SettingValue>> =>
  name === 'invocation-logging' ? settings.getInvocationLogging(pair) : retention.getDataRetention(pair);

/** A lease explains invocation logging, or will in a moment; the exception path then acts alone. It says nothing of retention. */
const leaseExplains = (name: SettingName, row: LeaseRow | undefined, now: EpochMs): boolean =>
  name === 'invocation-logging' &&
  (row?.leases.some(
    (lease) => isUnsettled(lease) || (isActive(lease, now) && lease.enabling !== undefined),
  ) ??
    false);

export const describeSetting = (name: SettingName, observed: Observation<SettingValue>): string =>
  name === 'invocation-logging'
    ? describeObserved(observed as Observation<LoggingConfiguration>)
    : observed.kind === 'observed'
      ? `mode ${(observed.value as { mode: string }).mode}`
      : observed.kind === 'absent'
        ? 'no mode'
        : `cannot be read (${observed.reason})`;

/** How enforcement was called: what a detector sees at once must not fight a robot at the robot's pace. */
export interface EnforceTrigger {
  readonly actor: EventActor;
  /** The sweeper and the Config rule come round at their own pace; events come as fast as somebody makes them. */
  readonly pace: 'own' | 'event';
  /** Who an event names as the cause. Only told, never believed. */
  readonly named?: string;
}

export type Enforced = Readonly<Record<SettingName, DriftPlan['kind'] | 'undone' | 'not-undone' | 'yielded'>>;

/**
 * Undoes drift that is not ours in the two settings, where the policy enforces. Writes baselines only: invocation logging is deleted (or, where
 * the baseline is metadata-only, the metadata-only configuration last seen there is put), the data-retention mode is set to `none`. INVARIANT (NO_SILENT_ON): what it cannot undo, or what keeps coming back, is recorded as
 * such with every round.
 *
 * Called after `reconcilePair`, by the sweeper, the periodic Config rule and the event handler alike.
 */
export async function enforcePair(
  services: Services,
  pair: Pair & Pick<GovernedPair, 'enforcement' | 'baseline'>,
  trigger: EnforceTrigger,
): Promise<Enforced> {
  const done: Partial<Record<SettingName, Enforced[SettingName]>> = {};
  for (const name of SETTINGS) done[name] = await enforceSetting(services, pair, name, trigger);
  return done as Enforced;
}

async function enforceSetting(
  services: Services,
  pair: Pair & Pick<GovernedPair, 'enforcement' | 'baseline'>,
  name: SettingName,
  trigger: EnforceTrigger,
): Promise<Enforced[SettingName]> {
  const { value: kept } = await readEnforced(services, pair);
  const before = kept.settings[name];
  if (pair.enforcement === 'observe' && before === undefined) return 'leave';
  const now = services.clock.now();
  const row = (await readLeaseRow(services.store, pair.accountId, pair.region))?.value;
  const isLeased = leaseExplains(name, row, now);
  const observed = await observeSetting(services, pair, name);
  const plan = planDrift(name, observed, pair.enforcement, before, isLeased, now);
  const tell = eventOf(services, pair, name, trigger.actor);
  if (observed.kind !== 'unobservable' && kept.unreadable?.[name] !== undefined)
    await changeEnforced(services, pair, ({ unreadable, ...current }) => {
      const { [name]: _read, ...others } = unreadable ?? {};
      return Object.keys(others).length === 0 ? current : { ...current, unreadable: others };
    });
  switch (plan.kind) {
    case 'leave':
      await forgetTrouble(services, pair, name, before, now);
      // What a metadata-only baseline is, only the account knows: the policy names no destination.
      if (plan.why === 'at-baseline' && pair.baseline === 'metadata-only' && observed.kind === 'observed')
        await keepBaseline(services, pair, name, observed.value);
      return plan.kind;
    case 'leave-foreign':
      return plan.kind;
    case 'unreadable': {
      const key = `${enforcedKey(pair)}/${name}/unreadable/${hashOf({ at: Math.floor(now / 86_400_000), says: plan.says }).slice(0, 16)}`;
      const told = kept.unreadable?.[name];
      const isRepeat = !isToldAgain(told, now, DAY);
      await tell(
        'enforcement.unreadable',
        `cannot be read (${plan.says}): it is not known to be at the baseline`,
        { key, data: isRepeat ? { isRepeat } : {} },
      );
      if (!isRepeat)
        await changeEnforced(services, pair, (current) => ({
          ...current,
          unreadable: {
            ...current.unreadable,
            [name]: { firstSeenAt: told?.firstSeenAt ?? now, toldAt: now },
          },
        }));
      return plan.kind;
    }
    case 'forget':
      await changeEnforced(services, pair, (current) => {
        const { [name]: _gone, ...rest } = current.settings;
        return { ...current, settings: rest };
      });
      await tell('enforcement.stopped', 'is observed from now on: drift is reported and no longer undone');
      return plan.kind;
    case 'begin': {
      const foreign = plan.foreign === undefined ? {} : { foreign: { seenAt: now, value: plan.foreign } };
      await changeEnforced(services, pair, (current) =>
        withSetting(current, name, { since: now, undone: [], ...foreign }),
      );
      await tell(
        'enforcement.began',
        plan.foreign === undefined
          ? `is enforced from now on; it is ${plan.isLeased === true ? 'governed by an exception' : 'at the baseline'}`
          : `is enforced from now on; what is there is foreign (${describeSetting(name, observed)}): saved, and left until somebody adopts or removes it`,
        plan.foreign === undefined ? {} : { data: { foreign: plan.foreign } },
      );
      return plan.kind;
    }
    case 'foreign-gone': {
      await changeEnforced(services, pair, (current) => {
        const {
          foreign: _gone,
          overdue: _over,
          ...rest
        } = current.settings[name] ?? {
          since: now,
          undone: [],
        };
        return withSetting(current, name, rest);
      });
      await tell('enforcement.foreign-gone', 'holds what was foreign there no more');
      return plan.kind;
    }
    case 'undo':
      return undo(services, pair, name, observed, plan.isContest, trigger);
  }
}

/** Put right by somebody else, or governed by an exception since. What was told is forgotten when nobody put it back for as long as a contest lasts. */
async function forgetTrouble(
  services: Services,
  pair: Pair,
  name: SettingName,
  before: EnforcedSetting | undefined,
  now: EpochMs,
): Promise<void> {
  const isQuiet = (told: EnforcedSetting['told']) => (told?.toldAt ?? now) <= now - CONTEST_WITHIN_MS;
  if (before?.overdue === undefined && !isQuiet(before?.told)) return;
  await changeEnforced(services, pair, (current) => {
    const setting = current.settings[name];
    if (setting === undefined) return current;
    const { overdue: _over, told, ...rest } = setting;
    return withSetting(current, name, told === undefined || isQuiet(told) ? rest : { ...rest, told });
  });
}

async function keepBaseline(
  services: Services,
  pair: Pair,
  name: SettingName,
  value: SettingValue,
): Promise<void> {
  if (name !== 'invocation-logging' || !isComplete(value)) return;
  await changeEnforced(services, pair, (current) => {
    const setting = current.settings[name];
    return setting === undefined ? current : withSetting(current, name, { ...setting, baseline: value });
  });
}

const isComplete = (value: SettingValue): value is CompleteLoggingConfiguration =>
  !('mode' in value) && DATA_DELIVERY_FLAGS.every((flag) => value[flag] !== undefined);

/** Who changed it back in every round, by CloudTrail. For people: a trail that cannot be asked changes nothing else. */
async function tellRobot(
  services: Services,
  pair: Pair,
  name: SettingName,
  undone: readonly EpochMs[],
  tell: Tell,
  repeat: { readonly isRepeat?: boolean },
): Promise<void> {
  const [first] = undone;
  if (first === undefined) return;
  const begin = epochMs(first - CONTEST_WITHIN_MS);
  const seen = await services.trail.whoChanged(pair, name, begin);
  if (seen.kind !== 'observed') {
    await tell(
      'enforcement.unnamed',
      `nobody can be named: CloudTrail cannot be asked (${seen.kind === 'unobservable' ? seen.reason : seen.kind})`,
    );
    return;
  }
  // What was undone was put before. What is being undone now may not be shown yet, so `undone` is of the rounds before.
  const parties = undone.map((at, round) =>
    lastOther(seen.value, pair, undone[round - 1] ?? begin, epochMs(at - 1)),
  );
  const [party] = parties;
  if (party === undefined || parties.some((each) => each?.by !== party.by)) return;
  await tell(
    'enforcement.robot',
    `is changed back by ${partyText(party)} in every round, says CloudTrail: stop it at its source`,
    { data: { robot: party.by, ...repeat } },
  );
}

async function undo(
  services: Services,
  pair: Pair & Pick<GovernedPair, 'enforcement' | 'baseline'>,
  name: SettingName,
  observed: Observation<SettingValue>,
  isContest: boolean,
  trigger: EnforceTrigger,
): Promise<'undone' | 'not-undone' | 'yielded'> {
  const tell = eventOf(services, pair, name, trigger.actor);
  const found = describeSetting(name, observed);
  const named = trigger.named === undefined ? '' : `; the event names ${trigger.named}`;
  const began = services.clock.now();
  const { told } = (await readEnforced(services, pair)).value.settings[name] ?? {};
  const isRepeat = !isToldAgain(told, began, DAY);
  const repeat = isRepeat ? { isRepeat } : {};
  const noteTold = (current: EnforcedPair): EnforcedPair =>
    isRepeat
      ? current
      : withSetting(current, name, {
          ...(current.settings[name] ?? { since: began, undone: [] }),
          told: { firstSeenAt: told?.firstSeenAt ?? began, toldAt: began },
        });
  if (isContest) {
    await tell(
      'enforcement.contested',
      `keeps being changed back (${found}) after it was undone ${CONTEST_ROUNDS} times within an hour: find what does it${named}`,
      {
        data: {
          observed: found,
          ...repeat,
          ...(trigger.named === undefined ? {} : { named: trigger.named }),
        },
      },
    );
    // The sweeper and the Config rule go on, each at its own pace: it is neither left on nor fought over every second.
    if (trigger.pace === 'event') {
      const { undone = [] } = (await readEnforced(services, pair)).value.settings[name] ?? {};
      await changeEnforced(services, pair, noteTold);
      await tellRobot(services, pair, name, undone, tell, repeat);
      return 'yielded';
    }
  }
  await tell('enforcement.intended', `has drifted (${found}); returning it to the baseline${named}`, {
    data: { observed: found },
  });
  // An exception may have begun between the reading and now: then what is on is its own.
  const row = (await readLeaseRow(services.store, pair.accountId, pair.region))?.value;
  if (leaseExplains(name, row, services.clock.now())) {
    await tell('enforcement.yielded', 'is governed by an exception since; left to it');
    return 'yielded';
  }
  const { baseline, undone = [] } = (await readEnforced(services, pair)).value.settings[name] ?? {};
  const failure = await putPolicyBaseline(
    services,
    pair,
    name,
    pair.baseline === 'metadata-only' ? baseline : undefined,
  );
  const after = await observeSetting(services, pair, name);
  const isOff = isAtBaseline(name, after);
  const now = services.clock.now();
  await changeEnforced(services, pair, (before) => {
    const current = isOff && !isContest ? before : noteTold(before);
    const setting = current.settings[name] ?? { since: now, undone: [] };
    const { foreign: _replaced, overdue, ...rest } = setting;
    return withSetting(current, name, {
      ...rest,
      // A failure is nobody's putting it back.
      undone: isOff ? [...setting.undone, now].slice(-CONTEST_ROUNDS) : setting.undone,
      // INVARIANT (NO_SILENT_ON): what was not undone, or keeps coming back, counts in the overdue minutes, as a lease's end does.
      ...(isOff && !isContest ? {} : { overdue: { since: overdue?.since ?? now, seenAt: now } }),
    });
  });
  const seen = `read back: ${describeSetting(name, after)}`;
  await tell(
    isOff ? 'enforcement.undone' : 'enforcement.overdue',
    isOff
      ? `is at the baseline again; ${seen}`
      : `is not at the baseline (${failure ?? seen}); the next sweep tries again`,
    {
      data: {
        isOff,
        observed: describeSetting(name, after),
        ...repeat,
        ...(failure === undefined ? {} : { failure }),
      },
    },
  );
  // Last: nothing that switches off waits for a name.
  if (isContest) await tellRobot(services, pair, name, undone, tell, repeat);
  return isOff ? 'undone' : 'not-undone';
}

/** Unknown is not the baseline, and neither is a mode that AWS does not name. */
const isAtBaseline = (name: SettingName, observed: Observation<SettingValue>): boolean =>
  observed.kind === 'observed'
    ? !keepsContent(name, observed.value)
    : observed.kind === 'absent' && name === 'invocation-logging';

/** The writes of enforcement: the baseline, and mode `none`. Neither can store anything. @returns why it failed; the read-back decides all the same */
async function putPolicyBaseline(
  services: Services,
  pair: Pair,
  name: SettingName,
  metadataOnly?: CompleteLoggingConfiguration,
): Promise<string | undefined> {
  if (name === 'invocation-logging') {
    const kind =
      metadataOnly === undefined
        ? { kind: 'none' as const }
        : { kind: 'metadata-only' as const, configuration: metadataOnly };
    return (await putBaseline(services, pair, kind)).failure;
  }
  try {
    await services.retention.setDataRetentionToNone(pair);
    return undefined;
  } catch (error) {
    return error instanceof AwsCallError ? error.code : error instanceof Error ? error.name : 'unknown';
  }
}

type Tell = (
  type: string,
  says: string,
  more?: { readonly key?: string; readonly data?: Readonly<Record<string, unknown>> },
) => Promise<void>;

/** A recorder that fails keeps nothing on (OFF_NEEDS_NOTHING): the act goes on, the next round tells again. */
function eventOf(services: Services, pair: Pair, name: SettingName, actor: EventActor): Tell {
  const { accountId, region } = pair;
  const what = name === 'invocation-logging' ? 'invocation logging' : 'the data-retention mode';
  return async (type, says, { key, data = {} } = {}) => {
    const event: DomainEvent = {
      type,
      actor,
      subject: `${accountId}/${region}`,
      ...(key === undefined ? {} : { key }),
      data: { accountId, region, setting: name, ...data, says: `${what} of ${accountId}, ${region} ${says}` },
    };
    await services.recorder.record(event).catch(() => undefined);
  };
}

/** What `enforce` would do to one setting today, if it were switched on now. */
export interface PlannedSetting extends Pair {
  readonly accountName: string;
  readonly setting: SettingName;
  readonly effect: 'at-baseline' | 'leased' | 'foreign' | 'undo' | 'unreadable';
  readonly observed: string;
}

export interface EnforcementPlan {
  /** Over what is there and what would happen: another estate, or another policy, is another plan. */
  readonly hash: string;
  readonly policyHash: string;
  readonly settings: readonly PlannedSetting[];
}

/** A plan was not read in time, so there is none: half a plan would be confirmed for a whole one. */
export class PlanUnfinished extends Error {
  constructor(read: number, settings: number) {
    super(`${read} of ${settings} settings were read in the time there is, so there is no plan`);
    this.name = 'PlanUnfinished';
  }
}

const PLANNED_AT_ONCE = 12;

/**
 * What the policy's `enforce` would do today, account by account and Region by Region. Reads; writes nothing, tells nothing.
 * Foreign: in place now, would be saved and left. Undo: already enforced there, and drifted since.
 *
 * @param until - nothing more is read from then on
 * @throws PlanUnfinished when not everything was read by `until`
 */
export async function planEnforcement(
  services: Services,
  policy: LoadedPolicy,
  until?: EpochMs,
): Promise<EnforcementPlan> {
  const pairs = enforcesAnywhere(policy)
    ? governedPairs(await services.organizationView.organization(), policy).filter(
        ({ enforcement }) => enforcement === 'enforce',
      )
    : [];
  const now = services.clock.now();
  let read = 0;
  const planned = await pMap(
    pairs,
    async (pair) => {
      const { value: kept } = await readEnforced(services, pair);
      const row = (await readLeaseRow(services.store, pair.accountId, pair.region))?.value;
      const settings: PlannedSetting[] = [];
      for (const setting of SETTINGS) {
        if (until !== undefined && services.clock.now() >= until)
          throw new PlanUnfinished(read, pairs.length * SETTINGS.length);
        const observed = await observeSetting(services, pair, setting);
        read += 1;
        const isLeased = leaseExplains(setting, row, now);
        const plan = planDrift(setting, observed, 'enforce', kept.settings[setting], isLeased, now);
        const { accountId, region, accountName } = pair;
        settings.push({
          accountId,
          region,
          accountName,
          setting,
          effect: effectOf(plan),
          observed: describeSetting(setting, observed),
        });
      }
      return settings;
    },
    { concurrency: PLANNED_AT_ONCE },
  );
  const settings = planned.flat();
  return { hash: hashOf({ policy: policy.hash, settings }), policyHash: policy.hash, settings };
}

function effectOf(plan: DriftPlan): PlannedSetting['effect'] {
  switch (plan.kind) {
    case 'begin':
      return plan.foreign !== undefined ? 'foreign' : plan.isLeased === true ? 'leased' : 'at-baseline';
    case 'leave':
      return plan.why === 'leased' ? 'leased' : 'at-baseline';
    case 'leave-foreign':
      return 'foreign';
    case 'foreign-gone':
    case 'forget':
      return 'at-baseline';
    case 'undo':
    case 'unreadable':
      return plan.kind;
  }
}

export interface ForeignSetting extends Pair {
  readonly setting: SettingName;
  readonly seenAt: EpochMs;
  readonly value: SettingValue;
}

/** Drift that keeps not being undone counts while it is tried: what is governed no longer stops counting by itself. */
const TRIED_WITHIN_MS = 60 * 60_000;

/** Since when drift is not undone, for every setting of which that was found within the last hour. */
export async function driftOverdueSince(
  { store }: Pick<Services, 'store'>,
  now: EpochMs,
): Promise<readonly EpochMs[]> {
  return (await store.list(PREFIX)).flatMap((stored) =>
    Object.values(decodeRecord<EnforcedPair>(stored).settings).flatMap(({ overdue }) =>
      overdue !== undefined && now - overdue.seenAt <= TRIED_WITHIN_MS ? [overdue.since] : [],
    ),
  );
}

/** Everything foreign that waits for an operator. */
export async function listForeign({ store }: Pick<Services, 'store'>): Promise<readonly ForeignSetting[]> {
  const found: ForeignSetting[] = [];
  for (const stored of await store.list(PREFIX)) {
    const [, accountId = '', region = ''] = stored.key.split('/');
    const { settings } = decodeRecord<EnforcedPair>(stored);
    for (const setting of SETTINGS) {
      const foreign = settings[setting]?.foreign;
      if (foreign !== undefined)
        found.push({
          ...({ accountId, region } as Pair),
          setting,
          seenAt: foreign.seenAt,
          value: foreign.value,
        });
    }
  }
  return found;
}

/** Everything that operators took over, with what it takes to put it back by hand; the last 20 of each account and Region. */
export async function listAdopted({ store }: Pick<Services, 'store'>): Promise<readonly RestoreDocument[]> {
  return (await store.list(PREFIX)).flatMap((stored) => {
    const [, accountId = '', region = ''] = stored.key.split('/');
    const { adopted = [] } = decodeRecord<EnforcedPair>(stored);
    return adopted.map((each) => restoreDocument({ accountId, region } as Pair, each));
  });
}

/**
 * An operator takes over what somebody else configured: it is saved for good, then returned to the baseline and read back. Works in
 * `observe` too, since a person asks for it by name. Adopting again finds nothing, and says so.
 *
 * @returns what stood there, for the restore file; refused where an exception governs the setting, or where nothing keeps content
 */
export async function adoptForeign(
  services: ActingServices,
  pair: Pair,
  setting: SettingName,
  by: PrincipalId,
  reason: string,
  more: {
    /** What was shown to the person; something else now is refused. */
    readonly expected?: SettingValue;
    /** Keeps the restore file. Called before anything is changed; when it throws, nothing is. */
    readonly save?: (document: RestoreDocument) => Promise<void>;
  } = {},
): Promise<
  Result<{ readonly adopted: AdoptedSetting; readonly isOff: boolean; readonly says: string }, Refusal>
> {
  const tell = eventOf(services, pair, setting, personActor(services, by));
  const refuse = async (code: Refusal['code'], message: string): Promise<Result<never, Refusal>> => {
    await tell('enforcement.adoption-refused', `was not adopted by ${by}: ${message}`, { data: { code } });
    return err({ code, message });
  };
  const person = (await services.directory.people()).find(({ id }) => id === by);
  if (person?.isActive !== true)
    return refuse('UNKNOWN_PERSON', `\`${by}\` is not in the people file, or has left`);
  if (!person.roles.includes('security'))
    return refuse(
      'NOT_ENTITLED',
      `\`${by}\` does not hold the role \`security\`, which answers for what is taken over`,
    );
  const now = services.clock.now();
  const row = (await readLeaseRow(services.store, pair.accountId, pair.region))?.value;
  if (leaseExplains(setting, row, now))
    return refuse('STATE_REFUSES', 'an exception governs it now; revoke that instead');
  const observed = await observeSetting(services, pair, setting);
  if (observed.kind === 'unobservable')
    return refuse(
      'POLICY_UNDECIDED',
      `it cannot be read (${observed.detail ?? observed.reason}), so nothing was saved or changed`,
    );
  if (observed.kind === 'absent' || !keepsContent(setting, observed.value))
    return refuse('STATE_REFUSES', `nothing there keeps content (${describeSetting(setting, observed)})`);
  if (more.expected !== undefined && canonicalJson(more.expected) !== canonicalJson(observed.value))
    return refuse('HASH_MISMATCH', 'it changed since it was saved; look again before adopting it');
  const adopted: AdoptedSetting = { setting, at: now, by, reason, value: observed.value };
  await more.save?.(restoreDocument(pair, adopted));
  // Saved before anything is changed: a crash after this leaves it both saved and in place, and adopting again is possible.
  await changeEnforced(services, pair, (current) => ({
    ...current,
    adopted: [...(current.adopted ?? []), adopted].slice(-20),
  }));
  await tell(
    'enforcement.adopted',
    `was adopted by ${by} (${describeSetting(setting, observed)}): ${reason}`,
    {
      data: { value: observed.value },
    },
  );
  const failure = await putPolicyBaseline(services, pair, setting);
  const after = await observeSetting(services, pair, setting);
  const isOff = isAtBaseline(setting, after);
  if (isOff)
    await changeEnforced(services, pair, (current) => {
      const before = current.settings[setting];
      if (before === undefined) return current;
      const { foreign: _adopted, ...rest } = before;
      return withSetting(current, setting, rest);
    });
  const says = isOff
    ? `is at the baseline; read back: ${describeSetting(setting, after)}`
    : `is not at the baseline (${failure ?? describeSetting(setting, after)}); adopt it again`;
  await tell(isOff ? 'enforcement.undone' : 'enforcement.overdue', says, { data: { isOff } });
  return ok({ adopted, isOff, says });
}

export type RestoreDocument = ReturnType<typeof restoreDocument>;

/** What an operator needs to put an adopted configuration back by hand. It turns storing on, so Proviso never runs it. */
export function restoreDocument(pair: Pair, { setting, at, by, reason, value }: AdoptedSetting) {
  const { accountId, region } = pair;
  const command =
    setting === 'invocation-logging'
      ? `aws bedrock put-model-invocation-logging-configuration --region ${region} --logging-config file://logging-config.json`
      : `aws bedrock put-account-data-retention --region ${region} --mode ${(value as { mode: string }).mode}`;
  return {
    kind: 'RestoreFile',
    schemaVersion: 1,
    accountId,
    region,
    setting,
    adoptedAt: formatInstant(at),
    adoptedBy: by,
    reason,
    value,
    toPutBack: {
      command,
      note: 'this stores prompts again and is a violation without an exception; write `value` to logging-config.json for the first form',
    },
  } as const;
}
