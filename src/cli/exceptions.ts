import { Argument, type Command, type Option } from 'commander';
import type { z } from 'zod';
import type { ExceptionView, Failure } from '../api/index.ts';
import { type ExceptionId, type PrincipalId, parseSourceDocument, type Result } from '../core/index.ts';
import { describeState, parseRequest, pendingDecision, type requestSchema } from '../exceptions/index.ts';
import type { CommandContext } from './context.ts';
import { apiOption, type Desk, type DeskOptions, tokenFileOption } from './desk.ts';
import { EXIT } from './exit-codes.ts';
import { CliFailure } from './failure.ts';
import { readTextFile } from './files.ts';
import { examples, formatOption, stateOption } from './options.ts';
import { writeJson, writeLines } from './output.ts';
import { malformedDocuments } from './policies.ts';
import { groupOf } from './program.ts';
import { readExceptionId, refused } from './state.ts';
import { printable, wrap } from './terminal/index.ts';

/** What the commands of `proviso exception` have in common. */

export interface CommonOptions extends DeskOptions {
  readonly format: string;
}
/** `--as` may be left out where an API says who calls. */
export interface ActingOptions extends CommonOptions {
  readonly as?: PrincipalId;
}
export interface ReasonedOptions extends ActingOptions {
  readonly reason: string;
}

export const exceptionCommand = (
  program: Command,
  name: string,
  description: string,
  example: string,
  format: Option = formatOption('text', 'json'),
): Command =>
  groupOf(program, 'exception')
    .command(name)
    .description(description)
    .addOption(stateOption())
    .addOption(format)
    .addOption(apiOption())
    .addOption(tokenFileOption())
    .addHelpText('after', examples(example));

/** A request file, as what is sent. @throws {CliFailure} with every fault and its place, before anything is asked */
export async function readRequest(
  file: string,
  context: CommandContext,
): Promise<z.output<typeof requestSchema>> {
  const text = await readTextFile(file, context);
  const parsed = parseRequest(text, file);
  const document = parseSourceDocument(text, file);
  if (!parsed.ok || !document.ok)
    throw malformedDocuments(
      parsed.ok ? [] : parsed.error,
      `\`${file}\` is not a request that can be judged`,
    );
  return document.value.value as z.output<typeof requestSchema>;
}

/** A command about one exception. */
export const commandAbout = (
  program: Command,
  name: string,
  description: string,
  example: string,
  format?: Option,
): Command =>
  exceptionCommand(program, name, description, example, format).addArgument(
    new Argument('<id>', 'exception id').argParser(readExceptionId),
  );

/** The exception as it stands. @throws {CliFailure} when there is none: an unknown id is refused, not malformed */
export async function viewOf(desk: Desk, id: ExceptionId): Promise<ExceptionView> {
  const view = await desk.call('getException', { params: { id } });
  if (view.ok) return view.value;
  throw unknownOr(view.error);
}

export const unknownOr = ({ message }: Failure): CliFailure =>
  new CliFailure(EXIT.findings, message, { remedy: '`proviso exception list` shows them' });

/** Says what was done and how the exception stands now, or why it was refused. */
export function said(
  done: Result<ExceptionView, Failure>,
  id: ExceptionId,
  options: CommonOptions,
  context: CommandContext,
  what: string,
): void {
  if (!done.ok) {
    if (done.error.code === 'UNKNOWN_EXCEPTION') throw unknownOr(done.error);
    refused(context, done.error);
    return;
  }
  const { exception: record } = done.value;
  if (options.format === 'json') {
    writeJson(context, record);
    return;
  }
  const pending = pendingDecision(record);
  const still = pending === undefined ? '' : `; still missing: ${pending.missing.join(', ')}`;
  writeLines(
    context,
    wrap(printable(`${id}  ${what}; it is ${describeState(record.state)}${still}`), context.width),
  );
}
