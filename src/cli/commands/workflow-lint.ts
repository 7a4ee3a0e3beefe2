import type { Command } from 'commander';
import { countOf, formatProblem, type Problem } from '../../core/index.ts';
import { type LintFinding, lintStateMachine, parseStateMachine } from '../../runtime/index.ts';
import type { CommandContext } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { CliFailure } from '../failure.ts';
import { kindOfPath, listFiles, readTextFile } from '../files.ts';
import { examples, formatOption } from '../options.ts';
import { writeJson, writeLines } from '../output.ts';
import { groupOf } from '../program.ts';
import { printable, wrap } from '../terminal/index.ts';

const DEFAULT_FOLDER = 'workflows';
const isDefinition = (name: string): boolean => /\.asl\.(ya?ml|json)$/.test(name);

interface Linted {
  readonly file: string;
  /** The definition is outside the portable subset or is broken: nothing could be linted. */
  readonly problems: readonly Problem[];
  readonly findings: readonly LintFinding[];
  readonly states: number;
}

export function register(program: Command, context: CommandContext): void {
  groupOf(program, 'workflow')
    .command('lint')
    .description(
      'Check that state machines keep to the portable subset of the Amazon States Language, and for traps that its syntax allows. Exit code 2 for a definition outside the subset, 1 for an error inside it; warnings do not count.',
    )
    .argument('[files...]', 'definitions or folders of them (default: workflows/)')
    .addOption(formatOption('text', 'json'))
    .addHelpText(
      'after',
      examples('proviso workflow lint', 'proviso workflow lint workflows/prompt-storage-exception.asl.yml'),
    )
    .action((files: readonly string[], options: { readonly format: string }) =>
      lint(files, options.format, context),
    );
}

async function lint(paths: readonly string[], format: string, context: CommandContext): Promise<void> {
  const linted: Linted[] = [];
  for (const file of await definitionFiles(paths.length === 0 ? [DEFAULT_FOLDER] : paths, context))
    linted.push(lintOne(file, await readTextFile(file, context)));
  const isMalformed = linted.some(({ problems }) => problems.length > 0);
  const hasErrors = linted.some(({ findings }) => findings.some(({ severity }) => severity === 'error'));
  context.exitCode = isMalformed ? EXIT.malformed : hasErrors ? EXIT.findings : EXIT.fine;
  if (format === 'json') writeJson(context, { schemaVersion: 1, files: linted });
  else
    writeLines(
      context,
      linted.flatMap((each) => lintedLines(each, context.width)),
    );
}

async function definitionFiles(
  paths: readonly string[],
  context: CommandContext,
): Promise<readonly string[]> {
  const files: string[] = [];
  for (const path of paths) {
    if ((await kindOfPath(path, context)) !== 'folder') files.push(path);
    else files.push(...(await listFiles(path, isDefinition, context)));
  }
  if (files.length === 0)
    throw new CliFailure(EXIT.malformed, `there is no state machine in \`${paths.join(' ')}\``, {
      remedy: 'a definition is a file such as `name.asl.yml`',
    });
  return [...new Set(files)];
}

function lintOne(file: string, text: string): Linted {
  const parsed = parseStateMachine(text, file);
  return parsed.ok
    ? { file, problems: [], findings: lintStateMachine(parsed.value), states: parsed.value.allStates.size }
    : { file, problems: parsed.error, findings: [], states: 0 };
}

function lintedLines({ file, problems, findings, states }: Linted, width: number): readonly string[] {
  if (problems.length > 0)
    return [
      ...problems.flatMap((problem) => [formatProblem(problem), '']),
      ...wrap(
        `${printable(file)}: ${countOf(problems.length, 'fault')}; not a definition that can run`,
        width,
      ),
    ];
  if (findings.length === 0) return wrap(`${printable(file)}: clean, ${countOf(states, 'state')}`, width);
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  return [
    ...findings.flatMap((finding) => [`${finding.severity}: ${formatProblem(finding)}`, '']),
    ...wrap(
      `${printable(file)}: ${countOf(errors, 'error')}, ${countOf(findings.length - errors, 'warning')}`,
      width,
    ),
  ];
}
