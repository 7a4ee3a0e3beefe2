import { Argument, type Command } from 'commander';
import type { AccountId } from '../../core/index.ts';
import {
  ACTION_SETS,
  type ActionSetName,
  accessOf,
  CATALOGUE,
  type CapablePrincipal,
  describePath,
  describeStatement,
  describeStatements,
  isActionSetName,
  type WhoCan,
  whoCan,
} from '../../iam/index.ts';
import {
  ACCESS_SCHEMA_VERSION,
  CERTAINTY_WORDS,
  catalogueJson,
  decisionJson,
  isOfAccounts,
  principalJson,
  principalWords,
} from '../access.ts';
import type { CommandContext } from '../context.ts';
import { loadSnapshot } from '../estate.ts';
import { EXIT } from '../exit-codes.ts';
import { CliFailure } from '../failure.ts';
import { examples, formatOption, readAccounts, snapshotOption } from '../options.ts';
import { writeJson, writeLines } from '../output.ts';
import { groupOf } from '../program.ts';
import { type Paint, painter, printable, wrap } from '../terminal/index.ts';

interface Options {
  readonly snapshot?: string;
  readonly account?: readonly AccountId[];
  readonly format: string;
}

export function register(program: Command, context: CommandContext): void {
  groupOf(program, 'iam')
    .command('who-can')
    .description(
      'Who may do something, directly or by assuming roles, over identity policies, boundaries and service control policies, with the deciding statements. Ends with 3 when something could not be seen or decided.',
    )
    .addArgument(
      new Argument('<question>', 'what is asked about').choices(Object.keys(ACTION_SETS)).argRequired(),
    )
    .addOption(snapshotOption())
    .option('--account <id>', 'only the principals of this account; may be repeated', readAccounts)
    .addOption(formatOption('text', 'json'))
    .addHelpText(
      'after',
      `\nQuestions:\n${Object.entries(ACTION_SETS)
        .flatMap(([name, { words }]) => wrap(`${name}: who may ${words}`, context.width, '  ', '    '))
        .join('\n')}\n${examples('proviso iam who-can change-storage --snapshot examples/organization')}`,
    )
    .action(async (question: string, options: Options) => {
      if (!isActionSetName(question)) throw new Error(`commander let \`${question}\` through`);
      await answer(question, options, context);
    });
}

async function answer(question: ActionSetName, options: Options, context: CommandContext): Promise<void> {
  if (options.snapshot === undefined)
    throw new CliFailure(EXIT.malformed, 'no snapshot was given', {
      remedy: 'name one with `--snapshot DIR`',
    });
  const snapshot = await loadSnapshot(options.snapshot, context);
  const found = whoCan(accessOf(snapshot), question, isOfAccounts(options.account));
  const isUndecided =
    found.notSeen.length > 0 ||
    [...found.principals, ...found.roots, ...found.paths].some(
      ({ certainty }) => certainty === 'cannot-decide',
    );
  context.exitCode = isUndecided ? EXIT.undecided : EXIT.fine;
  if (options.format === 'json') writeJson(context, whoCanJson(found));
  else writeLines(context, whoCanText(found, context.width, painter(context.color)));
}

const whoCanJson = ({ set, words, actions, principals, roots, paths, outsiders, notSeen }: WhoCan) => ({
  schemaVersion: ACCESS_SCHEMA_VERSION,
  kind: 'WhoCan',
  question: set,
  words,
  actions,
  catalogue: catalogueJson,
  principals: [...principals, ...roots].map(({ principal, certainty, decisions }) => ({
    ...principalJson(principal),
    certainty,
    decisions: decisions.map(decisionJson),
  })),
  paths: paths.map((path) => ({
    from: principalJson(path.from),
    certainty: path.certainty,
    words: describePath(path, words),
    steps: path.steps.map(({ role, decision }) => ({
      role: principalJson(role),
      ...decisionJson(decision),
    })),
  })),
  trustedOutsiders: outsiders.map(({ role, who }) => ({ role: principalJson(role), who })),
  notSeen,
});

function whoCanText(found: WhoCan, width: number, paint: Paint): readonly string[] {
  const { words, actions, principals, roots, paths, outsiders, notSeen } = found;
  const part = (heading: string, lines: readonly string[]): readonly string[] =>
    lines.length === 0 ? [] : ['', paint('bold', heading), ...lines];
  const item = (text: string): readonly string[] => wrap(`- ${printable(text)}`, width, '  ', '    ');
  const aside = (text: string): readonly string[] => wrap(printable(text), width, '      ');
  const listed = (certainty: CapablePrincipal['certainty']): readonly string[] =>
    principals
      .filter((each) => each.certainty === certainty)
      .flatMap(({ principal, decisions }) => [
        ...item(principalWords(principal)),
        ...decisions
          .flatMap((decision) => (decision.kind === 'cannot-decide' ? [decision.detail] : []))
          .filter((detail, index, all) => all.indexOf(detail) === index)
          .flatMap(aside),
        ...describeStatements(decisions).flatMap(aside),
      ]);
  return [
    ...wrap(`Who may ${words}`, width).map((line) => paint('bold', line)),
    ...wrap(`${actions.length} actions, of the list of ${CATALOGUE.date}`, width),
    ...part('May', listed('allowed')),
    ...part('May, under conditions', listed('conditionally-allowed')),
    ...part('Cannot be decided', listed('cannot-decide')),
    ...part(
      'By assuming roles',
      paths.flatMap((path) => [
        ...item(`${describePath(path, words)} (${CERTAINTY_WORDS[path.certainty]})`),
        ...path.steps.flatMap(({ decision }) => decision.statements.map(describeStatement)).flatMap(aside),
      ]),
    ),
    ...part(
      'Root users, whom no identity policy limits',
      roots.flatMap(({ principal, certainty }) =>
        item(`${principalWords(principal)}: ${CERTAINTY_WORDS[certainty]}`),
      ),
    ),
    ...part(
      'These roles trust somebody who is no principal of the organization',
      outsiders.flatMap(({ role, who }) => item(`${principalWords(role)}: ${who.join('; ')}`)),
    ),
    ...part('Not seen', notSeen.flatMap(item)),
    ...(principals.length + paths.length + roots.length === 0 ? ['', 'Nobody, as far as was seen.'] : []),
  ];
}
