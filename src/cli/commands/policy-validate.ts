import type { Command } from 'commander';
import {
  countOf,
  type DocumentPath,
  formatProblem,
  type Problem,
  parseSourceDocument,
  type SourceDocument,
} from '../../core/index.ts';
import { clausePlace, findIdleClauses } from '../../diff/index.ts';
import { isMistakenAction, unknownActionWarning } from '../../iam/index.ts';
import { type Policy, parsePolicy, parsePolicyCases, unknownRegions } from '../../policy/index.ts';
import type { CommandContext } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { readTextFile } from '../files.ts';
import { examples, formatOption, policyOption } from '../options.ts';
import { writeJson, writeLines } from '../output.ts';
import { casesFileBeside, policyFiles } from '../policies.ts';
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
      'Tell every fault of a policy and of the cases beside it, with file, line and column, what was expected and what to write instead. Regions that AWS is not known to have, controls and clauses that can never decide anything, and actions in its texts that AWS does not have (`bedrock:Converse`) are told as warnings; they change no exit code.',
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
  return [...regions, ...idle, ...unknownActions(document.value)];
}

/**
 * Actions that a text of the policy names and AWS does not have: whoever follows such a remedy grants nothing.
 * A text that says so itself (`bedrock:Converse` in an erratum) is left alone.
 */
function unknownActions(document: SourceDocument): readonly Problem[] {
  return textsOf(document.value).flatMap(({ path, text }) =>
    path.includes('erratum') || path.includes('note')
      ? []
      : [...new Set(text.match(ACTION) ?? [])].flatMap((action) => {
          const warning = isMistakenAction(action) ? unknownActionWarning(action) : undefined;
          return warning === undefined
            ? []
            : [document.problemAt(path, 'unknown-action', warning, 'name the action that AWS checks')];
        }),
  );
}

/** `bedrock:InvokeModel`, and no ARN, time or YAML key. */
const ACTION = /(?<![\w:.-])[a-z][a-z0-9-]+:[A-Z][A-Za-z]+\*?(?![\w:])/g;

function textsOf(
  value: unknown,
  path: DocumentPath = [],
): readonly { readonly path: DocumentPath; readonly text: string }[] {
  if (typeof value === 'string') return [{ path, text: value }];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, member]) =>
    textsOf(member, [...path, Array.isArray(value) ? Number(key) : key]),
  );
}
