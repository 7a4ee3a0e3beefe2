import { Command, CommanderError, Help } from 'commander';
import manifest from '../../package.json' with { type: 'json' };
import { commandLineFault } from './command-line.ts';
import { COMMANDS, type CommandRow, GROUPS } from './command-table.ts';
import type { CommandContext } from './context.ts';
import { EXIT, EXIT_CODE_HELP, type ExitCode } from './exit-codes.ts';
import { CliFailure } from './failure.ts';
import type { ToldFailure } from './json-failure.ts';
import { printable, wrapLines } from './terminal/index.ts';

/**
 * Runs one command line and says what it came to. Never ends the process, never throws.
 * @param argv - without the program's own name
 */
export async function runCli(
  argv: readonly string[],
  context: CommandContext,
  commands: readonly CommandRow[] = COMMANDS,
): Promise<ExitCode> {
  context.exitCode = EXIT.fine;
  if (!wantsJson(argv)) return runTold(argv, context, commands, () => undefined);
  let hasPrinted = false;
  let complained = '';
  let failure: ToldFailure | undefined;
  const watched: CommandContext = {
    ...context,
    stdout: {
      write: (text) => {
        hasPrinted ||= text !== '';
        context.stdout.write(text);
      },
    },
    stderr: {
      write: (text) => {
        complained += text;
        context.stderr.write(text);
      },
    },
  };
  const exitCode = await runTold(argv, watched, commands, (told) => {
    failure = told;
  });
  context.exitCode = exitCode;
  // A program that asked for JSON gets JSON, whatever went wrong; what a command has said itself stands alone. A refusal is an answer
  // and not thrown; a report written to a file is no failure.
  if (!hasPrinted && (failure !== undefined || /^refused: /m.test(complained))) {
    const { failureJson, toldOnStderr } = await import('./json-failure.ts');
    context.stdout.write(failureJson(failure ?? { exitCode, ...toldOnStderr(complained) }));
  }
  return exitCode;
}

/** Whether `--format json` was given, read without a parser: the command line itself may be what is wrong. The last one counts. */
function wantsJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  const options = end === -1 ? argv : argv.slice(0, end);
  const last = options.findLastIndex((word) => word === '--format' || word.startsWith('--format='));
  return options[last] === '--format=json' || (options[last] === '--format' && options[last + 1] === 'json');
}

async function runTold(
  argv: readonly string[],
  context: CommandContext,
  commands: readonly CommandRow[],
  tell: (failure: ToldFailure) => void,
): Promise<ExitCode> {
  let program: Command | undefined;
  try {
    program = await buildProgram(argv, context, commands);
    await program.parseAsync(argv.length === 0 ? ['--help'] : argv, { from: 'user' });
    return context.exitCode;
  } catch (error) {
    return failed(error, { argv, program, context, tell });
  }
}

/** The program with every command known by name; only the one that `argv` names is loaded. */
async function buildProgram(
  argv: readonly string[],
  context: CommandContext,
  commands: readonly CommandRow[],
): Promise<Command> {
  const program = new Command('proviso')
    .description(manifest.description)
    .version(manifest.version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .helpCommand('help [command]', 'show help for a command')
    .exitOverride()
    .configureHelp({
      optionDescription: (option) =>
        `${Help.prototype.optionDescription.call(new Help(), option)}${option.mandatory ? ' (required)' : ''}`,
    })
    .configureOutput({
      writeOut: (text) => context.stdout.write(text),
      writeErr: (text) => context.stderr.write(text),
      // Said by `failed`, in our words.
      outputError: () => undefined,
      getOutHelpWidth: () => context.width,
      getErrHelpWidth: () => context.width,
      getOutHasColors: () => context.color,
      getErrHasColors: () => false,
    })
    .addHelpText(
      'after',
      `\nExample:\n  $ proviso policy validate\n  $ proviso check --snapshot examples/organization\n\n${EXIT_CODE_HELP}`,
    );
  const words = argv.filter((word) => !word.startsWith('-'));
  const asked = words[0] === 'help' ? words.slice(1) : words;
  for (const row of commands) {
    const isMeant = row.path.every((word, index) => word === asked[index]);
    const name = row.path.at(-1) ?? '';
    if (isMeant) (await row.load()).register(program, context);
    else
      groupOf(program, ...row.path.slice(0, -1))
        .command(name)
        .description(row.summary);
  }
  return program;
}

/**
 * The group at `path` (`policy`, or `policy` and `review` inside it), made where it is asked for first: several files add commands
 * to one group. Without a path the program itself.
 */
export function groupOf(program: Command, ...path: readonly string[]): Command {
  return path.reduce(
    (parent, name, index) =>
      parent.commands.find((command) => command.name() === name) ??
      parent.command(name).description(GROUPS[path.slice(0, index + 1).join(' ')] ?? name),
    program,
  );
}

interface Asked {
  readonly argv: readonly string[];
  /** Undefined where a command could not be loaded. */
  readonly program: Command | undefined;
  readonly context: CommandContext;
  readonly tell: (failure: ToldFailure) => void;
}

function failed(error: unknown, { argv, program, context, tell }: Asked): ExitCode {
  if (error instanceof CommanderError && program !== undefined) {
    // Help and version end the parse by throwing too; a group without a command shows its help as a complaint.
    if (error.exitCode === 0) return EXIT.fine;
    const isGroup = error.code === 'commander.help';
    const fault = isGroup
      ? new CliFailure(EXIT.malformed, 'this is a group of commands, and none of them was named', {
          remedy: 'run it with --help to see how it is used',
        })
      : commandLineFault(error, program, argv);
    const { exitCode, message, remedy } = fault;
    if (!isGroup) printFailure(fault, context);
    tell({ exitCode, code: 'command-line', message: printable(message), remedy });
    return EXIT.malformed;
  }
  if (error instanceof CliFailure) {
    printFailure(error, context);
    const { exitCode, message, remedy, problems, details } = error;
    tell({ exitCode, message, remedy, problems, details });
    return error.exitCode;
  }
  const fault = error instanceof Error ? error : new Error(String(error));
  const complain = (text: string): void => {
    context.stderr.write(`${wrapLines(text, context.width).join('\n')}\n`);
  };
  const message = `something went wrong that should not: ${printable(fault.message)}`;
  tell({ exitCode: EXIT.fault, message, remedy: 'this is a fault of the program' });
  complain(`proviso: ${message}`);
  if (context.env['PROVISO_DEBUG'] === '1')
    context.stderr.write(`${(fault.stack ?? '').split('\n').map(printable).join('\n')}\n`);
  else complain('  this is a fault of the program; PROVISO_DEBUG=1 shows where it happened');
  return EXIT.fault;
}

function printFailure(failure: CliFailure, { stderr, width }: CommandContext): void {
  const lines = [...wrapLines(`proviso: ${printable(failure.message)}`, width)];
  for (const detail of failure.details) lines.push('', ...detail.split('\n').map(printable));
  if (failure.details.length > 0) lines.push('');
  if (failure.remedy !== undefined) lines.push(...wrapLines(printable(failure.remedy), width, '  '));
  stderr.write(`${lines.join('\n').trimEnd()}\n`);
}
