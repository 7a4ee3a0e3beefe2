import { type DomainEvent, type EpochMs, hashOf, type PrincipalId } from '../core/index.ts';
import { pendingDecision } from './decide.ts';
import { holdOf } from './lifecycle.ts';
import { type AccountRegion, type PlacedRequest, placesOf } from './places.ts';
import type { PlannedChange } from './planned-changes.ts';
import { missingApprovals } from './quorum.ts';
import type { ExceptionRecord } from './types.ts';

/**
 * Something that people are told, and what is asked of them. It holds no prompt, no response, no task token and nothing that decides by being
 * clicked: who wants to act goes to the command line or the API, as themselves.
 */
export interface Notification {
  /** The same for the same occasion: a channel may deliver it twice, and a reader may drop the second. */
  readonly id: string;
  /** The event behind it: `exception.requested`, `approval.reminded`, … */
  readonly type: string;
  readonly at: EpochMs;
  /** An exception's id, or what else the event is about. */
  readonly subject: string;
  /** `page`: somebody must act now; `act`: by `until`; `know`: nothing is asked. */
  readonly urgency: 'page' | 'act' | 'know';
  readonly to: { readonly roles: readonly string[]; readonly people: readonly PrincipalId[] };
  readonly happened: string;
  readonly asked?: string;
  readonly until?: EpochMs;
  readonly reference?: string;
  readonly accountId?: string;
  readonly region?: string;
  /** Of an exception over several accounts and Regions: those beside the first. */
  readonly furtherPlaces?: readonly AccountRegion[];
  /** For those who watch CloudTrail: the calls that will be made. */
  readonly plannedChanges?: readonly PlannedChange[];
}

interface Telling {
  readonly urgency: Notification['urgency'];
  readonly roles: readonly string[];
  readonly asked?: string;
  readonly until?: EpochMs | undefined;
}

type Told = (record: ExceptionRecord, event: DomainEvent) => Telling | undefined;

const all = ({ requiredRoles }: ExceptionRecord) => requiredRoles;
const GUARDIANS = ['legal', 'security'] as const;
const know: Told = (record) => ({ urgency: 'know', roles: all(record) });
const guardians =
  (urgency: Telling['urgency'], asked: string): Told =>
  () => ({ urgency, roles: GUARDIANS, asked });

const decideBy: Told = (record) => {
  const pending = pendingDecision(record);
  if (pending === undefined) return undefined;
  return {
    urgency: 'act',
    roles: pending.missing,
    asked: `read the decision sheet of ${record.id} (proviso exception sheet ${record.id}), then approve or reject`,
    until: pending.until,
  };
};

/** Which events people are told of, who, and what is asked of them. Everything else stands in the record of events. */
const TOLD: Readonly<Record<string, Told>> = {
  'exception.requested': decideBy,
  'approval.reminded': decideBy,
  'approval.escalated': (record, { data }) => {
    const asked = decideBy(record, { type: '', actor: { id: '', kind: 'sweeper' }, subject: '', data });
    const to = Array.isArray(data['to']) ? data['to'].map(String) : [];
    return asked && { ...asked, roles: [...new Set([...asked.roles, ...to])] };
  },
  'exception.approval-taken-back': decideBy,
  'exception.decided': (record, { data }) =>
    data['decision'] === 'reject' ? { urgency: 'know', roles: all(record) } : undefined,
  'exception.approved': (record) => {
    const missing = missingApprovals(record);
    if (missing.length === 0) return { urgency: 'know', roles: all(record) };
    return {
      urgency: 'act',
      roles: all(record),
      asked: `break-glass was opened: ${missing.join(', ')} must confirm or reject`,
      until: record.request.endsAt,
    };
  },
  'exception.break-glass-breach': guardians(
    'page',
    'find out why it was not confirmed, and record the breach',
  ),
  'exception.withdrawn': know,
  'exception.expired': know,
  'exception.refused': know,
  'lease.reserved': know,
  'exception.active': (record) => ({ urgency: 'know', roles: all(record) }),
  'lease.revoked': know,
  'exception.off': know,
  'exception.contested': guardians(
    'page',
    'find out who changed the setting and what was stored elsewhere: that is not purged here',
  ),
  'exception.contest-noted': guardians(
    'page',
    'find out who changed the setting and what was stored elsewhere, and why the records cannot be written; it is switched off, and marked as soon as they can be',
  ),
  'exception.held': (record) => ({
    urgency: 'act',
    roles: GUARDIANS,
    asked:
      holdOf(record)?.vault === undefined
        ? 'copy what must be kept: AWS’s own deletion at the destination goes on; release the hold when it is no longer needed'
        : 'release the hold when it is no longer needed',
  }),
  'exception.hold-stuck': guardians(
    'page',
    'put right what is said, or copy what must be kept: AWS’s own deletion at the destination goes on; moving is tried every 15 minutes',
  ),
  'exception.hold-released': know,
  'exception.party-named': guardians('act', 'ask who is named, and stop it at its source'),
  'exception.party-unnamed': guardians('act', 'find out who it was: CloudTrail does not say'),
  'exception.robot': guardians(
    'page',
    'stop the automation that is named (an auto-remediation, infrastructure as code); switching off goes on until then',
  ),
  'exception.overdue': guardians(
    'page',
    'switch content storage off by hand in the account and Region now; switching off goes on being tried',
  ),
  'exception.second-lever': guardians(
    'page',
    'switch content storage off by hand; its destination was taken away meanwhile, so deliveries fail and nobody reads',
  ),
  'exception.read-by-other': guardians(
    'act',
    'find out why they could read it, and take that from them: only named readers may',
  ),
  'exception.purge-overdue': guardians('page', 'see why what was captured cannot be proven gone'),
  'exception.found-again': guardians('page', 'find out who switches content storage on again'),
  'exception.foreign-setting': guardians(
    'page',
    'have its owner remove it, or take it over (proviso adopt): what it stores is under no exception and not purged here',
  ),
  'filter.dropped': guardians(
    'act',
    'decide whether it may go on: what could not be filtered was deleted, and records of subjects may be lost with it',
  ),
  'exception.moved': (_record, { data }) =>
    data['effect'] === 'stands'
      ? { urgency: 'know', roles: GUARDIANS }
      : {
          urgency: data['effect'] === 'flagged' ? 'act' : 'page',
          roles: GUARDIANS,
          asked: 'look at the account: it is in another organizational unit than when the exception began',
        },
  'exception.needs-signature': guardians(
    'act',
    'close it without proof, signed with a reason (proviso exception close-unproven)',
  ),
  'exception.closed': know,
  'exception.closed-unproven': know,
  'policy.rejudged': (record, { data }) =>
    data['effect'] === 'asks-again'
      ? decideBy(record, { type: '', actor: { id: '', kind: 'policy' }, subject: '', data })
      : data['effect'] === 'flagged'
        ? guardians('act', 'look whether it may go on: the policy in force could not be decided for it')(
            record,
            { type: '', actor: { id: '', kind: 'policy' }, subject: '', data },
          )
        : data['effect'] === 'stands'
          ? undefined
          : { urgency: 'know', roles: all(record) },
};

/** Of an account and Region, no exception behind it: who, and what is asked. Where nothing is asked, nobody is told. */
const TOLD_OF_PLACES: Readonly<
  Record<
    string,
    (data: DomainEvent['data']) => (Omit<Telling, 'until'> & { readonly asked: string }) | undefined
  >
> = {
  'enforcement.began': ({ foreign }) =>
    foreign === undefined
      ? undefined
      : {
          urgency: 'act',
          roles: GUARDIANS,
          asked: 'have its owner remove it, or take it over (proviso adopt): until then it is left there',
        },
  'enforcement.overdue': () => ({
    urgency: 'page',
    roles: GUARDIANS,
    asked: 'return the setting to the baseline by hand; undoing it goes on being tried',
  }),
  'enforcement.contested': () => ({
    urgency: 'page',
    roles: GUARDIANS,
    asked: 'find what changes it back, and stop it at its source; undoing it goes on until then',
  }),
  'enforcement.robot': () => ({
    urgency: 'page',
    roles: GUARDIANS,
    asked: 'stop the automation that is named (an auto-remediation, infrastructure as code)',
  }),
  'enforcement.unreadable': () => ({
    urgency: 'act',
    roles: GUARDIANS,
    asked: 'see why it cannot be read, and look by hand: it is not known to be off',
  }),
};

/** Of what people are told, whatever it is about; the documentation lists them. */
export const TOLD_EVENTS: readonly string[] = [
  ...Object.keys(TOLD),
  ...Object.keys(TOLD_OF_PLACES),
  'sweep.faults',
];

const told: ReadonlySet<string> = new Set(TOLD_EVENTS);

/** Whether an event of this type may be told; its exception need not be read for any other. */
export const mayBeTold = (type: string): boolean => told.has(type);

/**
 * What people are told of an event; nothing where nobody has to know at once.
 * An event whose data say `isRepeat` tells again of what goes on: it is on record, and nobody is woken for it.
 * @param record - the exception it is about, as it stands after the event
 * @param at - when it happened
 */
export function notificationOf(
  event: DomainEvent,
  record: ExceptionRecord | undefined,
  at: EpochMs,
): Notification | undefined {
  const happened = typeof event.data['says'] === 'string' ? event.data['says'] : event.type;
  const id = event.key ?? hashOf({ type: event.type, subject: event.subject, at, happened }).slice(0, 32);
  const base = { id, type: event.type, at, subject: event.subject, happened };
  if (event.type === 'sweep.faults')
    return {
      ...base,
      urgency: 'act',
      to: { roles: ['security'], people: [] },
      asked: 'see what the sweep could not do; it tries again every 15 minutes',
    };
  const place = TOLD_OF_PLACES[event.type]?.(event.data);
  if (place !== undefined && event.data['isRepeat'] !== true) {
    const { accountId, region } = event.data;
    return {
      ...base,
      urgency: place.urgency,
      to: { roles: place.roles, people: [] },
      asked: place.asked,
      ...(typeof accountId === 'string' ? { accountId } : {}),
      ...(typeof region === 'string' ? { region } : {}),
    };
  }
  const telling = record && TOLD[event.type]?.(record, event);
  if (record === undefined || telling === undefined) return undefined;
  const { asked, until } = telling;
  return {
    ...base,
    urgency: telling.urgency,
    to: { roles: telling.roles, people: [record.requesterId] },
    ...(asked === undefined ? {} : { asked }),
    ...(until === undefined ? {} : { until }),
    reference: record.request.reference,
    ...whereOf(record.request),
  };
}

/** Where an exception is, as a notification says it. */
export function whereOf(
  request: PlacedRequest,
): Required<Pick<Notification, 'accountId' | 'region'>> & Pick<Notification, 'furtherPlaces'> {
  const [first, ...further] = placesOf(request).map(({ accountId, region }) => ({ accountId, region }));
  return {
    accountId: first?.accountId ?? request.accountId,
    region: first?.region ?? request.region,
    ...(further.length === 0 ? {} : { furtherPlaces: further }),
  };
}
