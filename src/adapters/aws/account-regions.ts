import { AccountClient, ListRegionsCommand } from '@aws-sdk/client-account';
import type { Clock } from '../../core/index.ts';
import type { SectionReaders } from '../../evidence/index.ts';
import type { AccountAccess } from './account-access.ts';
import { clientOf } from './clients.ts';
import { abortable, observe, required } from './observe.ts';
import { allPages } from './pages.ts';

/** As many as AWS gives in one page. */
const PAGE_SIZE = 50;

/**
 * The Regions of an account, asked in the account itself, so that neither trusted access nor a delegated administrator is needed.
 * @see https://docs.aws.amazon.com/accounts/latest/reference/API_ListRegions.html
 */
export function accountRegionReaders(
  access: Pick<AccountAccess, 'settingsFor'>,
  clock: Clock,
): Pick<SectionReaders<'account'>, 'regions'> {
  return {
    regions: ({ accountId }, { signal } = {}) =>
      observe(clock, { call: 'account:ListRegions', accountId }, async () => {
        const client = clientOf(AccountClient, await access.settingsFor(accountId));
        const all = await allPages(async (NextToken) => {
          const page = await client.send(
            new ListRegionsCommand({
              MaxResults: PAGE_SIZE,
              ...(NextToken === undefined ? {} : { NextToken }),
            }),
            abortable(signal),
          );
          return { items: page.Regions, next: page.NextToken };
        });
        return all.map(({ RegionName, RegionOptStatus }) => ({
          region: required(RegionName, 'Regions.RegionName'),
          optStatus: required(RegionOptStatus, 'Regions.RegionOptStatus'),
        }));
      }),
  };
}
