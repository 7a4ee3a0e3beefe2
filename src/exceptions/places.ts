import { type AccountId, type EpochMs, epochMs, type Region } from '../core/index.ts';
import type { ExceptionRecord, ExceptionRequest, Lease, LeaseRow, Place, PlaceFacts } from './types.ts';

/*
 * An exception may be for several accounts and Regions. They are approved, reserved, enabled and ended together; each has a lease, a dead
 * man's switch and a destination of its own. Everything that is done "at every place" goes through here. What
 * judges a single place, such as preflight of a destination, is given the request as it is for that place.
 */

/** The most places of one request: all its leases are written in one commit, and DynamoDB takes 100 writes in one transaction. */
export const MOST_PLACES = 20;

/** Places are in accounts and Regions of their own, so their calls do not disturb each other; a hanging one must not hold up the rest. */
export const PLACES_AT_ONCE = 5;

export interface AccountRegion {
  readonly accountId: AccountId;
  readonly region: Region;
}

/** A request as far as it says where. */
export type PlacedRequest = Pick<ExceptionRequest, 'accountId' | 'region' | 'destination' | 'furtherPlaces'>;

/** In the order of the request, which is the order of enabling; never empty. */
export const placesOf = ({
  accountId,
  region,
  destination,
  furtherPlaces = [],
}: PlacedRequest): readonly [Place, ...Place[]] => [{ accountId, region, destination }, ...furtherPlaces];

export const hasSeveralPlaces = ({ furtherPlaces }: Pick<ExceptionRequest, 'furtherPlaces'>): boolean =>
  furtherPlaces !== undefined && furtherPlaces.length > 0;

/** The same request with another destination at every place. */
export function withDestinations(
  request: ExceptionRequest,
  change: (place: Place) => Place['destination'],
): ExceptionRequest {
  const [{ destination }, ...furtherPlaces] = placesOf(request).map((place) => ({
    ...place,
    destination: change(place),
  })) as [Place, ...Place[]];
  return { ...request, destination, ...(hasSeveralPlaces(request) ? { furtherPlaces } : {}) };
}

export const isSamePlace = (one: AccountRegion, other: AccountRegion): boolean =>
  one.accountId === other.accountId && one.region === other.region;

/** `222222222222, us-east-1`. */
export const placeText = ({ accountId, region }: AccountRegion): string => `${accountId}, ${region}`;

/** Every place, in words: `222222222222, us-east-1; 333333333333, eu-west-1`. */
export const placesText = (request: PlacedRequest): string => placesOf(request).map(placeText).join('; ');

/** Puts the place before what is said of it, where there is more than one. */
export const sayingWhere = (request: PlacedRequest, place: AccountRegion, says: string): string =>
  hasSeveralPlaces(request) ? `${placeText(place)}: ${says}` : says;

/** The lease rows of an exception's places, in their order; `undefined` where there is none. */
export type LeaseRows = readonly (LeaseRow | undefined)[];

/** The lease of an exception in its pair's row. */
export const leaseOf = (row: LeaseRow | undefined, id: Lease['exceptionId']): Lease | undefined =>
  row?.leases.find((lease) => lease.exceptionId === id);

/** One lease of an exception and where it is. */
export interface PlacedLease extends AccountRegion {
  readonly lease: Lease;
}

/** Its leases; none before the windows are reserved, then one for every place. */
export const leasesOf = (rows: LeaseRows, id: Lease['exceptionId']): readonly PlacedLease[] =>
  rows.flatMap((row) => {
    const lease = leaseOf(row, id);
    return row === undefined || lease === undefined
      ? []
      : [{ accountId: row.accountId, region: row.region, lease }];
  });

/** Every lease of one exception replaced; a row whose lease stays the same object stays the same object. */
export const withLeases = (
  rows: LeaseRows,
  id: Lease['exceptionId'],
  change: (lease: Lease, place: AccountRegion) => Lease,
): LeaseRows =>
  rows.map((row) => {
    const lease = leaseOf(row, id);
    if (row === undefined || lease === undefined) return row;
    const changed = change(lease, row);
    return changed === lease
      ? row
      : { ...row, leases: row.leases.map((other) => (other === lease ? changed : other)) };
  });

/** Enabling was attempted at one place at least: from then on the exception ends through the ending workflow alone. */
export const isAttempted = (leases: readonly PlacedLease[]): boolean =>
  leases.some(({ lease }) => lease.enabling !== undefined);

/** A lease whose Put was attempted and that has not been read back as off is ours to end, whatever else happens. */
export const isUnsettled = (lease: Lease): boolean =>
  lease.enabling !== undefined && lease.offAt === undefined;

/** The first attempt to enable, at whichever place. */
export const enablingSince = (leases: readonly PlacedLease[]): EpochMs | undefined =>
  leases.reduce<EpochMs | undefined>(
    (first, { lease: { enabling } }) =>
      enabling !== undefined && (first === undefined || enabling.at < first) ? enabling.at : first,
    undefined,
  );

/** When the last of the places where enabling was attempted was read back as off; undefined while one is not. */
export const allOffSince = (leases: readonly PlacedLease[]): EpochMs | undefined => {
  const attempted = leases.filter(({ lease }) => lease.enabling !== undefined);
  const offs = attempted.flatMap(({ lease }) => lease.offAt ?? []);
  return offs.length < attempted.length || offs.length === 0 ? undefined : epochMs(Math.max(...offs));
};

const FACTS = [
  'settingBefore',
  'settingDuring',
  'settingAfter',
  'keyKeptBecause',
  'isBaselineMissing',
  'secondLever',
  'overdue',
  'unreadable',
  'foreignSetting',
] as const satisfies readonly (keyof PlaceFacts)[];

const factKey = ({ accountId, region }: AccountRegion): string => `${accountId}/${region}`;

function pickFacts(record: PlaceFacts): PlaceFacts {
  const facts: Record<string, unknown> = {};
  for (const name of FACTS) if (record[name] !== undefined) facts[name] = record[name];
  return facts;
}

/** What was read and done at one of the exception's places. The first one's stand in the record itself. */
export const factsAt = (record: ExceptionRecord, place: AccountRegion): PlaceFacts =>
  isSamePlace(record.request, place) ? pickFacts(record) : (record.furtherFacts?.[factKey(place)] ?? {});

/** Content is stored there under no exception, in one place at least. */
export const hasForeignSetting = (record: ExceptionRecord): boolean =>
  placesOf(record.request).some((place) => factsAt(record, place).foreignSetting !== undefined);

/** The record with other facts of one place; the same record where `change` gives back what it got. */
export function withFacts(
  record: ExceptionRecord,
  place: AccountRegion,
  change: (facts: PlaceFacts) => PlaceFacts,
): ExceptionRecord {
  const before = factsAt(record, place);
  const facts = change(before);
  if (facts === before) return record;
  if (!isSamePlace(record.request, place))
    return { ...record, furtherFacts: { ...record.furtherFacts, [factKey(place)]: facts } };
  const others = Object.fromEntries(
    Object.entries(record).filter(([name]) => !(FACTS as readonly string[]).includes(name)),
  ) as unknown as ExceptionRecord;
  return { ...others, ...facts };
}
