import { z } from 'zod';
import {
  type AccountId,
  accountId,
  type EpochMs,
  isAccountId,
  isRegion,
  parseInstant,
  type Region,
  region,
} from '../core/index.ts';
import { documentFromJson, isJsonObject } from './policy-text.ts';
import {
  type AccessKey,
  type DataRetention,
  type FactSource,
  type IamEvidence,
  type LoggingConfiguration,
  type Observation,
  type PolicyAttachment,
  type ResourcePolicy,
  type ServiceControlPolicy,
  type ServiceSpecificCredential,
  SNAPSHOT_SCHEMA_VERSION,
  type UnobservableReason,
} from './types.ts';

/*
 * The layout of the files of a snapshot, strict: an unknown field is refused, because a flag that this version does not know might
 * be the one that stores prompts. Two layers: the envelope (ours; a fault in it refuses the snapshot) and the values that AWS gave
 * (a fault there makes that one observation `malformed`).
 */

const instant = z.string().transform((text, context): EpochMs => {
  const read = parseInstant(text);
  if (read.ok) return read.value;
  context.addIssue({ code: 'custom', message: read.error });
  return z.NEVER;
});
export const accountIdText = z
  .string()
  .refine(isAccountId, 'expected a 12-digit account id')
  .transform((text): AccountId => accountId(text));
export const regionText = z
  .string()
  .refine(isRegion, 'expected an AWS Region code such as `eu-central-1`')
  .transform((text): Region => region(text));

const name = z.string().min(1);
/** Not `z.record`, which would drop a key such as `__proto__`: the document must come out as it went in. */
const policyDocument = z.unknown().transform((json, context): string => {
  if (typeof json === 'string') return json;
  if (isJsonObject(json)) {
    try {
      return documentFromJson(json);
    } catch {
      context.addIssue({ code: 'custom', message: 'the document is nested too deeply' });
      return z.NEVER;
    }
  }
  context.addIssue({ code: 'custom', message: 'expected a policy document: an object, or its text' });
  return z.NEVER;
});

const REASONS = [
  'access-denied',
  'throttled',
  'not-collected',
  'malformed',
  'failed',
  'not-evaluated',
] as const satisfies readonly UnobservableReason[];

const source: z.ZodType<FactSource> = z.strictObject({
  call: name,
  accountId: accountIdText.exactOptional(),
  region: regionText.exactOptional(),
});

/** An observation whose value, when it does not fit `value`, becomes `unobservable: malformed` and nothing worse. */
export function observationOf<T>(value: z.ZodType<T>): z.ZodType<Observation<T>> {
  return z
    .discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('observed'), at: instant, source, value: z.unknown() }),
      z.strictObject({ kind: z.literal('absent'), at: instant, source }),
      z.strictObject({
        kind: z.literal('unobservable'),
        reason: z.enum(REASONS),
        detail: z.string().exactOptional(),
        source: source.exactOptional(),
      }),
    ])
    .transform((read): Observation<T> => {
      if (read.kind !== 'observed') return read;
      // INVARIANT (unknown is never green): a value we cannot read is no evidence, not an empty value.
      const parsed = value.safeParse(read.value);
      return parsed.success
        ? { kind: 'observed', value: parsed.data, at: read.at, source: read.source }
        : {
            kind: 'unobservable',
            reason: 'malformed',
            detail: describeIssue(parsed.error),
            source: read.source,
          };
    });
}

/** `users[2].name: expected string`; the first fault, never a value. */
export function describeIssue(error: z.ZodError): string {
  const issue = error.issues[0];
  return issue === undefined ? 'cannot be read' : `${fieldOf(issue.path)}: ${issueText(issue)}`;
}

/** What is wrong, without zod's own words where ours are plainer, and never with the offending value. */
export function issueText(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'unrecognized_keys':
      return `unknown field ${issue.keys.map((key) => `\`${printable(key)}\``).join(', ')}`;
    case 'invalid_type':
      return `expected ${issue.expected}`;
    case 'invalid_value':
      return `expected ${issue.values.map((value) => `\`${String(value)}\``).join(' or ')}`;
    case 'invalid_union':
      return 'expected one of the forms this field can have';
    case 'too_small':
      return 'must not be empty';
    case 'too_big':
    case 'invalid_format':
    case 'not_multiple_of':
    case 'invalid_key':
    case 'invalid_element':
    case 'custom':
      return issue.message;
  }
}

export const fieldOf = (path: readonly PropertyKey[]): string =>
  path.reduce<string>(
    (field, step) =>
      typeof step === 'number'
        ? `${field}[${step}]`
        : `${field}${field === '' ? '' : '.'}${printable(String(step))}`,
    '',
  );

/** Names out of a hostile file must not reach a terminal with their control characters. */
const printable = (text: string): string =>
  text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, ' ').slice(0, 80);

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
  }),
});
export type OrganizationFile = z.infer<typeof organizationFileSchema>;

export const accountFileSchema = z.strictObject({
  schemaVersion,
  accountId: accountIdText,
  iam: observationOf(iamEvidenceSchema),
  resourcePolicies: observationOf(resourcePolicies).exactOptional(),
});

export const regionFileSchema = z.strictObject({
  schemaVersion,
  accountId: accountIdText,
  region: regionText,
  invocationLogging: observationOf(loggingConfigurationSchema),
  dataRetention: observationOf(dataRetentionSchema),
});
