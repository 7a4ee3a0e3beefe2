import { resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import manifest from '../../../package.json' with { type: 'json' };
import { formatInstant, isRegion } from '../../core/index.ts';
import { type Check, doctorExitCode, type Seen } from '../../doctor/index.ts';
import type { CommandContext } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { CliFailure } from '../failure.ts';
import { examples, formatOption } from '../options.ts';
import { writeJson, writeLines } from '../output.ts';
import { printable, wrap } from '../terminal/index.ts';

interface Options {
  readonly stack?: string;
  readonly region?: string;
  readonly state?: string;
  readonly liveChecks?: 'markdown' | 'sh';
  readonly format: string;
}

export function register(program: Command, context: CommandContext): void {
  program
    .command('doctor')
    .description(
      'Look at a deployment, or at a state directory, from outside, and say what is not well and what to do. It only reads; what it may not read is told as unknown, never as fine. Exit code 1 where something is not well, 3 where something could not be told.',
    )
    .addOption(
      new Option('--stack <name>', 'the stack of the governance account, such as proviso-prod').argParser(
        readStack,
      ),
    )
    .addOption(new Option('--region <region>', 'of the stack; default: AWS_REGION').argParser(readRegion))
    .addOption(new Option('--state <dir>', 'look at a state directory on this machine').conflicts('stack'))
    .addOption(
      new Option(
        '--live-checks [form]',
        'print what only a real account can show, for a person (markdown) or as a script that only reads (sh)',
      )
        .choices(['markdown', 'sh'])
        .preset('markdown')
        .conflicts(['stack', 'state']),
    )
    .addOption(formatOption('text', 'json'))
    .addHelpText(
      'after',
      examples(
        'proviso doctor --stack proviso-prod --region eu-central-1',
        'proviso doctor --state .proviso/',
      ),
    )
    .action((options: Options) => doctor(options, context));
}

function readStack(text: string): string {
  if (!/^[A-Za-z][A-Za-z0-9-]{0,127}$/.test(text))
    throw new InvalidArgumentError('expected the name of a CloudFormation stack');
  return text;
}

function readRegion(text: string): string {
  if (!isRegion(text)) throw new InvalidArgumentError('expected an AWS Region code such as `eu-central-1`');
  return text;
}

async function doctor(options: Options, context: CommandContext): Promise<void> {
  if (options.liveChecks !== undefined) {
    const { LIVE_CHECKS, liveChecksMarkdown, liveChecksScript } = await import('../../doctor/index.ts');
    const print = options.liveChecks === 'sh' ? liveChecksScript : liveChecksMarkdown;
    context.stdout.write(print(LIVE_CHECKS));
    return;
  }
  const [what, checks] =
    options.state === undefined
      ? await deploymentOf(options, context)
      : [`state directory ${options.state}`, await stateOf(options.state, context)];
  context.exitCode = doctorExitCode(checks);
  const at = formatInstant(context.clock.now());
  if (options.format === 'json') return writeJson(context, { schemaVersion: 1, at, of: what, checks });
  const count = (outcome: Check['outcome']) => checks.filter((check) => check.outcome === outcome).length;
  writeLines(context, [
    ...wrap(
      printable(
        `${what}: ${count('ok')} ok, ${count('not-ok')} not ok, ${count('cannot-tell')} cannot be told`,
      ),
      context.width,
    ),
    '',
    ...checks.flatMap((check) => linesOf(check, context.width)),
  ]);
}

const MARK = { ok: 'ok          ', 'not-ok': 'NOT OK      ', 'cannot-tell': 'cannot tell ' } as const;
const INDENT = ' '.repeat(12);

const linesOf = ({ id, outcome, found, means, todo }: Check, width: number): readonly string[] => [
  ...wrap(printable(`${id}: ${found}`), width, MARK[outcome], INDENT),
  ...(means === undefined ? [] : wrap(printable(`means: ${means}`), width, INDENT, `${INDENT}  `)),
  ...(todo === undefined ? [] : wrap(printable(`do: ${todo}`), width, INDENT, `${INDENT}  `)),
];

async function deploymentOf(
  { stack, region = undefined }: Options,
  context: CommandContext,
): Promise<readonly [string, readonly Check[]]> {
  const where = region ?? context.env['AWS_REGION'] ?? context.env['AWS_DEFAULT_REGION'];
  if (stack === undefined || where === undefined || !isRegion(where))
    throw new CliFailure(EXIT.malformed, 'nothing was named to look at', {
      remedy: 'give `--stack NAME` and `--region REGION` (or AWS_REGION), or `--state DIR`',
    });
  const { seeDeployment } = await import('../../adapters/aws/deployment.ts');
  const { homeSettings } = await import('../../adapters/aws/home-settings.ts');
  const { deploymentChecks } = await import('../../doctor/index.ts');
  const seen = await seeDeployment({
    stackName: stack,
    settings: homeSettings(where, 2),
    clock: context.clock,
    version: manifest.version,
    health: (address) => healthOf(address, where, context),
  });
  return [`stack ${stack} in ${where}`, deploymentChecks(seen)];
}

async function healthOf(
  address: string,
  region: string,
  context: CommandContext,
): Promise<Seen<{ readonly version: string; readonly hasPolicy: boolean }>> {
  const { apiClient, sigV4 } = await import('../../adapters/http/index.ts');
  try {
    const url = new URL(address);
    const answered = await apiClient(url, sigV4(url, region), context.signal).call('getHealth', {
      params: {},
    });
    if (!answered.ok)
      return {
        kind: 'unseen',
        because: `the API refused: ${answered.error.message}`,
        ...(answered.error.code === 'CALLER_UNKNOWN' ? { permission: 'execute-api:Invoke' } : {}),
      };
    const { version, policy } = answered.value as {
      readonly version: string;
      readonly policy: string | null;
    };
    return { kind: 'seen', value: { version, hasPolicy: policy !== null } };
  } catch (error) {
    return { kind: 'unseen', because: error instanceof Error ? error.message : 'the API could not be asked' };
  }
}

/** Fires nothing: what is overdue is to be seen. */
async function stateOf(directory: string, context: CommandContext): Promise<readonly Check[]> {
  const { MalformedPeople, openState } = await import('../../compose.ts');
  const { stateChecks } = await import('../../doctor/index.ts');
  const { POLICY_KEY, readRecord, standingOf } = await import('../../exceptions/index.ts');
  const { allExceptions } = await import('../../api/index.ts');
  const opened = openState(resolve(context.cwd, directory));
  if (!opened.ok) {
    const { code, message, remedy } = opened.error;
    const found = message.replace(resolve(context.cwd, directory), directory);
    if (code === 'missing') throw new CliFailure(EXIT.malformed, found, { remedy });
    return code === 'busy'
      ? [
          {
            id: 'writer lock',
            outcome: 'cannot-tell',
            found,
            means: 'a command, `run` or `serve` is at work; nothing else can be looked at',
            todo: remedy,
          },
        ]
      : [
          {
            id: 'state directory',
            outcome: 'not-ok',
            found,
            means: 'nothing in it can be trusted, and nothing in it acts',
            todo: remedy,
          },
        ];
  }
  const state = opened.value;
  try {
    const now = state.clock.now();
    const people = await state.services.directory.people().then(
      (all) => all.filter(({ isActive }) => isActive).length,
      (error: unknown) => {
        if (!(error instanceof MalformedPeople)) throw error;
        return { fault: error.message };
      },
    );
    const overdue = (await allExceptions(state.services.store))
      .map(({ record, leases }) => standingOf(record, leases, now))
      .filter((each) => each.isOn && each.overdueMinutes > 0)
      .map(({ id, overdueMinutes }) => ({ id, minutes: overdueMinutes }));
    return stateChecks({
      now,
      wallClock: context.clock.now(),
      mode: state.mode,
      recordFault: state.recordFault?.message.replace(`${resolve(context.cwd, directory)}/`, ''),
      hasPolicy: (await readRecord(state.services.store, POLICY_KEY)) !== undefined,
      people,
      overdue,
      nextDueAt: state.world.nextDueAt(),
    });
  } finally {
    state.close();
  }
}
