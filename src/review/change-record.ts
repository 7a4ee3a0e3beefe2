import * as z from 'zod';
import {
  canonicalJson,
  err,
  isPrincipalId,
  ok,
  type PrincipalId,
  type Problem,
  parseSourceDocument,
  principalId,
  type Result,
  type Sha256Hex,
} from '../core/index.ts';
import { problemsOf } from '../policy/index.ts';

/**
 * One change of one policy, by the hashes of both sides. The cases and the signers belong to it: a case that is deleted, or a
 * signer who is added, after the approvals were given would otherwise pass under them.
 */
export interface PolicyChangeHashes {
  readonly policyId: string;
  /** Of the policy, as `policy diff` prints it. */
  readonly oldHash: Sha256Hex;
  readonly newHash: Sha256Hex;
  /** Of the cases beside it; `null` where there are none. */
  readonly oldCases: Sha256Hex | null;
  readonly newCases: Sha256Hex | null;
  /** Of the signers file; `null` where there is none. */
  readonly oldSigners: Sha256Hex | null;
  readonly newSigners: Sha256Hex | null;
}

/** One person's word, for one body, that one change may be made. */
export interface ChangeApproval extends PolicyChangeHashes {
  readonly body: string;
  readonly by: PrincipalId;
  /** Ed25519 over {@link approvalBytes}, base64. */
  readonly signature: string;
}

export interface ChangeRecord {
  readonly approvals: readonly ChangeApproval[];
}

const hash = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .transform((text) => text as Sha256Hex);

const recordSchema = z.strictObject({
  kind: z.literal('PolicyChangeApprovals'),
  schemaVersion: z.literal(1),
  approvals: z
    .array(
      z.strictObject({
        policyId: z.string().min(1).max(200),
        oldHash: hash,
        newHash: hash,
        oldCases: hash.nullable(),
        newCases: hash.nullable(),
        oldSigners: hash.nullable(),
        newSigners: hash.nullable(),
        body: z.string().regex(/^[a-z][a-z0-9-]{0,62}$/),
        by: z.string().refine(isPrincipalId, 'expected an id of letters, digits, `.`, `_` and `-`'),
        signature: z
          .string()
          .regex(/^[A-Za-z0-9+/]{86}==$/)
          .describe('64 bytes in base64'),
      }),
    )
    .max(1000),
});

/**
 * Reads a record of approvals (JSON, `kind: PolicyChangeApprovals`). Whoever opens a pull request may write anything into it: nothing of
 * it counts before `judgeChange` has verified it.
 */
export function parseChangeRecord(text: string, file: string): Result<ChangeRecord, readonly Problem[]> {
  const document = parseSourceDocument(text, file);
  if (!document.ok) return document;
  const parsed = recordSchema.safeParse(document.value.value);
  if (!parsed.success) return err(problemsOf(document.value, parsed.error, recordSchema));
  return ok({ approvals: parsed.data.approvals.map((each) => ({ ...each, by: principalId(each.by) })) });
}

/** The file as `approve-change` writes it: two spaces, one fact on a line, so that a diff of it can be read. */
export const encodeChangeRecord = ({ approvals }: ChangeRecord): string =>
  `${JSON.stringify({ kind: 'PolicyChangeApprovals', schemaVersion: 1, approvals }, undefined, 2)}\n`;

/**
 * What is signed: the canonical JSON (RFC 8785) of the change, with the body and the person, so that nobody can present a word given for
 * one body, or by one person, as another's. `kind` keeps a signature for something else from counting here.
 */
export function approvalBytes(change: PolicyChangeHashes, body: string, by: PrincipalId): Uint8Array {
  const { policyId, oldHash, newHash, oldCases, newCases, oldSigners, newSigners } = change;
  return new TextEncoder().encode(
    canonicalJson({
      kind: 'PolicyChangeApproval',
      schemaVersion: 1,
      policyId,
      oldHash,
      newHash,
      oldCases,
      newCases,
      oldSigners,
      newSigners,
      body,
      by,
    }),
  );
}

/** Whether an approval speaks of exactly this change. */
export const isOfChange = (approval: PolicyChangeHashes, change: PolicyChangeHashes): boolean =>
  CHANGE_KEYS.every((key) => approval[key] === change[key]);

const CHANGE_KEYS = [
  'policyId',
  'oldHash',
  'newHash',
  'oldCases',
  'newCases',
  'oldSigners',
  'newSigners',
] as const satisfies readonly (keyof PolicyChangeHashes)[];
