import { resolve } from 'node:path';
import { InvalidArgumentError, Option } from 'commander';
import { MalformedPeople, type OpenState, openState } from '../compose.ts';
import { type ExceptionId, formatProblem, isExceptionId } from '../core/index.ts';
import {
  type KeptException,
  type LeaseRow,
  leasesOf,
  listExceptions,
  listLeaseRows,
  NoPolicyInForce,
  type Refusal,
} from '../exceptions/index.ts';
import { listDeclaredChanges, listReviews, type ReviewHistory, tellReviews } from '../review/index.ts';
import type { CommandContext } from './context.ts';
import { EXIT } from './exit-codes.ts';
import { CliFailure } from './failure.ts';
import { kindOfPath } from './files.ts';
import { DEFAULT_POLICY, readPrincipal } from './options.ts';
import { note } from './output.ts';
import { loadPolicy } from './policies.ts';
import type { StateEvidence } from './state-evidence.ts';
import { printable, wrap } from './terminal/index.ts';
import { saysOf } from './timeline.ts';

/** Who acts. On one machine nobody proves it, and the record says so. */
export const asOption = (): Option =>
  new Option('--as <id>', 'who acts: an id of the state’s people.yaml (recorded as not authenticated)')
    .makeOptionMandatory()
    .argParser(readPrincipal);

/** As `asOption`, where an API may say who acts. */
export const actorOption = (): Option =>
  new Option(
    '--as <id>',
    'who acts: an id of the state’s people.yaml (recorded as not authenticated); an API knows who calls',
  ).argParser(readPrincipal);

export function readExceptionId(text: string): ExceptionId {
  if (!isExceptionId(text))
    throw new InvalidArgumentError(
      'expected an exception id such as `ex-a1b2c3d4e5f6`; `proviso exception list` shows them',
    );
  return text;
}

/** Opens the state, first fires what is due (there is no daemon), runs the command, and gives the state back. */
export async function withState<T>(
  directory: string,
  context: CommandContext,
  act: (state: OpenState) => Promise<T>,
): Promise<T> {
  const state = openStateOf(directory, context);
  try {
    await state.world.pump();
    const result = await act(state);
    // Done, but the record of it is broken: never reported as fine.
    if (state.recordFault !== undefined && context.exitCode === EXIT.fine) context.exitCode = EXIT.fault;
    return result;
  } catch (error) {
    if (error instanceof MalformedPeople)
      throw new CliFailure(EXIT.malformed, error.message, {
        details: error.problems.map(formatProblem),
        remedy: 'mend the file; what ends on its own goes on ending meanwhile',
        problems: error.problems,
      });
    if (isSqliteFault(error))
      throw new CliFailure(EXIT.fault, `the state directory cannot be read or written: ${error.message}`, {
        remedy: 'check the disk; if a file is damaged, restore the whole directory from a backup',
      });
    if (error instanceof NoPolicyInForce)
      throw new CliFailure(EXIT.findings, error.message, {
        remedy: 'adopt one: proviso policy adopt --as ID',
      });
    throw error;
  } finally {
    state.close();
  }
}

const isSqliteFault = (error: unknown): error is Error =>
  error instanceof Error && 'code' in error && error.code === 'ERR_SQLITE_ERROR';

function openStateOf(directory: string, context: CommandContext): OpenState {
  const opened = openState(resolve(context.cwd, directory));
  if (opened.ok) {
    const { recordFault } = opened.value;
    if (recordFault !== undefined) {
      note(
        context,
        `proviso: ${recordFault.message.replace(`${resolve(context.cwd, directory)}/`, `${directory.replace(/\/$/, '')}/`)}`,
      );
      note(
        context,
        `  ${recordFault.remedy.replace(`${resolve(context.cwd, directory)}/`, `${directory.replace(/\/$/, '')}/`)}`,
      );
    }
    return opened.value;
  }
  const { code, message, remedy } = opened.error;
  throw new CliFailure(
    code === 'busy' || code === 'damaged' ? EXIT.fault : EXIT.malformed,
    message.replace(resolve(context.cwd, directory), directory),
    { remedy },
  );
}

/**
 * What `collect --state` and `check --state` read: the embedded AWS as it is now, the leases that govern it, and what was recorded.
 * What is due is fired first, as every command does.
 */
export async function stateEvidence(directory: string, context: CommandContext): Promise<StateEvidence> {
  const state = openStateOf(directory, context);
  try {
    await state.world.pump();
    return { ...(await evidenceOf(state)), close: async () => state.close() };
  } catch (error) {
    state.close();
    throw error;
  }
}

/** The same of a state that is open and stays so. */
export async function evidenceOf(state: OpenState): Promise<StateEvidence> {
  const rows = (await listLeaseRows(state.services.store)).map(({ value }) => value);
  return {
    sources: state.aws.evidence,
    isSimulated: state.mode === 'simulated',
    now: state.clock.now(),
    leases: rows,
    exceptions: await keptExceptions(state, rows),
    reviews: await reviewHistory(state),
    timeline: state.events.events().map((event) => ({
      at: event.at,
      title: saysOf(event),
      detail: event.subject,
      actor: event.actor.id,
    })),
    close: async () => undefined,
  };
}

/** Every exception on record, with its leases and the last look at it. */
export async function keptExceptions(
  { services, events }: OpenState,
  rows: readonly LeaseRow[],
): Promise<readonly KeptException[]> {
  const reviewedAt = new Map(
    events
      .events()
      .flatMap(({ type, subject, at }) => (type === 'exception.reviewed' ? [[subject, at]] : [])),
  );
  return (await listExceptions(services.store)).map(({ value: record }) => {
    const lastReviewedAt = reviewedAt.get(record.id);
    return {
      record,
      leases: leasesOf(rows, record.id),
      ...(lastReviewedAt === undefined ? {} : { lastReviewedAt }),
    };
  });
}

/** Everything the state knows of reviews of its policy. */
export async function reviewHistory({ services, events }: OpenState): Promise<ReviewHistory> {
  await tellReviews(services);
  return {
    reviews: await listReviews(services.store),
    changes: await listDeclaredChanges(services.store),
    inForceSince: events.events().find(({ type }) => type === 'policy.adopted')?.at,
  };
}

/**
 * The policy that a command counts on: the one it was given, else the default where it exists, else whichever is in force. Whether it is
 * in force is judged where the command is carried out.
 */
export async function policyCountedOn(
  file: string | undefined,
  context: CommandContext,
): Promise<{ readonly name: string; readonly hash: string } | undefined> {
  if (file === undefined && (await kindOfPath(DEFAULT_POLICY, context)) === 'nothing') return undefined;
  const loaded = await loadPolicy(file ?? DEFAULT_POLICY, context);
  return { name: loaded.file, hash: loaded.hash };
}

/** A refusal is an answer: it goes to stderr in full, the exit code is 1, and it has been recorded. */
export function refused(
  context: CommandContext,
  refusal: Pick<Refusal, 'message' | 'conditions'> & { readonly code: string },
): void {
  const failed = (refusal.conditions ?? []).filter(({ holds }) => holds !== 'met');
  const lines =
    failed.length === 0
      ? wrap(`refused: ${printable(refusal.message)}`, context.width)
      : [
          `refused: ${failed.length} of ${refusal.conditions?.length} conditions of the policy`,
          ...failed.flatMap(({ clause, holds, says }) =>
            wrap(
              printable(`${holds === 'not-met' ? 'not met  ' : 'undecided'}  ${clause}: ${says}`),
              context.width,
              '  ',
              '      ',
            ),
          ),
        ];
  context.stderr.write(`${[...lines, `  [${refusal.code}]`].join('\n')}\n`);
  context.exitCode = EXIT.findings;
}
