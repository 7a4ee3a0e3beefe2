import {
  DAY,
  durationMs,
  type EpochMs,
  type EventActor,
  type ExceptionId,
  epochMs,
  formatInstant,
  HOUR,
  MINUTE,
  ok,
} from '../core/index.ts';
import type { Observation } from '../evidence/index.ts';
import {
  amend,
  type ExceptionRecord,
  type Interference,
  isSamePlace,
  type OtherParty,
  requireException,
  sayingWhere,
} from '../exceptions/index.ts';
import { CONTEST_ROUNDS } from './drift.ts';
import type { Pair, Services, SettingChange } from './ports.ts';

/**
 * CloudTrail delivers within about five minutes on average and promises nothing (*How CloudTrail works*). An hour later no further call
 * is expected; where it could not be asked by then, it is asked for a day.
 */
export const SHOWN_WITHIN = durationMs(HOUR);
const ASKED_FOR = durationMs(DAY);
/** CloudTrail's clock and ours. */
const SKEW = MINUTE;

/** The roles that switch (templates/member-account.yml); role names are unique in an account, whatever their path. */
const OWN_ROLE = /^arn:[\w-]+:sts::([0-9]{12}):assumed-role\/Proviso(?:Enable|Disable)\//;

export const isOwnCall = (by: string, { accountId }: Pick<Pair, 'accountId'>): boolean =>
  OWN_ROLE.exec(by)?.[1] === accountId;

/** The party behind a caller: a robot comes with a new session every time. */
export const partyOf = (by: string): string => by.replace(/(:assumed-role\/[^/]+)\/.*$/, '$1');

/** The last of others' calls in `[from, to]`; nothing is said of calls that are not shown. */
export function lastOther(
  changes: readonly SettingChange[],
  pair: Pick<Pair, 'accountId'>,
  from: EpochMs,
  to: EpochMs,
  isMeant: (call: string) => boolean = () => true,
): OtherParty | undefined {
  const found = changes.findLast(
    ({ at, by, call }) => at >= from && at <= to && !isOwnCall(by, pair) && isMeant(call),
  );
  return found && { ...found, by: partyOf(found.by) };
}

export const partyText = ({ by, through }: Pick<OtherParty, 'by' | 'through'>): string =>
  through === undefined ? by : `${by} (through ${through})`;

const isPut = (call: string): boolean => call.startsWith('Put');

const isOpen = ({ isSettled }: Interference): boolean => isSettled !== true;

/** Whether the change was found in this account and Region. */
const isAt = ({ place }: Interference, record: ExceptionRecord, pair: Pair): boolean =>
  isSamePlace(place ?? record.request, pair);

export const hasUnnamed = (record: ExceptionRecord, pair: Pair): boolean =>
  record.interference?.some((found) => isOpen(found) && isAt(found, record, pair)) === true;

function named(
  found: Interference,
  seen: Observation<readonly SettingChange[]>,
  pair: Pair,
  now: EpochMs,
): Interference {
  const { unnamed: _unnamed, ...rest } = found;
  const isLate = now >= found.foundAt + SHOWN_WITHIN;
  const isLast = now >= found.foundAt + ASKED_FOR;
  const settled = isLast || (isLate && seen.kind !== 'unobservable') ? { isSettled: true as const } : {};
  // Content is switched on by a Put alone; a Delete and a Put of metadata both switch it off.
  const party =
    seen.kind === 'observed'
      ? (lastOther(
          seen.value,
          pair,
          found.since,
          epochMs(found.foundAt + SKEW),
          found.found === 'switched-off' ? undefined : isPut,
        ) ?? found.party)
      : found.party;
  if (party !== undefined) return { ...rest, party, ...settled };
  const unnamed =
    seen.kind === 'unobservable'
      ? `CloudTrail cannot be asked (${seen.reason})`
      : isLate
        ? 'CloudTrail shows no such call of anybody else'
        : 'CloudTrail shows nobody yet; it is minutes late';
  return { ...rest, unnamed, ...settled };
}

/** Who switched content storage on again after us at least `CONTEST_ROUNDS` times. */
function robotIn(interference: readonly Interference[]): ExceptionRecord['robot'] {
  const rounds = new Map<string, OtherParty[]>();
  for (const { found, party, place } of interference) {
    if (found !== 'on-again' || party === undefined) continue;
    // Once in each of two places is no habit yet.
    const key = JSON.stringify([party.by, place?.accountId, place?.region]);
    const before = rounds.get(key) ?? [];
    if (before.every(({ at }) => at !== party.at)) rounds.set(key, [...before, party]);
  }
  for (const calls of rounds.values()) {
    const last = calls.at(-1);
    if (last === undefined || calls.length < CONTEST_ROUNDS) continue;
    const { by, through } = last;
    return { by, rounds: calls.length, ...(through === undefined ? {} : { through }) };
  }
  return undefined;
}

/** The record with what CloudTrail says of every change in the pair that is not settled, and what is to be told of it. Pure. */
export function nameInterference(
  record: ExceptionRecord,
  pair: Pair,
  seen: Observation<readonly SettingChange[]>,
  now: EpochMs,
): {
  readonly record: ExceptionRecord;
  readonly says: readonly { type: string; says: string; by?: string }[];
} {
  const says: { type: string; says: string; by?: string }[] = [];
  const interference = (record.interference ?? []).map((found) => {
    if (!isOpen(found) || !isAt(found, record, pair)) return found;
    const after = named(found, seen, pair, now);
    const { party } = after;
    if (party !== undefined && (party.by !== found.party?.by || party.at !== found.party.at))
      says.push({
        type: 'exception.party-named',
        by: party.by,
        says: `${sayingWhere(record.request, pair, WHAT[found.found])}: CloudTrail names ${partyText(party)}, ${party.call} at ${formatInstant(party.at)}`,
      });
    if (party === undefined && after.isSettled === true)
      says.push({
        type: 'exception.party-unnamed',
        says: `${sayingWhere(record.request, pair, WHAT[found.found])}, and nobody can be named: ${after.unnamed ?? ''}${found.hint === undefined ? '' : `; the event named ${found.hint}`}`,
      });
    return after;
  });
  const robot = robotIn(interference);
  const known = record.robot;
  if (robot !== undefined && robot.by !== known?.by)
    says.push({
      type: 'exception.robot',
      by: robot.by,
      says: `${partyText(robot)} switched content storage on again ${robot.rounds} times after it was switched off: stop it at its source; switching off goes on`,
    });
  const isSame = JSON.stringify(interference) === JSON.stringify(record.interference ?? []);
  if (isSame && says.length === 0) return { record, says };
  return { record: { ...record, interference, ...(robot === undefined ? {} : { robot }) }, says };
}

export const WHAT: Readonly<Record<Interference['found'], string>> = {
  changed: 'somebody else changed the setting',
  'switched-off': 'somebody else switched content storage off',
  'on-again': 'somebody else switched content storage on again',
};

/**
 * Asks CloudTrail who is behind what was found. After everything that switches off, and never throws: a name is for people, and nothing
 * waits for it. Called again by the event and by every sweep until it is settled.
 */
export async function nameParties(
  services: Services,
  pair: Pair,
  id: ExceptionId,
  actor: EventActor,
): Promise<void> {
  try {
    const { value: record } = await requireException(services.store, id);
    const open = (record.interference ?? []).filter((found) => isOpen(found) && isAt(found, record, pair));
    const [first] = open;
    if (first === undefined) return;
    const since = open.reduce((least, each) => (each.since < least ? each.since : least), first.since);
    const seen = await services.trail.whoChanged(pair, 'invocation-logging', since);
    const now = services.clock.now();
    await amend(services, id, (current) => {
      const after = nameInterference(current, pair, seen, now);
      const events = after.says.map(({ type, says, by }) => ({
        type,
        actor,
        subject: id,
        data: { ...pair, says, ...(by === undefined ? {} : { named: by }) },
      }));
      return ok({ record: after.record, events });
    });
  } catch {
    // The table fails, or somebody else is faster again and again: the next sweep asks.
  }
}
