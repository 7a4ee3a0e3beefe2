import type { Command } from 'commander';
import type { CommandContext } from '../context.ts';
import { withDesk } from '../desk.ts';
import { type CommonOptions, exceptionCommand } from '../exceptions.ts';
import { writeJson, writeLines } from '../output.ts';
import { refused } from '../state.ts';
import { printable, table, wrap } from '../terminal/index.ts';

export function register(program: Command, context: CommandContext): void {
  exceptionCommand(program, 'list', 'List exceptions, newest last.', 'proviso exception list').action(
    (options: CommonOptions) => list(options, context),
  );
}

async function list(options: CommonOptions, context: CommandContext): Promise<void> {
  await withDesk(options, context, async (desk) => {
    const listed = await desk.call('listExceptions', { params: {} });
    if (!listed.ok) return refused(context, listed.error);
    const records = listed.value.exceptions;
    if (options.format === 'json') return writeJson(context, records);
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
        records.flatMap((record) => [
          [record.id, record.state, record.account, record.region, printable(record.reference)],
          // The same exception, elsewhere.
          ...(record.furtherPlaces ?? []).map(({ account, region }) => ['', '', account, region, '']),
        ]),
        context.width,
      ),
    );
    for (const { id, hold } of records)
      if (hold !== undefined)
        writeLines(context, ['', ...wrap(printable(`${id} is ${hold}`), context.width, '', '  ')]);
    for (const { id } of records.filter(({ needsSignature }) => needsSignature))
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
