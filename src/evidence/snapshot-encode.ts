import * as z from 'zod';
import { formatInstant } from '../core/index.ts';
import type { SnapshotHead } from './account-part.ts';
import { documentToJson } from './policy-text.ts';
import { observationOf } from './schema-parts.ts';
import {
  type SectionLevel,
  type SectionObservations,
  sectionDefinition,
  sectionNames,
} from './sections/index.ts';
import { SNAPSHOT_KIND } from './snapshot-schema.ts';
import type {
  IamEvidence,
  Observation,
  PolicyAttachment,
  PolicyDocumentEntry,
  ResourcePolicy,
  ServiceControlPolicy,
} from './types.ts';

/** Pretty JSON with a final line feed. Keys stand in the order in which the encoders write them, so equal snapshots give equal bytes. */
export const toJsonText = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

export function encodeObservation<T>(observation: Observation<T>, encode: (value: T) => unknown): unknown {
  switch (observation.kind) {
    case 'observed':
      return {
        kind: observation.kind,
        at: formatInstant(observation.at),
        source: observation.source,
        value: encode(observation.value),
      };
    case 'absent':
      return { kind: observation.kind, at: formatInstant(observation.at), source: observation.source };
    case 'unobservable':
      return {
        kind: observation.kind,
        reason: observation.reason,
        detail: observation.detail,
        source: observation.source,
      };
  }
}

const encodeEntries = (entries: readonly PolicyDocumentEntry[]) =>
  entries.map(({ name, document }) => ({ name, document: documentToJson(document) }));

/** Field by field, so that nothing an adapter might have left in the objects by mistake can reach a file. */
export function encodeIam(iam: IamEvidence): unknown {
  return {
    users: iam.users.map((user) => ({
      arn: user.arn,
      name: user.name,
      groups: user.groups,
      inlinePolicies: encodeEntries(user.inlinePolicies),
      attachedPolicies: user.attachedPolicies.map(({ arn, name }) => ({ arn, name })),
      permissionsBoundaryArn: user.permissionsBoundaryArn,
      accessKeys: encodeObservation(user.accessKeys, (keys) =>
        keys.map(({ id, status, createdAt }) => ({ id, status, createdAt: formatInstant(createdAt) })),
      ),
      serviceSpecificCredentials: encodeObservation(user.serviceSpecificCredentials, (credentials) =>
        credentials.map(({ id, serviceName, status, createdAt, expiresAt }) => ({
          id,
          serviceName,
          status,
          createdAt: formatInstant(createdAt),
          expiresAt: expiresAt === undefined ? undefined : formatInstant(expiresAt),
        })),
      ),
    })),
    groups: iam.groups.map((group) => ({
      arn: group.arn,
      name: group.name,
      inlinePolicies: encodeEntries(group.inlinePolicies),
      attachedPolicies: group.attachedPolicies.map(({ arn, name }) => ({ arn, name })),
    })),
    roles: iam.roles.map((role) => ({
      arn: role.arn,
      name: role.name,
      path: role.path,
      assumeRolePolicyDocument: documentToJson(role.assumeRolePolicyDocument),
      inlinePolicies: encodeEntries(role.inlinePolicies),
      attachedPolicies: role.attachedPolicies.map(({ arn, name }) => ({ arn, name })),
      permissionsBoundaryArn: role.permissionsBoundaryArn,
    })),
    managedPolicies: iam.managedPolicies.map(({ arn, name, document }) => ({
      arn,
      name,
      document: documentToJson(document),
    })),
  };
}

const encodePolicies = (policies: readonly ServiceControlPolicy[]) =>
  policies.map(({ id, name, document }) => ({ id, name, document: documentToJson(document) }));
const encodeAttachments = (attachments: readonly PolicyAttachment[]) =>
  attachments.map(({ targetId, policyIds }) => ({ targetId, policyIds }));

/** A section that was not collected is no key at all, as in snapshots from before there was such a section. */
export const encodeOptional = <T>(
  observation: Observation<T> | undefined,
  encode: (value: T) => unknown,
): unknown => (observation === undefined ? undefined : encodeObservation(observation, encode));

/** Only what was seen; by the sections' own description, in their order. */
export function encodeSections<L extends SectionLevel>(
  level: L,
  sections: SectionObservations<L> | undefined,
): unknown {
  // One by one: an object schema asks the codec of a section that is not there, too.
  const seen = sectionNames(level).flatMap((name) => {
    const observation: Observation<unknown> | undefined = sections?.[name];
    return observation === undefined
      ? []
      : [[name, z.encode(observationOf(sectionDefinition(level, name).value), observation)] as const];
  });
  return seen.length === 0 ? undefined : Object.fromEntries(seen);
}

export const encodeResourcePolicies = (policies: readonly ResourcePolicy[]): unknown =>
  policies.map(({ resourceArn, document }) => ({ resourceArn, document: documentToJson(document) }));

export function encodeOrganization(snapshot: SnapshotHead): unknown {
  const { organization } = snapshot;
  return {
    kind: SNAPSHOT_KIND,
    schemaVersion: snapshot.schemaVersion,
    takenAt: formatInstant(snapshot.takenAt),
    regions: snapshot.regions,
    organization: {
      id: organization.id,
      managementAccountId: organization.managementAccountId,
      units: organization.units.map(({ id, name, parentId }) => ({ id, name, parentId })),
      accounts: organization.accounts.map(({ id, name, state, parentId }) => ({ id, name, state, parentId })),
      serviceControlPolicies: encodeObservation(organization.serviceControlPolicies, encodePolicies),
      attachments: encodeObservation(organization.attachments, encodeAttachments),
      delegatedAdministrators: encodeObservation(organization.delegatedAdministrators, (ids) => ids),
      resourceControlPolicies: encodeOptional(organization.resourceControlPolicies, encodePolicies),
      resourceControlAttachments: encodeOptional(organization.resourceControlAttachments, encodeAttachments),
      sections: encodeSections('organization', organization.sections),
    },
  };
}
