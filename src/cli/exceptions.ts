import { Argument, type Command, type Option } from 'commander';
import type { OpenState } from '../compose.ts';
import type { ExceptionId, PrincipalId } from '../core/index.ts';
import {
  approvalSubject,
  describeState,
  type ExceptionRecord,
  pendingDecision,
  type Refusal,
  readException,
} from '../exceptions/index.ts';
import type { CommandContext } from './context.ts';
import { EXIT } from './exit-codes.ts';
import { CliFailure } from './failure.ts';
import { examples, formatOption, stateOption } from './options.ts';
import { writeJson, writeLines } from './output.ts';
import { groupOf } from './program.ts';
import { readExceptionId, refused } from './state.ts';
import { printable, wrap } from './terminal/index.ts';

/** What the commands of `proviso exception` have in common. */

export interface CommonOptions {
  readonly state: string;
  readonly format: string;
}
export interface ActingOptions extends CommonOptions {
  readonly as: PrincipalId;
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
    .addHelpText('after', examples(example));

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

/** @throws {CliFailure} when there is none: an unknown id is refused, not malformed */
export async function recordOf(state: OpenState, id: ExceptionId): Promise<ExceptionRecord> {
  const found = await readException(state.services.store, id);
  if (!found)
    throw new CliFailure(EXIT.findings, `there is no exception \`${id}\``, {
      remedy: '`proviso exception list` shows them',
    });
  return found.value;
}

/** The record with the hash that approvers sign. */
export async function exceptionJson(state: OpenState, record: ExceptionRecord): Promise<unknown> {
  const policy = await state.services.policyInForce.current();
  return { ...record, subjectHash: approvalSubject(record, policy.hash) ?? null };
}

/** Says what was done and how the exception stands now. */
export async function said(
  state: OpenState,
  id: ExceptionId,
  options: CommonOptions,
  context: CommandContext,
  what: string,
): Promise<void> {
  const record = await recordOf(state, id);
  if (options.format === 'json') return writeJson(context, await exceptionJson(state, record));
  const pending = pendingDecision(record);
  const still = pending === undefined ? '' : `; still missing: ${pending.missing.join(', ')}`;
  writeLines(
    context,
    wrap(printable(`${id}  ${what}; it is ${describeState(record.state)}${still}`), context.width),
  );
}

/** Refuses an act that no domain function judges, and records that. */
export async function refuse(
  state: OpenState,
  id: ExceptionId,
  by: PrincipalId,
  context: CommandContext,
  code: Refusal['code'],
  message: string,
): Promise<void> {
  await state.events.record({
    type: 'exception.act-refused',
    actor: { id: by, kind: 'person-unauthenticated' },
    subject: id,
    data: { code, says: `refused to ${by}: ${message}` },
  });
  refused(context, { code, message });
}
