import { type DurationMs, type EpochMs, formatDuration, formatInstant } from '../core/index.ts';
import type { AccountEvidence, IamEvidence, Observation, Organization, Snapshot } from './types.ts';

/**
 * The snapshot as it can be used at `now` when no observation may be older than `maxAge`: what is older is `unobservable`, with the
 * time since when nobody asked, so that whatever rests on it becomes indeterminate. One exactly `maxAge` old still counts.
 *
 * The organization's tree (accounts and units) has no time of its own and stays: without it nothing could be named at all.
 */
export function withoutStale(snapshot: Snapshot, now: EpochMs, maxAge: DurationMs): Snapshot {
  const age = <T>(observation: Observation<T>): Observation<T> => {
    if (observation.kind === 'unobservable' || now - observation.at <= maxAge) return observation;
    return {
      kind: 'unobservable',
      // Nobody asked within the time that was wanted; a reason of its own would be one more word for the same.
      reason: 'not-collected',
      detail: `since ${formatInstant(observation.at)}, longer ago than ${formatDuration(maxAge)}`,
      source: observation.source,
    };
  };
  return {
    ...snapshot,
    organization: ageOrganization(snapshot.organization, age),
    accounts: snapshot.accounts.map((account) => ageAccount(account, age)),
    accountRegions: snapshot.accountRegions.map((pair) => ({
      ...pair,
      invocationLogging: age(pair.invocationLogging),
      dataRetention: age(pair.dataRetention),
    })),
  };
}

type Age = <T>(observation: Observation<T>) => Observation<T>;

const ageOrganization = (organization: Organization, age: Age): Organization => ({
  ...organization,
  serviceControlPolicies: age(organization.serviceControlPolicies),
  attachments: age(organization.attachments),
  delegatedAdministrators: age(organization.delegatedAdministrators),
});

const ageAccount = (account: AccountEvidence, age: Age): AccountEvidence => {
  const iam = age(account.iam);
  return { ...account, iam: iam.kind === 'observed' ? { ...iam, value: ageIam(iam.value, age) } : iam };
};

const ageIam = (iam: IamEvidence, age: Age): IamEvidence => ({
  ...iam,
  users: iam.users.map((user) => ({
    ...user,
    accessKeys: age(user.accessKeys),
    serviceSpecificCredentials: age(user.serviceSpecificCredentials),
  })),
});
