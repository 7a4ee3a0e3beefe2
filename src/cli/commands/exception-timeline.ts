import type { Command } from 'commander';
import { type ExceptionId, formatInstant } from '../../core/index.ts';
import type { CommandContext } from '../context.ts';
import { type CommonOptions, commandAbout, recordOf } from '../exceptions.ts';
import { writeJson, writeLines } from '../output.ts';
import { withState } from '../state.ts';
import { eventsOf, saysOf, timelineLines } from '../timeline.ts';

export function register(program: Command, context: CommandContext): void {
  commandAbout(
    program,
    'timeline',
    'Everything that happened to an exception, in order.',
    'proviso exception timeline ex-a1b2c3d4e5f6',
  ).action((id: ExceptionId, options: CommonOptions) => timeline(id, options, context));
}

async function timeline(id: ExceptionId, options: CommonOptions, context: CommandContext): Promise<void> {
  await withState(options.state, context, async (state) => {
    await recordOf(state, id);
    const events = eventsOf(state.events.events(), id);
    if (options.format === 'json')
      return writeJson(
        context,
        events.map((event) => ({ ...event, at: formatInstant(event.at), says: saysOf(event) })),
      );
    writeLines(context, timelineLines(events, context));
  });
}
