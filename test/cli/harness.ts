import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import type { CommandContext } from '../../src/cli/context.ts';
import { EXIT, type ExitCode } from '../../src/cli/exit-codes.ts';
import { runCli } from '../../src/cli/program.ts';
import { epochMs } from '../../src/core/index.ts';

export interface CliRun {
  readonly exitCode: ExitCode;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Where folders with a state directory are made: in memory, where that is possible. A command syncs every event and every commit, thousands in one file
 * of tests, and a disk that others keep busy takes a second for each.
 */
export const SCRATCH = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

export const REPOSITORY = new URL('../../', import.meta.url).pathname;

/** A context as on a pipe: 80 columns, no colour, the repository as folder. */
export const testContext = (overrides: Partial<CommandContext> = {}): CommandContext => ({
  stdout: { write: () => undefined },
  stderr: { write: () => undefined },
  isTerminal: false,
  isErrorTerminal: false,
  width: 80,
  color: false,
  env: {},
  cwd: REPOSITORY,
  clock: { now: () => epochMs(Date.UTC(2026, 10, 20, 9)) },
  exitCode: EXIT.fine,
  ...overrides,
});

/** Runs one command line in this process. */
export async function run(argv: readonly string[], overrides: Partial<CommandContext> = {}): Promise<CliRun> {
  const out: string[] = [];
  const errors: string[] = [];
  const context = testContext({
    stdout: { write: (text) => void out.push(text) },
    stderr: { write: (text) => void errors.push(text) },
    ...overrides,
  });
  const exitCode = await runCli(argv, context);
  return { exitCode, stdout: out.join(''), stderr: errors.join('') };
}
