import type { Command } from 'commander';
import type { ExceptionId } from '../../core/index.ts';
import { leaseOf, readLeaseRow } from '../../exceptions/index.ts';
import type { CommandContext } from '../context.ts';
import { exceptionLines } from '../exception-text.ts';
import { type CommonOptions, commandAbout, exceptionJson, recordOf } from '../exceptions.ts';
import { writeJson, writeLines } from '../output.ts';
import { withState } from '../state.ts';

export function register(program: Command, context: CommandContext): void {
  commandAbout(
    program,
    'show',
    'Show an exception: what is asked, who decided, what happened, and the hash that approvers sign.',
    'proviso exception show ex-a1b2c3d4e5f6',
  ).action((id: ExceptionId, options: CommonOptions) => show(id, options, context));
}

async function show(id: ExceptionId, options: CommonOptions, context: CommandContext): Promise<void> {
  await withState(options.state, context, async (state) => {
    const record = await recordOf(state, id);
    if (options.format === 'json') return writeJson(context, await exceptionJson(state, record));
    const row = await readLeaseRow(state.services.store, record.request.accountId, record.request.region);
    writeLines(
      context,
      exceptionLines(record, leaseOf(row?.value, id), await state.services.policyInForce.current(), context),
    );
  });
}
