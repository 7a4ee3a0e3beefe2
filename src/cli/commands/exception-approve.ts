import type { Command } from 'commander';
import type { CommandContext } from '../context.ts';
import { registerDecision } from '../decisions.ts';

export const register = (program: Command, context: CommandContext): void =>
  registerDecision(
    program,
    context,
    'approve',
    'Approve an exception in one role. One person decides once; the requester never.',
  );
