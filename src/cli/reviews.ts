import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { statePaths } from '../adapters/embedded/state-files.ts';
import type { OpenState } from '../compose.ts';
import { formatInstant, type PrincipalId, type Sha256Hex, sha256Hex } from '../core/index.ts';
import {
  type DossierHashes,
  missingBodies,
  openObjections,
  type ReviewRecord,
  type ReviewRefusal,
  type ReviewStatus,
  statusSentences,
} from '../review/index.ts';
import type { CommandContext } from './context.ts';
import { EXIT } from './exit-codes.ts';
import { examples, formatOption, stateOption } from './options.ts';
import { writeJson } from './output.ts';
import { groupOf } from './program.ts';
import { printable, wrap } from './terminal/index.ts';

/** What the commands of `proviso policy review` have in common. */

export interface ReviewOptions {
  readonly state: string;
  readonly format: string;
}
export interface ActingReviewOptions extends ReviewOptions {
  readonly as: PrincipalId;
}

export const reviewCommand = (
  program: Command,
  name: string,
  description: string,
  ...lines: readonly string[]
): Command =>
  groupOf(program, 'policy', 'review')
    .command(name)
    .description(description)
    .addOption(stateOption())
    .addOption(formatOption('text', 'json'))
    .addHelpText('after', examples(...lines));

export const DOSSIER_FILES = { markdown: 'dossier.md', html: 'dossier.html' } as const;

/** Where the dossier of a review is kept; signatures are over what stands there. */
export const dossierFolder = (state: OpenState, id: string): string =>
  join(statePaths(state.directory).reviews, id);

/** Hashes of the documents as they are now; of a missing one that of nothing, which no document has. */
export async function dossierAsItIs(state: OpenState, id: string): Promise<DossierHashes> {
  const hash = async (name: string): Promise<Sha256Hex> => {
    try {
      return sha256Hex(await readFile(join(dossierFolder(state, id), name)));
    } catch {
      return sha256Hex('');
    }
  };
  return { markdown: await hash(DOSSIER_FILES.markdown), html: await hash(DOSSIER_FILES.html) };
}

export function refusedReview(options: ReviewOptions, context: CommandContext, refusal: ReviewRefusal): void {
  if (options.format === 'json') writeJson(context, { result: 'refused', ...refusal });
  const lines = wrap(`refused: ${printable(refusal.message)}`, context.width);
  context.stderr.write(`${[...lines, `  [${refusal.code}]`].join('\n')}\n`);
  context.exitCode = EXIT.findings;
}

export const reviewJson = (review: ReviewRecord): unknown => {
  const { policyText: _text, outbox: _outbox, ...rest } = review;
  const at = (value: number | undefined) =>
    value === undefined ? undefined : formatInstant(value as ReviewRecord['startedAt']);
  const timed = <T extends { readonly at: number }>(each: T) => ({ ...each, at: at(each.at) });
  return JSON.parse(
    JSON.stringify({
      ...rest,
      startedAt: at(review.startedAt),
      completedAt: at(review.completedAt),
      supersededAt: at(review.supersededAt),
      signatures: review.signatures.map(timed),
      withdrawn: review.withdrawn.map(timed),
      objections: review.objections.map((objection) => ({
        ...timed(objection),
        answer: objection.answer && timed(objection.answer),
      })),
      missing: review.completedAt === undefined ? missingBodies(review).map(({ body }) => body) : [],
      openObjections: openObjections(review).map(({ number }) => number),
    }),
  );
};

export const statusJson = (status: ReviewStatus): unknown => ({
  schemaVersion: 1,
  kind: 'ReviewStatus',
  standing: status.standing,
  dueBy: status.dueBy === undefined ? null : formatInstant(status.dueBy),
  lastComplete: status.lastComplete === undefined ? null : reviewJson(status.lastComplete),
  open: status.open === undefined ? null : reviewJson(status.open),
  declaredChanges: status.unreviewed.map(({ id, text, by, at }) => ({ id, text, by, at: formatInstant(at) })),
});

const STANDING_WORDS = {
  complete: 'complete',
  due: 'due, and in time',
  overdue: 'OVERDUE',
  unknown: 'unknown',
} as const satisfies Record<ReviewStatus['standing'], string>;

export function statusLines(status: ReviewStatus, width: number): readonly string[] {
  const { open } = status;
  return [
    `the review of the policy is ${STANDING_WORDS[status.standing]}`,
    ...statusSentences(status).flatMap((line) => wrap(`- ${printable(line)}`, width, '  ', '    ')),
    ...(open === undefined ? [] : [`to sign: --hash ${open.dossierHash.slice(0, 16)}`]),
  ];
}
