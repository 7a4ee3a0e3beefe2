import { type Clock, epochMs, type Region } from '../../core/index.ts';
import type { EvidenceSources } from '../../evidence/index.ts';
import { AccountAccess } from './account-access.ts';
import { bedrockRegionSource } from './bedrock.ts';
import { iamAccountSource } from './iam.ts';
import { organizationsSource } from './organizations.ts';
import { awsSections } from './sections.ts';

export interface AwsEvidenceOptions {
  /** Name with path of the role to assume in member accounts; default `proviso/ProvisoCollect`. */
  readonly roleName?: string;
  readonly externalId?: string;
  /** Assume the role in the caller's own account too: for a caller that has no right of its own to read. */
  readonly alwaysAssume?: boolean;
  /** Known from the deployment: with `alwaysAssume`, nobody has to ask who the caller is. */
  readonly partition?: string;
  /** Region for STS, IAM and Organizations; default from the environment, then `us-east-1`. */
  readonly homeRegion?: Region;
  /** Attempts a call, the first included; default 8. */
  readonly maxAttempts?: number;
  readonly clock?: Clock;
}

export interface AwsEvidenceSources extends EvidenceSources {
  /** Closes the connections. */
  close(): void;
}

/** Evidence from AWS itself, read with the default credentials; docs/permissions.md lists what they must be allowed. */
export function awsEvidenceSources(options: AwsEvidenceOptions = {}): AwsEvidenceSources {
  const clock = options.clock ?? { now: () => epochMs(Date.now()) };
  const access = new AccountAccess({ ...options, clock });
  return {
    ...organizationsSource(access, clock),
    ...iamAccountSource(access, clock),
    ...bedrockRegionSource(access, clock),
    sections: awsSections(access, clock),
    close: () => access.close(),
  };
}
