import type { Command } from 'commander';
import { formatProblem } from '../../core/index.ts';
import { lifecycleMermaid } from '../../exceptions/index.ts';
import { machineMermaid, parseStateMachine } from '../../runtime/index.ts';
import type { CommandContext } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { CliFailure } from '../failure.ts';
import { readTextFile } from '../files.ts';
import { examples } from '../options.ts';
import { writeLines } from '../output.ts';
import { groupOf } from '../program.ts';

export function register(program: Command, context: CommandContext): void {
  groupOf(program, 'workflow')
    .command('render')
    .description(
      'Draw a state machine as a Mermaid diagram; without a file, the life of an exception as its table has it.',
    )
    .argument('[file]', 'a definition in the portable subset')
    .addHelpText(
      'after',
      examples('proviso workflow render', 'proviso workflow render workflows/prompt-storage-ending.asl.yml'),
    )
    .action((file: string | undefined) => render(file, context));
}

async function render(file: string | undefined, context: CommandContext): Promise<void> {
  if (file === undefined) return writeLines(context, [lifecycleMermaid()]);
  const text = await readTextFile(file, context);
  const kind = /^kind:\s*([A-Za-z]+)\s*(?:#.*)?$/m.exec(text)?.[1];
  if (kind !== undefined)
    // A definition has no `kind`; told field by field, this would be a long list of what is not the fault.
    throw new CliFailure(
      EXIT.malformed,
      `\`${file}\` is a document of kind \`${kind}\`, not a state machine`,
      {
        remedy: `nothing was drawn; name a definition such as \`workflows/prompt-storage-exception.asl.yml\`${kind === 'Policy' ? '; `proviso policy explain` says a policy in sentences' : ''}`,
      },
    );
  const parsed = parseStateMachine(text, file);
  if (!parsed.ok)
    throw new CliFailure(EXIT.malformed, `\`${file}\` is not a state machine that can be drawn`, {
      details: parsed.error.map(formatProblem),
      problems: parsed.error,
    });
  writeLines(context, [machineMermaid(parsed.value)]);
}
