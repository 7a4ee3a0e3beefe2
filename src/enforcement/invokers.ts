import pMap from 'p-map';
import type { AccountId } from '../core/index.ts';
import type { IamEvidence, Observation, Organization } from '../evidence/index.ts';
import {
  type ExceptionRequest,
  type OtherInvokers,
  PLACES_AT_ONCE,
  type Place,
  placesOf,
} from '../exceptions/index.ts';
import { type Access, accessOf, invokersBeside } from '../iam/index.ts';
import type { Services } from './ports.ts';

type Reading = Pick<Services, 'inspection'>;

/** Who beside the subjects can invoke a model at every place of a request, in their order. */
export async function invokersOf(
  services: Reading,
  request: ExceptionRequest,
  organization: Organization | undefined,
): Promise<readonly OtherInvokers[]> {
  return pMap(placesOf(request), (place) => invokersAt(services, request, place, organization), {
    concurrency: PLACES_AT_ONCE,
  });
}

/**
 * Who beside the subjects can invoke a model where the exception would be, by the identities of that account as they are now and the
 * control policies above it. Of other accounts nothing is read: what they are trusted with there stays undecided.
 *
 * @param organization - undefined: could not be read, and nothing is decided
 */
export async function invokersAt(
  { inspection }: Reading,
  { topology, subjects }: Pick<ExceptionRequest, 'subjects' | 'topology'>,
  { accountId, region }: Pick<Place, 'accountId' | 'region'>,
  organization: Organization | undefined,
): Promise<OtherInvokers> {
  if (topology !== 'dedicated') return { others: [], undecided: [] };
  if (organization === undefined)
    return {
      others: [],
      undecided: ['the organization could not be read, and with it the control policies'],
    };
  // Whoever asks names the account: into one that is not the organization's, nobody goes with a role of ours.
  if (!organization.accounts.some(({ id }) => id === accountId))
    return {
      others: [],
      undecided: [`account ${accountId} is not of the organization, and was not looked at`],
    };
  const iam = await inspection.readIam(accountId);
  return invokersBeside(accessAt(organization, accountId, iam), { accountId, region }, subjects);
}

/** What was made of the identities of an account under an organization, while both are there. */
const known = new WeakMap<IamEvidence, { readonly organization: Organization; readonly access: Access }>();

/** An exception asks several times of the same identities; made anew wherever one of the two is another, or could still change. */
function accessAt(organization: Organization, accountId: AccountId, iam: Observation<IamEvidence>): Access {
  const kept = iam.kind === 'observed' && Object.isFrozen(iam.value) && Object.isFrozen(organization);
  const before = kept ? known.get(iam.value) : undefined;
  if (before?.organization === organization && before.access.isSeen(accountId)) return before.access;
  const access = accessOf({ organization, accounts: [{ accountId, iam }] });
  if (kept) known.set(iam.value, { organization, access });
  return access;
}
