import { accountId, type EpochMs, epochMs, region } from '../../src/core/index.ts';
import {
  type AccountEvidence,
  type IamEvidence,
  type Observation,
  type Organization,
  type RegionEvidence,
  SNAPSHOT_SCHEMA_VERSION,
  type Snapshot,
} from '../../src/evidence/index.ts';

export const MANAGEMENT = accountId('111111111111');
export const MEMBER = accountId('222222222222');
export const FRANKFURT = region('eu-central-1');
export const AT: EpochMs = epochMs(Date.parse('2026-11-20T08:00:00Z'));

export const observed = <T>(value: T, call = 'test:Call'): Observation<T> => ({
  kind: 'observed',
  value,
  at: AT,
  source: { call },
});
export const absent = <T>(): Observation<T> => ({ kind: 'absent', at: AT, source: { call: 'test:Call' } });

export function organization(overrides: Partial<Organization> = {}): Organization {
  return {
    id: 'o-exampleorg1',
    managementAccountId: MANAGEMENT,
    units: [
      { id: 'r-ex01', name: 'Root' },
      { id: 'ou-ex01-product01', name: 'Product', parentId: 'r-ex01' },
    ],
    accounts: [
      { id: MANAGEMENT, name: 'management', state: 'ACTIVE', parentId: 'r-ex01' },
      { id: MEMBER, name: 'member', state: 'ACTIVE', parentId: 'ou-ex01-product01' },
    ],
    serviceControlPolicies: observed([]),
    attachments: observed([]),
    delegatedAdministrators: observed([]),
    ...overrides,
  };
}

export const noIam: IamEvidence = { users: [], groups: [], roles: [], managedPolicies: [] };

/** Two accounts, one Region, nothing configured. */
export function snapshot(overrides: Partial<Snapshot> = {}): Snapshot {
  const tree = overrides.organization ?? organization();
  const regions = overrides.regions ?? [FRANKFURT];
  return {
    schemaVersion: SNAPSHOT_SCHEMA_VERSION,
    takenAt: AT,
    organization: tree,
    regions,
    accounts: tree.accounts.map(({ id }): AccountEvidence => ({ accountId: id, iam: observed(noIam) })),
    accountRegions: tree.accounts.flatMap(({ id }) =>
      regions.map(
        (name): RegionEvidence => ({
          accountId: id,
          region: name,
          invocationLogging: absent(),
          dataRetention: observed({ mode: 'none' }),
        }),
      ),
    ),
    ...overrides,
  };
}
