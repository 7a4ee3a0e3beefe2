import type { Command } from 'commander';
import type { ExceptionId } from '../../core/index.ts';
import type { CommandContext } from '../context.ts';
import { requireActor, withDesk } from '../desk.ts';
import { commandAbout, type ReasonedOptions, said } from '../exceptions.ts';
import { actorOption } from '../state.ts';

export function register(program: Command, context: CommandContext): void {
  commandAbout(
    program,
    'hold',
    'Put an exception on legal hold. Only Legal, with a reason. The purge waits until it is released; switching off does not. AWS’s own lifecycle at the destination is not suspended: copy what must be kept.',
    'proviso exception hold ex-a1b2c3d4e5f6 --as lena --reason "litigation 2026-7"',
  )
    .addOption(actorOption())
    .requiredOption('--reason <text>', 'why it must be kept')
    .action((id: ExceptionId, options: ReasonedOptions) => holdException(id, options, context));
}

async function holdException(
  id: ExceptionId,
  options: ReasonedOptions,
  context: CommandContext,
): Promise<void> {
  requireActor(options, context);
  await withDesk(options, context, async (desk) =>
    said(
      await desk.call('holdException', { params: { id }, body: { reason: options.reason } }),
      id,
      options,
      context,
      'on legal hold; the purge waits, switching off does not',
    ),
  );
}
