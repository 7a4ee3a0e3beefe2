import type { Command } from 'commander';
import type { ExceptionId } from '../../core/index.ts';
import { takeBackApproval } from '../../enforcement/index.ts';
import type { CommandContext } from '../context.ts';
import { commandAbout, type ReasonedOptions, said } from '../exceptions.ts';
import { writeJson } from '../output.ts';
import { asOption, refused, withState } from '../state.ts';

export function register(program: Command, context: CommandContext): void {
  commandAbout(
    program,
    'take-back',
    'Take an approval of your own back before anything is enabled; the exception is pending again. Afterwards: revoke.',
    'proviso exception take-back ex-a1b2c3d4e5f6 --as lena --reason "the scope is wrong"',
  )
    .addOption(asOption())
    .requiredOption('--reason <text>', 'why')
    .action((id: ExceptionId, options: ReasonedOptions) => takeItBack(id, options, context));
}

async function takeItBack(id: ExceptionId, options: ReasonedOptions, context: CommandContext): Promise<void> {
  await withState(options.state, context, async (state) => {
    const taken = await takeBackApproval(state.services, id, options.as, options.reason);
    if (!taken.ok) {
      if (options.format === 'json') writeJson(context, { result: 'refused', ...taken.error });
      return refused(context, taken.error);
    }
    await state.world.pump();
    await said(state, id, options, context, `approval taken back by ${options.as}`);
  });
}
