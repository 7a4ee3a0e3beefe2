import * as z from 'zod';
import { name } from '../schema-parts.ts';
import type { Observation } from '../types.ts';
import { section } from './section.ts';

/** A Region and whether the account may use it. */
export interface AccountRegion {
  readonly region: string;
  /** `ENABLED_BY_DEFAULT`, `ENABLED`, `ENABLING`, `DISABLING` or `DISABLED`, as AWS spells it; a Region that nobody opted in to is DISABLED. */
  readonly optStatus: string;
}

/** @see https://docs.aws.amazon.com/accounts/latest/reference/API_ListRegions.html */
export const regions = section<readonly AccountRegion[]>({
  level: 'account',
  value: z.array(z.strictObject({ region: name, optStatus: name })),
  actions: {
    'account:ListRegions': 'which Regions the account can use: these are asked, whatever a policy lists',
  },
  meaning: 'Regions of AWS, and whether the account has opted in to each',
});

/**
 * The Regions that the account can use, or could a moment ago: every status but `DISABLED`, also one that AWS adds later. None where the
 * list was not seen, which is no evidence that there are none.
 */
export const usableRegions = (seen: Observation<readonly AccountRegion[]>): readonly string[] =>
  seen.kind === 'observed'
    ? [...new Set(seen.value.flatMap(({ region, optStatus }) => (optStatus === 'DISABLED' ? [] : [region])))]
    : [];
