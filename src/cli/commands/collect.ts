import { resolve } from 'node:path';
import type { Command } from 'commander';
import { awsEvidenceSources } from '../../adapters/aws/index.ts';
import { writeSnapshot } from '../../adapters/files/index.ts';
import type { EpochMs, Region } from '../../core/index.ts';
import {
  collectSnapshot,
  type EvidenceSources,
  formatSnapshotProblem,
  type Snapshot,
} from '../../evidence/index.ts';
import type { CommandContext } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { CliFailure } from '../failure.ts';
import { encodeLeaseRows } from '../lease-rows.ts';
import { examples, formatOption, policyOption, readRegions } from '../options.ts';
import { note, writeJson, writeLines } from '../output.ts';
import { countOf, loadPolicy } from '../policies.ts';
import { progressReporter } from '../progress.ts';

interface Options {
  readonly out: string;
  readonly policy: string;
  readonly region?: readonly Region[];
  readonly role?: string;
  readonly externalId?: string;
  readonly state?: string;
  readonly format: string;
}

export function register(program: Command, context: CommandContext): void {
  program
    .command('collect')
    .description(
      'Take a snapshot of an AWS organization: read only, with the default credentials in the management or a delegated administrator account, and one role in each member account. No prompt, secret or token is ever in it. Exit code 3 when something could not be read.',
    )
    .requiredOption('--out <dir>', 'where to write the snapshot')
    .option(
      '--region <region>',
      'ask this Region (repeatable; default: those the policy governs)',
      readRegions,
    )
    .addOption(policyOption())
    .option(
      '--role <name>',
      'role to assume in member accounts, with its path (default: proviso/ProvisoCollect)',
    )
    .option('--external-id <id>', 'external id that the role asks for')
    .option('--state <dir>', 'read the embedded AWS of a state directory instead of AWS')
    .addOption(formatOption('text', 'json'))
    .addHelpText(
      'after',
      examples(
        'proviso collect --out snapshot/',
        'proviso collect --out snapshot/ --region eu-central-1 --role audit/ReadOnly',
      ),
    )
    .action((options: Options) => collect(options, context));
}

interface Origin {
  readonly sources: EvidenceSources;
  readonly takenAt: EpochMs;
  /** For the snapshot's `leases`; AWS itself knows of none. */
  readonly leases?: unknown;
  readonly close: () => Promise<void>;
}

async function collect(options: Options, context: CommandContext): Promise<void> {
  const regions = options.region ?? (await loadPolicy(options.policy, context)).policy.storage.scope.regions;
  const origin = await openOrigin(options, context);
  const progress = progressReporter(context);
  try {
    const collected = await collectSnapshot(origin.sources, {
      regions,
      takenAt: origin.takenAt,
      onProgress: ({ done, total }) => progress.show(done, total),
      signal: context.signal,
    });
    progress.end();
    if (!collected.ok) {
      const { message, remedy, isRetryable } = collected.error;
      throw new CliFailure(EXIT.fault, message, {
        remedy: isRetryable ? `${remedy}; a retry can help` : remedy,
      });
    }
    const snapshot: Snapshot =
      origin.leases === undefined ? collected.value : { ...collected.value, leases: origin.leases };
    const written = await writeSnapshot(resolve(context.cwd, options.out), snapshot);
    if (!written.ok)
      throw new CliFailure(EXIT.malformed, 'the snapshot was not written', {
        details: written.error.map((problem) =>
          formatSnapshotProblem({
            ...problem,
            file: problem.file.replace(resolve(context.cwd, options.out), options.out),
          }),
        ),
      });
    report(snapshot, written.value.files, options, context);
  } finally {
    await origin.close();
  }
}

async function openOrigin(options: Options, context: CommandContext): Promise<Origin> {
  if (options.state === undefined) {
    const sources = awsEvidenceSources({
      clock: context.clock,
      ...(options.role === undefined ? {} : { roleName: options.role }),
      ...(options.externalId === undefined ? {} : { externalId: options.externalId }),
    });
    return { sources, takenAt: context.clock.now(), close: async () => sources.close() };
  }
  // Loaded only here: reading AWS itself needs neither SQLite nor the workflow runtime.
  const { stateEvidence } = await import('../state.ts');
  const state = await stateEvidence(options.state, context);
  return {
    sources: state.sources,
    takenAt: state.now,
    leases: encodeLeaseRows(state.leases),
    close: () => state.close(),
  };
}

function report(snapshot: Snapshot, files: number, options: Options, context: CommandContext): void {
  const unknown = unobservedOf(snapshot);
  if (unknown.length > 0) context.exitCode = EXIT.undecided;
  if (options.format === 'json') {
    writeJson(context, {
      schemaVersion: 1,
      out: options.out,
      files,
      accounts: snapshot.accounts.length,
      regions: snapshot.regions,
      unobserved: unknown,
    });
    return;
  }
  writeLines(context, [
    `${options.out}: ${countOf(snapshot.accounts.length, 'account')}, ${countOf(snapshot.regions.length, 'Region')}, ${countOf(files, 'file')}`,
  ]);
  const reasons = Map.groupBy(unknown, ({ reason }) => reason);
  for (const [reason, list] of reasons)
    note(context, `${countOf(list.length, 'observation')} not made (${reason}): ${accountsOf(list)}`);
}

interface Unobserved {
  readonly accountId: string;
  readonly region?: string;
  readonly what: 'iam' | 'invocationLogging' | 'dataRetention';
  readonly reason: string;
}

/** What could not be seen in accounts that are open; a suspended account was not called, and the check knows that. */
function unobservedOf(snapshot: Snapshot): readonly Unobserved[] {
  const closed = new Set(
    snapshot.organization.accounts
      .filter(({ state }) => state === 'SUSPENDED' || state === 'CLOSED')
      .map(({ id }) => id),
  );
  const all: Unobserved[] = [];
  for (const { accountId, iam } of snapshot.accounts)
    if (iam.kind === 'unobservable') all.push({ accountId, what: 'iam', reason: iam.reason });
  for (const pair of snapshot.accountRegions) {
    for (const what of ['invocationLogging', 'dataRetention'] as const) {
      const observation = pair[what];
      if (observation.kind === 'unobservable')
        all.push({ accountId: pair.accountId, region: pair.region, what, reason: observation.reason });
    }
  }
  return all.filter(
    ({ accountId }) => !closed.has(accountId as (typeof snapshot.accounts)[number]['accountId']),
  );
}

function accountsOf(list: readonly Unobserved[]): string {
  const ids = [...new Set(list.map(({ accountId }) => accountId))];
  const shown = ids.slice(0, 5).join(', ');
  return ids.length > 5 ? `${shown} and ${ids.length - 5} more accounts` : shown;
}
