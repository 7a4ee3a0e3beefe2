import type { Command } from 'commander';
import type { ExceptionId } from '../../core/index.ts';
import type { CommandContext } from '../context.ts';
import { requireActor, withDesk } from '../desk.ts';
import { commandAbout, type ReasonedOptions, said } from '../exceptions.ts';
import { EXIT } from '../exit-codes.ts';
import { actorOption } from '../state.ts';

export function register(program: Command, context: CommandContext): void {
  commandAbout(
    program,
    'revoke',
    'End an exception now: the lease is revoked and content storage switched off before this returns. Nothing is asked first.',
    'proviso exception revoke ex-a1b2c3d4e5f6 --as lena --reason "scope exceeded"',
  )
    .addOption(actorOption())
    .requiredOption('--reason <text>', 'why')
    .action((id: ExceptionId, options: ReasonedOptions) => revokeNow(id, options, context));
}

async function revokeNow(id: ExceptionId, options: ReasonedOptions, context: CommandContext): Promise<void> {
  requireActor(options, context);
  await withDesk(options, context, async (desk) => {
    const ended = await desk.call('revokeException', { params: { id }, body: { reason: options.reason } });
    const off = ended.ok ? ended.value.off : undefined;
    said(
      ended,
      id,
      options,
      context,
      off === undefined ? 'withdrawn before anything was enabled' : `revoked; ${off.says}`,
    );
    // The revocation stands, but content storage was not seen off: the sweeper goes on, and the caller must know.
    if (off !== undefined && !off.isOff) context.exitCode = EXIT.fault;
  });
}
