import type { Command } from 'commander';
import type { ExceptionId } from '../../core/index.ts';
import { revoke } from '../../enforcement/index.ts';
import type { CommandContext } from '../context.ts';
import { commandAbout, type ReasonedOptions, recordOf, refuse, said } from '../exceptions.ts';
import { EXIT } from '../exit-codes.ts';
import { asOption, withState } from '../state.ts';

export function register(program: Command, context: CommandContext): void {
  commandAbout(
    program,
    'revoke',
    'End an exception now: the lease is revoked and content storage switched off before this returns. Nothing is asked first.',
    'proviso exception revoke ex-a1b2c3d4e5f6 --as lena --reason "scope exceeded"',
  )
    .addOption(asOption())
    .requiredOption('--reason <text>', 'why')
    .action((id: ExceptionId, options: ReasonedOptions) => revokeNow(id, options, context));
}

async function revokeNow(id: ExceptionId, options: ReasonedOptions, context: CommandContext): Promise<void> {
  await withState(options.state, context, async (state) => {
    await recordOf(state, id);
    const ended = await revoke(state.services, id, options.as, options.reason);
    if (!ended.ok) return refuse(state, id, options.as, context, ended.error.code, ended.error.message);
    await state.world.pump();
    const { off } = ended.value;
    await said(
      state,
      id,
      options,
      context,
      off === undefined ? 'withdrawn before anything was enabled' : `revoked; ${off.says}`,
    );
    // The revocation stands, but content storage was not seen off: the sweeper goes on, and the caller must know.
    if (off !== undefined && !off.isOff) context.exitCode = EXIT.fault;
  });
}
