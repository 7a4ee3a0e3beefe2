import type { Command } from 'commander';
import type { ExceptionId } from '../../core/index.ts';
import type { CommandContext } from '../context.ts';
import { requireActor, withDesk } from '../desk.ts';
import { commandAbout, type ReasonedOptions, said } from '../exceptions.ts';
import { actorOption } from '../state.ts';

export function register(program: Command, context: CommandContext): void {
  commandAbout(
    program,
    'release',
    'End a legal hold. Only Legal, with a reason. Purging goes on at once.',
    'proviso exception release ex-a1b2c3d4e5f6 --as lena --reason "settled"',
  )
    .addOption(actorOption())
    .requiredOption('--reason <text>', 'why it need not be kept any more')
    .action((id: ExceptionId, options: ReasonedOptions) => releaseException(id, options, context));
}

async function releaseException(
  id: ExceptionId,
  options: ReasonedOptions,
  context: CommandContext,
): Promise<void> {
  requireActor(options, context);
  await withDesk(options, context, async (desk) =>
    said(
      await desk.call('releaseException', { params: { id }, body: { reason: options.reason } }),
      id,
      options,
      context,
      'released; purging goes on',
    ),
  );
}
