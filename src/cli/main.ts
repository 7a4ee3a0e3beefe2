import { epochMs } from '../core/brands.ts';
import type { CommandContext, TextSink } from './context.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { runCli } from './program.ts';

export { runCli } from './program.ts';

const DEFAULT_WIDTH = 80;
const NARROWEST = 40;

/** Runs the command line of this process: its streams, its environment, its clock. Called by `bin/proviso.js` alone. */
export async function runProcess(argv: readonly string[]): Promise<ExitCode> {
  const interrupted = new AbortController();
  let interrupts = 0;
  process.on('SIGINT', () => {
    interrupts += 1;
    interrupted.abort();
    // The second one means it: somebody waits for a command that does not stop.
    if (interrupts > 1) process.exit(130);
  });
  const output: Output = { isBroken: false };
  const context = processContext(interrupted.signal, output);
  const exitCode = await runCli(argv, context);
  if (output.isBroken) return EXIT.fault;
  const isCutShort = interrupts > 0 && context.runsUntilInterrupted !== true;
  return isCutShort && exitCode === EXIT.fine ? EXIT.fault : exitCode;
}

/** Whether something that was to be written is lost. */
interface Output {
  isBroken: boolean;
}

function processContext(signal: AbortSignal, output: Output): CommandContext {
  const { stdout, stderr, env } = process;
  const isTerminal = stdout.isTTY === true;
  const columns = isTerminal ? stdout.columns : DEFAULT_WIDTH;
  return {
    stdout: sink(stdout, output),
    stderr: sink(stderr, output),
    isTerminal,
    isErrorTerminal: stderr.isTTY === true,
    width: Math.min(DEFAULT_WIDTH, Math.max(NARROWEST, columns || DEFAULT_WIDTH)),
    // https://no-color.org: set and not empty, whatever its value.
    color: isTerminal && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb',
    env,
    cwd: process.cwd(),
    clock: { now: () => epochMs(Date.now()) },
    signal,
    exitCode: EXIT.fine,
  };
}

/**
 * A reader that closes early (`| head`) is not an error: what it does not want is dropped, and the command goes on to its exit
 * code, which still means what it says. Any other failure (a full disk) means that the data is not where somebody will look for it.
 */
function sink(stream: NodeJS.WriteStream, output: Output): TextSink {
  let isClosed = false;
  stream.on('error', (error: NodeJS.ErrnoException) => {
    const isFirst = !isClosed;
    isClosed = true;
    if (error.code === 'EPIPE' || !isFirst) return;
    output.isBroken = true;
    // The event can come after the command has ended.
    process.exitCode = EXIT.fault;
    if (stream !== process.stderr)
      process.stderr.write(
        `proviso: the output could not be written: ${error.code ?? 'unknown error'}\n  what was written is not complete\n`,
      );
  });
  return {
    write: (text) => {
      if (!isClosed) stream.write(text);
    },
  };
}
