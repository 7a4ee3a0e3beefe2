import type { Clock } from '../../core/index.ts';
import type { Destinations } from '../../enforcement/index.ts';
import { contentBuckets } from './buckets.ts';
import { logGroups } from './log-groups.ts';
import type { MemberRoles } from './roles.ts';

/** The places content lands, in the member accounts, through the roles that may look at and empty them. */
export const awsDestinations = (roles: MemberRoles, clock: Clock): Destinations => ({
  ...contentBuckets(roles, clock),
  ...logGroups(roles),
});
