import type { Command } from 'commander';
import { type ReviewStatus, reviewStatus } from '../../review/index.ts';
import type { CommandContext } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { writeJson, writeLines } from '../output.ts';
import { type ReviewOptions, reviewCommand, statusJson, statusLines } from '../reviews.ts';
import { reviewHistory, withState } from '../state.ts';

export function register(program: Command, context: CommandContext): void {
  reviewCommand(
    program,
    'status',
    'Say how the review of the policy in force stands: complete, due (in time) or overdue, who has still to sign, and which objection has no answer. Exit code 1 when it is overdue, or no policy is in force.',
    'proviso policy review status',
  ).action((options: ReviewOptions) => status(options, context));
}

const EXIT_CODES = {
  complete: EXIT.fine,
  due: EXIT.fine,
  overdue: EXIT.findings,
  unknown: EXIT.undecided,
} as const satisfies Record<ReviewStatus['standing'], ExitCode>;

async function status(options: ReviewOptions, context: CommandContext): Promise<void> {
  await withState(options.state, context, async (state) => {
    const history = await reviewHistory(state);
    const { policy } = await state.services.policyInForce.current();
    const found = reviewStatus(history, policy.review.every, state.clock.now());
    context.exitCode = EXIT_CODES[found.standing];
    if (options.format === 'json') return writeJson(context, statusJson(found));
    writeLines(context, statusLines(found, context.width));
  });
}
