import { describeConfiguration } from '../enforcement/index.ts';
import {
  countsText,
  NO_COUNTS,
  READER_KINDS,
  readCallers,
  type SignedCertificate,
} from '../exceptions/index.ts';
import { printable, wrap } from './terminal/index.ts';

/** The statement as a person reads it; `--format json` gives the exact signed object. */
export function certificateLines(
  { statement, statementHash, signature }: SignedCertificate,
  width: number,
): readonly string[] {
  const row = (label: string, value: unknown): readonly string[] =>
    wrap(printable(textOf(value)), width, `  ${label.padEnd(15)}`, ' '.repeat(17));
  const times = (statement['times'] ?? {}) as Record<string, unknown>;
  const purged = (statement['purged'] ?? {}) as Record<string, unknown>;
  const places = placesIn(statement);
  const listings = listOf(statement['listings']);
  const approvals = listOf(statement['approvals']);
  return [
    `Certificate of closure: ${textOf(statement['exceptionId'])}, ${textOf(statement['outcome'])}`,
    '',
    ...places.flatMap((place) => row('where', whereText(place))),
    ...row('reference', statement['reference']),
    ...approvals.flatMap((approval) =>
      row(
        textOf(approval['role']),
        `${decisionText(approval['decision'])} ${textOf(approval['principalId'])}, ${textOf(approval['at'])}`,
      ),
    ),
    ...breakGlassText(statement['breakGlass']).flatMap((text) => row('break-glass', text)),
    ...places.flatMap((place) => {
      const settings = (place['settings'] ?? {}) as Fields;
      return [
        ...(places.length === 1 ? [] : ['', ...row('in', whereText(place))]),
        ...row('before', settingText(settings['before'])),
        ...row('afterwards', settingText(settings['after'])),
        ...row('baseline', settingText(settings['baseline'])),
        ...(places.length === 1
          ? []
          : [
              ...row('enabled', place['enablingAttemptedAt'] ?? 'never'),
              ...row('off, read back', offText(place['offReadBackAt'], place['minutesOverdue'])),
              ...leverRows(place, row),
            ]),
      ];
    }),
    ...(places.length === 1 ? [] : ['']),
    ...row('enabled', times['enabledAt']),
    ...row('approved until', times['expiresAt']),
    ...(times['revokedAt'] === null ? [] : row('revoked', times['revokedAt'])),
    ...row('off, read back', offText(times['offReadBackAt'], statement['minutesOverdue'])),
    ...leverRows(statement, row),
    ...listOf(statement['holds']).flatMap((each) => row('legal hold', holdText(each))),
    ...listOf(statement['interference']).flatMap((each) => row('somebody else', interferenceText(each))),
    ...(statement['robot'] === undefined ? [] : row('robot', robotText(statement['robot'] as Fields))),
    ...row(
      'purged',
      Object.entries(purged)
        .map(([what, count]) => `${what} ${textOf(count)}`)
        .join(', '),
    ),
    ...(statement['filtered'] === undefined
      ? []
      : row('filtered', countsText({ ...NO_COUNTS, ...(statement['filtered'] as object) }))),
    ...readsTexts(statement['reads']).flatMap((says, index) => row(index === 0 ? 'reads seen' : '', says)),
    ...listings.flatMap((listing) =>
      row(
        'listed',
        `${textOf(listing['at'])}: ${listOf(listing['locations'], true).join(', ')}: versions ${textOf(listing['versions'])}, delete markers ${textOf(listing['deleteMarkers'])}, uploads ${textOf(listing['uploads'])}, log groups ${textOf(listing['logGroups'])}`,
      ),
    ),
    ...listOf(statement['keyMaterial']).flatMap((each) => row('key', keyText(each))),
    ...row('finding', statement['finding']),
    ...listOf(statement['notProven'], true).flatMap((what) => row('not proven', what)),
    ...row('closed', `${textOf(times['closedAt'])} by ${textOf(statement['closedBy'])}`),
    '',
    `  sha256 ${statementHash}`,
    ...row('signature', `valid; ${signature.algorithm}, key ${signature.keyId}`),
  ];
}

/** What is about one account and Region each: the statement itself, where the exception was in one alone. */
export const placesIn = (statement: Fields): readonly Fields[] =>
  Array.isArray(statement['places']) ? (statement['places'] as readonly Fields[]) : [statement];

export const whereText = (place: Fields): string =>
  `account ${textOf(place['account'])}, ${textOf(place['region'])}`;

export const offText = (at: unknown, minutesOverdue: unknown): string =>
  `${textOf(at)}; minutes overdue: ${textOf(minutesOverdue)}`;

const leverRows = (
  { secondLever }: Fields,
  row: (label: string, value: unknown) => readonly string[],
): readonly string[] =>
  secondLever === undefined ? [] : row('second lever', leverText(secondLever as Fields));

/** What was decided, so that an approval taken back does not read as one that stands. */
const decisionText = (decision: unknown): string =>
  decision === 'approve' ? 'approved by' : decision === 'reject' ? 'rejected by' : `${textOf(decision)}:`;

type Fields = Readonly<Record<string, unknown>>;

/** A setting, or the baseline, in words. */
export function settingText(value: unknown): string {
  if (typeof value !== 'object' || value === null) return textOf(value);
  const { kind, configuration } = value as { readonly kind?: unknown; readonly configuration?: object };
  if (kind === 'none') return 'nothing is configured';
  return describeConfiguration(kind === 'metadata-only' ? (configuration ?? {}) : value);
}

const robotText = (robot: Fields): string =>
  `${textOf(robot['by'])} switched content storage on again ${textOf(robot['rounds'])} times after it had been switched off`;

/** Who opened it, who confirmed it, and who did not, in sentences; none where there was no break-glass. */
export function breakGlassText(value: unknown): readonly string[] {
  if (value === undefined) return [];
  const glass = value as Fields;
  const who = (each: unknown): string => {
    const { principalId, role, at } = each as Fields;
    return `${textOf(principalId)} as ${textOf(role)}, ${textOf(at)}`;
  };
  const confirmed = listOf(glass['confirmedBy']).map(who);
  const missing = listOf(glass['notConfirmedBy'], true).join(', ');
  return [
    `Opened by break-glass (${textOf(glass['reason'])}): ${glass['openedBy'] === null ? 'no opening counts any more' : who(glass['openedBy'])}.`,
    `Confirmed by ${confirmed.length === 0 ? 'nobody' : confirmed.join('; ')}.`,
    ...(glass['rejectedBy'] === null ? [] : [`Rejected by ${who(glass['rejectedBy'])}.`]),
    ...(glass['isBreach'] === true
      ? [`BREACH: not confirmed by ${missing} until ${textOf(glass['confirmedUntil'])}.`]
      : []),
  ];
}

const leverText = (lever: Readonly<Record<string, unknown>>): string =>
  `pulled at ${textOf(lever['pulledAt'])}; bucket denied: ${textOf(lever['bucketDenied'])}; key disabled: ${textOf(lever['keyDisabled'])}`;

/** What became of a key, in words. */
export const keyText = (each: Fields): string =>
  each['deletionScheduledAt'] == null
    ? `${textOf(each['kmsKeyArn'])} was not deleted, because ${textOf(each['notDeletedBecause'])}`
    : `${textOf(each['kmsKeyArn'])} is scheduled for deletion since ${textOf(each['deletionScheduledAt'])}, with ${textOf(each['waitingDays'])} days in which a person can cancel it`;

const scopeText = (scope: unknown): string =>
  Array.isArray(scope) ? `keys below ${listOf(scope, true).join(', ')}` : textOf(scope ?? 'everything');

function vaultText({ vault: value, otherVaults: others, allVaults }: Fields): string {
  if (value == null) return ', moved nowhere';
  const vault = value as Fields;
  const where = [vault, ...(Array.isArray(others) ? (others as Fields[]) : [])]
    .map((each) => `in ${textOf(each['location'])} under ${textOf(each['kmsKeyArn'])}`)
    .join(' and ');
  const isOne = others === undefined;
  const listed = (allVaults ?? vault) as Fields;
  return `, ${where}: ${isOne ? '' : 'together '}${textOf(listed['versions'])} versions (${textOf(listed['bytes'])} bytes)${eventsText(listed['logEvents'])}, listed there ${textOf(listed['listedAt'])}; ${isOne ? 'its' : 'the'} lifecycle ${isOne ? 'was' : 'of each was'} ${textOf(listed['lifecycle'])}`;
}

const eventsText = (value: unknown): string => {
  if (value === null || typeof value !== 'object') return '';
  const { events, objects, listing } = value as Fields;
  return `, with ${textOf(events)} log events in ${textOf(objects)} objects by their keys (listing ${textOf(listing)})`;
};

/** Who read what was captured, and what cannot be seen; nothing of a certificate of an earlier version. */
export function readsTexts(value: unknown): readonly string[] {
  if (value === null || typeof value !== 'object') return [];
  const { says, by, cannotBeSeen } = value as Fields;
  return [
    `${textOf(says)}; cannot be seen: ${textOf(cannotBeSeen)}`,
    ...readCallers(
      listOf(by).map((row) => ({
        by: textOf(row['by']),
        kind: READER_KINDS.find((kind) => kind === row['kind']) ?? 'other',
        reads: Number(row['reads']),
        day: textOf(row['day']),
      })),
    ),
  ];
}

/** One legal hold, in words. */
export const holdText = (each: Readonly<Record<string, unknown>>): string =>
  `${textOf(each['heldAt'])} by ${textOf(each['by'])} (${each['reference'] == null ? '' : `${textOf(each['reference'])}: `}${textOf(each['reason'])}), of ${scopeText(each['scope'])}${vaultText(each)}, released ${textOf(each['releasedAt'])} by ${textOf(each['releasedBy'])} (${textOf(each['releaseReason'])})${each['purgingHadBegun'] === true ? '; purging had begun before' : ''}`;

/** One change by somebody else, in words. */
export const interferenceText = (each: Readonly<Record<string, unknown>>): string =>
  `${textOf(each['found'])}${each['account'] === undefined ? '' : ` in ${whereText(each)}`}, found at ${textOf(each['foundAt'])}: ${
    each['by'] === null
      ? `by whom is not known (${textOf(each['unnamed'])}${each['eventNamed'] === undefined ? '' : `; the event named ${textOf(each['eventNamed'])}`})`
      : `CloudTrail names ${textOf(each['by'])}, ${textOf(each['call'])} at ${textOf(each['calledAt'])}${each['through'] === undefined ? '' : `, through ${textOf(each['through'])}`}`
  }`;

const textOf = (value: unknown): string =>
  value === null || value === undefined
    ? 'none'
    : typeof value === 'object'
      ? JSON.stringify(value)
      : String(value);

function listOf(value: unknown, asText: true): readonly string[];
function listOf(value: unknown): readonly Record<string, unknown>[];
function listOf(value: unknown, asText = false): readonly unknown[] {
  const list = Array.isArray(value) ? value : [];
  return asText ? list.map(textOf) : list;
}
