import type { Command } from 'commander';
import type { ExceptionId } from '../../core/index.ts';
import { revoke } from '../../enforcement/index.ts';
import type { CommandContext } from '../context.ts';
import { commandAbout, type ReasonedOptions, recordOf, refuse, said } from '../exceptions.ts';
import { asOption, withState } from '../state.ts';

export function register(program: Command, context: CommandContext): void {
  commandAbout(
    program,
    'withdraw',
    'Take back an exception before it is enabled.',
    'proviso exception withdraw ex-a1b2c3d4e5f6 --as sam --reason "not needed"',
  )
    .addOption(asOption())
    .requiredOption('--reason <text>', 'why')
    .action((id: ExceptionId, options: ReasonedOptions) => withdraw(id, options, context));
}

async function withdraw(id: ExceptionId, options: ReasonedOptions, context: CommandContext): Promise<void> {
  await withState(options.state, context, async (state) => {
    const record = await recordOf(state, id);
    const people = await state.services.directory.people();
    const entitled =
      options.as === record.requesterId ||
      people.some(
        (person) =>
          person.id === options.as && person.roles.some((role) => record.requiredRoles.includes(role)),
      );
    if (!entitled)
      return refuse(
        state,
        id,
        options.as,
        context,
        'NOT_ENTITLED',
        `\`${options.as}\` is neither the requester nor one of those who decide`,
      );
    if (record.enabledAt !== undefined)
      return refuse(
        state,
        id,
        options.as,
        context,
        'STATE_REFUSES',
        'content storage was enabled already; revoke it: proviso exception revoke',
      );
    const ended = await revoke(state.services, id, options.as, options.reason);
    if (!ended.ok) return refuse(state, id, options.as, context, ended.error.code, ended.error.message);
    await state.world.pump();
    await said(state, id, options, context, 'withdrawn');
  });
}
