import * as z from 'zod';
import type { AccountId } from '../core/index.ts';
import { accountIdText, instant, name, observationOf, policyDocument, regionText } from './schema-parts.ts';
import { sectionsSchema } from './sections/index.ts';
import {
  type AccessKey,
  type DataRetention,
  type IamEvidence,
  type LoggingConfiguration,
  type PolicyAttachment,
  type ResourcePolicy,
  type ServiceControlPolicy,
  type ServiceSpecificCredential,
  SNAPSHOT_SCHEMA_VERSION,
} from './types.ts';

/*
 * The layout of the files of a snapshot, strict: an unknown field is refused, because a flag that this version does not know might
 * be the one that stores prompts. Two layers: the envelope (ours; a fault in it refuses the snapshot) and the values that AWS gave
 * (a fault there makes that one observation `malformed`).
 */

const s3Destination = z.strictObject({
  bucketName: z.string().exactOptional(),
  keyPrefix: z.string().exactOptional(),
});
const flag = z.boolean().exactOptional();

export const loggingConfigurationSchema: z.ZodType<LoggingConfiguration> = z.strictObject({
  cloudWatchConfig: z
    .strictObject({
      logGroupName: z.string().exactOptional(),
      roleArn: z.string().exactOptional(),
      largeDataDeliveryS3Config: s3Destination.exactOptional(),
    })
    .exactOptional(),
  s3Config: s3Destination.exactOptional(),
  textDataDeliveryEnabled: flag,
  imageDataDeliveryEnabled: flag,
  embeddingDataDeliveryEnabled: flag,
  videoDataDeliveryEnabled: flag,
  audioDataDeliveryEnabled: flag,
});

export const dataRetentionSchema: z.ZodType<DataRetention> = z.strictObject({ mode: name });

const policyEntries = z.array(z.strictObject({ name, document: policyDocument }));
const attachedPolicies = z.array(z.strictObject({ arn: name, name }));
const accessKeys: z.ZodType<readonly AccessKey[]> = z.array(
  z.strictObject({ id: name, status: name, createdAt: instant }),
);
const serviceCredentials: z.ZodType<readonly ServiceSpecificCredential[]> = z.array(
  z.strictObject({
    id: name,
    serviceName: name,
    status: name,
    createdAt: instant,
    expiresAt: instant.exactOptional(),
  }),
);
const principal = { arn: name, name, inlinePolicies: policyEntries, attachedPolicies };

export const iamEvidenceSchema: z.ZodType<IamEvidence> = z.strictObject({
  users: z.array(
    z.strictObject({
      ...principal,
      groups: z.array(name),
      permissionsBoundaryArn: name.exactOptional(),
      accessKeys: observationOf(accessKeys),
      serviceSpecificCredentials: observationOf(serviceCredentials),
    }),
  ),
  groups: z.array(z.strictObject(principal)),
  roles: z.array(
    z.strictObject({
      ...principal,
      path: name,
      assumeRolePolicyDocument: policyDocument,
      permissionsBoundaryArn: name.exactOptional(),
    }),
  ),
  managedPolicies: z.array(z.strictObject({ arn: name, name, document: policyDocument })),
});

const serviceControlPolicies: z.ZodType<readonly ServiceControlPolicy[]> = z.array(
  z.strictObject({ id: name, name, document: policyDocument }),
);
const resourcePolicies: z.ZodType<readonly ResourcePolicy[]> = z.array(
  z.strictObject({ resourceArn: name, document: policyDocument }),
);
const attachments: z.ZodType<readonly PolicyAttachment[]> = z.array(
  z.strictObject({ targetId: name, policyIds: z.array(name) }),
);

export const SNAPSHOT_KIND = 'Snapshot';
const schemaVersion = z.literal(SNAPSHOT_SCHEMA_VERSION);

export const organizationFileSchema = z.strictObject({
  kind: z.literal(SNAPSHOT_KIND),
  schemaVersion,
  takenAt: instant,
  regions: z.array(regionText).min(1),
  organization: z.strictObject({
    id: name,
    managementAccountId: accountIdText,
    units: z.array(z.strictObject({ id: name, name, parentId: name.exactOptional() })).min(1),
    accounts: z.array(z.strictObject({ id: accountIdText, name, state: name, parentId: name })).min(1),
    serviceControlPolicies: observationOf(serviceControlPolicies),
    attachments: observationOf(attachments),
    delegatedAdministrators: observationOf<readonly AccountId[]>(z.array(accountIdText)),
    resourceControlPolicies: observationOf(serviceControlPolicies).exactOptional(),
    resourceControlAttachments: observationOf(attachments).exactOptional(),
    sections: sectionsSchema('organization').exactOptional(),
  }),
});
export type OrganizationFile = z.infer<typeof organizationFileSchema>;

export const accountFileSchema = z.strictObject({
  schemaVersion,
  accountId: accountIdText,
  iam: observationOf(iamEvidenceSchema),
  resourcePolicies: observationOf(resourcePolicies).exactOptional(),
  sections: sectionsSchema('account').exactOptional(),
});

export const regionFileSchema = z.strictObject({
  schemaVersion,
  accountId: accountIdText,
  region: regionText,
  invocationLogging: observationOf(loggingConfigurationSchema),
  dataRetention: observationOf(dataRetentionSchema),
  sections: sectionsSchema('account-region').exactOptional(),
});
