import type { Command } from 'commander';
import { countOf } from '../../core/index.ts';
import {
  type FactSet,
  type Fate,
  type MutantResult,
  type MutationReport,
  mutatePolicy,
} from '../../rules/index.ts';
import type { CommandContext } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { examples, formatOption, policyOption } from '../options.ts';
import { writeJson, writeLines } from '../output.ts';
import { minOption, type PolicyWithCases, readPoliciesWithCases } from '../policy-cases.ts';
import { groupOf } from '../program.ts';
import { type Paint, painter, printable, wrap } from '../terminal/index.ts';

interface Options {
  readonly policy: string;
  readonly min: number;
  readonly format: string;
}

export function register(program: Command, context: CommandContext): void {
  groupOf(program, 'policy')
    .command('mutate')
    .description(
      'Put one mistake after the other into the controls of a policy (a clause left out, the opposite asked, another constant, `any` for `all`, `when` left out) and tell which ones no case notices. A mistake that provably changes nothing is listed apart and does not count. Exit code 1 below --min.',
    )
    .argument('[file|dir]', 'instead of --policy')
    .addOption(policyOption())
    .addOption(minOption('the share of noticed mistakes'))
    .addOption(formatOption('text', 'json'))
    .addHelpText(
      'after',
      examples('proviso policy mutate', 'proviso policy mutate policies/prompt-storage.yaml --min 90'),
    )
    .action((path: string | undefined, options: Options) => mutate(path ?? options.policy, options, context));
}

interface Mutated extends PolicyWithCases {
  readonly report: MutationReport;
}

async function mutate(path: string, options: Options, context: CommandContext): Promise<void> {
  const mutated = (await readPoliciesWithCases(path, context)).map(
    (each): Mutated => ({ ...each, report: mutatePolicy(each.policy, each.cases) }),
  );
  const isEnough = mutated.every(({ report }) => report.score >= options.min);
  context.exitCode = isEnough ? EXIT.fine : EXIT.findings;
  if (options.format === 'json')
    return writeJson(context, {
      schemaVersion: 1,
      kind: 'PolicyMutation',
      min: options.min,
      isEnough,
      policies: mutated.map(({ policyFile, casesFile, report }) => ({
        policyFile,
        casesFile,
        counts: report.counts,
        score: report.score,
        mutants: report.results.map(mutantJson),
      })),
    });
  const lines = mutated.flatMap((each) => ['', ...mutationLines(each, options.min, context)]);
  writeLines(context, lines.slice(1));
}

const mutantJson = ({ mutant: { controlId, clause, change, control }, fate }: MutantResult): unknown => ({
  controlId,
  clause,
  change,
  control,
  ...(fate.kind === 'survives'
    ? { fate: fate.kind, before: fate.before, after: fate.after, witness: witnessJson(fate.witness) }
    : { ...fate, fate: fate.kind }),
});

/** As a case states them. */
const witnessJson = (witness: FactSet): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries(witness).map(([fact, seen]) => [
      fact,
      seen.kind === 'observed' ? seen.value : { [seen.kind]: true },
    ]),
  );

function mutationLines(
  { casesFile, report }: Mutated,
  min: number,
  { width, color }: CommandContext,
): readonly string[] {
  const paint = painter(color);
  const { counts, score } = report;
  const shown = report.results.filter(({ fate }) => fate.kind !== 'noticed');
  const noticeable = report.results.length - counts.equivalent;
  const below =
    score < min
      ? `, below the ${min} % asked for; proviso policy cases suggest writes cases that notice them`
      : '';
  return [
    ...wrap(printable(casesFile), width),
    '',
    ...shown.flatMap((each) => [...mutantLines(each, width, paint), '']),
    ...wrap(
      `${countOf(report.results.length, 'mistake')}: ${counts.noticed} of ${noticeable} noticed (${score} %), ${counts.survives} unnoticed, ${counts.undecided} undecided, ${counts.equivalent} that change nothing${below}`,
      width,
    ),
  ];
}

const WORDS = {
  survives: ['bad', 'unnoticed'],
  undecided: ['warning', 'undecided'],
  equivalent: ['dim', 'changes nothing'],
  noticed: ['good', 'noticed'],
} as const satisfies Record<Fate['kind'], readonly [Parameters<Paint>[0], string]>;

function mutantLines(
  { mutant: { controlId, clause, change }, fate }: MutantResult,
  width: number,
  paint: Paint,
): readonly string[] {
  const [tone, word] = WORDS[fate.kind];
  const [first = '', ...more] = wrap(
    printable(`${word}  ${controlId} ${clause}: ${change}`),
    width,
    '',
    '  ',
  );
  return [
    first.replace(word, paint(tone, word)),
    ...more,
    ...(fate.kind === 'survives'
      ? wrap(
          printable(`${fate.before} becomes ${fate.after} where ${witnessWords(fate.witness)}`),
          width,
          '  ',
        )
      : []),
    ...(fate.kind === 'undecided'
      ? wrap(`${fate.combinations} combinations of facts are too many to try`, width, '  ')
      : []),
  ];
}

const witnessWords = (witness: FactSet): string =>
  Object.entries(witness)
    .map(([fact, seen]) => `${fact} is ${seen.kind === 'observed' ? String(seen.value) : seen.kind}`)
    .join(', ') || 'nothing is known';
