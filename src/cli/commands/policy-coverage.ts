import type { Command } from 'commander';
import { type ClauseCoverage, type CoverageReport, coverCases } from '../../rules/index.ts';
import type { CommandContext } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { examples, formatOption, policyOption } from '../options.ts';
import { writeJson, writeLines } from '../output.ts';
import { minOption, type PolicyWithCases, readPoliciesWithCases } from '../policy-cases.ts';
import { groupOf } from '../program.ts';
import { painter, printable, table, wrap } from '../terminal/index.ts';

interface Options {
  readonly policy: string;
  readonly min: number;
  readonly format: string;
}

export function register(program: Command, context: CommandContext): void {
  groupOf(program, 'policy')
    .command('coverage')
    .description(
      'Tell which clauses of a policy its cases exercise, and in which direction. A clause is exercised when passing cases saw it true and saw it false; one under `require` counts only where the control applies. Exit code 1 below --min.',
    )
    .argument('[file|dir]', 'instead of --policy')
    .addOption(policyOption())
    .addOption(minOption('the share of exercised directions'))
    .addOption(formatOption('text', 'json'))
    .addHelpText(
      'after',
      examples('proviso policy coverage', 'proviso policy coverage policies/prompt-storage.yaml --min 90'),
    )
    .action((path: string | undefined, options: Options) => cover(path ?? options.policy, options, context));
}

interface Covered extends PolicyWithCases {
  readonly report: CoverageReport;
}

async function cover(path: string, options: Options, context: CommandContext): Promise<void> {
  const covered = (await readPoliciesWithCases(path, context)).map(
    (each): Covered => ({ ...each, report: coverCases(each.policy, each.cases) }),
  );
  const isEnough = covered.every(({ report }) => report.percent >= options.min);
  context.exitCode = isEnough ? EXIT.fine : EXIT.findings;
  if (options.format === 'json')
    return writeJson(context, {
      schemaVersion: 1,
      kind: 'PolicyCoverage',
      min: options.min,
      isEnough,
      policies: covered.map(({ policyFile, casesFile, report }) => ({ policyFile, casesFile, ...report })),
    });
  const lines = covered.flatMap((each) => ['', ...coverageLines(each, options.min, context)]);
  writeLines(context, lines.slice(1));
}

function coverageLines(
  { casesFile, policy, report }: Covered,
  min: number,
  { width, color }: CommandContext,
): readonly string[] {
  const paint = painter(color);
  const gaps = report.clauses.filter(({ missing }) => missing.length > 0);
  const [header = '', ...rows] = table(
    [
      { header: 'CLAUSE', gives: true },
      { header: 'TRUE', align: 'right' },
      { header: 'FALSE', align: 'right' },
      { header: 'UNKNOWN', align: 'right' },
      { header: 'DECIDED' },
    ],
    policy.controls.flatMap(({ id }) => [
      [id],
      ...report.clauses.filter(({ controlId }) => controlId === id).map(clauseRow),
    ]),
    width,
  );
  const { exercised, directions, percent } = report;
  return [
    ...wrap(printable(casesFile), width),
    '',
    paint('dim', header),
    ...rows.map((row) => (row.startsWith(' ') ? row : paint('bold', row))),
    '',
    ...gaps.flatMap(({ controlId, clause, missing }) =>
      wrap(`${controlId} ${clause}: no passing case sees it ${missing.join(' or ')}`, width, '', '  ').map(
        (line) => paint('bad', line),
      ),
    ),
    ...wrap(
      `${exercised} of ${directions} directions are exercised: ${percent} %${percent < min ? `, below the ${min} % asked for; proviso policy cases suggest writes what is missing` : ''}`,
      width,
    ),
  ];
}

/** How often it was seen with each truth value, and with which it decided. */
function clauseRow({ clause, byTruth }: ClauseCoverage): readonly string[] {
  const decided = (['true', 'false', 'unknown'] as const).filter((truth) => byTruth[truth].decided > 0);
  return [
    `  ${clause}`,
    String(byTruth.true.seen),
    String(byTruth.false.seen),
    String(byTruth.unknown.seen),
    decided.join(', ') || 'never',
  ];
}
