import type { Command } from 'commander';
import type { ExceptionId } from '../core/index.ts';
import type { CommandContext } from './context.ts';
import { requireActor, withDesk } from './desk.ts';
import { type ActingOptions, commandAbout, said } from './exceptions.ts';
import { writeJson } from './output.ts';
import { actorOption, refused } from './state.ts';

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
    .addOption(actorOption())
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
  requireActor(options, context);
  await withDesk(options, context, async (desk) => {
    const decided = await desk.call('decideException', {
      params: { id },
      body: {
        role: options.role,
        decision,
        subjectHash: options.hash,
        ...(options.reason === undefined ? {} : { reason: options.reason }),
      },
    });
    if (!decided.ok) {
      if (options.format === 'json') writeJson(context, { result: 'refused', ...decided.error });
      return refused(context, decided.error);
    }
    const by = decided.value.exception.decisions.findLast(({ role }) => role === options.role)?.principalId;
    const verb = decision === 'approve' ? 'approved' : 'rejected';
    said(decided, id, options, context, `${verb} by ${by} as ${options.role}`);
  });
}
