import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { formatInstant } from '../../core/index.ts';
import type { CommandContext } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { CliFailure } from '../failure.ts';
import { examples, stateOption } from '../options.ts';
import { note } from '../output.ts';
import { withState } from '../state.ts';

const LONGEST_SLEEP_MS = 30_000;

export function register(program: Command, context: CommandContext): void {
  program
    .command('run')
    .description(
      'Stay up and do what is due in a state with the real clock, until interrupted. Without it, every command does what is due first.',
    )
    .addOption(stateOption())
    .addHelpText('after', examples('proviso run --state .proviso/'))
    .action((options: { state: string }) => run(options.state, context));
}

async function run(directory: string, context: CommandContext): Promise<void> {
  await withState(directory, context, async (state) => {
    if (state.simulatedClock !== undefined)
      throw new CliFailure(
        EXIT.malformed,
        `\`${directory}\` has a simulated clock; nothing happens while waiting`,
        { remedy: 'use `proviso clock advance`' },
      );
    context.runsUntilInterrupted = true;
    note(context, `running since ${formatInstant(state.clock.now())}; interrupt to stop`);
    while (context.signal?.aborted !== true) {
      await state.world.pump();
      const due = state.world.nextDueAt();
      const pause =
        due === undefined
          ? LONGEST_SLEEP_MS
          : Math.min(LONGEST_SLEEP_MS, Math.max(0, due - state.clock.now()));
      await sleep(pause, undefined, context.signal === undefined ? {} : { signal: context.signal }).catch(
        () => undefined,
      );
    }
  });
}
