import { type Command, InvalidArgumentError, Option } from 'commander';
import type { ReportView } from '../../api/index.ts';
import { type Paper, renderMarkdown } from '../../core/index.ts';
import {
  CANNOT_BE_SEEN,
  countsText,
  DECISION_WORDS,
  minutesText,
  NEAR_MISSES,
  placeText,
  quarterOf,
  readCallers,
} from '../../exceptions/index.ts';
import type { CommandContext } from '../context.ts';
import { withDesk } from '../desk.ts';
import { type CommonOptions, exceptionCommand } from '../exceptions.ts';
import { formatOption } from '../options.ts';
import { writeJson, writeLines } from '../output.ts';
import { csvLine } from '../report/csv.ts';
import { refused } from '../state.ts';
import { printable, wrap } from '../terminal/index.ts';

interface Options extends CommonOptions {
  readonly quarter?: string;
}

export function register(program: Command, context: CommandContext): void {
  exceptionCommand(
    program,
    'report',
    'What happened under exceptions in a quarter: minutes on and overdue, who approved what, near-misses, break-glass, reads.',
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

function readQuarter(text: string): string {
  if (quarterOf(text) === undefined) throw new InvalidArgumentError('expected a quarter such as `2026Q4`');
  return text;
}

async function report(options: Options, context: CommandContext): Promise<void> {
  await withDesk(options, context, async (desk) => {
    const { quarter } = options;
    const made = await desk.call('getReport', { params: quarter === undefined ? {} : { quarter } });
    if (!made.ok) return refused(context, made.error);
    switch (options.format) {
      case 'json':
        return writeJson(context, { schemaVersion: 1, ...made.value });
      case 'csv':
        context.stdout.write(csv(made.value));
        return;
      case 'markdown':
        context.stdout.write(renderMarkdown(paperOf(made.value)));
        return;
      default:
        writeLines(context, textLines(made.value, context));
    }
  });
}

const NOT_COUNTED =
  'Reads of what was captured: not counted. Nothing shows that reads were forwarded (CountReads of templates/member-events.yml); CloudTrail’s data events of the destination have them.';

function readsText({ reads, readsMissing }: ReportView): string {
  if (reads === null) return NOT_COUNTED;
  const missing =
    readsMissing.length === 0
      ? ''
      : `; of ${readsMissing.join(', ')} not every read was forwarded, so there may be more`;
  return `Reads of what was captured: ${reads.reader} by named readers, ${reads.other} by others, ${reads.vault} at Legal’s vault, ${reads.proviso} by roles of Proviso${missing}. Not seen: ${CANNOT_BE_SEEN}.`;
}

const numbersOf = ({ totals }: ReportView): readonly (readonly [string, string])[] => [
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
function nearMissKinds(
  nearMisses: ReportView['nearMisses'],
): readonly (readonly [string, ReportView['nearMisses']])[] {
  const kinds = Object.keys(NEAR_MISSES) as (keyof typeof NEAR_MISSES)[];
  return kinds
    .map((kind) => [NEAR_MISSES[kind], nearMisses.filter((each) => each.kind === kind)] as const)
    .filter(([, found]) => found.length > 0);
}

function textLines(made: ReportView, { width }: CommandContext): readonly string[] {
  const { period, exceptions, nearMisses } = made;
  return [
    `Exceptions in ${period.name} (${period.from} to ${period.to})`,
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
      ...(each.minutesOn === 0 && each.reads.rows.length === 0
        ? []
        : wrap(printable(`reads: ${each.reads.says}`), width, '  ', '    ')),
      ...readCallers(each.reads.rows).flatMap((caller) => wrap(printable(caller), width, '    ', '      ')),
      ...each.decisions.flatMap((decision) => wrap(printable(decisionText(decision)), width, '  ', '    ')),
    ]),
    '',
    nearMisses.length === 0 ? 'No near-misses.' : 'Near-misses',
    ...nearMissKinds(nearMisses).flatMap(([what, found]) =>
      wrap(printable(`${found.length}x ${what}; last: ${found.at(-1)?.says ?? ''}`), width, '  ', '     '),
    ),
    '',
    ...wrap(printable(readsText(made)), width),
  ];
}

function paperOf(made: ReportView): Paper {
  const { period, exceptions, nearMisses, madeAt } = made;
  return {
    title: `Exceptions in ${period.name}`,
    facts: [
      ['From', period.from],
      ['To', `${period.to}, exclusive`],
      ['Made at', madeAt],
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
                    `${found.length}: ${what}; last at ${found.at(-1)?.at ?? ''}: ${found.at(-1)?.says ?? ''}`,
                ),
              },
        ],
      },
      {
        id: 'reads',
        title: 'Reads',
        blocks: [
          { kind: 'text', text: readsText(made) },
          ...exceptions
            .filter(({ reads }) => reads.rows.length > 0)
            .map(({ id, reads }) => ({
              kind: 'list' as const,
              items: readCallers(reads.rows).map((caller) => `\`${id}\`: ${caller}`),
            })),
        ],
      },
    ],
  };
}

const csv = ({ exceptions }: ReportView): string =>
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
      'reads_by_readers',
      'reads_by_others',
      'reads_at_vault',
      'reads_by_proviso',
      'reads_forwarded',
      'decisions',
    ],
    ...exceptions.map((each) => [
      each.id,
      each.reference,
      each.places.map(({ accountId }) => accountId).join(' | '),
      each.places.map(({ region }) => region).join(' | '),
      each.state,
      each.requestedBy,
      each.requestedAt,
      each.onFrom ?? '',
      each.offAt ?? '',
      String(each.minutesOn),
      String(each.overdueMinutes),
      String(each.isBreakGlass),
      String(each.isBreach),
      String(each.isContested),
      String(each.isHeld),
      // Empty: not counted, which is not zero.
      String(each.reads.reads?.reader ?? ''),
      String(each.reads.reads?.other ?? ''),
      String(each.reads.reads?.vault ?? ''),
      String(each.reads.reads?.proviso ?? ''),
      each.reads.forwarded,
      each.decisions.map(decisionText).join(' | '),
    ]),
  ]
    .map(csvLine)
    .join('');

const decisionText = ({
  principalId,
  role,
  decision,
  at,
}: ReportView['exceptions'][number]['decisions'][number]): string =>
  `${DECISION_WORDS[decision]} by ${principalId} as ${role}, ${at}`;
