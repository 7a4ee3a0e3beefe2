import type { Command } from 'commander';
import { type ExceptionId, formatInstant } from '../../core/index.ts';
import type { CommandContext } from '../context.ts';
import { withDesk } from '../desk.ts';
import { type CommonOptions, commandAbout, unknownOr } from '../exceptions.ts';
import { writeJson, writeLines } from '../output.ts';
import { saysOf, timelineLines } from '../timeline.ts';

export function register(program: Command, context: CommandContext): void {
  commandAbout(
    program,
    'timeline',
    'Everything that happened to an exception, in order.',
    'proviso exception timeline ex-a1b2c3d4e5f6',
  ).action((id: ExceptionId, options: CommonOptions) => timeline(id, options, context));
}

async function timeline(id: ExceptionId, options: CommonOptions, context: CommandContext): Promise<void> {
  await withDesk(options, context, async (desk) => {
    const listed = await desk.call('listEvents', { params: { id } });
    if (!listed.ok) throw unknownOr(listed.error);
    const { events } = listed.value;
    if (options.format === 'json')
      return writeJson(
        context,
        events.map((event) => ({ ...event, at: formatInstant(event.at), says: saysOf(event) })),
      );
    writeLines(context, timelineLines(events, context));
  });
}
