import { Argument, type Command } from 'commander';
import type { AccountId } from '../../core/index.ts';
import {
  ACTION_SETS,
  type ActionSetName,
  accessOf,
  CATALOGUE,
  type Capability,
  type CapablePrincipal,
  CERTAINTY_WORDS,
  type DestinationReaders,
  describePath,
  describeStatement,
  describeStatements,
  destinationWords,
  isActionSetName,
  type WhoCan,
  whereWords,
  whoCan,
} from '../../iam/index.ts';
import {
  ACCESS_SCHEMA_VERSION,
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
      'Who may do something, directly or by assuming roles, over identity policies, boundaries and control policies, with the deciding statements; `read-content` also for each place that content goes to, with what the place itself and the grants of its key say. Ends with 3 when something could not be seen or decided.',
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
  const isUndecided = [found, ...found.destinations].some(
    (each) =>
      each.notSeen.length > 0 ||
      [...each.principals, ...each.roots, ...each.paths].some(
        ({ certainty }) => certainty === 'cannot-decide',
      ),
  );
  context.exitCode = isUndecided ? EXIT.undecided : EXIT.fine;
  if (options.format === 'json') writeJson(context, whoCanJson(found));
  else {
    const names = new Map(snapshot.organization.accounts.map(({ id, name }) => [String(id), name]));
    const nameOf = (accountId: string): string =>
      names.has(accountId) ? `${names.get(accountId)} (${accountId})` : accountId;
    writeLines(context, whoCanText(found, nameOf, context.width, painter(context.color)));
  }
}

const capableJson = ({ principal, certainty, decisions }: CapablePrincipal) => ({
  ...principalJson(principal),
  certainty,
  decisions: decisions.map(decisionJson),
});

const pathsJson = (paths: WhoCan['paths'], words: string) =>
  paths.map((path) => ({
    from: principalJson(path.from),
    certainty: path.certainty,
    words: describePath(path, words),
    steps: path.steps.map(({ role, decision }) => ({
      role: principalJson(role),
      ...decisionJson(decision),
    })),
  }));

const destinationJson = (
  { destination, actions, principals, roots, paths, others, withoutKey, notSeen }: DestinationReaders,
  words: string,
) => ({
  kind: destination.kind,
  resourceArn: destination.resourceArn,
  accountId: destination.accountId ?? null,
  namedIn: destination.namedIn,
  keyArn: destination.keyArn ?? null,
  ...(destination.accessPoints === undefined
    ? {}
    : { accessPoints: destination.accessPoints.known.map(({ arn }) => arn) }),
  actions,
  principals: [...principals, ...roots].map(capableJson),
  paths: pathsJson(paths, words),
  others: others.map(({ words: who, certainty, decisions }) => ({
    who,
    certainty,
    decisions: decisions.map(decisionJson),
  })),
  withoutKey: withoutKey.map(capableJson),
  notSeen,
});

const whoCanJson = ({
  set,
  words,
  actions,
  principals,
  roots,
  paths,
  outsiders,
  destinations,
  notSeen,
}: WhoCan) => ({
  schemaVersion: ACCESS_SCHEMA_VERSION,
  kind: 'WhoCan',
  question: set,
  words,
  actions,
  catalogue: catalogueJson,
  principals: [...principals, ...roots].map(capableJson),
  paths: pathsJson(paths, words),
  trustedOutsiders: outsiders.map(({ role, who }) => ({ role: principalJson(role), who })),
  ...(isPerDestination(set)
    ? { destinations: destinations.map((each) => destinationJson(each, readingWords(each))) }
    : {}),
  notSeen,
});

/** The question whose answer depends on the place that is asked about. */
const isPerDestination = (set: ActionSetName): boolean => set === 'read-content';

const VERBS = { bucket: 'read', 'log-group': 'read', key: 'decrypt with' } as const;
/** ``read bucket `prompts` ``: after "may". */
const readingWords = ({ destination }: DestinationReaders): string =>
  `${VERBS[destination.kind]} ${destinationWords(destination)}`;

interface Listed extends Capability {
  readonly words: string;
}

function whoCanText(
  found: WhoCan,
  nameOf: (accountId: string) => string,
  width: number,
  paint: Paint,
): readonly string[] {
  const { set, words, actions, outsiders, destinations, notSeen } = found;
  const item = (text: string, indent = ''): readonly string[] =>
    wrap(`- ${printable(text)}`, width, `${indent}  `, `${indent}    `);
  const heading = (text: string, indent = ''): readonly string[] => [
    '',
    ...wrap(printable(text), width, indent).map((line) => paint('bold', line)),
  ];
  const part = (title: string, lines: readonly string[], indent = ''): readonly string[] =>
    lines.length === 0 ? [] : [...heading(title, indent), ...lines];

  /** @param said - what could not be seen and was said before of all of them */
  const ways = (
    { principals, roots, paths }: Pick<WhoCan, 'principals' | 'roots' | 'paths'>,
    others: readonly Listed[],
    what: string,
    indent = '',
    said: readonly string[] = [],
  ): readonly string[] => {
    const aside = (text: string): readonly string[] => wrap(printable(text), width, `${indent}      `);
    const listed = (lines: readonly Listed[], certainty: CapablePrincipal['certainty']): readonly string[] =>
      lines
        .filter((each) => each.certainty === certainty)
        .flatMap(({ words: who, decisions }) => [
          ...item(who, indent),
          ...decisions
            .flatMap((decision) => (decision.kind === 'cannot-decide' ? [decision.detail] : []))
            .filter((detail, index, all) => all.indexOf(detail) === index)
            .filter((detail) => !said.some((line) => line.startsWith(detail)))
            .flatMap(aside),
          ...describeStatements(decisions).flatMap(aside),
        ]);
    const all = [
      ...principals.map((each) => ({ ...each, words: principalWords(each.principal) })),
      ...others,
    ];
    return [
      ...part('May', listed(all, 'allowed'), indent),
      ...part('May, under conditions', listed(all, 'conditionally-allowed'), indent),
      ...part('Cannot be decided', listed(all, 'cannot-decide'), indent),
      ...part(
        'By assuming roles',
        paths.flatMap((path) => [
          ...item(`${describePath(path, what)} (${CERTAINTY_WORDS[path.certainty]})`, indent),
          ...path.steps.flatMap(({ decision }) => decision.statements.map(describeStatement)).flatMap(aside),
        ]),
        indent,
      ),
      ...part(
        'Root users, whom no identity policy limits',
        roots.flatMap(({ principal, certainty }) =>
          item(`${principalWords(principal)}: ${CERTAINTY_WORDS[certainty]}`, indent),
        ),
        indent,
      ),
      ...(all.length + paths.length + roots.length === 0 ? ['', `${indent}Nobody, as far as was seen.`] : []),
    ];
  };
  const place = (each: DestinationReaders): readonly string[] => {
    const { destination, others, withoutKey, notSeen: unread } = each;
    const key = destination.keyArn;
    return [
      ...heading(`Who may ${VERBS[destination.kind]} ${whereWords(destination, nameOf)}`),
      ...unread.flatMap((text) => item(text)),
      ...(key === undefined
        ? []
        : item(`its objects are under key \`${key}\`; those who may read it and decrypt with the key:`)),
      ...(destination.accessPoints?.known ?? []).flatMap(({ arn }) =>
        item(`access point \`${arn}\` is in front of it; those who may read it through there are listed too`),
      ),
      ...ways(each, others, readingWords(each), '  ', unread),
      ...part(
        'May read it, and are denied the key: what lies under it stays closed to them',
        withoutKey.flatMap(({ principal }) => item(principalWords(principal), '  ')),
        '  ',
      ),
    ];
  };
  return [
    ...wrap(`Who may ${words}`, width).map((line) => paint('bold', line)),
    ...wrap(`${actions.length} actions, of the list of ${CATALOGUE.date}`, width),
    ...destinations.flatMap(place),
    ...(isPerDestination(set)
      ? heading('By their own policies alone, in some bucket, log group or store of Bedrock')
      : []),
    ...ways(found, [], words, isPerDestination(set) ? '  ' : ''),
    ...part(
      'These roles trust somebody who is no principal of the organization',
      outsiders.flatMap(({ role, who }) => item(`${principalWords(role)}: ${who.join('; ')}`)),
    ),
    ...part(
      'Not seen',
      notSeen.flatMap((text) => item(text)),
    ),
  ];
}
