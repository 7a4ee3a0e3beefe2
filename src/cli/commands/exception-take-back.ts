import type { Command } from 'commander';
import type { ExceptionId } from '../../core/index.ts';
import type { CommandContext } from '../context.ts';
import { requireActor, withDesk } from '../desk.ts';
import { commandAbout, type ReasonedOptions, said } from '../exceptions.ts';
import { writeJson } from '../output.ts';
import { actorOption, refused } from '../state.ts';

export function register(program: Command, context: CommandContext): void {
  commandAbout(
    program,
    'take-back',
    'Take an approval of your own back before anything is enabled; the exception is pending again. Afterwards: revoke.',
    'proviso exception take-back ex-a1b2c3d4e5f6 --as lena --reason "the scope is wrong"',
  )
    .addOption(actorOption())
    .requiredOption('--reason <text>', 'why')
    .action((id: ExceptionId, options: ReasonedOptions) => takeItBack(id, options, context));
}

async function takeItBack(id: ExceptionId, options: ReasonedOptions, context: CommandContext): Promise<void> {
  requireActor(options, context);
  await withDesk(options, context, async (desk) => {
    const taken = await desk.call('takeBackApproval', { params: { id }, body: { reason: options.reason } });
    if (!taken.ok) {
      if (options.format === 'json') writeJson(context, { result: 'refused', ...taken.error });
      return refused(context, taken.error);
    }
    const by = taken.value.exception.decisions.findLast((each) => each.decision === 'take-back')?.principalId;
    said(taken, id, options, context, `approval taken back by ${by}`);
  });
}
