import type { SectionLevel, SectionName, SectionValue } from '../../src/evidence/index.ts';
import { AT } from './snapshots.ts';

/** One value of every section: a section without an example does not compile. */
export const SECTION_EXAMPLES: {
  readonly [L in SectionLevel]: { readonly [N in SectionName<L>]: SectionValue<L, N> };
} = {
  'account-region': {
    bedrockSessions: [{ id: 's-1', status: 'ENDED', createdAt: AT, lastUpdatedAt: AT }],
  },
  account: {},
  organization: {},
};
