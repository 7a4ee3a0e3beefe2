import type { Problem } from '../core/index.ts';
import { wellFormed } from '../core/index.ts';
import type { ExitCode } from './exit-codes.ts';
import { jsonLine } from './output.ts';

/** Why a command gave no answer, for a program that reads its standard output. */
export interface ToldFailure {
  readonly exitCode: ExitCode;
  /** Of a refusal or a complaint about the command line; a failure that only people are told about has none. */
  readonly code?: string | undefined;
  readonly message: string;
  readonly remedy?: string | undefined;
  readonly problems?: readonly Problem[];
  /** Faults that are told as text, because they have no line and column; one text for each. */
  readonly details?: readonly string[];
}

/**
 * `{"schemaVersion": 1, "error": {code?, exitCode, message, remedy?, problems, details?}}` in one line. `problems` is there in every error,
 * empty where no document is at fault, so that a reader need not ask.
 */
export function failureJson({
  exitCode,
  code,
  message,
  remedy,
  problems = [],
  details = [],
}: ToldFailure): string {
  return jsonLine(
    wellFormed({
      schemaVersion: 1,
      error: {
        exitCode,
        message,
        ...(code === undefined ? {} : { code }),
        ...(remedy === undefined ? {} : { remedy }),
        problems: problems.map(
          ({ file, line, column, path, code: kind, message: says, remedy: correction }) => ({
            file,
            line,
            column,
            path,
            code: kind,
            message: says,
            remedy: correction,
          }),
        ),
        ...(details.length === 0 || problems.length > 0 ? {} : { details }),
      },
    }),
  );
}

/**
 * What a command that refused, without failing, told people: `refused: ...` and the refusal's code in brackets in its last line. The
 * wrapped lines are one sentence again.
 */
export function toldOnStderr(text: string): Pick<ToldFailure, 'code' | 'message'> {
  const code = /^ {2}\[([A-Z0-9_]+)\]\s*$/m.exec(text)?.[1];
  const message = text
    .replace(/^ {2}\[[A-Z0-9_]+\]\s*$/m, '')
    .replace(/\s+/g, ' ')
    .trim();
  return { code, message: message === '' ? 'the command gave no answer' : message };
}
