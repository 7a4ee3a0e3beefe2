import { createPublicKey, type KeyObject } from 'node:crypto';
import * as z from 'zod';
import {
  err,
  hashOf,
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

/** Who may approve a change of the policy, for which bodies, and the key that proves it. */
export interface ChangeSigner {
  readonly id: PrincipalId;
  readonly name: string;
  readonly bodies: readonly string[];
  /** Ed25519. */
  readonly publicKey: KeyObject;
}

export interface ChangeSigners {
  readonly signers: readonly ChangeSigner[];
  /** Of what the file says; layout and comments do not count. */
  readonly hash: Sha256Hex;
}

const BODY = /^[a-z][a-z0-9-]{0,62}$/;

const signersSchema = z.strictObject({
  kind: z.literal('PolicySigners'),
  schemaVersion: z.literal(1),
  signers: z
    .array(
      z.strictObject({
        id: z
          .string()
          .refine(isPrincipalId, 'expected an id of letters, digits, `.`, `_` and `-`')
          .describe('immutable id; never reused'),
        name: z.string().trim().min(1).max(200),
        bodies: z.array(z.string().regex(BODY)).min(1).describe('the reviewers that they may sign for'),
        publicKey: z.string().max(1000).describe('an Ed25519 public key in PEM'),
      }),
    )
    .min(1)
    .max(1000),
});

/**
 * Reads the signers file (`kind: PolicySigners`). It decides who may let a loosening pass, so it is read from the side of the policy in
 * force, never from that of the change. Ids that differ in case alone, and a key that two people share, are refused: one person would
 * pass for two.
 */
export function parseChangeSigners(text: string, file: string): Result<ChangeSigners, readonly Problem[]> {
  const document = parseSourceDocument(text, file);
  if (!document.ok) return document;
  const parsed = signersSchema.safeParse(document.value.value);
  if (!parsed.success) return err(problemsOf(document.value, parsed.error, signersSchema));
  const problems: Problem[] = [];
  const ids = new Set<string>();
  const holders = new Map<string, string>();
  const signers: ChangeSigner[] = [];
  for (const [index, { id, name, bodies, publicKey }] of parsed.data.signers.entries()) {
    if (ids.has(id.toLowerCase()))
      problems.push(
        document.value.problemAt(
          ['signers', index, 'id'],
          'duplicate-id',
          `\`${id}\` stands twice`,
          'give each person one entry with all their bodies, and ids that differ in more than case',
        ),
      );
    ids.add(id.toLowerCase());
    const key = readPublicKey(publicKey);
    if (key === undefined) {
      problems.push(
        document.value.problemAt(
          ['signers', index, 'publicKey'],
          'not-a-public-key',
          `the key of \`${id}\` is not an Ed25519 public key in PEM`,
          'write what `openssl pkey -in KEY -pubout` prints, from `-----BEGIN PUBLIC KEY-----` on; never a private key',
        ),
      );
      continue;
    }
    const fingerprint = keyFingerprint(key);
    const holder = holders.get(fingerprint);
    if (holder !== undefined)
      problems.push(
        document.value.problemAt(
          ['signers', index, 'publicKey'],
          'shared-key',
          `\`${id}\` has the same key as \`${holder}\``,
          'give each person a key of their own: whoever holds this one could sign as both',
        ),
      );
    holders.set(fingerprint, id);
    signers.push({ id: principalId(id), name, bodies, publicKey: key });
  }
  return problems.length > 0 ? err(problems) : ok({ signers, hash: hashOf(document.value.value) });
}

/** SPKI bytes as text: equal for equal keys, however they were written. */
export const keyFingerprint = (key: KeyObject): string =>
  key.export({ type: 'spki', format: 'der' }).toString('base64');

/** `createPublicKey` would also take a private key and keep quiet about it. */
function readPublicKey(text: string): KeyObject | undefined {
  if (!/^-----BEGIN PUBLIC KEY-----\s[A-Za-z0-9+/=\s]+-----END PUBLIC KEY-----$/.test(text.trim()))
    return undefined;
  try {
    const key = createPublicKey(text.trim());
    return key.asymmetricKeyType === 'ed25519' ? key : undefined;
  } catch {
    return undefined;
  }
}
