import fc from 'fast-check';
import { epochMs, type Region, region } from '../../src/core/index.ts';
import {
  type IamEvidence,
  type LoggingConfiguration,
  type Observation,
  type Organization,
  SNAPSHOT_SCHEMA_VERSION,
  type Snapshot,
} from '../../src/evidence/index.ts';
import { MEMBER, organization } from './snapshots.ts';

/*
 * Arbitrary snapshots: everything the types allow, with hostile text where AWS or an attacker chooses it. In a file of their own,
 * because fast-check takes a second to set them up.
 */

const instantArb = fc
  .integer({ min: 0, max: Date.parse('9999-12-31T23:59:59.999Z') })
  .map((value) => epochMs(value));
const textArb = fc.oneof(
  fc.string({ minLength: 1, unit: 'binary' }),
  fc.constantFrom('__proto__', 'toString', '../x'),
);
const sourceArb = textArb.map((call) => ({ call }));
const documentArb = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.json({ maxDepth: 3 }),
  fc.constantFrom(
    '{"Effect":"Deny","Effect":"Allow"}',
    '{"__proto__":{"Effect":"Allow"}}',
    '{"a":"\\u002a"}',
    '{"2":1,"1":2}',
    '{"n":1e400}',
    '{ "a" : [ 1 , "x y" ] }',
  ),
);

export function observationArb<T>(value: fc.Arbitrary<T>): fc.Arbitrary<Observation<T>> {
  return fc.oneof(
    fc.record({ kind: fc.constant('observed' as const), value, at: instantArb, source: sourceArb }),
    fc.record({ kind: fc.constant('absent' as const), at: instantArb, source: sourceArb }),
    fc.record(
      {
        kind: fc.constant('unobservable' as const),
        reason: fc.constantFrom(
          'access-denied' as const,
          'throttled' as const,
          'not-collected' as const,
          'malformed' as const,
          'failed' as const,
          'not-evaluated' as const,
        ),
        detail: fc.string(),
        source: sourceArb,
      },
      { requiredKeys: ['kind', 'reason'] },
    ),
  );
}

const bucketArb = fc.record({ bucketName: fc.string(), keyPrefix: fc.string() }, { requiredKeys: [] });
export const loggingArb: fc.Arbitrary<LoggingConfiguration> = fc.record(
  {
    cloudWatchConfig: fc.record(
      { logGroupName: fc.string(), roleArn: fc.string(), largeDataDeliveryS3Config: bucketArb },
      { requiredKeys: [] },
    ),
    s3Config: bucketArb,
    textDataDeliveryEnabled: fc.boolean(),
    imageDataDeliveryEnabled: fc.boolean(),
    embeddingDataDeliveryEnabled: fc.boolean(),
    videoDataDeliveryEnabled: fc.boolean(),
    audioDataDeliveryEnabled: fc.boolean(),
  },
  { requiredKeys: [] },
);

const principalArb = {
  arn: textArb,
  name: textArb,
  inlinePolicies: fc.array(fc.record({ name: textArb, document: documentArb }), { maxLength: 2 }),
  attachedPolicies: fc.array(fc.record({ arn: textArb, name: textArb }), { maxLength: 2 }),
};
const boundaryArb = { permissionsBoundaryArn: textArb };
const keyArb = fc.record({ id: textArb, status: textArb, createdAt: instantArb });
const credentialArb = fc.record(
  { id: textArb, serviceName: textArb, status: textArb, createdAt: instantArb, expiresAt: instantArb },
  { requiredKeys: ['id', 'serviceName', 'status', 'createdAt'] },
);
const iamArb: fc.Arbitrary<IamEvidence> = fc.record({
  users: fc.array(
    fc.record(
      {
        ...principalArb,
        ...boundaryArb,
        groups: fc.array(textArb, { maxLength: 2 }),
        accessKeys: observationArb(fc.array(keyArb, { maxLength: 2 })),
        serviceSpecificCredentials: observationArb(fc.array(credentialArb, { maxLength: 2 })),
      },
      {
        requiredKeys: [
          'arn',
          'name',
          'inlinePolicies',
          'attachedPolicies',
          'groups',
          'accessKeys',
          'serviceSpecificCredentials',
        ],
      },
    ),
    { maxLength: 2 },
  ),
  groups: fc.array(fc.record(principalArb), { maxLength: 2 }),
  roles: fc.array(
    fc.record(
      { ...principalArb, ...boundaryArb, path: textArb, assumeRolePolicyDocument: documentArb },
      {
        requiredKeys: [
          'arn',
          'name',
          'inlinePolicies',
          'attachedPolicies',
          'path',
          'assumeRolePolicyDocument',
        ],
      },
    ),
    { maxLength: 2 },
  ),
  managedPolicies: fc.array(fc.record({ arn: textArb, name: textArb, document: documentArb }), {
    maxLength: 2,
  }),
});

const regionsArb = fc.uniqueArray(
  fc.constantFrom(region('us-east-1'), region('eu-west-1'), region('us-gov-west-1')),
  { minLength: 1 },
);

export const snapshotArb: fc.Arbitrary<Snapshot> = fc
  .record({
    takenAt: instantArb,
    regions: regionsArb,
    policies: observationArb(
      fc.array(fc.record({ id: textArb, name: textArb, document: documentArb }), { maxLength: 3 }),
    ),
    attachments: observationArb(
      fc.array(fc.record({ targetId: textArb, policyIds: fc.array(textArb) }), { maxLength: 3 }),
    ),
    delegated: observationArb(fc.array(fc.constant(MEMBER))),
    states: fc.tuple(textArb, textArb),
  })
  .chain(({ takenAt, regions, policies, attachments, delegated, states }) => {
    const base = organization({
      serviceControlPolicies: policies,
      attachments,
      delegatedAdministrators: delegated,
    });
    const tree: Organization = {
      ...base,
      accounts: base.accounts.map((account, index) => ({ ...account, state: states[index] ?? 'ACTIVE' })),
    };
    const ids = tree.accounts.map(({ id }) => id);
    const pairs: (readonly [typeof MEMBER, Region])[] = ids.flatMap((id) =>
      regions.map((name) => [id, name] as const),
    );
    return fc.record(
      {
        schemaVersion: fc.constant(SNAPSHOT_SCHEMA_VERSION),
        takenAt: fc.constant(takenAt),
        organization: fc.constant(tree),
        regions: fc.constant(regions),
        accounts: fc.tuple(
          ...ids.map((id) => fc.record({ accountId: fc.constant(id), iam: observationArb(iamArb) })),
        ),
        accountRegions: fc.tuple(
          ...pairs.map(([id, name]) =>
            fc.record({
              accountId: fc.constant(id),
              region: fc.constant(name),
              invocationLogging: observationArb(loggingArb),
              dataRetention: observationArb(fc.record({ mode: textArb })),
            }),
          ),
        ),
        leases: fc.constantFrom<unknown>([], [{ exceptionId: 'ex-1' }], null),
      },
      { requiredKeys: ['schemaVersion', 'takenAt', 'organization', 'regions', 'accounts', 'accountRegions'] },
    );
  });
