import type { Clock } from '../../core/index.ts';
import type { Organization, OrganizationSource } from '../../evidence/index.ts';
import { AwsCallError, type OrganizationView } from '../../exceptions/index.ts';

/** Reading a large organization takes many throttled calls; a judgement needs which accounts exist, to the minute at most. */
const GOOD_FOR_MS = 5 * 60_000;

/** The organization as the collectors read it, kept for five minutes. @throws AwsCallError when it cannot be read */
export function organizationView(source: OrganizationSource, clock: Clock): OrganizationView {
  let kept: { readonly organization: Organization; readonly until: number } | undefined;
  return {
    async organization() {
      if (kept !== undefined && clock.now() < kept.until) return kept.organization;
      const seen = await source.readOrganization();
      if (seen.kind === 'absent')
        throw new AwsCallError('not-found', 'this account is in no AWS organization', false);
      if (seen.kind === 'unobservable') {
        const code = seen.reason === 'access-denied' || seen.reason === 'throttled' ? seen.reason : 'failed';
        const detail = seen.detail === undefined ? '' : ` (${seen.detail})`;
        throw new AwsCallError(code, `the organization cannot be read: ${seen.reason}${detail}`, false);
      }
      kept = { organization: seen.value, until: clock.now() + GOOD_FOR_MS };
      return seen.value;
    },
  };
}
