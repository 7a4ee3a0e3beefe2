import type { Command } from 'commander';
import { countOf } from '../../core/index.ts';
import { type Suggestions, suggestCases, suggestionsText } from '../../rules/index.ts';
import type { CommandContext } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { examples, formatOption, policyOption } from '../options.ts';
import { note, writeJson } from '../output.ts';
import { type PolicyWithCases, readPoliciesWithCases } from '../policy-cases.ts';
import { groupOf } from '../program.ts';

interface Options {
  readonly policy: string;
  readonly format: string;
}

export function register(program: Command, context: CommandContext): void {
  groupOf(program, 'policy', 'cases')
    .command('suggest')
    .description(
      'Write the cases that a policy lacks, found by trying what its conditions can tell apart: for outcomes no case shows, for clauses no case exercises, for mistakes no case notices. No file is changed: a person reads each one, asks whether the outcome is the right one, gives it a good name and adds it. Exit code 1 when cases are missing.',
    )
    .argument('[file|dir]', 'instead of --policy')
    .addOption(policyOption())
    .addOption(formatOption('yaml', 'json'))
    .addHelpText('after', examples('proviso policy cases suggest', 'proviso policy cases suggest policies/'))
    .action((path: string | undefined, options: Options) =>
      suggest(path ?? options.policy, options, context),
    );
}

interface Suggested extends PolicyWithCases {
  readonly suggestions: Suggestions;
}

async function suggest(path: string, options: Options, context: CommandContext): Promise<void> {
  const all = (await readPoliciesWithCases(path, context)).map(
    (each): Suggested => ({ ...each, suggestions: suggestCases(each.policy, each.cases) }),
  );
  const missing = all.reduce((sum, { suggestions }) => sum + suggestions.cases.length, 0);
  context.exitCode = missing === 0 ? EXIT.fine : EXIT.findings;
  if (options.format === 'json')
    return writeJson(context, {
      schemaVersion: 1,
      kind: 'SuggestedCases',
      policies: all.map(({ policyFile, casesFile, suggestions }) => ({
        policyFile,
        casesFile,
        ...suggestions,
      })),
    });
  for (const { casesFile, suggestions } of all) {
    const text = suggestionsText(suggestions);
    if (text === '') note(context, `${casesFile} lacks no case`);
    else {
      note(
        context,
        `${countOf(suggestions.cases.length, 'case')} to read, correct and add to ${casesFile}, below \`cases:\``,
      );
      context.stdout.write(text);
    }
  }
}
