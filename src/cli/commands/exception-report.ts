import { type Command, InvalidArgumentError, Option } from 'commander';
import { formatInstant, type Paper, renderMarkdown } from '../../core/index.ts';
import {
  countsText,
  decisionText,
  type ExceptionReport,
  minutesText,
  NEAR_MISSES,
  type NearMiss,
  type Period,
  placeText,
  quarterNameOf,
  quarterOf,
  reportOf,
} from '../../exceptions/index.ts';
import { allExceptions } from '../all-exceptions.ts';
import type { CommandContext } from '../context.ts';
import { type StateOptions, stateCommand } from '../exceptions.ts';
import { formatOption } from '../options.ts';
import { writeJson, writeLines } from '../output.ts';
import { csvLine } from '../report/csv.ts';
import { withState } from '../state.ts';
import { printable, wrap } from '../terminal/index.ts';

interface Options extends StateOptions {
  readonly quarter?: Period;
}

export function register(program: Command, context: CommandContext): void {
  stateCommand(
    program,
    'report',
    'What happened under exceptions in a quarter: minutes on and overdue, who approved what, near-misses, break-glass.',
    'proviso exception report --quarter 2026Q4 --format markdown > exceptions-2026Q4.md',
    formatOption('text', 'json', 'markdown', 'csv'),
  )
    .addOption(
      new Option('--quarter <quarter>', 'a calendar quarter in UTC (default: the present one)').argParser(
        readQuarter,
      ),
    )
    .action((options: Options) => report(options, context));
}

function readQuarter(text: string): Period {
  const period = quarterOf(text);
  if (period === undefined) throw new InvalidArgumentError('expected a quarter such as `2026Q4`');
  return period;
}

async function report(options: Options, context: CommandContext): Promise<void> {
  await withState(options.state, context, async (state) => {
    const now = state.clock.now();
    const period = options.quarter ?? quarterOf(quarterNameOf(now));
    if (period === undefined) throw new Error('the clock has no quarter');
    const made = reportOf(await allExceptions(state), state.events.events(), period, now);
    switch (options.format) {
      case 'json':
        return writeJson(context, jsonOf(made));
      case 'csv':
        context.stdout.write(csv(made));
        return;
      case 'markdown':
        context.stdout.write(renderMarkdown(paperOf(made)));
        return;
      default:
        writeLines(context, textLines(made, context));
    }
  });
}

const READS =
  'Reads of captured content do not pass through this version: who read the destination is in its CloudTrail data events.';

const numbersOf = ({ totals }: ExceptionReport): readonly (readonly [string, string])[] => [
  ['requested', String(totals.requested)],
  ['refused at once by the policy', String(totals.refusedAtOnce)],
  ['switched on', String(totals.enabled)],
  ['time on', minutesText(totals.minutesOn)],
  ['overdue', minutesText(totals.overdueMinutes)],
  ['break-glass', `${totals.breakGlass}, of them ${totals.breaches} not confirmed in time`],
  ['contested by somebody else', String(totals.contested)],
  ['on legal hold now', String(totals.held)],
];

/** One kind a line: twenty refused decisions are one thing to look at. */
function nearMissKinds(nearMisses: readonly NearMiss[]): readonly (readonly [string, readonly NearMiss[]])[] {
  const kinds = Object.keys(NEAR_MISSES) as (keyof typeof NEAR_MISSES)[];
  return kinds
    .map((kind) => [NEAR_MISSES[kind], nearMisses.filter((each) => each.kind === kind)] as const)
    .filter(([, found]) => found.length > 0);
}

function textLines(made: ExceptionReport, { width }: CommandContext): readonly string[] {
  const { period, exceptions, nearMisses } = made;
  return [
    `Exceptions in ${period.name} (${formatInstant(period.from)} to ${formatInstant(period.to)})`,
    '',
    ...numbersOf(made).flatMap(([name, value]) => wrap(value, width, `  ${name.padEnd(32)}`, ' '.repeat(34))),
    ...exceptions.flatMap((each) => [
      '',
      ...wrap(
        printable(
          `${each.id}: ${each.reference}, ${each.places.map(({ accountId, region }) => `${accountId} ${region}`).join('; ')}: ${each.state}; on ${minutesText(each.minutesOn)}, overdue ${minutesText(each.overdueMinutes)}${each.isBreakGlass ? '; break-glass' : ''}${each.isBreach ? ', NOT CONFIRMED' : ''}${each.filtered === undefined ? '' : `; ${countsText(each.filtered)}`}`,
        ),
        width,
        '',
        '  ',
      ),
      ...each.holds.flatMap((hold) => wrap(printable(hold), width, '  ', '    ')),
      ...each.decisions.flatMap((decision) => wrap(printable(decisionText(decision)), width, '  ', '    ')),
    ]),
    '',
    nearMisses.length === 0 ? 'No near-misses.' : 'Near-misses',
    ...nearMissKinds(nearMisses).flatMap(([what, found]) =>
      wrap(printable(`${found.length}x ${what}; last: ${found.at(-1)?.says ?? ''}`), width, '  ', '     '),
    ),
    '',
    ...wrap(READS, width),
  ];
}

function paperOf(made: ExceptionReport): Paper {
  const { period, exceptions, nearMisses, madeAt } = made;
  return {
    title: `Exceptions in ${period.name}`,
    facts: [
      ['From', formatInstant(period.from)],
      ['To', `${formatInstant(period.to)}, exclusive`],
      ['Made at', formatInstant(madeAt)],
    ],
    sections: [
      {
        id: 'numbers',
        title: 'In numbers',
        blocks: [
          {
            kind: 'table',
            caption: 'Numbers of the quarter',
            columns: ['what', 'how many'],
            rows: numbersOf(made),
          },
        ],
      },
      {
        id: 'exceptions',
        title: 'Exceptions',
        blocks: [
          exceptions.length === 0
            ? { kind: 'text', text: 'None.' }
            : {
                kind: 'table',
                caption: 'Every exception of the quarter',
                columns: ['exception', 'reference', 'where', 'state', 'on', 'overdue', 'who decided what'],
                rows: exceptions.map((each) => [
                  `\`${each.id}\`${each.isBreakGlass ? ' (break-glass)' : ''}`,
                  each.reference,
                  each.places.map(placeText).join('; '),
                  `${each.state}${each.isBreach ? ', NOT CONFIRMED' : ''}${each.isContested ? ', contested' : ''}${each.filtered === undefined ? '' : `; ${countsText(each.filtered)}`}${each.holds.map((hold) => `; ${hold}`).join('')}`,
                  minutesText(each.minutesOn),
                  minutesText(each.overdueMinutes),
                  each.decisions.map(decisionText).join('; '),
                ]),
              },
        ],
      },
      {
        id: 'near-misses',
        title: 'Near-misses',
        blocks: [
          nearMisses.length === 0
            ? { kind: 'text', text: 'None.' }
            : {
                kind: 'list',
                items: nearMissKinds(nearMisses).map(
                  ([what, found]) =>
                    `${found.length}: ${what}; last at ${formatInstant((found.at(-1) as NearMiss).at)}: ${found.at(-1)?.says ?? ''}`,
                ),
              },
        ],
      },
      { id: 'reads', title: 'Reads', blocks: [{ kind: 'text', text: READS }] },
    ],
  };
}

const csv = ({ exceptions }: ExceptionReport): string =>
  [
    [
      'exception',
      'reference',
      'account',
      'region',
      'state',
      'requested_by',
      'requested_at',
      'on_from',
      'off_at',
      'minutes_on',
      'overdue_minutes',
      'break_glass',
      'breach',
      'contested',
      'held',
      'decisions',
    ],
    ...exceptions.map((each) => [
      each.id,
      each.reference,
      each.places.map(({ accountId }) => accountId).join(' | '),
      each.places.map(({ region }) => region).join(' | '),
      each.state,
      each.requestedBy,
      formatInstant(each.requestedAt),
      each.onFrom === undefined ? '' : formatInstant(each.onFrom),
      each.offAt === undefined ? '' : formatInstant(each.offAt),
      String(each.minutesOn),
      String(each.overdueMinutes),
      String(each.isBreakGlass),
      String(each.isBreach),
      String(each.isContested),
      String(each.isHeld),
      each.decisions.map(decisionText).join(' | '),
    ]),
  ]
    .map(csvLine)
    .join('');

function jsonOf({ period, madeAt, exceptions, nearMisses, ...rest }: ExceptionReport): unknown {
  return {
    schemaVersion: 1,
    ...rest,
    period: { name: period.name, from: formatInstant(period.from), to: formatInstant(period.to) },
    madeAt: formatInstant(madeAt),
    exceptions: exceptions.map(({ requestedAt, onFrom, offAt, decisions, ...each }) => ({
      ...each,
      requestedAt: formatInstant(requestedAt),
      ...(onFrom === undefined ? {} : { onFrom: formatInstant(onFrom) }),
      ...(offAt === undefined ? {} : { offAt: formatInstant(offAt) }),
      decisions: decisions.map((decision) => ({ ...decision, at: formatInstant(decision.at) })),
    })),
    nearMisses: nearMisses.map((each) => ({ ...each, at: formatInstant(each.at) })),
  };
}
