import { type ExceptionId, err, formatInstant, ok, type Result } from '../core/index.ts';
import { unknownException } from '../enforcement/index.ts';
import {
  approvalSubject,
  describeHold,
  type ExceptionRecord,
  hasSeveralPlaces,
  holdOf,
  isTerminal,
  type Lease,
  listExceptions,
  type PlacedLease,
  placesOf,
  readException,
  readLeases,
} from '../exceptions/index.ts';
import type { Failure } from './failures.ts';
import type { ApiServices } from './ports.ts';

/** An exception as it stands: what approvers read, with the hash of exactly that; `null` where the policy in force was not judged for it. */
export interface ExceptionView {
  readonly exception: Omit<ExceptionRecord, 'outbox'> & { readonly subjectHash: string | null };
  /** Of the first place. */
  readonly lease?: Lease;
  /** Of every further place, with its account and Region. */
  readonly furtherLeases?: readonly PlacedLease[];
  readonly policyHash: string;
}

export interface ExceptionRow {
  readonly id: ExceptionId;
  readonly state: ExceptionRecord['state'];
  readonly account: string;
  readonly region: string;
  readonly furtherPlaces?: readonly { readonly account: string; readonly region: string }[];
  readonly until: string;
  readonly reference: string;
  /** On legal hold: since when, in words. */
  readonly hold?: string;
  /** Nothing more happens by itself: only a person can close it. */
  readonly needsSignature: boolean;
}

type Reading = Pick<ApiServices, 'store' | 'policyInForce'>;

export async function viewOf(services: Reading, id: ExceptionId): Promise<Result<ExceptionView, Failure>> {
  const found = await readException(services.store, id);
  if (found === undefined) return err(unknownException(id));
  const { outbox: _outbox, ...record } = found.value;
  const [first, ...furtherLeases] = await readLeases(services.store, record);
  const { hash } = await services.policyInForce.current();
  return ok({
    exception: { ...record, subjectHash: approvalSubject(record, hash) ?? null },
    ...(first === undefined ? {} : { lease: first.lease }),
    ...(furtherLeases.length === 0 ? {} : { furtherLeases }),
    policyHash: hash,
  });
}

/** Newest last. */
export async function listOf(
  { store, clock }: Pick<ApiServices, 'store' | 'clock'>,
  isShown: (record: ExceptionRecord) => boolean = () => true,
): Promise<readonly ExceptionRow[]> {
  return (await listExceptions(store))
    .map(({ value }) => value)
    .filter(isShown)
    .sort((a, b) => a.submittedAt - b.submittedAt || (a.id < b.id ? -1 : 1))
    .map((record) => {
      const hold = holdOf(record);
      return {
        id: record.id,
        state: record.state,
        account: record.request.accountId,
        region: record.request.region,
        ...(hasSeveralPlaces(record.request)
          ? {
              furtherPlaces: placesOf(record.request)
                .slice(1)
                .map((place) => ({ account: place.accountId, region: place.region })),
            }
          : {}),
        until: formatInstant(record.request.endsAt),
        reference: record.request.reference,
        ...(hold === undefined ? {} : { hold: describeHold(hold, clock.now()) }),
        needsSignature: needsSignature(record),
      };
    });
}

/** What was stored under somebody else’s setting is theirs, and only a person can close over it. */
const needsSignature = ({ state, contested, emptyListings }: ExceptionRecord): boolean =>
  contested !== undefined && emptyListings.length > 1 && !isTerminal(state);
