import type { Command } from 'commander';
import type { ExceptionId } from '../../core/index.ts';
import type { CommandContext } from '../context.ts';
import { requireActor, withDesk } from '../desk.ts';
import { commandAbout, type ReasonedOptions, said } from '../exceptions.ts';
import { actorOption } from '../state.ts';

export function register(program: Command, context: CommandContext): void {
  commandAbout(
    program,
    'close-unproven',
    'Close a contested exception that cannot be proven purged. Only Legal or Security, with a reason, once content storage is off.',
    'proviso exception close-unproven ex-a1b2c3d4e5f6 --as lena --reason "copy held by vendor"',
  )
    .addOption(actorOption())
    .requiredOption('--reason <text>', 'why no proof is possible')
    .action((id: ExceptionId, options: ReasonedOptions) => closeUnproven(id, options, context));
}

async function closeUnproven(
  id: ExceptionId,
  options: ReasonedOptions,
  context: CommandContext,
): Promise<void> {
  requireActor(options, context);
  await withDesk(options, context, async (desk) =>
    said(
      await desk.call('closeUnproven', { params: { id }, body: { reason: options.reason } }),
      id,
      options,
      context,
      'closed without proof',
    ),
  );
}
