import type { Problem } from '../core/index.ts';
import type { ExitCode } from './exit-codes.ts';

/**
 * A command cannot go on, and the person knows why: thrown by commands, printed by the frame.
 *
 * `message` says what happened (lower case, no full stop, user input in backticks); `remedy` what to do. `details` are printed
 * as they stand, before the remedy: one block for each fault of a file.
 */
export class CliFailure extends Error {
  readonly exitCode: ExitCode;
  readonly remedy: string | undefined;
  readonly details: readonly string[];
  /** The faults of a document, for `--format json`. */
  readonly problems: readonly Problem[];

  constructor(
    exitCode: ExitCode,
    message: string,
    more: {
      readonly remedy?: string;
      readonly details?: readonly string[];
      readonly problems?: readonly Problem[];
      readonly cause?: unknown;
    } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.name = 'CliFailure';
    this.exitCode = exitCode;
    this.remedy = more.remedy;
    this.details = more.details ?? [];
    this.problems = more.problems ?? [];
  }
}
