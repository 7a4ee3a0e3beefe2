import type { Clock } from '../../core/index.ts';
import type { SectionLevel, SectionReaders } from '../../evidence/index.ts';
import { accessPointReaders, multiRegionAccessPointReaders } from './access-points.ts';
import type { AccountAccess } from './account-access.ts';
import { accountRegionReaders } from './account-regions.ts';
import { auditReaders } from './audit.ts';
import { bedrockAgentReaders } from './bedrock-agents.ts';
import { bedrockJobReaders } from './bedrock-jobs.ts';
import { bedrockMantleReaders } from './bedrock-mantle.ts';
import { bedrockSessionReaders } from './bedrock-sessions.ts';
import { contentDestinationReaders } from './content-destinations.ts';
import { costResourceReaders } from './cost-resources.ts';
import { dashboardReaders, metricStreamReaders } from './dashboards.ts';
import { destinationPolicyReaders } from './destination-policies.ts';
import { accountGovernanceReaders, organizationGovernanceReaders } from './governance.ts';
import { vendedLogReaders } from './vended-logs.ts';

/** A reader for every section: one file per service. One that is missing does not compile. */
export function awsSections(
  access: AccountAccess,
  clock: Clock,
): { readonly [L in SectionLevel]: SectionReaders<L> } {
  return {
    'account-region': {
      ...bedrockMantleReaders(access, clock),
      ...bedrockSessionReaders(access, clock),
      ...bedrockAgentReaders(access, clock),
      ...costResourceReaders(access, clock),
      ...bedrockJobReaders(access, clock),
      ...vendedLogReaders(access, clock),
      ...auditReaders(access, clock),
      ...metricStreamReaders(access, clock),
      ...contentDestinationReaders(access, clock),
      ...destinationPolicyReaders(access, clock),
      ...accessPointReaders(access, clock),
    },
    account: {
      ...accountGovernanceReaders(access, clock),
      ...dashboardReaders(access, clock),
      ...accountRegionReaders(access, clock),
      ...multiRegionAccessPointReaders(access, clock),
    },
    organization: { ...organizationGovernanceReaders(access, clock) },
  };
}
