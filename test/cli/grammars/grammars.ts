import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv, type ValidateFunction } from 'ajv';
import { parse as parseCsv } from 'csv-parse/sync';
import { XmlDocument, XsdValidator } from 'libxml2-wasm';
import { z } from 'zod';
import { REPOSITORY } from '../harness.ts';

/** Readers for every format, each of which throws, or tells faults, on what the format does not allow. */

const readJson = (path: string): Record<string, unknown> =>
  JSON.parse(readFileSync(join(REPOSITORY, path), 'utf8'));

/** The OASIS schema is in draft-04: its `id` is another keyword by now, and its patterns are not written for the `u` flag. */
const sarif = (): ValidateFunction => {
  const {
    $schema: _draft,
    id: _id,
    ...schema
  } = readJson('node_modules/@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json');
  return new Ajv({ strict: false, unicodeRegExp: false, allErrors: true, validateFormats: false }).compile(
    schema,
  );
};
const ocsf = (): ValidateFunction =>
  new Ajv({ allErrors: true }).compile(readJson('test/cli/grammars/ocsf-compliance-finding.schema.json'));

const faultsOf = (validate: ValidateFunction, value: unknown): readonly string[] => {
  validate(value);
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
};

export const sarifFaults = (text: string): readonly string[] => faultsOf(sarif(), JSON.parse(text));
export const ocsfFaults = (text: string): readonly string[] => {
  const validate = ocsf();
  return z
    .array(z.unknown())
    .parse(JSON.parse(text))
    .flatMap((event) => faultsOf(validate, event));
};

const instant = z.iso.datetime();
const short = (max: number) => z.string().min(1).max(max);
/** The published limits of the AWS Security Finding Format (Security Hub user guide, "ASFF syntax" and its attribute pages). */
const asffFinding = z.strictObject({
  SchemaVersion: z.literal('2018-10-08'),
  Id: short(512),
  ProductArn: z
    .string()
    .regex(/^arn:aws[a-z-]*:securityhub:[a-z0-9-]+:[0-9]{12}:product\/[0-9]{12}\/default$/),
  ProductName: short(128),
  CompanyName: short(128),
  Region: short(16),
  GeneratorId: short(512),
  AwsAccountId: z.string().regex(/^[0-9]{12}$/),
  Types: z
    .array(z.string().regex(/^[^/]+(\/[^/]+){0,2}$/))
    .min(1)
    .max(50),
  FirstObservedAt: instant,
  LastObservedAt: instant,
  CreatedAt: instant,
  UpdatedAt: instant,
  Severity: z.strictObject({
    Label: z.enum(['INFORMATIONAL', 'LOW', 'MEDIUM', 'HIGH', 'CRITICAL']),
    Original: short(64),
  }),
  Title: short(256),
  Description: short(1024),
  Remediation: z.strictObject({ Recommendation: z.strictObject({ Text: short(512) }) }),
  ProductFields: z
    .record(short(128), short(2048))
    .refine((fields) => Object.keys(fields).length <= 50, 'at most 50 product fields'),
  Resources: z
    .array(
      z.strictObject({
        Type: z.enum(['AwsAccount', 'AwsIamRole', 'AwsIamUser', 'AwsIamGroup', 'Other']),
        Id: short(512),
        Partition: z.enum(['aws', 'aws-cn', 'aws-us-gov']),
        Region: short(16),
      }),
    )
    .min(1)
    .max(32),
  Compliance: z.strictObject({
    Status: z.enum(['PASSED', 'WARNING', 'FAILED', 'NOT_AVAILABLE']),
  }),
  Workflow: z.strictObject({ Status: z.enum(['NEW', 'NOTIFIED', 'RESOLVED', 'SUPPRESSED']) }),
  RecordState: z.enum(['ACTIVE', 'ARCHIVED']),
  Note: z.strictObject({ Text: short(512), UpdatedBy: short(512), UpdatedAt: instant }).optional(),
});
export const readAsff = (text: string) => z.array(asffFinding).parse(JSON.parse(text));

/** Throws on a document that is not well-formed or not as test/cli/grammars/junit.xsd says. */
export function readJunit(text: string): string {
  using grammar = XmlDocument.fromString(
    readFileSync(join(REPOSITORY, 'test/cli/grammars/junit.xsd'), 'utf8'),
  );
  using validator = XsdValidator.fromDoc(grammar);
  using document = XmlDocument.fromString(text);
  validator.validate(document);
  return document.root.content;
}

/** Throws on a ragged row or a quote that is not closed. */
export const readCsv = (text: string): readonly Readonly<Record<string, string>>[] =>
  parseCsv(text, { columns: true, record_delimiter: '\r\n', relax_column_count: false });
