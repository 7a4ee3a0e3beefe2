import type { Clock } from '../../core/index.ts';
import type { SectionLevel, SectionReaders } from '../../evidence/index.ts';
import type { AccountAccess } from './account-access.ts';
import { auditReaders } from './audit.ts';
import { bedrockSessionReaders } from './bedrock-sessions.ts';
import { accountGovernanceReaders, organizationGovernanceReaders } from './governance.ts';

/** A reader for every section: one file per service. One that is missing does not compile. */
export function awsSections(
  access: AccountAccess,
  clock: Clock,
): { readonly [L in SectionLevel]: SectionReaders<L> } {
  return {
    'account-region': { ...bedrockSessionReaders(access, clock), ...auditReaders(access, clock) },
    account: { ...accountGovernanceReaders(access, clock) },
    organization: { ...organizationGovernanceReaders(access, clock) },
  };
}
