import { assertNever, err, ok, type Result } from '../core/index.ts';
import type { ExceptionRecord, ExceptionState, HoldVault, LegalHold } from './types.ts';

export type LifecycleEvent =
  | 'approve'
  | 'reject'
  | 'withdraw'
  | 'expire'
  | 'refuse'
  | 'reserve'
  | 'ask-again'
  | 'begin-preflight'
  | 'enable'
  | 'end'
  | 'off'
  | 'drained'
  | 'found-again'
  | 'close'
  | 'close-unproven';

interface Row {
  readonly from: readonly ExceptionState[];
  readonly to: ExceptionState;
  /** What must be true; checked by the code that raises the event. */
  readonly guard: string;
  /** Where the rule comes from. */
  readonly source: string;
  readonly by: string;
}

/**
 * The life of an exception as one table. Every state write goes through `nextState`. Revoked, overdue, contested and held are not
 * states: they are marks on the lease or the record.
 * INVARIANT (PURGE_PROVEN): from `active` on, and from `preflight` once enabling was attempted, only `closed` and
 * `closed-unproven` are ends.
 */
export const LIFECYCLE = {
  approve: {
    from: ['submitted'],
    to: 'approved',
    guard: 'an approval for every required role, each by a different principal, none of them the requester',
    source: 'DISTINCT_QUORUM; policy section 7',
    by: 'workflow, from the recorded decisions',
  },
  reject: {
    from: ['submitted', 'approved', 'scheduled', 'preflight'],
    to: 'rejected',
    guard:
      'one eligible approver rejects; after `submitted` only a break-glass exception, whose confirmations come later',
    source: 'a rejection is terminal',
    by: 'an approver',
  },
  withdraw: {
    from: ['submitted', 'approved', 'scheduled', 'preflight'],
    to: 'withdrawn',
    guard: 'enabling was not attempted',
    source: 'the requester, or whoever may revoke, before the start',
    by: 'the requester, Legal or Security',
  },
  expire: {
    from: ['submitted', 'approved', 'scheduled', 'preflight'],
    to: 'expired',
    guard:
      'approvals incomplete at their deadline, or not on by start + enableWithin; enabling was not attempted',
    source: 'exceptions.approvals.expireAfter, exceptions.limits.enableWithin',
    by: 'workflow or sweeper',
  },
  refuse: {
    from: ['submitted', 'approved', 'scheduled', 'preflight'],
    to: 'refused',
    guard:
      'the window cannot be reserved, a standing condition fails at start, or a new policy refuses it; enabling was not attempted',
    source: 'one lease per account and Region; policy in force',
    by: 'workflow or policy adoption',
  },
  reserve: {
    from: ['approved'],
    to: 'scheduled',
    guard: 'no overlap and the cap holds, checked in the same conditional write',
    source: 'exceptions.limits.leasedTime',
    by: 'workflow',
  },
  'ask-again': {
    from: ['approved', 'scheduled', 'preflight'],
    to: 'submitted',
    guard:
      'a new policy names a role that has not approved, or an approver takes the approval back, and the approvals no longer suffice; enabling was not attempted',
    source: 'a pending exception must also collect new roles; its window stays reserved',
    by: 'policy adoption, or an approver',
  },
  'begin-preflight': {
    from: ['scheduled', 'preflight'],
    to: 'preflight',
    guard: 'the start has come',
    source: 'everything is checked again at the start',
    by: 'workflow',
  },
  enable: {
    from: ['preflight'],
    to: 'active',
    guard:
      'preflight passed, dead man’s switch read back, lease written, one Put, and the setting read back as desired',
    source: 'NO_SILENT_ON',
    by: 'workflow',
  },
  end: {
    from: ['submitted', 'approved', 'scheduled', 'preflight', 'active'],
    to: 'ending',
    guard: 'enabling was attempted; nothing else: off needs nothing',
    source: 'OFF_NEEDS_NOTHING',
    by: 'workflow, dead man’s switch, sweeper, or a person who revokes',
  },
  off: {
    from: ['ending'],
    to: 'draining',
    guard: 'AWS read back: content storage under the lease is off, and no Put of ours can still land',
    source: 'ended is a fact read from AWS',
    by: 'ending workflow or sweeper',
  },
  drained: {
    from: ['draining'],
    to: 'purging',
    guard: 'the quiet time has passed, and no legal hold stands whose records are not in its vault',
    source: 'exceptions.purge.drain',
    by: 'ending workflow',
  },
  'found-again': {
    from: ['ending', 'draining', 'purging'],
    to: 'ending',
    guard:
      'content storage towards this exception’s destination was found on again; while `ending`, at a place that was off already',
    source: 'PURGE_PROVEN: a new find restarts the proof',
    by: 'ending workflow or sweeper',
  },
  close: {
    from: ['purging'],
    to: 'closed',
    guard:
      'two empty listings at least exceptions.purge.secondListingAfter apart, nobody else’s setting contested the lease, and no legal hold stands',
    source: 'PURGE_PROVEN',
    by: 'ending workflow',
  },
  'close-unproven': {
    from: ['ending', 'draining', 'purging'],
    to: 'closed-unproven',
    guard:
      'a person signs with a reason, after content storage was read back as off; no legal hold stands, and nobody can still confirm break-glass',
    source: 'PURGE_PROVEN',
    by: 'Legal or Security',
  },
} as const satisfies Record<LifecycleEvent, Row>;

export type LifecycleError = { readonly code: 'STATE_REFUSES'; readonly message: string };

/** The state after `event`, or why the present state does not allow it. */
export function nextState(
  state: ExceptionState,
  event: LifecycleEvent,
): Result<ExceptionState, LifecycleError> {
  const row: Row = LIFECYCLE[event];
  if (row.from.includes(state)) return ok(row.to);
  return err({
    code: 'STATE_REFUSES',
    message: `\`${event}\` is possible from ${row.from.join(', ')}; the exception is ${describeState(state)}`,
  });
}

export const TERMINAL_STATES = [
  'closed',
  'closed-unproven',
  'rejected',
  'withdrawn',
  'expired',
  'refused',
] as const satisfies readonly ExceptionState[];

/** The hold that stands. */
export const holdOf = ({ holds }: Pick<ExceptionRecord, 'holds'>): LegalHold | undefined => {
  const last = holds?.at(-1);
  return last?.released === undefined ? last : undefined;
};

/** A flag beside the state: nothing closes, and the purge waits until what is in scope stands in the vault. Switching off never asks. */
export const isHeld = (record: Pick<ExceptionRecord, 'holds'>): boolean => holdOf(record) !== undefined;

/**
 * Whether the purge of the destination may go on under the hold: what was in scope stood in the vault after late deliveries were waited for.
 * The purge itself still leaves every version of which that is not seen again.
 */
export const mayPurgeHeld = ({
  holds,
  drainUntil,
}: Pick<ExceptionRecord, 'holds' | 'drainUntil'>): boolean => {
  const moved = holdOf({ ...(holds === undefined ? {} : { holds }) })?.moved;
  return moved !== undefined && drainUntil !== undefined && moved.at >= drainUntil;
};

/** A vault for every place, in their order; none: nothing is moved. */
export const vaultsOf = ({
  vault,
  otherVaults = [],
}: Pick<LegalHold, 'vault' | 'otherVaults'>): readonly HoldVault[] =>
  vault === undefined ? [] : [vault, ...otherVaults];

export const vaultsText = (hold: Pick<LegalHold, 'vault' | 'otherVaults'>): string =>
  vaultsOf(hold)
    .map(({ bucketName, keyPrefix }) => `s3://${bucketName}/${keyPrefix}`)
    .join(' and ');

/**
 * What released holds left behind at one place, by its position: purged and listed with the destination. Nothing while another hold stands: it may
 * keep the same vault, and what it asks for may stand in the earlier one alone.
 */
export const releasedVaults = (
  record: Pick<ExceptionRecord, 'holds'>,
  place: number,
): readonly HoldVault[] =>
  isHeld(record) ? [] : (record.holds ?? []).flatMap((hold) => vaultsOf(hold)[place] ?? []);

export const isTerminal = (state: ExceptionState): boolean =>
  (TERMINAL_STATES as readonly ExceptionState[]).includes(state);

/** In words that a lawyer reads. */
export function describeState(state: ExceptionState): string {
  switch (state) {
    case 'submitted':
      return 'waiting for approvals';
    case 'approved':
      return 'approved, not yet scheduled';
    case 'scheduled':
      return 'scheduled';
    case 'preflight':
      return 'being prepared';
    case 'active':
      return 'active: content is being stored';
    case 'ending':
      return 'being switched off';
    case 'draining':
      return 'off, waiting for late deliveries';
    case 'purging':
      return 'off, being purged';
    case 'closed':
      return 'closed';
    case 'closed-unproven':
      return 'closed without proof';
    case 'rejected':
      return 'rejected';
    case 'withdrawn':
      return 'withdrawn';
    case 'expired':
      return 'expired';
    case 'refused':
      return 'refused';
    default:
      return assertNever(state, 'exception state');
  }
}
