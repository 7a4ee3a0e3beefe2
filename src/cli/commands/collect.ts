import { resolve } from 'node:path';
import type { Command } from 'commander';
import pMap from 'p-map';
import { awsEvidenceSources } from '../../adapters/aws/index.ts';
import { openSnapshot, type SnapshotWriter, startSnapshot } from '../../adapters/files/index.ts';
import { countOf, type EpochMs, ok, type Region } from '../../core/index.ts';
import {
  collectAccount,
  collectHead,
  EvidenceError,
  type EvidenceSources,
  formatSnapshotProblem,
  type SnapshotProblem,
  type SnapshotSource,
} from '../../evidence/index.ts';
import type { CommandContext } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { CliFailure } from '../failure.ts';
import { encodeLeaseRows } from '../lease-rows.ts';
import { examples, formatOption, policyOption, readRegions } from '../options.ts';
import { note, writeJson, writeLines } from '../output.ts';
import { loadPolicy } from '../policies.ts';
import { progressReporter } from '../progress.ts';
import { seenOf, unseenLines } from '../unseen.ts';

interface Options {
  readonly searchLogGroups?: true;
  readonly out: string;
  readonly policy: string;
  readonly region?: readonly Region[];
  readonly role?: string;
  readonly externalId?: string;
  readonly resume?: boolean;
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
      'ask this Region and no other (repeatable; default: those the policy governs, and all others that the account can use)',
      readRegions,
    )
    .addOption(policyOption())
    .option(
      '--role <name>',
      'role to assume in member accounts, with its path (default: proviso/ProvisoCollect)',
    )
    .option('--external-id <id>', 'external id that the role asks for')
    .option('--organization', 'every account of the organization (the default, and the only choice)')
    .option(
      '--resume',
      'go on with a collection that was stopped; accounts that are whole are not read again',
    )
    .option(
      '--search-log-groups',
      'also count records with prompts or responses in the log groups of model use: a query that reads them, and that AWS charges for',
    )
    .option('--state <dir>', 'read the embedded AWS of a state directory instead of AWS')
    .addOption(formatOption('text', 'json'))
    .addHelpText(
      'after',
      examples(
        'proviso collect --out snapshot/',
        'proviso collect --out snapshot/ --region eu-central-1 --role audit/ReadOnly',
        'proviso collect --out snapshot/ --resume',
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

/** Accounts that are read at the same time, each of which is in memory while it is. */
const ACCOUNTS_AT_ONCE = 4;
/** In each, IAM and Regions asked at the same time: different Regions have budgets of their own at AWS. */
const PLACES_AT_ONCE = 3;

async function collect(options: Options, context: CommandContext): Promise<void> {
  const regions = options.region ?? (await loadPolicy(options.policy, context)).policy.storage.scope.regions;
  const origin = await openOrigin(options, context);
  try {
    const { signal } = context;
    const out = resolve(context.cwd, options.out);
    const started = await startSnapshot(out, options.resume === true, async () => {
      const head = await collectHead(origin.sources, { regions, takenAt: origin.takenAt, signal });
      return head.ok && origin.leases !== undefined ? ok({ ...head.value, leases: origin.leases }) : head;
    });
    if (!started.ok) throw notStarted(started.error, options, context);
    const writer = started.value;
    if (writer.head.regions.join() !== [...new Set(regions)].join())
      throw new CliFailure(EXIT.malformed, 'the collection to go on with asked other Regions', {
        remedy: `give its Regions (${writer.head.regions.map((each) => `--region ${each}`).join(' ')}), or remove \`${options.out}.partial\` to begin anew`,
      });
    await readAccounts(origin.sources, writer, options, context);
    const files = await writer.finish();
    await report(await openWritten(out, options, context), files, options, context);
  } finally {
    await origin.close();
  }
}

async function readAccounts(
  sources: EvidenceSources,
  writer: SnapshotWriter,
  options: Options,
  context: CommandContext,
): Promise<void> {
  const { signal } = context;
  const { head } = writer;
  const all = head.organization.accounts;
  const missing = all.filter(({ id }) => !writer.finished.has(id));
  if (missing.length < all.length)
    note(context, `${all.length - missing.length} of ${countOf(all.length, 'account')} were read before`);
  const progress = progressReporter(context);
  let done = 0;
  let failure: unknown;
  // Nothing is thrown before every account under way has ended: one that is being written must not outlive the command.
  await pMap(
    missing,
    async (account) => {
      if (signal?.aborted === true || failure !== undefined) return;
      try {
        await writer.write(
          await collectAccount(sources, head, account, {
            signal,
            concurrency: PLACES_AT_ONCE,
            optIn: options.searchLogGroups === true ? ['logGroupContent'] : [],
            onlyTheseRegions: options.region !== undefined,
          }),
        );
        done += 1;
        progress.show(done, missing.length);
      } catch (error) {
        failure ??= error;
      }
    },
    { concurrency: ACCOUNTS_AT_ONCE },
  );
  progress.end();
  if (writer.finished.size === all.length) return;
  if (signal?.aborted !== true) throw failure;
  throw new CliFailure(
    EXIT.fault,
    `stopped: ${writer.finished.size} of ${countOf(all.length, 'account')} were read and are kept in \`${options.out}.partial\``,
    { remedy: 'go on with the same command and `--resume`' },
  );
}

function notStarted(
  error: EvidenceError | readonly SnapshotProblem[],
  options: Options,
  context: CommandContext,
): CliFailure {
  if (error instanceof EvidenceError) {
    const { message, remedy, isRetryable } = error;
    return new CliFailure(EXIT.fault, message, {
      remedy: isRetryable ? `${remedy}; a retry can help` : remedy,
    });
  }
  const out = resolve(context.cwd, options.out);
  return new CliFailure(EXIT.malformed, 'the snapshot was not written', {
    details: error.map((problem) =>
      formatSnapshotProblem({ ...problem, file: problem.file.replace(out, options.out) }),
    ),
  });
}

/** What was written is read again for the report: the accounts of an earlier attempt count too, and it is proven to be readable. */
async function openWritten(out: string, options: Options, context: CommandContext): Promise<SnapshotSource> {
  const opened = await openSnapshot(out);
  if (!opened.ok) throw notStarted(opened.error, options, context);
  return opened.value;
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

async function report(
  source: SnapshotSource,
  files: number,
  options: Options,
  context: CommandContext,
): Promise<void> {
  const { organization, regions } = source.head;
  const { unseen, furtherRegions } = await seenOf(source);
  if (unseen.length > 0) context.exitCode = EXIT.undecided;
  if (options.format === 'json') {
    writeJson(context, {
      schemaVersion: 1,
      out: options.out,
      files,
      accounts: organization.accounts.length,
      regions,
      furtherRegions,
      unobserved: unseen,
    });
    return;
  }
  writeLines(context, [
    `${options.out}: ${countOf(organization.accounts.length, 'account')}, ${countOf(regions.length, 'Region')}${furtherRegions.length === 0 ? '' : ` and ${furtherRegions.length} more that accounts can use`}, ${countOf(files, 'file')}`,
  ]);
  for (const line of unseenLines(unseen)) note(context, line);
}
