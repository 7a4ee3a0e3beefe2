import pMap from 'p-map';
import {
  countOf,
  durationMs,
  epochMs,
  formatDuration,
  formatInstant,
  MINUTE,
  type PrincipalId,
} from '../core/index.ts';
import type { AccountEvidence, Organization, RegionEvidence } from '../evidence/index.ts';
import {
  blastRadius,
  durationOf,
  type ExceptionRequest,
  FILTER_LIMITS,
  hasSeveralPlaces,
  isFiltered,
  type Judgement,
  judge,
  type Lease,
  type LeaseRows,
  leasedInterval,
  NOT_CAPTURED,
  PLACES_AT_ONCE,
  type Place,
  placesOf,
  placeText,
  readLeaseRows,
  sayingWhere,
} from '../exceptions/index.ts';
import {
  type Access,
  accessOf,
  arnLike,
  type CapablePrincipal,
  CERTAINTY_WORDS,
  invokersBeside,
  subjectMatch,
  type WhoCan,
  whoCan,
} from '../iam/index.ts';
import type { LoadedPolicy } from '../policy/index.ts';
import { bucketsOf } from './enable.ts';
import { invokersOf } from './invokers.ts';
import type { Services } from './ports.ts';

/** Identities and settings around a request, as far as a preview speaks of them. Of accounts that are not here, nothing is known. */
export interface Surroundings {
  readonly organization: Organization;
  readonly accounts: readonly AccountEvidence[];
  readonly accountRegions: readonly Pick<RegionEvidence, 'accountId' | 'region' | 'invocationLogging'>[];
}

/**
 * The surroundings that a deployment reads: the organization, and identities and settings of the request's own accounts and Regions, as they
 * are now. At most `MOST_PLACES` accounts, so it ends within one call; what other accounts are trusted with there stays undecided.
 *
 * @throws AwsCallError when the organization cannot be read; an account that cannot be read is an observation that says so
 */
export async function surroundingsOf(
  { organizationView, inspection, settings }: Pick<Services, 'organizationView' | 'inspection' | 'settings'>,
  request: ExceptionRequest,
): Promise<Surroundings> {
  const organization = await organizationView.organization();
  // Whoever asks names the accounts: into one that is not the organization's, nobody goes with a role of ours.
  const places = placesOf(request).filter((place) =>
    organization.accounts.some(({ id }) => id === place.accountId),
  );
  const ids = [...new Set(places.map(({ accountId }) => accountId))];
  const at = { concurrency: PLACES_AT_ONCE };
  const [accounts, accountRegions] = await Promise.all([
    pMap(ids, async (accountId) => ({ accountId, iam: await inspection.readIam(accountId) }), at),
    pMap(
      places,
      async ({ accountId, region }) => ({
        accountId,
        region,
        invocationLogging: await settings.getInvocationLogging({ accountId, region }),
      }),
      at,
    ),
  ]);
  return { organization, accounts, accountRegions };
}

/**
 * Judges a request as `requestException` would and says what it would mean; reads, writes nothing, tells nobody.
 *
 * @param surroundings - undefined: could not be seen, and the preview says what is not known for it
 */
export async function previewRequest(
  services: Services,
  request: ExceptionRequest,
  requesterId: PrincipalId,
  surroundings: Surroundings | undefined,
): Promise<Preview> {
  const policy = await services.policyInForce.current();
  const now = services.clock.now();
  const rows = (await readLeaseRows(services.store, request)).map((row) => row?.value);
  const organization = await services.organizationView.organization();
  const judgement = judge({
    request,
    requesterId,
    policy,
    organization,
    people: await services.directory.people(),
    rows,
    buckets: await bucketsOf(services, request, organization),
    invokers: await invokersOf(services, request, organization),
    scope: 'submission',
    now,
  });
  return previewOf({ request, policy, judgement, surroundings, rows, now });
}

/** What an exception would mean, before anybody asks for it: sentences for people under a heading each, and the judgement. */
export interface Preview {
  readonly outcome: Judgement['outcome'];
  readonly conditions: Judgement['conditions'];
  readonly parts: readonly {
    readonly id: string;
    readonly title: string;
    readonly says: readonly string[];
  }[];
}

interface PreviewInput {
  readonly request: ExceptionRequest;
  readonly policy: LoadedPolicy;
  readonly judgement: Judgement;
  /** The identities and settings that were seen; nothing is said of who can invoke a model without them. */
  readonly surroundings: Surroundings | undefined;
  /** Of every place, in the order of `placesOf`. */
  readonly rows: LeaseRows;
  readonly now: Lease['startsAt'];
}

function previewOf(input: PreviewInput): Preview {
  const { judgement } = input;
  return {
    outcome: judgement.outcome,
    conditions: judgement.conditions,
    parts: [
      { id: 'captured', title: 'Whose prompts would really be captured', says: captured(input) },
      { id: 'not-captured', title: 'What would not be captured', says: notCaptured(input) },
      { id: 'contested', title: 'Who else may change the setting meanwhile', says: contested(input) },
      { id: 'alarms', title: 'Which alarms will ring', says: alarms(input) },
      { id: 'gone', title: 'When content is gone', says: gone(input) },
      { id: 'window', title: 'Other exceptions there', says: window(input) },
    ],
  };
}

const MOST_NAMED = 20;

/** What is said of one place names it, where there are several. */
const atEveryPlace = (
  request: ExceptionRequest,
  says: (place: Place, index: number) => readonly string[],
): readonly string[] =>
  placesOf(request).flatMap((place, index) =>
    says(place, index).map((each) => sayingWhere(request, place, each)),
  );

function captured({ request, surroundings }: PreviewInput): readonly string[] {
  const says = [blastRadius(request), ...(isFiltered(request) ? FILTER_LIMITS : [])];
  if (surroundings === undefined)
    return [...says, 'Who can invoke a model there is not known: the identities there could not be seen.'];
  return [...says, ...atEveryPlace(request, (place) => capturedAt(request, place, surroundings))];
}

function capturedAt(request: ExceptionRequest, place: Place, surroundings: Surroundings): readonly string[] {
  const access = accessIn(surroundings);
  const { others, undecided } = invokersBeside(access, place, request.subjects);
  const { principals } = whoIn(surroundings, 'invoke', place);
  const unseen = request.subjects.filter(
    (arn) =>
      (!hasSeveralPlaces(request) || arn.split(':')[4] === place.accountId) &&
      !principals.some(({ principal }) => subjectMatch(arn, principal.arn) !== undefined),
  );
  return [
    ...(others.length + undecided.length === 0
      ? ['By every policy that was seen, nobody but the subjects can invoke a model there.']
      : []),
    ...(others.length === 0
      ? []
      : [`Who else can invoke a model there, and is captured too: ${listed(others)}.`]),
    ...(undecided.length === 0
      ? []
      : [`Whether others can invoke a model there cannot be decided: ${listed(undecided)}.`]),
    ...unseen.map((arn) => `The subject \`${arn}\` cannot invoke a model there by what was seen.`),
  ];
}

const accessIn = ({ organization, accounts }: Surroundings): Access => accessOf({ organization, accounts });

const listed = (words: readonly string[]): string =>
  words.length > MOST_NAMED
    ? `${words.slice(0, MOST_NAMED).join('; ')}; and ${words.length - MOST_NAMED} more`
    : words.join('; ');

const whoIn = (surroundings: Surroundings, set: Parameters<typeof whoCan>[1], { accountId }: Place): WhoCan =>
  whoCan(accessIn(surroundings), set, (principal) => principal.accountId === accountId);

const named = (found: readonly CapablePrincipal[]): string => {
  const names = found
    .slice(0, MOST_NAMED)
    .map(({ principal: { type, name }, certainty }) =>
      type === 'root'
        ? `the root user (${CERTAINTY_WORDS[certainty]})`
        : `${type} \`${name}\` (${CERTAINTY_WORDS[certainty]})`,
    );
  return found.length > MOST_NAMED
    ? `${names.join(', ')} and ${found.length - MOST_NAMED} more`
    : names.join(', ');
};

const notCaptured = ({ request }: PreviewInput): readonly string[] =>
  NOT_CAPTURED.filter(
    (what) =>
      placesOf(request).some(({ destination }) => destination.kind !== 's3') || !what.includes('log group'),
  ).map((what) => `${what.charAt(0).toUpperCase()}${what.slice(1)}.`);

/** Names that infrastructure tools and remediations are known to carry. A name proves nothing; it says whom to ask. */
const AUTOMATION =
  /terraform|atlantis|custodian|remediat|stackset|config-?rule|awsconfig|pulumi|cdk-|landing-?zone/i;

function contested({ request, policy, surroundings }: PreviewInput): readonly string[] {
  const accounts = new Set(placesOf(request).map(({ accountId }) => accountId)).size;
  const general = `Terraform, CloudFormation custom resources, Cloud Custodian and AWS Config remediations put back a configuration that they manage. Their definitions are not read: ask who manages Bedrock in ${accounts === 1 ? 'this account' : 'these accounts'}. Such a change ends the exception, and what it stores elsewhere is not purged here.`;
  if (surroundings === undefined)
    return [
      'Who may change the setting there is not known: the identities there could not be seen.',
      general,
    ];
  return [
    ...atEveryPlace(request, (place) => contestedAt(place, policy, surroundings)),
    // Of the whole organization, whatever the place: said once.
    ...new Set(
      placesOf(request).flatMap((place) =>
        whoIn(surroundings, 'change-storage', place).notSeen.map((what) => `Not seen: ${what}.`),
      ),
    ),
    general,
    ...(hasSeveralPlaces(request)
      ? ['Such a change in one account and Region ends the exception in all of them.']
      : []),
  ];
}

function contestedAt(place: Place, policy: LoadedPolicy, surroundings: Surroundings): readonly string[] {
  const found = whoIn(surroundings, 'change-storage', place);
  const administrators = policy.policy.storage.administrators;
  const others = found.principals.filter(
    ({ principal }) => !administrators.some(({ principal: pattern }) => arnLike(pattern, principal.arn)),
  );
  const robots = others.filter(({ principal }) => AUTOMATION.test(principal.name));
  const setting = surroundings.accountRegions.find(
    ({ accountId, region }) => accountId === place.accountId && region === place.region,
  )?.invocationLogging;
  return [
    ...(setting?.kind === 'observed'
      ? [
          'Invocation logging is configured there already. If it stores content, the exception is refused at its start.',
        ]
      : setting?.kind === 'absent'
        ? []
        : ['The present setting there could not be seen.']),
    others.length === 0
      ? 'By what was seen, only the policy’s storage administrators and the root user may change it.'
      : `${countOf(others.length, 'principal')} that the policy does not name may change it, or it cannot be decided: ${named(others)}.`,
    ...(robots.length === 0
      ? []
      : [`By name, ${countOf(robots.length, 'robot')}; ask first: ${named(robots)}.`]),
  ];
}

const alarms = ({ request, policy }: PreviewInput): readonly string[] => [
  ...placesOf(request).map(
    (place) =>
      `CP-01 is violated in ${placeText(place)} while it is on, and shown as covered by the exception.`,
  ),
  'Detections on CloudTrail’s PutModelInvocationLoggingConfiguration and DeleteModelInvocationLoggingConfiguration fire at the start and the end (public rules exist, as for ATT&CK T1562.008). `proviso exception siem-window` tells them what to expect.',
  ...[...new Set(placesOf(request).map(({ destination }) => destination.kind))].map(
    (kind) =>
      `The Bedrock metric ${kind === 's3' ? 'ModelInvocationLogsS3DeliverySuccess' : 'ModelInvocationLogsCloudWatchDeliverySuccess'} rises above zero.`,
  ),
  ...(policy.policy.storage.baseline === 'none'
    ? ['Scanners that ask for invocation logging will call it good while it is on.']
    : []),
];

function gone({ request, policy }: PreviewInput): readonly string[] {
  const { purge } = policy.policy.exceptions;
  const drained = epochMs(request.endsAt + durationOf(purge.drain));
  const proven = epochMs(drained + durationOf(purge.secondListingAfter));
  return [
    `On from ${formatInstant(request.startsAt)} until ${formatInstant(request.endsAt)} at the latest (${formatDuration(durationMs(request.endsAt - request.startsAt))}).`,
    ...atEveryPlace(request, ({ destination }) => [
      destination.kind === 's3'
        ? `Stored in a prefix of its own below s3://${destination.bucketName}/${destination.keyPrefix}, encrypted with ${destination.kmsKeyArn}.`
        : `Stored in a log group of its own below ${destination.logGroupName}/, encrypted with ${destination.kmsKeyArn}.`,
    ]),
    `Purged from ${formatInstant(drained)} on. Proven at ${formatInstant(proven)} at the earliest, and at ${formatInstant(epochMs(request.startsAt + request.retention))} at the latest: ${formatDuration(request.retention)} after enabling, if that is done at the start.`,
    'A key is deleted after the proof if it carries the tag proviso-exception with the exception’s id, known once it is asked for; without it the key stays, and preflight and the certificate say so.',
    'Copies that readers make are not seen and not purged.',
  ];
}

const window = ({ request, rows, now }: PreviewInput): readonly string[] =>
  atEveryPlace(request, (_place, index) => windowAt(request, rows[index], now));

function windowAt(
  request: ExceptionRequest,
  row: LeaseRows[number],
  now: PreviewInput['now'],
): readonly string[] {
  const leased = (row?.leases ?? []).flatMap((lease) => {
    const interval = leasedInterval(lease, now);
    return interval === undefined ? [] : [{ lease, interval }];
  });
  if (leased.length === 0) return ['No exception holds, or has held, any time there.'];
  return leased.map(({ lease, interval }) => {
    const overlaps = interval.from < request.endsAt && request.startsAt < interval.to;
    const touches = Math.abs(interval.to - request.startsAt) < MINUTE;
    return `${lease.exceptionId}: ${formatInstant(interval.from)} to ${formatInstant(interval.to)}${overlaps ? ', which overlaps' : touches ? ', which touches: there is a gap between the two, never an overlap' : ''}.`;
  });
}
