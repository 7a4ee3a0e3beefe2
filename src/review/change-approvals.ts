import { type KeyObject, verify } from 'node:crypto';
import { err, ok, type PrincipalId, type Result } from '../core/index.ts';
import {
  approvalBytes,
  type ChangeApproval,
  type ChangeRecord,
  isOfChange,
  type PolicyChangeHashes,
} from './change-record.ts';
import { type ChangeSigner, keyFingerprint } from './change-signers.ts';
import type { ReviewBody } from './types.ts';

/** Why a change needs approvals; undefined if it needs none. Whoever changes who may sign could approve anything afterwards. */
export function needsApproval(
  isLoosening: boolean,
  { oldSigners, newSigners }: Pick<PolicyChangeHashes, 'oldSigners' | 'newSigners'>,
): string | undefined {
  if (isLoosening) return 'a loosening';
  return oldSigners === newSigners ? undefined : 'a change of who may sign';
}

/** A body whose approval counts, and who gave it. */
export interface CountedApproval {
  readonly body: string;
  readonly by: PrincipalId;
  readonly name: string;
}

export interface ChangeVerdict {
  /** In the order in which the old policy names the bodies. */
  readonly approved: readonly CountedApproval[];
  readonly missing: readonly ReviewBody[];
  /** Why an approval of this change does not count, in the record's order: lower case, no full stop. */
  readonly ignored: readonly string[];
  /** Approvals in the record that are of other changes. A record may be kept and grow. */
  readonly ofOtherChanges: number;
}

/**
 * Says which bodies have approved one change. Nothing that the record says of itself is believed: a signature counts if the signers file
 * of the old side gives its person this body and the key that verifies it, over exactly this change.
 *
 * INVARIANT (one person, one body): people are counted, never approvals. Who signed for two bodies of one change counts for neither, since
 * nobody could say for which of them they spoke.
 *
 * @param bodies - the reviewers of the old policy; every one of them must approve
 * @param signers - of the old side; none if it has no signers file
 */
export function judgeChange(
  change: PolicyChangeHashes,
  bodies: readonly ReviewBody[],
  signers: readonly ChangeSigner[],
  record: ChangeRecord,
): ChangeVerdict {
  const ignored: string[] = [];
  const valid: { readonly approval: ChangeApproval; readonly signer: ChangeSigner }[] = [];
  const ofThis = record.approvals.filter((approval) => isOfChange(approval, change));
  for (const approval of ofThis) {
    const { body, by } = approval;
    const signer = signers.find(({ id }) => id === by);
    const fault = faultOf(approval, signer, change, bodies);
    if (fault !== undefined) ignored.push(`the approval of \`${by}\` for \`${body}\`: ${fault}`);
    else if (signer !== undefined) valid.push({ approval, signer });
  }
  const bodiesOf = (id: PrincipalId): readonly string[] => [
    ...new Set(valid.filter(({ signer }) => signer.id === id).map(({ approval }) => approval.body)),
  ];
  for (const id of new Set(valid.map(({ signer }) => signer.id))) {
    const named = bodiesOf(id);
    if (named.length > 1)
      ignored.push(
        `the approvals of \`${id}\`: they are for ${named.map((body) => `\`${body}\``).join(' and ')}, and nobody acts for two bodies`,
      );
  }
  const approved = bodies.flatMap(({ body }): readonly CountedApproval[] => {
    const found = valid.find(
      ({ approval, signer }) => approval.body === body && bodiesOf(signer.id).length === 1,
    );
    return found === undefined ? [] : [{ body, by: found.signer.id, name: found.signer.name }];
  });
  return {
    approved,
    missing: bodies.filter(({ body }) => !approved.some((each) => each.body === body)),
    ignored,
    ofOtherChanges: record.approvals.length - ofThis.length,
  };
}

/** Why an approval of `change` does not count; undefined if it does. */
function faultOf(
  approval: ChangeApproval,
  signer: ChangeSigner | undefined,
  change: PolicyChangeHashes,
  bodies: readonly ReviewBody[],
): string | undefined {
  const { body, by } = approval;
  if (!bodies.some((each) => each.body === body)) return 'the old policy names no such reviewer';
  if (signer === undefined) return 'the signers file of the old side does not know them';
  if (!signer.bodies.includes(body))
    return 'the signers file of the old side does not let them sign for this body';
  return verify(
    null,
    approvalBytes(change, body, by),
    signer.publicKey,
    Buffer.from(approval.signature, 'base64'),
  )
    ? undefined
    : 'the signature is not by their key over this change';
}

/** Why a well-formed approval of a change was refused. Nothing is written; exit code 1. */
export const CHANGE_REFUSALS = {
  BODY_NOT_NAMED: 'the old policy does not name this body as reviewer',
  UNKNOWN_SIGNER: 'the signers file of the old side does not know the person',
  NOT_FOR_BODY: 'the signers file does not let the person sign for this body',
  KEY_NOT_THEIRS: 'the private key does not belong to the public key of the person',
  ALREADY_SIGNED: 'the body has approved already, or the person has signed for another body',
} as const;
export type ChangeRefusalCode = keyof typeof CHANGE_REFUSALS;

export interface ChangeRefusal {
  readonly code: ChangeRefusalCode;
  readonly message: string;
}

/** A private key that can sign and be recognised by its public half, and that nobody can read. */
export interface ChangeSigningKey {
  readonly publicKey: KeyObject;
  /** @returns the Ed25519 signature in base64 */
  readonly sign: (bytes: Uint8Array) => string;
}

export interface ApproveInput {
  readonly change: PolicyChangeHashes;
  readonly bodies: readonly ReviewBody[];
  readonly signers: readonly ChangeSigner[];
  readonly record: ChangeRecord;
  readonly by: PrincipalId;
  readonly body: string;
  readonly key: ChangeSigningKey;
}

/**
 * Adds one person's approval for one body. Only approvals that count can stand in its way: rubbish under somebody's name does not keep
 * them from signing.
 */
export function approveChange(input: ApproveInput): Result<ChangeRecord, ChangeRefusal> {
  const { change, bodies, signers, record, by, body, key } = input;
  if (!bodies.some((each) => each.body === body))
    return err({
      code: 'BODY_NOT_NAMED',
      message: `the old policy names no reviewer \`${body}\`; it names ${bodies.map((each) => `\`${each.body}\``).join(', ')}`,
    });
  const signer = signers.find(({ id }) => id === by);
  if (signer === undefined)
    return err({
      code: 'UNKNOWN_SIGNER',
      message: `the signers file of the old side does not know \`${by}\`; add them there first, by a change of its own`,
    });
  if (!signer.bodies.includes(body))
    return err({
      code: 'NOT_FOR_BODY',
      message: `the signers file lets \`${by}\` sign for ${signer.bodies.map((each) => `\`${each}\``).join(', ')}, not for \`${body}\``,
    });
  if (keyFingerprint(key.publicKey) !== keyFingerprint(signer.publicKey))
    return err({
      code: 'KEY_NOT_THEIRS',
      message: `the key does not belong to the public key that the signers file has for \`${by}\``,
    });
  const isValid = (approval: ChangeApproval): boolean =>
    isOfChange(approval, change) &&
    faultOf(
      approval,
      signers.find(({ id }) => id === approval.by),
      change,
      bodies,
    ) === undefined;
  for (const before of record.approvals.filter(isValid)) {
    if (before.by === by && before.body !== body)
      return err({
        code: 'ALREADY_SIGNED',
        message: `\`${by}\` has approved this change for \`${before.body}\`; nobody acts for two bodies`,
      });
    if (before.body === body)
      return err({
        code: 'ALREADY_SIGNED',
        message: `\`${body}\` has approved this change already, by \`${before.by}\``,
      });
  }
  const signature = key.sign(approvalBytes(change, body, by));
  return ok({ approvals: [...record.approvals, { ...change, body, by, signature }] });
}
