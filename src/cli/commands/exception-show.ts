import type { Command } from 'commander';
import type { ExceptionId } from '../../core/index.ts';
import type { CommandContext } from '../context.ts';
import { withDesk } from '../desk.ts';
import { exceptionLines } from '../exception-text.ts';
import { type CommonOptions, commandAbout, viewOf } from '../exceptions.ts';
import { writeJson, writeLines } from '../output.ts';

export function register(program: Command, context: CommandContext): void {
  commandAbout(
    program,
    'show',
    'Show an exception: what is asked, who decided, what happened, and the hash that approvers sign.',
    'proviso exception show ex-a1b2c3d4e5f6',
  ).action((id: ExceptionId, options: CommonOptions) => show(id, options, context));
}

async function show(id: ExceptionId, options: CommonOptions, context: CommandContext): Promise<void> {
  await withDesk(options, context, async (desk) => {
    const view = await viewOf(desk, id);
    if (options.format === 'json') return writeJson(context, view.exception);
    writeLines(context, exceptionLines(view, context));
  });
}
