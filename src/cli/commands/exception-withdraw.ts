import type { Command } from 'commander';
import type { ExceptionId } from '../../core/index.ts';
import type { CommandContext } from '../context.ts';
import { requireActor, withDesk } from '../desk.ts';
import { commandAbout, type ReasonedOptions, said } from '../exceptions.ts';
import { actorOption } from '../state.ts';

export function register(program: Command, context: CommandContext): void {
  commandAbout(
    program,
    'withdraw',
    'Take back an exception before it is enabled.',
    'proviso exception withdraw ex-a1b2c3d4e5f6 --as sam --reason "not needed"',
  )
    .addOption(actorOption())
    .requiredOption('--reason <text>', 'why')
    .action((id: ExceptionId, options: ReasonedOptions) => withdraw(id, options, context));
}

async function withdraw(id: ExceptionId, options: ReasonedOptions, context: CommandContext): Promise<void> {
  requireActor(options, context);
  await withDesk(options, context, async (desk) =>
    said(
      await desk.call('withdrawException', { params: { id }, body: { reason: options.reason } }),
      id,
      options,
      context,
      'withdrawn',
    ),
  );
}
