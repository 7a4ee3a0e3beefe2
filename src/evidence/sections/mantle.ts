import * as z from 'zod';
import { name } from '../schema-parts.ts';
import { section } from './section.ts';

/** A project on the `bedrock-mantle` endpoint; its own mode beats the account's, except `inherit`. */
export interface MantleProject {
  readonly id: string;
  /** As AWS spells it; a mode that AWS adds later is kept. */
  readonly mode: string;
  readonly isArchived: boolean;
}

/** Absent where the endpoint is not offered in the Region. */
export interface MantleRetention {
  readonly accountMode: string;
  readonly projects: readonly MantleProject[];
}

export const mantleRetention = section<MantleRetention>({
  level: 'account-region',
  value: z.strictObject({
    accountMode: name,
    projects: z.array(z.strictObject({ id: name, mode: name, isArchived: z.boolean() })),
  }),
  actions: {
    'bedrock-mantle:GetAccountDataRetention':
      'the account’s data-retention mode on the `bedrock-mantle` endpoint',
    'bedrock-mantle:ListProjects': 'its projects',
    'bedrock-mantle:GetProject': 'their own modes, which beat the account’s',
  },
  meaning: 'data-retention mode of the `bedrock-mantle` endpoint: the account’s and every project’s',
});
