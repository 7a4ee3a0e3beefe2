import type { Command } from 'commander';
import { coverageOf } from '../../compliance/index.ts';
import type { EpochMs } from '../../core/index.ts';
import { countOf } from '../../core/index.ts';
import { sectionOf } from '../../evidence/index.ts';
import { type CanHold, type InventoryRow, inventoryOf, SURFACE_NAMES } from '../../rules/index.ts';
import type { CommandContext } from '../context.ts';
import { readEstate } from '../estate.ts';
import { EXIT } from '../exit-codes.ts';
import {
  examples,
  formatOption,
  nowOption,
  policyOption,
  snapshotOption,
  stateToReadOption,
} from '../options.ts';
import { note, writeJson, writeLines } from '../output.ts';
import { csvLine } from '../report/csv.ts';
import { describeCoverage } from '../report/words.ts';
import { printable, table, wrap } from '../terminal/index.ts';

interface Options {
  readonly policy: string;
  readonly snapshot?: string;
  readonly state?: string;
  readonly now?: EpochMs;
  readonly all?: true;
  readonly format: string;
}

export function register(program: Command, context: CommandContext): void {
  program
    .command('inventory')
    .description(
      'Every place in which prompts or responses can stay, one row for each account, Region and kind of place: can it hold content, who writes it, for how long, under which key, covered by which exception. Exit code 3 when something could not be seen.',
    )
    .addOption(snapshotOption())
    .addOption(stateToReadOption())
    .addOption(policyOption())
    .addOption(nowOption())
    .option('--all', 'in text, also the places that hold nothing')
    .addOption(formatOption('text', 'json', 'csv'))
    .addHelpText(
      'after',
      examples(
        'proviso inventory --snapshot examples/organization',
        'proviso inventory --snapshot examples/organization --format csv > inventory.csv',
      ),
    )
    .action((options: Options) => inventory(options, context));
}

type Row = InventoryRow & { readonly coveredBy: string };

async function inventory(options: Options, context: CommandContext): Promise<void> {
  const { snapshot, leases, report } = await readEstate(options, context);
  const covers = coverageOf(snapshot, leases, report.now);
  const rows = inventoryOf(snapshot, report.now).map((row): Row => {
    const { accountId, region, surface, canHold } = row;
    const coverage =
      surface === 'invocation logging' && canHold === 'yes'
        ? covers({ kind: 'account-region', accountId, region })
        : undefined;
    return { ...row, coveredBy: coverage === undefined ? '' : describeCoverage(coverage) };
  });
  const isClosed = new Set(
    snapshot.organization.accounts
      .filter(({ state }) => state === 'SUSPENDED' || state === 'CLOSED')
      .map(({ id }) => id),
  );
  const unlisted = snapshot.accounts.filter(
    ({ accountId, sections }) =>
      !isClosed.has(accountId) && sectionOf(sections, 'regions').kind !== 'observed',
  );
  if (unlisted.length > 0)
    note(
      context,
      `which other Regions ${countOf(unlisted.length, 'account')} can use was not seen: content there is not in this inventory`,
    );
  if (
    unlisted.length > 0 ||
    rows.some(({ canHold, accountId }) => canHold === 'unknown' && !isClosed.has(accountId))
  )
    context.exitCode = EXIT.undecided;
  if (options.format === 'json')
    return writeJson(context, { schemaVersion: 1, kind: 'Inventory', now: report.now, rows });
  if (options.format === 'csv') {
    context.stdout.write(csv(rows));
    return;
  }
  writeLines(context, text(rows, options.all === true, context.width));
}

const COLUMNS: readonly (readonly [string, (row: Row) => string])[] = [
  ['account', ({ accountId }) => accountId],
  ['account_name', ({ accountName }) => accountName],
  ['region', ({ region }) => region],
  ['surface', ({ surface }) => surface],
  ['can_hold_content', ({ canHold }) => canHold],
  ['seen', ({ seen }) => seen.join(' | ')],
  ['writer', ({ writer }) => writer],
  ['kept_for', ({ keptFor }) => keptFor.join(' | ')],
  ['key', ({ key }) => key.join(' | ')],
  ['covered_by', ({ coveredBy }) => coveredBy],
];

const csv = (rows: readonly Row[]): string =>
  [COLUMNS.map(([name]) => name), ...rows.map((row) => COLUMNS.map(([, of]) => of(row)))]
    .map(csvLine)
    .join('');

const MOST_SHOWN = 3;
const STANDINGS = ['yes', 'unknown', 'no', 'not-offered'] as const satisfies readonly CanHold[];

function text(rows: readonly Row[], isAll: boolean, width: number): readonly string[] {
  const counts = table(
    [{ header: 'place' }, ...STANDINGS.map((header) => ({ header, align: 'right' as const }))],
    SURFACE_NAMES.map((surface) => [
      surface,
      ...STANDINGS.map((standing) =>
        String(rows.filter((row) => row.surface === surface && row.canHold === standing).length),
      ),
    ]),
    width,
  );
  const shown = rows.filter(({ canHold }) => isAll || canHold === 'yes' || canHold === 'unknown');
  // A Region of which nothing is known is one sentence and not twelve.
  const pairs = Map.groupBy(shown, ({ accountId, region }) => `${accountId} ${region}`);
  return [
    'Can hold content, by account and Region:',
    ...counts,
    ...[...pairs].flatMap(([pair, own]) => [
      '',
      printable(`${pair} (${own[0]?.accountName ?? ''})`),
      ...pairLines(own, width),
    ]),
    '',
    `${countOf(rows.filter(({ canHold }) => canHold === 'yes').length, 'place')} can hold content, ${rows.filter(({ canHold }) => canHold === 'unknown').length} could not be seen.`,
  ];
}

function pairLines(rows: readonly Row[], width: number): readonly string[] {
  const line = (label: string, value: string) =>
    wrap(printable(`${label}: ${value}`), width, '    ', '      ');
  const [first] = rows;
  if (
    first !== undefined &&
    rows.length === SURFACE_NAMES.length &&
    rows.every(({ canHold }) => canHold === 'unknown')
  )
    return wrap(printable(`  nothing could be seen: ${first.seen.join('; ')}`), width, '  ', '    ');
  return rows.flatMap(({ surface, canHold, seen, writer, keptFor, key, coveredBy }) => [
    `  ${surface}: ${canHold}`,
    ...line(canHold === 'unknown' ? 'not known' : 'seen', few(seen)),
    ...(canHold === 'yes'
      ? [
          ...line('written by', writer),
          ...line('kept', few(keptFor)),
          ...line('key', few(key)),
          ...line('covered by', coveredBy === '' ? 'nothing' : coveredBy),
        ]
      : []),
  ]);
}

const few = (items: readonly string[]): string =>
  items.length > MOST_SHOWN
    ? `${items.slice(0, MOST_SHOWN).join('; ')} and ${items.length - MOST_SHOWN} more`
    : items.join('; ');
