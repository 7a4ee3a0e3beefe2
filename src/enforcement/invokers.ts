import type { Organization } from '../evidence/index.ts';
import type { ExceptionRequest, OtherInvokers } from '../exceptions/index.ts';
import { accessOf, invokersBeside } from '../iam/index.ts';
import type { Services } from './ports.ts';

/**
 * Who beside the subjects can invoke a model where the exception would be, by the identities of that account as they are now and the
 * control policies above it. Of other accounts nothing is read: what they are trusted with there stays undecided.
 *
 * @param organization - undefined: could not be read, and nothing is decided
 */
export async function invokersOf(
  { inspection }: Pick<Services, 'inspection'>,
  request: Pick<ExceptionRequest, 'accountId' | 'region' | 'subjects' | 'topology'>,
  organization: Organization | undefined,
): Promise<OtherInvokers> {
  if (request.topology !== 'dedicated') return { others: [], undecided: [] };
  if (organization === undefined)
    return {
      others: [],
      undecided: ['the organization could not be read, and with it the control policies'],
    };
  const { accountId } = request;
  const iam = await inspection.readIam(accountId);
  return invokersBeside(
    accessOf({ organization, accounts: [{ accountId, iam }] }),
    request,
    request.subjects,
  );
}
