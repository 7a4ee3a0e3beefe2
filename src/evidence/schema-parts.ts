import * as z from 'zod';
import {
  type AccountId,
  accountId,
  type EpochMs,
  formatInstant,
  isAccountId,
  isRegion,
  parseInstant,
  type Region,
  region,
} from '../core/index.ts';
import { documentFromJson, documentToJson, isJsonObject } from './policy-text.ts';
import type { FactSource, Observation, UnobservableReason } from './types.ts';

/*
 * What the files of a snapshot are made of. Every part works in both directions (`z.decode`, `z.encode`), so that a section needs one
 * description of its value and no encoder of its own.
 */

/** What is not there must be told by the check and not reach a codec: an optional member is encoded even where it is missing. */
const isText = (value: unknown): boolean => typeof value === 'string';

/** A UTC instant in the file, epoch milliseconds in memory. */
export const instant = z.codec(z.string(), z.custom<EpochMs>(Number.isSafeInteger, 'expected a time'), {
  decode: (text, context): EpochMs => {
    const read = parseInstant(text);
    if (read.ok) return read.value;
    context.issues.push({ code: 'custom', message: read.error, input: text });
    return z.NEVER;
  },
  encode: (at) => formatInstant(at),
});
export const accountIdText = z.codec(
  z.string().refine(isAccountId, 'expected a 12-digit account id'),
  z.custom<AccountId>(isText),
  { decode: (text) => accountId(text), encode: (id) => id },
);
export const regionText = z.codec(
  z.string().refine(isRegion, 'expected an AWS Region code such as `eu-central-1`'),
  z.custom<Region>(isText),
  { decode: (text) => region(text), encode: (code) => code },
);

/** Text that is there: AWS's names, ids and ARNs. */
export const name = z.string().min(1);
/** Not `z.record`, which would drop a key such as `__proto__`: the document must come out as it went in. */
export const policyDocument = z.codec(z.unknown(), z.custom<string>(isText), {
  decode: (json, context): string => {
    if (typeof json === 'string') return json;
    if (isJsonObject(json)) {
      try {
        return documentFromJson(json);
      } catch {
        context.issues.push({ code: 'custom', message: 'the document is nested too deeply', input: json });
        return z.NEVER;
      }
    }
    context.issues.push({
      code: 'custom',
      message: 'expected a policy document: an object, or its text',
      input: json,
    });
    return z.NEVER;
  },
  encode: (text) => documentToJson(text),
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
  const envelope = z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('observed'), at: instant, source, value: z.unknown() }),
    z.strictObject({ kind: z.literal('absent'), at: instant, source }),
    z.strictObject({
      kind: z.literal('unobservable'),
      reason: z.enum(REASONS),
      detail: z.string().exactOptional(),
      source: source.exactOptional(),
    }),
  ]);
  return z.codec(envelope, z.custom<Observation<T>>(isJsonObject, 'expected an observation'), {
    decode: (read): Observation<T> => {
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
    },
    encode: (observation) =>
      observation.kind === 'observed'
        ? { ...observation, value: z.encode(value, observation.value) }
        : observation,
  });
}

/** `users[2].name: expected string`; the first fault, never a value. */
export function describeIssue(error: z.core.$ZodError): string {
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
