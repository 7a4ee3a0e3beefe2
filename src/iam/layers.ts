import { Recent, type Result } from '../core/index.ts';
import { type CompiledPolicy, compilePolicy } from './compile.ts';
import type { IamProblem } from './errors.ts';
import type { Obstacle, PolicyLayer } from './evaluate.ts';
import { type PolicyDocument, parsePolicyDocument } from './policy-document.ts';

/** Where a document stands decides which elements it may have. */
export type DocumentUse =
  /** Identity policies, boundaries and session policies: who is meant is clear without `Principal`. */
  | 'identity'
  /** Service and resource control policies. */
  | 'control'
  /** Resource policies: each statement names its principals and its resources. */
  | 'resource'
  /** Trust policies: principals, and no resource but the role itself. */
  | 'trust';

/** A document that was read once and compiled, or why it cannot be used. */
export type ReadPolicy =
  | { readonly ok: true; readonly policy: CompiledPolicy }
  | { readonly ok: false; readonly name: string; readonly obstacle: Obstacle };

const readAnew = (name: string, text: string, use: DocumentUse): ReadPolicy =>
  usePolicy(name, parsePolicyDocument(text), use);

/** @param name - for a person: ``managed policy `AdministratorAccess` `` */
export type PolicyReader = (name: string, text: string, use: DocumentUse) => ReadPolicy;

/** Characters; the longest that IAM and S3 keep is 20 KB. */
const LONGEST_KEPT = 20_480;

/**
 * A reader that reads and compiles equal texts once.
 * @param entries - how many texts it keeps at least, those that were read last, and at most twice as many; texts beyond the ordinary size are
 *   read anew each time, so that a hostile estate costs time and not memory
 */
function remembering(entries: number): PolicyReader {
  const recent = new Recent<string, ReadPolicy>(entries);
  return (name, text, use) => {
    if (text.length > LONGEST_KEPT) return readAnew(name, text, use);
    const key = `${use} ${text}`;
    const before = recent.get(key);
    if (before !== undefined) return renamed(before, name);
    const read = readAnew(name, text, use);
    recent.set(key, read);
    return read;
  };
}

/** The same few documents are asked about at every step of an exception. */
export const readPolicy = remembering(256);

/** For one pass over an organization, whose accounts hold many of the same documents. */
export const rememberingReader = (): PolicyReader => remembering(2048);

export function usePolicy(
  name: string,
  parsed: Result<PolicyDocument, IamProblem>,
  use: DocumentUse,
): ReadPolicy {
  const problem = parsed.ok ? findMisplaced(parsed.value, use) : parsed.error.message;
  if (!parsed.ok || problem !== undefined)
    return {
      ok: false,
      name,
      obstacle: { reason: 'damaged-document', detail: `${name} cannot be read: ${problem}` },
    };
  return { ok: true, policy: compilePolicy(name, parsed.value) };
}

/** The same document under another name: what a group's policy is called depends on who looks at it. */
export function renamed(read: ReadPolicy, name: string): ReadPolicy {
  if (!read.ok)
    return {
      ...read,
      name,
      obstacle: { ...read.obstacle, detail: read.obstacle.detail.replace(read.name, () => name) },
    };
  const { policy } = read;
  return { ok: true, policy: { name, document: policy.document, concerning: policy.concerning } };
}

/** @param missing - documents that apply and are not in the evidence, in words */
export function layerOf(
  name: string,
  documents: readonly ReadPolicy[],
  missing: readonly string[] = [],
): PolicyLayer {
  return {
    name,
    policies: documents.flatMap((read) => (read.ok ? [read.policy] : [])),
    unreadable: [
      ...documents.flatMap((read) => (read.ok ? [] : [read.obstacle])),
      ...(missing.length === 0
        ? []
        : [{ reason: 'missing-document' as const, detail: `not in the evidence: ${missing.join('; ')}` }]),
    ],
  };
}

/** Whoever asks brings permission to do everything. */
export const EVERYTHING = layerOf('policies that allow everything', [
  readPolicy(
    'policies that allow everything',
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}',
    'identity',
  ),
]);

/** Elements that belong to other kinds of policy: AWS would not have stored such a document. */
function findMisplaced({ statements }: PolicyDocument, use: DocumentUse): string | undefined {
  for (const { index, principals, resources } of statements) {
    const where = `Statement[${index}]`;
    if (use === 'identity' && principals !== undefined)
      return `${where} names a principal, which an identity policy cannot`;
    if (
      use === 'control' &&
      principals !== undefined &&
      principals.entries.some(({ value }) => value !== '*')
    )
      return `${where} names a principal other than everybody, which a control policy cannot`;
    if (use !== 'trust' && resources === undefined) return `${where} has neither Resource nor NotResource`;
    if ((use === 'trust' || use === 'resource') && principals === undefined)
      return `${where} names no principal, which a ${use} policy must`;
  }
  return undefined;
}
