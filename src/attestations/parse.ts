import * as z from 'zod';
import {
  type DocumentPath,
  type EpochMs,
  epochMs,
  err,
  formatInstant,
  ok,
  type Problem,
  parseInstant,
  parseSourceDocument,
  type Result,
} from '../core/index.ts';
import { NEVER_ATTESTED } from './cover.ts';
import type { AttestationProblemCode } from './errors.ts';
import { isSubjectPattern } from './subjects.ts';
import type { Attestation } from './types.ts';

const MAX_SUBJECTS = 200;
const line = (what: string, max: number) =>
  z
    .string(`expected ${what}`)
    .min(1, `expected ${what}`)
    .max(max, `expected at most ${max} characters`)
    .regex(/^[^\u0000-\u001f\u007f-\u009f]*$/, 'expected one line of text');
const slug = (what: string) =>
  z.string(`expected ${what}`).regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, `expected ${what}`);
const instant = z.string('expected a UTC instant').transform((text, context): EpochMs => {
  const read = parseInstant(text);
  if (read.ok) return read.value;
  context.addIssue({ code: 'custom', message: read.error });
  return z.NEVER;
});

const schema = z.strictObject({
  kind: z.literal('Attestation', 'expected `kind: Attestation`'),
  schemaVersion: z.literal(1, 'expected `schemaVersion: 1`'),
  id: slug('an id of letters, digits, `.`, `_` and `-`'),
  document: z.strictObject({
    title: line('the title of the document', 200),
    reference: line('where the document is kept', 500),
    sha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/, 'expected 64 hexadecimal digits')
      .optional(),
  }),
  signer: z.strictObject({
    id: slug('the id of the person who signed'),
    title: line('in which capacity they signed', 200),
  }),
  control: slug('the id of one control'),
  subjects: z.array(z.string()).min(1, 'expected at least one subject').max(MAX_SUBJECTS),
  signedAt: instant,
  validUntil: instant,
});

/**
 * Reads one file of `attestations/`, with every fault found and its place. What can make a violation look answered for is read as
 * strictly as a policy: unknown keys, more than 12 months, patterns without an account and CP-01 are refused.
 */
export function parseAttestation(text: string, file: string): Result<Attestation, readonly Problem[]> {
  const document = parseSourceDocument(text, file);
  if (!document.ok) return document;
  const source = document.value;
  const parsed = schema.safeParse(source.value);
  const problems: Problem[] = [];
  const add = (path: DocumentPath, code: AttestationProblemCode, message: string, remedy: string): void => {
    problems.push(source.problemAt(path, code, message, remedy));
  };
  if (!parsed.success) {
    for (const issue of parsed.error.issues) {
      const path = issue.path.filter((step) => typeof step !== 'symbol');
      const what =
        issue.code === 'unrecognized_keys' ? `unknown key \`${issue.keys.join('`, `')}\`` : issue.message;
      add(path, 'attestation-shape', lowerFirst(what), 'docs/findings.md shows a whole attestation');
    }
    return err(problems);
  }
  const { kind: _kind, schemaVersion: _version, ...attestation } = parsed.data;
  const latest = twelveMonthsAfter(attestation.signedAt);
  if (attestation.validUntil <= attestation.signedAt)
    add(
      ['validUntil'],
      'attestation-backwards',
      'the attestation ends before it was signed',
      'correct one of the two instants',
    );
  else if (attestation.validUntil > latest)
    add(
      ['validUntil'],
      'attestation-too-long',
      'an attestation holds for 12 months at most',
      `end it by \`${formatInstant(latest)}\`, and sign again then`,
    );
  if (NEVER_ATTESTED.includes(attestation.control))
    add(
      ['control'],
      'attestation-not-allowed',
      `\`${attestation.control}\` cannot be attested: content is stored under an exception or not at all`,
      'request an exception',
    );
  for (const [index, pattern] of attestation.subjects.entries())
    if (!isSubjectPattern(pattern))
      add(
        ['subjects', index],
        'attestation-too-wide',
        'the pattern does not begin with its account',
        'write `666666666666/eu-central-1`, `666666666666/*` or `arn:aws:iam::666666666666:role/name*`',
      );
  return problems.length > 0 ? err(problems) : ok({ ...attestation, file });
}

/** The same day and time a year later; February 29th becomes March 1st. */
export function twelveMonthsAfter(at: EpochMs): EpochMs {
  const date = new Date(at);
  date.setUTCFullYear(date.getUTCFullYear() + 1);
  return epochMs(date.getTime());
}

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);
