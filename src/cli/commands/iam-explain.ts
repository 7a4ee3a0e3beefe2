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
  layerOf,
  type PermissionDecision,
  type PolicyLayer,
  pathsTo,
  type RequestContext,
  readPolicy,
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
import { readTextFile } from '../files.ts';
import { examples, formatOption, snapshotOption } from '../options.ts';
import { note, writeJson, writeLines } from '../output.ts';
import { groupOf } from '../program.ts';
import { type Paint, painter, printable, wrap } from '../terminal/index.ts';

interface Options {
  readonly snapshot?: string;
  readonly resource?: string;
  readonly context?: ReadonlyMap<string, readonly string[]>;
  readonly sessionPolicy?: string;
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
    .option(
      '--session-policy <file>',
      'a JSON policy that was passed with the session; it only takes away, and roles are then not followed',
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
  const session = await sessionOf(principal, options.sessionPolicy, context);
  const decide = (of: KnownPrincipal): PermissionDecision =>
    access.decide(of, asked, {
      ...(session === undefined ? {} : { session }),
      resource: options.resource ?? ANY_RESOURCE,
      ...(options.context === undefined
        ? {}
        : { context: contextWith(access.contextOf(of, asked), options.context) }),
    });
  const decision = decide(principal);
  // What another role may do is not limited by the policy of this session, and whether the session gets there was not asked.
  const path =
    decision.kind === 'denied' && session === undefined ? pathOf(access, principal, decide) : undefined;
  if (decision.kind === 'cannot-decide') context.exitCode = EXIT.undecided;
  if (options.format === 'json')
    writeJson(context, {
      schemaVersion: ACCESS_SCHEMA_VERSION,
      kind: 'PermissionDecision',
      principal: principalJson(principal),
      resource: options.resource ?? null,
      ...(options.sessionPolicy === undefined
        ? {}
        : { sessionPolicy: options.sessionPolicy, rolesFollowed: false }),
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

/** @throws {CliFailure} malformed: the policy cannot be read, or the principal has no sessions */
async function sessionOf(
  { type, name }: KnownPrincipal,
  file: string | undefined,
  context: CommandContext,
): Promise<PolicyLayer | undefined> {
  if (file === undefined) return undefined;
  if (type !== 'role' && type !== 'user')
    throw new CliFailure(
      EXIT.malformed,
      `${type} \`${name}\` has no sessions that a policy could be passed with`,
      {
        remedy: 'name a role, or a user for a federated session',
      },
    );
  const read = readPolicy(`\`${file}\``, await readTextFile(file, context), 'identity');
  if (!read.ok)
    throw new CliFailure(EXIT.malformed, read.obstacle.detail, {
      remedy: 'give the JSON document that is passed as the session policy',
    });
  return layerOf('its session policy', [read]);
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
  { resource, sessionPolicy }: Options,
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
    ...(sessionPolicy === undefined
      ? []
      : [
          '',
          ...wrap(`in a session with the policy ${printable(sessionPolicy)}; roles were not followed`, width),
        ]),
    '',
    `actions of the list of ${CATALOGUE.date}`,
  ];
}
