import { type Command, Option } from 'commander';
import type { StandingView } from '../../api/index.ts';
import { countsText } from '../../exceptions/index.ts';
import type { CommandContext } from '../context.ts';
import { withDesk } from '../desk.ts';
import { type CommonOptions, exceptionCommand } from '../exceptions.ts';
import { EXIT } from '../exit-codes.ts';
import { writeJson, writeLines } from '../output.ts';
import { refused } from '../state.ts';
import { printable, table, wrap } from '../terminal/index.ts';

interface Options extends CommonOptions {
  readonly all?: boolean;
}

export function register(program: Command, context: CommandContext): void {
  exceptionCommand(
    program,
    'status',
    'What is on where, until when, how many minutes overdue, and whose decision is missing. Exit code 1 while something is overdue.',
    'proviso exception status',
  )
    .addOption(new Option('--all', 'also what has ended'))
    .action((options: Options) => status(options, context));
}

async function status(options: Options, context: CommandContext): Promise<void> {
  await withDesk(options, context, async (desk) => {
    const told = await desk.call('listStandings', {
      params: options.all === true ? { all: 'true' } : {},
    });
    if (!told.ok) return refused(context, told.error);
    const { at, exceptions } = told.value;
    if (exceptions.some(({ isOn, overdueMinutes }) => isOn && overdueMinutes > 0))
      context.exitCode = EXIT.findings;
    if (options.format === 'json') return writeJson(context, told.value);
    const on = exceptions.filter(({ isOn }) => isOn);
    writeLines(context, [
      `at ${at}: ${on.length === 0 ? 'no content storage of ours is on' : `${on.length} of ours on`}`,
      ...(exceptions.length === 0 ? [] : ['', ...rows(exceptions, context)]),
      ...exceptions.flatMap((each) => remarks(each, context)),
    ]);
  });
}

const rows = (standings: readonly StandingView[], { width }: CommandContext): readonly string[] =>
  table(
    [
      { header: 'ID' },
      { header: 'ON' },
      { header: 'WHERE', gives: true },
      { header: 'UNTIL' },
      { header: 'LATE', align: 'right' },
    ],
    standings.flatMap(({ id, places, until }) =>
      places.map(({ isOn, accountId, region, overdueMinutes }, index) => [
        index === 0 ? id : '',
        isOn ? 'on' : 'off',
        `${accountId} ${region}`,
        until,
        overdueMinutes === 0 ? '' : `${overdueMinutes} min`,
      ]),
    ),
    width,
  );

function remarks(
  { id, state, waitsFor, goneBy, filtered, marks }: StandingView,
  { width }: CommandContext,
): readonly string[] {
  const says = [
    ...(waitsFor === undefined ? [] : [`waits for ${waitsFor.roles.join(', ')} until ${waitsFor.until}`]),
    ...(goneBy === undefined || state === 'closed' ? [] : [`gone by ${goneBy}`]),
    ...(filtered === undefined ? [] : [countsText(filtered)]),
    ...marks,
  ];
  return says.length === 0
    ? []
    : ['', ...wrap(printable(`${id}: ${state}; ${says.join('; ')}`), width, '', '  ')];
}
