import type { ExceptionView } from '../api/index.ts';
import { durationMs, formatDuration, formatInstant } from '../core/index.ts';
import { describeOverdue, overdueOf, partyText } from '../enforcement/index.ts';
import {
  assessmentText,
  blastRadius,
  countsText,
  describeState,
  destinationText,
  type ExceptionRecord,
  factsAt,
  hasSeveralPlaces,
  isTerminal,
  movedText,
  noticeText,
  type PlacedLease,
  pendingDecision,
  placesOf,
  placeText,
  quorum,
  readCallers,
  sayingWhere,
  standingApprovals,
  vaultsText,
} from '../exceptions/index.ts';
import type { CommandContext } from './context.ts';
import { printable, wrap } from './terminal/index.ts';

/** What an approver decides on, in words; its hash is what they sign. */
export function exceptionLines(
  { exception: record, lease, furtherLeases = [], reads }: ExceptionView,
  { width }: CommandContext,
): readonly string[] {
  const { request } = record;
  const places = placesOf(request);
  const leases = lease === undefined ? [] : [{ ...request, lease }, ...furtherLeases];
  const row = (label: string, text: string) =>
    wrap(printable(text), width, `  ${label.padEnd(13)}`, ' '.repeat(15));
  const subject = record.subjectHash ?? undefined;
  const lines = [
    `${record.id}  ${describeState(record.state)}`,
    ...(record.reason === undefined ? [] : row('because', record.reason)),
    ...(record.flagged === undefined ? [] : row('look at this', record.flagged)),
    ...(record.contested === undefined
      ? []
      : row('contested', `somebody else’s setting was found: ${record.contested.observed}`)),
    ...places.flatMap((place) => {
      const { foreignSetting } = factsAt(record, place);
      if (foreignSetting === undefined) return [];
      const says = `since ${formatInstant(foreignSetting.at)} somebody else’s setting stores content there, under no exception: ${foreignSetting.observed}; have its owner remove it, or take it over: proviso adopt`;
      return row('NOT OURS', sayingWhere(request, place, says));
    }),
    ...(record.holds ?? []).flatMap((hold) => {
      const { at, by, reference, reason, scope, vault, moved, stuck, released } = hold;
      return row(
        released === undefined ? 'ON HOLD' : 'was held',
        `since ${formatInstant(at)} by ${by}${reference === undefined ? '' : ` (${reference})`}: ${reason}; ${
          scope === undefined ? 'everything' : `keys below ${scope.join(', ')}`
        }${
          vault === undefined
            ? ''
            : `, in ${vaultsText(hold)}: ${moved === undefined ? 'nothing yet' : `${movedText(moved)} at ${formatInstant(moved.at)}`}`
        }; ${
          released !== undefined
            ? `released at ${formatInstant(released.at)} by ${released.by}: ${released.reason}`
            : stuck !== undefined
              ? `STUCK since ${formatInstant(stuck.firstSeenAt)}: ${stuck.why}`
              : vault === undefined
                ? 'the purge waits. AWS’s own deletion at the destination goes on: copy what must be kept'
                : 'the purge of the destination waits for it'
        }`,
      );
    }),
    ...(record.interference ?? []).flatMap(({ place, foundAt, found, party, hint, unnamed }) =>
      row(
        found === 'on-again' ? 'on again' : found === 'changed' ? 'changed' : 'taken off',
        `found at ${formatInstant(foundAt)}${hasSeveralPlaces(request) ? ` in ${placeText(place ?? request)}` : ''}: ${
          party === undefined
            ? `by whom is not known: ${unnamed ?? 'CloudTrail was not asked yet'}${hint === undefined ? '' : `; the event named ${hint}`}`
            : `by ${partyText(party)}, ${party.call} at ${formatInstant(party.at)} (CloudTrail)`
        }`,
      ),
    ),
    ...(record.robot === undefined
      ? []
      : row(
          'robot',
          `${partyText(record.robot)} keeps switching it on again: stop it at its source; switching off goes on`,
        )),
    ...places.flatMap((place) => {
      const { secondLever } = factsAt(record, place);
      if (secondLever === undefined) return [];
      const says = `pulled at ${formatInstant(secondLever.at)}: bucket denied: ${secondLever.bucket}; key disabled: ${secondLever.key}`;
      return row('second lever', sayingWhere(request, place, says));
    }),
    ...places.flatMap((place) => {
      const { keyKeptBecause } = factsAt(record, place);
      return keyKeptBecause === undefined || record.keyMaterial !== undefined
        ? []
        : row(
            'key',
            sayingWhere(request, place, `will not be deleted at the end, because ${keyKeptBecause}`),
          );
    }),
    ...(record.isPurgeOverdue === true ? row('overdue', 'the purge is not proven within the retention') : []),
    '',
    ...row('reference', request.reference),
    ...row('why', request.justification),
    ...row('captures', blastRadius(request).replace(/^This captures /, '')),
    ...row('subjects', request.subjects.join(', ')),
    ...row('content', `${request.modalities.join(', ')} of ${request.models.join(', ')}`),
    ...places.flatMap((place) =>
      row('goes to', sayingWhere(request, place, destinationText(place.destination))),
    ),
    ...row('readers', request.readers.join(', ')),
    ...row('from', formatInstant(request.startsAt)),
    ...row(
      'until',
      `${formatInstant(request.endsAt)} (exclusive; ${formatDuration(durationMs(request.endsAt - request.startsAt))})`,
    ),
    ...row(
      'gone by',
      `${formatDuration(request.retention)} after enabling, proven by two empty listings; purge: ${request.purgedBy}`,
    ),
    ...row('notice', noticeText(request)),
    ...row('assessment', assessmentText(request)),
    ...(request.breakGlass === undefined ? [] : row('break-glass', request.breakGlass.reason)),
    ...row('requested by', `${record.requesterId} at ${formatInstant(record.submittedAt)}`),
    '',
    ...approvalLines(record, width),
  ];
  if (record.enabledAt !== undefined) lines.push('', ...row('on since', formatInstant(record.enabledAt)));
  for (const placed of leases)
    if (placed.lease.offAt !== undefined && record.enabledAt !== undefined)
      lines.push(
        ...row(
          'off',
          sayingWhere(
            request,
            placed,
            `${formatInstant(placed.lease.offAt)}, read back from AWS; ${overdueWords(record, [placed])}`,
          ),
        ),
      );
  if (record.purged !== undefined) {
    const { versions, bytes, uploads, logGroups } = record.purged;
    lines.push(
      ...row(
        'purged',
        `${versions} versions (${bytes} bytes), ${uploads} open uploads, ${logGroups} log groups`,
      ),
    );
  }
  if (record.enabledAt !== undefined || reads.rows.length > 0)
    lines.push(...row('reads', reads.says), ...readCallers(reads.rows).flatMap((caller) => row('', caller)));
  if (record.filtered !== undefined) lines.push(...row('filtered', countsText(record.filtered)));
  for (const listing of record.emptyListings)
    lines.push(...row('listed empty', `${formatInstant(listing.at)}  ${listing.locations.join(', ')}`));
  if (record.certificate !== undefined) lines.push(...row('certificate', record.certificate.hash));
  if (record.state === 'submitted' && subject === undefined) {
    lines.push('', ...row('decide', 'later: the policy in force has not been judged for it yet'));
  } else if (record.state === 'submitted' && subject !== undefined) {
    const missing = quorum(record);
    const role = missing.kind === 'open' ? (missing.missing[0] ?? 'legal') : 'legal';
    lines.push(
      '',
      `what is signed  ${subject}`,
      ...wrap(
        `the SHA-256 of the decision sheet: proviso exception sheet ${record.id}`,
        width,
        '                ',
        '                ',
      ),
      '',
      `decide: proviso exception approve ${record.id} --as ID --role ${role} \\`,
      `          --hash ${subject.slice(0, 16)}`,
    );
  } else if (!isTerminal(record.state)) {
    lines.push('', `end it now: proviso exception revoke ${record.id} --as ID --reason TEXT`);
  }
  return lines;
}

function overdueWords(record: ExceptionRecord, leases: readonly PlacedLease[]): string {
  const overdue = describeOverdue(overdueOf(record, leases));
  return overdue === 'in time' ? overdue : `${overdue} late`;
}

function approvalLines(record: ExceptionRecord, width: number): string[] {
  const pending = pendingDecision(record);
  return record.requiredRoles.flatMap((role) => {
    const decision =
      record.decisions.find((each) => each.role === role && each.decision === 'reject') ??
      standingApprovals(record.decisions).find((each) => each.role === role);
    const text = decision
      ? `${decision.decision === 'approve' ? 'approved' : 'REJECTED'} by ${decision.principalId} at ${formatInstant(decision.at)}${decision.reason ? `: ${decision.reason}` : ''}`
      : pending?.missing.includes(role) === true
        ? `missing; until ${formatInstant(pending.until)}`
        : 'not given';
    return [...wrap(printable(text), width, `  ${role.padEnd(13)}`, ' '.repeat(15))];
  });
}
