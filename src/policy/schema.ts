import * as z from 'zod';
import { isRegion, parseDuration, parseInstant } from '../core/index.ts';
import { type Condition, OPERATOR_NAMES } from './conditions.ts';
import { FACT_NAMES, type FactName, SUBJECTS } from './facts.ts';

/*
 * The one definition of the policy language, version 1: types, validation and the JSON Schema for editors come from here.
 * What a schema cannot say (a fact that does not fit its control's subject, an override that loosens, limits that cannot be
 * kept together) is in check.ts. `.describe` texts are shown by editors and in errors: write them for a policy owner.
 */

const text = (what: string, max = 2000) => z.string().trim().min(1).max(max).describe(what);
const slug = (what: string) =>
  z
    .string()
    .regex(
      /^[a-z][a-z0-9-]{0,62}$/,
      'expected lower-case letters, digits and hyphens, starting with a letter',
    )
    .describe(what);

/** The texts in which editors and the loader recognise the kind; what exactly is read, `parseDuration` and so on decide. */
export const DURATION_PATTERN = '^[0-9]{1,6}[smhd]$';
export const INSTANT_PATTERN = '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{3})?Z$';

export const durationText = (what: string) =>
  z
    .string()
    .superRefine((value, context) => {
      const read = parseDuration(value);
      if (!read.ok) context.addIssue({ code: 'custom', message: read.error });
    })
    .meta({
      description: `${what} (a whole number with its unit: 14d, 12h, 30m, 90s)`,
      pattern: DURATION_PATTERN,
      examples: ['14d', '12h', '30m'],
    });

export const instantText = (what: string) =>
  z
    .string()
    .superRefine((value, context) => {
      const read = parseInstant(value);
      if (!read.ok) context.addIssue({ code: 'custom', message: read.error });
    })
    .meta({
      description: `${what} (an absolute UTC instant with seconds: 2026-12-01T09:00:00Z)`,
      pattern: INSTANT_PATTERN,
      examples: ['2026-12-01T09:00:00Z'],
    });

const regionCode = z
  .string()
  .refine(isRegion, 'expected an AWS Region code such as `eu-central-1`')
  .meta({ description: 'an AWS Region code', examples: ['eu-central-1'] });

const scalar = z.union([z.boolean(), z.number(), z.string()]);

// The union refers to itself through `nested`: a clone of the lazy schema (`.describe`) would be another schema without end.
const nested: z.ZodType<Condition> = z.lazy(() => conditionSchema);

/** The order of the four is relied on by problems.ts, which tells a person about the one they meant. */
export const CONDITION_BRANCHES = ['all', 'any', 'not', 'fact'] as const;

export const conditionSchema: z.ZodType<Condition> = z
  .union([
    z.strictObject({ all: z.array(nested).min(1).describe('every one of these holds') }),
    z.strictObject({ any: z.array(nested).min(1).describe('at least one of these holds') }),
    z.strictObject({ not: nested }).describe('this does not hold'),
    z.strictObject({
      fact: z.enum(FACT_NAMES as readonly [FactName, ...FactName[]]).describe('the fact that is compared'),
      op: z
        .enum(OPERATOR_NAMES as readonly ['equal', ...(typeof OPERATOR_NAMES)[number][]])
        .describe('the comparison'),
      value: z
        .union([scalar, z.array(z.union([z.string(), z.number()])).min(1)])
        .describe('what it is compared with'),
    }),
  ])
  .meta({ id: 'Condition' });

const sourceReference = z.strictObject({
  document: slug('id of one of the policy’s `sources`'),
  section: text('section of that document', 120),
});

export const SEVERITIES = ['critical', 'high', 'medium', 'low'] as const;

/** A catalogue and a number: `CP-01`. */
export const CONTROL_ID = /^[A-Z]{2,4}-[0-9]{1,3}$/;

const controlSchema = z.strictObject({
  id: z.string().regex(CONTROL_ID, 'expected an id such as `CP-01`'),
  title: text('what must hold, in one line', 120),
  subject: z.enum(SUBJECTS).describe('what one finding of this control is about'),
  severity: z.enum(SEVERITIES),
  source: z.array(sourceReference).min(1).describe('the clauses of the source texts this control comes from'),
  erratum: text('where the source text is wrong about AWS, what is right').optional(),
  when: conditionSchema
    .describe('the control applies only where this holds; elsewhere the outcome is not-applicable')
    .optional(),
  require: conditionSchema.describe('compliant exactly where this holds'),
  coverableByException: z
    .boolean()
    .default(false)
    .describe(
      'whether an approved, live exception may cover a non-compliant finding (it stays visible, as covered)',
    ),
  message: text('what a violation means, for the person who reads the finding'),
  remedy: text('what to do about it; may be a command'),
});

const BASELINES = ['none', 'metadata-only'] as const;
const ENFORCEMENT = ['observe', 'enforce'] as const;
export const MODALITIES = ['text', 'image', 'embedding', 'video', 'audio'] as const;
export const TOPOLOGIES = ['dedicated', 'filter-and-purge'] as const;
export const DESTINATION_KINDS = ['s3', 'cloudwatch-logs'] as const;

/** Ways to a model that an organization may close altogether, because nothing governs what they store, or who used them. */
export const DENIABLE = ['bedrock-mantle', 'batch-inference', 'long-term-api-keys'] as const;
export type Deniable = (typeof DENIABLE)[number];

const storageSchema = z.strictObject({
  baseline: z
    .enum(BASELINES)
    .describe('what invocation logging returns to: no configuration, or metadata without content'),
  dataRetentionMode: z
    .literal('none')
    .describe('the account data-retention mode; version 1 governs `none` only'),
  scope: z.strictObject({
    regions: z.array(regionCode).min(1).describe('the governed Regions'),
  }),
  administrators: z
    .array(
      z.strictObject({
        principal: z
          .string()
          .regex(
            /^arn:[^:]+:iam::[0-9*]+:(role|user)\/.+$/,
            'expected an IAM role or user ARN; `*` and `?` are allowed',
          )
          .describe('ARN pattern of a principal that may change prompt storage'),
        reason: text('why it may'),
      }),
    )
    .describe('the only principals that may change prompt storage'),
  denied: z
    .array(z.enum(DENIABLE))
    .describe('ways to a model that the guardrails deny to everybody; absent: none by its word')
    .optional(),
  enforcement: z
    .enum(ENFORCEMENT)
    .describe('observe: report drift; enforce: undo it. Our own leases are always ended'),
  overrides: z
    .array(
      z.strictObject({
        organizationalUnit: z
          .string()
          .regex(
            /^(r-[a-z0-9]{4,32}|ou-[a-z0-9]{4,32}-[a-z0-9]{8,32})$/,
            'expected an id such as `ou-ab12-cdefgh34`',
          ),
        reason: text('why this unit is stricter'),
        baseline: z.enum(BASELINES).optional(),
        enforcement: z.enum(ENFORCEMENT).optional(),
      }),
    )
    .default([])
    .describe('per organizational unit; an override may only be stricter than what it overrides'),
});

const exceptionsSchema = z.strictObject({
  source: z.array(sourceReference).min(1),
  approvals: z.strictObject({
    roles: z
      .array(
        z.strictObject({
          role: slug('the role that approves'),
          title: text('its name for people', 80),
          source: z.array(sourceReference).min(1),
        }),
      )
      .min(2)
      .describe('one approval from each, each by a different person, none of them the requester'),
    expireAfter: durationText('a request without all approvals expires this long after it was submitted'),
    validFor: durationText('an approval that is older than this at the start no longer counts').default(
      '30d',
    ),
    remindBefore: durationText(
      'whoever has not decided is reminded this long before the deadline, at half of the time at the latest',
    ).default('2d'),
    escalateBefore: durationText(
      'others are told this long before the deadline, at three quarters of the time at the latest',
    ).default('1d'),
    escalateTo: z
      .array(slug('a role'))
      .default([])
      .describe('roles that are told when a decision is still missing; the requester always is'),
  }),
  request: z
    .strictObject({
      dataProtectionAssessment: z
        .enum(['required', 'optional'])
        .default('optional')
        .describe(
          'whether a request names its data-protection assessment, or who decided that none is needed',
        ),
    })
    .prefault({})
    .describe('what a request must state beside what every request states'),
  limits: z.strictObject({
    retention: durationText('from enabling to proven purge'),
    enablement: durationText('longest time content storage is on'),
    leasedTime: z.strictObject({
      atMost: durationText('total time leased per account and Region'),
      within: durationText('in any window of this length'),
    }),
    startsWithin: durationText('a request may lie this far ahead at most'),
    enableWithin: durationText('what is not on this long after its start expires'),
  }),
  scope: z.strictObject({
    topologies: z.array(z.enum(TOPOLOGIES)).min(1).describe('how the exception is kept to its subjects'),
    onlySubjectsInvoke: z
      .enum(['required', 'not-required'])
      .default('not-required')
      .describe(
        'whether a `dedicated` exception is admitted only where the policies in place let nobody but its subjects invoke a model',
      ),
    modalities: z.array(z.enum(MODALITIES)).min(1).describe('the kinds of content that may be stored'),
    maxSubjects: z.int().min(1).max(500).describe('most subjects one request may name'),
  }),
  destination: z.strictObject({
    kinds: z.array(z.enum(DESTINATION_KINDS)).min(1),
    encryption: z
      .literal('customer-managed-key')
      .describe('encryption at rest under a key of the organization'),
    versioning: z
      .enum(['allowed', 'refused'])
      .describe('whether the bucket may keep versions (they are purged too)'),
  }),
  purge: z.strictObject({
    drain: durationText('quiet time after switching off, for deliveries under way'),
    secondListingAfter: durationText('the two empty listings are at least this far apart').default('24h'),
  }),
  review: z.strictObject({ every: durationText('how often a live exception is looked at again') }),
  notice: z.strictObject({
    required: z
      .boolean()
      .describe('whether the people concerned are told, or the request says who decided not to and why'),
    withheldBy: z
      .array(slug('a role'))
      .default([])
      .describe(
        'roles of which one person must have decided that notice is withheld; none: anybody, by name',
      ),
  }),
  breakGlass: z.strictObject({
    enabled: z.boolean(),
    atMost: durationText(
      'longest break-glass exception, which is also the deadline for every other approval',
    ),
  }),
});

export const policySchema = z.strictObject({
  kind: z.literal('Policy'),
  schemaVersion: z.literal(1),
  metadata: z.strictObject({
    id: slug('id of the policy, the same in every version'),
    title: text('title', 200),
    version: z.string().regex(/^[0-9]+\.[0-9]+\.[0-9]+$/, 'expected a version such as `1.0.0`'),
    status: z.enum(['draft', 'in-force', 'retired']),
    effectiveFrom: instantText('when it takes effect').optional(),
    owner: text('who owns it', 200),
    audience: z.array(text('a reader', 100)).min(1),
    summary: text('the policy in a few sentences'),
  }),
  sources: z
    .array(
      z.strictObject({
        id: slug('short name used by `source` fields'),
        title: text('title of the source text', 200),
      }),
    )
    .min(1),
  statements: z
    .array(
      z.strictObject({
        id: z.string().regex(/^S-[0-9]+(\.[0-9]+)*$/, 'expected an id such as `S-7.2`'),
        source: sourceReference,
        says: text('the statement, in our own words'),
        carriedBy: z
          .array(
            text(
              'a control id, `storage`, `exceptions.<field>`, `review`, `attestation`, `planned` or `position`',
              80,
            ),
          )
          .min(1)
          .describe('what in this file, or outside it, makes the statement true'),
        note: text('a correction or a remark').optional(),
      }),
    )
    .min(1)
    .describe('every statement of the source policy, and what carries it'),
  storage: storageSchema,
  controls: z.array(controlSchema).min(1),
  exceptions: exceptionsSchema,
  review: z.strictObject({
    source: z.array(sourceReference).min(1),
    every: durationText('longest time between two reviews'),
    alsoOn: z.array(text('an occasion', 200)).default([]),
    reviewers: z.array(z.strictObject({ body: slug('short name'), title: text('name', 120) })).min(1),
  }),
});

export type Policy = z.output<typeof policySchema>;
export type Control = Policy['controls'][number];
export type Severity = (typeof SEVERITIES)[number];
export type Baseline = (typeof BASELINES)[number];
export type Modality = (typeof MODALITIES)[number];
export type Topology = (typeof TOPOLOGIES)[number];

/** A policy together with what identifies it. `hash` covers the meaning (canonical JSON), not layout or comments. */
export interface LoadedPolicy {
  readonly policy: Policy;
  readonly hash: import('../core/index.ts').Sha256Hex;
  readonly file: string;
}
