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
  const exitCode = await runCli(argv, processContext(interrupted.signal));
  return interrupts > 0 && exitCode === EXIT.fine ? EXIT.fault : exitCode;
}

function processContext(signal: AbortSignal): CommandContext {
  const { stdout, stderr, env } = process;
  const isTerminal = stdout.isTTY === true;
  const columns = isTerminal ? stdout.columns : DEFAULT_WIDTH;
  return {
    stdout: quietSink(stdout),
    stderr: quietSink(stderr),
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
 * code, which still means what it says.
 */
function quietSink(stream: NodeJS.WriteStream): TextSink {
  let isClosed = false;
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    isClosed = true;
  });
  return {
    write: (text) => {
      if (!isClosed) stream.write(text);
    },
  };
}
