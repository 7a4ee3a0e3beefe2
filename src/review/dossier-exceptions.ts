import {
  type Block,
  type DurationMs,
  durationMs,
  type EpochMs,
  formatDuration,
  formatInstant,
} from '../core/index.ts';
import { describeState, type ExceptionRecord, placesText } from '../exceptions/index.ts';

/**
 * How much longer content was on than its request allowed: 0 where it was off in time. While it is on, the time so far counts.
 * What was revoked earlier is measured by the request all the same; the certificate tells of the revocation.
 */
export function overrunOf({ enabledAt, offAt, request }: ExceptionRecord, now: EpochMs): DurationMs {
  if (enabledAt === undefined) return durationMs(0);
  return durationMs(Math.max(0, (offAt ?? now) - request.endsAt));
}

/** Exceptions that lived at any time after `since` (exclusive; undefined: ever), oldest first. */
export function exceptionBlocks(
  {
    exceptions,
    refusedRequests,
    now,
  }: {
    readonly exceptions: readonly ExceptionRecord[];
    readonly refusedRequests: number;
    readonly now: EpochMs;
  },
  since: EpochMs | undefined,
): readonly Block[] {
  const refused =
    refusedRequests === 0
      ? ''
      : ` ${refusedRequests === 1 ? 'One request was' : `${refusedRequests} requests were`} refused at once by a condition of the policy.`;
  const shown = exceptions
    .filter((record) => since === undefined || lastMoment(record) > since)
    .toSorted((left, right) => left.submittedAt - right.submittedAt || (left.id < right.id ? -1 : 1));
  if (shown.length === 0) return [{ kind: 'text', text: `None was admitted.${refused}` }];
  const enabled = shown.filter(({ enabledAt }) => enabledAt !== undefined);
  const overrun = shown.filter((record) => overrunOf(record, now) > 0);
  const unproven = shown.filter(({ state }) => state === 'closed-unproven');
  return [
    {
      kind: 'text',
      text: `${shown.length} admitted, ${enabled.length} enabled, ${overrun.length} on for longer than allowed, ${unproven.length} closed without proof.${refused}`,
    },
    {
      kind: 'table',
      caption: 'Exceptions',
      columns: ['Exception', 'Where', 'Asked for', 'Decisions', 'On', 'Ended', 'Overrun'],
      rows: shown.map((record) => [
        `\`${record.id}\` ${record.request.reference}`,
        placesText(record.request),
        `${formatInstant(record.submittedAt)} by \`${record.requesterId}\``,
        record.decisions
          .map(
            ({ decision, role, principalId, at }) =>
              `${decision === 'approve' ? 'approved' : 'rejected'} as ${role} by \`${principalId}\` at ${formatInstant(at)}`,
          )
          .join('; ') || 'none',
        onWords(record),
        `${describeState(record.state)}${record.reason === undefined ? '' : `: ${record.reason}`}`,
        overrunWords(record, now),
      ]),
    },
  ];
}

/** The last time at which something about it is on record; its end may lie ahead. */
const lastMoment = ({ submittedAt, request, offAt, emptyListings, state }: ExceptionRecord): number =>
  state === 'closed' || state === 'closed-unproven'
    ? Math.max(submittedAt, offAt ?? 0, ...emptyListings.map(({ at }) => at))
    : Math.max(submittedAt, request.endsAt, offAt ?? 0);

function onWords({ enabledAt, offAt, request }: ExceptionRecord): string {
  if (enabledAt === undefined) return 'never';
  return `${formatInstant(enabledAt)} to ${offAt === undefined ? `now (allowed to ${formatInstant(request.endsAt)})` : formatInstant(offAt)}`;
}

function overrunWords(record: ExceptionRecord, now: EpochMs): string {
  const overrun = overrunOf(record, now);
  const purge = record.isPurgeOverdue === true ? 'purged too late' : '';
  const on = overrun === 0 ? '' : `on for ${formatDuration(overrun)} too long`;
  return [on, purge].filter((words) => words !== '').join('; ') || 'none';
}
