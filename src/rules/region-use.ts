import type { Observation } from '../evidence/index.ts';
import { sectionOf, usableRegions } from '../evidence/index.ts';
import { BEDROCK_ACTION_CLASSES } from '../iam/index.ts';
import { type RegionInput, settingsOf } from './derive-region.ts';
import {
  type AccountSubjectInput,
  absentFact,
  type DerivedFact,
  observedFact,
  unobservableFact,
} from './derived-fact.ts';

/*
 * Where nobody can use Bedrock, and how that is known. That a setting could not be read is never enough, and neither is that it cannot be
 * made now: what was set or stored earlier may still be there. So this says only that no prompt can be sent to Bedrock in the Region, and
 * the controls that ask what happens to prompts from now on are not applicable; those that ask what lies there stay undecided.
 */

type Unusable = 'not-opted-in' | 'not-offered' | 'denied-to-everybody';

/**
 * Regions in which AWS does not offer Bedrock, by its own list of all in which it does. Most are offered, so this one is kept the other
 * way round: a Region that neither list of ours has, a new one, is unknown. Those of China and of the US government have lists of
 * their own, which were not seen.
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/endpoints-region-availability.html (*Regional availability by endpoints*:
 *   `bedrock-runtime` is available in every Region where Bedrock is offered)
 */
const NOT_OFFERED: ReadonlySet<string> = new Set(['ap-east-1']);
/** The day on which a stored copy of that page was read; AWS dates neither. */
const OFFER_AS_OF = '2026-11-21';
/** The title of that page, as a source. */
export const OFFER = 'Regional availability by endpoints';

/** Every action of Bedrock that sends a prompt to it or puts content into one of its stores. */
const STORING: readonly string[] = Object.entries(BEDROCK_ACTION_CLASSES)
  .filter(([, classes]) => classes.includes('stores') || classes.includes('invokes'))
  .map(([action]) => action);

/** Absent: nothing shows that Bedrock cannot be used there, which is no evidence that it can. */
export function unusableFact(input: RegionInput): DerivedFact {
  const settings = settingsOf(input);
  // AWS answered about a setting there: it is in use, whatever any list says.
  const answered = settings.find(({ kind }) => kind !== 'unobservable');
  if (answered !== undefined) return nothingShows(input, answered);
  return (
    notOptedIn(input) ??
    notOffered(input, settings) ??
    deniedToEverybody(input, settings) ??
    nothingShows(input, sectionOf(input.accountSections, 'regions'), ...settings)
  );
}

/** By the call that answered, or else by the first that was tried. */
function nothingShows(
  { region, takenAt }: RegionInput,
  ...asked: readonly Observation<unknown>[]
): DerivedFact {
  const says = `nothing shows that Bedrock cannot be used in ${region}`;
  const answer = asked.find((each) => each.kind !== 'unobservable');
  if (answer !== undefined) return absentFact(answer, says);
  const source = asked.find((each) => each.source !== undefined)?.source ?? { call: OFFER };
  return absentFact({ at: takenAt, source }, says);
}

/** @see https://docs.aws.amazon.com/accounts/latest/reference/API_DisableRegion.html: disabling takes all access away, and deletes nothing */
function notOptedIn({ accountSections, region }: RegionInput): DerivedFact | undefined {
  const seen = sectionOf(accountSections, 'regions');
  if (seen.kind !== 'observed') return undefined;
  const statuses = seen.value.filter((each) => each.region === region).map(({ optStatus }) => optStatus);
  // Once, and without doubt: a Region that is being enabled or disabled is neither.
  if (statuses.length !== 1 || statuses[0] !== 'DISABLED') return undefined;
  return observedFact(
    'not-opted-in' satisfies Unusable,
    seen,
    `the account has not opted in to ${region}: nobody can send a prompt to Bedrock there; what may lie there from before was not seen`,
  );
}

type Settings = readonly Observation<unknown>[];

/** Both lists: AWS's own, which may be older than the Region's Bedrock, and that nothing answered there. */
function notOffered({ region, takenAt }: RegionInput, settings: Settings): DerivedFact | undefined {
  if (!NOT_OFFERED.has(region) || !settings.every((each) => refusedAs(each, 'failed'))) return undefined;
  return observedFact(
    'not-offered' satisfies Unusable,
    { at: takenAt, source: { call: OFFER } },
    `AWS does not offer Bedrock in ${region}, by its list as read on ${OFFER_AS_OF}, and no endpoint answered there`,
  );
}

/** Both, too: the control policies deny every such call, whoever asks, and what was tried was denied. */
function deniedToEverybody(
  { region, reach, guardrails, takenAt }: RegionInput,
  settings: Settings,
): DerivedFact | undefined {
  if (guardrails.kind !== 'levels' || guardrails.levels.length === 0) return undefined;
  if (!settings.every((each) => refusedAs(each, 'access-denied'))) return undefined;
  // What hangs on who asks, or on anything of the request but the Region, is conditional and no denial.
  if (reach.underControlPolicies({ actions: STORING, region }).kind !== 'denied') return undefined;
  return observedFact(
    'denied-to-everybody' satisfies Unusable,
    { at: takenAt, source: { call: 'organizations:ListTargetsForPolicy + organizations:DescribePolicy' } },
    `control policies deny to everybody, root included, all ${STORING.length} calls that could send a prompt to Bedrock in ${region} or store one there; reading was denied too, so a setting from before was not seen`,
  );
}

/** Refused by Bedrock itself: a role that could not be assumed says nothing about the Region. */
const refusedAs = (
  observation: Observation<unknown>,
  reason: Extract<Observation<unknown>, { kind: 'unobservable' }>['reason'],
): boolean =>
  observation.kind === 'unobservable' &&
  observation.reason === reason &&
  observation.source?.call.startsWith('bedrock:') === true;

/** Whether a service of Bedrock cannot have kept anything there, because it was never offered. */
export const wasNeverOffered = (input: RegionInput): boolean =>
  notOffered(input, settingsOf(input)) !== undefined;

/**
 * How many Regions outside the policy's list the account can use and nobody asked. A Region of the list that was not asked has findings of
 * its own; of these there would be none at all, so one is enough to make the answer missing evidence.
 */
export function notAskedFact({ evidence, policy, regions }: AccountSubjectInput): DerivedFact {
  const seen = sectionOf(evidence.sections, 'regions');
  const list = 'the list of Regions that the account can use';
  if (seen.kind === 'unobservable') return unobservableFact(seen, list);
  const { source } = seen;
  const usable = usableRegions(seen);
  // AWS has no account without a Region: such an answer is no evidence that none was left out.
  if (usable.length === 0)
    return unobservableFact(
      { kind: 'unobservable', reason: 'malformed', detail: 'no Region is in it', source },
      list,
    );
  const governed = new Set<string>(policy.storage.scope.regions);
  const left = usable.filter((name) => !governed.has(name) && !regions.has(name)).toSorted();
  return left.length === 0
    ? observedFact(0, seen, `the account was asked in all ${usable.length} Regions that it can use`)
    : unobservableFact(
        { kind: 'unobservable', reason: 'not-collected', source },
        `what is stored in ${left.join(', ')}, which the account can use,`,
      );
}
