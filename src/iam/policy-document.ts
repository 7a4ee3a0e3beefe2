import { err, ok, type Result } from '../core/index.ts';
import type { IamProblem, IamProblemCode } from './errors.ts';
import { findStructureProblem } from './json-structure.ts';

/** One statement, with lists where AWS allows a single text. */
export interface Statement {
  /** 0-based place in the document. */
  readonly index: number;
  readonly sid?: string;
  readonly effect: 'Allow' | 'Deny';
  readonly actions: { readonly kind: 'Action' | 'NotAction'; readonly patterns: readonly string[] };
  /** Trust policies have none. */
  readonly resources?: {
    readonly kind: 'Resource' | 'NotResource';
    readonly patterns: readonly string[];
  };
  /** Identity policies have none. */
  readonly principals?: {
    readonly kind: 'Principal' | 'NotPrincipal';
    readonly entries: readonly PrincipalEntry[];
  };
  /** Empty: unconditional. All of them must hold; of one condition's values, any. */
  readonly conditions: readonly StatementCondition[];
}

export interface PrincipalEntry {
  readonly type: 'AWS' | 'Federated' | 'Service' | 'CanonicalUser';
  readonly value: string;
}

export interface StatementCondition {
  /** As written: `StringEquals`, `ForAnyValue:StringLike`, `StringEqualsIfExists`. */
  readonly operator: string;
  readonly key: string;
  readonly values: readonly string[];
}

export interface PolicyDocument {
  /** A document without a version is of the old one, which knows no policy variables. */
  readonly version: '2012-10-17' | '2008-10-17';
  readonly statements: readonly Statement[];
}

const MAX_BYTES = 1024 * 1024;
const MAX_STATEMENTS = 10_000;
/** Document, statements, statement, condition, operator, values are six; the rest is room. */
const MAX_DEPTH = 16;
const DOCUMENT_KEYS = ['Version', 'Id', 'Statement'];
const STATEMENT_KEYS = [
  'Sid',
  'Effect',
  'Principal',
  'NotPrincipal',
  'Action',
  'NotAction',
  'Resource',
  'NotResource',
  'Condition',
];
const PRINCIPAL_TYPES = ['AWS', 'Federated', 'Service', 'CanonicalUser'] as const;

/**
 * Reads an identity or trust policy document. A text that still looks URL-encoded, as the IAM API returns it, is decoded once.
 * Anything that could be read in two ways is a problem rather than a guess: duplicate keys, element names in another case,
 * unknown elements, an effect that is neither `Allow` nor `Deny`, `Action` beside `NotAction`.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
 */
export function parsePolicyDocument(text: string): Result<PolicyDocument, IamProblem> {
  if (Buffer.byteLength(text) > MAX_BYTES)
    return fail('too-long', `the document has more than ${MAX_BYTES} bytes`);
  let json = text;
  if (/^\s*%7B/i.test(text)) {
    try {
      json = decodeURIComponent(text);
    } catch {
      return fail('bad-encoding', 'the document looks URL-encoded and does not decode');
    }
  }
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return fail('not-json', 'the document is not JSON');
  }
  const structure = findStructureProblem(json, MAX_DEPTH);
  if (structure !== undefined) return err(structure);
  try {
    return ok(readDocument(value));
  } catch (error) {
    if (error instanceof Misshapen) return fail(error.code, error.message);
    throw error;
  }
}

const fail = (code: IamProblemCode, message: string) => err<IamProblem>({ code, message });

/** Leaves the nested readers below; never leaves this file. */
class Misshapen extends Error {
  readonly code: IamProblemCode;

  constructor(message: string, code: IamProblemCode = 'not-a-policy') {
    super(message);
    this.code = code;
  }
}

type Fields = Readonly<Record<string, unknown>>;

function readDocument(value: unknown): PolicyDocument {
  const fields = readFields(value, 'the document', DOCUMENT_KEYS);
  const version = fields.Version ?? '2008-10-17';
  if (version !== '2012-10-17' && version !== '2008-10-17')
    throw new Misshapen(`Version \`${String(version)}\` is not a version of the policy language`);
  if (fields.Statement === undefined) throw new Misshapen('the document has no Statement');
  const list: readonly unknown[] = Array.isArray(fields.Statement) ? fields.Statement : [fields.Statement];
  if (list.length > MAX_STATEMENTS)
    throw new Misshapen(`the document has more than ${MAX_STATEMENTS} statements`, 'too-many-statements');
  return { version, statements: list.map(readStatement) };
}

function readStatement(value: unknown, index: number): Statement {
  const where = `Statement[${index}]`;
  const fields = readFields(value, where, STATEMENT_KEYS);
  const { Sid: sid, Effect: effect } = fields;
  if (sid !== undefined && typeof sid !== 'string') throw new Misshapen(`${where}.Sid is not text`);
  if (effect !== 'Allow' && effect !== 'Deny')
    throw new Misshapen(`${where}.Effect is neither Allow nor Deny`);
  const action = oneOf(fields, where, 'Action', 'NotAction');
  if (action === undefined) throw new Misshapen(`${where} has neither Action nor NotAction`);
  const resource = oneOf(fields, where, 'Resource', 'NotResource');
  const principal = oneOf(fields, where, 'Principal', 'NotPrincipal');
  return {
    index,
    ...(sid === undefined ? {} : { sid }),
    effect,
    actions: { kind: action, patterns: readTexts(fields[action], `${where}.${action}`) },
    ...(resource === undefined
      ? {}
      : { resources: { kind: resource, patterns: readTexts(fields[resource], `${where}.${resource}`) } }),
    ...(principal === undefined
      ? {}
      : {
          principals: {
            kind: principal,
            entries: readPrincipals(fields[principal], `${where}.${principal}`),
          },
        }),
    conditions: readConditions(fields.Condition, `${where}.Condition`),
  };
}

/** Which of two elements that exclude each other stands there. */
function oneOf<Name extends string>(fields: Fields, where: string, one: Name, other: Name): Name | undefined {
  const found = [one, other].filter((name) => fields[name] !== undefined);
  if (found.length > 1) throw new Misshapen(`${where} has both ${one} and ${other}`);
  return found[0];
}

function readPrincipals(value: unknown, where: string): readonly PrincipalEntry[] {
  if (value === '*') return [{ type: 'AWS', value: '*' }];
  const fields = readFields(value, where, PRINCIPAL_TYPES);
  const entries = PRINCIPAL_TYPES.flatMap((type) =>
    fields[type] === undefined
      ? []
      : readTexts(fields[type], `${where}.${type}`).map((text): PrincipalEntry => ({ type, value: text })),
  );
  if (entries.length === 0) throw new Misshapen(`${where} names nobody`);
  return entries;
}

function readConditions(value: unknown, where: string): readonly StatementCondition[] {
  if (value === undefined) return [];
  return Object.entries(readFields(value, where)).flatMap(([operator, keys]) => {
    const entries = Object.entries(readFields(keys, `${where}.${operator}`));
    // What an operator without a key means is not documented; kept as a condition, it can only make the answer less certain.
    if (entries.length === 0) return [{ operator, key: '', values: [] }];
    return entries.map(([key, values]) => ({
      operator,
      key,
      values: readScalars(values, `${where}.${operator}.${key}`),
    }));
  });
}

function readFields(value: unknown, where: string, known?: readonly string[]): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Misshapen(`${where} is not an object`);
  const unknown = known && Object.keys(value).find((key) => !known.includes(key));
  if (unknown !== undefined) throw new Misshapen(`${where} has an unknown element \`${unknown}\``);
  return value as Fields;
}

function readTexts(value: unknown, where: string): readonly string[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (list.length === 0) throw new Misshapen(`${where} is an empty list`);
  return list.map((item) => {
    if (typeof item !== 'string' || item === '')
      throw new Misshapen(`${where} is not text or a list of texts`);
    return item;
  });
}

/** Condition values may be numbers or booleans; AWS compares their text. */
function readScalars(value: unknown, where: string): readonly string[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return list.map((item) => {
    if (typeof item === 'string' || typeof item === 'number' || typeof item === 'boolean')
      return String(item);
    throw new Misshapen(`${where} is not a text, number or boolean`);
  });
}
