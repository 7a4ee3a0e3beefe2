import { type Command, Option } from 'commander';
import type { CommandContext } from '../context.ts';
import { withDesk } from '../desk.ts';
import { type CommonOptions, exceptionCommand } from '../exceptions.ts';
import { formatOption } from '../options.ts';
import { writeJson, writeLines } from '../output.ts';
import { refused } from '../state.ts';
import { printable, wrap } from '../terminal/index.ts';

interface Options extends CommonOptions {
  readonly publish?: boolean;
}

export function register(program: Command, context: CommandContext): void {
  exceptionCommand(
    program,
    'siem-window',
    'The Put and Delete calls that exceptions are going to make: account, Region, role and window. Whoever watches CloudTrail tells them from an attack; any other call is not ours.',
    'proviso exception siem-window > planned-changes.json',
    formatOption('json', 'text'),
  )
    .addOption(new Option('--publish', 'also send each exception’s list through the notifications'))
    .action((options: Options) => siemWindow(options, context));
}

async function siemWindow(options: Options, context: CommandContext): Promise<void> {
  await withDesk(options, context, async (desk) => {
    const told =
      options.publish === true
        ? await desk.call('publishPlannedChanges', { params: {}, body: {} })
        : await desk.call('listPlannedChanges', { params: {} });
    if (!told.ok) return refused(context, told.error);
    const { plannedChanges } = told.value;
    if (options.format === 'json') return writeJson(context, { schemaVersion: 1, ...told.value });
    writeLines(
      context,
      plannedChanges.length === 0
        ? ['nothing is planned: any change of the settings is somebody else’s']
        : plannedChanges.flatMap((change) => [
            ...wrap(
              printable(
                `${change.notBefore} to ${change.notAfter}  ${change.purpose}: ${change.eventNames.join(' or ')} by ${change.roleName} in ${change.accountId}, ${change.region} (${change.exceptionId}, ${change.reference})`,
              ),
              context.width,
              '',
              '  ',
            ),
          ]),
    );
  });
}
