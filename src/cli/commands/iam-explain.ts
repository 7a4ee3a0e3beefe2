import { type Command, InvalidArgumentError } from 'commander';
import {
  type Access,
  type AccessPath,
  ANY_RESOURCE,
  accessOf,
  CATALOGUE,
  CERTAINTY_WORDS,
  describePath,
  describeStatement,
  type KnownPrincipal,
  known,
  type PermissionDecision,
  pathsTo,
  type RequestContext,
  spelledAction,
  unknownActionWarning,
} from '../../iam/index.ts';
import {
  ACCESS_SCHEMA_VERSION,
  catalogueJson,
  decisionJson,
  principalJson,
  principalWords,
} from '../access.ts';
import type { CommandContext } from '../context.ts';
import { loadSnapshot } from '../estate.ts';
import { EXIT } from '../exit-codes.ts';
import { CliFailure } from '../failure.ts';
import { examples, formatOption, snapshotOption } from '../options.ts';
import { note, writeJson, writeLines } from '../output.ts';
import { groupOf } from '../program.ts';
import { type Paint, painter, printable, wrap } from '../terminal/index.ts';

interface Options {
  readonly snapshot?: string;
  readonly resource?: string;
  readonly context?: ReadonlyMap<string, readonly string[]>;
  readonly format: string;
}

export function register(program: Command, context: CommandContext): void {
  groupOf(program, 'iam')
    .command('explain')
    .description(
      'Whether one principal may do one action, and by which statements; and if not, whether it gets there by assuming roles. Ends with 3 when it cannot be decided.',
    )
    .argument('<principal>', 'an ARN, or the name of a user, group or role')
    .argument('<action>', 'such as `bedrock:InvokeModel`')
    .addOption(snapshotOption())
    .option('--resource <arn>', 'on this resource, instead of on any')
    .option(
      '--context <key=value>',
      'what is known of the request; may be repeated, also for several values of one key',
      readContext,
    )
    .addOption(formatOption('text', 'json'))
    .addHelpText(
      'after',
      examples(
        'proviso iam explain LabAdministrator bedrock:PutAccountDataRetention --snapshot examples/organization',
      ),
    )
    .action((principal: string, action: string, options: Options) =>
      explain(principal, action, options, context),
    );
}

function readContext(
  text: string,
  before: ReadonlyMap<string, readonly string[]> = new Map(),
): ReadonlyMap<string, readonly string[]> {
  const at = text.indexOf('=');
  if (at < 1)
    throw new InvalidArgumentError('expected a condition key and its value, such as `aws:username=ada`');
  const key = text.slice(0, at).toLowerCase();
  return new Map(before).set(key, [...(before.get(key) ?? []), text.slice(at + 1)]);
}

async function explain(
  name: string,
  action: string,
  options: Options,
  context: CommandContext,
): Promise<void> {
  if (options.snapshot === undefined)
    throw new CliFailure(EXIT.malformed, 'no snapshot was given', {
      remedy: 'name one with `--snapshot DIR`',
    });
  if (!/^[A-Za-z0-9-]+:[A-Za-z0-9]+$/.test(action))
    throw new CliFailure(EXIT.malformed, `\`${action}\` is not an action`, {
      remedy: 'give one action without wildcards, such as `bedrock:InvokeModel`',
    });
  const access = accessOf(await loadSnapshot(options.snapshot, context));
  const principal = findOne(access, name);
  const warning = unknownActionWarning(action);
  if (warning !== undefined) note(context, `warning: ${warning}`);
  const asked = spelledAction(action) ?? action;
  const decide = (of: KnownPrincipal): PermissionDecision =>
    access.decide(of, asked, {
      resource: options.resource ?? ANY_RESOURCE,
      ...(options.context === undefined
        ? {}
        : { context: contextWith(access.contextOf(of, asked), options.context) }),
    });
  const decision = decide(principal);
  const path = decision.kind === 'denied' ? pathOf(access, principal, decide) : undefined;
  if (decision.kind === 'cannot-decide') context.exitCode = EXIT.undecided;
  if (options.format === 'json')
    writeJson(context, {
      schemaVersion: ACCESS_SCHEMA_VERSION,
      kind: 'PermissionDecision',
      principal: principalJson(principal),
      resource: options.resource ?? null,
      ...decisionJson(decision),
      ...(path === undefined
        ? {}
        : {
            path: path.steps.map((step) => ({
              role: principalJson(step.role),
              ...decisionJson(step.decision),
            })),
          }),
      ...(warning === undefined ? {} : { warning }),
      catalogue: catalogueJson,
    });
  else writeLines(context, explanationText(principal, decision, path, options, context));
}

function findOne(access: Access, name: string): KnownPrincipal {
  const found = access.find(name);
  const [only] = found;
  if (only === undefined)
    throw new CliFailure(EXIT.malformed, `there is no user, group or role \`${name}\` in this snapshot`, {
      remedy: 'give its ARN or its name as IAM spells it',
    });
  if (found.length > 1)
    throw new CliFailure(EXIT.malformed, `\`${name}\` is the name of ${found.length} principals`, {
      details: found.map(({ arn }) => `  ${printable(arn)}`),
      remedy: 'give the ARN of the one that is meant',
    });
  return only;
}

/** What follows from the principal, and over it what the command line says. */
function contextWith(own: RequestContext, given: ReadonlyMap<string, readonly string[]>): RequestContext {
  return {
    lookup: (key) => {
      const values = given.get(key.toLowerCase());
      return values === undefined ? own.lookup(key) : known(...values);
    },
  };
}

function pathOf(
  access: Access,
  principal: KnownPrincipal,
  decide: (of: KnownPrincipal) => PermissionDecision,
): AccessPath | undefined {
  if (principal.type !== 'user' && principal.type !== 'role') return undefined;
  const targets = access.principals
    .filter(({ type }) => type === 'role')
    .flatMap((role) => {
      const { kind } = decide(role);
      return kind === 'denied' ? [] : [[role, kind] as const];
    });
  return pathsTo(access, new Map(targets)).find(({ from }) => from === principal);
}

function explanationText(
  principal: KnownPrincipal,
  decision: PermissionDecision,
  path: AccessPath | undefined,
  { resource }: Options,
  { width, color }: CommandContext,
): readonly string[] {
  const paint: Paint = painter(color);
  const item = (text: string): readonly string[] => wrap(`- ${printable(text)}`, width, '  ', '    ');
  const on = resource === undefined ? '' : ` on ${printable(resource)}`;
  const lead = `${principalWords(principal)}, ${decision.action}${on}: ${CERTAINTY_WORDS[decision.kind]}`;
  const reasons =
    decision.kind === 'denied'
      ? [decision.because]
      : decision.kind === 'cannot-decide'
        ? [decision.detail]
        : [];
  return [
    ...wrap(printable(lead), width).map((line) => paint('bold', line)),
    ...reasons.flatMap(item),
    ...decision.statements.map(describeStatement).flatMap(item),
    ...(path === undefined
      ? []
      : [
          '',
          paint('bold', 'But by assuming roles'),
          ...item(`${describePath(path, `do ${decision.action}`)} (${CERTAINTY_WORDS[path.certainty]})`),
          ...path.steps.flatMap(({ decision: step }) => step.statements.map(describeStatement)).flatMap(item),
        ]),
    '',
    `actions of the list of ${CATALOGUE.date}`,
  ];
}
