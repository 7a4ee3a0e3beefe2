import type { Command } from 'commander';
import type { ExceptionId } from '../../core/index.ts';
import { closeWithCertificate } from '../../enforcement/index.ts';
import { describeState } from '../../exceptions/index.ts';
import type { CommandContext } from '../context.ts';
import { commandAbout, type ReasonedOptions, recordOf, refuse, said } from '../exceptions.ts';
import { asOption, withState } from '../state.ts';

export function register(program: Command, context: CommandContext): void {
  commandAbout(
    program,
    'close-unproven',
    'Close a contested exception that cannot be proven purged. Only Legal or Security, with a reason, once content storage is off.',
    'proviso exception close-unproven ex-a1b2c3d4e5f6 --as lena --reason "copy held by vendor"',
  )
    .addOption(asOption())
    .requiredOption('--reason <text>', 'why no proof is possible')
    .action((id: ExceptionId, options: ReasonedOptions) => closeUnproven(id, options, context));
}

async function closeUnproven(
  id: ExceptionId,
  options: ReasonedOptions,
  context: CommandContext,
): Promise<void> {
  await withState(options.state, context, async (state) => {
    const record = await recordOf(state, id);
    const people = await state.services.directory.people();
    const isEntitled = people.some(
      (person) =>
        person.id === options.as &&
        person.isActive &&
        person.roles.some((role) => role === 'legal' || role === 'security'),
    );
    if (!isEntitled || options.as === record.requesterId)
      return refuse(
        state,
        id,
        options.as,
        context,
        'NOT_ENTITLED',
        'only Legal or Security, and not the requester, may close an exception without proof',
      );
    const isClosed = await closeWithCertificate(
      state.services,
      id,
      'close-unproven',
      { id: options.as, kind: 'person-unauthenticated' },
      options.reason,
    );
    if (!isClosed)
      return refuse(
        state,
        id,
        options.as,
        context,
        'STATE_REFUSES',
        `the exception is ${describeState(record.state)}; it can be closed without proof once content storage was read back as off`,
      );
    await said(state, id, options, context, 'closed without proof');
  });
}
