import type { Command } from 'commander';
import type { ExceptionId } from '../core/index.ts';
import { decideException } from '../enforcement/index.ts';
import type { CommandContext } from './context.ts';
import { type ActingOptions, commandAbout, said } from './exceptions.ts';
import { writeJson } from './output.ts';
import { asOption, refused, withState } from './state.ts';

interface Deciding extends ActingOptions {
  readonly role: string;
  readonly hash: string;
  readonly reason?: string;
}

/** `approve` and `reject` differ in one word; both are about exactly what `exception show` printed. */
export function registerDecision(
  program: Command,
  context: CommandContext,
  decision: 'approve' | 'reject',
  description: string,
): void {
  commandAbout(
    program,
    decision,
    description,
    `proviso exception ${decision} ex-a1b2c3d4e5f6 --as lena --role legal --hash 7ce52aec39f65c76`,
  )
    .addOption(asOption())
    .requiredOption('--role <role>', 'the role that decides: legal, security, …')
    .requiredOption('--hash <hash>', 'what is decided on, as `exception show` prints it (12 digits or more)')
    .option('--reason <text>', 'why')
    .action((id: ExceptionId, options: Deciding) => decideOn(id, decision, options, context));
}

async function decideOn(
  id: ExceptionId,
  decision: 'approve' | 'reject',
  options: Deciding,
  context: CommandContext,
): Promise<void> {
  await withState(options.state, context, async (state) => {
    const decided = await decideException(state.services, {
      id,
      principalId: options.as,
      role: options.role,
      decision,
      ...(options.reason === undefined ? {} : { reason: options.reason }),
      subjectHash: options.hash,
    });
    if (!decided.ok) {
      if (options.format === 'json') writeJson(context, { result: 'refused', ...decided.error });
      return refused(context, decided.error);
    }
    await state.world.pump();
    await said(
      state,
      id,
      options,
      context,
      `${decision === 'approve' ? 'approved' : 'rejected'} by ${options.as} as ${options.role}`,
    );
  });
}
