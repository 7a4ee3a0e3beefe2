import { type DurationMs, type EpochMs, formatDuration, formatInstant } from '../core/index.ts';
import type { AccountPart, SnapshotSource } from './account-part.ts';
import type { AccountEvidence, IamEvidence, Observation, Organization } from './types.ts';

/**
 * A snapshot as it can be used at `now` when no observation may be older than `maxAge`: what is older is `unobservable`, with the
 * time since when nobody asked, so that whatever rests on it becomes indeterminate. One exactly `maxAge` old still counts.
 *
 * The organization's tree (accounts and units) has no time of its own and stays: without it nothing could be named at all.
 */
export function withoutStale(source: SnapshotSource, now: EpochMs, maxAge: DurationMs): SnapshotSource {
  const age: Age = <T>(observation: Observation<T>): Observation<T> => {
    if (observation.kind === 'unobservable' || now - observation.at <= maxAge) return observation;
    return {
      kind: 'unobservable',
      // Nobody asked within the time that was wanted; a reason of its own would be one more word for the same.
      reason: 'not-collected',
      detail: `since ${formatInstant(observation.at)}, longer ago than ${formatDuration(maxAge)}`,
      source: observation.source,
    };
  };
  const { head, accounts } = source;
  return {
    head: { ...head, organization: ageOrganization(head.organization, age) },
    accounts: mapParts(accounts, ({ evidence, regions }) => ({
      evidence: ageAccount(evidence, age),
      regions: regions.map((pair) => ({
        ...pair,
        invocationLogging: age(pair.invocationLogging),
        dataRetention: age(pair.dataRetention),
        ...ageSections(pair.sections, age),
      })),
    })),
  };
}

const mapParts = (
  accounts: SnapshotSource['accounts'],
  change: (part: AccountPart) => AccountPart,
): AsyncIterable<AccountPart> => ({
  async *[Symbol.asyncIterator]() {
    for await (const part of accounts) yield change(part);
  },
});

type Age = <T>(observation: Observation<T>) => Observation<T>;

const ageOrganization = (organization: Organization, age: Age): Organization => ({
  ...organization,
  serviceControlPolicies: age(organization.serviceControlPolicies),
  attachments: age(organization.attachments),
  delegatedAdministrators: age(organization.delegatedAdministrators),
  ...(organization.resourceControlPolicies === undefined
    ? {}
    : { resourceControlPolicies: age(organization.resourceControlPolicies) }),
  ...(organization.resourceControlAttachments === undefined
    ? {}
    : { resourceControlAttachments: age(organization.resourceControlAttachments) }),
  ...ageSections(organization.sections, age),
});

const ageAccount = (account: AccountEvidence, age: Age): AccountEvidence => {
  const iam = age(account.iam);
  return {
    ...account,
    iam: iam.kind === 'observed' ? { ...iam, value: ageIam(iam.value, age) } : iam,
    ...(account.resourcePolicies === undefined ? {} : { resourcePolicies: age(account.resourcePolicies) }),
    ...ageSections(account.sections, age),
  };
};

/** Sections, and every observation that stands inside the value of one. */
const ageSections = <S extends object>(sections: S | undefined, age: Age): { readonly sections?: S } =>
  sections === undefined ? {} : { sections: ageWithin(sections, age) as S };

function ageWithin(value: unknown, age: Age): unknown {
  if (Array.isArray(value)) return value.map((item) => ageWithin(item, age));
  if (typeof value !== 'object' || value === null) return value;
  const aged = isObservation(value) ? age(value) : value;
  return Object.fromEntries(Object.entries(aged).map(([key, item]) => [key, ageWithin(item, age)]));
}

const isObservation = (value: object): value is Observation<unknown> =>
  'kind' in value &&
  (value.kind === 'observed' || value.kind === 'absent') &&
  'at' in value &&
  'source' in value;

const ageIam = (iam: IamEvidence, age: Age): IamEvidence => ({
  ...iam,
  users: iam.users.map((user) => ({
    ...user,
    accessKeys: age(user.accessKeys),
    serviceSpecificCredentials: age(user.serviceSpecificCredentials),
  })),
});
