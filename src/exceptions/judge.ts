import {
  type DurationMs,
  durationMs,
  type EpochMs,
  formatDuration,
  formatInstant,
  MINUTE,
  type PrincipalId,
} from '../core/index.ts';
import type { Observation, Organization } from '../evidence/index.ts';
import type { LoadedPolicy } from '../policy/index.ts';
import { mostLeasedTime, overlapping } from './lease.ts';
import { hasSeveralPlaces, type LeaseRows, placesOf, placeText, sayingWhere } from './places.ts';
import { canBeApproved } from './quorum.ts';
import { durationOf } from './request.ts';
import { isFiltered } from './topology.ts';
import type { ExceptionRequest, JudgedCondition, LeaseRow, Person, Place } from './types.ts';

export interface Judgement {
  readonly outcome: 'admitted' | 'refused' | 'undecided';
  readonly conditions: readonly JudgedCondition[];
}

/** What is known of a bucket from the exception's own account and Region. */
export interface BucketFacts {
  readonly isInSameAccountAndRegion: boolean;
  readonly isVersioned: boolean;
  readonly hasObjectLock: boolean;
  /** Key ARN of the default encryption; absent without a customer-managed key. */
  readonly kmsKeyArn?: string;
}

/**
 * Who can invoke a model in the exception's account and Region beside its subjects, by the policies in place, each in words (`src/iam`,
 * `invokersBeside`). Both empty: nobody, and that is decided.
 */
export interface OtherInvokers {
  readonly others: readonly string[];
  /** What keeps it from being decided. */
  readonly undecided: readonly string[];
}

/**
 * `submission`: every condition. `standing`: those that a policy change or the start may look at again, so neither start times
 * nor a window and cap that already count the exception itself (DESIGN: a new version judges by standing conditions).
 */
export type JudgeScope = 'submission' | 'standing';

export interface JudgeInput {
  readonly request: ExceptionRequest;
  readonly requesterId: PrincipalId;
  readonly policy: LoadedPolicy;
  /** `undefined`: could not be read; what needs it is undecided. */
  readonly organization: Organization | undefined;
  readonly people: readonly Person[] | undefined;
  /** Of every place, in the order of `placesOf`. */
  readonly rows: LeaseRows;
  /** Of every place, in the order of `placesOf`. */
  readonly buckets: readonly Observation<BucketFacts>[];
  /** Of every place, in the order of `placesOf`. Asked of a `dedicated` exception. */
  readonly invokers: readonly OtherInvokers[];
  readonly scope: JudgeScope;
  readonly now: EpochMs;
}

/**
 * Judges a request by the policy's exception conditions. Every condition is judged, so that a person sees all of them at once. What is about
 * a place must hold at every place, and says which where there are several.
 */
export function judge(input: JudgeInput): Judgement {
  const conditions = [
    ...timeConditions(input),
    ...atEveryPlace(input, (place) => accountConditions(input, place)),
    ...scopeConditions(input),
    ...atEveryPlace(input, (place, index) => destinationConditions(input, place, input.buckets[index])),
    ...paperConditions(input),
    ...peopleConditions(input),
    ...breakGlassConditions(input),
    ...(input.scope === 'submission' ? windowConditions(input) : []),
  ];
  const outcome = conditions.some(({ holds }) => holds === 'not-met')
    ? 'refused'
    : conditions.some(({ holds }) => holds === 'undecided')
      ? 'undecided'
      : 'admitted';
  return { outcome, conditions };
}

function atEveryPlace(
  { request }: Pick<JudgeInput, 'request'>,
  conditions: (place: Place, index: number) => readonly JudgedCondition[],
): JudgedCondition[] {
  return placesOf(request).flatMap((place, index) =>
    conditions(place, index).map((each) => ({ ...each, says: sayingWhere(request, place, each.says) })),
  );
}

const condition = (clause: string, holds: boolean | 'undecided', says: string): JudgedCondition => ({
  clause,
  holds: holds === 'undecided' ? 'undecided' : holds ? 'met' : 'not-met',
  says,
});

function timeConditions({ request, policy, scope, now }: JudgeInput): JudgedCondition[] {
  const { limits, purge } = policy.policy.exceptions;
  const length = durationMs(request.endsAt - request.startsAt);
  const retention = durationOf(limits.retention);
  const wrapUp = durationMs(durationOf(purge.drain) + durationOf(purge.secondListingAfter));
  const standing = [
    condition(
      'exceptions.limits.enablement',
      length <= durationOf(limits.enablement),
      `content would be stored for ${formatDuration(length)}; at most ${limits.enablement}`,
    ),
    condition(
      'exceptions.limits.retention',
      request.retention <= retention,
      `retention asked is ${formatDuration(request.retention)}; at most ${limits.retention} from enabling to proven purge`,
    ),
    condition(
      'exceptions.purge',
      length + wrapUp <= request.retention,
      `storing for ${formatDuration(length)}, then draining and proving the purge for ${formatDuration(wrapUp)}, has to fit into the retention of ${formatDuration(request.retention)}`,
    ),
  ];
  if (scope === 'standing') return standing;
  const { validFor } = policy.policy.exceptions.approvals;
  return [
    ...standing,
    condition(
      'exceptions.approvals.validFor',
      request.startsAt - now <= durationOf(validFor),
      `an approval counts for ${validFor}; it must still count at the start, ${formatInstant(request.startsAt)}`,
    ),
    condition(
      'exceptions.limits.startsWithin',
      request.startsAt >= now && request.startsAt - now <= durationOf(limits.startsWithin),
      `starts at ${formatInstant(request.startsAt)}; it must not lie in the past, nor more than ${limits.startsWithin} ahead (now ${formatInstant(now)})`,
    ),
  ];
}

function accountConditions({ policy, organization }: JudgeInput, place: Place): JudgedCondition[] {
  const account = organization?.accounts.find(({ id }) => id === place.accountId);
  const unread = organization === undefined ? ('undecided' as const) : undefined;
  const governed = policy.policy.storage.scope.regions;
  return [
    condition(
      'storage.scope',
      unread ?? account !== undefined,
      account
        ? `account ${account.id} (${account.name}) is in the organization`
        : unread
          ? 'the organization could not be read'
          : `account ${place.accountId} is not in the organization`,
    ),
    condition(
      'storage.scope',
      unread ??
        (account !== undefined &&
          account.state === 'ACTIVE' &&
          account.id !== organization?.managementAccountId),
      account === undefined
        ? `account ${place.accountId} cannot be governed: it is not in the organization`
        : account.id === organization?.managementAccountId
          ? 'the management account cannot hold an exception: no service control policy restricts it'
          : `the account is ${account.state}; it must be ACTIVE`,
    ),
    condition(
      'storage.scope.regions',
      governed.includes(place.region),
      `${place.region} is ${governed.includes(place.region) ? '' : 'not '}one of the governed Regions (${governed.join(', ')})`,
    ),
  ];
}

function scopeConditions({ request, policy, invokers }: JudgeInput): JudgedCondition[] {
  const { scope } = policy.policy.exceptions;
  const hasLogGroup = placesOf(request).some(({ destination }) => destination.kind !== 's3');
  const accounts = new Set<string>(placesOf(request).map(({ accountId }) => accountId));
  const foreign = request.subjects.filter((arn) => !accounts.has(arn.split(':')[4] ?? ''));
  const without = [...accounts].filter((id) => request.subjects.every((arn) => arn.split(':')[4] !== id));
  return [
    condition(
      'exceptions.scope.topologies',
      scope.topologies.includes(request.topology) && (!isFiltered(request) || !hasLogGroup),
      isFiltered(request) && hasLogGroup
        ? `topology \`${request.topology}\` filters objects in S3; a log group cannot be filtered`
        : `topology \`${request.topology}\`; allowed: ${scope.topologies.join(', ')}`,
    ),
    ...placesOf(request).flatMap((place, index) =>
      invokerConditions(request, place, policy, invokers[index]),
    ),
    condition(
      'exceptions.scope.modalities',
      request.modalities.every((modality) => scope.modalities.includes(modality)),
      `content kinds asked: ${request.modalities.join(', ')}; allowed: ${scope.modalities.join(', ')}`,
    ),
    condition(
      'exceptions.scope.maxSubjects',
      request.subjects.length <= scope.maxSubjects && foreign.length === 0 && without.length === 0,
      foreign.length > 0
        ? `${foreign.length} of the subjects ${foreign.length === 1 ? 'is' : 'are'} of another account, first \`${foreign[0]}\`; logging ${hasSeveralPlaces(request) ? 'in the accounts asked for' : 'there'} would not capture them`
        : without.length > 0
          ? `no subject is of account ${without.join(', ')}: logging there would capture nobody who is meant`
          : `subjects named: ${request.subjects.length}; at most ${scope.maxSubjects}`,
    ),
  ];
}

/** Only what is decided counts: anything that keeps it open is never `met` where the policy asks for it. */
function invokerConditions(
  { topology }: ExceptionRequest,
  place: Place,
  policy: LoadedPolicy,
  { others, undecided }: OtherInvokers = {
    others: [],
    undecided: ['the identities of the account were not read'],
  },
): JudgedCondition[] {
  if (topology !== 'dedicated') return [];
  const isRequired = policy.policy.exceptions.scope.onlySubjectsInvoke === 'required';
  const where = `in ${placeText(place)}`;
  const found =
    others.length > 0
      ? `others than the subjects can invoke a model ${where} and would be captured: ${named(others)}`
      : undecided.length > 0
        ? `whether only the subjects can invoke a model ${where} is not decided: ${named(undecided)}`
        : `nobody but the subjects can invoke a model ${where}, by every policy in place`;
  const holds = others.length > 0 ? false : undecided.length > 0 ? 'undecided' : true;
  return [
    isRequired
      ? condition(
          'exceptions.scope.onlySubjectsInvoke',
          holds,
          holds === true ? found : `${found}; deny it to all others there, or use another account`,
        )
      : condition(
          'exceptions.scope.onlySubjectsInvoke',
          true,
          holds === true ? found : `${found}; the policy does not ask for more`,
        ),
  ];
}

const MOST_NAMED = 10;
const named = (words: readonly string[]): string =>
  words.length > MOST_NAMED
    ? `${words.slice(0, MOST_NAMED).join('; ')}; and ${words.length - MOST_NAMED} more`
    : words.join('; ');

/** What the request must state for a lawyer: notice and who may withhold it, the data-protection assessment. */
function paperConditions({ request, policy, people, requesterId }: JudgeInput): JudgedCondition[] {
  const { notice, dataProtectionAssessment: assessment } = request;
  const { notice: asked, request: stated } = policy.policy.exceptions;
  const conditions = [
    condition(
      'exceptions.notice',
      !asked.required || notice.kind === 'given' || notice.decidedBy !== '',
      notice.kind === 'given'
        ? `the people concerned are told: ${notice.how}`
        : `notice is withheld, decided by ${notice.decidedBy}: ${notice.reason}`,
    ),
    condition(
      'exceptions.request.dataProtectionAssessment',
      stated.dataProtectionAssessment === 'optional' || assessment !== undefined,
      assessment === undefined
        ? 'the request names no data-protection assessment, and nobody who decided that none is needed'
        : assessment.kind === 'made'
          ? `data-protection assessment ${assessment.reference}`
          : `no data-protection assessment is needed, decided by ${assessment.decidedBy}: ${assessment.reason}`,
    ),
  ];
  if (notice.kind === 'given' || asked.withheldBy.length === 0) return conditions;
  const { decidedBy } = notice;
  const holder = people?.find((person) => person.id === decidedBy && person.isActive);
  const isEntitled =
    decidedBy !== requesterId && holder?.roles.some((role) => asked.withheldBy.includes(role)) === true;
  return [
    ...conditions,
    condition(
      'exceptions.notice.withheldBy',
      people === undefined ? 'undecided' : isEntitled,
      people === undefined
        ? 'the people could not be read'
        : `\`${decidedBy}\` ${isEntitled ? 'may' : 'may not'} decide that notice is withheld: it takes an active person with the role ${asked.withheldBy.join(' or ')}, by id, and not the requester`,
    ),
  ];
}

/** DISTINCT_QUORUM's one exemption: refused while the policy has it off, and never longer than it allows. */
function breakGlassConditions({ request, policy }: JudgeInput): JudgedCondition[] {
  if (request.breakGlass === undefined) return [];
  const { enabled, atMost } = policy.policy.exceptions.breakGlass;
  const length = durationMs(request.endsAt - request.startsAt);
  return [
    condition(
      'exceptions.breakGlass.enabled',
      enabled,
      enabled
        ? 'the policy has break-glass: Legal or Security alone may open it'
        : 'the policy has no break-glass: ask for a usual exception',
    ),
    condition(
      'exceptions.breakGlass.atMost',
      length <= durationOf(atMost),
      `a break-glass exception is on for ${formatDuration(length)}; at most ${atMost}, and every other role must have confirmed by its end`,
    ),
  ];
}

function destinationConditions(
  { policy }: JudgeInput,
  place: Place,
  bucket: Observation<BucketFacts> = { kind: 'unobservable', reason: 'not-collected' },
): JudgedCondition[] {
  const { destination } = policy.policy.exceptions;
  const wanted = place.destination;
  const [, , , keyRegion, keyAccount] = wanted.kmsKeyArn.split(':');
  const conditions = [
    condition(
      'exceptions.destination.kinds',
      destination.kinds.includes(wanted.kind),
      `destination kind \`${wanted.kind}\`; allowed: ${destination.kinds.join(', ')}`,
    ),
    condition(
      'exceptions.destination.encryption',
      keyRegion === place.region && keyAccount === place.accountId,
      `the key is of account ${keyAccount} in ${keyRegion}; Bedrock delivers only within ${place.accountId} and ${place.region}`,
    ),
  ];
  if (wanted.kind === 'cloudwatch-logs') {
    const roleAccount = wanted.roleArn.split(':')[4];
    return [
      ...conditions,
      condition(
        'exceptions.destination',
        roleAccount === place.accountId,
        `the log role is of account ${roleAccount}; it must be of ${place.accountId}`,
      ),
    ];
  }
  if (bucket.kind !== 'observed') {
    return [
      ...conditions,
      condition(
        'exceptions.destination',
        bucket.kind === 'absent' ? false : 'undecided',
        bucket.kind === 'absent'
          ? `account ${place.accountId} has no bucket \`${wanted.bucketName}\` in ${place.region}; Bedrock delivers to no other account or Region`
          : `bucket \`${wanted.bucketName}\` could not be looked at (${bucket.reason})`,
      ),
    ];
  }
  const facts = bucket.value;
  return [
    ...conditions,
    condition(
      'exceptions.destination',
      facts.isInSameAccountAndRegion && !facts.hasObjectLock,
      facts.hasObjectLock
        ? `bucket \`${wanted.bucketName}\` has Object Lock: its content could not be purged`
        : `bucket \`${wanted.bucketName}\` is ${facts.isInSameAccountAndRegion ? 'in' : 'not in'} account ${place.accountId}, ${place.region}, without Object Lock`,
    ),
    condition(
      'exceptions.destination.versioning',
      destination.versioning === 'allowed' || !facts.isVersioned,
      `the bucket ${facts.isVersioned ? 'keeps' : 'does not keep'} versions; versions are ${destination.versioning}`,
    ),
    condition(
      'exceptions.destination.encryption',
      facts.kmsKeyArn === wanted.kmsKeyArn,
      `the bucket encrypts with ${facts.kmsKeyArn ?? 'no customer-managed key'}; the request names ${wanted.kmsKeyArn}`,
    ),
  ];
}

function peopleConditions({ policy, people, requesterId }: JudgeInput): JudgedCondition[] {
  const roles = policy.policy.exceptions.approvals.roles.map(({ role }) => role);
  if (people === undefined)
    return [condition('exceptions.approvals.roles', 'undecided', 'the people could not be read')];
  const unfilled = canBeApproved(roles, people, requesterId);
  return [
    condition(
      'exceptions.approvals.roles',
      unfilled.length === 0,
      unfilled.length === 0
        ? `approvals asked: ${roles.join(', ')}; different living people can give them`
        : `nobody is left to approve as ${unfilled.join(', ')}: every role needs a person of its own, and not the requester`,
    ),
  ];
}

/** Overlap and cap at every place; also checked again in the write that reserves the windows. */
export function windowConditions({
  request,
  policy,
  rows,
  now,
}: Pick<JudgeInput, 'request' | 'policy' | 'rows' | 'now'>): JudgedCondition[] {
  const { leasedTime } = policy.policy.exceptions.limits;
  return atEveryPlace({ request }, (place, index) => {
    const row: LeaseRow | undefined = rows[index];
    const taken = overlapping(row, request.startsAt, request.endsAt, now);
    const most: DurationMs = mostLeasedTime(row, request, durationOf(leasedTime.within), now);
    return [
      condition(
        'exceptions.limits.leasedTime',
        taken === undefined,
        taken
          ? `${taken.exceptionId} holds ${formatInstant(taken.startsAt)} to ${formatInstant(taken.expiresAt)} in ${placeText(place)}`
          : 'no other exception holds any of this window in the account and Region',
      ),
      condition(
        'exceptions.limits.leasedTime',
        most <= durationOf(leasedTime.atMost),
        `together with other exceptions there, ${formatDuration(durationMs(Math.ceil(most / MINUTE) * MINUTE))} would be leased within ${leasedTime.within}; at most ${leasedTime.atMost}`,
      ),
    ];
  });
}
