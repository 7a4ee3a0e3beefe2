import type { Command } from 'commander';
import { countOf } from '../../core/index.ts';
import { parsePolicy, parsePolicyCases } from '../../policy/index.ts';
import { type CasesReport, type NeededCase, runCases } from '../../rules/index.ts';
import type { CommandContext } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { CliFailure } from '../failure.ts';
import { readTextFile } from '../files.ts';
import { examples, formatOption, policyOption } from '../options.ts';
import { writeJson, writeLines } from '../output.ts';
import { casesFileBeside, malformedDocuments, policyFiles } from '../policies.ts';
import { groupOf } from '../program.ts';
import { type Paint, painter, printable, wrap } from '../terminal/index.ts';

interface Options {
  readonly policy: string;
  readonly format: string;
}

interface Tested {
  readonly policyFile: string;
  readonly casesFile: string;
  readonly report: CasesReport;
}

export function register(program: Command, context: CommandContext): void {
  groupOf(program, 'policy')
    .command('test')
    .description(
      'Run the cases beside a policy. Every case must give its outcome by its clause, and every control needs a case in which it fires, one in which it passes, and one with missing evidence. Exit code 1 otherwise.',
    )
    .argument('[file|dir]', 'instead of --policy')
    .addOption(policyOption())
    .addOption(formatOption('text', 'json'))
    .addHelpText('after', examples('proviso policy test', 'proviso policy test policies/prompt-storage.yaml'))
    .action((path: string | undefined, options: Options) => test(path ?? options.policy, options, context));
}

async function test(path: string, options: Options, context: CommandContext): Promise<void> {
  const tested: Tested[] = [];
  for (const file of await policyFiles(path, context)) tested.push(await testOne(file, context));
  const hasPassed = tested.every(({ report }) => report.hasPassed);
  context.exitCode = hasPassed ? EXIT.fine : EXIT.findings;
  if (options.format === 'json') {
    writeJson(context, { schemaVersion: 1, hasPassed, policies: tested.map(testedJson) });
    return;
  }
  const lines = tested.flatMap((each) => [...testedLines(each, context.width, painter(context.color)), '']);
  writeLines(context, lines.slice(0, -1));
}

/** @throws {CliFailure} with all faults, since malformed cases are not failed cases; and where there are no cases at all */
async function testOne(policyFile: string, context: CommandContext): Promise<Tested> {
  const loaded = parsePolicy(await readTextFile(policyFile, context), policyFile);
  if (!loaded.ok)
    throw malformedDocuments(loaded.error, `\`${policyFile}\` is not a policy that can be used`);
  const { policy } = loaded.value;
  const casesFile = await casesFileBeside(policyFile, context);
  if (casesFile === undefined)
    throw new CliFailure(
      EXIT.findings,
      `\`${policyFile}\` has no cases beside it, so nothing shows that it works`,
      {
        remedy: 'write them; `proviso policy schema --for cases` gives their form to an editor',
      },
    );
  const cases = parsePolicyCases(await readTextFile(casesFile, context), casesFile, policy);
  if (!cases.ok) throw malformedDocuments(cases.error, `the cases in \`${casesFile}\` cannot be used`);
  return { policyFile, casesFile, report: await runCases(cases.value, policy) };
}

const NEED_WORDS = {
  fires: 'in which it fires',
  passes: 'in which it passes',
  'missing-evidence': 'with missing evidence',
} as const satisfies Record<NeededCase, string>;

function testedLines({ casesFile, report }: Tested, width: number, paint: Paint): readonly string[] {
  const item = (tone: 'good' | 'bad', word: string, text: string): readonly string[] => {
    const [first = '', ...more] = wrap(`${word} ${printable(text)}`, width, '  ', '         ');
    return [first.replace(word, paint(tone, word)), ...more];
  };
  const byControl = report.coverage.flatMap(({ controlId, missing }) => [
    paint('bold', controlId),
    ...report.results
      .filter((result) => result.case.control === controlId)
      .flatMap((result) => {
        if (result.hasPassed) return item('good', 'pass', result.case.name);
        const { expect, line } = result.case;
        return [
          ...item('bad', 'FAIL', result.case.name),
          ...wrap(`expected ${expect.outcome} by ${expect.clause}`, width, '         '),
          ...wrap(`got      ${result.actual.outcome} by ${result.actual.clause}`, width, '         '),
          ...wrap(`at ${casesFile}:${line}`, width, '         '),
        ];
      }),
    ...missing.flatMap((need) => item('bad', 'FAIL', `no passing case ${NEED_WORDS[need]}`)),
  ]);
  const failed = report.results.filter((result) => !result.hasPassed).length;
  const gaps = report.coverage.reduce((sum, { missing }) => sum + missing.length, 0);
  const summary = `${countOf(report.results.length, 'case')}: ${report.results.length - failed} passed, ${failed} failed; ${countOf(gaps, 'needed case')} missing`;
  return [...wrap(printable(casesFile), width), '', ...byControl, '', ...wrap(summary, width)];
}

const testedJson = ({ policyFile, casesFile, report }: Tested): unknown => ({
  policyFile,
  casesFile,
  hasPassed: report.hasPassed,
  results: report.results.map(({ case: { name, control, expect, line }, hasPassed, actual }) => ({
    name,
    control,
    expect,
    actual,
    hasPassed,
    line,
  })),
  coverage: report.coverage,
});
