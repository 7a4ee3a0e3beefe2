import * as z from 'zod';
import { DIRECTIONS } from '../../diff/index.ts';

/*
 * The form of `proviso policy diff --format json`, version 1. docs/policy-diff.schema.json is made from it; a test keeps the two
 * equal, and another holds real output against it.
 */

const place = z.strictObject({
  file: z.string(),
  line: z.int().min(1),
  column: z.int().min(1),
});

const outcome = z.enum(['compliant', 'non-compliant', 'not-applicable', 'indeterminate', 'not-checked']);
const judgement = z.enum(['admitted', 'refused', 'undecided']);
const told = {
  given: z.array(z.string()).min(1).describe('the example, in words'),
  old: z.string().describe('what the old policy says of it, in words'),
  new: z.string().describe('what the new policy says of it, in words'),
};
const said = z.strictObject({
  controlId: z.string().optional(),
  outcome,
  severity: z.enum(['critical', 'high', 'medium', 'low']).optional(),
  isCoverable: z.boolean().optional(),
});
const factValue = z.union([z.boolean(), z.string(), z.number(), z.array(z.string())]);

const witness = z.discriminatedUnion('kind', [
  z.strictObject({
    ...told,
    kind: z.literal('facts'),
    subject: z.string(),
    facts: z
      .array(
        z.discriminatedUnion('kind', [
          z.strictObject({ fact: z.string(), kind: z.literal('observed'), value: factValue }),
          z.strictObject({ fact: z.string(), kind: z.literal('absent') }),
        ]),
      )
      .describe('what is known; everything else was not collected'),
    saidByOld: said,
    saidByNew: said,
  }),
  z.strictObject({
    ...told,
    kind: z.literal('request'),
    example: z
      .record(z.string(), z.unknown())
      .describe('request, instant, roles that people hold, bucket, earlier leases'),
    judgedByOld: judgement,
    judgedByNew: judgement,
  }),
  z.strictObject({
    ...told,
    kind: z.literal('approvals'),
    approvedBy: z.array(z.string()).describe('the role of each approval, each by another person'),
    sufficesForOld: z.boolean(),
    sufficesForNew: z.boolean(),
  }),
  z.strictObject({ ...told, kind: z.literal('account'), unitPath: z.array(z.string()) }),
  z.strictObject({
    ...told,
    kind: z.literal('principal'),
    arn: z.string(),
    isAdministratorInOld: z.boolean(),
    isAdministratorInNew: z.boolean(),
  }),
  z.strictObject({ ...told, kind: z.literal('plain') }),
]);

const gate = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('not-needed') }),
  z.strictObject({
    kind: z.enum(['approved', 'not-approved']),
    because: z.string().describe('what needs approvals'),
    approved: z.array(z.strictObject({ body: z.string(), by: z.string(), name: z.string() })),
    missing: z.array(z.strictObject({ body: z.string(), title: z.string() })),
    ignored: z.array(z.string()).describe('why approvals of this change do not count'),
    ofOtherChanges: z.int().min(0).describe('approvals in the record that are of other changes'),
  }),
]);
const counts = z.strictObject({
  loosening: z.int().min(0),
  both: z.int().min(0),
  tightening: z.int().min(0),
  neutral: z.int().min(0),
  text: z.int().min(0),
  notDecided: z.int().min(0).describe('counted here alone; each counts as a loosening'),
});
const identity = z.strictObject({
  version: z.string(),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  file: z.string(),
});
const way = z.enum(['loosening', 'tightening', 'neither']);
const standing = z.enum([
  'compliant',
  'non-compliant',
  'not-applicable',
  'indeterminate',
  'covered',
  'not-checked',
]);

export const policyDiffSchema = z
  .strictObject({
    kind: z.literal('PolicyDiff'),
    schemaVersion: z.literal(1),
    isLoosened: z.boolean().describe('whether anything is looser, or could not be decided'),
    policies: z.array(
      z.strictObject({
        policyId: z.string(),
        title: z.string(),
        old: identity,
        new: identity,
        counts,
        reviewers: z
          .array(z.strictObject({ body: z.string(), title: z.string() }))
          .describe('the bodies that the old policy names; a loosening needs each of them'),
        renamedControls: z.record(z.string(), z.string()).describe('old id -> new id'),
        changes: z.array(
          z.strictObject({
            area: z.enum(['storage', 'control', 'exception', 'review', 'policy', 'case']),
            direction: z.enum(DIRECTIONS),
            isDecided: z.boolean(),
            path: z.string(),
            says: z.string(),
            remark: z.string().optional(),
            loosens: witness.optional(),
            tightens: witness.optional(),
            place: z.strictObject({ new: place, old: place.optional() }),
          }),
        ),
        gate: gate
          .optional()
          .describe('with --approvals: whether what needs the approval of the reviewers has it'),
      }),
    ),
    impact: z.strictObject({
      snapshots: z.array(
        z.strictObject({
          name: z.string(),
          takenAt: z.string(),
          accounts: z.int().min(0),
          affectedAccounts: z.int().min(0),
          changes: z.array(
            z.strictObject({
              direction: way,
              controlId: z.string(),
              accountId: z.string(),
              accountName: z.string(),
              subject: z.record(z.string(), z.string()),
              old: standing,
              new: standing,
              decidingClause: z.string(),
              evidence: z.array(z.string()),
            }),
          ),
        }),
      ),
      requests: z
        .strictObject({
          requests: z.int().min(0),
          changes: z.array(
            z.strictObject({
              direction: way,
              file: z.string(),
              reference: z.string(),
              old: judgement,
              new: judgement,
              unmetByOld: z.array(z.string()),
              unmetByNew: z.array(z.string()),
            }),
          ),
        })
        .optional(),
    }),
  })
  .meta({ title: 'The meaning of a policy change, as `proviso policy diff --format json` prints it' });

export type PolicyDiffJson = z.output<typeof policyDiffSchema>;

export const policyDiffJsonSchema = (): unknown => z.toJSONSchema(policyDiffSchema);
