import type { Command } from 'commander';
import { type GuardrailDifference, guardrailDiff } from '../../guardrails/index.ts';
import type { CommandContext } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { type GuardrailCommandOptions, prepareGuardrails, withGuardrailOptions } from '../guardrails.ts';
import { examples, formatOption } from '../options.ts';
import { writeJson, writeLines } from '../output.ts';
import { groupOf } from '../program.ts';
import { printable, wrap } from '../terminal/index.ts';

type Options = GuardrailCommandOptions & { readonly format: string };

const WORDS: Readonly<Record<GuardrailDifference['state'], string>> = {
  same: 'attached, word for word',
  missing: 'is not in the organization',
  'not-attached': 'exists and is attached nowhere',
  'attached-elsewhere': 'is attached, but not to the target',
  'other-text': 'exists with another text',
  'not-seen': 'cannot be compared: the snapshot has none of this type',
  'left-over': 'is in the organization, and the policy no longer asks for it',
};

export function register(program: Command, context: CommandContext): void {
  withGuardrailOptions(
    groupOf(program, 'guardrails')
      .command('diff')
      .description(
        'Compare the guardrails of a policy with what a snapshot has attached, by their names. Ends with 1 when something differs, with 3 when the snapshot does not show it.',
      ),
  )
    .addOption(formatOption('text', 'json'))
    .addHelpText('after', examples('proviso guardrails diff --snapshot examples/organization'))
    .action((options: Options) => diff(options, context));
}

async function diff(options: Options, context: CommandContext): Promise<void> {
  const { snapshot, documents, plan } = await prepareGuardrails(options, context);
  const differences = guardrailDiff(snapshot.organization, documents, plan.target);
  const isDifferent = differences.some(({ state }) => state !== 'same' && state !== 'not-seen');
  const isUnseen = differences.some(({ state }) => state === 'not-seen');
  context.exitCode = isDifferent ? EXIT.findings : isUnseen ? EXIT.undecided : EXIT.fine;
  if (options.format === 'json') return writeJson(context, { target: plan.target, differences });
  writeLines(
    context,
    differences.flatMap(({ name, state, where }) =>
      wrap(
        printable(`${name}: ${WORDS[state]}${where.length === 0 ? '' : ` (${where.join(', ')})`}`),
        context.width,
        '',
        '  ',
      ),
    ),
  );
}
