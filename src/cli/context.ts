import type { Clock } from '../core/index.ts';
import type { ExitCode } from './exit-codes.ts';

/** Where text goes. A write after the reader has gone is dropped. */
export interface TextSink {
  write(text: string): void;
}

/**
 * Everything a command may know of the world around it, so that every command also runs in-process, in tests and in the demo.
 * A command writes data to `stdout`, progress and complaints to `stderr`, and never ends the process.
 */
export interface CommandContext {
  readonly stdout: TextSink;
  readonly stderr: TextSink;
  /** Whether `stdout` is a terminal. */
  readonly isTerminal: boolean;
  /** Whether `stderr` is one: a progress line that overwrites itself makes sense there only. */
  readonly isErrorTerminal: boolean;
  /** Columns that text may fill, 40 to 80. */
  readonly width: number;
  /** Colour never carries a meaning alone. */
  readonly color: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absolute; relative paths of the command line start here. */
  readonly cwd: string;
  readonly clock: Clock;
  /** Aborted when the user interrupts; a long command stops where it can. */
  readonly signal?: AbortSignal;
  /** What the run came to. Commands set it; it is `EXIT.fine` when a command starts. */
  exitCode: ExitCode;
  /** Set by a command that stays up until it is interrupted: a clean stop is then what was asked for, and exit code 0. */
  runsUntilInterrupted?: boolean;
}
