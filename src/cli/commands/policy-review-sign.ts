import { type Command, InvalidArgumentError } from 'commander';
import type { OpenState } from '../../compose.ts';
import type { Result } from '../../core/index.ts';
import {
  answerObjection,
  missingBodies,
  objectToReview,
  openObjections,
  type ReviewRecord,
  type ReviewRefusal,
  readOpenReview,
  signReview,
} from '../../review/index.ts';
import type { CommandContext } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { CliFailure } from '../failure.ts';
import { writeJson, writeLines } from '../output.ts';
import {
  type ActingReviewOptions,
  dossierAsItIs,
  refusedReview,
  reviewCommand,
  reviewJson,
} from '../reviews.ts';
import { asOption, withState } from '../state.ts';
import { printable, wrap } from '../terminal/index.ts';

interface Options extends ActingReviewOptions {
  readonly body?: string;
  readonly hash?: string;
  readonly object?: string;
  readonly answer?: number;
  readonly reason?: string;
}

export function register(program: Command, context: CommandContext): void {
  reviewCommand(
    program,
    'sign',
    'Sign the dossier of the open review for one body; or object for it, which blocks the review until somebody else answers. Whoever signs holds the role of the body in people.yaml, and acts for one body only.',
    'proviso policy review sign --as lena --body legal --hash 7ce52aec39f65c76',
    'proviso policy review sign --as lena --body legal --object "CP-03 misses the mantle endpoint"',
    'proviso policy review sign --as priya --answer 1 --reason "planned; see S-4.5"',
  )
    .addOption(asOption())
    .option('--body <body>', 'the body that signs or objects: a reviewer of the policy')
    .option(
      '--hash <hash>',
      'sign: the dossier’s hash, as `policy review status` prints it (12 digits or more)',
    )
    .option('--object <reason>', 'object instead, with a reason')
    .option('--answer <number>', 'answer an objection instead', readNumber)
    .option('--reason <text>', 'the answer')
    .action((options: Options) => sign(options, context));
}

function readNumber(text: string): number {
  if (!/^[1-9][0-9]{0,3}$/.test(text)) throw new InvalidArgumentError('expected the number of an objection');
  return Number(text);
}

async function sign(options: Options, context: CommandContext): Promise<void> {
  const asked = [options.hash, options.object, options.answer].filter((each) => each !== undefined);
  if (asked.length !== 1)
    throw new CliFailure(
      EXIT.malformed,
      'exactly one of `--hash`, `--object` and `--answer` says what to do',
      {
        remedy:
          'sign with `--hash HASH`, object with `--object REASON`, or answer with `--answer NUMBER --reason TEXT`',
      },
    );
  await withState(options.state, context, async (state) => {
    const done = await act(options, state);
    if (!done.ok) return refusedReview(options, context, done.error);
    if (options.format === 'json') return writeJson(context, reviewJson(done.value));
    writeLines(context, wrap(printable(saidOf(options, done.value)), context.width));
  });
}

async function act(options: Options, state: OpenState): Promise<Result<ReviewRecord, ReviewRefusal>> {
  const { services } = state;
  const common = {
    store: services.store,
    recorder: services.recorder,
    principalId: options.as,
    people: await services.directory.people(),
    now: services.clock.now(),
  };
  if (options.answer !== undefined)
    return answerObjection({ ...common, number: options.answer, text: required(options.reason, '--reason') });
  const body = required(options.body, '--body');
  if (options.object !== undefined)
    return objectToReview({ ...common, body, reason: required(options.object, '--object') });
  const open = await readOpenReview(services.store);
  return signReview({
    ...common,
    body,
    dossierHash: required(options.hash, '--hash'),
    documents: await dossierAsItIs(state, open?.value.id ?? ''),
    policyHash: (await services.policyInForce.current()).hash,
  });
}

function required(value: string | undefined, option: string): string {
  const text = value?.trim() ?? '';
  if (text === '')
    throw new CliFailure(EXIT.malformed, `\`${option}\` is missing or empty`, {
      remedy: 'see: proviso policy review sign --help',
    });
  return text;
}

function saidOf({ as, body, object, answer }: Options, review: ReviewRecord): string {
  const what =
    answer !== undefined
      ? `objection ${answer} answered by ${as}`
      : `${object === undefined ? 'signed' : 'objected'} by ${as} for ${body}`;
  if (review.completedAt !== undefined) return `${review.id}  ${what}; the review is complete`;
  const missing = missingBodies(review).map((each) => each.body);
  const objections = openObjections(review).map(({ number }) => number);
  return [
    `${review.id}  ${what}`,
    ...(missing.length === 0 ? [] : [`still to sign: ${missing.join(', ')}`]),
    ...(objections.length === 0 ? [] : [`without an answer: objection ${objections.join(', ')}`]),
  ].join('; ');
}
