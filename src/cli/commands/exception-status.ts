import { type Command, Option } from 'commander';
import { formatInstant } from '../../core/index.ts';
import {
  countsText,
  hasForeignSetting,
  isTerminal,
  type Standing,
  standingOf,
} from '../../exceptions/index.ts';
import { allExceptions } from '../all-exceptions.ts';
import type { CommandContext } from '../context.ts';
import { type StateOptions, stateCommand } from '../exceptions.ts';
import { writeJson, writeLines } from '../output.ts';
import { withState } from '../state.ts';
import { printable, table, wrap } from '../terminal/index.ts';

interface Options extends StateOptions {
  readonly all?: boolean;
}

export function register(program: Command, context: CommandContext): void {
  stateCommand(
    program,
    'status',
    'What is on where, until when, how many minutes overdue, and whose decision is missing. Exit code 1 while something is overdue.',
    'proviso exception status',
  )
    .addOption(new Option('--all', 'also what has ended'))
    .action((options: Options) => status(options, context));
}

async function status(options: Options, context: CommandContext): Promise<void> {
  await withState(options.state, context, async (state) => {
    const now = state.clock.now();
    const standings = (await allExceptions(state))
      // What stores content under no exception is shown although the exception behind it has ended.
      .filter(({ record }) => options.all === true || !isTerminal(record.state) || hasForeignSetting(record))
      .map(({ record, leases }) => standingOf(record, leases, now));
    if (standings.some(({ isOn, overdueMinutes }) => isOn && overdueMinutes > 0)) context.exitCode = 1;
    if (options.format === 'json')
      return writeJson(context, { at: formatInstant(now), exceptions: standings.map(jsonOf) });
    const on = standings.filter(({ isOn }) => isOn);
    writeLines(context, [
      `at ${formatInstant(now)}: ${on.length === 0 ? 'no content storage of ours is on' : `${on.length} of ours on`}`,
      ...(standings.length === 0 ? [] : ['', ...rows(standings, context)]),
      ...standings.flatMap((each) => remarks(each, context)),
    ]);
  });
}

const rows = (standings: readonly Standing[], { width }: CommandContext): readonly string[] =>
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
        formatInstant(until),
        overdueMinutes === 0 ? '' : `${overdueMinutes} min`,
      ]),
    ),
    width,
  );

function remarks(
  { id, state, waitsFor, goneBy, filtered, marks }: Standing,
  { width }: CommandContext,
): readonly string[] {
  const says = [
    ...(waitsFor === undefined
      ? []
      : [`waits for ${waitsFor.roles.join(', ')} until ${formatInstant(waitsFor.until)}`]),
    ...(goneBy === undefined || state === 'closed' ? [] : [`gone by ${formatInstant(goneBy)}`]),
    ...(filtered === undefined ? [] : [countsText(filtered)]),
    ...marks,
  ];
  return says.length === 0
    ? []
    : ['', ...wrap(printable(`${id}: ${state}; ${says.join('; ')}`), width, '', '  ')];
}

const jsonOf = ({ until, goneBy, waitsFor, ...rest }: Standing) => ({
  ...rest,
  until: formatInstant(until),
  ...(goneBy === undefined ? {} : { goneBy: formatInstant(goneBy) }),
  ...(waitsFor === undefined
    ? {}
    : { waitsFor: { roles: waitsFor.roles, until: formatInstant(waitsFor.until) } }),
});
