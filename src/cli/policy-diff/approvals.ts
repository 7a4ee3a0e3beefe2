import { Option } from 'commander';
import { countOf } from '../../core/index.ts';
import { isLoosening, type PolicyDiff } from '../../diff/index.ts';
import {
  type ChangeRecord,
  type ChangeSigners,
  type ChangeVerdict,
  judgeChange,
  needsApproval,
  type PolicyChangeHashes,
  parseChangeRecord,
  parseChangeSigners,
} from '../../review/index.ts';
import type { CommandContext } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { CliFailure } from '../failure.ts';
import { kindOfPath, readTextFile } from '../files.ts';
import { malformedDocuments } from '../policies.ts';
import { type PolicyPair, type Sides, textInCommit } from './sides.ts';

/** Where the signers of a repository stand unless the command line says otherwise. */
export const DEFAULT_SIGNERS = 'policy-signers.yaml';

export const signersOption = (): Option =>
  new Option(
    '--signers <file>',
    `who may approve for which body, with their public keys; read from the revision of the old side (there \`${DEFAULT_SIGNERS}\` by default), from disk if that is no revision`,
  );

/** The signers of both sides: the old ones decide, the new ones only say whether the change touches them. */
export interface SidesSigners {
  readonly old: ChangeSigners | undefined;
  readonly new: ChangeSigners | undefined;
  /** As messages name the old file. */
  readonly label: string;
}

/**
 * Reads the signers of both sides. What decides comes from the old side alone: the very revision that the old policy was read from, or a
 * file that the caller named.
 *
 * @throws {CliFailure} `EXIT.malformed`: the old side is the point where two branches parted (whoever made the branch chose it, and
 * with it the signers and reviewers of that day); no file was named for a side on disk; a file does not parse
 */
export async function readSigners(
  sides: Sides,
  path: string | undefined,
  context: CommandContext,
): Promise<SidesSigners> {
  if (sides.isFromMergeBase)
    throw new CliFailure(
      EXIT.malformed,
      'approvals are not read for a range with three dots: a branch chooses where it parted, and with that who may sign',
      {
        remedy:
          'write two dots, `A..B`: the policy and the signers of A as it is now decide; bring the branch up to date first',
      },
    );
  const { oldAt, newAt } = sides;
  if (oldAt === undefined) {
    if (path === undefined)
      throw new CliFailure(EXIT.malformed, 'the old side is no revision, so nobody says who may sign', {
        remedy: 'name the signers file with `--signers FILE`, from a place that the change cannot reach',
      });
    const same = parsed(await readTextFile(path, context), path);
    return { old: same, new: same, label: path };
  }
  const file = path ?? DEFAULT_SIGNERS;
  const before = await textInCommit(oldAt, file, context);
  const after =
    newAt === undefined
      ? (await kindOfPath(file, context)) === 'file'
        ? { label: file, text: await readTextFile(file, context) }
        : undefined
      : await textInCommit(newAt, file, context);
  return {
    old: before && parsed(before.text, before.label),
    new: after && parsed(after.text, after.label),
    label: before?.label ?? `${oldAt.name}:${file}`,
  };
}

function parsed(text: string, label: string): ChangeSigners {
  const read = parseChangeSigners(text, label);
  if (!read.ok) throw malformedDocuments(read.error, `\`${label}\` is not a signers file that can be used`);
  return read.value;
}

/** A record that is not there holds nothing; one that cannot be read is refused. @throws {CliFailure} `EXIT.malformed` */
export async function readRecord(
  path: string,
  context: CommandContext,
): Promise<{ readonly record: ChangeRecord; readonly isThere: boolean }> {
  if ((await kindOfPath(path, context)) === 'nothing') return { record: { approvals: [] }, isThere: false };
  const read = parseChangeRecord(await readTextFile(path, context), path);
  if (!read.ok) throw malformedDocuments(read.error, `\`${path}\` is not a record of approvals`);
  return { record: read.value, isThere: true };
}

export const hashesOf = (pair: PolicyPair, signers: SidesSigners): PolicyChangeHashes => ({
  policyId: pair.old.policy.policy.metadata.id,
  oldHash: pair.old.policy.hash,
  newHash: pair.new.policy.hash,
  oldCases: pair.old.casesHash ?? null,
  newCases: pair.new.casesHash ?? null,
  oldSigners: signers.old?.hash ?? null,
  newSigners: signers.new?.hash ?? null,
});

/** What the gate says of one policy. */
export type GateAnswer =
  | { readonly kind: 'not-needed' }
  | {
      readonly kind: 'approved' | 'not-approved';
      /** `a loosening`, or what else needs approvals. */
      readonly because: string;
      readonly verdict: ChangeVerdict;
    };

export function answerOf(
  pair: PolicyPair,
  diff: PolicyDiff,
  signers: SidesSigners,
  record: ChangeRecord,
): GateAnswer {
  const change = hashesOf(pair, signers);
  const because = needsApproval(diff.changes.some(isLoosening), change);
  if (because === undefined) return { kind: 'not-needed' };
  const verdict = judgeChange(change, diff.reviewers, signers.old?.signers ?? [], record);
  return {
    // A policy names at least one reviewer; were there none, nobody would have approved.
    kind: verdict.missing.length === 0 && verdict.approved.length > 0 ? 'approved' : 'not-approved',
    because,
    verdict,
  };
}

/** The answer in sentences, the same for every format: capital letter, full stop. */
export function sayAnswer(answer: GateAnswer): readonly string[] {
  if (answer.kind === 'not-needed') return ['Nothing here needs an approval.'];
  const { because, verdict } = answer;
  const { approved, missing, ignored, ofOtherChanges } = verdict;
  const who = approved.map(({ body, by, name }) => `${name} (\`${by}\`) for \`${body}\``).join(', ');
  const first = `${because.slice(0, 1).toUpperCase()}${because.slice(1)}`;
  return [
    ...(answer.kind === 'approved'
      ? [`${first}, approved by ${who}.`]
      : [
          `${first}, not approved: missing ${missing.map(({ title, body }) => `${title} (\`${body}\`)`).join(', ')}.`,
          ...(approved.length === 0 ? [] : [`Approved so far by ${who}.`]),
          ...(ofOtherChanges === 0
            ? []
            : [
                `Of another change than this one: ${countOf(ofOtherChanges, 'approval')}; whatever is changed after an approval needs a new one.`,
              ]),
        ]),
    ...ignored.map((each) => `Not counted: ${each}.`),
  ];
}
