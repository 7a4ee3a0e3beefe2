import type { Command } from 'commander';
import { formatProblem, type Problem, parseSourceDocument } from '../../core/index.ts';
import { clausePlace, findIdleClauses } from '../../diff/index.ts';
import { type Policy, parsePolicy, parsePolicyCases, unknownRegions } from '../../policy/index.ts';
import type { CommandContext } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { readTextFile } from '../files.ts';
import { examples, formatOption, policyOption } from '../options.ts';
import { writeJson, writeLines } from '../output.ts';
import { casesFileBeside, countOf, policyFiles } from '../policies.ts';
import { groupOf } from '../program.ts';
import { printable, wrap } from '../terminal/index.ts';

interface Options {
  readonly policy: string;
  readonly format: string;
}

export function register(program: Command, context: CommandContext): void {
  groupOf(program, 'policy')
    .command('validate')
    .description(
      'Tell every fault of a policy and of the cases beside it, with file, line and column, what was expected and what to write instead. Regions that AWS is not known to have, and controls and clauses that can never decide anything, are told as warnings; they change no exit code.',
    )
    .argument('[file|dir]', 'instead of --policy')
    .addOption(policyOption())
    .addOption(formatOption('text', 'json'))
    .addHelpText(
      'after',
      examples('proviso policy validate', 'proviso policy validate policies/prompt-storage.yaml'),
    )
    .action((path: string | undefined, options: Options) =>
      validate(path ?? options.policy, options, context),
    );
}

interface Validated {
  readonly file: string;
  readonly kind: 'policy' | 'cases';
  /** Absent when it has faults. */
  readonly summary?: string;
  readonly problems: readonly Problem[];
  /** What is valid and does nothing. */
  readonly warnings?: readonly Problem[];
}

async function validate(path: string, options: Options, context: CommandContext): Promise<void> {
  const results: Validated[] = [];
  for (const file of await policyFiles(path, context)) results.push(...(await validateOne(file, context)));
  const problems = results.flatMap((result) => result.problems);
  if (problems.length > 0) context.exitCode = EXIT.malformed;
  if (options.format === 'json') {
    writeJson(context, {
      schemaVersion: 1,
      isValid: problems.length === 0,
      files: results.map(({ file, kind, problems: faults, warnings }) => ({
        file,
        kind,
        problems: faults,
        warnings: warnings ?? [],
      })),
    });
    return;
  }
  const lines = results.flatMap(({ file, summary, problems: faults, warnings }) =>
    faults.length === 0
      ? [
          ...wrap(
            `${printable(file)}: valid${summary === undefined ? '' : `, ${summary}`}`,
            context.width,
            '',
            '  ',
          ),
          ...(warnings ?? []).flatMap((warning) => ['', `warning: ${formatProblem(warning)}`]),
        ]
      : faults.flatMap((fault) => [formatProblem(fault), '']),
  );
  if (problems.length > 0) {
    const broken = results.filter((result) => result.problems.length > 0).length;
    lines.push(`${countOf(problems.length, 'fault')} in ${countOf(broken, 'file')}`);
  }
  writeLines(context, lines);
}

async function validateOne(file: string, context: CommandContext): Promise<readonly Validated[]> {
  const text = await readTextFile(file, context);
  const parsed = parsePolicy(text, file);
  // Cases are read against their policy: without one, their faults would be guesses.
  if (!parsed.ok) return [{ file, kind: 'policy', problems: parsed.error }];
  const { policy } = parsed.value;
  const summary = `version ${policy.metadata.version}, ${countOf(policy.controls.length, 'control')}, hash ${parsed.value.hash.slice(0, 16)}`;
  const own: Validated = {
    file,
    kind: 'policy',
    summary,
    problems: [],
    warnings: warningsOf(policy, text, file),
  };
  const casesFile = await casesFileBeside(file, context);
  if (casesFile === undefined) return [own];
  const cases = parsePolicyCases(await readTextFile(casesFile, context), casesFile, policy);
  return [
    own,
    cases.ok
      ? { file: casesFile, kind: 'cases', summary: countOf(cases.value.cases.length, 'case'), problems: [] }
      : { file: casesFile, kind: 'cases', problems: cases.error },
  ];
}

function warningsOf({ controls, storage }: Policy, text: string, file: string): readonly Problem[] {
  const document = parseSourceDocument(text, file);
  if (!document.ok) return [];
  const regions = unknownRegions(storage.scope.regions).map(({ index, code, message, remedy }) =>
    document.value.problemAt(['storage', 'scope', 'regions', index], code, message, remedy),
  );
  const idle = findIdleClauses(controls).map(({ code, controlId, clause, message, remedy }) => {
    const index = controls.findIndex(({ id }) => id === controlId);
    return document.value.problemAt(clausePlace(index, clause), code, message, remedy);
  });
  return [...regions, ...idle];
}
