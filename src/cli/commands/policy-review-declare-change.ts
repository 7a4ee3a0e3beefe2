import type { Command } from 'commander';
import { declareChange } from '../../review/index.ts';
import type { CommandContext } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { CliFailure } from '../failure.ts';
import { writeJson, writeLines } from '../output.ts';
import { type ActingReviewOptions, refusedReview, reviewCommand } from '../reviews.ts';
import { asOption, withState } from '../state.ts';
import { printable, wrap } from '../terminal/index.ts';

export function register(program: Command, context: CommandContext): void {
  reviewCommand(
    program,
    'declare-change',
    'Declare a major change of the platform. The review is overdue from now on, until one that tells of the change is complete; `check --state` then fails.',
    'proviso policy review declare-change "Bedrock keeps sessions by default" --as anna',
  )
    .argument('<text>', 'what changed')
    .addOption(asOption())
    .action((text: string, options: ActingReviewOptions) => declare(text, options, context));
}

async function declare(text: string, options: ActingReviewOptions, context: CommandContext): Promise<void> {
  const said = text.trim();
  if (said === '' || said.length > 500)
    throw new CliFailure(EXIT.malformed, 'a declaration is a text of 1 to 500 characters', {
      remedy: 'say in a sentence what changed',
    });
  await withState(options.state, context, async ({ services }) => {
    const declared = await declareChange(services, {
      text: said,
      by: options.as,
      people: await services.directory.people(),
      now: services.clock.now(),
    });
    if (!declared.ok) return refusedReview(options, context, declared.error);
    if (options.format === 'json') return writeJson(context, { result: 'declared', ...declared.value });
    writeLines(
      context,
      wrap(
        printable(
          `${declared.value.id}  declared by ${options.as}: ${said}; the review of the policy is overdue`,
        ),
        context.width,
      ),
    );
  });
}
