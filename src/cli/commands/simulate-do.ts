import type { Command } from 'commander';
import { type EpochMs, formatInstant } from '../../core/index.ts';
import type { CommandContext } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { CliFailure } from '../failure.ts';
import { DEFAULT_STATE, examples, formatOption } from '../options.ts';
import { writeJson, writeLines } from '../output.ts';
import { groupOf } from '../program.ts';
import { ACTION_HELP, parseAction } from '../scenario.ts';
import { type Played, Player } from '../simulate.ts';
import { withState } from '../state.ts';
import { printable, wrap } from '../terminal/index.ts';
import { saysOf, timelineLines } from '../timeline.ts';

interface Options {
  readonly state: string;
  readonly format: string;
}

export function register(program: Command, context: CommandContext): void {
  const actions = ACTION_HELP.flatMap(({ name, what, fields }) =>
    wrap(
      `${name}: ${what}${fields.length === 0 ? '' : ` (${fields.join(', ')})`}`,
      context.width,
      '  ',
      '      ',
    ),
  );
  groupOf(program, 'simulate')
    .command('do')
    .description('Make one thing happen in a simulated state, then fire what is due.')
    .argument('<action>', 'what happens')
    .argument('[fields...]', 'its fields, NAME=VALUE')
    .option('--state <dir>', 'a simulated state', DEFAULT_STATE)
    .addOption(formatOption('text', 'json'))
    .addHelpText(
      'after',
      `\nActions:\n${actions.join('\n')}\n${examples('proviso simulate do stop-workflow exception=ex-a1b2c3d4e5f6', 'proviso simulate do mute detector=sweeper')}`,
    )
    .action((action: string, fields: readonly string[], options: Options) =>
      doOne(action, fields, options, context),
    );
}

async function doOne(
  name: string,
  fields: readonly string[],
  options: Options,
  context: CommandContext,
): Promise<void> {
  const action = parseAction(name, fields);
  if (!action.ok)
    throw new CliFailure(EXIT.malformed, action.error, {
      remedy: 'proviso simulate do --help lists the actions and their fields',
    });
  await withState(options.state, context, async (state) => {
    const seen = state.events.events().length;
    const played = await new Player(state, context).play(action.value);
    const news = state.events.events().slice(seen);
    context.exitCode = played.kind === 'done' ? EXIT.fine : EXIT.findings;
    if (options.format === 'json')
      return writeJson(context, {
        result: played.kind,
        events: news.map((event) => ({ ...event, at: formatInstant(event.at), says: saysOf(event) })),
      });
    writeLines(context, [
      ...timelineLines(news, context),
      ...outcomeLines(played, context),
      `the clock stands at ${formatInstant(state.clock.now() as EpochMs)}`,
    ]);
  });
}

function outcomeLines(played: Played, { width }: CommandContext): readonly string[] {
  switch (played.kind) {
    case 'done':
      return [];
    case 'refused':
      return wrap(printable(`refused: ${played.refusal.message}`), width);
    case 'unmet':
      return wrap(printable(`not met: ${played.says}`), width);
  }
}
