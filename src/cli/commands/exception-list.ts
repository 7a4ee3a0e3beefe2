import type { Command } from 'commander';
import { formatInstant } from '../../core/index.ts';
import { type ExceptionRecord, isTerminal, listExceptions } from '../../exceptions/index.ts';
import type { CommandContext } from '../context.ts';
import { type CommonOptions, exceptionCommand } from '../exceptions.ts';
import { writeJson, writeLines } from '../output.ts';
import { withState } from '../state.ts';
import { printable, table, wrap } from '../terminal/index.ts';

export function register(program: Command, context: CommandContext): void {
  exceptionCommand(program, 'list', 'List exceptions, newest last.', 'proviso exception list').action(
    (options: CommonOptions) => list(options, context),
  );
}

/** Nothing more happens by itself: what was stored under somebody else’s setting is theirs, and only a person can close over it. */
const needsSignature = ({ state, contested, emptyListings }: ExceptionRecord): boolean =>
  contested !== undefined && emptyListings.length > 1 && !isTerminal(state);

async function list(options: CommonOptions, context: CommandContext): Promise<void> {
  await withState(options.state, context, async ({ services }) => {
    const records = (await listExceptions(services.store))
      .map(({ value }) => value)
      .sort((a, b) => a.submittedAt - b.submittedAt || (a.id < b.id ? -1 : 1));
    if (options.format === 'json')
      return writeJson(
        context,
        records.map((record) => ({
          id: record.id,
          state: record.state,
          account: record.request.accountId,
          region: record.request.region,
          until: formatInstant(record.request.endsAt),
          reference: record.request.reference,
          needsSignature: needsSignature(record),
        })),
      );
    if (records.length === 0) return writeLines(context, ['there are no exceptions']);
    writeLines(
      context,
      table(
        [
          { header: 'ID' },
          { header: 'STATE' },
          { header: 'ACCOUNT' },
          { header: 'REGION' },
          { header: 'REFERENCE', gives: true },
        ],
        records.map((record) => [
          record.id,
          record.state,
          record.request.accountId,
          record.request.region,
          printable(record.request.reference),
        ]),
        context.width,
      ),
    );
    for (const { id } of records.filter(needsSignature))
      writeLines(context, [
        '',
        ...wrap(
          `${id} is listed empty, but somebody else’s setting stored content elsewhere during its lease: Legal or Security must close it, with a reason`,
          context.width,
        ),
        `  proviso exception close-unproven ${id} --as ID --reason TEXT`,
      ]);
  });
}
